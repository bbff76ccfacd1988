//! Tracker following a reference: a feasible one without lag, an infeasible one as fast as the limits allow; it neither
//! rings, drifts nor leaves the range, whatever the limits become in mid-stroke.

#[path = "support/random.rs"]
mod random;

use random::Random;
use rsruckig::prelude::*;
use yep::motion::plan::{MovePlan, Target};
use yep::motion::{CycleBounds, Follower, Kinematics, MotionLimits, Move, ProfileLimits, Tracker, stop};
use yep::units::{MmPerS, MmPerS2, MmPerS3};
use yep::wave::envelope::Size;
use yep::wave::interpolate::{Interpolation, Knot, through};
use yep::wave::trapezoid::{Shares, trapezoid};
use yep::wave::{Envelope, Graph, Shape, Wave};

const CYCLE_S: f64 = 0.001;
const RANGE_MM: f64 = 145.0;

/// Number of rounds; `YEP_ROUNDS` multiplies it.
fn rounds(few: usize) -> usize {
    few * std::env::var("YEP_ROUNDS").ok().and_then(|times| times.parse().ok()).unwrap_or(1)
}

fn limits(speed: f64, acceleration: f64, jerk: f64, stop: f64) -> MotionLimits {
    MotionLimits::new(
        MmPerS::try_from(speed).unwrap(),
        MmPerS2::try_from(acceleration).unwrap(),
        MmPerS3::try_from(jerk).unwrap(),
        MmPerS2::try_from(stop).unwrap(),
        MmPerS::try_from(1.0).unwrap(),
    )
    .unwrap()
}

/// Random valid limits of a machine.
fn some_limits(random: &mut Random) -> MotionLimits {
    let acceleration = random.log_between(1_000.0, 15_000.0);
    let onset_s = random.log_between(0.01, 0.1);
    limits(random.log_between(100.0, 1_000.0), acceleration, acceleration / onset_s, acceleration * 1.5)
}

/// The quickest way to rest in `to`, wherever it leads.
fn quickest(from: Kinematics, to: f64, limits: &MotionLimits) -> MovePlan {
    let rates = ProfileLimits {
        speed: limits.max_speed.get(),
        acceleration: limits.max_acceleration.get(),
        jerk: limits.max_jerk.get(),
    };
    MovePlan::new(from, Target { p: to, v: 0.0 }, rates, (f64::MIN, f64::MAX)).unwrap()
}

fn bounds(limits: &MotionLimits) -> CycleBounds {
    let speed = limits.max_speed.get();
    CycleBounds {
        low_mm: 0.0,
        high_mm: RANGE_MM,
        forward_mm_s: speed,
        backward_mm_s: speed,
        pace_mm_s: f64::INFINITY,
    }
}

/// An axis that follows a reference; each cycle is checked against the invariants.
struct Axis {
    tracker: Tracker,
    at: Kinematics,
}

impl Axis {
    fn at_rest(p: f64) -> Axis {
        Axis { tracker: Tracker::new(CYCLE_S), at: Kinematics::at_rest(p) }
    }

    fn follow(&mut self, now: Kinematics, then: Kinematics, limits: &MotionLimits) -> Kinematics {
        let planned = self.tracker.plan(self.at, now, then, limits, &bounds(limits));
        self.take(&planned, limits);
        self.at
    }

    fn take(&mut self, planned: &Move, limits: &MotionLimits) {
        let inside = |(low, high): (f64, f64), what: &str| {
            assert!(low >= -1e-5 && high <= RANGE_MM + 1e-5, "{what}: {low} … {high} from {:?}", self.at);
        };
        let mut at = self.at;
        for piece in &planned.pieces {
            inside(at.extent(*piece), "out of the range");
            at = at.after_piece(*piece);
        }
        inside(stop::extent(planned.end, limits.firm_stop()), "no stop inside the range");
        self.at = planned.end;
    }
}

/// A sum of sines around a place: amplitude in mm, angular frequency, phase.
struct Waves {
    centre: f64,
    sines: Vec<(f64, f64, f64)>,
}

