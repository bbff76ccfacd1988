//! End-to-end test of the real binary with real sockets in real time, with the requests of the app: settings,
//! calibrate, run, watch, end, stop; and the halts, which lose the position. Motion is read from the pulses.

#[path = "support/real/mod.rs"]
mod real;

use std::f64::consts::PI;
use std::time::{Duration, Instant};

use real::app::App;
use real::clock::Zero;
use real::process::QUICK_HOMING;
use real::pulses::{STEPS_PER_MM, median, speed_mm_s};
use real::shifts::{self, Shifts};
use real::socket::Frame;
use real::{Home, Pulse, Socket, retries};
use serde_json::json;

/// Promise S4, with the default stopping deceleration: longest time to rest from a speed …
fn s4_time_s(v_mm_s: f64) -> f64 {
    v_mm_s / 8_000.0 + 0.020
}

/// … and longest distance, plus one step of rounding.
fn s4_way_mm(v_mm_s: f64) -> f64 {
    v_mm_s * v_mm_s / (2.0 * 8_000.0) + v_mm_s * 0.020 + 1.0 / STEPS_PER_MM
}

/// The types and states of the machine's messages behind the first `from`.
fn messages(status: &Socket, from: usize) -> Vec<(String, String)> {
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    let messages = status.frames().into_iter().skip(from).map(|frame| frame.message());
    messages.map(|message| (text(&message["type"]), text(&message["state"]))).collect()
}

/// Waits for a message of the machine behind the first `from`; how many there are up to it.
#[track_caller]
fn wait_for_message(status: &Socket, from: usize, kind: &str, state: &str) -> usize {
    let fits = |frame: &Frame| {
        let message = frame.message();
        message["device"] == "machine" && message["type"] == kind && message["state"] == state
    };
    status.wait_from(from, &format!("{kind}, {state}"), fits).0
}

#[test]
fn the_app_sets_up_calibrates_runs_a_sine_sees_it_and_ends_it() {
    let home = Home::new("");
    let yep = home.start();
    let app = App::of(&yep);
    app.load_and_save_settings();
    app.type_durations();

    let (status, telemetry) = (yep.socket("status"), yep.socket("telemetry"));
    let heard = wait_for_message(&status, 0, "waiting", "not_homed");
    // The first snapshot comes with the connection.
    let (_, first) = telemetry.wait_from(0, "a snapshot", |_| true);
    assert_eq!(first.json()["state"], "not_homed");
    assert_eq!(app.run_wave("sine", json!("5")).expect_refused().0, "not_homed");

    app.press("calibrate");
    let heard = wait_for_message(&status, heard, "running", "homing");
    // The search for the front begins with some centimetres of straight way.
    let zero = Zero::find(&yep, &home);
    yep.wait_until_calibrated();
    let heard = wait_for_message(&status, heard, "waiting", "ready");
    let document = app.settings();
    assert_eq!(document["max_steps"], 1_450, "10 steps/mm, 5 mm at each end: {document}");
    assert!((document["steps_per_mm"].as_f64().unwrap() - 10.0).abs() < 1e-9, "{document}");

    let mut heard = heard;
    for attempt in 1.. {
        let started = home.pulses().len();
        let before = starvations(&telemetry);
        heard = run_sine_and_end(&app, &status, heard, &telemetry);
        // At the end of a period the carriage is at the back, beside the padding.
        assert_eq!(yep.wait_for_state("ready")["position_mm"], 0.0);
        assert!((yep.carriage_mm() - 5.0).abs() < 1e-9, "{} mm", yep.carriage_mm());
        std::thread::sleep(Duration::from_millis(300));
        let pulses = home.pulses();
        assert_eq!(pulses.last().unwrap().count, -725, "the back end, from the middle");

        if starvations(&telemetry) > before {
            assert!(attempt < 3, "the host is too busy: each time it held the motion up");
            retries::count_retry("the machine rode over a motion that the host held up");
            continue;
        }
        let shifts = Shifts::from(&telemetry.frames(), zero);
        let sine = Sine::of(&pulses[started..]);
        sine.check_period(&shifts);
        sine.check_graph(&shifts);
        break;
    }
    assert_eq!(messages(&status, heard), [], "messages behind the end");
    check_rate(&telemetry);
}

/// Number of times that the host was so late with the plan that the motion came to rest in between. A measurement
/// across such a rest would measure the host.
#[track_caller]
fn starvations(telemetry: &Socket) -> u64 {
    let (_, frame) = telemetry.wait_from(telemetry.count(), "a snapshot", |_| true);
    frame.json()["lateness"]["starvations"].as_u64().unwrap()
}

