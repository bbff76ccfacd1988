//! Lease of a client on its wave (S17): real requests and WebSockets in memory, to the real server and machine on
//! virtual time.

use std::sync::Arc;

use serde_json::{Value, json};
use yep::api::Presence;
use yep::hal::sim::RailOptions;
use yep::machine::State;
use yep::trial::client::{ClientKind, ClientRequest, ClientSocket, SocketAction};
use yep::trial::process::{TrialEnvironment, TrialProcess};

const SECOND: u64 = 1_000_000_000;
/// Lease: longest silence of the client …
const GRACE: u64 = 3 * SECOND;
/// … and longest time from its end until the axis rests.
const RAMP: u64 = 2 * SECOND;

fn calibrated() -> TrialProcess {
    calibrated_with(Presence::default())
}

/// A calibrated machine with this configured policy for waves whose client is gone.
fn calibrated_with(presence: Presence) -> TrialProcess {
    let mut process = homing(presence);
    for _ in 0..60 {
        run_for(&mut process, SECOND);
        if state(&process) == State::Ready {
            return process;
        }
    }
    panic!("homing does not end");
}

fn homing(presence: Presence) -> TrialProcess {
    let environment = TrialEnvironment { presence, ..TrialEnvironment::new(RailOptions::default()) };
    let mut process = TrialProcess::start(&environment, 70.0).unwrap();
    // The board of the force sensor is set up by then.
    run_for(&mut process, SECOND / 2);
    assert_eq!(post(&mut process, "/api/commands/run", &json!({ "type": "calibrate" })), 200);
    process
}

/// Messages of this device on the socket since the last call.
fn messages_of(socket: &ClientSocket, device: &str) -> Vec<Value> {
    socket.take_messages().into_iter().filter(|message| message["device"] == device).collect()
}

fn why(message: &Value) -> &str {
    message["why"].as_str().unwrap()
}

/// Type of each message: a warning, or its withdrawal.
fn kinds(words: &[Value]) -> Vec<&str> {
    words.iter().map(|message| message["type"].as_str().unwrap()).collect()
}

#[test]
fn what_the_computer_suffered_from_is_taken_back() {
    let environment = TrialEnvironment::new(RailOptions::default());
    let computer = Arc::clone(&environment.computer);
    let mut process = TrialProcess::start(&environment, 70.0).unwrap();
    let watcher = process.open_socket(ClientKind::Program, "status");
    computer.lock().unwrap().temperature_c = Some(82.0);
    run_for(&mut process, 4 * SECOND);
    assert_eq!(kinds(&messages_of(&watcher, "host")), ["warning"]);
    computer.lock().unwrap().temperature_c = Some(60.0);
    run_for(&mut process, 4 * SECOND);
    assert_eq!(kinds(&messages_of(&watcher, "host")), ["waiting"]);
}

fn post(process: &mut TrialProcess, path: &str, body: &Value) -> u16 {
    let body = body.to_string().into_bytes();
    let call = ClientRequest { who: ClientKind::Page, method: "POST", path: path.to_owned(), body };
    process.request(call, 2_000).and_then(|answer| answer.status).unwrap()
}

fn run(process: &mut TrialProcess, more: Value) {
    let mut wave = json!({ "type": "sine", "duration": 30 });
    wave.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    assert_eq!(post(process, "/api/wave/run", &wave), 200);
}

fn run_for(process: &mut TrialProcess, time: u64) {
    process.run_until(process.now() + time);
    assert!(process.witness().violation().is_none(), "{:?}", process.witness().violation());
}

fn state(process: &TrialProcess) -> State {
    process.machine.trace_sample().state
}

/// Opens a page with a socket, and runs a wave.
fn page(process: &mut TrialProcess) -> ClientSocket {
    let socket = process.open_socket(ClientKind::Page, "status");
    run(process, json!({}));
    run_for(process, 20 * SECOND);
    assert_eq!(state(process), State::Running, "an open socket is a client that is there");
    socket
}

/// Asserts that the wave runs until the lease expires, then rests after the ramp, with the reason in the status.
fn assert_wave_ends(process: &mut TrialProcess) {
    run_for(process, GRACE - SECOND - SECOND / 10);
    assert_eq!(state(process), State::Running);
    run_for(process, SECOND + RAMP);
    assert_eq!(state(process), State::Ready);
    assert!(process.machine.trace_sample().resting);
    let why = process.machine.snapshot().why.to_string();
    assert!(why.starts_with("the client that started the wave is gone"), "{why}");
}

#[test]
fn a_client_that_leaves_takes_its_wave_along() {
    let mut process = calibrated();
    drop(page(&mut process));
    assert_wave_ends(&mut process);
    // A new start works as before.
    let _back = page(&mut process);
}

#[test]
fn a_socket_that_says_nothing_more_is_a_client_that_is_gone() {
    let mut process = calibrated();
    let socket = page(&mut process);
    socket.act(SocketAction::Hang);
    assert_wave_ends(&mut process);
    assert!(socket.is_open(), "half open");
}