impl Waves {
    /// One to four random sines, each with a slowly changing amplitude, which is two more sines.
    fn some(random: &mut Random) -> Waves {
        let mut sines = Vec::new();
        for _ in 0..random.between(1.0, 4.99) as u32 {
            let (amplitude, w, phase) = (
                random.log_between(0.5, 70.0),
                random.log_between(0.5, 40.0),
                random.between(0.0, core::f64::consts::TAU),
            );
            let (share, slow) = (random.between(0.0, 0.9), w * random.between(0.02, 0.3));
            let quarter = core::f64::consts::FRAC_PI_2;
            sines.push((amplitude, w, phase));
            sines.push((amplitude * share / 2.0, w - slow, phase + quarter));
            sines.push((-amplitude * share / 2.0, w + slow, phase + quarter));
        }
        Waves { centre: RANGE_MM / 2.0, sines }
    }

    /// The derivative of that order.
    fn derivative(&self, order: i32, t_s: f64) -> f64 {
        let turned = f64::from(order) * core::f64::consts::FRAC_PI_2;
        self.sines.iter().map(|(a, w, phase)| a * w.powi(order) * (w * t_s + phase + turned).sin()).sum()
    }

    fn at(&self, t_s: f64) -> Kinematics {
        Kinematics {
            p: self.centre + self.derivative(0, t_s),
            v: self.derivative(1, t_s),
            a: self.derivative(2, t_s),
        }
    }

    /// Scales it down until it is inside this share of all limits for `for_s`.
    fn made_feasible(mut self, share: f64, limits: &MotionLimits, for_s: f64) -> Waves {
        let most = |order: i32| {
            (0..(for_s / CYCLE_S) as u32)
                .map(|i| self.derivative(order, f64::from(i) * CYCLE_S).abs())
                .fold(0.0, f64::max)
        };
        let allowed =
            [RANGE_MM / 2.0, limits.max_speed.get(), limits.max_acceleration.get(), limits.max_jerk.get()];
        let scale = (0..4).map(|order| share * allowed[order as usize] / most(order)).fold(1.0, f64::min);
        self.sines.iter_mut().for_each(|sine| sine.0 *= scale);
        self
    }
}

#[test]
fn what_the_axis_can_do_it_does_without_lag() {
    let mut random = random::from_env();
    let (mut worst, mut fastest) = (0.0f64, 0.0f64);
    for _ in 0..rounds(50) {
        let limits = some_limits(&mut random);
        let waves = Waves::some(&mut random).made_feasible(random.between(0.3, 0.95), &limits, 6.0);
        let mut axis = Axis::at_rest(0.0);
        axis.at = waves.at(0.0);
        for cycle in 0..6_000 {
            let t_s = f64::from(cycle) * CYCLE_S;
            let (now, then) = (waves.at(t_s), waves.at(t_s + CYCLE_S));
            let at = axis.follow(now, then, &limits);
            let error = (at.p - then.p).abs();
            (worst, fastest) = (worst.max(error), fastest.max(then.v.abs()));
            assert!(error < 0.05, "{error} mm at {t_s} s: {at:?} not {then:?} within {limits:?}");
        }
    }
    println!("worst {worst} mm, fastest {fastest} mm/s");
    assert!(fastest > 250.0);
}

#[test]
fn a_reference_is_caught_up_with() {
    let mut random = random::from_env();
    let mut slowest = 0.0f64;
    for _ in 0..rounds(50) {
        let limits = some_limits(&mut random);
        let waves = Waves::some(&mut random).made_feasible(random.between(0.1, 0.5), &limits, 6.0);
        let mut axis = Axis::at_rest(random.between(0.0, RANGE_MM));
        let (v, a) = (limits.max_speed.get(), limits.max_acceleration.get());
        // With half of speed and acceleration left to catch up with, twice the time of the whole way at rest.
        let caught_up_s = 2.0 * (RANGE_MM / v + v / a + a / limits.max_jerk.get()) + 0.1;
        let mut last_off_s = 0.0;
        for cycle in 0..6_000 {
            let t_s = f64::from(cycle) * CYCLE_S;
            let (now, then) = (waves.at(t_s), waves.at(t_s + CYCLE_S));
            let at = axis.follow(now, then, &limits);
            if (at.p - then.p).abs() > 0.05 {
                last_off_s = t_s;
            }
        }
        slowest = slowest.max(last_off_s / caught_up_s);
    }
    println!("{slowest} of the time that is granted");
    assert!(slowest < 1.0);
}

/// Infeasible references: the place at a time, with the velocity and acceleration that its source would give.
#[derive(Debug, Clone, Copy)]
enum Impossible {
    Square,
    Sawtooth,
    Sine,
    /// Steps to random places with noise on top, as a person or a faulty program sends them.
    Noise {
        step_mm: f64,
    },
}

