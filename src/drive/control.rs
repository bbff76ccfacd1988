//! Control cycle, 1000 times a second, in a fixed order: inputs, supervisor (with its interlocks), planner with force
//! allowance and bounds, chunks, messages to the bridge.
//!
//! Like the step loop it runs in its own thread or, cycle by cycle, on a virtual clock. It never waits: full rings are
//! counted and passed over.

use super::PowerRequest;
use super::cycle_trace::{CycleOutcome, TraceFeed, TraceSample, TracedCommand};
use super::executor::{Executor, StarvationPolicy};
use super::host_line::HostLine;
use super::rings::{Commands, ControlEnds, EventFeed, QueuedCommand, SnapshotFeed, Targets};
use super::stop_line::StopLine;
use crate::hal::ForceSensor;
use crate::layout;
use crate::machine::contact::ContactWatch;
use crate::machine::{
    Command, CommandRefusal, Config, Event, HostHealth, LastStop, Observation, Snapshot, StopLevel,
    Supervisor,
};
use crate::motion::protected_speed_mm_s;
use crate::units::{MILLISECOND_NS, Nanos, seconds};

/// Largest age of a valid force sample, for a sensor of any rate (promise S12).
const FORCE_VALID_NS: Nanos = 200 * MILLISECOND_NS;
/// Largest valid magnitude of a force (promise S13): twice the capacity of the strongest common load cells.
const FORCE_RANGE_G: f64 = 200_000.0;
/// Cycles between two snapshots: 100 snapshots a second, and one whenever something happened.
const SNAPSHOT_EVERY: u32 = 10;

/// Slots of the event ring reserved for replies, so that no reply is lost: one for each command that can wait.
const REPLY_PLACES: usize = layout::COMMAND_RING;

/// Upper bound on the delay from the end of a conversion to the control cycle: the line, its driver and the sensor's
/// thread.
const HEARD_WITHIN_NS: Nanos = 5 * MILLISECOND_NS;

/// Differences between a real machine and a simulated one on an ordinary computer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ControlOptions {
    /// Policy for a step loop that ran out of motion.
    pub starvation: StarvationPolicy,
    /// Silence of the step loop after which it counts as dead.
    pub step_loop_silence_s: f64,
}

/// State of the control cycle.
pub struct Control<F> {
    supervisor: Supervisor,
    executor: Executor,
    force: Option<F>,
    overrun_mm: Option<f64>,
    /// Upper bound on speed from the latency of the force sensor, mm/s.
    sensor_bound_mm_s: f64,
    stop_line: StopLine,
    power: PowerRequest,
    options: ControlOptions,
    commands: Commands,
    targets: Targets,
    events: EventFeed,
    snapshots: SnapshotFeed,
    trace: Option<TraceFeed>,
    host_line: HostLine,
    host: HostHealth,
    cycle: u32,
    /// Number of the newest STOP that a cycle has handled.
    stops: u32,
    events_lost: u32,
    outcome: CycleOutcome,
    force_g: Option<f64>,
    contacts: ContactWatch,
}

