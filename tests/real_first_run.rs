//! The first run of the real binary against the simulated machine, with `/api/v1/sim` as the hands: the whole walk, and what is
//! refused before motion or within a nudge.

#[path = "support/real/mod.rs"]
mod real;

use std::thread;
use std::time::Duration;

use real::http::Answer;
use real::process::QUICK_HOMING;
use real::{Home, Yep, eventually};
use serde_json::{Value, json};

const RUN: &str = "/api/v1/commissioning";
/// Longer than ten control cycles and a snapshot, and shorter than a person.
const BEAT: Duration = Duration::from_millis(250);

fn home() -> Home {
    home_with("")
}

/// With these lines about the simulated rail.
fn home_with(rail: &str) -> Home {
    Home::with_rail(&format!("commissioned = 'required'\n[pins]\ne_stop = 16\n{QUICK_HOMING}"), rail)
}

/// A request of the page.
fn page(yep: &Yep, path: &str, body: &Value) -> Answer {
    let headers = [("content-type", "application/json"), ("yep-tab", "page")];
    yep.request("POST", path, &headers, &body.to_string())
}

fn step(yep: &Yep, name: &str, body: Value) -> Answer {
    page(yep, &format!("{RUN}/steps/{name}"), &body)
}

#[track_caller]
fn begin(yep: &Yep, name: &str) {
    step(yep, name, json!({ "act": "begin" })).expect_ok();
}

/// Finishes a step, which must be refused with these words.
#[track_caller]
fn refused(yep: &Yep, name: &str, body: Value, said: &str) {
    let answer = step(yep, name, body);
    let problem = answer.json();
    assert_eq!((answer.status, &problem["code"]), (409, &json!("step_not_proven")), "{problem}");
    assert!(problem["detail"].as_str().unwrap().contains(said), "{said}: {problem}");
}

#[track_caller]
fn proven(yep: &Yep, name: &str, body: Value) -> Value {
    let run = step(yep, name, body).expect_ok();
    let done = run["steps"].as_array().unwrap().iter().find(|step| step["step"] == name).unwrap().clone();
    assert_eq!(done["state"], "done", "{name}: {run}");
    done["evidence"].clone()
}

fn hands(yep: &Yep, mishaps: &[&str]) {
    yep.put_sim(&json!({ "mishaps": mishaps }));
    thread::sleep(BEAT);
}

fn push(yep: &Yep, force_g: f64) {
    yep.put_sim(&json!({ "push_g": force_g }));
    thread::sleep(BEAT);
}

fn press(yep: &Yep, switch: &str) {
    let reads = |is_closed: bool| {
        let name = switch.trim_end_matches("_welded");
        eventually(switch, || (yep.status()["inputs"][name] == is_closed).then_some(()));
        // A press that is no bounce, also where a busy host has the inputs read late.
        thread::sleep(BEAT);
    };
    hands(yep, &[switch]);
    reads(true);
    hands(yep, &[]);
    reads(false);
}

/// Holds the button of a nudge until the axis rests.
#[track_caller]
fn hold(yep: &Yep, travel: &str) {
    let stops = yep.status()["stops"].clone();
    let nudge = json!({ "toward": "front", "travel": travel, "after_stop": stops });
    page(yep, &format!("{RUN}/nudge"), &nudge).expect_ok();
    eventually("the nudge ends", || {
        page(yep, "/api/v1/lease", &json!({ "act": "alive" })).expect_ok();
        (yep.status()["state"] != "nudging").then_some(())
    });
}

#[track_caller]
fn calibrate(yep: &Yep) {
    for _ in 0..5 {
        let stops = yep.status()["stops"].clone();
        page(yep, "/api/v1/machine/calibrate", &json!({ "after_stop": stops })).expect_ok();
        yep.wait_for_state("homing");
        let status = yep.wait_while("homing");
        thread::sleep(BEAT);
        // A host that is busy makes steps late, and homing has a time.
        if status["fault"]["code"] != "homing_timeout" {
            assert_eq!(status["state"], "ready", "{status}");
            return;
        }
    }
    panic!("the host is too slow for any homing");
}

