//! Highest pulse rate: a computer on which every call costs time keeps the time base at it, and homing keeps the
//! highest speed.

use yep::hal::sim::VirtualClock;
use yep::machine::{Command, HomingOptions, State};
use yep::units::MmPerS;

use crate::fine::{fine, period_s};
use crate::loops::{Costs, Loops};
use crate::plain::homed;
use crate::support::{options, sine, steps, timing};

/// Costs of calls on a Raspberry Pi: none, low, and high.
const COSTS: [Costs; 3] = [
    Costs { clock: 0, read: 0, write: 0 },
    Costs { clock: 40, read: 100, write: 30 },
    Costs { clock: 60, read: 150, write: 50 },
];

#[test]
fn at_the_highest_rate_nothing_shifts_however_much_a_call_costs() {
    let highest_hz = timing().max_steps_per_s();
    assert!(highest_hz > 150e3, "{highest_hz}");
    for costs in COSTS {
        let steps_per_mm = 400.0;
        let speed = highest_hz / steps_per_mm;
        // A wave stays 5 % below the highest speed.
        let mut loops = Loops::homed(&fine(options(), steps_per_mm, 1.1 * speed), costs);
        loops.command(sine_of(speed * 0.999));
        loops.run_ms(2_000);
        loops.rail().steps = Some(Vec::new());
        loops.run_ms(3_000);
        let snapshot = loops.snapshot();
        assert_eq!((snapshot.state, snapshot.fault), (State::Running, None), "{costs:?}");
        let lateness = snapshot.lateness;
        assert_eq!(lateness.rebases, 0, "{costs:?}: {lateness:?}");
        let made = loops.rail().steps.take().unwrap();
        let fastest_hz = made.windows(101).map(|w| 100e9 / (w[100].0 - w[0].0) as f64).fold(0.0, f64::max);
        assert!(fastest_hz > 0.99 * highest_hz, "{costs:?}: no faster than {fastest_hz:.0} Hz");
        println!("{costs:?}: {fastest_hz:.0} Hz, latest step {} ns", lateness.worst_step_ns);
    }
}

fn sine_of(peak_mm_s: f64) -> Command {
    sine(period_s(peak_mm_s))
}

#[test]
fn homing_keeps_the_highest_speed_and_with_it_the_pulse_rate() {
    for (steps_per_mm, max_speed, fast) in
        [(10.0, 10.0, 40.0), (10.0, 500.0, 40.0), (1_000.0, 150.0, 200.0), (10_000.0, 15.0, 40.0)]
    {
        let mut options = fine(options(), steps_per_mm, max_speed);
        options.rail.length_mm = 21.0;
        options.rail.start_mm = 15.0;
        options.config.geometry.max_stroke = yep::units::Mm::constant(21.0);
        options.config.stroke_limit = options.config.geometry.max_stroke;
        options.homing = HomingOptions { fast: MmPerS::try_from(fast).unwrap(), ..HomingOptions::default() };
        let mut machine = homed(&VirtualClock::default(), &options);
        let made = steps(&machine.sink().0);
        let per_s = |w: &[(u64, bool)]| 10e9 / (w[10].0 - w[0].0) as f64;
        let one_way = made.windows(11).filter(|w| w.iter().all(|step| step.1 == w[0].1));
        let fastest_mm_s = one_way.map(per_s).fold(0.0, f64::max) / steps_per_mm;
        let allowed = max_speed.min(fast);
        assert!(fastest_mm_s <= 1.01 * allowed, "{steps_per_mm} steps/mm: homed at {fastest_mm_s} mm/s");
        assert!(fastest_mm_s > 0.9 * allowed, "{steps_per_mm} steps/mm: homed at {fastest_mm_s} mm/s");
    }
}
