//! The list of devices: what an admin changes, and what follows from it at once.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use crate::support::{Client, Server, bearer, by, code};
use crate::{not_homed, paired, post};

async fn socket(server: &Server, number: u32, path: &str) -> Client {
    let bearer = bearer(number);
    server.upgrade_from(10, path, &[("host", "yep.local"), ("authorization", &bearer)]).await.unwrap()
}

/// The close code with which a socket ends.
async fn close_code(client: &mut Client) -> u16 {
    loop {
        if let Message::Close(frame) = client.frame().await {
            return frame.unwrap().code.into();
        }
    }
}

#[tokio::test]
async fn a_revoked_device_loses_its_sockets_within_a_second_and_its_token() {
    let server = paired().await;
    for path in ["/api/v1/socket", "/api/stream/status"] {
        let mut client = socket(&server, 2, path).await;
        let mut other = socket(&server, 1, path).await;
        let begun = Instant::now();
        let answer = by(&server, 3, "PUT", "/api/v1/devices/2", json!({ "role": "observer" })).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(close_code(&mut client).await, 4401, "{path}: another role");
        assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
        by(&server, 3, "PUT", "/api/v1/devices/2", json!({ "role": "operator" })).await;
        other.send(r#"{"type":"hello","id":1}"#).await;
    }
    let mut client = socket(&server, 2, "/api/v1/socket").await;
    let mut observer = socket(&server, 1, "/api/v1/socket").await;
    assert_eq!(by(&server, 3, "DELETE", "/api/v1/devices/2", Value::Null).await.status, 200);
    assert_eq!(close_code(&mut client).await, 4401);
    // Everybody who may look hears of it.
    loop {
        let said: Value = serde_json::from_str(&observer.text().await).unwrap();
        if said["type"] == "event" && said["code"] == "revoked" {
            assert_eq!(said["text"], "operator was taken off the list");
            break;
        }
    }
    let refused = by(&server, 2, "GET", "/api/v1/machine", Value::Null).await;
    assert_eq!((refused.status, code(&refused)), (401, "bad_token".to_owned()));
    let me = by(&server, 2, "GET", "/api/v1/me", Value::Null).await.json();
    assert_eq!((&me["role"], &me["wrong_token"]), (&json!("guest"), &json!(true)));
    assert_eq!(by(&server, 2, "POST", "/api/v1/stop", Value::Null).await.status, 200);
    assert_eq!(server.port.stop_count(), 1);
    let next = server.post("/api/v1/devices", "").await;
    assert_eq!(next.status, 422);
    let made = server
        .request(
            "POST",
            "/api/v1/devices",
            &[("content-type", "application/json")],
            r#"{"name":"x","role":"observer"}"#,
        )
        .await
        .json();
    assert_eq!(made["number"], 4, "no number is given twice");
}

#[tokio::test]
async fn a_browser_that_is_used_keeps_its_cookie_and_no_cache_keeps_an_answer() {
    let server = paired().await;
    let cookie = format!("yep_token_80={}", crate::support::token(2).text());
    let headers = [("host", "yep.local"), ("cookie", cookie.as_str())];
    let me = server.request_from(10, "GET", "/api/v1/me", &headers, b"").await;
    assert_eq!(crate::cookie(&me), cookie);
    assert_eq!(me.header("cache-control"), Some("no-store"));
    assert_eq!(
        by(&server, 2, "GET", "/api/v1/me", Value::Null).await.header("set-cookie"),
        None,
        "a program"
    );
    assert_eq!(server.get("/api/v1/limits").await.header("cache-control"), Some("no-cache"));
}

#[tokio::test]
async fn only_at_the_machine_a_token_is_made_and_it_is_shown_once() {
    let server = paired().await;
    let body = json!({ "name": "home automation", "role": "observer" });
    let refused = by(&server, 3, "POST", "/api/v1/devices", body.clone()).await;
    assert_eq!((refused.status, code(&refused)), (403, "role".to_owned()), "an admin from afar");
    let headers = [("content-type", "application/json")];
    let made = server.request("POST", "/api/v1/devices", &headers, &body.to_string()).await.json();
    let token = made["token"].as_str().unwrap();
    let bearer = format!("Bearer {token}");
    let headers = [("authorization", bearer.as_str())];
    assert_eq!(server.request_from(10, "GET", "/api/v1/machine", &headers, b"").await.status, 200);
    assert_eq!(server.request_from(10, "POST", "/api/v1/lease", &headers, b"").await.status, 403);
    for path in ["/api/v1/devices", "/api/v1/audit", "/api/v1/backup", "/api/v1/state", "/api/v1/me"] {
        let text = server.get(path).await.text().to_owned();
        let hash = format!("{:?}", yep::auth::Token::parse(token.as_bytes()).unwrap().hash());
        assert!(!text.contains(token) && !text.contains(&hash), "{path}");
        assert!(path != "/api/v1/backup" || !text.contains("home automation"), "{path}");
    }
}

#[tokio::test]
async fn names_and_roles_are_changed_and_the_last_admin_stays() {
    let server = paired().await;
    let renamed = by(&server, 3, "PUT", "/api/v1/devices/1", json!({ "name": " blue phone " })).await.json();
    assert_eq!(renamed["devices"][0]["name"], "blue phone");
    for (method, body) in [("PUT", json!({ "role": "operator" })), ("DELETE", Value::Null)] {
        let refused = by(&server, 3, method, "/api/v1/devices/3", body).await;
        assert_eq!((refused.status, code(&refused)), (409, "last_admin".to_owned()));
    }
    assert_eq!(code(&by(&server, 3, "DELETE", "/api/v1/devices/99", Value::Null).await), "unknown_device");
    assert_eq!(code(&by(&server, 3, "DELETE", "/api/v1/devices/x", Value::Null).await), "unknown_device");
    assert_eq!(
        code(&by(&server, 3, "PUT", "/api/v1/devices/1", json!({ "role": "king" })).await),
        "invalid_fields"
    );
    // At the machine there is always a way in.
    assert_eq!(server.request("DELETE", "/api/v1/devices/3", &[], "").await.status, 200);
    let audit = server.get("/api/v1/audit").await.json();
    let acts: Vec<_> = audit["events"].as_array().unwrap().iter().map(|e| e["what"].clone()).collect();
    assert_eq!(acts, ["renamed", "revoked"], "{audit}");
}

#[tokio::test]
async fn a_list_that_cannot_be_written_down_is_not_changed() {
    let server = paired().await;
    server.store.broken.store(true, std::sync::atomic::Ordering::SeqCst);
    let refused = by(&server, 3, "DELETE", "/api/v1/devices/2", Value::Null).await;
    assert_eq!((refused.status, code(&refused)), (503, "not_stored".to_owned()));
    assert_eq!(by(&server, 2, "GET", "/api/v1/machine", Value::Null).await.status, 200);
}

#[tokio::test]
async fn an_operator_narrows_an_admin_widens_inside_the_envelope_and_presence_goes_beyond() {
    let server = paired().await;
    let limits = "/api/v1/limits";
    let speed = |mm_s: f64| json!({ "max_speed_mm_s": mm_s });
    let most = server.get(limits).await.json()["asked"]["max_speed_mm_s"].as_f64().unwrap();
    assert_eq!(by(&server, 1, "PUT", limits, speed(most / 2.0)).await.status, 403, "an observer");
    assert_eq!(by(&server, 2, "PUT", limits, speed(most / 2.0)).await.status, 200);
    let wider = by(&server, 2, "PUT", limits, speed(most)).await;
    assert_eq!((wider.status, code(&wider)), (403, "only_narrower".to_owned()));
    assert_eq!(by(&server, 3, "PUT", limits, speed(most)).await.status, 200);
    let beyond = by(&server, 3, "PUT", limits, speed(most * 1.2)).await;
    assert_eq!((beyond.status, code(&beyond)), (403, "beyond_envelope".to_owned()));

    // By the switches, whoever asks for it with an admin's device.
    server.port.set_snapshot(not_homed(false, false));
    let body = json!({ "name": "x", "purpose": "presence" });
    assert_eq!(by(&server, 2, "POST", "/api/v1/pairing/requests", body.clone()).await.status, 403);
    let open = by(&server, 3, "POST", "/api/v1/pairing/requests", body).await.json();
    tokio::time::sleep(Duration::from_millis(30)).await;
    for switch in open["ask"].as_array().unwrap() {
        for inputs in [not_homed(switch == "front", switch == "back"), not_homed(false, false)] {
            server.port.set_snapshot(inputs);
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
    }
    let path = format!("/api/v1/pairing/requests/{}", open["id"]);
    let done = post(&server, 10, &path, json!({ "secret": open["secret"] })).await.json();
    assert_eq!(done["status"], "present", "{done}");
    assert_eq!(by(&server, 3, "GET", "/api/v1/me", Value::Null).await.json()["is_present"], true);
    let widened = by(&server, 3, "PUT", limits, speed(most * 1.2)).await;
    assert_eq!(widened.status, 200, "{}", widened.text());
}

#[tokio::test]
async fn a_yep_machine_gives_the_steps_that_it_measured_and_changes_nothing_else() {
    let mut setup = crate::Setup::new(yep::api::port::MachineLocation::Remote);
    setup.rules.remote_machine = Some("192.168.1.60".parse().unwrap());
    let server = setup.start().await;
    let put = async |body: &str| {
        server.request_from(60, "PUT", "/api/settings/any/default", &[], body.as_bytes()).await.status
    };
    assert_eq!(put(r#"{"max_steps": 1450}"#).await, 200);
    assert_eq!(put(r#"{"max_steps": 1450, "force_limit": 90000}"#).await, 403);
    assert_eq!(put(r#"{"force_limit": 90000}"#).await, 403);
}
