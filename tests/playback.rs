//! Patterns at the real server, with the real machine on virtual time: who may run them, what a STOP and a lost client do, and
//! how they go together with waves and programs.

use serde_json::{Value, json};
use yep::hal::sim::RailOptions;
use yep::machine::State;
use yep::trial::client::{ClientKind, ClientRequest, SocketAction};
use yep::trial::process::{TrialEnvironment, TrialProcess};

const MS: u64 = 1_000_000;
const SECOND: u64 = 1_000 * MS;
const RUN: &str = "/api/v1/patterns/run";

/// Asks as a page, and waits for the answer.
fn ask(process: &mut TrialProcess, method: &'static str, path: &str, body: &Value) -> (u16, Value) {
    ask_as(process, ClientKind::Page, method, path, body)
}

fn ask_as(
    process: &mut TrialProcess,
    who: ClientKind,
    method: &'static str,
    path: &str,
    body: &Value,
) -> (u16, Value) {
    let (path, body) = (path.to_owned(), body.to_string().into_bytes());
    let answer = process.request(ClientRequest { who, method, path, body }, 2_000).expect("an answer");
    (answer.status.expect("a status"), answer.body)
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
    assert_eq!(ask(&mut process, "POST", "/api/v1/machine/calibrate", &json!({})).0, 200);
    while state(&process) != State::Ready {
        run_for(&mut process, SECOND);
        assert!(process.now() < 90 * SECOND, "homing does not end");
    }
    process
}

/// Positions in each 10 ms of that time.
fn positions(process: &mut TrialProcess, time: u64) -> Vec<f64> {
    (0..time / (10 * MS))
        .map(|_| {
            run_for(process, 10 * MS);
            position_mm(process)
        })
        .collect()
}

fn extent(positions: &[f64]) -> (f64, f64) {
    positions.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), mm| (low.min(*mm), high.max(*mm)))
}

/// A pattern of half the stroke at its front, which goes on without its client.
fn simple(speed_pct: f64) -> Value {
    json!({ "pattern": "simple", "depth_pct": 100, "stroke_pct": 50, "speed_pct": speed_pct, "presence": "go_on" })
}

#[test]
fn a_pattern_strokes_where_it_is_told_to_and_begins_at_rest_without_a_speed() {
    let mut process = calibrated();
    let stroke_mm = process.machine.snapshot().range_mm.unwrap();
    let before = position_mm(&process);
    let (status, _) = ask(&mut process, "POST", RUN, &json!({ "pattern": "deeper", "presence": "go_on" }));
    assert_eq!((status, state(&process)), (200, State::Following));
    let rested = positions(&mut process, 2 * SECOND);
    assert_eq!(extent(&rested), (before, before), "speed begins at 0");

    assert_eq!(ask(&mut process, "POST", RUN, &simple(40.0)).0, 200);
    run_for(&mut process, 3 * SECOND);
    let (back_mm, front_mm) = extent(&positions(&mut process, 4 * SECOND));
    assert!(
        (back_mm - stroke_mm / 2.0).abs() < 0.1 && (front_mm - stroke_mm).abs() < 0.1,
        "{back_mm} {front_mm}"
    );

    let (status, now) = ask(&mut process, "PATCH", RUN, &json!({ "depth_pct": 40, "stroke_pct": 20 }));
    assert_eq!(status, 200);
    assert_eq!((&now["now"]["depth_pct"], &now["now"]["speed_pct"]), (&json!(40.0), &json!(40.0)));
    run_for(&mut process, 2 * SECOND);
    let (back_mm, front_mm) = extent(&positions(&mut process, 4 * SECOND));
    assert!(
        (back_mm - 0.2 * stroke_mm).abs() < 0.1 && (front_mm - 0.4 * stroke_mm).abs() < 0.1,
        "{back_mm} {front_mm}"
    );

    // A pause comes to rest, and the machine says what it is.
    assert_eq!(ask(&mut process, "PATCH", RUN, &json!({ "paused": true })).1["now"]["paused"], json!(true));
    run_for(&mut process, SECOND);
    let (back_mm, front_mm) = extent(&positions(&mut process, SECOND));
    assert_eq!(back_mm, front_mm);
    let machine = ask(&mut process, "GET", "/api/v1/machine", &json!({})).1;
    assert_eq!(machine["in_force"]["playback"], json!({ "kind": "pattern", "title": "Simple Stroke" }));
    assert_eq!(ask(&mut process, "PATCH", RUN, &json!({ "paused": false })).0, 200);
    run_for(&mut process, SECOND);
    let (back_mm, front_mm) = extent(&positions(&mut process, 3 * SECOND));
    assert!(front_mm - back_mm > 0.19 * stroke_mm);
}

