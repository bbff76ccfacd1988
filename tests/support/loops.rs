//! Both loops on a clock and pins of which each call costs a given time, which simulates the cost on a real computer.
//! With no cost at all, a benchmark counts the loops alone.
#![allow(dead_code)] // Tests and the benchmark each use a part of it.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;

use yep::drive::control::ControlOptions;
use yep::drive::executor::StarvationPolicy;
use yep::drive::rings::{BridgeEnds, QueuedCommand};
use yep::drive::{
    Control, LatePolicy, PowerRequest, RehearsalOptions, Rings, StepLoop, StepStatus, StopLine,
};
use yep::hal::sim::SimLoadCell;
use yep::hal::{Clock, StepIo};
use yep::layout;
use yep::machine::{Accepted, Command, Event, Inputs, Snapshot, State, Supervisor};
use yep::units::{Nanos, seconds};

const CYCLE_NS: Nanos = 1_000_000;

/// Cost of each kind of call, in ns.
#[derive(Debug, Clone, Copy, Default)]
pub struct Costs {
    /// A reading of the clock.
    pub clock: Nanos,
    /// A reading of the inputs.
    pub read: Nanos,
    /// An output that is set.
    pub write: Nanos,
}

/// A clock that advances with calls and waits.
#[derive(Debug, Clone, Default)]
pub struct CostClock {
    now: Rc<Cell<Nanos>>,
    costs: Costs,
}

impl CostClock {
    fn spend(&self, ns: Nanos) -> Nanos {
        self.now.set(self.now.get() + ns);
        self.now.get()
    }
}

impl Clock for CostClock {
    fn now(&self) -> Nanos {
        self.spend(self.costs.clock)
    }

    /// Reads the clock until the instant is reached.
    fn wait_until(&mut self, instant: Nanos) -> Nanos {
        let first = self.spend(self.costs.clock);
        let Some(left_ns) = instant.checked_sub(first) else { return first };
        match self.costs.clock {
            0 => self.spend(left_ns),
            each => self.spend(left_ns.div_ceil(each) * each),
        }
    }

    fn doze_until(&mut self, instant: Nanos) -> Nanos {
        self.wait_until(instant)
    }
}

/// A rail with two switches, and no mass.
pub struct CostRail {
    clock: CostClock,
    place: i64,
    travel: i64,
    forward: bool,
    made: u64,
    /// Instants and directions of the steps, if they are recorded.
    pub steps: Option<Vec<(Nanos, bool)>>,
}

impl CostRail {
    /// Number of steps so far.
    pub fn made(&self) -> u64 {
        self.made
    }
}

impl StepIo for CostRail {
    fn inputs(&mut self, _at: Nanos) -> Inputs {
        self.clock.spend(self.clock.costs.read);
        Inputs { front: self.place >= self.travel, back: self.place <= 0, ..Inputs::default() }
    }

    fn set_direction(&mut self, forward: bool, _at: Nanos) {
        self.clock.spend(self.clock.costs.write);
        self.forward = forward;
    }

    fn set_step(&mut self, high: bool, _at: Nanos) {
        let at = self.clock.spend(self.clock.costs.write);
        if high {
            self.made += 1;
            self.place += if self.forward { 1 } else { -1 };
            if let Some(steps) = &mut self.steps {
                steps.push((at, self.forward));
            }
        }
    }

    fn set_enabled(&mut self, _on: bool, _at: Nanos) {
        self.clock.spend(self.clock.costs.write);
    }
}

/// Both loops, which run in turn.
pub struct Loops {
    pub status: Arc<StepStatus>,
    step_loop: StepLoop<CostClock, CostRail>,
    control: Control<SimLoadCell>,
    bridge: BridgeEnds,
    next_cycle: Nanos,
    sent: u64,
}

impl Loops {
    /// The machine of these options, homed, with a computer of these costs.
    pub fn homed(options: &RehearsalOptions, costs: Costs) -> Loops {
        let clock = CostClock { costs, ..CostClock::default() };
        let status = Arc::new(StepStatus::default());
        let (stop_line, power) = (StopLine::default(), PowerRequest::default());
        let Rings { control: ends, chunks, bridge } = Rings::new();
        let per_mm = options.rail.steps_per_mm;
        let rail = CostRail {
            clock: clock.clone(),
            place: (options.rail.start_mm * per_mm) as i64,
            travel: (options.rail.length_mm * per_mm) as i64,
            forward: false,
            made: 0,
            steps: None,
        };
        let shared = (status.clone(), stop_line.clone(), power.clone());
        let late = LatePolicy { ends_motion: true };
        let step_loop = StepLoop::new(clock, rail, chunks, shared, options.timing, late);
        let supervisor = Supervisor::new(options.config, options.homing);
        let control = Control::new(
            supervisor,
            status.clone(),
            ends,
            None,
            (stop_line, power),
            ControlOptions {
                starvation: StarvationPolicy::EndsMotion,
                step_loop_silence_s: seconds(layout::STEP_LOOP_SILENCE_NS),
            },
        );
        let mut loops = Loops { status, step_loop, control, bridge, next_cycle: CYCLE_NS, sent: 0 };
        loops.command(Command::Calibrate);
        for _ in 0..120_000 {
            if loops.cycle().state != State::Homing {
                break;
            }
        }
        let snapshot = loops.snapshot();
        assert_eq!(snapshot.state, State::Ready, "{:?}", snapshot.fault);
        loops
    }

    pub fn snapshot(&self) -> Snapshot {
        self.control.snapshot(self.next_cycle - CYCLE_NS)
    }

    pub fn rail(&mut self) -> &mut CostRail {
        self.step_loop.io()
    }

    /// Sends a command, runs two cycles, and asserts that it was accepted.
    pub fn command(&mut self, command: Command) {
        self.sent += 1;
        let queued = QueuedCommand { id: self.sent, expires_ns: Nanos::MAX, command };
        assert!(self.bridge.commands.enqueue(queued).is_ok());
        self.cycle();
        let mut accepted = false;
        while let Some(event) = self.bridge.events.dequeue() {
            accepted |= matches!(event, Event::Replied { reply: Ok(Accepted::Now), .. });
        }
        assert!(accepted);
    }

    /// One control cycle, with the steps up to it.
    fn cycle(&mut self) -> Snapshot {
        self.turn();
        self.snapshot()
    }

    fn turn(&mut self) {
        step_loop_alone(&mut self.step_loop, self.next_cycle);
        self.control.cycle(self.next_cycle);
        self.next_cycle += CYCLE_NS;
        while self.bridge.snapshots.dequeue().is_some() {}
    }

    pub fn run_ms(&mut self, milliseconds: u64) {
        (0..milliseconds).for_each(|_| self.turn());
    }
}

/// The step loop's part of a millisecond: a function of its own, so that a profiler separates it from the rest.
#[inline(never)]
pub fn step_loop_alone(step_loop: &mut StepLoop<CostClock, CostRail>, until: Nanos) {
    step_loop.run_until(until);
}
