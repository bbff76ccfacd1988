//! The memories of the appliance, as constants: rings, stacks, cores, pins and their safe levels, times, limits.
//!
//! `memory-layout/layout.toml` says them, with a reason each; `build.rs` checks them and writes what is
//! included here. No figure of that file is repeated in the source.

/// Which commit this binary was built from, or `unknown`.
pub const GIT_ID: &str = env!("YEP_GIT_ID");

/// What a pin is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PinRole {
    /// One pulse, one step.
    Step,
    /// Which way a pulse moves.
    Dir,
    /// Whether the motor driver is powered.
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

/// The voltage of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Level {
    /// Near ground.
    Low,
    /// Near 3.3 V.
    High,
}

/// What holds an input when nothing is connected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Pull {
    /// To 3.3 V.
    Up,
    /// To ground.
    Down,
}

/// Which way a pin works, and what its levels mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Wiring {
    /// Driven by us.
    Output {
        /// The level at which nothing can happen; also the level at power-on.
        safe: Level,
    },
    /// Read by us.
    Input {
        /// The level that means pressed, or open.
        active: Level,
        /// What holds the line when nothing is connected.
        pull: Pull,
    },
}

/// A pin of the header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Pin {
    /// What it is for.
    pub role: PinRole,
    /// Its BCM number.
    pub bcm: u8,
    /// Which way it works.
    pub wiring: Wiring,
    /// Whether the machine works with nothing wired to it.
    pub optional: bool,
}

/// A partition of the card.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Partition {
    /// What it is for.
    pub name: &'static str,
    /// The label of its file system.
    pub label: &'static str,
    /// Which file system; `none` where there is none yet.
    pub filesystem: &'static str,
    /// Where it begins.
    pub start_mib: u64,
    /// How large it is when the card is written.
    pub size_mib: u64,
    /// Whether it takes the rest of the card at the first boot.
    pub grows: bool,
}

include!(concat!(env!("OUT_DIR"), "/layout.rs"));
