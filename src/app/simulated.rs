//! The simulated machine in this process: the same threads, rings and rules as on a Pi, with another pair of hands.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::pulse_log::PulseLog;
use super::{AppError, herald, pulse_watch, realtime, system};
use crate::api::Context;
use crate::diag::CheckOptions;
use crate::diag::train::Precision;
use crate::drive::bridge::{Link, bridge};
use crate::drive::executor::Starvation;
use crate::drive::seen::looks;
use crate::drive::threads::Threads;
use crate::drive::{
    Control, ControlOptions, LatePolicy, Power, PulseTiming, Rings, StepLoop, StepStatus, StopLine,
};
use crate::hal::MonotonicClock;
use crate::hal::sim::{Hands, RailOptions, SimLoadCell, SimPins};
use crate::machine::{Config, Event, HomingOptions, Supervisor};
use crate::options::{ForceSensor, Options};
use crate::units::Nanos;

/// An ordinary computer stalls its threads now and then; only a step loop that is silent for this long is broken.
const STEP_LOOP_SILENCE_S: f64 = 1.0;

/// How far an edge may be beside its instant before it counts as late.
const EDGE_NS: Nanos = 100;

/// The running machine, before anybody listens to it.
pub struct Machine {
    threads: Threads,
    link: Link,
    events: mpsc::UnboundedReceiver<Event>,
    pump: JoinHandle<()>,
    watcher: pulse_watch::Watcher,
    hands: Hands,
}

/// The running machine, with its herald.
pub struct Attended {
    threads: Threads,
    link: Link,
    pump: JoinHandle<()>,
    herald: JoinHandle<()>,
    watcher: pulse_watch::Watcher,
}

/// Switches the machine on: not homed.
pub fn start(options: &Options, config: Config) -> Result<Machine, AppError> {
    let rail = rail_options(options);
    let hands = Hands::default();
    for mishap in &options.sim.mishaps {
        hands.set(*mishap, true);
    }
    let clock = MonotonicClock::new();
    let status = Arc::new(StepStatus::default());
    let (stop_line, power) = (StopLine::default(), Power::default());
    let Rings { control: control_ends, chunks, bridge: bridge_ends } = Rings::new();
    let timing = PulseTiming {
        high_ns: options.timing.pulse_high_ns,
        low_ns: options.timing.pulse_low_ns,
        direction_setup_ns: options.timing.dir_setup_ns,
        direction_hold_ns: options.timing.dir_hold_ns,
    };
    let log = options.sim.pulse_log.as_deref().map(PulseLog::create).transpose();
    let log = log.map_err(system("the pulse log"))?;
    let (feed, looks) = looks();
    let (sink, watcher) = pulse_watch::start(check_options(options, timing), looks, log)
        .map_err(system("starting to watch the pulses"))?;

    let step_loop = StepLoop::new(
        clock,
        SimPins::new(rail, hands.clone(), sink),
        chunks,
        (Arc::clone(&status), stop_line.clone(), power.clone()),
        timing,
        // A simulated motor loses no steps, and its host is rarely a real-time one.
        LatePolicy { ends_motion: false },
    );
    let homing = HomingOptions {
        fast: options.homing.fast,
        slow: options.homing.slow,
        back_off: options.homing.back_off,
    };
    let force = (options.force_sensor() == ForceSensor::Sim).then(|| SimLoadCell::new(hands.clone(), rail));
    let mut control = Control::new(
        Supervisor::new(config, homing),
        status,
        control_ends,
        force,
        (stop_line.clone(), power),
        ControlOptions { starvation: Starvation::IsRiddenOver, step_loop_silence_s: STEP_LOOP_SILENCE_S },
    );
    control.watched_by(feed);
    let (link, events, pump) = bridge(bridge_ends, stop_line, control.snapshot(0));
    let demand = realtime::demand(options.driver, options.realtime.require);
    let threads = Threads::start(clock, step_loop, control, demand)
        .map_err(system("starting the real-time threads"))?;
    let threads = realtime::judge(threads, demand)?;
    Ok(Machine { threads, link, events, pump: tokio::spawn(pump), watcher, hands })
}

impl Machine {
    /// A handle for the API.
    pub fn link(&self) -> Link {
        self.link.clone()
    }

    /// The hands of a person at the machine.
    pub fn hands(&self) -> Hands {
        self.hands.clone()
    }

    /// From now on its events are told to the clients, the settings and the log.
    pub fn attend(self, ctx: Arc<Context>) -> Attended {
        let Machine { threads, link, events, pump, watcher, .. } = self;
        Attended { threads, link, pump, herald: tokio::spawn(herald::attend(events, ctx)), watcher }
    }
}

impl Attended {
    /// STOP, and waits until the axis is at rest, for `within` at most.
    pub async fn rest(&self, within: Duration) {
        self.link.stop();
        let mut snapshots = self.link.snapshots();
        // A snapshot from before STOP says nothing.
        snapshots.mark_unchanged();
        let at_rest = async {
            while snapshots.changed().await.is_ok() {
                let snapshot = *snapshots.borrow_and_update();
                if !snapshot.state.is_moving() && snapshot.velocity_mm_s == 0.0 {
                    return;
                }
            }
        };
        if tokio::time::timeout(within, at_rest).await.is_err() {
            tracing::warn!("the axis did not come to rest in time");
        }
    }

    /// Ends the threads, then everything that listened to them.
    pub async fn end(self) {
        let Attended { threads, link, pump, herald, watcher } = self;
        // Joining blocks, and is over within a control period.
        let _ = tokio::task::spawn_blocking(move || threads.end()).await;
        drop(link);
        pump.abort();
        herald.abort();
        watcher.end().await;
    }
}

/// What the pulses of a simulation promise: late edges are made up for or shifted, never ended for.
fn check_options(options: &Options, timing: PulseTiming) -> CheckOptions {
    CheckOptions {
        timing,
        precision: Precision { edge_ns: EDGE_NS, slews: true },
        homing_mm_s: options.homing.fast.get().max(options.homing.slow.get()),
    }
}

fn rail_options(options: &Options) -> RailOptions {
    let sim = &options.sim;
    RailOptions {
        length_mm: sim.length.get(),
        steps_per_mm: sim.steps_per_mm.get(),
        start_mm: sim.start.get(),
        hysteresis_mm: sim.hysteresis.get(),
        overtravel_mm: sim.overtravel.get(),
        wall_mm: sim.wall.get(),
        stiffness_g_per_mm: sim.stiffness_g_per_mm,
        motor: None,
    }
}
