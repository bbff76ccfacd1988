//! Habits of the clients of API v1: what they send besides the body, and what they are told, over real sockets.

#[path = "support/api.rs"]
mod support;

use std::io::Read;

use serde_json::{Value, json};
use support::{Headers, Server, Setup, snapshot};
use yep::api::port::MachineLocation;
use yep::api::routes::ROUTES;
use yep::machine::{CommandRefusal, Fault, Snapshot, State, SwitchDistance, Why};

const JSON: Headers<'static> = &[("content-type", "application/json")];

async fn start() -> Server {
    Setup::new(MachineLocation::Local).start().await
}

#[tokio::test]
async fn whatever_answers_get_answers_head() {
    let server = start().await;
    for route in ROUTES.iter().filter(|route| route.method == "GET" && !route.upgrades()) {
        let path = route.path.replace("{model}", "any").replace("{id}", "default").replace("{name}", "x");
        let [get, head] = [server.get(&path).await, server.request("HEAD", &path, &[], "").await];
        assert_eq!((get.status, head.body.len()), (head.status, 0), "{path}");
        assert_eq!(get.header("content-type"), head.header("content-type"), "{path}");
    }
}

#[tokio::test]
async fn a_document_that_the_client_has_is_not_sent_again() {
    let server = start().await;
    for path in ["/api/v1/openapi.json", "/api/v1/settings", "/api/v1/limits", "/api/v1/waves", "/docs"] {
        let first = server.get(path).await;
        let tag = first.header("etag").unwrap_or_else(|| panic!("{path} has no tag")).to_owned();
        let again = server.request("GET", path, &[("if-none-match", &tag)], "").await;
        assert_eq!((again.status, again.body.len(), again.header("etag")), (304, 0, Some(&*tag)), "{path}");
        let other = server.request("GET", path, &[("if-none-match", "\"other\"")], "").await;
        assert_eq!((other.status, other.text()), (200, first.text()), "{path}");
    }
    let before = server.get("/api/v1/limits").await.header("etag").unwrap().to_owned();
    assert_eq!(server.put("/api/v1/limits", r#"{"max_speed_mm_s":400}"#).await.status, 200);
    let changed = server.request("GET", "/api/v1/limits", &[("if-none-match", &before)], "").await;
    assert_eq!(changed.status, 200, "another document has another tag");
}

#[tokio::test]
async fn a_large_answer_is_compressed_for_those_who_ask() {
    let server = start().await;
    let plain = server.get("/api/v1/openapi.json").await;
    assert_eq!(plain.header("content-encoding"), None);
    let asked =
        server.request("GET", "/api/v1/openapi.json", &[("accept-encoding", "gzip, deflate")], "").await;
    assert_eq!(
        (asked.header("content-encoding"), asked.header("vary")),
        (Some("gzip"), Some("accept-encoding"))
    );
    assert!(asked.body.len() * 4 < plain.body.len(), "{} of {}", asked.body.len(), plain.body.len());
    let mut text = String::new();
    flate2::read::GzDecoder::new(&*asked.body).read_to_string(&mut text).unwrap();
    assert_eq!(text, plain.text());
    // The clients' old contract has its bytes as they were.
    let points = r#"{"type":"sine","duration":60}"#;
    let old = server.request("POST", "/api/wave/get", &[("accept-encoding", "gzip")], points).await;
    assert_eq!((old.status, old.header("content-encoding")), (200, None));
}

#[tokio::test]
async fn a_byte_order_mark_is_skipped_and_utf_16_is_named() {
    let server = start().await;
    let body = r#"{"max_speed_mm_s":400}"#;
    let marked = [b"\xef\xbb\xbf", body.as_bytes()].concat();
    assert_eq!(server.request_from(1, "PUT", "/api/v1/limits", JSON, &marked).await.status, 200);
    let wide: Vec<u8> = [0xFEFF].into_iter().chain(body.encode_utf16()).flat_map(u16::to_le_bytes).collect();
    let refused = server.request_from(1, "PUT", "/api/v1/limits", JSON, &wide).await;
    assert_eq!((refused.status, &refused.json()["code"]), (400, &json!("invalid_json")));
    assert!(refused.json()["detail"].as_str().unwrap().contains("UTF-16"), "{}", refused.text());
}

#[tokio::test]
async fn a_refusal_names_each_field_and_the_request() {
    let server = start().await;
    let wave = r#"{"wave":{"type":"points","duration":"2","points":[0,"x",null],"amplitud":1}}"#;
    let refused = server.request("POST", "/api/v1/machine/run", JSON, wave).await;
    let problem = refused.json();
    assert_eq!((refused.status, refused.header("x-request-id")), (422, problem["request_id"].as_str()));
    let fields: Vec<&str> =
        problem["errors"].as_array().unwrap().iter().filter_map(|error| error["field"].as_str()).collect();
    assert_eq!(fields, ["wave.duration", "wave.points.1", "wave.points.2"], "{problem}");

    server.port.script_replies([Err(CommandRefusal::Faulted(Fault::EStop, SwitchDistance::Unknown))]);
    let faulted = server.request("POST", "/api/v1/machine/calibrate", &[], "").await.json();
    assert_eq!((&faulted["code"], &faulted["remedy"]), (&json!("faulted"), &json!(Fault::EStop.remedy())));
    assert_eq!(faulted["allowed"].as_array().unwrap().last(), Some(&json!("stop")), "{faulted}");

    let ids: Vec<Value> =
        vec![server.get("/api/v1/none").await.json()["request_id"].take(), problem["request_id"].clone()];
    assert_ne!(ids[0], ids[1]);
}

#[tokio::test]
async fn a_guest_reads_the_documentation_and_stops_and_is_told_nothing_else() {
    let server = start().await;
    for path in ["/docs", "/api/v1/openapi.json", "/api/v1/info", "/api/v1/health"] {
        assert_eq!(server.request_from(10, "GET", path, &[], b"").await.status, 200, "{path}");
    }
    let info = server.request_from(10, "GET", "/api/v1/info", &[], b"").await.json();
    assert_eq!(info, json!({ "name": "yep", "version": env!("CARGO_PKG_VERSION"), "id": "", "api": 1 }));
    for path in ["/api/v1/machine", "/metrics", "/api/v1/settings", "/api/v1/backup"] {
        let refused = server.request_from(10, "GET", path, &[], b"").await;
        assert_eq!((refused.status, &refused.json()["code"]), (403, &json!("role")), "{path}");
    }
    let stop = server.request_from(10, "POST", "/api/v1/stop", &[], b"").await;
    assert_eq!((stop.json(), server.port.stop_count()), (json!({ "received": true }), 1));
    let lost = server.request("GET", "/api/v1/info", &[("host", "evil.example")], "").await;
    assert_eq!((lost.status, &lost.json()["code"]), (421, &json!("unknown_host")));
}

#[tokio::test]
async fn the_state_says_what_is_in_force_and_why_not() {
    let server = start().await;
    let run = r#"{"wave":{"type":"sine","duration":2,"lease":"continue"},"after_stop":0}"#;
    assert_eq!(server.request("POST", "/api/v1/machine/run", JSON, run).await.json()["accepted"], "now");
    let running = Snapshot { ends_ns: Some(9_000_000_000), ..snapshot(State::Running) };
    server.port.set_snapshot(running);
    let state = server.get("/api/v1/machine").await.json();
    assert_eq!(state["in_force"]["wave"]["fields"]["duration"], 2);
    assert_eq!(state["in_force"]["ends"], json!({ "what": "wave", "in_s": 7.0 }));
    let reasons: Vec<(&str, &str)> = state["refused"]
        .as_array()
        .unwrap()
        .iter()
        .map(|refused| (refused["command"].as_str().unwrap(), refused["code"].as_str().unwrap()))
        .collect();
    let expected = [("nudge", "moving"), ("acknowledge", "already"), ("arm", "already")];
    assert_eq!(reasons, expected, "{state}");
    let fault = Fault::EStop;
    let faulted = Snapshot { fault: Some(fault), why: Why::Fault(fault), ..snapshot(State::Faulted) };
    server.port.set_snapshot(faulted);
    let state = server.get("/api/v1/machine").await.json();
    assert_eq!((&state["fault"]["code"], &state["in_force"]["wave"]), (&json!("e_stop"), &Value::Null));
    assert_eq!(state["allowed"], json!(["calibrate", "acknowledge", "stop"]));
}

#[tokio::test]
async fn the_figures_are_those_of_the_machine() {
    let server = start().await;
    server.get("/api/v1/none").await;
    let mut moving = snapshot(State::Running);
    moving.stops = 3;
    moving.lateness.steps = [5, 4, 0, 0, 0, 0, 0, 1];
    server.port.set_snapshot(moving);
    let page = server.get("/metrics").await;
    assert_eq!(page.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    for line in [
        "yep_state{state=\"running\"} 1",
        "yep_state{state=\"ready\"} 0",
        "yep_stops_total 3",
        "yep_step_lateness_seconds_bucket{le=\"0.000001024\"} 5",
        "yep_step_lateness_seconds_bucket{le=\"0.000004096\"} 9",
        "yep_step_lateness_seconds_bucket{le=\"+Inf\"} 10",
        "yep_refused_requests_total{code=\"unknown_path\"} 1",
        "yep_sessions_total 0",
    ] {
        assert!(page.text().lines().any(|said| said == line), "{line}:\n{}", page.text());
    }
    // Each sample belongs to a family that was announced.
    let mut families: Vec<&str> = Vec::new();
    for line in page.text().lines() {
        if let Some(family) = line.strip_prefix("# TYPE ") {
            families.push(family.split(' ').next().unwrap());
        } else if !line.starts_with('#') {
            let name = line.split(['{', ' ']).next().unwrap();
            assert!(families.iter().any(|family| name.starts_with(family)), "{line}");
            assert!(line.rsplit(' ').next().unwrap().parse::<f64>().is_ok(), "{line}");
        }
    }
}

#[tokio::test]
async fn a_value_out_of_range_is_told_the_range() {
    let server = start().await;
    for (path, body, field, min, max) in [
        ("/api/v1/settings", r#"{"force_limit_g":0}"#, "force_limit_g", 1.0, 100_000.0),
        ("/api/v1/limits", r#"{"max_speed_mm_s":0.5}"#, "max_speed_mm_s", 1.0, 2_000.0),
    ] {
        let problem = server.put(path, body).await.json();
        let error = &problem["errors"][0];
        assert_eq!((&error["field"], &error["code"]), (&json!(field), &json!("out_of_range")), "{problem}");
        assert_eq!((error["min"].as_f64(), error["max"].as_f64()), (Some(min), Some(max)), "{problem}");
    }
    let wave = r#"{"wave":{"type":"sine","duration":0.001}}"#;
    let problem = server.request("POST", "/api/v1/machine/run", JSON, wave).await.json();
    assert_eq!(problem["errors"][0]["field"], "wave.duration", "{problem}");
    assert_eq!(problem["errors"][0]["min"], 0.05, "{problem}");
}
