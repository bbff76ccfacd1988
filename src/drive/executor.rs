//! Executor: carries out the supervisor's orders by planning chunks, a little ahead of the step loop.
//!
//! It keeps the queue filled up to [`layout::QUEUE_AHEAD_NS`]; each chunk is one cycle of the tracker with the stop
//! tail of its end. It knows the axis in millimetres of the present [`AxisFrame`]; the chunks are in steps.

use std::sync::Arc;

use heapless::Vec;

use super::chunk::Chunk;
use super::feed_plan::{FeedBounds, FeedPlan};
use super::rings::ChunkFeed;
use super::status::{EndCause, MotionReading, StepStatus};
use crate::layout;
use crate::machine::{
    AxisFrame, Config, FeedMessage, FeedReport, Inputs, MotionOrder, MotionOutcome, MotionStatus, Travel,
};
use crate::motion::runs::RunMaker;
use crate::motion::tracker::PIECES_MAX;
use crate::motion::{
    CycleBounds, Follower, Kinematics, MotionLimits, Move, MoveInProgress, Piece, RampLimits, Tracker, stop,
};
use crate::units::{MILLISECOND_NS, Nanos, seconds};

/// Time from an order at rest to the first chunk: the driver is powered and both loops see it.
const START_LEAD_NS: Nanos = 5 * MILLISECOND_NS;
/// The same for a feed: both loops wait for it.
const FEED_LEAD_NS: Nanos = MILLISECOND_NS;
/// Most chunks planned in one control cycle, so that filling the queue never makes a cycle long.
const CHUNKS_PER_CYCLE: u32 = 4;
/// Tolerances within which a wave has ended at its reference: far below a step.
const ARRIVED_MM: f64 = 0.002;
const ARRIVED_MM_S: f64 = 0.05;
const ARRIVED_MM_S2: f64 = 20.0;
/// More than the tracker's own rounding at a bound.
const ROUNDING_MM: f64 = 1e-5;
/// Deviation from a wave at which it counts as clipped.
const CLIPPED_MM: f64 = 0.1;
/// Time for which clipping is shown after it was last seen.
const CLIPPED_SHOWN_NS: Nanos = 250 * MILLISECOND_NS;

/// The plan being executed.
#[derive(Debug)]
// There is only one, and a box would allocate.
#[allow(clippy::large_enum_variant)]
enum ActivePlan {
    Nothing,
    /// The course is planned when the motion begins.
    Travel {
        target_mm: f64,
        speed_mm_s: f64,
        armed_inputs: Inputs,
        course: Option<MoveInProgress>,
    },
    Follow(Follower),
    /// A feed is not over when the axis rests: its motions begin and end with what it says.
    Feed(FeedPlan),
}

/// A motion that is under way in the step loop.
#[derive(Debug, Clone, Copy)]
struct MotionUnderWay {
    /// End of the chunks pushed so far, on the plan's own time base.
    horizon_ns: Nanos,
    /// True if the last chunk has been pushed.
    complete: bool,
}

/// Policy for a step loop that ran out of motion because the control cycle was late (S16).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StarvationPolicy {
    /// The motion is over: on a real machine something is wrong with the computer.
    EndsMotion,
    /// The motion resumes after it has come to rest: the host of a simulation is rarely a real-time one.
    Resumes,
}

/// Plans motions and fills the queue of the step loop.
pub struct Executor {
    chunks: ChunkFeed,
    /// Policy for a starved motion.
    starvation: StarvationPolicy,
    status: Arc<StepStatus>,
    tracker: Tracker,
    frame: AxisFrame,
    plan: ActivePlan,
    /// Planned state at the horizon, in mm of the frame.
    state: Kinematics,
    /// Makes the steps of the present motion, and knows the step counter at the horizon.
    runs: RunMaker,
    epoch: u32,
    under_way: Option<MotionUnderWay>,
    outcome: Option<MotionOutcome>,
    clipped_ns: Option<Nanos>,
    /// Highest position of the present wave, in mm.
    high_mm: f64,
    force_g: f64,
    /// Upper bound on the speed of waves from sensor latency and host derating, mm/s.
    speed_bound_mm_s: f64,
}

const CYCLE_S: f64 = layout::CONTROL_PERIOD_NS as f64 * 1e-9;

