//! Step loop: turns chunks into step pulses, and polls inputs and stop line before each edge.
//!
//! It alone owns the pins and the step counter. It plans nothing: it holds one chunk at a time, which ends at rest. It
//! is generic over its clock and its pins, so tests run the same loop on a virtual clock. [`StepLoop::run_until`]
//! returns at a given instant, so that one thread can interleave it with the control cycle.
//!
//! A clock reading is passed on rather than repeated. A step takes three of them, two of which end the waits for the
//! beginning and the end of its pulse, and one reading of the inputs. That determines the highest pulse rate
//! (`step_cost_ns` of layout.toml).

use std::sync::Arc;

use super::chunk::Chunk;
use super::debounce::Debounce;
use super::late::{LatePolicy, LatenessVerdict, TimeBase};
use super::player::{ChunkEvent, Player};
use super::rings::Chunks;
use super::status::{EndCause, MotionEnd, StepStatus};
use super::stop_line::StopLine;
use crate::hal::{Clock, StepIo};
use crate::layout;
use crate::motion::{Inputs, StopLevel};
use crate::units::{Nanos, SECOND_NS};

/// Pulse timing of the motor driver.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PulseTiming {
    /// Length of a step pulse.
    pub high_ns: Nanos,
    /// Shortest time between two pulses, for which the line is low.
    pub low_ns: Nanos,
    /// Set-up time: from a change of direction to the next pulse.
    pub direction_setup_ns: Nanos,
    /// Hold time: from the end of a pulse to a change of direction.
    pub direction_hold_ns: Nanos,
}

impl PulseTiming {
    /// Highest pulse rate, in steps per second: a step takes its pulse, the gap behind it and the cost of the loop, and
    /// delays must be made up for with intervals of 15/16.
    pub fn max_steps_per_s(&self) -> f64 {
        let step_ns = self.high_ns + self.low_ns + layout::STEP_COST_NS;
        let highest = SECOND_NS as f64 * super::late::CLOSEST / step_ns as f64;
        highest.min(f64::from(layout::MAX_STEP_RATE_HZ))
    }
}

/// A stop in progress: the instant at which the loop saw it, and the step counter then.
#[derive(Debug, Clone, Copy)]
struct StopSeen {
    at: Nanos,
    count: i64,
}

/// The loop that makes the steps.
pub struct StepLoop<C, I> {
    clock: C,
    io: I,
    chunks: Chunks,
    status: Arc<StepStatus>,
    stop_line: StopLine,
    power: super::PowerRequest,
    timing: PulseTiming,
    late: LatePolicy,
    playing: Option<Player>,
    base: TimeBase,
    count: i64,
    inputs: Debounce,
    /// Beginning of the present hold of a step by an input that is not confirmed yet.
    held_since_ns: Option<Nanos>,
    /// State of the direction line; unknown before the first step.
    forward: Option<bool>,
    powered: bool,
    /// Beginning and end of the last pulse; the line is low before the first one.
    pulse_began_ns: Option<Nanos>,
    pulse_ended_ns: Nanos,
    /// Newest motion that ended by a cause other than its plan, with the severest cause.
    ended: Option<(u32, EndCause)>,
    stop_seen: Option<StopSeen>,
}

impl<C: Clock, I: StepIo> StepLoop<C, I> {
    /// A loop at rest.
    pub fn new(
        clock: C,
        io: I,
        chunks: Chunks,
        shared: (Arc<StepStatus>, StopLine, super::PowerRequest),
        timing: PulseTiming,
        late: LatePolicy,
    ) -> StepLoop<C, I> {
        let (status, stop_line, power) = shared;
        StepLoop {
            clock,
            io,
            chunks,
            status,
            stop_line,
            power,
            timing,
            late,
            playing: None,
            base: TimeBase::default(),
            count: 0,
            inputs: Debounce::default(),
            held_since_ns: None,
            forward: None,
            powered: false,
            pulse_began_ns: None,
            pulse_ended_ns: 0,
            ended: None,
            stop_seen: None,
        }
    }

