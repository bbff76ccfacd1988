//! Machine of this process: starts the same threads, rings and rules for real and for simulated hardware.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::{AppError, event_log, force, pulse_watch, realtime, system, witness};
use crate::api::Context;
use crate::diag::recorder::Archive;
use crate::drive::bridge::{MachineHandle, bridge};
use crate::drive::cycle_trace::trace_ring;
use crate::drive::host_line::HostLine;
use crate::drive::realtime::ThreadRole;
use crate::drive::threads::{Heartbeats, Threads};
use crate::drive::{
    Control, ControlOptions, LatePolicy, PowerRequest, PulseTiming, Rings, StepLoop, StepStatus, StopLine,
};
use crate::hal::sim::{Mishap, SimulatedOperator};
use crate::hal::{Clock, ForceSensor, MonotonicClock, StepIo};
use crate::machine::{Config, Event, Fault, Supervisor};
use crate::options::Options;
use crate::sensor::service::SensorService;

/// Folder of the recordings of faults, in the state folder.
const RECORDINGS: &str = "faults";

/// Interval of polling for rest at shutdown.
const REST_POLL_EVERY: Duration = Duration::from_millis(2);

/// Timeout for the event log to write what it has received.
const EVENT_LOG_TIMEOUT: Duration = Duration::from_secs(2);

/// Hardware of a machine: what differs between a real and a simulated one.
pub struct Hardware<I, F> {
    /// The pins.
    pub io: I,
    /// The load cell, if there is one.
    pub force: Option<F>,
    /// Parts of the service for tare and calibration.
    pub load_cell: Option<force::LoadCellParts>,
    /// Policy for late steps.
    pub late: LatePolicy,
    /// Policies for a late control cycle and a silent step loop.
    pub control: ControlOptions,
    /// The pulse checker, in simulation.
    pub pulses: Option<pulse_watch::PulseWatch>,
    /// The simulated operator, in simulation.
    pub operator: Option<SimulatedOperator>,
}

/// The running machine, before its event log is attached.
pub struct RunningMachine {
    threads: Threads,
    link: MachineHandle,
    events: mpsc::UnboundedReceiver<Event>,
    pump: JoinHandle<()>,
    witness: witness::WitnessThread,
    recordings: Arc<Archive>,
    operator: Option<SimulatedOperator>,
    load_cell: Option<force::LoadCellParts>,
    host: HostLine,
}

/// The running machine, with its event log attached.
pub struct LoggedMachine {
    threads: Threads,
    link: MachineHandle,
    pump: JoinHandle<()>,
    event_log: JoinHandle<()>,
    witness: witness::WitnessThread,
    shutting_down: Arc<AtomicBool>,
}

/// Pulse timing of the motor driver, from the options.
pub fn pulse_timing(options: &Options) -> PulseTiming {
    PulseTiming {
        high_ns: options.timing.pulse_high_ns,
        low_ns: options.timing.pulse_low_ns,
        direction_setup_ns: options.timing.dir_setup_ns,
        direction_hold_ns: options.timing.dir_hold_ns,
    }
}

/// Starts the machine: not homed, and with the fault `at_power_on` if there is one.
pub fn start<I, F>(
    options: &Options,
    (config, at_power_on): (Config, Option<Fault>),
    clock: MonotonicClock,
    hardware: Hardware<I, F>,
) -> Result<RunningMachine, AppError>
where
    I: StepIo + Send + 'static,
    F: ForceSensor + Send + 'static,
{
    let Hardware { io, force, load_cell, late, control: control_options, pulses, operator } = hardware;
    let status = Arc::new(StepStatus::default());
    let (stop_line, power) = (StopLine::default(), PowerRequest::default());
    let Rings { control: control_ends, chunks, bridge: bridge_ends } = Rings::new();
    let shared = (Arc::clone(&status), stop_line.clone(), power.clone());
    let step_loop = StepLoop::new(clock, io, chunks, shared, pulse_timing(options), late);
    let mut supervisor = Supervisor::new(config, options.homing.into()).with_session(options.session_rules());
    if let Some(fault) = at_power_on {
        supervisor = supervisor.faulted_at_power_on(fault);
    }
    let shared = (stop_line.clone(), power);
    let mut control = Control::new(supervisor, status, control_ends, force, shared, control_options);
    if let Some(overrun_mm) = options.overrun_mm() {
        control.limit_overrun(overrun_mm);
    }
    let host = HostLine::default();
    control.set_host_line(host.clone());
    let (feed, samples) = trace_ring();
    control.set_trace_feed(feed);
    let recordings = Arc::new(Archive::open(&options.state_dir.join(RECORDINGS)));
    let witness = witness::start(samples, Arc::clone(&recordings), pulses)
        .map_err(system("starting to watch the machine"))?;
    let (link, events, pump) = bridge(bridge_ends, stop_line, control.snapshot(clock.now()));
    let demand = realtime::demand(options.driver, options.realtime.require);
    let threads = Threads::start(clock, step_loop, control, demand, freeze_hook(operator.clone()))
        .map_err(system("starting the real-time threads"))?;
    let threads = realtime::check(threads, demand)?;
    Ok(RunningMachine {
        threads,
        link,
        events,
        pump: tokio::spawn(pump),
        witness,
        recordings,
        operator,
        load_cell,
        host,
    })
}

