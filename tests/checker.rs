//! The checks of the pulses ([`yep::diag`]) and of simulated runs ([`yep::trial`]) on made-up observations: a defect is
//! reported under the right rule, and what has none is not.

mod support;

use proptest::prelude::*;
use support::{PUNCTUAL, config, homed, options, sine, timing};
use yep::diag::step_train::Precision;
use yep::diag::{CheckOptions, PulseChecker, Rule, Violation};
use yep::drive::TraceSample;
use yep::drive::cycle_trace::CycleOutcome;
use yep::drive::status::{EndCause, MotionEnd};
use yep::hal::sim::{RailOptions, SimulatedOperator};
use yep::hal::{Edge, EdgeKind};
use yep::machine::{Calibration, Config, Inputs, State, StopLevel};
use yep::motion::plan::{MovePlan, Target};
use yep::motion::{
    ALLOWANCE_POINTS, Allowance, Kinematics, Piece, ProfileLimits, RampLimits, step_times, stop,
};
use yep::trial::acts::{CONTROL_SOCKET, ClientAct, MESSAGE, SentAct};
use yep::trial::client::{ClientAnswer, ClientKind, ClientRequest};
use yep::trial::facts::{Facts, StepMade};
use yep::trial::promises;
use yep::trial::tap::{PortCall, PortRequest};
use yep::units::{Grams, MmPerS, MmPerS2, MmPerS3};

/// Steps for a millimetre of the rail of these tests.
const SCALE: f64 = 10.0;
/// Begin of its motions.
const BEGIN_NS: u64 = 1_000_000_000;
const MS: u64 = 1_000_000;

/// A step: when, and which way.
type Step = (u64, bool);

/// The steps of a motion that begins at rest on step `from`, as the step loop makes them.
fn steps(from: i64, pieces: &[Piece]) -> Vec<Step> {
    let mut at = Kinematics::at_rest(from as f64);
    let (mut count, mut offset_s, mut steps) = (from, 0.0, Vec::new());
    for piece in pieces {
        let mut from_s = 0.0;
        while let Some(step) = step_times::next_step(&at, *piece, count, from_s) {
            from_s = step.at_s;
            count += if step.forward { 1 } else { -1 };
            steps.push((BEGIN_NS + ((offset_s + step.at_s) * 1e9) as u64, step.forward));
        }
        at = at.after_piece(*piece);
        offset_s += piece.duration_s;
    }
    steps
}

fn rates() -> ProfileLimits {
    let limits = config().limits;
    ProfileLimits {
        speed: limits.max_speed.get() * SCALE,
        acceleration: limits.max_acceleration.get() * SCALE,
        jerk: limits.max_jerk.get() * SCALE,
    }
}

/// A move from rest to rest, by these rates.
fn travel(from: i64, to: i64, rates: ProfileLimits) -> Vec<Step> {
    let anywhere = (f64::NEG_INFINITY, f64::INFINITY);
    let start = Kinematics::at_rest(from as f64);
    let plan = MovePlan::new(start, Target { p: to as f64, v: 0.0 }, rates, anywhere).unwrap();
    steps(from, plan.pieces())
}

/// The edges of the steps, in order.
fn edges(steps: &[Step]) -> Vec<Edge> {
    let timing = timing();
    let mut edges = Vec::new();
    let mut line = None;
    for (at, forward) in steps {
        if line != Some(*forward) {
            line = Some(*forward);
            let kind = EdgeKind::Direction { forward: *forward };
            edges.push(Edge { at: at - timing.direction_setup_ns, kind });
        }
        edges.push(Edge { at: *at, kind: EdgeKind::StepBegins { forward: *forward } });
        edges.push(Edge { at: at + timing.high_ns, kind: EdgeKind::StepEnds });
    }
    edges
}

/// A machine that is homed, with its 1450 usable steps, and runs.
fn running() -> TraceSample {
    TraceSample {
        at_ns: 0,
        state: State::Running,
        fault: None,
        config: config(),
        calibration: Some(Calibration { origin_steps: 0, travel_steps: 1_550, max_steps: 1_450 }),
        force_g: Some(0.0),
        speed_bound_mm_s: f64::INFINITY,
        stop: StopLevel::None,
        inputs: Inputs::default(),
        steps_per_s: 0.0,
        steps: 0,
        resting: false,
        ended: None,
        glitches: 0,
        rebases: 0,
        count: None,
        outcome: CycleOutcome::default(),
    }
}