    /// The pins, for tests that inspect them.
    pub fn io(&mut self) -> &mut I {
        &mut self.io
    }

    /// Switches the motor driver off, as the last action of this loop.
    pub fn power_off(&mut self) {
        let now = self.clock.now();
        self.io.set_enabled(false, now);
    }

    /// Runs until `until`, or slightly longer if an edge is in flight.
    pub fn run_until(&mut self, until: Nanos) {
        let mut now = self.clock.now();
        loop {
            let Some(playing) = self.playing.as_mut() else {
                match self.run_idle(now, until) {
                    Some(later) => now = later,
                    None => return,
                }
                continue;
            };
            let next = playing.next_event(self.count);
            let due = match next {
                ChunkEvent::Step { nominal_ns, forward } => {
                    if self.forward != Some(forward) {
                        now = self.set_direction_ahead(forward);
                    }
                    self.base.step_due(nominal_ns).max(self.pulse_ended_ns + self.timing.low_ns)
                }
                ChunkEvent::CommitEnd { nominal_ns } => {
                    // Before the chunk begins, since its first step may be due at once.
                    if let Some(forward) = self.upcoming_direction(nominal_ns)
                        && self.forward != Some(forward)
                    {
                        now = self.set_direction_ahead(forward);
                    }
                    self.base.due(nominal_ns)
                }
                ChunkEvent::TailEnd { nominal_ns } => self.base.due(nominal_ns),
            };
            if now < due {
                if now >= until {
                    return;
                }
                now = self.wait_for_edge(due.min(until), now);
            }
            // However short the wait was: the last poll before an edge, or one between two slices of a long wait.
            if !self.poll(now) || now < due {
                continue;
            }
            match next {
                ChunkEvent::Step { .. } if self.is_step_held() => {
                    self.held_since_ns.get_or_insert(now);
                    if now >= until {
                        return;
                    }
                    let sample_ns = self.inputs.next_sample_ns().unwrap_or(now);
                    now = self.clock.wait_until(sample_ns);
                }
                ChunkEvent::Step { nominal_ns, forward } => now = self.make_step(nominal_ns, forward),
                ChunkEvent::CommitEnd { nominal_ns } => self.finish_committed(nominal_ns, now),
                ChunkEvent::TailEnd { .. } => self.come_to_rest(now),
            }
        }
    }

    /// At rest: takes the next chunk, or waits for one. Returns the present instant, or none once `until` is reached.
    fn run_idle(&mut self, now: Nanos, until: Nanos) -> Option<Nanos> {
        self.poll(now);
        if self.take_chunk(now) {
            return Some(now);
        }
        if now >= until {
            return None;
        }
        // At rest no stop can be seen too late, and chunks come with more lead than this.
        let again = until.min(now + layout::CONTROL_PERIOD_NS);
        let sample_ns = self.inputs.next_sample_ns().unwrap_or(again);
        Some(self.clock.doze_until(again.min(sample_ns)))
    }

    /// Polls power request, inputs and stop line, and sets the heartbeat. Returns false if nothing is being played any
    /// more.
    #[inline]
    fn poll(&mut self, now: Nanos) -> bool {
        self.status.beat(now);
        let powered = self.power.is_on();
        // A moving motor keeps its power until it rests or is cut.
        if powered != self.powered && (powered || self.playing.is_none()) {
            self.powered = powered;
            self.io.set_enabled(powered, now);
        }
        let read = self.io.inputs(now);
        if !self.inputs.is_settled(read) {
            self.debounce_inputs(read, now);
        }
        // After the inputs, which take the longest to read.
        let level = self.stop_line.level();
        if level != StopLevel::None {
            self.apply_stop_level(level, now);
        }
        self.playing.is_some()
    }

    #[cold]
    fn debounce_inputs(&mut self, read: Inputs, now: Nanos) {
        if self.inputs.take_reading(read, now) {
            self.status.show_glitch();
        }
        self.status.show_inputs(self.inputs.confirmed());
        self.cut_on_armed_input(now);
    }