impl<F: ForceSensor> Control<F> {
    /// A control cycle that has not run yet. Without a sensor, force is neither known nor limited.
    pub fn new(
        supervisor: Supervisor,
        status: std::sync::Arc<super::StepStatus>,
        ends: ControlEnds,
        force: Option<F>,
        shared: (StopLine, PowerRequest),
        options: ControlOptions,
    ) -> Control<F> {
        let ControlEnds { chunks, commands, targets, events, snapshots } = ends;
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
            targets,
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
            contacts: ContactWatch::default(),
        }
    }

    /// Runs one cycle at `now`.
    pub fn cycle(&mut self, now: Nanos) {
        let line = self.stop_line.read();
        let stop = line.level();
        let pressed = line.presses() != self.stops;
        self.stops = line.presses();
        if stop != StopLevel::None {
            // Also if nothing is under way yet: an order of the previous cycle must not begin after STOP.
            self.executor.drop_plan();
        }
        let motion = self.executor.observe_motion();
        let force_g = self.read_force(now);
        let derating_event = self.update_host_health();
        self.contacts.update(now, self.executor.status().inputs());
        let command = self.take_command(now);
        let seen = Observation {
            now,
            inputs: self.executor.status().inputs(),
            force_known: self.force.is_none() || force_g.is_some(),
            force_full: force_g
                .is_some_and(|force_g| self.supervisor.config().allowance.blocks_motion(force_g)),
            motion,
            stop,
            ending: line.is_shutting_down(),
            step_loop_alive: self.executor.silence_s(now) <= self.options.step_loop_silence_s,
            host_fault: self.host.derating.fault(),
            commands_wait: self.commands.ready(),
        };
        let asked = command.as_ref().map(|(_, command)| TracedCommand::of(command));
        let actions = self.supervisor.step(&seen, command);

        self.stop_line.raise(actions.raise);
        if actions.lower_stop {
            self.stop_line.lower(line);
        }
        for order in actions.orders {
            self.executor.execute(order, self.supervisor.config());
        }
        // Behind the orders: what a feed sends right behind its beginning belongs to it.
        while let Some(message) = self.targets.dequeue() {
            self.executor.take_feed_item(message, now);
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
        // Before the events, so that the newest snapshot contains each event that is delivered.
        self.send_snapshot(now, pressed || derating_event.is_some() || !actions.events.is_empty());
        self.outcome = CycleOutcome::of(self.cycle, asked, &actions.events);
        for event in derating_event.into_iter().chain(actions.events) {
            self.send_event(event);
        }
        let seen = self.trace.is_some().then(|| self.trace_sample(now));
        if let (Some(trace), Some(seen)) = (&mut self.trace, seen) {
            // If the ring is full the sample is dropped: the cycle does not wait for its observers. The numbers of the
            // samples show the gap.
            let _ = trace.enqueue(seen);
        }
    }

    /// Takes the next command that has not expired. None is taken unless there is a slot for its reply.
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

    /// Sends an event to the bridge. If the bridge hangs, replies have slots of their own, and other events are counted
    /// as lost.
    fn send_event(&mut self, event: Event) {
        let reserved = if matches!(event, Event::Replied { .. }) { 0 } else { REPLY_PLACES };
        let room = self.events.len() + reserved < self.events.capacity();
        if !room || self.events.enqueue(event).is_err() {
            self.events_lost = self.events_lost.wrapping_add(1);
        }
    }

    /// Limits the speed of waves so that the axis stops within `overrun_mm` of a contact, given the latency of the
    /// force sensor.
    pub fn limit_overrun(&mut self, overrun_mm: f64) {
        self.overrun_mm = Some(overrun_mm);
    }

    /// Sets the source of the computer's health.
    pub fn set_host_line(&mut self, line: HostLine) {
        self.host_line = line;
    }

    /// Sets the ring into which each cycle puts a trace sample.
    pub fn set_trace_feed(&mut self, trace: TraceFeed) {
        self.trace = Some(trace);
    }

    /// State of both loops at `now`.
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

    /// Reads the health of the computer, and returns an event if its derating has changed.
    fn update_host_health(&mut self) -> Option<Event> {
        let before = core::mem::replace(&mut self.host, self.host_line.load());
        self.executor.limit_speed(self.speed_bound_mm_s());
        (self.host.derating != before.derating).then_some(Event::DeratingChanged(self.host))
    }

    /// Upper bound on speed from sensor latency and host derating, mm/s.
    fn speed_bound_mm_s(&self) -> f64 {
        let highest_mm_s = self.supervisor.config().limits.max_speed.get();
        self.sensor_bound_mm_s.min(highest_mm_s * self.host.derating.speed_share())
    }

    fn read_force(&mut self, now: Nanos) -> Option<f64> {
        let sample = self.force.as_mut()?.latest(now)?;
        let lasts_ns = sample.lasts_ns.min(FORCE_VALID_NS);
        if let Some(overrun_mm) = self.overrun_mm {
            self.sensor_bound_mm_s = self.sensor_speed_bound_mm_s(overrun_mm, sample.period_ns);
        }
        // NaN fails this comparison, too.
        let valid = sample.force_g.abs() <= FORCE_RANGE_G && now.saturating_sub(sample.at) <= lasts_ns;
        if valid {
            self.executor.set_force(sample.force_g);
        }
        valid.then_some(sample.force_g)
    }

    /// Upper bound on speed from the reaction time of promise S14: the sample period, the way to this cycle, the cycle
    /// itself, the queue ahead, and the time in which braking builds up.
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
            // If the ring is full, this snapshot is dropped; the next one follows soon.
            let _ = self.snapshots.enqueue(snapshot);
        }
    }

    /// Snapshot of the machine at `now`.
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
            inputs: self.executor.status().inputs(),
            contacts: self.contacts.contacts(),
            in_force: self.supervisor.limits_in_force(),
            ends_ns: self.supervisor.ends_ns(),
            fault: self.supervisor.fault(),
            cause: self.supervisor.cause(),
            range_mm: calibration.map(|found| found.range_mm(geometry)),
            origin_steps: calibration.map(|found| found.origin_steps),
            feed: self.executor.feed(),
            phase: phase.map(|phase| phase - libm::floor(phase)),
            periods: phase.map_or(0, |phase| phase as u32),
            lateness: self.executor.status().lateness(),
            last_stop: self.supervisor.last_stop().map(|(took_ns, steps)| LastStop {
                took_ns,
                steps,
                way_mm: self.executor.steps_to_mm(steps),
            }),
            last_nudge: self.supervisor.last_nudge(),
            host: self.host,
            stops: self.stops,
            events_lost: self.events_lost,
        }
    }
}
