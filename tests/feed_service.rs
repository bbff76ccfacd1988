//! Feeds at the real server, with the real machine on virtual time: what a person does holds, whatever a program sends at that
//! instant.

use serde_json::{Value, json};
use yep::hal::sim::RailOptions;
use yep::machine::State;
use yep::trial::client::{ClientAnswer, ClientKind, ClientRequest, ClientSocket, SocketAction};
use yep::trial::process::{TrialEnvironment, TrialProcess};

const MS: u64 = 1_000_000;
const SECOND: u64 = 1_000 * MS;

fn call(method: &'static str, path: &str, body: &Value) -> ClientRequest {
    let (path, body) = (path.to_owned(), body.to_string().into_bytes());
    ClientRequest { who: ClientKind::Desk, method, path, body }
}

/// Asks as a page, and waits for the answer; its status.
fn ask(process: &mut TrialProcess, path: &str, body: &Value) -> Option<u16> {
    let call = ClientRequest { who: ClientKind::Page, ..call("POST", path, body) };
    process.request(call, 2_000).expect("an answer").status
}

/// The answer to a request that was sent.
fn answered(process: &mut TrialProcess, path: &str) -> ClientAnswer {
    let answers = process.take_answers_of_phones();
    answers.into_iter().rfind(|answer| answer.call.path == path).expect("an answer")
}

fn run_for(process: &mut TrialProcess, time: u64) {
    process.run_until(process.now() + time);
    assert!(process.witness().violation().is_none(), "{:?}", process.witness().violation());
}

fn state(process: &TrialProcess) -> State {
    process.machine.trace_sample().state
}

fn position_mm(process: &TrialProcess) -> f64 {
    process.machine.snapshot().position_mm.expect("a calibrated axis")
}

fn calibrated() -> TrialProcess {
    let mut process = TrialProcess::start(&TrialEnvironment::new(RailOptions::default()), 70.0).unwrap();
    run_for(&mut process, SECOND / 2);
    assert_eq!(ask(&mut process, "/api/v1/machine/calibrate", &json!({})), Some(200));
    while state(&process) != State::Ready {
        run_for(&mut process, SECOND);
        assert!(process.now() < 90 * SECOND, "homing does not end");
    }
    process
}

/// Sends a target in each 20 ms.
fn stream(process: &mut TrialProcess, player: &ClientSocket, time: u64) {
    let until = process.now() + time;
    let mut count = 0;
    while process.now() < until {
        count += 1;
        send(process, player, &format!("L0{}I20\n", if count / 20 % 2 == 0 { "2000" } else { "8000" }));
        run_for(process, 20 * MS);
    }
}

/// Sends a frame with one target. The checks of the simulation are told of it.
fn send(process: &mut TrialProcess, player: &ClientSocket, frame: &str) {
    use yep::trial::feed_facts::{SentFrame, SentTarget};
    let at_ns = process.now();
    let share = frame[2..6].parse::<f64>().unwrap() / 9_999.0;
    let time_s = frame[7..].trim().parse::<f64>().unwrap() * 1e-3;
    let target = Some(SentTarget { at_ns, share, time_s: Some(time_s) });
    let sent = SentFrame { who: ClientKind::Player, at_ns, stops: false, target };
    process.witness().record_frame(&sent);
    player.act(SocketAction::Send(frame.to_owned()));
}

#[test]
fn who_names_the_stop_before_the_newest_lets_nothing_go_on() {
    let mut process = calibrated();
    let player = process.open_player(ClientKind::Player);
    stream(&mut process, &player, 2 * SECOND);
    assert_eq!(state(&process), State::Following);
    // Both are on their way at once; the newest snapshot still has the old number.
    process.send(call("POST", "/api/v1/stop", &json!({})));
    process.send(call("POST", "/api/v1/feeds/resume", &json!({ "after_stop": 0 })));
    stream(&mut process, &player, 3 * SECOND);
    assert_eq!(state(&process), State::Ready);
    assert_eq!(answered(&mut process, "/api/v1/feeds/resume").status, Some(409));
    let resumed = ask(&mut process, "/api/v1/feeds/resume", &json!({ "after_stop": 1 }));
    assert_eq!(resumed, Some(200));
    stream(&mut process, &player, SECOND);
    assert_eq!(state(&process), State::Following);
}

#[test]
fn end_holds_for_a_program_that_connects_anew() {
    let mut process = calibrated();
    let player = process.open_player(ClientKind::Player);
    stream(&mut process, &player, 2 * SECOND);
    assert_eq!(ask(&mut process, "/api/v1/machine/end", &json!({})), Some(200));
    drop(player);
    run_for(&mut process, SECOND);
    let player = process.open_player(ClientKind::Player);
    stream(&mut process, &player, 3 * SECOND);
    assert_eq!(state(&process), State::Ready);
    let resumed = ask(&mut process, "/api/v1/feeds/resume", &json!({ "after_stop": 0 }));
    assert_eq!(resumed, Some(200));
    stream(&mut process, &player, SECOND);
    assert_eq!(state(&process), State::Following);
}

#[test]
fn a_window_that_is_set_while_a_feed_begins_holds() {
    for after_ms in 0..12 {
        let mut process = calibrated();
        let player = process.open_player(ClientKind::Player);
        run_for(&mut process, SECOND);
        let window = json!({ "window": { "back_mm": 40.0, "front_mm": 60.0 } });
        process.send(call("PATCH", "/api/v1/feeds", &window));
        run_for(&mut process, after_ms * MS);
        send(&mut process, &player, "L09999I100\n");
        run_for(&mut process, 8 * SECOND);
        let at_mm = position_mm(&process);
        assert!((at_mm - 60.0).abs() < 0.2, "{after_ms} ms: at {at_mm} mm");
    }
}

#[test]
fn the_last_target_of_a_flood_counts() {
    let mut process = calibrated();
    let player = process.open_player(ClientKind::Player);
    stream(&mut process, &player, 2 * SECOND);
    for index in 0..600 {
        send(&mut process, &player, if index == 599 { "L07000I10\n" } else { "L03000I10\n" });
    }
    run_for(&mut process, 8 * SECOND);
    let last_mm = position_mm(&process);
    send(&mut process, &player, "L07000I100\n");
    run_for(&mut process, 4 * SECOND);
    assert!((position_mm(&process) - last_mm).abs() < 0.2, "at {last_mm} mm behind a flood");
}