impl Executor {
    /// An executor at rest, with an arbitrary frame; the first homing sets its own.
    pub fn new(chunks: ChunkFeed, status: Arc<StepStatus>, starvation: StarvationPolicy) -> Executor {
        Executor {
            chunks,
            starvation,
            status,
            tracker: Tracker::new(CYCLE_S),
            frame: AxisFrame { origin_steps: 0, steps_per_mm: 1.0, range_mm: 0.0 },
            plan: ActivePlan::Nothing,
            state: Kinematics::default(),
            runs: RunMaker::new(0),
            epoch: 1,
            under_way: None,
            outcome: None,
            clipped_ns: None,
            high_mm: f64::INFINITY,
            force_g: 0.0,
            speed_bound_mm_s: f64::INFINITY,
        }
    }

    /// Sets the force on the carriage, in grams.
    pub fn set_force(&mut self, force_g: f64) {
        self.force_g = force_g;
    }

    /// Limits the speed of waves.
    pub fn limit_speed(&mut self, speed_bound_mm_s: f64) {
        self.speed_bound_mm_s = speed_bound_mm_s;
    }

    /// State of the motion for the supervisor. Detects the end of a motion and its cause.
    pub fn observe_motion(&mut self) -> MotionStatus {
        let MotionReading { resting, ended, played_until_ns, .. } = self.status.motion();
        if let Some(under_way) = self.under_way {
            let ended = ended.filter(|ended| ended.epoch == self.epoch);
            let goes_on = self.starvation == StarvationPolicy::Resumes
                && ended.is_some_and(|ended| ended.cause == EndCause::Starved);
            if goes_on {
                if resting {
                    self.leave_motion();
                }
                return self.motion();
            }
            let played = under_way.complete && played_until_ns >= under_way.horizon_ns;
            if resting && (ended.is_some() || played) {
                self.outcome = Some(ended.map_or(MotionOutcome::Completed, |ended| match ended.cause {
                    EndCause::Tripped => MotionOutcome::Tripped(ended.inputs),
                    EndCause::Ramped => MotionOutcome::Ramped,
                    EndCause::Starved => MotionOutcome::Starved,
                    EndCause::Late => MotionOutcome::Late,
                    EndCause::Halted => MotionOutcome::Halted,
                }));
                self.leave_motion();
                self.leave_plan();
            } else if ended.is_some() {
                // Ended, but still on its ramp: nothing more is planned.
                self.plan = ActivePlan::Nothing;
            }
        }
        self.motion()
    }

    /// The motion of the plan is over: so is the plan, but for a feed that has come to rest.
    fn leave_plan(&mut self) {
        let goes_on = match &self.plan {
            ActivePlan::Feed(feed) => self.outcome == Some(MotionOutcome::Completed) && !feed.is_over(),
            ActivePlan::Nothing | ActivePlan::Travel { .. } | ActivePlan::Follow(_) => false,
        };
        if !goes_on {
            self.plan = ActivePlan::Nothing;
        }
    }

    /// The motion under way is over, and the axis rests.
    fn leave_motion(&mut self) {
        self.under_way = None;
        self.epoch += 1;
        self.tracker.settle();
    }

    fn motion(&self) -> MotionStatus {
        let (stop_took_ns, stop_steps) = self.status.last_stop();
        MotionStatus {
            resting: self.under_way.is_none() && matches!(self.plan, ActivePlan::Nothing),
            outcome: self.outcome,
            count_steps: self.status.count(),
            stop_took_ns,
            stop_steps,
            asked_ns: match &self.plan {
                ActivePlan::Feed(feed) => feed.asked_ns(),
                ActivePlan::Nothing | ActivePlan::Travel { .. } | ActivePlan::Follow(_) => None,
            },
        }
    }