/// Hook that the loops call between cycles: it blocks while a simulated fault freezes that loop.
fn freeze_hook(operator: Option<SimulatedOperator>) -> impl Fn(ThreadRole) + Clone + Send + 'static {
    move |role| {
        let mishap = match role {
            ThreadRole::Step => Mishap::StepLoopFrozen,
            ThreadRole::Control => Mishap::ControlFrozen,
        };
        while operator.as_ref().is_some_and(|operator| operator.mishaps().has(mishap)) {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

impl RunningMachine {
    /// A handle for the API.
    pub fn link(&self) -> MachineHandle {
        self.link.clone()
    }

    /// The simulated operator; `None` for a real machine.
    pub fn simulated_operator(&self) -> Option<SimulatedOperator> {
        self.operator.clone()
    }

    /// The service for tare and calibration, if there is a sensor that can be tared.
    pub fn load_cell(&self) -> Option<SensorService> {
        let snapshots = self.link.snapshots();
        let at_rest = move || snapshots.borrow().is_at_rest();
        self.load_cell.as_ref().map(|load_cell| load_cell.service(at_rest))
    }

    /// The archive of recordings, including those of earlier processes.
    pub fn recordings(&self) -> Arc<Archive> {
        Arc::clone(&self.recordings)
    }

    /// The line that brings the computer's supply and temperature to the control cycle.
    pub fn host(&self) -> HostLine {
        self.host.clone()
    }

    /// Counters that show that its loops are alive.
    pub fn heartbeats(&self) -> Heartbeats {
        self.threads.heartbeats()
    }

    /// Attaches the event log, which passes events to the clients, the store and the log.
    pub fn attach_event_log(self, ctx: Arc<Context>) -> LoggedMachine {
        let RunningMachine { threads, link, events, pump, witness, .. } = self;
        let shutting_down = Arc::new(AtomicBool::new(false));
        let event_log = tokio::spawn(event_log::run(events, ctx, Arc::clone(&shutting_down)));
        LoggedMachine { threads, link, pump, event_log, witness, shutting_down }
    }
}

impl LoggedMachine {
    /// Begins the graceful shutdown (S40): every command is refused, and the axis comes to rest. Does not wait.
    pub fn begin_shutdown(&self) {
        self.shutting_down.store(true, Ordering::Release);
        self.link.begin_shutdown();
    }

    /// Waits until the axis is at rest and the driver is off, at most `within`; returns whether that is so.
    pub async fn wait_for_rest(&self, within: Duration) -> bool {
        let ended = async {
            while !self.link.is_shut_down() {
                tokio::time::sleep(REST_POLL_EVERY).await;
            }
        };
        tokio::time::timeout(within, ended).await.is_ok()
    }

    /// Ends the threads, then the parts that received from them.
    pub async fn shut_down(self) {
        let LoggedMachine { threads, link, pump, event_log, witness, .. } = self;
        // Joining blocks for at most a control period.
        let _ = tokio::task::spawn_blocking(move || threads.stop_and_join()).await;
        drop(link);
        pump.abort();
        // The event log writes what it has received until now.
        if tokio::time::timeout(EVENT_LOG_TIMEOUT, event_log).await.is_err() {
            tracing::warn!("what happened last could not be written down in time");
        }
        witness.end().await;
    }
}
