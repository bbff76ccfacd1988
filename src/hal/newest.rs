//! Seqlock in two slots: the newest force sample of another thread, read without waiting.
//!
//! There is one writer and one reader. The writer fills the slot that is not published and then publishes it. So a
//! writer that is preempted half-way leaves the previous sample to the reader, whole. The reader keeps the sample that
//! it read last, for the rare case that it was preempted for so long that both slots changed.
//!
//! tests/models/tests/newest.rs checks every interleaving of writer and reader with loom; for that the atomics come
//! from `super::sync`.
//!
//! This module also decides whether a sample is still valid (promise S12): both the sample and its link time out.

use super::sync::{Arc, AtomicU64, Ordering, fence};
use super::{ForceSample, ForceSensor};
use crate::units::{MILLISECOND_NS, Nanos};

/// Time after which a silent sensor counts as absent (promise S12).
pub const LINK_TIMEOUT_NS: Nanos = 100 * MILLISECOND_NS;

/// Attempts of the reader if the writer changes a slot during the read.
const READ_ATTEMPTS: usize = 3;

#[derive(Debug, Default)]
struct SeqSlot {
    /// Number of the sample being written here, and of the complete one; equal unless a write is in progress.
    begun: AtomicU64,
    done: AtomicU64,
    force_g_bits: AtomicU64,
    at: AtomicU64,
    lasts_ns: AtomicU64,
    period_ns: AtomicU64,
}

#[derive(Debug, Default)]
struct SeqShared {
    slots: [SeqSlot; 2],
    /// Samples published so far; the newest is in the slot of this number's parity. Zero: none.
    count: AtomicU64,
    /// The sample of this number and all before it are invalid.
    lost: AtomicU64,
    /// Instant at which the sensor was last heard, plus one; zero: never.
    heard: AtomicU64,
}

/// The writer's end, for the sensor.
#[derive(Debug)]
pub struct ForceFeed(Arc<SeqShared>);

/// The reader's end, for the control cycle.
#[derive(Debug)]
pub struct NewestForce {
    shared: Arc<SeqShared>,
    /// Last sample that was read whole, with its number.
    read: Option<(u64, ForceSample)>,
}

/// Makes a seqlock without a sample.
#[must_use]
pub fn newest_force() -> (ForceFeed, NewestForce) {
    let shared = Arc::new(SeqShared::default());
    (ForceFeed(Arc::clone(&shared)), NewestForce { shared, read: None })
}

impl ForceFeed {
    /// Publishes the newest sample of a sensor that is heard at `now`.
    pub fn publish(&mut self, sample: ForceSample, now: Nanos) {
        let number = self.0.count.load(Ordering::Relaxed) + 1;
        let slot = &self.0.slots[(number % 2) as usize];
        slot.begun.store(number, Ordering::Relaxed);
        fence(Ordering::Release);
        slot.force_g_bits.store(sample.force_g.to_bits(), Ordering::Relaxed);
        slot.at.store(sample.at, Ordering::Relaxed);
        slot.lasts_ns.store(sample.lasts_ns, Ordering::Relaxed);
        slot.period_ns.store(sample.period_ns, Ordering::Relaxed);
        slot.done.store(number, Ordering::Release);
        self.0.count.store(number, Ordering::Release);
        self.mark_alive(now);
    }

    /// Records that the sensor was heard at `now`, with or without a new sample.
    pub fn mark_alive(&mut self, now: Nanos) {
        self.0.heard.store(now + 1, Ordering::Release);
    }

    /// Invalidates all samples so far: the sensor reports that it is frozen, or was unplugged.
    pub fn invalidate(&mut self) {
        self.0.lost.store(self.0.count.load(Ordering::Relaxed), Ordering::Release);
    }
}

