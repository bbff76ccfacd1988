//! The walk through the first run: the step that is next, the acts of a person, and the server's judgement.
//!
//! The server keeps the place and proves the steps; the walk holds no state that is worth keeping, so it may be left at any time.

use std::io::{self, Write as _};
use std::process;
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::keys::{self, KeyPress, WalkKey};
use super::terminal::{self, SingleKeyMode};
use super::{signs, steps};
use crate::api::commissioning::step::CommissioningStep;
use crate::cli::client::Address;
use crate::cli::{Failure, print};

/// The first run.
pub const FIRST_RUN: &str = "/api/v1/commissioning";
/// A person's word about a machine that was in use before, or was restored.
pub const CONFIRM: &str = "/api/v1/commissioning/confirm";
const MACHINE: &str = "/api/v1/machine";
const LEASE: &str = "/api/v1/lease";

/// Between two looks at the machine.
pub const LOOK_TIME: Duration = Duration::from_millis(300);
/// A program that starts anew serves again within seconds, on a small computer as well.
const START_TIMEOUT: Duration = Duration::from_secs(60);

const LEFT: &str = "left: what is proven stays proven, and `yep commission walk` goes on here\n";
/// Erases the line of the terminal (ECMA-48: to its first column, erase to its end).
const ERASE_LINE: &str = "\r\x1b[K";

/// Why a step is left before it is proven.
#[derive(Debug)]
pub enum StepExit {
    /// The server has refused it; a person may try again.
    Refused(String),
    /// The person leaves the walk.
    Left,
    /// The walk was interrupted; whether its STOP has arrived.
    Interrupted(Result<(), String>),
    /// There is no server, or no terminal.
    Failed(Failure),
}

/// The result of an act in a step.
pub type StepResult<T> = Result<T, StepExit>;

impl From<Failure> for StepExit {
    fn from(failure: Failure) -> StepExit {
        match failure {
            Failure::Refused(why) => StepExit::Refused(why),
            other => StepExit::Failed(other),
        }
    }
}

/// Walks through the steps that are left; `again` is one that is done anew before.
pub fn run(server: &Address, again: Option<CommissioningStep>) -> Result<(), Failure> {
    if !terminal::is_interactive() {
        let why = "a walk needs a terminal, as a nudge goes on only while a key is held";
        return Err(Failure::Usage(format!(
            "{why}; without one the machine's page leads through the first run: {}",
            server.url()
        )));
    }
    // Signs of life count for this walk only, and no other command of this computer gives them.
    let server = server.in_tab(format!("walk-{}", process::id()));
    // That there is no server is said before the terminal is touched.
    server.get(FIRST_RUN)?;
    let no_terminal = |error: io::Error| Failure::Refused(format!("the terminal reads no keys: {error}"));
    let _single_keys = SingleKeyMode::begin().map_err(no_terminal)?;
    let presses = keys::read(&server).map_err(no_terminal)?;
    let mut walk = Walk::new(server, presses, again);
    let exit = walk.go();
    walk.erase_live();
    match exit {
        Ok(()) => Ok(()),
        Err(StepExit::Left) => {
            // Who leaves does not leave a motion behind.
            if walk.look().is_err() || walk.moves() {
                let _ = keys::send_stop(&walk.server);
            }
            print(LEFT)
        }
        Err(StepExit::Interrupted(Ok(()))) => Err(Failure::Refused("interrupted: STOP was sent".to_owned())),
        Err(StepExit::Interrupted(Err(why))) => {
            Err(Failure::Refused(format!("interrupted, and STOP has not arrived: {why}")))
        }
        Err(StepExit::Refused(why)) => Err(Failure::Refused(why)),
        Err(StepExit::Failed(failure)) => {
            // Something may move that was begun here.
            let _ = keys::send_stop(&walk.server);
            Err(failure)
        }
    }
}

/// The walk.
pub struct Walk {
    /// The server, asked as the client that this walk is.
    pub server: Address,
    presses: Receiver<KeyPress>,
    /// What the server has said last of the first run and of the machine.
    pub run: Value,
    pub machine: Value,
    /// The name of a step that is done anew, until it is proven; and of the step that is shown.
    again: Option<String>,
    step: String,
    /// The live line as it stands in the terminal, and the fault that was shown.
    live: String,
    fault: String,
}

