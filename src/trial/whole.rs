//! The whole machine on one clock: both loops on virtual time, and the server on a runtime whose time passes with it.
//!
//! The loops run for a slice, then the server's tasks run until all of them wait. What a client does in between happens
//! at the instant at which the slice ended.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::runtime::Runtime;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::client::{self, Answers, ClientAnswer, ClientRequest, ClientSocket, Hall, Street, Who};
use super::gear::Gear;
use super::link::{SensorLink, SimulatedSerialLine};
use super::plan::JITTER_NS;
use super::tap::{CallLog, Tap};
use super::witness::TrialWitness;
use crate::api::desk::SettingsStore;
use crate::api::port::{BoxFuture, MachinePort};
use crate::api::{self, Context, Policy};
use crate::app::{event_log, host, machine_port};
use crate::auth::GateRules;
use crate::diag::CheckOptions;
use crate::diag::train::Precision;
use crate::drive::bridge::bridge;
use crate::drive::{PulseTiming, Rehearsal, RehearsalOptions};
use crate::hal::sim::{RailOptions, SimIo, SimPins, SimulatedOperator, VirtualClock};
use crate::hal::{Clock, ForceSensor};
use crate::layout;
use crate::machine::host::HostReadings;
use crate::machine::{HomingOptions, SessionRules};
use crate::settings::{RailGeometry, Settings};
use crate::store::inline::InlineStore;
use crate::store::{self, InitialState, Recovery, StoreError, StoredState};
use crate::units::{MILLISECOND_NS, Nanos};

/// The loops run so long before the server's turn …
const SLICE_NS: Nanos = 10 * MILLISECOND_NS;
/// … and so long while somebody waits for an answer.
const SHORT_SLICE_NS: Nanos = 2 * MILLISECOND_NS;

/// What a computer tells that has a good supply and enough air.
pub const USUAL: HostReadings = HostReadings { under_voltage: Some(false), temperature_c: Some(55.0) };

/// What is between the parts. A test that breaks the machine to see whether the promises notice puts its own in.
#[derive(Clone, Copy)]
pub struct TrialSetup {
    /// Between the step loop and the pins.
    pub pins: fn(SimPins<TrialWitness>) -> Box<dyn SimIo<TrialWitness>>,
    /// Between the control cycle and the listener of the force sensor.
    pub cell: fn(SensorLink) -> Box<dyn ForceSensor>,
    /// Between the API and the machine.
    pub port: fn(Arc<dyn MachinePort>) -> Arc<dyn MachinePort>,
    /// Between the computer and who looks at its power and heat.
    pub vitals: fn(HostReadings) -> HostReadings,
    /// What the machine is made of.
    pub options: fn(RehearsalOptions) -> RehearsalOptions,
}

impl Default for TrialSetup {
    /// Nothing.
    fn default() -> Self {
        TrialSetup {
            pins: |pins| Box::new(pins),
            cell: |link| Box::new(link),
            port: |port| port,
            vitals: |v| v,
            options: |o| o,
        }
    }
}

type RehearsedMachine = Rehearsal<TrialWitness, Box<dyn SimIo<TrialWitness>>, Box<dyn ForceSensor>>;

/// The process, from its start to its end.
pub struct TrialProcess {
    /// The two loops.
    pub machine: RehearsedMachine,
    /// What the handlers share.
    pub ctx: Arc<Context>,
    runtime: Runtime,
    clock: VirtualClock,
    street: Street,
    log: Arc<CallLog>,
    answers: Answers,
    requests: Vec<JoinHandle<()>>,
    heard: Vec<ClientAnswer>,
    number: u64,
    /// When the process started, on both clocks.
    began: (Nanos, Instant),
}

/// What outlives the process.
#[derive(Clone)]
pub struct Ground {
    /// The rail as it is built.
    pub rail: RailOptions,
    /// What its mechanics make of a turn of the motor.
    pub drive: RailGeometry,
    /// How it looks for its ends.
    pub homing: HomingOptions,
    /// How its driver wants its pulses.
    pub timing: PulseTiming,
    /// The disk.
    pub disk: Arc<Mutex<InlineStore>>,
    /// What ends by itself in each process.
    pub session: SessionRules,
    /// What becomes of a wave whose client is gone, by the configuration.
    pub lease: Policy,
    /// The line of the force sensor.
    pub line: SimulatedSerialLine,
    /// What the computer tells of itself.
    pub computer: Arc<Mutex<HostReadings>>,
    /// The clock.
    pub clock: VirtualClock,
    /// Whether it is ever late.
    pub late: bool,
    /// What is between the parts.
    pub wiring: TrialSetup,
}

impl Ground {
    /// A rail, with an empty disk and a computer that is never late.
    #[must_use]
    pub fn new(rail: RailOptions) -> Ground {
        Ground {
            rail,
            drive: RailGeometry::default(),
            homing: HomingOptions::default(),
            timing: usual_timing(),
            disk: Arc::default(),
            session: SessionRules::default(),
            lease: Policy::default(),
            line: SimulatedSerialLine::default(),
            computer: Arc::new(Mutex::new(USUAL)),
            clock: VirtualClock::default(),
            late: false,
            wiring: TrialSetup::default(),
        }
    }

