//! Real binary with `driver = "gpio"` on an emulated Raspberry Pi: rppal's own code writes registers, and the test has
//! the list of its writes. Levels at the start, in motion, after a kill; unusable hardware; the older load cell.
#![cfg(target_arch = "x86_64")] // The list is made by single steps of this processor: tests/fakepi/gpio.rs.

#[path = "support/real/mod.rs"]
mod real;

use std::os::unix::process::ExitStatusExt as _;
use std::thread;
use std::time::{Duration, Instant};

use real::fake_pi::{BACK, Change, DIR, FRONT, FakePi, PinAction, Rail, STEP};
use real::{Home, Yep, eventually, retries};
use serde_json::{Value, json};

const ENABLE: u8 = 25;
const E_STOP: u8 = 16;
const ALARM: u8 = 26;
const OUTPUTS: [u8; 3] = [STEP, DIR, ENABLE];

/// Configuration with all pins wired.
const WIRED: &str = "[pins]\nenable = 25\ne_stop = 16\ndriver_alarm = 26\n";
/// Homing with short distances for the short rail.
const HOMING: &str = "[homing]\nfast_mm_s = 60.0\nslow_mm_s = 10.0\nback_off_mm = 1.0\n";

/// A rail of 20 mm with the carriage in its middle; 10 steps make a millimetre.
const SHORT: Rail = Rail { back: -100, front: 100 };

