//! Both loops in threads of their own, on the real clock, set up as far as the start demands it.

use std::fs::File;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread::{Builder, JoinHandle};

use super::control::Control;
use super::realtime::{Demand, Host, Item, Report, Role, setup};
use super::step_loop::StepLoop;
use crate::hal::{Clock, ForceSensor, MonotonicClock, StepIo};
use crate::layout;

/// The running threads.
#[derive(Debug)]
pub struct Threads {
    quit: Arc<AtomicBool>,
    handles: [JoinHandle<()>; 2],
    report: Report,
    /// The processor stays awake for as long as this is open.
    _awake: Option<File>,
}

/// A panic of a real-time thread must not leave the other one running alone: the process dies, and with it the
/// pulses; the service manager starts it anew, not homed.
struct AbortOnPanic(&'static str);

impl Drop for AbortOnPanic {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("yep: the {} thread panicked; motion is over", self.0);
            std::process::abort();
        }
    }
}

impl Threads {
    /// Starts both loops, and returns when each thread has asked the host for what it needs. Whether the machine may
    /// move with what it got is for [`super::realtime::may_arm`] to say.
    ///
    /// # Errors
    /// When the system refuses a thread.
    pub fn start<I, F>(
        clock: MonotonicClock,
        mut step_loop: StepLoop<MonotonicClock, I>,
        mut control: Control<F>,
        demand: Demand,
    ) -> io::Result<Threads>
    where
        I: StepIo + Send + 'static,
        F: ForceSensor + Send + 'static,
    {
        // Before the threads: what they get is locked as it comes.
        let (mut items, awake) = process(demand);
        let quit = Arc::new(AtomicBool::new(false));
        let (step, asked) = spawn(Role::Step, demand, {
            let quit = quit.clone();
            move || {
                while !quit.load(Ordering::Acquire) {
                    step_loop.run_until(clock.now() + layout::CONTROL_PERIOD_NS);
                }
                step_loop.power_off();
            }
        })?;
        items.extend(asked);
        let (cycle, asked) = spawn(Role::Control, demand, {
            let quit = quit.clone();
            let mut clock = clock;
            move || {
                let mut next = clock.now();
                while !quit.load(Ordering::Acquire) {
                    control.cycle(clock.now());
                    // A cycle that was missed is not made up: the next one fills the queue all the same.
                    next = (next + layout::CONTROL_PERIOD_NS).max(clock.now());
                    clock.doze_until(next);
                }
            }
        })?;
        items.extend(asked);
        Ok(Threads { quit, handles: [step, cycle], report: Report { items }, _awake: awake })
    }

    /// What was asked of the host, and what it gave.
    #[must_use]
    pub fn report(&self) -> &Report {
        &self.report
    }

    /// Ends both loops and waits for them. Motion should be at rest before.
    pub fn end(self) {
        self.quit.store(true, Ordering::Release);
        for handle in self.handles {
            // A panic has ended the process already.
            let _ = handle.join();
        }
    }
}

/// What the whole process asks for, and what only the host can give.
fn process(demand: Demand) -> (Vec<Item>, Option<File>) {
    if demand == Demand::Nothing {
        return (Vec::new(), None);
    }
    let host = Host::this();
    let (latency, awake) = setup::stay_awake();
    let locked = setup::lock_memory(&host);
    (vec![host.isolated_core(), host.throttle(), host.deadline_server(), locked, latency], awake)
}

/// A thread that asks for what its role needs, says what it got, and then runs.
fn spawn(
    role: Role,
    demand: Demand,
    run: impl FnOnce() + Send + 'static,
) -> io::Result<(JoinHandle<()>, Vec<Item>)> {
    let (tell, told) = mpsc::channel();
    let builder = Builder::new().name(role.name().into()).stack_size(role.stack_bytes());
    let thread = builder.spawn(move || {
        let _guard = AbortOnPanic(role.name());
        // Nobody listens any more only when the start has failed.
        let _ = tell.send(setup::thread(role, demand));
        run();
    })?;
    // A thread that says nothing has panicked, and so ended the process.
    Ok((thread, told.recv().unwrap_or_default()))
}
