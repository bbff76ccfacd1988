//! The step loop: turns chunks into edges, and looks at the stop line and the inputs before each of them.
//!
//! It alone owns the pins and the step counter. It plans nothing: between two looks at the ring it knows one chunk,
//! which ends at rest. It is generic over its clock and its pins, so tests run the very same loop on a virtual
//! clock; [`StepLoop::run_until`] returns at a given instant, which lets one thread interleave it with the control
//! cycle.

use std::sync::Arc;

use super::chunk::Chunk;
use super::late::{LatePolicy, TimeBase, Verdict};
use super::player::{Next, Player};
use super::rings::Chunks;
use super::status::{EndCause, Ended, StepStatus};
use super::stop_line::StopLine;
use crate::hal::{Clock, StepIo};
use crate::layout;
use crate::motion::{Inputs, StopLevel};
use crate::units::{MICROSECOND_NS, Nanos};

/// How the motor driver wants its pulses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PulseTiming {
    /// How long a step pulse is.
    pub high_ns: Nanos,
    /// How long the line is low at least, between two pulses.
    pub low_ns: Nanos,
    /// From a change of direction to the next pulse.
    pub direction_setup_ns: Nanos,
    /// From the end of a pulse to a change of direction.
    pub direction_hold_ns: Nanos,
}

/// An active input is believed when it reads so this often …
const CONFIRMATIONS: u32 = 4;
/// … this far apart.
const CONFIRM_EVERY_NS: Nanos = 15 * MICROSECOND_NS;

/// Why a wait ended.
#[derive(Debug, PartialEq, Eq)]
enum Waited {
    /// The instant is here.
    There,
    /// The slice of this call is over first.
    SliceOver,
    /// The motion was cut.
    Cut,
}

/// A stop that runs: when the loop saw it, and the step counter then.
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
    power: super::Power,
    timing: PulseTiming,
    late: LatePolicy,
    playing: Option<Player>,
    base: TimeBase,
    count: i64,
    /// The input lines that are believed to be active.
    believed: Inputs,
    /// What the direction line is; unknown before the first step.
    forward: Option<bool>,
    powered: bool,
    /// When the last pulse began and ended; the line is low before the first one.
    pulse_began_ns: Option<Nanos>,
    pulse_ended_ns: Nanos,
    /// The newest motion that was ended by something else than its plan, and the severest cause of that.
    ended: Option<(u32, EndCause)>,
    stop_seen: Option<StopSeen>,
}

