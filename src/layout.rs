//! Hardware layout as constants: rings, stacks, cores, pins and their safe levels, timeouts, limits.
//!
//! `memory-layout/layout.toml` defines them, with a reason each; `build.rs` checks them and generates the included
//! file. No figure of that file is repeated in the source.

/// Commit that this binary was built from, or `unknown`.
pub const GIT_ID: &str = env!("YEP_GIT_ID");

/// Function of a pin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PinRole {
    /// A pulse is a step.
    Step,
    /// Direction of a pulse.
    Dir,
    /// Power of the motor driver.
    Enable,
    /// The limit switch at the front.
    Front,
    /// The limit switch at the back.
    Back,
    /// The sense input of the e-stop loop.
    EStop,
    /// The alarm output of the motor driver.
    DriverAlarm,
}

/// Voltage level of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Level {
    /// Near ground.
    Low,
    /// Near 3.3 V.
    High,
}

/// Pull resistor of an input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Pull {
    /// To 3.3 V.
    Up,
    /// To ground.
    Down,
}

/// Direction of a pin, and the meaning of its levels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Wiring {
    /// An output.
    Output {
        /// Safe level, which is also the level at power-on.
        safe: Level,
    },
    /// An input.
    Input {
        /// Level that means pressed, or open.
        active: Level,
        /// Pull resistor.
        pull: Pull,
    },
}

/// A pin of the header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Pin {
    /// Function.
    pub role: PinRole,
    /// BCM number.
    pub bcm: u8,
    /// Direction and levels.
    pub wiring: Wiring,
    /// True if the machine works with nothing wired to it.
    pub optional: bool,
}

/// A partition of the card.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Partition {
    /// Function.
    pub name: &'static str,
    /// Number in the partition table.
    pub number: u8,
    /// Label of its file system.
    pub label: &'static str,
    /// File system; `none` if there is none yet.
    pub filesystem: &'static str,
    /// Start (MiB).
    pub start_mib: u64,
    /// Size when the card is written (MiB).
    pub size_mib: u64,
    /// True if it grows to the rest of the card at the first boot.
    pub grows: bool,
}

include!(concat!(env!("OUT_DIR"), "/layout.rs"));
