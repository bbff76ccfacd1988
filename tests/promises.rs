//! Promises S13, S15, S19 and S29 of docs/SAFETY.md, as far as no other test shows them, on virtual time.

#[path = "support/random.rs"]
mod random;
mod support;

use random::Random;
use serde_json::Value;
use support::{Recorder, homed, options, sine, steps};
use yep::drive::Rehearsal;
use yep::hal::sim::{Mishap, RailOptions};
use yep::machine::{Accepted, Command, Fault, FaultCause, State};
use yep::motion::RailEnd;
use yep::trial::client::{ClientKind, ClientRequest};
use yep::trial::process::{TrialEnvironment, TrialProcess};
use yep::units::{MILLISECOND_NS, SECOND_NS};

/// Speed of each step in mm/s, signed, over the interval before it; 10 steps a millimetre.
fn speeds_mm_s(machine: &mut Rehearsal<Recorder>) -> Vec<f64> {
    let steps = steps(&machine.sink().0);
    let speed = |pair: &[(u64, bool)]| {
        let mm_s = 0.1 * SECOND_NS as f64 / (pair[1].0 - pair[0].0) as f64;
        if pair[1].1 { mm_s } else { -mm_s }
    };
    steps.windows(2).filter(|pair| pair[0].1 == pair[1].1).map(speed).collect()
}

#[test]
fn s13_what_no_force_can_be_is_lost_and_never_zero() {
    let mut machine = homed(&options());
    // A force that is not zero, and lets the axis go on: a lost sample that is taken for zero would show.
    machine.operator().push_g(150.0);
    machine.command(sine(5.0));
    machine.run_ms(6_000);
    let position_mm = |machine: &Rehearsal<Recorder>| machine.snapshot().position_mm;
    assert_eq!(machine.snapshot().force_g, Some(150.0));
    // Not a number, infinite, and beyond the range on both sides, in turn.
    machine.operator().set_mishap(Mishap::LoadCellGarbage, true);
    for ms in 0..2_000 {
        machine.run_ms(1);
        let shown = machine.snapshot();
        assert!(matches!(shown.force_g, None | Some(150.0)), "{:?} after {ms} ms", shown.force_g);
        assert!(ms < 50 || shown.force_g.is_none(), "still {:?} after {ms} ms", shown.force_g);
    }
    assert_eq!(machine.snapshot().fault, Some(Fault::ForceSampleLost));
    let rests_mm = position_mm(&machine);
    assert!(rests_mm.is_some(), "it came to rest by a ramp, so the position is kept");
    machine.run_ms(1_000);
    assert_eq!(position_mm(&machine), rests_mm);
}

#[test]
fn s13_a_lost_sample_is_nothing_in_the_api() {
    let mut process = TrialProcess::start(&TrialEnvironment::new(RailOptions::default()), 70.0).unwrap();
    process.machine.operator().push_g(150.0);
    process.run_until(SECOND_NS);
    let force = |process: &mut TrialProcess| {
        let call = ClientRequest {
            who: ClientKind::Page,
            method: "GET",
            path: "/api/v1/machine".to_owned(),
            body: Vec::new(),
        };
        process.request(call, 1_000).unwrap().body["force_g"].clone()
    };
    let shown_g = force(&mut process).as_f64().unwrap();
    assert!((shown_g - 150.0).abs() < 1.0, "{shown_g} g");
    process.machine.operator().set_mishap(Mishap::LoadCellGarbage, true);
    process.run_until(2 * SECOND_NS);
    for _ in 0..50 {
        assert_eq!(force(&mut process), Value::Null);
    }
}

/// Regression: a belt that slips or a carriage that is blocked while homing counts the steps makes the rail longer than it
/// is. The machine cannot know that, and its waves have the limits of the settings by the millimetres that it measured.
/// The edge oracle held them against those of the rail.
#[test]
fn s19_steps_that_move_nothing_while_homing_make_other_millimetres_but_no_harder_waves() {
    for mishap in [Mishap::BeltOff, Mishap::CarriageBlocked] {
        run_a_wave_behind_a_homing_with(mishap);
    }
}

