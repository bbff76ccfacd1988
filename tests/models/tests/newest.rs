//! Loom model of the newest force sample (seqlock in src/hal/newest.rs): a reader that interleaves with a writer reads
//! whole samples, never an older one than before, and never a lost one. The mutants with weaker orderings are detected.
//!
//! The search is complete up to a bound on preemptions. loom forgets the oldest of more than seven values of an atomic,
//! which is more than any test here writes.

use loom::thread;
use yep_models::hal::{ForceSample, ForceSensor};

const PREEMPTIONS: usize = 2;

fn check(model: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(PREEMPTIONS);
    builder.max_branches = 10_000;
    builder.check(model);
}

/// The sample with this number, which each of its fields encodes.
fn sample(number: u64) -> ForceSample {
    ForceSample { force_g: number as f64, at: number, lasts_ns: number, period_ns: number }
}

fn latest(cell: &mut impl ForceSensor) -> u64 {
    let Some(sample) = cell.latest(0) else { return 0 };
    let parts = (sample.force_g, sample.lasts_ns, sample.period_ns);
    assert_eq!(parts, (sample.at as f64, sample.at, sample.at), "torn");
    sample.at
}

/// The models of one variant of the file, each a function.
macro_rules! models {
    ($variant:ident) => {
        mod $variant {
            use super::*;
            use yep_models::$variant::newest::newest_force;

            pub fn whole_and_in_order() {
                check(|| {
                    let (mut feed, mut cell) = newest_force();
                    feed.publish(sample(1), 1);
                    // A reader that has read nothing yet may be interrupted in each of its attempts, and then knows no
                    // force.
                    assert_eq!(latest(&mut cell), 1);
                    let writer = thread::spawn(move || {
                        (2..=4).for_each(|number| feed.publish(sample(number), number));
                    });
                    let first = latest(&mut cell);
                    let second = latest(&mut cell);
                    assert!(1 <= first && first <= second, "{second} after {first}");
                    writer.join().unwrap();
                    assert_eq!(latest(&mut cell), 4);
                });
            }

            // Between two samples in two places no fence is needed.
            #[allow(dead_code)]
            pub fn lost_for_good() {
                check(|| {
                    let (mut feed, mut cell) = newest_force();
                    feed.publish(sample(1), 1);
                    let writer = thread::spawn(move || {
                        feed.invalidate();
                        feed.publish(sample(2), 2);
                        feed.invalidate();
                        feed.mark_alive(3);
                    });
                    let first = latest(&mut cell);
                    let second = latest(&mut cell);
                    // After the loss of the first sample, or the second sample, the first one is never read again.
                    assert!(first == 1 || second != 1, "{second} after {first}");
                    writer.join().unwrap();
                    assert_eq!(latest(&mut cell), 0);
                });
            }
        }
    };
}

models!(hal);
models!(relaxed);
models!(without_fences);

#[test]
fn a_sample_is_whole_and_none_is_older_than_the_one_before() {
    hal::whole_and_in_order();
}

#[test]
fn what_was_lost_before_the_link_came_back_is_never_seen() {
    hal::lost_for_good();
}

#[test]
#[should_panic(expected = "torn")]
fn relaxed_stores_are_found_out() {
    relaxed::whole_and_in_order();
}

#[test]
#[should_panic(expected = "torn")]
fn relaxed_stores_are_found_out_where_samples_are_lost() {
    relaxed::lost_for_good();
}

#[test]
#[should_panic(expected = "torn")]
fn missing_fences_are_found_out() {
    without_fences::whole_and_in_order();
}
