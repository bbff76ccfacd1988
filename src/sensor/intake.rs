//! Whether a sample can be true (promise S13). What passes becomes the newest sample of the control cycle; what does not
//! is lost, and counted. It is never replaced by a zero, nor by anything else: the sample before grows old until the
//! machine stops (S12).
//!
//! Every sensor's thread has one, whatever its line.

use tokio::sync::oneshot;

use super::report::SensorReport;
use super::sample_error::SampleError;
use crate::hal::{ForceFeed, ForceSample};
use crate::units::{Nanos, SECOND_NS, seconds};

/// A converter always shows some noise. Readings that are the same to the last bit for so long come from a broken one.
const STUCK_AFTER_NS: Nanos = SECOND_NS;

/// What a sample must keep.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct IntakeRules {
    /// The greatest force, either way, that the cell can measure.
    pub range_g: f64,
    /// The fastest change that a force on the carriage can have.
    pub fastest_g_per_s: f64,
    /// The cell counts the other way round.
    pub invert: bool,
}

/// A reading, and what it means.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AcceptedSample {
    /// As the sensor counts.
    pub reading: f64,
    /// In grams; positive as the cell counts.
    pub force_g: f64,
    /// When it was taken.
    pub at: Nanos,
    /// The time to the next one.
    pub period_ns: Nanos,
}

/// The mean of many readings.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Average {
    /// As the sensor counts.
    pub mean: f64,
    /// From the lowest to the highest one.
    pub spread: f64,
}

/// A wish for the mean of the next readings.
#[derive(Debug)]
pub struct AverageOrder {
    /// How many.
    pub count: usize,
    /// Where to; dropped when a reading is lost.
    pub reply: oneshot::Sender<Average>,
}

#[derive(Debug)]
struct Averaging {
    order: AverageOrder,
    sum: f64,
    low: f64,
    high: f64,
    taken: usize,
}

/// The judge of samples.
#[derive(Debug)]
pub struct Intake {
    rules: IntakeRules,
    feed: ForceFeed,
    report: SensorReport,
    last: Option<(f64, Nanos)>,
    /// A sample that was too far from the one before; if the next agrees with it, it was true.
    suspect: Option<(f64, Nanos)>,
    /// The last reading, and since when it is the same.
    same: Option<(f64, Nanos)>,
    averaging: Option<Averaging>,
}

impl Intake {
    /// Nothing was measured yet.
    #[must_use]
    pub fn new(rules: IntakeRules, feed: ForceFeed, report: SensorReport) -> Intake {
        Intake { rules, feed, report, last: None, suspect: None, same: None, averaging: None }
    }

    /// A new sample came at `now`.
    pub fn take(&mut self, taken: AcceptedSample, now: Nanos) {
        self.feed.mark_alive(now);
        self.weigh(taken.reading);
        let force_g = if self.rules.invert { -taken.force_g } else { taken.force_g };
        if let Some(why) = self.reason_against(&taken, force_g) {
            if why == SampleError::Stuck {
                self.feed.invalidate();
            }
            self.count(why, Some(taken.reading));
            return;
        }
        self.last = Some((force_g, taken.at));
        self.suspect = None;
        self.report.sample(force_g, taken.reading, taken.at);
        self.feed.publish(ForceSample::of_rate(force_g, taken.at, taken.period_ns), now);
    }

    fn reason_against(&mut self, taken: &AcceptedSample, force_g: f64) -> Option<SampleError> {
        if !force_g.is_finite() || !taken.reading.is_finite() {
            return Some(SampleError::NotFinite);
        }
        let since = match self.same {
            Some((same, since)) if same == taken.reading => since,
            _ => taken.at,
        };
        self.same = Some((taken.reading, since));
        if taken.at.saturating_sub(since) >= STUCK_AFTER_NS {
            return Some(SampleError::Stuck);
        }
        if force_g.abs() > self.rules.range_g {
            return Some(SampleError::OutOfRange);
        }
        let near = |(before_g, before): (f64, Nanos)| {
            let apart_s = seconds(taken.at.saturating_sub(before).max(taken.period_ns));
            (force_g - before_g).abs() <= self.rules.fastest_g_per_s * apart_s
        };
        if self.last.is_some_and(|last| !near(last)) && !self.suspect.is_some_and(near) {
            self.suspect = Some((force_g, taken.at));
            return Some(SampleError::TooFast);
        }
        None
    }

    /// The sensor is heard, without a new sample.
    pub fn hear(&mut self, now: Nanos) {
        self.feed.mark_alive(now);
    }

    /// A reading that has no force, for that reason. The sample before still counts for its time.
    pub fn miss(&mut self, why: SampleError, reading: Option<f64>) {
        match reading {
            // Without a scale there is still a reading, for whoever wants to make one.
            Some(reading) if why == SampleError::Unscaled => self.weigh(reading),
            _ => self.averaging = None,
        }
        self.count(why, reading);
    }

    /// Nothing that was measured so far counts any more, for that reason.
    pub fn lose(&mut self, why: SampleError) {
        self.feed.invalidate();
        self.forget();
        self.averaging = None;
        self.count(why, None);
    }