impl Walk {
    fn new(server: Address, presses: Receiver<KeyPress>, again: Option<CommissioningStep>) -> Walk {
        Walk {
            server,
            presses,
            run: Value::Null,
            machine: Value::Null,
            again: again.map(|step| step.name().to_owned()),
            step: String::new(),
            live: String::new(),
            fault: String::new(),
        }
    }

    fn go(&mut self) -> StepResult<()> {
        self.say("The first run. At any time: s is STOP, q leaves, a acknowledges a fault.")?;
        loop {
            match self.go_on() {
                Ok(true) => return Ok(()),
                Ok(false) => {}
                Err(StepExit::Refused(why)) => self.try_again(&why)?,
                Err(other) => return Err(other),
            }
        }
    }

    /// One attempt at the step that is next; true if none is left.
    fn go_on(&mut self) -> StepResult<bool> {
        self.look()?;
        if self.run["asks"].is_string() {
            self.confirm()?;
            return Ok(false);
        }
        let is_left = self.run["complete"] != true;
        let next = self.run["next"].as_str().filter(|_| is_left).map(str::to_owned);
        let Some(next) = self.again.clone().or(next) else {
            self.say("Complete: the machine may move. `yep commission` shows the record.")?;
            return Ok(true);
        };
        let guide = steps::guide(&next).ok_or_else(|| {
            let why = format!("this server has a step {next} that this program does not know: use its page");
            StepExit::Failed(Failure::Refused(why))
        })?;
        if self.step != next {
            self.step.clone_from(&next);
            let all = self.run["steps"].as_array().map_or(&[][..], Vec::as_slice);
            let at = all.iter().position(|step| step["step"] == next).unwrap_or_default();
            let todo = all.get(at).and_then(|step| step["todo"].as_str()).unwrap_or_default();
            self.say(&format!("\n{} of {}  {}\n{todo}", at + 1, all.len(), guide.title))?;
        }
        // What was seen since it was begun, by whichever client, counts.
        if self.run["in_progress"]["step"] != next {
            self.act(json!({ "act": "begin" }))?;
        }
        (guide.attempt)(self)?;
        Ok(false)
    }

    fn confirm(&mut self) -> StepResult<()> {
        self.say(match self.run["asks"].as_str() {
            Some("restored") => "This record came with a backup, perhaps of another machine.",
            _ => "This machine was in use before there was a first run.",
        })?;
        let question = "Does it work as it is wired?  y: yes, it is set up   n: no, follow the first run";
        let works = self.yes_or_no(question)?;
        self.run = self.server.post(CONFIRM, &json!({ "works": works }))?;
        self.wait_for_start()
    }

    /// An act in the step: begins it, notes an answer, or finishes it.
    pub fn act(&mut self, request: Value) -> StepResult<()> {
        self.run = self.server.post(&format!("{FIRST_RUN}/steps/{}", self.step), &request)?;
        let is_over = self.run["in_progress"].is_null() && !is_starting_anew(&self.run);
        let steps = self.run["steps"].as_array().map_or(&[][..], Vec::as_slice);
        let done = steps.iter().find(|step| step["step"] == self.step.as_str() && step["state"] == "done");
        if let Some(done) = done.filter(|_| is_over) {
            let text = format!("Proven: {}", signs::evidence(done));
            self.again = None;
            self.say(&text)?;
        }
        self.wait_for_start()
    }

    /// Stores wiring values.
    pub fn put_wiring(&mut self, values: &Value) -> StepResult<()> {
        self.run = self.server.put(&format!("{FIRST_RUN}/wiring"), values)?;
        self.wait_for_start()
    }

