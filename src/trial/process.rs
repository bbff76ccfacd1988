//! Simulated process: both loops on virtual time, and the server on a runtime whose time follows them.
//!
//! The loops run for a slice, then the server's tasks run until all of them wait. Actions of a client happen at the
//! instant at which a slice has ended.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::acts::{self, ClientAct, SentAct};
use super::client::{
    self, AnswerLog, ClientAnswer, ClientKind, ClientRequest, ClientSocket, MemoryConnector, MemoryListener,
    SocketAction,
};
use super::control_client::{self, ControlClient, FrameWrapper};
use super::feed_facts::PlayerSocket;
use super::gear::Gear;
use super::link::{SensorLink, SimulatedSerialLine};
use super::plan::JITTER_NS;
use super::tap::{CallLog, Tap};
use super::witness::TrialWitness;
use crate::api::port::{BoxFuture, MachinePort};
use crate::api::settings_service::SettingsStore;
use crate::api::{self, Context, Entropy, Presence};
use crate::app::{event_log, host, machine_port};
use crate::auth::{GateRules, HostNames};
use crate::diag::CheckOptions;
use crate::diag::step_train::Precision;
use crate::drive::bridge::bridge;
use crate::drive::{PulseTiming, Rehearsal, RehearsalOptions};
use crate::hal::sim::{RailOptions, Random, SimIo, SimPins, SimulatedOperator, VirtualClock};
use crate::hal::{Clock, ForceSensor};
use crate::layout;
use crate::machine::host::HostReadings;
use crate::machine::{HomingOptions, SessionRules};
use crate::settings::{RailGeometry, Settings};
use crate::store::inline::InlineStore;
use crate::store::{InitialState, Recovery, StateChange, StoreError, StoredState};
use crate::units::{MILLISECOND_NS, Nanos};

/// Slice of the loops between two turns of the server.
const SLICE_NS: Nanos = 10 * MILLISECOND_NS;
/// Slice while a client waits for an answer.
const SHORT_SLICE_NS: Nanos = 2 * MILLISECOND_NS;

/// HostReadings of a computer with a good supply and enough cooling.
pub const HEALTHY_COMPUTER: HostReadings =
    HostReadings { under_voltage: Some(false), temperature_c: Some(55.0) };

/// Wrappers between the parts. A mutation test puts a defect into one of them, to show that a promise check detects it.
#[derive(Clone, Copy)]
pub struct TrialSetup {
    /// Between the step loop and the pins.
    pub pins: fn(SimPins<TrialWitness>) -> Box<dyn SimIo<TrialWitness>>,
    /// Between the control cycle and the listener of the force sensor.
    pub cell: fn(SensorLink) -> Box<dyn ForceSensor>,
    /// Between the API and the machine.
    pub port: fn(Arc<dyn MachinePort>) -> Arc<dyn MachinePort>,
    /// Between the computer and the monitor of its power and heat.
    pub vitals: fn(HostReadings) -> HostReadings,
    /// Changes the options of the machine.
    pub options: fn(RehearsalOptions) -> RehearsalOptions,
    /// Between the browser of a phone and the server.
    pub frames: FrameWrapper,
    /// Between the API and the disk.
    pub changes: fn(StateChange) -> StateChange,
}

impl Default for TrialSetup {
    /// Wrappers that change nothing.
    fn default() -> Self {
        TrialSetup {
            pins: |pins| Box::new(pins),
            cell: |link| Box::new(link),
            port: |port| port,
            vitals: |v| v,
            options: |o| o,
            frames: |frame| frame,
            changes: |change| change,
        }
    }
}

type RehearsedMachine = Rehearsal<TrialWitness, Box<dyn SimIo<TrialWitness>>, Box<dyn ForceSensor>>;

/// A simulated process, from its start to its end.
pub struct TrialProcess {
    /// The two loops.
    pub machine: RehearsedMachine,
    /// State that the request handlers share.
    pub ctx: Arc<Context>,
    runtime: Runtime,
    clock: VirtualClock,
    connector: MemoryConnector,
    log: Arc<CallLog>,
    answers: AnswerLog,
    requests: Vec<JoinHandle<()>>,
    heard: Vec<ClientAnswer>,
    /// Answers to clients in the network, for [`phones`](super::phones).
    heard_by_phones: Vec<ClientAnswer>,
    frames: FrameWrapper,
    number: u64,
    /// Start of the process on the virtual clock and on the runtime's clock.
    began: (Nanos, Instant),
}

