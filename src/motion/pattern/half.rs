//! Half stroke number so and so of a program: a pure function of the program, the sensation and that number.

use super::steps::StrokeStep;
use super::table::{DRAWN_PORTION, Place, Portion, ProgramTable, Sensed};
use super::{StrokeDrive, StrokeProgram};

/// Smallest share of the time of a whole stroke: a half stroke without length has none of its own.
const LEAST_PORTION: f64 = 0.02;
/// Places that are nearer to each other, as shares of a stroke, are the same.
const EQUAL_SHARE: f64 = 1e-6;
/// A third of the time for speeding up, and as much for braking.
const THIRD: f64 = 1.0 / 3.0;

/// A half stroke.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HalfStroke {
    /// Where it begins, as a share of the stroke, if the one before has ended where it should.
    pub from: f64,
    /// Where it ends.
    pub to: f64,
    /// Share of the time of a whole stroke.
    pub portion: f64,
    /// Share of its time for speeding up, and as much for braking.
    pub ramp: f64,
    /// Rest behind it, in s.
    pub rest_s: f64,
    /// True if a whole stroke ends with it.
    pub ends_stroke: bool,
}

impl HalfStroke {
    /// Its direction: 1 toward the front, -1 toward the back, 0 if it has no length.
    pub fn direction(&self) -> f64 {
        let way = self.to - self.from;
        if way.abs() <= EQUAL_SHARE { 0.0 } else { way.signum() }
    }

    /// Its length by its share of the time: what decides about its speed.
    fn steepness(&self) -> f64 {
        (self.to - self.from).abs() / self.portion
    }
}

/// Which half stroke of which run through the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct HalfNumber {
    /// In the program, from 0.
    pub index: u32,
    /// Runs through the program that are done; it wraps.
    pub round: u32,
}

impl StrokeDrive {
    /// Half strokes of one run through the program.
    pub fn halves(&self) -> u32 {
        match &self.program {
            StrokeProgram::Kind(kind) => {
                let table = kind.table();
                table.strokes(table.limited(self.sensation)) * table.rows.len() as u32
            }
            StrokeProgram::Steps(steps) => steps.as_slice().len() as u32,
        }
    }

    /// Half strokes that belong together: a run of them has the same place in another run of the same program.
    pub(super) fn halves_of_rung(&self) -> u32 {
        match &self.program {
            StrokeProgram::Kind(kind) => kind.table().rows.len() as u32,
            StrokeProgram::Steps(steps) => steps.as_slice().len() as u32,
        }
    }

    /// The half stroke with that number.
    pub fn half(&self, number: HalfNumber) -> HalfStroke {
        match &self.program {
            StrokeProgram::Kind(kind) => {
                let table = kind.table();
                Rows { table, sensation: table.limited(self.sensation), seed: self.seed }.half(number)
            }
            StrokeProgram::Steps(steps) => step(steps.as_slice(), number.index as usize),
        }
    }

    /// The largest length of a half stroke, as a share of the stroke, by its share of the time: what a highest speed is measured
    /// by.
    pub fn steepest(&self) -> f64 {
        match &self.program {
            StrokeProgram::Kind(kind) => {
                let table = kind.table();
                Rows { table, sensation: table.limited(self.sensation), seed: self.seed }.steepest()
            }
            // A step at full speed.
            StrokeProgram::Steps(steps) => mean_time(steps.as_slice()),
        }
    }
}

impl ProgramTable {
    fn limited(&self, sensation: f64) -> f64 {
        sensation.clamp(-self.most_sensation, self.most_sensation)
    }

    fn rungs(&self, sensation: f64) -> u32 {
        self.ladder.map_or(1, |ladder| libm::round(sensed(ladder.rungs, sensation)) as u32)
    }

    /// Whole strokes of one run.
    fn strokes(&self, sensation: f64) -> u32 {
        let rungs = self.rungs(sensation);
        match (self.ladder, self.pauses) {
            (Some(ladder), _) if ladder.falls => 2 * rungs - 2,
            (Some(_), _) => rungs,
            (None, Some(pauses)) => pauses.series.iter().sum(),
            (None, None) => 1,
        }
    }

    /// Share of the full stroke in whole stroke `stroke` of a run.
    fn rung(&self, stroke: u32, sensation: f64) -> f64 {
        let rungs = self.rungs(sensation);
        let step = if stroke < rungs { stroke + 1 } else { (2 * rungs - 1).saturating_sub(stroke) };
        f64::from(step) / f64::from(rungs)
    }

    /// Rest behind whole stroke `stroke` of a run, in s.
    fn rest_s(&self, stroke: u32, sensation: f64) -> f64 {
        let Some(pauses) = self.pauses else { return 0.0 };
        let mut behind = 0;
        let ends_series = pauses.series.iter().any(|strokes| {
            behind += strokes;
            behind == stroke + 1
        });
        if ends_series { sensed(pauses.rest_s, sensation) } else { 0.0 }
    }
}

/// The rows of a table, with the numbers that decide about them.
struct Rows {
    table: &'static ProgramTable,
    sensation: f64,
    seed: u64,
}

