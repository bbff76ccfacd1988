//! Wiring facts of the options: what the steps of the first run depend on.

use crate::api::commissioning::{CommissioningNeed, CommissioningRules, WiringFacts};
use crate::options::{Commissioned, Driver, ForceSensorOptions, Options};

/// The rules of the first run for these options.
pub fn commissioning_rules(options: &Options) -> CommissioningRules {
    let need = match (options.commissioned, options.driver) {
        (_, Driver::Remote) => CommissioningNeed::Optional,
        (Commissioned::ByHand, _) => CommissioningNeed::ByHand,
        (Commissioned::Required, _) | (Commissioned::Auto, Driver::Gpio) => CommissioningNeed::Required,
        (Commissioned::Auto, Driver::Sim) => CommissioningNeed::Optional,
    };
    CommissioningRules {
        need,
        wiring: wiring_facts(options),
        has_force_sensor: options.force_sensor() != ForceSensorOptions::None,
    }
}

fn wiring_facts(options: &Options) -> WiringFacts {
    let pins = &options.pins;
    let pin = |pin: Option<u8>| pin.map_or_else(|| "none".to_owned(), |pin| pin.to_string());
    let (timing, homing) = (&options.timing, &options.homing);
    WiringFacts::default()
        .with("driver", driver_name(options.driver))
        .with("pins.step", pins.step)
        .with("pins.dir", pins.dir)
        .with("pins.front", pins.front)
        .with("pins.back", pins.back)
        .with("pins.e_stop", pin(pins.e_stop))
        .with("pins.driver_alarm", pin(pins.driver_alarm))
        .with("pins.enable", pin(pins.enable))
        .with("pins.invert_dir", pins.invert_dir)
        .with("pins.invert_front", pins.invert_front)
        .with("pins.invert_back", pins.invert_back)
        .with("pins.invert_e_stop", pins.invert_e_stop)
        .with("pins.invert_driver_alarm", pins.invert_driver_alarm)
        .with("timing.pulse_high_ns", timing.pulse_high_ns)
        .with("timing.pulse_low_ns", timing.pulse_low_ns)
        .with("timing.dir_setup_ns", timing.dir_setup_ns)
        .with("timing.dir_hold_ns", timing.dir_hold_ns)
        .with("rail.travel_per_turn_mm", options.rail.travel_per_turn.get())
        .with("homing.fast_mm_s", homing.fast.get())
        .with("homing.slow_mm_s", homing.slow.get())
        .with("homing.back_off_mm", homing.back_off.get())
        .with("force.sensor", sensor_name(options.force_sensor()))
        .with("force.invert", options.force.invert)
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
            assert_eq!(commissioning_rules(&options).need, need, "{driver:?} {commissioned:?}");
        }
    }

    #[test]
    fn another_pin_is_another_wiring() {
        let (mut options, old) = (Options::default(), wiring_facts(&Options::default()));
        options.pins.invert_dir = true;
        let turned = wiring_facts(&options);
        assert_ne!(old.hash_of(&[""]), turned.hash_of(&[""]));
        assert_eq!(old.hash_of(&["pins.front"]), turned.hash_of(&["pins.front"]));
    }
}
