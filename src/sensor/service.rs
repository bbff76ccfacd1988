//! Tare and calibration of the force sensor, and the reasons for refusing them.
//!
//! Promise S15: taring cannot hide a load without the user's confirmation. A load that is present, or that cannot be
//! excluded before the first calibration, is only tared away when the request says so. Both need the axis at rest and
//! steady readings, and store the scale before it takes effect.

use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::time::Duration;

use tokio::sync::{Mutex, oneshot};

use super::listener::SensorRequest;
use super::report::{LinkState, SensorReport, SensorState};
use super::sample_error::SampleError;
use super::scale::{Scale, ScaleStore, SensorKind};
use super::validator::{Average, AverageRequest, SampleLimits};
use crate::hal::{Clock, MonotonicClock};
use crate::units::Nanos;

/// A smaller load may be tared away without confirmation: the drift of a day.
pub const FREE_TARE_G: f64 = 20.0;
/// Readings that spread by more come from a moving load.
const STEADY_G: f64 = 50.0;
/// Least signal-to-noise ratio of a calibration: the change of the reading over the spread of the readings.
const STANDS_OUT: f64 = 10.0;
/// Smallest weight for a calibration (g).
pub const LEAST_WEIGHT_G: f64 = 10.0;
/// Averaging time, and the least number of readings.
const AVERAGE_S: f64 = 0.5;
const LEAST_READINGS: usize = 5;
/// Timeout for the readings of an average.
const READINGS_WITHIN: Duration = Duration::from_secs(3);
/// Timeout for the board's confirmation of a new scale.
const CONFIRMED_WITHIN: Duration = Duration::from_secs(2);
const POLL_EVERY: Duration = Duration::from_millis(10);

/// The reason why a tare or calibration was refused.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum SensorRefusal {
    /// The axis moves.
    #[error("the axis moves: stop or end it first")]
    Moving,
    /// Too few readings, or none.
    #[error("no steady stream of readings ({0}): see what is wrong with `yep sensor status`")]
    NoReadings(&'static str),
    /// The readings spread too much.
    #[error("the readings vary by {0:.0} g: let the carriage rest and nobody touch it")]
    Unsteady(f64),
    /// A load is on the cell.
    #[error(
        "a load of {0:.0} g is on the cell, and taring would hide it: take it away, or say that it is to count as none"
    )]
    Load(f64),
    /// A load cannot be excluded before the first calibration.
    #[error(
        "whether a load is on the cell cannot be known before the first calibration: make sure that nothing presses on it, and say so"
    )]
    LoadUnknown,
    /// A calibration needs a tare first.
    #[error("tare the unloaded cell first")]
    NotTared,
    /// The weight does not change the reading more than noise does.
    #[error(
        "the weight changes the readings by {0:.1} only, which noise does too: put it on, or take a heavier one"
    )]
    NoDifference(f64),
    /// The weight is out of range; the value is the cell's range (g).
    #[error("the weight must be between {LEAST_WEIGHT_G} and {0} g, with the sign of its direction")]
    Weight(f64),
    /// The scale cannot be stored.
    #[error("it could not be written down, nothing has changed: {0}")]
    NotKept(String),
    /// The board did not confirm the scale in time.
    #[error("it is written down, but the board has not confirmed it yet: see `yep sensor status`")]
    NotConfirmed,
}

/// Tare, calibration and status of one force sensor.
pub struct SensorService {
    kind: SensorKind,
    device: String,
    rules: SampleLimits,
    requests: Sender<SensorRequest>,
    report: SensorReport,
    keeper: Arc<dyn ScaleStore>,
    clock: MonotonicClock,
    at_rest: Box<dyn Fn() -> bool + Send + Sync>,
    /// Serialises tare and calibration.
    turn: Mutex<()>,
}

/// Status of a force sensor at one instant.
#[derive(Debug, Clone)]
pub struct SensorStatus {
    /// Kind of sensor.
    pub kind: SensorKind,
    /// Name of its device.
    pub device: String,
    /// Limits of a plausible sample.
    pub rules: SampleLimits,
    /// Link, readings, scale and counters.
    pub state: SensorState,
    /// The instant.
    pub at: Nanos,
}

