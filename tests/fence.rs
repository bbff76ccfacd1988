//! Behind a STOP nothing starts for who only goes on sending (S34): real requests and WebSockets, in memory, to the real
//! server and machine on virtual time.

use serde_json::{Value, json};
use yep::api::fence::{GUARD, PAUSE};
use yep::hal::sim::RailOptions;
use yep::machine::State;
use yep::trial::client::{ClientRequest, ClientSocket, Tell, Who};
use yep::trial::whole::{Ground, TrialProcess};

const MS: u64 = 1_000_000;
const SECOND: u64 = 1_000 * MS;
/// At which pace it goes on.
const PACE: u64 = 50 * MS;

/// What goes on sending.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Feed {
    Run,
    SavedRun,
    Calibrate,
    Frame,
}

const WAVE: &str = r#"{"type": "sine", "duration": 3, "lease": "continue"}"#;

fn ask(whole: &mut TrialProcess, who: Who, method: &'static str, path: &str, body: &str) -> (u16, Value) {
    let call = ClientRequest { who, method, path: path.to_owned(), body: body.as_bytes().to_vec() };
    let answer = whole.answer(call, 2_000).expect("an answer");
    (answer.status.unwrap(), answer.body)
}

fn post(whole: &mut TrialProcess, who: Who, path: &str, body: &str) -> (u16, Value) {
    ask(whole, who, "POST", path, body)
}

fn pass(whole: &mut TrialProcess, time: u64) {
    whole.run_until(whole.now() + time);
    assert!(whole.witness().broken().is_none(), "{:?}", whole.witness().broken());
}