    /// Readings mean something else from now on: the old samples are no measure for the new ones.
    pub fn forget(&mut self) {
        (self.last, self.suspect, self.same) = (None, None, None);
    }

    /// Takes the mean of the next readings; a wish that was not done yet is dropped.
    pub fn average(&mut self, order: AverageOrder) {
        let (low, high) = (f64::INFINITY, f64::NEG_INFINITY);
        self.averaging = Some(Averaging { order, sum: 0.0, low, high, taken: 0 });
    }

    fn weigh(&mut self, reading: f64) {
        let Some(averaging) = &mut self.averaging else { return };
        averaging.sum += reading;
        averaging.low = averaging.low.min(reading);
        averaging.high = averaging.high.max(reading);
        averaging.taken += 1;
        if averaging.taken >= averaging.order.count
            && let Some(done) = self.averaging.take()
        {
            let average = Average { mean: done.sum / done.taken as f64, spread: done.high - done.low };
            // Whoever asked may have lost patience.
            let _ = done.order.reply.send(average);
        }
    }

    fn count(&self, why: SampleError, reading: Option<f64>) {
        self.report.lost(why, reading);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hal::{ForceSensor, NewestForce, newest_force};
    use crate::units::MILLISECOND_NS;

    const PERIOD_NS: Nanos = 12_500_000;
    const RULES: IntakeRules = IntakeRules { range_g: 5_000.0, fastest_g_per_s: 100_000.0, invert: false };

    struct Bench {
        intake: Intake,
        cell: NewestForce,
        report: SensorReport,
        now: Nanos,
    }

    impl Bench {
        fn new(rules: IntakeRules) -> Bench {
            let (feed, cell) = newest_force();
            let report = SensorReport::default();
            Bench { intake: Intake::new(rules, feed, report.clone()), cell, report, now: 0 }
        }

        /// A sample, a period after the one before; what is known then.
        fn take(&mut self, force_g: f64) -> Option<f64> {
            self.now += PERIOD_NS;
            let reading = force_g * 400.0;
            self.intake
                .take(AcceptedSample { reading, force_g, at: self.now, period_ns: PERIOD_NS }, self.now);
            self.known()
        }

        fn known(&mut self) -> Option<f64> {
            self.cell.latest(self.now).map(|sample| sample.force_g)
        }
    }

    #[test]
    fn what_cannot_be_is_lost_and_never_zero() {
        let mut bench = Bench::new(RULES);
        assert_eq!(bench.take(100.0), Some(100.0));
        for wrong in [f64::NAN, f64::INFINITY, 5_000.1, -5_000.1] {
            assert_eq!(bench.take(wrong), Some(100.0), "{wrong}");
        }
        let lost = [SampleError::NotFinite, SampleError::OutOfRange].map(|why| bench.report.lost_count(why));
        assert_eq!(lost, [2, 2]);
        bench.now += 100 * MILLISECOND_NS;
        assert_eq!(bench.known(), None, "the last good one has aged");
        assert_eq!(bench.take(100.0), Some(100.0));
    }

    #[test]
    fn a_jump_is_believed_when_a_second_sample_agrees() {
        let mut bench = Bench::new(RULES);
        bench.take(0.0);
        assert_eq!(bench.take(1_250.0), Some(1_250.0), "as fast as can be");
        assert_eq!(bench.take(-1_000.0), Some(1_250.0));
        assert_eq!(bench.take(1_200.0), Some(1_200.0), "it was a disturbance");
        assert_eq!(bench.take(-1_000.0), Some(1_200.0));
        assert_eq!(bench.take(-1_010.0), Some(-1_010.0), "it was true");
        assert_eq!(bench.report.lost_count(SampleError::TooFast), 2);
    }

    #[test]
    fn a_reading_without_any_noise_is_stuck_after_a_second() {
        let mut bench = Bench::new(RULES);
        for _ in 0..80 {
            assert_eq!(bench.take(5.0), Some(5.0));
        }
        assert_eq!(bench.take(5.0), None);
        assert_eq!(bench.take(5.01), Some(5.01));
    }

    #[test]
    fn a_cell_that_is_mounted_the_other_way_round_is_turned() {
        let mut bench = Bench::new(IntakeRules { invert: true, ..RULES });
        assert_eq!(bench.take(5.0), Some(-5.0));
    }

    #[test]
    fn a_mean_is_of_the_next_readings_and_a_lost_one_spoils_it() {
        let mut bench = Bench::new(RULES);
        let (reply, mut answer) = oneshot::channel();
        bench.intake.average(AverageOrder { count: 3, reply });
        for force_g in [1.0, 2.0, 6.0] {
            bench.take(force_g);
        }
        assert_eq!(answer.try_recv(), Ok(Average { mean: 1_200.0, spread: 2_000.0 }));
        let (reply, mut answer) = oneshot::channel();
        bench.intake.average(AverageOrder { count: 2, reply });
        bench.intake.miss(SampleError::Unscaled, Some(7.0));
        bench.intake.miss(SampleError::Saturated, Some(8.0));
        assert_eq!(answer.try_recv(), Err(oneshot::error::TryRecvError::Closed));
    }
}
