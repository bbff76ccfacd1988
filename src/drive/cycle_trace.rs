//! Cycle trace: a record of both loops after each control cycle, for the flight recorder and other observers.

use heapless::spsc::{Consumer, Producer, Queue};

use super::status::{MotionEnd, StepStatus};
use crate::hal::EdgeSink;
use crate::machine::{
    Calibration, Command, CommandKind, Config, Event, Fault, Inputs, Reply, State, StopLevel, Supervisor,
};
use crate::units::Nanos;

/// State of both loops at one instant.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TraceSample {
    /// Instant of the control cycle.
    pub at_ns: Nanos,
    /// State of the machine.
    pub state: State,
    /// Latched fault.
    pub fault: Option<Fault>,
    /// Settings in force.
    pub config: Config,
    /// Calibration, while the position is known.
    pub calibration: Option<Calibration>,
    /// Force that the control cycle uses, in grams.
    pub force_g: Option<f64>,
    /// Upper bound on speed from sensor latency and host derating, mm/s.
    pub speed_bound_mm_s: f64,
    /// Level of the stop line.
    pub stop: StopLevel,
    /// Input lines as last read, debounced.
    pub inputs: Inputs,
    /// Signed speed of the pulses, in steps per second.
    pub steps_per_s: f64,
    /// Step counter at the time of sampling: up to a cycle newer than `at_ns`.
    pub steps: i64,
    /// True if the step loop plays nothing.
    pub resting: bool,
    /// Last motion that ended by a cause other than its plan.
    pub ended: Option<MotionEnd>,
    /// Number of input changes too short to be confirmed.
    pub glitches: u32,
    /// Number of times lateness has moved a time base.
    pub rebases: u32,
    /// Step counter, if it is known to belong to this very instant.
    pub count: Option<i64>,
    /// Decisions of this cycle that later samples do not show.
    pub outcome: CycleOutcome,
}

/// Decisions of one control cycle, beside the state that it left.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct CycleOutcome {
    /// Number of the cycle; a gap shows a missing sample.
    pub cycle: u32,
    /// Command of this cycle with its reply.
    pub decided: Option<CommandDecision>,
    /// A fault that came while another one was latched.
    pub also: Option<Fault>,
}

/// Kind of a command, and the part of its argument that is recorded.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TracedCommand {
    /// Kind of the command.
    pub kind: CommandKind,
    /// Period of the wave that it asks for, in seconds.
    pub period_s: Option<f64>,
}

/// A command with its reply.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CommandDecision {
    /// The command.
    pub asked: TracedCommand,
    /// The reply.
    pub reply: Reply,
}

impl TracedCommand {
    /// The recorded part of `command`.
    pub fn of(command: &Command) -> TracedCommand {
        let period_s = match command {
            Command::Run(wave) => Some(wave.period_s()),
            _ => None,
        };
        TracedCommand { kind: command.kind(), period_s }
    }
}

impl CycleOutcome {
    /// Extracts the decisions of a cycle from its number, its command and its events.
    pub fn of(cycle: u32, asked: Option<TracedCommand>, events: &[Event]) -> CycleOutcome {
        let mut outcome = CycleOutcome { cycle, ..CycleOutcome::default() };
        for event in events {
            match *event {
                Event::Replied { reply, .. } => {
                    outcome.decided = asked.map(|asked| CommandDecision { asked, reply })
                }
                Event::FaultWhileFaulted(fault) => outcome.also = Some(fault),
                _ => {}
            }
        }
        outcome
    }
}

impl TraceSample {
    /// State that `supervisor` and `status` show at `at_ns`.
    pub fn of(supervisor: &Supervisor, status: &StepStatus, stop: StopLevel, at_ns: Nanos) -> TraceSample {
        TraceSample {
            at_ns,
            state: supervisor.state(),
            fault: supervisor.fault(),
            config: *supervisor.config(),
            calibration: supervisor.calibration().copied(),
            force_g: None,
            speed_bound_mm_s: f64::INFINITY,
            stop,
            inputs: status.inputs(),
            steps_per_s: status.steps_per_s(at_ns),
            steps: status.count(),
            resting: status.resting(),
            ended: status.ended(),
            glitches: status.glitches(),
            rebases: status.lateness().rebases,
            count: None,
            outcome: CycleOutcome::default(),
        }
    }
}

/// Observer of every edge, and of the machine after each control cycle.
pub trait CycleObserver: EdgeSink {
    /// Called after each control cycle.
    fn cycle(&mut self, _seen: &TraceSample) {}

    /// Called for each event of a control cycle, before `cycle`.
    fn event(&mut self, _event: &Event) {}
}

/// No observer.
impl CycleObserver for () {}

/// Capacity of the ring: a quarter of a second of control cycles.
const TRACE_SAMPLES: usize = 256;

/// Producer's end of the trace ring, for the control cycle; wait-free like the other rings.
pub type TraceFeed = Producer<'static, TraceSample>;
/// Consumer's end of the trace ring.
pub type TraceReader = Consumer<'static, TraceSample>;

/// Makes the trace ring; like the others it lives as long as the process.
#[must_use]
pub fn trace_ring() -> (TraceFeed, TraceReader) {
    Box::leak(Box::new(Queue::<TraceSample, TRACE_SAMPLES>::new())).split()
}
