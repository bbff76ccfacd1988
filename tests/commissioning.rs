//! The first run over real connections: the nudge and its finger.

#[path = "support/api.rs"]
mod support;

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use yep::api::port::MachineLocation;
use yep::machine::{Command, CommandRefusal, NudgeLength, RailEnd, State};

use support::{Client, HttpAnswer, Server, Setup, bearer, snapshot};

const NUDGE: &str = "/api/v1/commissioning/nudge";

/// With an observer, an operator and an admin, before homing.
async fn not_homed() -> Server {
    let server = Setup::new(MachineLocation::Local).with_devices().start().await;
    server.port.set_snapshot(snapshot(State::NotHomed));
    server
}

/// A request of the device with this number.
async fn by(server: &Server, number: u32, method: &str, path: &str, body: Value) -> HttpAnswer {
    let bearer = bearer(number);
    let headers =
        [("host", "yep.local"), ("authorization", bearer.as_str()), ("content-type", "application/json")];
    let body = if body.is_null() { String::new() } else { body.to_string() };
    server.request_from(10, method, path, &headers, body.as_bytes()).await
}

fn code(answer: &HttpAnswer) -> String {
    answer.json()["code"].as_str().unwrap_or_default().to_owned()
}

/// The control socket of a page of the device with this number.
async fn page(server: &Server, number: u32) -> Client {
    let bearer = bearer(number);
    let headers = [("host", "yep.local"), ("authorization", bearer.as_str())];
    let mut client = server.upgrade_from(10, "/api/v1/socket", &headers).await.unwrap();
    let hello = ask(&mut client, json!({ "id": 1, "type": "hello", "tab": "page" })).await;
    assert_eq!(hello["problem"], Value::Null);
    client
}

/// The reply to a message with an id.
async fn ask(client: &mut Client, message: Value) -> Value {
    client.send(&message.to_string()).await;
    loop {
        let said: Value = serde_json::from_str(&client.text().await).unwrap();
        if said["type"] == "reply" && said["id"] == message["id"] {
            return said;
        }
    }
}

/// Waits until the machine is told that the client is gone, and comes to rest then; the time that it took.
async fn until_gone(server: &Server, since: Instant) -> Duration {
    for _ in 0..2_000 {
        if server.port.commands().contains(&Command::ClientGone) {
            server.port.set_snapshot(snapshot(State::NotHomed));
            return since.elapsed();
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("the nudge goes on without a finger");
}

#[tokio::test]
async fn a_nudge_is_an_admins_and_is_refused_by_name() {
    let server = not_homed().await;
    let body = json!({ "toward": "front", "after_stop": 0 });
    for number in [1, 2] {
        let refused = by(&server, number, "POST", NUDGE, body.clone()).await;
        assert_eq!((refused.status, code(&refused).as_str()), (403, "role"));
    }
    assert_eq!(server.port.command_count(), 0);
    for (number, allows) in [(1, false), (2, false), (3, true)] {
        let machine = by(&server, number, "GET", "/api/v1/machine", Value::Null).await.json();
        let allowed = machine["allowed"].as_array().unwrap().contains(&json!("nudge"));
        let refused =
            machine["refused"].as_array().unwrap().iter().find(|refused| refused["command"] == "nudge");
        assert_eq!((allowed, refused.is_none()), (allows, allows), "{machine}");
        assert!(refused.is_none_or(|refused| refused["code"] == "role"), "{machine}");
    }
    for (refusal, expected) in [
        (CommandRefusal::Homed(State::Ready), "homed"),
        (CommandRefusal::SwitchPressed(RailEnd::Front), "switch_pressed"),
        (CommandRefusal::Moving(State::Homing), "moving"),
    ] {
        server.port.script_replies([Err(refusal)]);
        let refused = by(&server, 3, "POST", NUDGE, body.clone()).await;
        assert_eq!((refused.status, code(&refused).as_str()), (409, expected));
        assert!(refused.json()["remedy"].as_str().unwrap().len() > 20);
    }
    server.port.commands();
    for wrong in [json!({}), json!({ "toward": "up" }), json!({ "toward": "front", "mm": 20 })] {
        assert_eq!(by(&server, 3, "POST", NUDGE, wrong).await.status, 422);
    }
    server.port.set_snapshot(snapshot(State::Ready));
    let machine = by(&server, 3, "GET", "/api/v1/machine", Value::Null).await.json();
    let refused = machine["refused"].as_array().unwrap().iter().find(|refused| refused["command"] == "nudge");
    assert_eq!(refused.unwrap()["code"], "homed");
    assert_eq!(server.port.command_count(), 0);
}

#[tokio::test]
async fn a_nudge_ends_with_the_finger() {
    let server = not_homed().await;
    let mut page = page(&server, 3).await;
    for (toward, travel, command) in [
        ("front", json!(null), Command::Nudge(RailEnd::Front, NudgeLength::Short)),
        ("back", json!("ruler"), Command::Nudge(RailEnd::Back, NudgeLength::Ruler)),
    ] {
        let mut nudge = json!({ "id": 2, "type": "nudge", "toward": toward, "after_stop": 0 });
        if !travel.is_null() {
            nudge["travel"] = travel;
        }
        assert_eq!(ask(&mut page, nudge).await["done"]["accepted"], "now");
        assert_eq!(server.port.commands(), [command]);
        server.port.set_snapshot(snapshot(State::Nudging));
        // The finger is down for a second.
        for _ in 0..10 {
            assert_eq!(ask(&mut page, json!({ "id": 3, "type": "alive" })).await["problem"], Value::Null);
            tokio::time::sleep(Duration::from_millis(100)).await;
            assert_eq!(server.port.command_count(), 0, "it ended with the finger down");
        }
        ask(&mut page, json!({ "id": 4, "type": "alive" })).await;
        let took = until_gone(&server, Instant::now()).await;
        assert!((250..900).contains(&took.as_millis()), "it ended after {took:?}");
    }
}

#[tokio::test]
async fn a_nudge_of_which_nothing_is_heard_ends_and_no_ping_holds_it() {
    let server = not_homed().await;
    // A request, without any socket.
    let began = Instant::now();
    let accepted = by(&server, 3, "POST", NUDGE, json!({ "toward": "front", "after_stop": 0 })).await;
    assert_eq!(accepted.status, 200);
    server.port.set_snapshot(snapshot(State::Nudging));
    let took = until_gone(&server, began).await;
    assert!(took < Duration::from_millis(1_500), "{took:?}");
}

#[tokio::test]
async fn a_motor_elsewhere_is_not_nudged() {
    let server = Setup::new(MachineLocation::Remote).with_devices().start().await;
    let refused = by(&server, 3, "POST", NUDGE, json!({ "toward": "front" })).await;
    assert_eq!((refused.status, code(&refused).as_str()), (404, "machine_elsewhere"));
}
