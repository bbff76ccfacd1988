//! The lease on a wave (S17): real requests and WebSockets, in memory, to the real server and machine on virtual time.

use std::sync::Arc;

use serde_json::{Value, json};
use yep::api::Policy;
use yep::hal::sim::RailOptions;
use yep::machine::State;
use yep::trial::client::{ClientRequest, ClientSocket, Tell, Who};
use yep::trial::whole::{Ground, TrialProcess};

const SECOND: u64 = 1_000_000_000;
/// The client may be silent for so long …
const GRACE: u64 = 3 * SECOND;
/// … and then the axis must rest within this.
const RAMP: u64 = 2 * SECOND;

fn calibrated() -> TrialProcess {
    calibrated_with(Policy::default())
}

/// A machine whose configuration says that about waves whose client is gone.
fn calibrated_with(lease: Policy) -> TrialProcess {
    let mut whole = homing(lease);
    for _ in 0..60 {
        pass(&mut whole, SECOND);
        if state(&whole) == State::Ready {
            return whole;
        }
    }
    panic!("homing does not end");
}

fn homing(lease: Policy) -> TrialProcess {
    let ground = Ground { lease, ..Ground::new(RailOptions::default()) };
    let mut whole = TrialProcess::start(&ground, 70.0).unwrap();
    // Until the board of the force sensor is set up.
    pass(&mut whole, SECOND / 2);
    assert_eq!(post(&mut whole, "/api/commands/run", &json!({ "type": "calibrate" })), 200);
    whole
}

/// What a socket has heard of this device since the last call.
fn words(socket: &ClientSocket, device: &str) -> Vec<Value> {
    socket.heard().into_iter().filter(|message| message["device"] == device).collect()
}

fn why(message: &Value) -> &str {
    message["why"].as_str().unwrap()
}

/// Whether each of them is a warning, or takes one back.
fn kinds(words: &[Value]) -> Vec<&str> {
    words.iter().map(|message| message["type"].as_str().unwrap()).collect()
}

#[test]
fn what_the_computer_suffered_from_is_taken_back() {
    let ground = Ground::new(RailOptions::default());
    let computer = Arc::clone(&ground.computer);
    let mut whole = TrialProcess::start(&ground, 70.0).unwrap();
    let watcher = whole.socket(Who::Program, "status");
    computer.lock().unwrap().temperature_c = Some(82.0);
    pass(&mut whole, 4 * SECOND);
    assert_eq!(kinds(&words(&watcher, "host")), ["warning"]);
    computer.lock().unwrap().temperature_c = Some(60.0);
    pass(&mut whole, 4 * SECOND);
    assert_eq!(kinds(&words(&watcher, "host")), ["waiting"]);
}

fn post(whole: &mut TrialProcess, path: &str, body: &Value) -> u16 {
    let body = body.to_string().into_bytes();
    let call = ClientRequest { who: Who::Page, method: "POST", path: path.to_owned(), body };
    whole.answer(call, 2_000).and_then(|answer| answer.status).unwrap()
}

fn run(whole: &mut TrialProcess, more: Value) {
    let mut wave = json!({ "type": "sine", "duration": 30 });
    wave.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    assert_eq!(post(whole, "/api/wave/run", &wave), 200);
}

fn pass(whole: &mut TrialProcess, time: u64) {
    whole.run_until(whole.now() + time);
    assert!(whole.witness().broken().is_none(), "{:?}", whole.witness().broken());
}

fn state(whole: &TrialProcess) -> State {
    whole.machine.trace_sample().state
}

/// A page with its socket, which runs a wave.
fn page(whole: &mut TrialProcess) -> ClientSocket {
    let socket = whole.socket(Who::Page, "status");
    run(whole, json!({}));
    pass(whole, 20 * SECOND);
    assert_eq!(state(whole), State::Running, "an open socket is a client that is there");
    socket
}

/// It runs on for the grace, rests after the ramp, and says why.
fn ends(whole: &mut TrialProcess) {
    pass(whole, GRACE - SECOND - SECOND / 10);
    assert_eq!(state(whole), State::Running);
    pass(whole, SECOND + RAMP);
    assert_eq!(state(whole), State::Ready);
    assert!(whole.machine.trace_sample().resting);
    let why = whole.machine.snapshot().why.to_string();
    assert!(why.starts_with("the client that started the wave is gone"), "{why}");
}

#[test]
fn a_client_that_leaves_takes_its_wave_along() {
    let mut whole = calibrated();
    drop(page(&mut whole));
    ends(&mut whole);
    // It starts again as ever.
    let _back = page(&mut whole);
}

#[test]
fn a_socket_that_says_nothing_more_is_a_client_that_is_gone() {
    let mut whole = calibrated();
    let socket = page(&mut whole);
    socket.tell(Tell::Hang);
    ends(&mut whole);
    assert!(socket.is_open(), "half open");
}