fn at_power_on(precision: Precision) -> PulseChecker {
    PulseChecker::new(CheckOptions { timing: timing(), precision, homing_mm_s: 40.0 })
}

/// Of a machine whose driver is on.
fn checker(precision: Precision) -> PulseChecker {
    let mut checker = at_power_on(precision);
    checker.add_edge(Edge { at: 0, kind: EdgeKind::Enable { on: true } });
    checker
}

/// Has the edges judged, with a trace sample of the machine every millisecond, and at rest afterwards; `from` is where
/// the axis stands at first.
fn check(edges: &[Edge], precision: Precision, sample_at: impl Fn(u64) -> TraceSample) -> Option<Violation> {
    let mut checker = checker(precision);
    let mut left = edges.iter().peekable();
    let last_ns = edges.last().map_or(BEGIN_NS, |edge| edge.at);
    let rest = TraceSample { resting: true, ..sample_at(0) };
    checker.check(&rest);
    let mut now = BEGIN_NS - 10 * MS;
    while now < last_ns + 5 * MS {
        now += MS;
        while let Some(edge) = left.next_if(|edge| edge.at <= now) {
            checker.add_edge(*edge);
        }
        let violation = checker.check(&TraceSample { at_ns: now, ..sample_at(now) });
        if violation.is_some() {
            return violation;
        }
    }
    checker.check(&TraceSample { at_ns: now + MS, resting: true, ..sample_at(now + MS) })
}

fn broken(edges: &[Edge]) -> Option<Rule> {
    check(edges, PUNCTUAL, |_| running()).map(|violation| violation.broken.rule)
}

/// Index of the step at which the train first has this speed in steps/s.
fn at_speed(steps: &[Step], speed: f64) -> usize {
    steps.windows(2).position(|pair| 1e9 / ((pair[1].0 - pair[0].0) as f64) >= speed).unwrap()
}

#[test]
fn a_good_train_is_not_reported() {
    for steps in [travel(0, 1_450, rates()), travel(0, 3, rates())] {
        assert!(steps.len() > 2);
        let violation = check(&edges(&steps), PUNCTUAL, |_| running());
        assert!(violation.is_none(), "{}", violation.unwrap());
    }
}

#[test]
fn a_violation_tells_what_was_found_and_the_steps_before_it() {
    let mut edges = edges(&travel(0, 500, rates()));
    let last = edges.len() - 1;
    edges[last].at -= 1;
    let violation = check(&edges, PUNCTUAL, |_| running()).unwrap();
    assert_eq!((violation.broken.found, violation.broken.allowed), (2_499.0, 2_500.0));
    let text = violation.to_string();
    assert!(text.starts_with("PulseWidth at ") && text.contains("2499.000 ns, where 2500.000 ns"), "{text}");
    assert!(text.lines().count() > 40 && text.contains("low after 2499 ns"), "{text}");
}

#[test]
fn the_lines_are_held_to_their_times() {
    let there_and_back = {
        let mut steps = travel(0, 50, rates());
        let after = steps.last().unwrap().0 + 100 * MS - BEGIN_NS;
        steps.extend(travel(50, 0, rates()).into_iter().map(|(at, forward)| (at + after, forward)));
        edges(&steps)
    };
    assert_eq!(broken(&there_and_back), None);
    let turn =
        there_and_back.iter().rposition(|edge| matches!(edge.kind, EdgeKind::Direction { .. })).unwrap();
    let with = |change: fn(&mut Vec<Edge>, usize)| {
        let mut edges = there_and_back.clone();
        change(&mut edges, turn);
        broken(&edges)
    };
    // Each edge of the turn: the end of the last pulse forward, the direction line, the first pulse back.
    assert_eq!(with(|edges, turn| edges[turn].at += 1), Some(Rule::DirectionSetup));
    assert_eq!(with(|edges, turn| edges[turn].at = edges[turn - 1].at + 4_999), Some(Rule::DirectionHold));
    assert_eq!(with(|edges, turn| edges[turn].at = edges[turn - 1].at), Some(Rule::DirectionHold));
    assert_eq!(
        with(|edges, turn| {
            edges.remove(turn);
        }),
        Some(Rule::DirectionLine)
    );
    assert_eq!(with(|edges, turn| edges.swap(turn, turn + 1)), Some(Rule::DirectionLine));
    assert_eq!(with(|edges, _| edges[20].at -= 1_000), Some(Rule::PulseWidth));
    assert_eq!(
        with(|edges, _| {
            edges.remove(20);
        }),
        Some(Rule::Order),
        "two pulses begin, none ends"
    );
    assert_eq!(with(|edges, _| edges.insert(20, edges[19])), Some(Rule::Order), "an edge twice");
    let gap = |edges: &mut Vec<Edge>, _: usize| edges[18].at = edges[19].at - 2_000;
    assert_eq!(with(gap), Some(Rule::PulseGap), "a pulse nearly as long as the interval");
}