fn calibrated() -> TrialProcess {
    let mut whole = TrialProcess::start(&Ground::new(RailOptions::default()), 70.0).unwrap();
    pass(&mut whole, SECOND / 2);
    assert_eq!(ask(&mut whole, Who::Program, "PUT", "/api/waves/kept", WAVE).0, 200);
    assert_eq!(post(&mut whole, Who::Page, "/api/commands/run", r#"{"type": "calibrate"}"#).0, 200);
    for _ in 0..60 {
        pass(&mut whole, SECOND);
        if whole.machine.trace_sample().state == State::Ready {
            return whole;
        }
    }
    panic!("homing does not end");
}

/// Sends once more; the answer, where there is one.
fn send(whole: &mut TrialProcess, feed: Feed, socket: &ClientSocket) -> Option<(u16, Value)> {
    match feed {
        Feed::Run => Some(post(whole, Who::Program, "/api/wave/run", WAVE)),
        Feed::SavedRun => Some(post(whole, Who::Program, "/api/waves/kept/run", "")),
        Feed::Calibrate => Some(post(whole, Who::Program, "/api/commands/run", r#"{"type": "calibrate"}"#)),
        Feed::Frame => {
            let frame = r#"{"stream": "command_all", "type": "calibrate", "time": "1.0"}"#;
            socket.tell(Tell::Send(frame.to_owned()));
            None
        }
    }
}

/// Lets the feed go on for `time`. Nothing may move, and every answer is 409 `stopped`.
fn goes_on_in_vain(whole: &mut TrialProcess, feed: Feed, socket: &ClientSocket, time: u64) {
    let until = whole.now() + time;
    // The ramp.
    pass(whole, 400 * MS);
    let steps = whole.witness().steps();
    while whole.now() < until {
        if let Some((status, said)) = send(whole, feed, socket) {
            assert_eq!((status, &said["code"]), (409, &json!("stopped")), "{feed:?}: {said}");
        }
        pass(whole, PACE);
        let seen = whole.machine.trace_sample();
        assert!(seen.resting && !seen.state.is_moving(), "{feed:?}: {:?}", seen.state);
    }
    assert_eq!(whole.witness().steps(), steps, "{feed:?}: steps behind STOP");
}

#[test]
fn what_goes_on_sending_starts_nothing_behind_a_stop_however_it_sends_and_whoever_stops() {
    for feed in [Feed::Run, Feed::SavedRun, Feed::Calibrate, Feed::Frame] {
        let mut whole = calibrated();
        let (socket, page) = (whole.socket(Who::Program, "command_all"), whole.socket(Who::Page, "status"));
        for stop in [Who::Guest, Who::Page, Who::Program] {
            pass(&mut whole, 3 * SECOND);
            for _ in 0..20 {
                send(&mut whole, feed, &socket);
                pass(&mut whole, PACE);
            }
            assert!(
                whole.machine.trace_sample().state.is_moving(),
                "{feed:?}: {:?}",
                whole.machine.trace_sample().state
            );
            match stop {
                Who::Page => page.tell(Tell::Send(r#"{"stream": "command_all", "type": "stop"}"#.to_owned())),
                who => assert_eq!(post(&mut whole, who, "/api/stop", "").0, 200),
            }
            goes_on_in_vain(&mut whole, feed, &socket, 5 * SECOND);
            if matches!(feed, Feed::Calibrate | Feed::Frame) {
                // STOP in homing leaves it so; the next one has to find the ends again.
                assert_eq!(whole.machine.trace_sample().state, State::NotHomed);
            }
        }
        let told =
            page.heard().into_iter().filter(|m| m["device"] == "queue" && m["code"] == "stopped").count();
        assert_eq!(told, if feed == Feed::Frame { 3 } else { 0 }, "{feed:?}: once behind each STOP");
    }
}

#[test]
fn a_run_behind_end_is_dropped_by_stop_and_not_sent_anew() {
    let mut whole = calibrated();
    let socket = whole.socket(Who::Program, "command_all");
    assert_eq!(post(&mut whole, Who::Page, "/api/wave/run", WAVE).0, 200);
    pass(&mut whole, 5 * SECOND);
    assert_eq!(post(&mut whole, Who::Page, "/api/commands/run", r#"{"type": "end"}"#).0, 200);
    assert_eq!(whole.machine.trace_sample().state, State::Ending);
    for _ in 0..5 {
        assert_eq!(send(&mut whole, Feed::Run, &socket).unwrap().0, 200, "it waits for the end");
        pass(&mut whole, PACE);
    }
    assert_eq!(post(&mut whole, Who::Guest, "/api/stop", "").0, 200);
    goes_on_in_vain(&mut whole, Feed::Run, &socket, 5 * SECOND);
}

#[test]
fn a_single_press_starts_while_something_else_goes_on_in_vain() {
    let mut whole = calibrated();
    let socket = whole.socket(Who::Program, "command_all");
    let _page = whole.socket(Who::Page, "status");
    assert_eq!(post(&mut whole, Who::Page, "/api/wave/run", WAVE).0, 200);
    pass(&mut whole, 3 * SECOND);
    assert_eq!(send(&mut whole, Feed::Run, &socket).unwrap().0, 200);
    assert_eq!(post(&mut whole, Who::Page, "/api/commands/run", r#"{"type": "stop"}"#).0, 200);
    goes_on_in_vain(&mut whole, Feed::Run, &socket, SECOND);
    // What the app does when a person presses the button.
    assert_eq!(post(&mut whole, Who::Page, "/api/wave/run", r#"{"type":"sine","duration":5}"#).0, 200);
    for _ in 0..40 {
        assert_eq!(send(&mut whole, Feed::Run, &socket).unwrap().1["code"], "stopped");
        pass(&mut whole, PACE);
    }
    assert_eq!(whole.machine.trace_sample().state, State::Running);
    // Who has pressed may change the wave as often as it likes, until the next STOP.
    for _ in 0..5 {
        assert_eq!(post(&mut whole, Who::Page, "/api/wave/run", WAVE).0, 200);
    }
    // A program that has paused is as good as a person.
    pass(&mut whole, PAUSE.as_nanos() as u64);
    assert_eq!(send(&mut whole, Feed::Run, &socket).unwrap().0, 200);
}

#[test]
fn a_start_that_is_too_quick_to_have_seen_the_stop_is_refused() {
    let mut whole = calibrated();
    let socket = whole.socket(Who::Program, "command_all");
    pass(&mut whole, 5 * SECOND);
    assert_eq!(post(&mut whole, Who::Page, "/api/stop", "").0, 200);
    pass(&mut whole, GUARD.as_nanos() as u64 - 50 * MS);
    assert_eq!(send(&mut whole, Feed::Run, &socket).unwrap().1["code"], "stopped");
    pass(&mut whole, PAUSE.as_nanos() as u64);
    assert_eq!(send(&mut whole, Feed::Run, &socket).unwrap().0, 200);
}
