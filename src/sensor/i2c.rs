//! Sensor thread of the older load cell on the I2C bus.
//!
//! The cell weighs in grams with a factor of its own; the scale here corrects its readings, and the same plausibility
//! check applies.

use std::sync::mpsc::{self, Sender};

use super::listener::SensorRequest;
use super::report::{LinkState, SensorReport};
use super::sample_error::SampleError;
use super::scale::Scale;
use super::validator::{SampleCandidate, SampleLimits, SampleValidator};
use crate::hal::rpi::PiError;
use crate::hal::rpi::load_cell::{I2cLoadCell, PERIOD_NS};
use crate::hal::{ForceFeed, MonotonicClock};
use crate::units::seconds;

/// Handle of the load cell and its thread; dropping it ends both.
#[derive(Debug)]
pub struct I2cSensor {
    _load_cell: I2cLoadCell,
    requests: Sender<SensorRequest>,
    report: SensorReport,
}

impl I2cSensor {
    /// Starts the thread.
    ///
    /// # Errors
    /// The bus is missing, or this user may not open it.
    pub fn start(
        clock: MonotonicClock,
        (bus, address): (u8, u8),
        rules: SampleLimits,
        scale: Scale,
        feed: ForceFeed,
    ) -> Result<I2cSensor, PiError> {
        let report = SensorReport::default();
        let (requests, received) = mpsc::channel();
        let mut validator = SampleValidator::new(rules, feed, report.clone());
        let mut scale = scale;
        {
            let mut state = report.state();
            (state.scale, state.rate_hz) = (scale, Some(1.0 / seconds(PERIOD_NS)));
            (state.opened, state.link) = (1, LinkState::Silent);
        }
        let status = report.clone();
        let load_cell = I2cLoadCell::start(clock, bus, address, move |weight_g, at, now| {
            for request in received.try_iter() {
                match request {
                    SensorRequest::Average(request) => validator.start_average(request),
                    SensorRequest::Scale(new) => {
                        scale = new;
                        validator.forget_history();
                        status.state().scale = scale;
                    }
                }
            }
            {
                let mut state = status.state();
                match weight_g {
                    Some(_) => (state.link, state.heard_at) = (LinkState::Live, Some(now)),
                    None => state.link = LinkState::Silent,
                }
                *(if weight_g.is_some() { &mut state.good_frames } else { &mut state.garbled }) += 1;
            }
            match weight_g.map(|weight_g| (weight_g, scale.force_g(weight_g))) {
                Some((reading, Some(force_g))) => {
                    validator.submit(SampleCandidate { reading, force_g, at, period_ns: PERIOD_NS }, now);
                }
                Some((reading, None)) => validator.reject(SampleError::Unscaled, Some(reading)),
                None => validator.reject(SampleError::Silent, None),
            }
        })?;
        Ok(I2cSensor { _load_cell: load_cell, requests, report })
    }

    /// A sender of requests to the thread.
    pub fn requests(&self) -> Sender<SensorRequest> {
        self.requests.clone()
    }

    /// Status of the sensor.
    pub fn report(&self) -> &SensorReport {
        &self.report
    }
}
