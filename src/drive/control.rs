//! The control cycle, 1000 times a second, in a fixed order: inputs, supervisor (with its interlocks), planner with
//! force allowance and bounds, chunks, and a word to the bridge.
//!
//! Like the step loop it runs in its own thread or, one cycle after the other, on a virtual clock. It never waits
//! for anyone: full rings are counted and passed over.

use super::PowerRequest;
use super::cycle_trace::{CommandTrace, CycleOutcome, TraceFeed, TraceSample};
use super::executor::{Executor, StarvationPolicy};
use super::host_line::HostLine;
use super::rings::{Commands, ControlEnds, EventFeed, QueuedCommand, SnapshotFeed};
use super::stop_line::StopLine;
use crate::hal::ForceSensor;
use crate::layout;
use crate::machine::{
    Command, CommandRefusal, Config, Event, HostHealth, LastStop, Observation, Snapshot, StopLevel,
    Supervisor,
};
use crate::motion::protected_speed_mm_s;
use crate::units::{MILLISECOND_NS, Nanos, seconds};

/// Promise S12: however slow a sensor is, a force sample older than this is no sample.
const FORCE_VALID_NS: Nanos = 200 * MILLISECOND_NS;
/// Promise S13: a force beyond this is no force. Twice what the strongest common load cells can take.
const FORCE_RANGE_G: f64 = 200_000.0;
/// A snapshot every so many cycles, 100 a second, and whenever something happened.
const SNAPSHOT_EVERY: u32 = 10;

/// Places of the event ring that only replies may take, so that none is ever lost: one for each command that can wait.
const REPLY_PLACES: usize = layout::COMMAND_RING;

/// From the end of a conversion to the control cycle that knows of it: the line, its driver and the sensor's thread.
const HEARD_WITHIN_NS: Nanos = 5 * MILLISECOND_NS;

/// What differs between a real machine and a simulated one on an ordinary computer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ControlOptions {
    /// What it means that the step loop ran out of motion.
    pub starvation: StarvationPolicy,
    /// After this long without a sign of life from the step loop something is badly wrong.
    pub step_loop_silence_s: f64,
}

/// The state of the control cycle.
pub struct Control<F> {
    supervisor: Supervisor,
    executor: Executor,
    force: Option<F>,
    overrun_mm: Option<f64>,
    /// What the force sensor can protect.
    sensor_bound_mm_s: f64,
    stop_line: StopLine,
    power: PowerRequest,
    options: ControlOptions,
    commands: Commands,
    events: EventFeed,
    snapshots: SnapshotFeed,
    trace: Option<TraceFeed>,
    host_line: HostLine,
    host: HostHealth,
    cycle: u32,
    /// The newest STOP that a cycle has heeded.
    stops: u32,
    events_lost: u32,
    outcome: CycleOutcome,
    force_g: Option<f64>,
}

impl<F: ForceSensor> Control<F> {
    /// A control cycle that has not run yet; without a sensor, force is neither known nor limited.
    pub fn new(
        supervisor: Supervisor,
        status: std::sync::Arc<super::StepStatus>,
        ends: ControlEnds,
        force: Option<F>,
        shared: (StopLine, PowerRequest),
        options: ControlOptions,
    ) -> Control<F> {
        let ControlEnds { chunks, commands, events, snapshots } = ends;
        let (stop_line, power) = shared;
        Control {
            supervisor,
            executor: Executor::new(chunks, status, options.starvation),
            force,
            overrun_mm: None,
            sensor_bound_mm_s: f64::INFINITY,
            stop_line,
            power,
            options,
            commands,
            events,
            snapshots,
            trace: None,
            host_line: HostLine::default(),
            host: HostHealth::default(),
            cycle: 0,
            stops: 0,
            events_lost: 0,
            outcome: CycleOutcome::default(),
            force_g: None,
        }
    }