impl Impossible {
    fn some(random: &mut Random) -> Impossible {
        match random.between(0.0, 4.0) as u32 {
            0 => Impossible::Square,
            1 => Impossible::Sawtooth,
            2 => Impossible::Sine,
            _ => Impossible::Noise { step_mm: random.log_between(0.01, 5.0) },
        }
    }

    fn at(self, t_s: f64, period_s: f64, random: &mut Random, last: Kinematics) -> Kinematics {
        let share = (t_s / period_s).fract();
        let low = 0.05 * RANGE_MM;
        let stroke = 0.9 * RANGE_MM;
        match self {
            Impossible::Square => Kinematics::at_rest(low + if share < 0.5 { 0.0 } else { stroke }),
            Impossible::Sawtooth => Kinematics::at_rest(low + stroke * share),
            Impossible::Sine => {
                let w = core::f64::consts::TAU / period_s;
                let (sin, cos) = (share * core::f64::consts::TAU).sin_cos();
                let half = stroke / 2.0;
                Kinematics { p: low + half * (1.0 - cos), v: half * w * sin, a: half * w * w * cos }
            }
            Impossible::Noise { step_mm } => {
                let base = if random.unit() < 0.01 { random.between(low, low + stroke) } else { last.p };
                let p = base + random.between(-1.0, 1.0) * step_mm;
                Kinematics::at_rest(p.clamp(0.0, RANGE_MM))
            }
        }
    }
}

/// Longest sequence of cycles in which the acceleration changed direction each time, by more than a tolerance.
#[derive(Default)]
struct Chatter {
    last_change: f64,
    row: u32,
    longest: u32,
}

impl Chatter {
    fn see(&mut self, before: &Kinematics, at: &Kinematics, limits: &MotionLimits) {
        let change = at.a - before.a;
        let trifle = 0.05 * limits.max_jerk.get() * CYCLE_S;
        let turned =
            change * self.last_change < 0.0 && change.abs() > trifle && self.last_change.abs() > trifle;
        self.row = if turned { self.row + 1 } else { 0 };
        self.longest = self.longest.max(self.row);
        self.last_change = change;
    }
}

#[test]
fn what_the_axis_cannot_do_ends_in_rest_without_ringing() {
    let mut random = random::from_env();
    let mut longest = [0u32; 4];
    let mut slowest = 0.0f64;
    for _ in 0..rounds(200) {
        let limits = some_limits(&mut random);
        let (v, a, j) = (limits.max_speed.get(), limits.max_acceleration.get(), limits.max_jerk.get());
        let impossible = Impossible::some(&mut random);
        let period_s = random.log_between(0.02, 0.5);
        let mut axis = Axis::at_rest(random.between(0.0, RANGE_MM));
        let mut chatter = Chatter::default();
        let mut now = Kinematics::at_rest(RANGE_MM / 2.0);
        for cycle in 1..2_000 {
            let then = impossible.at(f64::from(cycle) * CYCLE_S, period_s, &mut random, now);
            let before = axis.at;
            let at = axis.follow(now, then, &limits);
            assert!(at.v.abs() <= v * (1.0 + 1e-3) + j * CYCLE_S * CYCLE_S, "{at:?} within {limits:?}");
            chatter.see(&before, &at, &limits);
            now = then;
        }
        let kind = match impossible {
            Impossible::Square => 0,
            Impossible::Sawtooth => 1,
            Impossible::Sine => 2,
            Impossible::Noise { .. } => 3,
        };
        longest[kind] = longest[kind].max(chatter.longest);
        // The reference comes to rest at a random place; soon afterwards the axis does, and stays there.
        let rest = Kinematics::at_rest(now.p);
        let coming = axis.at;
        let plan = quickest(coming, rest.p, &limits);
        let (mut last_off, mut turns, mut pushed) = (0, 0, coming.a);
        let mut calm = Chatter::default();
        for cycle in 0..(plan.duration_s() / CYCLE_S * 1.5) as u32 + 1_000 {
            let before = axis.at;
            let at = axis.follow(rest, rest, &limits);
            calm.see(&before, &at, &limits);
            if (at.p - rest.p).abs() > 0.01 || at.v.abs() > 0.1 {
                last_off = cycle;
            }
            if at.a.abs() > 0.02 * a {
                turns += u32::from(at.a * pushed < 0.0);
                pushed = at.a;
            }
        }
        let granted = plan.duration_s() * 1.3 + 0.06;
        slowest = slowest.max(f64::from(last_off) * CYCLE_S / granted);
        assert!(
            f64::from(last_off) * CYCLE_S < granted,
            "{last_off} ms, the quickest is {} s, {coming:?} to {rest:?} {limits:?}",
            plan.duration_s()
        );
        assert!(turns <= 3, "{turns} times the push turned round, {coming:?} to {rest:?} {limits:?}");
        assert!(calm.longest <= 4, "{} cycles of chatter, {coming:?} to {rest:?} {limits:?}", calm.longest);
    }
    println!("chatter at most {longest:?} cycles; {slowest} of the time that is granted");
    // Noise is chatter itself: the axis follows it no longer than it lasts.
    assert!(longest.iter().all(|row| *row <= 10), "{longest:?}");
}

