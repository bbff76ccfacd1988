//! Updates in place, on behalf of clients: this process has no rights to the card, and hands an update on to the helper that has.
//!
//! - [`helper`]: the protocol of the helper behind a Unix socket
//! - [`refusal`]: what its refusals are called here
//! - [`transfer`]: the body of a request on its way to the helper
//! - [`service`]: one update at a time, with the axis locked; which of the two systems runs, and which one is tried

pub mod helper;
pub mod refusal;
pub mod service;
mod transfer;
