//! Plan of a feed, for the executor: the feeder, its clock, and the bounds of the axis in its window.

use crate::layout;
use crate::machine::{Config, FeedItem, FeedMessage, FeedNumber, FeedReport, FeedStart};
use crate::motion::{
    CycleBounds, FeedLimits, FeedWindow, Feeder, Kinematics, Move, RampLimits, Tracker, stop, tracker,
};
use crate::units::{Nanos, seconds};

/// Between the instant at which a state is planned and that of its pulses, in s.
const AHEAD_S: f64 = layout::FEED_AHEAD_NS as f64 * 1e-9;
const CYCLE_S: f64 = layout::CONTROL_PERIOD_NS as f64 * 1e-9;
/// The bounds of the axis lie so far outside of the window that it can rest at its ends, in mm: far below a step.
const SLACK_MM: f64 = 0.001;
/// Share of the limits of a wave with which an axis can stop before a bound that was moved: less than its path brakes with.
const SOFT_SHARE: f64 = 0.7;
/// Beyond that such a bound is so far away, in mm, that it never makes a brake firmer.
const ROOM_MM: f64 = 1.0;
/// Lengths that differ by less are equal, in mm.
const ROUNDING_MM: f64 = 1e-6;
/// Share of a cycle by which the clock of the path follows a time base that was shifted.
const SLEW: f64 = 0.02;

/// A feed that moves the axis.
#[derive(Debug, Clone)]
pub struct FeedPlan {
    number: FeedNumber,
    /// The window that was asked for, which may reach beyond the stroke.
    asked: FeedWindow,
    feeder: Feeder,
    /// Instant of the end of the path, in s.
    until_s: f64,
    /// Bounds of the axis, in mm, on its way into the window.
    bounds_mm: (f64, f64),
    /// Instant of the last item by which somebody said what it is to do.
    asked_ns: Option<Nanos>,
}

/// What bounds the axis besides the window, in mm/s and mm.
#[derive(Debug, Clone, Copy)]
pub struct FeedBounds {
    /// Highest speed by settings, sensor and computer.
    pub speed_mm_s: f64,
    /// Highest speed toward the front and the back by the force.
    pub force_mm_s: (f64, f64),
    /// Longest stroke.
    pub stroke_mm: f64,
}

impl FeedPlan {
    /// A feed that has sent nothing yet.
    pub fn new(start: FeedStart, config: &Config, stroke_mm: f64) -> FeedPlan {
        let limits = limits(config, config.limits.max_speed.get());
        FeedPlan {
            number: start.number,
            asked: start.window,
            feeder: Feeder::new(start.window.within(stroke_mm), limits),
            until_s: 0.0,
            bounds_mm: (f64::NEG_INFINITY, f64::INFINITY),
            asked_ns: None,
        }
    }

    /// Takes an item that came at `now`. What was sent to another feed is dropped.
    pub fn take(&mut self, message: FeedMessage, now: Nanos) {
        if message.number != self.number {
            return;
        }
        // The points of a script come by themselves.
        if !matches!(message.item, FeedItem::Point(_)) {
            self.asked_ns = Some(now);
        }
        match message.item {
            FeedItem::Target(target) => self.feeder.push(target, seconds(now)),
            FeedItem::Window(window) => self.asked = window,
            FeedItem::Strokes(drive) => self.feeder.drive(drive),
            FeedItem::Point(point) => self.feeder.push_point(point, seconds(now)),
            FeedItem::Clear => self.feeder.clear_points(),
        }
    }

    /// Begins a motion from rest at `at_mm`, whose first pulses come at `start`.
    pub fn begin(&mut self, at_mm: f64, start: Nanos) {
        self.until_s = seconds(start);
        self.bounds_mm = (f64::NEG_INFINITY, f64::INFINITY);
        self.feeder.begin(at_mm, self.until_s);
    }

    /// True if the axis, which rests, has somewhere to go in a stroke of that length: to a target, or into another window.
    pub fn is_due(&mut self, stroke_mm: f64) -> bool {
        self.feeder.set_window(self.asked.within(stroke_mm));
        !self.feeder.rests()
    }

    /// Instant of the last item by which somebody said what it is to do; none before the first.
    pub fn asked_ns(&self) -> Option<Nanos> {
        self.asked_ns
    }

    /// True if the path rests.
    pub fn rests(&self) -> bool {
        self.feeder.rests()
    }