#[test]
fn what_was_used_is_remembered_without_its_speed_and_a_saved_one_is_found_again() {
    let mut process = calibrated();
    let asked = json!({ "pattern": "insist", "depth_pct": 61, "stroke_pct": 33, "sensation": -40, "strokes_per_min": 20,
        "presence": "go_on" });
    assert_eq!(ask(&mut process, "POST", RUN, &asked).0, 200);
    run_for(&mut process, 3 * SECOND);
    let kept = ask(&mut process, "GET", "/api/v1/patterns", &json!({})).1["kept"].clone();
    assert_eq!(
        (&kept["depth_pct"], &kept["stroke_pct"], &kept["sensation"]),
        (&json!(61.0), &json!(33.0), &json!(-40.0))
    );
    assert_eq!((&kept["speed_pct"], &kept["strokes_per_min"]), (&Value::Null, &Value::Null));

    let own = json!({ "pattern": "steps", "depth_pct": 50, "stroke_pct": 40, "sensation": 0, "speed_pct": 30, "strokes_per_min": null,
        "steps": [{ "to": 1, "speed": 1, "rest_s": 0 }, { "to": 0.25, "speed": 0.5, "rest_s": 0.3 }] });
    assert_eq!(ask(&mut process, "PUT", "/api/v1/patterns/saved/Evening", &own).0, 200);
    assert_eq!(ask(&mut process, "POST", RUN, &json!({ "saved": "Evening", "presence": "go_on" })).0, 200);
    let now = ask(&mut process, "GET", "/api/v1/patterns", &json!({})).1["now"].clone();
    assert_eq!(
        (&now["saved"], &now["pattern"], &now["speed_pct"]),
        (&json!("Evening"), &json!("steps"), &json!(30.0))
    );
    for (path, body, status) in [
        ("/api/v1/patterns/run", json!({ "saved": "Morning" }), 404),
        ("/api/v1/patterns/run", json!({ "pattern": "nibbler" }), 404),
        ("/api/v1/patterns/run", json!({ "pattern": "simple", "saved": "Evening" }), 422),
        ("/api/v1/patterns/run", json!({ "pattern": "simple", "depth_pct": 101 }), 422),
        ("/api/v1/patterns/run", json!({ "pattern": "simple", "speed_pct": 5, "strokes_per_min": 5 }), 422),
        ("/api/v1/patterns/run", json!({ "pattern": "simple", "vibration": 5 }), 422),
        (
            "/api/v1/patterns/run",
            json!({ "pattern": "steps", "steps": [{ "to": 2, "speed": 1, "rest_s": 0 }, { "to": 0, "speed": 1, "rest_s": 0 }] }),
            422,
        ),
    ] {
        let (got, refusal) = ask(&mut process, "POST", path, &body);
        assert_eq!(got, status, "{body}: {refusal}");
    }
    let now = ask(&mut process, "GET", "/api/v1/patterns", &json!({})).1["now"].clone();
    assert_eq!(now["saved"], json!("Evening"), "what was refused has changed nothing");
    assert_eq!(ask(&mut process, "DELETE", "/api/v1/patterns/saved/Evening", &json!({})).0, 200);
    assert_eq!(ask(&mut process, "DELETE", "/api/v1/patterns/saved/Evening", &json!({})).0, 404);
}

