//! What the process was started with: the command line, the configuration file and the defaults, merged.
//!
//! Responsible for the types, the defaults and the rules between them. Where the values come from is the
//! business of `cli`; what they cause is that of `app`. What a *user* sets while the machine runs is not here
//! but in `settings`.
//!
//! The parts are also the sections of the configuration file: a key that is left out keeps its default.

pub mod rules;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::hal::sim::Mishap;
use crate::layout;
use crate::units::{Grams, Mm, MmPerS, StepsPerMm};

/// Everything that is decided at the start.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    /// Where the server listens. Port 0: any free one.
    pub listen: SocketAddr,
    /// Where the store lives.
    pub state_dir: PathBuf,
    /// Who moves the axis.
    pub driver: Driver,
    /// The folder of a built app that is served besides the API.
    pub app: Option<PathBuf>,
    /// Who may call.
    pub access: Access,
    /// How many may call.
    pub limits: ConnectionOptions,
    /// Which pin does what.
    pub pins: Pins,
    /// What the motor driver needs to see.
    pub timing: Timing,
    /// What the user cannot set on a page about the rail.
    pub rail: RailSection,
    /// How to look for the ends.
    pub homing: HomingSection,
    /// When a wave and the hold of an axis at rest end by themselves.
    pub session: SessionOptions,
    /// What measures the force.
    pub force: Force,
    /// What the host must give.
    pub realtime: Realtime,
    /// Where the computer tells of its power and heat.
    pub host: HostOptions,
    /// The simulated machine.
    pub sim: Sim,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8080)),
            state_dir: PathBuf::from("state"),
            driver: Driver::default(),
            app: None,
            access: Access::default(),
            limits: ConnectionOptions::default(),
            pins: Pins::default(),
            timing: Timing::default(),
            rail: RailSection::default(),
            homing: HomingSection::default(),
            session: SessionOptions::default(),
            force: Force::default(),
            realtime: Realtime::default(),
            host: HostOptions::default(),
            sim: Sim::default(),
        }
    }
}

/// Who moves the axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum Driver {
    /// A simulated machine inside this process
    #[default]
    Sim,
    /// The pins of this Raspberry Pi
    Gpio,
    /// A yep-machine on another host, which listens to the stream `command_all`
    Remote,
}

/// Who may call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Access {
    /// Name of this host in the local network, without `.local`; none: as the system calls it.
    pub hostname: Option<String>,
    /// Pages that may call the server, besides the app's own on this host.
    pub extra_origins: Vec<String>,
    /// Address of the yep-machine, for the driver `remote`.
    pub remote_machine: Option<IpAddr>,
    /// What becomes of a wave whose client is gone.
    pub lease: LeasePolicy,
}

/// What becomes of a wave whose client is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LeasePolicy {
    /// The axis comes to rest.
    #[default]
    Stop,
    /// It moves on, and who is there is told.
    Continue,
}

impl Default for Access {
    fn default() -> Self {
        Access {
            hostname: None,
            // Where the app runs while it is developed.
            extra_origins: ["http://localhost:3000", "http://localhost:8080", "http://localhost:4200"]
                .map(str::to_owned)
                .to_vec(),
            remote_machine: None,
            lease: LeasePolicy::default(),
        }
    }
}

/// How many may call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ConnectionOptions {
    /// Connections, WebSockets among them.
    pub connections: usize,
    /// WebSockets.
    pub ws_sockets: usize,
}

impl Default for ConnectionOptions {
    fn default() -> Self {
        ConnectionOptions { connections: 64, ws_sockets: 16 }
    }
}