/// Starts the wave of a step.
#[track_caller]
fn start_wave(yep: &Yep, name: &str, mut body: Value) {
    // Behind a STOP a start has to know of it.
    body["act"] = json!("start");
    body["after_stop"] = yep.status()["stops"].clone();
    step(yep, name, body).expect_ok();
    yep.wait_for_state("running");
}

/// Lets the wave at these limits go on for two periods, if it can.
#[track_caller]
fn wave_at_limits(yep: &Yep, body: Value) {
    start_wave(yep, "limits", body);
    eventually("two periods at the limits", || {
        page(yep, "/api/v1/lease", &json!({ "act": "alive" })).expect_ok();
        let status = yep.status();
        (status["state"] != "running" || status["periods"].as_u64() >= Some(2)).then_some(())
    });
    if yep.status()["state"] == "running" {
        page(yep, "/api/v1/machine/end", &json!({})).expect_ok();
        yep.wait_for_state("ready");
    }
}

/// Everything up to the motor's power.
#[track_caller]
fn without_motion(yep: &Yep) {
    begin(yep, "own");
    proven(yep, "own", json!({}));
    begin(yep, "hardware_stop");
    refused(yep, "hardware_stop", json!({}), "no STOP has arrived");
    page(yep, "/api/v1/stop", &json!({})).expect_ok();
    thread::sleep(BEAT);
    refused(yep, "hardware_stop", json!({ "answer": "yes" }), "did not open");
    hands(yep, &["e_stop_open"]);
    refused(yep, "hardware_stop", json!({}), "release the button");
    hands(yep, &[]);
    proven(yep, "hardware_stop", json!({}));
    page(yep, "/api/v1/machine/acknowledge", &json!({})).expect_ok();

    begin(yep, "switches");
    refused(yep, "switches", json!({}), "the front switch was pressed 0 times");
    press(yep, "front_welded");
    press(yep, "front_welded");
    refused(yep, "switches", json!({}), "the back switch was pressed 0 times");
    press(yep, "back_welded");
    press(yep, "back_welded");
    refused(yep, "switches", json!({}), "pull the plug");
    refused(yep, "switches", json!({ "act": "unplugged" }), "normally closed");
    hands(yep, &["front_welded"]);
    thread::sleep(2 * BEAT);
    refused(yep, "switches", json!({}), "the front switch reads pressed");
    step(yep, "switches", json!({ "act": "unplugged" })).expect_ok();
    hands(yep, &[]);
    let seen = proven(yep, "switches", json!({}));
    assert!(seen["front_presses"].as_f64() >= Some(2.0) && seen["bounce_ms"] == 0.0, "{seen}");

    begin(yep, "numbers");
    refused(yep, "numbers", json!({}), "max_stroke_mm");
    let numbers = json!({ "max_stroke_mm": 155, "microsteps_per_rev": 400 });
    assert_eq!(proven(yep, "numbers", numbers)["steps_per_mm"], 10.0);

    begin(yep, "force");
    refused(yep, "force", json!({}), "must be positive");
    push(yep, 600.0);
    refused(yep, "force", json!({}), "must be negative");
    push(yep, -600.0);
    push(yep, 0.0);
    proven(yep, "force", json!({}));
    begin(yep, "power");
    refused(yep, "power", json!({ "answer": "no" }), "supply");
    proven(yep, "power", json!({ "answer": "yes" }));
}

