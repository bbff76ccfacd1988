//! Simulated operator: sees the carriage, pushes it by hand, and injects faults.
//!
//! Shared between the step loop, which owns the rail, and the user of the simulation: a test, the API, the load cell.
//! Only atomics, since the step loop must never wait.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};

use serde::{Deserialize, Serialize};

/// Injected fault of the simulated machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u32)]
pub enum Mishap {
    /// The front switch never closes.
    FrontDead = 1,
    /// The back switch never closes.
    BackDead = 1 << 1,
    /// The front switch is always closed, or held by hand.
    FrontWelded = 1 << 2,
    /// The back switch is always closed, or held by hand.
    BackWelded = 1 << 3,
    /// The cables of the switches are swapped.
    SwitchesSwapped = 1 << 4,
    /// The motor turns the wrong way.
    DirectionReversed = 1 << 5,
    /// The motor turns, the carriage does not move.
    BeltOff = 1 << 6,
    /// The e-stop loop is open.
    EStopOpen = 1 << 7,
    /// The load cell is silent.
    LoadCellSilent = 1 << 8,
    /// The front switch has come loose: it sits a little farther each time it is pressed.
    FrontLoose = 1 << 9,
    /// The motor driver reports an alarm.
    DriverAlarm = 1 << 10,
    /// The control thread stands still while this is on; without effect if both loops share a thread.
    ControlFrozen = 1 << 11,
    /// The same for the step thread.
    StepLoopFrozen = 1 << 12,
    /// The contacts of the front switch bounce.
    FrontBounces = 1 << 16,
    /// The contacts of the back switch bounce.
    BackBounces = 1 << 17,
    /// The load cell answers, always with the same sample.
    LoadCellFrozen = 1 << 18,
    /// The load cell reports far more than its usual noise.
    LoadCellNoisy = 1 << 19,
    /// The load cell reports values that no force can have.
    LoadCellGarbage = 1 << 20,
    /// The motor has a tenth of its force.
    MotorWeak = 1 << 21,
    /// Something holds the carriage where it is.
    CarriageBlocked = 1 << 22,
}

impl Mishap {
    /// Every mishap.
    pub const ALL: [Mishap; 20] = [
        Mishap::FrontDead,
        Mishap::BackDead,
        Mishap::FrontWelded,
        Mishap::BackWelded,
        Mishap::SwitchesSwapped,
        Mishap::DirectionReversed,
        Mishap::BeltOff,
        Mishap::EStopOpen,
        Mishap::LoadCellSilent,
        Mishap::FrontLoose,
        Mishap::DriverAlarm,
        Mishap::ControlFrozen,
        Mishap::StepLoopFrozen,
        Mishap::FrontBounces,
        Mishap::BackBounces,
        Mishap::LoadCellFrozen,
        Mishap::LoadCellNoisy,
        Mishap::LoadCellGarbage,
        Mishap::MotorWeak,
        Mishap::CarriageBlocked,
    ];

    /// Name, the same as in the configuration file.
    pub const fn name(self) -> &'static str {
        match self {
            Mishap::FrontDead => "front_dead",
            Mishap::BackDead => "back_dead",
            Mishap::FrontWelded => "front_welded",
            Mishap::BackWelded => "back_welded",
            Mishap::SwitchesSwapped => "switches_swapped",
            Mishap::DirectionReversed => "direction_reversed",
            Mishap::BeltOff => "belt_off",
            Mishap::EStopOpen => "e_stop_open",
            Mishap::LoadCellSilent => "load_cell_silent",
            Mishap::FrontLoose => "front_loose",
            Mishap::DriverAlarm => "driver_alarm",
            Mishap::ControlFrozen => "control_frozen",
            Mishap::StepLoopFrozen => "step_loop_frozen",
            Mishap::FrontBounces => "front_bounces",
            Mishap::BackBounces => "back_bounces",
            Mishap::LoadCellFrozen => "load_cell_frozen",
            Mishap::LoadCellNoisy => "load_cell_noisy",
            Mishap::LoadCellGarbage => "load_cell_garbage",
            Mishap::MotorWeak => "motor_weak",
            Mishap::CarriageBlocked => "carriage_blocked",
        }
    }

    /// The mishap of that name, if there is one.
    pub fn from_name(name: &str) -> Option<Mishap> {
        Mishap::ALL.into_iter().find(|mishap| mishap.name() == name)
    }
}

/// A set of mishaps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Mishaps(u32);

impl Mishaps {
    /// True if the mishap is in the set.
    pub const fn has(self, mishap: Mishap) -> bool {
        self.0 & mishap as u32 != 0
    }

    /// The set with one more mishap.
    #[must_use]
    pub const fn with(self, mishap: Mishap) -> Mishaps {
        Mishaps(self.0 | mishap as u32)
    }
}

#[derive(Debug, Default)]
struct OperatorShared {
    mishaps: AtomicU32,
    carriage_nm: AtomicI64,
    /// Force of a hand on the carriage, in milligrams.
    hand_mg: AtomicI64,
}

/// Handle to the simulated machine; clones share it.
#[derive(Debug, Clone, Default)]
pub struct SimulatedOperator(Arc<OperatorShared>);

impl SimulatedOperator {
    /// Injects a mishap, or ends it.
    pub fn set_mishap(&self, mishap: Mishap, on: bool) {
        if on {
            self.0.mishaps.fetch_or(mishap as u32, Ordering::Relaxed);
        } else {
            self.0.mishaps.fetch_and(!(mishap as u32), Ordering::Relaxed);
        }
    }

    /// Replaces all mishaps at once.
    pub fn replace_mishaps(&self, mishaps: Mishaps) {
        self.0.mishaps.store(mishaps.0, Ordering::Relaxed);
    }

    /// The mishaps that are on.
    pub fn mishaps(&self) -> Mishaps {
        Mishaps(self.0.mishaps.load(Ordering::Relaxed))
    }

    /// Position of the carriage, in mm from where the back switch closes.
    pub fn carriage_mm(&self) -> f64 {
        self.0.carriage_nm.load(Ordering::Relaxed) as f64 * 1e-6
    }

    pub(super) fn set_carriage_mm(&self, carriage_mm: f64) {
        self.0.carriage_nm.store((carriage_mm * 1e6) as i64, Ordering::Relaxed);
    }

    /// Sets the force of a hand on the carriage, beside the spring, in grams; negative is toward the back.
    pub fn push_g(&self, force_g: f64) {
        self.0.hand_mg.store((force_g * 1e3) as i64, Ordering::Relaxed);
    }

    /// Force of the hand on the carriage, in grams.
    pub fn pushed_g(&self) -> f64 {
        self.0.hand_mg.load(Ordering::Relaxed) as f64 * 1e-3
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mishap_has_one_name_everywhere() {
        for mishap in Mishap::ALL {
            assert_eq!(serde_json::to_value(mishap).unwrap(), mishap.name());
            assert_eq!(Mishap::from_name(mishap.name()), Some(mishap));
        }
        assert_eq!(Mishap::from_name("rain"), None);
    }

    #[test]
    fn setting_all_of_them_ends_the_others() {
        let operator = SimulatedOperator::default();
        operator.set_mishap(Mishap::BeltOff, true);
        operator.replace_mishaps(Mishaps::default().with(Mishap::EStopOpen).with(Mishap::FrontDead));
        let on = Mishap::ALL.into_iter().filter(|mishap| operator.mishaps().has(*mishap));
        assert_eq!(on.collect::<Vec<_>>(), [Mishap::FrontDead, Mishap::EStopOpen]);
    }
}
