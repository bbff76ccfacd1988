//! The newest force sample (src/hal/newest.rs): a reader in the middle of a writer sees whole samples, never goes back, and
//! never one that was lost.
//!
//! The search is complete up to so many involuntary changes of the thread. loom forgets the oldest of more than seven
//! values of an atomic, which is more than any of these writes.

use loom::thread;
use yep_models::hal::newest::{ForceFeed, NewestForce, newest_force};
use yep_models::hal::{ForceSample, ForceSensor};

const PREEMPTIONS: usize = 2;

fn check(model: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(PREEMPTIONS);
    builder.max_branches = 10_000;
    builder.check(model);
}

/// The sample of this number: each of its parts tells it.
fn publish(feed: &mut ForceFeed, number: u64) {
    let sample = ForceSample { force_g: number as f64, at: number, lasts_ns: number, period_ns: number };
    feed.publish(sample, number);
}

fn latest(cell: &mut NewestForce) -> u64 {
    let Some(sample) = cell.latest(0) else { return 0 };
    let parts = (sample.force_g, sample.lasts_ns, sample.period_ns);
    assert_eq!(parts, (sample.at as f64, sample.at, sample.at), "torn");
    sample.at
}

#[test]
fn a_sample_is_whole_and_none_is_older_than_the_one_before() {
    check(|| {
        let (mut feed, mut cell) = newest_force();
        publish(&mut feed, 1);
        // A reader that has read nothing yet may be interrupted in each of its looks, and then knows of no force.
        assert_eq!(latest(&mut cell), 1);
        let writer = thread::spawn(move || (2..=4).for_each(|number| publish(&mut feed, number)));
        let first = latest(&mut cell);
        let second = latest(&mut cell);
        assert!(1 <= first && first <= second, "{second} after {first}");
        writer.join().unwrap();
        assert_eq!(latest(&mut cell), 4);
    });
}

#[test]
fn what_was_lost_before_the_link_came_back_is_never_seen() {
    check(|| {
        let (mut feed, mut cell) = newest_force();
        publish(&mut feed, 1);
        let writer = thread::spawn(move || {
            feed.lose();
            publish(&mut feed, 2);
            feed.lose();
            feed.hear(3);
        });
        let first = latest(&mut cell);
        let second = latest(&mut cell);
        // Once the loss of the first was seen, or the second sample, the first one is not seen again.
        assert!(first == 1 || second != 1, "{second} after {first}");
        writer.join().unwrap();
        assert_eq!(latest(&mut cell), 0);
    });
}
