//! Sums of a session from its snapshots: distance, strokes, peak speed and peak force. Pure.
//!
//! Snapshots come about a hundred times a second. Between two of them up to 10 ms are missing at a reversal of the
//! wave, which makes the distance of a quick wave a little short: under 1 % at two periods a second.

use crate::machine::Snapshot;
use crate::store::SessionRecord;

/// Hysteresis of the reversal detection: the jitter of a hold is no stroke.
const REVERSAL_MM: f64 = 1.0;

/// Sums of one session.
#[derive(Debug, Default)]
pub struct SessionTally {
    position_mm: Option<f64>,
    distance_mm: f64,
    peak_speed_mm_s: f64,
    peak_force_g: Option<f64>,
    /// Direction of motion and the farthest position in it; `None` before the first millimetre.
    direction: Option<(Direction, f64)>,
    /// Position of the first snapshot.
    start_mm: Option<f64>,
    turns: u64,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Direction {
    Forward,
    Back,
}

impl SessionTally {
    /// Adds a snapshot.
    pub fn add_snapshot(&mut self, now: &Snapshot) {
        self.peak_speed_mm_s = self.peak_speed_mm_s.max(now.velocity_mm_s.abs());
        if let Some(force_g) = now.force_g {
            self.peak_force_g = Some(self.peak_force_g.unwrap_or(0.0).max(force_g.abs()));
        }
        let Some(position_mm) = now.position_mm else { return };
        if let Some(before_mm) = self.position_mm.replace(position_mm) {
            self.distance_mm += (position_mm - before_mm).abs();
        }
        self.count_turns(position_mm);
    }

    fn count_turns(&mut self, position_mm: f64) {
        let start_mm = *self.start_mm.get_or_insert(position_mm);
        self.direction = match self.direction {
            None if position_mm > start_mm + REVERSAL_MM => Some((Direction::Forward, position_mm)),
            None if position_mm < start_mm - REVERSAL_MM => Some((Direction::Back, position_mm)),
            None => None,
            Some((Direction::Forward, farthest)) if position_mm < farthest - REVERSAL_MM => {
                self.turns += 1;
                Some((Direction::Back, position_mm))
            }
            Some((Direction::Back, farthest)) if position_mm > farthest + REVERSAL_MM => {
                self.turns += 1;
                Some((Direction::Forward, position_mm))
            }
            Some((Direction::Forward, farthest)) => Some((Direction::Forward, farthest.max(position_mm))),
            Some((Direction::Back, farthest)) => Some((Direction::Back, farthest.min(position_mm))),
        };
    }

    /// The session with these sums, begun at that time.
    pub fn record(&self, begun_unix_s: u64) -> SessionRecord {
        SessionRecord {
            // A stroke there and back has two reversals, and counts from the first one.
            strokes: self.turns.div_ceil(2),
            distance_mm: self.distance_mm,
            peak_speed_mm_s: self.peak_speed_mm_s,
            peak_force_g: self.peak_force_g,
            ..SessionRecord::begun(begun_unix_s)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(position_mm: f64, velocity_mm_s: f64) -> Snapshot {
        Snapshot { position_mm: Some(position_mm), velocity_mm_s, ..Snapshot::at_power_on() }
    }

    #[test]
    fn strokes_and_distance_are_those_of_the_wave() {
        let mut tally = SessionTally::default();
        // Three periods of 100 mm in 2 s each, sampled every 10 ms, with a jitter that is no movement.
        for i in 0..=600_u32 {
            let phase = f64::from(i) / 200.0 * std::f64::consts::TAU;
            let jitter = if i % 2 == 0 { 0.01 } else { -0.01 };
            tally.add_snapshot(&at(50.0 - 50.0 * phase.cos() + jitter, 157.0 * phase.sin()));
        }
        let session = tally.record(9);
        assert_eq!((session.strokes, session.started_unix_s), (3, 9));
        assert!((session.distance_mm - 600.0).abs() < 6.0, "{}", session.distance_mm);
        assert!((session.peak_speed_mm_s - 157.0).abs() < 0.1);
        assert_eq!((session.peak_force_g, session.check()), (None, Ok(())));
    }

    #[test]
    fn force_counts_either_way_and_a_lost_position_counts_nothing() {
        let mut tally = SessionTally::default();
        for force_g in [Some(-350.0), None, Some(120.0)] {
            tally.add_snapshot(&Snapshot { force_g, ..Snapshot::at_power_on() });
        }
        tally.add_snapshot(&at(5.0, 0.0));
        tally.add_snapshot(&Snapshot::at_power_on());
        tally.add_snapshot(&at(6.0, 0.0));
        let session = tally.record(0);
        assert_eq!((session.peak_force_g, session.distance_mm, session.strokes), (Some(350.0), 1.0, 0));
    }
}
