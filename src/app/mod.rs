//! The only room that knows every part: builds them, wires them, starts and stops them in order.
//!
//! - [`mover`]: whoever moves the axis, behind the API's port; `simulated` is the machine of this process
//! - [`herald`]: tells the clients, the settings and the log what happened in the machine
//! - `pulse_watch`: checks the pulses of the simulated machine; `pulse_log`: writes them to a file
//! - `realtime`: how much is asked of the host, and what follows when it does not give it
//! - [`doctor`]: looks at the host without starting anything
//!
//! Start: store, machine, server; the machine is not homed and nothing resumes by itself. End: STOP, rest, server,
//! threads, store.

pub mod doctor;
pub mod herald;
pub mod mover;
mod pulse_log;
mod pulse_watch;
mod realtime;
mod simulated;

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};

use crate::api::{self, Context};
use crate::auth;
use crate::drive::realtime::arming::Refusal;
use crate::layout;
use crate::options::{Driver, Options};
use crate::settings::Rail;
use crate::store::{Opened, Recovery, Store, StoreError};

/// Worker threads of the server, one a core of a Pi that is theirs.
const SERVER_THREADS: usize = layout::SERVER_CPUS.len();
/// How long the axis may take to come to rest at the end of the process.
const REST_WITHIN: Duration = Duration::from_secs(2);

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
    /// The driver is not part of this build.
    #[error("the driver gpio is not in this build yet: use --driver sim, or remote")]
    NoGpio,
    /// The host could delay steps, and the options do not allow that.
    #[error("{0}\nor let it move all the same, with require = \"never\" in [realtime]")]
    NotRealTime(Refusal),
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
    // Before any thread is started: they inherit it.
    realtime::place_server(realtime::demand(options.driver, options.realtime.require));
    let (store, opened) = open_store(options)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(SERVER_THREADS)
        .enable_all()
        .build()
        .map_err(system("starting the server's threads"))?;
    let done = runtime.block_on(serve(options, store.clone(), opened));
    // Ends whatever is left before the store: nothing may save any more.
    runtime.shutdown_timeout(REST_WITHIN);
    drop(store);
    done
}

/// A full or read-only disk does not keep the machine from working (S25); it forgets at the end.
fn open_store(options: &Options) -> Result<(Store, Opened), AppError> {
    let failed = |error| AppError::Store { dir: options.state_dir.clone(), error };
    let (store, opened) = match Store::open(&options.state_dir) {
        Err(error @ StoreError::System { .. }) => {
            tracing::warn!(%error, "the state folder cannot be used: nothing will be remembered");
            Store::in_memory().map_err(failed)?
        }
        other => other.map_err(failed)?,
    };
    match &opened.recovery {
        recovery @ (Recovery::Fresh | Recovery::Clean) => tracing::info!("{recovery}"),
        recovery => tracing::warn!("{recovery}"),
    }
    Ok((store, opened))
}

async fn serve(options: &Options, store: Store, opened: Opened) -> Result<(), AppError> {
    let address = options.listen;
    let listener = api::listen(address).map_err(|error| AppError::Listen { address, error })?;
    let bound = listener.local_addr().map_err(|error| AppError::Listen { address, error })?;

    let rail = Rail { travel_per_turn_mm: options.rail.travel_per_turn.get() };
    let config = opened.settings.config(&rail);
    let (port, machine) = match options.driver {
        Driver::Sim => {
            let machine = simulated::start(options, config)?;
            (mover::local(machine.link(), machine.hands()), Some(machine))
        }
        Driver::Remote => (mover::remote(), None),
        Driver::Gpio => return Err(AppError::NoGpio),
    };
    let ctx = Context::new(port, opened.settings, store, rail, api_options(options));
    let machine = machine.map(|machine| machine.attend(Arc::clone(&ctx)));

    greet(options, bound);
    let told = told_to_end()?;
    let (quit, quitting) = tokio::sync::oneshot::channel::<()>();
    let server = tokio::spawn(api::serve(listener, ctx, async {
        let _ = quitting.await;
    }));
    told.await;
    tracing::info!("ending: the axis comes to rest first");
    if let Some(machine) = &machine {
        machine.rest(REST_WITHIN).await;
    }
    let _ = quit.send(());
    let _ = server.await;
    if let Some(machine) = machine {
        machine.end().await;
    }
    Ok(())
}

fn api_options(options: &Options) -> api::Options {
    api::Options {
        rules: auth::Rules {
            hostname: options.access.hostname.clone(),
            extra_origins: options.access.extra_origins.clone(),
            remote_machine: options.access.remote_machine,
        },
        limits: api::Limits {
            connections: options.limits.connections,
            sockets: options.limits.ws_sockets,
            ..api::Limits::default()
        },
    }
}

/// Completes on the first SIGINT or SIGTERM.
fn told_to_end() -> Result<impl Future<Output = ()>, AppError> {
    let mut interrupt = signal(SignalKind::interrupt()).map_err(system("listening for SIGINT"))?;
    let mut terminate = signal(SignalKind::terminate()).map_err(system("listening for SIGTERM"))?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

/// Where it is and what to try: on standard output, as the log goes elsewhere.
fn greet(options: &Options, bound: SocketAddr) {
    let mover = match options.driver {
        Driver::Sim => "the simulated machine",
        Driver::Gpio => "the machine on this computer's pins",
        Driver::Remote => "a yep-machine on another host",
    };
    println!(
        "yep {} serves {mover} on http://{bound}\n\
         state is kept in {}; nothing moves before calibration\n\
         try:  yep calibrate --wait --server http://{bound}\n      \
               yep run-wave sine --duration 5 --server http://{bound}\n      \
               yep status --watch --server http://{bound}\n      \
               yep stop --server http://{bound}",
        env!("CARGO_PKG_VERSION"),
        options.state_dir.display(),
    );
}
