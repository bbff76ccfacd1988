//! What a browser gets: security headers with every answer.

use yep::api::port::MachineLocation;

#[path = "support/api.rs"]
mod support;

use support::{Headers, Server, Setup};

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
