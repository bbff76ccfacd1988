//! Start-up options: the command line, the configuration file and the defaults, merged and checked.
//!
//! This room has the types, the defaults and the rules between them; `cli` reads the values and `app` applies them.
//! Settings that a *user* changes while the machine runs are in `settings`.
//!
//! Each part is a section of the configuration file; a key that is left out keeps its default. A default that another
//! room has is taken from there.

mod access;
mod feed_rules;
mod feeds;
mod mqtt;
pub mod rules;

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

pub use self::access::{Access, Announce, LeasePolicy, LocalTrust};
pub use self::feeds::{FeedOptions, MirrorOptions, MirrorTarget};
pub use self::mqtt::MqttOptions;
use crate::api::ServerLimits;
use crate::hal::sim::{Mishap, RailOptions};
use crate::layout;
use crate::machine::HomingOptions;
use crate::settings::RailGeometry;
use crate::units::{Grams, Mm, MmPerS, StepsPerMm};

/// All options.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// Address that the server listens on; port 0 takes any free one.
    pub listen: SocketAddr,
    /// State folder.
    pub state_dir: PathBuf,
    /// Driver of the axis.
    pub driver: Driver,
    /// Whether the first run has to prove the wiring before the machine moves.
    pub commissioned: Commissioned,
    /// The folder of a built app that is served besides the API.
    pub app: Option<PathBuf>,
    /// Socket of the helper that writes updates, on a card with two systems; elsewhere there is none.
    pub update_socket: PathBuf,
    /// Access control.
    pub access: Access,
    /// Limits on connections.
    pub limits: ConnectionOptions,
    /// Pin assignment.
    pub pins: Pins,
    /// Pulse timing of the motor driver.
    pub timing: Timing,
    /// Mechanics of the rail.
    pub rail: RailSection,
    /// Homing.
    pub homing: HomingSection,
    /// Time limits of waves and of holding the axis at rest.
    pub session: SessionOptions,
    /// Force sensor.
    pub force: Force,
    /// Feeds: where other programs reach the axis, and the devices that follow it.
    pub feeds: FeedOptions,
    /// MQTT: the broker that hears how the machine is.
    pub mqtt: MqttOptions,
    /// Real-time demands on the host.
    pub realtime: Realtime,
    /// Files for the computer's supply and temperature.
    pub host: HostOptions,
    /// Simulated machine.
    pub sim: Sim,
    /// The keys of the wiring that the configuration file says itself, with their sections.
    #[serde(skip)]
    pub said: BTreeSet<&'static str>,
}

/// Keys of the wiring that the machine's page may set; one that the configuration file says wins.
pub const COMMISSIONED_KEYS: [&str; 9] = [
    "pins.invert_dir",
    "pins.invert_front",
    "pins.invert_back",
    "pins.invert_e_stop",
    "rail.travel_per_turn_mm",
    "timing.pulse_high_ns",
    "timing.pulse_low_ns",
    "timing.dir_setup_ns",
    "timing.dir_hold_ns",
];

impl Default for Options {
    fn default() -> Self {
        Options {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8080)),
            state_dir: PathBuf::from("state"),
            driver: Driver::default(),
            commissioned: Commissioned::default(),
            app: None,
            update_socket: PathBuf::from("/run/yep-update.sock"),
            access: Access::default(),
            limits: ConnectionOptions::default(),
            pins: Pins::default(),
            timing: Timing::default(),
            rail: RailSection::default(),
            homing: HomingSection::default(),
            session: SessionOptions::default(),
            force: Force::default(),
            feeds: FeedOptions::default(),
            mqtt: MqttOptions::default(),
            realtime: Realtime::default(),
            host: HostOptions::default(),
            sim: Sim::default(),
            said: BTreeSet::new(),
        }
    }
}

/// Driver of the axis.
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

/// Whether the first run has to prove the wiring before the machine moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Commissioned {
    /// With a real motor.
    #[default]
    Auto,
    /// With a simulated machine as well.
    Required,
    /// Never: the wiring was tried by hand.
    ByHand,
}

/// Limits on connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ConnectionOptions {
    /// Largest number of connections, including WebSockets.
    pub connections: usize,
    /// Largest number of WebSockets.
    pub ws_sockets: usize,
}

impl Default for ConnectionOptions {
    fn default() -> Self {
        let ServerLimits { connections, sockets, .. } = ServerLimits::default();
        ConnectionOptions { connections, ws_sockets: sockets }
    }
}

/// Pin assignment by BCM number; `None` means that nothing is wired.
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
    /// The alarm output of the motor driver; low when it reports an alarm.
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
    /// The alarm is high when the driver reports one.
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

/// Pulse timing of the motor driver (ns).
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

/// Mechanics of the rail, as far as it is no setting of the user.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RailSection {
    /// Travel per turn of the motor.
    #[serde(rename = "travel_per_turn_mm")]
    pub travel_per_turn: Mm,
}

impl Default for RailSection {
    fn default() -> Self {
        RailSection { travel_per_turn: const { Mm::constant(RailGeometry::DEFAULT.travel_per_turn_mm) } }
    }
}