    /// One cycle at `now`.
    pub fn cycle(&mut self, now: Nanos) {
        let line = self.stop_line.read();
        let stop = line.level();
        let pressed = line.presses() != self.stops;
        self.stops = line.presses();
        if stop != StopLevel::None {
            // Also when nothing is under way yet: an order of the cycle before must not begin after STOP.
            self.executor.drop_plan();
        }
        let motion = self.executor.observe_motion();
        let force_g = self.read_force(now);
        let strained = self.update_host_health();
        let command = self.take_command(now);
        let seen = Observation {
            now,
            inputs: self.executor.status().inputs(),
            force_known: self.force.is_none() || force_g.is_some(),
            force_full: force_g.is_some_and(|force_g| self.supervisor.config().allowance.is_full(force_g)),
            motion,
            stop,
            ending: line.is_shutting_down(),
            step_loop_alive: self.executor.silence_s(now) <= self.options.step_loop_silence_s,
            host_fault: self.host.reaction.fault(),
            commands_wait: self.commands.ready(),
        };
        let asked = command.as_ref().map(|(_, command)| CommandTrace::by(command));
        let actions = self.supervisor.step(&seen, command);

        self.stop_line.raise(actions.raise);
        if actions.lower_stop {
            self.stop_line.lower(line);
        }
        for order in actions.orders {
            self.executor.execute(order);
        }
        let powered = self.supervisor.wants_power();
        self.power.set(powered);
        if line.is_shutting_down() && motion.resting && !powered {
            self.stop_line.confirm_shutdown();
        }
        if stop == StopLevel::None && actions.raise == StopLevel::None {
            self.executor.fill_queue(now, self.supervisor.config());
        }
        self.force_g = force_g;
        // Before the events: whoever hears of one finds it in the newest snapshot.
        self.send_snapshot(now, pressed || strained.is_some() || !actions.events.is_empty());
        self.outcome = CycleOutcome::of(self.cycle, asked, &actions.events);
        for event in strained.into_iter().chain(actions.events) {
            self.send_event(event);
        }
        let seen = self.trace.is_some().then(|| self.trace_sample(now));
        if let (Some(trace), Some(seen)) = (&mut self.trace, seen) {
            // Nobody takes them: what is watched matters more than the watching. Their numbers tell how many.
            let _ = trace.enqueue(seen);
        }
    }

    /// The next command that somebody still waits for. None is taken whose reply would find no place.
    fn take_command(&mut self, now: Nanos) -> Option<(u64, Command)> {
        if !self.events.ready() {
            return None;
        }
        let QueuedCommand { id, expires_ns, command } = self.commands.dequeue()?;
        if now > expires_ns {
            self.send_event(Event::Replied { id, reply: Err(CommandRefusal::Unanswered) });
            return None;
        }
        Some((id, command))
    }

    /// Tells the bridge. When that hangs, replies wait in places of their own, and other events are counted as lost.
    fn send_event(&mut self, event: Event) {
        let reserved = if matches!(event, Event::Replied { .. }) { 0 } else { REPLY_PLACES };
        let room = self.events.len() + reserved < self.events.capacity();
        if !room || self.events.enqueue(event).is_err() {
            self.events_lost = self.events_lost.wrapping_add(1);
        }
    }

    /// From now on the axis moves no faster than it could stop within `overrun_mm` of meeting something, given how long
    /// it takes the sensor to tell.
    pub fn limit_overrun(&mut self, overrun_mm: f64) {
        self.overrun_mm = Some(overrun_mm);
    }

    /// From now on it heeds what `line` tells of the computer.
    pub fn set_host_line(&mut self, line: HostLine) {
        self.host_line = line;
    }

    /// From now on each cycle ends with a look at everything, for whoever watches.
    pub fn set_trace_feed(&mut self, trace: TraceFeed) {
        self.trace = Some(trace);
    }

