//! The older load cell on the I2C bus, judged like every sensor. It weighs in grams and keeps its own factor; the scale
//! here corrects what it says.

use std::sync::mpsc::{self, Sender};

use super::intake::{AcceptedSample, Intake, IntakeRules};
use super::listener::SensorOrder;
use super::report::{LinkState, SensorReport};
use super::sample_error::SampleError;
use super::scale::Scale;
use crate::hal::rpi::PiError;
use crate::hal::rpi::load_cell::{I2cLoadCell, PERIOD_NS};
use crate::hal::{ForceFeed, MonotonicClock};
use crate::units::seconds;

/// The load cell with its thread; both end when it is dropped.
#[derive(Debug)]
pub struct I2cSensor {
    _load_cell: I2cLoadCell,
    orders: Sender<SensorOrder>,
    report: SensorReport,
}

impl I2cSensor {
    /// Begins to read.
    ///
    /// # Errors
    /// The bus is not there, or not for this user.
    pub fn start(
        clock: MonotonicClock,
        (bus, address): (u8, u8),
        rules: IntakeRules,
        scale: Scale,
        feed: ForceFeed,
    ) -> Result<I2cSensor, PiError> {
        let report = SensorReport::default();
        let (orders, taken) = mpsc::channel();
        let mut intake = Intake::new(rules, feed, report.clone());
        let mut scale = scale;
        {
            let mut state = report.state();
            (state.scale, state.rate_hz) = (scale, Some(1.0 / seconds(PERIOD_NS)));
            (state.opened, state.link) = (1, LinkState::Silent);
        }
        let told = report.clone();
        let load_cell = I2cLoadCell::start(clock, bus, address, move |weight_g, at, now| {
            for order in taken.try_iter() {
                match order {
                    SensorOrder::Average(order) => intake.average(order),
                    SensorOrder::Scale(new) => {
                        scale = new;
                        intake.forget();
                        told.state().scale = scale;
                    }
                }
            }
            {
                let mut state = told.state();
                match weight_g {
                    Some(_) => (state.link, state.heard_at) = (LinkState::Live, Some(now)),
                    None => state.link = LinkState::Silent,
                }
                *(if weight_g.is_some() { &mut state.good_frames } else { &mut state.garbled }) += 1;
            }
            match weight_g.map(|weight_g| (weight_g, scale.force_g(weight_g))) {
                Some((reading, Some(force_g))) => {
                    intake.take(AcceptedSample { reading, force_g, at, period_ns: PERIOD_NS }, now);
                }
                Some((reading, None)) => intake.miss(SampleError::Unscaled, Some(reading)),
                None => intake.miss(SampleError::Silent, None),
            }
        })?;
        Ok(I2cSensor { _load_cell: load_cell, orders, report })
    }

    /// Where to send wishes.
    #[must_use]
    pub fn orders(&self) -> Sender<SensorOrder> {
        self.orders.clone()
    }

    /// How it gets on.
    #[must_use]
    pub fn report(&self) -> &SensorReport {
        &self.report
    }
}
