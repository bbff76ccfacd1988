//! Stored state over HTTP and on the command line: backups, saved waves, sessions.

#[path = "support/api.rs"]
mod support;

use std::path::Path;
use std::process::{Command, Output};
use std::sync::atomic::Ordering::SeqCst;

use serde_json::{Value, json};
use support::{Server, Setup, snapshot};
use yep::api::port::MachineLocation;
use yep::machine::{self, CommandRefusal};
use yep::store::{SessionEnd, SessionRecord, StateChange, Store};

async fn start() -> Server {
    Setup::new(MachineLocation::Local).start().await
}

async fn post_backup(server: &Server, document: &Value) -> support::HttpAnswer {
    let headers = [("content-type", "application/json")];
    server.request("POST", "/api/v1/backup", &headers, &document.to_string()).await
}

#[tokio::test]
async fn a_backup_brings_everything_to_another_machine() {
    let (one, other) = (start().await, start().await);
    one.put("/api/settings/any/default", r#"{"name":"größer","force_limit":800,"max_steps":1450}"#).await;
    one.put("/api/v1/limits", r#"{"max_speed_mm_s":321.5}"#).await;
    assert_eq!(one.put("/api/v1/waves/slow%20one", r#"{"type":"sine","duration":2.5}"#).await.status, 200);
    let session =
        SessionRecord { ended: Some(SessionEnd::Stop), distance_mm: 0.1 + 0.2, ..SessionRecord::begun(7) };
    let kept = one.ctx.store.keep(StateChange::Session(3, session)).await;
    assert_eq!(kept, Ok(()));

    let backup = one.get("/api/v1/backup").await;
    assert_eq!(backup.header("content-disposition"), Some("attachment; filename=\"yep-backup.json\""));
    let document = backup.json();
    assert_eq!(document["settings"]["force_limit_g"], 800);
    let mut commands = other.socket("command_all").await;
    let answer = post_backup(&other, &document).await;
    assert_eq!(answer.json(), json!({ "status": "success", "waves": 1, "sessions": 1 }), "{}", answer.text());
    assert_eq!(commands.message().await["type"], "update_settings");
    assert_eq!(other.ctx.store.kept().0, one.ctx.store.kept().0);
    assert_eq!(other.ctx.settings.current(), one.ctx.settings.current());
    let [machine::Command::ReplaceSettings(config)] = other.port.commands()[..] else {
        panic!("the machine was not told")
    };
    assert_eq!(config.limits.max_speed.get(), 321.5);
    // The app's reset makes new settings.
    assert_eq!(other.post("/api/setup/initialize", "").await.status, 200);
    let reset = other.get("/api/settings/any/default").await.json();
    assert_eq!((&reset["force_limit"], &reset["max_steps"]), (&json!(1_000), &Value::Null));
    assert_ne!(reset["id"], document["settings"]["id"]);
}

/// The encodings of an editor on Windows.
#[tokio::test]
async fn a_backup_that_went_through_windows_is_taken_or_named() {
    let server = start().await;
    let text = server.get("/api/v1/backup").await.text().replace('\n', "\r\n");
    let utf_16: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    for (body, status) in [
        ([b"\xef\xbb\xbf", text.as_bytes()].concat(), 200),
        ([b"\xff\xfe", utf_16.as_slice()].concat(), 200),
        (utf_16, 400),
    ] {
        let headers = [("content-type", "application/json")];
        let answer = server.request_from(1, "POST", "/api/v1/backup", &headers, &body).await;
        assert_eq!(answer.status, status, "{}", answer.text());
        assert!(status == 200 || answer.text().contains("UTF-16"), "{}", answer.text());
    }
}

#[tokio::test]
async fn a_backup_that_is_wrong_or_untimely_changes_nothing() {
    let server = start().await;
    let good = server.get("/api/v1/backup").await.json();
    let before = server.ctx.store.kept().0;
    let mut bad = good.clone();
    bad["settings"]["force_limit_g"] = json!(0);
    bad["motion"]["max_speed_mm_s"] = json!(1e9);
    bad["waves"]["x"] = json!({ "type": "sine", "duration": 0.001 });
    let refused = post_backup(&server, &bad).await;
    assert_eq!(refused.status, 422);
    for said in ["settings.force_limit_g", "motion.max_speed_mm_s", r#""waves.x""#] {
        assert!(refused.text().contains(said), "{said}: {}", refused.text());
    }
    for (body, status) in
        [("{", 400), ("", 422), ("[]", 422), ("{}", 422), (r#"{"format":"yep-state"}"#, 422)]
    {
        let headers = [("content-type", "application/json")];
        let answer = server.request("POST", "/api/v1/backup", &headers, body).await;
        assert_eq!(answer.status, status, "{body}: {}", answer.text());
    }
    let undeclared = server.request("POST", "/api/v1/backup", &[], &good.to_string()).await;
    assert_eq!(undeclared.status, 415);

    let mut good = good;
    good["settings"]["force_limit_g"] = json!(700);
    for state in [machine::State::Running, machine::State::Homing, machine::State::Stopping] {
        server.port.set_snapshot(snapshot(state));
        let moving = post_backup(&server, &good).await;
        assert_eq!((moving.status, &moving.json()["code"]), (409, &json!("moving")), "{state:?}");
    }
    server.port.set_snapshot(snapshot(machine::State::Ready));
    server.port.script_replies([Err(CommandRefusal::QueueFull)]);
    assert_eq!(post_backup(&server, &good).await.status, 409);
    server.store.broken.store(true, SeqCst);
    assert_eq!(post_backup(&server, &good).await.status, 503);
    server.store.broken.store(false, SeqCst);
    assert_eq!(server.ctx.store.kept().0, before);
    assert_eq!(server.ctx.settings.current(), before.settings);
    assert_eq!(post_backup(&server, &good).await.status, 200);
}

#[tokio::test]
async fn waves_are_kept_under_their_names() {
    let server = start().await;
    let wave = json!({ "type": "points", "duration": 2, "points": [0, 1, 0.25], "interpolation": "linear" });
    for (name, body, status) in [
        ("a", wave.to_string(), 200),
        ("a", json!({ "type": "sine", "duration": "2." }).to_string(), 422),
        ("a", json!({ "type": "sine", "duration": 2.5 }).to_string(), 200),
        ("b%2Fc", wave.to_string(), 200),
        ("d", json!({ "type": "sine" }).to_string(), 422),
        ("d", json!({ "type": "sine", "duration": 0.001 }).to_string(), 422),
        ("d", json!({ "type": "zigzag", "duration": 1 }).to_string(), 422),
        ("d", json!({ "type": "sine", "duration": 1, "lease": "" }).to_string(), 422),
        ("%20d", wave.to_string(), 422),
        (&"x".repeat(65), wave.to_string(), 422),
        ("d", "{".to_owned(), 400),
    ] {
        let answer = server.put(&format!("/api/v1/waves/{name}"), &body).await;
        assert_eq!(answer.status, status, "{name} {body}: {}", answer.text());
    }
    let waves = server.get("/api/v1/waves").await.json();
    assert_eq!(waves, json!({ "waves": { "a": { "type": "sine", "duration": 2.5 }, "b/c": wave } }));
    assert_eq!(server.get("/api/v1/waves/b%2Fc").await.json(), wave);

    let json = [("content-type", "application/json")];
    let run = || server.request("POST", "/api/v1/machine/run", &json, r#"{"saved":"a"}"#);
    assert_eq!(run().await.status, 200);
    assert!(matches!(server.port.commands()[..], [machine::Command::Run(_)]));
    server.port.script_replies([Err(CommandRefusal::NotHomed(machine::State::NotHomed))]);
    assert_eq!(run().await.status, 409);

    assert_eq!(server.request("DELETE", "/api/v1/waves/a", &[], "").await.status, 200);
    for method in ["DELETE", "GET"] {
        assert_eq!(server.request(method, "/api/v1/waves/a", &[], "").await.status, 404, "{method}");
    }
    assert_eq!(run().await.json()["code"], "unknown_wave");
    for n in 1..64 {
        assert_eq!(server.put(&format!("/api/v1/waves/{n}"), &wave.to_string()).await.status, 200, "{n}");
    }
    let full = server.put("/api/v1/waves/one-more", &wave.to_string()).await;
    assert_eq!((full.status, &full.json()["code"]), (409, &json!("no_room")), "{}", full.text());
    server.store.broken.store(true, SeqCst);
    assert_eq!(server.put("/api/v1/waves/1", &wave.to_string()).await.status, 503);
}

#[tokio::test]
async fn sessions_are_told_newest_first_with_their_sums() {
    let server = start().await;
    assert_eq!(server.get("/api/v1/sessions").await.json()["sessions"], json!([]));
    let session = SessionRecord {
        ended: Some(SessionEnd::Fault),
        faults: vec!["e_stop".into()],
        ..SessionRecord::begun(7)
    };
    for number in 1..=3 {
        server.ctx.store.keep(StateChange::Session(number, session.clone())).await.unwrap();
    }
    let told = server.get("/api/v1/sessions").await.json();
    let numbers: Vec<_> = told["sessions"].as_array().unwrap().iter().map(|s| &s["number"]).collect();
    assert_eq!(numbers, [3, 2, 1]);
    assert_eq!(told["sessions"][0]["ended"], "fault");
    assert_eq!((&told["counters"]["sessions"], &told["counters"]["faults"]), (&json!(3), &json!(3)));
    let state = server.get("/api/v1/state").await.json();
    assert_eq!((&state["start"]["code"], &state["sessions"]), (&json!("clean"), &json!(3)));
}

fn yep(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_yep"));
    command.args(arguments).env_remove("YEP_SERVER").env_remove("STATE_DIRECTORY").output().unwrap()
}

fn run_ok(arguments: &[&str]) -> String {
    let output = yep(arguments);
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{arguments:?}: {said}{}", String::from_utf8_lossy(&output.stderr));
    said
}

fn run_refused(arguments: &[&str], code: i32) -> String {
    let output = yep(arguments);
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {output:?}");
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn the_command_line_saves_restores_and_checks_a_folder() {
    let dir = tempfile::tempdir().unwrap();
    let place = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    let (one, other, file) = (place("one"), place("other"), place("backup.json"));
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let (store, opened) = Store::open(Path::new(&one)).unwrap();
    let mut settings = opened.state.settings;
    settings.document.name = "one".to_owned();
    settings.document.force_limit = 777;
    runtime.block_on(store.save(settings)).unwrap();
    let in_use = run_refused(&["state", "export", "--state-dir", &one], 1);
    assert!(in_use.contains("is in use"), "{in_use}");
    drop(store);

    assert!(run_ok(&["state", "export", "--state-dir", &one, &file]).contains("written to"));
    let shown = run_ok(&["state", "show", "--state-dir", &one]);
    assert!(shown.contains("777 g at most") && shown.contains("calibration none"), "{shown}");
    assert!(run_ok(&["state", "import", "--state-dir", &other, &file]).contains("calibrate before moving"));
    let [first, second] = [&one, &other].map(|dir| {
        let text = run_ok(&["state", "export", "--state-dir", dir]);
        let mut document: Value = serde_json::from_str(&text).unwrap();
        for head in ["written", "written_unix_s", "generation"] {
            document.as_object_mut().unwrap().remove(head);
        }
        document
    });
    assert_eq!(first, second);

    let text = std::fs::read_to_string(&file).unwrap().replace("777", "0");
    std::fs::write(&file, text).unwrap();
    let why = run_refused(&["state", "import", "--state-dir", &other, &file], 1);
    assert!(why.contains("settings.force_limit_g: must be 1 to 100000"), "{why}");
    assert!(run_ok(&["state", "show", "--state-dir", &other]).contains("777 g at most"));

    let checked = run_ok(&["state", "check", "--state-dir", &one]);
    assert!(checked.contains("good, version 7") && checked.contains("mirror.json"), "{checked}");
    std::fs::write(Path::new(&one).join("db/db"), "what is this?").unwrap();
    let bad = run_refused(&["state", "check", "--state-dir", &one], 1);
    assert!(bad.contains("not as it should be: db"), "{bad}");
    assert_eq!(std::fs::read_to_string(Path::new(&one).join("db/db")).unwrap(), "what is this?");
    assert!(run_refused(&["state", "check", "--state-dir", &place("nowhere")], 2).contains("cannot look at"));
}
