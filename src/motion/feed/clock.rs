//! Clock of a sender: when each of its targets begins and is due, on our own clock.
//!
//! A target says how long it takes, and the next one is sent when that time is over. So the sum of these times is the
//! sender's clock, and a network that delivers late or in clumps does not change it. The offset between the two clocks
//! is the least delay seen, as a delay only makes targets later; it is corrected slowly, since a jump of one
//! millisecond is a jump of the position. A target that comes long before the one in front of it is over replaces that
//! one; a target that comes long after begins a new run of the clock.

/// Share of the time that passes by which offset and delay are corrected.
const SLEW: f64 = 0.02;
/// Growth of the least delay seen, in s per s: it follows a clock that drifts.
const LEAK: f64 = 0.001;
/// A target that comes so long before the one in front of it is over replaces that one, in s: a network does not make anything
/// earlier, and its other delays are no longer.
const EARLY_S: f64 = 0.04;
/// A target that comes later than this begins anew, in s: one of a dense stream, whose network makes clumps, and another.
const LATE_DENSE_S: f64 = 0.12;
const LATE_S: f64 = 0.04;
/// Targets that take no longer make a dense stream, in s.
pub const DENSE_S: f64 = 0.05;
/// Two targets in a row that are late by this, in s, with no sign of catching up: what was between them is lost, and with it their
/// share of the sender's clock.
const LOST_S: f64 = 0.03;
/// Weight of the newest interval in their mean.
const INTERVAL_WEIGHT: f64 = 0.125;
/// Longer intervals are pauses.
const PAUSE_S: f64 = 1.0;
/// Bounds on the time of a target that says none, in s.
const LIVE_S: (f64, f64) = (0.003, 1.0);
/// Decay of the largest lateness per target.
const JITTER_DECAY: f64 = 0.995;
/// Longest lateness for which the delay makes up, in s.
const JITTER_MAX_S: f64 = 0.04;
/// Times that differ by this share are equal.
const EQUAL_SHARE: f64 = 0.1;
/// So many equal times in a row make a steady stream.
const STEADY: u32 = 6;

/// When a target begins and when it is due, in s of our clock, without the delay of its buffer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TargetSlot {
    /// When it begins.
    pub start_s: f64,
    /// When the axis is to be there.
    pub due_s: f64,
    /// True if what was planned behind `start_s` is void.
    pub replaces: bool,
}

/// Clock of the sender of one feed.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct SenderClock {
    /// When the target before came, and when it is due.
    last: Option<(f64, f64)>,
    /// Mean interval between arrivals, in s.
    interval_s: Option<f64>,
    /// Least delay of arrivals behind the clock, recently, in s.
    least_s: f64,
    /// Largest delay beyond that, recently, in s.
    jitter_s: f64,
    /// How late the target before was, in s.
    error_s: f64,
    /// The time of the target before, and how many in a row had the same.
    time_s: f64,
    equal: u32,
}

impl SenderClock {
    /// Forgets the run of the clock, and keeps what is known of the sender: behind a stop.
    pub fn restart(&mut self) {
        self.last = None;
        self.least_s = 0.0;
    }

    /// Counts an arrival at `at_s`, before its target is placed.
    pub fn arrive(&mut self, at_s: f64) {
        let Some((before_s, _)) = self.last else { return };
        let gap_s = at_s - before_s;
        if gap_s > PAUSE_S {
            return;
        }
        let mean_s = self.interval_s.unwrap_or(gap_s);
        self.interval_s = Some(mean_s + (gap_s - mean_s) * INTERVAL_WEIGHT);
    }

    /// Time of a target that says none, in s: the mean interval at which such targets come. None for a lone one.
    pub fn live_s(&self) -> Option<f64> {
        self.last.and(self.interval_s).map(|mean_s| mean_s.clamp(LIVE_S.0, LIVE_S.1))
    }

