//! The force sensors that are not simulated, whatever the machine is.

use super::AppError;
use crate::hal::rpi::I2cLoadCell;
use crate::hal::{self, MonotonicClock};
use crate::layout;
use crate::options::{ForceSensor, Options};

/// A sensor of any kind, for the control cycle.
pub type Sensor = Box<dyn hal::ForceSensor + Send>;

/// The sensor that the options name; none for one that belongs to the simulated machine.
pub fn sensor(options: &Options, clock: MonotonicClock) -> Result<Option<Sensor>, AppError> {
    Ok(match options.force_sensor() {
        ForceSensor::Sim | ForceSensor::None => None,
        ForceSensor::I2c => {
            Some(Box::new(I2cLoadCell::start(clock, layout::I2C_BUS, layout::LOAD_CELL_ADDRESS)?))
        }
    })
}