fn safe_pins(home: &Home) -> (Option<i32>, String) {
    let config = home.config();
    let output = home.command_in_env(&["safe-pins", "--config", config.to_str().unwrap()]).output().unwrap();
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

/// Starts a server that is configured for the short rail.
#[track_caller]
fn start_with_short_rail(home: &Home) -> Yep {
    let yep = home.start();
    let settings = json!({ "max_stroke": 20, "stroke_limit": 20, "padding_mm": 1 });
    yep.put("/api/settings/machine-thrust/default", &settings).expect_ok();
    yep
}

/// True if the fault is lateness of this host, which is no real-time one.
fn is_host_lateness(status: &Value) -> bool {
    let code = status["fault"]["code"].as_str().unwrap_or_default();
    let late = ["step_late", "control_late", "step_loop_silent"].contains(&code);
    if late {
        eprintln!("{code}, {}", status["lateness"]);
    }
    late
}

/// Polls until `poll` returns a value; `None` if the host was too late meanwhile.
#[track_caller]
fn poll_unless_late<T>(yep: &Yep, what: &str, mut poll: impl FnMut() -> Option<T>) -> Option<T> {
    eventually(what, || match poll() {
        Some(found) => Some(Some(found)),
        None => is_host_lateness(&yep.status()).then_some(None),
    })
}

/// Repeats an attempt that a stall of the host may spoil, up to a bound.
#[track_caller]
fn retry_on_stall<T>(what: &str, mut attempt: impl FnMut() -> Option<T>) -> T {
    for _ in 0..20 {
        if let Some(done) = attempt() {
            return done;
        }
        retries::count_retry(what);
    }
    panic!("{what}: not once without a stall of the host; has this user the right to real-time priorities?");
}

/// Homes on the short rail; `None` if the host was too late.
#[track_caller]
fn homed(pi: &FakePi, yep: &Yep) -> Option<()> {
    pi.set_rail(Some(SHORT));
    yep.send_command("calibrate").expect_ok();
    yep.wait_for_state("homing");
    let status = yep.wait_while("homing");
    if is_host_lateness(&status) {
        return None;
    }
    assert_eq!(status["state"], "ready", "{status}");
    Some(())
}

#[test]
fn outputs_are_low_before_they_are_driven_and_inputs_are_pulled_up() {
    let pi = FakePi::new();
    let home = pi.home(WIRED);
    let mut yep = home.start();
    for pin in OUTPUTS {
        assert!(pi.is_output(pin) && !pi.is_high(pin), "pin {pin}: {:?}", pi.changes());
    }
    for pin in [FRONT, BACK, E_STOP, ALARM] {
        assert!(pi.is_pulled_up(pin), "pin {pin}");
    }
    thread::sleep(Duration::from_millis(300));
    yep.signal("TERM");
    assert_eq!(yep.wait_for_exit().code(), Some(0), "{}", yep.log());
    assert!(pi.driven_too_early().is_empty(), "{:?}", pi.changes());
    for pin in OUTPUTS {
        assert_eq!(pi.count(pin, PinAction::High), 0, "pin {pin} was switched on");
        assert_eq!(pi.count(pin, PinAction::Released), 0, "pin {pin} was released");
        assert!(pi.is_output(pin) && !pi.is_high(pin), "pin {pin} after the end");
    }
}

#[test]
fn before_its_first_run_a_machine_on_its_pins_homes_and_runs_no_wave() {
    let pi = FakePi::new();
    let home = pi.new_home(&format!("[realtime]\nrequire = 'never'\n{WIRED}"));
    let yep = home.start();
    let (code, why) = yep.run_wave("sine", 2.0).expect_refused();
    assert_eq!(code, "not_commissioned", "{why}");
    let run = yep.get("/api/v1/commissioning").expect_ok();
    assert_eq!((&run["need"], &run["complete"]), (&json!("required"), &json!(false)), "{run}");
    assert_eq!(pi.steps(), 0);
}

#[test]
fn each_input_is_seen_with_its_polarity() {
    let limits = |yep: &Yep| yep.status()["inputs"].clone();
    let none = json!({ "front": false, "back": false, "e_stop": false, "driver_alarm": false });
    retry_on_stall("the inputs", || {
        let pi = FakePi::new();
        let home = pi.home(&format!("{WIRED}invert_front = true\n"));
        pi.set_level(FRONT, false);
        let yep = home.start();
        assert_eq!(limits(&yep), none);
        // A normally-closed switch at the front opens, or its cable breaks; a normally-open one at the back closes.
        for (pin, high, name) in [(FRONT, true, "front"), (BACK, false, "back")] {
            pi.set_level(pin, high);
            poll_unless_late(&yep, name, || (limits(&yep)[name] == true).then_some(()))?;
            pi.set_level(pin, !high);
            poll_unless_late(&yep, name, || (limits(&yep) == none).then_some(()))?;
        }
        // S24 for the e-stop and for the driver's alarm: a fault at once, and the end of the input starts nothing.
        for (pin, high, code) in [(E_STOP, true, "e_stop"), (ALARM, false, "driver_alarm")] {
            pi.set_level(pin, high);
            let status = yep.wait_for_state("faulted");
            if is_host_lateness(&status) {
                return None;
            }
            assert_eq!(status["fault"]["code"], code, "{status}");
            assert_eq!(yep.send_command("acknowledge").expect_refused().0, "cause_remains");
            pi.set_level(pin, !high);
            eventually("the cause is gone", || (limits(&yep) == none).then_some(()));
            assert_eq!(yep.status()["state"], "faulted");
            yep.send_command("acknowledge").expect_ok();
            yep.wait_for_state("not_homed");
        }
        assert_eq!(pi.steps(), 0);
        Some(())
    });
}

/// Asserts that every pulse has the timing that the motor driver needs.
#[track_caller]
fn assert_pulse_timing(changes: &[Change]) {
    let (mut dir_at, mut began, mut ended) = (None, None, None);
    for Change { at_ns, pin, done } in changes.iter().copied() {
        match (pin, done) {
            (DIR, PinAction::High | PinAction::Low) => {
                assert!(ended.is_none_or(|ended| at_ns - ended >= 5_000), "DIR right after a pulse");
                dir_at = Some(at_ns);
            }
            (STEP, PinAction::High) => {
                assert!(dir_at.is_some_and(|dir| at_ns - dir >= 5_000), "a pulse right after DIR");
                assert!(ended.is_none_or(|ended| at_ns - ended >= 2_500), "a short gap");
                began = Some(at_ns);
            }
            (STEP, PinAction::Low) => {
                assert!(began.is_none_or(|began| at_ns - began >= 2_500), "a short pulse");
                ended = Some(at_ns);
            }
            _ => {}
        }
    }
}

#[test]
fn it_homes_and_moves_on_the_pins_and_a_limit_halts_it() {
    retry_on_stall("homing and a wave", || {
        let pi = FakePi::new();
        let home = pi.home(&format!("{WIRED}{HOMING}"));
        let yep = start_with_short_rail(&home);
        homed(&pi, &yep)?;
        assert!(pi.is_high(ENABLE), "the driver has no power after homing");
        // Half the rail, the whole rail, twice back off and touch, and on to 0 mm, which is a padding away from the
        // switch.
        let steps = pi.steps();
        assert!((340..=400).contains(&steps), "{steps} steps");
        assert!((SHORT.back + 5..=SHORT.back + 15).contains(&pi.position()), "parked at {}", pi.position());
        let status = yep.status();
        let ends = (status["position_mm"].as_f64()?, status["range_mm"].as_f64()?);
        assert!(ends.0.abs() < 0.11 && (ends.1 - 18.0).abs() < 0.31, "{status}");

        yep.run_wave("sine", 1.0).expect_ok();
        let (began, turns) = (pi.steps(), pi.count(DIR, PinAction::Low));
        let turned = || (pi.count(DIR, PinAction::Low) >= turns + 2).then_some(());
        poll_unless_late(&yep, "two periods", turned)?;
        assert!(pi.steps() > began + 300, "{} steps", pi.steps() - began);
        assert_pulse_timing(&pi.changes());

        // A switch is pressed by hand, in mid-motion.
        pi.set_rail(None);
        let toward_front = || (pi.is_high(DIR) && pi.position().abs() < 40).then_some(());
        poll_unless_late(&yep, "it moves toward the front", toward_front)?;
        pi.set_level(FRONT, false);
        let status = yep.wait_for_state("faulted");
        if is_host_lateness(&status) {
            return None;
        }
        assert_eq!(status["fault"]["code"], "limit_hit_front", "{status}");
        eventually("the driver loses its power", || (!pi.is_high(ENABLE)).then_some(()));
        let halted = pi.steps();
        thread::sleep(Duration::from_millis(300));
        assert_eq!(pi.steps(), halted, "it moves after a halt");
        // The flight recorder works with a real machine as well: its last row has the carriage's position by the pins.
        let newest = || yep.get("/api/v1/faults").expect_ok()["faults"].as_array().unwrap().first().cloned();
        let newest = eventually("the fault is recorded", newest);
        assert_eq!(
            (&newest["fault"]["code"], &newest["before"]["state"]),
            (&json!("limit_hit_front"), &json!("running"))
        );
        let rows = yep.get(&format!("/api/v1/faults/{}", newest["id"])).expect_ok();
        let last = rows["columns"]["steps"].as_array().unwrap().last().unwrap().as_i64();
        assert_eq!(last, Some(pi.position()), "the pins were elsewhere");
        assert!(!pi.is_high(STEP) && pi.driven_too_early().is_empty());
        Some(())
    });
}

#[test]
fn the_polarity_of_dir_can_be_turned_round() {
    for (lines, toward_front) in [("", PinAction::High), ("invert_dir = true\n", PinAction::Low)] {
        retry_on_stall("the first steps", || {
            let pi = FakePi::new();
            let home = pi.home(&format!("{WIRED}{lines}{HOMING}"));
            let yep = start_with_short_rail(&home);
            yep.send_command("calibrate").expect_ok();
            poll_unless_late(&yep, "it moves", || (pi.steps() > 2).then_some(()))?;
            // Homing searches the front switch first.
            let changes = pi.changes();
            let first =
                changes.iter().position(|change| change.pin == STEP && change.done == PinAction::High)?;
            let dir = changes[..first].iter().rev().find(|change| change.pin == DIR);
            assert_eq!(dir.map(|change| change.done), Some(toward_front));
            Some(())
        });
    }
}

#[test]
fn a_kill_leaves_the_pins_as_they_are_and_safe_pins_makes_them_safe() {
    retry_on_stall("a motion to be killed", || {
        let pi = FakePi::new();
        let home = pi.home(&format!("{WIRED}{HOMING}"));
        let mut yep = start_with_short_rail(&home);
        yep.send_command("calibrate").expect_ok();
        poll_unless_late(&yep, "it moves", || (pi.steps() > 10).then_some(()))?;
        yep.signal("KILL");
        assert_eq!(yep.wait_for_exit().code(), None);
        let (steps, before) = (pi.steps(), OUTPUTS.map(|pin| pi.is_high(pin)));
        thread::sleep(Duration::from_millis(200));
        assert_eq!(pi.steps(), steps, "pulses of a dead process");
        // No process is left to switch the power off …
        assert_eq!(OUTPUTS.map(|pin| pi.is_high(pin)), before);
        assert!(before[1] && before[2], "it homed toward the front, with power");
        // … but the service manager does so with this command.
        let began = Instant::now();
        assert_eq!(safe_pins(&home), (Some(0), String::new()));
        eprintln!("safe-pins took {:?}", began.elapsed());
        for pin in OUTPUTS {
            assert!(pi.is_output(pin) && !pi.is_high(pin), "pin {pin}");
            assert_eq!(pi.count(pin, PinAction::Released), 0, "pin {pin}");
        }
        assert_eq!(pi.steps(), steps);
        Some(())
    });
}

#[test]
fn a_step_loop_that_hangs_ends_the_process_and_leaves_the_pins_safe() {
    retry_on_stall("a motion that hangs", || {
        let pi = FakePi::new();
        let home = pi.home(&format!("{WIRED}{HOMING}"));
        let mut yep = start_with_short_rail(&home);
        yep.send_command("calibrate").expect_ok();
        poll_unless_late(&yep, "it moves", || (pi.steps() > 10).then_some(()))?;
        pi.block_next_write(yep.id());
        let ended = yep.wait_for_exit();
        if !yep.log().contains("the step loop gave no sign of life") {
            return None;
        }
        // It aborted itself (SIGABRT), after setting the pins.
        assert_eq!(ended.signal(), Some(6), "{}", yep.log());
        assert!(yep.log().contains("the step loop hangs: the outputs are made safe"), "{}", yep.log());
        for pin in OUTPUTS {
            assert!(pi.is_output(pin) && !pi.is_high(pin), "pin {pin}");
        }
        let steps = pi.steps();
        thread::sleep(Duration::from_millis(100));
        assert_eq!(pi.steps(), steps);
        Some(())
    });
}

#[test]
fn safe_pins_works_on_a_cold_pi_and_without_a_file_that_can_be_read() {
    let pi = FakePi::new();
    assert_eq!(safe_pins(&pi.home(WIRED)), (Some(0), String::new()));
    assert!(OUTPUTS.iter().all(|pin| pi.is_output(*pin) && !pi.is_high(*pin)));
    assert!(pi.driven_too_early().is_empty(), "{:?}", pi.changes());
    assert!(pi.changes().iter().all(|change| OUTPUTS.contains(&change.pin)), "{:?}", pi.changes());

    let pi = FakePi::new();
    let (code, said) = safe_pins(&pi.home("[pins]\nstep = 3\n"));
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("pins.step: BCM 3 cannot be used"), "{said}");
    assert!(pi.is_output(STEP) && pi.is_output(DIR) && !pi.is_output(ENABLE));
}

