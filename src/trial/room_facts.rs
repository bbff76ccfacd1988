//! Where the axis may be by what clients have set: the windows of feeds, and the part of the stroke of patterns.

use super::facts::Facts;
use crate::machine::State;
use crate::motion::FeedWindow;
use crate::units::Nanos;

/// An axis that meets its place may have braked as hard as it can, and goes on with 0.96 of that: by so much farther.
const BEYOND_SHARE: f64 = 1.0 / 0.96 - 1.0;

impl Facts {
    /// The approach speed, as far as the other bounds on speed allow it; that of the force is not among them. In mm/s.
    pub fn approach_mm_s(&self) -> f64 {
        let Some(trace) = &self.trace else { return 0.0 };
        let limits = &trace.config.limits;
        limits.approach_speed.get().min(trace.speed_bound_mm_s).min(limits.max_speed.get())
    }

    /// By so much, in mm, an axis may go beyond a place that it meets at the approach speed.
    pub fn beyond_met_mm(&self) -> f64 {
        let Some(trace) = &self.trace else { return 0.0 };
        let limits = &trace.config.limits;
        let speed_mm_s = self.approach_mm_s();
        let (acceleration, jerk) = (limits.max_acceleration.get(), limits.max_jerk.get());
        // From the approach speed, half of it in the mean.
        let brakes_s = speed_mm_s / acceleration + 2.0 * acceleration / jerk;
        BEYOND_SHARE * speed_mm_s * brakes_s / 2.0
    }

    /// Back and front of the windows that may have been in force at some time between these instants, each once: what of them lies in
    /// the stroke.
    pub fn feed_windows(&self, from: Nanos, until: Nanos) -> Vec<(f64, f64)> {
        let Some(trace) = &self.trace else { return Vec::new() };
        let stroke_mm = self.stroke_mm();
        let whole = FeedWindow { back_mm: 0.0, front_mm: trace.config.geometry.max_stroke.get() };
        let mut windows = Vec::new();
        for window in self.feeds.windows(from, until) {
            let FeedWindow { back_mm, front_mm } = window.unwrap_or(whole).within(stroke_mm);
            if !windows.contains(&(back_mm, front_mm)) {
                windows.push((back_mm, front_mm));
            }
        }
        windows
    }

    /// Length of the stroke: of the range, what the stroke limit leaves.
    pub fn stroke_mm(&self) -> f64 {
        let Some(trace) = &self.trace else { return 0.0 };
        let range_mm =
            trace.calibration.map_or(0.0, |calibration| calibration.range_mm(&trace.config.geometry));
        range_mm.min(trace.config.stroke_limit.get())
    }

    /// Back and front of the patterns that may be in force at that instant, in mm.
    pub fn pattern_extent_mm(&self, at: Nanos) -> (f64, f64) {
        let (back, front) = self.patterns.extent(at);
        (back * self.stroke_mm(), front * self.stroke_mm())
    }

    /// True while the axis moves on behalf of a client that must be there: by a wave, a pattern or a script.
    pub fn moves_for_client(&self) -> bool {
        self.plays || matches!(self.state(), State::Running | State::Ending)
    }
}
