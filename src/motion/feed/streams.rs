//! Streams as other programs send them, through feeder and tracker.

use core::f64::consts::TAU;

use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use super::super::constraints::CycleBounds;
use super::super::limits::MotionLimits;
use super::super::tracker::Tracker;
use super::super::{Kinematics, stop};
use super::{FeedCounts, FeedLimits, FeedTarget, FeedWindow, Feeder, Pace};
use crate::units::{MmPerS, MmPerS2, MmPerS3};

const CYCLE_S: f64 = 0.001;
/// The bounds of the axis are so far outside of the window that it can rest at its ends.
const SLACK_MM: f64 = 0.001;
const AHEAD_S: f64 = 0.006;
const AHEAD_CYCLES: usize = 6;
const WINDOW: FeedWindow = FeedWindow { back_mm: 20.0, front_mm: 120.0 };

/// A target and when it comes.
type Sent = (f64, FeedTarget);

fn within(share: f64, time_s: f64) -> FeedTarget {
    FeedTarget { share, pace: Pace::Within { time_s } }
}

fn limits() -> MotionLimits {
    MotionLimits::DEFAULT
}

/// What the axis did: its state at each millisecond, and the path.
struct Run {
    axis: Vec<Kinematics>,
    path: Vec<Kinematics>,
    slow: Vec<bool>,
    counts: FeedCounts,
}

impl Run {
    fn at(&self, at_s: f64) -> &Kinematics {
        &self.axis[((at_s / CYCLE_S).round() as usize).min(self.axis.len() - 1)]
    }

    /// Lag in s with the least deviation from `source` between two instants, and that deviation: root mean square and largest.
    fn lag(&self, source: impl Fn(f64) -> f64, from_s: f64, to_s: f64) -> (f64, f64, f64) {
        let deviation = |lag_s: f64| {
            let errors: Vec<f64> = (0..((to_s - from_s) / CYCLE_S) as usize)
                .map(|index| from_s + index as f64 * CYCLE_S)
                .map(|at_s| self.at(at_s).p - source(at_s - lag_s))
                .collect();
            let square = errors.iter().map(|error| error * error).sum::<f64>() / errors.len() as f64;
            (square.sqrt(), errors.iter().fold(0.0, |most: f64, error| most.max(error.abs())))
        };
        (0..1_000)
            .map(|half_ms| f64::from(half_ms) * 0.0005)
            .map(|lag_s| (lag_s, deviation(lag_s).0, deviation(lag_s).1))
            .min_by(|a, b| a.1.total_cmp(&b.1))
            .unwrap()
    }
}

/// Runs an axis that rests at `from_mm` for `time_s` behind what is sent.
fn run(from_mm: f64, sent: &[Sent], time_s: f64) -> Run {
    run_with(limits(), from_mm, sent, time_s)
}

/// The same for an axis with these limits.
fn run_with(limits: MotionLimits, from_mm: f64, sent: &[Sent], time_s: f64) -> Run {
    let feed = FeedLimits {
        most: limits.profile(limits.max_speed.get()),
        approach_mm_s: limits.approach_speed.get(),
        ahead_s: AHEAD_S,
    };
    let mut feeder = Feeder::new(WINDOW, feed);
    let mut tracker = Tracker::new(CYCLE_S);
    tracker.set_repeats(false);
    let mut axis = Kinematics::at_rest(from_mm);
    feeder.begin(from_mm, AHEAD_S);
    let (mut waiting, mut ran) = (
        sent.iter().peekable(),
        Run { axis: vec![], path: vec![], slow: vec![], counts: FeedCounts::default() },
    );
    // What is planned at an instant moves later.
    ran.axis.extend(vec![axis; AHEAD_CYCLES]);
    for cycle in 0..(time_s / CYCLE_S) as usize {
        let now_s = cycle as f64 * CYCLE_S;
        while let Some((at_s, target)) = waiting.next_if(|(at_s, _)| *at_s <= now_s) {
            feeder.push(*target, *at_s);
        }
        feeder.settle(&axis, false);
        let now = feeder.reference();
        feeder.advance(now_s + AHEAD_S + CYCLE_S);
        let then = feeder.reference();
        let speed = if feeder.is_slow() { limits.approach_speed } else { limits.max_speed }.get();
        let bounds = CycleBounds {
            low_mm: WINDOW.back_mm.min(from_mm) - SLACK_MM,
            high_mm: WINDOW.front_mm.max(from_mm) + SLACK_MM,
            forward_mm_s: speed,
            backward_mm_s: speed,
            pace_mm_s: f64::INFINITY,
        };
        axis = tracker.plan(axis, now, then, &limits, &bounds).end;
        ran.axis.push(axis);
        ran.path.push(then);
        ran.slow.push(feeder.is_slow());
    }
    ran.counts = feeder.counts();
    ran
}

