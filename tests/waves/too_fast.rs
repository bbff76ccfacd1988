//! Waves too fast for the full stroke of this machine: they become smaller, are marked so, and always end up at the
//! same place.

use yep::machine::{Accepted, Command, State};
use yep::wave::{Shape, Wave};

use super::support::{homed, options};

const RANGE_MM: f64 = 145.0;

/// Runs for `ms`; returns the lowest and highest place, in mm.
fn reach(machine: &mut yep::drive::Rehearsal<super::support::Recorder>, ms: u64) -> (f64, f64) {
    (0..ms).fold((f64::MAX, f64::MIN), |(low, high), _| {
        machine.run_ms(1);
        let at_mm = machine.snapshot().position_mm.unwrap();
        (low.min(at_mm), high.max(at_mm))
    })
}

#[test]
fn a_wave_that_is_too_fast_stays_round_the_middle_of_its_stroke_and_is_marked() {
    // Their size follows from pi v/T, 2 pi² A/T², or the quickest way from rest to rest in half a period / 1.2.
    for (shape, period_s, way_mm) in [
        (Shape::Sine, 0.9, 136.1),
        (Shape::Sine, 0.5, 60.2),
        (Shape::Sine, 0.3, 21.6),
        (Shape::Sine, 0.1, 1.5),
        (Shape::Sine, 0.05, 0.2),
        (Shape::Square, 0.5, 41.2),
        (Shape::Square, 0.3, 11.7),
        (Shape::Square, 0.1, 0.5),
    ] {
        let mut machine = homed(&options());
        let wave = Wave::new(shape, period_s).unwrap();
        assert_eq!(machine.command(Command::Run(wave)), Some(Ok(Accepted::Now)));
        // Past the approach, and until it is even.
        machine.run_ms(6_000);
        for minute in 0..3 {
            let (low, high) = reach(&mut machine, 2_000);
            let middle = f64::midpoint(low, high);
            assert!(machine.snapshot().clipped, "{shape:?} {period_s} s is not marked");
            assert!(
                (high - low - way_mm).abs() < 0.3 + 0.02 * way_mm,
                "{shape:?} {period_s} s: {low} to {high} mm"
            );
            assert!((middle - RANGE_MM / 2.0).abs() < 0.3, "{shape:?} {period_s} s: {low} to {high} mm");
            machine.run_ms(if minute == 0 { 20_000 } else { 100 });
        }
        assert_eq!(machine.command(Command::End), Some(Ok(Accepted::Now)));
        machine.run_ms(3_000);
        assert_eq!(machine.snapshot().state, State::Ready);
    }
}

#[test]
fn it_fills_its_stroke_when_there_is_time() {
    let mut machine = homed(&options());
    for (period_s, full) in [(0.5, false), (1.0, true), (0.5, false)] {
        let wave = Wave::new(Shape::Sine, period_s).unwrap();
        assert_eq!(machine.command(Command::Run(wave)), Some(Ok(Accepted::Now)));
        machine.run_ms(6_000);
        let (low, high) = reach(&mut machine, 2_000);
        assert_eq!(high - low > RANGE_MM - 0.3, full, "{period_s} s: {low} to {high} mm");
        assert_eq!(machine.snapshot().clipped, !full);
    }
}
