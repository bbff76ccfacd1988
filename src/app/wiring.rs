//! Wiring of this machine: the options under the values that the first run has found out, and what its steps depend on.

use std::sync::Arc;

use crate::api::commissioning::service::RailOf;
use crate::api::commissioning::{CommissioningNeed, CommissioningRules, WiringFacts, WiringSource};
use crate::options::{COMMISSIONED_KEYS, Commissioned, Driver, ForceSensorOptions, Options};
use crate::store::WiringValues;
use crate::units::Mm;

/// The options with these stored values for what the configuration file does not say.
#[must_use]
pub fn with_commissioned(options: &Options, stored: &WiringValues) -> Options {
    fn take<T: Copy>(options: &Options, key: &str, to: &mut T, value: Option<T>) {
        if let Some(value) = value.filter(|_| !options.said.contains(key)) {
            *to = value;
        }
    }
    let (mut pins, mut timing, mut rail) = (options.pins, options.timing, options.rail);
    take(options, "pins.invert_dir", &mut pins.invert_dir, stored.invert_dir);
    take(options, "pins.invert_front", &mut pins.invert_front, stored.invert_front);
    take(options, "pins.invert_back", &mut pins.invert_back, stored.invert_back);
    take(options, "pins.invert_e_stop", &mut pins.invert_e_stop, stored.invert_e_stop);
    take(options, "timing.pulse_high_ns", &mut timing.pulse_high_ns, stored.pulse_high_ns);
    take(options, "timing.pulse_low_ns", &mut timing.pulse_low_ns, stored.pulse_low_ns);
    take(options, "timing.dir_setup_ns", &mut timing.dir_setup_ns, stored.dir_setup_ns);
    take(options, "timing.dir_hold_ns", &mut timing.dir_hold_ns, stored.dir_hold_ns);
    let travel = stored.travel_per_turn_mm.and_then(|mm| Mm::try_from(mm).ok());
    take(options, "rail.travel_per_turn_mm", &mut rail.travel_per_turn, travel);
    Options { pins, timing, rail, ..options.clone() }
}

/// The rules of the first run for these options, under these stored values.
pub fn commissioning_rules(options: &Options, stored: &WiringValues) -> CommissioningRules {
    let need = match (options.commissioned, options.driver) {
        (_, Driver::Remote) => CommissioningNeed::Optional,
        (Commissioned::ByHand, _) => CommissioningNeed::ByHand,
        (Commissioned::Required, _) | (Commissioned::Auto, Driver::Gpio) => CommissioningNeed::Required,
        (Commissioned::Auto, Driver::Sim) => CommissioningNeed::Optional,
    };
    let file = options.clone();
    CommissioningRules {
        need,
        wiring: wiring_facts(options, stored),
        has_force_sensor: options.force_sensor() != ForceSensorOptions::None,
        rail: RailOf(Arc::new(move |stored| super::rail(&with_commissioned(&file, stored)))),
    }
}

fn wiring_facts(options: &Options, stored: &WiringValues) -> WiringFacts {
    let in_force = with_commissioned(options, stored);
    let source = |key: &'static str| {
        if !COMMISSIONED_KEYS.contains(&key) || options.said.contains(key) {
            WiringSource::File
        } else if stored.said().any(|(said, _)| said == key) {
            WiringSource::Commissioned
        } else {
            WiringSource::Default
        }
    };
    let pins = &in_force.pins;
    let pin = |pin: Option<u8>| pin.map_or_else(|| "none".to_owned(), |pin| pin.to_string());
    let (timing, homing) = (&in_force.timing, &in_force.homing);
    let values = [
        ("driver", driver_name(in_force.driver).to_owned()),
        ("pins.step", pins.step.to_string()),
        ("pins.dir", pins.dir.to_string()),
        ("pins.front", pins.front.to_string()),
        ("pins.back", pins.back.to_string()),
        ("pins.e_stop", pin(pins.e_stop)),
        ("pins.driver_alarm", pin(pins.driver_alarm)),
        ("pins.enable", pin(pins.enable)),
        ("pins.invert_dir", pins.invert_dir.to_string()),
        ("pins.invert_front", pins.invert_front.to_string()),
        ("pins.invert_back", pins.invert_back.to_string()),
        ("pins.invert_e_stop", pins.invert_e_stop.to_string()),
        ("pins.invert_driver_alarm", pins.invert_driver_alarm.to_string()),
        ("timing.pulse_high_ns", timing.pulse_high_ns.to_string()),
        ("timing.pulse_low_ns", timing.pulse_low_ns.to_string()),
        ("timing.dir_setup_ns", timing.dir_setup_ns.to_string()),
        ("timing.dir_hold_ns", timing.dir_hold_ns.to_string()),
        ("rail.travel_per_turn_mm", in_force.rail.travel_per_turn.get().to_string()),
        ("homing.fast_mm_s", homing.fast.get().to_string()),
        ("homing.slow_mm_s", homing.slow.get().to_string()),
        ("homing.back_off_mm", homing.back_off.get().to_string()),
        ("force.sensor", sensor_name(in_force.force_sensor()).to_owned()),
        ("force.invert", in_force.force.invert.to_string()),
    ];
    let facts = values.into_iter();
    facts.fold(WiringFacts::default(), |facts, (key, value)| facts.with_source(key, value, source(key)))
}

