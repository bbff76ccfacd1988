//! Chunk player: iterates over the events of one chunk. Pure.
//!
//! It returns the same next event until it is told that the event has happened. So the step loop can wait as long and
//! as often as it likes.

use super::chunk::Chunk;
use crate::motion::runs::{Instants, StepRun};
use crate::motion::{Kinematics, Piece, step_times};
use crate::units::{Nanos, SECOND_NS};

/// Next event of a chunk.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ChunkEvent {
    /// A step is due.
    Step {
        /// Planned instant, if no lateness has moved the time base.
        nominal_ns: Nanos,
        /// True for a step toward the front.
        forward: bool,
    },
    /// The committed motion ends.
    CommitEnd {
        /// Planned instant.
        nominal_ns: Nanos,
    },
    /// The stop tail ends.
    TailEnd {
        /// Planned instant.
        nominal_ns: Nanos,
    },
}

/// Position in the chunk.
enum ChunkCursor {
    /// Reading the instants of a run.
    Run { index: usize, instants: Instants, forward: bool },
    /// Solving for steps in a piece.
    Piece { on_tail: bool, index: usize, at: Kinematics, offset_s: f64, from_s: f64 },
}

/// Plays one chunk.
pub struct Player {
    chunk: Chunk,
    cursor: ChunkCursor,
    /// The next event, once it is known.
    next: Option<ChunkEvent>,
}

fn nanoseconds(seconds: f64) -> Nanos {
    (seconds * SECOND_NS as f64) as Nanos
}

impl Player {
    /// A player at the beginning of the chunk.
    pub fn new(chunk: Chunk) -> Player {
        let cursor = if chunk.timed {
            let first = chunk.runs.first();
            ChunkCursor::Run {
                index: 0,
                instants: first.map(StepRun::instants).unwrap_or_default(),
                forward: first.is_some_and(|run| run.forward),
            }
        } else {
            ChunkCursor::Piece { on_tail: false, index: 0, at: chunk.start, offset_s: 0.0, from_s: 0.0 }
        };
        Player { chunk, cursor, next: None }
    }

    /// The chunk being played.
    pub fn chunk(&self) -> &Chunk {
        &self.chunk
    }

    /// Marks the step returned last as made.
    pub fn finish_step(&mut self) {
        self.next = None;
    }

    /// Goes from the end of the committed motion to the stop tail.
    pub fn enter_tail(&mut self) {
        let (at, offset_s) =
            self.chunk.committed.iter().fold((self.chunk.start, 0.0), |(at, offset_s), piece| {
                (at.after_piece(*piece), offset_s + piece.duration_s)
            });
        self.cursor = ChunkCursor::Piece { on_tail: true, index: 0, at, offset_s, from_s: 0.0 };
        self.next = None;
    }

    /// Next event, with the step counter at `count`. Steps of the committed motion are clamped to the chunk, whatever
    /// its data say, so the step loop never waits beyond its end.
    #[inline]
    pub fn next_event(&mut self, count: i64) -> ChunkEvent {
        if let Some(next) = self.next {
            return next;
        }
        let next = match &mut self.cursor {
            ChunkCursor::Run { instants, forward, .. } => match instants.next() {
                Some(at_ns) => {
                    ChunkEvent::Step { nominal_ns: clamp_to_chunk(&self.chunk, at_ns), forward: *forward }
                }
                None => self.next_run(),
            },
            ChunkCursor::Piece { .. } => self.solve(count),
        };
        self.next = Some(next);
        next
    }

    /// First step of the next run.
    fn next_run(&mut self) -> ChunkEvent {
        if let ChunkCursor::Run { index, instants, forward } = &mut self.cursor {
            while let Some(run) = self.chunk.runs.get(*index + 1) {
                (*index, *instants, *forward) = (*index + 1, run.instants(), run.forward);
                if let Some(at_ns) = instants.next() {
                    return ChunkEvent::Step {
                        nominal_ns: clamp_to_chunk(&self.chunk, at_ns),
                        forward: *forward,
                    };
                }
            }
        }
        self.end()
    }

    /// Solves for the next step of the pieces.
    fn solve(&mut self, count: i64) -> ChunkEvent {
        if let ChunkCursor::Piece { on_tail, index, at, offset_s, from_s } = &mut self.cursor {
            let pieces: &[Piece] = if *on_tail { &self.chunk.tail } else { &self.chunk.committed };
            while let Some(piece) = pieces.get(*index) {
                if let Some(step) = step_times::next_step(at, *piece, count, *from_s) {
                    *from_s = step.at_s;
                    let at_ns = nanoseconds(*offset_s + step.at_s);
                    let nominal_ns = if *on_tail {
                        self.chunk.start_ns + at_ns
                    } else {
                        clamp_to_chunk(&self.chunk, at_ns as i64)
                    };
                    return ChunkEvent::Step { nominal_ns, forward: step.forward };
                }
                *at = at.after_piece(*piece);
                *offset_s += piece.duration_s;
                *from_s = 0.0;
                *index += 1;
            }
        }
        self.end()
    }

    fn end(&self) -> ChunkEvent {
        match self.cursor {
            ChunkCursor::Piece { on_tail: true, offset_s, .. } => {
                ChunkEvent::TailEnd { nominal_ns: self.chunk.start_ns + nanoseconds(offset_s) }
            }
            ChunkCursor::Piece { .. } | ChunkCursor::Run { .. } => {
                ChunkEvent::CommitEnd { nominal_ns: self.chunk.end_ns() }
            }
        }
    }
}

/// Instant of the committed motion, from a time since the start of its chunk.
#[inline]
fn clamp_to_chunk(chunk: &Chunk, at_ns: i64) -> Nanos {
    chunk.start_ns + at_ns.clamp(0, chunk.duration_ns as i64) as Nanos
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::motion::Inputs;

    #[test]
    fn no_step_of_the_committed_motion_lies_outside_its_chunk() {
        // One step a second, in a chunk that ends after a millisecond.
        let chunk = Chunk {
            epoch: 1,
            start_ns: 5_000_000,
            duration_ns: 1_000_000,
            runs: heapless::Vec::new(),
            timed: false,
            start: Kinematics { p: 0.0, v: 1.0, a: 0.0 },
            committed: [Piece { jerk: 0.0, duration_s: 600.0 }].into_iter().collect(),
            tail: heapless::Vec::new(),
            armed_inputs: Inputs::ALL,
            last: false,
        };
        let mut player = Player::new(chunk);
        assert_eq!(player.next_event(0), ChunkEvent::Step { nominal_ns: 6_000_000, forward: true });
    }
}
