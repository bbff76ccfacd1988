//! Fence behind a STOP (S34): a client that goes on sending without a pause starts nothing. Real requests and
//! WebSockets in memory, to the real server and machine on virtual time.

use serde_json::{Value, json};
use yep::api::charge::fence::{GUARD, PAUSE};
use yep::hal::sim::RailOptions;
use yep::machine::State;
use yep::trial::client::{ClientKind, ClientRequest, ClientSocket, SocketAction};
use yep::trial::process::{TrialEnvironment, TrialProcess};

const MS: u64 = 1_000_000;
const SECOND: u64 = 1_000 * MS;
/// Interval of its requests.
const PACE: u64 = 50 * MS;

/// A client that goes on sending, by its kind of request.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Feed {
    Run,
    SavedRun,
    Calibrate,
    Frame,
}

const WAVE: &str = r#"{"type": "sine", "duration": 3, "lease": "continue"}"#;

fn request(
    process: &mut TrialProcess,
    who: ClientKind,
    method: &'static str,
    path: &str,
    body: &str,
) -> (u16, Value) {
    let call = ClientRequest { who, method, path: path.to_owned(), body: body.as_bytes().to_vec() };
    let answer = process.request(call, 2_000).expect("an answer");
    (answer.status.unwrap(), answer.body)
}

fn post(process: &mut TrialProcess, who: ClientKind, path: &str, body: &str) -> (u16, Value) {
    request(process, who, "POST", path, body)
}

fn run_for(process: &mut TrialProcess, time: u64) {
    process.run_until(process.now() + time);
    assert!(process.witness().violation().is_none(), "{:?}", process.witness().violation());
}