#[test]
fn no_step_is_made_by_a_driver_that_is_off() {
    let good = edges(&travel(0, 50, rates()));
    let switched = |at: usize, on: bool| {
        let mut edges = good.clone();
        let kind = EdgeKind::Enable { on };
        edges.insert(at, Edge { at: edges[at].at - 1_000, kind });
        broken(&edges)
    };
    // Before each pulse but the first, and behind the last one.
    for at in (3..good.len()).step_by(2) {
        assert_eq!(switched(at, false), Some(Rule::PowerOff), "before edge {at}");
    }
    assert_eq!(switched(1, true), None);
    let mut over = good.clone();
    over.push(Edge { at: good.last().unwrap().at + MS, kind: EdgeKind::Enable { on: false } });
    assert_eq!(broken(&over), None);
    // A machine at power-on has its driver off.
    let mut checker = at_power_on(PUNCTUAL);
    good.iter().for_each(|edge| checker.add_edge(*edge));
    let violation = checker.check(&TraceSample { at_ns: u64::MAX / 2, ..running() }).unwrap();
    assert_eq!(violation.broken.rule, Rule::PowerOff);
    // Behind a gap in what is known, nothing is known of the driver.
    checker.report_lost_edges();
    let later = good.iter().map(|edge| Edge { at: edge.at + BEGIN_NS, ..*edge });
    later.for_each(|edge| checker.add_edge(edge));
    let violation = checker.check(&TraceSample { at_ns: u64::MAX / 2, ..running() });
    assert!(violation.is_none_or(|violation| violation.broken.rule != Rule::PowerOff));
}

#[test]
fn a_jump_of_the_speed_is_found_at_every_place_of_a_move() {
    let good = travel(0, 1_400, rates());
    for at in (4..good.len() - 4).step_by(7) {
        // One interval halved, everything behind it earlier.
        let mut steps = good.clone();
        let earlier = (steps[at].0 - steps[at - 1].0) / 2;
        steps[at..].iter_mut().for_each(|step| step.0 -= earlier);
        assert!(broken(&edges(&steps)).is_some(), "half an interval at step {at}");
        // One step twice, in the middle between two.
        let mut steps = good.clone();
        steps.insert(at, (u64::midpoint(steps[at].0, steps[at - 1].0), true));
        assert!(broken(&edges(&steps)).is_some(), "a step too many at {at}");
        // One step missing.
        let mut steps = good.clone();
        steps.remove(at);
        assert!(broken(&edges(&steps)).is_some(), "a step missing at {at}");
    }
}

#[test]
fn a_burst_after_a_stall_is_found() {
    let good = travel(0, 1_400, rates());
    for (speed, stall_ns) in [(1_000.0, 10 * MS), (3_000.0, 2 * MS), (4_900.0, MS)] {
        let mut steps = good.clone();
        let at = at_speed(&steps, speed);
        let resumes = steps[at].0 + stall_ns;
        // The steps that were due meanwhile come at the highest pulse rate, then the train goes on as before.
        let mut earliest = resumes;
        for step in &mut steps[at..] {
            step.0 = step.0.max(earliest);
            earliest = step.0 + 5_000;
        }
        let rule = broken(&edges(&steps));
        assert!(matches!(rule, Some(Rule::Missing | Rule::Speed | Rule::Acceleration)), "{speed}: {rule:?}");
        // Also where late steps may happen.
        let late = Precision { slews: true, ..PUNCTUAL };
        let rule = check(&edges(&steps), late, |_| running()).map(|violation| violation.broken.rule);
        assert!(matches!(rule, Some(Rule::Missing | Rule::Speed)), "late, {speed}: {rule:?}");
    }
}