impl NewestForce {
    fn read_slot(&self) -> Option<(u64, ForceSample)> {
        let number = self.shared.count.load(Ordering::Acquire);
        let slot = &self.shared.slots[(number % 2) as usize];
        let done = slot.done.load(Ordering::Acquire);
        let sample = ForceSample {
            force_g: f64::from_bits(slot.force_g_bits.load(Ordering::Relaxed)),
            at: slot.at.load(Ordering::Relaxed),
            lasts_ns: slot.lasts_ns.load(Ordering::Relaxed),
            period_ns: slot.period_ns.load(Ordering::Relaxed),
        };
        fence(Ordering::Acquire);
        (number > 0 && done == slot.begun.load(Ordering::Relaxed)).then_some((done, sample))
    }
}

impl ForceSensor for NewestForce {
    fn latest(&mut self, now: Nanos) -> Option<ForceSample> {
        // A sample can be complete before it is counted. A reader that has seen it must not return an older one.
        let newest = (0..READ_ATTEMPTS).find_map(|_| self.read_slot());
        self.read = newest.into_iter().chain(self.read).max_by_key(|(number, _)| *number);
        let (number, sample) = self.read?;
        let heard = self.shared.heard.load(Ordering::Acquire).checked_sub(1)?;
        let counts = number > self.shared.lost.load(Ordering::Acquire)
            && now.saturating_sub(heard) <= LINK_TIMEOUT_NS
            && now.saturating_sub(sample.at) <= sample.lasts_ns;
        counts.then_some(sample)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(force_g: f64, at_ms: Nanos, lasts_ms: Nanos) -> ForceSample {
        ForceSample { force_g, at: at_ms * MILLISECOND_NS, lasts_ns: lasts_ms * MILLISECOND_NS, period_ns: 0 }
    }

    fn known_g(cell: &mut NewestForce, now_ms: Nanos) -> Option<f64> {
        cell.latest(now_ms * MILLISECOND_NS).map(|sample| sample.force_g)
    }

    #[test]
    fn a_sample_ages_and_so_does_the_link() {
        let (mut feed, mut cell) = newest_force();
        assert_eq!(known_g(&mut cell, 0), None);
        feed.publish(sample(5.0, 10, 200), 10 * MILLISECOND_NS);
        assert_eq!(known_g(&mut cell, 110), Some(5.0));
        assert_eq!(known_g(&mut cell, 111), None, "not heard for more than 100 ms");
        feed.mark_alive(100 * MILLISECOND_NS);
        assert_eq!(known_g(&mut cell, 200), Some(5.0));
        feed.mark_alive(200 * MILLISECOND_NS);
        assert_eq!((known_g(&mut cell, 210), known_g(&mut cell, 211)), (Some(5.0), None), "too old");
    }

    #[test]
    fn what_is_lost_stays_lost_until_there_is_a_new_one() {
        let (mut feed, mut cell) = newest_force();
        feed.publish(sample(5.0, 0, 100), 0);
        feed.invalidate();
        feed.mark_alive(MILLISECOND_NS);
        assert_eq!(known_g(&mut cell, 1), None);
        feed.publish(sample(6.0, 1, 100), MILLISECOND_NS);
        assert_eq!(known_g(&mut cell, 1), Some(6.0));
    }

    /// A smoke test of the real processor; the models in tests/models/tests/newest.rs check every interleaving.
    #[test]
    fn a_reader_never_sees_half_of_one_sample_and_half_of_another() {
        const LAST: Nanos = 200_000;
        let (mut feed, mut cell) = newest_force();
        let writer = std::thread::spawn(move || {
            for at in 1..=LAST {
                feed.publish(ForceSample { force_g: at as f64, at, lasts_ns: at, period_ns: at }, at);
            }
        });
        let mut last = 0;
        // Until the writer's last sample was seen; a writer that failed ends it as well.
        while last < LAST && !(writer.is_finished() && cell.latest(0).is_none_or(|sample| sample.at == last))
        {
            if let Some(sample) = cell.latest(0) {
                assert_eq!(sample.force_g, sample.at as f64);
                assert_eq!((sample.lasts_ns, sample.period_ns), (sample.at, sample.at));
                assert!(sample.at >= last, "{} after {last}", sample.at);
                last = sample.at;
            }
        }
        writer.join().unwrap();
        assert_eq!(last, LAST);
    }
}
