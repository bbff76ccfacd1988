//! Composition root: builds all parts, wires them, and starts and stops them in order. The only room that names every
//! part.
//!
//! - `machine`: threads, rings and rules of the machine of this process; `simulated` and [`gpio`] are its hardware
//! - `force`: the force sensors that are not simulated; `force_scale` keeps their scale in the store
//! - [`machine_port`]: implements the machine port of the API
//! - `loop_watchdog`: ends the process when a loop of a real machine hangs
//! - [`host`]: monitors the computer's supply and temperature
//! - `sessions`: records what the machine did, session by session
//! - [`event_log`]: writes the machine's events to the log, the clients and the store
//! - `witness`: takes the trace samples of the control cycle, for the flight recorder and the pulse checker
//! - `feeds`: the addresses, lines and connections of other programs, and the devices that follow the axis
//! - [`players`]: the connection to the video player that a script follows
//! - [`host_report`]: the checks of this computer, for the support file
//! - `house`: what the other things of a house hear of the machine
//! - [`recordings`]: implements the API's port to the recordings of faults
//! - `sensor_port`: implements the API's port to the force sensor
//! - `wiring`: the rules of the first run, from the options
//! - `pulse_watch`: feeds the pulse checker of the simulated machine; `pulse_log` writes its pulses to a file
//! - `service_manager`: notifies systemd; `signals`: graceful shutdown on a signal; [`stdio`]: writes with a timeout
//! - `runtimes`: the tokio runtimes of the server and their threads
//! - `realtime`: the real-time properties that a start demands of the host
//! - [`crashes`]: keeps a trace of what ended the program without a word
//! - [`appliance`]: compares this system with memory-layout/
//! - [`doctor`]: checks the host without starting anything
//!
//! Start: store, machine, server; the machine is not homed and resumes nothing by itself. Graceful shutdown: every
//! command is refused, STOP, rest, driver off, server, threads, store (S40).

pub mod appliance;
mod card_code;
pub mod crashes;
pub mod doctor;
pub mod event_log;
mod feeds;
mod force;
mod force_scale;
pub mod gpio;
mod home_domains;
pub mod host;
pub mod host_report;
mod house;
mod loop_watchdog;
mod machine;
pub mod machine_port;
pub mod players;
mod pulse_log;
mod pulse_watch;
mod realtime;
pub mod recordings;
mod runtimes;
mod sensor_port;
mod service_manager;
mod sessions;
mod signals;
mod simulated;
pub mod stdio;
mod wiring;
mod witness;

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use self::feeds::Feeds;
use self::house::House;
use self::machine::RunningMachine;
use self::runtimes::Runtimes;
use self::service_manager::ServiceManager;
use crate::api::machine_name::MachineName;
use crate::api::{self, Context};
use crate::auth;
use crate::drive::host_line::HostLine;
use crate::drive::realtime::arming::ArmingRefusal;
use crate::hal::MonotonicClock;
use crate::hal::rpi::PiError;
use crate::house::identity;
use crate::layout;
use crate::log_ring::LogRing;
use crate::machine::Fault;
use crate::options::{self, Driver, Options};
use crate::scripts;
use crate::settings::{Invalid, RailGeometry};
use crate::store::{InitialState, Store, StoreError};

/// Timeout for the axis to come to rest at shutdown: longer than the slowest stop that settings allow, on a busy host.
const REST_TIMEOUT: Duration = Duration::from_millis(2_000 + layout::STOP_WITHIN_MS);
/// Timeout for the server's remaining tasks at shutdown.
const TASKS_TIMEOUT: Duration = Duration::from_secs(2);
/// Time for the answer to the request because of which the program starts anew.
const ANSWER_TIME: Duration = Duration::from_millis(200);
/// Timeout for the greeting; a terminal that is not stopped takes a few lines sooner.
const GREETING_TIMEOUT: Duration = Duration::from_millis(50);

