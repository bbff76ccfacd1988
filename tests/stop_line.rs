//! Stop line and switches at any instant: between any two readings of the step loop, at any speed. On virtual time.

mod support;

#[path = "support/random.rs"]
mod random;

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use random::Random;
use support::{PUNCTUAL, Recorder, config, homed_on, options, sine, square, steps};
use yep::diag::step_train::Precision;
use yep::drive::Rehearsal;
use yep::hal::Clock;
use yep::hal::EdgeKind;
use yep::hal::sim::{Mishap, SimulatedOperator, VirtualClock};
use yep::machine::{Accepted, Command, Fault, State, StopLevel};
use yep::motion::RailEnd;

type Machine = Rehearsal<Recorder>;

const STEP_MM: f64 = 0.1;

fn homed(clock: &VirtualClock) -> Machine {
    homed_on(clock, &options(), PUNCTUAL)
}

/// Starts a wave of a random speed and runs it for a while.
fn run(machine: &mut Machine, random: &mut Random) {
    let period_s = random.log_between(0.3, 6.0);
    let wave = if random.unit() < 0.8 { sine(period_s) } else { square(period_s) };
    assert_eq!(machine.command(wave), Some(Ok(Accepted::Now)));
    machine.run_ms((random.between(0.5, 2.0) * period_s * 1e3) as u64 + 700);
    machine.sink().0.clear();
    // Some edges come first.
    machine.run_ms(200);
}

/// Raises the stop line at a random instant within the next cycles, at any point of the step loop; returns the instant.
fn raise_soon(machine: &Machine, clock: &VirtualClock, random: &mut Random, level: StopLevel) -> u64 {
    let at = machine.now() + random.between(1.0, 3e6) as u64;
    let line = machine.stop_line().clone();
    clock.set_alarm(at, move || line.raise(level));
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
    let mut random = random::from_env();
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
    let mut random = random::from_env();
    let clock = VirtualClock::default();
    let mut machine = homed(&clock);
    for round in 0..120 {
        run(&mut machine, &mut random);
        // At a random edge of this kind: a pulse begins, a pulse ends, the direction line changes.
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
        // The edge at which the line was raised is the last of its kind; only the end of a pulse may follow.
        let last = edges.iter().rposition(|edge| wanted(edge.kind)).unwrap();
        let after = edges[last + 1..].iter().filter(|edge| matches!(edge.kind, EdgeKind::StepBegins { .. }));
        assert_eq!(after.count(), 0, "steps after a halt at {:?}", edges[last]);
        is_halted(&machine);
        home_again(&mut machine);
    }
}

#[test]
fn a_stop_keeps_s4_on_the_pulses_whenever_it_comes() {
    let mut random = random::from_env();
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
        // Steps are whole, and one more may be under way.
        let allowed_mm = v * v / (2.0 * a) + v * 0.020 + 2.0 * STEP_MM;
        assert!(way_mm <= allowed_mm, "{way_mm} mm from {v} mm/s, {allowed_mm} are allowed");
        let snapshot = machine.snapshot();
        assert_eq!(snapshot.state, State::Ready);
        let position_mm = snapshot.position_mm.unwrap();
        assert!((machine.operator().carriage_mm() - 5.0 - position_mm).abs() < 1e-3, "the position is wrong");
    }
    for (slow, fast) in [(0.0, 50.0), (50.0, 150.0), (150.0, 300.0), (300.0, 510.0)] {
        let seen = speeds.iter().filter(|v| (slow..fast).contains(*v)).count();
        assert!(seen >= 12, "only {seen} stops from {slow} to {fast} mm/s");
    }
}

/// Instants at which the front switch was pressed and released.
type Pressed = Rc<RefCell<Vec<(u64, bool)>>>;

/// Schedules presses and releases of the front switch: after so many nanoseconds, on or off.
fn press(
    clock: &VirtualClock,
    operator: &SimulatedOperator,
    mut script: VecDeque<(u64, bool)>,
    pressed: &Pressed,
) {
    let Some((after_ns, on)) = script.pop_front() else { return };
    let (own_clock, operator, pressed) = (clock.clone(), operator.clone(), pressed.clone());
    clock.set_alarm(clock.now() + after_ns, move || {
        operator.set_mishap(Mishap::FrontWelded, on);
        pressed.borrow_mut().push((own_clock.now(), on));
        press(&own_clock, &operator, script, &pressed);
    });
}

/// Number of steps that began while the switch read pressed.
fn steps_while_pressed(machine: &mut Machine, pressed: &Pressed) -> usize {
    let pressed = pressed.borrow();
    let on_at = |at: u64| pressed.iter().rev().find(|(since, _)| *since <= at).is_some_and(|(_, on)| *on);
    steps(&machine.sink().0).iter().filter(|(at, _)| on_at(*at)).count()
}

/// Precision of a checker that allows making up for late steps.
const SLEWED: Precision = Precision { edge_ns: 30, slews: true };

#[test]
fn a_glitch_of_a_switch_holds_steps_back_is_counted_and_changes_nothing_else() {
    let mut random = random::from_env();
    let clock = VirtualClock::default();
    let mut machine = homed_on(&clock, &options(), SLEWED);
    for round in 0..120 {
        let before = machine.status().glitches();
        let resting = round % 10 == 9;
        if !resting {
            run(&mut machine, &mut random);
        }
        let pressed = Pressed::default();
        let glitch = [(random.between(1.0, 3e6) as u64, true), (random.between(1.0, 44e3) as u64, false)];
        press(&clock, &machine.operator().clone(), glitch.into(), &pressed);
        machine.run_ms(20);
        assert_eq!(pressed.borrow().len(), 2);
        assert_eq!(steps_while_pressed(&mut machine, &pressed), 0);
        assert!(machine.status().glitches() > before, "not seen: {:?}", pressed.borrow());
        let snapshot = machine.snapshot();
        let state = if resting { State::Ready } else { State::Running };
        assert_eq!((snapshot.state, snapshot.fault), (state, None), "{:?}", pressed.borrow());
        machine.stop();
        assert!(machine.run_while(1_000, |snapshot| snapshot.state != State::Ready));
        let position_mm = machine.snapshot().position_mm.unwrap();
        assert!((machine.operator().carriage_mm() - 5.0 - position_mm).abs() < 1e-3, "the position is wrong");
    }
    assert_eq!(machine.snapshot().lateness.rebases, 0, "a glitch moved the time base");
}

#[test]
fn a_switch_that_closes_ends_the_motion_however_it_bounces() {
    let mut random = random::from_env();
    let clock = VirtualClock::default();
    let mut machine = homed_on(&clock, &options(), SLEWED);
    for _ in 0..120 {
        run(&mut machine, &mut random);
        let mut script = VecDeque::from([(random.between(1.0, 3e6) as u64, true)]);
        for _ in 0..random.between(0.0, 5.0) as u32 {
            script.push_back((random.between(1.0, 44e3) as u64, false));
            script.push_back((random.between(1.0, 100e3) as u64, true));
        }
        let pressed = Pressed::default();
        press(&clock, &machine.operator().clone(), script, &pressed);
        machine.run_ms(50);
        assert_eq!(steps_while_pressed(&mut machine, &pressed), 0, "{:?}", pressed.borrow());
        let snapshot = machine.snapshot();
        assert_eq!((snapshot.fault, snapshot.position_mm), (Some(Fault::LimitHit(RailEnd::Front)), None));
        machine.operator().set_mishap(Mishap::FrontWelded, false);
        machine.run_ms(5);
        home_again(&mut machine);
    }
}