impl SensorStatus {
    /// State and remedy, for people.
    pub fn remedy(&self) -> &'static str {
        let SensorState { link, scale, last_lost, .. } = &self.state;
        // Errors of samples say nothing about the cell while the link is not live.
        match last_lost.filter(|_| *link == LinkState::Live) {
            Some(SampleError::Unscaled) if scale.zero.is_none() => {
                "tare the unloaded cell: `yep sensor tare`"
            }
            Some(SampleError::Unscaled) if scale.per_g.is_none() => {
                "put a known weight on the cell: `yep sensor calibrate GRAMS`"
            }
            Some(SampleError::Saturated) => {
                "the converter is at the end of its range: check the four wires of the load cell"
            }
            Some(SampleError::Silent) => "the converter gives no results: check its supply and its two pins",
            Some(SampleError::Stuck) => "the readings do not change at all: check the load cell",
            Some(SampleError::OutOfRange) => {
                "more force than the cell can measure: check it, and calibrate again"
            }
            _ => link.remedy(),
        }
    }
}

/// Result of a tare.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TareOutcome {
    /// The new zero, in the sensor's own unit.
    pub zero: f64,
    /// Force by the former scale (g); `None` before the first calibration.
    pub was_g: Option<f64>,
}

/// Result of a calibration.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CalibrationOutcome {
    /// Zero, in the sensor's own unit.
    pub zero: f64,
    /// The new change of the reading per gram.
    pub per_g: f64,
    /// Kind of sensor, which says what its own unit is.
    pub kind: SensorKind,
    /// Spread of the readings (g).
    pub noise_g: f64,
}

/// Parts of a sensor service.
pub struct SensorDescription {
    /// Kind of sensor.
    pub kind: SensorKind,
    /// Name of its device.
    pub device: String,
    /// Limits of a plausible sample.
    pub rules: SampleLimits,
    /// Persistent storage of its scale.
    pub keeper: Arc<dyn ScaleStore>,
    /// Clock of its samples.
    pub clock: MonotonicClock,
}

impl SensorService {
    /// For the sensor thread behind `requests` and `report`; `at_rest` returns true while the machine rests.
    pub fn new(
        about: SensorDescription,
        requests: Sender<SensorRequest>,
        report: SensorReport,
        at_rest: impl Fn() -> bool + Send + Sync + 'static,
    ) -> SensorService {
        let SensorDescription { kind, device, rules, keeper, clock } = about;
        SensorService {
            kind,
            device,
            rules,
            requests,
            report,
            keeper,
            clock,
            at_rest: Box::new(at_rest),
            turn: Mutex::new(()),
        }
    }

    /// The present status.
    pub fn status(&self) -> SensorStatus {
        SensorStatus {
            kind: self.kind,
            device: self.device.clone(),
            rules: self.rules,
            state: self.report.state().clone(),
            at: self.clock.now(),
        }
    }

    /// Number of samples that were lost, by reason.
    pub fn lost_samples(&self) -> Vec<(&'static str, u64)> {
        let state = self.report.state();
        SampleError::ALL.map(|why| (why.name(), state.lost[why as usize])).to_vec()
    }

    /// Tares: takes the present reading as zero. With `confirmed`, the user takes any load on the cell for zero.
    ///
    /// # Errors
    /// [`SensorRefusal`]; nothing has changed, except with [`SensorRefusal::NotConfirmed`].
    pub async fn tare(&self, confirmed: bool) -> Result<TareOutcome, SensorRefusal> {
        let _turn = self.turn.lock().await;
        let scale = self.scale();
        let average = self.average().await?;
        self.check_steady(&average, &scale)?;
        let load_g = scale.force_g(average.mean);
        match load_g {
            _ if confirmed => {}
            None => return Err(SensorRefusal::LoadUnknown),
            Some(load_g) if load_g.abs() > FREE_TARE_G => return Err(SensorRefusal::Load(load_g.abs())),
            Some(_) => {}
        }
        let zero = average.mean.round();
        self.apply_scale(Scale { zero: Some(zero), ..scale }).await?;
        tracing::info!(zero, ?load_g, "the force sensor was tared");
        Ok(TareOutcome { zero, was_g: load_g })
    }

