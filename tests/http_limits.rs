//! Limits of the HTTP server over real connections: floods, slow clients (slowloris) and large bodies; STOP is answered
//! during all of them.

#[path = "support/api.rs"]
mod support;

use std::sync::atomic::Ordering::SeqCst;
use std::time::{Duration, Instant};

use proptest::prelude::*;
use proptest::test_runner::{Config, FileFailurePersistence, RngAlgorithm, TestRng, TestRunner};
use serde_json::{Value, json};
use support::{PATIENCE, Server, Setup};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use yep::api::ServerLimits;
use yep::api::port::MachineLocation;
use yep::api::routes::ROUTES;

const ORIGIN: &str = "http://localhost:3042";

async fn start(change: fn(&mut ServerLimits)) -> Server {
    let mut setup = Setup::new(MachineLocation::Local);
    change(&mut setup.limits);
    setup.start().await
}

/// Reads until the server closes.
async fn rest(client: &mut TcpStream) -> String {
    let mut heard = Vec::new();
    // A reset after the last byte is an end as well.
    let _ = timeout(PATIENCE, client.read_to_end(&mut heard)).await.expect("the connection stays open");
    String::from_utf8_lossy(&heard).into_owned()
}

/// Status of the server's answer on this connection, which it then keeps.
async fn answers(client: &mut TcpStream, request: &str) -> Option<u16> {
    client.write_all(request.as_bytes()).await.ok()?;
    let mut heard = [0; 1024];
    let count = timeout(PATIENCE, client.read(&mut heard)).await.expect("no answer").ok()?;
    std::str::from_utf8(&heard[..count]).ok()?.split(' ').nth(1)?.parse().ok()
}

const HEALTH: &str = "GET /api/health HTTP/1.1\r\nHost: localhost\r\n\r\n";
const STOP: &str = "POST /api/stop HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n";

#[tokio::test]
async fn a_header_that_is_too_large_gets_431() {
    let server = start(|_| {}).await;
    let fits = "x".repeat(15 * 1024);
    assert_eq!(server.request("GET", "/api/health", &[("x", &fits)], "").await.status, 200);
    let mut client = server.connect_from(1).await;
    let head = format!("GET /api/health HTTP/1.1\r\nHost: localhost\r\nX: {}\r\n\r\n", "x".repeat(16 * 1024));
    client.write_all(head.as_bytes()).await.unwrap();
    assert!(rest(&mut client).await.starts_with("HTTP/1.1 431 "));
}

