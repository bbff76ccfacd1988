//! Validation of the options: ranges, and rules between them. The types have checked single values already.

use std::ops::RangeInclusive;

use super::{ConnectionOptions, Driver, ForceSensorOptions, MqttOptions, Options, feeds, mqtt};
use crate::api::ServerLimits;
use crate::api::machine_name::is_name;
use crate::layout;
use crate::machine::SessionRules;
use crate::units::SECOND_NS;

/// A broken rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{key}: {rule}")]
pub struct OptionsError {
    /// Key in the configuration file, with its section.
    pub key: &'static str,
    /// The rule.
    pub rule: String,
}

/// Default overrun against an obstacle: the distance that a soft one yields without harm.
const OVERRUN_MM: f64 = 10.0;
/// Longest time limit, a day; a longer one is meant as none, which is 0.
const LONGEST_MIN: u32 = 24 * 60;
/// Longest pulse timing that a motor driver may need.
const LONGEST_NS: u64 = 1_000_000;

impl Options {
    /// Kind of force sensor; the default depends on the driver.
    pub fn force_sensor(&self) -> ForceSensorOptions {
        self.force.sensor.unwrap_or(match self.driver {
            Driver::Sim => ForceSensorOptions::Sim,
            Driver::Gpio | Driver::Remote => ForceSensorOptions::None,
        })
    }

    /// Longest way against a force that is not measured yet; the default depends on the sensor: the simulated one does
    /// not slow a simulation down.
    pub fn overrun_mm(&self) -> Option<f64> {
        let default = match self.force_sensor() {
            ForceSensorOptions::Uart | ForceSensorOptions::I2c => Some(OVERRUN_MM),
            ForceSensorOptions::Sim | ForceSensorOptions::None => None,
        };
        self.force.overrun.map(|overrun| overrun.get()).or(default)
    }

    /// Time limits of waves and of holding the axis at rest. Without an enable line the motor always holds, so the axis
    /// is not released and its position stays known.
    pub fn session_rules(&self) -> SessionRules {
        let limit_ns = |minutes: u32| (minutes > 0).then(|| u64::from(minutes) * 60 * SECOND_NS);
        let can_let_go = self.driver != Driver::Gpio || self.pins.enable.is_some();
        SessionRules {
            longest_ns: limit_ns(self.session.longest_min),
            release_ns: limit_ns(self.session.release_min).filter(|_| can_let_go),
        }
    }

    /// Checks every rule.
    ///
    /// # Errors
    /// The first broken rule.
    pub fn check(&self) -> Result<(), OptionsError> {
        self.check_access()?;
        within("limits.connections", self.limits.connections, ServerLimits::FEWEST..=65_536)?;
        self.check_sockets()?;
        within("session.longest_min", self.session.longest_min, 0..=LONGEST_MIN)?;
        within("session.release_min", self.session.release_min, 0..=LONGEST_MIN)?;
        self.check_pins()?;
        self.check_motion()?;
        self.check_sim()?;
        self.check_feeds()?;
        self.check_mqtt()
    }

    fn check_access(&self) -> Result<(), OptionsError> {
        let access = &self.access;
        require("access.hostname", access.hostname.as_deref().is_none_or(is_name), || {
            "must be a plain name of a-z, 0-9 and -, without .local".to_owned()
        })?;
        for host in &access.hosts {
            let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
            require("access.hosts", (1..=253).contains(&host.len()) && host.chars().all(plain), || {
                format!("{host:?} must be a name without a port, as in \"yep.example.org\"")
            })?;
        }
        for origin in access.extra_origins.iter().flatten() {
            require("access.extra_origins", is_origin(origin), || {
                format!(
                    "{origin:?} must be a scheme, a host and perhaps a port, as in \"http://192.168.1.5:3042\""
                )
            })?;
        }
        require(
            "access.remote_machine",
            self.driver == Driver::Remote || access.remote_machine.is_none(),
            || "only the driver \"remote\" has a machine on another host".to_owned(),
        )
    }

    fn check_mqtt(&self) -> Result<(), OptionsError> {
        let MqttOptions { broker, user, password_file, tls, ca_file, prefix, discovery } = &self.mqtt;
        require("mqtt.broker", broker.as_ref().is_none_or(|broker| feeds::has_port(broker)), || {
            "must be a host and a port, as in \"192.168.1.5:1883\"".to_owned()
        })?;
        let topic = "must be parts of a topic, as in \"yep\" or \"house/yep\", without +, # and $";
        require("mqtt.prefix", mqtt::is_topic(prefix), || topic.to_owned())?;
        require("mqtt.discovery", discovery.is_empty() || mqtt::is_topic(discovery), || topic.to_owned())?;
        require("mqtt.password_file", password_file.is_none() || user.is_some(), || {
            "a password needs the name of a user, mqtt.user".to_owned()
        })?;
        require("mqtt.ca_file", *tls || ca_file.is_none(), || {
            "certificates are for an encrypted connection: set mqtt.tls = true".to_owned()
        })
    }

