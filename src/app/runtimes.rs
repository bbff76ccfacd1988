//! Tokio runtimes, one for each kind of work, so that none delays another:
//!
//! - the *front*, one thread: all connections; it reads requests and frames, answers STOP, and writes answers
//! - the *requests*, two threads: all other requests
//! - the main thread: the bridge to the machine, the event log, the service manager's watchdog
//!
//! Among the threads that are not real-time ones the front has the highest priority on a busy processor, and requests
//! have the lowest.

use std::io;
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::runtime::{Builder, Handle, Runtime};
use tokio::sync::oneshot;

use crate::layout;

/// Threads for requests: one for each core that the layout gives to the server.
const REQUEST_THREADS: usize = layout::SERVER_CPUS.len();
/// Threads of a runtime for blocking calls; tokio's default of 512 would be more than the service may have.
const BLOCKING_THREADS: usize = 6;
/// Nice values, as in setpriority(2): lower ones have priority.
const FRONT_NICE: i32 = -10;
const REQUEST_NICE: i32 = 5;
/// Timeout for blocking requests at shutdown.
const ENDS_WITHIN: Duration = Duration::from_secs(2);

/// The runtime of the main thread.
pub fn main() -> io::Result<Runtime> {
    Builder::new_current_thread().max_blocking_threads(BLOCKING_THREADS).enable_all().build()
}

/// The front and the requests.
pub struct Runtimes {
    /// Runtime of the connections.
    pub front: Handle,
    requests: Runtime,
    ended: oneshot::Sender<()>,
    thread: JoinHandle<()>,
}

impl Runtimes {
    /// Starts the threads of both.
    pub fn start() -> io::Result<Runtimes> {
        let requests = Builder::new_multi_thread()
            .thread_name("request")
            .worker_threads(REQUEST_THREADS)
            .max_blocking_threads(BLOCKING_THREADS)
            .on_thread_start(|| set_nice(REQUEST_NICE))
            .enable_all()
            .build()?;
        let runtime = Builder::new_current_thread().max_blocking_threads(1).enable_all().build()?;
        let front = runtime.handle().clone();
        let (ended, end) = oneshot::channel::<()>();
        let thread = std::thread::Builder::new().name("front".into()).spawn(move || {
            set_nice(FRONT_NICE);
            // Dropping the sender also ends it.
            let _ = runtime.block_on(end);
        })?;
        Ok(Runtimes { front, requests, ended, thread })
    }

    /// Runtime of the requests.
    pub fn requests(&self) -> &Handle {
        self.requests.handle()
    }

    /// Ends both, with all tasks that still run.
    pub fn end(self) {
        drop(self.ended);
        // A panic of a task is caught in the task.
        let _ = self.thread.join();
        self.requests.shutdown_timeout(ENDS_WITHIN);
    }
}

/// Sets the nice value of the calling thread. A negative one needs CAP_SYS_NICE, which the service has; a program
/// started by hand does without.
fn set_nice(nice: i32) {
    // Linux keeps a nice value for each thread, and takes no id for the calling one.
    if let Err(error) = rustix::process::setpriority_process(None, nice) {
        tracing::debug!(%error, nice, "the nice value of a thread stays as it is");
    }
}
