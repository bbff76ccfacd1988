//! Both loops in threads of their own, on the real clock, set up as far as the start demands it.
//!
//! Each loop counts its turns, a thousand a second, so that anybody can see whether it is alive.

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

/// How many turns each loop has made; clones count the same ones.
#[derive(Debug, Clone, Default)]
pub struct Heartbeats(Arc<[AtomicU64; 2]>);

impl Heartbeats {
    fn record_turn(&self, role: ThreadRole) {
        self.0[role as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// Turns of the step loop and of the control cycle so far.
    #[must_use]
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
    /// The processor stays awake for as long as this is open.
    _awake: Option<File>,
}

/// A panic of a real-time thread must not leave the other one running alone: the process dies, and with it the
/// pulses; the service manager starts it anew, not homed.
struct AbortOnPanic;

impl Drop for AbortOnPanic {
    fn drop(&mut self) {
        if std::thread::panicking() {
            // Without a word: the panic has said what there is to say, and an error stream may block.
            std::process::abort();
        }
    }
}

impl Threads {
    /// Starts both loops, and returns when each thread has asked the host for what it needs. Whether the machine may
    /// move with what it got is for [`super::realtime::may_arm`] to say. Each loop calls `between` before each of its
    /// turns: the simulation can hold it there.
    ///
    /// # Errors
    /// When the system refuses a thread.
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
        // Before the threads: what they get is locked as it comes.
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
                    // A cycle that was missed is not made up: the next one fills the queue all the same.
                    next = (next + layout::CONTROL_PERIOD_NS).max(clock.now());
                    clock.doze_until(next);
                }
            }
        })?;
        items.extend(asked);
        Ok(Threads { quit, beats, handles: [step, cycle], report: RealtimeReport { items }, _awake: awake })
    }

    /// What was asked of the host, and what it gave.
    #[must_use]
    pub fn report(&self) -> &RealtimeReport {
        &self.report
    }

    /// Whether both loops are alive.
    #[must_use]
    pub fn heartbeats(&self) -> Heartbeats {
        self.beats.clone()
    }

    /// Ends both loops and waits for them. Motion should be at rest before.
    pub fn stop_and_join(self) {
        self.quit.store(true, Ordering::Release);
        for handle in self.handles {
            // A panic has ended the process already.
            let _ = handle.join();
        }
    }
}

/// What the whole process asks for, and what only the host can give.
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

/// A thread that asks for what its role needs, says what it got, and then runs.
fn spawn_loop(
    role: ThreadRole,
    demand: Demand,
    run: impl FnOnce() + Send + 'static,
) -> io::Result<(JoinHandle<()>, Vec<Item>)> {
    let (sender, receiver) = mpsc::channel();
    let builder = Builder::new().name(role.name().into()).stack_size(role.stack_bytes());
    let thread = builder.spawn(move || {
        let _guard = AbortOnPanic;
        // Nobody listens any more only when the start has failed.
        let _ = sender.send(setup::set_up_thread(role, demand));
        run();
    })?;
    // A thread that says nothing has panicked, and so ended the process.
    Ok((thread, receiver.recv().unwrap_or_default()))
}
