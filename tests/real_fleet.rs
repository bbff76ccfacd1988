//! Twenty simulated machines on this computer with one broker and one database, both real: states arrive, the broker goes and comes
//! back, a machine dies, and STOP reaches all. The measured times are printed, for docs/HOUSE.md.

#[path = "support/house/mod.rs"]
mod house;
#[path = "support/real/mod.rs"]
mod real;
#[path = "support/skip.rs"]
mod skip;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use house::broker::Broker;
use house::listener::Listener;
use house::program;
use house::prometheus::Prometheus;
use real::process::{QUICK_HOMING, yep};
use real::{Home, Yep, eventually};
use skip::skip;
use yep::api::charge::fence::PAUSE;

const MACHINES: usize = 20;
/// STOP is at all of them within this.
const STOP_TIME: Duration = Duration::from_millis(200);
/// A busy host delays a round; one has to be undisturbed.
const ROUNDS: usize = 5;

/// The machines by their numbers.
type Fleet = BTreeMap<String, Yep>;

fn topic(id: &str, name: &str) -> String {
    format!("yep/{id}/{name}")
}

/// Waits until that many machines are available; returns how long it took.
fn wait_for_online(listener: &Listener, fleet: &Fleet, count: usize) -> Duration {
    let began = Instant::now();
    eventually(&format!("{count} machines are online"), || {
        let last = listener.last();
        let online = fleet
            .keys()
            .filter(|id| last.get(&topic(id, "availability")).is_some_and(|word| word == "online"));
        (online.count() == count).then_some(())
    });
    began.elapsed()
}

fn set_in_motion(fleet: &Fleet) {
    for server in fleet.values() {
        server.send_command("calibrate").expect_ok();
    }
    fleet.values().for_each(wait_until_ready);
    run_waves(fleet);
}

/// Waits until a machine is calibrated and at rest. Twenty machines take turns on the processors of this computer, so one of them may
/// be delayed enough to be faulted: it is acknowledged and calibrated again.
fn wait_until_ready(server: &Yep) {
    eventually("it is ready", || {
        let command = match server.status()["state"].as_str()? {
            "ready" => return Some(()),
            "faulted" => "acknowledge",
            "not_homed" | "disarmed" => "calibrate",
            _ => return None,
        };
        println!("a machine needs {command}: {}", server.status()["why"]);
        server.send_command(command);
        None
    });
}

fn run_waves(fleet: &Fleet) {
    // Starts that come one upon the other behind a STOP are refused as long as they come.
    std::thread::sleep(PAUSE);
    for server in fleet.values() {
        eventually("a wave is taken", || {
            wait_until_ready(server);
            let answer = server.run_wave("sine", 2.0);
            if answer.status == 200 {
                return Some(());
            }
            println!("a wave is refused: {}", answer.body);
            std::thread::sleep(PAUSE);
            None
        });
    }
    for server in fleet.values() {
        server.wait_for_state("running");
    }
}

/// The number of STOPs that each machine has said it got.
fn stops(listener: &Listener, id: &str) -> u64 {
    listener.json(&topic(id, "state")).and_then(|state| state["stops"].as_u64()).unwrap_or(0)
}

/// Sends STOP to all machines; the time until the broker has heard of the last one that it has it. That has up to 100 ms in it, as
/// the machines look so often for news.
fn stop_all_over_the_broker(listener: &Listener, fleet: &Fleet) -> Duration {
    let before: BTreeMap<&String, u64> = fleet.keys().map(|id| (id, stops(listener, id))).collect();
    listener.forget();
    let sent = Instant::now();
    for id in fleet.keys() {
        listener.send(&topic(id, "stop"), "STOP", false);
    }
    let heard = |id: &String| {
        listener.heard().into_iter().find(|message| {
            message.topic == topic(id, "state")
                && serde_json::from_str::<serde_json::Value>(&message.payload)
                    .is_ok_and(|state| state["stops"].as_u64() > Some(before[id]))
        })
    };
    let last = fleet.keys().map(|id| eventually("it has its STOP", || heard(id)).at).max().unwrap();
    last - sent
}

