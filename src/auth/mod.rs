//! LETTING IN: who may speak to the server at all, and as whom.
//!
//! - [`gate`]: the checks that every request passes before anything reads its path
//! - [`right`]: the roles, what a route asks of its caller, and which role has it
//! - [`host`]: which names of this server a request may use (rule 1, DNS rebinding); [`own_names`]: those that can be changed
//! - [`origin`]: which pages may call it (rule 3, cross-site requests)
//! - [`credentials`]: the token that a request presents (rule 5); [`token`]: what a token is
//!
//! Pure: the gate sees addresses, headers and a book of tokens, and answers with a [`gate::Caller`] or a refusal. The right that a
//! route asks for is written next to it, in `api::routes`.

pub mod credentials;
pub mod gate;
pub mod host;
pub mod origin;
pub mod own_names;
pub mod right;
pub mod token;

pub use gate::{Caller, GateRefusal, GateRules, RequestFacts};
pub use host::HostNames;
pub use origin::DEFAULT_EXTRA_ORIGINS;
pub use own_names::OwnNames;
pub use right::{Right, Role};
pub use token::{KnownDevice, Token, TokenBook, TokenHash};
