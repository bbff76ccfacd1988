//! Loom model of the status words of the step loop (src/drive/status.rs): a control cycle that interleaves with the
//! writes of the step loop never takes a motion that was cut for a completed one, nor a cause for a milder one, and a
//! reader that sees a motion over sees its last step. The mutants, with weaker orderings or with the end cause read
//! first, are detected.

use loom::sync::Arc;
use loom::thread;
use yep_models::drive::status::EndCause;

const PREEMPTIONS: usize = 3;

fn check(model: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(PREEMPTIONS);
    builder.max_branches = 10_000;
    builder.check(model);
}

/// The models of one variant of the file: each has a step loop and a control cycle that reads by `read`.
macro_rules! models {
    ($variant:ident) => {
        mod $variant {
            use super::*;
            use yep_models::$variant::status::{EndCause, MotionEnd, StepStatus};
            use yep_models::$variant::{begin, end, play_out, rest, step};

            /// A read by a control cycle: whether the motion rests, its end cause, and the step counter.
            type Read = fn(&StepStatus) -> (bool, Option<MotionEnd>, i64);

            pub fn resting_first(status: &StepStatus) -> (bool, Option<MotionEnd>, i64) {
                let motion = status.motion();
                (motion.resting, motion.ended, motion.count)
            }

            /// The wrong order: the end cause, then whether the motion rests.
            #[allow(dead_code)] // Tried on one variant.
            pub fn cause_first(status: &StepStatus) -> (bool, Option<MotionEnd>, i64) {
                let ended = status.ended();
                (status.resting(), ended, status.count())
            }

            /// A motion that is played to its end while `causes` occur on its tail, the severest last.
            pub fn final_at_rest(read: Read, causes: &'static [EndCause]) {
                check(move || {
                    let status = Arc::new(StepStatus::default());
                    begin(&status);
                    let own = Arc::clone(&status);
                    let writer = thread::spawn(move || {
                        step(&own, 1);
                        play_out(&own);
                        for cause in causes {
                            end(&own, 1, *cause);
                        }
                        step(&own, 2);
                        rest(&own);
                    });
                    let (resting, ended, count) = read(&status);
                    if resting {
                        let severest = causes.last().copied();
                        assert_eq!(ended.map(|ended| ended.cause), severest, "not its end cause");
                        assert_eq!((count, status.last_stop()), (2, (2, 2)), "not its last step");
                    }
                    writer.join().unwrap();
                    let (resting, ended, _) = read(&status);
                    assert!(resting && ended.map(|ended| ended.cause) == causes.last().copied());
                });
            }
        }
    };
}

models!(drive);
models!(drive_relaxed);

#[test]
fn whoever_sees_a_motion_over_sees_its_last_step() {
    drive::final_at_rest(drive::resting_first, &[]);
}

#[test]
fn whoever_sees_a_motion_over_sees_its_severest_cause() {
    drive::final_at_rest(drive::resting_first, &[EndCause::Tripped]);
    drive::final_at_rest(drive::resting_first, &[EndCause::Ramped, EndCause::Late]);
}

#[test]
#[should_panic(expected = "not its end cause")]
fn the_end_cause_read_first_is_found_out() {
    drive::final_at_rest(drive::cause_first, &[EndCause::Tripped]);
}

#[test]
#[should_panic(expected = "not its")]
fn relaxed_stores_are_found_out() {
    use yep_models::drive_relaxed::status::EndCause;
    drive_relaxed::final_at_rest(drive_relaxed::resting_first, &[EndCause::Ramped]);
}