    /// Calibrates: computes the factor from the present load, which weighs `weight_g` grams; positive pushes toward the
    /// front.
    ///
    /// # Errors
    /// [`SensorRefusal`]; nothing has changed, except with [`SensorRefusal::NotConfirmed`].
    pub async fn calibrate(&self, weight_g: f64) -> Result<CalibrationOutcome, SensorRefusal> {
        if !(LEAST_WEIGHT_G..=self.rules.range_g).contains(&weight_g.abs()) {
            return Err(SensorRefusal::Weight(self.rules.range_g));
        }
        let _turn = self.turn.lock().await;
        let scale = self.scale();
        let zero = scale.zero.ok_or(SensorRefusal::NotTared)?;
        let average = self.average().await?;
        let difference = average.mean - zero;
        if difference == 0.0 || difference.abs() < STANDS_OUT * average.spread {
            return Err(SensorRefusal::NoDifference(difference));
        }
        let as_counted_g = if self.rules.invert { -weight_g } else { weight_g };
        let per_g = difference / as_counted_g;
        self.apply_scale(Scale { zero: Some(zero), per_g: Some(per_g) }).await?;
        tracing::info!(weight_g, per_g, "the force sensor was calibrated");
        let noise_g = average.spread / difference.abs() * weight_g.abs();
        Ok(CalibrationOutcome { zero, per_g, kind: self.kind, noise_g })
    }

    /// Applies the stored scale again, after a backup replaced it.
    pub fn reload_scale(&self) {
        let scale = self.keeper.scale().unwrap_or(self.kind.untared());
        // Without the thread there is no force to scale.
        let _ = self.requests.send(SensorRequest::Scale(scale));
    }

    /// The stored scale; the board may not have it yet.
    fn scale(&self) -> Scale {
        self.keeper.scale().unwrap_or(self.report.state().scale)
    }

    async fn average(&self) -> Result<Average, SensorRefusal> {
        if !(self.at_rest)() {
            return Err(SensorRefusal::Moving);
        }
        let rate_hz = self.report.state().rate_hz.unwrap_or(10.0);
        let count = ((rate_hz * AVERAGE_S) as usize).max(LEAST_READINGS);
        let (reply, answer) = oneshot::channel();
        let request = SensorRequest::Average(AverageRequest { count, reply });
        self.requests
            .send(request)
            .map_err(|_| SensorRefusal::NoReadings("the sensor's thread has ended"))?;
        let answer = tokio::time::timeout(READINGS_WITHIN, answer).await;
        let average = match answer {
            Ok(Ok(average)) => average,
            Ok(Err(_)) => return Err(SensorRefusal::NoReadings("some were lost")),
            Err(_) => return Err(SensorRefusal::NoReadings("none came")),
        };
        // A motion that began meanwhile has changed the readings.
        if (self.at_rest)() { Ok(average) } else { Err(SensorRefusal::Moving) }
    }

    fn check_steady(&self, average: &Average, scale: &Scale) -> Result<(), SensorRefusal> {
        let spread_g = scale.per_g.map_or(0.0, |per_g| (average.spread / per_g).abs());
        if spread_g > STEADY_G { Err(SensorRefusal::Unsteady(spread_g)) } else { Ok(()) }
    }

    async fn apply_scale(&self, scale: Scale) -> Result<(), SensorRefusal> {
        self.keeper.save(scale).await.map_err(SensorRefusal::NotKept)?;
        let _ = self.requests.send(SensorRequest::Scale(scale));
        let confirmed = async {
            while self.report.state().scale != scale {
                tokio::time::sleep(POLL_EVERY).await;
            }
        };
        tokio::time::timeout(CONFIRMED_WITHIN, confirmed).await.map_err(|_| SensorRefusal::NotConfirmed)
    }
}
