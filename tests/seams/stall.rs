//! Stalls (S18, S20): the axis stands after a stall, so the motion does not go on at its previous speed: a step that is
//! later than some milliseconds is not made, nor any behind it.

use yep::hal::sim::VirtualClock;
use yep::machine::{Accepted, Command, Fault, State};

use crate::plain::{Plain, homed, stall};
use crate::random;
use crate::support::{options, sine, square, steps};

/// Shortest stall.
const STALL_MS: f64 = 20.0;
/// Behind a pause of this length, steps begin at rest, or close to a turn.
const STANDS_NS: u64 = 19_000_000;
/// Highest speed of a plan over its first three steps from rest (`J/2 (6x/J)^(2/3)`) or from a turn (`sqrt(2ax)`, where
/// the pause bounds the acceleration); both are 44 mm/s here.
const FIRST_STEPS_MM_S: f64 = 60.0;

/// Checks the first intervals behind each pause against an axis that starts at rest, from the edges alone.
fn check_slow_start(machine: &mut Plain) -> Result<(), String> {
    let made = steps(&machine.sink().0);
    for i in 1..made.len() {
        if made[i].0 - made[i - 1].0 < STANDS_NS {
            continue;
        }
        for pair in made[i..].windows(2).take(3) {
            let interval_ns = pair[1].0 - pair[0].0;
            if interval_ns >= STANDS_NS {
                break;
            }
            let mm_s = 0.1 / (interval_ns as f64 * 1e-9);
            if mm_s > FIRST_STEPS_MM_S {
                let pause_ms = (made[i].0 - made[i - 1].0) / 1_000_000;
                return Err(format!("{mm_s:.0} mm/s from standstill, after a pause of {pause_ms} ms"));
            }
        }
    }
    Ok(())
}

#[test]
fn after_a_stall_nothing_sets_off_at_speed() {
    let mut random = random::from_env();
    let mut cut = 0;
    for round in 0..60 {
        let clock = VirtualClock::default();
        let mut machine = homed(&clock, &options());
        let command = if round % 4 == 3 { square(1.1) } else { sine(random.log_between(0.9, 3.0)) };
        assert_eq!(machine.command(command.clone()), Some(Ok(Accepted::Now)));
        machine.run_ms(random.between(4_000.0, 5_000.0) as u64);
        machine.sink().0.clear();
        machine.run_ms(100);
        let stall_ns = (random.log_between(STALL_MS, 1_500.0) * 1e6) as u64;
        let stalled = machine.now() + random.between(0.0, 3e6) as u64;
        stall(&clock, stalled, stall_ns);
        machine.run_ms(700);
        let snapshot = machine.snapshot();
        check_slow_start(&mut machine)
            .unwrap_or_else(|broken| panic!("{stall_ns} ns, {command:?}: {broken}"));
        match snapshot.fault {
            Some(Fault::StepLate) => {
                assert_eq!((snapshot.state, snapshot.position_mm), (State::Faulted, None));
                let resumed = steps(&machine.sink().0).iter().any(|(at, _)| *at >= stalled + stall_ns);
                cut += u32::from(!resumed);
            }
            // No step was due during the stall.
            Some(Fault::ControlLate | Fault::StepLoopSilent) => {}
            fault => panic!("{fault:?} after a stall of {stall_ns} ns"),
        }
        assert_eq!(machine.command(Command::Acknowledge), Some(Ok(Accepted::Now)));
    }
    assert!(cut > 30, "only {cut} of 60 stalls came in mid-motion");
}