#[test]
fn the_whole_first_run_proves_a_simulated_machine() {
    let home = home();
    let mut yep = home.start();
    assert_eq!(yep.run_wave("sine", 2.0).expect_refused().0, "not_commissioned");
    let early = step(&yep, "which_way", json!({ "act": "begin" })).json();
    assert_eq!(early["code"], "step_out_of_order", "{early}");
    assert_eq!(step(&yep, "nothing", json!({})).status, 404);
    without_motion(&yep);
    assert!(home.pulses().is_empty(), "something moved before the motor had power");

    begin(&yep, "which_way");
    refused(&yep, "which_way", json!({ "answer": "front" }), "nudge 2 mm");
    hold(&yep, "short");
    refused(&yep, "which_way", json!({ "answer": "nowhere" }), "did not move");
    step(&yep, "which_way", json!({ "answer": "front" })).expect_ok();
    refused(&yep, "which_way", json!({ "answer": "front" }), "nudge 2 mm");
    hold(&yep, "short");
    proven(&yep, "which_way", json!({ "answer": "front" }));

    begin(&yep, "how_far");
    hold(&yep, "ruler");
    refused(&yep, "how_far", json!({ "ruler_mm": 13.0 }), "microsteps");
    refused(&yep, "how_far", json!({ "ruler_mm": 7.5 }), "microsteps");
    proven(&yep, "how_far", json!({ "ruler_mm": 10.0 }));

    begin(&yep, "calibrate");
    refused(&yep, "calibrate", json!({}), "calibrate first");
    for _ in 0..2 {
        calibrate(&yep);
        step(&yep, "calibrate", json!({})).expect_ok();
        refused(&yep, "calibrate", json!({}), "calibrate first");
    }
    calibrate(&yep);
    let seen = proven(&yep, "calibrate", json!({}));
    assert!(seen["spread_mm"].as_f64() <= Some(0.2) && seen["calibrations"] == 3.0, "{seen}");
    assert_eq!(yep.run_wave("sine", 2.0).expect_refused().0, "not_commissioned");

    begin(&yep, "proof");
    let start = |yep: &Yep| {
        start_wave(yep, "proof", json!({}));
        thread::sleep(Duration::from_millis(1_500));
    };
    start(&yep);
    push(&yep, -1_500.0);
    push(&yep, 1_500.0);
    push(&yep, 0.0);
    refused(&yep, "proof", json!({}), "press STOP");
    page(&yep, "/api/v1/stop", &json!({})).expect_ok();
    yep.wait_for_state("ready");
    thread::sleep(2 * BEAT);
    refused(&yep, "proof", json!({}), "lock this phone");
    start(&yep);
    yep.wait_for_state("ready");
    thread::sleep(BEAT);
    let seen = proven(&yep, "proof", json!({}));
    assert!(seen["stop_ms"].as_f64() < Some(100.0) && seen["held_by_g"].as_f64() >= Some(200.0), "{seen}");

    begin(&yep, "limits");
    refused(&yep, "limits", json!({}), "start the wave");
    start_wave(&yep, "limits", json!({}));
    yep.send_command("end").expect_ok();
    yep.wait_for_state("ready");
    refused(&yep, "limits", json!({}), "complete periods");
    wave_at_limits(&yep, json!({}));
    refused(&yep, "limits", json!({}), "end the wave and calibrate");
    calibrate(&yep);
    let seen = proven(&yep, "limits", json!({}));
    assert_eq!((&seen["max_speed_mm_s"], &seen["stroke_mm"]), (&json!(100.0), &json!(77.0)));
    assert!(seen["lost_mm"].as_f64() <= Some(0.2) && seen["periods"].as_f64() >= Some(2.0), "{seen}");
    assert!(seen["reached_mm_s"].as_f64() >= Some(90.0), "{seen}");
    begin(&yep, "keep");
    refused(&yep, "keep", json!({}), "download a backup");
    proven(&yep, "keep", json!({ "answer": "yes" }));
    let run = yep.get(RUN).expect_ok();
    assert_eq!((&run["complete"], &run["next"]), (&json!(true), &Value::Null), "{run}");
    yep.pause_behind_stop();
    yep.run_wave("sine", 4.0).expect_ok();
    yep.wait_for_full_rate();

    // Power lost: what is proven stays so.
    yep.signal("KILL");
    yep.wait_for_exit();
    let yep = home.start();
    assert_eq!(yep.get(RUN).expect_ok()["complete"], true);
    assert_eq!(yep.run_wave("sine", 2.0).expect_refused().0, "not_homed");
}