fn calibrated() -> TrialProcess {
    let mut process = TrialProcess::start(&TrialEnvironment::new(RailOptions::default()), 70.0).unwrap();
    run_for(&mut process, SECOND / 2);
    assert_eq!(request(&mut process, ClientKind::Program, "PUT", "/api/v1/waves/kept", WAVE).0, 200);
    assert_eq!(post(&mut process, ClientKind::Page, "/api/commands/run", r#"{"type": "calibrate"}"#).0, 200);
    for _ in 0..60 {
        run_for(&mut process, SECOND);
        if process.machine.trace_sample().state == State::Ready {
            return process;
        }
    }
    panic!("homing does not end");
}

/// Sends the feed's request once; returns the answer, if the request has one.
fn send(process: &mut TrialProcess, feed: Feed, socket: &ClientSocket) -> Option<(u16, Value)> {
    match feed {
        Feed::Run => Some(post(process, ClientKind::Program, "/api/wave/run", WAVE)),
        Feed::SavedRun => {
            Some(post(process, ClientKind::Program, "/api/v1/machine/run", r#"{"saved": "kept"}"#))
        }
        Feed::Calibrate => {
            Some(post(process, ClientKind::Program, "/api/commands/run", r#"{"type": "calibrate"}"#))
        }
        Feed::Frame => {
            let frame = r#"{"stream": "command_all", "type": "calibrate", "time": "1.0"}"#;
            socket.act(SocketAction::Send(frame.to_owned()));
            None
        }
    }
}

/// Lets the feed go on for `time`; asserts that nothing moves and every answer is 409 `stopped`.
fn assert_feed_refused(process: &mut TrialProcess, feed: Feed, socket: &ClientSocket, time: u64) {
    let until = process.now() + time;
    // The stop ramp.
    run_for(process, 400 * MS);
    let steps = process.witness().steps();
    while process.now() < until {
        if let Some((status, said)) = send(process, feed, socket) {
            assert_eq!((status, &said["code"]), (409, &json!("stopped")), "{feed:?}: {said}");
        }
        run_for(process, PACE);
        let seen = process.machine.trace_sample();
        assert!(seen.resting && !seen.state.is_moving(), "{feed:?}: {:?}", seen.state);
    }
    assert_eq!(process.witness().steps(), steps, "{feed:?}: steps behind STOP");
}

#[test]
fn what_goes_on_sending_starts_nothing_behind_a_stop_however_it_sends_and_whoever_stops() {
    for feed in [Feed::Run, Feed::SavedRun, Feed::Calibrate, Feed::Frame] {
        let mut process = calibrated();
        let (socket, page) = (
            process.open_socket(ClientKind::Program, "command_all"),
            process.open_socket(ClientKind::Page, "status"),
        );
        for stop in [ClientKind::Guest, ClientKind::Page, ClientKind::Program] {
            run_for(&mut process, 3 * SECOND);
            for _ in 0..20 {
                send(&mut process, feed, &socket);
                run_for(&mut process, PACE);
            }
            assert!(
                process.machine.trace_sample().state.is_moving(),
                "{feed:?}: {:?}",
                process.machine.trace_sample().state
            );
            match stop {
                ClientKind::Page => {
                    page.act(SocketAction::Send(r#"{"stream": "command_all", "type": "stop"}"#.to_owned()))
                }
                who => assert_eq!(post(&mut process, who, "/api/stop", "").0, 200),
            }
            assert_feed_refused(&mut process, feed, &socket, 5 * SECOND);
            if matches!(feed, Feed::Calibrate | Feed::Frame) {
                // STOP while homing leaves the machine not homed.
                assert_eq!(process.machine.trace_sample().state, State::NotHomed);
            }
        }
        let told = page
            .take_messages()
            .into_iter()
            .filter(|m| m["device"] == "queue" && m["code"] == "stopped")
            .count();
        assert_eq!(told, if feed == Feed::Frame { 3 } else { 0 }, "{feed:?}: once behind each STOP");
    }
}

#[test]
fn a_run_behind_end_is_dropped_by_stop_and_not_sent_anew() {
    let mut process = calibrated();
    let socket = process.open_socket(ClientKind::Program, "command_all");
    run_for(&mut process, 5 * SECOND);
    assert_eq!(post(&mut process, ClientKind::Program, "/api/wave/run", WAVE).0, 200);
    run_for(&mut process, 5 * SECOND);
    assert_eq!(post(&mut process, ClientKind::Page, "/api/commands/run", r#"{"type": "end"}"#).0, 200);
    assert_eq!(process.machine.trace_sample().state, State::Ending);
    for _ in 0..5 {
        assert_eq!(send(&mut process, Feed::Run, &socket).unwrap().0, 200, "it waits for the end");
        run_for(&mut process, PACE);
    }
    assert_eq!(post(&mut process, ClientKind::Guest, "/api/stop", "").0, 200);
    assert_feed_refused(&mut process, Feed::Run, &socket, 5 * SECOND);
}

#[test]
fn a_single_press_starts_while_something_else_goes_on_in_vain() {
    let mut process = calibrated();
    let socket = process.open_socket(ClientKind::Program, "command_all");
    let _page = process.open_socket(ClientKind::Page, "status");
    run_for(&mut process, 3 * SECOND);
    assert_eq!(send(&mut process, Feed::Run, &socket).unwrap().0, 200);
    run_for(&mut process, 3 * SECOND);
    assert_eq!(post(&mut process, ClientKind::Page, "/api/commands/run", r#"{"type": "stop"}"#).0, 200);
    assert_feed_refused(&mut process, Feed::Run, &socket, SECOND);
    // The app's request when a person presses the button.
    assert_eq!(
        post(&mut process, ClientKind::Page, "/api/wave/run", r#"{"type":"sine","duration":5}"#).0,
        200
    );
    for _ in 0..40 {
        assert_eq!(send(&mut process, Feed::Run, &socket).unwrap().1["code"], "not_in_charge");
        run_for(&mut process, PACE);
    }
    assert_eq!(process.machine.trace_sample().state, State::Running);
    // The client that was let in may change the wave as often as it likes, until the next STOP.
    for _ in 0..5 {
        assert_eq!(post(&mut process, ClientKind::Page, "/api/wave/run", WAVE).0, 200);
    }
    // A program that has paused is accepted like a person, once nobody else is in charge.
    assert_eq!(post(&mut process, ClientKind::Page, "/api/stop", "").0, 200);
    run_for(&mut process, PAUSE.as_nanos() as u64);
    assert_eq!(send(&mut process, Feed::Run, &socket).unwrap().0, 200);
}

#[test]
fn a_start_that_is_too_quick_to_have_seen_the_stop_is_refused() {
    let mut process = calibrated();
    let socket = process.open_socket(ClientKind::Program, "command_all");
    run_for(&mut process, 5 * SECOND);
    assert_eq!(post(&mut process, ClientKind::Page, "/api/stop", "").0, 200);
    run_for(&mut process, GUARD.as_nanos() as u64 - 50 * MS);
    assert_eq!(send(&mut process, Feed::Run, &socket).unwrap().1["code"], "stopped");
    run_for(&mut process, PAUSE.as_nanos() as u64);
    assert_eq!(send(&mut process, Feed::Run, &socket).unwrap().0, 200);
}
