//! Where the pulses are.

use yep::drive::Rehearsal;

use super::support::{Recorder, steps};

/// Where the pulses are, in mm.
pub struct Track(Vec<(f64, f64)>);

impl Track {
    pub fn of(machine: &mut Rehearsal<Recorder>, per_mm: f64) -> Track {
        let origin = machine.snapshot().origin_steps.unwrap();
        let mut at = 0i64;
        let place = |(at_ns, forward): &(u64, bool)| {
            at += if *forward { 1 } else { -1 };
            // In the middle of a step it is half done.
            let half = if *forward { -0.5 } else { 0.5 };
            (*at_ns as f64 * 1e-9, (at as f64 + half - origin as f64) / per_mm)
        };
        Track(steps(&machine.sink().0).iter().map(place).collect())
    }

    /// Position at an instant: on the line between two pulses.
    pub fn at(&self, at_s: f64) -> f64 {
        let next = self.0.partition_point(|step| step.0 <= at_s);
        let (before, behind) = (self.0[next - 1], self.0.get(next).copied());
        let Some(behind) = behind.filter(|step| step.0 - before.0 < 0.1) else { return before.1 };
        before.1 + (at_s - before.0) / (behind.0 - before.0) * (behind.1 - before.1)
    }

    /// When the axis turns nearest to this instant: in the middle between the last pulse of one direction and the first one of the
    /// other.
    pub fn turn_near(&self, at_s: f64, within_s: f64) -> Option<f64> {
        let from = self.0.partition_point(|step| step.0 <= at_s - within_s).max(2);
        let to = self.0.partition_point(|step| step.0 <= at_s + within_s);
        (from..to.min(self.0.len() - 1))
            .filter(|i| (self.0[*i].1 - self.0[i - 1].1) * (self.0[i + 1].1 - self.0[*i].1) <= 0.0)
            .map(|i| f64::midpoint(self.0[i].0, self.0[i + 1].0))
            .min_by(|a, b| (a - at_s).abs().total_cmp(&(b - at_s).abs()))
    }

    /// Highest speed in an interval, over so many steps.
    pub fn fastest(&self, from_s: f64, to_s: f64) -> f64 {
        let span = 10;
        let inside: Vec<&(f64, f64)> =
            self.0.iter().filter(|step| (from_s..to_s).contains(&step.0)).collect();
        inside
            .windows(span + 1)
            .map(|some| ((some[span].1 - some[0].1) / (some[span].0 - some[0].0)).abs())
            .fold(0.0, f64::max)
    }
}