    /// Waits for a program that starts anew with another wiring, if it does.
    fn wait_for_start(&mut self) -> StepResult<()> {
        if !is_starting_anew(&self.run) {
            return Ok(());
        }
        self.say("Another wiring is stored: the program starts anew with it.")?;
        let until = Instant::now() + START_TIMEOUT;
        loop {
            self.next_press(Instant::now() + LOOK_TIME)?;
            match self.server.get(FIRST_RUN) {
                Ok(run) if !is_starting_anew(&run) => {
                    self.run = run;
                    return self.say("It is there again.");
                }
                Err(failure) if Instant::now() >= until => return Err(StepExit::Failed(failure)),
                _ if Instant::now() >= until => {
                    return Err(StepExit::Refused("the program has not started anew".to_owned()));
                }
                _ => {}
            }
        }
    }

    /// Looks at the first run and at the machine.
    pub fn look(&mut self) -> StepResult<()> {
        self.run = self.server.get(FIRST_RUN)?;
        self.machine = self.server.get(MACHINE)?;
        self.show_fault()
    }

    /// Says that this client is there, for a motion that waits for that.
    pub fn say_alive(&self) -> StepResult<()> {
        self.server.post(LEASE, &json!({ "act": "alive" }))?;
        Ok(())
    }

    /// The number of the newest STOP that is shown here: a start is refused that follows a later one.
    pub fn stops(&self) -> Value {
        self.machine["stops"].clone()
    }

    /// The state of the machine.
    pub fn state(&self) -> &str {
        self.machine["state"].as_str().unwrap_or_default()
    }

    /// True if the axis moves.
    pub fn moves(&self) -> bool {
        matches!(self.state(), "homing" | "nudging" | "running" | "following" | "ending" | "stopping")
    }

    /// What was seen since the step was begun.
    pub fn seen(&self) -> &Value {
        &self.run["in_progress"]
    }

    /// The value of a wiring key, if the server knows the key.
    pub fn wiring(&self, key: &str) -> Option<&Value> {
        self.run["wiring"].as_array()?.iter().find(|fact| fact["key"] == key)
    }

    /// The acts beside the steps: a latched fault is acknowledged, a disarmed axis is armed.
    fn acknowledge(&mut self) -> StepResult<()> {
        let act = match self.state() {
            "disarmed" => "arm",
            _ => "acknowledge",
        };
        match self.server.post(&format!("{MACHINE}/{act}"), &json!({})) {
            Err(Failure::Refused(why)) => self.say(&why),
            Err(other) => Err(StepExit::Failed(other)),
            Ok(_) => self.look(),
        }
    }

    fn show_fault(&mut self) -> StepResult<()> {
        let text = |name: &str| self.machine["fault"][name].as_str().unwrap_or_default();
        let fault = match self.state() {
            "disarmed" => "The axis is disarmed since the last fault   a: arm it".to_owned(),
            "faulted" => format!("Fault: {}; {}   a: acknowledge it", text("message"), text("remedy")),
            _ => String::new(),
        };
        if self.fault == fault {
            return Ok(());
        }
        self.fault.clone_from(&fault);
        if fault.is_empty() { Ok(()) } else { self.say(&fault) }
    }

    /// The next press until then that is no matter of every prompt: those are done here, and a STOP is passed on.
    pub fn next_press(&mut self, until: Instant) -> StepResult<Option<KeyPress>> {
        use std::sync::mpsc::RecvTimeoutError::{Disconnected, Timeout};
        let wait = until.saturating_duration_since(Instant::now());
        let press = match self.presses.recv_timeout(wait) {
            Ok(press) => press,
            Err(Timeout) => return Ok(None),
            Err(Disconnected) => return Err(StepExit::Interrupted(keys::send_stop(&self.server))),
        };
        match press.key {
            WalkKey::Interrupt => return Err(StepExit::Interrupted(press.stop)),
            WalkKey::Character('q') => return Err(StepExit::Left),
            WalkKey::Character('a') => self.acknowledge()?,
            WalkKey::Stop => self.say(&match &press.stop {
                Ok(()) => "STOP was sent.".to_owned(),
                Err(why) => format!("STOP has not arrived: {why}"),
            })?,
            _ => {}
        }
        Ok(Some(press))
    }

    fn try_again(&mut self, why: &str) -> StepResult<()> {
        let asked = Instant::now();
        self.say(&format!("Not yet: {why}\nEnter: try again"))?;
        loop {
            let press = self.next_press(Instant::now() + LOOK_TIME)?;
            if press.is_some_and(|press| press.key == WalkKey::Enter && press.at >= asked) {
                return Ok(());
            }
        }
    }

