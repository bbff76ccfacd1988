//! List of the scripts that a server has.

use std::fmt::Write as _;

use super::clock;
use crate::cli::client::Address;
use crate::cli::{Failure, print};
use crate::scripts::library::ScriptList;

/// Prints the list.
pub fn run(json: bool, server: &Address) -> Result<(), Failure> {
    let answer = server.get("/api/v1/scripts")?;
    if json {
        return print(&format!("{answer}\n"));
    }
    let list: ScriptList = serde_json::from_value(answer)
        .map_err(|error| Failure::Unreachable(format!("the answer makes no sense: {error}")))?;
    print(&page(&list))
}

fn page(list: &ScriptList) -> String {
    let mut page = String::new();
    for script in &list.scripts {
        let about = match (&script.trouble, script.actions, script.duration_s) {
            (Some(trouble), ..) => format!("broken: {trouble}"),
            (None, Some(actions), Some(duration_s)) => {
                let notes = if script.notes.is_empty() { "" } else { ", repaired" };
                format!("{:>9}  {actions} actions{notes}", clock(duration_s))
            }
            _ => "not known".to_owned(),
        };
        let _ = writeln!(page, "{:<40} {:>5} kB  {about}", script.name, script.bytes.div_ceil(1_000));
    }
    match (list.scripts.len(), list.left_out) {
        (0, 0) => page.push_str(
            "there are no scripts: put some on the page, or into the folder `scripts` of the state\n",
        ),
        (_, 0) => {}
        (_, left_out) => {
            let _ = writeln!(page, "and {left_out} that are too many");
        }
    }
    page
}
