//! Execution of a wave on virtual time, from the pulses: its period, its graph, its limits.

use std::sync::{Arc, Weak};

use yep::drive::Rehearsal;
use yep::machine::{Accepted, Command, State};
use yep::units::Mm;
use yep::wave::envelope::Size;
use yep::wave::fields::PointsSpec;
use yep::wave::interpolate::{Interpolation, Knot, through};
use yep::wave::{Cubics, Envelope, Graph, Shape, Spec, Wave};

use super::support::{Recorder, homed, leave, options, steps};

const RANGE_MM: f64 = 145.0;

fn spec(kind: &str, duration_s: f64) -> Spec {
    Spec { kind: kind.into(), duration_s, ..Spec::default() }
}

fn points(duration_s: f64, pairs: &[[f64; 2]], interpolation: &str) -> Spec {
    Spec {
        points: Some(PointsSpec::Timed(pairs.to_vec())),
        interpolation: Some(interpolation.into()),
        ..spec("points", duration_s)
    }
}

/// Runs the wave; from its third period on, returns the largest distance of the pulses from its graph in mm, and the
/// times at which it passes a height upward, in s.
fn executed(wave: &Wave, seconds: f64, height_mm: f64) -> (f64, Vec<f64>) {
    let mut machine = homed(&options());
    assert_eq!(machine.command(Command::Run(wave.clone())), Some(Ok(Accepted::Now)));
    assert!(machine.run_while(20_000, |snapshot| snapshot.phase.is_none_or(|_| snapshot.periods < 2)));
    // The phase that the machine reports; its plan is ahead of the pulses by the queue.
    machine.sink().0.clear();
    let (begin_ns, begin_mm) = (machine.now(), machine.snapshot().position_mm.unwrap());
    machine.run_ms((seconds * 1e3) as u64);
    assert_eq!(machine.snapshot().state, State::Running);
    let mut at_mm = begin_mm;
    let mut crossings = Vec::new();
    let mut course = Vec::new();
    for (at_ns, forward) in steps(&machine.sink().0) {
        let before_mm = at_mm;
        at_mm += if forward { 0.1 } else { -0.1 };
        let at_s = (at_ns - begin_ns) as f64 * 1e-9;
        // A step comes half-way between two places.
        course.push((at_s, (before_mm + at_mm) / 2.0));
        if before_mm < height_mm && at_mm >= height_mm {
            crossings.push(at_s);
        }
    }
    // The phase at the beginning is the one with which the graph fits best.
    let beside = |phase: f64| {
        let place = |at_s: f64| RANGE_MM * wave.graph.at(phase + at_s / wave.period_s()).position;
        course.iter().map(|(at_s, at_mm)| (place(*at_s) - at_mm).abs()).fold(0.0, f64::max)
    };
    let (mut best, mut width) = (0.0, 1.0);
    while width > 1e-7 {
        let tried = (-50..=50).map(|i| best + width * f64::from(i) / 100.0);
        best = tried.map(|phase| (phase, beside(phase))).min_by(|a, b| a.1.total_cmp(&b.1)).unwrap().0;
        width /= 20.0;
    }
    (beside(best), crossings)
}

#[test]
fn every_wave_has_exactly_its_period_and_stays_on_its_graph() {
    let curve = [[0.0, 0.1], [0.7, 0.6], [1.5, 0.55], [2.4, 0.95], [3.1, 0.3]];
    for (spec, allowed_mm) in [
        // Corners are rounded, as the axis needs some distance to change its speed.
        (Spec { rise_s: Some(1.2), fall_s: Some(1.6), ..spec("trapezoid", 4.0) }, 2.0),
        (Spec { rise_s: Some(1.5), ..spec("triangle", 4.0) }, 3.0),
        (points(4.0, &curve, "linear"), 4.0),
        (points(4.0, &curve, "monotone"), 0.1),
        (points(4.0, &curve, "spline"), 0.08),
    ] {
        let wave = spec.wave().unwrap();
        let height_mm = 60.05;
        let (beside_mm, crossings) = executed(&wave, 21.0, height_mm);
        assert!(beside_mm < allowed_mm, "{}: {beside_mm} mm beside the graph", spec.kind);
        assert!(crossings.len() >= 5, "{crossings:?}");
        for pair in crossings.windows(2) {
            assert!((pair[1] - pair[0] - wave.period_s()).abs() < 1e-6, "{}: {crossings:?}", spec.kind);
        }
    }
}

