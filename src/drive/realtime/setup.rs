//! Thread set-up: priority, core, stack and timer of the real-time threads, and locked memory.
//!
//! Each attempt returns an [`Item`]. A failure does not stop the others; [`super::may_arm`] decides what it means.

use std::fs::{File, OpenOptions};
use std::hint::black_box;
use std::io::{self, Write as _};
use std::num::NonZeroU64;

use rustix::mm::{MlockAllFlags, mlockall};
use rustix::thread::{CpuSet, sched_setaffinity, set_current_timer_slack};

use super::arming::Demand;
use super::fifo;
use super::host::HostFiles;
use super::report::{Item, Need};
use crate::layout;

/// Role of a real-time thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ThreadRole {
    /// Makes the steps.
    Step,
    /// Runs the control cycle.
    Control,
}

/// Names of the items of a thread.
struct ThreadItems {
    priority: &'static str,
    core: &'static str,
    stack: &'static str,
    timer: &'static str,
}

impl ThreadRole {
    /// Name of the thread.
    pub const fn name(self) -> &'static str {
        match self {
            ThreadRole::Step => "step",
            ThreadRole::Control => "control",
        }
    }

    /// Its core.
    pub const fn core(self) -> usize {
        match self {
            ThreadRole::Step => layout::STEP_CPU,
            ThreadRole::Control => layout::CONTROL_CPU,
        }
    }

    /// Its SCHED_FIFO priority.
    pub const fn priority(self) -> i32 {
        match self {
            ThreadRole::Step => layout::STEP_PRIORITY,
            ThreadRole::Control => layout::CONTROL_PRIORITY,
        }
    }

    /// Size of its stack.
    pub const fn stack_bytes(self) -> usize {
        match self {
            ThreadRole::Step => layout::STEP_STACK_BYTES,
            ThreadRole::Control => layout::CONTROL_STACK_BYTES,
        }
    }

    const fn names(self) -> ThreadItems {
        match self {
            ThreadRole::Step => ThreadItems {
                priority: "step: priority",
                core: "step: core",
                stack: "step: stack",
                timer: "step: timer slack",
            },
            ThreadRole::Control => ThreadItems {
                priority: "control: priority",
                core: "control: core",
                stack: "control: stack",
                timer: "control: timer slack",
            },
        }
    }
}

/// Sets the calling thread up for its role. Allocates, so it runs before the loop.
#[must_use]
pub fn set_up_thread(role: ThreadRole, demand: Demand) -> Vec<Item> {
    let names = role.names();
    let mut items = vec![set_timer_slack(names.timer), prefault_stack(role, names.stack)];
    if demand != Demand::Nothing {
        // The core first: a thread with real-time priority should not run on another thread's core.
        let own = pin_to_cores(names.core, &[role.core()]);
        // An isolated core is of no use unless the thread runs on it.
        items.push(if role == ThreadRole::Step { own.need(Need::IsolatedCore) } else { own });
        items.push(set_priority(names.priority, role.priority()));
    }
    items
}

/// Pins the calling thread, and those that it starts, to the server's cores.
#[must_use]
pub fn pin_to_server_cores() -> Item {
    pin_to_cores("server: cores", &layout::SERVER_CPUS)
}

/// Locks the memory that the process has, and all that it gets later.
#[must_use]
pub fn lock_memory(host: &HostFiles) -> Item {
    let item = |got: String, ok| {
        Item::new("locked memory", "all of it", got, ok)
            .remedy(host.check_lock_right().remedy)
            .need(Need::LockedMemory)
    };
    let right = host.check_lock_right();
    if !right.ok {
        // It may even succeed now, and then fail an allocation later, which ends the process in mid-motion.
        return item(right.got, false);
    }
    // Present pages are fetched now. Later ones are locked as they are used: fetching whole stacks and arenas of the
    // server's threads would take several times the memory, for pages that no real-time thread uses.
    let locked = mlockall(MlockAllFlags::CURRENT)
        .and_then(|()| mlockall(MlockAllFlags::FUTURE | MlockAllFlags::ONFAULT));
    match locked {
        Ok(()) => item("all of it".to_owned(), true),
        Err(error) => item(io::Error::from(error).to_string(), false),
    }
}

/// Asks the processor for no deep sleep, which it would take long to wake from; holds while the file is open.
#[must_use]
pub fn forbid_deep_sleep() -> (Item, Option<File>) {
    const DEVICE: &str = "/dev/cpu_dma_latency";
    let opened = OpenOptions::new().write(true).open(DEVICE).and_then(|mut file| {
        let longest_us = 0_i32;
        file.write_all(&longest_us.to_ne_bytes())?;
        Ok(file)
    });
    let item = |got: String, ok| {
        Item::new("wake-up latency", "0 µs", got, ok).remedy(format!(
            "let the service write {DEVICE}, or add cpuidle.off=1 to the kernel's command line"
        ))
    };
    match opened {
        Ok(file) => (item("0 µs".to_owned(), true), Some(file)),
        Err(error) => (item(error.to_string(), false), None),
    }
}

