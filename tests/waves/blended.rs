//! Changes of a running wave: soon, smooth, and always between the old wave and the new one.

use yep::machine::{Accepted, Command, Config, State};
use yep::motion::{ALLOWANCE_POINTS, Allowance, MotionLimits};
use yep::units::{Grams, Mm, MmPerS};
use yep::wave::envelope::Size;
use yep::wave::interpolate::{Interpolation, Knot, through};
use yep::wave::{Envelope, Graph, Shape, Wave};

use super::random::{self, Random};
use super::support::{Recorder, config, homed, options, steps};

const RANGE_MM: f64 = 145.0;
/// Promised time from the command to the first changed motion.
const WITHIN_NS: u64 = 20_000_000;

type Machine = yep::drive::Rehearsal<Recorder>;

fn sine(period_s: f64, offset: f64, amplitude: f64) -> Wave {
    let envelope =
        Envelope { offset: Size::Share(offset), amplitude: Size::Share(amplitude), ..Envelope::default() };
    Wave::new(Shape::Sine, period_s).unwrap().with_envelope(envelope)
}

/// A graph whose turns differ from those of a sine.
fn curve(random: &mut Random) -> Graph {
    let count = random.between(3.0, 7.0) as usize;
    let knot = |i: usize, random: &mut Random| Knot {
        phase: (i as f64 + random.between(0.0, 0.6)) / count as f64,
        position: random.unit(),
    };
    let knots: Vec<Knot> = (0..count).map(|i| knot(i, random)).collect();
    through(&knots, Interpolation::Monotone).unwrap().into()
}

/// Runs `wave` until the axis follows it and is faster than `speed_mm_s`.
fn running(wave: &Wave, ms: u64, speed_mm_s: f64) -> Machine {
    let mut machine = homed(&options());
    assert_eq!(machine.command(Command::Run(wave.clone())), Some(Ok(Accepted::Now)));
    machine.run_ms(ms);
    assert!(machine.run_while(10_000, |snapshot| snapshot.velocity_mm_s.abs() < speed_mm_s));
    machine.sink().0.clear();
    machine
}

/// Time in ns from the command, which comes while the axis is fast, to the first pulse that differs from a run without
/// it.
fn first_change_ns(wave: &Wave, ms: u64, command: &Command) -> u64 {
    let [mut changed, mut unchanged] = [(), ()].map(|()| running(wave, ms, 100.0));
    let asked = changed.now();
    assert_eq!(unchanged.now(), asked);
    changed.send(command.clone()).unwrap();
    for machine in [&mut changed, &mut unchanged] {
        machine.run_ms(200);
    }
    let [changed, unchanged] = [&mut changed, &mut unchanged].map(|machine| steps(&machine.sink().0));
    // Two rehearsals of the same run agree to the nanosecond.
    let differs = changed.iter().zip(&unchanged).find(|(mine, other)| mine != other);
    let (mine, other) = differs.expect("nothing has changed");
    mine.0.min(other.0) - asked
}

fn narrower(change: impl FnOnce(&mut Config)) -> Command {
    let mut config = config();
    change(&mut config);
    Command::UpdateSettings(config)
}

#[test]
fn every_change_takes_effect_within_20_ms() {
    let mut random = random::from_env();
    let slow = MmPerS::constant(40.0);
    let limits = MotionLimits { max_speed: slow, approach_speed: slow, ..MotionLimits::default() };
    // The new allowance is nowhere above the old one.
    let before = |i: usize| 600.0 * (1.0 - i as f64 / (ALLOWANCE_POINTS - 1) as f64);
    let against = Allowance::new(Grams::constant(1_000.0), core::array::from_fn(|i| before(i).min(20.0)));
    let mut slowest_ns = 0;
    for round in 0..60 {
        let wave = sine(random.between(1.0, 2.5), 0.1, 0.8);
        let command = match round % 6 {
            0 => Command::Run(sine(wave.period_s() * 2.0, 0.1, 0.8)),
            1 => Command::Run(sine(wave.period_s(), 0.1, random.between(0.1, 0.6))),
            2 => Command::Run(sine(wave.period_s(), random.between(0.0, 0.05), 0.8)),
            3 => Command::Run(wave.clone().with_graph(curve(&mut random))),
            4 if round % 12 == 4 => narrower(|config| config.stroke_limit = Mm::constant(90.0)),
            4 => narrower(|config| config.limits = limits),
            _ => narrower(|config| config.allowance = against),
        };
        let took_ns = first_change_ns(&wave, random.between(4_000.0, 7_000.0) as u64, &command);
        assert!(took_ns <= WITHIN_NS, "{} us after {command:?}", took_ns / 1_000);
        slowest_ns = slowest_ns.max(took_ns);
    }
    println!("the slowest took {} us", slowest_ns / 1_000);
}

/// Runs for `ms`; returns the lowest and highest place of the pulses, in mm.
fn reach(machine: &mut Machine, ms: u64) -> (f64, f64) {
    let (mut low, mut high) = (f64::MAX, f64::MIN);
    for _ in 0..ms {
        machine.cycle();
        let snapshot = machine.snapshot();
        assert_eq!((snapshot.state, snapshot.fault), (State::Running, None));
        let at_mm = snapshot.position_mm.unwrap();
        (low, high) = (low.min(at_mm), high.max(at_mm));
    }
    (low, high)
}

