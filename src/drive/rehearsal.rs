//! Rehearsal: the whole machine in one thread on virtual time. The control cycle and the step loop are the same that
//! run on the Pi; the rail is simulated, and only the test advances the clock.
//!
//! Two rehearsals with the same options and the same calls make the same edges, nanosecond for nanosecond.

use std::sync::Arc;

use heapless::spsc::Queue;

use super::control::{Control, ControlOptions};
use super::cycle_trace::{CycleObserver, TraceSample};
use super::executor::StarvationPolicy;
use super::host_line::HostLine;
use super::late::LatePolicy;
use super::rings::{
    BridgeEnds, CommandFeed, EventFeed, Events, QueuedCommand, Rings, SnapshotFeed, Snapshots, TargetFeed,
};
use super::status::StepStatus;
use super::step_loop::{PulseTiming, StepLoop};
use super::{PowerRequest, StopLine};
use crate::hal::sim::{RailOptions, SimIo, SimLoadCell, SimPins, SimulatedOperator, VirtualClock};
use crate::hal::{Clock, ForceSensor};
use crate::layout;
use crate::machine::{
    Command, Config, Event, FeedItem, FeedMessage, FeedNumber, HomingOptions, Inputs, Reply, SessionRules,
    Snapshot, Supervisor,
};
use crate::units::{MILLISECOND_NS, Nanos, seconds};

/// Options of a rehearsal.
#[derive(Debug, Clone, Copy)]
pub struct RehearsalOptions {
    /// The simulated rail.
    pub rail: RailOptions,
    /// Settings of the machine.
    pub config: Config,
    /// Options of homing.
    pub homing: HomingOptions,
    /// Time limits of waves and of holding at rest.
    pub session: SessionRules,
    /// Pulse timing of the motor driver.
    pub timing: PulseTiming,
    /// True if lateness ends the motion, as with a real motor; false if it does not matter, as with a simulated one.
    pub lateness_ends_motion: bool,
}

/// Called with each iteration of a loop, which it runs.
type LoopWrapper = fn(&mut dyn FnMut());

/// Receiver of events and snapshots instead of [`Rehearsal::take_events`].
struct EventListener {
    events: EventFeed,
    snapshots: SnapshotFeed,
}

/// The machine on virtual time.
pub struct Rehearsal<S, P = SimPins<S>, F = SimLoadCell> {
    clock: VirtualClock,
    control: Control<F>,
    step_loop: StepLoop<VirtualClock, P>,
    stop_line: StopLine,
    status: Arc<StepStatus>,
    operator: SimulatedOperator,
    host: HostLine,
    commands: Option<(CommandFeed, TargetFeed)>,
    events: Events,
    snapshots: Snapshots,
    listener: Option<EventListener>,
    next_cycle: Nanos,
    step_frozen_until: Nanos,
    next_id: u64,
    happened: Vec<Event>,
    /// Wrapper around each iteration of a loop.
    wrapper: LoopWrapper,
    watched: core::marker::PhantomData<S>,
}

impl<S: CycleObserver> Rehearsal<S> {
    /// The machine at power-on; `sink` observes every edge, and the machine after each control cycle.
    pub fn new(options: &RehearsalOptions, sink: S) -> Rehearsal<S> {
        Rehearsal::with_clock(VirtualClock::default(), options, sink)
    }

    /// The same on a given clock, for example a late one.
    pub fn with_clock(clock: VirtualClock, options: &RehearsalOptions, sink: S) -> Rehearsal<S> {
        Rehearsal::with_io(clock, options, sink, |pins| pins, |cell| cell)
    }
}