    /// Cuts the motion if an armed input is confirmed.
    fn cut_on_armed_input(&mut self, now: Nanos) {
        let confirmed = self.inputs.confirmed();
        if self.playing.as_ref().is_some_and(|playing| playing.chunk().armed_inputs.intersects(confirmed)) {
            self.cut_motion(EndCause::Tripped, confirmed, now);
        }
    }

    #[cold]
    fn apply_stop_level(&mut self, level: StopLevel, now: Nanos) {
        if self.stop_seen.is_none() && self.playing.is_some() {
            self.stop_seen = Some(StopSeen { at: now, count: self.count });
        }
        if level == StopLevel::Halt {
            self.cut_motion(EndCause::Halted, Inputs::default(), now);
        }
    }

    /// True if an armed input is pending: until it is confirmed or released no step is made. That time does not count
    /// as lateness.
    #[inline]
    fn is_step_held(&self) -> bool {
        let pending = self.inputs.pending();
        pending != Inputs::NONE
            && self.playing.as_ref().is_some_and(|playing| playing.chunk().armed_inputs.intersects(pending))
    }

    /// Waits for `due`, at most until the next poll, and returns the instant.
    #[inline]
    fn wait_for_edge(&mut self, due: Nanos, now: Nanos) -> Nanos {
        let poll_ns = now + layout::STEP_POLL_NS;
        let again = self.inputs.next_sample_ns().map_or(poll_ns, |sample_ns| poll_ns.min(sample_ns));
        if again + layout::SPIN_NS < due {
            self.clock.doze_until(again)
        } else {
            self.clock.wait_until(due.min(again))
        }
    }

    /// Takes the next chunk of the ring, unless it is stale or a stop is asked for.
    fn take_chunk(&mut self, now: Nanos) -> bool {
        while let Some(chunk) = self.chunks.dequeue() {
            if self.has_ended(chunk.epoch) {
                continue;
            }
            if self.stop_line.level() != StopLevel::None {
                self.record_end(chunk.epoch, EndCause::Ramped, Inputs::default());
                // The motion had not begun.
                self.status.show_stop(0, 0);
                continue;
            }
            self.base = TimeBase::default();
            self.status.show_playing();
            self.play(chunk, now);
            return true;
        }
        false
    }

    fn play(&mut self, chunk: Chunk, now: Nanos) {
        self.playing = Some(Player::new(chunk));
        // An input that is armed in this chunk may be active already.
        self.cut_on_armed_input(now);
    }

    /// Direction of the first step of the chunk that continues this motion at `nominal_ns`, if it is in the ring and
    /// has one.
    #[inline]
    fn upcoming_direction(&self, nominal_ns: Nanos) -> Option<bool> {
        let epoch = self.playing.as_ref()?.chunk().epoch;
        let chunk =
            self.chunks.peek().filter(|chunk| chunk.epoch == epoch && chunk.start_ns == nominal_ns)?;
        chunk.runs.first().map(|run| run.forward)
    }

    /// Sets the direction line before a step, as soon as the hold time allows it; returns the instant.
    #[cold]
    fn set_direction_ahead(&mut self, forward: bool) -> Nanos {
        if self.forward.is_some() {
            self.clock.wait_until(self.pulse_ended_ns + self.timing.direction_hold_ns);
        }
        let now = self.clock.now();
        self.io.set_direction(forward, now);
        self.forward = Some(forward);
        // The gap to the next pulse is at least the set-up time, counted from here.
        self.pulse_ended_ns = self
            .pulse_ended_ns
            .max((now + self.timing.direction_setup_ns).saturating_sub(self.timing.low_ns));
        now
    }

