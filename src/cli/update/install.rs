//! `yep update FILE`: verifies an update and writes it into the spare slot.

use std::io::{self, Read, Write as _};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use clap::Args;
use serde_json::{Value, json};

use super::served::{self, TakeRequest};
use super::{
    CardPlace, Refusal, VERSION, io_failure, lock, refusal, require_rest, slot, state_user, title,
    written_unix_s,
};
use crate::cli::{Failure, Server};
use crate::files;
use crate::update::card::Card;
use crate::update::write::WriteStep;
use crate::update::{UpdateError, UpdateReader, WriteProgress, write};

const EXAMPLES: &str = "\
Examples:
  yep update yep-0.2.0.update               verify it, and write it into the spare slot; tried at the next start
  yep update --restart yep-0.2.0.update     and start it now
  yep update - <yep-0.2.0.update            from standard input

Refused while the axis moves, on a low supply, and for a file that is damaged, not signed by a key of this card,
for another machine, or older. The running system is never written; STOP works all the while.";

/// The script that carries the user's pins over.
const CARRY_PINS: &str = "usr/lib/yep/carry-pins";
/// Lowest priority of an ordinary process: the server and the store come first.
const NICE: i32 = 19;
/// Pause between two lines of progress, and between two looks at the machine.
const EVERY: Duration = Duration::from_millis(500);

/// A server that does not say for so long whether the axis rests ends the update.
const UNANSWERED: Duration = Duration::from_secs(15);

/// Take a signed update as the next system of this card
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// The update; - for standard input
    #[arg(required_unless_present = "served")]
    file: Option<PathBuf>,
    /// Take it even if it is older than the running system
    #[arg(long)]
    allow_older: bool,
    /// Start it now
    #[arg(long)]
    restart: bool,
    /// Progress and result as JSON, one object a line
    #[arg(long)]
    json: bool,
    /// Only verify it
    #[arg(long)]
    check: bool,
    /// Serve one request on standard input: a line of JSON, and the file
    #[arg(long, hide = true, conflicts_with = "file")]
    served: bool,
    #[command(flatten)]
    pub(super) place: CardPlace,
    #[command(flatten)]
    pub(super) server: Server,
}

/// Takes the update.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let say = Say { json: arguments.json || arguments.served, is_served: arguments.served };
    let done = if arguments.served {
        served::serve(arguments, say)
    } else {
        open(arguments).and_then(|(source, request)| install(arguments, source, &request, say))
    };
    let done = done.and_then(|()| {
        if arguments.restart {
            let card = arguments.place.card_or_refusal()?;
            return slot::try_waiting(&card, &arguments.server, |title| say.restart(title));
        }
        Ok(())
    });
    done.map_err(|(code, failure)| {
        let refused = json!({ "step": "refused", "code": code, "message": failure.to_string() });
        // Who does not listen does not need to know.
        let _ = say.line(&refused, String::new);
        failure
    })
}

fn wrong(error: UpdateError) -> Refusal {
    (error.code(), Failure::Refused(error.to_string()))
}

fn open(arguments: &Arguments) -> Result<(Box<dyn Read>, TakeRequest), Refusal> {
    let request = TakeRequest { allow_older: arguments.allow_older, check: arguments.check };
    match &arguments.file {
        Some(path) if path != Path::new("-") => {
            let cannot = format!("cannot read {}", path.display());
            let file = files::open_regular(path).map_err(io_failure(&cannot)).map_err(refusal("source"))?;
            Ok((Box::new(file), request))
        }
        _ => Ok((Box::new(io::stdin()), request)),
    }
}

