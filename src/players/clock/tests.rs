//! The media clock against simulated players, by seed.

use super::*;
use crate::hal::sim::Random;
use crate::units::MILLISECOND_NS;

const SILENCE_S: f64 = 5.0;

fn playing(position_s: f64, rate: f64) -> MediaUpdate {
    MediaUpdate {
        media: Some("x.mp4".into()),
        position_s,
        duration_s: Some(3_600.0),
        rate,
        is_playing: true,
        is_jump: false,
    }
}

fn ns(s: f64) -> Nanos {
    (s * SECOND_NS as f64) as Nanos
}

/// Goes on from `from_ms` to `to_ms`, and asserts that the reference has no step: it is never faster or slower than allowed.
fn assert_smooth(clock: &MediaClock, last_s: &mut f64, from_ms: u64, to_ms: u64) {
    const STEP_MS: u64 = 10;
    for ms in (from_ms..to_ms).step_by(STEP_MS as usize) {
        let now = clock.at((ms + STEP_MS) * MILLISECOND_NS);
        let share = (now.position_s - *last_s) / clock.rate * 1_000.0 / STEP_MS as f64;
        assert!((share - 1.0).abs() <= SLEW_SHARE + 1e-6, "{share} at {ms} ms");
        *last_s = now.position_s;
    }
}

/// Updates that come at a period with jitter of ±50 ms, as from a network; the greatest error after 10 s, and that at the
/// end of 60 s.
fn follow_jittery(seed: u64, period_ms: u64, rate: f64) -> (f64, f64) {
    let mut random = Random::new(seed);
    let mut clock = MediaClock::new(SILENCE_S);
    let (mut greatest_s, mut error_s, mut last_s) = (0.0_f64, 0.0_f64, 0.0);
    let (mut due_ms, mut now_ms) = (period_ms, 0);
    assert_eq!(clock.update(0, 0, &playing(0.0, rate)), ClockChange::Jump);
    while due_ms < 60_000 {
        let true_s = |ms: f64| ms / 1_000.0 * rate;
        // Its position is that of up to 50 ms before or behind.
        let said_ms = due_ms as f64 + random.between(-50.0, 50.0);
        assert_smooth(&clock, &mut last_s, now_ms, due_ms);
        let at = due_ms * MILLISECOND_NS;
        assert_eq!(clock.update(at, at, &playing(true_s(said_ms), rate)), ClockChange::Steady);
        assert!((clock.at(at).position_s - last_s).abs() < 1e-9, "a step at an update");
        now_ms = due_ms;
        error_s = clock.at(at).position_s - true_s(due_ms as f64);
        if due_ms > 10_000 {
            greatest_s = greatest_s.max(error_s.abs());
        }
        due_ms += period_ms;
    }
    (greatest_s, error_s.abs())
}

#[test]
fn jitter_averages_out_without_a_step() {
    let mut worst_s = 0.0_f64;
    for seed in 0..60 {
        for (period_ms, rate) in [(20, 1.0), (100, 1.0), (250, 1.0), (100, 0.5), (100, 2.0)] {
            let (greatest_s, end_s) = follow_jittery(seed, period_ms, rate);
            assert!(end_s / rate < 0.030, "seed {seed}, {period_ms} ms, rate {rate}: {end_s} s at the end");
            worst_s = worst_s.max(greatest_s / rate);
        }
    }
    println!("greatest error between 10 and 60 s: {:.1} ms", worst_s * 1_000.0);
    assert!(worst_s < 0.045, "{worst_s} s");
}

#[test]
fn a_small_error_is_met_smoothly_and_a_great_one_at_once() {
    for error_s in [-0.9, -0.2, 0.05, 0.4, 0.99] {
        let mut clock = MediaClock::new(SILENCE_S);
        let mut last_s = 100.0;
        clock.update(0, 0, &playing(100.0, 1.0));
        for tick in 1..=100_u64 {
            let at = tick * 100 * MILLISECOND_NS;
            assert_smooth(&clock, &mut last_s, (tick - 1) * 100, tick * 100);
            let said = playing(100.0 + seconds(at) + error_s, 1.0);
            assert_eq!(clock.update(at, at, &said), ClockChange::Steady);
        }
        assert!((last_s - 110.0 - error_s).abs() < 0.01, "{error_s}: {last_s}");
    }
    for (said, jump) in [
        (playing(11.5, 1.0), true),
        (playing(8.9, 1.0), true),
        (MediaUpdate { is_jump: true, ..playing(10.2, 1.0) }, true),
        (MediaUpdate { media: Some("y.mp4".into()), ..playing(10.0, 1.0) }, true),
        (playing(10.9, 1.0), false),
    ] {
        let mut clock = MediaClock::new(SILENCE_S);
        clock.update(0, 0, &playing(9.0, 1.0));
        let wanted = if jump { ClockChange::Jump } else { ClockChange::Steady };
        assert_eq!(clock.update(SECOND_NS, SECOND_NS, &said), wanted, "{said:?}");
        if jump {
            assert_eq!(clock.at(SECOND_NS), MediaTime { position_s: said.position_s, rate: 1.0 });
        }
    }
}

