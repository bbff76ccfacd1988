//! Letting in: devices with their tokens, and the ways to become one (promise S37).
//!
//! - [`devices`]: who was let in, under which role; changes of that, and the audit of them
//! - [`pairing`]: a request or a code, a proof of presence, a token; one of each at a time
//! - [`switch_order`]: the proof by pressing the limit switches in an order
//! - [`code`]: the proofs by a code
//! - [`entropy`]: where tokens and codes come from

pub mod code;
pub mod devices;
pub mod entropy;
pub mod pairing;
pub mod switch_order;
