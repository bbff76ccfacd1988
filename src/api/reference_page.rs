//! Holds docs/API.md and docs/openapi.json against the route table. `YEP_UPDATE_DOCS=1` writes them anew.

use std::{env, fs};

use super::openapi;
use super::paths;
use super::problem::ProblemCode;
use super::routes::ROUTES;
use crate::machine::Fault;
use crate::settings::page::with_tables;

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/API.md");
const DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/openapi.json");

fn routes() -> Vec<String> {
    let v1 = ROUTES.iter().filter(|route| paths::is_v1(route.path));
    v1.map(|route| {
        format!("| `{} {}` | {} | {} |", route.method, route.path, route.right.name(), route.summary)
    })
    .collect()
}

fn problems() -> Vec<String> {
    let row = |code: &ProblemCode| {
        format!("| `{}` | {} | {} | {} |", code.name(), code.status().as_u16(), code.title(), code.remedy())
    };
    ProblemCode::ALL.iter().map(row).collect()
}

fn faults() -> Vec<String> {
    Fault::ALL.iter().map(|fault| format!("| `{}` | {fault} | {} |", fault.code(), fault.remedy())).collect()
}

fn hold(path: &str, present: &str, expected: &str) {
    if env::var_os("YEP_UPDATE_DOCS").is_some() {
        fs::write(path, expected).unwrap();
        return;
    }
    assert!(present == expected, "YEP_UPDATE_DOCS=1 cargo test --lib reference_page writes {path} anew");
}

#[test]
fn the_page_has_every_route_problem_and_fault() {
    let page = fs::read_to_string(PAGE).unwrap();
    hold(PAGE, &page, &with_tables(&page, [routes(), problems(), faults()]));
}

/// A change of the interface is a change of this file, and so is seen in review.
#[test]
fn the_document_is_the_one_that_was_reviewed() {
    let expected = serde_json::to_string_pretty(&openapi::document(&ROUTES)).unwrap() + "\n";
    let present = fs::read_to_string(DOCUMENT).unwrap_or_default();
    hold(DOCUMENT, &present, &expected);
}
