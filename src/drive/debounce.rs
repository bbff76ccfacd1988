//! Debounce of the input lines. Pure.
//!
//! An active line is confirmed when four samples in a row, 15 us apart, read it active (Klipper's rule for endstops). A
//! line that reads inactive is released at once. Nothing here waits: the caller brings the reading and its instant.
//! Until a line is confirmed or released it is *pending*, and steps that it would end are held back.

use crate::motion::Inputs;
use crate::units::{MICROSECOND_NS, Nanos};

/// Interval between two samples that count.
const SAMPLE_EVERY_NS: Nanos = 15 * MICROSECOND_NS;

/// Debounced input lines.
#[derive(Debug, Default)]
pub struct Debounce {
    confirmed: u8,
    pending: u8,
    /// Pending lines that were active at the last sample, at the last two, and at the last three.
    since: [u8; 3],
    next_sample_ns: Nanos,
}

impl Debounce {
    /// True if a reading changes nothing.
    #[inline]
    pub fn is_settled(&self, read: Inputs) -> bool {
        self.pending == 0 && read.to_bits() == self.confirmed
    }

    /// Lines that are confirmed to be active.
    pub fn confirmed(&self) -> Inputs {
        Inputs::from_bits(self.confirmed)
    }

    /// Lines that read active and are not confirmed yet.
    #[inline]
    pub fn pending(&self) -> Inputs {
        Inputs::from_bits(self.pending)
    }

    /// Instant of the next sample, while a line is pending.
    #[inline]
    pub fn next_sample_ns(&self) -> Option<Nanos> {
        (self.pending != 0).then_some(self.next_sample_ns)
    }

    /// Takes a reading at `now`. Returns true if a pending line has turned out to be a glitch.
    pub fn take_reading(&mut self, read: Inputs, now: Nanos) -> bool {
        let read = read.to_bits();
        let glitch = self.pending & !read != 0;
        self.confirmed &= read;
        let new = read & !self.confirmed;
        self.since = self.since.map(|lines| lines & new);
        let [one, two, three] = self.since;
        if one == 0 || now >= self.next_sample_ns {
            let confirmed = three;
            self.confirmed |= confirmed;
            self.since = [new & !confirmed, one & !confirmed, two & !confirmed];
            self.next_sample_ns = now + SAMPLE_EVERY_NS;
        }
        self.pending = new & !self.confirmed;
        glitch
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The rule, line by line: active in four samples, each at least 15 us after the previous one, and in every reading
    /// between them.
    fn confirmed_by_the_rule(readings: &[(Nanos, u8)], line: u8) -> bool {
        let active = readings.iter().rev().take_while(|(_, read)| read & line != 0);
        let instants: Vec<Nanos> = active.map(|(at, _)| *at).collect();
        let (Some(last), Some(first)) = (instants.first(), instants.last()) else { return false };
        last - first >= 3 * SAMPLE_EVERY_NS
    }

    proptest! {
        #[test]
        fn no_line_is_believed_too_early_nor_much_too_late(
            readings in prop::collection::vec((0u64..20_000, 0u8..16), 1..80)
        ) {
            let mut debounce = Debounce::default();
            let (mut now, mut taken) = (0, Vec::new());
            for (after_ns, read) in readings {
                now += after_ns;
                debounce.take_reading(Inputs::from_bits(read), now);
                taken.push((now, read));
                let confirmed = debounce.confirmed().to_bits();
                prop_assert_eq!(confirmed | debounce.pending().to_bits(), read);
                for line in [1, 2, 4, 8] {
                    prop_assert!(confirmed & line == 0 || confirmed_by_the_rule(&taken, line));
                }
            }
        }
    }

    #[test]
    fn four_samples_confirm_also_beside_another_suspect() {
        let mut debounce = Debounce::default();
        let front = Inputs { front: true, ..Inputs::default() };
        let both = Inputs { back: true, ..front };
        assert!(!debounce.take_reading(front, 1_000));
        debounce.take_reading(front, 16_000);
        debounce.take_reading(both, 20_000);
        debounce.take_reading(both, 31_000);
        assert_eq!(debounce.confirmed(), Inputs::default());
        debounce.take_reading(both, 46_000);
        assert_eq!((debounce.confirmed(), debounce.pending()), (front, Inputs { front: false, ..both }));
        debounce.take_reading(both, 61_000);
        debounce.take_reading(both, 76_000);
        assert_eq!((debounce.confirmed(), debounce.next_sample_ns()), (both, None));
    }

    #[test]
    fn a_glitch_is_told_once_and_a_release_is_none() {
        let mut debounce = Debounce::default();
        let e_stop = Inputs { e_stop: true, ..Inputs::default() };
        assert!(!debounce.take_reading(e_stop, 0));
        assert!(debounce.take_reading(Inputs::default(), 40_000));
        assert!(!debounce.take_reading(Inputs::default(), 50_000));
        for at in [60_000, 75_000, 90_000, 105_000] {
            debounce.take_reading(e_stop, at);
        }
        assert!(debounce.is_settled(e_stop));
        assert!(!debounce.take_reading(Inputs::default(), 110_000), "a release is no glitch");
    }
}