#[test]
fn what_the_axis_cannot_quite_do_is_the_same_in_every_period() {
    let mut random = random::from_env();
    let mut worst = 0.0f64;
    for round in 0..rounds(90) {
        let limits = some_limits(&mut random);
        // From this period on (half a period, as a share of the quickest way from end to end) each kind comes near both
        // ends. The axis chases a much faster reference from an arbitrary place.
        let (impossible, least) =
            [(Impossible::Square, 0.9), (Impossible::Sawtooth, 0.7), (Impossible::Sine, 0.5)][round % 3];
        let way_s = quickest(Kinematics::at_rest(0.0), 0.9 * RANGE_MM, &limits).duration_s();
        let cycles = (2.0 * way_s * random.between(least, 1.3) / CYCLE_S).round() as u32;
        let period_s = f64::from(cycles) * CYCLE_S;
        let mut axis = Axis::at_rest(random.between(0.0, RANGE_MM));
        let reference = |cycle: u32, random: &mut Random| {
            impossible.at(f64::from(cycle % cycles) * CYCLE_S, period_s, random, Kinematics::default())
        };
        let mut periods: Vec<Vec<f64>> = Vec::new();
        for _ in 0..25 {
            let mut places = Vec::new();
            for cycle in 0..cycles {
                let (now, then) = (reference(cycle, &mut random), reference(cycle + 1, &mut random));
                places.push(axis.follow(now, then, &limits).p);
            }
            periods.push(places);
        }
        // Late periods are all alike: no oscillation of its own, and at most the slow end of a settling.
        let apart = |one: usize, other: usize| {
            periods[one]
                .iter()
                .zip(&periods[other])
                .map(|(one, other)| (one - other).abs())
                .fold(0.0, f64::max)
        };
        for earlier in 15..24 {
            let (next, last) = (apart(earlier, earlier + 1), apart(earlier, 24));
            worst = worst.max(next);
            let what = format!("{impossible:?} of {period_s} s within {limits:?}");
            assert!(next < 1.0 && last < 2.0, "{next} mm, {last} mm: {what}");
        }
    }
    println!("periods are at most {worst} mm apart");
}

/// The oracle's quickest way from `start` to rest: its lowest and highest place; `None` if it finds no way.
fn oracle_extent(start: &Kinematics, to: f64, limits: &MotionLimits) -> Option<(f64, f64)> {
    const M: f64 = 1e-3;
    let mut otg = Ruckig::<1, ThrowErrorHandler>::new(None, CYCLE_S);
    let mut input = InputParameter::new(None);
    input.current_position[0] = start.p * M;
    input.current_velocity[0] = start.v * M;
    input.current_acceleration[0] = start.a * M;
    input.target_position[0] = to * M;
    input.max_velocity[0] = limits.max_speed.get() * M;
    input.max_acceleration[0] = limits.max_acceleration.get() * M;
    input.max_jerk[0] = limits.max_jerk.get() * M;
    let mut trajectory = Trajectory::new(None);
    otg.calculate(&input, &mut trajectory).ok()?;
    let extrema = &trajectory.get_position_extrema()[0];
    Some((extrema.min / M, extrema.max / M))
}

