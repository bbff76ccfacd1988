//! The stop line, raised at any instant: between any two looks of the step loop, at any speed.

mod support;

#[path = "support/random.rs"]
mod random;

use random::Random;
use support::{PUNCTUAL, Recorder, config, homed_on, options, sine, square, steps};
use yep::drive::Rehearsal;
use yep::hal::sim::{EdgeKind, VirtualClock};
use yep::machine::{Accepted, Command, Fault, State, StopLevel};

type Machine = Rehearsal<Recorder>;

const STEP_MM: f64 = 0.1;

fn homed(clock: &VirtualClock) -> Machine {
    homed_on(clock, &options(), PUNCTUAL)
}

/// Starts a wave of any speed and lets it run some way.
fn run(machine: &mut Machine, random: &mut Random) {
    let period_s = random.log_between(0.3, 6.0);
    let wave = if random.unit() < 0.8 { sine(period_s) } else { square(period_s) };
    assert_eq!(machine.command(wave), Some(Ok(Accepted::Now)));
    machine.run_ms((random.between(0.5, 2.0) * period_s * 1e3) as u64 + 700);
    machine.sink().0.clear();
    // Some edges before whatever follows.
    machine.run_ms(200);
}

/// Raises the stop line at any instant within the next cycles, whatever the step loop does then; tells which.
fn raise_soon(machine: &Machine, clock: &VirtualClock, random: &mut Random, level: StopLevel) -> u64 {
    let at = machine.now() + random.between(1.0, 3e6) as u64;
    let line = machine.stop_line().clone();
    clock.at(at, move || line.raise(level));
    at
}

fn home_again(machine: &mut Machine) {
    assert_eq!(machine.command(Command::Calibrate), Some(Ok(Accepted::Now)));
    assert!(machine.run_while(60_000, |snapshot| snapshot.state == State::Homing));
    assert_eq!(machine.snapshot().state, State::Ready);
}

fn is_halted(machine: &Machine) {
    let snapshot = machine.snapshot();
    assert_eq!((snapshot.fault, snapshot.position_mm), (Some(Fault::Halted), None));
}

#[test]
fn no_edge_begins_after_a_halt_is_visible_whenever_it_comes() {
    let mut random = Random::from_env();
    let clock = VirtualClock::default();
    let mut machine = homed(&clock);
    for _ in 0..150 {
        run(&mut machine, &mut random);
        let halted = raise_soon(&machine, &clock, &mut random, StopLevel::Halt);
        machine.run_ms(200);
        let late = steps(&machine.sink().0).into_iter().filter(|(at, _)| *at >= halted).count();
        assert_eq!(late, 0, "steps after a halt at {halted} ns");
        is_halted(&machine);
        home_again(&mut machine);
    }
}

#[test]
fn no_edge_begins_after_a_halt_that_comes_between_two_looks() {
    let mut random = Random::from_env();
    let clock = VirtualClock::default();
    let mut machine = homed(&clock);
    for round in 0..120 {
        run(&mut machine, &mut random);
        // At some edge of this kind: when a pulse begins, when it ends, when the direction line changes.
        let wanted: fn(EdgeKind) -> bool = match round % 3 {
            0 => |kind| matches!(kind, EdgeKind::StepBegins { .. }),
            1 => |kind| matches!(kind, EdgeKind::StepEnds),
            _ => |kind| matches!(kind, EdgeKind::Direction { .. }),
        };
        let mut left = if round % 3 == 2 { 1 } else { random.between(1.0, 50.0) as u32 };
        let line = machine.stop_line().clone();
        machine.sink().0.clear();
        machine.sink().2 = Some(Box::new(move |edge| {
            if wanted(edge.kind) && left > 0 {
                left -= 1;
                if left == 0 {
                    line.raise(StopLevel::Halt);
                }
            }
        }));
        assert!(machine.run_while(10_000, |snapshot| snapshot.state != State::Faulted), "nothing halted");
        machine.run_ms(100);
        machine.sink().2 = None;
        let edges = &machine.sink().0;
        // The edge at which it was raised is the last of its kind; only the end of a pulse may follow.
        let last = edges.iter().rposition(|edge| wanted(edge.kind)).unwrap();
        let after = edges[last + 1..].iter().filter(|edge| matches!(edge.kind, EdgeKind::StepBegins { .. }));
        assert_eq!(after.count(), 0, "steps after a halt at {:?}", edges[last]);
        is_halted(&machine);
        home_again(&mut machine);
    }
}

#[test]
fn a_stop_keeps_s4_on_the_pulses_whenever_it_comes() {
    let mut random = Random::from_env();
    let clock = VirtualClock::default();
    let mut machine = homed(&clock);
    let a = config().limits.stop_deceleration.get();
    let mut speeds = Vec::new();
    for _ in 0..300 {
        run(&mut machine, &mut random);
        let asked = raise_soon(&machine, &clock, &mut random, StopLevel::Stop);
        machine.run_ms(300);
        let made = steps(&machine.sink().0);
        let after = made.partition_point(|(at, _)| *at < asked);
        // The speed when STOP came: of the interval in which it came, or of the one before.
        let speed = |pair: &[(u64, bool)]| {
            if pair[0].1 == pair[1].1 { STEP_MM / ((pair[1].0 - pair[0].0) as f64 * 1e-9) } else { 0.0 }
        };
        let around = &made[after.saturating_sub(2)..(after + 1).min(made.len())];
        let v = around.windows(2).map(speed).fold(0.0, f64::max);
        speeds.push(v);
        let took_s = made[after..].last().map_or(0.0, |(at, _)| (at - asked) as f64 * 1e-9);
        let way_mm = (made.len() - after) as f64 * STEP_MM;
        assert!(took_s <= v / a + 0.020, "{took_s} s from {v} mm/s");
        // Steps are whole, and one more may be on its way.
        let allowed_mm = v * v / (2.0 * a) + v * 0.020 + 2.0 * STEP_MM;
        assert!(way_mm <= allowed_mm, "{way_mm} mm from {v} mm/s, {allowed_mm} are allowed");
        let snapshot = machine.snapshot();
        assert_eq!(snapshot.state, State::Ready);
        let position_mm = snapshot.position_mm.unwrap();
        assert!((machine.hands().carriage_mm() - 5.0 - position_mm).abs() < 1e-3, "the position is wrong");
    }
    for (slow, fast) in [(0.0, 50.0), (50.0, 150.0), (150.0, 300.0), (300.0, 510.0)] {
        let seen = speeds.iter().filter(|v| (slow..fast).contains(*v)).count();
        assert!(seen >= 12, "only {seen} stops from {slow} to {fast} mm/s");
    }
}
