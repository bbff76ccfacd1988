//! `/docs` and `/api/v1/openapi.json`: the routes, for people and for programs. Both are made once, from the route table.

use std::sync::OnceLock;

use bytes::Bytes;
use hyper::StatusCode;
use hyper::header::{CONTENT_SECURITY_POLICY, HeaderValue};

use crate::api::answer::{self, Answer};
use crate::api::docs_page;
use crate::api::openapi;
use crate::api::pages;
use crate::api::route::Route;

static DOCUMENT: OnceLock<Bytes> = OnceLock::new();
static PAGE: OnceLock<Bytes> = OnceLock::new();

/// The routes as OpenAPI 3.1.
pub fn openapi(routes: &[Route]) -> Answer {
    let document = DOCUMENT.get_or_init(|| openapi::document(routes).to_string().into());
    answer::typed(StatusCode::OK, "application/json", document.clone())
}

/// The script that says for a page of the clients' old contract that it is there.
pub fn app_presence() -> Answer {
    answer::typed(StatusCode::OK, "text/javascript; charset=utf-8", pages::APP_PRESENCE_JS)
}

/// The routes as a page, without scripts or anything from elsewhere.
pub fn page(routes: &[Route]) -> Answer {
    let page = PAGE.get_or_init(|| docs_page::write(routes).into());
    let mut answer = answer::typed(StatusCode::OK, "text/html; charset=utf-8", page.clone());
    let policy = HeaderValue::from_static(docs_page::CONTENT_POLICY);
    answer.headers_mut().insert(CONTENT_SECURITY_POLICY, policy);
    answer
}
