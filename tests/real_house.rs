//! The machine on the network, found by what it announces, with the real binary and real multicast on the loopback interface.

use std::process::Output;

#[path = "support/real/mod.rs"]
mod real;

use mdns_sd::{HostnameResolutionEvent, IfKind, ServiceDaemon};
use real::process::yep;
use real::{Home, Yep, eventually};
use serde_json::{Value, json};

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
    assert_eq!((&one["name"], &other["name"]), (&json!("test-left"), &json!("test-left")));
    let (code, text) = run(&["find", "--on", "lo", "--wait", "2"]);
    assert_eq!(code, 0);
    assert!(text.contains("Several machines are called test-left"), "{text}");
    // Both say so, until one of the two has another name.
    let conflict = |server: &Yep| server.get("/api/v1/name").expect_ok()["conflict"].clone();
    for server in [&first, &second] {
        eventually("it hears of the other one", || conflict(server).is_string().then_some(()));
        assert!(conflict(server).as_str().unwrap().contains("Give one of the two another name"));
    }
    second.put("/api/v1/name", &json!({ "name": "test-right" })).expect_ok();
    assert_eq!(conflict(&second), Value::Null);
    eventually("the other one has its name alone", || conflict(&first).is_null().then_some(()));
    eventually("each has a name of its own", || {
        let list = found();
        let name = |server: &Yep| of(&list, server).map(|machine| machine["name"].clone());
        (name(&second)? == "test-right" && name(&first)? == "test-left").then_some(())
    });

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

/// The status of a request under this name of the server, which is then a guest's.
fn status_as(server: &Yep, host: &str) -> u16 {
    server.request("GET", "/api/v1/info", &[("host", host)], "").status
}

/// The addresses that multicast DNS has for a name.
fn resolved(name: &str) -> Vec<String> {
    let daemon = ServiceDaemon::new().unwrap();
    daemon.disable_interface(IfKind::All).unwrap();
    daemon.enable_interface(IfKind::LoopbackV4).unwrap();
    let answers = daemon.resolve_hostname(&format!("{name}.local."), Some(2_000)).unwrap();
    let addresses = answers.iter().find_map(|event| match event {
        HostnameResolutionEvent::AddressesFound(_, addresses) => {
            Some(addresses.iter().map(|address| address.to_ip_addr().to_string()).collect())
        }
        _ => None,
    });
    let _ = daemon.shutdown();
    addresses.unwrap_or_default()
}

#[test]
fn a_new_name_is_good_announced_and_kept_at_once() {
    let home = announced("test-old");
    let mut server = home.start();
    assert_eq!(status_as(&server, "test-new.local"), 421);
    server.put("/api/v1/name", &json!({ "name": "test-between" })).expect_ok();
    let answer = server.put("/api/v1/name", &json!({ "name": "Test-New" })).expect_ok();
    assert_eq!((&answer["name"], &answer["is_chosen"]), (&json!("test-new"), &json!(true)));
    for host in ["test-new.local", "TEST-NEW", "test-old.local", "test-between"] {
        assert_eq!(status_as(&server, host), 200, "{host}");
    }
    eventually("it is found by its new name alone", || {
        let list = found();
        let names: Vec<_> = list.iter().filter_map(|machine| machine["name"].as_str()).collect();
        (names.contains(&"test-new") && !names.contains(&"test-old")).then_some(())
    });
    eventually("the name leads to it", || (resolved("test-new") == ["127.0.0.1"]).then_some(()));
    assert_eq!(resolved("test-nobody"), [""; 0]);
    let audit = server.get("/api/v1/audit").expect_ok().to_string();
    assert!(audit.contains("the machine test-between is called test-new now"), "{audit}");

    server.signal("TERM");
    server.wait_for_exit();
    let server = home.start();
    // The configured name is good as well; names that it had between are not.
    assert_eq!((status_as(&server, "test-new.local"), status_as(&server, "test-old.local")), (200, 200));
    assert_eq!(status_as(&server, "test-between.local"), 421);
    let answer = server.request("DELETE", "/api/v1/name", &[], "").expect_ok();
    assert_eq!((&answer["name"], &answer["is_chosen"]), (&json!("test-old"), &json!(false)));
    assert_eq!(status_as(&server, "test-old.local"), 200);
}

#[test]
fn what_is_no_name_and_who_is_no_admin_change_nothing() {
    let home = Home::new("[access]\nhostname = 'test-kept'");
    let server = home.start();
    let long = "a".repeat(64);
    for wrong in ["", "-a", "a-", "a.local", "a b", "a_b", "../a", "\u{e4}", "a\nb", &long] {
        let answer = server.put("/api/v1/name", &json!({ "name": wrong }));
        assert_eq!(answer.status, 422, "{wrong}: {}", answer.body);
        let problem: Value = serde_json::from_str(&answer.body).unwrap();
        assert_eq!(
            (&problem["code"], &problem["errors"][0]["field"]),
            (&json!("invalid_fields"), &json!("name"))
        );
        assert!(problem["remedy"].is_string() && problem["errors"][0]["message"].is_string(), "{problem}");
    }
    for (method, body) in [("PUT", r#"{"name":"mine"}"#), ("DELETE", "")] {
        // Under another name than localhost this computer is a guest.
        let headers = [("host", "test-kept.local"), ("content-type", "application/json")];
        let refused = server.request(method, "/api/v1/name", &headers, body);
        assert!(refused.status == 401 || refused.status == 403, "{method}: {}", refused.body);
    }
    assert_eq!(server.get("/api/v1/name").expect_ok()["name"], "test-kept");
}

#[test]
fn on_a_card_the_configured_name_is_that_of_its_file_also_while_the_system_has_another_one() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("name");
    std::fs::write(&file, "rail\n").unwrap();
    let home = Home::new("").with("YEP_CARD_NAME", file.to_str().unwrap());
    let server = home.start();
    server.put("/api/v1/name", &json!({ "name": "left" })).expect_ok();
    let name = server.request("DELETE", "/api/v1/name", &[], "").expect_ok();
    assert_eq!((&name["name"], &name["configured"]), (&json!("rail"), &json!("rail")));
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
