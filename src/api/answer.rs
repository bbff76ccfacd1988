//! Answers: the shapes in which results and refusals leave the server.

use bytes::Bytes;
use hyper::header::{CONNECTION, CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER};
use hyper::{Response, StatusCode};
use serde::Serialize;
use serde_json::json;

use super::budget::BudgetError;
use super::content::Content;
use super::fields::Complaint;
use crate::machine::CommandRefusal;

/// A complete answer.
pub type Answer = Response<Content>;

/// An answer that refuses, so that `?` ends a handler.
#[derive(Debug)]
pub struct Rejection(Box<Answer>);

/// What a handler comes to.
pub type HandlerResult = Result<Answer, Rejection>;

impl Rejection {
    /// With this header, too.
    #[must_use]
    pub fn with(mut self, name: HeaderName, value: HeaderValue) -> Rejection {
        self.0.headers_mut().insert(name, value);
        self
    }

    /// The connection ends behind it.
    #[must_use]
    pub fn closing(self) -> Rejection {
        Rejection(Box::new(closing(*self.0)))
    }

    /// The answer.
    #[must_use]
    pub fn into_answer(self) -> Answer {
        *self.0
    }
}

/// 413 for what never fits into the memory budget, 503 for what does not fit now.
impl From<BudgetError> for Rejection {
    fn from(error: BudgetError) -> Rejection {
        match error {
            BudgetError::TooLarge => detail(
                StatusCode::PAYLOAD_TOO_LARGE,
                "this takes more memory than there is for requests: send or ask for less at once",
            ),
            BudgetError::InUse => detail(
                StatusCode::SERVICE_UNAVAILABLE,
                "other requests take up the memory that there is for them: try again in a moment, ask for less, or read \
                 the answers that wait",
            )
            .with(RETRY_AFTER, HeaderValue::from_static("1")),
        }
    }
}

/// An answer of that type.
#[must_use]
pub fn typed(status: StatusCode, content_type: &'static str, body: impl Into<Bytes>) -> Answer {
    let mut answer = Response::new(Content::whole(body));
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    answer
}

/// JSON that is written while it is sent.
#[must_use]
pub fn json_pieces(content: Content) -> Answer {
    let mut answer = Response::new(content);
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    answer
}

/// JSON, compact and in UTF-8.
#[must_use]
pub fn json(status: StatusCode, value: &impl Serialize) -> Answer {
    match serde_json::to_vec(value) {
        Ok(body) => typed(status, "application/json", body),
        Err(error) => {
            tracing::error!(%error, "an answer could not be written");
            detail(StatusCode::INTERNAL_SERVER_ERROR, "the answer could not be written").into_answer()
        }
    }
}

/// 200 with that JSON.
#[must_use]
pub fn ok(value: &impl Serialize) -> Answer {
    json(StatusCode::OK, value)
}

/// Plain text.
#[must_use]
pub fn text(status: StatusCode, body: impl Into<Bytes>) -> Answer {
    typed(status, "text/plain; charset=utf-8", body)
}

/// An answer without a body.
#[must_use]
pub fn empty(status: StatusCode) -> Answer {
    let mut answer = Response::new(Content::whole(Bytes::new()));
    *answer.status_mut() = status;
    answer
}

/// A refusal that says why.
#[must_use]
pub fn detail(status: StatusCode, why: &str) -> Rejection {
    Rejection(Box::new(json(status, &json!({ "detail": why }))))
}

/// 404, in the clients' shape.
#[must_use]
pub fn not_found() -> Rejection {
    detail(StatusCode::NOT_FOUND, "Not Found")
}

/// 422: everything that is wrong with a request.
#[must_use]
pub fn unprocessable(complaints: &[Complaint]) -> Rejection {
    Rejection(Box::new(json(StatusCode::UNPROCESSABLE_ENTITY, &json!({ "detail": complaints }))))
}

/// 409: what was asked for contradicts what is so. `code` is a stable word for programs.
#[must_use]
pub fn conflict(why: &str, code: &str) -> Rejection {
    Rejection(Box::new(json(StatusCode::CONFLICT, &json!({ "detail": why, "code": code }))))
}

/// 409: the machine said no.
#[must_use]
pub fn refused(refusal: &CommandRefusal) -> Rejection {
    conflict(&refusal.to_string(), refusal.code())
}

/// The connection ends behind this answer.
#[must_use]
pub fn closing(mut answer: Answer) -> Answer {
    answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    answer
}
/// 403, for whoever is not trusted with this.
#[must_use]
pub fn forbidden() -> Rejection {
    detail(StatusCode::FORBIDDEN, "this needs a local connection")
}