#[test]
fn each_limit_is_held_on_its_own() {
    let twice = |change: fn(&mut ProfileLimits)| {
        let mut rates = rates();
        change(&mut rates);
        broken(&edges(&travel(0, 1_400, rates)))
    };
    assert_eq!(twice(|_| {}), None);
    assert_eq!(twice(|rates| rates.speed *= 1.05), Some(Rule::Speed));
    assert_eq!(twice(|rates| rates.acceleration *= 2.0), Some(Rule::Acceleration));
    assert_eq!(twice(|rates| rates.acceleration *= 1.1), Some(Rule::Acceleration));
    assert!(matches!(twice(|rates| rates.jerk *= 2.0), Some(Rule::Jerk | Rule::Onset)));
    assert!(matches!(twice(|rates| rates.jerk *= 1.3), Some(Rule::Jerk)));
}

#[test]
fn the_firmness_of_a_stop_is_for_stops() {
    let limits = config().limits;
    let firm = RampLimits {
        acceleration: limits.stop_deceleration.get() * SCALE,
        jerk: limits.stop_jerk_mm_s3() * SCALE,
    };
    // Gently up to full speed, and down by a stop.
    let top = 4_000.0;
    let anywhere = (f64::NEG_INFINITY, f64::INFINITY);
    let up = MovePlan::new(Kinematics::at_rest(0.0), Target { p: 700.0, v: top }, rates(), anywhere).unwrap();
    let mut pieces = up.pieces().to_vec();
    pieces.extend(stop::tail(top, 0.0, firm));
    let edges = edges(&steps(0, &pieces));
    let stop_ns = BEGIN_NS + (up.duration_s() * 1e9) as u64;
    let stopping = |now: u64| {
        let asked = now >= stop_ns;
        TraceSample { state: if asked { State::Stopping } else { State::Running }, ..running() }
    };
    let violation = check(&edges, PUNCTUAL, stopping);
    assert!(violation.is_none(), "{}", violation.unwrap());
    assert!(matches!(broken(&edges), Some(Rule::Acceleration | Rule::Jerk)));
}

#[test]
fn a_motion_that_begins_or_ends_at_speed_is_found() {
    let good = travel(0, 1_400, rates());
    let fast = at_speed(&good, 2_000.0);
    // Cut off at speed.
    assert_eq!(broken(&edges(&good[..fast])), Some(Rule::Missing));
    // Begun at speed, from where it stands.
    let mut checker = checker(PUNCTUAL);
    checker.check(&TraceSample { resting: true, count: Some(0), ..running() });
    let sudden = &good[fast..fast + 20];
    edges(sudden).into_iter().for_each(|edge| checker.add_edge(edge));
    let now = sudden.last().unwrap().0 + 3_000;
    let violation =
        checker.check(&TraceSample { at_ns: now, ..running() }).expect("a sudden start is not found");
    assert_eq!(violation.broken.rule, Rule::Onset);
}

#[test]
fn only_a_halt_and_a_tripped_input_end_a_motion_at_once() {
    let good = travel(0, 1_400, rates());
    let fast = at_speed(&good, 2_000.0);
    let cut = edges(&good[..fast]);
    let last_ns = good[fast - 1].0;
    let ended_by = |cause: EndCause| {
        let ended = MotionEnd { epoch: 1, cause, inputs: Inputs::default() };
        check(&cut, PUNCTUAL, move |now| {
            let over = now > last_ns;
            TraceSample { resting: over, ended: over.then_some(ended), ..running() }
        })
        .map(|violation| violation.broken.rule)
    };
    assert_eq!(ended_by(EndCause::Halted), None);
    assert_eq!(ended_by(EndCause::Tripped), None);
    assert_eq!(ended_by(EndCause::Ramped), Some(Rule::Missing));
    assert_eq!(ended_by(EndCause::Starved), Some(Rule::Missing));
}

