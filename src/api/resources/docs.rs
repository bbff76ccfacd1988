//! `/docs` and `/api/v1/openapi.json`: the routes, for people and for programs. Both are made once, from the route table.

use std::sync::LazyLock;

use bytes::Bytes;
use hyper::StatusCode;
use hyper::header::{CONTENT_SECURITY_POLICY, HeaderValue};

use crate::api::answer::{self, Answer};
use crate::api::docs_page;
use crate::api::openapi;
use crate::api::routes::ROUTES;

static DOCUMENT: LazyLock<Bytes> = LazyLock::new(|| openapi::document(ROUTES).to_string().into());
static PAGE: LazyLock<Bytes> = LazyLock::new(|| docs_page::write(ROUTES).into());

/// The routes as OpenAPI 3.1.
pub fn openapi() -> Answer {
    answer::typed(StatusCode::OK, "application/json", DOCUMENT.clone())
}

/// The routes as a page, without scripts or anything from elsewhere.
pub fn page() -> Answer {
    let mut answer = answer::typed(StatusCode::OK, "text/html; charset=utf-8", PAGE.clone());
    let policy = HeaderValue::from_static(docs_page::CONTENT_POLICY);
    answer.headers_mut().insert(CONTENT_SECURITY_POLICY, policy);
    answer
}
