//! The steps of the first run, in their order.
//!
//! Nothing moves before [`CommissioningStep::WhichWay`]. The force sensor comes before that, as nothing moves without its valid
//! samples (S12).

/// A step of the first run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum CommissioningStep {
    /// The first device is let in.
    Own,
    /// STOP, and the button that cuts the motor's power.
    HardwareStop,
    /// Both limit switches by hand.
    Switches,
    /// Distance of the switches, travel per turn, microsteps, pulse timing.
    Numbers,
    /// The force sensor, if there is one: zero, a known weight, the sign.
    Force,
    /// The motor's power is on.
    Power,
    /// Which way the motor turns.
    WhichWay,
    /// How far a nudge goes by a ruler.
    HowFar,
    /// Three calibrations.
    Calibrate,
    /// A slow wave that STOP and an absent client end.
    Proof,
    /// The envelope: the limits that are proven.
    Limits,
    /// Backup, and a second device.
    Keep,
}

impl CommissioningStep {
    /// Every step, in order.
    pub const ALL: [CommissioningStep; 12] = [
        CommissioningStep::Own,
        CommissioningStep::HardwareStop,
        CommissioningStep::Switches,
        CommissioningStep::Numbers,
        CommissioningStep::Force,
        CommissioningStep::Power,
        CommissioningStep::WhichWay,
        CommissioningStep::HowFar,
        CommissioningStep::Calibrate,
        CommissioningStep::Proof,
        CommissioningStep::Limits,
        CommissioningStep::Keep,
    ];

    /// Stable name, in paths and in the record.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            CommissioningStep::Own => "own",
            CommissioningStep::HardwareStop => "hardware_stop",
            CommissioningStep::Switches => "switches",
            CommissioningStep::Numbers => "numbers",
            CommissioningStep::Force => "force",
            CommissioningStep::Power => "power",
            CommissioningStep::WhichWay => "which_way",
            CommissioningStep::HowFar => "how_far",
            CommissioningStep::Calibrate => "calibrate",
            CommissioningStep::Proof => "proof",
            CommissioningStep::Limits => "limits",
            CommissioningStep::Keep => "keep",
        }
    }

    /// The step of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<CommissioningStep> {
        CommissioningStep::ALL.into_iter().find(|step| step.name() == name)
    }

    /// What there is to do, for people.
    #[must_use]
    pub const fn todo(self) -> &'static str {
        match self {
            CommissioningStep::Own => "Let the first device in: by the switches, or by the code on the card.",
            CommissioningStep::HardwareStop => {
                "Press STOP on the page, then the button on the machine, and release it. Without a wired second contact, see that \
                 the light of the motor driver goes out."
            }
            CommissioningStep::Switches => {
                "Press each limit switch twice by hand, then pull the plug of one: it must read as pressed."
            }
            CommissioningStep::Numbers => {
                "Measure the distance between the switches, and give the travel per turn, the microsteps and the driver's timing."
            }
            CommissioningStep::Force => {
                "With nothing on it, tare. Calibrate with a known weight toward the front, then push toward the back."
            }
            CommissioningStep::Power => {
                "Nobody on the machine, one hand on the button: switch the motor's power on, and say whether it is stiff."
            }
            CommissioningStep::WhichWay => {
                "Carriage in the middle: hold the button for 2 mm toward the front, and say which way it went; twice."
            }
            CommissioningStep::HowFar => {
                "Hold the button for 10 mm along a ruler, and say what the ruler says."
            }
            CommissioningStep::Calibrate => "Calibrate three times: the travel must be the same.",
            CommissioningStep::Proof => {
                "Start the slow wave; press STOP; push against it, if there is a force sensor; lock the phone for 5 s."
            }
            CommissioningStep::Limits => {
                "Choose the limits, low to begin with: start the wave at these limits, end it behind two periods, and calibrate."
            }
            CommissioningStep::Keep => "Download a backup, and let a second device in.",
        }
    }

    /// Beginnings of the keys of the wiring that the step depends on: when one of these changes, it is due again.
    #[must_use]
    pub const fn depends_on(self) -> &'static [&'static str] {
        match self {
            CommissioningStep::Own | CommissioningStep::Limits | CommissioningStep::Keep => &["driver"],
            CommissioningStep::HardwareStop => &["driver", "pins.e_stop", "pins.invert_e_stop"],
            CommissioningStep::Switches => {
                &["driver", "pins.front", "pins.back", "pins.invert_front", "pins.invert_back"]
            }
            // The travel per turn is proven by the ruler.
            CommissioningStep::Numbers => &["driver", "timing.", "settings."],
            CommissioningStep::Force => &["driver", "force."],
            CommissioningStep::Power => &["driver", "pins.step", "pins.dir", "pins.enable"],
            CommissioningStep::WhichWay => &[
                "driver",
                "pins.step",
                "pins.dir",
                "pins.invert_dir",
                "pins.enable",
                "pins.front",
                "pins.back",
            ],
            CommissioningStep::HowFar => {
                &["driver", "pins.step", "rail.", "settings.microsteps_per_rev", "timing."]
            }
            CommissioningStep::Calibrate => &["driver", "pins.", "rail.", "settings.", "timing.", "homing."],
            CommissioningStep::Proof => &["driver", "pins.", "force."],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_step_has_a_name_of_its_own_and_something_to_do() {
        for (at, step) in CommissioningStep::ALL.into_iter().enumerate() {
            assert_eq!(CommissioningStep::from_name(step.name()), Some(step));
            assert_eq!(step as usize, at, "{}", step.name());
            assert!(step.todo().ends_with('.') && step.todo().len() > 20, "{}", step.name());
            assert!(step.depends_on().contains(&"driver"), "{}", step.name());
        }
        assert_eq!(CommissioningStep::from_name("which way"), None);
    }
}