impl<C: Clock, I: StepIo> StepLoop<C, I> {
    /// A loop at rest.
    pub fn new(
        clock: C,
        io: I,
        chunks: Chunks,
        shared: (Arc<StepStatus>, StopLine, super::Power),
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
            believed: Inputs::default(),
            forward: None,
            powered: false,
            pulse_began_ns: None,
            pulse_ended_ns: 0,
            ended: None,
            stop_seen: None,
        }
    }

    /// The pins, for tests that look at them.
    pub fn io(&mut self) -> &mut I {
        &mut self.io
    }

    /// Switches the motor driver off: the last thing that this loop does.
    pub fn power_off(&mut self) {
        let now = self.clock.now();
        self.io.set_enabled(false, now);
    }

    /// Runs until `until`, or a little longer when an edge is in flight.
    pub fn run_until(&mut self, until: Nanos) {
        loop {
            let now = self.clock.now();
            self.look(now);
            if self.playing.is_none() && !self.take_chunk() {
                if now >= until {
                    return;
                }
                // At rest nothing can be stopped too late; chunks come with more lead than this.
                self.clock.doze_until(until.min(now + layout::CONTROL_PERIOD_NS));
                continue;
            }
            let count = self.count;
            let Some(next) = self.playing.as_mut().map(|playing| playing.next(count)) else { continue };
            let due = match next {
                Next::Step { nominal_ns, forward } => {
                    self.point(forward);
                    self.base.step_due(nominal_ns).max(self.earliest_pulse())
                }
                Next::CommitEnd { nominal_ns } | Next::TailEnd { nominal_ns } => self.base.due(nominal_ns),
            };
            match self.wait(due, until) {
                Waited::SliceOver => return,
                Waited::Cut => continue,
                Waited::There => {}
            }
            match next {
                Next::Step { nominal_ns, forward } => self.step(nominal_ns, forward),
                Next::CommitEnd { nominal_ns } => self.commit_end(nominal_ns),
                Next::TailEnd { .. } => self.rest(),
            }
        }
    }

    /// A sign of life, the power line, the stop line, the inputs.
    fn look(&mut self, now: Nanos) {
        self.status.beat(now);
        let powered = self.power.is_on();
        if powered != self.powered {
            self.powered = powered;
            self.io.set_enabled(powered, now);
        }
        let level = self.stop_line.level();
        if level != StopLevel::None && self.stop_seen.is_none() && self.playing.is_some() {
            self.stop_seen = Some(StopSeen { at: now, count: self.count });
        }
        if level == StopLevel::Halt {
            self.cut(EndCause::Halted, Inputs::default());
        }
        self.heed_inputs();
    }

    /// Reads the inputs, and ends the motion if one that must end it is active; tells whether it did.
    fn heed_inputs(&mut self) -> bool {
        let inputs = self.read_inputs();
        self.status.show_inputs(inputs);
        let trips = self.playing.as_ref().is_some_and(|playing| playing.chunk().trips.meets(inputs));
        if trips {
            self.cut(EndCause::Tripped, inputs);
        }
        trips
    }

    /// The inputs. One that has become active is believed when it stays so for a while; until then nothing steps.
    fn read_inputs(&mut self) -> Inputs {
        let mut read = self.io.inputs(self.clock.now()).to_bits();
        let mut new = read & !self.believed.to_bits();
        if new != 0 {
            for _ in 1..CONFIRMATIONS {
                self.clock.wait_until(self.clock.now() + CONFIRM_EVERY_NS);
                read = self.io.inputs(self.clock.now()).to_bits();
                new &= read;
                if new == 0 {
                    self.status.show_glitch();
                    break;
                }
            }
        }
        self.believed = Inputs::from_bits(read & (self.believed.to_bits() | new));
        self.believed
    }

    /// Waits for `due` in slices, so that nothing is seen late.
    fn wait(&mut self, due: Nanos, until: Nanos) -> Waited {
        loop {
            let now = self.clock.now();
            if now >= due {
                return Waited::There;
            }
            if now >= until {
                return Waited::SliceOver;
            }
            let look_again = until.min(now + layout::STEP_POLL_NS);
            if look_again + layout::SPIN_NS < due {
                self.clock.doze_until(look_again);
            } else {
                self.clock.wait_until(due.min(until));
            }
            self.look(self.clock.now());
            if self.playing.is_none() {
                return Waited::Cut;
            }
        }
    }

    /// The next chunk of the ring, unless it is stale or stopping is asked for.
    fn take_chunk(&mut self) -> bool {
        while let Some(chunk) = self.chunks.dequeue() {
            if self.has_ended(chunk.epoch) {
                continue;
            }
            if self.stop_line.level() != StopLevel::None {
                self.end(chunk.epoch, EndCause::Ramped, Inputs::default());
                // It had not begun.
                self.status.show_stop(0, 0);
                continue;
            }
            self.base = TimeBase::default();
            self.status.show_playing();
            self.play(chunk);
            return true;
        }
        false
    }

    fn play(&mut self, chunk: Chunk) {
        self.playing = Some(Player::new(chunk));
    }

    /// Sets the direction line ahead of the step, as soon as the driver allows it.
    fn point(&mut self, forward: bool) {
        if self.forward == Some(forward) {
            return;
        }
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
    }

    fn earliest_pulse(&self) -> Nanos {
        self.pulse_ended_ns + self.timing.low_ns
    }

    fn step(&mut self, nominal_ns: Nanos, forward: bool) {
        // The last look before the edge, however short the wait was; the stop line behind the inputs, which may have to
        // be read again for a while.
        if self.heed_inputs() {
            return;
        }
        if self.stop_line.level() == StopLevel::Halt {
            self.cut(EndCause::Halted, Inputs::default());
            return;
        }
        let began_ns = self.clock.now();
        if self.late.cuts(self.base.lateness_ns(nominal_ns, began_ns)) {
            self.cut(EndCause::Late, Inputs::default());
            return;
        }
        self.io.set_step(true, began_ns);
        if let Some(playing) = self.playing.as_mut() {
            playing.stepped();
        }
        self.count += if forward { 1 } else { -1 };
        let interval_ns = self.pulse_began_ns.map_or(0, |last| (began_ns - last) as i64);
        self.pulse_began_ns = Some(began_ns);
        self.status.show_step(self.count, began_ns, if forward { interval_ns } else { -interval_ns });

        self.status.show_lateness(self.base.lateness_ns(nominal_ns, began_ns));
        match self.base.stepped(nominal_ns, began_ns, self.late) {
            Verdict::OnTime => {}
            Verdict::Rebase(by_ns) => self.status.show_shift(self.base.shift_ns(), by_ns),
            Verdict::TooLate => self.leave_for_tail(EndCause::Late),
        }

        self.clock.wait_until(began_ns + self.timing.high_ns);
        self.pulse_ended_ns = self.clock.now();
        self.io.set_step(false, self.pulse_ended_ns);
    }

    /// The committed motion is over: the next chunk, or the way to rest.
    fn commit_end(&mut self, nominal_ns: Nanos) {
        let Some(playing) = self.playing.as_ref() else { return };
        self.status.show_played(nominal_ns);
        let (epoch, last) = (playing.chunk().epoch, playing.chunk().last);
        if !last && !self.has_ended(epoch) {
            if self.stop_line.level() != StopLevel::None {
                self.leave_for_tail(EndCause::Ramped);
            } else {
                match self.chunks.dequeue() {
                    Some(chunk) if chunk.epoch == epoch && chunk.start_ns == nominal_ns => {
                        return self.play(chunk);
                    }
                    // Nothing came, or nothing that continues this motion.
                    _ => self.leave_for_tail(EndCause::Starved),
                }
            }
        }
        if let Some(playing) = self.playing.as_mut() {
            playing.take_tail();
        }
    }

    /// From the end of its committed motion on, this motion runs along its tail, and takes no further chunk.
    fn leave_for_tail(&mut self, cause: EndCause) {
        let Some(playing) = self.playing.as_ref() else { return };
        if self.stop_seen.is_none() {
            self.stop_seen = Some(StopSeen { at: self.clock.now(), count: self.count });
        }
        self.end(playing.chunk().epoch, cause, Inputs::default());
    }

    /// Records why the motion ended; of several causes the severest is kept.
    fn end(&mut self, epoch: u32, cause: EndCause, inputs: Inputs) {
        if self.ended.is_none_or(|ended| ended < (epoch, cause)) {
            self.ended = Some((epoch, cause));
            self.status.show_ended(Ended { epoch, cause, inputs });
        }
    }

    /// Whether this motion, or a later one, was ended.
    fn has_ended(&self, epoch: u32) -> bool {
        self.ended.is_some_and(|(ended, _)| epoch <= ended)
    }

    /// No further edge.
    fn cut(&mut self, cause: EndCause, inputs: Inputs) {
        let Some(playing) = self.playing.take() else { return };
        self.end(playing.chunk().epoch, cause, inputs);
        self.finish();
    }

    fn rest(&mut self) {
        self.playing = None;
        self.finish();
    }

    fn finish(&mut self) {
        if let Some(seen) = self.stop_seen.take() {
            let took_ns = self.clock.now().saturating_sub(seen.at);
            self.status.show_stop(took_ns, self.count.abs_diff(seen.count));
        }
        self.pulse_began_ns = None;
        self.status.show_rest();
    }
}
