//! Answers: the shapes in which results and refusals leave the server.

use std::borrow::Cow;

use bytes::Bytes;
use hyper::header::{CONNECTION, CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER, SET_COOKIE};
use hyper::{Response, StatusCode};
use serde::Serialize;
use serde_json::json;

use super::budget::BudgetError;
use super::content::Content;
use super::fields::{self, Complaint};
use super::problem::{self, FieldProblem, Problem, ProblemCode};
use crate::auth::{Caller, credentials, host};
use crate::machine::CommandRefusal;
use crate::store::StoreError;

/// A complete answer.
pub type Answer = Response<Content>;

/// A refusal, so that `?` ends a handler. The router writes it as the route's clients expect it: as a
/// [`Problem`], or in the shape of the clients' first server.
#[derive(Debug)]
pub struct Rejection(Box<RejectionParts>);

#[derive(Debug)]
struct RejectionParts {
    code: ProblemCode,
    detail: String,
    complaints: Vec<Complaint>,
    /// The act that helps in this case; else that of the code.
    remedy: Option<&'static str>,
    headers: Vec<(HeaderName, HeaderValue)>,
    closes: bool,
}

/// What a handler comes to.
pub type HandlerResult = Result<Answer, Rejection>;

impl Rejection {
    /// With this header, too.
    #[must_use]
    pub fn with(mut self, name: HeaderName, value: HeaderValue) -> Rejection {
        self.0.headers.push((name, value));
        self
    }

    /// With another remedy than that of its code.
    #[must_use]
    pub fn with_remedy(mut self, remedy: &'static str) -> Rejection {
        self.0.remedy = Some(remedy);
        self
    }

    /// The connection ends behind it.
    #[must_use]
    pub fn closing(mut self) -> Rejection {
        self.0.closes = true;
        self
    }

    /// The fields of its complaints lie in this field of the body.
    #[must_use]
    pub fn within(mut self, field: &str) -> Rejection {
        for complaint in &mut self.0.complaints {
            let at = complaint.loc.len().min(2);
            complaint.loc.insert(at, field.into());
        }
        self
    }

    /// Its reason.
    #[must_use]
    pub fn code(&self) -> ProblemCode {
        self.0.code
    }

    /// The refusal as API v1 writes it. `allowed` are the commands that the machine would accept now.
    #[must_use]
    pub fn problem(&self, request_id: &str, allowed: impl FnOnce() -> Vec<Cow<'static, str>>) -> Problem {
        let parts = &*self.0;
        Problem {
            kind: problem::reference(parts.code),
            title: parts.code.title(),
            status: parts.code.status().as_u16(),
            code: parts.code.name(),
            detail: parts.detail.clone(),
            remedy: parts.remedy.unwrap_or(parts.code.remedy()).into(),
            errors: parts.complaints.iter().map(FieldProblem::from).collect(),
            allowed: (parts.code.status() == StatusCode::CONFLICT).then(allowed),
            request_id: request_id.to_owned(),
        }
    }

    /// The answer with its problem.
    #[must_use]
    pub fn into_problem_answer(
        self,
        request_id: &str,
        allowed: impl FnOnce() -> Vec<Cow<'static, str>>,
    ) -> Answer {
        let problem = self.problem(request_id, allowed);
        let body = serde_json::to_vec(&problem).unwrap_or_default();
        let answer = typed(self.0.code.status(), problem::CONTENT_TYPE, body);
        self.finish(answer)
    }

    /// The answer in the shape of the clients' first server: `detail`, and a `code` where the state is the reason.
    #[must_use]
    pub fn into_answer(self) -> Answer {
        let RejectionParts { code, detail, complaints, .. } = &*self.0;
        let status = code.status();
        let answer = match status {
            _ if !complaints.is_empty() => json(status, &json!({ "detail": complaints })),
            StatusCode::CONFLICT => json(status, &json!({ "detail": detail, "code": code.name() })),
            _ => json(status, &json!({ "detail": detail })),
        };
        self.finish(answer)
    }