fn set_priority(what: &'static str, priority: i32) -> Item {
    let wanted = format!("FIFO {priority}");
    let (got, ok) = match fifo::set_fifo_priority(priority) {
        Ok(()) => (wanted.clone(), true),
        Err(error) => (format!("an ordinary thread ({error})"), false),
    };
    Item::new(what, wanted, got, ok)
        .remedy(HostFiles::of_this_host().check_fifo_right(priority).remedy)
        .need(Need::Fifo)
}

fn pin_to_cores(what: &'static str, cores: &[usize]) -> Item {
    let mut set = CpuSet::new();
    cores.iter().for_each(|core| set.set(*core));
    let wanted = cores.iter().map(usize::to_string).collect::<Vec<_>>().join(" and ");
    let (got, ok) = match sched_setaffinity(None, &set) {
        Ok(()) => (wanted.clone(), true),
        Err(error) => (format!("any ({})", io::Error::from(error)), false),
    };
    Item::new(what, wanted, got, ok).remedy("the cores of memory-layout/layout.toml must exist on this host")
}

fn set_timer_slack(what: &'static str) -> Item {
    let wanted = "1 ns";
    let (got, ok) = match set_current_timer_slack(NonZeroU64::new(1)) {
        Ok(()) => (wanted.to_owned(), true),
        Err(error) => (io::Error::from(error).to_string(), false),
    };
    Item::new(what, wanted, got, ok).remedy("ordinary threads wake up to 50 µs later; real-time ones do not")
}

/// Part of the stack that is not touched: used by the thread to get here, and by the system.
const STACK_IN_USE_BYTES: usize = 64 * 1024;

/// Touches the stack once, so that no page of it has to be fetched in mid-motion.
fn prefault_stack(role: ThreadRole, what: &'static str) -> Item {
    match role {
        ThreadRole::Step => touch_stack::<{ layout::STEP_STACK_BYTES - STACK_IN_USE_BYTES }>(),
        ThreadRole::Control => touch_stack::<{ layout::CONTROL_STACK_BYTES - STACK_IN_USE_BYTES }>(),
    }
    let touched = format!("{} KiB touched", (role.stack_bytes() - STACK_IN_USE_BYTES) / 1024);
    Item::new(what, touched.clone(), touched, true)
}

/// Needs a frame of its own: an inlined one would stay allocated.
#[inline(never)]
fn touch_stack<const BYTES: usize>() {
    let mut pages = [0_u8; BYTES];
    black_box(&mut pages);
}

#[cfg(test)]
mod tests {
    use std::thread::Builder;

    use super::*;

    /// A field of this thread's line in /proc, by its number there. The name of a test thread has no blanks.
    fn field(number: usize) -> String {
        let line = std::fs::read_to_string("/proc/thread-self/stat").unwrap();
        line.split_whitespace().nth(number - 1).unwrap().to_owned()
    }

    fn in_thread<T: Send + 'static>(role: ThreadRole, run: impl FnOnce() -> T + Send + 'static) -> T {
        let thread = Builder::new().name(role.name().into()).stack_size(role.stack_bytes());
        thread.spawn(run).unwrap().join().unwrap()
    }

    const POLICY: usize = 41;
    const PRIORITY: usize = 40;

    #[test]
    fn nothing_is_asked_that_other_programs_would_feel() {
        for role in [ThreadRole::Step, ThreadRole::Control] {
            let (items, policy) =
                in_thread(role, move || (set_up_thread(role, Demand::Nothing), field(POLICY)));
            assert!(items.iter().all(|item| item.ok && item.need.is_none()), "{items:#?}");
            assert_eq!(policy, "0");
        }
    }

    #[test]
    fn the_report_says_what_the_system_says() {
        for role in [ThreadRole::Step, ThreadRole::Control] {
            let (items, policy, priority) = in_thread(role, move || {
                (set_up_thread(role, Demand::Attempt), field(POLICY), field(PRIORITY))
            });
            let fifo = items.iter().find(|item| item.need == Some(Need::Fifo)).unwrap();
            let is_fifo = policy == libc::SCHED_FIFO.to_string() && priority == role.priority().to_string();
            assert_eq!(fifo.ok, is_fifo, "{fifo:?}, policy {policy}, priority {priority}");
            assert_eq!(fifo.ok, HostFiles::of_this_host().check_fifo_right(role.priority()).ok, "{fifo:?}");
            assert_eq!(items.len(), 4);
        }
    }

    #[test]
    fn a_touched_stack_has_its_pages() {
        const MINOR_FAULTS: usize = 10;
        let faults = in_thread(ThreadRole::Control, || {
            let _ = set_up_thread(ThreadRole::Control, Demand::Nothing);
            let faults = || field(MINOR_FAULTS).parse::<u64>().unwrap();
            let before = faults();
            touch_stack::<{ layout::CONTROL_STACK_BYTES / 2 }>();
            faults() - before
        });
        // 64 pages were used; reading the figure itself may touch new ones of the heap.
        assert!(faults < 16, "{faults} pages had to be fetched");
    }
}
