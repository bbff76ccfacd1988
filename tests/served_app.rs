//! A served app that was built for `http://localhost`: the same files work under every name of the server, at `/app/` and, but
//! for `/` itself, at the root. Where node is installed, what a browser would get is run.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;
use yep::api::Pages;
use yep::api::pages::APP_PRESENCE_JS;
use yep::api::port::MachineLocation;

#[path = "support/skip.rs"]
mod skip;
#[path = "support/api.rs"]
mod support;

use support::{Server, Setup, bearer};

const PRESENCE: &str = "<script src=\"/api/v1/app-presence.js\" defer></script>";

/// As webpack 4 writes it for the app, which asks `/` for its script.
const INDEX: &str = "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><link rel=\"icon\" \
    href=\"%PUBLIC_URL%/favicon.ico\"><title>React App</title></head><body><div id=\"root\"></div>\
    <script>window.status='ws://localhost/api/stream/status'</script><script src=\"/main.js\"></script></body></html>";

/// Forms in which bundlers and minifiers leave an address, each pushed into `out`.
const SCRIPT: &str = r#"!function(e){"use strict";var out=e.out,or="http://localhost/api/",n="1",p=function(x){out.push(x)};
p(or+"wave/get");p("http://localhost:80/api/settings/".concat("any","/",n));p(`http://127.0.0.1/api/curve/${n}`);
p('http://127.0.0.1:80/api');p({"http://localhost/api":1}["http://localhost/api"]);
p("ws://localhost/api/stream/status");p("ws://localhost/api/stream/"+n);p("ws://127.0.0.1:80/api/stream/".concat(n));
p(`ws://localhost/api/stream/${n}`);p(n?'ws://localhost/api':"");p(function(){return"ws://localhost/api?a"}());
p({a:"ws://localhost/api"}.a);p(["ws:\/\/localhost\/api"][0]);p(/["'`]/.test("'")&&'ws://localhost/api');
p(JSON.parse('{"a":"http://localhost/api/","b":"ws://localhost/api"}').a);p(eval("'ws://localhost/api/eval'"));
p(n/1/"ws://localhost/api".length>0);// "ws://localhost/api
var a=n
"ws://localhost/api"
p(a);p("http://localhost");p("http://localhost:3042/api/");p("see http://localhost/api/")}(window);
"#;

/// What `SCRIPT` pushes when it is served from an origin of http with this host.
fn expected(host: &str) -> Vec<Value> {
    let socket = |path: &str| json!(format!("ws://{host}{path}"));
    vec![
        json!("/api/wave/get"),
        json!("/api/settings/any/1"),
        json!("/api/curve/1"),
        json!("/api"),
        json!(1),
        socket("/api/stream/status"),
        socket("/api/stream/1"),
        socket("/api/stream/1"),
        socket("/api/stream/1"),
        socket("/api"),
        socket("/api?a"),
        socket("/api"),
        socket("/api"),
        socket("/api"),
        json!("/api/"),
        json!("/api/eval"),
        json!(true),
        json!("1"),
        json!("http://localhost"),
        json!("http://localhost:3042/api/"),
        json!("see http://localhost/api/"),
    ]
}

const STYLE: &str = "a{background:url(http://localhost/api/a.png)}";
const MAP: &str = "{\"sourcesContent\":[\"'http://localhost/api/'\"]}";

fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, content) in files {
        let file = folder.path().join(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, content).unwrap();
    }
    folder
}

fn built() -> TempDir {
    folder(&[
        ("index.html", INDEX),
        ("main.js", SCRIPT),
        ("main.css", STYLE),
        ("main.js.map", MAP),
        ("config.json", "{\"a\":\"http://localhost/api\"}"),
    ])
}

async fn serve(folder: &TempDir) -> Server {
    let mut setup = Setup::new(MachineLocation::Local).with_devices();
    setup.pages = Pages::read(folder.path()).unwrap();
    setup.start().await
}

#[tokio::test]
async fn under_every_name_the_addresses_lead_to_the_origin_of_the_page() {
    let folder = built();
    let server = serve(&folder).await;
    for host in ["localhost", "127.0.0.1", "yep.local", "yep.local:80"] {
        for path in ["/app", "/app/", "/app/index.html", "/machine/thrust", "/app/machine/thrust"] {
            // Under a name of the network the client is no longer the machine itself.
            let page =
                server.request("GET", path, &[("host", host), ("authorization", &bearer(1))], "").await;
            let text = page.text();
            assert_eq!(page.status, 200, "{host} {path}");
            assert!(text.contains(&format!("{PRESENCE}</head>")) && !text.contains("localhost"), "{text}");
        }
        for name in ["main.js", "main.css"] {
            for path in [format!("/{name}"), format!("/app/{name}")] {
                let file = server.request("GET", &path, &[("host", host)], "").await;
                assert_eq!(file.status, 200, "{host} {path}");
                assert_eq!(file.header("content-length"), Some(&*file.body.len().to_string()));
                assert!(!file.text().contains("'http://localhost/api"), "{}", file.text());
            }
        }
    }
    assert_eq!(server.get("/main.css").await.text(), "a{background:url(/api/a.png)}");
    assert_eq!(server.get("/app/gone.js").await.status, 404);
    assert_eq!(server.get("/app/../app/main.js").await.status, 404);
    // What is no code stays, and so do the files on the disk.
    assert_eq!(server.get("/main.js.map").await.text(), MAP);
    assert!(server.get("/config.json").await.text().contains("http://localhost/api"));
    assert_eq!(fs::read_to_string(folder.path().join("main.js")).unwrap(), SCRIPT);
}

