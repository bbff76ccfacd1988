//! Machine faults: their codes, their effect on the position, their remedies.

use crate::motion::RailEnd;

/// Within this distance a carriage that lost some steps may have reached the switch, in mm; the padding is half of it.
const NEAR_SWITCH_MM: f64 = 10.0;

/// Where the carriage was, seen from the limit switch that closed, as far as it is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SwitchDistance {
    /// No calibration says it, or no switch is meant.
    Unknown,
    /// Lost steps explain that it closed.
    Near,
    /// Lost steps do not explain it.
    Far,
}

impl SwitchDistance {
    /// From the distance to the place at which the switch was calibrated, in mm.
    #[must_use]
    pub fn of(from_switch_mm: Option<f64>) -> SwitchDistance {
        match from_switch_mm {
            None => SwitchDistance::Unknown,
            Some(mm) if mm > NEAR_SWITCH_MM => SwitchDistance::Far,
            Some(_) => SwitchDistance::Near,
        }
    }
}

/// A fault. It latches: the first one is kept until it is acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fault {
    /// A limit switch closed outside homing (S10).
    LimitHit(RailEnd),
    /// Both limit switches read closed (S11).
    BothLimitsClosed,
    /// The e-stop sense input is open (S24).
    EStop,
    /// The motor driver reports an alarm.
    DriverAlarm,
    /// Homing: no switch closed within the longest possible travel (S9).
    NoSwitchFound(RailEnd),
    /// Homing: the switch did not open when the carriage backed off.
    SwitchStuck(RailEnd),
    /// Homing toward this end, the switch of the other end closed.
    WrongSwitch(RailEnd),
    /// Homing: the carriage backed off one switch, and this one closed already.
    SwitchTooSoon(RailEnd),
    /// Homing: the slow touch did not agree with the fast one.
    TouchDisagrees(RailEnd),
    /// Homing: the measured travel cannot be that of the rail in the settings.
    ImplausibleTravel,
    /// Homing found more steps per millimetre than the pulses can make at the highest speed.
    StepRateTooHigh,
    /// Homing took too long.
    HomingTimeout,
    /// Homing: the force limit was reached (S14).
    ForceWhileHoming,
    /// No valid force sample in time (S12).
    ForceSampleLost,
    /// The step loop ran out of motion: the control cycle was late (S16).
    ControlLate,
    /// An edge came so late that the position can no longer be trusted (S20).
    StepLate,
    /// The step loop gives no heartbeat.
    StepLoopSilent,
    /// The computer's supply stayed too low (S25).
    UnderVoltage,
    /// The computer is too hot (S25).
    Overheated,
    /// A halt was ordered from inside the process.
    Halted,
    /// The user's settings were lost with the store; the defaults, or older settings, are in force.
    SettingsLost,
}

impl Fault {
    /// Every fault.
    pub const ALL: [Fault; 27] = [
        Fault::LimitHit(RailEnd::Back),
        Fault::LimitHit(RailEnd::Front),
        Fault::BothLimitsClosed,
        Fault::EStop,
        Fault::DriverAlarm,
        Fault::NoSwitchFound(RailEnd::Back),
        Fault::NoSwitchFound(RailEnd::Front),
        Fault::SwitchStuck(RailEnd::Back),
        Fault::SwitchStuck(RailEnd::Front),
        Fault::WrongSwitch(RailEnd::Back),
        Fault::WrongSwitch(RailEnd::Front),
        Fault::SwitchTooSoon(RailEnd::Back),
        Fault::SwitchTooSoon(RailEnd::Front),
        Fault::TouchDisagrees(RailEnd::Back),
        Fault::TouchDisagrees(RailEnd::Front),
        Fault::ImplausibleTravel,
        Fault::StepRateTooHigh,
        Fault::HomingTimeout,
        Fault::ForceWhileHoming,
        Fault::ForceSampleLost,
        Fault::ControlLate,
        Fault::StepLate,
        Fault::StepLoopSilent,
        Fault::UnderVoltage,
        Fault::Overheated,
        Fault::Halted,
        Fault::SettingsLost,
    ];

