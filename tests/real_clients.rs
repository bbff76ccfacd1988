//! Several clients of one real server: one that does not read while others watch and stop, and the command line as a
//! client.

#[path = "support/real/mod.rs"]
mod real;

use std::process::Output;
use std::time::{Duration, Instant};

use real::process::QUICK_HOMING;
use real::{Home, Yep, socket};
use serde_json::{Value, json};

/// Close codes.
const TRY_AGAIN: u16 = 1013;

#[test]
fn a_client_that_does_not_listen_holds_nobody_up() {
    let home = Home::new(QUICK_HOMING);
    let yep = home.start();
    let telemetry = yep.socket("telemetry");
    yep.send_command("calibrate").expect_ok();
    yep.wait_for_state("homing");
    yep.wait_until_calibrated();
    yep.run_wave("sine", 1.0).expect_ok();
    yep.wait_for_full_rate();

    // Three clients that read nothing behind the handshake, on a stream with far more data than all buffers hold.
    let deaf: Vec<_> = (0..3).map(|_| socket::connect(yep.address, "command_all")).collect();
    let hearing = yep.socket("command_all");
    let mut talker = yep.socket("status");
    let quiet_since = telemetry.count();
    let word = "x".repeat(40_000);
    let began = Instant::now();
    let mut heard = 0;
    for n in 0..400 {
        talker.send(&json!({ "stream": "command_all", "n": n, "word": word }).to_string());
        if n % 20 == 19 {
            // At the pace of the reading client: a faster flood makes every client too slow.
            let mark = format!("\"n\": \"{n}\"");
            heard = hearing.wait_from(heard, "a word", |frame| frame.text.contains(&mark)).0;
        }
    }
    // It receives every message, in order.
    let said = hearing.frames().iter().map(|frame| frame.message()["n"].clone()).collect::<Vec<_>>();
    assert_eq!(said, (0..400).map(|n| json!(n.to_string())).collect::<Vec<_>>());

    // The server closed the others: they read the buffered data, and then the end.
    for mut client in deaf {
        client.get_ref().set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let (mut left, mut code) = (0, None);
        while let Ok(message) = client.read() {
            left += usize::from(message.is_text());
            if let tokio_tungstenite::tungstenite::Message::Close(frame) = message {
                code = frame.map(|frame| u16::from(frame.code));
            }
        }
        assert!(left < 400, "it was waited for: {left} messages were kept");
        assert!(code.is_none_or(|code| code == TRY_AGAIN), "closed with {code:?}");
    }

    // Telemetry went on meanwhile, and STOP works.
    let during = telemetry.frames().split_off(quiet_since);
    let frames =
        during.iter().filter(|frame| frame.at.duration_since(began) < Duration::from_secs(10)).count();
    assert!(frames >= 5, "only {frames} snapshots during the flood");
    assert_eq!(yep.status()["state"], "running");
    let still_deaf = socket::connect(yep.address, "telemetry");
    let asked = Instant::now();
    yep.post("/api/stop", &Value::Null).expect_ok();
    let answered = asked.elapsed();
    assert!(answered < Duration::from_millis(200), "STOP took {answered:?} to be answered");
    assert!(yep.wait_for_state("ready")["position_mm"].is_f64());
    drop(still_deaf);
}

/// Runs the command line as a client of that server.
fn run_yep(yep: &Yep, arguments: &[&str]) -> (i32, String) {
    let mut command = real::process::yep();
    let Output { status, stdout, stderr } =
        command.args(arguments).args(["--server", &yep.url()]).output().unwrap();
    let said = [stdout, stderr].concat();
    (status.code().expect("no exit code"), String::from_utf8(said).unwrap())
}

#[test]
fn the_command_line_does_the_main_job() {
    let home = Home::new(QUICK_HOMING);
    let yep = home.start();
    let says = |arguments: &[&str]| run_yep(&yep, arguments);
    let (code, said) = says(&["run-wave", "sine", "--duration", "2"]);
    assert_eq!((code, said.as_str()), (1, "yep: not homed: calibrate first\n"));
    let (code, said) = says(&["status"]);
    assert!(code == 0 && said.contains("not_homed") && said.contains("not known"), "{said}");

    assert_eq!(says(&["calibrate", "--wait"]), (0, "calibrated: 145.0 mm can be used\n".into()));
    let (code, said) = says(&["run-wave", "sine", "--duration", "2"]);
    assert!(
        code == 0 && said.starts_with("sine, 2 s a period, also without a client; end it with"),
        "{said}"
    );
    yep.wait_for_full_rate();
    let (code, said) = says(&["status", "--json"]);
    let status: Value = serde_json::from_str(&said).unwrap();
    assert_eq!((code, &status["state"]), (0, &json!("running")), "{said}");

    let (code, said) = says(&["end"]);
    assert!(code == 0 && said.starts_with("ending"), "{said}");
    assert_eq!(yep.wait_for_state("ready")["position_mm"], 0.0);
    // At rest `end` succeeds, since the wanted state is reached.
    assert_eq!(says(&["end"]).0, 0);

    assert_eq!(says(&["run-wave", "square", "--duration", "3"]).0, 0);
    yep.wait_for_state("running");
    assert_eq!(says(&["stop"]), (0, "stopping\n".into()));
    assert!(yep.wait_for_state("ready")["position_mm"].is_f64());

    let (code, said) = says(&["run-wave", "sine", "--duration", "2"]);
    assert!(code == 1 && said.contains("STOP came, and what goes on sending starts nothing"), "{said}");
    yep.pause_behind_stop();
    yep.put_sim(&json!({ "mishaps": ["front_dead"] }));
    let (code, said) = says(&["calibrate", "--wait"]);
    assert_eq!(code, 1, "{said}");
    assert!(
        said.contains("calibration failed: no front limit switch was found; check that the switch"),
        "{said}"
    );
    yep.put_sim(&json!({ "mishaps": [] }));
    assert_eq!(says(&["calibrate", "--wait"]).0, 0);
}
