//! Updates over HTTP, with a stand-in for the helper that owns the card: handed on while they come, with the axis locked; refused,
//! cancelled, and started.

#[path = "support/random.rs"]
mod random;
#[path = "support/api.rs"]
mod support;
#[path = "support/update_helper.rs"]
mod update_helper;

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use support::{HttpAnswer, PATIENCE, Server, Setup, ask, bearer, by, code, snapshot};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use update_helper::{Helper, update_file};
use yep::api::ServerLimits;
use yep::api::port::MachineLocation;
use yep::machine::{Snapshot, State};

const ROUTE: &str = "/api/v1/update";
const ADMIN: u32 = 3;

struct Bench {
    server: Arc<Server>,
    helper: Helper,
}

async fn bench() -> Bench {
    bench_with(ServerLimits::default()).await
}

async fn bench_with(limits: ServerLimits) -> Bench {
    let helper = Helper::start();
    let mut setup = Setup::new(MachineLocation::Local).with_devices();
    setup.update_socket = Some(helper.socket.clone());
    setup.limits = limits;
    Bench { server: Arc::new(setup.start().await), helper }
}

async fn send_to(server: &Server, number: u32, query: &str, file: &[u8]) -> HttpAnswer {
    let bearer = bearer(number);
    let headers = [
        ("host", "yep.local"),
        ("authorization", bearer.as_str()),
        ("content-type", "application/octet-stream"),
    ];
    server.request_from(10, "POST", &format!("{ROUTE}{query}"), &headers, file).await
}

impl Bench {
    async fn send(&self, query: &str, file: &[u8]) -> HttpAnswer {
        send_to(&self.server, ADMIN, query, file).await
    }

    /// The same in a task of its own.
    fn begin(&self, file: Vec<u8>) -> JoinHandle<HttpAnswer> {
        let server = Arc::clone(&self.server);
        tokio::spawn(async move { send_to(&server, ADMIN, "", &file).await })
    }

    async fn view(&self) -> Value {
        let answer = by(&self.server, ADMIN, "GET", ROUTE, Value::Null).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()
    }

    /// Waits until that is true of the document.
    async fn until(&self, is_so: impl Fn(&Value) -> bool) -> Value {
        timeout(PATIENCE, async {
            loop {
                let view = self.view().await;
                if is_so(&view) {
                    return view;
                }
                sleep(Duration::from_millis(10)).await;
            }
        })
        .await
        .expect("it does not come to that")
    }

    /// An update of which the helper has verified the description, and takes nothing more until it is let.
    async fn held(&self, content: &[u8]) -> JoinHandle<HttpAnswer> {
        self.helper.hold(true);
        let sending = self.begin(update_file("0.2.0 (new)", content, json!({})));
        self.until(|view| view["under_way"]["offered"].is_object()).await;
        sending
    }

    async fn is_locked(&self) -> bool {
        let machine = self.server.get("/api/v1/machine").await.json();
        let refused = machine["refused"].as_array().unwrap();
        let calibrate = refused.iter().find(|refused| refused["command"] == "calibrate");
        let is_locked = calibrate.is_some_and(|refused| refused["code"] == "updating");
        assert_ne!(machine["allowed"].as_array().unwrap().contains(&json!("calibrate")), is_locked);
        is_locked
    }

