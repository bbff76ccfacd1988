//! `/api/v1/log`: who may read it, what of it, and that it has no secrets.

#[path = "support/api.rs"]
mod support;

use std::time::Duration;

use serde_json::{Value, json};
use support::{Server, Setup};
use yep::api::port::MachineLocation;
use yep::log_ring::LogLevel;

async fn start() -> Server {
    Setup::new(MachineLocation::Local).start().await
}

fn say(server: &Server, level: LogLevel, text: &str) {
    server.ctx.options.log.add(Duration::from_secs(1_700_000_000), level, "yep::app", text.to_owned());
}

async fn numbers(server: &Server, query: &str) -> Vec<Value> {
    let answer = server.request("GET", &format!("/api/v1/log{query}"), &[], "").await;
    assert_eq!(answer.status, 200, "{query}");
    answer.json()["lines"].as_array().unwrap().iter().map(|line| line["number"].clone()).collect()
}

#[tokio::test]
async fn lines_are_chosen_by_level_text_and_number() {
    let server = start().await;
    say(&server, LogLevel::Info, "ready -> running: a wave was asked for");
    say(&server, LogLevel::Warn, "the store is slow");
    say(&server, LogLevel::Debug, "a detail");
    say(&server, LogLevel::Error, "a thread failed");
    let whole = server.request("GET", "/api/v1/log", &[], "").await.json();
    assert_eq!(
        whole["lines"][0],
        json!({
            "number": 1, "unix_s": 1_700_000_000.0, "level": "info", "part": "yep::app",
            "text": "ready -> running: a wave was asked for",
        })
    );
    assert_eq!((&whole["newest"], &whole["oldest"]), (&json!(4), &json!(1)));
    assert_eq!(numbers(&server, "").await, [1, 2, 4]);
    assert_eq!(numbers(&server, "?level=debug").await, [1, 2, 3, 4]);
    assert_eq!(numbers(&server, "?level=error").await, [4]);
    assert_eq!(numbers(&server, "?search=WAVE%20was").await, [1]);
    assert_eq!(numbers(&server, "?since=2").await, [4]);
    assert_eq!(numbers(&server, "?count=1").await, [4]);
    assert_eq!(numbers(&server, "?since=4").await, [0; 0]);
}

#[tokio::test]
async fn a_query_that_makes_no_sense_is_named() {
    let server = start().await;
    for (query, field) in [
        ("level=loud", "level"),
        ("level=", "level"),
        ("since=-1", "since"),
        ("since=9007199254740992", "since"),
        ("count=0", "count"),
        ("count=2001", "count"),
        ("count=many", "count"),
    ] {
        let refused = server.request("GET", &format!("/api/v1/log?{query}"), &[], "").await;
        assert_eq!(refused.status, 422, "{query}");
        let said = refused.json()["errors"][0]["field"].as_str().unwrap().to_owned();
        assert!(said.ends_with(field), "{query}: {said}");
    }
}

#[tokio::test]
async fn only_an_admin_reads_the_log() {
    let server = start().await;
    let refused = server.request_from(10, "GET", "/api/v1/log", &[], b"").await;
    assert_eq!((refused.status, &refused.json()["code"]), (403, &json!("role")));
}