    /// Makes a step and returns the instant at which its pulse ended.
    #[inline]
    fn make_step(&mut self, nominal_ns: Nanos, forward: bool) -> Nanos {
        // Read after the poll, so that the pulse is not shorter than timed.
        let began_ns = self.clock.now();
        if let Some(since_ns) = self.held_since_ns.take() {
            self.base.add_hold(began_ns.saturating_sub(since_ns));
        }
        let late_ns = self.base.lateness_ns(nominal_ns, began_ns);
        if self.late.requires_cut(late_ns) {
            self.cut_motion(EndCause::Late, Inputs::default(), began_ns);
            return began_ns;
        }
        self.io.set_step(true, began_ns);
        if let Some(playing) = self.playing.as_mut() {
            playing.finish_step();
        }
        self.count += if forward { 1 } else { -1 };
        let interval_ns = self.pulse_began_ns.map_or(0, |last| (began_ns - last) as i64);
        self.pulse_began_ns = Some(began_ns);
        self.status.show_step(self.count, began_ns, if forward { interval_ns } else { -interval_ns });
        self.status.show_lateness(late_ns);
        match self.base.record_step(nominal_ns, began_ns, self.late) {
            LatenessVerdict::OnTime => {}
            LatenessVerdict::Rebase(by_ns) => self.status.show_shift(self.base.shift_ns(), by_ns),
            LatenessVerdict::TooLate => self.end_on_tail(EndCause::Late, began_ns),
        }
        self.pulse_ended_ns = self.clock.wait_until(began_ns + self.timing.high_ns);
        self.io.set_step(false, self.pulse_ended_ns);
        self.pulse_ended_ns
    }

    /// At the end of the committed motion: plays the next chunk or the stop tail.
    fn finish_committed(&mut self, nominal_ns: Nanos, now: Nanos) {
        let Some(playing) = self.playing.as_ref() else { return };
        self.status.show_played(nominal_ns);
        let (epoch, last) = (playing.chunk().epoch, playing.chunk().last);
        if !last && !self.has_ended(epoch) {
            if self.stop_line.level() != StopLevel::None {
                self.end_on_tail(EndCause::Ramped, now);
            } else {
                match self.chunks.dequeue() {
                    Some(chunk) if chunk.epoch == epoch && chunk.start_ns == nominal_ns => {
                        return self.play(chunk, now);
                    }
                    // No chunk came, or none that continues this motion.
                    _ => self.end_on_tail(EndCause::Starved, now),
                }
            }
        }
        if let Some(playing) = self.playing.as_mut() {
            playing.enter_tail();
        }
    }

    /// Ends this motion by its tail, from the end of its committed part; it takes no further chunk.
    fn end_on_tail(&mut self, cause: EndCause, now: Nanos) {
        let Some(playing) = self.playing.as_ref() else { return };
        if self.stop_seen.is_none() {
            self.stop_seen = Some(StopSeen { at: now, count: self.count });
        }
        self.record_end(playing.chunk().epoch, cause, Inputs::default());
    }

    /// Records the cause of the end; of several causes the severest is kept.
    fn record_end(&mut self, epoch: u32, cause: EndCause, inputs: Inputs) {
        if self.ended.is_none_or(|ended| ended < (epoch, cause)) {
            self.ended = Some((epoch, cause));
            self.status.show_ended(MotionEnd { epoch, cause, inputs });
        }
    }

    /// True if this motion, or a later one, was ended.
    fn has_ended(&self, epoch: u32) -> bool {
        self.ended.is_some_and(|(ended, _)| epoch <= ended)
    }

    /// Ends the motion without any further edge.
    fn cut_motion(&mut self, cause: EndCause, inputs: Inputs, now: Nanos) {
        let Some(playing) = self.playing.take() else { return };
        self.record_end(playing.chunk().epoch, cause, inputs);
        self.finish_motion(now);
    }

    fn come_to_rest(&mut self, now: Nanos) {
        self.playing = None;
        self.finish_motion(now);
    }

    fn finish_motion(&mut self, now: Nanos) {
        if let Some(seen) = self.stop_seen.take() {
            self.status.show_stop(now.saturating_sub(seen.at), self.count.abs_diff(seen.count));
        }
        self.pulse_began_ns = None;
        self.held_since_ns = None;
        self.status.show_rest();
    }
}
