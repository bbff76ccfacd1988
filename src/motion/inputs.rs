//! Input lines of the axis: limit switches, e-stop loop, alarm of the motor driver.
//!
//! The type lives below `machine` because the step loop reads the lines and may not name `machine`.

use super::rail_end::RailEnd;

/// Input lines, true when active: a switch pressed, the e-stop loop open, the motor driver in alarm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Inputs {
    /// The front limit switch is pressed.
    pub front: bool,
    /// The back limit switch is pressed.
    pub back: bool,
    /// The e-stop loop is open.
    pub e_stop: bool,
    /// The motor driver reports an alarm.
    pub driver_alarm: bool,
}

impl Inputs {
    /// No line active.
    pub const NONE: Inputs = Inputs::from_bits(0);

    /// All lines active.
    pub const ALL: Inputs = Inputs { front: true, back: true, e_stop: true, driver_alarm: true };

    /// True if a line is active in both sets.
    pub const fn intersects(self, other: Inputs) -> bool {
        self.to_bits() & other.to_bits() != 0
    }

    /// State of the limit switch at `end`.
    pub const fn limit(self, end: RailEnd) -> bool {
        match end {
            RailEnd::Back => self.back,
            RailEnd::Front => self.front,
        }
    }

    /// All lines except the limit switch at `end`.
    pub const fn all_except(end: RailEnd) -> Inputs {
        match end {
            RailEnd::Back => Inputs { back: false, ..Inputs::ALL },
            RailEnd::Front => Inputs { front: false, ..Inputs::ALL },
        }
    }

    /// One bit for each line, to store the set in an atomic word.
    pub const fn to_bits(self) -> u8 {
        self.front as u8 | (self.back as u8) << 1 | (self.e_stop as u8) << 2 | (self.driver_alarm as u8) << 3
    }

    /// Inverse of [`Inputs::to_bits`].
    pub const fn from_bits(bits: u8) -> Inputs {
        Inputs {
            front: bits & 1 != 0,
            back: bits & 2 != 0,
            e_stop: bits & 4 != 0,
            driver_alarm: bits & 8 != 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_combination_survives_an_atomic_word() {
        for bits in 0..=Inputs::ALL.to_bits() {
            let inputs = Inputs::from_bits(bits);
            assert_eq!(inputs.to_bits(), bits);
            assert_eq!(inputs.intersects(Inputs::ALL), bits != 0, "{inputs:?}");
        }
    }
}