    /// Asks for one of these keys; one that was pressed before is no answer, as an answer may start a motion. The live
    /// line is made of what the server says meanwhile.
    pub fn choose(
        &mut self,
        question: &str,
        keys: &[WalkKey],
        live: impl Fn(&Walk) -> String,
    ) -> StepResult<WalkKey> {
        let asked = Instant::now();
        self.say(question)?;
        loop {
            self.look()?;
            self.show_live(&live(self))?;
            let until = Instant::now() + LOOK_TIME;
            while let Some(press) = self.next_press(until)? {
                if keys.contains(&press.key) && press.at >= asked {
                    self.erase_live();
                    return Ok(press.key);
                }
            }
        }
    }

    /// Asks a question that y and n answer.
    pub fn yes_or_no(&mut self, question: &str) -> StepResult<bool> {
        let keys = ['y', 'n'].map(WalkKey::Character);
        Ok(self.choose(question, &keys, |_| String::new())? == WalkKey::Character('y'))
    }

    /// Asks for a number; Enter alone takes the one that is proposed.
    pub fn number(&mut self, question: &str, proposed: Option<f64>) -> StepResult<f64> {
        let mut typed = String::new();
        let shown = proposed.map_or(String::new(), |proposed| format!(" [{proposed}]"));
        loop {
            self.show_live(&format!("{question}{shown}: {typed}"))?;
            let Some(press) = self.next_press(Instant::now() + LOOK_TIME)? else { continue };
            match press.key {
                WalkKey::Character(character @ ('0'..='9' | '.' | '-')) => typed.push(character),
                WalkKey::Character(',') => typed.push('.'),
                WalkKey::Backspace => drop(typed.pop()),
                WalkKey::Enter => {
                    let number = if typed.is_empty() {
                        proposed
                    } else {
                        typed.parse().ok().filter(|n: &f64| n.is_finite())
                    };
                    if let Some(number) = number {
                        self.say(&format!("{question}: {number}"))?;
                        return Ok(number);
                    }
                    typed.clear();
                }
                _ => {}
            }
        }
    }

    /// Writes a line.
    pub fn say(&mut self, text: &str) -> StepResult<()> {
        self.erase_live();
        print(&format!("{text}\n")).map_err(StepExit::Failed)
    }

    /// Shows the live line, cut to the width of the terminal, which could not erase a longer one.
    pub fn show_live(&mut self, text: &str) -> StepResult<()> {
        if self.live == text {
            return Ok(());
        }
        text.clone_into(&mut self.live);
        let width = terminal_size::terminal_size().map_or(80, |(width, _)| usize::from(width.0));
        let cut: String = text.chars().take(width.saturating_sub(1)).collect();
        print(&format!("{ERASE_LINE}{cut}")).map_err(StepExit::Failed)?;
        io::stdout()
            .flush()
            .map_err(|error| StepExit::Failed(Failure::Refused(format!("cannot write: {error}"))))
    }

    fn erase_live(&mut self) {
        if !self.live.is_empty() {
            self.live.clear();
            // The line behind it reports an error of the terminal.
            let _ = print(ERASE_LINE);
        }
    }
}

/// True if the next start of the program takes another wiring: it is about to start anew.
fn is_starting_anew(run: &Value) -> bool {
    run["wiring"].as_array().into_iter().flatten().any(|fact| !fact["at_next_start"].is_null())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_starts_anew_while_its_next_start_takes_another_wiring() {
        let run = |next: Value| json!({ "wiring": [{ "at_next_start": null }, { "at_next_start": next }] });
        assert!(is_starting_anew(&run(json!("true"))));
        assert!(!is_starting_anew(&run(Value::Null)) && !is_starting_anew(&json!({})));
    }

    #[test]
    fn only_a_refusal_of_the_server_is_tried_again() {
        assert!(matches!(Failure::Refused(String::new()).into(), StepExit::Refused(_)));
        assert!(matches!(Failure::Unreachable(String::new()).into(), StepExit::Failed(_)));
    }
}