#[tokio::test]
async fn the_tag_is_that_of_what_is_sent() {
    let folder = built();
    let server = serve(&folder).await;
    let first = server.get("/main.js").await;
    let tag = first.header("etag").unwrap();
    assert_eq!(server.get("/app/main.js").await.header("etag"), Some(tag));
    let sent = format!("\"{:08x}-{:x}\"", crc32fast::hash(&first.body), first.body.len());
    assert_eq!(tag, sent);
    let again = server.request("GET", "/app/main.js", &[("if-none-match", tag)], "").await;
    assert_eq!((again.status, again.body.len()), (304, 0));
}

#[tokio::test]
async fn an_app_without_addresses_is_served_as_it_is() {
    let files = [
        ("index.html", "<!doctype html><head></head><script src=a.js></script>"),
        ("a.js", "f('/api/',\"ws://\"+location.host,'http://localhost:3042/api/','http://localhost/apis')"),
        ("app/b.js", "of a folder of that name"),
    ];
    let folder = folder(&files);
    let server = serve(&folder).await;
    for (name, content) in files {
        assert_eq!(server.get(&format!("/{name}")).await.text(), content);
        assert_eq!(server.get(&format!("/app/{name}")).await.text(), content);
    }
}

#[tokio::test]
async fn without_an_app_there_is_nothing_at_its_address() {
    let server = Setup::new(MachineLocation::Local).start().await;
    assert_eq!(server.get("/app/").await.status, 404);
}

/// Runs a script with node, and returns what it printed; none, and a report, without node.
fn run(test: &str, script: &str) -> Option<String> {
    let mut node = Command::new("node");
    let Ok(mut node) = node.arg("-").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn() else {
        skip::skip(test, "node is not installed");
        return None;
    };
    node.stdin.take().unwrap().write_all(script.as_bytes()).unwrap();
    let output = node.wait_with_output().unwrap();
    assert!(output.status.success(), "{script}");
    Some(String::from_utf8(output.stdout).unwrap())
}

#[tokio::test]
async fn the_served_script_runs_and_finds_the_api_from_every_origin() {
    let folder = built();
    let server = serve(&folder).await;
    let script = server.get("/app/main.js").await.text().to_owned();
    let page = server.get("/app/").await.text().to_owned();
    let inline = page.split("<script>").nth(1).unwrap().split("</script>").next().unwrap();
    for host in ["localhost", "yep.local", "192.168.1.20", "yep.local:8080"] {
        let window = format!("var window={{out:[],location:{{origin:\"http://{host}\"}}}};");
        let program = format!("{window}\n{script}\n{inline};console.log(JSON.stringify(window))");
        let Some(printed) = run("the_served_script_runs_…", &program) else { return };
        let window: Value = serde_json::from_str(&printed).unwrap();
        assert_eq!(window["out"], Value::from(expected(host)), "{host}");
        assert_eq!(window["status"], format!("ws://{host}/api/stream/status"));
    }
    let secure = "var window={out:[],location:{origin:\"https://yep.example\"}};";
    let program = format!("{secure}\n{script}\nconsole.log(window.out[5])");
    let printed = run("the_served_script_runs_…", &program).unwrap();
    assert_eq!(printed.trim(), "wss://yep.example/api/stream/status");
}

/// A browser in a few lines: the clock is the test's, and the socket opens when the test says so.
const BROWSER: &str = r#"
var sockets=[],timers=[],repeated=[],sent=[];
function WebSocket(address){this.address=address;this.readyState=0;sockets.push(this)}
WebSocket.OPEN=1;WebSocket.prototype.send=function(text){sent.push(text)};
var location={protocol:"http:",host:"yep.local"},document={visibilityState:"visible"};
function setTimeout(f,ms){timers.push([f,ms])}
function setInterval(f,ms){repeated.push([f,ms])}
"#;

#[test]
fn the_sign_of_life_comes_from_the_visible_page_alone_and_for_ever() {
    let program = format!(
        r#"{BROWSER}
        var known=Object.keys(globalThis).length;
        {APP_PRESENCE_JS}
        var report={{globals:Object.keys(globalThis).length-known,address:sockets[0].address,
            every:repeated.map(r=>r[1])}};
        var tick=()=>{{sent=[];repeated[0][0]();return sent}};
        report.unopened=tick();
        sockets[0].readyState=1;report.open=tick();
        document.visibilityState="hidden";report.hidden=tick();
        document.visibilityState="visible";
        for(var i=0;i<5;i++){{sockets[i].readyState=3;sockets[i].onclose();report.closed=tick();timers[i][0]()}}
        sockets[5].readyState=1;report.again=tick();
        report.waits=timers.map(t=>t[1]);report.sockets=sockets.length;
        console.log(JSON.stringify(report))"#
    );
    let Some(printed) = run("the_sign_of_life_…", &program) else { return };
    let report: BTreeMap<String, Value> = serde_json::from_str(&printed).unwrap();
    let alive = json!(["{\"type\":\"alive\",\"of\":\"app\"}"]);
    let expected = json!({
        "globals": 0, "address": "ws://yep.local/api/v1/socket", "every": [500], "unopened": [], "open": alive,
        "hidden": [], "closed": [], "again": alive, "waits": [1000, 2000, 4000, 8000, 10000], "sockets": 6,
    });
    assert_eq!(serde_json::to_value(report).unwrap(), expected);
    assert!(APP_PRESENCE_JS.lines().count() < 30);
}
