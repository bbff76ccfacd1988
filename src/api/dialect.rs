//! Dialects: the two shapes in which the server writes a refusal.
//!
//! API v1 has problem documents (RFC 9457) and request ids. The contract of the clients' first server has `detail` alone, and its
//! bytes stay.

use hyper::header::HeaderValue;

use super::answer::{Answer, HandlerResult};
use super::context::Context;
use super::{machine_state, paths, request_id};

/// The shape of the answer to one request.
pub enum Dialect {
    /// API v1, with the id of the request.
    V1(String),
    /// The clients' old contract.
    Contract,
}

impl Dialect {
    /// The dialect of a path.
    #[must_use]
    pub fn of(path: &str) -> Dialect {
        if paths::is_v1(path) { Dialect::V1(request_id::next()) } else { Dialect::Contract }
    }

    /// The answer that a handler came to, as it is sent.
    #[must_use]
    pub fn write(&self, ctx: &Context, outcome: HandlerResult) -> Answer {
        let Dialect::V1(id) = self else {
            return outcome.unwrap_or_else(super::answer::Rejection::into_answer);
        };
        let mut answer = outcome.unwrap_or_else(|rejection| {
            ctx.counters.count_refusal(rejection.code());
            tracing::info!(request_id = id, code = rejection.code().name(), "refused");
            rejection.into_problem_answer(id, || machine_state::allowed_by_machine(ctx))
        });
        if let Ok(id) = HeaderValue::from_str(id) {
            answer.headers_mut().insert(request_id::HEADER, id);
        }
        answer
    }
}