    /// Begins to carry out an order.
    pub fn execute(&mut self, order: MotionOrder, config: &Config) {
        match order {
            MotionOrder::Travel(travel) => self.start_travel(travel),
            MotionOrder::SetFrame(frame) => self.frame = frame,
            MotionOrder::Follow(wave) => {
                self.outcome = None;
                self.clipped_ns = None;
                self.high_mm = f64::INFINITY;
                self.tracker.set_repeats(true);
                self.plan = ActivePlan::Follow(Follower::new(wave));
            }
            MotionOrder::ChangeWave(wave) => {
                if let ActivePlan::Follow(follower) = &mut self.plan {
                    follower.change_to(wave);
                }
            }
            MotionOrder::FollowFeed(start) => {
                self.outcome = None;
                self.clipped_ns = None;
                self.tracker.set_repeats(false);
                self.plan =
                    ActivePlan::Feed(FeedPlan::new(start, config, config.stroke_mm(self.frame.range_mm)));
            }
            MotionOrder::Finish => match &mut self.plan {
                ActivePlan::Follow(follower) => follower.finish(),
                ActivePlan::Feed(feed) => {
                    feed.finish();
                    if self.under_way.is_none() {
                        self.outcome = Some(MotionOutcome::Completed);
                        self.plan = ActivePlan::Nothing;
                    }
                }
                ActivePlan::Nothing | ActivePlan::Travel { .. } => {}
            },
        }
    }

    fn start_travel(&mut self, travel: Travel) {
        let origin_steps = self.status.count();
        self.outcome = None;
        self.frame = AxisFrame { origin_steps, steps_per_mm: travel.steps_per_mm, range_mm: 0.0 };
        self.plan = ActivePlan::Travel {
            target_mm: (travel.to_steps - origin_steps) as f64 / travel.steps_per_mm,
            speed_mm_s: travel.speed_mm_s,
            armed_inputs: travel.armed_inputs,
            course: None,
        };
    }

    /// Drops the present plan: the step loop has been told to stop, or nothing has started.
    pub fn drop_plan(&mut self) {
        if self.under_way.is_none() {
            // The step loop never saw this motion; the figures that it shows are those of an earlier stop.
            self.status.show_stop(0, 0);
        }
        self.plan = ActivePlan::Nothing;
    }

    /// Phase of the running wave, once it has started.
    pub fn phase(&self) -> Option<f64> {
        match &self.plan {
            ActivePlan::Follow(follower) => follower.phase(),
            ActivePlan::Nothing | ActivePlan::Travel { .. } | ActivePlan::Feed(_) => None,
        }
    }

    /// Takes an item of a feed that came at `now`.
    pub fn take_feed_item(&mut self, message: FeedMessage, now: Nanos) {
        if let ActivePlan::Feed(feed) = &mut self.plan {
            feed.take(message, now);
        }
    }

    /// The feed that moves the axis.
    pub fn feed(&self) -> Option<FeedReport> {
        match &self.plan {
            ActivePlan::Feed(feed) => Some(feed.report()),
            ActivePlan::Nothing | ActivePlan::Travel { .. } | ActivePlan::Follow(_) => None,
        }
    }

    /// How far ahead of the pulses the present plan is queued, and the time from an order at rest to its first chunk.
    fn lead_ns(&self) -> (Nanos, Nanos) {
        match &self.plan {
            ActivePlan::Feed(_) => (layout::FEED_AHEAD_NS, FEED_LEAD_NS),
            ActivePlan::Nothing | ActivePlan::Travel { .. } | ActivePlan::Follow(_) => {
                (layout::QUEUE_AHEAD_NS, START_LEAD_NS)
            }
        }
    }

    /// True if the axis could not follow its wave a moment ago.
    pub fn is_clipped(&self, now: Nanos) -> bool {
        self.clipped_ns.is_some_and(|seen| now.saturating_sub(seen) < CLIPPED_SHOWN_NS)
    }

    /// Fills the queue of the step loop.
    pub fn fill_queue(&mut self, now: Nanos, config: &Config) {
        for _ in 0..CHUNKS_PER_CYCLE {
            if matches!(self.plan, ActivePlan::Nothing) || !self.chunks.ready() {
                return;
            }
            if self.under_way.is_none() && !self.is_due(config) {
                return;
            }
            let start_ns = match self.under_way {
                Some(MotionUnderWay { complete: true, .. }) => return,
                // On the ramp of a starved motion: it resumes from rest.
                Some(_) if self.status.ended().is_some_and(|ended| ended.epoch == self.epoch) => return,
                Some(MotionUnderWay { horizon_ns, .. }) => {
                    if horizon_ns + self.status.shift_ns() >= now + self.lead_ns().0 {
                        return;
                    }
                    horizon_ns
                }
                None => {
                    let start_ns = now + self.lead_ns().1;
                    self.begin_motion(start_ns, config);
                    start_ns
                }
            };
            self.push_chunk(start_ns, now, config);
        }
    }