    /// Plans the cycle that begins in `start` at `start_ns`; also says whether the axis has come to rest, and how far it is from its
    /// path.
    pub fn plan(
        &mut self,
        tracker: &mut Tracker,
        start: Kinematics,
        start_ns: Nanos,
        config: &Config,
        most: FeedBounds,
    ) -> (Move, Kinematics) {
        self.feeder.set_limits(limits(config, most.speed_mm_s));
        self.feeder.set_window(self.asked.within(most.stroke_mm));
        let is_held = most.force_mm_s.0.min(most.force_mm_s.1) < most.speed_mm_s;
        self.feeder.settle(&start, is_held);
        let now = self.feeder.reference();
        self.until_s += CYCLE_S + (seconds(start_ns) - self.until_s).clamp(-SLEW * CYCLE_S, SLEW * CYCLE_S);
        self.feeder.advance(self.until_s);
        let then = self.feeder.reference();
        let bounds = self.bounds(&start, config, most);
        let mut attempt = tracker.clone();
        let planned = attempt.plan(start, now, then, &config.limits, &bounds);
        // While lowered limits wait, the axis brakes with the former ones.
        let gentle = attempt.limits_in_force(&config.limits).gentle_stop();
        let (back_mm, front_mm) = self.feeder.room_mm();
        let leads_out = leads_out(&start, &planned.end, front_mm + SLACK_MM, gentle)
            || leads_out(&start.mirrored(), &planned.end.mirrored(), SLACK_MM - back_mm, gentle);
        // It has to know of each change of the limits, whoever plans the cycle.
        *tracker = attempt;
        let is_slow_enough = (-bounds.backward_mm_s..=bounds.forward_mm_s).contains(&start.v);
        // A path that nobody knows ahead may be too hard at an end of the window. The tracker would keep the axis inside with a
        // firm stop; here it begins to brake while a gentle one is enough.
        // Limits that were narrowed a moment ago may leave no room for it: that is the tracker's to solve.
        let (low_mm, high_mm) = stop::extent(start, gentle);
        let has_room = low_mm >= bounds.low_mm && high_mm <= bounds.high_mm;
        if is_slow_enough && has_room && (leads_out || self.feeder.is_over()) {
            return (tracker::stop_cycle(start, gentle, CYCLE_S), then);
        }
        (planned, then)
    }

    fn bounds(&mut self, start: &Kinematics, config: &Config, most: FeedBounds) -> CycleBounds {
        let (back_mm, front_mm) = self.feeder.room_mm();
        let approach_mm_s = config.limits.approach_speed.get();
        let speed_mm_s =
            most.speed_mm_s.min(if self.feeder.is_slow() { approach_mm_s } else { f64::INFINITY });
        let RampLimits { acceleration, jerk } = config.limits.gentle_stop();
        let soft = RampLimits { acceleration: SOFT_SHARE * acceleration, jerk: SOFT_SHARE * jerk };
        let (low, high) = self.bounds_mm;
        let high = high_bound_mm(start, front_mm + SLACK_MM, high, soft);
        // The same for the back, seen from the other side.
        let low = -high_bound_mm(&start.mirrored(), SLACK_MM - back_mm, -low, soft);
        self.bounds_mm = (low, high);
        CycleBounds {
            low_mm: low,
            high_mm: high,
            forward_mm_s: speed_mm_s.min(most.force_mm_s.0),
            backward_mm_s: speed_mm_s.min(most.force_mm_s.1),
            pace_mm_s: f64::INFINITY,
        }
    }

    /// Brings the feed gently to rest.
    pub fn finish(&mut self) {
        self.feeder.finish();
    }

    /// True if the feed is over.
    pub fn is_over(&self) -> bool {
        self.feeder.is_over()
    }

    /// True while the axis should follow its path.
    pub fn is_met(&self) -> bool {
        !self.feeder.is_slow()
    }

    /// What is reported of it.
    pub fn report(&self) -> FeedReport {
        FeedReport {
            number: self.number,
            counts: self.feeder.counts(),
            delay_s: self.feeder.delay_s(),
            is_met: self.is_met(),
            rests: self.rests(),
            strokes: self.feeder.strokes(),
        }
    }
}

/// True if a gentle stop at the end of a cycle goes out beyond `front_mm`, and one at its beginning did not, or less far. An axis that
/// comes in from outside, as its window was moved, must not brake so hard that it turns.
fn leads_out(begin: &Kinematics, end: &Kinematics, front_mm: f64, gentle: RampLimits) -> bool {
    let goes_out = outmost_mm(end, gentle).filter(|is_mm| *is_mm > front_mm);
    goes_out.is_some_and(|is_mm| outmost_mm(begin, gentle).is_none_or(|was_mm| is_mm > was_mm + ROUNDING_MM))
}

/// How far toward the front a gentle stop from `state` goes; none if it goes toward the back all the time.
fn outmost_mm(state: &Kinematics, gentle: RampLimits) -> Option<f64> {
    let (low_mm, high_mm) = stop::extent(*state, gentle);
    let rest_mm = state.p + stop::displacement(state.v, state.a, gentle);
    if state.v > 0.0 { Some(high_mm) } else { (rest_mm > low_mm + ROUNDING_MM).then_some(rest_mm) }
}

/// Upper bound on the position of an axis in a window that ends at `asked_mm`. An axis that cannot stop there softly, because the
/// window was moved, is bounded by where it can, and by the bound `before`: so it never turns outward again.
fn high_bound_mm(start: &Kinematics, asked_mm: f64, before_mm: f64, soft: RampLimits) -> f64 {
    let softly_mm = stop::extent(*start, soft).1;
    if softly_mm <= asked_mm { asked_mm } else { asked_mm.max(softly_mm + ROOM_MM).min(before_mm) }
}

fn limits(config: &Config, speed_mm_s: f64) -> FeedLimits {
    FeedLimits {
        most: config.limits.profile(speed_mm_s),
        approach_mm_s: config.limits.approach_speed.get(),
        ahead_s: AHEAD_S,
    }
}
