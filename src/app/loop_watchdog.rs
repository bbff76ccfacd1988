//! Ends a real machine whose loops hang.
//!
//! A step loop that hangs makes no pulses, but it alone owns the pins, so nobody can switch the motor's power off any
//! more; a control cycle that hangs decides nothing. Neither comes back to a state that is known. So the process ends
//! itself, with the outputs made safe by a process that does nothing else, since this one cannot be trusted with it.
//! The service manager starts it anew, not homed.

use std::process::Command;
use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};

use crate::drive::threads::Heartbeats;
use crate::options::Pins;

/// A loop makes a turn each millisecond.
const POLL_EVERY: Duration = Duration::from_millis(25);
/// So many looks in a row without a turn of one of them: a hundred times what a turn takes, and each look was this
/// process running while that loop, which goes before it, was not.
const POLLS: u32 = 10;

/// What the last lines of the log may take.
const LOG_TIME: Duration = Duration::from_millis(100);

/// Looks at the loops for as long as they live. Never returns when one of them hangs.
pub async fn watch(loops: Heartbeats, pins: Pins) {
    let mut ticks = interval(POLL_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut last, mut hung) = (loops.counts(), [0; 2]);
    loop {
        ticks.tick().await;
        let counts = loops.counts();
        for index in 0..counts.len() {
            hung[index] = if counts[index] == last[index] { hung[index] + 1 } else { 0 };
            if hung[index] > POLLS {
                abort(["step loop", "control cycle"][index], &pins);
            }
        }
        last = counts;
    }
}

/// Makes the outputs safe, and ends the process.
fn abort(name: &str, pins: &Pins) -> ! {
    tracing::error!("the {name} hangs: the outputs are made safe, and the program ends");
    let mut arguments = vec![format!("--step={}", pins.step), format!("--dir={}", pins.dir)];
    arguments.extend(pins.enable.map(|pin| format!("--enable={pin}")));
    // The program as it was started: what is on the disk may be another version by now.
    match Command::new("/proc/self/exe").arg("safe-pins").args(arguments).status() {
        Ok(status) if status.success() => tracing::error!("the outputs are safe"),
        Ok(status) => tracing::error!("the outputs may not be safe: {status}"),
        Err(error) => tracing::error!("the outputs may not be safe: {error}"),
    }
    // For the log to be written, if it can be; nothing moves any more.
    std::thread::sleep(LOG_TIME);
    std::process::abort();
}
