//! The one call that no safe crate offers: the scheduling class of a thread.

use std::io;

/// Makes the calling thread a SCHED_FIFO one of this priority, 1 … 99.
///
/// # Errors
/// What the system said; without CAP_SYS_NICE and a limit below the priority it refuses.
#[allow(unsafe_code)]
pub fn set_fifo_priority(priority: i32) -> io::Result<()> {
    let wanted = libc::sched_param { sched_priority: priority };
    // SAFETY: the call reads `wanted`, which lives until it returns, and changes nothing but how the calling
    // thread is scheduled.
    let refused = unsafe { libc::pthread_setschedparam(libc::pthread_self(), libc::SCHED_FIFO, &wanted) };
    if refused == 0 { Ok(()) } else { Err(io::Error::from_raw_os_error(refused)) }
}
