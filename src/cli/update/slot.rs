//! `yep slot`: which of the card's two systems runs, and the steps of a start that decide about it.

use std::io;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::{
    CardPlace, Refusal, io_failure, lock, proof, refusal, require_rest, restart_into_other, state_user, title,
};
use crate::cli::{Failure, Server, print};
use crate::store;
use crate::update::card::Card;
use crate::update::kept_state::{StateChoice, StateUser};
use crate::update::slots::StartAction;
use crate::update::{LeftBehind, SlotRecord};

const EXAMPLES: &str = "\
Examples:
  yep slot show                             which system runs, which one waits, how the last update ended
  yep slot back                             try the other system again; it stays if it is healthy
  yep slot try                              restart into the system that waits

A new system is tried three times; then the one before it stays.";

/// Show the two systems of this card, and go back to the other one
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    #[command(subcommand)]
    command: SlotCommand,
    #[command(flatten)]
    place: CardPlace,
    #[command(flatten)]
    server: Server,
}

#[derive(Debug, Subcommand)]
enum SlotCommand {
    /// Show both systems
    Show {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Restart into the system that waits for its first try
    Try,
    /// Try the other system again, which was replaced
    Back,
    /// The first step of a start: before the server
    #[command(hide = true)]
    Begin,
    /// The last step of a start: a new system proves itself, or is left
    #[command(hide = true)]
    Prove(proof::Arguments),
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let card = arguments.place.card()?;
    match &arguments.command {
        SlotCommand::Show { json } => show(&card, *json),
        SlotCommand::Try => {
            try_waiting(&card, &arguments.server, say_restart).map_err(|(_, failure)| failure)
        }
        SlotCommand::Back => back(&card, &arguments.server, say_restart).map_err(|(_, failure)| failure),
        SlotCommand::Begin => begin(&card),
        SlotCommand::Prove(how) => proof::prove(&card, how, &arguments.server),
    }
}

fn record(card: &Card) -> Result<SlotRecord, Failure> {
    card.record().map_err(io_failure("what is remembered of the systems"))
}

/// Version of the system that does not run: for one that is being tried, that of the one before it.
fn spare<'a>(card: &Card, record: &'a SlotRecord) -> Option<&'a str> {
    let is_tried = record.trial.as_ref().is_some_and(|trial| trial.slot == card.slot());
    if is_tried { record.replaced.as_deref() } else { record.spare.as_deref() }
}

/// Both systems, for programs.
pub(super) fn shown(card: &Card) -> Result<Value, Refusal> {
    let record = record(card).map_err(refusal("card"))?;
    Ok(json!({
        "running": card.slot(), "title": title(), "default": card.default_slot().ok(), "spare": spare(card, &record),
        "trial": record.trial, "last": record.last, "left_behind": record.left_behind,
    }))
}

fn show(card: &Card, json: bool) -> Result<(), Failure> {
    if json {
        return print(&format!("{}\n", shown(card).map_err(|(_, failure)| failure)?));
    }
    let record = record(card)?;
    let mut page = format!("running   {}: {}\n", card.slot(), title());
    page += &match card.default_slot() {
        Ok(slot) => format!("default   {slot}\n"),
        Err(error) => format!("default   not known: {error}\n"),
    };
    let spare = spare(card, &record).unwrap_or("nothing that starts");
    page += &format!("other     {}: {spare}\n", card.slot().other());
    if let Some(trial) = &record.trial {
        page +=
            &format!("trial     {} in {}, {} tries are left\n", trial.title, trial.slot, trial.tries_left);
    }
    if let Some(last) = &record.last {
        let how = if last.stays { "stayed" } else { "was left" };
        page += &format!("last      {} {how}: {}\n", last.title, last.why);
    }
    if let Some(left) = &record.left_behind {
        page += &format!("not here  {}\n", left_behind(left));
    }
    print(&page)
}

/// What was changed under the system that was left, for people.
fn left_behind(left: &LeftBehind) -> String {
    let kept = format!("; it is kept as states/state-{}", left.slot.letter());
    if let Some(why) = &left.unknown {
        return format!("what was changed under {} is not known: {why}{kept}", left.slot);
    }
    if left.changed.is_empty() {
        return format!("nothing: under {} nothing was changed that this one has", left.slot);
    }
    let more = if left.more > 0 { format!(" and {} more", left.more) } else { String::new() };
    format!("changed under {}: {}{more}{kept}", left.slot, left.changed.join(", "))
}

