//! Force sensor: read in a thread of its own, from the serial line to a plausible sample in grams.
//!
//! A board on a serial line digitises the load cell. [`yep_sensor_board`] is the code that the board and this room
//! share. On the way from the line to the control cycle:
//!
//! - [`line`](mod@line): the serial device, the only file that uses rppal's `Uart`
//! - [`protocol`]: state machine of the link: version check, configuration of the board, detection of new and frozen
//!   samples
//! - [`clock_sync`]: converts the board's time stamps to the machine's monotonic clock
//! - [`validator`]: plausibility check of each sample (promise S13); a sample that passes becomes the newest sample of
//!   `hal`
//! - [`listener`]: all of these together, with time as an argument; [`uart`] is the thread around it
//! - [`i2c`]: the driver of the older load cell on the I2C bus, which needs only the validator
//!
//! Beside that path:
//!
//! - [`scale`]: zero and factor that convert readings to grams, and the trait of the place that stores them
//! - [`service`]: tare and calibration, and the reasons for refusing them (promise S15)
//! - [`report`]: status of the sensor for people: link, counters, last error
//! - [`logs`]: the board's defmt log, written into ours; [`firmware`] decodes it with the firmware's ELF file
//!
//! docs/SENSOR.md has a table of every fault of the line and its effect.

pub mod clock_sync;
pub mod firmware;
pub mod i2c;
pub mod line;
pub mod listener;
pub mod logs;
pub mod protocol;
pub mod report;
pub mod sample_error;
pub mod scale;
pub mod service;
pub mod uart;
pub mod validator;

pub use listener::BoardListener;
pub use report::SensorReport;
pub use sample_error::SampleError;
pub use scale::{Scale, ScaleStore, SensorKind};
pub use uart::{UartOptions, UartSensor};
pub use validator::{SampleCandidate, SampleLimits, SampleValidator};