#[test]
fn stop_ends_it_and_a_change_that_was_late_moves_nothing() {
    let mut process = calibrated();
    assert_eq!(ask(&mut process, "POST", RUN, &simple(40.0)).0, 200);
    run_for(&mut process, 2 * SECOND);
    assert_eq!(ask(&mut process, "POST", "/api/v1/stop", &json!({})).0, 200);
    run_for(&mut process, SECOND);
    assert_eq!(state(&process), State::Ready);
    let (status, refusal) = ask(&mut process, "PATCH", RUN, &json!({ "speed_pct": 80 }));
    assert_eq!((status, &refusal["code"]), (409, &json!("nothing_runs")));
    // Another start, and then a change from before the STOP.
    let again = json!({ "pattern": "simple", "speed_pct": 5, "presence": "go_on", "after_stop": 1 });
    assert_eq!(ask(&mut process, "POST", RUN, &again).0, 200);
    let late = json!({ "speed_pct": 80, "after_stop": 0 });
    let (status, refusal) = ask(&mut process, "PATCH", RUN, &late);
    assert_eq!((status, &refusal["code"]), (409, &json!("stopped")));
    let now = ask(&mut process, "GET", "/api/v1/patterns", &json!({})).1["now"].clone();
    assert_eq!(now["speed_pct"], json!(5.0));
}

#[test]
fn without_its_client_it_comes_to_rest() {
    let mut process = calibrated();
    let watched = json!({ "pattern": "simple", "speed_pct": 40, "depth_pct": 100, "stroke_pct": 50, "presence": "watch" });
    assert_eq!(ask(&mut process, "POST", RUN, &watched).0, 200);
    run_for(&mut process, 2 * SECOND);
    assert_eq!(state(&process), State::Following);
    run_for(&mut process, 5 * SECOND);
    assert_eq!(state(&process), State::Ready, "nothing was heard of its client for 3 s");
}

#[test]
fn the_last_start_says_how_its_client_shows_that_it_is_there() {
    let mut process = calibrated();
    assert_eq!(ask(&mut process, "POST", RUN, &simple(40.0)).0, 200);
    run_for(&mut process, 5 * SECOND);
    assert_eq!(state(&process), State::Following, "it may go on without its client");
    let watched = json!({ "pattern": "deeper", "speed_pct": 40, "presence": "watch" });
    assert_eq!(ask(&mut process, "POST", RUN, &watched).0, 200);
    run_for(&mut process, 5 * SECOND);
    assert_eq!(state(&process), State::Ready, "nothing was heard of its client for 3 s");
}

#[test]
fn waves_and_patterns_follow_each_other_and_a_program_is_refused_meanwhile() {
    let mut process = calibrated();
    let wave = json!({ "wave": { "type": "sine", "duration": 2 }, "presence": "go_on" });
    for _ in 0..5 {
        assert_eq!(ask(&mut process, "POST", "/api/v1/machine/run", &wave).0, 200);
        run_for(&mut process, 1_300 * MS);
        assert_eq!(state(&process), State::Running);
        assert_eq!(ask(&mut process, "POST", RUN, &simple(60.0)).0, 200);
        run_for(&mut process, 1_300 * MS);
        assert_eq!(state(&process), State::Following);
        assert!(process.machine.snapshot().feed.unwrap().strokes.is_some());
    }
    let player = process.open_player(ClientKind::Player);
    for _ in 0..50 {
        player.act(SocketAction::Send("L00000I20\n".to_owned()));
        run_for(&mut process, 20 * MS);
    }
    let (low_mm, high_mm) = extent(&positions(&mut process, 3 * SECOND));
    let stroke_mm = process.machine.snapshot().range_mm.unwrap();
    assert!(low_mm > 0.45 * stroke_mm && high_mm > 0.95 * stroke_mm, "{low_mm} {high_mm}");
    let feeds = ask(&mut process, "GET", "/api/v1/feeds", &json!({})).1;
    assert!(feeds["links"][0]["refused"].as_u64().unwrap() >= 50, "{feeds}");
}
