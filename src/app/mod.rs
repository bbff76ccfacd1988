//! The only room that knows every part: builds them, wires them, starts and stops them in order.
//!
//! - `machine`: the machine of this process; `simulated` and [`gpio`] are hardware for it
//! - `force`: the sensors that are not simulated; `force_scale`: what their readings mean, in the store
//! - [`machine_port`]: the machine behind the port of the API
//! - `guard`: ends a real machine whose loops hang
//! - [`host`]: looks at the computer's power and heat
//! - `sessions`: keeps the book of what the machine did
//! - [`event_log`]: tells the clients, the settings and the log what happened in the machine
//! - `witness`: takes the looks of the control cycle, for the flight recorder and for those who check
//! - `recordings`: what was recorded around faults, behind the API's port
//! - `pulse_watch`: checks the pulses of the simulated machine; `pulse_log`: writes them to a file
//! - `service`: what the service manager is told; `signals`: which ones end the process; [`stdio`]: writes without waiting
//! - `runtimes`: which thread does what of the server
//! - `realtime`: how much is asked of the host, and what follows when it does not give it
//! - [`appliance`]: whether this system is set up as memory-layout/ has it
//! - [`doctor`]: looks at the host without starting anything
//!
//! Start: store, machine, server; the machine is not homed and nothing resumes by itself. End: every command is refused,
//! STOP, rest, driver off, server, threads, store (S40).

pub mod appliance;
pub mod doctor;
pub mod event_log;
mod force;
mod force_scale;
pub mod gpio;
pub mod host;
mod loop_watchdog;
mod machine;
pub mod machine_port;
mod pulse_log;
mod pulse_watch;
mod realtime;
mod recordings;
mod runtimes;
mod service_manager;
mod sessions;
mod signals;
mod simulated;
pub mod stdio;
mod witness;

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use self::machine::RunningMachine;
use self::runtimes::Runtimes;
use self::service_manager::ServiceManager;
use crate::api::{self, Context};
use crate::auth;
use crate::drive::host_line::HostLine;
use crate::drive::realtime::arming::ArmingRefusal;
use crate::hal::MonotonicClock;
use crate::hal::rpi::PiError;
use crate::layout;
use crate::machine::Fault;
use crate::options::{self, Driver, Options};
use crate::settings::{Invalid, RailGeometry};
use crate::store::{InitialState, Store, StoreError};

/// How long the axis may take to come to rest at the end of the process: longer than the slowest stop that settings allow,
/// on a host that is busy.
const REST_TIMEOUT: Duration = Duration::from_millis(2_000 + layout::STOP_WITHIN_MS);
/// How long what is left of the server's tasks may take at the end of the process.
const TASKS_TIMEOUT: Duration = Duration::from_secs(2);
/// What a terminal that is not stopped takes for a few lines.
const GREETING_TIMEOUT: Duration = Duration::from_millis(50);

/// Why the program could not start, or had to end.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// The store is in use, or from a newer version.
    #[error("the state folder {}: {error}", .dir.display())]
    Store {
        /// The folder.
        dir: PathBuf,
        /// What is wrong with it.
        error: StoreError,
    },
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {error}; is another one running? choose another with --listen")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        error: io::Error,
    },
    /// The app's files cannot be served.
    #[error("app: {0}")]
    App(api::pages::PagesError),
    /// The pulses that the options ask for are too slow for the settings.
    #[error("{0}")]
    StepRate(Invalid),
    /// The pins or a bus of this Pi cannot be used.
    #[error("{error} ({})\n{}", .error.code(), .error.remedy())]
    Pi {
        /// Why.
        #[from]
        error: PiError,
    },
    /// The host could delay steps, and the options do not allow that.
    #[error("{0}\nor let it move all the same, with require = \"never\" in [realtime]")]
    NotRealTime(ArmingRefusal),
    /// The system refused a thread, a signal handler or a file.
    #[error("{what}: {error}")]
    System {
        /// What was wanted.
        what: &'static str,
        /// What the system said.
        error: io::Error,
    },
}

fn system(what: &'static str) -> impl FnOnce(io::Error) -> AppError {
    move |error| AppError::System { what, error }
}

