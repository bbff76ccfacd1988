//! `yep script` and `yep run-pattern` as users see them: reports, exit codes, and the requests to a stub server.

use std::fs;
use std::io::Read as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

#[path = "cli/stub.rs"]
mod stub;

use stub::Stub;

fn yep(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_yep"));
    command.args(arguments).env_remove("YEP_SERVER").env_remove("YEP_TOKEN");
    command
}

fn run(arguments: &[&str]) -> (i32, String, String) {
    let Output { status, stdout, stderr } = yep(arguments).output().unwrap();
    (status.code().unwrap(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
}

fn put(folder: &Path, name: &str, text: &str) -> String {
    let file = folder.join(name);
    fs::write(&file, text).unwrap();
    file.to_str().unwrap().to_owned()
}

#[test]
fn a_check_says_what_is_repaired_what_is_wrong_and_what_is_asked() {
    let folder = tempfile::tempdir().unwrap();
    // Strokes of the whole window in 0.3 s: tests of the analysis have the computation.
    let sound = put(folder.path(), "sound.csv", "0,0\n300,100\n600,0\n900,104\n1200,0\n");
    let broken = put(folder.path(), "broken.funscript", r#"{"actions":[{"at":0,"pos":5},{"pos":7}]}"#);
    let clean = folder.path().join("clean.funscript");
    let (code, out, err) =
        run(&["script", "check", &sound, "--window", "80", "--write", clean.to_str().unwrap()]);
    assert_eq!((code, err.as_str()), (0, ""));
    let expected = format!(
        "{sound}\n  \
         note      it is no funscript, but CSV: each line was read as time in ms, position\n  \
         note      1 position was outside of 0 to 100, and moved to the nearer end (line 4)\n  \
         script    5 actions, 4 strokes, 0:01\n  \
         speed     in 80 mm: 267 mm/s for half of the time, 267 for 90 %, 267 for 99 %, 267 at most\n  \
         fit       nothing is shortened in 80 mm; it fits in 84.0 mm\n"
    );
    assert_eq!(out, expected);
    let (code, out, _) = run(&["script", "check", clean.to_str().unwrap(), "--json"]);
    let report: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(
        (code, &report["notes"], &report["analysis"]["shortened"]),
        (0, &Value::Array(vec![]), &4.into())
    );
    // One that cannot be played keeps no other from being checked.
    let (code, out, err) = run(&["script", "check", &broken, &sound]);
    assert_eq!((code, err.as_str()), (1, "yep: 1 of 2 scripts cannot be played\n"));
    assert!(out.contains("refused   actions[1]: it has no time `at`\n  to do     "), "{out}");
    assert!(out.contains("4 actions (80.0 %) are shortened in 100 mm; it fits in 84.0 mm"), "{out}");
    assert_eq!(run(&["script", "check", &broken]).2, "yep: this script cannot be played\n");
}

#[test]
fn what_makes_no_sense_is_exit_code_2_and_no_server_is_3() {
    for (arguments, said) in [
        (&["script", "check", "/nowhere.funscript"][..], "cannot read /nowhere.funscript"),
        (&["script", "check", "/tmp"], "it is no regular file"),
        (&["script", "check", "x", "--window", "0"], "--window must be above 0"),
        (&["script", "check", "x", "--rate", "nan"], "--rate must be above 0 and at most 4"),
        (&["script", "check", "x", "y", "--write", "z"], "--write takes one FILE"),
        (&["script", "check"], "<FILE>"),
        (&["script", "play"], "<NAME>"),
        (&["run-pattern", "simple"], "--speed"),
        (&["run-pattern", "simple", "--speed", "3", "--per-min", "3"], "cannot be used with"),
    ] {
        let (code, _, err) = run(arguments);
        assert!(code == 2 && err.contains(said), "{arguments:?}: {code} {err}");
    }
    for arguments in
        [&["script", "list"][..], &["script", "play", "x"], &["run-pattern", "simple", "--speed", "3"]]
    {
        let (code, _, err) = run(&[arguments, &["--server", "http://127.0.0.1:1"]].concat());
        assert!(code == 3 && err.contains("no server at http://127.0.0.1:1"), "{arguments:?}: {code} {err}");
    }
    for command in ["script", "run-pattern"] {
        let (code, out, _) = run(&[command, "--help"]);
        assert!(code == 0 && out.contains("Examples:\n  yep "), "{out}");
    }
}

#[test]
fn the_list_is_that_of_the_server() {
    let answer = r#"{"scripts":[
        {"name":"a.funscript","bytes":36001,"title":null,"actions":1418,"duration_s":220.4,"notes":["x"],"trouble":null},
        {"name":"b.csv","bytes":7,"title":null,"actions":null,"duration_s":null,"notes":[],"trouble":"it is empty"}],"left_out":3}"#;
    let stub = Stub::with_answers(&[("200 OK", answer)]);
    let (code, out, _) = run(&["script", "list", "--server", &stub.url()]);
    let lines: Vec<&str> = out.lines().collect();
    assert_eq!((code, lines.len()), (0, 3), "{out}");
    assert!(
        lines[0].starts_with("a.funscript ")
            && lines[0].ends_with("37 kB       3:40  1418 actions, repaired"),
        "{out}"
    );
    assert!(lines[1].ends_with("broken: it is empty"), "{out}");
    assert_eq!(lines[2], "and 3 that are too many");
    assert_eq!(stub.requests()[0].line, "GET /api/v1/scripts HTTP/1.1");
}

/// A machine document without what this command does not read.
const MACHINE: (&str, &str) = ("200 OK", r#"{"stops":4}"#);
const DONE: (&str, &str) = ("200 OK", "{}");
const PLAYS: (&str, &str) = ("200 OK", r#"{"phase":"playing","position_s":1.5,"duration_s":60}"#);

#[test]
fn a_script_is_played_with_signs_of_life_until_a_signal() {
    let stub = Stub::with_answers(&[MACHINE, DONE, DONE, PLAYS, DONE, PLAYS, ("409 Conflict", "{}"), DONE]);
    let mut child = yep(&["script", "play", "x y", "--server", &stub.url()])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // Two looks, one second apart; the signal comes between the second and the third.
    std::thread::sleep(std::time::Duration::from_millis(1_500));
    let id = child.id().to_string();
    assert!(Command::new("kill").args(["-INT", &id]).status().unwrap().success());
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert_eq!((child.wait().unwrap().code(), said.as_str()), (Some(0), ""));
    let requests = stub.requests();
    let lines: Vec<&str> =
        requests.iter().map(|request| request.line.trim_end_matches(" HTTP/1.1")).collect();
    let look = ["POST /api/v1/lease", "GET /api/v1/player"];
    let expected = [
        &["GET /api/v1/machine", "POST /api/v1/player/play"][..],
        &look,
        &look,
        // What does not come to rest when it is asked to is stopped.
        &["POST /api/v1/machine/end", "POST /api/v1/stop"],
    ];
    assert_eq!(lines, expected.concat());
    assert_eq!(requests[1].body, r#"{"script":"x y","after_stop":4,"presence":"watch"}"#);
    assert_eq!(requests[2].body, r#"{"act":"alive"}"#);
}

#[test]
fn a_start_that_is_refused_moves_nothing_and_says_why() {
    let refusal = ("409 Conflict", r#"{"detail":"not homed: calibrate first"}"#);
    let stub = Stub::with_answers(&[MACHINE, refusal]);
    let arguments = [
        "run-pattern",
        "deeper",
        "--per-min",
        "40",
        "--depth",
        "80",
        "--sensation",
        "-50",
        "--server",
        &stub.url(),
    ];
    let (code, _, err) = run(&arguments);
    assert_eq!((code, err.as_str()), (1, "yep: not homed: calibrate first\n"));
    let requests = stub.requests();
    assert_eq!(requests[1].line, "POST /api/v1/patterns/run HTTP/1.1");
    let body: Value = serde_json::from_str(&requests[1].body).unwrap();
    let expected = serde_json::json!({
        "pattern": "deeper", "speed_pct": null, "strokes_per_min": 40.0, "depth_pct": 80.0, "stroke_pct": null,
        "sensation": -50.0, "after_stop": 4, "presence": "watch",
    });
    assert_eq!(body, expected);
}