#[tokio::test]
async fn a_body_that_is_too_large_gets_413_with_and_without_a_length() {
    let server = start(|_| {}).await;
    let body = |bytes: usize| format!(r#"{{"type":"{}"}}"#, "x".repeat(bytes - 11));
    let fits = server.post("/api/commands/run", &body(16 * 1024)).await;
    assert_eq!(fits.status, 200);
    let origin = [("origin", ORIGIN)];
    let answer = server.request("POST", "/api/commands/run", &origin, &body(16 * 1024 + 1)).await;
    assert_eq!((answer.status, answer.header("access-control-allow-origin")), (413, Some(ORIGIN)));
    let mut client = server.connect_from(1).await;
    let head = "POST /api/commands/run HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n";
    client.write_all(head.as_bytes()).await.unwrap();
    let chunk = format!("1000\r\n{}\r\n", "x".repeat(0x1000));
    for _ in 0..5 {
        client.write_all(chunk.as_bytes()).await.unwrap();
    }
    client.write_all(b"0\r\n\r\n").await.unwrap();
    assert!(rest(&mut client).await.starts_with("HTTP/1.1 413 "));
    // A body that announces an endless length is not read to its end.
    let mut client = server.connect_from(1).await;
    let head = "POST /api/commands/run HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999\r\n\r\n";
    client.write_all(head.as_bytes()).await.unwrap();
    let flooding = async { while client.write_all(chunk.as_bytes()).await.is_ok() {} };
    timeout(PATIENCE, flooding).await.expect("it reads for ever");
}

#[tokio::test]
async fn a_body_that_does_not_come_gets_408() {
    let server = start(|limits| limits.body_time = Duration::from_millis(100)).await;
    let mut client = server.connect_from(1).await;
    let head = format!(
        "POST /api/commands/run HTTP/1.1\r\nHost: localhost\r\nOrigin: {ORIGIN}\r\nContent-Length: 9\r\n\r\n{{"
    );
    client.write_all(head.as_bytes()).await.unwrap();
    let answer = rest(&mut client).await;
    assert!(answer.starts_with("HTTP/1.1 408 ") && answer.contains(ORIGIN), "{answer}");
}

#[tokio::test]
async fn stop_takes_effect_before_its_body_is_read() {
    let server = start(|_| {}).await;
    let mut client = server.connect_from(10).await;
    let head = "POST /api/stop HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n";
    client.write_all(head.as_bytes()).await.unwrap();
    let begun = Instant::now();
    while server.port.stop_count() == 0 {
        assert!(begun.elapsed() < PATIENCE);
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

#[tokio::test]
async fn a_header_must_come_quickly_but_a_connection_may_rest() {
    let server = start(|limits| {
        limits.header_time = Duration::from_millis(300);
        limits.idle_time = Duration::from_millis(1_500);
    })
    .await;
    let closed_after = |mut client: TcpStream| async move {
        let begun = Instant::now();
        rest(&mut client).await;
        begun.elapsed()
    };
    let silent = server.connect_from(1).await;
    assert!(closed_after(silent).await >= Duration::from_millis(290));
    // Slowloris: one byte now and then does not keep the connection.
    let mut dripping = server.connect_from(1).await;
    let begun = Instant::now();
    for byte in HEALTH.as_bytes() {
        if dripping.write_all(&[*byte]).await.is_err() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(rest(&mut dripping).await, "");
    assert!(begun.elapsed() < Duration::from_secs(10));
    // The pause between two requests may be longer than the time for a header.
    let mut resting = server.connect_from(1).await;
    assert_eq!(answers(&mut resting, HEALTH).await, Some(200));
    tokio::time::sleep(Duration::from_millis(700)).await;
    assert_eq!(answers(&mut resting, HEALTH).await, Some(200));
    assert!(closed_after(resting).await >= Duration::from_millis(1_400));
}

/// True if STOP is answered on a connection of its own.
async fn stops_from(server: &Server, host: u8) -> bool {
    let mut client = server.connect_from(host).await;
    answers(&mut client, STOP).await == Some(200)
}

/// Takes a place permanently, by a command that waits for the machine.
async fn take_place(server: &Server, host: u8) -> TcpStream {
    let mut client = server.connect_from(host).await;
    let body = r#"{"type":"arm"}"#;
    let length = body.len();
    let request = format!(
        "POST /api/commands/run HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n\r\n{body}"
    );
    client.write_all(request.as_bytes()).await.unwrap();
    client
}

#[tokio::test]
async fn whoever_comes_last_gets_the_place_of_whoever_rested_longest() {
    let server = start(|_| {}).await;
    let mut held = Vec::new();
    for n in 0..100 {
        // A polling client that never closes its connections.
        let mut client = server.connect_from(1).await;
        assert_eq!(answers(&mut client, HEALTH).await, Some(200), "{n}");
        held.push(client);
    }
    assert!(stops_from(&server, 1).await && stops_from(&server, 10).await);
    assert_eq!(rest(&mut held[0]).await, "");
    assert_eq!(answers(&mut held[99], HEALTH).await, Some(200), "the newest is still there");
}

#[tokio::test]
async fn silent_and_slow_connections_keep_nobody_out() {
    let server = start(|_| {}).await;
    let mut silent = Vec::new();
    for n in 0..400 {
        let mut client = server.connect_from([1, 10 + (n % 40) as u8][n % 2]).await;
        if n % 4 > 1 {
            let _ = client.write_all(b"POST /api/stop HTTP/1.1\r\nHost: loc").await;
        }
        silent.push(client);
    }
    let mut dripping = Vec::new();
    for n in 0..100 {
        // A body that does not arrive.
        let mut client = server.connect_from([1, 60][n % 2]).await;
        let head = b"POST /api/commands/run HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n{";
        client.write_all(head).await.unwrap();
        dripping.push(client);
    }
    for host in [1, 10, 60, 200] {
        assert!(stops_from(&server, host).await, "{host}");
    }
    for host in [1, 10, 60, 200] {
        assert_eq!(server.request_from(host, "GET", "/api/health", &[], b"").await.status, 200, "{host}");
    }
    assert_eq!(server.get("/api/v1/machine").await.status, 200);
    assert_eq!(server.port.stop_count(), 4);
}

#[tokio::test]
async fn when_all_places_are_at_work_stop_is_taken_in_both_forms_and_nothing_else() {
    let server = start(|limits| limits.connections = 8).await;
    server.port.hold_replies(true);
    let mut held = Vec::new();
    for _ in 0..8 {
        held.push(take_place(&server, 1).await);
    }
    let begun = Instant::now();
    let mut working = 0;
    while working < 8 {
        working += server.port.commands().len();
        assert!(begun.elapsed() < PATIENCE);
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    for host in [1, 10] {
        let mut late = server.connect_from(host).await;
        late.write_all(HEALTH.as_bytes()).await.unwrap();
        let said = rest(&mut late).await;
        assert!(said.starts_with("HTTP/1.1 503 ") && said.contains("only STOP is taken"), "{said}");
        assert!(said.contains("retry-after: 1"), "{said}");
        assert!(stops_from(&server, host).await);
        let legacy = server.request_from(host, "POST", "/api/commands/run", &[], br#"{"type":"stop"}"#).await;
        assert_eq!(legacy.status, 200);
    }
    assert_eq!(server.port.stop_count(), 4);
    server.port.hold_replies(false);
    for mut client in held {
        let mut heard = [0; 64];
        let count = client.read(&mut heard).await.unwrap();
        assert!(heard[..count].starts_with(b"HTTP/1.1 200 "), "what was begun is answered");
    }
}

#[tokio::test]
async fn stop_is_answered_before_its_body_comes() {
    let server = start(|_| {}).await;
    let mut client = server.connect_from(10).await;
    let head = "POST /api/stop HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n\r\n";
    assert_eq!(answers(&mut client, head).await, Some(200));
    // The connection stays usable afterwards.
    client.write_all(b"null").await.unwrap();
    assert_eq!(answers(&mut client, STOP).await, Some(200));
    assert_eq!(server.port.stop_count(), 2);
}

/// The server works on requests in other threads, as in the product, and a request occupies all of them.
#[test]
fn a_request_that_never_ends_holds_up_no_stop() {
    let requests =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let front = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (busy, free) = std::sync::mpsc::channel::<()>();
    front.block_on(async {
        let server = {
            let mut setup = Setup::new(MachineLocation::Local);
            setup.workers = Some(requests.handle().clone());
            setup.start().await
        };
        let mut kept = server.connect_from(1).await;
        assert_eq!(answers(&mut kept, HEALTH).await, Some(200));
        let mut socket = server.socket("command_all").await;
        requests.spawn(async move { free.recv() });
        assert!(stops_from(&server, 1).await, "a new connection");
        assert_eq!(answers(&mut kept, STOP).await, Some(200), "a kept one");
        let body = r#"{"type":"stop"}"#;
        let legacy = format!(
            "POST /api/commands/run HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        assert_eq!(answers(&mut kept, &legacy).await, Some(200), "the old way");
        socket.send(r#"{"stream":"command_all","type":"stop"}"#).await;
        let begun = Instant::now();
        while server.port.stop_count() < 4 {
            assert!(begun.elapsed() < PATIENCE, "a socket");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        drop(busy);
    });
}

#[tokio::test]
async fn head_is_answered_like_get_without_the_content() {
    let server = start(|_| {}).await;
    let get = server.get("/api/health").await;
    let mut client = server.connect_from(1).await;
    client
        .write_all(
            HEALTH.replace("GET", "HEAD").replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n").as_bytes(),
        )
        .await
        .unwrap();
    let said = rest(&mut client).await;
    let length = format!("content-length: {}\r\n", get.body.len());
    assert!(
        said.starts_with("HTTP/1.1 200 ") && said.contains(&length) && said.ends_with("\r\n\r\n"),
        "{said}"
    );
}

#[tokio::test]
async fn a_socket_that_breaks_the_protocol_is_told_how() {
    let server = start(|_| {}).await;
    for (frame, code) in [
        // Not masked; a reserved bit; an unknown opcode; a text that is not UTF-8.
        (&[0x81_u8, 0x01, b'x'][..], 1002_u16),
        (&[0xc1, 0x81, 0, 0, 0, 0, b'x'], 1002),
        (&[0x83, 0x81, 0, 0, 0, 0, b'x'], 1002),
        (&[0x81, 0x81, 0, 0, 0, 0, 0xff], 1007),
    ] {
        let mut client = server.connect_from(1).await;
        let handshake = "GET /api/stream/status HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
        assert_eq!(answers(&mut client, handshake).await, Some(101));
        client.write_all(frame).await.unwrap();
        let mut heard = Vec::new();
        let _ = timeout(PATIENCE, client.read_to_end(&mut heard)).await.expect("it stays open");
        assert_eq!(heard.first(), Some(&0x88), "{frame:?}: {heard:?}");
        assert_eq!(u16::from_be_bytes([heard[2], heard[3]]), code, "{frame:?}");
        assert!(heard.len() > 10, "without a reason: {heard:?}");
    }
}

#[tokio::test]
async fn there_are_only_so_many_sockets() {
    let server = start(|limits| limits.sockets = 2).await;
    let held = [server.socket("status").await, server.socket("telemetry").await];
    let refused = server.socket_from(1, "status", &[]).await.err();
    assert_eq!(refused.map(|status| status.as_u16()), Some(503));
    drop(held);
    let begun = Instant::now();
    while server.socket_from(1, "status", &[]).await.is_err() {
        assert!(begun.elapsed() < PATIENCE, "a closed socket still counts");
    }
}

#[tokio::test]
async fn settings_that_cannot_be_stored_are_not_in_force() {
    let server = start(|_| {}).await;
    server.store.broken.store(true, SeqCst);
    for (path, body) in [
        ("/api/settings/any/default", r#"{"force_limit":900}"#),
        ("/api/v1/limits", r#"{"max_speed_mm_s":400}"#),
    ] {
        let answer = server.put(path, body).await;
        assert_eq!(answer.status, 503, "{}", answer.text());
        assert!(answer.json()["detail"].as_str().unwrap().contains("the disk is full"));
    }
    assert_eq!(server.post("/api/setup/initialize", "").await.status, 503);
    assert_eq!(server.port.commands(), []);
    assert_eq!(server.get("/api/settings/any/default").await.json()["force_limit"], 1_000);
}

#[tokio::test]
async fn a_change_is_completed_when_its_client_goes_away() {
    let server = start(|_| {}).await;
    *server.store.takes.lock().unwrap() = Duration::from_millis(200);
    let mut client = server.connect_from(1).await;
    let body = r#"{"force_limit":900}"#;
    let request = format!(
        "PUT /api/settings/any/default HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    client.write_all(request.as_bytes()).await.unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    drop(client);
    let begun = Instant::now();
    while server.ctx.settings.current().document.force_limit != 900 {
        assert!(begun.elapsed() < PATIENCE, "it was dropped half-way");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(server.port.commands().len(), 1);
}

#[tokio::test]
async fn changes_are_made_one_after_the_other() {
    let server = start(|_| {}).await;
    *server.store.takes.lock().unwrap() = Duration::from_millis(5);
    let changes = (0..20).map(|n| {
        let (field, value) = if n % 2 == 0 { ("force_limit", 500 + n) } else { ("tick_stroke_limit", 1 + n) };
        let body = json!({ field: value }).to_string();
        let server = &server;
        async move { server.put("/api/settings/any/default", &body).await.status }
    });
    assert!(futures_util::future::join_all(changes).await.iter().all(|status| *status == 200));
    let kept = server.store.kept.lock().unwrap();
    // Each was made from the previous one, so at most one field differs.
    for pair in kept.windows(2) {
        let [a, b] = [&pair[0].document, &pair[1].document];
        assert!(a.force_limit == b.force_limit || a.tick_stroke_limit == b.tick_stroke_limit);
    }
    assert_eq!(kept.len(), 20);
    assert_eq!(*kept.last().unwrap(), server.ctx.settings.current());
}

#[tokio::test]
async fn the_end_of_the_server_waits_for_a_change_that_is_being_made() {
    let server = start(|_| {}).await;
    *server.store.takes.lock().unwrap() = Duration::from_millis(200);
    let (ctx, address) = (server.ctx.clone(), server.address);
    let mut client = TcpStream::connect(address).await.unwrap();
    let request = "POST /api/setup/initialize HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n";
    client.write_all(request.as_bytes()).await.unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    let before = ctx.settings.current().document.id;
    server.shut_down().await;
    assert_ne!(ctx.settings.current().document.id, before);
    assert!(rest(&mut client).await.starts_with("HTTP/1.1 200 "));
    assert!(TcpStream::connect(address).await.is_err(), "it still listens");
}

/// JSON with known names, and values of all kinds.
fn body() -> impl Strategy<Value = Value> {
    let name = prop_oneof![
        "type|duration|points|resolution|name|active|force_limit|stroke_force_chart|max_stroke|padding_mm",
        "max_steps|wave_resolution|max_speed_mm_s|max_jerk_mm_s3|stop_deceleration_mm_s2",
        "[a-z]{0,3}",
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (-10_i64..200).prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        (-1.0..20.0).prop_map(Value::from),
        "sine|square|stop|end|calibrate|loop_wave|-?[0-9]{0,4}[.e]?[0-9]{0,2}|nan|inf|\\PC{0,5}"
            .prop_map(Value::from),
        Just(json!([50, 40, 30, 25, 23, 22, 20, 18, 15, 10])),
    ];
    leaf.prop_recursive(3, 24, 12, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..12).prop_map(Value::from),
            proptest::collection::vec((name.clone(), inner), 0..4)
                .prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
        ]
    })
}

#[test]
fn any_json_on_any_route_is_answered_without_failing_and_with_cors_headers() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let server = runtime.block_on(start(|_| {}));
    let seed: u64 = match std::env::var("YEP_SEED") {
        Ok(seed) => seed.parse().unwrap(),
        Err(_) => {
            std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_nanos() as u64
        }
    };
    println!("YEP_SEED={seed}");
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    // Earlier findings run first.
    let found = FileFailurePersistence::Direct("tests/found/http_limits.txt");
    let config = Config { cases: 1_500, failure_persistence: Some(Box::new(found)), ..Config::default() };
    let routes: Vec<_> = ROUTES.iter().filter(|route| !route.upgrades()).collect();
    let cases = (0..routes.len(), body(), "default|[a-z%0-9]{1,6}", any::<bool>());
    let tried = TestRunner::new_with_rng(config, rng).run(&cases, |(n, body, id, slash)| {
        let route = routes[n];
        let path = route.path.replace("{model}", "any").replace("{id}", &id).replace("{name}", &id)
            + if slash { "/" } else { "" };
        let headers = [("origin", ORIGIN), ("content-type", "application/json")];
        let body = body.to_string();
        let request = server.request(route.method.as_str(), &path, &headers, &body);
        let answer = runtime.block_on(request);
        prop_assert!(answer.status < 500, "{} {path}: {} {}", route.method, answer.status, answer.text());
        // API v1 takes foreign pages only where the configuration names them.
        let told = (!yep::api::paths::is_v1(route.path)).then_some(ORIGIN);
        prop_assert_eq!(answer.header("access-control-allow-origin"), told);
        Ok(())
    });
    if let Err(error) = tried {
        panic!("{error}");
    }
}