/// Everything up to the switches.
#[track_caller]
fn to_the_switches(yep: &Yep) {
    begin(yep, "own");
    proven(yep, "own", json!({}));
    begin(yep, "hardware_stop");
    page(yep, "/api/v1/stop", &json!({})).expect_ok();
    hands(yep, &["e_stop_open"]);
    hands(yep, &[]);
    proven(yep, "hardware_stop", json!({}));
    page(yep, "/api/v1/machine/acknowledge", &json!({})).expect_ok();
}

/// What is wrong with a machine, step by step; nothing moves farther than a nudge before it is told.
#[test]
fn what_is_wrong_is_caught_at_its_step() {
    let home = home();
    let yep = home.start();
    to_the_switches(&yep);

    // A dead front switch, or one whose cable is broken where nothing sees it: presses change nothing.
    begin(&yep, "switches");
    press(&yep, "back_welded");
    press(&yep, "back_welded");
    refused(&yep, "switches", json!({}), "the front switch was pressed 0 times");
    // A welded one.
    begin(&yep, "switches");
    hands(&yep, &["front_welded"]);
    refused(&yep, "switches", json!({}), "the front switch reads pressed");
    hands(&yep, &[]);
    // Swapped ones: a person presses the front switch, as the page says.
    begin(&yep, "switches");
    hands(&yep, &["switches_swapped"]);
    for _ in 0..2 {
        hands(&yep, &["switches_swapped", "front_welded"]);
        hands(&yep, &["switches_swapped"]);
    }
    refused(&yep, "switches", json!({}), "whether the two are swapped");
    hands(&yep, &[]);
    begin(&yep, "switches");
    for switch in ["front_welded", "front_welded", "back_welded", "back_welded"] {
        press(&yep, switch);
    }
    hands(&yep, &["back_welded"]);
    thread::sleep(2 * BEAT);
    step(&yep, "switches", json!({ "act": "unplugged" })).expect_ok();
    hands(&yep, &[]);
    proven(&yep, "switches", json!({}));

    // Half of the microsteps that the driver makes: no number shows it, the ruler does.
    begin(&yep, "numbers");
    proven(&yep, "numbers", json!({ "max_stroke_mm": 155, "microsteps_per_rev": 200 }));
    // A sensor with the other sign.
    begin(&yep, "force");
    push(&yep, -600.0);
    refused(&yep, "force", json!({}), "must be positive");
    push(&yep, 600.0);
    push(&yep, 0.0);
    proven(&yep, "force", json!({}));
    begin(&yep, "power");
    proven(&yep, "power", json!({ "answer": "yes" }));
    assert!(home.pulses().is_empty(), "something moved before the motor had power");

    // A belt that is off, and a carriage that is held.
    for mishap in ["belt_off", "carriage_blocked"] {
        begin(&yep, "which_way");
        hands(&yep, &[mishap]);
        let before_mm = yep.carriage_mm();
        hold(&yep, "short");
        assert!((yep.carriage_mm() - before_mm).abs() < 2.01, "{mishap}");
        refused(&yep, "which_way", json!({ "answer": "nowhere" }), "did not move");
        hands(&yep, &[]);
    }
    begin(&yep, "which_way");
    hold(&yep, "short");
    step(&yep, "which_way", json!({ "answer": "front" })).expect_ok();
    hold(&yep, "short");
    proven(&yep, "which_way", json!({ "answer": "front" }));
    begin(&yep, "how_far");
    let before_mm = yep.carriage_mm();
    hold(&yep, "ruler");
    let ruler_mm = yep.carriage_mm() - before_mm;
    assert!((4.9..5.1).contains(&ruler_mm), "{ruler_mm} mm");
    refused(&yep, "how_far", json!({ "ruler_mm": ruler_mm }), "microsteps");
    assert_eq!(yep.get(RUN).expect_ok()["next"], "how_far");
}

