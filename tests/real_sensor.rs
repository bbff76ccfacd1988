//! Real binary with a sensor's board on a real pseudo-terminal: from the first tare to a virtual wall, and the board
//! unplugged (promises S12 to S15, on the whole way).

#[path = "support/real/mod.rs"]
mod real;
#[path = "../examples/sensor-host/src/stand.rs"]
#[allow(dead_code)]
mod stand;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::thread::JoinHandle;
use std::time::Duration;

use real::process::{QUICK_HOMING, yep};
use real::{Home, Yep, eventually};
use serde_json::{Value, json};
use stand::{BoardControls, Pty, StandOptions};

/// Counts of the cell without a load, and per gram.
const ZERO: i32 = 81_234;
const COUNTS_PER_G: f64 = 400.0;

/// A board, plugged in under a fixed name.
struct Plugged {
    name: PathBuf,
    controls: Arc<BoardControls>,
    thread: Option<JoinHandle<()>>,
}

impl Plugged {
    fn into(name: &Path) -> Plugged {
        let mut pty = Pty::open().unwrap();
        std::os::unix::fs::symlink(&pty.device, name).unwrap();
        let controls = Arc::new(BoardControls::default());
        controls.noise.store(40, Relaxed);
        let theirs = Arc::clone(&controls);
        let thread = std::thread::spawn(move || {
            stand::run(&mut pty, &theirs, StandOptions { speed: 1, seed: 1 }, Vec::new)
        });
        let plugged = Plugged { name: name.to_owned(), controls, thread: Some(thread) };
        plugged.load(0.0);
        plugged
    }

    fn load(&self, force_g: f64) {
        self.controls.counts.store(ZERO + (force_g * COUNTS_PER_G) as i32, Relaxed);
    }
}

