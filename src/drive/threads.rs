//! Both loops in threads of their own, on the real clock.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{Builder, JoinHandle};

use super::control::Control;
use super::step_loop::StepLoop;
use crate::hal::{Clock, ForceSensor, MonotonicClock, StepIo};
use crate::layout;

/// The running threads.
#[derive(Debug)]
pub struct Threads {
    quit: Arc<AtomicBool>,
    handles: [JoinHandle<()>; 2],
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
    /// Starts both loops.
    ///
    /// # Errors
    /// When the system refuses a thread.
    pub fn start<I, F>(
        clock: MonotonicClock,
        mut step_loop: StepLoop<MonotonicClock, I>,
        mut control: Control<F>,
    ) -> std::io::Result<Threads>
    where
        I: StepIo + Send + 'static,
        F: ForceSensor + Send + 'static,
    {
        let quit = Arc::new(AtomicBool::new(false));
        let step = {
            let quit = quit.clone();
            Builder::new().name("step".into()).stack_size(layout::STEP_STACK_BYTES).spawn(move || {
                let _guard = AbortOnPanic("step");
                while !quit.load(Ordering::Acquire) {
                    step_loop.run_until(clock.now() + layout::CONTROL_PERIOD_NS);
                }
                step_loop.power_off();
            })?
        };
        let cycle = {
            let quit = quit.clone();
            let mut clock = clock;
            Builder::new().name("control".into()).stack_size(layout::CONTROL_STACK_BYTES).spawn(
                move || {
                    let _guard = AbortOnPanic("control");
                    let mut next = clock.now();
                    while !quit.load(Ordering::Acquire) {
                        control.cycle(clock.now());
                        // A cycle that was missed is not made up: the next one fills the queue all the same.
                        next = (next + layout::CONTROL_PERIOD_NS).max(clock.now());
                        clock.doze_until(next);
                    }
                },
            )?
        };
        Ok(Threads { quit, handles: [step, cycle] })
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