    fn check_sockets(&self) -> Result<(), OptionsError> {
        let ConnectionOptions { connections, ws_sockets } = self.limits;
        // A socket is a connection too, so the remedy may be the other key.
        require("limits.ws_sockets", (1..=connections).contains(&ws_sockets), || {
            format!("{ws_sockets} is outside 1 … {connections}, which is limits.connections")
        })
    }

    fn check_pins(&self) -> Result<(), OptionsError> {
        let wired: Vec<_> = self.pins.wired().collect();
        for (index, (key, pin)) in wired.iter().enumerate() {
            require(key, layout::ALLOWED_PINS.contains(pin), || {
                format!("BCM {pin} cannot be used; choose one of {:?}", layout::ALLOWED_PINS)
            })?;
            if let Some((other, _)) = wired[..index].iter().find(|(_, taken)| taken == pin) {
                return Err(OptionsError { key, rule: format!("BCM {pin} is already {other}") });
            }
        }
        Ok(())
    }

    fn check_motion(&self) -> Result<(), OptionsError> {
        let timing = &self.timing;
        within("timing.pulse_high_ns", timing.pulse_high_ns, 100..=LONGEST_NS)?;
        within("timing.pulse_low_ns", timing.pulse_low_ns, 100..=LONGEST_NS)?;
        within("timing.dir_setup_ns", timing.dir_setup_ns, 0..=LONGEST_NS)?;
        within("timing.dir_hold_ns", timing.dir_hold_ns, 0..=LONGEST_NS)?;
        within("rail.travel_per_turn_mm", self.rail.travel_per_turn.get(), 0.1..=1_000.0)?;
        let homing = &self.homing;
        within("homing.fast_mm_s", homing.fast.get(), 1.0..=100.0)?;
        within("homing.slow_mm_s", homing.slow.get(), 0.5..=homing.fast.get())?;
        within("homing.back_off_mm", homing.back_off.get(), 0.5..=20.0)
    }

    fn check_sim(&self) -> Result<(), OptionsError> {
        require(
            "force.sensor",
            self.driver == Driver::Sim || self.force.sensor != Some(ForceSensorOptions::Sim),
            || "the simulated sensor needs the driver \"sim\"".to_owned(),
        )?;
        self.check_force()?;
        let sim = &self.sim;
        within("sim.length_mm", sim.length.get(), 10.0..=layout::MAX_STROKE_MM)?;
        within("sim.hysteresis_mm", sim.hysteresis.get(), 0.0..=5.0)?;
        within("sim.overtravel_mm", sim.overtravel.get(), 0.0..=50.0)?;
        let over = sim.overtravel.get();
        within("sim.start_mm", sim.start.get(), -over..=sim.length.get() + over)?;
        within("sim.stiffness_g_per_mm", sim.stiffness_g_per_mm, 0.0..=100_000.0)
    }

    fn check_force(&self) -> Result<(), OptionsError> {
        let force = &self.force;
        require("force.baud", BAUD_RATES.contains(&force.baud), || {
            format!("{} is no rate of a serial line; choose one of {BAUD_RATES:?}", force.baud)
        })?;
        within("force.rate_hz", force.rate_hz, 10..=80)?;
        within("force.range_g", force.range.get(), 100.0..=100_000.0)?;
        within("force.fastest_g_per_s", force.fastest_g_per_s, 1_000.0..=1e9)?;
        within("force.overrun_mm", force.overrun.map_or(1.0, |overrun| overrun.get()), 0.1..=1_000.0)
    }
}

/// Baud rates of a serial line that are fast enough for a hundred frames a second.
const BAUD_RATES: [u32; 6] = [57_600, 115_200, 230_400, 460_800, 921_600, 1_000_000];

/// Checks that a rule holds.
pub(super) fn require(
    key: &'static str,
    holds: bool,
    rule: impl FnOnce() -> String,
) -> Result<(), OptionsError> {
    if holds { Ok(()) } else { Err(OptionsError { key, rule: rule() }) }
}

