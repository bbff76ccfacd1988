//! Loom models of the lock-free parts: the product's source with loom's atomics, so that a test tries every
//! interleaving of the threads and every value that a relaxed load may return.
//!
//! The source is the product's own file. The items of its room that it needs are stubbed here, word for word where it
//! matters and as small as possible elsewhere. Mutants with orderings that are too weak show that the models can fail.
// The mutants include the same file in other modules.
#![allow(clippy::duplicate_mod)]

/// Instants, as the included file expects them.
pub mod units {
    /// Nanoseconds of the machine's clock.
    pub type Nanos = u64;
    /// One millisecond.
    pub const MILLISECOND_NS: Nanos = 1_000_000;
}

/// The sequences in which the step loop writes its status words, for each variant of the file.
macro_rules! step_loop {
    () => {
        /// The step loop begins a motion.
        pub fn begin(status: &StepStatus) {
            status.show_playing();
        }

        /// The step loop makes a step.
        pub fn step(status: &StepStatus, count: i64) {
            status.show_step(count, count as u64, 1);
        }

        /// The step loop plays a motion to its planned end.
        pub fn play_out(status: &StepStatus) {
            status.show_played(1);
        }

        /// A cause ends the motion, or joins the one that did.
        pub fn end(status: &StepStatus, epoch: u32, cause: EndCause) {
            status.show_ended(MotionEnd { epoch, cause, inputs: Inputs::ALL });
        }

        /// The axis rests.
        pub fn rest(status: &StepStatus) {
            status.show_stop(2, 2);
            status.show_rest();
        }
    };
}
pub(crate) use step_loop;

// A model uses only a part of each included file.
#[allow(dead_code)]
pub mod drive;
#[allow(dead_code)]
pub mod drive_relaxed;
pub mod hal;
#[allow(dead_code)]
pub mod machine;
pub mod relaxed;
pub mod without_fences;