impl<S: CycleObserver, P: SimIo<S>, F: ForceSensor> Rehearsal<S, P, F> {
    /// The same with the caller's wrappers around pins and load cell.
    pub fn with_io(
        clock: VirtualClock,
        options: &RehearsalOptions,
        sink: S,
        pins: impl FnOnce(SimPins<S>) -> P,
        cell: impl FnOnce(SimLoadCell) -> F,
    ) -> Rehearsal<S, P, F> {
        let operator = SimulatedOperator::default();
        let status = Arc::new(StepStatus::default());
        let (stop_line, power) = (StopLine::default(), PowerRequest::default());
        let Rings { control, chunks, bridge } = Rings::new();
        let ends_motion = options.lateness_ends_motion;
        let step_loop = StepLoop::new(
            clock.clone(),
            pins(SimPins::new(options.rail, operator.clone(), sink)),
            chunks,
            (status.clone(), stop_line.clone(), power.clone()),
            options.timing,
            LatePolicy { ends_motion },
        );
        let starvation = if ends_motion { StarvationPolicy::EndsMotion } else { StarvationPolicy::Resumes };
        let mut control = Control::new(
            Supervisor::new(options.config, options.homing).with_session(options.session),
            status.clone(),
            control,
            Some(cell(SimLoadCell::new(operator.clone(), options.rail))),
            (stop_line.clone(), power),
            ControlOptions { starvation, step_loop_silence_s: seconds(layout::STEP_LOOP_SILENCE_NS) },
        );
        let host = HostLine::default();
        control.set_host_line(host.clone());
        let now = clock.now();
        Rehearsal {
            clock,
            control,
            step_loop,
            stop_line,
            status,
            operator,
            host,
            commands: Some((bridge.commands, bridge.targets)),
            events: bridge.events,
            snapshots: bridge.snapshots,
            listener: None,
            next_cycle: now + layout::CONTROL_PERIOD_NS,
            step_frozen_until: 0,
            next_id: 0,
            happened: Vec::new(),
            wrapper: |turn| turn(),
            watched: core::marker::PhantomData,
        }
    }

    /// Returns the bridge's ends of the rings. From then on commands come from there, and events and snapshots go
    /// there.
    ///
    /// # Panics
    /// If they were taken before.
    #[must_use]
    pub fn take_bridge(&mut self) -> BridgeEnds {
        let (event_feed, events) = Box::leak(Box::new(Queue::<Event, { layout::EVENT_RING }>::new())).split();
        let (snapshot_feed, snapshots) =
            Box::leak(Box::new(Queue::<Snapshot, { layout::SNAPSHOT_RING }>::new())).split();
        self.listener = Some(EventListener { events: event_feed, snapshots: snapshot_feed });
        let (commands, targets) = self.commands.take().expect("the bridge was taken before");
        BridgeEnds { commands, targets, events, snapshots }
    }

    /// Sets a wrapper around each iteration of either loop; nothing else runs inside it.
    pub fn wrap_loops(&mut self, wrapper: LoopWrapper) {
        self.wrapper = wrapper;
    }

    /// Present instant.
    pub fn now(&self) -> Nanos {
        self.clock.now()
    }

    /// The simulated operator at the machine.
    pub fn operator(&self) -> &SimulatedOperator {
        &self.operator
    }

    /// Line for the health of the computer.
    pub fn host(&self) -> &HostLine {
        &self.host
    }

    /// The stop line.
    pub fn stop_line(&self) -> &StopLine {
        &self.stop_line
    }

    /// Status words of the step loop.
    pub fn status(&self) -> &StepStatus {
        &self.status
    }

    /// Observer of the edges.
    pub fn sink(&mut self) -> &mut S {
        self.step_loop.io().sim().sink()
    }

    /// Raw state of the input lines now.
    pub fn inputs(&mut self) -> Inputs {
        let now = self.clock.now();
        self.step_loop.io().inputs(now)
    }

    /// Snapshot of the machine now.
    pub fn snapshot(&self) -> Snapshot {
        self.control.snapshot(self.clock.now())
    }

    /// Takes all events since the last call.
    pub fn take_events(&mut self) -> Vec<Event> {
        core::mem::take(&mut self.happened)
    }

