//! Debounce is not lateness (S20): a glitch that does not last holds steps back, is counted, and costs neither position
//! nor the time base, at any pulse rate. Checked on the edges, against the same machine without glitches.

use std::cell::RefCell;
use std::rc::Rc;

use yep::hal::Clock;
use yep::hal::sim::{Mishap, SimulatedOperator, VirtualClock};
use yep::machine::{Accepted, State};

use crate::fine::{fine, period_s};
use crate::plain::{homed, position_error_mm, run_until_fast};
use crate::random::{self, Random};
use crate::support::{options, sine, steps, timing};

const LINES: [Mishap; 4] = [Mishap::FrontWelded, Mishap::BackWelded, Mishap::EStopOpen, Mishap::DriverAlarm];
/// Interval of the glitches.
const APART_NS: u64 = 4_000_000;
/// Time in which the loop makes up for a glitch of 45 us: sixteen times that, and a margin.
const MADE_UP_NS: u64 = 1_000_000;

/// Beginning and end of each time that an input read active.
type Glitches = Rc<RefCell<Vec<(u64, u64)>>>;

/// Schedules a glitch on a random line, shorter than a closed switch, and the next one some milliseconds later.
fn glitch(
    clock: &VirtualClock,
    operator: &SimulatedOperator,
    mut random: Random,
    left: u32,
    made: &Glitches,
) {
    if left == 0 {
        return;
    }
    let line = LINES[random.between(0.0, 4.0) as usize];
    let (own, operator, made) = (clock.clone(), operator.clone(), made.clone());
    clock.set_alarm(clock.now() + APART_NS + random.between(0.0, 1e5) as u64, move || {
        operator.set_mishap(line, true);
        let since = own.now();
        let lasts_ns = random.between(1.0, 44_000.0) as u64;
        let again = own.clone();
        own.set_alarm(since + lasts_ns, move || {
            operator.set_mishap(line, false);
            made.borrow_mut().push((since, again.now()));
            glitch(&again, &operator, random, left - 1, &made);
        });
    });
}

#[test]
fn a_glitch_costs_neither_position_nor_the_time_base_at_any_rate() {
    // Up to the highest allowed rate: above it there is no reserve to make up for a delay.
    for rate_hz in [2e3, 10e3, 32e3, 60e3, 100e3, 130e3, timing().max_steps_per_s()] {
        let steps_per_mm = if rate_hz > 80e3 { 200.0 } else { 40.0 };
        let speed = rate_hz / steps_per_mm;
        let run = |glitches: u32| {
            let clock = VirtualClock::default();
            let mut machine = homed(&clock, &fine(options(), steps_per_mm, (speed * 1.1).max(70.0)));
            let period_s = period_s(speed);
            assert_eq!(machine.command(sine(period_s)), Some(Ok(Accepted::Now)));
            machine.run_ms((period_s * 1e3) as u64 + 1_500);
            run_until_fast(&mut machine, speed * 0.9);
            machine.sink().0.clear();
            let made = Glitches::default();
            glitch(&clock, &machine.operator().clone(), random::from_env(), glitches, &made);
            machine.run_ms(1_000);
            let snapshot = machine.snapshot();
            assert_eq!((snapshot.state, snapshot.fault), (State::Running, None), "{rate_hz} Hz");
            assert!(
                position_error_mm(&machine).is_some_and(|position_error_mm| position_error_mm < 1e-3),
                "{rate_hz} Hz"
            );
            let shifts = (snapshot.lateness.rebases, machine.status().glitches());
            (steps(&machine.sink().0), made.take(), shifts)
        };
        let (nominal, ..) = run(0);
        let (made, glitches, (rebases, counted)) = run(200);
        // The slower the pulses, the fewer glitches coincide with a reading.
        assert!(glitches.len() > 150 && counted > 5, "{rate_hz} Hz: {counted} of {}", glitches.len());
        assert_eq!(rebases, 0, "{rate_hz} Hz: a glitch moved the time base");
        assert!(made.len().abs_diff(nominal.len()) <= 15, "{rate_hz} Hz");
        let mut glitch = glitches.iter().copied().peekable();
        let mut before = (0, 0);
        for i in 1..made.len().min(nominal.len()) {
            while let Some(next) = glitch.next_if(|(since, _)| *since <= made[i].0) {
                before = next;
            }
            let (at, planned) = (made[i].0, nominal[i].0);
            assert_eq!(made[i].1, nominal[i].1, "{rate_hz} Hz: step {i} went the other way");
            assert!(at >= before.1, "{rate_hz} Hz: a step at {at} ns, in the glitch {before:?}");
            let made_up = before.1 + MADE_UP_NS <= at;
            let behind_ns = at - planned;
            assert!(behind_ns <= if made_up { 2 } else { 62_000 }, "{rate_hz} Hz: {behind_ns} ns behind");
            let (interval_ns, planned_ns) = (at - made[i - 1].0, planned - nominal[i - 1].0);
            assert!(interval_ns + 2 >= planned_ns - planned_ns / 16, "{rate_hz} Hz: {interval_ns} ns");
        }
    }
}
