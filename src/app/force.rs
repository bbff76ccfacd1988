//! Force sensors that are not simulated: the board on a serial line, and the older load cell.

use std::sync::Arc;
use std::sync::mpsc::Sender;

use super::force_scale::StoredScale;
use super::{AppError, system};
use crate::hal::{self, ForceSample, MonotonicClock, NewestForce, newest_force};
use crate::layout;
use crate::options::{ForceSensorOptions, Options};
use crate::sensor::i2c::I2cSensor;
use crate::sensor::listener::SensorRequest;
use crate::sensor::logs::LogSink;
use crate::sensor::service::{SensorDescription, SensorService};
use crate::sensor::{SampleLimits, ScaleStore, SensorKind, SensorReport, UartOptions, UartSensor};
use crate::store::Store;
use crate::units::Nanos;

/// A sensor of any kind, as the control cycle reads it.
pub type Sensor = Box<dyn hal::ForceSensor + Send>;

/// Parts of a [`SensorService`], until there is a machine that can be at rest.
pub struct LoadCellParts {
    kind: SensorKind,
    device: String,
    rules: SampleLimits,
    keeper: Arc<dyn ScaleStore>,
    clock: MonotonicClock,
    requests: Sender<SensorRequest>,
    report: SensorReport,
}

impl LoadCellParts {
    /// The service for tare and calibration; `at_rest` returns true while the machine rests.
    pub fn service(&self, at_rest: impl Fn() -> bool + Send + Sync + 'static) -> SensorService {
        let about = SensorDescription {
            kind: self.kind,
            device: self.device.clone(),
            rules: self.rules,
            keeper: Arc::clone(&self.keeper),
            clock: self.clock,
        };
        SensorService::new(about, self.requests.clone(), self.report.clone(), at_rest)
    }
}

/// The newest sample and the thread that writes it; both are dropped with the control cycle.
struct SampleSource<T> {
    newest: NewestForce,
    _thread: T,
}

impl<T> hal::ForceSensor for SampleSource<T> {
    fn latest(&mut self, now: Nanos) -> Option<ForceSample> {
        self.newest.latest(now)
    }
}

/// Starts the sensor that the options name; `None` for the simulated one, or without one.
pub fn sensor(
    options: &Options,
    clock: MonotonicClock,
    store: &Store,
) -> Result<Option<(Sensor, LoadCellParts)>, AppError> {
    let force = &options.force;
    let rules = SampleLimits {
        range_g: force.range.get(),
        fastest_g_per_s: force.fastest_g_per_s,
        invert: force.invert,
    };
    let (feed, newest) = newest_force();
    let remembered = |kind: SensorKind| {
        let keeper = Arc::new(StoredScale { store: store.clone(), kind });
        let scale = keeper.scale().unwrap_or(kind.untared());
        (keeper, scale)
    };
    match options.force_sensor() {
        ForceSensorOptions::Sim | ForceSensorOptions::None => Ok(None),
        ForceSensorOptions::Uart => {
            let (keeper, scale) = remembered(SensorKind::Uart);
            let device = force.device.display().to_string();
            let line =
                UartOptions { device: force.device.clone(), baud: force.baud, rate_hz: force.rate_hz, rules };
            let logs = |report| match &force.firmware {
                Some(file) => LogSink::with_firmware(file, report),
                None => Ok(LogSink::without_firmware(report)),
            };
            let thread = UartSensor::start(line, scale, clock, feed, logs)
                .map_err(system("starting to hear the force sensor"))?;
            let (requests, report) = (thread.requests(), thread.report().clone());
            let load_cell =
                LoadCellParts { kind: SensorKind::Uart, device, rules, keeper, clock, requests, report };
            Ok(Some((Box::new(SampleSource { newest, _thread: thread }), load_cell)))
        }
        ForceSensorOptions::I2c => {
            let (keeper, scale) = remembered(SensorKind::I2c);
            let (bus, address) = (layout::I2C_BUS, layout::LOAD_CELL_ADDRESS);
            let device = format!("address {address} of /dev/i2c-{bus}");
            let thread = I2cSensor::start(clock, (bus, address), rules, scale, feed)?;
            let (requests, report) = (thread.requests(), thread.report().clone());
            let load_cell =
                LoadCellParts { kind: SensorKind::I2c, device, rules, keeper, clock, requests, report };
            Ok(Some((Box::new(SampleSource { newest, _thread: thread }), load_cell)))
        }
    }
}
