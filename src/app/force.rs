//! The force sensors that are not simulated, whatever the machine is.

use std::sync::Arc;
use std::sync::mpsc::Sender;

use super::force_scale::StoredScale;
use super::{AppError, system};
use crate::hal::{self, ForceSample, MonotonicClock, NewestForce, newest_force};
use crate::layout;
use crate::options::{ForceSensor, Options};
use crate::sensor::desk::{About, Desk};
use crate::sensor::i2c::I2cSensor;
use crate::sensor::listener::Order;
use crate::sensor::logs::LogSink;
use crate::sensor::{Keeper, Kind, Report, Rules, UartOptions, UartSensor};
use crate::store::Store;
use crate::units::Nanos;

/// A sensor of any kind, for the control cycle.
pub type Sensor = Box<dyn hal::ForceSensor + Send>;

/// What a desk is made of, once there is a machine that can be at rest.
pub struct LoadCell {
    kind: Kind,
    device: String,
    rules: Rules,
    keeper: Arc<dyn Keeper>,
    clock: MonotonicClock,
    orders: Sender<Order>,
    report: Report,
}

impl LoadCell {
    /// How a person deals with it.
    pub fn desk(&self, at_rest: impl Fn() -> bool + Send + Sync + 'static) -> Desk {
        let about = About {
            kind: self.kind,
            device: self.device.clone(),
            rules: self.rules,
            keeper: Arc::clone(&self.keeper),
            clock: self.clock,
        };
        Desk::new(about, self.orders.clone(), self.report.clone(), at_rest)
    }
}

/// The newest sample, and the thread that brings it: both end with the control cycle.
struct Heard<T> {
    newest: NewestForce,
    _thread: T,
}

impl<T> hal::ForceSensor for Heard<T> {
    fn latest(&mut self, now: Nanos) -> Option<ForceSample> {
        self.newest.latest(now)
    }
}

/// The sensor that the options name; none for one that belongs to the simulated machine.
pub fn sensor(
    options: &Options,
    clock: MonotonicClock,
    store: &Store,
) -> Result<Option<(Sensor, LoadCell)>, AppError> {
    let force = &options.force;
    let rules =
        Rules { range_g: force.range.get(), fastest_g_per_s: force.fastest_g_per_s, invert: force.invert };
    let (feed, newest) = newest_force();
    let remembered = |kind: Kind| {
        let keeper = Arc::new(StoredScale { store: store.clone(), kind });
        let scale = keeper.scale().unwrap_or(kind.untared());
        (keeper, scale)
    };
    match options.force_sensor() {
        ForceSensor::Sim | ForceSensor::None => Ok(None),
        ForceSensor::Uart => {
            let (keeper, scale) = remembered(Kind::Uart);
            let device = force.device.display().to_string();
            let line =
                UartOptions { device: force.device.clone(), baud: force.baud, rate_hz: force.rate_hz, rules };
            let logs = |report| match &force.firmware {
                Some(file) => LogSink::read_with(file, report),
                None => Ok(LogSink::unread(report)),
            };
            let thread = UartSensor::start(line, scale, clock, feed, logs)
                .map_err(system("starting to hear the force sensor"))?;
            let (orders, report) = (thread.orders(), thread.report().clone());
            let load_cell = LoadCell { kind: Kind::Uart, device, rules, keeper, clock, orders, report };
            Ok(Some((Box::new(Heard { newest, _thread: thread }), load_cell)))
        }
        ForceSensor::I2c => {
            let (keeper, scale) = remembered(Kind::I2c);
            let (bus, address) = (layout::I2C_BUS, layout::LOAD_CELL_ADDRESS);
            let device = format!("address {address} of /dev/i2c-{bus}");
            let thread = I2cSensor::start(clock, (bus, address), rules, scale, feed)?;
            let (orders, report) = (thread.orders(), thread.report().clone());
            let load_cell = LoadCell { kind: Kind::I2c, device, rules, keeper, clock, orders, report };
            Ok(Some((Box::new(Heard { newest, _thread: thread }), load_cell)))
        }
    }
}
