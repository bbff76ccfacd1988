//! Process of the real binary: the state after a restart, after a kill and after a termination, and the messages when
//! it cannot start.

#[path = "real_process/ending.rs"]
mod ending;
#[path = "real_process/faults.rs"]
mod faults;
#[path = "support/real/mod.rs"]
mod real;
#[path = "real_process/rewired.rs"]
mod rewired;

use std::net::{TcpListener, TcpStream};
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::thread;
use std::time::Duration;

use real::process::QUICK_HOMING;
use real::pulses::speed_mm_s;
use real::{Home, Yep, http};
use serde_json::{Value, json};

const SETTINGS: &str = "/api/settings/machine-thrust/default";

/// Asserts that the position is unknown, and that the status names the remedy.
#[track_caller]
fn assert_not_homed(yep: &Yep) {
    let status = yep.status();
    assert_eq!((&status["state"], &status["position_mm"]), (&json!("not_homed"), &json!(null)), "{status}");
    let (code, why) = yep.run_wave("sine", 2.0).expect_refused();
    assert_eq!((code.as_str(), why.as_str()), ("not_homed", "not homed: calibrate first"));
}

#[test]
fn a_restart_keeps_the_settings_and_forgets_the_position() {
    let home = Home::new(QUICK_HOMING);
    let mut yep = home.start();
    yep.put(SETTINGS, &json!({ "name": "kept", "stroke_limit": 120, "stroke_force_chart": vec![7; 10] }))
        .expect_ok();
    yep.put("/api/v1/limits", &json!({ "max_speed_mm_s": 321.0 })).expect_ok();
    yep.send_command("calibrate").expect_ok();
    yep.wait_for_state("homing");
    yep.wait_until_calibrated();
    let (settings, limits) = (yep.get(SETTINGS).expect_ok(), yep.get("/api/v1/limits").expect_ok());
    assert_eq!((&settings["name"], &settings["max_steps"]), (&json!("kept"), &json!(1_450)));
    yep.signal("TERM");
    assert_eq!(yep.wait_for_exit().code(), Some(0), "{}", yep.log());
    drop(yep);

    let yep = home.start();
    assert_eq!((yep.get(SETTINGS).expect_ok(), yep.get("/api/v1/limits").expect_ok()), (settings, limits));
    assert_not_homed(&yep);
    thread::sleep(Duration::from_millis(500));
    assert_eq!(home.pulses(), [], "it moves by itself after a restart");
}

/// The files emulate those of a Pi's kernel (promise S25).
#[test]
fn a_weak_supply_slows_the_wave_then_stops_it_and_keeps_the_position() {
    let host = tempfile::tempdir().unwrap();
    let (alarm, heat) = (host.path().join("alarm"), host.path().join("temp"));
    std::fs::write(&heat, "51000\n").unwrap();
    let paths = format!("under_voltage = {alarm:?}\ntemperature = {heat:?}\n");
    let home = Home::new(&format!("{QUICK_HOMING}[host]\n{paths}"));
    let yep = home.start();
    yep.set_in_motion();
    // A missing file is logged once, and is no fault.
    let known = || Some(yep.status()["host"].clone()).filter(|host| host["temperature_c"] == json!(51.0));
    let known = real::eventually("the temperature", known);
    assert_eq!((&known["under_voltage"], &known["reaction"]), (&json!(null), &json!("none")));

    std::fs::write(&alarm, "1\n").unwrap();
    let slower = || Some(yep.status()["host"].clone()).filter(|host| host["reaction"] == json!("slower"));
    assert_eq!(real::eventually("a reaction", slower)["because"], json!("under_voltage"));
    yep.wait_for_state("faulted");
    let status = yep.status();
    assert_eq!(status["fault"]["code"], json!("under_voltage"), "{status}");
    assert!(status["position_mm"].is_f64(), "{status}");
    let (code, why) = yep.send_command("acknowledge").expect_refused();
    assert_eq!((code.as_str(), why.contains("a stronger supply")), ("cause_remains", true), "{why}");
    let log = yep.log();
    let said = |words: &str| log.matches(words).count();
    assert_eq!((said("alarm tells nothing"), said("waves are slower")), (1, 1), "{log}");
}

