//! END ends every wave in bounded time, and so do the other causes: a waiting command, and the session rule.

use yep::drive::RehearsalOptions;
use yep::machine::{Accepted, Command, SessionRules, State, Why};
use yep::units::SECOND_NS;
use yep::wave::interpolate::{Interpolation, Knot, through};
use yep::wave::trapezoid::{Shares, trapezoid};
use yep::wave::{Envelope, Graph, Shape, Wave};

use super::random::{self, Random};
use super::support::{homed, leave, options};

/// Time granted beyond one period: the ramp of the rate, the axis coming to rest, and the queue.
fn ends_within_ms(wave: &Wave) -> u64 {
    let ramp_s = (wave.period_s() / 2.0).clamp(0.2, 1.0).max(wave.envelope.ramp_down_s);
    ((wave.period_s() + ramp_s) * 1e3) as u64 + 400
}

fn graphs(random: &mut Random) -> Vec<(String, Graph)> {
    let rise = random.between(0.1, 0.6);
    let rest = (1.0 - rise) / 3.0;
    let mut graphs = vec![
        ("sine".into(), Graph::from(Shape::Sine)),
        ("square".into(), Shape::Square.into()),
        (
            "triangle".into(),
            trapezoid(Shares { rise, hold_front: 0.0, fall: 1.0 - rise, hold_back: 0.0 }).into(),
        ),
        (
            "trapezoid".into(),
            trapezoid(Shares { rise, hold_front: rest, fall: rest, hold_back: rest }).into(),
        ),
    ];
    // None of them is at rest at the beginning of its period.
    let knots = [0.5, 1.0, 0.4, 0.0].iter().enumerate();
    let knots: Vec<Knot> = knots.map(|(i, p)| Knot { phase: i as f64 / 4.0, position: *p }).collect();
    for interpolation in [Interpolation::Linear, Interpolation::Monotone] {
        let graph = through(&knots, interpolation).unwrap();
        graphs.push((format!("points, {interpolation:?}"), graph.into()));
    }
    graphs
}

#[test]
fn end_ends_every_wave_of_every_period() {
    let mut random = random::from_env();
    let periods_s = [0.05, 0.06, 0.075, 0.09, 0.099, 0.1, 0.101, 0.13, 0.199, 0.21, 0.5, 1.3];
    for (name, graph) in graphs(&mut random) {
        let mut machine = homed(&options());
        for period_s in periods_s {
            let fade = if random.chance(0.2) { random.between(0.1, 1.0) } else { 0.0 };
            let envelope = Envelope { ramp_down_s: fade, ..Envelope::default() };
            let wave = Wave::new(graph.clone(), period_s).unwrap().with_envelope(envelope);
            assert_eq!(machine.command(Command::Run(wave.clone())), Some(Ok(Accepted::Now)));
            assert!(machine.run_while(10_000, |seen| seen.phase.is_none()), "{name} never starts");
            machine.run_ms(random.between(10.0, 2_000.0) as u64);
            assert_eq!(machine.command(Command::End), Some(Ok(Accepted::Now)));
            let still = machine.run_while(1_000 + ends_within_ms(&wave), |seen| seen.state == State::Ending);
            assert!(still, "{name} of {period_s} s, fading for {fade} s, does not end");
            assert_eq!(machine.snapshot().state, State::Ready);
        }
    }
}

#[test]
fn what_waits_behind_a_short_wave_and_the_session_rule_end_it_too() {
    let graph = trapezoid(Shares { rise: 0.5, hold_front: 0.0, fall: 0.5, hold_back: 0.0 });
    let wave = Wave::new(graph, 0.07).unwrap();
    let session = SessionRules { longest_ns: Some(5 * SECOND_NS), ..SessionRules::default() };
    let mut machine = homed(&RehearsalOptions { session, ..options() });
    assert_eq!(machine.command(Command::Run(wave.clone())), Some(Ok(Accepted::Now)));
    machine.run_ms(3_000);
    assert_eq!(machine.command(Command::Calibrate), Some(Ok(Accepted::Queued)));
    assert_eq!(leave(&mut machine, State::Ending, 1_000).state, State::Homing);
    assert_eq!(leave(&mut machine, State::Homing, 60_000).state, State::Ready);
    assert_eq!(machine.command(Command::Run(wave)), Some(Ok(Accepted::Now)));
    assert_eq!(leave(&mut machine, State::Running, 6_000).why, Why::SessionOver);
    assert_eq!(leave(&mut machine, State::Ending, 1_000).state, State::Ready);
}

#[test]
fn end_ends_a_wave_that_a_force_holds() {
    for running_ms in [300, 6_000] {
        let mut machine = homed(&options());
        let wave = Wave::new(Shape::Sine, 2.0).unwrap();
        // During the approach, or in mid-stroke: the force allows no motion toward the end of the period.
        machine.command(Command::Run(wave.clone()));
        machine.run_ms(5_700);
        machine.command(Command::End);
        leave(&mut machine, State::Ending, 5_000);
        machine.command(Command::Run(Wave::new(through_the_middle(), 2.0).unwrap()));
        machine.run_ms(running_ms);
        machine.operator().push_g(1_500.0);
        machine.run_ms(300);
        assert_eq!(machine.command(Command::End), Some(Ok(Accepted::Now)));
        let after = leave(&mut machine, State::Ending, 2_000 + ends_within_ms(&wave));
        assert_eq!((after.state, after.fault), (State::Ready, None), "{running_ms}");
    }
}

/// A graph that begins in the middle of the stroke.
fn through_the_middle() -> Graph {
    let knots = [0.5, 1.0, 0.5, 0.0].iter().enumerate();
    let knots: Vec<Knot> = knots.map(|(i, p)| Knot { phase: i as f64 / 4.0, position: *p }).collect();
    through(&knots, Interpolation::Monotone).unwrap().into()
}
