//! Static files of an app beside the API: the requests of a browser, and paths that must not lead out of the folder.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use yep::api::Pages;
use yep::api::port::MachineLocation;

use super::support::{Server, Setup};

const INDEX: &str = "<!doctype html><title>app</title>";

/// A folder as a bundler writes it.
fn built() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, content) in [
        ("index.html", INDEX.as_bytes()),
        ("assets/app-1a2b.js", b"export {}"),
        ("assets/app-1a2b.css", b"a{}"),
        ("assets/a b\u{e9}.svg", b"<svg/>"),
        ("assets/font.woff2", b"\0\x01"),
        ("help/index.html", b"help"),
        ("api/status", b"not the machine's"),
        (".env", b"secret=1"),
        ("noext", b"plain"),
    ] {
        let file = folder.path().join(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, content).unwrap();
    }
    folder
}

async fn serve(folder: &Path) -> Server {
    let mut setup = Setup::new(MachineLocation::Local);
    setup.pages = Pages::read(folder).unwrap();
    setup.start().await
}

/// The raw answer to raw request bytes.
async fn raw(server: &Server, request: &str) -> String {
    let mut client = server.connect_from(10).await;
    client
        .write_all(format!("{request}\r\nhost: localhost\r\nconnection: close\r\n\r\n").as_bytes())
        .await
        .unwrap();
    let mut answer = Vec::new();
    client.read_to_end(&mut answer).await.unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn anyone_gets_the_files_with_their_types() {
    let folder = built();
    let server = serve(folder.path()).await;
    for (path, content_type, content) in [
        ("/index.html", "text/html; charset=utf-8", INDEX),
        ("/assets/app-1a2b.js", "text/javascript; charset=utf-8", "export {}"),
        ("/assets/app-1a2b.js?v=1", "text/javascript; charset=utf-8", "export {}"),
        ("/assets/app-1a2b.css", "text/css; charset=utf-8", "a{}"),
        ("/assets/a%20b%C3%A9.svg", "image/svg+xml", "<svg/>"),
        ("/assets/font.woff2", "font/woff2", "\0\u{1}"),
        ("/help", "text/html; charset=utf-8", "help"),
        ("/help/", "text/html; charset=utf-8", "help"),
        ("/noext", "application/octet-stream", "plain"),
        // Paths of the app's own router.
        ("/waves/sine", "text/html; charset=utf-8", INDEX),
        ("/apis", "text/html; charset=utf-8", INDEX),
    ] {
        let answer = server.get(path).await;
        assert_eq!((answer.status, answer.text()), (200, content), "{path}");
        assert_eq!(answer.header("content-type"), Some(content_type), "{path}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(answer.header("content-security-policy"), Some("frame-ancestors 'none'"));
    }
}

#[tokio::test]
async fn nothing_leads_out_of_the_folder() {
    let folder = built();
    fs::write(folder.path().parent().unwrap().join("yep-outside.txt"), "outside").unwrap_or_default();
    let server = serve(folder.path()).await;
    for path in [
        "/../yep-outside.txt",
        "/assets/../../yep-outside.txt",
        "/%2e%2e/yep-outside.txt",
        "/..%2fyep-outside.txt",
        "/assets/..%2f..%2fyep-outside.txt",
        "/..\\yep-outside.txt",
        "/..%5cyep-outside.txt",
        "/%252e%252e/etc/yep.toml",
        "//etc/passwd",
        "///",
        "/.",
        "/./index.html",
        "/assets//app-1a2b.js",
        "/etc/passwd%00.html",
        "/index.html%00",
        "/.env",
        "/%2eenv",
        "/assets/gone-9f.js",
    ] {
        let answer = raw(&server, &format!("GET {path} HTTP/1.1")).await;
        assert!(
            answer.starts_with("HTTP/1.1 404 ") || answer.starts_with("HTTP/1.1 400 "),
            "{path}: {answer}"
        );
        assert!(!answer.contains("secret") && !answer.contains("root:"), "{path}: {answer}");
    }
    let _ = fs::remove_file(folder.path().parent().unwrap().join("yep-outside.txt"));
}

#[tokio::test]
async fn the_api_is_never_shadowed() {
    let folder = built();
    let server = serve(folder.path()).await;
    assert!(server.get("/api/v1/machine").await.json()["state"].is_string());
    for path in
        ["/api", "/api/", "/api/none", "/%61pi/status", "/api%2fstatus", "/docs/none", "/api/v1/machine/x"]
    {
        let answer = server.get(path).await;
        assert_eq!(answer.status, 404, "{path}");
        assert_eq!(answer.json()["detail"], "Not Found", "{path}");
    }
    let docs = server.get("/docs").await;
    assert!(docs.text().contains("/api/stop"), "the server's own page");
    // Without an app every such path is 404.
    let plain = Setup::new(MachineLocation::Local).start().await;
    assert_eq!(plain.get("/app/").await.status, 404);
}

#[tokio::test]
async fn a_guest_at_the_app_is_led_to_the_page_that_lets_devices_in() {
    let folder = built();
    let server = serve(folder.path()).await;
    for path in ["/app/", "/app", "/index.html", "/waves/sine"] {
        let answer = server.request_from(10, "GET", path, &[], b"").await;
        assert_eq!((answer.status, answer.header("location")), (303, Some("/")), "{path}");
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{path}");
    }
    for path in ["/", "/assets/app-1a2b.js", "/help"] {
        assert_eq!(server.request_from(10, "GET", path, &[], b"").await.status, 200, "{path}");
    }
}

#[tokio::test]
async fn pages_are_only_read_and_the_gate_stands_before_them() {
    let folder = built();
    let server = serve(folder.path()).await;
    for method in ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"] {
        let answer = server.request(method, "/index.html", &[], "").await;
        assert_eq!((answer.status, answer.header("allow")), (405, Some("GET, HEAD")), "{method}");
    }
    let head = raw(&server, "HEAD /assets/app-1a2b.js HTTP/1.1").await;
    assert!(head.starts_with("HTTP/1.1 200 ") && head.contains("content-length: 9\r\n"), "{head}");
    assert!(head.ends_with("\r\n\r\n"), "no body: {head}");
    let stranger = server.request("GET", "/", &[("host", "evil.example")], "").await;
    assert_eq!((stranger.status, stranger.text().contains("<!doctype")), (421, false));
    let token = server.request_from(10, "GET", "/", &[("authorization", "Bearer 1")], b"").await;
    assert_eq!(token.status, 200, "a device that was taken off the list gets the page for pairing");
    let upgrade = [("connection", "upgrade"), ("upgrade", "websocket"), ("sec-websocket-version", "13")];
    assert_eq!(server.request("GET", "/", &upgrade, "").await.status, 404);
}

#[tokio::test]
async fn a_browser_that_has_the_newest_is_told_so() {
    let folder = built();
    let server = serve(folder.path()).await;
    let first = server.get("/app/").await;
    let tag = first.header("etag").unwrap();
    assert_eq!(first.header("cache-control"), Some("no-cache"));
    for known in [tag.to_owned(), format!("\"x\", W/{tag}"), "*".to_owned()] {
        let again = server.request("GET", "/app/", &[("if-none-match", &known)], "").await;
        assert_eq!((again.status, again.body.len(), again.header("etag")), (304, 0, Some(tag)), "{known}");
    }
    let other = server.request("GET", "/help", &[("if-none-match", tag)], "").await;
    assert_eq!((other.status, other.text()), (200, "help"));
}

#[test]
fn a_folder_that_cannot_be_served_whole_is_not_served() {
    let said = |folder: &Path| Pages::read(folder).unwrap_err().to_string();
    let folder = built();
    assert!(said(&folder.path().join("none")).starts_with("cannot read "));
    assert!(
        said(&folder.path().join("assets")).ends_with("has no index.html; give the folder of a built app")
    );
    let link = folder.path().join("assets/link.txt");
    for target in ["/etc/passwd", "../index.html", "/"] {
        symlink(target, &link).unwrap();
        assert!(said(folder.path()).contains("assets/link.txt is neither a file nor a folder"));
        fs::remove_file(&link).unwrap();
    }
    let large = folder.path().join("large.bin");
    fs::File::create(&large).unwrap().set_len(yep::layout::APP_BYTES as u64).unwrap();
    let error = said(folder.path());
    assert!(error.ends_with("has more than 16 MiB; that much is served at most"), "{error}");
    assert!(!error.contains("large.bin"), "{error}");
    fs::remove_file(&large).unwrap();
    let deep = folder.path().join("d/".repeat(20));
    fs::create_dir_all(&deep).unwrap();
    assert!(said(folder.path()).ends_with("the name is not UTF-8, or too deep"));
}

#[tokio::test]
async fn a_large_file_comes_compressed_to_those_who_ask() {
    use std::io::Read;

    let folder = built();
    let script = "export const words = \"the same again\";\n".repeat(500);
    fs::write(folder.path().join("assets/large.js"), &script).unwrap();
    let server = serve(folder.path()).await;
    let gzip = [("accept-encoding", "gzip, deflate")];
    let asked = server.request("GET", "/assets/large.js", &gzip, "").await;
    assert_eq!(
        (asked.header("content-encoding"), asked.header("vary")),
        (Some("gzip"), Some("accept-encoding"))
    );
    assert!(asked.body.len() * 10 < script.len(), "{}", asked.body.len());
    let mut text = String::new();
    flate2::read::GzDecoder::new(&*asked.body).read_to_string(&mut text).unwrap();
    assert_eq!(text, script);
    let plain = server.get("/assets/large.js").await;
    assert_eq!((plain.text(), plain.header("content-encoding")), (&*script, None));
    assert_eq!(plain.header("etag"), asked.header("etag"));
    // A font is compressed already.
    let font = server.request("GET", "/assets/font.woff2", &gzip, "").await;
    assert_eq!(font.header("content-encoding"), None);
}