#[test]
fn pins_that_cannot_be_used_are_said_with_a_remedy_and_nothing_is_driven() {
    type Case = (&'static [&'static str], fn(&FakePi));
    let cases: [Case; 9] = [
        (
            &["unknown model (Raspberry Pi 9 Model B) (unknown_model)", "newer ones need a newer build"],
            |pi| {
                pi.put("proc/cpuinfo", "Revision\t: c09f11\n");
                pi.put("sys/firmware/devicetree/base/model", "Raspberry Pi 9 Model B\0");
            },
        ),
        (&["no Raspberry Pi (Other Board) (not_a_pi)", "use --driver sim"], |pi| {
            pi.put("proc/cpuinfo", "processor\t: 0\n");
            pi.put("sys/firmware/devicetree/base/model", "Other Board\0");
        }),
        (&["no permission to use /dev/gpiomem (no_permission)", "usermod -aG gpio"], |pi| {
            pi.fail_open("dev/gpiomem", 13);
            pi.fail_open("dev/mem", 13);
        }),
        (&["/dev/gpiomem0 on a Pi 5", "is not there (no_device)"], |pi| {
            pi.put("proc/cpuinfo", "Revision\t: d04170\n");
        }),
        (&["no permission to use /dev/gpiomem0 (no_permission)", "usermod -aG gpio"], |pi| {
            pi.put("proc/cpuinfo", "Revision\t: d04170\n");
            pi.fail_open("dev/gpiomem0", 13);
        }),
        (&["no permission to use /dev/gpiochip0 (no_permission)", "usermod -aG gpio"], |pi| {
            pi.fail_open("dev/gpiochip0", 13);
        }),
        (&["is not there (no_device)", "Raspberry Pi OS"], |pi| pi.remove("dev/gpiochip0")),
        (&["BCM 21 (front) is in use by another program (pin_busy)", "`gpioinfo`"], |pi| {
            pi.put("busy-21", "");
        }),
        (&["BCM 24 (dir) is in use by another program (pin_busy)", "`gpioinfo`"], |pi| {
            pi.put("busy-24", "");
        }),
    ];
    for (said, spoil) in cases {
        let pi = FakePi::new();
        spoil(&pi);
        let (code, error) = pi.home("").start_and_fail(&[]);
        assert_eq!(code, 1, "{error}");
        assert!(said.iter().all(|part| error.contains(part)), "no {said:?} in {error}");
        assert_eq!(
            pi.count(STEP, PinAction::Output) + pi.count(DIR, PinAction::Output),
            0,
            "{said:?}: driven"
        );
    }
}

