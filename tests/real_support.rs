//! The support file of the real binary: what is in it, and that nothing secret is.

#[path = "support/real/mod.rs"]
mod real;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use real::{Home, Yep};
use serde_json::{Value, json};

const MQTT_PASSWORD: &str = "Qx7-broker-word";
const PLAYER_PASSWORD: &str = "Zr4-player-word";
const DEVICE: &str = "Ottokar's laptop";

fn support(home: &Home, server: &str, file: &Path) -> (i32, String) {
    let arguments = ["support", file.to_str().unwrap(), "--server", server];
    let output = home.command_in_env(&arguments).output().unwrap();
    (output.status.code().unwrap(), String::from_utf8(output.stdout).unwrap())
}

/// A token for a program, as the command line shows it once.
fn token(home: &Home, server: &Yep) -> String {
    let arguments = ["pair", "--token", DEVICE, "--role", "observer", "--server", &server.url()];
    let output = home.command_in_env(&arguments).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let longest = said.split_whitespace().max_by_key(|word| word.len()).unwrap().to_owned();
    assert!(longest.len() >= 32, "{said}");
    longest
}

#[test]
fn it_has_everything_that_helps_and_nothing_that_opens_a_door() {
    let folder = tempfile::tempdir().unwrap();
    let password_file = folder.path().join("password");
    fs::write(&password_file, MQTT_PASSWORD).unwrap();
    // Nobody is there, so the log has what the program says of it.
    let config = format!(
        "[mqtt]\nbroker = '127.0.0.1:9'\nuser = 'yep'\npassword_file = '{}'",
        password_file.display()
    );
    let home = Home::new(&config).with("RUST_LOG", "debug").with("YEP_MQTT_PASSWORD", MQTT_PASSWORD);
    let server = home.start();
    let token = token(&home, &server);
    let source = json!({ "kind": "vlc", "address": "127.0.0.1:9", "password": PLAYER_PASSWORD });
    let source = json!({ "source": source });
    server.put("/api/v1/player/source", &source).expect_ok();
    let wrong = server.request("GET", "/api/v1/machine", &[("authorization", "Bearer guessed-word-77")], "");
    assert_eq!(wrong.status, 200, "this computer needs no token");
    server.send_command("calibrate").expect_ok();
    server.wait_for_state("homing");
    server.put_sim(&json!({ "mishaps": ["e_stop_open"] }));
    server.wait_for_state("faulted");

    let file = folder.path().join("support.json");
    let (code, said) = support(&home, &server.url(), &file);
    assert_eq!(code, 0, "{said}");
    let text = fs::read_to_string(&file).unwrap();
    let document: Value = serde_json::from_str(&text).unwrap();
    for part in document["contents"]["parts"].as_array().unwrap() {
        let name = part["name"].as_str().unwrap();
        // What is in it is said before it is made.
        let line = said.lines().position(|line| line.trim_start().starts_with(name));
        let written = said.lines().position(|line| line.starts_with("written to")).unwrap();
        assert!(line.is_some_and(|line| line < written), "{name}: {said}");
        let is_there = document["parts"].get(name).is_some_and(|part| name == "sensor" || !part.is_null());
        assert!(is_there, "{name}");
    }
    let parts = &document["parts"];
    assert_eq!(parts["machine"]["fault"]["code"], "e_stop");
    assert!(parts["machine"]["fault"]["remedy"].is_string());
    assert!(parts["host"]["doctor"]["checks"].as_array().is_some_and(|checks| checks.len() > 10));
    assert!(parts["host"]["layout"].is_array() && parts["store"]["start"]["code"].is_string());
    assert!(parts["settings"]["settings"].is_object() && parts["settings"]["motion"].is_object());
    let figures = parts["figures"].as_array().unwrap();
    assert!(
        figures.iter().any(|line| line.as_str().unwrap().starts_with("yep_step_lateness_seconds_bucket"))
    );
    let log = parts["log"]["lines"].as_array().unwrap();
    assert!(log.iter().any(|line| line["text"].as_str().unwrap().contains("-> faulted")), "{log:?}");

    let hash = sha256(&token);
    let secrets = [&token, &hash, MQTT_PASSWORD, PLAYER_PASSWORD, DEVICE, "guessed-word-77"];
    assert_eq!(found(&secrets, &text), [""; 0]);
    // The search is worth something: what is planted is found, also in the middle of the log.
    let planted = text.replacen("-> faulted", &format!("-> {PLAYER_PASSWORD}"), 1);
    assert_eq!(found(&secrets, &planted), [PLAYER_PASSWORD]);
    // Both have it, so the search would miss nothing that is stored.
    assert!(server.get("/api/v1/devices").expect_ok().to_string().contains(DEVICE));

    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let (code, _) = support(&home, &server.url(), &file);
    assert_eq!(code, 1, "a file that is there is not replaced");
    assert_eq!(fs::read_to_string(&file).unwrap(), text);
}

