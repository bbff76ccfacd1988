//! The control lease over real sockets (S22, S35, S36): who is in charge, how it changes hands, and who counts as there.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use yep::api::port::MachineLocation;
use yep::machine::{Command, Snapshot, State};

use crate::paired;
use crate::support::{Client, Server, Setup, ask, bearer, by, code, reply, snapshot};

const LEASE: Duration = Duration::from_millis(600);
const WAVE: &str = r#"{"type":"sine","duration":2}"#;

async fn quick() -> Server {
    let mut setup = Setup::new(MachineLocation::Local).with_devices();
    setup.limits.lease_time = LEASE;
    setup.start().await
}

/// A control socket of a tab of the device with this number.
async fn tab(server: &Server, number: u32, tab: &str) -> Client {
    let bearer = bearer(number);
    let headers = [("host", "yep.local"), ("authorization", bearer.as_str())];
    let mut client = server.upgrade_from(10, "/api/v1/socket", &headers).await.unwrap();
    assert_eq!(
        ask(&mut client, json!({ "id": 1, "type": "hello", "tab": tab })).await["problem"],
        Value::Null
    );
    client
}

fn run(id: u64) -> Value {
    json!({ "id": id, "type": "run", "wave": { "type": "sine", "duration": 2 }, "after_stop": 0 })
}

fn lease(id: u64, act: &str) -> Value {
    json!({ "id": id, "type": "lease", "act": act })
}