    async fn broken_off(&self, count: usize) {
        let broken = async {
            while self.helper.seen().broken_off != count {
                sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(PATIENCE, broken).await.expect("the helper still waits for the file");
    }
}

fn refused(answer: &HttpAnswer) -> (u16, String) {
    let said = (answer.status, code(answer));
    if answer.status >= 400 {
        let problem = answer.json();
        assert!(problem["remedy"].as_str().unwrap().len() > 10, "{problem}");
    }
    said
}

#[tokio::test]
async fn an_update_is_handed_on_byte_for_byte_and_waits_for_a_try() {
    let bench = bench().await;
    let before = bench.view().await;
    assert_eq!(before["systems"]["title"], "0.1.0 (here)");
    assert_eq!(
        (&before["systems"]["spare"], &before["systems"]["trial"]),
        (&json!("0.0.9 (old)"), &Value::Null)
    );
    assert_eq!(
        (&before["under_way"], &before["last"], &before["restarting"]),
        (&Value::Null, &Value::Null, &json!(false))
    );

    let mut random = random::from_env();
    for round in 0..12_u32 {
        let length = if round == 0 { 0 } else { random.index(400_000) };
        let content: Vec<u8> = (0..length).map(|_| random.number() as u8).collect();
        let answer = bench.send("", &update_file(&format!("0.2.{round} (new)"), &content, json!({}))).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert!(bench.helper.seen().taken.last() == Some(&content), "of {length} bytes others came");
        let view = answer.json();
        let title = json!(format!("0.2.{round} (new)"));
        assert_eq!((&view["under_way"], &view["last"]["refusal"]), (&Value::Null, &Value::Null));
        assert_eq!(
            (&view["last"]["offered"]["title"], &view["last"]["offered"]["signer"]),
            (&title, &json!("tests"))
        );
        assert_eq!(
            (&view["last"]["done_bytes"], &view["last"]["all_bytes"]),
            (&json!(length), &json!(length))
        );
        assert_eq!(
            (&view["systems"]["trial"]["title"], &view["systems"]["trial"]["tries_left"]),
            (&title, &json!(3))
        );
        assert!(!bench.is_locked().await);
    }
    let request = json!({ "act": "take", "allow_older": false, "check": false });
    assert_eq!(bench.helper.seen().requests, vec![request; 12]);
    assert_eq!(bench.helper.seen().crowded, 0);
}

#[tokio::test]
async fn a_large_file_is_never_held_and_its_progress_is_told() {
    let bench = bench().await;
    let content = vec![7; 40 * 1024 * 1024];
    let sending = bench.held(&content).await;
    // What fits into sockets and buffers has come, and then the sender waits.
    sleep(Duration::from_millis(500)).await;
    let stalled = bench.view().await["under_way"].clone();
    assert!(stalled["received_bytes"].as_u64().unwrap() < 2 * 1024 * 1024, "{stalled}");
    assert!(stalled["file_bytes"].as_u64().unwrap() > content.len() as u64);
    assert_eq!((&stalled["step"], &stalled["check"]), (&json!("check"), &json!(false)));
    sleep(Duration::from_millis(100)).await;
    assert_eq!(bench.view().await["under_way"], stalled, "it still comes");

    bench.helper.hold(false);
    let writing =
        bench.until(|view| view["under_way"]["done_bytes"].as_u64() > Some(0)).await["under_way"].clone();
    assert_eq!(writing["all_bytes"].as_u64(), Some(content.len() as u64));
    let answer = sending.await.unwrap();
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert!(bench.helper.seen().taken == [content]);
}

#[tokio::test]
async fn nothing_starts_a_motion_meanwhile_and_stop_works() {
    let bench = bench().await;
    assert!(!bench.is_locked().await);
    let sending = bench.held(&[1; 100_000]).await;
    assert!(bench.is_locked().await);
    let wave = json!({ "wave": { "type": "sine", "duration": 5, "lease": "continue" } });
    let nudge = json!({ "toward": "front", "travel": "short" });
    for (path, body) in [
        ("machine/calibrate", Value::Null),
        ("machine/arm", Value::Null),
        ("machine/run", wave),
        ("commissioning/nudge", nudge),
    ] {
        let answer = by(&bench.server, ADMIN, "POST", &format!("/api/v1/{path}"), body).await;
        let said = refused(&answer);
        assert_eq!(said, (409, "updating".into()), "{path}: {}", answer.text());
    }
    let pattern = bench.server.get("/api/v1/patterns").await.json()["patterns"][0]["name"].clone();
    let run = json!({ "pattern": pattern });
    let answer = by(&bench.server, ADMIN, "POST", "/api/v1/patterns/run", run).await;
    assert_eq!(refused(&answer), (409, "updating".into()), "{}", answer.text());
    let mut socket = bench.server.upgrade_from(1, "/api/v1/socket", &[]).await.unwrap();
    for kind in ["calibrate", "arm"] {
        let reply = ask(&mut socket, json!({ "type": kind, "id": 1 })).await;
        assert_eq!(reply["problem"]["code"], "updating", "{reply}");
    }
    // The clients' old contract.
    let old = bench.server.post("/api/commands/run", r#"{"type": "calibrate"}"#).await;
    assert_eq!((old.status, &old.json()["code"]), (409, &json!("updating")), "{}", old.text());
    assert!(bench.server.port.commands().is_empty(), "something reached the machine");

    let stopped = by(&bench.server, 1, "POST", "/api/v1/stop", Value::Null).await;
    assert_eq!((stopped.status, bench.server.port.stop_count()), (200, 1));
    bench.helper.hold(false);
    assert_eq!(sending.await.unwrap().status, 200, "STOP does not end an update");
    let armed = by(&bench.server, ADMIN, "POST", "/api/v1/machine/arm", Value::Null).await;
    assert_eq!(armed.status, 200, "{}", armed.text());
    assert_eq!(bench.server.port.command_count(), 1);
}

#[tokio::test]
async fn a_start_that_the_machine_decides_while_the_axis_is_locked_is_taken_back() {
    let bench = bench().await;
    bench.server.port.hold_replies(true);
    let server = Arc::clone(&bench.server);
    let starting =
        tokio::spawn(
            async move { by(&server, ADMIN, "POST", "/api/v1/machine/calibrate", Value::Null).await },
        );
    while bench.server.port.command_count() == 0 {
        sleep(Duration::from_millis(5)).await;
    }
    let sending = bench.held(&[1; 100_000]).await;
    bench.server.port.hold_replies(false);
    assert_eq!(refused(&starting.await.unwrap()), (409, "updating".into()));
    assert_eq!(bench.server.port.stop_count(), 1);
    bench.helper.hold(false);
    assert_eq!(sending.await.unwrap().status, 200);
}

#[tokio::test]
async fn an_axis_that_moves_takes_none_and_one_that_begins_to_move_ends_it() {
    let bench = bench().await;
    let moving = Snapshot { velocity_mm_s: 3.0, ..snapshot(State::Running) };
    for state in [moving, Snapshot { velocity_mm_s: 0.1, ..snapshot(State::Ready) }] {
        bench.server.port.set_snapshot(state);
        let file = update_file("0.2.0 (new)", &[1; 1000], json!({}));
        assert_eq!(refused(&bench.send("", &file).await), (409, "moving".into()));
        for path in ["restart", "back"] {
            let answer = by(&bench.server, ADMIN, "POST", &format!("{ROUTE}/{path}"), Value::Null).await;
            assert_eq!(refused(&answer), (409, "moving".into()));
        }
        // To look into a file needs no rest.
        assert_eq!(bench.send("?check=true", &file).await.status, 200);
        assert!(!bench.is_locked().await, "a refusal leaves no lock");
    }
    for state in [State::NotHomed, State::Disarmed, State::Faulted, State::Ready] {
        bench.server.port.set_snapshot(snapshot(state));
        let answer = bench.send("", &update_file("0.2.0 (new)", &[1; 1000], json!({}))).await;
        assert_eq!(answer.status, 200, "{state:?}: {}", answer.text());
    }
    let sending = bench.held(&[1; 4_000_000]).await;
    bench.server.port.set_snapshot(moving);
    sleep(Duration::from_millis(100)).await;
    bench.helper.hold(false);
    assert_eq!(refused(&sending.await.unwrap()), (409, "moving".into()));
    bench.broken_off(1).await;
    assert_eq!(bench.view().await["last"]["refusal"]["code"], "moving");
    assert!(!bench.is_locked().await);
}

#[tokio::test]
async fn the_reasons_of_the_helper_are_handed_on() {
    let bench = bench().await;
    let large = vec![1; 6_000_000];
    for (said, status, expected) in [
        ("no_update", 422, "no_update"),
        ("newer_form", 422, "newer_form"),
        ("wrong_signature", 422, "wrong_signature"),
        ("development_key", 422, "development_key"),
        ("damaged", 422, "damaged"),
        ("truncated", 422, "truncated"),
        ("other_machine", 422, "other_machine"),
        ("other_layout", 422, "other_layout"),
        ("older", 409, "older"),
        ("not_now", 409, "not_now"),
        ("cancelled", 409, "not_now"),
        ("busy", 409, "updating"),
        ("slot", 503, "slot"),
        ("card", 503, "update_failed"),
        ("of_a_newer_helper", 503, "update_failed"),
    ] {
        for (when, content) in [("refuse", &large[..]), ("fail", &large[..50_000])] {
            let answer = bench.send("", &update_file("0.2.0 (new)", content, json!({ when: said }))).await;
            assert_eq!(refused(&answer), (status, expected.into()), "{said}");
            let detail = answer.json()["detail"].as_str().unwrap().to_owned();
            assert!(detail.starts_with(&format!("it is {said}")), "{detail}");
            let last = bench.view().await["last"].clone();
            assert_eq!(
                (&last["refusal"]["code"], &last["refusal"]["detail"]),
                (&json!(expected), &json!(detail))
            );
            assert_eq!(last["offered"].is_object(), when == "fail");
        }
    }
    let silent = bench.send("", &update_file("0.2.0 (new)", &[1; 10], json!({ "fail": "silently" }))).await;
    assert_eq!(refused(&silent), (503, "update_failed".into()));
    assert!(!bench.is_locked().await);
    assert_eq!(bench.helper.seen().crowded, 0);

    let older = update_file("0.0.1 (old)", &[1; 10], json!({ "older": true }));
    assert_eq!(refused(&bench.send("", &older).await), (409, "older".into()));
    assert_eq!(refused(&bench.send("?allow_older=no", &older).await), (409, "older".into()));
    assert_eq!(bench.send("?allow_older=perhaps", &older).await.status, 422);
    assert_eq!(bench.send("?allow_older=true", &older).await.status, 200);
}

#[tokio::test]
async fn a_check_writes_nothing_and_locks_nothing() {
    let bench = bench().await;
    let file = update_file("0.2.0 (new)", &[1; 8_000_000], json!({}));
    let answer = bench.send("?check=true", &file).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let last = answer.json()["last"].clone();
    assert_eq!((&last["check"], &last["offered"]["title"]), (&json!(true), &json!("0.2.0 (new)")));
    assert_eq!((&last["offered"]["store_layout"], &last["refusal"]), (&json!(5), &Value::Null));
    assert!(bench.helper.seen().taken.is_empty());
    assert_eq!(answer.json()["systems"]["spare"], "0.0.9 (old)");
    // The beginning of the file is enough.
    assert_eq!(bench.send("?check", &file[..1000]).await.status, 200);
    let foreign = update_file("0.2.0 (new)", &[1; 8_000_000], json!({ "refuse": "wrong_signature" }));
    assert_eq!(refused(&bench.send("?check=true", &foreign).await), (422, "wrong_signature".into()));
}

#[tokio::test]
async fn it_is_cancelled_and_there_is_one_at_a_time() {
    let bench = bench().await;
    let none = by(&bench.server, ADMIN, "DELETE", ROUTE, Value::Null).await;
    assert_eq!(refused(&none), (409, "already".into()));
    let sending = bench.held(&[1; 4_000_000]).await;
    let second = bench.send("", &update_file("0.3.0 (other)", &[2; 10], json!({}))).await;
    assert_eq!(refused(&second), (409, "updating".into()));
    let check = bench.send("?check=true", &update_file("0.3.0 (other)", &[2; 10], json!({}))).await;
    assert_eq!(refused(&check), (409, "updating".into()));
    for path in ["restart", "back"] {
        let answer = by(&bench.server, ADMIN, "POST", &format!("{ROUTE}/{path}"), Value::Null).await;
        assert_eq!(refused(&answer), (409, "updating".into()));
    }
    assert_eq!(bench.view().await["under_way"]["offered"]["title"], "0.2.0 (new)", "the first one goes on");

    let server = Arc::clone(&bench.server);
    let cancelling = tokio::spawn(async move { by(&server, ADMIN, "DELETE", ROUTE, Value::Null).await });
    sleep(Duration::from_millis(100)).await;
    assert!(bench.is_locked().await && !cancelling.is_finished(), "the helper has not ended yet");
    bench.helper.hold(false);
    let cancelled = cancelling.await.unwrap();
    assert_eq!(cancelled.status, 200, "{}", cancelled.text());
    let view = cancelled.json();
    assert_eq!((&view["under_way"], &view["last"]["refusal"]["code"]), (&Value::Null, &json!("cancelled")));
    assert_eq!(refused(&sending.await.unwrap()), (409, "cancelled".into()));
    bench.broken_off(1).await;
    assert!(!bench.is_locked().await);
    // The next one is taken, all of it.
    let content = vec![3; 300_000];
    assert_eq!(bench.send("", &update_file("0.4.0 (next)", &content, json!({}))).await.status, 200);
    assert!(bench.helper.seen().taken == [content]);
    assert_eq!(bench.helper.seen().crowded, 0);
}

/// Begins to send a file by hand.
async fn by_hand(bench: &Bench, length: usize, begin: &[u8]) -> TcpStream {
    let mut stream = bench.server.connect_from(10).await;
    let head = format!(
        "POST {ROUTE} HTTP/1.1\r\nhost: yep.local\r\nauthorization: {}\r\ncontent-type: application/octet-stream\r\n\
         content-length: {length}\r\n\r\n",
        bearer(ADMIN)
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(begin).await.unwrap();
    stream
}

#[tokio::test]
async fn a_sender_that_goes_or_stalls_leaves_no_lock() {
    let limits = ServerLimits { body_time: Duration::from_millis(300), ..ServerLimits::default() };
    let bench = bench_with(limits).await;
    let file = update_file("0.2.0 (new)", &[1; 100_000], json!({}));
    let stream = by_hand(&bench, file.len(), &file[..50_000]).await;
    bench.until(|view| view["under_way"]["done_bytes"].as_u64() > Some(0)).await;
    assert!(bench.is_locked().await);
    drop(stream);
    let view = bench.until(|view| view["under_way"].is_null()).await;
    assert_eq!(view["last"]["refusal"]["code"], "truncated");
    bench.broken_off(1).await;
    assert!(!bench.is_locked().await);

    let _stream = by_hand(&bench, file.len(), &file[..50_000]).await;
    bench.until(|view| view["under_way"].is_object()).await;
    let view = bench.until(|view| view["under_way"].is_null()).await;
    assert_eq!(view["last"]["refusal"]["code"], "body_timeout");
    bench.broken_off(2).await;
    assert!(!bench.is_locked().await);

    // Who has sent all of it may go: it is written to its end.
    bench.helper.hold(true);
    let stream = by_hand(&bench, file.len(), &file).await;
    bench.until(|view| view["under_way"]["received_bytes"] == json!(file.len())).await;
    drop(stream);
    bench.helper.hold(false);
    let view = bench.until(|view| view["under_way"].is_null()).await;
    assert_eq!((&view["last"]["refusal"], bench.helper.seen().taken.len()), (&Value::Null, 1), "{view}");
}

#[tokio::test]
async fn a_file_that_is_too_large_is_refused() {
    let limits = ServerLimits { update_body_bytes: 100_000, ..ServerLimits::default() };
    let bench = bench_with(limits).await;
    let file = update_file("0.2.0 (new)", &[1; 200_000], json!({}));
    assert_eq!(refused(&bench.send("", &file).await), (413, "body_too_large".into()));
    let fits = update_file("0.2.0 (new)", &[1; 90_000], json!({}));
    assert_eq!(bench.send("", &fits).await.status, 200);
}

#[tokio::test]
async fn the_computer_is_asked_to_start_the_other_system_and_nothing_moves_from_then_on() {
    for (path, act) in [("restart", "try"), ("back", "back")] {
        let bench = bench().await;
        if act == "try" {
            let none = by(&bench.server, ADMIN, "POST", &format!("{ROUTE}/{path}"), Value::Null).await;
            assert_eq!(refused(&none), (409, "nothing_to_try".into()));
            assert!(!bench.is_locked().await);
            let content = update_file("0.2.0 (new)", &[1; 1000], json!({}));
            assert_eq!(bench.send("", &content).await.status, 200);
        }
        let answer = by(&bench.server, ADMIN, "POST", &format!("{ROUTE}/{path}"), Value::Null).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(answer.json()["restarting"], true);
        assert_eq!(bench.helper.seen().requests.last(), Some(&json!({ "act": act })));
        assert!(bench.is_locked().await);
        let another = bench.send("", &update_file("0.3.0 (other)", &[1; 10], json!({}))).await;
        assert_eq!(refused(&another), (409, "updating".into()));
    }
}

#[tokio::test]
async fn without_a_helper_the_reason_is_told_and_nothing_is_locked() {
    let bench = bench().await;
    bench.helper.remove();
    let none = Arc::new(Setup::new(MachineLocation::Local).with_devices().start().await);
    for server in [&bench.server, &none] {
        for (method, path) in [("GET", ""), ("POST", "/restart"), ("POST", "/back")] {
            let answer = by(server, ADMIN, method, &format!("{ROUTE}{path}"), Value::Null).await;
            assert_eq!(refused(&answer), (409, "no_slots".into()), "{method} {path}");
            assert!(answer.json()["remedy"].as_str().unwrap().contains("INSTALL.md"));
        }
        let answer =
            send_to(server, ADMIN, "", &update_file("0.2.0 (new)", &[1; 3_000_000], json!({}))).await;
        assert_eq!(refused(&answer), (409, "no_slots".into()));
        let calibrated = by(server, ADMIN, "POST", "/api/v1/machine/calibrate", Value::Null).await;
        assert_eq!(calibrated.status, 200);
    }
}

#[tokio::test]
async fn only_an_admin_updates_and_no_form_of_a_foreign_page_does() {
    let bench = bench().await;
    let file = update_file("0.2.0 (new)", &[1; 1000], json!({}));
    for number in [1, 2] {
        assert_eq!(refused(&send_to(&bench.server, number, "", &file).await), (403, "role".into()));
        for (method, path) in [("GET", ""), ("DELETE", ""), ("POST", "/restart"), ("POST", "/back")] {
            let answer = by(&bench.server, number, method, &format!("{ROUTE}{path}"), Value::Null).await;
            assert_eq!(refused(&answer), (403, "role".into()), "{method} {path}");
        }
    }
    for kind in ["text/plain", "multipart/form-data; boundary=x", "application/x-www-form-urlencoded", ""] {
        let answer = bench.server.request_from(1, "POST", ROUTE, &[("content-type", kind)], &file).await;
        assert_eq!(refused(&answer), (415, "wrong_content_type".into()), "{kind}");
    }
    assert!(bench.helper.seen().requests.is_empty());
    let declared = [("content-type", "Application/Octet-Stream")];
    assert_eq!(bench.server.request_from(1, "POST", ROUTE, &declared, &file).await.status, 200);
}