    /// Stable code for programs.
    pub const fn code(self) -> &'static str {
        match self {
            Fault::LimitHit(RailEnd::Back) => "limit_hit_back",
            Fault::LimitHit(RailEnd::Front) => "limit_hit_front",
            Fault::BothLimitsClosed => "both_limits_closed",
            Fault::EStop => "e_stop",
            Fault::DriverAlarm => "driver_alarm",
            Fault::NoSwitchFound(RailEnd::Back) => "no_switch_found_back",
            Fault::NoSwitchFound(RailEnd::Front) => "no_switch_found_front",
            Fault::SwitchStuck(RailEnd::Back) => "switch_stuck_back",
            Fault::SwitchStuck(RailEnd::Front) => "switch_stuck_front",
            Fault::WrongSwitch(RailEnd::Back) => "wrong_switch_back",
            Fault::WrongSwitch(RailEnd::Front) => "wrong_switch_front",
            Fault::SwitchTooSoon(RailEnd::Back) => "switch_too_soon_back",
            Fault::SwitchTooSoon(RailEnd::Front) => "switch_too_soon_front",
            Fault::TouchDisagrees(RailEnd::Back) => "touch_disagrees_back",
            Fault::TouchDisagrees(RailEnd::Front) => "touch_disagrees_front",
            Fault::ImplausibleTravel => "implausible_travel",
            Fault::StepRateTooHigh => "step_rate_too_high",
            Fault::HomingTimeout => "homing_timeout",
            Fault::ForceWhileHoming => "force_while_homing",
            Fault::ForceSampleLost => "force_sample_lost",
            Fault::ControlLate => "control_late",
            Fault::StepLate => "step_late",
            Fault::StepLoopSilent => "step_loop_silent",
            Fault::UnderVoltage => "under_voltage",
            Fault::Overheated => "overheated",
            Fault::Halted => "halted",
            Fault::SettingsLost => "settings_lost",
        }
    }

    /// True if the step counter no longer gives the position of the carriage.
    pub const fn loses_position(self) -> bool {
        match self {
            Fault::ForceWhileHoming
            | Fault::ForceSampleLost
            | Fault::ControlLate
            | Fault::UnderVoltage
            | Fault::Overheated => false,
            Fault::LimitHit(_)
            | Fault::BothLimitsClosed
            | Fault::EStop
            | Fault::DriverAlarm
            | Fault::NoSwitchFound(_)
            | Fault::SwitchStuck(_)
            | Fault::WrongSwitch(_)
            | Fault::SwitchTooSoon(_)
            | Fault::TouchDisagrees(_)
            | Fault::ImplausibleTravel
            | Fault::StepRateTooHigh
            | Fault::HomingTimeout
            | Fault::StepLate
            | Fault::StepLoopSilent
            | Fault::Halted
            | Fault::SettingsLost => true,
        }
    }

    /// Remedy for the user, by what is known of the cause.
    pub const fn remedy_by(self, distance: SwitchDistance) -> &'static str {
        match (self, distance) {
            (Fault::LimitHit(_), SwitchDistance::Far) => {
                "the carriage was far from that switch: look for a loose contact, or for noise from the motor on the cable of the switch; and that the belt does not slip"
            }
            (Fault::LimitHit(_), SwitchDistance::Near) => {
                "the carriage was near that switch: check that nothing slipped or blocked it, and that max_stroke is what you measured"
            }
            _ => self.remedy(),
        }
    }

    /// Remedy for the user, if nothing is known of the cause.
    pub const fn remedy(self) -> &'static str {
        match self {
            Fault::LimitHit(_) => {
                "was the carriage near that switch? then check that nothing slipped or blocked it and that max_stroke is what you measured; far from it, the cable of the switch picks up noise or has a loose contact"
            }
            Fault::BothLimitsClosed => {
                "only one switch can be pressed at a time: check the switches, their cables and their polarity"
            }
            Fault::EStop => "make sure that it is safe, and that the e-stop loop is closed again",
            Fault::DriverAlarm => {
                "switch the motor's power off, look for what is jammed, hot or shorted, and switch it on again"
            }
            Fault::NoSwitchFound(_) => {
                "check that the switch and its cable work, that the motor turns, and max_stroke and microsteps_per_rev"
            }
            Fault::SwitchStuck(_) => {
                "check that the switch opens when the carriage leaves it, that the motor turns the right way, and that back_off_mm in [homing] is enough"
            }
            Fault::WrongSwitch(_) => {
                "the switches are swapped or the motor runs the wrong way: check the cables, or turn the direction round"
            }
            Fault::SwitchTooSoon(_) => {
                "check that this switch is open in the middle of the rail, and its cable; and that the motor turns the right way"
            }
            Fault::TouchDisagrees(_) => {
                "the switch closed at two different places: check that it is tight and that the belt does not slip"
            }
            Fault::ImplausibleTravel => {
                "compare max_stroke with a ruler, and microsteps_per_rev with the switches of the motor driver"
            }
            Fault::StepRateTooHigh => {
                "lower max_speed_mm_s, or the microsteps of the motor driver, or shorten its pulses in [timing]"
            }
            Fault::HomingTimeout => "check that the carriage moves freely, then calibrate again",
            Fault::ForceWhileHoming => {
                "take away what pushes against the carriage, or check the zero of the load cell"
            }
            Fault::ForceSampleLost => {
                "`yep sensor status` says what the force sensor lacks: tare and calibration, another baud rate, power or its cable"
            }
            Fault::ControlLate | Fault::StepLate | Fault::StepLoopSilent => {
                "the computer was too busy: stop other programs on it"
            }
            Fault::UnderVoltage => {
                "give the computer a stronger supply or a shorter cable, and take other loads off it"
            }
            Fault::Overheated => "let the computer cool down; give it air, or a heat sink",
            Fault::Halted => "look at the log for what ordered the halt",
            Fault::SettingsLost => "compare every setting with the machine, or restore a backup",
        }
    }
}

