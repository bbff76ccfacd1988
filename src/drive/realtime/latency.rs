//! Latency self-test (`yep doctor --latency`), in the manner of cyclictest: a thread set up like the step loop waits
//! like it, and measures how late its waits end.
//!
//! It moves nothing and needs no pins. The result holds for the load of the host during the test, so a meaningful
//! figure is taken under load and over minutes.

use std::io;
use std::thread::Builder;

use super::arming::Demand;
use super::histogram::Histogram;
use super::report::Item;
use super::setup::{self, ThreadRole};
use crate::hal::{Clock, MonotonicClock};
use crate::layout;
use crate::units::{MILLISECOND_NS, Nanos, SECOND_NS};

/// Result at one rate of steps.
#[derive(Debug, Clone)]
pub struct LatencyMeasurement {
    /// Waits per second.
    pub rate_hz: u32,
    /// Lateness of their ends.
    pub late: Histogram,
}

/// Step rates that a lateness permits, by the rules of [`crate::drive::late`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StepRateBounds {
    /// Highest rate in steps per second at which no time base would have moved: the lateness is below one interval.
    pub steady_hz: u32,
    /// Highest rate at which no motion would have ended (S20): the lateness is below 1 ms and below two intervals.
    /// None: at no rate.
    pub safe_hz: Option<u32>,
}

/// Measures for `seconds` at each of the rates, one after the other, on a thread like the step loop's.
///
/// # Errors
/// If the system refuses the thread.
pub fn measure_lateness(
    rates_hz: &[u32],
    seconds: u64,
    demand: Demand,
) -> io::Result<(Vec<Item>, Vec<LatencyMeasurement>)> {
    let role = ThreadRole::Step;
    let rates_hz = rates_hz.to_vec();
    let thread = Builder::new().name(role.name().into()).stack_size(role.stack_bytes()).spawn(move || {
        let mut measured: Vec<_> = rates_hz
            .iter()
            .map(|rate_hz| LatencyMeasurement { rate_hz: *rate_hz, late: Histogram::default() })
            .collect();
        let items = setup::set_up_thread(role, demand);
        let mut clock = MonotonicClock::new();
        for one in &mut measured {
            let period_ns = SECOND_NS / Nanos::from(one.rate_hz);
            run_waits(&mut clock, period_ns, seconds * SECOND_NS, &mut one.late);
        }
        (items, measured)
    })?;
    thread.join().map_err(|_| io::Error::other("the measuring thread panicked"))
}

fn run_waits<C: Clock>(clock: &mut C, period_ns: Nanos, for_ns: Nanos, late: &mut Histogram) {
    let start = clock.now();
    let mut due = start + period_ns;
    while due < start + for_ns {
        // Sleeping in slices, as the step loop does, so that it can poll in between.
        while clock.now() + layout::STEP_POLL_NS + layout::SPIN_NS < due {
            clock.doze_until(clock.now() + layout::STEP_POLL_NS);
        }
        clock.wait_until(due);
        let now = clock.now();
        late.record(now.saturating_sub(due));
        // Missed waits are not made up for: one stall counts once.
        due = (due + period_ns).max(now);
    }
}

/// Step rates that the latest of some waits permits.
pub fn step_rate_bounds(latest_ns: Nanos) -> StepRateBounds {
    let most = u64::from(layout::MAX_STEP_RATE_HZ);
    let rate = |intervals: u64| (intervals * SECOND_NS / latest_ns.max(1)).min(most) as u32;
    StepRateBounds { steady_hz: rate(1), safe_hz: (latest_ns <= MILLISECOND_NS).then(|| rate(2)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::drive::late::{LatePolicy, LatenessVerdict, TimeBase};

    /// A clock whose waits end late, by each of these values in turn.
    struct Late<'a> {
        now: Nanos,
        by: std::iter::Cycle<std::slice::Iter<'a, Nanos>>,
    }

    impl Clock for Late<'_> {
        fn now(&self) -> Nanos {
            self.now
        }

        fn wait_until(&mut self, instant: Nanos) -> Nanos {
            self.now = self.now.max(instant) + self.by.next().copied().unwrap_or(0);
            self.now
        }

        fn doze_until(&mut self, instant: Nanos) -> Nanos {
            self.now = self.now.max(instant);
            self.now
        }
    }

    #[test]
    fn a_late_clock_is_measured() {
        let mut clock = Late { now: 5_000, by: [1_000, 1_000, 1_000, 40_000].iter().cycle() };
        let mut late = Histogram::default();
        run_waits(&mut clock, MILLISECOND_NS, 4 * SECOND_NS, &mut late);
        assert_eq!((late.total(), late.max_ns()), (3_999, 40_000));
        assert_eq!(late.count_above(2_000), 999);
    }

    #[test]
    fn one_stall_counts_once() {
        let stalls = [50 * MILLISECOND_NS];
        let mut clock = Late { now: 0, by: stalls.iter().cycle() };
        let mut late = Histogram::default();
        run_waits(&mut clock, MILLISECOND_NS, SECOND_NS, &mut late);
        assert!((19..=20).contains(&late.total()), "{}", late.total());
        assert_eq!(late.max_ns(), 50 * MILLISECOND_NS);
    }

    /// Verdict of the step loop on a step this late, at that rate.
    fn verdict(rate_hz: u32, late_ns: Nanos) -> LatenessVerdict {
        let interval_ns = SECOND_NS / Nanos::from(rate_hz);
        let mut base = TimeBase::default();
        let strict = LatePolicy { ends_motion: true };
        base.record_step(SECOND_NS, SECOND_NS, strict);
        base.record_step(SECOND_NS + interval_ns, SECOND_NS + interval_ns + late_ns, strict)
    }

    #[test]
    fn the_meaning_is_that_of_the_step_loop() {
        for latest_ns in [20_000, 100_000, 400_000, 999_999] {
            let StepRateBounds { steady_hz, safe_hz } = step_rate_bounds(latest_ns);
            let safe_hz = safe_hz.unwrap();
            assert_eq!(verdict(steady_hz, latest_ns), LatenessVerdict::OnTime, "{latest_ns}");
            assert_ne!(
                verdict(steady_hz + steady_hz / 100 + 1, latest_ns),
                LatenessVerdict::OnTime,
                "{latest_ns}"
            );
            assert_ne!(verdict(safe_hz, latest_ns), LatenessVerdict::TooLate, "{latest_ns}");
            assert_eq!(
                verdict(safe_hz + safe_hz / 100 + 1, latest_ns),
                LatenessVerdict::TooLate,
                "{latest_ns}"
            );
        }
        assert_eq!(step_rate_bounds(1_000_001).safe_hz, None);
        assert_eq!(verdict(1, 1_000_001), LatenessVerdict::TooLate);
        let most = layout::MAX_STEP_RATE_HZ;
        assert_eq!(step_rate_bounds(0), StepRateBounds { steady_hz: most, safe_hz: Some(most) });
    }

    #[test]
    fn this_host_can_be_measured() {
        let (items, measured) = measure_lateness(&[1_000, 10_000], 1, Demand::Nothing).unwrap();
        assert!(items.iter().all(|item| item.ok), "{items:?}");
        for LatencyMeasurement { rate_hz, late } in measured {
            assert!((1..=u64::from(rate_hz)).contains(&late.total()), "{rate_hz}: {}", late.total());
        }
    }
}