    /// The same, built so, and told so by whoever has set it up.
    ///
    /// # Errors
    /// The settings cannot be kept.
    pub fn geared(rail: RailOptions, gear: &Gear) -> Result<Ground, StoreError> {
        let ground =
            Ground { drive: gear.rail(), homing: gear.homing, timing: gear.timing, ..Ground::new(rail) };
        {
            let mut disk = ground.disk.lock().unwrap_or_else(PoisonError::into_inner);
            let fresh = disk.open()?.state.settings;
            disk.save(gear.set(fresh))?;
        }
        Ok(ground)
    }

    /// Lets time pass without a process.
    pub fn pass(&mut self, passes_ns: Nanos) {
        let until = self.clock.now() + passes_ns;
        self.clock.wait_until(until);
    }
}

struct Handle {
    disk: Arc<Mutex<InlineStore>>,
    /// What the process found when it started.
    opened: InitialState,
}

impl Handle {
    fn disk(&self) -> MutexGuard<'_, InlineStore> {
        self.disk.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SettingsStore for Handle {
    fn keep(&self, change: store::StateChange) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async move {
            // A disk takes its time.
            tokio::time::sleep(Duration::from_millis(5)).await;
            self.disk().save(change)
        })
    }

    fn kept(&self) -> (Arc<StoredState>, u64) {
        let (state, writes) = self.disk().kept().unwrap_or_else(|_| (self.opened.state.clone(), 0));
        (Arc::new(state), writes)
    }

    fn recovery(&self) -> &Recovery {
        &self.opened.recovery
    }
}

fn usual_timing() -> PulseTiming {
    PulseTiming {
        high_ns: layout::PULSE_HIGH_NS,
        low_ns: layout::PULSE_LOW_NS,
        direction_setup_ns: layout::DIR_SETUP_NS,
        direction_hold_ns: layout::DIR_HOLD_NS,
    }
}

impl TrialProcess {
    /// Starts the process: the machine is not homed. `carriage_mm` is where the carriage stands.
    ///
    /// # Errors
    /// The store cannot be opened, or the system has no runtime left.
    pub fn start(ground: &Ground, carriage_mm: f64) -> Result<TrialProcess, String> {
        let opened = ground.disk.lock().unwrap_or_else(PoisonError::into_inner).open();
        let opened = opened.map_err(|error| error.to_string())?;
        let settings = opened.state.settings.clone();
        let rail = RailOptions { start_mm: carriage_mm, ..ground.rail };
        let homing = ground.homing;
        let options = (ground.wiring.options)(RehearsalOptions {
            rail,
            config: settings.config(&ground.drive),
            homing,
            session: ground.session,
            timing: ground.timing,
            lateness_ends_motion: true,
        });
        let edge_ns = if ground.late { JITTER_NS + 30 } else { 30 };
        let check = CheckOptions {
            timing: options.timing,
            precision: Precision { edge_ns, slews: ground.late },
            homing_mm_s: homing.fast.get().max(homing.slow.get()),
        };
        let witness = TrialWitness::new(check, rail, SimulatedOperator::default());
        let (pins, wire) = (ground.wiring.pins, ground.wiring.cell);
        let cell = |cell| wire(SensorLink::new(cell, ground.line.clone()));
        let mut machine = RehearsedMachine::with_io(ground.clock.clone(), &options, witness, pins, cell);
        machine.sink().facts.operator = machine.operator().clone();
        machine.sink().facts.homing = homing;
        machine.sink().facts.line = ground.line.clone();

        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build();
        let runtime = runtime.map_err(|error| error.to_string())?;
        let log = Arc::new(CallLog::default());
        let (street, hall) = Hall::new();
        let ends = machine.take_bridge();
        let (operator, stop_line) = (machine.operator().clone(), machine.stop_line().clone());
        let host_line = machine.host().clone();
        let first = machine.snapshot();
        let ctx = {
            let _inside = runtime.enter();
            let (link, events, pump) = bridge(ends, stop_line, first);
            let port = (ground.wiring.port)(machine_port::on_virtual_time(link, operator));
            let port: Arc<dyn MachinePort> = Arc::new(Tap { port, log: Arc::clone(&log) });
            let rules = GateRules { hostname: "yep".to_owned(), ..GateRules::default() };
            let options = api::ServerOptions { rules, lease: ground.lease, ..api::ServerOptions::default() };
            let keeper = Handle { disk: Arc::clone(&ground.disk), opened };
            let ctx = Context::new(port, settings, keeper, ground.drive, options);
            tokio::spawn(pump);
            let (computer, tells) = (Arc::clone(&ground.computer), ground.wiring.vitals);
            let read = move || {
                let vitals = *computer.lock().unwrap_or_else(PoisonError::into_inner);
                std::future::ready(tells(vitals))
            };
            tokio::spawn(host::watch(read, host_line));
            tokio::spawn(event_log::attend(events, Arc::clone(&ctx), Arc::default()));
            tokio::spawn(api::serve(hall, Arc::clone(&ctx), std::future::pending()));
            ctx
        };
        let began = (ground.clock.now(), runtime.block_on(async { Instant::now() }));
        Ok(TrialProcess {
            machine,
            ctx,
            runtime,
            clock: ground.clock.clone(),
            street,
            log,
            answers: Answers::default(),
            requests: Vec::new(),
            heard: Vec::new(),
            number: 0,
            began,
        })
    }