#[test]
fn both_switches_closed_are_offered_another_polarity_and_never_guessed() {
    let home = home();
    let yep = home.start();
    to_the_switches(&yep);
    hands(&yep, &["front_welded", "back_welded"]);
    begin(&yep, "switches");
    thread::sleep(BEAT);
    refused(&yep, "switches", json!({}), "both switches read pressed");
    let run = yep.get(RUN).expect_ok();
    let offer = &run["in_progress"]["offer"];
    assert_eq!((&offer["invert_front"], &offer["invert_back"]), (&json!(true), &json!(true)), "{run}");
    assert_eq!(yep.status()["fault"]["code"], "both_limits_closed");
    assert!(home.pulses().is_empty());
}

#[test]
fn a_reversed_motor_is_found_within_a_nudge_and_turned_by_its_answer() {
    let home = home();
    let mut yep = home.start();
    without_motion(&yep);
    hands(&yep, &["direction_reversed"]);
    begin(&yep, "which_way");
    let before_mm = yep.carriage_mm();
    hold(&yep, "short");
    let went_mm = yep.carriage_mm() - before_mm;
    assert!((-2.01..-1.0).contains(&went_mm), "{went_mm} mm");
    let run = step(&yep, "which_way", json!({ "answer": "back" })).expect_ok();
    assert_eq!(run["in_progress"], Value::Null, "{run}");
    let again = eventually("it starts anew", || {
        let said = yep.stdout();
        let lines = said.lines().filter(|line| line.contains(" serves ")).skip(1);
        lines.filter_map(|line| line.rsplit_once("http://")?.1.trim().parse().ok()).next()
    });
    yep.address = again;
    // The motor is wired as it was, and what was proven before stays so.
    hands(&yep, &["direction_reversed"]);
    assert_eq!(yep.get(RUN).expect_ok()["next"], "which_way");
    begin(&yep, "which_way");
    for _ in 0..2 {
        let before_mm = yep.carriage_mm();
        hold(&yep, "short");
        assert!(yep.carriage_mm() > before_mm + 1.0);
        step(&yep, "which_way", json!({ "answer": "front" })).expect_ok();
    }
    assert_eq!(yep.get(RUN).expect_ok()["next"], "how_far");
    // Its belt has another pitch than was said, by a tenth: travel per turn is corrected, and measured again.
    begin(&yep, "how_far");
    hold(&yep, "ruler");
    step(&yep, "how_far", json!({ "ruler_mm": 11.0 })).expect_ok();
    let again = eventually("it starts anew", || {
        let said = yep.stdout();
        let lines = said.lines().filter(|line| line.contains(" serves ")).skip(2);
        lines.filter_map(|line| line.rsplit_once("http://")?.1.trim().parse().ok()).next()
    });
    yep.address = again;
    let run = yep.get(RUN).expect_ok();
    let travel =
        run["wiring"].as_array().unwrap().iter().find(|fact| fact["key"] == "rail.travel_per_turn_mm");
    assert_eq!(travel.unwrap()["value"], "44");
    assert_eq!(run["next"], "how_far", "it is measured once more");
}