#[test]
fn end_rests_where_the_period_begins_wherever_that_is() {
    let mut machine = homed(&options());
    let wave = points(2.0, &[[0.0, 0.4], [0.5, 1.0], [1.5, 0.0]], "monotone").wave().unwrap();
    machine.command(Command::Run(wave));
    machine.run_ms(9_000);
    assert_eq!(machine.snapshot().state, State::Running);
    machine.command(Command::End);
    let snapshot = leave(&mut machine, State::Ending, 5_000);
    assert_eq!(snapshot.state, State::Ready);
    assert!((snapshot.position_mm.unwrap() - 0.4 * RANGE_MM).abs() < 0.06, "{snapshot:?}");
}

#[test]
fn an_envelope_grows_fills_its_part_and_fades_to_rest_at_the_back() {
    let mut machine = homed(&options());
    let envelope = Envelope {
        amplitude: Size::Mm(Mm::constant(60.0)),
        offset: Size::Mm(Mm::constant(50.0)),
        ramp_up_s: 6.0,
        ramp_down_s: 3.0,
    };
    let wave = Wave::new(Shape::Sine, 1.5).unwrap().with_envelope(envelope);
    machine.command(Command::Run(wave));
    let reach = |machine: &mut Rehearsal<Recorder>, ms: u64| {
        let (mut low, mut high) = (f64::MAX, f64::MIN);
        for _ in 0..ms {
            machine.cycle();
            let at = machine.snapshot().position_mm.unwrap();
            (low, high) = (low.min(at), high.max(at));
        }
        (low, high)
    };
    let (_, first) = reach(&mut machine, 1_500);
    assert!(first < 15.0, "the first stroke reaches {first} mm");
    reach(&mut machine, 5_000);
    let (low, high) = reach(&mut machine, 3_000);
    assert!((low - 50.0).abs() < 0.15 && (high - 110.0).abs() < 0.15, "{low} to {high}");
    let asked = machine.now();
    assert_eq!(machine.command(Command::End), Some(Ok(Accepted::Now)));
    let snapshot = leave(&mut machine, State::Ending, 10_000);
    assert_eq!((snapshot.state, snapshot.position_mm), (State::Ready, Some(0.0)));
    let took_s = (machine.now() - asked) as f64 * 1e-9;
    // The ramp, and the queue that is ahead of the pulses.
    assert!((3.0..3.05).contains(&took_s), "END took {took_s} s");
}

#[test]
fn the_largest_graph_runs() {
    let wave = Wave::new(through(&jagged(1_000), Interpolation::Monotone).unwrap(), 60.0).unwrap();
    let mut machine = homed(&options());
    assert_eq!(machine.command(Command::Run(wave)), Some(Ok(Accepted::Now)));
    machine.run_ms(62_000);
    assert_eq!((machine.snapshot().state, machine.snapshot().fault), (State::Running, None));
}

fn jagged(count: u32) -> Vec<Knot> {
    let knot = |i| Knot {
        phase: f64::from(i) / f64::from(count),
        position: 0.5 + 0.5 * f64::sin(f64::from(i) * 0.7) * f64::sin(f64::from(i) * 0.011),
    };
    (0..count).map(knot).collect()
}

#[test]
fn no_graph_is_freed_by_the_control_cycle_and_none_is_kept_for_ever() {
    let seen = |wave: &Wave| -> Weak<Cubics> {
        match &wave.graph {
            Graph::Cubics(cubics) => Arc::downgrade(cubics),
            Graph::Shape(_) => unreachable!(),
        }
    };
    let made = || Wave::new(through(&jagged(50), Interpolation::Linear).unwrap(), 2.0).unwrap();
    let mut machine = homed(&options());
    let mut graphs = Vec::new();
    for round in 0..40 {
        let wave = made();
        graphs.push(seen(&wave));
        machine.send(Command::Run(wave));
        // Old graphs are dropped when another command is sent, and never in a cycle.
        let kept: Vec<_> = graphs.iter().map(|graph| graph.strong_count() > 0).collect();
        match round % 4 {
            0 => machine.stop(),
            1 => drop(machine.send(Command::End)),
            _ => {}
        }
        machine.run_ms(700);
        let still: Vec<_> = graphs.iter().map(|graph| graph.strong_count() > 0).collect();
        assert_eq!(kept, still, "a cycle has freed a graph");
    }
    let kept = graphs.iter().filter(|graph| graph.strong_count() > 0).count();
    assert!(kept <= 3, "{kept} graphs are kept");
}