#[test]
fn without_a_server_it_has_the_checks_of_this_computer() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("support.json");
    let (code, said) = support(&Home::new(""), "http://127.0.0.1:9", &file);
    assert_eq!(code, 3, "{said}");
    let document: Value = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
    assert!(document["problem"].as_str().unwrap().contains("no server at http://127.0.0.1:9"));
    assert!(document["parts"]["host"]["doctor"]["checks"].is_array());
}

/// The crashes in the support data.
fn crashes(server: &Yep) -> Vec<Value> {
    server.get("/api/v1/support").expect_ok()["parts"]["crashes"].as_array().unwrap().clone()
}

#[test]
fn a_kill_leaves_a_trace_that_the_next_start_shows_and_a_graceful_end_leaves_none() {
    let home = Home::new("");
    let mut server = home.start();
    assert!(crashes(&server).is_empty());
    // As the service manager's watchdog does it.
    server.signal("KILL");
    server.wait_for_exit();
    let mut server = home.start();
    let found = crashes(&server);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(
        (&found[0]["kind"], &found[0]["version"]),
        (&json!("killed"), &json!(env!("CARGO_PKG_VERSION")))
    );
    assert!(found[0]["unix_s"].as_u64().unwrap() > 0 && found[0]["what"].is_string(), "{found:?}");
    assert!(server.log().contains("the last start ended without a word"), "{}", server.log());
    server.signal("TERM");
    server.wait_for_exit();
    assert_eq!(crashes(&home.start()).len(), 1);
}

const CRASH_FOLDER: &str = "YEP_TEST_CRASH_FOLDER";

/// Not a test of its own: the process that the next one starts, and that crashes as a real-time thread does.
#[test]
fn a_process_that_panics_and_aborts() {
    let Some(folder) = std::env::var_os(CRASH_FOLDER) else { return };
    let _running = yep::app::crashes::watch(Path::new(&folder));
    let _ = std::thread::Builder::new().name("step loop".into()).spawn(|| {
        let _guard = Abort;
        panic!("the carriage of {} is nowhere", "test-4711");
    });
    std::thread::sleep(std::time::Duration::from_secs(60));
}

struct Abort;

impl Drop for Abort {
    fn drop(&mut self) {
        std::process::abort();
    }
}

#[test]
fn a_panic_leaves_its_message_its_place_and_its_minute() {
    let home = Home::new("");
    drop(home.start());
    let mut child = std::process::Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", "a_process_that_panics_and_aborts"]).env(CRASH_FOLDER, home.state());
    let output = child.output().unwrap();
    assert!(!output.status.success());
    let found = crashes(&home.start());
    let kinds: Vec<_> = found.iter().map(|crash| crash["kind"].as_str().unwrap()).collect();
    // The server was killed, then there was the panic, and the process that it ended.
    assert_eq!(kinds, ["killed", "panic", "killed"], "{found:?}");
    let what = found[1]["what"].as_str().unwrap();
    for part in ["thread step loop", "the carriage of test-4711 is nowhere", "tests/real_support.rs:"] {
        assert!(what.contains(part), "{part}: {what}");
    }
    assert!(found[1]["unix_s"].as_u64().unwrap() > 0);
}

fn found<'a>(secrets: &[&'a str], text: &str) -> Vec<&'a str> {
    secrets.iter().copied().filter(|secret| text.contains(secret)).collect()
}

fn sha256(text: &str) -> String {
    use sha2::Digest as _;
    data_encoding::HEXLOWER.encode(&sha2::Sha256::digest(text))
}
