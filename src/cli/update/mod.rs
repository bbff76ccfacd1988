//! `yep update`: takes a signed file as the card's next system; `yep slot`: which of its two systems runs, and whether a new
//! one stays. docs/UPDATE.md describes both.

pub mod install;
pub mod proof;
mod served;
pub mod slot;

use std::fs::{File, TryLockError};
use std::path::PathBuf;
use std::process::Command;

use clap::Args;

use super::{Failure, Server, status};
use crate::store;
use crate::update::card::Card;
use crate::update::kept_state::StateUser;

/// The version without the commit.
const VERSION: &str = env!("CARGO_PKG_VERSION");
/// The script that asks the firmware for one start of the other system, and restarts.
const TRY_OTHER: &str = "usr/lib/yep/try-other";

/// Where the card is.
#[derive(Debug, Args)]
struct CardPlace {
    /// The card below this folder, for tests
    #[arg(long, value_name = "DIR", hide = true, env = "YEP_CARD_ROOT", default_value = "/")]
    card_root: PathBuf,
}

impl CardPlace {
    fn card(&self) -> Result<Card, Failure> {
        Card::running(&self.card_root)
            .map_err(|error| Failure::Refused(format!("no update in place: {error}")))
    }

    fn card_or_refusal(&self) -> Result<Card, Refusal> {
        self.card().map_err(refusal("card"))
    }
}

/// A failure and its name for programs.
type Refusal = (&'static str, Failure);

fn refusal(code: &'static str) -> impl Fn(Failure) -> Refusal {
    move |failure| (code, failure)
}

/// The running system, for people.
fn title() -> String {
    format!("{VERSION} ({})", env!("YEP_GIT_ID"))
}

fn written_unix_s() -> u64 {
    env!("YEP_WRITTEN_UNIX_S").parse().unwrap_or(0)
}

/// This system as the user of the stored state.
fn state_user(card: &Card) -> StateUser {
    StateUser { slot: card.slot(), store_layout: store::LAYOUT_VERSION }
}

fn io_failure(what: &str) -> impl Fn(std::io::Error) -> Failure + '_ {
    move |error| Failure::Refused(format!("{what}: {error}"))
}

/// Refuses while the axis moves, or the supply is low. Without a server nothing moves.
fn require_rest(server: &Server) -> Result<(), Failure> {
    let status = match status::fetch(&server.server) {
        Ok(status) => status,
        Err(Failure::Unreachable(why)) if why.starts_with("no server at") => return Ok(()),
        Err(failure) => return Err(failure),
    };
    let state = status.state.to_string();
    if !["not_homed", "disarmed", "ready", "faulted"].contains(&state.as_str()) {
        return Err(Failure::Refused(format!("the axis moves ({state}): an update is taken at rest only")));
    }
    if status.host.under_voltage == Some(true) {
        let why = "the supply of this computer is low: an update needs one that holds";
        return Err(Failure::Refused(why.into()));
    }
    Ok(())
}

/// Held by whoever changes a slot, or decides which one starts.
fn lock(card: &Card) -> Result<File, Refusal> {
    let path = card.path("run/yep-update.lock");
    let file = File::options().create(true).truncate(false).write(true).open(&path);
    let file = file.map_err(io_failure("the lock of the update")).map_err(refusal("card"))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            Err(("busy", Failure::Refused("another update is being written".into())))
        }
        Err(TryLockError::Error(error)) => Err(("card", io_failure("the lock of the update")(error))),
    }
}

fn restart_into_other(card: &Card) -> Result<(), Failure> {
    let done = Command::new(card.path(TRY_OTHER)).status().map_err(io_failure(TRY_OTHER))?;
    if done.success() { Ok(()) } else { Err(Failure::Refused(format!("{TRY_OTHER} ended with {done}"))) }
}
