//! What the two real-time threads need from the host, how they ask for it, and what they got.
//!
//! A step comes late when its thread waits for something: another program on its core, a page that is not in
//! memory, a timer that rounds up, the scheduler that throttles. Each of these can be switched off, some by the
//! process, some only by whoever set the host up. This module does the first, looks at the second, and reports
//! both in the same form: nothing is skipped silently, and each item that is missing names its remedy.
//!
//! - [`report`]: an [`Item`] is what was wanted and what was got; a [`RealtimeReport`] is all of a start
//! - [`arming`]: how much a start asks for, and whether a real motor may move with what it got
//! - [`host`]: what the host says about itself; under another root in tests
//! - [`setup`]: priority, core, stack and timer of a thread; locked memory; `fifo` has the one call that needs
//!   `unsafe`
//! - [`latency`]: the self-test: how late the step loop's waits end here; [`histogram`] counts them
//!
//! The simulated machine asks for nothing that is scarce: no thread of it gets ahead of the other programs of an
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