    /// Places a target that came at `at_s` and takes `time_s`.
    pub fn place(&mut self, at_s: f64, time_s: f64) -> TargetSlot {
        let is_equal = (time_s - self.time_s).abs() <= EQUAL_SHARE * time_s;
        self.equal = if is_equal { self.equal.saturating_add(1) } else { 0 };
        self.time_s = time_s;
        let Some((_, clock_s)) = self.last else {
            self.least_s = 0.0;
            self.last = Some((at_s, at_s + time_s));
            return TargetSlot { start_s: at_s, due_s: at_s + time_s, replaces: true };
        };
        let error_s = at_s - clock_s;
        let before_error_s = core::mem::replace(&mut self.error_s, error_s);
        let is_lost = error_s.min(before_error_s) > LOST_S && error_s > before_error_s - time_s / 2.0;
        let late_s = if time_s <= DENSE_S { LATE_DENSE_S } else { LATE_S };
        let (start_s, replaces) = if error_s < -EARLY_S {
            self.least_s = 0.0;
            (at_s, true)
        } else if error_s > late_s || is_lost {
            (self.least_s, self.error_s) = (0.0, 0.0);
            (at_s, false)
        } else {
            self.least_s = (self.least_s + LEAK * time_s).min(error_s);
            self.jitter_s = (self.jitter_s * JITTER_DECAY).max(error_s - self.least_s).min(JITTER_MAX_S);
            let correction_s = self.least_s.clamp(-SLEW * time_s, SLEW * time_s);
            self.least_s -= correction_s;
            (clock_s + correction_s, false)
        };
        self.last = Some((at_s, start_s + time_s));
        TargetSlot { start_s, due_s: start_s + time_s, replaces }
    }

    /// True if the targets come at equal times.
    pub fn is_steady(&self) -> bool {
        self.equal >= STEADY
    }

    /// Mean interval between arrivals, in s.
    pub fn interval_s(&self) -> Option<f64> {
        self.interval_s
    }

    /// Recent lateness of arrivals beyond the least, in s.
    pub fn jitter_s(&self) -> f64 {
        self.jitter_s
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn placed(clock: &mut SenderClock, at_s: f64, time_s: f64) -> TargetSlot {
        clock.arrive(at_s);
        clock.place(at_s, time_s)
    }

    #[test]
    fn a_late_network_does_not_change_the_time_between_targets() {
        let mut clock = SenderClock::default();
        let mut dues = Vec::new();
        for index in 0..400 {
            let late_s = [0.0, 0.012, 0.003, 0.019, 0.007][index % 5];
            dues.push(placed(&mut clock, index as f64 * 0.01 + late_s, 0.01).due_s);
        }
        for pair in dues.windows(2).skip(20) {
            assert!((pair[1] - pair[0] - 0.01).abs() < 0.000_21, "{pair:?}");
        }
        assert!((0.015..0.022).contains(&clock.jitter_s()), "{}", clock.jitter_s());
        // The least delay is the offset.
        assert!((dues[399] - 4.0).abs() < 0.002, "{}", dues[399]);
    }

    #[test]
    fn a_clump_is_laid_out_in_time_and_an_early_target_replaces_the_one_before() {
        let mut clock = SenderClock::default();
        for index in 0..10 {
            placed(&mut clock, f64::from(index) * 0.01, 0.01);
        }
        let clump: Vec<TargetSlot> = (0..3).map(|_| placed(&mut clock, 0.12, 0.01)).collect();
        assert!(clump.iter().all(|slot| !slot.replaces));
        assert!((clump[2].due_s - 0.13).abs() < 0.001, "{clump:?}");

        let mut clock = SenderClock::default();
        assert_eq!(placed(&mut clock, 5.0, 0.5).due_s, 5.5);
        let second = placed(&mut clock, 5.2, 0.5);
        assert_eq!((second.start_s, second.due_s, second.replaces), (5.2, 5.7, true));
    }

    #[test]
    fn lost_targets_cost_their_time_once() {
        let mut clock = SenderClock::default();
        let due = |clock: &mut SenderClock, index: u32| placed(clock, f64::from(index) * 0.01, 0.01).due_s;
        for index in (0..50).chain(56..60) {
            due(&mut clock, index);
        }
        assert!((due(&mut clock, 60) - 0.61).abs() < 0.001);
    }

    #[test]
    fn behind_a_pause_the_clock_begins_anew_and_a_target_without_a_time_takes_the_mean_interval() {
        let mut clock = SenderClock::default();
        assert_eq!(clock.live_s(), None);
        placed(&mut clock, 0.0, 0.2);
        placed(&mut clock, 0.2, 0.2);
        assert!((clock.live_s().unwrap() - 0.2).abs() < 1e-9);
        let behind = placed(&mut clock, 4.0, 0.2);
        assert_eq!((behind.start_s, behind.replaces), (4.0, false));
        // A pause is no interval.
        assert!((clock.live_s().unwrap() - 0.2).abs() < 1e-9);
    }
}
