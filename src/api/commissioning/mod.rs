//! Commissioning: the first run, which proves the wiring before anything moves, and what is refused until then.
//!
//! - [`wiring`]: the keys of the configuration that say how the machine is wired, and their hash
//! - [`step`]: the steps of the first run, what each depends on, and what there is to do
//! - [`first_run`]: the step in progress; [`observed`]: what the machine has shown since it was begun; [`proof`]: what each step asks
//!   for, and why it is refused; [`at_limits`]: the same of the step that tries the limits
//! - [`service`]: the record in the store against the wiring of now: which steps are done, and whether the machine may move

pub mod at_limits;
pub mod first_run;
pub mod observed;
pub mod proof;
pub mod service;
pub mod step;
pub mod wiring;

pub use first_run::FirstRun;
pub use service::{CommissioningNeed, CommissioningRules, CommissioningService};
pub use wiring::{WiringFacts, WiringSource};