/// Regression (seed 7310): behind a late step the axis went on with a ramp, which the next stall cut; two samples of one
/// instant had already made the end an old one.
#[test]
fn a_stall_may_cut_the_ramp_of_a_late_step_and_of_no_other_motion() {
    let slewing = Precision { slews: true, ..PUNCTUAL };
    let good = travel(0, 1_400, rates());
    let fast = at_speed(&good, 2_000.0);
    let last_ns = good[fast - 1].0;
    let next = travel(fast as i64, 1_400, rates());
    let later = next[..fast].iter().map(|(at, forward)| (at + 500 * MS, *forward)).collect::<Vec<_>>();
    let late_at = |ended_ns: Option<u64>, steps: &[Step]| {
        let ended = MotionEnd { epoch: 1, cause: EndCause::Late, inputs: Inputs::default() };
        let until_ns = steps.last().unwrap().0;
        check(&edges(steps), slewing, |now| {
            let rests = now > until_ns || now > last_ns && now < later[0].0;
            let ended = ended_ns.is_some_and(|ended_ns| now >= ended_ns).then_some(ended);
            TraceSample { resting: rests, ended, ..running() }
        })
        .map(|violation| violation.broken.rule)
    };
    assert_eq!(late_at(Some(last_ns - 6 * MS), &good[..fast]), None);
    assert_eq!(late_at(None, &good[..fast]), Some(Rule::Missing));
    // The cause stays on display while the next motion goes on, and excuses nothing there.
    let both = [&good[..fast], &later].concat();
    assert_eq!(late_at(Some(last_ns - 6 * MS), &both), Some(Rule::Missing));
}

#[test]
fn no_step_comes_more_than_a_millisecond_after_a_halt() {
    let good = travel(0, 1_400, rates());
    let halt_ns = good[good.len() / 2].0;
    let rule = check(&edges(&good), PUNCTUAL, |now| {
        let stop = if now >= halt_ns { StopLevel::Halt } else { StopLevel::None };
        TraceSample { stop, ..running() }
    });
    assert_eq!(rule.map(|violation| violation.broken.rule), Some(Rule::AfterHalt));
}

#[test]
fn a_step_at_rest_is_found() {
    for (state, every_ms) in [(State::Ready, 100), (State::NotHomed, 100), (State::Running, 1)] {
        let mut checker = checker(PUNCTUAL);
        let idle = TraceSample { state, resting: true, ..running() };
        checker.check(&TraceSample { at_ns: BEGIN_NS - MS, ..idle });
        edges(&[(BEGIN_NS, true)]).into_iter().for_each(|edge| checker.add_edge(edge));
        let violation = checker.check(&TraceSample { at_ns: BEGIN_NS + every_ms * MS, ..idle });
        assert_eq!(violation.map(|violation| violation.broken.rule), Some(Rule::AtRest), "{state:?}");
    }
}

#[test]
fn a_step_beyond_the_range_is_found_and_so_is_a_speed_that_would_lead_there() {
    let slow = ProfileLimits { speed: 100.0, ..rates() };
    assert_eq!(broken(&edges(&travel(0, 1_451, slow))), Some(Rule::Range));
    assert_eq!(broken(&edges(&travel(0, -1, slow))), Some(Rule::Range));
    // The same speed in a shorter range: the checker finds the braking distance too short long before the end.
    let good = edges(&travel(0, 1_400, rates()));
    let shorter = Calibration { origin_steps: 0, travel_steps: 1_550, max_steps: 1_300 };
    let violation =
        check(&good, PUNCTUAL, |_| TraceSample { calibration: Some(shorter), ..running() }).unwrap();
    assert_eq!(violation.broken.rule, Rule::Braking);
    // While homing there is no range yet.
    let homing = TraceSample { state: State::Homing, calibration: None, ..running() };
    let at_homing_speed = ProfileLimits { speed: 390.0, ..rates() };
    let violation = check(&edges(&travel(0, -1_600, at_homing_speed)), PUNCTUAL, |_| homing);
    assert!(violation.is_none(), "{}", violation.unwrap());
}

#[test]
fn a_counter_that_counts_otherwise_is_found() {
    let good = travel(0, 100, rates());
    let mut checker = checker(PUNCTUAL);
    checker.check(&TraceSample { resting: true, ..running() });
    edges(&good).into_iter().for_each(|edge| checker.add_edge(edge));
    let now = good.last().unwrap().0 + MS;
    let violation = checker.check(&TraceSample { at_ns: now, count: Some(101), ..running() }).unwrap();
    assert_eq!(violation.broken.rule, Rule::Count);
    assert_eq!((violation.broken.found, violation.broken.allowed), (101.0, 100.0));
    assert_eq!(checker.violations(), 1);
}