/// Which pin does what, by BCM number; none: nothing is wired there.
///
/// STEP and the enable line cannot be inverted: a pin is low at power-on, and that must be their safe level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Pins {
    /// One pulse, one step.
    pub step: u8,
    /// High moves toward the front.
    pub dir: u8,
    /// The switch at the front; low when it is pressed.
    pub front: u8,
    /// The switch at the back; low when it is pressed.
    pub back: u8,
    /// The e-stop loop; high when it is open.
    pub e_stop: Option<u8>,
    /// The alarm output of the motor driver; low when it has given up.
    pub driver_alarm: Option<u8>,
    /// High powers the motor driver.
    pub enable: Option<u8>,
    /// High moves toward the back instead.
    pub invert_dir: bool,
    /// The front switch is high when it is pressed: a normally-closed one.
    pub invert_front: bool,
    /// The back switch is high when it is pressed.
    pub invert_back: bool,
    /// The e-stop loop is low when it is open.
    pub invert_e_stop: bool,
    /// The alarm is high when the driver has given up.
    pub invert_driver_alarm: bool,
}

impl Default for Pins {
    fn default() -> Self {
        Pins {
            step: layout::PIN_STEP,
            dir: layout::PIN_DIR,
            front: layout::PIN_FRONT,
            back: layout::PIN_BACK,
            e_stop: None,
            driver_alarm: None,
            enable: None,
            invert_dir: false,
            invert_front: false,
            invert_back: false,
            invert_e_stop: false,
            invert_driver_alarm: false,
        }
    }
}

impl Pins {
    /// The pins that are wired, with the keys of the configuration file.
    pub fn wired(&self) -> impl Iterator<Item = (&'static str, u8)> {
        [
            ("pins.step", Some(self.step)),
            ("pins.dir", Some(self.dir)),
            ("pins.front", Some(self.front)),
            ("pins.back", Some(self.back)),
            ("pins.e_stop", self.e_stop),
            ("pins.driver_alarm", self.driver_alarm),
            ("pins.enable", self.enable),
        ]
        .into_iter()
        .filter_map(|(key, pin)| Some((key, pin?)))
    }
}

/// What the motor driver needs to see, in ns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Timing {
    /// Shortest time that STEP stays high.
    pub pulse_high_ns: u64,
    /// Shortest time that STEP stays low.
    pub pulse_low_ns: u64,
    /// Shortest time from a change of DIR to the next pulse.
    pub dir_setup_ns: u64,
    /// Shortest time from a pulse to a change of DIR.
    pub dir_hold_ns: u64,
}

impl Default for Timing {
    fn default() -> Self {
        Timing {
            pulse_high_ns: layout::PULSE_HIGH_NS,
            pulse_low_ns: layout::PULSE_LOW_NS,
            dir_setup_ns: layout::DIR_SETUP_NS,
            dir_hold_ns: layout::DIR_HOLD_NS,
        }
    }
}

/// What the user cannot set on a page about the rail.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RailSection {
    /// How far one turn of the motor moves the carriage.
    #[serde(rename = "travel_per_turn_mm")]
    pub travel_per_turn: Mm,
}

impl Default for RailSection {
    fn default() -> Self {
        // A pulley of 20 teeth on a belt with 2 mm between teeth.
        RailSection { travel_per_turn: Mm::constant(40.0) }
    }
}

/// How to look for the ends.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HomingSection {
    /// Speed while looking for a switch. The motion is cut there without a ramp, so the motor must be able to
    /// stop dead from it.
    #[serde(rename = "fast_mm_s")]
    pub fast: MmPerS,
    /// Speed of the second touch.
    #[serde(rename = "slow_mm_s")]
    pub slow: MmPerS,
    /// How far to back off between the touches.
    #[serde(rename = "back_off_mm")]
    pub back_off: Mm,
}

impl Default for HomingSection {
    fn default() -> Self {
        HomingSection {
            fast: MmPerS::constant(40.0),
            slow: MmPerS::constant(5.0),
            back_off: Mm::constant(3.0),
        }
    }
}

/// When a wave and the hold of an axis at rest end by themselves, in minutes; 0: never.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SessionOptions {
    /// A wave ends with its period when the last one was asked for so long ago.
    pub longest_min: u32,
    /// An axis that has rested so long is let go, where its motor driver can be switched off.
    pub release_min: u32,
}

