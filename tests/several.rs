//! Several machines from one command line: the same request to all at the same time, a line each, and one exit code.

use std::net::TcpListener;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

#[path = "cli/stub.rs"]
mod stub;

use stub::Stub;

const STOPPED: (&str, &str) = ("200 OK", r#"{"received":true}"#);
const RUNNING: &str = r#"{"state":"running","why":"a wave was asked for","position_mm":12.345,"velocity_mm_s":-91.1,
    "range_mm":145.0}"#;

fn yep(arguments: &[&str], servers: &[&str]) -> (i32, String, String) {
    let command =
        Command::new(env!("CARGO_BIN_EXE_yep")).args(arguments).env("YEP_SERVER", servers.join(",")).output();
    let Output { status, stdout, stderr } = command.unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code().unwrap(), text(stdout), text(stderr))
}

/// A server that takes connections and never answers.
fn silent() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    (listener, url)
}

fn nobody() -> String {
    format!("http://{}", TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap())
}

#[test]
fn a_stop_reaches_the_others_at_once_while_one_machine_hangs() {
    let (hanging, hangs) = silent();
    let stubs = [Stub::with_answers(&[STOPPED]), Stub::with_answers(&[STOPPED])];
    let [a, b] = [stubs[0].url(), stubs[1].url()];
    let began = Instant::now();
    let servers = [hangs.clone(), a.clone(), b.clone()];
    let stopping = std::thread::spawn(move || yep(&["stop"], &servers.each_ref().map(String::as_str)));
    for stub in stubs {
        assert_eq!(stub.requests()[0].line, "POST /api/stop HTTP/1.1");
    }
    let reached = began.elapsed();
    assert!(reached < Duration::from_secs(3), "{reached:?}, and a silent machine is given 5 s");
    let (code, said, errors) = stopping.join().unwrap();
    drop(hanging);
    assert_eq!(code, 3, "{said}{errors}");
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(lines.len(), 3, "{said}");
    for url in [a, b] {
        assert!(lines[..2].contains(&format!("{url}  stopping").as_str()), "{said}");
    }
    assert!(lines[2].starts_with(&format!("{hangs}  NOT STOPPED: something at ")), "{said}");
    assert_eq!(errors, format!("yep: 1 of 3 machines were not stopped: {hangs}\n"));
}

#[test]
fn when_all_stop_the_exit_code_is_0() {
    let stubs = [Stub::with_answers(&[STOPPED]), Stub::with_answers(&[STOPPED])];
    let list = [stubs[0].url(), stubs[1].url()].join(",");
    let (code, said, errors) = yep(&["--server", &list, "stop"], &[]);
    assert_eq!((code, said.lines().count(), errors.as_str()), (0, 2, ""));
}

#[test]
fn one_that_refuses_is_exit_code_1_and_one_that_is_not_there_3() {
    let refusing = Stub::with_answers(&[("503 Service Unavailable", r#"{"detail":"busy"}"#)]);
    let (code, said, _) = yep(&["stop"], &[&refusing.url(), &Stub::with_answers(&[STOPPED]).url()]);
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("NOT STOPPED: busy\n"), "{said}");
    let (code, said, _) = yep(&["stop"], &[&nobody(), &Stub::with_answers(&[STOPPED]).url()]);
    assert_eq!(code, 3, "{said}");
    assert!(said.contains("NOT STOPPED: no server at http://127.0.0.1:"), "{said}");
}

#[test]
fn the_status_of_several_is_a_line_each_in_their_order() {
    let answers = [("200 OK", RUNNING)];
    let [a, b] = [Stub::with_answers(&answers), Stub::with_answers(&answers)];
    let (a, missing, b) = (a.url(), nobody(), b.url());
    let (code, said, errors) = yep(&["status"], &[&a, &missing, &b]);
    assert_eq!(code, 3, "{errors}");
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(lines.len(), 3, "{said}");
    for (line, url) in [(lines[0], &a), (lines[2], &b)] {
        assert!(line.starts_with(url.as_str()) && line.contains("  running "), "{said}");
        assert!(line.contains("12.35 of 145.0 mm"), "{said}");
    }
    assert!(lines[1].contains("no server at"), "{said}");
    assert_eq!(errors, format!("yep: 1 of 3 machines gave no status: {missing}\n"));
}

#[test]
fn the_status_of_several_is_an_object_a_line_for_programs() {
    let stub = Stub::with_answers(&[("200 OK", RUNNING)]);
    let (there, missing) = (stub.url(), nobody());
    let (code, said, _) = yep(&["status", "--json"], &[&there, &missing]);
    assert_eq!(code, 3);
    let objects: Vec<serde_json::Value> =
        said.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(objects[0]["server"], there);
    assert_eq!(objects[0]["status"]["state"], "running");
    assert_eq!(objects[1]["server"], missing);
    assert!(objects[1]["problem"].as_str().unwrap().starts_with("no server at"), "{said}");
}

#[test]
fn a_command_for_one_machine_refuses_several() {
    let (code, _, errors) = yep(&["calibrate"], &["http://a", "http://b"]);
    assert_eq!(code, 2, "{errors}");
}
