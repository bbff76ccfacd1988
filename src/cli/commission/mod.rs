//! `yep commission`: what the first run has proven, and what is left; here the record is shown and confirmed.
//!
//! - `walk`: the first run in a terminal, step after step; `steps` has the title and the acts of each
//! - `by_hand`, `numbers`, `nudges`, `motions`: what a person does in the steps; `signs`: what the machine has shown of it
//! - `terminal`: its mode; `keys`: key presses, and STOP from them; `held_key`: a key that is held down

use std::fmt::Write as _;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::{Failure, Server, print};
use crate::api::commissioning::step::CommissioningStep;

mod by_hand;
mod held_key;
mod keys;
mod motions;
mod nudges;
mod numbers;
mod signs;
mod steps;
mod terminal;
mod walk;

const EXAMPLES: &str = "\
Examples:
  yep commission                       what is proven, and what is left
  yep commission walk                  prove what is left, here in the terminal
  yep commission walk --server http://yep.local   of a machine elsewhere; with a token in YEP_TOKEN
  yep commission walk --again numbers  the distance of the switches was measured wrong
  yep commission confirm               this machine was in use before, and works as it is wired
  yep commission deny                  it may not: follow the first run

Before the first run is complete, only calibration and its nudge move a real motor. In a walk the key s is STOP and q
leaves; what is proven stays proven. Its nudges move only while the space key is held down.";

/// Show what the first run has proven
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    #[command(subcommand)]
    act: Option<CommissionAct>,
    /// As the server's JSON
    #[arg(long, global = true)]
    json: bool,
    #[command(flatten)]
    server: Server,
}

#[derive(Debug, Subcommand)]
enum CommissionAct {
    /// Go through the steps that are left, in this terminal
    Walk {
        /// Do this step anew, although it is proven
        #[arg(long, value_name = "STEP", value_parser = step_name)]
        again: Option<CommissioningStep>,
    },
    /// Say that a machine that was in use before works as it is wired
    Confirm,
    /// Say that it may not, and has to follow the first run
    Deny,
}

/// Walks through the steps, shows them, or answers the question about a machine that was in use before.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let server = &arguments.server.server;
    let confirm = |works: bool| server.post(walk::CONFIRM, &json!({ "works": works }));
    let answer = match &arguments.act {
        None => server.get(walk::FIRST_RUN)?,
        Some(CommissionAct::Walk { .. }) if arguments.json => {
            return Err(Failure::Usage("a walk is for a person: it has no JSON".to_owned()));
        }
        Some(CommissionAct::Walk { again }) => return walk::run(server, *again),
        Some(CommissionAct::Confirm) => confirm(true)?,
        Some(CommissionAct::Deny) => confirm(false)?,
    };
    if arguments.json { print(&format!("{answer}\n")) } else { print(&page(&answer)) }
}

fn step_name(name: &str) -> Result<CommissioningStep, String> {
    let names = || CommissioningStep::ALL.map(CommissioningStep::name).join(", ");
    CommissioningStep::from_name(name).ok_or_else(|| format!("the steps are {}", names()))
}

fn page(answer: &Value) -> String {
    let text = |value: &Value, name: &str| value[name].as_str().unwrap_or_default().to_owned();
    let mut page = String::new();
    for step in answer["steps"].as_array().into_iter().flatten() {
        let (name, state) = (text(step, "step"), text(step, "state"));
        let todo = if matches!(state.as_str(), "open" | "due") { text(step, "todo") } else { String::new() };
        let line = format!("{state:<10} {name:<14} {todo}");
        let _ = writeln!(page, "{}", line.trim_end());
    }
    let closing = match (answer["complete"].as_bool(), text(answer, "need").as_str()) {
        (Some(true), _) => "complete: the machine may move".to_owned(),
        (_, "required") => "not complete: only calibration and the nudge move the machine".to_owned(),
        (_, need) => format!("not complete, and not needed ({need})"),
    };
    let asks = match text(answer, "asks").as_str() {
        "in_use_before" => {
            "this machine was in use before there was a first run: `yep commission confirm` if it works\n"
        }
        "restored" => {
            "this record came with a backup: `yep commission confirm` if it is that of this machine\n"
        }
        _ => "",
    };
    let _ = write!(page, "{closing}\n{asks}");
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_that_is_left_says_what_to_do_and_one_that_is_done_does_not() {
        let steps = json!([
            { "step": "own", "state": "done", "todo": "Let the first device in." },
            { "step": "switches", "state": "due", "todo": "Press each." },
        ]);
        let answer =
            json!({ "need": "required", "complete": false, "asks": "in_use_before", "steps": steps });
        let page = page(&answer);
        assert_eq!(
            page,
            "done       own\n\
             due        switches       Press each.\n\
             not complete: only calibration and the nudge move the machine\n\
             this machine was in use before there was a first run: `yep commission confirm` if it works\n"
        );
    }
}