    /// Stalls the control thread: its cycles of that time are not made up for.
    pub fn stall_control(&mut self, stall_ns: Nanos) {
        self.next_cycle += stall_ns;
    }

    /// Stalls the step thread.
    pub fn stall_steps(&mut self, stall_ns: Nanos) {
        self.step_frozen_until = self.clock.now() + stall_ns;
    }

    /// Trace sample of both loops now.
    pub fn trace_sample(&self) -> TraceSample {
        TraceSample { count: Some(self.status.count()), ..self.control.trace_sample(self.clock.now()) }
    }

    /// Runs the steps up to the next control cycle, and the cycle.
    pub fn cycle(&mut self) {
        if self.next_cycle < self.step_frozen_until {
            self.clock.wait_until(self.next_cycle);
        } else {
            (self.wrapper)(&mut || self.step_loop.run_until(self.next_cycle));
        }
        (self.wrapper)(&mut || self.control.cycle(self.next_cycle));
        self.next_cycle += layout::CONTROL_PERIOD_NS;
        // A stall of the host stalls both loops: missed cycles are not made up for.
        let missed = self.clock.now().saturating_sub(self.next_cycle) / layout::CONTROL_PERIOD_NS;
        self.next_cycle += missed * layout::CONTROL_PERIOD_NS;
        while let Some(event) = self.events.dequeue() {
            self.sink().event(&event);
            match &mut self.listener {
                // If the listener hangs, it learns the state from the next snapshot.
                Some(listener) => drop(listener.events.enqueue(event)),
                None => self.happened.push(event),
            }
        }
        let seen = self.trace_sample();
        self.sink().cycle(&seen);
        while let Some(snapshot) = self.snapshots.dequeue() {
            if let Some(listener) = &mut self.listener {
                let _ = listener.snapshots.enqueue(snapshot);
            }
        }
    }

    /// Runs for a duration, in whole control cycles.
    pub fn run_ms(&mut self, milliseconds: u64) {
        for _ in 0..milliseconds * MILLISECOND_NS / layout::CONTROL_PERIOD_NS {
            self.cycle();
        }
    }

    /// Runs while `going_on` holds, for at most `limit_ms`; returns true if it ended in time.
    pub fn run_while(&mut self, limit_ms: u64, mut going_on: impl FnMut(&Snapshot) -> bool) -> bool {
        for _ in 0..limit_ms * MILLISECOND_NS / layout::CONTROL_PERIOD_NS {
            self.cycle();
            if !going_on(&self.snapshot()) {
                return true;
            }
        }
        false
    }

    /// Puts a command into the queue and returns its number; none if the queue is full.
    pub fn send(&mut self, command: Command) -> Option<u64> {
        self.next_id += 1;
        self.commands
            .as_mut()?
            .0
            .enqueue(QueuedCommand { id: self.next_id, expires_ns: Nanos::MAX, command })
            .ok()?;
        Some(self.next_id)
    }

    /// Sends an item to a feed; false if the ring is full.
    pub fn send_to_feed(&mut self, number: FeedNumber, item: FeedItem) -> bool {
        let message = FeedMessage { number, item };
        self.commands.as_mut().is_some_and(|(_, targets)| targets.enqueue(message).is_ok())
    }

    /// Sends a command and runs until the machine has decided; none if the queue is full.
    pub fn command(&mut self, command: Command) -> Option<Reply> {
        let own = self.send(command)?;
        for _ in 0..layout::COMMAND_RING {
            let before = self.happened.len();
            self.cycle();
            let reply = self.happened[before..].iter().find_map(|event| match event {
                Event::Replied { id, reply } if *id == own => Some(*reply),
                _ => None,
            });
            if reply.is_some() {
                return reply;
            }
        }
        None
    }

    /// Presses STOP.
    pub fn stop(&self) {
        self.stop_line.press();
    }
}