/// Environment that outlives a process: rail, disk, sensor line, computer and clock.
#[derive(Clone)]
pub struct TrialEnvironment {
    /// The simulated rail.
    pub rail: RailOptions,
    /// Travel per turn and highest pulse rate.
    pub drive: RailGeometry,
    /// Speeds and distances of homing.
    pub homing: HomingOptions,
    /// Pulse timing of the motor driver.
    pub timing: PulseTiming,
    /// The disk.
    pub disk: Arc<Mutex<InlineStore>>,
    /// Session rules of each process.
    pub session: SessionRules,
    /// Configured policy for a wave whose client is gone.
    pub presence: Presence,
    /// The serial line of the force sensor.
    pub line: SimulatedSerialLine,
    /// Supply and temperature of the computer.
    pub computer: Arc<Mutex<HostReadings>>,
    /// The virtual clock.
    pub clock: VirtualClock,
    /// True if the computer is ever late.
    pub late: bool,
    /// Wrappers between the parts.
    pub wiring: TrialSetup,
}

impl TrialEnvironment {
    /// An environment with an empty disk and a computer that is never late.
    pub fn new(rail: RailOptions) -> TrialEnvironment {
        TrialEnvironment {
            rail,
            drive: RailGeometry::default(),
            homing: HomingOptions::default(),
            timing: usual_timing(),
            disk: Arc::default(),
            session: SessionRules::default(),
            presence: Presence::default(),
            line: SimulatedSerialLine::default(),
            computer: Arc::new(Mutex::new(HEALTHY_COMPUTER)),
            clock: VirtualClock::default(),
            late: false,
            wiring: TrialSetup::default(),
        }
    }

    /// The same for a machine with `gear`, whose settings are already on the disk.
    ///
    /// # Errors
    /// The settings cannot be stored.
    pub fn with_gear(rail: RailOptions, gear: &Gear) -> Result<TrialEnvironment, StoreError> {
        let environment = TrialEnvironment {
            drive: gear.rail(),
            homing: gear.homing,
            timing: gear.timing,
            ..TrialEnvironment::new(rail)
        };
        {
            let mut disk = environment.disk.lock().unwrap_or_else(PoisonError::into_inner);
            let fresh = disk.open()?.state.settings;
            disk.save(gear.apply_to(fresh))?;
        }
        Ok(environment)
    }

    /// Advances the clock while no process runs.
    pub fn pass_time(&mut self, passes_ns: Nanos) {
        let until = self.clock.now() + passes_ns;
        self.clock.wait_until(until);
    }
}

struct SimulatedStore {
    disk: Arc<Mutex<InlineStore>>,
    /// Result of opening the store at the start of the process.
    opened: InitialState,
    /// What stands between the API and the disk.
    changes: fn(StateChange) -> StateChange,
}