/// A source sampled at equal intervals and delivered by a network that is late by up to `jitter_s`, in order.
fn stream(source: impl Fn(f64) -> f64, interval_s: f64, jitter_s: f64, until_s: f64) -> Vec<Sent> {
    let mut seed = 7u64;
    let mut at_s = 0.0f64;
    (1..(until_s / interval_s) as u32)
        .map(|index| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let late_s = jitter_s * (seed >> 40) as f64 / (1u64 << 24) as f64;
            let sent_s = f64::from(index) * interval_s;
            at_s = at_s.max(sent_s + late_s);
            (at_s, within(WINDOW.share(source(sent_s)), interval_s))
        })
        .collect()
}

fn sine(at_s: f64) -> f64 {
    70.0 + 40.0 * (TAU * at_s).sin()
}

#[test]
fn a_dense_stream_is_followed_two_intervals_later() {
    for (rate_hz, jitter_s) in
        [(10.0, 0.0), (20.0, 0.0), (40.0, 0.0), (40.0, 0.01), (100.0, 0.0), (100.0, 0.02)]
    {
        let interval_s = 1.0 / rate_hz;
        let ran = run(70.0, &stream(sine, interval_s, jitter_s, 12.0), 12.0);
        let (lag_s, rms_mm, most_mm) = ran.lag(sine, 6.0, 11.5);
        eprintln!(
            "{rate_hz} Hz, jitter {jitter_s} s: lag {lag_s:.4} s, {rms_mm:.3} mm rms, {most_mm:.3} mm at most"
        );
        assert!(lag_s <= 2.0 * interval_s + 0.015 + jitter_s, "{rate_hz} Hz: {lag_s} s");
        assert!(rms_mm <= 0.5, "{rate_hz} Hz: {rms_mm} mm");
    }
}

#[test]
fn the_first_motion_is_slow_until_the_axis_has_met_the_feed() {
    let ran = run(20.0, &[(0.1, within(1.0, 0.01))], 4.0);
    let most = ran.axis.iter().map(|axis| axis.v.abs()).fold(0.0, f64::max);
    assert!(most <= 60.0 + 1e-6, "{most} mm/s");
    assert!((ran.at(3.9).p - 120.0).abs() < 0.01, "{:?}", ran.at(3.9));
}

#[test]
fn a_key_frame_is_reached_on_time_at_rest() {
    let sent = [(0.1, within(0.0, 0.2)), (0.5, within(0.6, 0.5)), (1.0, within(0.2, 0.4))];
    let ran = run(20.0, &sent, 3.0);
    for (due_s, mm) in [(1.0, 80.0), (1.4, 40.0)] {
        let axis = ran.at(due_s);
        assert!((axis.p - mm).abs() < 0.1 && axis.v.abs() < 5.0, "{due_s} s: {axis:?}");
    }
    assert_eq!(ran.counts.shortened, 0);
}

#[test]
fn a_feed_that_starves_in_motion_comes_to_rest_on_its_last_target() {
    let ran = run(70.0, &stream(sine, 0.01, 0.0, 3.0), 8.0);
    let last = ran.at(7.9);
    let target = sine(2.99);
    assert!((last.p - target).abs() < 0.3 && last.v.abs() < 1e-6, "{last:?} {target}");
    let beyond = ran.axis[3_000..].iter().map(|axis| axis.p - target).fold(0.0, f64::max);
    assert!(beyond < 15.0, "{beyond} mm beyond its last target");
}

/// An axis with little acceleration, and with an approach that takes long.
fn soft() -> MotionLimits {
    limits_of(300.0, 600.0, 60_000.0, 15.0)
}

fn limits_of(speed: f64, acceleration: f64, jerk: f64, approach: f64) -> MotionLimits {
    MotionLimits::new(
        MmPerS::try_from(speed).unwrap(),
        MmPerS2::try_from(acceleration).unwrap(),
        MmPerS3::try_from(jerk).unwrap(),
        MmPerS2::try_from(2.0 * acceleration).unwrap(),
        MmPerS::try_from(approach).unwrap(),
    )
    .unwrap()
}

/// A stream that ends too fast for the axis, and behind it a key frame, which comes while the path goes back to the last target.
#[test]
fn a_target_is_on_time_while_the_path_goes_back_by_itself() {
    let mut sent = vec![(0.1, within(0.2, 0.1))];
    sent.extend(
        (0..10).map(|index| (2.0 + 0.02 * f64::from(index), within(0.2 + 0.02 * f64::from(index), 0.02))),
    );
    let back = run_with(soft(), 40.0, &sent, 6.0);
    assert!((back.at(5.9).p - 58.0).abs() < 0.01, "{:?}", back.at(5.9));
    // It goes back at the approach speed until then.
    let ms = (2_300..6_000).find(|ms| back.axis[*ms].v < -14.0).expect("a way back");
    let sent_s = ms as f64 * CYCLE_S + 0.1;
    sent.push((sent_s, within(0.8, 1.0)));
    let ran = run_with(soft(), 40.0, &sent, 6.0);
    assert!((ran.at(sent_s + 1.01).p - 100.0).abs() < 0.5, "{:?}", ran.at(sent_s + 1.01));
}