#[test]
fn told_to_end_in_motion_it_comes_to_rest_first() {
    for signal in ["TERM", "INT"] {
        let home = Home::new(QUICK_HOMING);
        let mut yep = home.start();
        yep.set_in_motion();
        yep.signal(signal);
        assert_eq!(yep.wait_for_exit().code(), Some(0), "{signal}: {}", yep.log());
        let pulses = home.pulses();
        let last = pulses.len() - 1;
        // The last step is by far the slowest: the axis came to rest, and was not cut.
        let top_mm_s = (last - 60..last - 40).map(|at| speed_mm_s(&pulses, at, 5)).fold(0.0, f64::max);
        let end_mm_s = speed_mm_s(&pulses, last, 1);
        assert!(end_mm_s < 0.5 * top_mm_s.max(20.0), "{signal}: from {top_mm_s} to {end_mm_s} mm/s");
        assert!(yep.log().contains("at rest after STOP; the position is kept"), "{}", yep.log());
    }
}

/// Settings that encode `number` in every field.
fn numbered(number: i64) -> Value {
    json!({
        "name": format!("number {number}"),
        "wave_resolution": 120 + number,
        "force_limit": 1_000 + number,
        "stroke_force_chart": vec![number % 100; 10],
    })
}

/// The number that the server's settings encode.
#[track_caller]
fn number_of(settings: &Value) -> i64 {
    let number = settings["wave_resolution"].as_i64().unwrap() - 120;
    for (field, value) in numbered(number).as_object().unwrap() {
        assert_eq!(&settings[field], value, "mixed settings: {settings}");
    }
    number
}

#[test]
fn killed_in_motion_it_makes_no_pulse_and_its_settings_are_old_or_new() {
    let home = Home::new(QUICK_HOMING);
    let mut number = 0;
    let mut yep = home.start();
    yep.put(SETTINGS, &numbered(number)).expect_ok();
    for round in 0..10 {
        yep.send_command("calibrate").expect_ok();
        yep.wait_for_state("homing");
        let address = yep.address;
        // Sends changes one after the other until the server is gone; returns the last acknowledged one.
        let changing = thread::spawn(move || {
            let headers = [("content-type", "application/json")];
            let mut kept = number;
            for next in number + 1.. {
                let change = numbered(next).to_string();
                match http::attempt(address, "PUT", SETTINGS, &headers, &change) {
                    Ok(answer) => kept = number_of(&answer.expect_ok()),
                    Err(_) => break,
                }
            }
            kept
        });
        thread::sleep(Duration::from_millis(150 + 37 * round));
        yep.signal("KILL");
        let ended = yep.wait_for_exit();
        assert_eq!(ended.code(), None, "round {round}: it ended by itself: {}", yep.log());
        let kept = changing.join().unwrap();
        assert!(kept > number, "round {round}: no change was under way");
        let pulses = home.pulses();
        assert!(!pulses.is_empty(), "round {round}: it did not move");
        thread::sleep(Duration::from_millis(100));
        assert_eq!(home.pulses(), pulses, "round {round}: pulses of a dead process");

        yep = home.start();
        number = number_of(&yep.get(SETTINGS).expect_ok());
        assert!(
            number == kept || number == kept + 1,
            "round {round}: {kept} was answered, {number} is there"
        );
        assert_not_homed(&yep);
        assert_eq!(home.pulses(), []);
    }
}

#[test]
fn what_cannot_start_says_why_and_disturbs_nobody() {
    let (home, other) = (Home::new(""), Home::new(""));
    let yep = home.start();

    let (code, said) = home.start_and_fail(&[]);
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("is in use by another process: stop that one first"), "{said}");

    let (code, said) = other.start_and_fail(&["--listen", &yep.address.to_string()]);
    assert_eq!(code, 1, "{said}");
    let expected = format!("yep: cannot listen on {}: ", yep.address);
    assert!(said.contains(&expected) && said.contains("choose another with --listen"), "{said}");

    // Another program on the port has the same effect.
    let stranger = TcpListener::bind("127.0.0.1:0").unwrap();
    let (code, _) = other.start_and_fail(&["--listen", &stranger.local_addr().unwrap().to_string()]);
    assert_eq!(code, 1);

    let (code, said) = other.start_and_fail(&["--driver", "gpio"]);
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("yep: this computer is no Raspberry Pi ("), "{said}");
    assert!(said.contains("(not_a_pi)\nrun it on a Raspberry Pi, or use --driver sim"), "{said}");

    // The first server was not affected, and the failed starts left nothing locked.
    assert_eq!(yep.status()["state"], "not_homed");
    let second = other.start();
    assert_eq!(second.status()["state"], "not_homed");
}