/// Verifies the update, and writes it into the spare slot.
pub(super) fn install(
    arguments: &Arguments,
    source: impl Read,
    request: &TakeRequest,
    say: Say,
) -> Result<(), Refusal> {
    let on_card = refusal("card");
    let card = arguments.place.card_or_refusal()?;
    let _lock = lock(&card)?;
    require_default(&card)?;
    let keys = card.keys().map_err(io_failure("the keys of this card")).map_err(&on_card)?;
    let target = card.target(VERSION, written_unix_s(), request.allow_older);
    let target = target.map_err(io_failure("this machine")).map_err(&on_card)?;

    let mut update = UpdateReader::open(source, &keys).map_err(wrong)?;
    let manifest = update.manifest().clone();
    manifest.check(&target).map_err(wrong)?;
    let about = json!({
        "step": "accepted", "title": manifest.title(), "running": title(), "signer": update.signer(),
        "slot": card.slot().other(), "store_layout": manifest.store_layout,
    });
    let said = || format!("{} in place of {}, signed by {}", manifest.title(), title(), update.signer());
    say.line(&about, said).map_err(io_failure("nobody listens")).map_err(refusal("cancelled"))?;
    if request.check {
        return Ok(());
    }
    require_rest(&arguments.server).map_err(refusal("not_now"))?;
    if let Err(error) = rustix::process::setpriority_process(None, NICE) {
        eprintln!("yep: it keeps its priority: {error}");
    }

    let cannot_note = |error: io::Error| ("card", io_failure("cannot note what is written")(error));
    let mut record = card.record().unwrap_or_default();
    record.begin_writing();
    card.save(&record).map_err(cannot_note)?;
    // From now on the stored state has a user, whoever comes next.
    card.kept_state().note_user(state_user(&card)).map_err(cannot_note)?;
    let mut parts = card.open_spare().map_err(|error| wrong(UpdateError::Slot(error)))?;
    let watch = RestWatch::begin(&arguments.server);
    let mut told = Instant::now();
    let written = write(&mut update, card.slot().other(), &mut parts, |progress| {
        if told.elapsed() >= EVERY {
            told = Instant::now();
            if say.progress(progress).is_err() {
                return ControlFlow::Break("nobody listens any more".into());
            }
        }
        watch.verdict()
    })
    .map_err(wrong)?;
    carry_pins(&card)?;
    record.begin_trial(card.slot().other(), manifest.title(), title());
    card.save(&record).map_err(cannot_note)?;
    let result = json!({
        "step": "done", "title": manifest.title(), "all_bytes": written.all_bytes,
        "written_bytes": written.written_bytes,
    });
    // It is done, whoever hears it.
    let _ = say.line(&result, || {
        let mib = |bytes: u64| bytes.div_ceil(1 << 20);
        format!(
            "written and verified: {} of {} MiB differed. It is tried at the next start; if it is not healthy within {} \
             starts, {} stays.",
            mib(written.written_bytes), mib(written.all_bytes), crate::update::slots::TRIES, title()
        )
    });
    Ok(())
}

/// The firmware drives the same pins as before, also if the user has changed them.
fn carry_pins(card: &Card) -> Result<(), Refusal> {
    let mut script = Command::new(card.path(CARRY_PINS));
    let done = script.arg(card.slot().other().letter().to_string()).stdout(Stdio::null()).status();
    match done.map_err(io_failure(CARRY_PINS)).map_err(|failure| ("slot", failure))? {
        done if done.success() => Ok(()),
        done => Err(("slot", Failure::Refused(format!("{CARRY_PINS} ended with {done}")))),
    }
}

/// A system that is only being tried would overwrite the one that works.
fn require_default(card: &Card) -> Result<(), Refusal> {
    let default = card.default_slot().map_err(io_failure("autoboot.txt")).map_err(refusal("card"))?;
    if default == card.slot() {
        return Ok(());
    }
    let why = format!("{} is being tried: until it has proven itself, {default} is not overwritten", title());
    Err(("not_now", Failure::Refused(why)))
}

/// Looks at the machine all the while: an axis that begins to move ends the update.
struct RestWatch(Arc<Mutex<Option<String>>>);

impl RestWatch {
    fn begin(server: &Server) -> RestWatch {
        let trouble = Arc::new(Mutex::new(None));
        let (told, server) = (Arc::downgrade(&trouble), Server { server: server.server.clone() });
        thread::spawn(move || {
            let mut answered = Instant::now();
            while let Some(told) = told.upgrade() {
                match require_rest(&server) {
                    Ok(()) => answered = Instant::now(),
                    // A busy computer may miss a look.
                    Err(Failure::Unreachable(_)) if answered.elapsed() < UNANSWERED => {}
                    Err(failure) => {
                        *told.lock().unwrap_or_else(PoisonError::into_inner) = Some(failure.to_string());
                        return;
                    }
                }
                drop(told);
                thread::sleep(EVERY);
            }
        });
        RestWatch(trouble)
    }

    fn verdict(&self) -> ControlFlow<String> {
        match self.0.lock().unwrap_or_else(PoisonError::into_inner).clone() {
            Some(why) => ControlFlow::Break(why),
            None => ControlFlow::Continue(()),
        }
    }
}

/// Output for people or for programs.
#[derive(Debug, Clone, Copy)]
pub(super) struct Say {
    json: bool,
    is_served: bool,
}

impl Say {
    /// Only the end of a served request's listener is an error: with it the request is given up.
    pub(super) fn line(self, value: &Value, text: impl FnOnce() -> String) -> io::Result<()> {
        let line = if self.json { value.to_string() } else { text() };
        if line.is_empty() {
            return Ok(());
        }
        let said = writeln!(io::stdout(), "{line}").and_then(|()| io::stdout().flush());
        if self.is_served { said } else { Ok(()) }
    }

    /// Before the restart, which ends whoever hears it.
    pub(super) fn restart(self, title: &str) -> io::Result<()> {
        self.line(&json!({ "step": "restarting", "title": title }), || format!("it restarts into {title}"))
    }

    fn progress(self, progress: WriteProgress) -> io::Result<()> {
        let value = serde_json::to_value(progress)?;
        self.line(&value, || {
            let does = match progress.step {
                WriteStep::Write => "written",
                WriteStep::Verify => "verified",
            };
            format!("{:3} % {does}", 100 * progress.done_bytes / progress.all_bytes.max(1))
        })
    }
}