impl Drop for Plugged {
    fn drop(&mut self) {
        std::fs::remove_file(&self.name).unwrap();
        self.controls.over.store(true, Relaxed);
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

fn home(folder: &Path) -> Home {
    let device = folder.join("board");
    // At the default speed limits: the wall has to stop the axis, not a lower limit.
    let force = format!("[force]\nsensor = 'uart'\ndevice = '{}'\noverrun_mm = 100.0\n", device.display());
    Home::new(&format!("{QUICK_HOMING}{force}"))
}

#[track_caller]
fn status(yep: &Yep) -> Value {
    yep.get("/api/v1/sensor").expect_ok()
}

#[track_caller]
fn feels(yep: &Yep, force_g: f64) {
    eventually(&format!("{force_g} g are felt"), || {
        yep.status()["force_g"].as_f64().filter(|felt| (felt - force_g).abs() < 10.0)
    });
}

#[track_caller]
fn post(yep: &Yep, path: &str, body: Value) -> real::http::Answer {
    yep.request("POST", path, &[("content-type", "application/json")], &body.to_string())
}

/// Output of `yep sensor …`, and true if it succeeded.
fn run_sensor_command(server: &Yep, arguments: &[&str]) -> (bool, String) {
    let mut command: Command = yep();
    let output = command.arg("sensor").args(["--server", &server.url()]).args(arguments).output().unwrap();
    let text = if output.status.success() { output.stdout } else { output.stderr };
    (output.status.success(), String::from_utf8(text).unwrap())
}

#[track_caller]
fn acknowledge_and_arm(yep: &Yep) {
    eventually("it is acknowledged", || (yep.send_command("acknowledge").status == 200).then_some(()));
    yep.send_command("arm").expect_ok();
}

/// Homes; a host that stalls a thread for a tenth of a second loses the force, and ends homing, as it should.
#[track_caller]
fn homed(yep: &Yep) {
    for _ in 0..10 {
        let asked = yep.send_command("calibrate");
        if asked.status == 409 {
            assert_eq!(asked.expect_refused().0, "prevented");
            println!("the force is lost just now: once more");
            std::thread::sleep(Duration::from_millis(200));
            continue;
        }
        asked.expect_ok();
        let status = yep.wait_while("homing");
        if status["state"] == "ready" {
            return;
        }
        assert_eq!(status["fault"]["code"], "force_sample_lost", "{status}");
        println!("the force was lost: once more");
    }
    panic!("the force is lost again and again");
}

#[test]
fn a_force_is_tared_calibrated_obeyed_lost_and_found_again() {
    let folder = tempfile::tempdir().unwrap();
    let name = folder.path().join("board");
    let board = Plugged::into(&name);
    let home = home(folder.path());
    let yep = home.start();
    eventually("the board is heard", || (status(&yep)["link"] == "live").then_some(()));

    // Without a scale there is no force, so nothing moves.
    let (code, why) = yep.send_command("calibrate").expect_refused();
    assert!(code == "prevented" && why.contains("no valid force sample"), "{why}");
    assert_eq!(yep.status()["state"], "not_homed");
    let (done, page) = run_sensor_command(&yep, &["status"]);
    assert!(done && page.contains("to do     tare the unloaded cell"), "{page}");

    // Tare: the first one needs `confirm`, since a load cannot be detected yet.
    assert_eq!(
        post(&yep, "/api/v1/sensor/calibrate", json!({ "grams": 500 })).expect_refused().0,
        "not_tared"
    );
    let (done, why) = run_sensor_command(&yep, &["tare"]);
    assert!(!done && why.contains("cannot be known before the first calibration"), "{why}");
    assert_eq!(run_sensor_command(&yep, &["tare", "--confirm"]), (true, "tared\n".to_owned()));
    let zero = status(&yep)["zero"].as_f64().unwrap();
    assert!((zero - f64::from(ZERO)).abs() < 40.0, "{zero}");

    // Calibrate: a missing weight makes no difference in the readings.
    let (done, why) = run_sensor_command(&yep, &["calibrate", "500"]);
    assert!(!done && why.contains("changes the readings by"), "{why}");
    board.load(500.0);
    std::thread::sleep(Duration::from_millis(50));
    let (done, text) = run_sensor_command(&yep, &["calibrate", "500"]);
    assert!(done && text.starts_with("calibrated: a gram is "), "{text}");
    let per_g = status(&yep)["reading_per_g"].as_f64().unwrap();
    assert!((per_g - COUNTS_PER_G).abs() < 1.0, "{per_g}");
    feels(&yep, 500.0);

    // A known load is not tared away without `confirm` (S15).
    let (code, why) = post(&yep, "/api/v1/sensor/tare", json!({})).expect_refused();
    assert!(code == "load_present" && why.contains("500 g"), "{why}");
    board.load(0.0);
    feels(&yep, 0.0);

    // The axis stops at a wall, at the force limit (S14).
    homed(&yep);
    yep.run_wave("sine", 3.0).expect_ok();
    let refused = post(&yep, "/api/v1/sensor/tare", json!({ "confirm": true }));
    assert!(
        refused.status == 409 && ["moving", "no_readings"].contains(&refused.expect_refused().0.as_str())
    );
    let peak_g = press_wall(&yep, &board);
    println!("peak {peak_g:.0} g of 1000 g");
    // The wall has 40 g per mm. On a stalled host the test's own reading of the carriage is late, too: a step beyond
    // the limit violates the chart, a centimetre beyond it means that the force was not received at all.
    assert!((700.0..1_300.0).contains(&peak_g), "{peak_g} g");

    // Unplugged, the force is lost, and the axis stops with a known position (S12).
    eventually("it moves away from the wall", || {
        (yep.carriage_mm() < 80.0 || yep.status()["state"] == "faulted").then_some(())
    });
    drop(board);
    let fault = yep.wait_for_state("faulted");
    assert_eq!(fault["fault"]["code"], "force_sample_lost");
    assert!(fault["position_mm"].is_number() && fault["force_g"].is_null(), "{fault}");
    eventually("it is said", || (status(&yep)["link"] == "unplugged").then_some(()));

    // Plugged in again, the board gets its scale again, and nothing moves by itself.
    let board = Plugged::into(&name);
    board.load(-200.0);
    feels(&yep, -200.0);
    assert_eq!(yep.status()["state"], "faulted");
    acknowledge_and_arm(&yep);
    assert_eq!(yep.status()["state"], "ready");
    drop(yep);

    // The scale is stored, and survives the user's reset to the defaults.
    let yep = home.start();
    feels(&yep, -200.0);
    yep.request("POST", "/api/setup/initialize", &[], "").expect_ok();
    assert_eq!(status(&yep)["reading_per_g"].as_f64(), Some(per_g));

    // A backup with a scale applies it at once; one without leaves the present scale.
    let mut backup = yep.get("/api/v1/backup").expect_ok();
    assert_eq!(backup["force_scale"]["per_g"].as_f64(), Some(per_g), "{backup}");
    backup["force_scale"]["zero"] = json!(zero + 100.0 * per_g);
    post(&yep, "/api/v1/backup", backup.clone()).expect_ok();
    feels(&yep, -300.0);
    backup.as_object_mut().unwrap().remove("force_scale");
    post(&yep, "/api/v1/backup", backup).expect_ok();
    assert_eq!(status(&yep)["reading_per_g"].as_f64(), Some(per_g));
    feels(&yep, -300.0);
}

/// Simulates a wall: pushes against the carriage beyond 100 mm, as the cell of a real machine would measure it, until
/// the carriage has been there and turned; returns the greatest force.
#[track_caller]
fn press_wall(yep: &Yep, board: &Plugged) -> f64 {
    const WALL_MM: f64 = 100.0;
    const STIFFNESS_G_PER_MM: f64 = 40.0;
    let mut peak_g = 0f64;
    let mut lost = 0;
    eventually("it has pressed the wall and turned", || {
        // A host that stalls a thread for a tenth of a second loses the force, and ends the motion, as it should.
        if yep.status()["state"] == "faulted" {
            lost += 1;
            assert!(lost < 10, "the force is lost again and again");
            println!("the force was lost: once more");
            acknowledge_and_arm(yep);
            yep.run_wave("sine", 3.0).expect_ok();
        }
        // Many readings for one of `eventually`.
        for _ in 0..50 {
            let pressed_mm = (yep.carriage_mm() - WALL_MM).max(0.0);
            let force_g = STIFFNESS_G_PER_MM * pressed_mm;
            board.load(-force_g);
            peak_g = peak_g.max(force_g);
            if peak_g > 700.0 && pressed_mm == 0.0 {
                return Some(());
            }
        }
        None
    });
    peak_g
}

/// Builds the host program with its real defmt log; only this test needs it.
fn host_program() -> PathBuf {
    let package = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/sensor-host");
    let target = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/sensor-host");
    let built = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--target-dir"])
        .arg(&target)
        // Its own configuration for cargo is in its folder.
        .current_dir(&package)
        .status()
        .unwrap();
    assert!(built.success(), "examples/sensor-host does not build");
    target.join("debug/yep-sensor-host")
}

#[test]
fn the_log_of_the_board_is_read_with_its_firmware_and_counted_without() {
    let program = host_program();
    let folder = tempfile::tempdir().unwrap();
    let name = folder.path().join("board");
    let mut board = Command::new(&program)
        .args(["--fault-every", "400", "--seed", "7", "--link"])
        .arg(&name)
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    eventually("it is there", || name.exists().then_some(()));
    // Any program without such a log.
    let other = std::path::PathBuf::from("/bin/sh");
    for (firmware, said) in [
        (Some(&program), None),
        (Some(&other), Some("it has no defmt log")),
        (Some(&folder.path().join("nothing.elf")), Some("No such file")),
        (None, None),
    ] {
        let firmware_line =
            firmware.map_or(String::new(), |file| format!("firmware = '{}'\n", file.display()));
        let force = format!("[force]\nsensor = 'uart'\ndevice = '{}'\n{firmware_line}", name.display());
        let home = Home::new(&force);
        let yep = home.start();
        // The first tare makes the board log a line.
        eventually("the board is heard", || (status(&yep)["link"] == "live").then_some(()));
        post(&yep, "/api/v1/sensor/tare", json!({ "confirm": true })).expect_ok();
        let counted = |which: &str| status(&yep)["log"][which].as_u64().unwrap();
        match (firmware, said) {
            (Some(_), None) => {
                let line = eventually("a line of the log", || {
                    let log = yep.log();
                    log.lines().find(|line| line.contains("zero is at ")).map(str::to_owned)
                });
                assert!(line.contains("INFO") && line.contains("yep::sensor::board"), "{line}");
                assert!(line.contains("mcu_time=") && line.contains("board.rs:"), "{line}");
                writeln!(board.stdin.as_mut().unwrap(), "chatter").unwrap();
                eventually("too many are cut short", || (counted("suppressed") > 100).then_some(()));
                assert_eq!(yep.log().matches("some of it is left out").count(), 1);
                assert_eq!(counted("undecoded"), 0, "a damaged frame was taken for a line");
            }
            _ => {
                eventually("frames are counted", || (counted("undecoded") > 100).then_some(()));
                assert_eq!(counted("said"), 0);
            }
        }
        if let Some(said) = said {
            assert_eq!(yep.log().matches(said).count(), 1, "{}", yep.log());
        }
    }
    drop(board.stdin.take());
    assert!(board.wait().unwrap().success());
}
