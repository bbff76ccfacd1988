//! What the supervisor tells the motion side, and what it hears back.

use super::fault::End;
use super::report::Inputs;
use crate::units::Nanos;
use crate::wave::Wave;

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

/// How millimetres and the step counter relate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Frame {
    /// Step counter at 0 mm.
    pub origin_steps: i64,
    /// Steps for a millimetre.
    pub steps_per_mm: f64,
    /// The usable range is `0 … range_mm`.
    pub range_mm: f64,
}

/// A straight move of homing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Travel {
    /// Where to, as a reading of the step counter.
    pub to_steps: i64,
    /// Steps for a millimetre, as far as it is known yet.
    pub steps_per_mm: f64,
    /// How fast.
    pub speed_mm_s: f64,
    /// The inputs that end it at once.
    pub trips: Inputs,
}

/// What the supervisor wants of the motion side.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Order {
    /// Move there.
    Travel(Travel),
    /// From now on this is where things are.
    Adopt(Frame),
    /// Follow the wave, beginning with the gentle way to its start.
    Follow(Wave),
    /// Blend over to this wave.
    ChangeWave(Wave),
    /// Finish the period of the wave.
    Finish,
}

/// How the last motion ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// As ordered.
    Completed,
    /// An input ended it at once; these inputs were active.
    Tripped(Inputs),
    /// By the stop ramp.
    Ramped,
    /// By the stop ramp, because nothing more had been planned in time.
    Starved,
    /// By the stop ramp, because an edge was too late.
    Late,
    /// Cut by a halt.
    Halted,
}

/// The motion side as the supervisor sees it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Motion {
    /// Nothing moves and nothing is queued.
    pub resting: bool,
    /// How the last motion ended, once it is at rest.
    pub outcome: Option<Outcome>,
    /// The step counter.
    pub count_steps: i64,
    /// How long the last stop ramp took, from when the step loop saw it.
    pub stop_took_ns: Nanos,
    /// Steps emitted since then.
    pub stop_steps: u64,
}

impl Inputs {
    /// All three lines.
    pub const ALL: Inputs = Inputs { front: true, back: true, e_stop: true };

    /// Whether any line that is active here is active in `other` too.
    #[must_use]
    pub const fn meets(self, other: Inputs) -> bool {
        (self.front && other.front) || (self.back && other.back) || (self.e_stop && other.e_stop)
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
        self.front as u8 | (self.back as u8) << 1 | (self.e_stop as u8) << 2
    }

    /// From the bits of an atomic word.
    #[must_use]
    pub const fn from_bits(bits: u8) -> Inputs {
        Inputs { front: bits & 1 != 0, back: bits & 2 != 0, e_stop: bits & 4 != 0 }
    }
}
