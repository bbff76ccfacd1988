//! Plausibility check of force samples (promise S13): range, slew rate, stuck readings.
//!
//! A sample that passes becomes the newest sample of the control cycle. One that fails is counted and dropped, and
//! nothing replaces it: the sample before it ages until the machine stops (S12). Each sensor's thread has one
//! validator, whatever its line.

use tokio::sync::oneshot;

use super::report::SensorReport;
use super::sample_error::SampleError;
use crate::hal::{ForceFeed, ForceSample};
use crate::units::{Nanos, SECOND_NS, seconds};

/// A converter always shows some noise. Readings that stay the same to the last bit for this long come from a broken
/// one.
const STUCK_AFTER_NS: Nanos = SECOND_NS;

/// Limits of a plausible sample.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SampleLimits {
    /// Range of the cell, either way (g).
    pub range_g: f64,
    /// Highest slew rate of a force on the carriage (g/s).
    pub fastest_g_per_s: f64,
    /// Inverts the sign, for a cell that is mounted the other way round.
    pub invert: bool,
}

/// A sample before the plausibility check.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SampleCandidate {
    /// Reading in the sensor's own unit.
    pub reading: f64,
    /// Force (g) before the inversion of the sign.
    pub force_g: f64,
    /// Instant of the conversion.
    pub at: Nanos,
    /// Time between conversions.
    pub period_ns: Nanos,
}

/// The mean of many readings.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Average {
    /// In the sensor's own unit.
    pub mean: f64,
    /// Difference between the highest and the lowest reading.
    pub spread: f64,
}

/// A request for the mean of the next readings.
#[derive(Debug)]
pub struct AverageRequest {
    /// Number of readings.
    pub count: usize,
    /// Receives the mean; dropped when a reading is lost.
    pub reply: oneshot::Sender<Average>,
}

#[derive(Debug)]
struct Averaging {
    request: AverageRequest,
    sum: f64,
    low: f64,
    high: f64,
    taken: usize,
}

/// Plausibility check of one sensor's samples.
#[derive(Debug)]
pub struct SampleValidator {
    rules: SampleLimits,
    feed: ForceFeed,
    report: SensorReport,
    last: Option<(f64, Nanos)>,
    /// The last sample that was too far from the one before; it is confirmed if the next one agrees with it.
    suspect: Option<(f64, Nanos)>,
    /// The last reading, and the instant of the first one of the same value.
    same: Option<(f64, Nanos)>,
    averaging: Option<Averaging>,
}

impl SampleValidator {
    /// The state before the first sample.
    pub fn new(rules: SampleLimits, feed: ForceFeed, report: SensorReport) -> SampleValidator {
        SampleValidator { rules, feed, report, last: None, suspect: None, same: None, averaging: None }
    }

    /// Checks a sample that arrived at `now`, and publishes it if it is plausible.
    pub fn submit(&mut self, sample: SampleCandidate, now: Nanos) {
        self.feed.mark_alive(now);
        self.add_to_average(sample.reading);
        let force_g = if self.rules.invert { -sample.force_g } else { sample.force_g };
        if let Some(why) = self.rejection_reason(&sample, force_g) {
            if why == SampleError::Stuck {
                self.feed.invalidate();
            }
            self.count(why, Some(sample.reading));
            return;
        }
        self.last = Some((force_g, sample.at));
        self.suspect = None;
        self.report.record_sample(force_g, sample.reading, sample.at);
        self.feed.publish(ForceSample::of_rate(force_g, sample.at, sample.period_ns), now);
    }

    fn rejection_reason(&mut self, sample: &SampleCandidate, force_g: f64) -> Option<SampleError> {
        if !force_g.is_finite() || !sample.reading.is_finite() {
            return Some(SampleError::NotFinite);
        }
        let since = match self.same {
            Some((same, since)) if same == sample.reading => since,
            _ => sample.at,
        };
        self.same = Some((sample.reading, since));
        if sample.at.saturating_sub(since) >= STUCK_AFTER_NS {
            return Some(SampleError::Stuck);
        }
        if force_g.abs() > self.rules.range_g {
            return Some(SampleError::OutOfRange);
        }
        let near = |(before_g, before): (f64, Nanos)| {
            let apart_s = seconds(sample.at.saturating_sub(before).max(sample.period_ns));
            (force_g - before_g).abs() <= self.rules.fastest_g_per_s * apart_s
        };
        if self.last.is_some_and(|last| !near(last)) && !self.suspect.is_some_and(near) {
            self.suspect = Some((force_g, sample.at));
            return Some(SampleError::TooFast);
        }
        None
    }

    /// Reports at `now` that the link is alive, without a new sample.
    pub fn keep_alive(&mut self, now: Nanos) {
        self.feed.mark_alive(now);
    }

    /// Counts a reading that gives no force. The last good sample stays valid for its time.
    pub fn reject(&mut self, why: SampleError, reading: Option<f64>) {
        match reading {
            // Tare and calibration average raw readings before there is a scale.
            Some(reading) if why == SampleError::Unscaled => self.add_to_average(reading),
            _ => self.averaging = None,
        }
        self.count(why, reading);
    }

    /// Invalidates the newest sample, and forgets the history.
    pub fn invalidate(&mut self, why: SampleError) {
        self.feed.invalidate();
        self.forget_history();
        self.averaging = None;
        self.count(why, None);
    }