#[test]
fn limits_lowered_in_mid_stroke_never_lead_out_of_the_range_also_where_the_oracle_leaves_it() {
    let mut random = random::from_env();
    let (mut left, mut compared, mut turned_first) = (0u32, 0u32, 0u32);
    for _ in 0..rounds(1_000) {
        let before = some_limits(&mut random);
        let mut lowered = || random.log_between(0.05, 1.0);
        let (slower, weaker, softer) = (lowered(), lowered(), lowered());
        let after = MotionLimits {
            max_speed: MmPerS::try_from((before.max_speed.get() * slower).max(1.0)).unwrap(),
            max_acceleration: MmPerS2::try_from(before.max_acceleration.get() * weaker).unwrap(),
            max_jerk: MmPerS3::try_from(before.max_jerk.get() * softer).unwrap(),
            ..before
        };
        let (from, to) = (random.between(0.0, RANGE_MM), random.between(0.0, RANGE_MM));
        let mut axis = Axis::at_rest(from);
        let target = Kinematics::at_rest(to);
        let way = quickest(axis.at, to, &before);
        for _ in 0..(random.unit() * way.duration_s() / CYCLE_S) as u32 {
            axis.follow(target, target, &before);
        }
        // Some keep their target, some get another one in the same instant.
        let target =
            Kinematics::at_rest(if random.unit() < 0.5 { to } else { random.between(0.0, RANGE_MM) });
        if let Some((low, high)) = oracle_extent(&axis.at, target.p, &after) {
            compared += 1;
            left += u32::from(low < -0.01 || high > RANGE_MM + 0.01);
        }
        let (mut since, mut turned) = (0, false);
        let v = axis.at.v;
        // `Axis` checks every cycle against the range, and the stop from its end.
        let rests = |at: &Kinematics| (at.p - target.p).abs() < 0.01 && at.v.abs() < 0.1;
        while !rests(&axis.at) || since < 20 {
            axis.follow(target, target, &after);
            turned |= axis.at.v * v <= 0.0;
            since += 1;
            assert!(since < 200_000, "it does not arrive: {:?} {target:?} {after:?}", axis.at);
        }
        // The lower limits are in force at the latest when the axis has turned, or rests, and has released its
        // acceleration.
        let mut more = 0;
        while axis.tracker.limits_in_force(&after) != after {
            axis.follow(target, target, &after);
            more += 1;
            assert!(more < 100, "{:?} toward {target:?} {after:?}", axis.at);
        }
        turned_first += u32::from(turned);
    }
    println!("the oracle left the range in {left} of {compared}; {turned_first} axes turned");
    assert!(left > compared / 200, "the oracle left the range in {left} of {compared} only");
}

/// A random wave, in a random part of the stroke.
fn some_wave(random: &mut Random) -> Wave {
    let some_knots = |random: &mut Random| -> Vec<Knot> {
        let count = random.between(2.0, 9.99) as u32;
        let gaps: Vec<f64> = (0..count).map(|_| random.log_between(0.05, 1.0)).collect();
        let whole: f64 = gaps.iter().sum();
        let mut phase = 0.0;
        gaps.iter()
            .map(|gap| {
                let knot = Knot { phase, position: random.unit() };
                phase += gap / whole;
                knot
            })
            .collect()
    };
    let graph: Graph = loop {
        let graph = match random.between(0.0, 5.0) as u32 {
            0 => Some(Shape::Sine.into()),
            1 => Some(Shape::Square.into()),
            2 => {
                let times = [0; 4].map(|_| if random.unit() < 0.2 { 0.0 } else { random.unit() });
                let whole = times.iter().sum::<f64>() + 1e-6;
                let [rise, hold_front, fall, _] = times.map(|time| time / whole);
                let hold_back = 1.0 - rise - hold_front - fall;
                Some(trapezoid(Shares { rise, hold_front, fall, hold_back }).into())
            }
            kind => {
                let interpolation = Interpolation::ALL[random.between(0.0, 2.99) as usize];
                let _ = kind;
                through(&some_knots(random), interpolation).ok().map(Graph::from)
            }
        };
        if let Some(graph) = graph {
            break graph;
        }
    };
    let amplitude = if random.unit() < 0.5 { 1.0 } else { random.between(0.2, 1.0) };
    let offset = random.unit() * (1.0 - amplitude);
    let envelope =
        Envelope { amplitude: Size::Share(amplitude), offset: Size::Share(offset), ..Envelope::default() };
    Wave::new(graph, random.log_between(0.05, 2.0)).unwrap().with_envelope(envelope)
}

