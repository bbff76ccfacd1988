//! Real-time priority of a thread: sets the scheduling class SCHED_FIFO. No safe crate offers this system call, so this
//! file has the only `unsafe` of the room.

use std::io;

/// Gives the calling thread the scheduling class SCHED_FIFO with this priority, 1 … 99.
///
/// # Errors
/// The error of the system, which refuses without CAP_SYS_NICE and with a limit below the priority.
#[allow(unsafe_code)]
pub fn set_fifo_priority(priority: i32) -> io::Result<()> {
    let wanted = libc::sched_param { sched_priority: priority };
    // SAFETY: the call reads `wanted`, which lives until it returns, and changes only how the calling thread is
    // scheduled.
    let refused = unsafe { libc::pthread_setschedparam(libc::pthread_self(), libc::SCHED_FIFO, &wanted) };
    if refused == 0 { Ok(()) } else { Err(io::Error::from_raw_os_error(refused)) }
}
