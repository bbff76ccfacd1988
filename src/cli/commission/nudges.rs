//! The steps in which the axis moves as long as a key is held down: a motion that a person watches, and ends by letting go.
//!
//! The server ends a nudge 0.3 s behind the last sign of life. Signs of life are sent for repeats of the key only, so whatever
//! ends the repeats, or holds up this program, ends the motion.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::held_key::{HeldKey, REPEAT_WITHIN};
use super::keys::WalkKey;
use super::walk::{FIRST_RUN, LOOK_TIME, StepExit, StepResult, Walk};

/// The key that is held.
const HELD: WalkKey = WalkKey::Character(' ');
/// Repeats come faster than signs of life are needed.
const SIGN_EVERY: Duration = Duration::from_millis(50);
/// Presses are taken for so long between two acts.
const PRESS_TIME: Duration = Duration::from_millis(20);
/// Between two looks for the end of a nudge.
const END_LOOK_TIME: Duration = Duration::from_millis(100);
/// A nudge that was accepted is seen within this time, or has ended with a fault.
const BEGIN_TIMEOUT: Duration = Duration::from_secs(1);

/// Which way the motor turns.
pub fn which_way(walk: &mut Walk) -> StepResult<()> {
    let nudges = walk.seen()["nudges_to_the_front"].as_u64().unwrap_or_default();
    walk.say(&format!("It went to the front {nudges} of 2 times."))?;
    if !nudge(walk, "short", "2 mm")? {
        // The server says what is wrong with a nudge that is not complete.
        return walk.act(json!({}));
    }
    let keys = ['f', 'b', 'n'].map(WalkKey::Character);
    let question = "Which way did it go?  f: to the front   b: to the back   n: nowhere";
    let answer = match walk.choose(question, &keys, |_| String::new())? {
        WalkKey::Character('f') => "front",
        WalkKey::Character('b') => "back",
        _ => "nowhere",
    };
    walk.act(json!({ "answer": answer }))
}

/// How far a nudge goes by a ruler.
pub fn how_far(walk: &mut Walk) -> StepResult<()> {
    if !nudge(walk, "ruler", "10 mm")? {
        return walk.act(json!({}));
    }
    let ruler_mm = walk.number("The ruler says (mm)", None)?;
    walk.act(json!({ "ruler_mm": ruler_mm }))
}

/// A nudge toward the front while the key is held; true if it went its whole way.
fn nudge(walk: &mut Walk, travel: &str, way: &str) -> StepResult<bool> {
    wait_until_let_go(walk)?;
    let number = walk.machine["last_nudge"]["number"].clone();
    walk.say(&format!("Hold the space key until it stops: {way} toward the front. Letting go stops it."))?;
    let mut key = wait_until_held(walk)?;
    let request = json!({ "toward": "front", "travel": travel, "after_stop": walk.stops() });
    walk.server.post(&format!("{FIRST_RUN}/nudge"), &request)?;
    walk.show_live("It moves. Hold on.")?;
    hold_on(walk, &mut key, &number)?;
    walk.show_live("It rests. Let the key go.")?;
    wait_until_let_go(walk)?;
    let last = &walk.machine["last_nudge"];
    if last["number"] == number {
        let why = walk.machine["why"].as_str().unwrap_or_default();
        return Err(StepExit::Refused(format!("the nudge did not end as it should: {why}")));
    }
    Ok(last["end"] == "completed")
}

/// Waits until the key is held. The number of STOPs is that which was shown before somebody pressed it.
fn wait_until_held(walk: &mut Walk) -> StepResult<HeldKey> {
    let mut key = HeldKey::default();
    loop {
        if key.is_idle(Instant::now()) {
            walk.look()?;
        }
        if let Some(press) = walk.next_press(Instant::now() + LOOK_TIME)? {
            match press.key {
                HELD => key.press(press.at),
                // Who presses STOP and goes on holding the key presses it anew.
                _ => {
                    wait_until_let_go(walk)?;
                    key = HeldKey::default();
                }
            }
        }
        if key.is_held(Instant::now()) {
            return Ok(key);
        }
    }
}

/// Sends signs of life for the repeats of the key, until the nudge behind that with this number is over. A key that
/// was let go stays so.
fn hold_on(walk: &mut Walk, key: &mut HeldKey, number: &Value) -> StepResult<()> {
    let began = Instant::now();
    let (mut is_held, mut is_repeated) = (true, true);
    let (mut signed, mut looked) = (None, Instant::now());
    loop {
        // All that has come: an old press behind a slow answer is not the last one.
        let until = Instant::now() + PRESS_TIME;
        while let Some(press) = walk.next_press(until)? {
            match press.key {
                HELD => {
                    key.press(press.at);
                    is_repeated = true;
                }
                _ => is_held = false,
            }
        }
        is_held &= key.is_held(Instant::now());
        if is_held && is_repeated && signed.is_none_or(|at: Instant| at.elapsed() >= SIGN_EVERY) {
            (signed, is_repeated) = (Some(Instant::now()), false);
            walk.say_alive()?;
        }
        if looked.elapsed() >= END_LOOK_TIME {
            looked = Instant::now();
            walk.look()?;
            let is_over = walk.machine["last_nudge"]["number"] != *number || began.elapsed() >= BEGIN_TIMEOUT;
            if is_over && !walk.moves() {
                return Ok(());
            }
        }
    }
}

/// The repeats of a key that is still held begin no other motion.
fn wait_until_let_go(walk: &mut Walk) -> StepResult<()> {
    while walk.next_press(Instant::now() + REPEAT_WITHIN)?.is_some() {}
    walk.look()
}
