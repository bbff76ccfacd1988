//! Status words of the step loop: atomics with one writer, the step loop, and any number of readers.
//!
//! The order matters for the end of a motion. The step loop writes step counter, end cause and stop figures first, and
//! `resting` last. A reader therefore reads `resting` first ([`StepStatus::motion`]): when that says that the motion is
//! over, all other words are final. A reader that read the end cause first could miss one that was written between its
//! two reads, and take a motion that was cut for a completed one.
//!
//! tests/models/tests/status.rs checks every interleaving of writer and reader with loom; for that the atomics come
//! from `super::sync`.

use super::sync::{AtomicBool, AtomicI64, AtomicU8, AtomicU32, AtomicU64, Ordering};
use crate::machine::{Inputs, LATENESS_BUCKETS, Lateness, lateness_bucket};
use crate::units::Nanos;

/// End cause of a motion, in order of severity: a motion keeps the severest one that it met.
///
/// A ramp keeps the position. Starvation keeps it too, and is a fault. A step that was too late loses the position. A
/// halt and an input cut the motion dead at speed. An input ranks above a halt because it names what to check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum EndCause {
    /// The stop line asked for the ramp.
    Ramped = 1,
    /// No chunk came in time.
    Starved = 2,
    /// A step was too late.
    Late = 3,
    /// An armed input ended it at once.
    Halted = 4,
    /// An input ended it at once.
    Tripped = 5,
}

impl EndCause {
    fn from_byte(byte: u8) -> Option<EndCause> {
        [EndCause::Ramped, EndCause::Starved, EndCause::Late, EndCause::Halted, EndCause::Tripped]
            .into_iter()
            .find(|cause| *cause as u8 == byte)
    }
}

/// End of a motion by a cause other than its plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MotionEnd {
    /// Number of the motion.
    pub epoch: u32,
    /// The severest cause so far.
    pub cause: EndCause,
    /// Confirmed inputs at that instant.
    pub inputs: Inputs,
}

/// One consistent reading of a motion's state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MotionReading {
    /// True if no chunk is being played; then all of the following is final.
    pub resting: bool,
    /// Last motion that ended by a cause other than its plan.
    pub ended: Option<MotionEnd>,
    /// End of the last chunk whose committed motion is over.
    pub played_until_ns: Nanos,
    /// Step counter.
    pub count: i64,
}

/// Status words of the step loop, which alone writes them.
#[derive(Debug)]
pub struct StepStatus {
    heartbeat_ns: AtomicU64,
    count: AtomicI64,
    inputs: AtomicU8,
    resting: AtomicBool,
    played_until_ns: AtomicU64,
    ended: AtomicU64,
    shift_ns: AtomicU64,
    last_step_ns: AtomicU64,
    /// Time between the last two steps, signed by the direction; zero before the second step of a motion.
    interval_ns: AtomicI64,
    rebases: AtomicU32,
    rebased_ns: AtomicU64,
    worst_late_ns: AtomicU64,
    late_steps: [AtomicU32; LATENESS_BUCKETS],
    starvations: AtomicU32,
    glitches: AtomicU32,
    stop_took_ns: AtomicU64,
    stop_steps: AtomicU64,
}

impl Default for StepStatus {
    fn default() -> Self {
        StepStatus {
            heartbeat_ns: AtomicU64::new(0),
            count: AtomicI64::new(0),
            inputs: AtomicU8::new(0),
            resting: AtomicBool::new(true),
            played_until_ns: AtomicU64::new(0),
            ended: AtomicU64::new(0),
            shift_ns: AtomicU64::new(0),
            last_step_ns: AtomicU64::new(0),
            interval_ns: AtomicI64::new(0),
            rebases: AtomicU32::new(0),
            rebased_ns: AtomicU64::new(0),
            worst_late_ns: AtomicU64::new(0),
            late_steps: core::array::from_fn(|_| AtomicU32::new(0)),
            starvations: AtomicU32::new(0),
            glitches: AtomicU32::new(0),
            stop_took_ns: AtomicU64::new(0),
            stop_steps: AtomicU64::new(0),
        }
    }
}

impl StepStatus {
    /// Instant of the last heartbeat of the step loop.
    pub fn heartbeat_ns(&self) -> Nanos {
        self.heartbeat_ns.load(Ordering::Acquire)
    }

    /// Step counter.
    pub fn count(&self) -> i64 {
        self.count.load(Ordering::Acquire)
    }

    /// Input lines as last read, debounced.
    pub fn inputs(&self) -> Inputs {
        Inputs::from_bits(self.inputs.load(Ordering::Acquire))
    }

    /// True if no chunk is being played.
    pub fn resting(&self) -> bool {
        self.resting.load(Ordering::Acquire)
    }

    /// End of the last chunk whose committed motion is over.
    pub fn played_until_ns(&self) -> Nanos {
        self.played_until_ns.load(Ordering::Acquire)
    }