/// The reason why the program could not start, or had to end.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// The store is in use, or from a newer version.
    #[error("the state folder {}: {error}", .dir.display())]
    Store {
        /// The folder.
        dir: PathBuf,
        /// The error.
        error: StoreError,
    },
    /// The listening socket cannot be opened.
    #[error("cannot listen on {address}: {error}; is another one running? choose another with --listen")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The system's error.
        error: io::Error,
    },
    /// The files of the app cannot be served.
    #[error("app: {0}")]
    App(api::pages::PagesError),
    /// The pulse timing of the options is too slow for the settings.
    #[error("{0}")]
    StepRate(Invalid),
    /// The pins or the bus of this Pi cannot be used.
    #[error("{error} ({})\n{}", .error.code(), .error.remedy())]
    Pi {
        /// The error.
        #[from]
        error: PiError,
    },
    /// The host may delay steps, and the options do not allow that.
    #[error("{0}\nor let it move all the same, with require = \"never\" in [realtime]")]
    NotRealTime(ArmingRefusal),
    /// The system refused a thread, a signal handler or a file.
    #[error("{what}: {error}")]
    System {
        /// The attempted action.
        what: &'static str,
        /// The system's error.
        error: io::Error,
    },
}

fn system(what: &'static str) -> impl FnOnce(io::Error) -> AppError {
    move |error| AppError::System { what, error }
}

/// Runs the server until a signal asks the process to end, or another wiring asks it to start anew.
///
/// # Errors
/// [`AppError`]; nothing has moved.
pub fn run(options: &Options, log: Arc<LogRing>) -> Result<End, AppError> {
    signals::ignore_others().map_err(system("ignoring signals"))?;
    // Before any thread is started, as threads inherit it.
    realtime::place_server(realtime::demand(options.driver, options.realtime.require));
    let (store, initial) = open_store(options)?;
    // Behind the store, whose folder only one process has.
    let _running = crashes::watch(&options.state_dir);
    let runtime = runtimes::main().map_err(system("starting the server's threads"))?;
    let runtimes = Runtimes::start().map_err(system("starting the server's threads"))?;
    let done = runtime.block_on(serve(options, &runtimes, log, store.clone(), initial));
    // Ends all tasks before the store closes, as none may save after that.
    runtimes.end();
    runtime.shutdown_timeout(TASKS_TIMEOUT);
    drop(store);
    done
}

/// Opens the store. Damage, a full or a read-only disk do not prevent the start (S25).
fn open_store(options: &Options) -> Result<(Store, InitialState), AppError> {
    let failed = |error| AppError::Store { dir: options.state_dir.clone(), error };
    let (store, initial) = Store::open(&options.state_dir).map_err(failed)?;
    let recovery = &initial.recovery;
    if recovery.is_plain() {
        tracing::info!("{recovery}");
    } else {
        tracing::warn!("{recovery}");
    }
    Ok((store, initial))
}

/// Mechanics of the rail, from the options.
fn rail(options: &Options) -> RailGeometry {
    RailGeometry {
        travel_per_turn_mm: options.rail.travel_per_turn.get(),
        max_steps_per_s: machine::pulse_timing(options).max_steps_per_s(),
    }
}

/// The reason why the server ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// A signal asked for it.
    Asked,
    /// The program has to start anew, with another wiring.
    Restart,
}