/// Runs two periods of 5 s and a third one, in which END comes. Returns the number of status messages up to the last of
/// these.
#[track_caller]
fn run_sine_and_end(app: &App<'_>, status: &Socket, heard: usize, telemetry: &Socket) -> usize {
    assert_eq!(app.run_wave("sine", json!(5)).expect_ok(), json!({ "status": "success" }));
    let heard = wait_for_message(status, heard, "running", "running");
    // Snapshots from before the command may still be on their way.
    let (running, _) =
        telemetry.wait_from(telemetry.count(), "running", |frame| frame.json()["state"] == "running");
    let (_, frame) = telemetry.wait_from(running, "two periods", |frame| {
        let snapshot = frame.json();
        assert_eq!(snapshot["state"], "running", "{snapshot}");
        snapshot["periods"].as_u64() >= Some(2) && snapshot["phase"].as_f64() > Some(0.3)
    });
    assert_eq!(frame.json()["clipped"], false, "{}", frame.text);

    let asked = Instant::now();
    app.press("end");
    let heard = wait_for_message(status, heard, "running", "ending");
    let heard = wait_for_message(status, heard, "waiting", "ready");
    let took = asked.elapsed();
    // The end ramp slows the last second down to half the rate on average.
    assert!(took < Duration::from_secs_f64(5.0 * 0.7 + 1.0), "END took {took:?}");
    heard
}

/// Checks that telemetry comes 20 to 50 times a second. A stalled host may delay some frames, but must not lower the
/// median.
fn check_rate(telemetry: &Socket) {
    let frames = telemetry.frames();
    let gaps = frames.windows(2).map(|pair| (pair[1].at - pair[0].at).as_secs_f64());
    let gap_s = median(gaps.collect());
    assert!((0.020..=0.050).contains(&gap_s), "a frame every {gap_s} s");
}

/// Phases at which STOP is sent: at the highest speed of a sine, on the way to the front or back.
const FASTEST: [f64; 2] = [0.25, 0.75];

/// Waits for a snapshot of the running wave near its highest speed.
#[track_caller]
fn at_full_speed(telemetry: &Socket) -> Frame {
    let (_, frame) = telemetry.wait_from(telemetry.count(), "full speed", |frame| {
        let snapshot = frame.json();
        let phase = snapshot["phase"].as_f64().unwrap_or_default();
        snapshot["periods"].as_u64() >= Some(1) && FASTEST.iter().any(|at| (phase - at).abs() < 0.025)
    });
    frame
}

/// The last pulse that was before `at` for certain.
fn last_before(pulses: &[Pulse], zero: Zero, at: Instant) -> usize {
    pulses.iter().rposition(|pulse| zero.of(pulse) < at).expect("no pulse before")
}

/// The highest speed in the last pulses up to `last`; a stall of the host can only lower the others.
fn top_speed_mm_s(pulses: &[Pulse], last: usize) -> f64 {
    (last - 100..=last).map(|at| speed_mm_s(pulses, at, 20)).fold(0.0, f64::max)
}

