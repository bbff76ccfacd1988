//! Deterministic simulation test of the whole program: machine, server and clients on virtual time, with injected
//! faults, by seed.
//!
//! One *run* is a machine from power-on: the real control cycle and step loop on the simulated rail, the real server
//! with clients on sockets in memory, the real settings and store. A [`workload`] of simulated clients uses it, and an
//! [`injector`] injects the faults of a [`plan`], which follows from the seed alone. During the run each promise of
//! docs/SAFETY.md is an invariant that is checked against the pulses, the input lines and the answers ([`promises`]).
//! Two runs with the same seed are the same, byte for byte.
//!
//! - [`mod@run`]: one run, and a series of runs; [`plan`]: what a seed tries; [`fault`]: the faults that can be injected;
//!   [`gear`]: random machine configurations
//! - [`process`]: machine and server on one virtual clock; [`tap`]: records the calls from the server to the machine
//! - [`link`]: the force sensor with its board, its frames and its serial line
//! - [`client`]: HTTP requests and WebSockets in memory; [`control_client`]: the control socket of API v1; [`acts`]: what a
//!   request asks for; [`workload`]: the clients on this computer that send them; [`phones`]: those in the network, let in or
//!   not; [`players`]: programs that send T-Code, and the page that sets what they may do; [`waves`]: random wave requests;
//!   [`injector`]: fault injection
//! - [`witness`]: observes the run and calls the checks; [`facts`] and [`feed_facts`]: the observations that they read; [`promises`]: one
//!   invariant check per promise; [`edge_oracle`]: a second oracle for speed, acceleration and jerk, from the step
//!   edges alone
//! - [`report`]: counts and reaction times; random numbers come from a seed ([`Random`](crate::hal::sim::Random))

pub mod acts;
pub mod client;
pub mod control_client;
pub mod edge_oracle;
pub mod facts;
pub mod fault;
pub mod feed_facts;
pub mod gear;
pub mod injector;
pub mod link;
pub mod pattern_facts;
pub mod patterns;
pub mod phones;
pub mod plan;
pub mod players;
pub mod process;
pub mod promises;
pub mod report;
pub mod room_facts;
pub mod run;
pub mod tap;
pub mod waves;
pub mod witness;
pub mod workload;

pub use fault::InjectedFault;
pub use process::TrialSetup;
pub use report::{BrokenRun, TrialReport};
pub use run::{TrialOptions, run, run_series};