/// Checks a range; NaN is in none.
pub(super) fn within<T>(key: &'static str, value: T, range: RangeInclusive<T>) -> Result<(), OptionsError>
where
    T: PartialOrd + std::fmt::Display,
{
    require(key, range.contains(&value), || format!("{value} is outside {} … {}", range.start(), range.end()))
}

/// True for an origin as browsers send it: a scheme, a host and a port, and nothing behind them.
fn is_origin(origin: &str) -> bool {
    let rest = origin.strip_prefix("http://").or(origin.strip_prefix("https://"));
    rest.is_some_and(|host| !host.is_empty() && !host.contains(['/', '*', '@', ' ', '?', '#']))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::SessionOptions;
    use crate::units::{Grams, Mm, MmPerS};

    #[test]
    fn the_defaults_keep_every_rule() {
        assert_eq!(Options::default().check(), Ok(()));
        assert_eq!(Options::default().force_sensor(), ForceSensorOptions::Sim);
        let gpio = Options { driver: Driver::Gpio, ..Options::default() };
        assert_eq!((gpio.check(), gpio.force_sensor()), (Ok(()), ForceSensorOptions::None));
    }

    #[test]
    fn an_axis_is_let_go_where_its_motor_can_be_switched_off() {
        let mut options = Options { driver: Driver::Gpio, ..Options::default() };
        assert_eq!(options.session_rules().release_ns, None);
        options.pins.enable = Some(25);
        let hour_ns = 3_600 * SECOND_NS;
        assert_eq!(options.session_rules().release_ns, Some(hour_ns));
        assert_eq!(options.session_rules().longest_ns, Some(2 * hour_ns));
        options.session = SessionOptions { longest_min: 0, release_min: 0 };
        assert_eq!(options.session_rules(), SessionRules::default());
    }

    #[test]
    fn each_rule_refuses_what_breaks_it() {
        type Change = fn(&mut Options);
        let cases: [(Change, &str); 34] = [
            (|o| o.session.longest_min = 1_441, "session.longest_min: 1441 is outside 0 … 1440"),
            (|o| o.mqtt.broker = Some("broker".into()), "mqtt.broker: must be a host and a port"),
            (|o| o.mqtt.prefix = "a/#".into(), "mqtt.prefix: must be parts of a topic"),
            (|o| o.mqtt.discovery = "/a".into(), "mqtt.discovery: must be parts of a topic"),
            (|o| o.mqtt.password_file = Some("/p".into()), "mqtt.password_file: a password needs"),
            (|o| o.mqtt.ca_file = Some("/c".into()), "mqtt.ca_file: certificates are for"),
            (|o| o.access.hostname = Some(String::new()), "access.hostname: must be a plain name"),
            (
                |o| o.access.hosts = vec!["a:80".into()],
                "access.hosts: \"a:80\" must be a name without a port",
            ),
            (|o| o.access.hostname = Some("yep.local".into()), "access.hostname: must be a plain name"),
            (
                |o| o.access.extra_origins = Some(vec!["*".into()]),
                "access.extra_origins: \"*\" must be a scheme",
            ),
            (
                |o| o.access.extra_origins = Some(vec!["http://a/b".into()]),
                "access.extra_origins: \"http://a/b\"",
            ),
            (
                |o| o.access.remote_machine = Some([10, 0, 0, 2].into()),
                "access.remote_machine: only the driver",
            ),
            (|o| o.limits.connections = 7, "limits.connections: 7 is outside 8"),
            (
                |o| o.limits.ws_sockets = 65,
                "limits.ws_sockets: 65 is outside 1 … 64, which is limits.connections",
            ),
            (|o| o.limits.ws_sockets = 0, "limits.ws_sockets: 0 is outside 1 … 64"),
            (|o| o.pins.step = 14, "pins.step: BCM 14 cannot be used; choose one of [12, 13"),
            (|o| o.pins.e_stop = Some(2), "pins.e_stop: BCM 2 cannot be used"),
            (|o| o.pins.enable = Some(23), "pins.enable: BCM 23 is already pins.step"),
            (|o| o.timing.pulse_high_ns = 99, "timing.pulse_high_ns: 99 is outside 100"),
            (|o| o.timing.pulse_low_ns = 1_000_001, "timing.pulse_low_ns: 1000001 is outside"),
            (|o| o.timing.dir_setup_ns = 1_000_001, "timing.dir_setup_ns"),
            (|o| o.rail.travel_per_turn = Mm::constant(-40.0), "rail.travel_per_turn_mm: -40 is outside"),
            (|o| o.homing.fast = MmPerS::constant(0.0), "homing.fast_mm_s: 0 is outside 1"),
            (|o| o.homing.slow = MmPerS::constant(41.0), "homing.slow_mm_s: 41 is outside 0.5 … 40"),
            (|o| o.homing.back_off = Mm::constant(0.0), "homing.back_off_mm: 0 is outside"),
            (|o| o.sim.length = Mm::constant(1.0), "sim.length_mm: 1 is outside 10"),
            (|o| o.sim.start = Mm::constant(158.1), "sim.start_mm: 158.1 is outside -3 … 158"),
            (|o| o.sim.stiffness_g_per_mm = f64::NAN, "sim.stiffness_g_per_mm: NaN is outside"),
            (|o| o.force.baud = 9_600, "force.baud: 9600 is no rate of a serial line; choose one of [57600"),
            (|o| o.force.rate_hz = 0, "force.rate_hz: 0 is outside 10 … 80"),
            (|o| o.force.range = Grams::constant(-5.0), "force.range_g: -5 is outside 100"),
            (|o| o.force.fastest_g_per_s = f64::NAN, "force.fastest_g_per_s: NaN is outside"),
            (|o| o.force.overrun = Some(Mm::constant(0.0)), "force.overrun_mm: 0 is outside 0.1"),
            (
                |o| (o.driver, o.force.sensor) = (Driver::Gpio, Some(ForceSensorOptions::Sim)),
                "force.sensor: the simulated sensor needs",
            ),
        ];
        for (change, sentence) in cases {
            let mut options = Options::default();
            change(&mut options);
            let broken = options.check().expect_err(sentence).to_string();
            assert!(broken.contains(sentence), "{broken:?} does not say {sentence:?}");
        }
    }
}
