//! Gate of the server over real connections: which peer, host name and origin may do what.

#[path = "gate/lease.rs"]
mod lease;
#[path = "gate/pages.rs"]
mod pages;
#[path = "support/api.rs"]
mod support;

use support::{Headers, PATIENCE, Server, Setup};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use yep::api::port::MachineLocation;
use yep::api::route::Urgency;
use yep::api::routes::ROUTES;
use yep::auth::{Right, Role};

/// Host number of a client of each role: 192.168.1.10, 192.168.1.60 and the machine itself.
fn host_of(role: Role) -> u8 {
    match role {
        Role::Guest => 10,
        Role::Machine => 60,
        Role::Local => 1,
    }
}

async fn start() -> Server {
    let mut setup = Setup::new(MachineLocation::Local);
    setup.rules.remote_machine = Some("192.168.1.60".parse().unwrap());
    setup.start().await
}

#[tokio::test]
async fn every_route_with_every_role() {
    let server = start().await;
    for route in ROUTES {
        let path = route.path.replace("{model}", "any").replace("{id}", "default");
        for role in Role::ALL {
            let case = format!("{} {path} as {role:?}", route.method);
            let host = host_of(role);
            if route.upgrades() {
                for (stream, right) in [
                    ("command_all", Right::Machine),
                    ("status", Right::Machine),
                    ("telemetry", Right::Observe),
                ] {
                    let opened = server.socket_from(host, stream, &[]).await;
                    let refused = opened.err().map(|status| status.as_u16());
                    assert_eq!(refused, (!role.has(right)).then_some(403), "{case} {stream}");
                }
                continue;
            }
            let method = route.method.as_str();
            let json = [("content-type", "application/json")];
            let answer = server.request_from(host, method, &path, &json, br#"{"type": "end"}"#).await;
            if route.urgency == Urgency::Stop {
                assert_eq!(answer.status, 200, "{case}");
            }
            // The right of a command depends on the command.
            let right = if route.urgency == Urgency::MayStop { Right::Operate } else { route.right };
            assert_eq!(answer.status == 403, !role.has(right), "{case}: {}", answer.status);
            assert_ne!(answer.status, 401, "{case}");
        }
    }
}

#[tokio::test]
async fn anyone_may_stop_by_either_path() {
    let server = start().await;
    let mut commands = server.socket("command_all").await;
    for (n, role) in Role::ALL.into_iter().enumerate() {
        let host = host_of(role);
        let stop = server.request_from(host, "POST", "/api/stop", &[], b"").await;
        assert_eq!((stop.status, stop.text()), (200, "null"));
        let old = server.request_from(host, "POST", "/api/commands/run/", &[], br#"{"type":"stop"}"#).await;
        assert_eq!((old.status, server.port.stop_count()), (200, 2 * n + 2));
    }
    assert_eq!(commands.drain(&server, "command_all").await.len(), 6);
}

#[tokio::test]
async fn stop_passes_the_gate_whatever_is_wrong_with_the_request() {
    let server = start().await;
    let wrong: &[(&str, &str)] = &[
        ("host", "yep.local."),
        ("host", "yep"),
        ("host", "yep.fritz.box"),
        ("host", "evil.example:99999"),
        ("host", "192.168.1.99"),
        ("origin", "http://evil.example"),
        ("origin", "null"),
        ("sec-fetch-site", "cross-site"),
        ("via", "1.1 a"),
        ("x-forwarded-for", "1.2.3.4"),
        ("authorization", "Bearer 0123"),
        ("cookie", "yep_token=0123"),
    ];
    let mut stops = 0;
    for header in wrong {
        for host in [1, 10, 60] {
            for (path, body) in [
                ("/api/stop", &b""[..]),
                ("/api/stop/", b"{"),
                ("/api/commands/run", br#"{"type": "stop"}"#),
                ("/api/commands/run/", br#"{"type":"stop"}"#),
            ] {
                let answer = server.request_from(host, "POST", path, &[*header], body).await;
                stops += 1;
                let case = format!("{header:?} from {host}: {path}");
                assert_eq!(
                    (answer.status, answer.text(), server.port.stop_count()),
                    (200, "null", stops),
                    "{case}"
                );
                assert_eq!(answer.header("access-control-allow-origin"), None, "{case}");
            }
        }
    }
    // Neither an oversized body nor one that never arrives makes a difference.
    let large = "x".repeat(200_000);
    assert_eq!(server.request("POST", "/api/stop", &[("host", "yep")], &large).await.status, 200);
    let mut client = server.connect_from(10).await;
    client.write_all(b"POST /api/stop HTTP/1.1\r\nHost: yep\r\nContent-Length: 1000\r\n\r\n").await.unwrap();
    let begun = std::time::Instant::now();
    while server.port.stop_count() < stops + 2 {
        assert!(begun.elapsed() < PATIENCE, "it waits for the body");
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    assert_eq!(server.port.commands(), []);
}

#[tokio::test]
async fn a_name_that_is_not_ours_gets_421_and_the_names_that_are() {
    let server = start().await;
    for host in ["evil.example", "rebound.evil.example:80", "localhost.evil.example", "yep.", "[::2]"] {
        for (path, body) in
            [("/", ""), ("/api/settings/any/default", ""), ("/api/commands/run", r#"{"type":"end"}"#)]
        {
            let answer = server.request("POST", path, &[("host", host)], body).await;
            assert_eq!(answer.status, 421, "{host} {path}");
            let said = answer.json()["detail"].as_str().unwrap().to_owned();
            assert!(said.contains("localhost, 127.0.0.1, [::1], yep.local and 127.0.0.1:"), "{said}");
            assert!(said.contains("STOP (POST /api/stop) is taken under any"), "{said}");
            assert!(answer.body.len() < 300, "{said}");
        }
        let upgrade = server.socket_from(1, "status", &[("host", host)]).await;
        assert_eq!(upgrade.err().map(|status| status.as_u16()), Some(421), "{host}");
    }
    assert_eq!((server.port.stop_count(), server.port.commands().len()), (0, 0));
    for host in ["localhost:1234", "127.0.0.1", "yep.local", "[::1]:80", "LOCALHOST"] {
        assert_eq!(
            server.request("GET", "/api/v1/machine", &[("host", host)], "").await.status,
            200,
            "{host}"
        );
    }
}

#[tokio::test]
async fn a_request_without_a_host_or_with_another_in_its_line_gets_421() {
    let server = start().await;
    for head in [
        "GET /api/health HTTP/1.1\r\n\r\n",
        "GET /api/health HTTP/1.0\r\n\r\n",
        "GET /api/health HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n",
        "GET http://evil.example/api/health HTTP/1.1\r\nHost: localhost\r\n\r\n",
    ] {
        let mut client = server.connect_from(1).await;
        client.write_all(head.as_bytes()).await.unwrap();
        let mut answer = String::new();
        tokio::time::timeout(PATIENCE, client.read_to_string(&mut answer)).await.unwrap().unwrap();
        assert!(answer.starts_with("HTTP/1.1 421 ") || answer.starts_with("HTTP/1.0 421 "), "{head}{answer}");
    }
}

#[tokio::test]
async fn a_foreign_page_can_neither_change_nor_listen_nor_read() {
    let server = start().await;
    for origin in ["http://evil.example", "null", "https://localhost", "http://localhost:9999"] {
        let from: Headers<'_> = &[("origin", origin)];
        for (method, path) in
            [("POST", "/api/commands/run"), ("POST", "/api/wave/run"), ("PUT", "/api/settings/any/default")]
        {
            let answer = server.request(method, path, from, r#"{"type":"calibrate"}"#).await;
            assert_eq!(answer.status, 403, "{origin} {method} {path}");
            assert_eq!(answer.header("access-control-allow-origin"), None);
        }
        let upgrade = server.socket_from(1, "status", from).await;
        assert_eq!(upgrade.err().map(|status| status.as_u16()), Some(403), "{origin}");
        let read = server.request("GET", "/api/settings/any/default", from, "").await;
        assert_eq!((read.status, read.header("access-control-allow-origin")), (403, None));
    }
    assert_eq!((server.port.commands().len(), server.port.stop_count()), (0, 0));
}

#[tokio::test]
async fn pages_of_this_server_and_of_the_app_may_do_everything_here() {
    let server = start().await;
    for (host, origin) in [
        ("localhost", "http://localhost:3042"),
        ("localhost", "http://localhost"),
        ("127.0.0.1:8000", "http://127.0.0.1:8000"),
        ("yep.local", "http://yep.local"),
    ] {
        let headers: Headers<'_> = &[("host", host), ("origin", origin)];
        let answer = server.request("GET", "/api/v1/machine", headers, "").await;
        assert_eq!((answer.status, answer.header("access-control-allow-origin")), (200, Some(origin)));
        assert!(server.socket_from(1, "status", headers).await.is_ok(), "{origin}");
    }
}

#[tokio::test]
async fn a_forwarded_request_is_a_guest() {
    let server = start().await;
    for name in [
        "forwarded",
        "x-forwarded-for",
        "x-forwarded-host",
        "x-real-ip",
        "via",
        "cf-connecting-ip",
        "sec-fetch-site",
    ] {
        for host in [1, 60] {
            let value = if name == "sec-fetch-site" { "cross-site" } else { "127.0.0.1" };
            let headers: Headers<'_> = &[(name, value)];
            let answer = server.request_from(host, "GET", "/api/settings/any/default", headers, b"").await;
            assert_eq!(answer.status, 403, "{name}");
            assert_eq!(server.request_from(host, "POST", "/api/stop", headers, b"").await.status, 200);
        }
    }
}

#[tokio::test]
async fn a_wrong_token_is_401_and_never_a_guest() {
    let server = start().await;
    for (name, value) in [("authorization", "Bearer 0123"), ("cookie", "a=b; yep_token=0123")] {
        let answer = server.request_from(10, "GET", "/api/health", &[(name, value)], b"").await;
        assert_eq!(answer.status, 401, "{name}");
        // A client on the machine itself needs no token, so a stale one does not matter.
        assert_eq!(
            server.request("GET", "/api/v1/machine", &[(name, value)], "").await.status,
            200,
            "{name}"
        );
    }
}

#[tokio::test]
async fn it_is_the_same_over_ipv6() {
    let Ok(listener) = yep::api::listen("[::1]:0".parse().unwrap()) else {
        // A host without IPv6 cannot have such clients.
        return;
    };
    let server = start().await;
    let address = listener.local_addr().unwrap();
    let serving = tokio::spawn(yep::api::serve(listener, server.ctx.clone(), std::future::pending()));
    for (host, status) in [("[::1]", "200"), ("localhost", "200"), ("[::2]", "421"), ("evil.example", "421")]
    {
        let mut client = tokio::net::TcpStream::connect(address).await.unwrap();
        let head = format!("GET /api/v1/machine HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        client.write_all(head.as_bytes()).await.unwrap();
        let mut answer = String::new();
        tokio::time::timeout(PATIENCE, client.read_to_string(&mut answer)).await.unwrap().unwrap();
        assert_eq!(answer.split(' ').nth(1), Some(status), "{host}: {answer}");
    }
    serving.abort();
}