/// A machine with other limits.
fn with_limits(speed: f64, acceleration: f64, jerk: f64, stop: f64) -> Config {
    let limits = yep::motion::MotionLimits::new(
        MmPerS::try_from(speed).unwrap(),
        MmPerS2::try_from(acceleration).unwrap(),
        MmPerS3::try_from(jerk).unwrap(),
        MmPerS2::try_from(stop).unwrap(),
        MmPerS::try_from(1.0).unwrap(),
    );
    Config { limits: limits.unwrap(), ..config() }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn good_trains_are_never_reported(
        speed in 5.0..1_500.0f64, acceleration in 200.0..20e3f64, onset_s in 0.006..0.2f64, firmer in 1.05..2.0f64,
        stations in prop::collection::vec((0i64..1_451, -1.0..1.0f64), 1..6), beside in prop::collection::vec(-25i64..26, 64)
    ) {
        let config = with_limits(speed, acceleration, acceleration / onset_s, acceleration * firmer);
        let rates = ProfileLimits {
            speed: speed * SCALE,
            acceleration: acceleration * SCALE,
            jerk: acceleration / onset_s * SCALE,
        };
        // From station to station without a rest, as far as the range and the braking distance allow.
        let gentle = RampLimits { acceleration: rates.acceleration, jerk: rates.jerk };
        let mut at = Kinematics::at_rest(0.0);
        let mut pieces = Vec::new();
        let home = (0, 0.0);
        for (to, share) in stations.into_iter().chain([home]) {
            let target = Target { p: to as f64, v: share * rates.speed };
            let end = Kinematics { p: target.p, v: target.v, a: 0.0 };
            let (low, high) = stop::extent(end, gentle);
            if let (Ok(plan), true) = (MovePlan::new(at, target, rates, (0.0, 1_450.0)), low >= 0.0 && high <= 1_450.0) {
                pieces.extend_from_slice(plan.pieces());
                at = end;
            }
        }
        // A motion ends at rest.
        pieces.extend(stop::tail(at.v, 0.0, gentle));
        let mut steps = steps(0, &pieces);
        prop_assume!(pieces.iter().map(|piece| piece.duration_s).sum::<f64>() < 200.0);
        for (step, beside) in steps.iter_mut().zip(beside.into_iter().cycle()) {
            step.0 = step.0.saturating_add_signed(beside);
        }
        let violation = check(&edges(&steps), PUNCTUAL, |_| TraceSample { config, ..running() });
        prop_assert!(violation.is_none(), "{}", violation.unwrap());
        let late = Precision { slews: true, ..PUNCTUAL };
        let violation = check(&edges(&steps), late, |_| TraceSample { config, ..running() });
        prop_assert!(violation.is_none(), "late: {}", violation.unwrap());
    }
}

/// What the checks of a run know of a machine that shows this.
fn facts_of(sample: &TraceSample) -> Facts {
    let mut facts = Facts::new(RailOptions::default(), SimulatedOperator::default());
    facts.ground_truth.page_there = true;
    facts.ground_truth.page_waves = true;
    facts.record_limits(sample.at_ns, sample.config.limits, 155.0, 155.0);
    facts.record_cycle(sample);
    facts
}

/// Regression (seed 4786): a force chart that allows less speed is braked for firmly, as narrowed limits are, and counted
/// as no change at all.
#[test]
fn any_setting_that_changes_may_be_braked_for() {
    let slower = Allowance::new(Grams::constant(1_000.0), [300.0; ALLOWANCE_POINTS]);
    let narrowed = Config { allowance: slower, ..config() };
    let calm_at = 100_000 * MS;
    for (next, is_calm) in [(config(), true), (narrowed, false)] {
        let mut facts = facts_of(&running());
        facts.record_cycle(&TraceSample { at_ns: calm_at, config: next, ..running() });
        let limits = facts.window_limits(calm_at + MS).unwrap();
        assert_eq!(limits.gentle.is_some(), is_calm);
        // A few seconds later waves are gentle again.
        assert!(facts.window_limits(calm_at + 10_000 * MS).unwrap().gentle.is_some());
    }
}