fn say_restart(title: &str) -> io::Result<()> {
    println!("it restarts into {title}");
    Ok(())
}

/// Restarts into the system that waits for a try; `told` is called right before, with what is started.
pub(super) fn try_waiting(
    card: &Card,
    server: &Server,
    told: impl FnOnce(&str) -> io::Result<()>,
) -> Result<(), Refusal> {
    let _lock = lock(card)?;
    require_rest(server).map_err(refusal("not_now"))?;
    let record = record(card).map_err(refusal("card"))?;
    try_other(card, record, told)
}

/// Restarts into the system that was replaced, which stays if it is healthy.
pub(super) fn back(
    card: &Card,
    server: &Server,
    told: impl FnOnce(&str) -> io::Result<()>,
) -> Result<(), Refusal> {
    let _lock = lock(card)?;
    require_rest(server).map_err(refusal("not_now"))?;
    let mut record = record(card).map_err(refusal("card"))?;
    let title = record.spare.clone().filter(|_| record.trial.is_none());
    let none = || ("no_spare", Failure::Refused("there is no other system to go back to".into()));
    let title = title.ok_or_else(none)?;
    let user = state_user(card);
    card.kept_state().note_user(user).map_err(io_failure("the stored state")).map_err(refusal("card"))?;
    record.begin_trial(card.slot().other(), title, super::title());
    try_other(card, record, told)
}

/// Counts a try, durably, and restarts into the other system.
fn try_other(
    card: &Card,
    mut record: SlotRecord,
    told: impl FnOnce(&str) -> io::Result<()>,
) -> Result<(), Refusal> {
    let default = card.default_slot().map_err(io_failure("autoboot.txt")).map_err(refusal("card"))?;
    let none = ("nothing_to_try", Failure::Refused("no system waits for being tried".into()));
    let (StartAction::TryOther, Some(trial)) = (record.start(card.slot(), default), record.trial.clone())
    else {
        return Err(none);
    };
    card.save(&record).map_err(io_failure("cannot count the try")).map_err(refusal("card"))?;
    // Who does not listen any more has asked for it all the same.
    let _ = told(&trial.title);
    restart_into_other(card).map_err(refusal("card"))
}

/// Decides about this start. An error leaves everything as it is: the default system goes on.
fn begin(card: &Card) -> Result<(), Failure> {
    let mut record = record(card)?;
    let default = card.default_slot().map_err(io_failure("autoboot.txt"))?;
    let before = record.clone();
    let action = record.start(card.slot(), default);
    if record != before {
        card.save(&record).map_err(io_failure("cannot note this start"))?;
    }
    let user = state_user(card);
    let states = card.kept_state();
    let chosen = match action {
        StartAction::TryOther => {
            println!("a new system waits: it is tried now");
            return restart_into_other(card);
        }
        StartAction::Prove => states.choose_for_try(user),
        StartAction::Go => {
            let failed = record.last.as_ref().filter(|last| !last.stays && last.slot != card.slot());
            if let Some(failed) = failed.filter(|_| record != before) {
                println!("{} was left: {}", failed.title, failed.why);
            }
            states.choose(user, failed.is_some())
        }
    };
    let chosen = chosen.map_err(io_failure("the stored state"))?;
    println!("{}", describe(chosen, user));
    if chosen == StateChoice::GivenBack {
        let other = user.slot.other();
        let snapshots = store::raw_snapshot(&states.left_by(other))
            .and_then(|left| Ok((left, store::raw_snapshot(&states.state)?)));
        let left = match snapshots {
            Ok((left, here)) => LeftBehind::between(other, &left, &here),
            Err(error) => LeftBehind::unknown(other, error.to_string()),
        };
        println!("{}", left_behind(&left));
        record.left_behind = Some(left);
        card.save(&record).map_err(io_failure("cannot note this start"))?;
    }
    Ok(())
}

fn describe(choice: StateChoice, user: StateUser) -> String {
    let other = user.slot.other();
    match choice {
        StateChoice::Own => format!("{} goes on with its state", user.slot),
        StateChoice::TakenOver => {
            format!("{} goes on with the state of {other}, of which a copy is kept", user.slot)
        }
        StateChoice::GivenBack => format!(
            "{} has the state that it left; what {other} changed since is not in it, and kept as states/state-{}",
            user.slot,
            other.letter()
        ),
        StateChoice::NothingKept => {
            format!("{} left no state before: it goes on with what is there", user.slot)
        }
    }
}
