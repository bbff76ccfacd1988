//! Attended motion: goes on as long as this program runs and says so.
//!
//! The server brings the axis to rest 3 s behind the last sign of life, so whatever ends this program ends the motion. Ctrl-C
//! and the other signals that end a program ask for rest at once, and a second one is STOP.

use std::io::{self, IsTerminal as _};
use std::process;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::signal::unix::{SignalKind, signal};

use super::client::Address;
use super::{Failure, print, status};

const LEASE: &str = "/api/v1/lease";
const STOP: &str = "/api/v1/stop";
/// Time between two signs of life, and between two looks at the progress.
const SIGN_EVERY: Duration = Duration::from_secs(1);
/// Without an answer for so long the motion is over: the server has ended it before.
const SILENCE: Duration = Duration::from_secs(5);
/// Longest time that coming to rest takes.
const REST_TIMEOUT: Duration = Duration::from_secs(5);
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// What a motion is doing.
#[derive(Debug, PartialEq, Eq)]
pub enum MotionProgress {
    /// It goes on; what to say of it.
    Moves(String),
    /// It is over.
    Over,
}

/// A motion that this program attends.
#[derive(Debug)]
pub struct Attended {
    /// The route and the body of the request that starts it.
    pub start: (&'static str, Value),
    /// The route of the document that shows its progress.
    pub watch: &'static str,
    /// The progress in that document.
    pub progress: fn(&Value) -> MotionProgress,
    /// The route that brings it to rest.
    pub rest: &'static str,
}

impl Attended {
    /// Starts the motion, and attends it until it is over or a signal comes.
    pub fn run(&self, server: &Address) -> Result<(), Failure> {
        // Signs of life are those of the client that started the motion, on whichever connection they come.
        let server = &server.in_tab(format!("cli-{}", process::id()));
        let signals = ending_signals()
            .map_err(|error| Failure::Refused(format!("cannot wait for signals: {error}")))?;
        let machine = server.get("/api/v1/machine")?;
        let (route, mut body) = self.start.clone();
        body["after_stop"] = machine["stops"].clone();
        body["presence"] = "watch".into();
        server.post(route, &body)?;
        let outcome = self.attend(server, &signals);
        if is_interactive() {
            print("\n")?;
        }
        outcome
    }

    fn attend(&self, server: &Address, signals: &Receiver<()>) -> Result<(), Failure> {
        let mut heard = Instant::now();
        loop {
            match self.look(server) {
                Ok(MotionProgress::Over) => return self.outcome(server),
                Ok(MotionProgress::Moves(text)) => {
                    heard = Instant::now();
                    say(&text)?;
                }
                // A lost answer is not the end of the motion, and its signs of life go on.
                Err(failure) if heard.elapsed() >= SILENCE => return Err(failure),
                Err(_) => {}
            }
            match signals.recv_timeout(SIGN_EVERY) {
                Err(RecvTimeoutError::Timeout) => {}
                Ok(()) | Err(RecvTimeoutError::Disconnected) => return self.rest(server, signals),
            }
        }
    }

    /// Gives a sign of life, and looks at the progress.
    fn look(&self, server: &Address) -> Result<MotionProgress, Failure> {
        server.post(LEASE, &json!({ "act": "alive" }))?;
        Ok((self.progress)(&server.get(self.watch)?))
    }

    /// Brings the axis to rest; STOP if that is refused or takes too long, or if another signal comes.
    fn rest(&self, server: &Address, signals: &Receiver<()>) -> Result<(), Failure> {
        if server.post(self.rest, &json!({})).is_ok() {
            let began = Instant::now();
            while began.elapsed() < REST_TIMEOUT {
                match signals.recv_timeout(LOOK_EVERY) {
                    Err(RecvTimeoutError::Timeout) => {}
                    Ok(()) | Err(RecvTimeoutError::Disconnected) => break,
                }
                match self.look(server) {
                    Ok(MotionProgress::Over) => return self.outcome(server),
                    _ => say("comes to rest")?,
                }
            }
        }
        server.post(STOP, &json!({})).map(drop)
    }

    /// A motion that a fault has ended did not end well.
    fn outcome(&self, server: &Address) -> Result<(), Failure> {
        match status::fetch(server)?.fault {
            Some(fault) => Err(Failure::Refused(format!("{}\n{}", fault.message, fault.remedy))),
            None => Ok(()),
        }
    }
}

/// Says the progress: on one line of a terminal, again and again, and nowhere else.
fn say(text: &str) -> Result<(), Failure> {
    if is_interactive() { print(&format!("\r{text:<60}")) } else { Ok(()) }
}

fn is_interactive() -> bool {
    io::stdout().is_terminal()
}

/// Each signal that ends a program, from now on, by a thread of its own.
fn ending_signals() -> io::Result<Receiver<()>> {
    let (sender, signals) = channel();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (mut interrupt, mut terminate, mut hangup) = {
        let _context = runtime.enter();
        (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?, signal(SignalKind::hangup())?)
    };
    thread::Builder::new().name("signals".into()).spawn(move || {
        runtime.block_on(async {
            loop {
                tokio::select! {
                    _ = interrupt.recv() => {}
                    _ = terminate.recv() => {}
                    _ = hangup.recv() => {}
                }
                if sender.send(()).is_err() {
                    return;
                }
            }
        });
    })?;
    Ok(signals)
}
