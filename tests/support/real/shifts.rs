//! Shifts of the motion's time base by a busy host.
//!
//! A step that comes later than its interval shifts the time base: the delay stays, and no later step makes up for it
//! (S20). Telemetry reports the sum of the shifts. Two instants can be compared when the shift between them is known;
//! an instant next to a shift cannot, since telemetry comes only every 40 ms.

use super::clock::Zero;
use super::socket::Frame;

/// Largest age of the content of a frame.
const AGE_NS: i64 = 120_000_000;

/// One or more shifts within an interval, on the clock of the machine.
#[derive(Debug, Clone, Copy)]
struct Shift {
    from_ns: i64,
    to_ns: i64,
    by_ns: i64,
}

/// The shifts that telemetry reported.
#[derive(Debug)]
pub struct Shifts(Vec<Shift>);

fn rebased_ns(frame: &Frame) -> i64 {
    frame.json()["lateness"]["rebased_ns"].as_i64().unwrap()
}

impl Shifts {
    /// Reads the shifts from the frames of a telemetry socket.
    pub fn from(frames: &[Frame], zero: Zero) -> Shifts {
        let moves = frames.windows(2).filter_map(|pair| {
            let by_ns = rebased_ns(&pair[1]) - rebased_ns(&pair[0]);
            let (from_ns, to_ns) = (zero.machine_ns(pair[0].at) - AGE_NS, zero.machine_ns(pair[1].at));
            (by_ns != 0).then_some(Shift { from_ns, to_ns, by_ns })
        });
        Shifts(moves.collect())
    }

    /// Sum of the shifts until this instant; `None` next to a shift.
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

    /// The instant without the shifts of the time base.
    pub fn unshifted_s(&self, at_ns: u64) -> Option<f64> {
        Some((at_ns as i64 - self.until(at_ns)?) as f64 * 1e-9)
    }
}

/// Sum of the shifts between two frames.
pub fn between_ns(first: &Frame, last: &Frame) -> i64 {
    rebased_ns(last) - rebased_ns(first)
}