proptest! {
    #![proptest_config(ProptestConfig { rng_seed: RngSeed::Fixed(1), ..ProptestConfig::with_cases(200) })]
    /// Seed 309 of the simulation: the path of an axis that could not follow it went on with its own speed, for as long as it took to
    /// brake from there, and the axis waited at an end of the window.
    #[test]
    fn a_path_that_the_axis_cannot_follow_does_not_lead_it_away(
        (speed, acceleration, ramp_s) in (50.0..500.0f64, 300.0..3_000.0f64, 0.01..0.1f64),
        parts in prop::collection::vec((0.01..0.2f64, 0.2..4.0f64, 1..8u32, 1..100u32, any::<bool>()), 1..10),
    ) {
        let limits = limits_of(speed, acceleration, acceleration / ramp_s, 15.0);
        let mut sent = Vec::new();
        let mut from_s = 0.1;
        for (interval_s, period_s, clump, count, is_live) in parts {
            let share = |index: u32| 0.5 + 0.5 * (f64::from(index) * interval_s / period_s * TAU).sin();
            for index in 0..count {
                // In clumps, each with its last one.
                let at_s = from_s + f64::from(index.next_multiple_of(clump)) * interval_s;
                let pace = if is_live { Pace::Live } else { Pace::Within { time_s: interval_s } };
                sent.push((at_s, FeedTarget { share: share(index), pace }));
            }
            from_s += f64::from(count + clump) * interval_s;
        }
        let goal = WINDOW.place(sent.last().unwrap().1.share);
        let ran = run_with(limits, 70.0, &sent, from_s + 10.0);
        let last = ran.axis.last().unwrap();
        prop_assert!((last.p - goal).abs() < 0.01 && last.v.abs() < 0.01, "{:?} at {}", last, goal);
        for (at, slow) in ran.path.iter().zip(&ran.slow) {
            // The axis has left the path when it is 3 % of the window beside it, and a cubic goes beyond its ends by up to 4/27 of the
            // way that its speed covers in its time.
            let beyond_mm = (WINDOW.back_mm - at.p).max(at.p - WINDOW.front_mm);
            prop_assert!(*slow || beyond_mm < 3.0 + 0.02 * speed, "{beyond_mm} mm");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { rng_seed: RngSeed::Fixed(1), ..ProptestConfig::with_cases(200) })]
    #[test]
    fn whatever_is_sent_the_axis_stays_in_the_window_and_ends_on_the_last_target(
        from_mm in 0.0..145.0f64,
        sent in prop::collection::vec((0.0..0.4f64, 0.0..1.0f64, prop_oneof![
            (0.001..0.06f64).prop_map(|time_s| Pace::Within { time_s }),
            (0.001..1.5f64).prop_map(|time_s| Pace::Within { time_s }),
            (0.0..20.0f64).prop_map(|per_s| Pace::AtSpeed { per_s }),
            Just(Pace::Live),
        ]), 1..60),
    ) {
        let mut at_s = 0.0;
        let sent: Vec<Sent> = sent.into_iter().map(|(gap_s, share, pace)| {
            // Half of them come together or nearly so.
            at_s += (gap_s - 0.2f64).max(0.0);
            (at_s, FeedTarget { share, pace })
        }).collect();
        let ran = run(from_mm, &sent, at_s + 20.0);
        let goal = WINDOW.place(sent.last().unwrap().1.share);
        let last = ran.axis.last().unwrap();
        prop_assert!((last.p - goal).abs() < 0.01 && last.v.abs() < 0.01, "{:?} at {}", last, goal);
        let firm = limits().firm_stop();
        for axis in &ran.axis {
            prop_assert!(axis.p >= WINDOW.back_mm.min(from_mm) - SLACK_MM - 1e-6 && axis.p <= WINDOW.front_mm.max(from_mm) + SLACK_MM + 1e-6);
            prop_assert!(axis.v.abs() <= 500.0 + 1e-3);
            let (low, high) = stop::extent(*axis, firm);
            prop_assert!(low >= WINDOW.back_mm.min(from_mm) - 2.0 * SLACK_MM && high <= WINDOW.front_mm.max(from_mm) + 2.0 * SLACK_MM);
        }
        for (index, pair) in ran.path.windows(2).enumerate() {
            // A path that is followed has no jumps, but to the axis that could not follow it.
            if !ran.slow[index] && !ran.slow[index + 1] {
                let beside_axis = (pair[1].p - ran.axis[AHEAD_CYCLES + index + 1].p).abs();
                prop_assert!((pair[1].p - pair[0].p).abs().min(beside_axis) <= 1.0, "{} {:?}", index, pair);
            }
        }
    }
}