fn run_a_wave_behind_a_homing_with(mishap: Mishap) {
    let mut process = TrialProcess::start(&TrialEnvironment::new(RailOptions::default()), 70.0).unwrap();
    let send = |process: &mut TrialProcess, method: &'static str, path: &str, body: &str| {
        let call = ClientRequest {
            who: ClientKind::Page,
            method,
            path: path.to_owned(),
            body: body.as_bytes().to_vec(),
        };
        assert_eq!(process.request(call, 1_000).unwrap().status, Some(200));
    };
    let until = |process: &mut TrialProcess, holds: fn(&TrialProcess) -> bool| {
        for _ in 0..6_000 {
            if holds(process) {
                return;
            }
            process.run_until(process.now() + 10 * MILLISECOND_NS);
        }
        panic!("it did not come to pass");
    };
    let _socket = process.open_socket(ClientKind::Page, "status");
    process.run_until(SECOND_NS);
    // The axis speeds up with all of its acceleration for a tenth of a second.
    let limits = r#"{"max_speed_mm_s": 70, "max_acceleration_mm_s2": 570, "max_jerk_mm_s3": 90000,
        "stop_deceleration_mm_s2": 1700, "approach_speed_mm_s": 35}"#;
    send(&mut process, "PUT", "/api/v1/limits", limits);
    send(&mut process, "POST", "/api/commands/run", r#"{"type": "calibrate"}"#);
    until(&mut process, |process| process.machine.operator().carriage_mm() >= 155.0);
    until(&mut process, |process| process.machine.operator().carriage_mm() < 100.0);
    process.machine.operator().set_mishap(mishap, true);
    process.run_until(process.now() + 300 * MILLISECOND_NS);
    process.machine.operator().set_mishap(mishap, false);
    until(&mut process, |process| process.machine.trace_sample().state == State::Ready);
    let travel_steps = process.machine.trace_sample().calibration.unwrap().travel_steps;
    assert!((1_650..1_700).contains(&travel_steps), "{travel_steps} steps with {mishap:?}");
    send(&mut process, "POST", "/api/wave/run", r#"{"type": "square", "duration": 4}"#);
    process.run_until(process.now() + 15 * SECOND_NS);
    assert_eq!(process.witness().violation(), None, "{mishap:?}");
    let now = process.now();
    assert!(process.witness().facts.window_limits(now).unwrap().gentle.is_some(), "judged as a wave");
}

#[test]
fn s15_the_more_force_the_slower_the_pulses() {
    let options = options();
    let mut before_mm_s = f64::INFINITY;
    for force_g in (0..=1_100).step_by(50).map(f64::from) {
        let mut machine = homed(&options);
        machine.operator().push_g(-force_g);
        machine.run_ms(50);
        machine.sink().0.clear();
        assert_eq!(machine.command(sine(0.7)), Some(Ok(Accepted::Now)));
        machine.run_ms(10_000);
        let forward_mm_s = speeds_mm_s(&mut machine).into_iter().fold(0.0, f64::max);
        let allowed_mm_s = options.config.allowance.speed_mm_s(force_g);
        assert!(forward_mm_s <= allowed_mm_s * 1.001, "{forward_mm_s} mm/s against {force_g} g");
        assert!(forward_mm_s <= before_mm_s * 1.001, "faster against {force_g} g than against less");
        before_mm_s = forward_mm_s;
    }
    assert_eq!(before_mm_s, 0.0, "the last force was a full one");
}

/// Lowest and highest position in steps, and highest speed, of a wave under a changing force.
fn run_with_force(mut hand: impl FnMut() -> f64) -> (i64, i64, f64) {
    let mut machine = homed(&options());
    machine.sink().0.clear();
    machine.command(sine(2.0));
    for _ in 0..100 {
        machine.operator().push_g(hand());
        machine.run_ms(200);
    }
    let (mut at, mut low, mut high) = (0, 0, 0);
    for (_, forward) in steps(&machine.sink().0) {
        at += if forward { 1 } else { -1 };
        (low, high) = (low.min(at), high.max(at));
    }
    let fastest_mm_s = speeds_mm_s(&mut machine).into_iter().map(f64::abs).fold(0.0, f64::max);
    (low, high, fastest_mm_s)
}

#[test]
fn s15_no_force_makes_a_wave_longer_and_what_was_held_catches_up_gently() {
    let (low, high, fastest_mm_s) = run_with_force(|| 0.0);
    for seed in 1..=12 {
        let mut random = Random::new(seed);
        let with_force = run_with_force(|| random.between(-1_300.0, 1_300.0));
        println!("seed {seed}: {with_force:?} instead of {:?}", (low, high, fastest_mm_s));
        assert!(with_force.0 >= low && with_force.1 <= high, "seed {seed}: farther out");
        // Catching up is at most a quarter faster than the wave, with a small tolerance.
        assert!(with_force.2 <= 1.25 * fastest_mm_s + 2.0, "seed {seed}: faster");
    }
}

#[test]
fn s15_no_force_moves_what_rests() {
    let mut machine = homed(&options());
    machine.sink().0.clear();
    let mut random = random::from_env();
    for _ in 0..600 {
        machine.operator().push_g(random.between(-5_000.0, 5_000.0));
        machine.run_ms(100);
    }
    assert_eq!((machine.snapshot().state, machine.sink().0.len()), (State::Ready, 0));
}

/// Sends ten minutes of reads from all kinds of clients; returns the number of answers.
fn ten_minutes_of_reads(process: &mut TrialProcess, random: &mut Random) -> usize {
    const PATHS: [&str; 12] = [
        "/api/v1/machine",
        "/api/health",
        "/api/v1/faults",
        "/api/v1/sessions",
        "/api/v1/state",
        "/api/v1/backup",
        "/api/v1/waves",
        "/api/v1/sensor",
        "/api/v1/limits",
        "/api/settings/machine-thrust/default",
        "/api/v1/sim",
        "/api/nothing",
    ];
    let _listeners = [
        process.open_socket(ClientKind::Page, "status"),
        process.open_socket(ClientKind::Program, "telemetry"),
    ];
    let until = process.now() + 600 * SECOND_NS;
    let mut answered = 0;
    while process.now() < until {
        let who = *random.one_of(&[ClientKind::Page, ClientKind::Program, ClientKind::Guest]);
        let path = (*random.one_of(&PATHS)).to_owned();
        let answer = process.request(ClientRequest { who, method: "GET", path, body: Vec::new() }, 1_000);
        answered += usize::from(answer.is_some_and(|answer| answer.status.is_some()));
        let pause_ms = random.log_between(1.0, 5_000.0) as u64;
        process.run_until(process.now() + pause_ms * MILLISECOND_NS);
    }
    answered
}

fn send_command(process: &mut TrialProcess, kind: &str) {
    let body = serde_json::json!({ "type": kind }).to_string().into_bytes();
    let call =
        ClientRequest { who: ClientKind::Page, method: "POST", path: "/api/commands/run".to_owned(), body };
    let answer = process.request(call, 2_000).unwrap();
    assert_eq!((answer.status, &answer.body), (Some(200), &Value::Null), "{kind}");
}

#[test]
fn s29_ten_minutes_of_reads_move_nothing() {
    let mut process = TrialProcess::start(&TrialEnvironment::new(RailOptions::default()), 70.0).unwrap();
    let mut random = random::from_env();
    // Not homed, ready, and after a fault.
    for state in [State::NotHomed, State::Ready, State::Faulted] {
        match state {
            State::Ready => {
                send_command(&mut process, "calibrate");
                process.run_until(process.now() + 60 * SECOND_NS);
            }
            State::Faulted => {
                process.machine.operator().set_mishap(Mishap::EStopOpen, true);
                process.run_until(process.now() + SECOND_NS);
            }
            _ => process.run_until(SECOND_NS),
        }
        assert_eq!(process.machine.trace_sample().state, state);
        let steps = process.witness().steps();
        let answered = ten_minutes_of_reads(&mut process, &mut random);
        assert!(answered > 200, "{answered} reads were answered");
        assert!(process.witness().violation().is_none(), "{:?}", process.witness().violation());
        assert_eq!((process.machine.trace_sample().state, process.witness().steps()), (state, steps));
    }
}

#[test]
fn s7_a_fault_says_what_still_holds_it_and_helps_by_its_cause() {
    for (until_mm, is_near) in [(40.0, false), (143.0, true)] {
        let mut machine = homed(&options());
        machine.command(sine(5.0));
        machine.run_while(20_000, |snapshot| snapshot.position_mm.unwrap() < until_mm);
        let rail_mm = machine.operator().carriage_mm();
        machine.operator().set_mishap(Mishap::FrontWelded, true);
        machine.run_ms(50);
        let seen = machine.snapshot();
        let (fault, cause) = (seen.fault.unwrap(), seen.cause);
        assert_eq!(fault, Fault::LimitHit(RailEnd::Front));
        let from_mm = cause.from_switch_mm.unwrap();
        assert!((RailOptions::DEFAULT.length_mm - rail_mm - from_mm).abs() < 1.0, "{from_mm} at {rail_mm}");
        assert_eq!(fault.remedy_by(cause.switch_distance()).contains("near"), is_near, "{from_mm}");
        // A switch that is pressed holds no fault: who pulls the carriage off it has to acknowledge first.
        assert_eq!(cause.remains, None);
        machine.operator().set_mishap(Mishap::EStopOpen, true);
        machine.run_ms(50);
        let seen = machine.snapshot();
        assert_eq!((seen.fault, seen.cause.remains), (Some(fault), Some(Fault::EStop)));
        assert_eq!(seen.cause.from_switch_mm, Some(from_mm), "it is not forgotten");
        machine.operator().set_mishap(Mishap::EStopOpen, false);
        machine.run_ms(50);
        assert_eq!(machine.snapshot().cause.remains, None);
        machine.command(Command::Acknowledge);
        machine.run_ms(50);
        assert_eq!((machine.snapshot().fault, machine.snapshot().cause), (None, FaultCause::NONE));
    }
}