    /// True if the plan has a motion to begin. A feed may have none for a while.
    fn is_due(&mut self, config: &Config) -> bool {
        let stroke_mm = config.stroke_mm(self.frame.range_mm).min(self.frame.range_mm);
        match &mut self.plan {
            ActivePlan::Feed(feed) => feed.is_due(stroke_mm),
            ActivePlan::Nothing | ActivePlan::Travel { .. } | ActivePlan::Follow(_) => true,
        }
    }

    /// Begins a motion from rest, at the position of the step counter.
    fn begin_motion(&mut self, start_ns: Nanos, config: &Config) {
        let count = self.status.count();
        self.runs = RunMaker::new(count);
        let steps = count - self.frame.origin_steps;
        self.state = Kinematics::at_rest(steps as f64 / self.frame.steps_per_mm);
        if let ActivePlan::Feed(feed) = &mut self.plan {
            feed.begin(self.state.p, start_ns);
        }
        if let ActivePlan::Travel { target_mm, speed_mm_s, course, .. } = &mut self.plan {
            *course = MoveInProgress::new(self.state.p, *target_mm, *speed_mm_s, &config.limits).ok();
            if course.is_none() {
                // Values that are not numbers, which the types of units exclude: nothing moves.
                self.plan = ActivePlan::Nothing;
                self.outcome = Some(MotionOutcome::Halted);
            }
        }
    }

    fn push_chunk(&mut self, start_ns: Nanos, now: Nanos, config: &Config) {
        let start = self.state;
        let stroke_mm = config.stroke_mm(self.frame.range_mm);
        let (planned, armed_inputs, arrived) = match &mut self.plan {
            ActivePlan::Nothing | ActivePlan::Travel { course: None, .. } => return,
            ActivePlan::Travel { armed_inputs, course: Some(course), .. } => {
                (course.next_cycle(CYCLE_S), *armed_inputs, course.is_done())
            }
            ActivePlan::Feed(feed) => {
                let most = FeedBounds {
                    speed_mm_s: config.limits.max_speed.get().min(self.speed_bound_mm_s),
                    force_mm_s: (
                        config.allowance.speed_mm_s(-self.force_g),
                        config.allowance.speed_mm_s(self.force_g),
                    ),
                    stroke_mm: stroke_mm.min(self.frame.range_mm),
                };
                let shifted_ns = start_ns + self.status.shift_ns();
                let (planned, then) = feed.plan(&mut self.tracker, start, shifted_ns, config, most);
                if feed.is_met() && (planned.end.p - then.p).abs() > CLIPPED_MM {
                    self.clipped_ns = Some(now);
                }
                // A feed that is over may have led to where the axis may not go; then it is over where that rests.
                let goal = if feed.is_over() { Kinematics::at_rest(planned.end.p) } else { then };
                let arrived = feed.rests() && has_arrived(&planned.end, &goal);
                (planned, Inputs::ALL, arrived)
            }
            ActivePlan::Follow(follower) => {
                follower.set_limits(
                    config.limits.profile(config.limits.max_speed.get().min(self.speed_bound_mm_s)),
                );
                let reference = follower.reference(stroke_mm);
                let (approaching, steady) = (follower.is_approaching(), follower.is_steady());
                let too_fast = !approaching && follower.is_too_fast(stroke_mm);
                follower.advance(CYCLE_S, &start, stroke_mm);
                let then = follower.reference(stroke_mm);
                let limits = &config.limits;
                let speed = if approaching { limits.approach_speed } else { limits.max_speed };
                let speed = speed.get().min(self.speed_bound_mm_s);
                self.high_mm = self.high_mm.min(self.frame.range_mm);
                self.high_mm = high_bound_mm(&start, stroke_mm, self.high_mm, limits);
                // Only a force against the motion counts: a negative one pushes toward the back.
                let bounds = CycleBounds {
                    low_mm: 0.0,
                    high_mm: self.high_mm,
                    forward_mm_s: speed.min(config.allowance.speed_mm_s(-self.force_g)),
                    backward_mm_s: speed.min(config.allowance.speed_mm_s(self.force_g)),
                    pace_mm_s: follower.catch_up_speed_mm_s(stroke_mm),
                };
                let planned = self.tracker.plan(start, reference, then, limits, &bounds);
                if too_fast || steady && (planned.end.p - then.p).abs() > CLIPPED_MM {
                    self.clipped_ns = Some(now);
                }
                let arrived = follower.is_blocked() || follower.is_done() && has_arrived(&planned.end, &then);
                (planned, Inputs::ALL, arrived)
            }
        };
        let chunk =
            self.make_chunk(start_ns, start, &planned, config.limits.firm_stop(), armed_inputs, arrived);
        self.state = planned.end;
        self.under_way = Some(MotionUnderWay { horizon_ns: chunk.end_ns(), complete: arrived });
        // There was room: this is the only producer.
        let _ = self.chunks.enqueue(chunk);
    }

