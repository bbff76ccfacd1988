//! Seams: where two causes meet, or a rule meets its bound. Each test states what is promised and judges it from the
//! edges, the switches and the carriage; what the machine says of itself is compared with that.

mod support;

#[path = "support/random.rs"]
mod random;

#[path = "seams/end_cause.rs"]
mod end_cause;
#[path = "seams/plain.rs"]
mod plain;
#[path = "seams/stall.rs"]
mod stall;