    /// Forgets the history, after a change of scale: old samples cannot be compared with new ones.
    pub fn forget_history(&mut self) {
        (self.last, self.suspect, self.same) = (None, None, None);
    }

    /// Starts averaging the next readings; replaces an unfinished request.
    pub fn start_average(&mut self, request: AverageRequest) {
        let (low, high) = (f64::INFINITY, f64::NEG_INFINITY);
        self.averaging = Some(Averaging { request, sum: 0.0, low, high, taken: 0 });
    }

    fn add_to_average(&mut self, reading: f64) {
        let Some(averaging) = &mut self.averaging else { return };
        averaging.sum += reading;
        averaging.low = averaging.low.min(reading);
        averaging.high = averaging.high.max(reading);
        averaging.taken += 1;
        if averaging.taken >= averaging.request.count
            && let Some(done) = self.averaging.take()
        {
            let average = Average { mean: done.sum / done.taken as f64, spread: done.high - done.low };
            // The receiver may have timed out.
            let _ = done.request.reply.send(average);
        }
    }

    fn count(&self, why: SampleError, reading: Option<f64>) {
        self.report.record_loss(why, reading);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hal::{ForceSensor, NewestForce, newest_force};
    use crate::units::MILLISECOND_NS;

    const PERIOD_NS: Nanos = 12_500_000;
    const RULES: SampleLimits = SampleLimits { range_g: 5_000.0, fastest_g_per_s: 100_000.0, invert: false };

    struct Bench {
        validator: SampleValidator,
        cell: NewestForce,
        report: SensorReport,
        now: Nanos,
    }

    impl Bench {
        fn new(rules: SampleLimits) -> Bench {
            let (feed, cell) = newest_force();
            let report = SensorReport::default();
            Bench { validator: SampleValidator::new(rules, feed, report.clone()), cell, report, now: 0 }
        }

        /// A sample, a period after the one before; what is known then.
        fn submit(&mut self, force_g: f64) -> Option<f64> {
            self.now += PERIOD_NS;
            let reading = force_g * 400.0;
            self.validator
                .submit(SampleCandidate { reading, force_g, at: self.now, period_ns: PERIOD_NS }, self.now);
            self.known()
        }

        fn known(&mut self) -> Option<f64> {
            self.cell.latest(self.now).map(|sample| sample.force_g)
        }
    }

    #[test]
    fn what_cannot_be_is_lost_and_never_zero() {
        let mut bench = Bench::new(RULES);
        assert_eq!(bench.submit(100.0), Some(100.0));
        for wrong in [f64::NAN, f64::INFINITY, 5_000.1, -5_000.1] {
            assert_eq!(bench.submit(wrong), Some(100.0), "{wrong}");
        }
        let lost = [SampleError::NotFinite, SampleError::OutOfRange].map(|why| bench.report.lost_count(why));
        assert_eq!(lost, [2, 2]);
        bench.now += 100 * MILLISECOND_NS;
        assert_eq!(bench.known(), None, "the last good one has aged");
        assert_eq!(bench.submit(100.0), Some(100.0));
    }

    #[test]
    fn a_jump_is_believed_when_a_second_sample_agrees() {
        let mut bench = Bench::new(RULES);
        bench.submit(0.0);
        assert_eq!(bench.submit(1_250.0), Some(1_250.0), "as fast as can be");
        assert_eq!(bench.submit(-1_000.0), Some(1_250.0));
        assert_eq!(bench.submit(1_200.0), Some(1_200.0), "it was a disturbance");
        assert_eq!(bench.submit(-1_000.0), Some(1_200.0));
        assert_eq!(bench.submit(-1_010.0), Some(-1_010.0), "it was true");
        assert_eq!(bench.report.lost_count(SampleError::TooFast), 2);
    }

    #[test]
    fn a_reading_without_any_noise_is_stuck_after_a_second() {
        let mut bench = Bench::new(RULES);
        for _ in 0..80 {
            assert_eq!(bench.submit(5.0), Some(5.0));
        }
        assert_eq!(bench.submit(5.0), None);
        assert_eq!(bench.submit(5.01), Some(5.01));
    }

    #[test]
    fn a_cell_that_is_mounted_the_other_way_round_is_turned() {
        let mut bench = Bench::new(SampleLimits { invert: true, ..RULES });
        assert_eq!(bench.submit(5.0), Some(-5.0));
    }

    #[test]
    fn a_mean_is_of_the_next_readings_and_a_lost_one_spoils_it() {
        let mut bench = Bench::new(RULES);
        let (reply, mut answer) = oneshot::channel();
        bench.validator.start_average(AverageRequest { count: 3, reply });
        for force_g in [1.0, 2.0, 6.0] {
            bench.submit(force_g);
        }
        assert_eq!(answer.try_recv(), Ok(Average { mean: 1_200.0, spread: 2_000.0 }));
        let (reply, mut answer) = oneshot::channel();
        bench.validator.start_average(AverageRequest { count: 2, reply });
        bench.validator.reject(SampleError::Unscaled, Some(7.0));
        bench.validator.reject(SampleError::Saturated, Some(8.0));
        assert_eq!(answer.try_recv(), Err(oneshot::error::TryRecvError::Closed));
    }
}
