//! The machine as somebody sees it who watches both loops: what the step loop shows and what the control cycle
//! decided, at one instant.

use heapless::spsc::{Consumer, Producer, Queue};

use super::status::{MotionEnd, StepStatus};
use crate::hal::EdgeSink;
use crate::machine::{
    Calibration, Command, CommandKind, Config, Event, Fault, Inputs, Reply, State, StopLevel, Supervisor,
};
use crate::units::Nanos;

/// Both loops at one instant.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TraceSample {
    /// When.
    pub at_ns: Nanos,
    /// The state.
    pub state: State,
    /// The fault that is latched.
    pub fault: Option<Fault>,
    /// The settings in force.
    pub config: Config,
    /// The calibration, while the position is known.
    pub calibration: Option<Calibration>,
    /// The force that the control cycle reckons with.
    pub force_g: Option<f64>,
    /// What bounds the speed of a wave beside limits and force, in mm/s: what the sensor can protect, and a computer that is
    /// strained.
    pub speed_bound_mm_s: f64,
    /// The stop line.
    pub stop: StopLevel,
    /// The input lines as they were last read.
    pub inputs: Inputs,
    /// Speed of the pulses, signed, in steps per second.
    pub steps_per_s: f64,
    /// The step counter, as it read when the look was taken: up to a cycle newer than `at_ns`.
    pub steps: i64,
    /// Whether the step loop plays nothing.
    pub resting: bool,
    /// The last motion that was ended by something else than its plan.
    pub ended: Option<MotionEnd>,
    /// How often an input changed for so short a time that it was not believed.
    pub glitches: u32,
    /// How often lateness has moved a time base.
    pub rebases: u32,
    /// The step counter, where it is known to belong to this very instant.
    pub count: Option<i64>,
    /// What no later look could show.
    pub outcome: CycleOutcome,
}

/// What a control cycle decided, beside the state that it left.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct CycleOutcome {
    /// Counts the cycles, so that a look that is missing shows.
    pub cycle: u32,
    /// The command of this cycle, and what became of it.
    pub decided: Option<CommandDecision>,
    /// A fault that came while another one was latched.
    pub also: Option<Fault>,
}

/// Which command it was, without all that it carries.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CommandTrace {
    /// Its kind.
    pub kind: CommandKind,
    /// The period of the wave that it asks for, in seconds.
    pub period_s: Option<f64>,
}

/// A command with its reply.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CommandDecision {
    /// The command.
    pub asked: CommandTrace,
    /// The decision.
    pub reply: Reply,
}

impl CommandTrace {
    /// What `command` asks for.
    #[must_use]
    pub fn by(command: &Command) -> CommandTrace {
        let period_s = match command {
            Command::Run(wave) => Some(wave.period_s()),
            _ => None,
        };
        CommandTrace { kind: command.kind(), period_s }
    }
}

impl CycleOutcome {
    /// What is worth noting of a cycle: its number, its command, and the events that came of it.
    #[must_use]
    pub fn of(cycle: u32, asked: Option<CommandTrace>, events: &[Event]) -> CycleOutcome {
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
    /// What `supervisor` and `status` show at `at_ns`.
    #[must_use]
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

/// Somebody who gets to see every edge, and after each control cycle the machine.
pub trait CycleObserver: EdgeSink {
    /// A control cycle is over.
    fn cycle(&mut self, _seen: &TraceSample) {}

    /// Something happened in the control cycle that is over next.
    fn event(&mut self, _event: &Event) {}
}

/// Nobody watches.
impl CycleObserver for () {}

/// Looks kept for whoever takes them: a quarter of a second of control cycles.
const TRACE_SAMPLES: usize = 256;

/// From the control cycle to whoever watches; as wait-free as the other rings.
pub type TraceFeed = Producer<'static, TraceSample>;
/// The watcher's end of it.
pub type TraceReader = Consumer<'static, TraceSample>;

/// Both ends of the ring of looks; like the others it lives as long as the process.
#[must_use]
pub fn trace_ring() -> (TraceFeed, TraceReader) {
    Box::leak(Box::new(Queue::<TraceSample, TRACE_SAMPLES>::new())).split()
}
