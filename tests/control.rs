//! The control socket: what a page or a program hears and may say, over real sockets.

#[path = "support/api.rs"]
mod support;

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use yep::api::port::MachineLocation;
use yep::machine::{Command, CommandRefusal, State};

use support::{Client, PATIENCE, Server, Setup, ask, snapshot};

const SINE: &str = r#"{"type":"sine","duration":2}"#;

async fn start() -> Server {
    Setup::new(MachineLocation::Local).start().await
}

async fn open(server: &Server) -> Client {
    server.upgrade_from(1, "/api/v1/socket", &[]).await.unwrap()
}

/// The next message of that type.
async fn next(client: &mut Client, kind: &str) -> Value {
    loop {
        let message: Value = serde_json::from_str(&client.text().await).unwrap();
        if message["type"] == kind {
            return message;
        }
    }
}

#[tokio::test]
async fn it_greets_says_the_state_and_samples() {
    let server = start().await;
    let mut client = open(&server).await;
    let hello: Value = serde_json::from_str(&client.text().await).unwrap();
    assert_eq!((&hello["type"], &hello["right"]), (&json!("hello"), &json!("administer")), "{hello}");
    assert_eq!(hello["build"], env!("CARGO_PKG_VERSION"));
    let state = next(&mut client, "state").await;
    let mut machine = server.get("/api/v1/machine").await.json();
    machine["type"] = json!("state");
    assert_eq!(state, machine);

    // A change is there at once, and not with the next second.
    let begun = Instant::now();
    server.port.set_snapshot(snapshot(State::Running));
    loop {
        if next(&mut client, "state").await["state"] == "running" {
            break;
        }
    }
    assert!(begun.elapsed() < Duration::from_millis(900), "{:?}", begun.elapsed());

    // Samples come in batches, a fiftieth of a second apart.
    let port = server.port.clone();
    let feeding = tokio::spawn(async move {
        let mut moving = snapshot(State::Running);
        loop {
            moving.at_ns += 10_000_000;
            moving.velocity_mm_s += 1.0;
            port.set_snapshot(moving);
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    });
    let live = next(&mut client, "live").await;
    let later = next(&mut client, "live").await;
    assert_eq!((&live["dt"], live["s"].as_array().unwrap().len()), (&json!(0.02), 5), "{live}");
    assert_eq!(live["s"][0][0], json!(72.5));
    assert_eq!(live["s"][0][2], Value::Null, "there is no force sensor");
    assert!(later["t0"].as_f64() > live["t0"].as_f64());
    feeding.abort();
}

#[tokio::test]
async fn commands_are_answered_with_the_machines_decision_or_a_problem() {
    let server = start().await;
    let mut client = open(&server).await;
    let wave: Value = serde_json::from_str(SINE).unwrap();
    let reply = ask(&mut client, json!({ "type": "run", "id": 7, "wave": wave })).await;
    assert_eq!(reply["done"]["accepted"], "now", "{reply}");
    assert!(matches!(server.port.commands()[..], [Command::Run(_)]));

    server.port.script_replies([Err(CommandRefusal::NotHomed(State::NotHomed))]);
    let refused = ask(&mut client, json!({ "type": "run", "id": 8, "wave": wave })).await["problem"].take();
    assert_eq!((&refused["code"], &refused["status"]), (&json!("not_homed"), &json!(409)), "{refused}");
    assert!(refused["remedy"].as_str().unwrap().contains("calibrate"));
    assert!(refused["allowed"].as_array().unwrap().contains(&json!("calibrate")), "{refused}");
    server.port.commands();

    for (message, code, field) in [
        (
            json!({ "type": "run", "id": 9, "wave": { "type": "sine", "duration": "2" } }),
            "invalid_fields",
            "wave.duration",
        ),
        (
            json!({ "type": "run", "id": 9, "wave": { "type": "sine", "duration": 2, "amplitud": 1 } }),
            "invalid_fields",
            "wave.amplitud",
        ),
        (json!({ "type": "run", "id": 9 }), "invalid_message", ""),
        (json!({ "type": "run", "id": 9, "saved": "none" }), "unknown_wave", ""),
        (json!({ "type": "change", "id": 9, "fields": {} }), "nothing_runs", ""),
    ] {
        let problem = ask(&mut client, message.clone()).await["problem"].take();
        assert_eq!(problem["code"], code, "{message}: {problem}");
        assert_eq!(problem["errors"][0]["field"].as_str().unwrap_or_default(), field, "{problem}");
    }
    for nonsense in ["", "{", "[]", r#"[1, "stop"]"#, r#"{"type":"fly"}"#, r#"{"type":"stop","speed":3}"#] {
        client.send(nonsense).await;
        let problem = next(&mut client, "reply").await["problem"].take();
        assert_eq!(problem["code"], "invalid_message", "{nonsense}: {problem}");
    }
    assert_eq!((server.port.commands(), server.port.stop_count()), (vec![], 0));
}

#[tokio::test]
async fn a_change_keeps_the_other_fields_of_the_wave() {
    let server = start().await;
    let mut client = open(&server).await;
    ask(
        &mut client,
        json!({ "type": "run", "id": 1, "wave": { "type": "sine", "duration": 2, "amplitude": 0.5 } }),
    )
    .await;
    server.port.set_snapshot(snapshot(State::Running));
    let reply = ask(&mut client, json!({ "type": "change", "id": 2, "fields": { "duration": 3 } })).await;
    assert_eq!(reply["done"]["accepted"], "now", "{reply}");
    let machine = server.get("/api/v1/machine").await.json();
    assert_eq!(
        machine["in_force"]["wave"]["fields"],
        json!({ "type": "sine", "duration": 3, "amplitude": 0.5 })
    );
    ask(&mut client, json!({ "type": "change", "id": 3, "fields": { "amplitude": null } })).await;
    let machine = server.get("/api/v1/machine").await.json();
    assert_eq!(machine["in_force"]["wave"]["fields"], json!({ "type": "sine", "duration": 3 }));
}

#[tokio::test]
async fn a_late_start_does_not_follow_a_stop_that_its_sender_did_not_know() {
    let server = start().await;
    let mut client = open(&server).await;
    let mut stopped = snapshot(State::Ready);
    stopped.stops = 4;
    server.port.set_snapshot(stopped);
    for kind in ["calibrate", "run"] {
        let mut message = json!({ "type": kind, "id": 1, "after_stop": 3 });
        if kind == "run" {
            message["wave"] = serde_json::from_str(SINE).unwrap();
        }
        assert_eq!(ask(&mut client, message.clone()).await["problem"]["code"], "stopped", "{kind}");
        assert_eq!(server.port.commands(), []);
        message["after_stop"] = json!(4);
        assert_eq!(ask(&mut client, message).await["done"]["accepted"], "now", "{kind}");
        server.port.commands();
    }
}

#[tokio::test]
async fn stop_overtakes_every_command_that_waits() {
    let server = start().await;
    let mut client = open(&server).await;
    server.port.hold_replies(true);
    for id in 0..40 {
        client.send(&json!({ "type": "calibrate", "id": id }).to_string()).await;
    }
    let begun = Instant::now();
    client.send(r#"{"type":"stop","id":99}"#).await;
    while server.port.stop_count() == 0 {
        assert!(begun.elapsed() < PATIENCE, "STOP waits behind commands");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert!(server.port.command_count() <= 1, "one at a time");
    // Those that did not fit were refused, and the socket goes on.
    let mut full = 0;
    loop {
        let reply = next(&mut client, "reply").await;
        full += usize::from(reply["problem"]["code"] == "queue_full");
        if reply["id"] == 99 {
            break;
        }
    }
    assert!(full >= 20, "{full}");
    server.port.hold_replies(false);
}

#[tokio::test]
async fn a_client_that_comes_back_hears_the_events_that_it_missed() {
    let server = start().await;
    let mut client = open(&server).await;
    next(&mut client, "state").await;
    server.ctx.control_events.push(1.0, "stopped", "at rest");
    let event = next(&mut client, "event").await;
    assert_eq!(event, json!({ "type": "event", "n": 1, "t": 1.0, "code": "stopped", "text": "at rest" }));
    drop(client);
    for n in 2..=4 {
        server.ctx.control_events.push(f64::from(n), "ready", "the axis is at rest");
    }
    let mut client = open(&server).await;
    assert_eq!(next(&mut client, "hello").await["newest_event"], 4);
    client.send(r#"{"type":"hello","id":1,"since":2}"#).await;
    for n in 3..=4 {
        assert_eq!(next(&mut client, "event").await["n"], n);
    }
    assert_eq!(next(&mut client, "reply").await["id"], 1);
    for n in 5..=400 {
        server.ctx.control_events.push(f64::from(n), "ready", "the axis is at rest");
    }
    let mut client = open(&server).await;
    client.send(r#"{"type":"hello","id":1,"since":4}"#).await;
    assert_eq!(next(&mut client, "gap").await["newest_event"], 400);
}

#[tokio::test]
async fn a_client_that_never_reads_is_closed_and_holds_nobody_up() {
    let mut setup = Setup::new(MachineLocation::Local);
    setup.limits.ping_time = Duration::from_millis(50);
    setup.limits.silent_time = Duration::from_millis(400);
    setup.limits.sockets = 2;
    let server = setup.start().await;
    let mute = open(&server).await;
    let mut client = open(&server).await;
    assert_eq!(server.upgrade_from(1, "/api/v1/socket", &[]).await.err().map(|s| s.as_u16()), Some(503));
    let begun = Instant::now();
    // The slot of the mute one is free again; the other one goes on.
    loop {
        assert_eq!(ask(&mut client, json!({ "type": "alive", "id": 1, "t": 2.5 })).await["t"], 2.5);
        if server.upgrade_from(1, "/api/v1/socket", &[]).await.is_ok() {
            break;
        }
        assert!(begun.elapsed() < PATIENCE, "it stays open");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    drop(mute);
}

#[tokio::test]
async fn a_guest_gets_no_socket_and_a_foreign_page_none_either() {
    let server = start().await;
    let refused = |host, headers: &'static [(&'static str, &'static str)]| {
        let server = &server;
        async move { server.upgrade_from(host, "/api/v1/socket", headers).await.err().map(|s| s.as_u16()) }
    };
    assert_eq!(refused(10, &[]).await, Some(403));
    assert_eq!(refused(1, &[("origin", "http://evil.example")]).await, Some(403));
}

#[tokio::test]
async fn a_page_that_hangs_still_answers_pings_and_its_wave_comes_to_rest() {
    let mut setup = Setup::new(MachineLocation::Local);
    setup.limits.ping_time = Duration::from_millis(20);
    setup.limits.lease_time = Duration::from_millis(500);
    let server = setup.start().await;
    let mut client = open(&server).await;
    let wave: Value = serde_json::from_str(SINE).unwrap();
    ask(&mut client, json!({ "type": "run", "id": 1, "wave": wave })).await;
    server.port.set_snapshot(snapshot(State::Running));
    let gone = |server: &Server| server.port.commands().contains(&Command::ClientGone);
    // Alive, it goes on for longer than the lease.
    let begun = Instant::now();
    server.port.commands();
    while begun.elapsed() < Duration::from_millis(1_200) {
        ask(&mut client, json!({ "type": "alive", "id": 2 })).await;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(!gone(&server), "its client is alive");
    // Reading answers each ping, and says nothing else.
    let begun = Instant::now();
    while !gone(&server) {
        assert!(begun.elapsed() < PATIENCE, "a pong counts as a sign of life");
        let _ = tokio::time::timeout(Duration::from_millis(50), client.text()).await;
    }
}