/// Runs until the process is told to end.
///
/// # Errors
/// [`AppError`]; nothing has moved.
pub fn run(options: &Options) -> Result<(), AppError> {
    signals::ignore_others().map_err(system("ignoring signals"))?;
    // Before any thread is started: they inherit it.
    realtime::place_server(realtime::demand(options.driver, options.realtime.require));
    let (store, initial) = open_store(options)?;
    let runtime = runtimes::main().map_err(system("starting the server's threads"))?;
    let runtimes = Runtimes::start().map_err(system("starting the server's threads"))?;
    let done = runtime.block_on(serve(options, &runtimes, store.clone(), initial));
    // Ends whatever is left before the store: nothing may save any more.
    runtimes.end();
    runtime.shutdown_timeout(TASKS_TIMEOUT);
    drop(store);
    done
}

/// Damage, a full or a read-only disk do not keep the machine from working (S25).
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

/// What options say about the mechanics.
fn rail(options: &Options) -> RailGeometry {
    RailGeometry {
        travel_per_turn_mm: options.rail.travel_per_turn.get(),
        max_steps_per_s: machine::pulse_timing(options).max_steps_per_s(),
    }
}

async fn serve(
    options: &Options,
    runtimes: &Runtimes,
    store: Store,
    initial: InitialState,
) -> Result<(), AppError> {
    let address = options.listen;
    // First of all: what cannot be served, and a signal, must not end a machine that has started.
    let shutdown = signals::shutdown_requested().map_err(system("listening for signals"))?;
    let api_options = api_options(options)?;
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

    print_greeting(options, bound);
    let (quit, quitting) = tokio::sync::oneshot::channel::<()>();
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
    shutdown.await;
    // Rest comes before anything is said: a log that nobody reads must not keep the axis moving.
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
    Ok(())
}

/// Looks at the computer from now on, if it tells anything.
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

/// The first label of the name that the system has, as multicast DNS makes `<label>.local` of it.
fn own_name() -> String {
    let system = rustix::system::uname();
    system.nodename().to_str().ok().and_then(|name| name.split('.').next()).unwrap_or_default().to_owned()
}

fn api_options(options: &Options) -> Result<api::ServerOptions, AppError> {
    Ok(api::ServerOptions {
        rules: auth::GateRules {
            hostname: options.access.hostname.clone().unwrap_or_else(own_name),
            extra_origins: options.access.extra_origins.clone(),
            remote_machine: options.access.remote_machine,
        },
        limits: api::ServerLimits {
            connections: options.limits.connections,
            sockets: options.limits.ws_sockets,
            ..api::ServerLimits::default()
        }
        .within_open_files(open_files()),
        lease: match options.access.lease {
            options::LeasePolicy::Stop => api::Policy::Stop,
            options::LeasePolicy::Continue => api::Policy::Continue,
        },
        pages: match &options.app {
            Some(folder) => api::Pages::read(folder).map_err(AppError::App)?,
            None => api::Pages::default(),
        },
    })
}

/// How many files this process may have open; many, if the system does not say.
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

/// Where this computer reaches a server that listens there: all addresses are none that answers as one.
#[must_use]
pub fn of_this_computer(bound: SocketAddr) -> SocketAddr {
    let loopback = match bound.ip() {
        ip if !ip.is_unspecified() => ip,
        IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
    };
    SocketAddr::new(loopback, bound.port())
}

/// Where it is and what to try: on standard output, as the log goes elsewhere.
fn print_greeting(options: &Options, bound: SocketAddr) {
    let driver = driver_text(options.driver);
    let bound = of_this_computer(bound);
    let greeting = format!(
        "yep {} serves {driver} on http://{bound}\n\
         state is kept in {}; nothing moves before calibration\n\
         try:  yep calibrate --wait --server http://{bound}\n      \
               yep run-wave sine --duration 5 --server http://{bound}\n      \
               yep status --watch --server http://{bound}\n      \
               yep stop --server http://{bound}\n",
        env!("CARGO_PKG_VERSION"),
        options.state_dir.display(),
    );
    stdio::write_within(io::stdout(), greeting, GREETING_TIMEOUT);
}
