//! T-Code out: lines for another device that follows this axis.
//!
//! A line says where the axis is and by when the device is to be there: `L05000I20`. It is written when the four digits
//! have changed, so a resting axis writes nothing. When the axis no longer moves, `DSTOP` is written once: a device
//! that was to reach its last place later stops as well. The first line after that is written whatever it says, as a
//! stopped device may be anywhere.
//!
//! The interval between two samples, a delay of the device and the transport are matters of the caller. A stream out is
//! never a sign of life for a stream in: two programs that mirror each other would keep each other alive.

use super::{FRONT, LONGEST_MS};

/// Stream to one device.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TcodeMirror {
    low: f64,
    high: f64,
    /// Number in the last line; `None` if the device was stopped, or has not got any.
    written: Option<u16>,
}

impl TcodeMirror {
    /// A stream to a device whose travel is used from the share `low` (back of this axis) to the share `high` (front).
    /// A `low` above `high` mirrors the direction as well. Returns `None` if a share is not within 0 to 1.
    pub fn new(low: f64, high: f64) -> Option<TcodeMirror> {
        let is_share = |share: f64| (0.0..=1.0).contains(&share);
        (is_share(low) && is_share(high)).then_some(TcodeMirror { low, high, written: None })
    }

    /// The line to write for a sample of the axis, with its end; `None` if there is nothing to write.
    ///
    /// `share` is the place of the axis, from 0 at the back to 1 at the front; it is clamped, and without effect if it
    /// is not a number. `moves` is false from the instant of a stop on and at rest. `interval_ms` is the time until
    /// the next sample, in which the device is to be there; it is clamped to 1 to 10000 ms.
    pub fn sample(&mut self, share: f64, moves: bool, interval_ms: u32) -> Option<String> {
        if !moves {
            return self.written.take().map(|_| "DSTOP\n".to_owned());
        }
        if share.is_nan() {
            return None;
        }
        let there = self.low + (self.high - self.low) * share.clamp(0.0, 1.0);
        // Within 0 to FRONT, so the conversion is exact.
        let number = (there * f64::from(FRONT)).round() as u16;
        let is_new = self.written.replace(number) != Some(number);
        is_new.then(|| format!("L0{number:04}I{}\n", interval_ms.clamp(1, LONGEST_MS)))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::feeds::tcode::{TcodeEvent, TcodeSession};
    use crate::motion::feed::Pace;

    fn line(low: f64, high: f64, share: f64, interval_ms: u32) -> Option<String> {
        TcodeMirror::new(low, high)?.sample(share, true, interval_ms)
    }

    #[test]
    fn the_place_in_the_travel_of_the_device() {
        for (low, high, share, interval_ms, wanted) in [
            (0.0, 1.0, 0.0, 20, "L00000I20\n"),
            (0.0, 1.0, 1.0, 50, "L09999I50\n"),
            (0.0, 1.0, 0.5, 20, "L05000I20\n"),
            (0.2, 0.8, 0.0, 20, "L02000I20\n"),
            (0.2, 0.8, 1.0, 20, "L07999I20\n"),
            (1.0, 0.0, 0.0, 20, "L09999I20\n"),
            (0.5, 0.5, 0.7, 20, "L05000I20\n"),
            (0.0, 1.0, -3.0, 0, "L00000I1\n"),
            (0.0, 1.0, f64::INFINITY, u32::MAX, "L09999I10000\n"),
        ] {
            assert_eq!(line(low, high, share, interval_ms).as_deref(), Some(wanted));
        }
        assert_eq!(line(0.0, 1.0, f64::NAN, 20), None);
        for (low, high) in [(-0.1, 1.0), (0.0, 1.1), (f64::NAN, 1.0), (0.0, f64::NAN), (0.0, f64::INFINITY)] {
            assert_eq!(TcodeMirror::new(low, high), None);
        }
    }

    #[test]
    fn only_changes_are_written_and_the_stop_once() {
        let mut mirror = TcodeMirror::new(0.0, 1.0).unwrap();
        let samples = [
            (0.1, false, None),
            (0.1, true, Some("L01000I20\n")),
            (0.1, true, None),
            (0.100_01, true, None),
            (0.2, true, Some("L02000I20\n")),
            // The stop ramp still moves the axis.
            (0.21, false, Some("DSTOP\n")),
            (0.22, false, None),
            (0.22, false, None),
            (0.22, true, Some("L02200I20\n")),
            (f64::NAN, true, None),
            (f64::NAN, false, Some("DSTOP\n")),
            (0.22, true, Some("L02200I20\n")),
        ];
        for (at, (share, moves, wanted)) in samples.into_iter().enumerate() {
            assert_eq!(mirror.sample(share, moves, 20).as_deref(), wanted, "sample {at}");
        }
    }

    proptest! {
        #[test]
        fn this_program_reads_what_it_writes(share in 0.0..=1.0f64, interval_ms in 1u32..=10_000) {
            let mut events = Vec::new();
            let line = line(0.0, 1.0, share, interval_ms).unwrap();
            TcodeSession::default().feed(line.as_bytes(), |event| events.push(event));
            let [TcodeEvent::Toward(target)] = events[..] else { panic!("{events:?}") };
            prop_assert!((target.share - share).abs() <= 0.5001 / 9_999.0);
            prop_assert_eq!(target.pace, Pace::Within { time_s: f64::from(interval_ms) / 1_000.0 });
        }
    }
}