/// Does the step as a person would, on a machine that is as it should be.
fn prove(yep: &mut Yep, name: &str) {
    begin(yep, name);
    let answer = match name {
        "hardware_stop" => {
            page(yep, "/api/v1/stop", &json!({})).expect_ok();
            hands(yep, &["e_stop_open"]);
            hands(yep, &[]);
            json!({})
        }
        "switches" => {
            for switch in ["front_welded", "front_welded", "back_welded", "back_welded"] {
                press(yep, switch);
            }
            hands(yep, &["back_welded"]);
            thread::sleep(2 * BEAT);
            step(yep, name, json!({ "act": "unplugged" })).expect_ok();
            hands(yep, &[]);
            json!({})
        }
        "numbers" => json!({ "max_stroke_mm": 155, "microsteps_per_rev": 400 }),
        "force" => {
            push(yep, 600.0);
            push(yep, -600.0);
            push(yep, 0.0);
            push_to_the_middle(yep);
            json!({})
        }
        "power" | "keep" => json!({ "answer": "yes" }),
        "which_way" => {
            hold(yep, "short");
            step(yep, name, json!({ "answer": "front" })).expect_ok();
            hold(yep, "short");
            json!({ "answer": "front" })
        }
        "how_far" => {
            hold(yep, "ruler");
            json!({ "ruler_mm": 10.0 })
        }
        "calibrate" => {
            for _ in 0..2 {
                calibrate(yep);
                step(yep, name, json!({})).expect_ok();
            }
            calibrate(yep);
            json!({})
        }
        "proof" => {
            start_wave(yep, name, json!({}));
            push(yep, -1_500.0);
            push(yep, 1_500.0);
            push(yep, 0.0);
            page(yep, "/api/v1/stop", &json!({})).expect_ok();
            yep.wait_for_state("ready");
            thread::sleep(2 * BEAT);
            // Nobody says that the phone is there.
            start_wave(yep, name, json!({}));
            yep.wait_for_state("ready");
            thread::sleep(BEAT);
            json!({})
        }
        "limits" => {
            wave_at_limits(yep, json!({}));
            calibrate(yep);
            json!({})
        }
        _ => json!({}),
    };
    proven(yep, name, answer);
    if name == "hardware_stop" {
        page(yep, "/api/v1/machine/acknowledge", &json!({})).expect_ok();
    }
}

/// A carriage with a mass, whose motor is off, gives way to a push.
fn push_to_the_middle(yep: &Yep) {
    eventually("the middle", || {
        let carriage_mm = yep.carriage_mm();
        if (40.0..115.0).contains(&carriage_mm) {
            return Some(());
        }
        yep.put_sim(&json!({ "push_g": if carriage_mm < 77.0 { 300.0 } else { -300.0 } }));
        thread::sleep(Duration::from_millis(40));
        yep.put_sim(&json!({ "push_g": 0.0 }));
        thread::sleep(Duration::from_millis(100));
        None
    });
}

/// The names of the steps, and what is next.
fn steps_of(yep: &Yep) -> (Vec<String>, Value) {
    let run = yep.get(RUN).expect_ok();
    let names = run["steps"].as_array().unwrap().iter().map(|step| step["step"].as_str().unwrap().to_owned());
    (names.collect(), run["next"].clone())
}

#[test]
fn power_lost_in_each_step_goes_on_there() {
    let home = home();
    let mut yep = home.start();
    let (names, _) = steps_of(&yep);
    for name in &names {
        if ["proof", "limits"].contains(&name.as_str()) {
            calibrate(&yep);
        }
        begin(&yep, name);
        match name.as_str() {
            "which_way" => hold(&yep, "short"),
            "proof" | "limits" => start_wave(&yep, name, json!({})),
            _ => {}
        }
        yep.signal("KILL");
        yep.wait_for_exit();
        yep = home.start();
        let (_, next) = steps_of(&yep);
        assert_eq!(&next, name, "it goes on elsewhere");
        let finish = step(&yep, name, json!({})).json();
        assert_eq!(finish["code"], "step_out_of_order", "what was seen before the cut counts: {finish}");
        if ["proof", "limits"].contains(&name.as_str()) {
            calibrate(&yep);
        }
        prove(&mut yep, name);
    }
    assert_eq!(yep.get(RUN).expect_ok()["complete"], true);
}