impl Default for SessionOptions {
    fn default() -> Self {
        SessionOptions { longest_min: 120, release_min: 60 }
    }
}

/// What measures the force.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Force {
    /// None of the file: the simulated one with the simulated machine, none otherwise.
    pub sensor: Option<ForceSensorOptions>,
    /// The serial device of the sensor's board.
    pub device: PathBuf,
    /// Bits a second on it.
    pub baud: u32,
    /// Conversions a second: 10 or 80.
    pub rate_hz: u16,
    /// The cell is mounted the other way round.
    pub invert: bool,
    /// The greatest force that the cell can measure. What says more is lost.
    #[serde(rename = "range_g")]
    pub range: Grams,
    /// The fastest change that a force on the carriage can have. What is faster, and alone, is lost.
    pub fastest_g_per_s: f64,
    /// How far the axis may go on against a force that nobody has measured yet; it bounds the speed.
    #[serde(rename = "overrun_mm")]
    pub overrun: Option<Mm>,
    /// The ELF file of the board's firmware, which its log is read with.
    pub firmware: Option<PathBuf>,
}

impl Default for Force {
    fn default() -> Self {
        Force {
            sensor: None,
            device: PathBuf::from(layout::UART_DEVICE),
            baud: layout::UART_BAUD,
            rate_hz: 80,
            invert: false,
            range: Grams::constant(10_000.0),
            fastest_g_per_s: 500_000.0,
            overrun: None,
            firmware: None,
        }
    }
}

/// A force sensor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum ForceSensorOptions {
    /// The one of the simulated machine
    Sim,
    /// A board on a serial line
    Uart,
    /// The older load cell: an Arduino on the I2C bus
    I2c,
    /// Nothing measures the force, so nothing limits it
    None,
}

/// What the host must give.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Realtime {
    /// Whether anything may move on a host that could delay steps.
    pub require: Require,
}

/// When a host must be a real-time one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Require {
    /// When a real motor moves.
    #[default]
    Auto,
    /// For the simulated machine too.
    Always,
    /// Never: whatever the host gives is taken.
    Never,
}

/// Where the computer tells of its power and heat. None of a file: on a Pi's pins it is looked for.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HostOptions {
    /// The alarm of the supply's monitor, 0 or 1, or the flags of the firmware.
    pub under_voltage: Option<PathBuf>,
    /// The temperature of the processor in thousandths of a degree Celsius.
    pub temperature: Option<PathBuf>,
}

/// The simulated machine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Sim {
    /// Distance between the places where the two switches close.
    #[serde(rename = "length_mm")]
    pub length: Mm,
    /// What motor, driver and belt make.
    pub steps_per_mm: StepsPerMm,
    /// Where the carriage stands at the start, from where the back switch closes.
    #[serde(rename = "start_mm")]
    pub start: Mm,
    /// How far the carriage must leave a switch for it to open.
    #[serde(rename = "hysteresis_mm")]
    pub hysteresis: Mm,
    /// How far behind each switch the mechanical end is.
    #[serde(rename = "overtravel_mm")]
    pub overtravel: Mm,
    /// Where a spring begins to push back; out of reach by default.
    #[serde(rename = "wall_mm")]
    pub wall: Mm,
    /// How stiff that spring is.
    pub stiffness_g_per_mm: f64,
    /// What is wrong with it.
    pub mishaps: Vec<Mishap>,
    /// Where to write every step, for those who want to look at the pulses.
    pub pulse_log: Option<PathBuf>,
}

impl Default for Sim {
    fn default() -> Self {
        Sim {
            length: Mm::constant(155.0),
            steps_per_mm: StepsPerMm::constant(10.0),
            start: Mm::constant(77.5),
            hysteresis: Mm::constant(0.5),
            overtravel: Mm::constant(3.0),
            wall: Mm::constant(1_000.0),
            stiffness_g_per_mm: 50.0,
            mishaps: Vec::new(),
            pulse_log: None,
        }
    }
}
