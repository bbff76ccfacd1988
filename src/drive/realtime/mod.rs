//! Real-time set-up: demands of the two real-time threads on the host, and their results.
//!
//! A step comes late when its thread waits for something: another program on its core, a page that is not in memory, a
//! timer that rounds up, the scheduler that throttles. The process can switch off some of these, only the administrator
//! of the host the others. This module does the first, checks the second, and reports both in the same form: nothing is
//! skipped silently, and each item that is missing names its remedy.
//!
//! - [`report`]: an [`Item`] is one demand with its result; a [`RealtimeReport`] is all of a start
//! - [`arming`]: demands of a start, and whether a real motor may move with the results
//! - [`host`]: host checks by files; under another root in tests
//! - [`setup`]: priority, core, stack and timer of a thread; locked memory; `fifo` has the one call that needs `unsafe`
//! - [`latency`]: self-test of the step loop's waits; [`histogram`] counts them
//!
//! The simulated machine demands nothing that is scarce: no thread of it takes precedence over the other programs of an
//! ordinary computer.

pub mod arming;
mod fifo;
pub mod histogram;
pub mod host;
pub mod latency;
pub mod report;
pub mod setup;

pub use arming::{Demand, may_arm};
pub use histogram::Histogram;
pub use host::HostFiles;
pub use report::{Item, Need, RealtimeReport};
pub use setup::ThreadRole;