impl Rows {
    fn half(&self, number: HalfNumber) -> HalfStroke {
        let rows = self.table.rows.len() as u32;
        let halves = self.table.strokes(self.sensation) * rows;
        let before = match number.index.checked_sub(1) {
            Some(index) => HalfNumber { index, ..number },
            None => HalfNumber { index: halves - 1, round: number.round.wrapping_sub(1) },
        };
        let (stroke, row) = (number.index / rows, number.index % rows);
        let ends_stroke = self.table.rows[row as usize].ends_stroke;
        HalfStroke {
            from: self.place(before),
            to: self.place(number),
            portion: self.portion(number),
            ramp: sensed(self.table.ramp, self.sensation),
            rest_s: if ends_stroke { self.table.rest_s(stroke, self.sensation) } else { 0.0 },
            ends_stroke,
        }
    }

    fn place(&self, number: HalfNumber) -> f64 {
        let rows = self.table.rows.len() as u32;
        let row = number.index % rows;
        match self.table.rows[row as usize].to {
            Place::At(share) => share,
            Place::Sensed(shares) => sensed(shares, self.sensation),
            Place::Rung => self.table.rung(number.index / rows, self.sensation),
            Place::Drawn(from, by) => {
                from + by * sensed(self.table.variety, self.sensation) * drawn(self.seed, number.round, row)
            }
        }
    }

    fn portion(&self, number: HalfNumber) -> f64 {
        let rows = self.table.rows.len() as u32;
        match self.table.rows[(number.index % rows) as usize].portion {
            Portion::Half => 0.5,
            Portion::FastAbove => fast_portion(self.sensation),
            Portion::FastBelow => fast_portion(-self.sensation),
            Portion::ByWay => {
                let first = number.index - number.index % rows;
                let way = |index: u32| {
                    let before = if index.is_multiple_of(rows) { index + rows - 1 } else { index - 1 };
                    let at = |index| self.place(HalfNumber { index, ..number });
                    (at(index) - at(before)).abs()
                };
                way(number.index) / (first..first + rows).map(way).sum::<f64>()
            }
            Portion::Drawn { is_first } => {
                let change = self.drawn_portion() * (2.0 * drawn(self.seed, number.round, rows) - 1.0);
                if is_first { 0.5 + change } else { 0.5 - change }
            }
        }
    }

    fn drawn_portion(&self) -> f64 {
        DRAWN_PORTION * sensed(self.table.variety, self.sensation)
    }

    fn steepest(&self) -> f64 {
        let rows = self.table.rows.len() as u32;
        // The full stroke of a ladder is that of its highest rung.
        let first = (self.table.rungs(self.sensation) - 1) * rows;
        let is_drawn = |row: &&super::table::HalfRow| matches!(row.portion, Portion::Drawn { .. });
        if self.table.rows.iter().any(|row| is_drawn(&row)) {
            return 1.0 / (0.5 - self.drawn_portion());
        }
        (first..first + rows)
            .map(|index| self.half(HalfNumber { index, round: 0 }).steepness())
            .fold(f64::MIN_POSITIVE, f64::max)
    }
}

/// Value at a sensation.
fn sensed(values: Sensed, sensation: f64) -> f64 {
    let [low, middle, high] = values;
    let end = if sensation < 0.0 { low } else { high };
    middle + (end - middle) * sensation.abs()
}

/// Share of the time of a whole stroke for a half that sensation makes faster: half of it divided by 1 to 5; below 0 what the other
/// half leaves.
fn fast_portion(sensation: f64) -> f64 {
    let fast = 0.5 / (1.0 + 4.0 * sensation.abs());
    if sensation < 0.0 { 1.0 - fast } else { fast }
}

/// Number in `[0, 1)` that belongs to a seed, a run and a draw of it.
///
/// SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014): its output function for the state that is
/// so many steps behind the seed.
fn drawn(seed: u64, round: u32, draw: u32) -> f64 {
    let steps = (u64::from(round) << 8) + u64::from(draw) + 1;
    let mut z = seed.wrapping_add(steps.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
}

/// Way of a step by its speed.
fn time(steps: &[StrokeStep], index: usize) -> f64 {
    let before = steps[index.checked_sub(1).unwrap_or(steps.len() - 1)].to;
    f64::from((steps[index].to - before).abs() / steps[index].speed)
}

/// Time of two steps on average, of a program whose highest speed is 1 stroke in that unit.
fn mean_time(steps: &[StrokeStep]) -> f64 {
    let all: f64 = (0..steps.len()).map(|index| time(steps, index)).sum();
    (2.0 * all / steps.len() as f64).max(f64::MIN_POSITIVE)
}

/// A step of the user. Two steps are a whole stroke; all together take their mean time.
fn step(steps: &[StrokeStep], index: usize) -> HalfStroke {
    let index = index % steps.len();
    let before = index.checked_sub(1).unwrap_or(steps.len() - 1);
    HalfStroke {
        from: f64::from(steps[before].to),
        to: f64::from(steps[index].to),
        portion: (time(steps, index) / mean_time(steps)).max(LEAST_PORTION),
        ramp: THIRD,
        rest_s: f64::from(steps[index].rest_s),
        ends_stroke: index % 2 == 1,
    }
}
