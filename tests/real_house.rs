//! The machine on the network, found by what it announces, with the real binary and real multicast on the loopback interface.

use std::process::Output;

#[path = "support/real/mod.rs"]
mod real;

use real::process::yep;
use real::{Home, Yep, eventually};
use serde_json::Value;

/// On this computer alone, under a name that no other test has.
fn announced(name: &str) -> Home {
    Home::new(&format!("[access]\nannounce = 'always'\nhostname = '{name}'"))
}

fn run(arguments: &[&str]) -> (i32, String) {
    let Output { status, stdout, .. } = yep().args(arguments).output().unwrap();
    (status.code().unwrap(), String::from_utf8(stdout).unwrap())
}

fn found() -> Vec<Value> {
    let (_, said) = run(&["find", "--on", "lo", "--wait", "2", "--json"]);
    said.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn of<'a>(list: &'a [Value], server: &Yep) -> Option<&'a Value> {
    list.iter().find(|machine| machine["url"] == server.url())
}

#[test]
fn machines_are_found_with_name_version_and_a_number_that_stays() {
    let (left, right) = (announced("test-left"), announced("test-left"));
    let (first, second) = (left.start(), right.start());
    let list = eventually("both are found", || {
        let list = found();
        (of(&list, &first).is_some() && of(&list, &second).is_some()).then_some(list)
    });
    let [one, other] = [&first, &second].map(|server| of(&list, server).unwrap());
    assert_eq!(one["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(one["answers"], true);
    assert_ne!(one["id"], other["id"]);
    // One of the two was renamed, as a name is for one.
    let mut names = [one["name"].as_str().unwrap(), other["name"].as_str().unwrap()];
    names.sort_unstable();
    assert_eq!(names, ["test-left", "test-left (2)"]);
    let (code, text) = run(&["find", "--on", "lo", "--wait", "2"]);
    assert_eq!(code, 0);
    assert!(text.contains("Several machines are called test-left"), "{text}");

    // The number is that of the machine, not of its start.
    drop(first);
    let again = left.start();
    let info = again.get("/api/v1/info").expect_ok();
    assert_eq!(info["id"], one["id"]);
    // The name with the number is a name of it, for a browser.
    let host = format!("yep-{}.local", info["id"].as_str().unwrap());
    let there = again.request("GET", "/api/v1/info", &[("host", &host)], "");
    assert_eq!(there.expect_ok()["id"], info["id"]);
}

#[test]
fn stop_all_stops_what_announces_itself() {
    let homes = [announced("test-stop-a"), announced("test-stop-b")];
    let servers = homes.each_ref().map(Home::start);
    for server in &servers {
        server.set_in_motion();
    }
    let (code, said) = run(&["stop", "--all", "--on", "lo"]);
    assert_eq!(code, 0, "{said}");
    for server in &servers {
        assert!(said.contains(&format!("{})  stopping", server.address)), "{said}");
        server.wait_for_state("ready");
    }
}

#[test]
fn a_server_for_this_computer_alone_is_not_announced() {
    let home = Home::new("[access]\nhostname = 'test-alone'");
    let server = home.start();
    assert_eq!(of(&found(), &server), None);
}
