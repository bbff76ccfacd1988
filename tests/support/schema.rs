//! Holds every answer of API v1 against its schema in the OpenAPI document, so that each story tests the document, too.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex};

use jsonschema::Validator;
use serde_json::{Value, json};
use yep::api::openapi;
use yep::api::route::{Match, find};
use yep::api::routes::ROUTES;

static DOCUMENT: LazyLock<Value> = LazyLock::new(|| openapi::document(&ROUTES));
static VALIDATORS: LazyLock<Mutex<HashMap<String, &'static Validator>>> = LazyLock::new(Mutex::default);

/// Checks an answer; one of the clients' old contract has no schema.
#[track_caller]
pub fn check_answer(method: &str, path: &str, status: u16, content_type: Option<&str>, body: &[u8]) {
    let path = path.split('?').next().unwrap_or_default();
    let is_described = path.starts_with("/api/v1/") && status != 101 && status != 304 && method != "HEAD";
    if !is_described || body.is_empty() {
        return;
    }
    let content_type = content_type.unwrap_or_default();
    let kind = content_type.split(';').next().unwrap_or_default();
    let case = format!("{method} {path}: {status} {kind}");
    if status >= 400 {
        assert_eq!(kind, "application/problem+json", "{case}");
        return check(&case, "/components/responses/Problem/content/application~1problem+json/schema", body);
    }
    let method = method.parse().unwrap();
    let Match::Found(route, _) = find(&ROUTES, &method, path, false) else { panic!("{case}: no such route") };
    let escaped = |text: &str| text.replace('~', "~0").replace('/', "~1");
    let operation = format!("/paths/{}/{}", escaped(route.path), route.method.as_str().to_lowercase());
    let content = format!("{operation}/responses/200/content/{}", escaped(kind));
    assert!(DOCUMENT.pointer(&content).is_some(), "{case}: the document does not know this type");
    if kind == "application/json" {
        check(&case, &format!("{content}/schema"), body);
    }
}

#[track_caller]
fn check(case: &str, pointer: &str, body: &[u8]) {
    let answer: Value = serde_json::from_slice(body).unwrap_or_else(|error| panic!("{case}: {error}"));
    let mut validators = VALIDATORS.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let validator = *validators.entry(pointer.to_owned()).or_insert_with(|| {
        let schema = DOCUMENT.pointer(pointer).unwrap_or_else(|| panic!("{case}: no schema at {pointer}"));
        let root = json!({ "allOf": [schema], "components": DOCUMENT["components"] });
        Box::leak(Box::new(jsonschema::draft202012::new(&root).unwrap()))
    });
    let wrong: Vec<String> =
        validator.iter_errors(&answer).map(|error| format!("{}: {error}", error.instance_path())).collect();
    drop(validators);
    assert!(wrong.is_empty(), "{case} does not fit its schema: {wrong:?}\n{answer}");
}