/// Output of `yep sensor …`, and true if it succeeded.
fn run_sensor_command(server: &Yep, arguments: &[&str]) -> (bool, String) {
    let output =
        real::process::yep().arg("sensor").args(["--server", &server.url()]).args(arguments).output();
    let output = output.unwrap();
    let text = if output.status.success() { output.stdout } else { output.stderr };
    (output.status.success(), String::from_utf8(text).unwrap())
}

#[test]
fn the_older_load_cell_is_tared_and_calibrated_and_that_is_remembered() {
    let pi = FakePi::new();
    pi.put("arduino", "ok 123.5");
    let home = pi.home("[force]\nsensor = 'i2c'\n");
    let yep = home.start();
    let feels = |yep: &Yep, says: &str, force_g: f64| {
        pi.put("arduino", says);
        eventually(&format!("{force_g} g are felt"), || {
            yep.status()["force_g"].as_f64().filter(|felt| (felt - force_g).abs() < 0.5)
        });
    };
    feels(&yep, "ok 123.5", 123.5);
    let (done, why) = run_sensor_command(&yep, &["tare"]);
    assert!(!done && why.contains("a load of 124 g is on the cell"), "{why}");
    assert_eq!(
        run_sensor_command(&yep, &["tare", "--confirm"]),
        (true, "tared; it showed 123.5 g before\n".to_owned())
    );
    feels(&yep, "ok 250.0", 126.0);
    let (done, text) = run_sensor_command(&yep, &["calibrate", "504"]);
    assert!(done, "{text}");
    assert_eq!(text, "calibrated: a gram is 0.250 g as the cell weighs, the noise 0.0 g\n");
    feels(&yep, "ok 300.0", 704.0);
    drop(yep);
    let yep = home.start();
    feels(&yep, "ok 99.0", -100.0);
}