    /// Last motion that ended by a cause other than its plan.
    pub fn ended(&self) -> Option<MotionEnd> {
        let word = self.ended.load(Ordering::Acquire);
        let cause = EndCause::from_byte((word >> 8) as u8)?;
        Some(MotionEnd { epoch: (word >> 32) as u32, cause, inputs: Inputs::from_bits(word as u8) })
    }

    /// State of the motion, read in the order that makes it consistent.
    pub fn motion(&self) -> MotionReading {
        let resting = self.resting();
        MotionReading {
            resting,
            ended: self.ended(),
            played_until_ns: self.played_until_ns(),
            count: self.count(),
        }
    }

    /// Shift of the time base of the present motion by lateness.
    pub fn shift_ns(&self) -> Nanos {
        self.shift_ns.load(Ordering::Acquire)
    }

    /// Signed speed of the pulses in steps per second, as of `now`.
    pub fn steps_per_s(&self, now: Nanos) -> f64 {
        let interval_ns = self.interval_ns.load(Ordering::Acquire);
        if interval_ns == 0 || self.resting() {
            return 0.0;
        }
        // A step that does not come means that the axis has become slower.
        let since_ns = now.saturating_sub(self.last_step_ns.load(Ordering::Acquire));
        let span_ns = interval_ns.unsigned_abs().max(since_ns);
        interval_ns.signum() as f64 * 1e9 / span_ns as f64
    }

    /// Lateness since the start.
    pub fn lateness(&self) -> Lateness {
        Lateness {
            rebases: self.rebases.load(Ordering::Relaxed),
            rebased_ns: self.rebased_ns.load(Ordering::Relaxed),
            worst_step_ns: self.worst_late_ns.load(Ordering::Relaxed),
            starvations: self.starvations.load(Ordering::Relaxed),
            steps: core::array::from_fn(|bucket| self.late_steps[bucket].load(Ordering::Relaxed)),
        }
    }

    /// Number of times an input read active and was not confirmed.
    pub fn glitches(&self) -> u32 {
        self.glitches.load(Ordering::Relaxed)
    }

    /// Duration of the last stop ramp, and the steps that it made.
    pub fn last_stop(&self) -> (Nanos, u64) {
        (self.stop_took_ns.load(Ordering::Acquire), self.stop_steps.load(Ordering::Acquire))
    }

    pub(super) fn beat(&self, now: Nanos) {
        self.heartbeat_ns.store(now, Ordering::Release);
    }

    pub(super) fn show_inputs(&self, inputs: Inputs) {
        self.inputs.store(inputs.to_bits(), Ordering::Release);
    }

    #[inline]
    pub(super) fn show_step(&self, count: i64, at: Nanos, interval_ns: i64) {
        self.last_step_ns.store(at, Ordering::Release);
        self.interval_ns.store(interval_ns, Ordering::Release);
        self.count.store(count, Ordering::Release);
    }

    pub(super) fn show_playing(&self) {
        self.resting.store(false, Ordering::Release);
    }

    pub(super) fn show_played(&self, until_ns: Nanos) {
        self.played_until_ns.store(until_ns, Ordering::Release);
    }

    /// Written after all other words, so that a reader of it finds them final.
    pub(super) fn show_rest(&self) {
        self.interval_ns.store(0, Ordering::Release);
        self.shift_ns.store(0, Ordering::Release);
        self.resting.store(true, Ordering::Release);
    }

    pub(super) fn show_ended(&self, ended: MotionEnd) {
        let word = u64::from(ended.epoch) << 32
            | u64::from(ended.cause as u8) << 8
            | u64::from(ended.inputs.to_bits());
        self.ended.store(word, Ordering::Release);
        if ended.cause == EndCause::Starved {
            self.starvations.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(super) fn show_shift(&self, shift_ns: Nanos, by_ns: Nanos) {
        self.shift_ns.store(shift_ns, Ordering::Release);
        self.rebases.fetch_add(1, Ordering::Relaxed);
        self.rebased_ns.fetch_add(by_ns, Ordering::Relaxed);
    }

    pub(super) fn show_lateness(&self, late_ns: Nanos) {
        // There is only one writer, so an addition needs no lock of the bus.
        let bucket = &self.late_steps[lateness_bucket(late_ns)];
        bucket.store(bucket.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed);
        if late_ns > self.worst_late_ns.load(Ordering::Relaxed) {
            self.worst_late_ns.store(late_ns, Ordering::Relaxed);
        }
    }

    pub(super) fn show_glitch(&self) {
        self.glitches.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn show_stop(&self, took_ns: Nanos, steps: u64) {
        self.stop_took_ns.store(took_ns, Ordering::Release);
        self.stop_steps.store(steps, Ordering::Release);
    }
}