async fn serve(
    options: &Options,
    runtimes: &Runtimes,
    log: Arc<LogRing>,
    store: Store,
    initial: InitialState,
) -> Result<End, AppError> {
    let stored = initial.state.commissioning.wiring_in_use();
    let commissioning = wiring::commissioning_rules(options, &stored);
    let options = &wiring::with_commissioned(options, &stored);
    let address = options.listen;
    // Before the machine starts, so that a server that cannot start, or an early signal, does not cut a motion.
    let shutdown = signals::shutdown_requested().map_err(system("listening for signals"))?;
    let api_options = api::ServerOptions { commissioning, log, ..api_options(options)? };
    let listener = {
        let _in = runtimes.front.enter();
        api::listen(address).map_err(|error| AppError::Listen { address, error })?
    };
    let bound = listener.local_addr().map_err(|error| AppError::Listen { address, error })?;

    let rail = rail(options);
    let mut initial = initial;
    let raised = initial.state.settings.with_a_firm_stop().map(|(raised, why)| {
        initial.state.settings = raised;
        tracing::warn!("of the stored settings, {why}");
        why
    });
    if options.driver != Driver::Remote {
        initial.state.settings.check_step_rate(&rail).map_err(AppError::StepRate)?;
    }
    let config = initial.state.settings.config(&rail);
    let recovery = initial.recovery;
    let lost = recovery.has_lost_settings().then_some(Fault::SettingsLost);
    force_scale::import_old_file(&store, &options.state_dir).await;
    let clock = MonotonicClock::new();
    let (port, machine) = match options.driver {
        Driver::Sim => {
            let hardware = simulated::hardware(options, clock, &store)?;
            let machine = machine::start(options, (config, lost), clock, hardware)?;
            (machine_port::local(&machine), Some(machine))
        }
        Driver::Gpio => {
            let hardware = gpio::hardware(options, clock, &store)?;
            let machine = machine::start(options, (config, lost), clock, hardware)?;
            (machine_port::local(&machine), Some(machine))
        }
        Driver::Remote => (machine_port::remote(), None),
    };
    let ctx = {
        let _in = runtimes.requests().enter();
        Context::new(port, initial.state.settings, store, rail, api_options)
    };
    if !recovery.is_plain() {
        event_log::warn_clients(&ctx, "store", &recovery.to_string());
    }
    if let Some(why) = raised {
        event_log::warn_clients(&ctx, "settings", &why);
    }
    let loops = machine.as_ref().map(RunningMachine::heartbeats);
    let host = machine.as_ref().and_then(|machine| watch_host(options, machine.host()));
    let machine = machine.map(|machine| machine.attach_event_log(Arc::clone(&ctx)));

    card_code::take_over(&ctx.pairing).await;
    tokio::spawn(Arc::clone(&ctx.devices).count_hours());
    tokio::spawn(home_domains::follow(Arc::clone(&ctx.options.rules.names.domains)));

    let feeds = Feeds::listen(&options.feeds, &ctx, runtimes.requests());
    let followed = players::attach(&ctx, runtimes.requests());
    let house = House::start(options, &ctx, bound);
    print_greeting(options, bound);
    let (quit, quitting) = tokio::sync::oneshot::channel::<()>();
    let anew = Arc::clone(&ctx);
    let server = runtimes.front.spawn(api::serve(listener, ctx, async {
        let _ = quitting.await;
    }));
    let manager = Arc::new(ServiceManager::of_this_process());
    manager.ready(&format!("serving {} on http://{bound}", driver_text(options.driver)));
    let guarding = loops.clone().filter(|_| options.driver == Driver::Gpio);
    let guarding = guarding.map(|loops| tokio::spawn(loop_watchdog::watch(loops, options.pins)));
    let feeding = tokio::spawn({
        let (manager, front) = (Arc::clone(&manager), runtimes.front.clone());
        async move { manager.feed_watchdog(loops, front).await }
    });
    let end = tokio::select! {
        () = shutdown => End::Asked,
        () = anew.restart.notified() => {
            // The answer to the client that asks for it is on its way.
            tokio::time::sleep(ANSWER_TIME).await;
            tracing::info!("another wiring is stored: the program starts anew with it");
            End::Restart
        }
    };
    drop(anew);
    // The axis rests before anything is logged, as a blocked log must not keep it moving.
    let rested = match &machine {
        Some(machine) => {
            machine.begin_shutdown();
            manager.stopping();
            machine.wait_for_rest(REST_TIMEOUT).await
        }
        None => {
            manager.stopping();
            true
        }
    };
    if rested {
        tracing::info!("ending: the axis is at rest, and the driver is off");
    } else {
        tracing::warn!("ending: the axis did not come to rest in time");
    }
    feeds.end().await;
    followed.end().await;
    house.end().await;
    let _ = quit.send(());
    let _ = server.await;
    if let Some(guarding) = guarding {
        guarding.abort();
    }
    if let Some(machine) = machine {
        machine.shut_down().await;
    }
    feeding.abort();
    if let Some(host) = host {
        host.abort();
    }
    Ok(end)
}