/// The pulse checker checks every step: speed, acceleration and jerk inside the limits, the braking distance inside the
/// range.
#[test]
fn random_changes_at_random_instants_stay_between_the_old_wave_and_the_new_one() {
    let mut random = random::from_env();
    for _ in 0..25 {
        let mut machine = running(&sine(3.0, 0.2, 0.6), 4_000, 0.0);
        let mut parts = vec![(0.2, 0.8)];
        for _ in 0..12 {
            let amplitude = random.between(0.05, 0.6);
            let offset = random.between(0.0, 1.0 - amplitude);
            let mut wave = sine(random.between(2.0, 8.0), offset, amplitude);
            if random.unit() < 0.4 {
                wave = wave.with_graph(curve(&mut random));
            }
            assert_eq!(machine.command(Command::Run(wave)), Some(Ok(Accepted::Now)));
            parts.push((offset, offset + amplitude));
            // Some come while the previous change is still going on.
            let ms = random.log_between(20.0, 3_000.0) as u64;
            let (low, high) = reach(&mut machine, ms);
            let back = parts.iter().map(|part| part.0).fold(1.0, f64::min) * RANGE_MM;
            let front = parts.iter().map(|part| part.1).fold(0.0, f64::max) * RANGE_MM;
            assert!(low >= back - 0.5 && high <= front + 0.5, "{low} to {high}, not in {back} to {front}");
            if ms > 2_000 {
                // The change is over.
                parts.drain(..parts.len() - 1);
            }
        }
    }
}

#[test]
fn another_period_turns_nowhere_but_at_the_ends() {
    let mut random = random::from_env();
    for _ in 0..20 {
        let mut machine = running(&sine(2.0, 0.0, 1.0), 4_000, 0.0);
        let mut at_mm = machine.snapshot().position_mm.unwrap();
        for _ in 0..10 {
            machine.command(Command::Run(sine(random.log_between(1.2, 10.0), 0.0, 1.0)));
            reach(&mut machine, random.log_between(20.0, 3_000.0) as u64);
        }
        let made = steps(&machine.sink().0);
        for pair in made.windows(2) {
            at_mm += if pair[0].1 { 0.1 } else { -0.1 };
            if pair[0].1 != pair[1].1 {
                let end_mm = if pair[0].1 { RANGE_MM } else { 0.0 };
                assert!((at_mm - end_mm).abs() < 0.2, "turned at {at_mm} mm, {} ns", pair[1].0);
            }
        }
    }
}

#[test]
fn a_slider_that_is_dragged_is_followed_and_then_the_wave_is_exact() {
    let mut machine = running(&sine(2.0, 0.0, 1.0), 4_000, 0.0);
    let points = |i: u32| {
        let knot = |phase, position| Knot { phase, position };
        let bend = 0.2 + 0.005 * f64::from(i);
        through(&[knot(0.0, 0.0), knot(bend, 1.0), knot(0.9, bend)], Interpolation::Monotone).unwrap()
    };
    // A new graph each 20 ms: more than can blend at a time.
    for i in 0..100 {
        let amplitude = 1.0 - 0.006 * f64::from(i);
        let wave = sine(2.0 + 0.01 * f64::from(i), 0.0, amplitude).with_graph(points(i).into());
        assert_eq!(machine.command(Command::Run(wave)), Some(Ok(Accepted::Now)));
        reach(&mut machine, 19);
    }
    reach(&mut machine, 4_000);
    // Two periods are equal, and the axis is not held back.
    let period_ms = 2_990;
    let course = |machine: &mut Machine| -> Vec<f64> {
        (0..period_ms)
            .map(|_| {
                reach(machine, 1);
                machine.snapshot().position_mm.unwrap()
            })
            .collect()
    };
    let [one, next] = [(), ()].map(|()| course(&mut machine));
    assert!(one.iter().zip(&next).all(|(one, next)| (one - next).abs() < 0.15));
    let most = one.iter().copied().fold(0.0, f64::max);
    assert!((most - 0.406 * RANGE_MM).abs() < 0.15 && !machine.snapshot().clipped, "{most}");
}

#[test]
fn what_widens_waits_for_rest_and_a_stroke_that_narrows_does_not() {
    let mut machine = running(&sine(2.0, 0.0, 1.0), 4_000, 0.0);
    let narrow = narrower(|config| config.stroke_limit = Mm::constant(80.0));
    assert_eq!(machine.command(narrow), Some(Ok(Accepted::Now)));
    // The whole change takes a second; the easing bounds how much faster the axis is than before.
    reach(&mut machine, 1_200);
    let (_, high) = reach(&mut machine, 4_000);
    assert!(high < 80.2, "{high} mm");
    assert_eq!(machine.command(narrower(|_| {})), Some(Ok(Accepted::Queued)));
    assert_eq!(machine.snapshot().state, State::Ending);
    machine.run_ms(5_000);
    assert_eq!(machine.snapshot().state, State::Ready);
}