#[test]
fn the_end_of_a_silent_socket_is_no_sign_of_life() {
    let mut whole = calibrated();
    let socket = page(&mut whole);
    socket.tell(Tell::Hang);
    pass(&mut whole, 5 * SECOND / 2);
    assert_eq!(state(&whole), State::Running);
    drop(socket);
    pass(&mut whole, 3 * SECOND / 2);
    assert_eq!(state(&whole), State::Ready, "the grace is counted from what the client said last");
}

#[test]
fn the_open_socket_of_somebody_else_does_not_count() {
    let mut whole = calibrated();
    let _other = (whole.socket(Who::Program, "status"), whole.socket(Who::Guest, "status"));
    drop(page(&mut whole));
    ends(&mut whole);
}

#[test]
fn who_comes_back_in_time_keeps_the_wave() {
    let mut whole = calibrated();
    drop(page(&mut whole));
    pass(&mut whole, 2 * SECOND);
    let _back = whole.socket(Who::Page, "status");
    pass(&mut whole, 20 * SECOND);
    assert_eq!(state(&whole), State::Running);
}

#[test]
fn without_a_socket_any_request_is_a_sign_of_life() {
    let mut whole = calibrated();
    run(&mut whole, json!({}));
    for _ in 0..10 {
        pass(&mut whole, 2 * SECOND);
        post(&mut whole, "/api/curve", &json!({}));
        assert_eq!(state(&whole), State::Running);
    }
    ends(&mut whole);
}

#[test]
fn who_wants_the_wave_to_go_on_says_so() {
    let mut whole = calibrated();
    run(&mut whole, json!({ "lease": "continue" }));
    pass(&mut whole, 20 * SECOND);
    assert_eq!(state(&whole), State::Running);
    let wrong = json!({ "type": "sine", "duration": 5, "lease": "for ever" });
    assert_eq!(post(&mut whole, "/api/wave/run", &wrong), 422);
    // The next wave is held again.
    run(&mut whole, json!({}));
    ends(&mut whole);
}

#[test]
fn the_configuration_may_let_waves_go_on_and_who_is_there_is_told() {
    let mut whole = calibrated_with(Policy::Continue);
    let watcher = whole.socket(Who::Program, "status");
    drop(page(&mut whole));
    pass(&mut whole, GRACE - SECOND);
    assert_eq!(words(&watcher, "client"), [Value::Null; 0]);
    pass(&mut whole, 20 * SECOND);
    assert_eq!(state(&whole), State::Running);
    let told = words(&watcher, "client");
    assert_eq!(kinds(&told), ["warning"], "it goes on");
    assert!(why(&told[0]).contains("is gone: it goes on until END or STOP"), "{told:?}");
    // What a wave says itself comes first.
    run(&mut whole, json!({ "lease": "stop" }));
    assert_eq!(kinds(&words(&watcher, "client")), ["waiting"], "somebody is there again");
    ends(&mut whole);
}

#[test]
fn who_is_there_is_told_that_the_client_is_gone() {
    let mut whole = calibrated();
    let watcher = whole.socket(Who::Program, "status");
    drop(page(&mut whole));
    ends(&mut whole);
    let told = words(&watcher, "client");
    assert_eq!(kinds(&told), ["warning", "waiting"], "it is at rest, and says why");
    assert!(why(&told[0]).contains("the axis comes to rest"), "{told:?}");
}

#[test]
fn homing_ends_without_its_client_and_the_wave_behind_it_is_dropped_and_told() {
    let mut whole = homing(Policy::Stop);
    let watcher = whole.socket(Who::Program, "status");
    let page = whole.socket(Who::Page, "status");
    run(&mut whole, json!({}));
    pass(&mut whole, SECOND);
    assert_eq!(state(&whole), State::Homing);
    drop(page);
    pass(&mut whole, GRACE + SECOND);
    assert_eq!(state(&whole), State::Homing, "it knows its way without anybody");
    let told = words(&watcher, "queue");
    assert_eq!(kinds(&told), ["warning"]);
    assert_eq!(told[0]["code"], "client_gone");
    pass(&mut whole, 60 * SECOND);
    assert_eq!(state(&whole), State::Ready);
    assert!(whole.machine.snapshot().position_mm.is_some());
    // The page of whoever starts something next says that all is well.
    run(&mut whole, json!({}));
    pass(&mut whole, SECOND);
    assert_eq!(kinds(&words(&watcher, "queue")), ["waiting"]);
}

#[test]
fn the_status_tells_how_old_it_is() {
    let mut whole = calibrated();
    let age_s = |whole: &mut TrialProcess| {
        let call =
            ClientRequest { who: Who::Page, method: "GET", path: "/api/status".to_owned(), body: Vec::new() };
        whole.answer(call, 2_000).unwrap().body["age_s"].as_f64().unwrap()
    };
    assert!(age_s(&mut whole) < 0.1);
    // The control thread hangs.
    whole.machine.stall_control(2 * SECOND);
    pass(&mut whole, SECOND);
    let hangs_s = age_s(&mut whole);
    assert!((0.9..2.2).contains(&hangs_s), "{hangs_s}");
    pass(&mut whole, 2 * SECOND);
    assert!(age_s(&mut whole) < 0.1);
}