impl std::fmt::Display for Fault {
    /// The event, in the past tense: a fault stays latched when its cause is gone.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Fault::LimitHit(end) => write!(f, "the {} limit switch closed in motion", end.name()),
            Fault::BothLimitsClosed => f.write_str("both limit switches read closed"),
            Fault::EStop => f.write_str("the e-stop input opened"),
            Fault::DriverAlarm => f.write_str("the motor driver reported an alarm"),
            Fault::NoSwitchFound(end) => write!(f, "no {} limit switch was found", end.name()),
            Fault::SwitchStuck(end) => write!(f, "the {} limit switch did not open", end.name()),
            Fault::WrongSwitch(end) => {
                write!(f, "moving to the {}, the {} limit switch closed", end.name(), end.opposite().name())
            }
            Fault::SwitchTooSoon(end) => {
                write!(
                    f,
                    "backing off the {} limit switch, the {} limit switch closed",
                    end.opposite().name(),
                    end.name()
                )
            }
            Fault::TouchDisagrees(end) => {
                write!(f, "the two touches of the {} limit switch disagreed", end.name())
            }
            Fault::ImplausibleTravel => f.write_str("the measured travel did not fit the settings"),
            Fault::StepRateTooHigh => {
                f.write_str("the measured steps of a millimetre were too many for the highest speed")
            }
            Fault::HomingTimeout => f.write_str("homing took too long"),
            Fault::ForceWhileHoming => f.write_str("the force limit was reached while homing"),
            Fault::ForceSampleLost => f.write_str("there was no valid force sample for more than 100 ms"),
            Fault::ControlLate => f.write_str("the control cycle was late in mid-motion"),
            Fault::StepLate => f.write_str("a step came too late for the position to be trusted"),
            Fault::StepLoopSilent => f.write_str("the step loop gave no sign of life"),
            Fault::UnderVoltage => f.write_str("the supply of the computer stayed too low"),
            Fault::Overheated => f.write_str("the computer was too hot"),
            Fault::Halted => f.write_str("motion was halted"),
            Fault::SettingsLost => f.write_str("the settings were lost: others came into force"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_latched_is_told_in_the_past_tense() {
        for fault in Fault::ALL {
            let said = format!(" {fault} ");
            for present in [" is ", " are ", " does ", " reports ", " gives ", " disagree "] {
                assert!(!said.contains(present), "{}:{said}", fault.code());
            }
        }
    }

    #[test]
    fn remedies_name_what_can_be_done() {
        for (fault, words) in [
            // Missing tare, noise on the line or another version: rarely the cable.
            (Fault::ForceSampleLost, &["yep sensor status", "tare", "baud rate"][..]),
            (Fault::SwitchStuck(RailEnd::Front), &["back_off_mm"]),
            (Fault::LimitHit(RailEnd::Back), &["far from it", "noise"]),
        ] {
            for word in words {
                assert!(fault.remedy().contains(word), "{}: {}", fault.code(), fault.remedy());
            }
        }
        assert!(Fault::ALL.iter().all(|fault| !fault.remedy().contains("padding_mm")));
    }
}