    fn finish(self, mut answer: Answer) -> Answer {
        for (name, value) in self.0.headers {
            answer.headers_mut().insert(name, value);
        }
        if self.0.closes { closing(answer) } else { answer }
    }
}

/// 413 for what never fits into the memory budget, 503 for what does not fit now.
impl From<BudgetError> for Rejection {
    fn from(error: BudgetError) -> Rejection {
        match error {
            BudgetError::TooLarge => refuse(
                ProblemCode::TooMuchMemory,
                "this takes more memory than there is for requests: send or ask for less at once",
            ),
            BudgetError::InUse => refuse(
                ProblemCode::MemoryInUse,
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
            refuse(ProblemCode::ServerFailed, "the answer could not be written").into_answer()
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

/// A refusal for this reason; `detail` says what is wrong in this case.
#[must_use]
pub fn refuse(code: ProblemCode, detail: impl Into<String>) -> Rejection {
    let (complaints, headers) = (Vec::new(), Vec::new());
    let parts =
        RejectionParts { code, detail: detail.into(), complaints, remedy: None, headers, closes: false };
    Rejection(Box::new(parts))
}

/// 404, in the clients' words.
#[must_use]
pub fn not_found() -> Rejection {
    refuse(ProblemCode::UnknownPath, "Not Found")
}

/// 422: everything that is wrong with a request.
#[must_use]
pub fn unprocessable(complaints: &[Complaint]) -> Rejection {
    let first = complaints.first().map_or("", |complaint| &complaint.msg);
    let mut refusal = refuse(ProblemCode::InvalidFields, first);
    refusal.0.complaints = complaints.to_vec();
    refusal
}

/// 409: the machine refuses a command.
#[must_use]
pub fn refused(refusal: &CommandRefusal) -> Rejection {
    let rejection = refuse(refusal.into(), refusal.to_string());
    match refusal {
        CommandRefusal::Faulted(fault, distance) => rejection.with_remedy(fault.remedy_by(*distance)),
        CommandRefusal::CauseRemains(fault) | CommandRefusal::Prevented(fault) => {
            rejection.with_remedy(fault.remedy())
        }
        _ => rejection,
    }
}

/// The connection ends behind this answer.
#[must_use]
pub fn closing(mut answer: Answer) -> Answer {
    answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    answer
}

/// 403, for a role that may not do it.
#[must_use]
pub fn forbidden() -> Rejection {
    refuse(ProblemCode::Role, "this role may not do that")
}

/// 403 for a caller who may not do it; 401 for a wrong token, which its browser forgets with that. `sent` is the name of this
/// server that the request says.
#[must_use]
pub fn refuse_role(caller: Caller, sent: &str) -> Rejection {
    if !caller.wrong_token {
        return forbidden();
    }
    let why = "the token is not valid: this device was taken off the list, or the list is lost";
    let refusal = refuse(ProblemCode::BadToken, why);
    match HeaderValue::from_str(&credentials::delete_cookie(host::port(sent))) {
        Ok(cookie) => refusal.with(SET_COOKIE, cookie),
        Err(_) => refusal,
    }
}
/// A value that was read, but makes no sense.
#[must_use]
pub fn senseless(argument: &'static str, field: &str, why: impl ToString) -> Complaint {
    let loc = fields::loc(argument, &[field.into()]);
    Complaint::new(loc, why.to_string(), "value_error")
}

/// 503: what was to be remembered could not be written down. 409: there is no room for it.
#[must_use]
pub fn not_kept(what: &str, why: &StoreError) -> Rejection {
    match why {
        StoreError::NoRoom(why) => refuse(ProblemCode::NoRoom, why.as_str()),
        why => {
            tracing::error!(%why, "the {what} could not be written down");
            let said = format!("the {what} could not be stored, nothing has changed: {why}");
            refuse(ProblemCode::NotStored, said)
        }
    }
}
