//! `yep stop`: controlled stop at once, as a request to the running server, or to several.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use clap::Args;
use serde_json::json;

use super::client::Address;
use super::several::{first_line, summary, with_each};
use super::{Failure, Servers};
use crate::house::search;

const EXAMPLES: &str = "\
Examples:
  yep stop                                  rest now; what waits is dropped, the position is kept
  yep stop --server http://yep.local        on another host: anyone may stop
  yep stop --server http://a,http://b       several machines at the same time
  yep stop --all                            this computer's, and each that announces itself in the network

STOP is a controlled stop by software. It is no replacement for a button that cuts the motor's power.";

/// Machines have answered a search by then; each gets its STOP when it answers, and not at the end.
const SEARCH_TIME: Duration = Duration::from_secs(3);

/// Stop now, and keep the position
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// Also stop every machine that announces itself in the local network
    #[arg(long)]
    all: bool,
    /// With --all: only in the network of this interface, as in eth0
    #[arg(long, value_name = "INTERFACE", requires = "all")]
    on: Option<String>,
    #[command(flatten)]
    servers: Servers,
}

/// Requests the stop.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    match arguments.servers.servers.as_slice() {
        servers if arguments.all => stop_all(servers, arguments.on.as_deref()),
        [server] => {
            stop(server)?;
            println!("stopping");
            Ok(())
        }
        servers => stop_each(servers),
    }
}

fn stop(server: &Address) -> Result<(), Failure> {
    server.post("/api/stop", &json!({})).map(|_| ())
}

fn stop_each(servers: &[Address]) -> Result<(), Failure> {
    let mut failures = Vec::new();
    with_each(servers, stop, |index, result| {
        let name = servers[index].url();
        match result {
            Ok(()) => println!("{name}  stopping"),
            Err(failure) => {
                println!("{name}  NOT STOPPED: {}", first_line(&failure));
                failures.push((name, failure));
            }
        }
    });
    summary(&failures, servers.len(), "were not stopped")
}

/// A STOP that was sent, and how it went. A machine has several addresses, and one that works is enough.
struct SentStop {
    machine: String,
    result: Result<(), Failure>,
}

fn stop_all(servers: &[Address], interface: Option<&str>) -> Result<(), Failure> {
    let (sender, results) = mpsc::channel();
    let send = |machine: String, server: Address| {
        let sender = sender.clone();
        thread::spawn(move || {
            let result = stop(&server);
            let _ = sender.send(SentStop { machine, result });
        });
    };
    for server in servers {
        send(server.url(), server.clone());
    }
    let printing = thread::spawn(move || print_stops(results));
    let mut sent: BTreeSet<SocketAddr> = BTreeSet::new();
    let searched = search::search(interface, SEARCH_TIME, |found| {
        let name = format!("{} ({})", found.name, found.addresses[0]);
        for address in found.addresses {
            if sent.insert(address) {
                send(name.clone(), Address::of_socket(address));
            }
        }
    });
    drop(sender);
    let stops = printing.join().unwrap_or_default();
    searched.map_err(|error| Failure::Refused(format!("cannot search the network: {error}")))?;
    // That there is no server on this computer is no failure: nobody has named it.
    let named = |machine: &str| machine != Address::default().url();
    let (stopped, failed): (Vec<_>, Vec<_>) = stops.into_iter().partition(|(_, result)| result.is_ok());
    let count = stopped.len() + failed.iter().filter(|(machine, _)| named(machine)).count();
    let failures: Vec<(String, Failure)> = failed
        .into_iter()
        .filter(|(machine, _)| named(machine))
        .filter_map(|(machine, result)| Some((machine, result.err()?)))
        .collect();
    for (machine, failure) in &failures {
        println!("{machine}  NOT STOPPED: {}", first_line(failure));
    }
    if count == 0 {
        return Err(Failure::Unreachable(
            "no machine was found: name it with --server, as multicast does not pass every router".to_owned(),
        ));
    }
    summary(&failures, count, "were not stopped")
}

/// Prints each machine that is stopping, when it says so; the last result of each machine.
fn print_stops(results: mpsc::Receiver<SentStop>) -> BTreeMap<String, Result<(), Failure>> {
    let mut stops: BTreeMap<String, Result<(), Failure>> = BTreeMap::new();
    for SentStop { machine, result } in results {
        let is_stopped = stops.get(&machine).is_some_and(Result::is_ok);
        if !is_stopped {
            if result.is_ok() {
                println!("{machine}  stopping");
            }
            stops.insert(machine, result);
        }
    }
    stops
}