/// What shows only when the axis moves by itself: at the calibrations, and at the limits.
#[test]
fn a_loose_switch_another_ruler_and_a_weak_motor_are_caught_at_their_step() {
    let home = home_with("mass = true");
    let mut yep = home.start();
    let (names, _) = steps_of(&yep);
    for name in names.iter().take_while(|name| *name != "numbers") {
        prove(&mut yep, name);
    }
    // The ruler was read wrong by a tenth, which homing alone takes for the rail's own.
    begin(&yep, "numbers");
    proven(&yep, "numbers", json!({ "max_stroke_mm": 140, "microsteps_per_rev": 400 }));
    for name in ["force", "power", "which_way", "how_far"] {
        prove(&mut yep, name);
    }
    begin(&yep, "calibrate");
    for _ in 0..2 {
        calibrate(&yep);
        step(&yep, "calibrate", json!({})).expect_ok();
    }
    calibrate(&yep);
    refused(&yep, "calibrate", json!({}), "140 mm by your ruler");
    prove(&mut yep, "numbers");

    // A switch that sits farther each time it is pressed.
    begin(&yep, "calibrate");
    hands(&yep, &["front_loose"]);
    let said = (0..3).find_map(|_| {
        let stops = yep.status()["stops"].clone();
        page(&yep, "/api/v1/machine/calibrate", &json!({ "after_stop": stops })).expect_ok();
        yep.wait_for_state("homing");
        let status = yep.wait_while("homing");
        thread::sleep(BEAT);
        if status["state"] == "faulted" {
            return Some(status["fault"]["code"].as_str().unwrap().to_owned());
        }
        let answer = step(&yep, "calibrate", json!({})).json();
        answer["detail"].as_str().map(str::to_owned)
    });
    let said = said.expect("nothing was found");
    assert!(said.contains("touch_disagrees_front") || said.contains("switches are tight"), "{said}");
    hands(&yep, &[]);
    if yep.status()["state"] == "faulted" {
        page(&yep, "/api/v1/machine/acknowledge", &json!({})).expect_ok();
    }
    // Contacts that bounce for 2 ms, less than 5, do no harm.
    hands(&yep, &["front_bounces", "back_bounces"]);
    prove(&mut yep, "calibrate");
    hands(&yep, &[]);
    prove(&mut yep, "proof");

    // A motor with a tenth of its force: slow waves hide it, the limits show it.
    begin(&yep, "limits");
    hands(&yep, &["motor_weak"]);
    let firm = json!({ "max_speed_mm_s": 600.0, "max_acceleration_mm_s2": 8_000.0, "stroke_mm": 140, "force_g": 1_000 });
    wave_at_limits(&yep, json!({ "envelope": firm }));
    if yep.status()["state"] == "ready" {
        let stops = yep.status()["stops"].clone();
        page(&yep, "/api/v1/machine/calibrate", &json!({ "after_stop": stops })).expect_ok();
        yep.wait_for_state("homing");
        yep.wait_while("homing");
        thread::sleep(BEAT);
    }
    match yep.status()["fault"]["code"].as_str() {
        None => {
            refused(&yep, "limits", json!({}), "the motor lost steps");
            let limits = yep.get("/api/v1/limits").expect_ok();
            assert_eq!(limits["asked"]["max_speed_mm_s"], 500.0, "wider than before the wave: {limits}");
        }
        // The carriage is not where the steps say: a switch closes in motion, or the touches of homing disagree.
        Some(fault) => {
            assert!(fault.starts_with("limit_hit") || fault.starts_with("touch_disagrees"), "{fault}");
            page(&yep, "/api/v1/machine/acknowledge", &json!({})).expect_ok();
        }
    }
    // With more current it is as strong as it should be.
    hands(&yep, &[]);
    calibrate(&yep);
    prove(&mut yep, "limits");
}
