//! Tables of the built-in programs: their half strokes, with amounts that are fixed, follow the sensation, climb a ladder or are
//! drawn.
//!
//! Sources: StrokeEngine and the firmware of OSSM for the definitions of the first seven. *Torque* is the name of a program of
//! ossm-rs, a simple stroke for which sensation limits the torque of a servo drive; a drive with step and direction has no such
//! input, so here the way in is made of pulses, which is what a limited torque feels like. *Random* and *Progressive* are wishes of
//! OSSM's users.

use super::kind::PatternKind;

/// Three values, at the sensations -1, 0 and 1; straight between them.
pub type Sensed = [f64; 3];

/// Where a half stroke ends, as a share of the stroke.
#[derive(Debug, Clone, Copy)]
pub enum Place {
    /// There.
    At(f64),
    /// As sensation says.
    Sensed(Sensed),
    /// The present rung of the ladder.
    Rung,
    /// By chance: from there, up to so far away if strokes are as different as possible.
    Drawn(f64, f64),
}

/// Share of the time of a whole stroke.
#[derive(Debug, Clone, Copy)]
pub enum Portion {
    /// A half.
    Half,
    /// The faster half for sensations of this sign, from a half to a tenth; else what that leaves.
    FastAbove,
    /// The other one.
    FastBelow,
    /// So that all half strokes of the whole stroke have the same speed.
    ByWay,
    /// By chance, or what the other one leaves.
    Drawn {
        /// True for the first of the two.
        is_first: bool,
    },
}

/// A half stroke.
#[derive(Debug, Clone, Copy)]
pub struct HalfRow {
    /// Where it ends.
    pub to: Place,
    /// Its share of the time.
    pub portion: Portion,
    /// True if a whole stroke ends with it.
    pub ends_stroke: bool,
}

/// Rungs that the strokes climb.
#[derive(Debug, Clone, Copy)]
pub struct Ladder {
    /// How many, by sensation.
    pub rungs: Sensed,
    /// True if the strokes also climb down.
    pub falls: bool,
}

/// Rests behind series of strokes.
#[derive(Debug, Clone, Copy)]
pub struct Pauses {
    /// Strokes of each series.
    pub series: &'static [u32],
    /// Length of a rest in s, by sensation.
    pub rest_s: Sensed,
}

/// A program.
#[derive(Debug, Clone, Copy)]
pub struct ProgramTable {
    /// Its half strokes.
    pub rows: &'static [HalfRow],
    /// Share of a half stroke's time for speeding up, and as much for braking, by sensation.
    pub ramp: Sensed,
    /// Its ladder.
    pub ladder: Option<Ladder>,
    /// Its rests.
    pub pauses: Option<Pauses>,
    /// Sensations beyond it, either way, count as it.
    pub most_sensation: f64,
    /// How different strokes are, by sensation, from 0 to 1.
    pub variety: Sensed,
}

const THIRD: Sensed = [1.0 / 3.0; 3];

/// Largest change of the share of time by chance.
pub const DRAWN_PORTION: f64 = 0.2;

const fn row(to: Place, portion: Portion) -> HalfRow {
    HalfRow { to, portion, ends_stroke: false }
}

const fn last(to: Place, portion: Portion) -> HalfRow {
    HalfRow { to, portion, ends_stroke: true }
}

const fn table(rows: &'static [HalfRow]) -> ProgramTable {
    ProgramTable { rows, ramp: THIRD, ladder: None, pauses: None, most_sensation: 1.0, variety: [0.0; 3] }
}

const IN_AND_OUT: &[HalfRow] = &[row(Place::At(1.0), Portion::Half), last(Place::At(0.0), Portion::Half)];
const GROWING: &[HalfRow] = &[row(Place::Rung, Portion::Half), last(Place::At(0.0), Portion::Half)];

static SIMPLE: ProgramTable = table(IN_AND_OUT);
static TEASING_POUNDING: ProgramTable =
    table(&[row(Place::At(1.0), Portion::FastAbove), last(Place::At(0.0), Portion::FastBelow)]);
static ROBO: ProgramTable = ProgramTable { ramp: [0.05, 1.0 / 3.0, 0.5], ..table(IN_AND_OUT) };
static HALF_N_HALF: ProgramTable = table(&[
    row(Place::At(0.5), Portion::FastAbove),
    last(Place::At(0.0), Portion::FastBelow),
    row(Place::At(1.0), Portion::FastAbove),
    last(Place::At(0.0), Portion::FastBelow),
]);
static DEEPER: ProgramTable =
    ProgramTable { ladder: Some(Ladder { rungs: [2.0, 11.0, 32.0], falls: false }), ..table(GROWING) };
static STOP_N_GO: ProgramTable = ProgramTable {
    pauses: Some(Pauses { series: &[1, 2, 3, 4, 5, 4, 3, 2, 1], rest_s: [0.1, 5.05, 10.0] }),
    ..table(IN_AND_OUT)
};
// At 1 a stroke would have no length, and its time would be none.
static INSIST: ProgramTable = ProgramTable {
    most_sensation: 0.95,
    ..table(&[
        row(Place::Sensed([0.0, 1.0, 1.0]), Portion::Half),
        last(Place::Sensed([0.0, 0.0, 1.0]), Portion::Half),
    ])
};
// A pulse is a quarter of the stroke; a retreat is 0.1 to 0.9 of a pulse.
static TORQUE: ProgramTable = table(&[
    row(Place::At(0.25), Portion::ByWay),
    row(Place::Sensed([0.225, 0.125, 0.025]), Portion::ByWay),
    row(Place::At(0.5), Portion::ByWay),
    row(Place::Sensed([0.475, 0.375, 0.275]), Portion::ByWay),
    row(Place::At(0.75), Portion::ByWay),
    row(Place::Sensed([0.725, 0.625, 0.525]), Portion::ByWay),
    row(Place::At(1.0), Portion::ByWay),
    last(Place::At(0.0), Portion::ByWay),
]);
// The turning points of both ends stay on their side of the middle, so a stroke has at least a tenth of its length.
static RANDOM: ProgramTable = ProgramTable {
    variety: [0.1, 0.55, 1.0],
    ..table(&[
        row(Place::Drawn(1.0, -0.45), Portion::Drawn { is_first: true }),
        last(Place::Drawn(0.0, 0.45), Portion::Drawn { is_first: false }),
    ])
};
static PROGRESSIVE: ProgramTable =
    ProgramTable { ladder: Some(Ladder { rungs: [2.0, 11.0, 32.0], falls: true }), ..table(GROWING) };

impl PatternKind {
    /// Its table.
    pub(super) fn table(self) -> &'static ProgramTable {
        match self {
            PatternKind::Simple => &SIMPLE,
            PatternKind::TeasingPounding => &TEASING_POUNDING,
            PatternKind::Robo => &ROBO,
            PatternKind::HalfNHalf => &HALF_N_HALF,
            PatternKind::Deeper => &DEEPER,
            PatternKind::StopNGo => &STOP_N_GO,
            PatternKind::Insist => &INSIST,
            PatternKind::Torque => &TORQUE,
            PatternKind::Random => &RANDOM,
            PatternKind::Progressive => &PROGRESSIVE,
        }
    }
}
