//! `yep find`: lists the machines of the local network.

use std::collections::BTreeMap;
use std::time::Duration;

use clap::Args;
use serde_json::{Value, json};

use super::client::Address;
use super::several::with_each;
use super::{Failure, print};
use crate::house::search::{self, FoundMachine};

const EXAMPLES: &str = "\
Examples:
  yep find                                  address, name, number and version of each machine
  yep find --wait 10                        in a slow network
  yep find --json                           one object a line, for programs
  yep stop --all                            stop them all

A machine that is not found may still be there: multicast does not pass every router. Its address works all the same.";

/// List the machines of the local network
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// How long to wait for answers, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..=60))]
    wait: u64,
    /// Only in the network of this interface, as in eth0
    #[arg(long, value_name = "INTERFACE")]
    on: Option<String>,
    /// As JSON, one object a line
    #[arg(long)]
    json: bool,
}

/// A line of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
struct ListedMachine {
    url: String,
    name: String,
    id: String,
    version: String,
    answers: bool,
}

/// Searches, asks each machine for its version, and prints the list.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let mut found: BTreeMap<String, FoundMachine> = BTreeMap::new();
    search::search(arguments.on.as_deref(), Duration::from_secs(arguments.wait), |machine| {
        found.insert(machine.entry.clone(), machine);
    })
    .map_err(|error| Failure::Refused(format!("cannot search the network: {error}")))?;
    if found.is_empty() {
        return Err(Failure::Unreachable(
            "no machine was found: try its address, as multicast does not pass every router".to_owned(),
        ));
    }
    let listed = ask(&found.into_values().collect::<Vec<_>>());
    if arguments.json {
        return listed.iter().try_for_each(|machine| {
            let ListedMachine { url, name, id, version, answers } = machine;
            let line = json!({ "url": url, "name": name, "id": id, "version": version, "answers": answers });
            print(&format!("{line}\n"))
        });
    }
    print(&table(&listed))
}

/// Asks each machine for what it does not announce, at the first of its addresses.
fn ask(found: &[FoundMachine]) -> Vec<ListedMachine> {
    let servers: Vec<Address> =
        found.iter().map(|machine| Address::of_socket(machine.addresses[0])).collect();
    let mut answers: Vec<Option<Value>> = vec![None; found.len()];
    with_each(&servers, |server| server.get("/api/v1/info"), |index, answer| answers[index] = answer.ok());
    let lines = found.iter().zip(servers).zip(answers).map(|((machine, server), answer)| {
        let said = |key: &str| answer.as_ref().and_then(|info| info[key].as_str()).map(str::to_owned);
        ListedMachine {
            url: server.url(),
            name: machine.name.clone(),
            id: said("id").or(machine.id.clone()).unwrap_or_default(),
            version: said("version").or(machine.version.clone()).unwrap_or_default(),
            answers: answer.is_some(),
        }
    });
    lines.collect()
}

fn table(machines: &[ListedMachine]) -> String {
    let width = |of: fn(&ListedMachine) -> &str| {
        machines.iter().map(|machine| of(machine).chars().count()).max().unwrap_or(0)
    };
    let (urls, names) = (width(|machine| &machine.url), width(|machine| &machine.name));
    let mut text = String::new();
    for ListedMachine { url, name, id, version, answers } in machines {
        let silent = if *answers { "" } else { "  does not answer" };
        text += &format!("{url:<urls$}  {name:<names$}  {id:<12}  {version}{silent}\n");
    }
    for name in shared_names(machines) {
        text += &format!(
            "\nSeveral machines are called {name}, so {name}.local may be any of them. Give one of them another name \
             (page: Machine, Name, log and support file); until then use the addresses above, or yep-NUMBER.local.\n"
        );
    }
    text
}

/// Names that several machines have. Where a system announces them it numbers the later ones: `yep (2)`.
fn shared_names(machines: &[ListedMachine]) -> Vec<String> {
    let plain = |name: &str| match name.rsplit_once(" (") {
        Some((plain, number)) if number.strip_suffix(')').is_some_and(|n| n.parse::<u32>().is_ok()) => {
            plain.to_owned()
        }
        _ => name.to_owned(),
    };
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for machine in machines {
        *counts.entry(plain(&machine.name)).or_default() += 1;
    }
    counts.into_iter().filter(|(_, count)| *count > 1).map(|(name, _)| name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn machine(name: &str, id: &str) -> ListedMachine {
        ListedMachine {
            url: "http://192.168.1.20".into(),
            name: name.into(),
            id: id.into(),
            version: "0.1.0".into(),
            answers: true,
        }
    }

    #[test]
    fn machines_of_one_name_are_told_apart() {
        let mut list = vec![machine("yep", "0a"), machine("left", "0b")];
        assert_eq!(
            table(&list),
            "http://192.168.1.20  yep   0a            0.1.0\nhttp://192.168.1.20  left  0b            0.1.0\n"
        );
        list.push(machine("yep (2)", "0c"));
        list[1].answers = false;
        let text = table(&list);
        assert!(text.contains("0.1.0  does not answer\n"), "{text}");
        assert!(text.contains("Several machines are called yep, so yep.local may be any of them."), "{text}");
    }
}
