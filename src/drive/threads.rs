//! Real-time threads: both loops, each in a thread of its own on the real clock, set up as far as the start demands.
//!
//! Each loop counts its iterations, a thousand a second, so that others can see whether it is alive.

use std::fs::File;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc;
use std::thread::{Builder, JoinHandle};

use super::control::Control;
use super::realtime::{Demand, HostFiles, Item, RealtimeReport, ThreadRole, setup};
use super::step_loop::StepLoop;
use crate::hal::{Clock, ForceSensor, MonotonicClock, StepIo};
use crate::layout;

/// Iteration counts of both loops; clones share them.
#[derive(Debug, Clone, Default)]
pub struct Heartbeats(Arc<[AtomicU64; 2]>);

impl Heartbeats {
    fn record_turn(&self, role: ThreadRole) {
        self.0[role as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// Iterations of the step loop and of the control cycle so far.
    pub fn counts(&self) -> [u64; 2] {
        [ThreadRole::Step, ThreadRole::Control].map(|role| self.0[role as usize].load(Ordering::Relaxed))
    }
}

/// The running threads.
#[derive(Debug)]
pub struct Threads {
    quit: Arc<AtomicBool>,
    beats: Heartbeats,
    handles: [JoinHandle<()>; 2],
    report: RealtimeReport,
    /// Keeps the processor out of deep sleep while it is open.
    _awake: Option<File>,
}

/// Aborts the process on a panic of a real-time thread: the other one must not run on alone. With the process the
/// pulses end; the service manager restarts it, not homed.
struct AbortOnPanic;

impl Drop for AbortOnPanic {
    fn drop(&mut self) {
        if std::thread::panicking() {
            // Without a message: the panic has printed its own, and an error stream may block.
            std::process::abort();
        }
    }
}

impl Threads {
    /// Starts both loops, and returns when each thread has asked the host for what it needs.
    /// [`super::realtime::may_arm`] decides whether the machine may move with what it got. Each loop calls `between`
    /// before each of its iterations: the simulation can hold it there.
    ///
    /// # Errors
    /// If the system refuses a thread.
    pub fn start<I, F, B>(
        clock: MonotonicClock,
        mut step_loop: StepLoop<MonotonicClock, I>,
        mut control: Control<F>,
        demand: Demand,
        between: B,
    ) -> io::Result<Threads>
    where
        I: StepIo + Send + 'static,
        F: ForceSensor + Send + 'static,
        B: Fn(ThreadRole) + Clone + Send + 'static,
    {
        // Before the threads, so that their memory is locked as it comes.
        let (mut items, awake) = set_up_process(demand);
        let quit = Arc::new(AtomicBool::new(false));
        let beats = Heartbeats::default();
        let (step, asked) = spawn_loop(ThreadRole::Step, demand, {
            let (quit, beats, between) = (quit.clone(), beats.clone(), between.clone());
            move || {
                while !quit.load(Ordering::Acquire) {
                    between(ThreadRole::Step);
                    beats.record_turn(ThreadRole::Step);
                    step_loop.run_until(clock.now() + layout::CONTROL_PERIOD_NS);
                }
                step_loop.power_off();
            }
        })?;
        items.extend(asked);
        let (cycle, asked) = spawn_loop(ThreadRole::Control, demand, {
            let (quit, beats) = (quit.clone(), beats.clone());
            let mut clock = clock;
            move || {
                let mut next = clock.now();
                while !quit.load(Ordering::Acquire) {
                    between(ThreadRole::Control);
                    beats.record_turn(ThreadRole::Control);
                    control.cycle(clock.now());
                    // A missed cycle is not made up for: the next one fills the queue all the same.
                    next = (next + layout::CONTROL_PERIOD_NS).max(clock.now());
                    clock.doze_until(next);
                }
            }
        })?;
        items.extend(asked);
        Ok(Threads { quit, beats, handles: [step, cycle], report: RealtimeReport { items }, _awake: awake })
    }

    /// Result of the demands on the host.
    pub fn report(&self) -> &RealtimeReport {
        &self.report
    }

    /// Iteration counts of both loops.
    pub fn heartbeats(&self) -> Heartbeats {
        self.beats.clone()
    }

    /// Stops both loops and waits for them. Motion should be at rest before.
    pub fn stop_and_join(self) {
        self.quit.store(true, Ordering::Release);
        for handle in self.handles {
            // A panic would have ended the process already.
            let _ = handle.join();
        }
    }
}

/// Makes the demands of the whole process, and checks those that only the host can meet.
fn set_up_process(demand: Demand) -> (Vec<Item>, Option<File>) {
    if demand == Demand::Nothing {
        return (Vec::new(), None);
    }
    let host = HostFiles::of_this_host();
    let (latency, awake) = setup::forbid_deep_sleep();
    let locked = setup::lock_memory(&host);
    (
        vec![
            host.check_isolated_core(),
            host.check_throttle(),
            host.check_deadline_server(),
            locked,
            latency,
        ],
        awake,
    )
}

/// Starts a thread that sets itself up for its role, reports the result, and then runs.
fn spawn_loop(
    role: ThreadRole,
    demand: Demand,
    run: impl FnOnce() + Send + 'static,
) -> io::Result<(JoinHandle<()>, Vec<Item>)> {
    let (sender, receiver) = mpsc::channel();
    // What the loop owns is large. It stays on the heap until the stack was touched, as unoptimised code copies it from frame to frame.
    let run: Box<dyn FnOnce() + Send> = Box::new(run);
    let builder = Builder::new().name(role.name().into()).stack_size(role.stack_bytes());
    let thread = builder.spawn(move || {
        let _guard = AbortOnPanic;
        // The receiver is gone only if the start has failed.
        let _ = sender.send(setup::set_up_thread(role, demand));
        run();
    })?;
    // A thread that reports nothing has panicked, and so ended the process.
    Ok((thread, receiver.recv().unwrap_or_default()))
}