#[test]
fn twenty_machines_share_a_broker_and_a_database() {
    let missing: Vec<&str> =
        ["mosquitto", "prometheus"].into_iter().filter(|name| program(name).is_none()).collect();
    if !missing.is_empty() {
        let why = format!("{} is not installed", missing.join(" and "));
        return skip("twenty_machines_share_a_broker_and_a_database", &why);
    }
    let mut broker = Broker::start();
    let listener = Listener::start(broker.port);
    let config =
        format!("{QUICK_HOMING}[access]\nannounce = 'always'\n[mqtt]\nbroker = '127.0.0.1:{}'", broker.port);
    let homes: Vec<Home> = (0..MACHINES).map(|_| Home::new(&config)).collect();
    let began = Instant::now();
    let mut fleet: Fleet = homes
        .iter()
        .map(|home| {
            let server = home.start();
            let id = server.get("/api/v1/info").expect_ok()["id"].as_str().unwrap().to_owned();
            (id, server)
        })
        .collect();
    assert_eq!(fleet.len(), MACHINES, "two have the same number");
    wait_for_online(&listener, &fleet, MACHINES);
    println!("{MACHINES} machines started and online: {:?}", began.elapsed());

    let database =
        Prometheus::start(&fleet.values().map(|server| server.address.to_string()).collect::<Vec<_>>());
    let number = |query: &str| {
        database.query(query).first().and_then(|result| result["value"][1].as_str()?.parse::<f64>().ok())
    };
    eventually("the database has all machines", || {
        (number("sum(up)") == Some(MACHINES as f64)).then_some(())
    });
    let states = || number("sum(yep_state{state=\"not_homed\"})");
    eventually("the database has their states", || (states() == Some(MACHINES as f64)).then_some(()));

    set_in_motion(&fleet);
    eventually("the broker has heard that all run", || {
        fleet
            .keys()
            .all(|id| listener.json(&topic(id, "state")).is_some_and(|state| state["state"] == "running"))
            .then_some(())
    });
    let mut rounds = Vec::new();
    for _ in 0..ROUNDS {
        rounds.push(stop_all_over_the_broker(&listener, &fleet));
        println!("STOP to {MACHINES} machines over the broker: {:?}", rounds.last().unwrap());
        fleet.values().for_each(wait_until_ready);
        if rounds.iter().any(|took| *took < STOP_TIME) {
            break;
        }
        run_waves(&fleet);
    }
    assert!(rounds.iter().any(|took| *took < STOP_TIME), "{rounds:?}");

    // The same without a broker, by the command line.
    run_waves(&fleet);
    let sent = Instant::now();
    let said = yep().args(["stop", "--all", "--on", "lo"]).output().unwrap();
    println!("yep stop --all, with the time of its search: {:?}", sent.elapsed());
    let said = String::from_utf8(said.stdout).unwrap();
    for server in fleet.values() {
        assert!(said.contains(&format!("{})  stopping", server.address)), "{said}");
        wait_until_ready(server);
    }

    // The broker goes, and comes back without any memory.
    broker.kill();
    std::thread::sleep(Duration::from_secs(1));
    broker.run();
    listener.forget();
    println!(
        "all online again behind a loss of the broker: {:?}",
        wait_for_online(&listener, &fleet, MACHINES)
    );
    for (id, server) in &fleet {
        assert_eq!(server.status()["state"], "ready", "{id}");
    }

    // One dies.
    let (id, server) = fleet.pop_first().unwrap();
    let died = Instant::now();
    drop(server);
    eventually("the broker says so", || {
        (listener.last().get(&topic(&id, "availability"))? == "offline").then_some(())
    });
    println!("offline behind a kill: {:?}", died.elapsed());
    eventually("the database says so", || (number("sum(up)") == Some(MACHINES as f64 - 1.0)).then_some(()));
    wait_for_online(&listener, &fleet, MACHINES - 1);
}