/// The machine comes to rest when it is told that a client is gone.
fn rest_on_command(server: &Server) -> tokio::task::JoinHandle<()> {
    let port = server.port.clone();
    tokio::spawn(async move {
        loop {
            if port.commands().contains(&Command::ClientGone) {
                port.set_snapshot(snapshot(State::Ready));
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
}

/// Waits until the admin's request for the lease is there; its holder says meanwhile that it is there.
async fn until_admin_asks(server: &Server, holder: &mut Client) {
    for _ in 0..400 {
        assert_eq!(ask(holder, json!({ "id": 5, "type": "alive" })).await["problem"], Value::Null);
        if by(server, 1, "GET", "/api/v1/lease", Value::Null).await.json()["asker"] == "admin" {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("nobody asks");
}

async fn wait_until(holds: impl Fn() -> bool) {
    for _ in 0..400 {
        if holds() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("it did not come to pass");
}

async fn running(server: &Server, client: &mut Client) {
    let started = ask(client, run(7)).await;
    assert_eq!(started["done"]["accepted"], "now", "{started}");
    server.port.set_snapshot(snapshot(State::Running));
    server.port.commands();
}

#[tokio::test]
async fn two_tabs_of_one_browser_do_not_hold_each_others_waves() {
    let server = paired().await;
    let (mut one, mut two) = (tab(&server, 2, "one").await, tab(&server, 2, "two").await);
    running(&server, &mut one).await;
    let refused = ask(&mut two, run(8)).await;
    assert_eq!(
        (&refused["problem"]["code"], &refused["problem"]["status"]),
        (&json!("not_in_charge"), &json!(409))
    );
    assert!(refused["problem"]["detail"].as_str().unwrap().contains("operator is in charge"), "{refused}");
    assert_eq!(server.port.command_count(), 0);
    // What is offered follows from role and lease; END and STOP are everybody's who may move the axis.
    let state = by(&server, 3, "GET", "/api/v1/machine", Value::Null).await.json();
    assert_eq!((&state["lease"]["holder"], &state["lease"]["is_own"]), (&json!("operator"), &json!(false)));
    let allowed: Vec<_> = state["allowed"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    assert_eq!(allowed, ["end", "stop"], "{state}");
    assert!(
        state["refused"]
            .as_array()
            .unwrap()
            .iter()
            .any(|r| r["command"] == "run" && r["code"] == "not_in_charge")
    );
    let end = by(&server, 3, "POST", "/api/v1/machine/end", json!({})).await;
    assert_eq!(end.status, 200, "{}", end.text());
    // The old paths take the lease in the same way.
    let old = server.post("/api/wave/run", WAVE).await;
    assert_eq!((old.status, code(&old)), (409, "not_in_charge".to_owned()));
}

#[tokio::test]
async fn a_holder_that_is_asked_hands_over_and_the_motion_goes_on() {
    let server = paired().await;
    let (mut one, mut two) = (tab(&server, 2, "one").await, tab(&server, 3, "two").await);
    running(&server, &mut one).await;
    assert_eq!(ask(&mut one, lease(3, "hand_over")).await["problem"]["code"], "nobody_asks");
    for (answer, got) in [("keep", false), ("hand_over", true)] {
        two.send(&lease(4, "ask").to_string()).await;
        until_admin_asks(&server, &mut one).await;
        assert_eq!(ask(&mut one, lease(6, answer)).await["problem"], Value::Null);
        let reply = reply(&mut two, &json!(4)).await;
        assert_eq!(reply["lease"]["is_own"] == true, got, "{reply}");
        assert_eq!(reply["problem"]["code"] == "lease_kept", !got, "{reply}");
    }
    assert_eq!(server.port.command_count(), 0, "the motion goes on");
    assert_eq!(ask(&mut one, run(9)).await["problem"]["code"], "not_in_charge");
}

#[tokio::test]
async fn a_holder_of_whom_nothing_is_heard_loses_the_lease_and_its_motion_is_not_inherited() {
    let server = quick().await;
    let mut one = tab(&server, 2, "one").await;
    let mut start = run(7);
    start["presence"] = json!("go_on");
    assert_eq!(ask(&mut one, start).await["done"]["accepted"], "now");
    server.port.set_snapshot(snapshot(State::Running));
    server.port.commands();
    tokio::time::sleep(LEASE + Duration::from_millis(200)).await;
    let resting = rest_on_command(&server);
    let mut two = tab(&server, 3, "two").await;
    let got = ask(&mut two, lease(4, "ask")).await;
    assert_eq!(got["lease"]["is_own"], true, "{got}");
    resting.await.unwrap();
}

/// Regression: both waited for the axis to rest, and the second one took the lease from the first one, who was there.
#[tokio::test]
async fn of_two_who_ask_a_holder_who_is_gone_the_second_asks_the_first() {
    let server = quick().await;
    let mut one = tab(&server, 2, "one").await;
    running(&server, &mut one).await;
    let (mut two, mut three) = (tab(&server, 3, "two").await, tab(&server, 3, "three").await);
    drop(one);
    tokio::time::sleep(LEASE + Duration::from_millis(100)).await;
    two.send(&lease(4, "ask").to_string()).await;
    wait_until(|| server.port.commands().contains(&Command::ClientGone)).await;
    three.send(&lease(5, "ask").to_string()).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    server.port.set_snapshot(snapshot(State::Ready));
    assert_eq!(reply(&mut two, &json!(4)).await["lease"]["is_own"], true);
    until_admin_asks(&server, &mut two).await;
    assert_eq!(ask(&mut two, lease(7, "keep")).await["problem"], Value::Null);
    assert_eq!(reply(&mut three, &json!(5)).await["problem"]["code"], "lease_kept");
}

/// Regression: a client that took the free lease by an act while it waited for an answer was told that it has it, and lost it with the
/// next STOP, as if it had never asked.
#[tokio::test]
async fn who_asks_and_takes_the_lease_by_an_act_meanwhile_keeps_it_behind_a_stop() {
    let server = paired().await;
    let (mut one, mut two) = (tab(&server, 2, "one").await, tab(&server, 3, "two").await);
    running(&server, &mut one).await;
    two.send(&lease(4, "ask").to_string()).await;
    until_admin_asks(&server, &mut one).await;
    server.port.set_snapshot(snapshot(State::Ready));
    server.request_from(11, "POST", "/api/v1/stop", &[], b"").await;
    two.send(&json!({ "id": 5, "type": "arm" }).to_string()).await;
    assert_eq!(reply(&mut two, &json!(4)).await["lease"]["is_own"], true);
    server.request_from(11, "POST", "/api/v1/stop", &[], b"").await;
    let seen = by(&server, 1, "GET", "/api/v1/lease", Value::Null).await.json();
    assert_eq!(seen["holder"], "admin", "{seen}");
}

#[tokio::test]
async fn a_holder_that_leaves_while_it_is_asked_is_not_waited_for_until_the_end() {
    let server = quick().await;
    let mut one = tab(&server, 2, "one").await;
    running(&server, &mut one).await;
    let mut two = tab(&server, 3, "two").await;
    two.send(&lease(4, "ask").to_string()).await;
    drop(one);
    let resting = rest_on_command(&server);
    let begun = std::time::Instant::now();
    assert_eq!(reply(&mut two, &json!(4)).await["lease"]["is_own"], true);
    assert!(begun.elapsed() < 5 * LEASE, "{:?}", begun.elapsed());
    resting.await.unwrap();
}

#[tokio::test]
async fn an_admin_takes_the_lease_by_force_after_rest_and_an_operator_does_not() {
    let server = paired().await;
    let mut one = tab(&server, 3, "one").await;
    running(&server, &mut one).await;
    let mut two = tab(&server, 2, "two").await;
    assert_eq!(ask(&mut two, lease(4, "force")).await["problem"]["code"], "role");
    let resting = rest_on_command(&server);
    let mut three = tab(&server, 3, "three").await;
    assert_eq!(ask(&mut three, lease(4, "force")).await["lease"]["is_own"], true);
    resting.await.unwrap();
    let audit = by(&server, 3, "GET", "/api/v1/audit", Value::Null).await.json();
    assert_eq!(audit["events"][0]["what"], "lease_forced", "{audit}");
    // An explicit lease is held at rest, until it is given back.
    assert_eq!(ask(&mut two, run(8)).await["problem"]["code"], "not_in_charge");
    assert_eq!(ask(&mut three, lease(5, "release")).await["lease"]["holder"], Value::Null);
    assert_eq!(ask(&mut two, run(9)).await["done"]["accepted"], "now");
}

/// Regression: a latched fault counted as rest while its ramp still ran.
#[tokio::test]
async fn the_ramp_of_a_fault_is_waited_for_and_nothing_is_added_to_it() {
    let server = paired().await;
    let mut one = tab(&server, 2, "one").await;
    running(&server, &mut one).await;
    server.port.set_snapshot(Snapshot { velocity_mm_s: -40.0, ..snapshot(State::Faulted) });
    let mut two = tab(&server, 3, "two").await;
    two.send(&lease(4, "force").to_string()).await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    let seen = by(&server, 1, "GET", "/api/v1/lease", Value::Null).await.json();
    assert_eq!(seen["holder"], "operator", "{seen}");
    server.port.set_snapshot(snapshot(State::Faulted));
    assert_eq!(reply(&mut two, &json!(4)).await["lease"]["is_own"], true);
    assert_eq!((server.port.command_count(), server.port.stop_count()), (0, 0));
}

/// Regression: homing went on to the ends of the rail for up to five seconds.
#[tokio::test]
async fn homing_is_stopped_when_the_lease_changes_hands() {
    let server = paired().await;
    let mut one = tab(&server, 2, "one").await;
    running(&server, &mut one).await;
    server.port.set_snapshot(snapshot(State::Homing));
    let mut two = tab(&server, 3, "two").await;
    two.send(&lease(4, "force").to_string()).await;
    wait_until(|| server.port.stop_count() == 1).await;
    server.port.set_snapshot(Snapshot { stops: 1, ..snapshot(State::NotHomed) });
    assert_eq!(reply(&mut two, &json!(4)).await["lease"]["is_own"], true);
}

/// Regression: a calibration did not wait for its turn, and might begin under the next client.
#[tokio::test]
async fn a_calibration_that_waits_for_rest_does_not_begin_under_the_next_client() {
    let server = paired().await;
    let mut one = tab(&server, 2, "one").await;
    running(&server, &mut one).await;
    let mut two = tab(&server, 3, "two").await;
    two.send(&lease(4, "force").to_string()).await;
    wait_until(|| server.port.commands().contains(&Command::ClientGone)).await;
    // It is in charge still, and comes while the axis brakes.
    one.send(&json!({ "id": 8, "type": "calibrate", "after_stop": 0 }).to_string()).await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(server.port.command_count(), 0, "it waits");
    server.port.set_snapshot(snapshot(State::Ready));
    assert_eq!(reply(&mut two, &json!(4)).await["lease"]["is_own"], true);
    assert_eq!(reply(&mut one, &json!(8)).await["problem"]["code"], "not_in_charge");
    assert_eq!(server.port.command_count(), 0);
}

#[tokio::test]
async fn a_device_that_is_revoked_in_charge_leaves_an_axis_that_comes_to_rest() {
    let server = paired().await;
    let mut one = tab(&server, 2, "one").await;
    running(&server, &mut one).await;
    let resting = rest_on_command(&server);
    assert_eq!(by(&server, 3, "DELETE", "/api/v1/devices/2", Value::Null).await.status, 200);
    resting.await.unwrap();
    assert_eq!(by(&server, 3, "GET", "/api/v1/lease", Value::Null).await.json()["holder"], Value::Null);
}

#[tokio::test]
async fn a_start_that_was_under_way_when_its_device_was_revoked_moves_nothing() {
    let server = paired().await;
    let mut slow = server.connect_from(10).await;
    let body = r#"{"wave": {"type": "sine", "duration": 2}}"#;
    let head = format!(
        "POST /api/v1/machine/run HTTP/1.1\r\nHost: yep.local\r\nAuthorization: {}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        bearer(2),
        body.len()
    );
    slow.write_all(head.as_bytes()).await.unwrap();
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(by(&server, 3, "DELETE", "/api/v1/devices/2", Value::Null).await.status, 200);
    slow.write_all(body.as_bytes()).await.unwrap();
    let mut answer = [0; 12];
    slow.read_exact(&mut answer).await.unwrap();
    assert_eq!((&answer[..], server.port.command_count()), (&b"HTTP/1.1 401"[..], 0));
}

#[tokio::test]
async fn only_what_the_visible_page_says_is_a_sign_of_life() {
    for (message, is_alive) in [
        (json!({ "id": 1, "type": "alive" }), true),
        (json!({ "id": 1, "type": "hello" }), false),
        (json!({ "id": 1, "type": "alive", "of": "app" }), false),
    ] {
        let server = quick().await;
        let mut client = tab(&server, 2, "one").await;
        running(&server, &mut client).await;
        let until = tokio::time::Instant::now() + 3 * LEASE;
        while tokio::time::Instant::now() < until {
            // Reading answers the pings, as a browser does by itself.
            ask(&mut client, message.clone()).await;
            tokio::time::sleep(LEASE / 10).await;
        }
        assert_eq!(server.port.commands().is_empty(), is_alive, "{message}");
    }
}

#[tokio::test]
async fn a_finger_that_is_lifted_is_noticed_in_a_third_of_a_second() {
    let server = paired().await;
    let mut client = tab(&server, 2, "one").await;
    let mut start = run(7);
    start["presence"] = json!("hold");
    ask(&mut client, start).await;
    server.port.set_snapshot(snapshot(State::Running));
    server.port.commands();
    for _ in 0..10 {
        ask(&mut client, json!({ "id": 1, "type": "alive" })).await;
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(server.port.commands().is_empty(), "the finger is down");
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(server.port.commands(), [Command::ClientGone]);
}

#[tokio::test]
async fn a_start_that_has_not_seen_the_last_stop_is_refused_and_one_that_has_need_not_pause() {
    let server = paired().await;
    let mut client = tab(&server, 2, "one").await;
    running(&server, &mut client).await;
    assert_eq!(server.request_from(11, "POST", "/api/v1/stop", &[], b"").await.status, 200);
    server.port.set_snapshot(Snapshot { stops: 1, ..snapshot(State::Ready) });
    assert_eq!(ask(&mut client, run(8)).await["problem"]["code"], "stopped");
    tokio::time::sleep(Duration::from_millis(300)).await;
    let mut seen = run(9);
    seen["after_stop"] = json!(1);
    assert_eq!(ask(&mut client, seen.clone()).await["done"]["accepted"], "now");
    // Nobody can have seen a STOP that was given just now, whatever number is guessed.
    server.request_from(11, "POST", "/api/v1/stop", &[], b"").await;
    seen["after_stop"] = json!(2);
    assert_eq!(ask(&mut client, seen).await["problem"]["code"], "stopped");
}
