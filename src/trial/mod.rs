//! TRYING: the whole machine on virtual time, with everything that can go wrong, by seed.
//!
//! One *run* is a machine from power-on: the real control cycle and step loop on the simulated rail, the real server
//! with clients on sockets in memory, the real settings and store. An [`operator`] uses it as people do; faults come as
//! a [`plan`] says, which follows from the seed alone. While it runs, each promise of docs/SAFETY.md is held against
//! what really happens ([`promises`]). Two runs with one seed are the same, byte for byte.
//!
//! - [`run`]: one run, and many; [`plan`]: what a seed tries; [`fault`]: everything that can go wrong;
//!   [`gear`]: how machines are built
//! - [`whole`]: the machine with its server on one clock; [`tap`]: listens between the server and the machine
//! - [`link`]: the force sensor as it is wired, with its board, its frames and its line
//! - [`client`]: requests and sockets; [`operator`]: who makes them; [`waves`]: what is asked for; [`person`]: what a person at the machine does
//! - [`witness`]: sees it all, asks the promises; [`facts`]: what they judge by; [`promises`]: one check each;
//!   [`judge`]: the pulses alone, by another way than the pulse checker's
//! - [`report`]: counts and reaction times; chance comes from a seed ([`Random`](crate::hal::sim::Random))

pub mod client;
pub mod facts;
pub mod fault;
pub mod gear;
pub mod judge;
pub mod link;
pub mod operator;
pub mod person;
pub mod plan;
pub mod promises;
pub mod report;
pub mod run;
pub mod tap;
pub mod waves;
pub mod whole;
pub mod witness;

pub use fault::InjectedFault;
pub use report::{BrokenRun, TrialReport};
pub use run::{Orders, run, series};
pub use whole::TrialSetup;