/// Homing.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HomingSection {
    /// Speed of the first approach to a switch. The motion is cut there without a ramp, so the motor must be able to
    /// stop dead from it.
    #[serde(rename = "fast_mm_s")]
    pub fast: MmPerS,
    /// Speed of the second approach.
    #[serde(rename = "slow_mm_s")]
    pub slow: MmPerS,
    /// Distance of backing off between the approaches.
    #[serde(rename = "back_off_mm")]
    pub back_off: Mm,
}

impl Default for HomingSection {
    fn default() -> Self {
        let HomingOptions { fast, slow, back_off } = HomingOptions::default();
        HomingSection { fast, slow, back_off }
    }
}

impl From<HomingSection> for HomingOptions {
    fn from(HomingSection { fast, slow, back_off }: HomingSection) -> HomingOptions {
        HomingOptions { fast, slow, back_off }
    }
}

/// Time limits of waves and of holding the axis at rest (min); 0 means none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SessionOptions {
    /// Time after the last request for a wave at which it ends with its period.
    pub longest_min: u32,
    /// Time of rest after which the motor driver is switched off, if it can be.
    pub release_min: u32,
}

impl Default for SessionOptions {
    fn default() -> Self {
        SessionOptions { longest_min: 120, release_min: 60 }
    }
}

/// Force sensor.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Force {
    /// Kind of sensor; `None` means the simulated one with the simulated machine, and no sensor otherwise.
    pub sensor: Option<ForceSensorOptions>,
    /// The serial device of the sensor's board.
    pub device: PathBuf,
    /// Baud rate (bit/s).
    pub baud: u32,
    /// Conversion rate (1/s): 10 or 80.
    pub rate_hz: u16,
    /// True if the cell is mounted the other way round.
    pub invert: bool,
    /// Range of the cell. A sample beyond it is lost.
    #[serde(rename = "range_g")]
    pub range: Grams,
    /// Highest slew rate of a force on the carriage. A faster sample is lost, unless the next one confirms it.
    pub fastest_g_per_s: f64,
    /// Longest way against a force that is not measured yet; it bounds the speed.
    #[serde(rename = "overrun_mm")]
    pub overrun: Option<Mm>,
    /// ELF file of the board's firmware, to decode its log.
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

/// Kind of force sensor.
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

/// Real-time demands on the host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Realtime {
    /// Condition under which the host must be a real-time one.
    pub require: Require,
}

/// Condition under which the host must be a real-time one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Require {
    /// With a real motor.
    #[default]
    Auto,
    /// With a real motor and in simulation.
    Always,
    /// Never; delayed steps are accepted.
    Never,
}

/// Files for the computer's supply and temperature. `None` means that a machine on a Pi's pins searches for them.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HostOptions {
    /// Alarm of the supply's monitor, 0 or 1, or the flags of the firmware.
    pub under_voltage: Option<PathBuf>,
    /// Temperature of the processor (m°C).
    pub temperature: Option<PathBuf>,
}

/// Simulated machine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Sim {
    /// Distance between the points where the two switches close.
    #[serde(rename = "length_mm")]
    pub length: Mm,
    /// Scale of motor, driver and belt.
    pub steps_per_mm: StepsPerMm,
    /// Start position of the carriage, from the point where the back switch closes.
    #[serde(rename = "start_mm")]
    pub start: Mm,
    /// Switch hysteresis: distance from its closing point at which it opens.
    #[serde(rename = "hysteresis_mm")]
    pub hysteresis: Mm,
    /// Distance from each switch to the mechanical end.
    #[serde(rename = "overtravel_mm")]
    pub overtravel: Mm,
    /// Position of a virtual wall, a spring; out of reach by default.
    #[serde(rename = "wall_mm")]
    pub wall: Mm,
    /// Stiffness of that spring.
    pub stiffness_g_per_mm: f64,
    /// True for a carriage with a mass, on a motor that pulls it with 30 N and slips beyond that.
    pub mass: bool,
    /// Injected faults at the start.
    pub mishaps: Vec<Mishap>,
    /// File for the pulse log.
    pub pulse_log: Option<PathBuf>,
}

impl Default for Sim {
    fn default() -> Self {
        Sim {
            length: const { Mm::constant(RailOptions::DEFAULT.length_mm) },
            steps_per_mm: const { StepsPerMm::constant(RailOptions::DEFAULT.steps_per_mm) },
            start: const { Mm::constant(RailOptions::DEFAULT.start_mm) },
            hysteresis: const { Mm::constant(RailOptions::DEFAULT.hysteresis_mm) },
            overtravel: const { Mm::constant(RailOptions::DEFAULT.overtravel_mm) },
            wall: const { Mm::constant(RailOptions::DEFAULT.wall_mm) },
            stiffness_g_per_mm: RailOptions::DEFAULT.stiffness_g_per_mm,
            mass: false,
            mishaps: Vec::new(),
            pulse_log: None,
        }
    }
}
