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
use yep::store::DeviceRole;

/// Host number of a client whose address decides its role: 192.168.1.10, 192.168.1.60 and the machine itself.
fn host_of(role: Role) -> u8 {
    match role {
        Role::Machine => 60,
        Role::Local => 1,
        Role::Guest | Role::Observer | Role::Operator | Role::Admin => 10,
    }
}

/// A setup with a yep-machine and a paired device of each role.
fn setup() -> Setup {
    let mut setup = Setup::new(MachineLocation::Local).with_devices();
    setup.rules.remote_machine = Some("192.168.1.60".parse().unwrap());
    setup
}

async fn start() -> Server {
    setup().start().await
}

/// A kind of sender of a request: where it comes from, what it says besides, and as whom it is treated.
struct Sender {
    name: &'static str,
    host: u8,
    headers: Vec<(&'static str, String)>,
    role: Role,
    /// 401 in place of 403.
    is_told: bool,
    /// It may change nothing, whatever its role.
    is_foreign: bool,
}

fn senders() -> Vec<Sender> {
    let token = |number| vec![("authorization", support::bearer(number))];
    let cookie = |number| vec![("cookie", format!("yep_token_80={}", support::token(number).text()))];
    let with = |mut headers: Vec<(&'static str, String)>, name, value: &str| {
        headers.push((name, value.to_owned()));
        headers
    };
    let known =
        |name, host, headers, role| Sender { name, host, headers, role, is_told: false, is_foreign: false };
    let wrong = |name, host, headers| Sender { is_told: true, ..known(name, host, headers, Role::Guest) };
    let foreign =
        |name, host, headers| Sender { is_foreign: true, ..known(name, host, headers, Role::Guest) };
    vec![
        known("no token", 10, vec![], Role::Guest),
        wrong("a wrong token", 10, vec![("authorization", "Bearer 0123".to_owned())]),
        wrong("a revoked token", 10, token(4)),
        wrong("a revoked cookie", 10, cookie(4)),
        known("an observer", 10, token(1), Role::Observer),
        known("an observer's browser", 10, cookie(1), Role::Observer),
        known("an operator", 10, token(2), Role::Operator),
        known("an operator's browser", 10, cookie(2), Role::Operator),
        known("an admin", 10, token(3), Role::Admin),
        known("the yep-machine", 60, vec![], Role::Machine),
        known("this machine", 1, vec![], Role::Local),
        known("this machine with a revoked token", 1, token(4), Role::Local),
        known("forwarded", 1, with(vec![], "x-forwarded-for", "1.2.3.4"), Role::Guest),
        known("forwarded with an admin's token", 1, with(token(3), "via", "1.1 a"), Role::Admin),
        known("a proxy on this machine", 1, with(vec![], "host", "yep.local"), Role::Guest),
        foreign("a foreign page", 1, with(vec![], "origin", "http://evil.example")),
        foreign("a foreign page in an admin's browser", 10, with(cookie(3), "origin", "http://yep.local:81")),
    ]
}

#[tokio::test]
async fn every_route_with_every_role_and_state_of_a_token() {
    let mut setup = setup();
    setup.devices.push((4, DeviceRole::Admin));
    let server = setup.start().await;
    server.post("/api/v1/lease", "").await;
    let revoked = server.request("DELETE", "/api/v1/devices/4", &[], "").await;
    assert_eq!(revoked.status, 200, "{}", revoked.text());
    let mut taken = 0;
    for route in ROUTES.iter() {
        let path = route.path.replace("{model}", "any").replace("{id}", "default").replace("{number}", "99");
        for sender in senders() {
            let Sender { name, host, role, .. } = sender;
            let case = format!("{} {path} from {name}", route.method);
            let headers: Vec<_> = sender.headers.iter().map(|(name, text)| (*name, text.as_str())).collect();
            let refusal = if sender.is_told { 401 } else { 403 };
            if route.upgrades() {
                let streams = [
                    ("command_all", Right::Follow),
                    ("status", Right::Follow),
                    ("telemetry", Right::Observe),
                ];
                let paths = streams.map(|(stream, right)| (path.replace("{name}", stream), right));
                for (path, right) in paths {
                    let right = match route.path {
                        // Without the switch of an admin it takes who may move the axis.
                        "/ws" | "/tcode" => Right::Operate,
                        path if path.contains('{') => right,
                        _ => route.right,
                    };
                    let opened = server.upgrade_from(host, &path, &headers).await;
                    let refused = opened.err().map(|status| status.as_u16());
                    let expected = (!role.has(right) || sender.is_foreign).then_some(refusal);
                    assert_eq!(refused, expected, "{case} {path}");
                }
                continue;
            }
            let method = route.method.as_str();
            let all = [&headers[..], &[("content-type", "application/json")]].concat();
            let answer = server.request_from(host, method, &path, &all, br#"{"type": "end"}"#).await;
            if route.urgency == Urgency::Stop {
                taken += 1;
                assert_eq!((answer.status, server.port.stop_count()), (200, taken), "{case}");
                continue;
            }
            // The right of a command depends on the command.
            let right = if route.urgency == Urgency::MayStop { Right::Operate } else { route.right };
            let is_foreign = sender.is_foreign && method != "GET";
            let may = role.has(right) && !is_foreign;
            let refused = match answer.status {
                401 | 403 => Some(answer.status),
                _ => None,
            };
            // A body of a handler may be refused as well, with 403 for a role that it asks for itself.
            let own = answer.json_or_null()["code"] == "role" && may;
            assert!(refused == (!may).then_some(refusal) || own, "{case}: {}", answer.status);
            let deletes = answer.header("set-cookie").is_some_and(|cookie| cookie.contains("Max-Age=0"));
            assert_eq!(deletes, answer.status == 401, "{case}");
        }
    }
}

#[tokio::test]
async fn anyone_may_stop_by_either_path() {
    let server = start().await;
    let mut commands = server.socket("command_all").await;
    for (n, role) in [Role::Guest, Role::Machine, Role::Local].into_iter().enumerate() {
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
    for host in
        ["evil.example", "rebound.evil.example:80", "localhost.evil.example", "yep.", "[::2]", "yep.lan"]
    {
        for (path, body) in
            [("/", ""), ("/api/settings/any/default", ""), ("/api/commands/run", r#"{"type":"end"}"#)]
        {
            let answer = server.request("POST", path, &[("host", host)], body).await;
            assert_eq!(answer.status, 421, "{host} {path}");
            let said = answer.json()["detail"].as_str().unwrap().to_owned();
            assert!(said.contains("localhost, 127.0.0.1, [::1], yep, yep.local and 127.0.0.1:"), "{said}");
            assert!(said.contains("STOP (POST /api/stop) is taken under any"), "{said}");
            assert!(answer.body.len() < 300, "{said}");
        }
        let upgrade = server.socket_from(1, "status", &[("host", host)]).await;
        assert_eq!(upgrade.err().map(|status| status.as_u16()), Some(421), "{host}");
    }
    assert_eq!((server.port.stop_count(), server.port.commands().len()), (0, 0));
    for host in ["localhost:1234", "127.0.0.1", "[::1]:80", "LOCALHOST"] {
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
    ] {
        let headers: Headers<'_> = &[("host", host), ("origin", origin)];
        let answer = server.request("GET", "/api/settings/any/default", headers, "").await;
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
async fn a_wrong_token_is_told_so_where_a_role_is_needed_and_nowhere_else() {
    let server = start().await;
    for (name, value) in [("authorization", "Bearer 0123"), ("cookie", "a=b; yep_token_80=0123")] {
        for path in ["/api/health", "/api/v1/info", "/api/v1/me", "/api/v1/pairing"] {
            assert_eq!(
                server.request_from(10, "GET", path, &[(name, value)], b"").await.status,
                200,
                "{path}"
            );
        }
        let needed = server.request_from(10, "GET", "/api/v1/machine", &[(name, value)], b"").await;
        assert_eq!(needed.status, 401, "{name}");
        let cookie = needed.header("set-cookie").unwrap();
        assert!(cookie.starts_with("yep_token_80=; ") && cookie.contains("Max-Age=0"), "{cookie}");
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
