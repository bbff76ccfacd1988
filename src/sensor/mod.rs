//! HEARING: the force sensor, in a thread of its own, and what its readings mean.
//!
//! A board on a serial line converts the load cell and says what it measures; [`board`](yep_sensor_board) is the code
//! that it shares with this room. From the line to the control cycle:
//!
//! - [`line`]: the serial device; rppal's, and nobody else touches it
//! - [`dialogue`]: who is there, in which version, set up as wanted; which samples are new
//! - [`timeline`]: when a sample was taken, on the clock of the machine
//! - [`intake`]: whether a sample can be true (promise S13); what passes is the newest sample of `hal`
//! - [`listener`]: these together, with time as an argument; [`uart`] is the thread around it
//! - [`i2c`]: the older load cell instead of all that
//!
//! And beside it:
//!
//! - [`scale`]: what readings mean in grams, and who remembers that
//! - [`desk`]: tare and calibration, and when they are refused (promise S15)
//! - [`report`]: what a person wants to know about the sensor
//! - [`logs`]: the log of the board, in ours; [`firmware`] is the file that it is read with
//!
//! What each kind of trouble on the line comes to is one table, in docs/SENSOR.md.

pub mod dialogue;
pub mod firmware;
pub mod i2c;
pub mod intake;
pub mod line;
pub mod listener;
pub mod logs;
pub mod report;
pub mod sample_error;
pub mod scale;
pub mod service;
pub mod timeline;
pub mod uart;

pub use intake::{AcceptedSample, Intake, IntakeRules};
pub use listener::BoardListener;
pub use report::SensorReport;
pub use sample_error::SampleError;
pub use scale::{Scale, ScaleStore, SensorKind};
pub use uart::{UartOptions, UartSensor};