/// Starts monitoring the computer, if it has any sensor.
fn watch_host(options: &Options, line: HostLine) -> Option<tokio::task::JoinHandle<()>> {
    let sources = host::HostSensors::of(options, Path::new("/"));
    sources.any().then(|| {
        let read = move || {
            let sources = sources.clone();
            let reading = tokio::task::spawn_blocking(move || sources.read());
            async { reading.await.unwrap_or_default() }
        };
        tokio::spawn(host::watch(read, line))
    })
}

/// Name of this host in the local network without one that was chosen: that of the options, or of the system.
fn host_label(options: &Options) -> String {
    options.access.hostname.clone().unwrap_or_else(house::configured_name)
}

/// The other names of this computer.
fn host_names(options: &Options, machine_id: &str) -> Vec<String> {
    let second = options.feeds.tcode_local.then(|| feeds::tcode_local::NAME.to_owned());
    let unique = format!("{}.local", identity::unique_host(machine_id));
    options.access.hosts.iter().cloned().chain(second).chain([unique]).collect()
}

fn api_options(options: &Options) -> Result<api::ServerOptions, AppError> {
    let machine_id = identity::of_state_folder(&options.state_dir);
    let name = Arc::new(MachineName::of_state_folder(&options.state_dir, &host_label(options)));
    Ok(api::ServerOptions {
        rules: auth::GateRules {
            names: auth::HostNames {
                own: name.names(),
                extra: host_names(options, &machine_id),
                domains: Arc::default(),
            },
            extra_origins: options.access.extra_origins.clone(),
            remote_machine: options.access.remote_machine,
            trusts_local: options.access.local == options::LocalTrust::Full,
        },
        limits: api::ServerLimits {
            connections: options.limits.connections,
            sockets: options.limits.ws_sockets,
            ..api::ServerLimits::default()
        }
        .within_open_files(open_files()),
        presence: match options.access.lease {
            options::LeasePolicy::Stop => api::Presence::Watch,
            options::LeasePolicy::Continue => api::Presence::GoOn,
        },
        session: options.session_rules(),
        entropy: api::Entropy::default(),
        commissioning: api::commissioning::CommissioningRules::default(),
        update_socket: Some(options.update_socket.clone()),
        scripts: api::playback::shelf::ScriptShelf::of(scripts::Library::open(&options.state_dir)),
        pages: match &options.app {
            Some(folder) => api::Pages::read(folder).map_err(AppError::App)?,
            None => api::Pages::default(),
        },
        machine_id,
        name,
        log: Arc::default(),
        host_report: {
            let options = options.clone();
            api::host_report::HostReport::new(move || host_report::of(&options, Path::new("/")))
        },
        crash_report: {
            let folder = options.state_dir.clone();
            api::host_report::HostReport::new(move || crashes::report(&folder))
        },
    })
}

/// Limit of open files of this process; unlimited if the system does not say.
fn open_files() -> usize {
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"));
    let soft = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
    soft.unwrap_or(usize::MAX)
}

fn driver_text(driver: Driver) -> &'static str {
    match driver {
        Driver::Sim => "the simulated machine",
        Driver::Gpio => "the machine on this computer's pins",
        Driver::Remote => "a yep-machine on another host",
    }
}

/// The address at which this computer reaches a server bound to `bound`: the loopback address if that is unspecified.
pub fn reachable_address(bound: SocketAddr) -> SocketAddr {
    let loopback = match bound.ip() {
        ip if !ip.is_unspecified() => ip,
        IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
    };
    SocketAddr::new(loopback, bound.port())
}

/// Prints the address and commands to try on standard output, as the log goes elsewhere.
fn print_greeting(options: &Options, bound: SocketAddr) {
    let driver = driver_text(options.driver);
    let bound = reachable_address(bound);
    let greeting = format!(
        "yep {} serves {driver} on http://{bound}\n\
         open that address in a browser; state is kept in {}; nothing moves before calibration\n\
         or try: yep calibrate --wait --server http://{bound}\n        \
                 yep run-wave sine --duration 5 --server http://{bound}\n        \
                 yep status --watch --server http://{bound}\n        \
                 yep stop --server http://{bound}\n",
        env!("CARGO_PKG_VERSION"),
        options.state_dir.display(),
    );
    stdio::write_within(io::stdout(), greeting, GREETING_TIMEOUT);
}