impl SimulatedStore {
    fn disk(&self) -> MutexGuard<'_, InlineStore> {
        self.disk.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SettingsStore for SimulatedStore {
    fn keep(&self, change: StateChange) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async move {
            // Latency of the disk.
            tokio::time::sleep(Duration::from_millis(5)).await;
            self.disk().save((self.changes)(change))
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

/// Random bytes that are the same in each repetition of a run, and others in each process of it.
fn entropy_at(now: Nanos) -> Entropy {
    let random = Mutex::new(Random::new(now));
    Entropy::new(move |bytes| {
        let mut random = random.lock().unwrap_or_else(PoisonError::into_inner);
        bytes.fill_with(|| random.number() as u8);
    })
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
    /// Starts the process with a machine that is not homed. `carriage_mm` is the position of the carriage.
    ///
    /// # Errors
    /// The store cannot be opened, or the runtime cannot be made.
    pub fn start(environment: &TrialEnvironment, carriage_mm: f64) -> Result<TrialProcess, String> {
        let opened = environment.disk.lock().unwrap_or_else(PoisonError::into_inner).open();
        let opened = opened.map_err(|error| error.to_string())?;
        let settings = opened.state.settings.clone();
        let rail = RailOptions { start_mm: carriage_mm, ..environment.rail };
        let homing = environment.homing;
        let options = (environment.wiring.options)(RehearsalOptions {
            rail,
            config: settings.config(&environment.drive),
            homing,
            session: environment.session,
            timing: environment.timing,
            lateness_ends_motion: true,
        });
        let edge_ns = if environment.late { JITTER_NS + 30 } else { 30 };
        let check = CheckOptions {
            timing: options.timing,
            precision: Precision { edge_ns, slews: environment.late },
            homing_mm_s: homing.fast.get().max(homing.slow.get()),
        };
        let witness = TrialWitness::new(check, rail, SimulatedOperator::default());
        let (pins, wire) = (environment.wiring.pins, environment.wiring.cell);
        let cell = |cell| wire(SensorLink::new(cell, environment.line.clone()));
        let mut machine = RehearsedMachine::with_io(environment.clock.clone(), &options, witness, pins, cell);
        machine.sink().facts.operator = machine.operator().clone();
        machine.sink().facts.homing = homing;
        machine.sink().facts.line = environment.line.clone();

        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build();
        let runtime = runtime.map_err(|error| error.to_string())?;
        let log = Arc::new(CallLog::default());
        let (connector, listener) = MemoryListener::new();
        let ends = machine.take_bridge();
        let (operator, stop_line) = (machine.operator().clone(), machine.stop_line().clone());
        let host_line = machine.host().clone();
        let first = machine.snapshot();
        let ctx = {
            let _inside = runtime.enter();
            let (link, events, pump) = bridge(ends, stop_line, first);
            let port = (environment.wiring.port)(machine_port::on_virtual_time(link, operator));
            let port: Arc<dyn MachinePort> = Arc::new(Tap { port, log: Arc::clone(&log) });
            let rules = GateRules { names: HostNames::of("yep"), ..GateRules::default() };
            let options = api::ServerOptions {
                rules,
                presence: environment.presence,
                entropy: entropy_at(environment.clock.now()),
                ..api::ServerOptions::default()
            };
            let changes = environment.wiring.changes;
            let keeper = SimulatedStore { disk: Arc::clone(&environment.disk), opened, changes };
            let ctx = Context::new(port, settings, keeper, environment.drive, options);
            tokio::spawn(pump);
            let (computer, tells) = (Arc::clone(&environment.computer), environment.wiring.vitals);
            let read = move || {
                let vitals = *computer.lock().unwrap_or_else(PoisonError::into_inner);
                std::future::ready(tells(vitals))
            };
            tokio::spawn(host::watch(read, host_line));
            tokio::spawn(event_log::run(events, Arc::clone(&ctx), Arc::default()));
            tokio::spawn(api::serve(listener, Arc::clone(&ctx), std::future::pending()));
            ctx
        };
        let began = (environment.clock.now(), runtime.block_on(async { Instant::now() }));
        Ok(TrialProcess {
            machine,
            ctx,
            runtime,
            clock: environment.clock.clone(),
            connector,
            log,
            answers: AnswerLog::default(),
            requests: Vec::new(),
            heard: Vec::new(),
            heard_by_phones: Vec::new(),
            frames: environment.wiring.frames,
            number: 0,
            began,
        })
    }

    /// Virtual time.
    pub fn now(&self) -> Nanos {
        self.clock.now()
    }

    /// The witness that observes this run.
    pub fn witness(&mut self) -> &mut TrialWitness {
        self.machine.sink()
    }

    /// Runs machine and server until `until`, or until a promise is broken.
    pub fn run_until(&mut self, until: Nanos) {
        while self.now() < until && self.witness().violation().is_none() {
            let slice_ns = if self.requests.is_empty() { SLICE_NS } else { SHORT_SLICE_NS };
            let end = (self.now() + slice_ns).min(until);
            while self.now() < end {
                self.machine.cycle();
            }
            self.run_server();
        }
    }

    /// Runs the server: its clock advances to now, and its tasks run until all of them wait.
    fn run_server(&mut self) {
        let (began_ns, began) = self.began;
        let now = self.now();
        self.log.set_time(now);
        let until = began + Duration::from_nanos(now - began_ns);
        self.runtime.block_on(async { tokio::time::sleep_until(until).await });
        self.requests.retain(|request| !request.is_finished());
        let asked = self.log.take();
        let mut answers = core::mem::take(&mut *self.answers.lock().unwrap_or_else(PoisonError::into_inner));
        answers.sort_by_key(|answer| answer.number);
        let shown = self.ctx.settings.current();
        let witness = self.machine.sink();
        let document = &shown.document;
        let (max_stroke_mm, stroke_limit_mm) = (document.max_stroke as f64, document.stroke_limit as f64);
        witness.facts.record_limits(now, shown.motion, max_stroke_mm, stroke_limit_mm);
        for asked in asked {
            witness.record_call(asked);
        }
        for answer in &answers {
            witness.record_answer(answer);
        }
        let (mut phones, mut others): (Vec<_>, Vec<_>) =
            answers.into_iter().partition(|answer| answer.call.who.tab().is_some());
        self.heard.append(&mut others);
        self.heard_by_phones.append(&mut phones);
    }

    /// Sends a request without waiting, and returns its number.
    pub fn send(&mut self, call: ClientRequest) -> u64 {
        let now = self.now();
        self.send_with(call, None, now)
    }

    /// The same with that token, for a request on which its sender decided at that instant.
    pub fn send_with(&mut self, call: ClientRequest, token: Option<String>, decided_ns: Nanos) -> u64 {
        let number = self.note_sent(&call, decided_ns);
        let task = client::request(
            self.connector.clone(),
            (number, self.now()),
            (call, token),
            Arc::clone(&self.answers),
        );
        self.requests.push(self.runtime.spawn(task));
        number
    }

    /// Tells the witness of a request that is sent now; returns its number.
    fn note_sent(&mut self, call: &ClientRequest, decided_ns: Nanos) -> u64 {
        self.number += 1;
        let (who, act) = (call.who, ClientAct::of(call));
        let sent = SentAct { number: self.number, who, act, decided_ns, arrives_ns: self.now() };
        self.witness().record_sent(&sent, call);
        self.number
    }

    /// Sends text frames on the stream of a socket.
    pub fn send_frames(&mut self, who: ClientKind, socket: &ClientSocket, frames: Vec<String>) {
        let path = "/api/stream/command_all".to_owned();
        let now = self.now();
        self.note_sent(&ClientRequest { who, method: acts::MESSAGE, path, body: Vec::new() }, now);
        for frame in frames {
            socket.act(SocketAction::Send(frame));
        }
    }

    /// Opens a control socket with that token, and says which tab it is.
    pub fn open_control(&mut self, who: ClientKind, token: Option<String>) -> ControlClient {
        let opened = control_client::open(
            self.connector.clone(),
            (who, token),
            Arc::clone(&self.answers),
            self.frames,
        );
        let (socket, task) = opened;
        self.runtime.spawn(task);
        let now = self.now();
        self.say(&socket, json!({ "type": "hello", "tab": who.tab() }), now);
        socket
    }

    /// Sends a message on a control socket, on which its sender decided at that instant.
    pub fn say(&mut self, socket: &ControlClient, mut message: Value, decided_ns: Nanos) {
        // The number that it will have.
        message["id"] = json!(self.number + 1);
        let (method, path) = (acts::MESSAGE, acts::CONTROL_SOCKET.to_owned());
        let call = ClientRequest { who: socket.who, method, path, body: message.to_string().into_bytes() };
        let number = self.note_sent(&call, decided_ns);
        let wants_answer = ClientAct::of(&call) != ClientAct::Alive;
        socket.say((number, self.now()), &call, wants_answer);
    }

    /// Takes the answers to clients in the network since the last call.
    pub fn take_answers_of_phones(&mut self) -> Vec<ClientAnswer> {
        core::mem::take(&mut self.heard_by_phones)
    }

    /// Sends a request and runs until the answer arrives; `None` after `limit_ms`.
    pub fn request(&mut self, call: ClientRequest, limit_ms: u64) -> Option<ClientAnswer> {
        let number = self.send(call);
        let until = self.now() + limit_ms * MILLISECOND_NS;
        while self.now() < until && self.witness().violation().is_none() {
            self.run_until(self.now() + SHORT_SLICE_NS);
            if let Some(at) = self.heard.iter().position(|answer| answer.number == number) {
                return Some(self.heard.swap_remove(at));
            }
        }
        None
    }

    /// Runs until every request is answered, for `limit_ms` at most.
    pub fn finish_requests(&mut self, limit_ms: u64) {
        let until = self.now() + limit_ms * MILLISECOND_NS;
        while !self.requests.is_empty() && self.now() < until && self.witness().violation().is_none() {
            self.run_until(self.now() + SHORT_SLICE_NS);
        }
        self.heard.clear();
    }

    /// Opens a WebSocket.
    pub fn open_socket(&mut self, who: ClientKind, stream: &'static str) -> ClientSocket {
        let now = self.now();
        match who {
            ClientKind::Page => self.witness().facts.ground_truth.page_there = true,
            ClientKind::Program => self.witness().facts.ground_truth.program_heard_ns = now,
            _ => {}
        }
        let path = format!("/api/stream/{stream}");
        let (socket, task) = client::open_socket(self.connector.clone(), who, path);
        self.runtime.spawn(task);
        socket
    }

    /// Opens the WebSocket of a player.
    pub fn open_player(&mut self, who: ClientKind) -> ClientSocket {
        self.witness().record_socket(who, PlayerSocket::Open);
        let (socket, task) = client::open_socket(self.connector.clone(), who, "/ws".to_owned());
        self.runtime.spawn(task);
        socket
    }

    /// Number of requests that were sent.
    pub fn requests_made(&self) -> u64 {
        self.number
    }

    /// Kills the process; returns its witness and the settings that were in force.
    pub fn kill(mut self) -> (TrialWitness, Settings) {
        let check = CheckOptions {
            timing: usual_timing(),
            precision: Precision { edge_ns: 0, slews: false },
            homing_mm_s: 0.0,
        };
        let nobody = TrialWitness::new(check, self.machine.sink().facts.rail, SimulatedOperator::default());
        let witness = core::mem::replace(self.machine.sink(), nobody);
        (witness, self.ctx.settings.current())
    }
}
