//! Cross-origin headers, as the app's browser saw them from the first server.

use hyper::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS,
    ACCESS_CONTROL_REQUEST_METHOD, HeaderMap, HeaderValue, VARY,
};
use hyper::{Method, StatusCode};

use super::answer::{self, Answer};
use crate::auth::origin::RequestOrigin;

const METHODS: [&str; 6] = ["DELETE", "GET", "OPTIONS", "PATCH", "POST", "PUT"];

/// The answer to a preflight, whatever its path; none when the request is no preflight.
#[must_use]
pub fn preflight(method: &Method, headers: &HeaderMap, origin: RequestOrigin<'_>) -> Option<Answer> {
    let asked = headers.get(ACCESS_CONTROL_REQUEST_METHOD)?;
    if method != Method::OPTIONS || origin == RequestOrigin::None {
        return None;
    }
    let mut disallowed = Vec::new();
    if origin == RequestOrigin::Other {
        disallowed.push("origin");
    }
    if !METHODS.iter().any(|allowed| asked == allowed) {
        disallowed.push("method");
    }
    let mut answer = if disallowed.is_empty() {
        answer::text(StatusCode::OK, "OK")
    } else {
        answer::text(StatusCode::BAD_REQUEST, format!("Disallowed CORS {}", disallowed.join(", ")))
    };
    let said = answer.headers_mut();
    said.insert(VARY, HeaderValue::from_static("Origin"));
    said.insert(
        ACCESS_CONTROL_ALLOW_METHODS,
        HeaderValue::from_static("DELETE, GET, OPTIONS, PATCH, POST, PUT"),
    );
    said.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
    said.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
    if let Some(wanted) = headers.get(ACCESS_CONTROL_REQUEST_HEADERS) {
        said.insert(ACCESS_CONTROL_ALLOW_HEADERS, wanted.clone());
    }
    allow(&mut answer, origin);
    Some(answer)
}

/// Lets the page of an allowed origin read the answer, errors included.
pub fn allow(answer: &mut Answer, origin: RequestOrigin<'_>) {
    let RequestOrigin::Allowed(origin) = origin else { return };
    // It came out of a header, so it goes into one.
    let Ok(origin) = HeaderValue::from_str(origin) else { return };
    let said = answer.headers_mut();
    said.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    said.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
    said.insert(VARY, HeaderValue::from_static("Origin"));
}
