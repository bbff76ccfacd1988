//! Errors of the Raspberry Pi's pins and buses, with their remedies.

use std::fs;
use std::io::{self, ErrorKind};

use rppal::{gpio, i2c};

/// File with the model of a Raspberry Pi.
const MODEL: &str = "/sys/firmware/devicetree/base/model";
/// The registers of the pins of a Pi 5.
const REGISTERS_OF_PI_5: &str = "/dev/gpiomem0";

/// Reason why the pins or buses of a Pi cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PiError {
    /// This computer is no Raspberry Pi.
    #[error("this computer is no Raspberry Pi ({0})")]
    NotAPi(String),
    /// A Pi that is newer than this build knows.
    #[error("this Raspberry Pi is of an unknown model ({0})")]
    UnknownModel(String),
    /// The device exists, and this user may not use it.
    #[error("no permission to use {0}")]
    NoPermission(String),
    /// The kernel has no such device.
    #[error("{0} is not there")]
    NoDevice(String),
    /// Another program or a kernel driver uses the pin.
    #[error("BCM {pin} ({role}) is in use by another program")]
    PinBusy {
        /// The pin.
        pin: u8,
        /// Its role.
        role: &'static str,
    },
    /// This model has no such pin.
    #[error("this Raspberry Pi has no pin BCM {pin} ({role})")]
    NoSuchPin {
        /// The pin.
        pin: u8,
        /// Its role.
        role: &'static str,
    },
    /// Any other error of the system.
    #[error("{what}: {error}")]
    System {
        /// Attempted operation.
        what: &'static str,
        /// Error of the system.
        error: io::Error,
    },
}

impl PiError {
    /// Stable code for programs.
    pub const fn code(&self) -> &'static str {
        match self {
            PiError::NotAPi(_) => "not_a_pi",
            PiError::UnknownModel(_) => "unknown_model",
            PiError::NoPermission(_) => "no_permission",
            PiError::NoDevice(_) => "no_device",
            PiError::PinBusy { .. } => "pin_busy",
            PiError::NoSuchPin { .. } => "no_such_pin",
            PiError::System { .. } => "system",
        }
    }

    /// Remedy for the user.
    pub fn remedy(&self) -> String {
        match self {
            PiError::NotAPi(_) => "run it on a Raspberry Pi, or use --driver sim".to_owned(),
            PiError::UnknownModel(_) => {
                "boards of the families 3 and 4 are known to work; newer ones need a newer build".to_owned()
            }
            PiError::NoPermission(path) => {
                let group = if path.starts_with("/dev/i2c") { "i2c" } else { "gpio" };
                format!("run it as a user of the group {group}: usermod -aG {group} NAME, then log in again")
            }
            PiError::NoDevice(path) if path.starts_with("/dev/i2c") => {
                "dtparam=i2c_arm=on in config.txt, and the module i2c-dev".to_owned()
            }
            PiError::NoDevice(_) => {
                "use a kernel with the driver of the Pi's pins: that of Raspberry Pi OS has it".to_owned()
            }
            PiError::PinBusy { pin, .. } => format!(
                "`gpioinfo` names who has line {pin}: stop that, or take its overlay out of config.txt; or choose \
                 another pin in [pins]"
            ),
            PiError::NoSuchPin { .. } => "choose another pin in [pins]".to_owned(),
            PiError::System { .. } => {
                "`yep doctor --driver gpio` looks at everything that is needed".to_owned()
            }
        }
    }

    /// Converts an error of rppal about all pins.
    pub(super) fn of_gpio(error: gpio::Error) -> PiError {
        match error {
            gpio::Error::UnknownModel => no_known_model(),
            gpio::Error::PermissionDenied(path) => PiError::NoPermission(path),
            gpio::Error::Io(error) => match error.kind() {
                // rppal names its path for every other device.
                ErrorKind::PermissionDenied => PiError::NoPermission(REGISTERS_OF_PI_5.to_owned()),
                ErrorKind::NotFound => {
                    let what =
                        format!("/dev/gpiomem ({REGISTERS_OF_PI_5} on a Pi 5), or the pins' /dev/gpiochip");
                    PiError::NoDevice(what)
                }
                _ => PiError::System { what: "reaching the pins", error },
            },
            other => {
                PiError::System { what: "reaching the pins", error: io::Error::other(other.to_string()) }
            }
        }
    }

    /// Converts an error of rppal about one pin.
    pub(super) fn of_pin(pin: u8, role: &'static str) -> impl FnOnce(gpio::Error) -> PiError {
        move |error| match error {
            gpio::Error::PinNotAvailable(_) => PiError::NoSuchPin { pin, role },
            gpio::Error::PinUsed(_) => PiError::PinBusy { pin, role },
            gpio::Error::Io(error) if error.kind() == ErrorKind::ResourceBusy => {
                PiError::PinBusy { pin, role }
            }
            other => PiError::of_gpio(other),
        }
    }

    /// Converts an error of rppal about a bus.
    pub(super) fn of_bus(path: String) -> impl FnOnce(i2c::Error) -> PiError {
        move |error| match error {
            i2c::Error::UnknownModel => no_known_model(),
            i2c::Error::Io(error) => match error.kind() {
                ErrorKind::PermissionDenied => PiError::NoPermission(path),
                ErrorKind::NotFound => PiError::NoDevice(path),
                _ => PiError::System { what: "opening the I2C bus", error },
            },
            other => {
                PiError::System { what: "opening the I2C bus", error: io::Error::other(other.to_string()) }
            }
        }
    }
}

/// Error for a board that rppal does not know.
fn no_known_model() -> PiError {
    match fs::read_to_string(MODEL) {
        Ok(model) if model.starts_with("Raspberry Pi") => {
            PiError::UnknownModel(model.trim_end_matches('\0').to_owned())
        }
        Ok(model) => PiError::NotAPi(model.trim_end_matches('\0').to_owned()),
        Err(_) => PiError::NotAPi(std::env::consts::ARCH.to_owned()),
    }
}