#[test]
fn the_end_of_a_silent_socket_is_no_sign_of_life() {
    let mut process = calibrated();
    let socket = page(&mut process);
    socket.act(SocketAction::Hang);
    run_for(&mut process, 5 * SECOND / 2);
    assert_eq!(state(&process), State::Running);
    drop(socket);
    run_for(&mut process, 3 * SECOND / 2);
    assert_eq!(state(&process), State::Ready, "the grace is counted from what the client said last");
}

#[test]
fn the_open_socket_of_somebody_else_does_not_count() {
    let mut process = calibrated();
    let _other = (
        process.open_socket(ClientKind::Program, "status"),
        process.open_socket(ClientKind::Guest, "status"),
    );
    drop(page(&mut process));
    assert_wave_ends(&mut process);
}

#[test]
fn who_comes_back_in_time_keeps_the_wave() {
    let mut process = calibrated();
    drop(page(&mut process));
    run_for(&mut process, 2 * SECOND);
    let _back = process.open_socket(ClientKind::Page, "status");
    run_for(&mut process, 20 * SECOND);
    assert_eq!(state(&process), State::Running);
}

#[test]
fn without_a_socket_any_request_is_a_sign_of_life() {
    let mut process = calibrated();
    run(&mut process, json!({}));
    for _ in 0..10 {
        run_for(&mut process, 2 * SECOND);
        post(&mut process, "/api/curve", &json!({}));
        assert_eq!(state(&process), State::Running);
    }
    assert_wave_ends(&mut process);
}

#[test]
fn who_wants_the_wave_to_go_on_says_so() {
    let mut process = calibrated();
    run(&mut process, json!({ "lease": "continue" }));
    run_for(&mut process, 20 * SECOND);
    assert_eq!(state(&process), State::Running);
    let wrong = json!({ "type": "sine", "duration": 5, "lease": "for ever" });
    assert_eq!(post(&mut process, "/api/wave/run", &wrong), 422);
    // The next wave has a lease again.
    run(&mut process, json!({}));
    assert_wave_ends(&mut process);
}

#[test]
fn the_configuration_may_let_waves_go_on_and_who_is_there_is_told() {
    let mut process = calibrated_with(Presence::GoOn);
    let watcher = process.open_socket(ClientKind::Program, "status");
    drop(page(&mut process));
    run_for(&mut process, GRACE - SECOND);
    assert_eq!(messages_of(&watcher, "client"), [Value::Null; 0]);
    run_for(&mut process, 20 * SECOND);
    assert_eq!(state(&process), State::Running);
    let told = messages_of(&watcher, "client");
    assert_eq!(kinds(&told), ["warning"], "it goes on");
    assert!(why(&told[0]).contains("is gone: it goes on until END or STOP"), "{told:?}");
    // The wave's own policy overrides the configuration.
    run(&mut process, json!({ "lease": "stop" }));
    assert_eq!(kinds(&messages_of(&watcher, "client")), ["waiting"], "somebody is there again");
    assert_wave_ends(&mut process);
}

#[test]
fn who_is_there_is_told_that_the_client_is_gone() {
    let mut process = calibrated();
    let watcher = process.open_socket(ClientKind::Program, "status");
    drop(page(&mut process));
    assert_wave_ends(&mut process);
    let told = messages_of(&watcher, "client");
    assert_eq!(kinds(&told), ["warning", "waiting"], "it is at rest, and says why");
    assert!(why(&told[0]).contains("the axis comes to rest"), "{told:?}");
}

#[test]
fn homing_ends_without_its_client_and_the_wave_behind_it_is_dropped_and_told() {
    let mut process = homing(Presence::Watch);
    let watcher = process.open_socket(ClientKind::Program, "status");
    let page = process.open_socket(ClientKind::Page, "status");
    run(&mut process, json!({}));
    run_for(&mut process, SECOND);
    assert_eq!(state(&process), State::Homing);
    drop(page);
    run_for(&mut process, GRACE + SECOND);
    assert_eq!(state(&process), State::Homing, "it knows its way without anybody");
    let told = messages_of(&watcher, "queue");
    assert_eq!(kinds(&told), ["warning"]);
    assert_eq!(told[0]["code"], "client_gone");
    run_for(&mut process, 60 * SECOND);
    assert_eq!(state(&process), State::Ready);
    assert!(process.machine.snapshot().position_mm.is_some());
    // The next start withdraws the warning.
    run(&mut process, json!({}));
    run_for(&mut process, SECOND);
    assert_eq!(kinds(&messages_of(&watcher, "queue")), ["waiting"]);
}

#[test]
fn the_status_tells_how_old_it_is() {
    let mut process = calibrated();
    let age_s = |process: &mut TrialProcess| {
        let call = ClientRequest {
            who: ClientKind::Page,
            method: "GET",
            path: "/api/v1/machine".to_owned(),
            body: Vec::new(),
        };
        process.request(call, 2_000).unwrap().body["age_s"].as_f64().unwrap()
    };
    assert!(age_s(&mut process) < 0.1);
    // The control thread hangs.
    process.machine.stall_control(2 * SECOND);
    run_for(&mut process, SECOND);
    let hangs_s = age_s(&mut process);
    assert!((0.9..2.2).contains(&hangs_s), "{hangs_s}");
    run_for(&mut process, 2 * SECOND);
    assert!(age_s(&mut process) < 0.1);
}