    fn make_chunk(
        &mut self,
        start_ns: Nanos,
        start: Kinematics,
        planned: &Move,
        stop: RampLimits,
        armed_inputs: Inputs,
        last: bool,
    ) -> Chunk {
        let scale = self.frame.steps_per_mm;
        let in_steps = |piece: &Piece| Piece { jerk: piece.jerk * scale, duration_s: piece.duration_s };
        let origin = self.frame.origin_steps as f64;
        let state_in_steps =
            |at: &Kinematics| Kinematics { p: origin + at.p * scale, v: at.v * scale, a: at.a * scale };
        let (start, end) = (state_in_steps(&start), state_in_steps(&planned.end));
        let committed: Vec<Piece, PIECES_MAX> = planned.pieces.iter().map(in_steps).collect();
        let mut runs = Vec::new();
        let timed = self.runs.make_runs(&start, &committed, &end, &mut runs);
        Chunk {
            epoch: self.epoch,
            start_ns,
            duration_ns: layout::CONTROL_PERIOD_NS,
            runs,
            timed,
            start,
            committed,
            tail: stop::tail(planned.end.v, planned.end.a, stop).iter().map(in_steps).collect(),
            armed_inputs,
            last,
        }
    }

    /// Limits in force: those of `config`, or the former ones while lowered limits wait.
    pub fn limits_in_force(&self, config: &Config) -> MotionLimits {
        self.tracker.limits_in_force(&config.limits)
    }

    /// Position of the axis by the emitted pulses, in mm of the frame.
    pub fn position_mm(&self) -> f64 {
        (self.status.count() - self.frame.origin_steps) as f64 / self.frame.steps_per_mm
    }

    /// Length of `steps`, in mm.
    pub fn steps_to_mm(&self, steps: u64) -> f64 {
        steps as f64 / self.frame.steps_per_mm
    }

    /// Signed speed of the axis by the emitted pulses, in mm/s.
    pub fn velocity_mm_s(&self, now: Nanos) -> f64 {
        self.status.steps_per_s(now) / self.frame.steps_per_mm
    }

    /// Time since the last heartbeat of the step loop, in seconds.
    pub fn silence_s(&self, now: Nanos) -> f64 {
        seconds(now.saturating_sub(self.status.heartbeat_ns()))
    }

    /// Status words of the step loop.
    pub fn status(&self) -> &StepStatus {
        &self.status
    }
}

/// Upper bound on the position of the axis, in mm. The stroke limit is a bound like the end of the range for an axis
/// that can still stop there. An axis that cannot, because the limit was lowered, goes no farther than a gentle stop
/// leads it, nor than the bound `before`. On its way back only a firm stop bounds it: a gentle release of a firm
/// braking would lead it outward again.
fn high_bound_mm(start: &Kinematics, stroke_mm: f64, before_mm: f64, limits: &MotionLimits) -> f64 {
    let firmly_mm = stop::extent(*start, limits.firm_stop()).1;
    if firmly_mm <= stroke_mm + ROUNDING_MM {
        return stroke_mm;
    }
    if start.v <= 0.0 {
        return firmly_mm.min(before_mm);
    }
    stroke_mm.max(stop::extent(*start, limits.gentle_stop()).1).min(before_mm)
}

fn has_arrived(axis: &Kinematics, target: &Kinematics) -> bool {
    (axis.p - target.p).abs() < ARRIVED_MM && axis.v.abs() < ARRIVED_MM_S && axis.a.abs() < ARRIVED_MM_S2
}
