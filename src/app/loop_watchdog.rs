//! Watchdog of the two real-time loops: ends the process of a real machine when one of them hangs.
//!
//! The step loop alone owns the pins, so when it hangs no other thread can switch the motor's power off; a control
//! cycle that hangs decides nothing. Neither comes back to a known state. So the process aborts, after another process,
//! `yep safe-pins`, has made the outputs safe, since this one cannot be trusted with it. The service manager starts it
//! anew, not homed.

use std::process::Command;
use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};

use crate::drive::threads::Heartbeats;
use crate::options::Pins;

/// Poll interval; a loop makes a cycle each millisecond.
const POLL_EVERY: Duration = Duration::from_millis(25);
/// Polls in a row without a cycle of a loop after which it hangs. That is a hundred times the length of a cycle; and at
/// each poll this thread ran while the loop, which has the higher priority, did not.
const POLLS: u32 = 10;

/// Time for the last lines of the log to be written.
const LOG_TIME: Duration = Duration::from_millis(100);

/// Watches the loops. Does not return when one of them hangs.
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

/// Makes the outputs safe, and aborts the process.
fn abort(name: &str, pins: &Pins) -> ! {
    tracing::error!("the {name} hangs: the outputs are made safe, and the program ends");
    let mut arguments = vec![format!("--step={}", pins.step), format!("--dir={}", pins.dir)];
    arguments.extend(pins.enable.map(|pin| format!("--enable={pin}")));
    // The running program file, as the one on disk may be another version by now.
    match Command::new("/proc/self/exe").arg("safe-pins").args(arguments).status() {
        Ok(status) if status.success() => tracing::error!("the outputs are safe"),
        Ok(status) => tracing::error!("the outputs may not be safe: {status}"),
        Err(error) => tracing::error!("the outputs may not be safe: {error}"),
    }
    // Lets the log be written; nothing moves any more.
    std::thread::sleep(LOG_TIME);
    std::process::abort();
}
