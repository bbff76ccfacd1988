//! LETTING IN: who may speak to the server at all, and as whom.
//!
//! - [`gate`]: the checks that every request passes before anything reads its path
//! - [`right`]: what a route asks of its caller, and which role has it
//! - [`host`]: which names of this server a request may use (rule 1, DNS rebinding)
//! - [`origin`]: which pages may call it (rule 3, cross-site requests)
//!
//! Pure: the gate sees addresses and headers and answers with a [`gate::Role`] or a refusal. What a
//! role may do is written next to each route, in `api::route`.

pub mod gate;
pub mod host;
pub mod origin;
pub mod right;

pub use gate::{GateRefusal, GateRules, RequestFacts, Role};
pub use origin::DEFAULT_EXTRA_ORIGINS;
pub use right::Right;
