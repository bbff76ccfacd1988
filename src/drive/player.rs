//! The player: goes through one chunk, event by event. Pure.
//!
//! It says what comes next and stays there until it is told that it has happened, so the step loop can wait as long
//! and as often as it likes.

use super::chunk::Chunk;
use crate::motion::runs::{Instants, Run};
use crate::motion::{Kinematics, Piece, step_times};
use crate::units::{Nanos, SECOND_NS};

/// What comes next.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Next {
    /// A step, planned for that instant.
    Step {
        /// The instant, if no lateness has moved the time base.
        nominal_ns: Nanos,
        /// Toward the front.
        forward: bool,
    },
    /// The end of the committed motion.
    CommitEnd {
        /// The instant.
        nominal_ns: Nanos,
    },
    /// The end of the tail.
    TailEnd {
        /// The instant.
        nominal_ns: Nanos,
    },
}

/// Where in the chunk.
enum Place {
    /// Reading the instants of a run.
    Run { index: usize, instants: Instants },
    /// Solving for steps in a piece.
    Piece { on_tail: bool, index: usize, at: Kinematics, offset_s: f64, from_s: f64 },
}

/// Plays one chunk.
pub struct Player {
    chunk: Chunk,
    place: Place,
    /// What comes next, once it is known.
    next: Option<Next>,
}

fn nanoseconds(seconds: f64) -> Nanos {
    (seconds * SECOND_NS as f64) as Nanos
}

impl Player {
    /// At the beginning of the chunk.
    #[must_use]
    pub fn new(chunk: Chunk) -> Player {
        let place = if chunk.timed {
            Place::Run { index: 0, instants: chunk.runs.first().map(Run::instants).unwrap_or_default() }
        } else {
            Place::Piece { on_tail: false, index: 0, at: chunk.start, offset_s: 0.0, from_s: 0.0 }
        };
        Player { chunk, place, next: None }
    }

    /// The chunk.
    #[must_use]
    pub fn chunk(&self) -> &Chunk {
        &self.chunk
    }

    /// The step that came next has been made.
    pub fn stepped(&mut self) {
        self.next = None;
    }

    /// From the end of the committed motion along the way to rest.
    pub fn take_tail(&mut self) {
        let (at, offset_s) =
            self.chunk.committed.iter().fold((self.chunk.start, 0.0), |(at, offset_s), piece| {
                (at.after_piece(*piece), offset_s + piece.duration_s)
            });
        self.place = Place::Piece { on_tail: true, index: 0, at, offset_s, from_s: 0.0 };
        self.next = None;
    }

    /// What comes next, with the step counter at `count`.
    pub fn next(&mut self, count: i64) -> Next {
        if let Some(next) = self.next {
            return next;
        }
        let next = match &mut self.place {
            Place::Run { index, instants } => {
                next_of_runs(&self.chunk.runs, index, instants).map(|(at_ns, forward)| Next::Step {
                    nominal_ns: self.chunk.start_ns.saturating_add_signed(at_ns),
                    forward,
                })
            }
            Place::Piece { on_tail, index, at, offset_s, from_s } => {
                let pieces: &[Piece] = if *on_tail { &self.chunk.tail } else { &self.chunk.committed };
                loop {
                    let Some(piece) = pieces.get(*index) else { break None };
                    if let Some(step) = step_times::next_step(at, *piece, count, *from_s) {
                        *from_s = step.at_s;
                        let nominal_ns = self.chunk.start_ns + nanoseconds(*offset_s + step.at_s);
                        break Some(Next::Step { nominal_ns, forward: step.forward });
                    }
                    *at = at.after_piece(*piece);
                    *offset_s += piece.duration_s;
                    *from_s = 0.0;
                    *index += 1;
                }
            }
        };
        let next = next.unwrap_or_else(|| self.end());
        self.next = Some(next);
        next
    }

    fn end(&self) -> Next {
        match self.place {
            Place::Piece { on_tail: true, offset_s, .. } => {
                Next::TailEnd { nominal_ns: self.chunk.start_ns + nanoseconds(offset_s) }
            }
            Place::Piece { .. } | Place::Run { .. } => Next::CommitEnd { nominal_ns: self.chunk.end_ns() },
        }
    }
}

fn next_of_runs(runs: &[Run], index: &mut usize, instants: &mut Instants) -> Option<(i64, bool)> {
    loop {
        let run = runs.get(*index)?;
        if let Some(at_ns) = instants.next() {
            return Some((at_ns, run.forward));
        }
        *index += 1;
        *instants = runs.get(*index)?.instants();
    }
}
