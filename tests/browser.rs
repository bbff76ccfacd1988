//! What a browser gets: security headers with every answer, and a page for a form that says STOP.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use yep::api::port::MachineLocation;

#[path = "support/api.rs"]
mod support;

use support::{Headers, PATIENCE, Server, Setup};

async fn start() -> Server {
    Setup::new(MachineLocation::Local).start().await
}

#[tokio::test]
async fn every_answer_has_the_headers() {
    let server = start().await;
    let foreign: Headers<'_> = &[("origin", "http://evil.example")];
    let preflight: Headers<'_> =
        &[("origin", "http://localhost:3042"), ("access-control-request-method", "POST")];
    for (method, path, headers, status) in [
        ("GET", "/api/health", &[][..], 200),
        ("GET", "/api/v1/machine", &[], 200),
        ("GET", "/docs", &[], 200),
        ("GET", "/docs", &[("if-none-match", "*")], 304),
        ("GET", "/api/none", &[], 404),
        ("DELETE", "/api/health", &[], 405),
        ("GET", "/api/health", &[("host", "evil.example")], 421),
        ("POST", "/api/wave/run", foreign, 403),
        ("OPTIONS", "/api/wave/run", preflight, 200),
        ("POST", "/api/stop", &[], 200),
        ("POST", "/api/stop", &[("host", "evil.example")], 200),
    ] {
        let answer = server.request(method, path, headers, "").await;
        let case = format!("{method} {path} {headers:?}");
        assert_eq!(answer.status, status, "{case}");
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("cross-origin-resource-policy", "same-origin"),
            ("referrer-policy", "same-origin"),
        ] {
            assert_eq!(answer.header(name), Some(value), "{case}");
            assert_eq!(answer.headers.get_all(name).iter().count(), 1, "{case}");
        }
    }
}

#[tokio::test]
async fn the_document_loads_nothing_and_styles_itself() {
    let server = start().await;
    for path in ["/docs", "/redoc", "/docs/oauth2-redirect"] {
        let page = server.get(path).await;
        let policy = page.header("content-security-policy").unwrap();
        for part in
            ["default-src 'none';", "base-uri 'none';", "form-action 'none';", "frame-ancestors 'none'"]
        {
            assert!(policy.contains(part), "{path}: {policy}");
        }
        assert!(!policy.contains("unsafe"), "{policy}");
    }
    let json = server.get("/api/v1/openapi.json").await;
    assert_eq!(json.header("content-security-policy"), None);
}

/// The whole answer to a form. (The document of API v1 describes the answers to programs, which the other client checks.)
async fn send_form(server: &Server, path: &str, headers: &str, body: &str) -> String {
    let mut client = server.connect_from(10).await;
    let length = body.len();
    let request = format!(
        "POST {path} HTTP/1.1\r\nhost: yep.local\r\n{headers}content-length: {length}\r\nconnection: close\r\n\r\n{body}"
    );
    client.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    tokio::time::timeout(PATIENCE, client.read_to_string(&mut answer)).await.unwrap().unwrap();
    answer
}

#[tokio::test]
async fn a_form_that_says_stop_gets_a_page() {
    let server = start().await;
    let accept = "accept: text/html,application/xhtml+xml,*/*;q=0.8\r\n";
    let mut stops = 0;
    for path in ["/api/stop", "/api/stop/", "/api/v1/stop"] {
        for content_type in
            ["application/x-www-form-urlencoded", "multipart/form-data; boundary=a", "text/plain"]
        {
            let headers = format!("{accept}content-type: {content_type}\r\norigin: null\r\n");
            let answer = send_form(&server, path, &headers, "a=b").await;
            stops += 1;
            assert_eq!(server.port.stop_count(), stops, "{path} {content_type}");
            let (head, page) = answer.split_once("\r\n\r\n").unwrap();
            assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
            assert!(head.contains("content-type: text/html; charset=utf-8"), "{head}");
            for part in [
                "default-src 'self';",
                "connect-src 'self' ws://yep.local;",
                "base-uri 'none';",
                "object-src 'none';",
                "form-action 'self';",
                "frame-ancestors 'none'",
            ] {
                assert!(head.contains(part), "{head}");
            }
            for part in ["<title>STOP was received</title>", "<h1>STOP was received</h1>", "<a href=\"/\">"] {
                assert!(page.contains(part), "{page}");
            }
        }
    }
}

#[tokio::test]
async fn a_program_that_says_stop_gets_the_answer_of_its_contract() {
    let server = start().await;
    let form: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");
    let cases: [Headers<'_>; 5] = [
        &[],
        &[form],
        &[form, ("accept", "*/*")],
        &[("accept", "text/html")],
        &[
            ("content-type", "application/json;charset=UTF-8"),
            ("accept", "application/json, text/plain, */*"),
        ],
    ];
    for headers in cases {
        let old = server.request("POST", "/api/stop", headers, "").await;
        assert_eq!((old.text(), old.header("content-type")), ("null", Some("application/json")));
        let new = server.request("POST", "/api/v1/stop", headers, "").await;
        assert_eq!(new.text(), "{\"received\":true}");
    }
    assert_eq!(server.port.stop_count(), 2 * cases.len());
}