    /// The instant.
    #[must_use]
    pub fn now(&self) -> Nanos {
        self.clock.now()
    }

    /// The witness.
    pub fn witness(&mut self) -> &mut TrialWitness {
        self.machine.sink()
    }

    /// Lets time pass until `until`, or until a promise is broken.
    pub fn run_until(&mut self, until: Nanos) {
        while self.now() < until && self.witness().broken().is_none() {
            let slice_ns = if self.requests.is_empty() { SLICE_NS } else { SHORT_SLICE_NS };
            let end = (self.now() + slice_ns).min(until);
            while self.now() < end {
                self.machine.cycle();
            }
            self.serve();
        }
    }

    /// The server's turn: its time passes until now, and all of its tasks do what they can.
    fn serve(&mut self) {
        let (began_ns, began) = self.began;
        let now = self.now();
        self.log.pass_time(now);
        let until = began + Duration::from_nanos(now - began_ns);
        self.runtime.block_on(async { tokio::time::sleep_until(until).await });
        self.requests.retain(|request| !request.is_finished());
        let asked = self.log.take();
        let mut answers = core::mem::take(&mut *self.answers.lock().unwrap_or_else(PoisonError::into_inner));
        answers.sort_by_key(|answer| answer.number);
        let shown = self.ctx.desk.current();
        let witness = self.machine.sink();
        let document = &shown.document;
        let (max_stroke_mm, stroke_limit_mm) = (document.max_stroke as f64, document.stroke_limit as f64);
        witness.facts.show(now, shown.motion, max_stroke_mm, stroke_limit_mm);
        for asked in asked {
            witness.asked(asked);
        }
        for answer in &answers {
            witness.answered(answer);
        }
        self.heard.append(&mut answers);
    }

    /// Makes a request, whose answer will come; its number.
    pub fn ask(&mut self, call: ClientRequest) -> u64 {
        self.number += 1;
        let task =
            client::request(self.street.clone(), (self.number, self.now()), call, Arc::clone(&self.answers));
        self.requests.push(self.runtime.spawn(task));
        self.number
    }

    /// Makes a request and lets time pass until the answer is there; none when there is none within `limit_ms`.
    pub fn answer(&mut self, call: ClientRequest, limit_ms: u64) -> Option<ClientAnswer> {
        let number = self.ask(call);
        let until = self.now() + limit_ms * MILLISECOND_NS;
        while self.now() < until && self.witness().broken().is_none() {
            self.run_until(self.now() + SHORT_SLICE_NS);
            if let Some(at) = self.heard.iter().position(|answer| answer.number == number) {
                return Some(self.heard.swap_remove(at));
            }
        }
        None
    }

    /// Lets time pass until every request is answered, for `limit_ms` at most.
    pub fn finish_requests(&mut self, limit_ms: u64) {
        let until = self.now() + limit_ms * MILLISECOND_NS;
        while !self.requests.is_empty() && self.now() < until && self.witness().broken().is_none() {
            self.run_until(self.now() + SHORT_SLICE_NS);
        }
        self.heard.clear();
    }

    /// Opens a socket.
    pub fn socket(&mut self, who: Who, stream: &'static str) -> ClientSocket {
        let now = self.now();
        match who {
            Who::Page => self.witness().facts.told.page_there = true,
            Who::Program => self.witness().facts.told.program_heard_ns = now,
            Who::Guest => {}
        }
        let (socket, task) = client::socket(self.street.clone(), who, stream);
        self.runtime.spawn(task);
        socket
    }

    /// How many requests were made.
    #[must_use]
    pub fn requests_made(&self) -> u64 {
        self.number
    }

    /// The process is killed: what is left is what was seen, and which settings were in force.
    #[must_use]
    pub fn kill(mut self) -> (TrialWitness, Settings) {
        let check = CheckOptions {
            timing: usual_timing(),
            precision: Precision { edge_ns: 0, slews: false },
            homing_mm_s: 0.0,
        };
        let nobody = TrialWitness::new(check, self.machine.sink().facts.rail, SimulatedOperator::default());
        let witness = core::mem::replace(self.machine.sink(), nobody);
        (witness, self.ctx.desk.current())
    }
}
