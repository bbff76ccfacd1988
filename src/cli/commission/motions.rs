//! The steps in which the axis moves by itself: the calibrations, and the waves of the last steps.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::keys::{self, WalkKey};
use super::walk::{LOOK_TIME, StepExit, StepResult, Walk};
use super::{numbers, signs};

/// A wave goes on for 3 s behind the last sign of life of its client.
const SIGN_EVERY: Duration = Duration::from_secs(1);
/// A start that was accepted is seen within this time.
const BEGIN_TIMEOUT: Duration = Duration::from_secs(3);
/// A calibration is written down a moment behind its end.
const WRITTEN_TIME: Duration = Duration::from_millis(500);
/// The walk is silent for so long in the proof, and an axis that comes to rest then has so long for it.
const SILENCE: Duration = Duration::from_secs(5);
const REST_TIMEOUT: Duration = Duration::from_secs(2);
/// Push that the axis has to give way to, in g, as the server has it.
const PUSH_G: f64 = 200.0;
/// Periods at the limits, as the server has it.
const PERIODS: u64 = 2;

/// One calibration of the three.
pub fn calibrate(walk: &mut Walk) -> StepResult<()> {
    let made = walk.seen()["travels_steps"].as_array().map_or(0, Vec::len);
    walk.say(&format!("{made} of 3 calibrations agree."))?;
    calibrate_axis(walk)?;
    walk.act(json!({}))
}

/// A slow wave that STOP, a push and an absent client end.
pub fn proof(walk: &mut Walk) -> StepResult<()> {
    calibrate_if_lost(walk)?;
    let has_force = walk.machine["force_g"].is_number();
    if walk.seen()["stop_ms"].is_null() || has_force && walk.seen()["held_by_g"].as_f64() < Some(PUSH_G) {
        let push = if has_force { " push against it until it stands, 200 g or more, and then" } else { "" };
        walk.say(&format!("A slow wave in the middle of the rail:{push} press s, which is STOP."))?;
        start_wave(walk, "Enter: start the slow wave", json!({}))?;
        follow_wave(walk, |_| Ok(()))?;
    }
    if walk.seen()["client_gone"] != true {
        walk.say(
            "In place of a locked phone this walk says nothing for 5 s: the axis must come to rest by itself.",
        )?;
        start_wave(walk, "Enter: start the slow wave", json!({}))?;
        be_silent(walk)?;
    }
    walk.act(json!({}))
}

/// A wave as fast as the limits allow, and a calibration that finds the axis where it was.
pub fn limits(walk: &mut Walk) -> StepResult<()> {
    calibrate_if_lost(walk)?;
    let envelope = numbers::envelope(walk)?;
    let question = "Stay beside the machine. Enter: start the wave at these limits";
    start_wave(walk, question, json!({ "envelope": envelope }))?;
    let mut is_ending = false;
    follow_wave(walk, |walk| {
        // The wave has shown what it can: more of it proves no more.
        if !is_ending && walk.state() == "running" && walk.machine["periods"].as_u64() >= Some(PERIODS) {
            is_ending = true;
            walk.server.post("/api/v1/machine/end", &json!({}))?;
        }
        Ok(())
    })?;
    if walk.seen()["periods"].as_u64() >= Some(PERIODS) {
        calibrate_axis(walk)?;
    }
    walk.act(json!({}))
}

/// A calibration, until it is done and written down.
fn calibrate_axis(walk: &mut Walk) -> StepResult<()> {
    walk.say("The carriage moves slowly to both switches: keep clear.")?;
    walk.choose("Enter: calibrate", &[WalkKey::Enter], |walk| walk.state().to_owned())?;
    walk.server.post("/api/v1/machine/calibrate", &json!({ "after_stop": walk.stops() }))?;
    follow(walk, |_| Ok(()))?;
    while walk.next_press(Instant::now() + WRITTEN_TIME)?.is_some() {}
    Ok(())
}

/// A wave starts on a calibrated axis only; a fault or a start of the program may have lost the position.
fn calibrate_if_lost(walk: &mut Walk) -> StepResult<()> {
    walk.look()?;
    if walk.machine["range_mm"].is_null() { calibrate_axis(walk) } else { Ok(()) }
}

fn start_wave(walk: &mut Walk, question: &str, mut request: Value) -> StepResult<()> {
    walk.choose(question, &[WalkKey::Enter], |walk| walk.state().to_owned())?;
    request["act"] = json!("start");
    request["after_stop"] = walk.stops();
    walk.act(request)
}

/// Shows a wave until the axis rests, with the signs of life that it needs.
fn follow_wave(walk: &mut Walk, mut each_look: impl FnMut(&mut Walk) -> StepResult<()>) -> StepResult<()> {
    let mut signed = Instant::now();
    follow(walk, |walk| {
        if signed.elapsed() >= SIGN_EVERY {
            signed = Instant::now();
            walk.say_alive()?;
        }
        each_look(walk)
    })
}

/// Shows a motion until the axis rests.
fn follow(walk: &mut Walk, mut each_look: impl FnMut(&mut Walk) -> StepResult<()>) -> StepResult<()> {
    let began = Instant::now();
    let mut was_seen = false;
    loop {
        walk.look()?;
        each_look(walk)?;
        was_seen |= walk.moves();
        if !walk.moves() && (was_seen || began.elapsed() >= BEGIN_TIMEOUT) {
            let why = walk.machine["why"].as_str().unwrap_or_default().to_owned();
            return walk.say(&format!("It rests: {why}"));
        }
        let live = format!("{}   s: STOP", signs::line(&[signs::motion(&walk.machine), held(walk)]));
        walk.show_live(&live)?;
        walk.next_press(Instant::now() + LOOK_TIME)?;
    }
}

/// The highest push that the axis has given way to, in the proof.
fn held(walk: &Walk) -> String {
    let held_g = walk.seen()["held_by_g"].as_f64().filter(|held_g| *held_g > 0.0);
    held_g.map_or(String::new(), |held_g| {
        signs::sign("it stood against", held_g >= PUSH_G, &format!("{held_g:.0} g"))
    })
}

/// Sends nothing at all, and looks then whether the axis rests. STOP is sent if it is pressed.
fn be_silent(walk: &mut Walk) -> StepResult<()> {
    let until = Instant::now() + SILENCE;
    while Instant::now() < until {
        let left_s = until.saturating_duration_since(Instant::now()).as_secs_f64().ceil();
        walk.show_live(&format!("Silent for {left_s} s more.   s: STOP"))?;
        walk.next_press(Instant::now() + LOOK_TIME)?;
    }
    while Instant::now() < until + REST_TIMEOUT {
        // A look is no sign of life of a client that has a name.
        walk.look()?;
        if !walk.moves() {
            let why = walk.machine["why"].as_str().unwrap_or_default().to_owned();
            return walk.say(&format!("It rests: {why}"));
        }
        walk.next_press(Instant::now() + LOOK_TIME)?;
    }
    let stop = match keys::send_stop(&walk.server) {
        Ok(()) => "STOP was sent".to_owned(),
        Err(why) => format!("STOP has not arrived ({why}): press the button on the machine"),
    };
    Err(StepExit::Refused(format!("the axis goes on without its client. {stop}")))
}