    /// Both loops, as they are at `now`.
    #[must_use]
    pub fn trace_sample(&self, now: Nanos) -> TraceSample {
        let seen = TraceSample::of(&self.supervisor, self.executor.status(), self.stop_line.level(), now);
        let limits = self.executor.limits_in_force(&seen.config);
        let config = Config { limits, ..seen.config };
        TraceSample {
            config,
            force_g: self.force_g,
            speed_bound_mm_s: self.speed_bound_mm_s(),
            outcome: self.outcome,
            ..seen
        }
    }

    /// Looks at the computer's power and heat; tells when something else follows from them.
    fn update_host_health(&mut self) -> Option<Event> {
        let before = core::mem::replace(&mut self.host, self.host_line.load());
        self.executor.limit_speed(self.speed_bound_mm_s());
        (self.host.reaction != before.reaction).then_some(Event::HostStrained(self.host))
    }

    /// What bounds the speed of a wave beside limits and force.
    fn speed_bound_mm_s(&self) -> f64 {
        let highest_mm_s = self.supervisor.config().limits.max_speed.get();
        self.sensor_bound_mm_s.min(highest_mm_s * self.host.reaction.speed_share())
    }

    fn read_force(&mut self, now: Nanos) -> Option<f64> {
        let sample = self.force.as_mut()?.latest(now)?;
        let lasts_ns = sample.lasts_ns.min(FORCE_VALID_NS);
        if let Some(overrun_mm) = self.overrun_mm {
            self.sensor_bound_mm_s = self.sensor_speed_bound_mm_s(overrun_mm, sample.period_ns);
        }
        // Not a number is not within the range either.
        let valid = sample.force_g.abs() <= FORCE_RANGE_G && now.saturating_sub(sample.at) <= lasts_ns;
        if valid {
            self.executor.set_force(sample.force_g);
        }
        valid.then_some(sample.force_g)
    }

    /// The reaction budget of promise S14: a sample, its way to this cycle, the cycle, what is queued ahead, and the time
    /// in which braking builds up.
    fn sensor_speed_bound_mm_s(&self, overrun_mm: f64, period_ns: Nanos) -> f64 {
        let limits = &self.supervisor.config().limits;
        let (a, j) = (limits.max_acceleration.get(), limits.max_jerk.get());
        let known_ns = period_ns + HEARD_WITHIN_NS + layout::CONTROL_PERIOD_NS + layout::QUEUE_AHEAD_NS;
        protected_speed_mm_s(overrun_mm, seconds(known_ns) + a / (2.0 * j), a)
    }

    fn send_snapshot(&mut self, now: Nanos, something_happened: bool) {
        self.cycle = self.cycle.wrapping_add(1);
        if something_happened || self.cycle.is_multiple_of(SNAPSHOT_EVERY) {
            let snapshot = self.snapshot(now);
            // Full: the newest one is dropped; the next comes in a moment.
            let _ = self.snapshots.enqueue(snapshot);
        }
    }

    /// The machine as it is at `now`.
    #[must_use]
    pub fn snapshot(&self, now: Nanos) -> Snapshot {
        let (why, since_ns) = self.supervisor.why();
        let calibration = self.supervisor.calibration();
        let geometry = &self.supervisor.config().geometry;
        let phase = self.executor.phase();
        Snapshot {
            at_ns: now,
            state: self.supervisor.state(),
            why,
            since_ns,
            position_mm: calibration.is_some().then(|| self.executor.position_mm()),
            velocity_mm_s: self.executor.velocity_mm_s(now),
            force_g: self.force_g,
            clipped: self.executor.is_clipped(now),
            limits: self.executor.status().inputs(),
            fault: self.supervisor.fault(),
            range_mm: calibration.map(|found| found.range_mm(geometry)),
            phase: phase.map(|phase| phase - libm::floor(phase)),
            periods: phase.map_or(0, |phase| phase as u32),
            lateness: self.executor.status().lateness(),
            last_stop: self.supervisor.last_stop().map(|(took_ns, steps)| LastStop {
                took_ns,
                steps,
                way_mm: self.executor.steps_to_mm(steps),
            }),
            host: self.host,
            stops: self.stops,
            events_lost: self.events_lost,
        }
    }
}
