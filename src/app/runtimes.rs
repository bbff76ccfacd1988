//! Tokio runtimes, one for each kind of work, so that none of it holds up another:
//!
//! - the *front*, one thread: all connections; it reads requests and frames, answers STOP, and writes answers
//! - the *requests*, two threads: whatever else clients ask for
//! - the main thread: the bridge to the machine, the event log, the service manager's watchdog
//!
//! Of the threads that are not real-time ones the front comes first on a busy processor, and requests come last.

use std::io;
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::runtime::{Builder, Handle, Runtime};
use tokio::sync::oneshot;

use crate::layout;

/// Threads for requests, one a core of a Pi that is the server's.
const REQUEST_THREADS: usize = layout::SERVER_CPUS.len();
/// Threads of a runtime for what blocks; tokio's own 512 would be more than the service may have.
const BLOCKING_THREADS: usize = 6;
/// Nice values, as in setpriority(2): lower ones come first.
const FRONT_NICE: i32 = -10;
const REQUEST_NICE: i32 = 5;
/// How long a request that blocks may go on at the end.
const ENDS_WITHIN: Duration = Duration::from_secs(2);

/// The runtime of the main thread.
pub fn main() -> io::Result<Runtime> {
    Builder::new_current_thread().max_blocking_threads(BLOCKING_THREADS).enable_all().build()
}

/// The front and the requests.
pub struct Runtimes {
    /// Where connections live.
    pub front: Handle,
    requests: Runtime,
    ended: oneshot::Sender<()>,
    thread: JoinHandle<()>,
}

impl Runtimes {
    /// Starts their threads.
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
            // Dropping the sender ends it, too.
            let _ = runtime.block_on(end);
        })?;
        Ok(Runtimes { front, requests, ended, thread })
    }

    /// Where requests are worked on.
    pub fn requests(&self) -> &Handle {
        self.requests.handle()
    }

    /// Ends them, and whatever still runs there.
    pub fn end(self) {
        drop(self.ended);
        // A panic of a task is caught where it happens.
        let _ = self.thread.join();
        self.requests.shutdown_timeout(ENDS_WITHIN);
    }
}

/// Sets the nice value of the calling thread. It needs CAP_SYS_NICE to come before others; the service has it, and who
/// starts the program by hand can do without.
fn set_nice(nice: i32) {
    // Linux keeps a nice value for each thread, and takes no id for the calling one.
    if let Err(error) = rustix::process::setpriority_process(None, nice) {
        tracing::debug!(%error, nice, "the nice value of a thread stays as it is");
    }
}
