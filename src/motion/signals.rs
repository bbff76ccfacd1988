//! The few words that everything near the pins shares: the ends of the rail, the input lines, how urgently to stop.
//!
//! They live here, below the machine, because the step loop speaks them and knows nothing of the machine.

/// Which end of the rail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum End {
    /// Where 0 mm is.
    Back,
    /// The far end.
    Front,
}

impl End {
    /// As it is written in messages.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            End::Back => "back",
            End::Front => "front",
        }
    }

    /// The other end.
    #[must_use]
    pub const fn opposite(self) -> End {
        match self {
            End::Back => End::Front,
            End::Front => End::Back,
        }
    }
}

/// The input lines, true when active: a switch pressed, the e-stop loop open, the motor driver in alarm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Inputs {
    /// The switch at the front end.
    pub front: bool,
    /// The switch at the back end.
    pub back: bool,
    /// The e-stop loop is open.
    pub e_stop: bool,
    /// The motor driver says that it has given up.
    pub driver_alarm: bool,
}

/// How urgently motion must end. Only rises until the supervisor has acted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
#[repr(u8)]
pub enum StopLevel {
    /// Nothing is asked.
    #[default]
    None = 0,
    /// The firmest ramp; the position is kept.
    Stop = 1,
    /// No further edge; the position is lost.
    Halt = 2,
}

impl Inputs {
    /// None is active.
    pub const NONE: Inputs = Inputs::from_bits(0);

    /// All of them.
    pub const ALL: Inputs = Inputs { front: true, back: true, e_stop: true, driver_alarm: true };

    /// Whether any line that is active here is active in `other` too.
    #[must_use]
    pub const fn meets(self, other: Inputs) -> bool {
        self.to_bits() & other.to_bits() != 0
    }

    /// The switch of that end.
    #[must_use]
    pub const fn limit(self, end: End) -> bool {
        match end {
            End::Back => self.back,
            End::Front => self.front,
        }
    }

    /// All lines but the switch of that end.
    #[must_use]
    pub const fn all_but(end: End) -> Inputs {
        match end {
            End::Back => Inputs { back: false, ..Inputs::ALL },
            End::Front => Inputs { front: false, ..Inputs::ALL },
        }
    }

    /// As the bits of an atomic word.
    #[must_use]
    pub const fn to_bits(self) -> u8 {
        self.front as u8 | (self.back as u8) << 1 | (self.e_stop as u8) << 2 | (self.driver_alarm as u8) << 3
    }

    /// From the bits of an atomic word.
    #[must_use]
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
            assert_eq!(inputs.meets(Inputs::ALL), bits != 0, "{inputs:?}");
        }
    }
}