#[test]
fn the_older_load_cell_is_read_and_what_it_garbles_is_no_sample() {
    let pi = FakePi::new();
    pi.put("arduino", "ok 123.5");
    let home = pi.home("[force]\nsensor = 'i2c'\n");
    let yep = home.start();
    let force = |yep: &Yep| yep.status()["force_g"].clone();
    eventually("a weight", || (force(&yep) == 123.5).then_some(()));
    for (spoilt, why, then_g) in [
        ("nack", "it does not answer", -7.25),
        ("ok nan", "NaN is no weight", -7.5),
        ("ok inf", "inf is no weight", -7.75),
        ("ok 1e9", "1000000000 is no weight", -8.0),
        ("swapped 123.5", "887 is no weight in grams", -8.25),
        ("slow -8.25", "it answered after", -8.5),
    ] {
        pi.put("arduino", spoilt);
        eventually(spoilt, || force(&yep).is_null().then_some(()));
        eventually(why, || yep.log().contains(why).then_some(()));
        // Another weight each time: one that stays the same for a second counts as a broken cell.
        pi.put("arduino", &format!("ok {then_g}"));
        eventually("it is back", || (force(&yep) == then_g).then_some(()));
    }
    let missing = FakePi::new();
    missing.remove("dev/i2c-1");
    let (code, error) = missing.home("[force]\nsensor = 'i2c'\n").start_and_fail(&[]);
    assert_eq!(code, 1, "{error}");
    assert!(error.contains("/dev/i2c-1 is not there (no_device)") && error.contains("i2c_arm=on"), "{error}");
}