const fn driver_name(driver: Driver) -> &'static str {
    match driver {
        Driver::Sim => "sim",
        Driver::Gpio => "gpio",
        Driver::Remote => "remote",
    }
}

const fn sensor_name(sensor: ForceSensorOptions) -> &'static str {
    match sensor {
        ForceSensorOptions::Sim => "sim",
        ForceSensorOptions::Uart => "uart",
        ForceSensorOptions::I2c => "i2c",
        ForceSensorOptions::None => "none",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_real_motor_needs_a_first_run_unless_its_owner_knows() {
        for (driver, commissioned, need) in [
            (Driver::Gpio, Commissioned::Auto, CommissioningNeed::Required),
            (Driver::Gpio, Commissioned::ByHand, CommissioningNeed::ByHand),
            (Driver::Sim, Commissioned::Auto, CommissioningNeed::Optional),
            (Driver::Sim, Commissioned::Required, CommissioningNeed::Required),
            (Driver::Remote, Commissioned::Required, CommissioningNeed::Optional),
        ] {
            let options = Options { driver, commissioned, ..Options::default() };
            assert_eq!(
                commissioning_rules(&options, &WiringValues::default()).need,
                need,
                "{driver:?} {commissioned:?}"
            );
        }
    }

    #[test]
    fn a_stored_value_counts_where_the_file_says_nothing() {
        let stored = WiringValues {
            invert_dir: Some(true),
            invert_front: Some(true),
            travel_per_turn_mm: Some(8.0),
            pulse_high_ns: Some(5_000),
            ..WiringValues::default()
        };
        let nothing = WiringValues::default();
        let mut options = Options::default();
        options.said.insert("pins.invert_front");
        let in_force = with_commissioned(&options, &stored);
        assert_eq!((in_force.pins.invert_dir, in_force.pins.invert_front), (true, false));
        assert_eq!((in_force.rail.travel_per_turn.get(), in_force.timing.pulse_high_ns), (8.0, 5_000));
        assert_eq!(in_force.timing.pulse_low_ns, options.timing.pulse_low_ns);
        assert_eq!(with_commissioned(&options, &nothing), options);
        let facts = wiring_facts(&options, &stored);
        let fact = |key: &str| facts.iter().find(|fact| fact.key == key).unwrap();
        for (key, value, source) in [
            ("pins.invert_dir", "true", WiringSource::Commissioned),
            ("pins.invert_front", "false", WiringSource::File),
            ("pins.invert_back", "false", WiringSource::Default),
            ("pins.step", "23", WiringSource::File),
        ] {
            assert_eq!((fact(key).value.as_str(), fact(key).source), (value, source), "{key}");
        }
        for key in COMMISSIONED_KEYS {
            assert!(facts.iter().any(|fact| fact.key == key), "{key}");
        }
        let old = wiring_facts(&options, &nothing);
        assert_ne!(old.hash_of(&["pins.invert_dir"]), facts.hash_of(&["pins.invert_dir"]));
        assert_eq!(old.hash_of(&["pins.front"]), facts.hash_of(&["pins.front"]));
        let rail = commissioning_rules(&options, &stored).rail.0;
        assert!(rail(&stored).max_steps_per_s < rail(&nothing).max_steps_per_s);
    }
}