#[test]
fn what_held_earlier_counts_for_then() {
    let mut clock = MediaClock::new(SILENCE_S);
    clock.update(ns(0.4), ns(0.1), &playing(10.0, 2.0));
    assert!((clock.at(ns(0.4)).position_s - 10.6).abs() < 1e-9);
    // The same line, said later.
    for at in [0.5, 0.7, 1.1] {
        let said = playing(10.0 + 2.0 * (at - 0.15), 2.0);
        assert_eq!(clock.update(ns(at), ns(at - 0.05), &said), ClockChange::Steady);
        assert!((clock.at(ns(at)).position_s - 10.0 - 2.0 * (at - 0.1)).abs() < 1e-6);
    }
}

#[test]
fn a_pause_rests_and_the_rate_changes_without_a_step() {
    let mut clock = MediaClock::new(SILENCE_S);
    clock.update(0, 0, &playing(10.0, 1.0));
    let faster = playing(12.02, 1.5);
    assert_eq!(clock.update(ns(2.0), ns(2.0), &faster), ClockChange::Rate);
    assert!((clock.at(ns(2.0)).position_s - 12.0).abs() < 1e-9);
    assert!((clock.at(ns(4.0)).position_s - 15.0).abs() < 0.02);
    let paused = MediaUpdate { is_playing: false, ..playing(15.0, 1.5) };
    assert_eq!(clock.update(ns(4.0), ns(4.0), &paused), ClockChange::Rest);
    for at in [4.0, 5.0, 1_000.0] {
        assert_eq!(clock.at(ns(at)), MediaTime { position_s: 15.0, rate: 0.0 });
    }
    assert_eq!(clock.update(ns(5.0), ns(5.0), &paused), ClockChange::Steady);
    let elsewhere = MediaUpdate { position_s: 90.0, ..paused };
    assert_eq!(clock.update(ns(6.0), ns(6.0), &elsewhere), ClockChange::Jump);
    assert_eq!(clock.update(ns(7.0), ns(7.0), &playing(90.0, 1.5)), ClockChange::Jump);
    assert_eq!(clock.update(ns(8.0), ns(8.0), &MediaUpdate::nothing()), ClockChange::Rest);
    assert_eq!((clock.media(), clock.is_playing(ns(8.0))), (None, false));
}

#[test]
fn a_silent_player_and_the_end_of_the_media_come_to_rest() {
    let mut clock = MediaClock::new(SILENCE_S);
    clock.update(0, 0, &playing(10.0, 1.0));
    assert!(clock.is_playing(ns(4.9)) && !clock.is_playing(ns(5.1)));
    assert_eq!(clock.at(ns(60.0)), MediaTime { position_s: 15.0, rate: 0.0 });
    assert_eq!(clock.update(ns(60.0), ns(60.0), &playing(70.0, 1.0)), ClockChange::Jump);
    let mut clock = MediaClock::new(f64::INFINITY);
    clock.update(0, 0, &playing(3_590.0, 1.0));
    assert!(clock.is_playing(ns(9.0)));
    assert_eq!(clock.at(ns(11.0)), MediaTime { position_s: 3_600.0, rate: 0.0 });
}

#[test]
fn the_instant_of_a_position_is_that_of_the_reference() {
    let mut random = Random::new(7);
    for case in 0..200 {
        let rate = random.between(0.25, 4.0);
        let mut clock = MediaClock::new(SILENCE_S);
        clock.update(0, 0, &playing(50.0, rate));
        let said = playing(50.0 + rate + random.between(-0.9, 0.9), rate);
        clock.update(SECOND_NS, SECOND_NS, &said);
        let now = clock.at(SECOND_NS);
        let wanted_s = now.position_s + random.between(0.0, 2.0) * rate;
        let due_ns = clock.due_ns(wanted_s, SECOND_NS).unwrap();
        let there_s = clock.at(due_ns).position_s;
        assert!((there_s - wanted_s).abs() < 1e-6, "case {case}: {there_s} s instead of {wanted_s} s");
        assert_eq!(clock.due_ns(now.position_s - 0.1, SECOND_NS), None);
        // It is silent then.
        assert_eq!(clock.due_ns(now.position_s + 8.0 * rate, SECOND_NS), None);
    }
}
