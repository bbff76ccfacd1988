//! Shifts of the motion's time base by a busy host.
//!
//! A step that comes later than its interval shifts the time base: the delay stays, and no later step makes up for it
//! (S20). Telemetry reports the sum of the shifts. Two instants can be compared when the shift between them is known;
//! an instant next to a shift cannot, since telemetry comes only every 40 ms.

use super::clock::Zero;
use super::socket::Frame;

/// A frame tells of a moment that may be as old as this.
const AGE_NS: i64 = 120_000_000;

/// One or more moves in a stretch of time, on the clock of the machine.
#[derive(Debug, Clone, Copy)]
struct Shift {
    from_ns: i64,
    to_ns: i64,
    by_ns: i64,
}

/// The moves that telemetry told of.
#[derive(Debug)]
pub struct Shifts(Vec<Shift>);

fn rebased_ns(frame: &Frame) -> i64 {
    frame.json()["lateness"]["rebased_ns"].as_i64().unwrap()
}

impl Shifts {
    /// From the frames of a telemetry socket.
    pub fn from(frames: &[Frame], zero: Zero) -> Shifts {
        let moves = frames.windows(2).filter_map(|pair| {
            let by_ns = rebased_ns(&pair[1]) - rebased_ns(&pair[0]);
            let (from_ns, to_ns) = (zero.machine_ns(pair[0].at) - AGE_NS, zero.machine_ns(pair[1].at));
            (by_ns != 0).then_some(Shift { from_ns, to_ns, by_ns })
        });
        Shifts(moves.collect())
    }

    /// How far the time base has moved until this instant; none next to a move.
    pub fn until(&self, at_ns: u64) -> Option<i64> {
        let at_ns = at_ns as i64;
        let mut sum_ns = 0;
        for shift in &self.0 {
            if at_ns > shift.to_ns {
                sum_ns += shift.by_ns;
            } else if at_ns >= shift.from_ns {
                return None;
            }
        }
        Some(sum_ns)
    }

    /// The instant as if the time base had never moved.
    pub fn unshifted_s(&self, at_ns: u64) -> Option<f64> {
        Some((at_ns as i64 - self.until(at_ns)?) as f64 * 1e-9)
    }
}

/// How much the moves between two frames come to.
pub fn between_ns(first: &Frame, last: &Frame) -> i64 {
    rebased_ns(last) - rebased_ns(first)
}