/// Regression (seeds 4413, 7070 and more): a client that a fault stopped goes on behind it as if it had been let through,
/// which it had been.
#[test]
fn a_start_that_a_fault_ends_at_once_was_let_through() {
    let mut machine = homed(&options());
    machine.command(sine(2.0));
    machine.run_ms(500);
    let moving = machine.trace_sample();
    assert_eq!(moving.state, State::Running);
    let rests = TraceSample { state: State::Faulted, ..moving };
    // Each start: when it comes behind STOP, and whether the machine moves as it is answered.
    let judged = |starts: &[(u64, bool)]| {
        let mut checks = promises::all();
        let check = checks.iter_mut().find(|check| check.name() == "s34_stop_latches").unwrap();
        let mut facts = facts_of(&rests);
        check.check_call(&facts, &PortCall { at_ns: 0, request: PortRequest::Stop }).unwrap();
        for (number, (at_ms, moves)) in (0..).zip(starts) {
            let call = ClientRequest {
                who: ClientKind::Feed,
                method: "POST",
                path: "/api/wave/run".to_owned(),
                body: br#"{"type":"sine","duration":1.0}"#.to_vec(),
            };
            let at_ns = at_ms * MS;
            let act = ClientAct::of(&call);
            facts.trace = Some(rests);
            check.check_sent(
                &facts,
                &SentAct { number, who: call.who, act, decided_ns: at_ns, arrives_ns: at_ns },
            )?;
            facts.trace = Some(if *moves { moving } else { rests });
            let (body, status, token) = (serde_json::json!({}), Some(200), None);
            check
                .check_answer(&facts, &ClientAnswer { number, asked_ns: at_ns, call, status, body, token })?;
            check
                .check_step(&facts, &StepMade { at: at_ns + MS, forward: true, interval_ns: MS, way: 1.0 })?;
        }
        Ok::<(), String>(())
    };
    assert_eq!(judged(&[(3_000, false), (4_000, true)]), Ok(()));
    // Too early behind the STOP, however it ended.
    assert!(judged(&[(100, true)]).is_err());
}

/// Regression (seed 3394): a client's ask waited at the server when its connection was lost, and the lease was handed over to
/// it with the motion; it asked once more then, and had it.
#[test]
fn an_ask_that_lost_its_connection_is_handed_the_motion() {
    let mut machine = homed(&options());
    machine.command(sine(2.0));
    machine.run_ms(500);
    let facts = facts_of(&machine.trace_sample());
    // The instant at which the holder hands over, if it does, between two asks of another client.
    let judged = |handed_over_ms: Option<u64>| {
        let mut checks = promises::all();
        let check = checks.iter_mut().find(|check| check.name() == "s22_one_in_charge").unwrap();
        let mut number = 0;
        let mut tell = |who: ClientKind, act: &str, at_ms: u64, status: Option<u16>| {
            number += 1;
            let (path, method) = (CONTROL_SOCKET.to_owned(), MESSAGE);
            let body = format!(r#"{{"type":"lease","act":"{act}"}}"#).into_bytes();
            let call = ClientRequest { who, method, path, body };
            let (at_ns, act) = (at_ms * MS, ClientAct::of(&call));
            check.check_sent(&facts, &SentAct { number, who, act, decided_ns: at_ns, arrives_ns: at_ns })?;
            let body = serde_json::json!({ "lease": { "is_own": true } });
            let answer = ClientAnswer { number, asked_ns: at_ns, call, status, body, token: None };
            check.check_answer(&facts, &answer)?;
            check.check_step(&facts, &StepMade { at: at_ns + MS, forward: true, interval_ns: MS, way: 1.0 })
        };
        tell(ClientKind::Admin, "ask", 1_000, None)?;
        if let Some(at_ms) = handed_over_ms {
            tell(ClientKind::Phone, "hand_over", at_ms, Some(200))?;
        }
        tell(ClientKind::Admin, "ask", 2_000, Some(200))
    };
    assert_eq!(judged(Some(1_300)), Ok(()));
    assert!(judged(None).is_err(), "a motion was inherited");
    assert!(judged(Some(900)).is_err(), "it was handed over before anybody asked");
}