/// Compared quantities: the last known speed `v` is the highest of the last 100 pulses before the request. The ramp
/// begins behind the last pulse at which the axis still had 97 % of it, and ends with the last pulse of all. Time and
/// distance of the ramp are compared with S4 each time, the time from the request to the last pulse for the quickest of
/// three STOPs: the additional time is this host's delay, and varies.
#[test]
fn stop_is_at_rest_within_s4_and_keeps_the_position() {
    let home = Home::new(QUICK_HOMING);
    let yep = home.start();
    let (telemetry, mut commands) = (yep.socket("telemetry"), yep.socket("command_all"));
    yep.send_command("calibrate").expect_ok();
    let zero = Zero::find(&yep, &home);
    yep.wait_until_calibrated();

    let mut beyond_s4_s = Vec::new();
    for way_to_stop in ["the button", "the path of its own", "a frame"] {
        // Each time without another calibration.
        yep.run_wave("sine", 1.0).expect_ok();
        let before = at_full_speed(&telemetry);
        let asked = Instant::now();
        match way_to_stop {
            "the button" => App::of(&yep).press("stop"),
            "the path of its own" => assert!(yep.post("/api/stop", &json!(null)).expect_ok().is_null()),
            _ => commands.send(r#"{"stream": "command_all", "type": "stop"}"#),
        }
        let rest = yep.wait_for_state("ready");
        let (_, after) = telemetry.wait_from(telemetry.count(), "a snapshot", |_| true);
        std::thread::sleep(Duration::from_millis(200));

        let pulses = home.pulses();
        let (going, last) = (last_before(&pulses, zero, asked), pulses.len() - 1);
        let v_mm_s = top_speed_mm_s(&pulses, going);
        let ramp = (0..=last).rfind(|at| speed_mm_s(&pulses, *at, 5) >= 0.97 * v_mm_s).unwrap();
        let moved_s = shifts::between_ns(&before, &after) as f64 * 1e-9;
        let took_s = (pulses[last].at_ns - pulses[ramp].at_ns) as f64 * 1e-9 - moved_s;
        let way_mm = (last - ramp) as f64 / STEPS_PER_MM;
        let asked_s = (zero.of(&pulses[last]) - asked).as_secs_f64() - moved_s;
        eprintln!(
            "{way_to_stop}: {v_mm_s:.0} mm/s, ramp {took_s:.4} s {way_mm} mm, from the request {asked_s:.4} s"
        );
        assert!((400.0..480.0).contains(&v_mm_s), "{way_to_stop} at {v_mm_s} mm/s");
        assert!(took_s <= s4_time_s(v_mm_s), "{way_to_stop}: {took_s} s from {v_mm_s} mm/s");
        assert!(way_mm <= s4_way_mm(v_mm_s), "{way_to_stop}: {way_mm} mm from {v_mm_s} mm/s");
        beyond_s4_s.push(asked_s - s4_time_s(v_mm_s));

        let position_mm = rest["position_mm"].as_f64().expect("STOP keeps the position");
        assert!((yep.carriage_mm() - 5.0 - position_mm).abs() < 1e-6, "{position_mm} mm is wrong");
        assert!(position_mm > 1.0, "it went on to the end of the period");
        yep.pause_behind_stop();
    }
    assert!(beyond_s4_s.iter().any(|s| *s <= 0.0), "from request to rest, beyond S4: {beyond_s4_s:?} s");
    let pulses = home.pulses();
    std::thread::sleep(Duration::from_millis(500));
    assert_eq!(home.pulses(), pulses, "pulses after STOP");
}

#[test]
fn a_limit_or_the_e_stop_halts_at_once_and_calibrate_recovers() {
    let home = Home::new(QUICK_HOMING);
    let yep = home.start();
    let (telemetry, status) = (yep.socket("telemetry"), yep.socket("status"));
    yep.send_command("calibrate").expect_ok();
    let zero = Zero::find(&yep, &home);
    yep.wait_until_calibrated();

    for (mishap, code) in [("front_welded", "limit_hit_front"), ("e_stop_open", "e_stop")] {
        yep.run_wave("sine", 2.0).expect_ok();
        at_full_speed(&telemetry);
        let heard = status.count();
        yep.put_sim(&json!({ "mishaps": [mishap] }));
        // The input is active now, for certain.
        let active = Instant::now();
        wait_for_message(&status, heard, "error", "faulted");
        std::thread::sleep(Duration::from_millis(300));

        let pulses = home.pulses();
        let later = pulses.iter().rev().take_while(|pulse| zero.of(pulse) > active).count();
        assert!(later <= 1, "{mishap}: {later} pulses behind the one in flight");
        let (last, going) = (pulses.len() - 1, last_before(&pulses, zero, active) - 12);
        let v_mm_s = top_speed_mm_s(&pulses, going);
        // Cut, and not ramped down: a ramp from here would be about 50 pulses long.
        assert!((200.0..240.0).contains(&v_mm_s), "{mishap} at {v_mm_s} mm/s");
        let end_mm_s = (last - 6..=last).map(|at| speed_mm_s(&pulses, at, 5)).fold(0.0, f64::max);
        assert!(end_mm_s > 0.9 * v_mm_s, "{mishap}: from {v_mm_s} to {end_mm_s} mm/s");

        let snapshot = yep.status();
        assert_eq!(snapshot["fault"]["code"], code, "{snapshot}");
        assert_eq!((&snapshot["state"], &snapshot["position_mm"]), (&json!("faulted"), &json!(null)));
        let (refusal, why) = yep.run_wave("sine", 2.0).expect_refused();
        assert_eq!(refusal, "faulted");
        assert!(why.contains(snapshot["fault"]["remedy"].as_str().unwrap()), "{why}");
        if code == "e_stop" {
            // A closed limit is no cause that remains: homing moves away from it.
            assert_eq!(yep.send_command("calibrate").expect_refused().0, "cause_remains");
        }

        // The end of the cause starts nothing.
        yep.put_sim(&json!({ "mishaps": [] }));
        std::thread::sleep(Duration::from_millis(500));
        assert_eq!(yep.status()["state"], "faulted");
        assert_eq!(home.pulses(), pulses, "{mishap}: pulses after the halt");

        let heard = status.count();
        App::of(&yep).press("calibrate");
        let heard = wait_for_message(&status, heard, "running", "homing");
        wait_for_message(&status, heard, "waiting", "ready");
        assert_eq!(yep.status()["fault"], json!(null));
    }
    yep.run_wave("sine", 2.0).expect_ok();
    yep.wait_for_full_rate();
}

/// The pulses of a sine of 5 s over the whole range, from its start to its end.
struct Sine<'a> {
    /// Each pulse with its place, in steps from the beginning of the range.
    pulses: Vec<(&'a Pulse, i64)>,
}

const PERIOD_S: f64 = 5.0;
const RANGE_STEPS: i64 = 1_450;
/// Places between a quarter and three quarters of the range. The carriage passes them in phases from 1/6 to 5/6, where
/// the start ramp (1 s, to the phase 0.1) is over and the end ramp (from the phase 0.9) has not begun.
const MIDDLE: std::ops::Range<i64> = 363..1_088;

impl Sine<'_> {
    fn of(pulses: &[Pulse]) -> Sine<'_> {
        let back = pulses.iter().map(|pulse| pulse.count).min().unwrap();
        let places: Vec<_> = pulses.iter().map(|pulse| (pulse, pulse.count - back)).collect();
        let front = places.iter().map(|(_, place)| *place).max().unwrap();
        assert_eq!(front, RANGE_STEPS, "the sine does not fill the range");
        Sine { pulses: places }
    }

    /// Checks the time from one passing of a place to the next in the same direction, for many places.
    fn check_period(&self, shifts: &Shifts) {
        let (mut periods_s, mut compared) = (Vec::new(), 0);
        for at in MIDDLE.step_by(5) {
            for forward in [true, false] {
                let passing =
                    self.pulses.iter().filter(|(pulse, place)| (*place, pulse.forward) == (at, forward));
                let passings: Vec<_> = passing.map(|(pulse, _)| shifts.unshifted_s(pulse.at_ns)).collect();
                assert_eq!(passings.len(), 3, "passings of step {at}");
                compared += passings.len() - 1;
                periods_s.extend(passings.windows(2).filter_map(|pair| Some(pair[1]? - pair[0]?)));
            }
        }
        let told = periods_s.len();
        let period_s = median(periods_s);
        eprintln!("period {period_s:.6} s, the middle of {told}; {compared} were there");
        assert!(told * 4 >= compared, "the host is too busy: only {told} of {compared} periods can be told");
        assert!((period_s - PERIOD_S).abs() <= 0.001, "a period of {period_s} s");
    }

    /// Checks that every step is less than 0.1 mm beside the graph, whose beginning is where most steps put it.
    fn check_graph(&self, shifts: &Shifts) {
        let range_mm = RANGE_STEPS as f64 / STEPS_PER_MM;
        let in_the_middle = self.pulses.iter().filter(|(_, place)| MIDDLE.contains(place));
        let mut turns = 0;
        let mut was_forward = true;
        let begin_s = in_the_middle.filter_map(|(pulse, place)| {
            if pulse.forward && !was_forward {
                turns += 1;
            }
            was_forward = pulse.forward;
            // A step stands for the half of the way that leads to it.
            let passed = *place as f64 - if pulse.forward { 0.5 } else { -0.5 };
            let rising = (1.0 - 2.0 * passed / RANGE_STEPS as f64).acos() / (2.0 * PI);
            let phase = if pulse.forward { rising } else { 1.0 - rising };
            Some(shifts.unshifted_s(pulse.at_ns)? - PERIOD_S * (f64::from(turns) + phase))
        });
        let begin_s = median(begin_s.collect());
        let (mut worst_mm, mut told) = (0f64, 0);
        for (pulse, place) in &self.pulses {
            let Some(at_s) = shifts.unshifted_s(pulse.at_ns) else { continue };
            let phase = (at_s - begin_s) / PERIOD_S;
            if (0.1..2.9).contains(&phase) {
                let graph_mm = range_mm * (0.5 - 0.5 * (2.0 * PI * phase).cos());
                worst_mm = worst_mm.max((graph_mm - *place as f64 / STEPS_PER_MM).abs());
                told += 1;
            }
        }
        eprintln!("at most {worst_mm:.4} mm beside the graph in {told} of {} steps", self.pulses.len());
        assert!(told * 4 >= self.pulses.len(), "the host is too busy: only {told} steps can be told");
        assert!(worst_mm < 0.1, "{worst_mm} mm beside the graph");
    }
}