#[test]
fn it_says_where_it_is_and_what_to_try() {
    let yep = Home::new("").start();
    // The first line announces the server; the others may still be on their way.
    let said = real::eventually("the whole greeting", || {
        Some(yep.stdout()).filter(|said| said.contains("yep stop"))
    });
    for line in
        ["serves the simulated machine on http://127.0.0.1:", "nothing moves before calibration", "yep stop"]
    {
        assert!(said.contains(line), "{line}: {said}");
    }
    assert!(said.contains(&format!("yep calibrate --wait --server {}", yep.url())), "{said}");
}

/// A service manager: the socket on which it receives messages.
struct Manager(UnixDatagram);

const PATIENCE_US: &str = "400000";

impl Manager {
    /// The socket has a name without a file, as systemd's user manager has it.
    fn new(name: &str) -> (Manager, Home) {
        let name = format!("yep-test-{name}-{}", std::process::id());
        let address = SocketAddr::from_abstract_name(name.as_bytes()).unwrap();
        let home = Home::new("").with("NOTIFY_SOCKET", format!("@{name}")).with("WATCHDOG_USEC", PATIENCE_US);
        (Manager(UnixDatagram::bind_addr(&address).unwrap()), home)
    }

    /// The next message, if there is one in time.
    fn receive_within(&self, time: Duration) -> Option<String> {
        self.0.set_read_timeout(Some(time)).unwrap();
        let mut message = [0; 512];
        let length = self.0.recv(&mut message).ok()?;
        Some(String::from_utf8(message[..length].to_vec()).unwrap())
    }

    #[track_caller]
    fn receive(&self, start: &str) -> String {
        real::eventually(start, || {
            self.receive_within(Duration::from_secs(1)).filter(|message| message.starts_with(start))
        })
    }

    /// True if it would kill the process: no sign of life within eight times the usual interval.
    #[track_caller]
    fn watchdog_expires(&self) {
        let silence = Duration::from_micros(PATIENCE_US.parse().unwrap());
        real::eventually("silence", || self.receive_within(silence).is_none().then_some(()));
        assert_eq!(self.receive_within(4 * silence), None);
    }
}

#[test]
fn the_service_manager_hears_that_it_is_ready_alive_and_ending() {
    let (manager, home) = Manager::new("whole");
    let mut yep = home.start();
    let first = manager.receive_within(real::PATIENCE).unwrap();
    assert!(
        first.starts_with("READY=1\nSTATUS=serving the simulated machine on http://127.0.0.1:"),
        "{first}"
    );
    TcpStream::connect(yep.address).unwrap();
    for _ in 0..5 {
        manager.receive("WATCHDOG=1");
    }
    yep.signal("TERM");
    manager.receive("STOPPING=1");
    assert_eq!(yep.wait_for_exit().code(), Some(0), "{}", yep.log());
}

#[test]
fn a_loop_that_hangs_is_no_sign_of_life() {
    let (manager, home) = Manager::new("hung");
    let yep = home.start();
    for mishap in ["step_loop_frozen", "control_frozen"] {
        manager.receive("WATCHDOG=1");
        yep.put_sim(&json!({ "mishaps": [mishap] }));
        manager.watchdog_expires();
        // The server itself works, but sends no sign of life.
        assert_eq!(yep.get("/api/v1/sim").expect_ok()["mishaps"], json!([mishap]));
        yep.put_sim(&json!({ "mishaps": [] }));
        manager.receive("WATCHDOG=1");
    }
}

#[test]
fn a_manager_that_is_gone_disturbs_nobody() {
    let home = Home::new("").with("NOTIFY_SOCKET", "/nowhere/notify").with("WATCHDOG_USEC", PATIENCE_US);
    let yep = home.start();
    real::eventually("a warning", || {
        yep.log().contains("the service manager could not be told").then_some(())
    });
    assert_eq!(yep.status()["state"], "not_homed");
}
