//! Scripts over HTTP: a file is put, analysed, listed, read again and removed, and what is wrong is told with its place.

#[path = "support/api.rs"]
mod support;

use serde_json::{Value, json};
use support::{Server, Setup, by, code};
use yep::api::playback::shelf::ScriptShelf;
use yep::api::port::MachineLocation;
use yep::scripts::Library;

const FUNSCRIPT: &str = r#"{"version":"1.0","inverted":false,"range":100,"metadata":{"title":"Slow"},"actions":[{"at":0,"pos":0},{"at":1000,"pos":100},{"at":500,"pos":50},{"at":2000,"pos":0},{"at":2100,"pos":100}]}"#;

async fn start(folder: &tempfile::TempDir) -> Server {
    let mut setup = Setup::new(MachineLocation::Local).with_devices();
    setup.scripts = ScriptShelf::of(Library::open(folder.path()));
    setup.start().await
}

async fn put(server: &Server, name: &str, body: &str) -> support::HttpAnswer {
    let headers = [("content-type", "application/octet-stream")];
    server.request("PUT", &format!("/api/v1/scripts/{name}"), &headers, body).await
}

fn names(list: &Value) -> Vec<&str> {
    list["scripts"].as_array().unwrap().iter().map(|entry| entry["name"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_script_is_put_analysed_and_removed() {
    let folder = tempfile::tempdir().unwrap();
    let server = start(&folder).await;
    let answer = put(&server, "Slow%20one.funscript", FUNSCRIPT).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let script = answer.json();
    assert_eq!(
        (&script["name"], &script["title"], &script["actions"]),
        (&json!("Slow one.funscript"), &json!("Slow"), &json!(5))
    );
    assert_eq!(script["duration_s"], json!(2.1));
    assert_eq!(script["notes"].as_array().unwrap().len(), 1, "it was not in order: {}", script["notes"]);
    assert_eq!(script["heat"].as_array().unwrap().len(), 240);
    // By hand: 100 mm in 0.1 s is the fastest, and no axis with 500 mm/s can do that. Its stroke is shorter round its middle, so
    // both of its ends are.
    let path = "/api/v1/scripts/Slow%20one.funscript";
    let at = server.get(&format!("{path}?window_mm=100")).await.json();
    assert_eq!((&at["window_mm"], &at["analysis"]["peak_mm_s"]), (&json!(100.0), &json!(1000.0)));
    assert_eq!((&at["analysis"]["shortened"], &at["analysis"]["strokes"]), (&json!(2), &json!(3)), "{at}");
    let fits_mm = at["analysis"]["fits_mm"].as_f64().unwrap();
    let fitting = server.get(&format!("{path}?window_mm={fits_mm}")).await.json();
    assert_eq!(fitting["analysis"]["shortened"], json!(0));
    let wider = server.get(&format!("{path}?window_mm={}", fits_mm + 1.0)).await.json();
    assert_ne!(wider["analysis"]["shortened"], json!(0));
    assert_eq!(server.get(&format!("{path}?window_mm=0")).await.status, 422);

    let file = server.get(&format!("{path}/file")).await;
    assert_eq!((file.status, file.text()), (200, FUNSCRIPT));
    let list = server.get("/api/v1/scripts").await.json();
    assert_eq!(names(&list), ["Slow one.funscript"]);
    assert_eq!(list["bytes"], json!(FUNSCRIPT.len()));

    // Another start finds it again.
    drop(server);
    let server = start(&folder).await;
    assert_eq!(names(&server.get("/api/v1/scripts").await.json()), ["Slow one.funscript"]);
    assert_eq!(server.request("DELETE", path, &[], "").await.status, 200);
    let gone = server.request("DELETE", path, &[], "").await;
    assert_eq!((gone.status, code(&gone)), (404, "unknown_script".to_owned()));
    assert_eq!(names(&server.get("/api/v1/scripts").await.json()), Vec::<&str>::new());
}

#[tokio::test]
async fn what_cannot_be_read_is_refused_and_leaves_what_was_there() {
    let folder = tempfile::tempdir().unwrap();
    let server = start(&folder).await;
    assert_eq!(put(&server, "a.csv", "0,0\n1000,100\n").await.status, 200);
    for (name, body, status, why) in [
        ("a.csv", "0,0\nsoon,100\n", 422, "invalid_script"),
        ("a.csv", "", 422, "invalid_script"),
        ("b.funscript", r#"{"actions":[{"at":0}]}"#, 422, "invalid_script"),
        ("b.funscript", "[[[[", 422, "invalid_script"),
        ("..%2Fb.funscript", FUNSCRIPT, 422, "invalid_fields"),
        ("%2Eb.funscript", FUNSCRIPT, 422, "invalid_fields"),
    ] {
        let answer = put(&server, name, body).await;
        assert_eq!(
            (answer.status, code(&answer)),
            (status, why.to_owned()),
            "{name} {body}: {}",
            answer.text()
        );
    }
    let too_large = put(&server, "a.csv", &"0,0\n".repeat(300_000)).await;
    assert_eq!((too_large.status, code(&too_large)), (413, "body_too_large".to_owned()));
    let file = server.get("/api/v1/scripts/a.csv/file").await;
    assert_eq!(file.text(), "0,0\n1000,100\n");
    // A file that somebody put there by hand is listed with its trouble, and plays nothing.
    std::fs::write(folder.path().join("scripts/broken.funscript"), "{").unwrap();
    let list = server.get("/api/v1/scripts").await.json();
    assert_eq!(names(&list), ["a.csv", "broken.funscript"]);
    assert!(list["scripts"][1]["trouble"].is_string() && list["scripts"][1]["actions"].is_null());
    let play = by(&server, 2, "POST", "/api/v1/player/play", json!({ "script": "broken.funscript" })).await;
    assert_eq!((play.status, code(&play)), (422, "invalid_script".to_owned()));
    assert!(server.port.commands().is_empty(), "nothing was sent to the machine");
}

#[tokio::test]
async fn who_may_not_move_the_axis_reads_and_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let server = start(&folder).await;
    assert_eq!(put(&server, "a.csv", "0,0\n1000,100\n").await.status, 200);
    let observer = 1;
    for (method, path) in [
        ("PUT", "/api/v1/scripts/b.csv"),
        ("DELETE", "/api/v1/scripts/a.csv"),
        ("POST", "/api/v1/player/play"),
        ("PATCH", "/api/v1/player"),
        ("PUT", "/api/v1/player/source"),
        ("POST", "/api/v1/patterns/run"),
        ("PATCH", "/api/v1/patterns/run"),
        ("PUT", "/api/v1/patterns/saved/x"),
    ] {
        let answer = by(&server, observer, method, path, json!({ "script": "a.csv" })).await;
        assert_eq!((answer.status, code(&answer)), (403, "role".to_owned()), "{method} {path}");
    }
    for path in
        ["/api/v1/scripts", "/api/v1/scripts/a.csv", "/api/v1/player", "/api/v1/patterns", "/api/v1/clock"]
    {
        assert_eq!(by(&server, observer, "GET", path, Value::Null).await.status, 200, "{path}");
    }
    // An operator plays, and an admin says with which player in step.
    let source = json!({ "source": { "kind": "mpv", "address": "unix:/run/mpv" } });
    assert_eq!(by(&server, 2, "PUT", "/api/v1/player/source", source.clone()).await.status, 403);
    assert_eq!(by(&server, 3, "PUT", "/api/v1/player/source", source).await.status, 200);
    let wrong = json!({ "source": { "kind": "mpv", "address": "mpv" } });
    let answer = by(&server, 3, "PUT", "/api/v1/player/source", wrong).await;
    assert_eq!((answer.status, code(&answer)), (422, "invalid_fields".to_owned()));
    let secret = json!({ "source": { "kind": "vlc", "address": "127.0.0.1:8080", "password": "swordfish" } });
    let answer = by(&server, 3, "PUT", "/api/v1/player/source", secret).await;
    assert_eq!((answer.status, &answer.json()["source"]["has_password"]), (200, &json!(true)));
    assert!(!answer.text().contains("swordfish"));
}
