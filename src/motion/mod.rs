//! HOW to move: planning of one axis inside its limits. Pure.

pub mod allowance;
pub mod limits;

pub use allowance::{ALLOWANCE_POINTS, Allowance};
pub use limits::Limits;
