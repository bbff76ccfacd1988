//! The points of a path that are not reached yet, in the order of their instants.

use heapless::Deque;

/// Most points that wait: a third of a second of a stream of 100 Hz, more than any buffer here delays.
const POINTS_MAX: usize = 32;

/// A point of the path.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PathPoint {
    /// When the axis is to be there, in s.
    pub due_s: f64,
    /// Where, in mm.
    pub p: f64,
    /// True for a point of a dense stream, which is passed; the axis comes to rest at the others.
    pub dense: bool,
}

/// The points.
#[derive(Debug, Clone, Default)]
pub struct PathPoints {
    waiting: Deque<PathPoint, POINTS_MAX>,
}

impl PathPoints {
    /// Adds a point behind all others. False if the oldest one gave way to it.
    pub fn push(&mut self, point: PathPoint) -> bool {
        let had_room = !self.waiting.is_full();
        if !had_room {
            self.waiting.pop_front();
        }
        let _ = self.waiting.push_back(point);
        had_room
    }

    /// The point that is due first behind `at_s`, or else the newest; and the one behind it. The first leaves the queue.
    pub fn take(&mut self, at_s: f64) -> Option<(PathPoint, Option<PathPoint>)> {
        let mut first = self.waiting.pop_front()?;
        while first.due_s <= at_s {
            match self.waiting.pop_front() {
                Some(next) => first = next,
                None => break,
            }
        }
        Some((first, self.waiting.front().copied()))
    }

    /// The newest point.
    pub fn last(&self) -> Option<&PathPoint> {
        self.waiting.back()
    }

    /// True if no point waits.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Drops all points.
    pub fn clear(&mut self) {
        self.waiting.clear();
    }
}