#[test]
fn a_wave_that_is_too_fast_is_made_smaller_and_is_the_same_in_every_period() {
    let mut random = random::from_env();
    let (mut worst_mm, mut smaller, mut sine_mm) = (0.0f64, 0, 0.0f64);
    for round in 0..rounds(300) {
        let limits = some_limits(&mut random);
        let wave = some_wave(&mut random);
        // Whole cycles, so that periods can be compared.
        let cycles = (wave.period_s() / CYCLE_S).round() as usize;
        let wave = Wave::new(wave.graph, cycles as f64 * CYCLE_S).unwrap().with_envelope(wave.envelope);
        let mut follower = Follower::new(wave.clone());
        follower.set_limits(limits.profile(limits.max_speed.get()));
        let mut axis = Axis::at_rest(follower.reference(RANGE_MM).p);
        let mut cycle = || {
            let now = follower.reference(RANGE_MM);
            follower.advance(CYCLE_S, &axis.at, RANGE_MM);
            let then = follower.reference(RANGE_MM);
            let within = CycleBounds { pace_mm_s: follower.catch_up_speed_mm_s(RANGE_MM), ..bounds(&limits) };
            let planned = axis.tracker.plan(axis.at, now, then, &limits, &within);
            axis.take(&planned, &limits);
            (axis.at.p, (axis.at.p - then.p).abs())
        };
        // It has settled by then.
        (0..4_000 + cycles).for_each(|_| _ = cycle());
        let first: Vec<(f64, f64)> = (0..cycles).map(|_| cycle()).collect();
        (0..9 * cycles).for_each(|_| _ = cycle());
        let later: Vec<(f64, f64)> = (0..cycles).map(|_| cycle()).collect();
        let off_mm = first.iter().zip(&later).map(|(one, other)| (one.0 - other.0).abs()).fold(0.0, f64::max);
        let beside_mm = later.iter().map(|at| at.1).fold(0.0, f64::max);
        smaller += usize::from(follower.is_too_fast(RANGE_MM));
        worst_mm = worst_mm.max(off_mm);
        // A jump or a corner falls into one cycle or the next.
        assert!(off_mm < 2.0, "round {round}: {off_mm} mm: {wave:?} {limits:?}");
        if wave.graph.is_same(&Shape::Sine.into()) {
            sine_mm = sine_mm.max(beside_mm);
        }
    }
    println!(
        "{smaller} made smaller, at most {worst_mm} mm beside another period; a sine {sine_mm} mm beside itself"
    );
    assert!(smaller > rounds(100));
}

/// Random limits that the layout allows, with a stop that may be much firmer than the wave.
fn any_limits(random: &mut Random) -> MotionLimits {
    let acceleration = random.log_between(100.0, 50_000.0);
    let stop = if random.chance(0.3) { acceleration } else { random.log_between(acceleration, 50_000.0) };
    let hardest = (200.0 * stop).min(1e7);
    let jerk = random.log_between((2.0 * acceleration).max(1_000.0), hardest);
    limits(
        random.log_between(20.0, 2_000.0),
        acceleration,
        if random.chance(0.1) { hardest } else { jerk },
        stop,
    )
}

#[test]
fn no_wave_brakes_firmly_at_the_ends_of_the_range_or_anywhere() {
    let mut random = random::from_env();
    for round in 0..rounds(150) {
        let limits = any_limits(&mut random);
        let mut follower = Follower::new(some_wave(&mut random));
        follower.set_limits(limits.profile(limits.max_speed.get()));
        let mut axis = Axis::at_rest(random.between(0.0, RANGE_MM));
        let mut change_in = random.between(500.0, 8_000.0) as u32;
        for cycle in 0..9_000 {
            change_in -= 1;
            if change_in == 0 {
                follower.change_to(some_wave(&mut random));
                change_in = random.between(100.0, 8_000.0) as u32;
            }
            if cycle == 7_500 {
                follower.finish();
            }
            let now = follower.reference(RANGE_MM);
            follower.advance(CYCLE_S, &axis.at, RANGE_MM);
            let then = follower.reference(RANGE_MM);
            let within = CycleBounds { pace_mm_s: follower.catch_up_speed_mm_s(RANGE_MM), ..bounds(&limits) };
            let planned = axis.tracker.plan(axis.at, now, then, &limits, &within);
            let jerk = planned.pieces.iter().map(|piece| piece.jerk.abs()).fold(0.0, f64::max);
            let gentle = jerk <= limits.max_jerk.get() * (1.0 + 1e-6)
                && planned.end.a.abs() <= limits.max_acceleration.get() * (1.0 + 1e-6);
            assert!(
                gentle,
                "round {round}, cycle {cycle}: {jerk} mm/s³, {:?} to {planned:?} {limits:?}",
                axis.at
            );
            axis.take(&planned, &limits);
        }
    }
}
