//! The steps in which nothing moves: a person does something, and the machine shows that it was seen.

use serde_json::{Map, Value, json};

use super::keys::WalkKey;
use super::signs;
use super::walk::{StepExit, StepResult, Walk};
use crate::cli::Failure;

const GO_ON: &str = "Enter: done, go on";

/// A device is let in; on the machine itself none is needed.
pub fn own(walk: &mut Walk) -> StepResult<()> {
    walk.say("`yep pair` lets a phone in. On the machine itself nobody has to be let in.")?;
    walk.choose(GO_ON, &[WalkKey::Enter], |_| String::new())?;
    walk.act(json!({}))
}

/// STOP, and the button that cuts the motor's power.
pub fn hardware_stop(walk: &mut Walk) -> StepResult<()> {
    let is_wired = walk.wiring("pins.e_stop").is_some_and(|fact| fact["value"] != "none");
    walk.say("In place of STOP on the page press s here.")?;
    let live = move |walk: &Walk| {
        let seen = walk.seen();
        let mut shown = vec![signs::sign("STOP arrived", seen["stops"].as_u64() > Some(0), "")];
        if is_wired {
            shown.push(signs::sign("the button was pressed", seen["e_stop_opened"] == true, ""));
            shown.push(signs::sign("it was released", seen["e_stop_closed"] == true, ""));
        }
        signs::line(&shown)
    };
    if is_wired {
        walk.choose(GO_ON, &[WalkKey::Enter], live)?;
        return walk.act(json!({}));
    }
    let keys = ['y', 'n'].map(WalkKey::Character);
    let question = "Did the light of the driver go out as the button was pressed?  y: yes   n: no";
    let answer = if walk.choose(question, &keys, live)? == keys[0] { "yes" } else { "no" };
    walk.act(json!({ "answer": answer }))
}

/// Both limit switches by hand, and one without its plug.
pub fn switches(walk: &mut Walk) -> StepResult<()> {
    let (unplugged, polarity) = (WalkKey::Character('u'), WalkKey::Character('p'));
    let question = format!(
        "{GO_ON}   u: a plug is out now   p: nobody presses a switch that reads pressed, so turn its polarity"
    );
    let live = |walk: &Walk| {
        let seen = walk.seen();
        let pressed = |what: &str, name: &str| {
            signs::sign(what, seen[name].as_u64() >= Some(2), &format!("{}/2", seen[name]))
        };
        signs::line(&[
            signs::switches(&walk.machine),
            pressed("FRONT", "front_presses"),
            pressed("BACK", "back_presses"),
            signs::sign("plug", seen["unplugged"] == true, ""),
            format!("bounce {:.1} ms", seen["bounce_ms"].as_f64().unwrap_or_default()),
        ])
    };
    match walk.choose(&question, &[WalkKey::Enter, unplugged, polarity], live)? {
        key if key == unplugged => {
            walk.act(json!({ "act": "unplugged" }))?;
            walk.say("That is proven: put the plug back.")
        }
        key if key == polarity => {
            let offered = said(&walk.seen()["offer"]);
            if offered == json!({}) {
                return Err(StepExit::Refused("no switch reads pressed".to_owned()));
            }
            walk.put_wiring(&offered)
        }
        _ => walk.act(json!({})),
    }
}

/// The values that are said, without those that are not.
fn said(values: &Value) -> Value {
    let said = values.as_object().into_iter().flatten().filter(|(_, value)| !value.is_null());
    Value::Object(said.map(|(key, value)| (key.clone(), value.clone())).collect::<Map<_, _>>())
}

/// The force sensor: zero, a known weight, the sign.
pub fn force(walk: &mut Walk) -> StepResult<()> {
    let (tare, calibrate) = (WalkKey::Character('t'), WalkKey::Character('c'));
    // A sensor without a scale of its own to set, as that of the simulated machine, is not asked for one.
    let has_scale = walk.server.get("/api/v1/sensor").is_ok();
    let (scale_keys, keys) = match has_scale {
        true => (
            "   t: tare, with nothing on it   c: calibrate with a weight",
            vec![WalkKey::Enter, tare, calibrate],
        ),
        false => ("", vec![WalkKey::Enter]),
    };
    let live = |walk: &Walk| {
        let (high_g, low_g) = (&walk.seen()["highest_g"], &walk.seen()["lowest_g"]);
        signs::line(&[
            format!("now {}", signs::grams(&walk.machine["force_g"])),
            signs::sign(
                "to the front, 200 g or more:",
                high_g.as_f64() >= Some(200.0),
                &signs::grams(high_g),
            ),
            signs::sign("to the back:", low_g.as_f64() <= Some(-200.0), &signs::grams(low_g)),
        ])
    };
    match walk.choose(&format!("{GO_ON}{scale_keys}"), &keys, live)? {
        key if key == tare => set_zero(walk),
        key if key == calibrate => {
            let grams = walk.number("Weight, toward the front (g)", None)?;
            walk.server.post("/api/v1/sensor/calibrate", &json!({ "grams": grams }))?;
            walk.say("Calibrated.")
        }
        _ => walk.act(json!({})),
    }
}

/// Takes the present reading for no force; a load that is there, or may be, takes a second word.
fn set_zero(walk: &mut Walk) -> StepResult<()> {
    let tare =
        |walk: &Walk, confirm: bool| walk.server.post("/api/v1/sensor/tare", &json!({ "confirm": confirm }));
    if let Err(failure) = tare(walk, false) {
        let Failure::Refused(why) = failure else { return Err(failure.into()) };
        if !walk.yes_or_no(&format!("{why}\nTare all the same?  y: nothing is on it   n: no"))? {
            return Ok(());
        }
        tare(walk, true)?;
    }
    walk.say("Tared.")
}

/// The motor's power is on.
pub fn power(walk: &mut Walk) -> StepResult<()> {
    let is_stiff = walk.yes_or_no("Is it stiff?  y: yes   n: it can be pushed")?;
    walk.act(json!({ "answer": if is_stiff { "yes" } else { "no" } }))
}

/// A backup, and a second device.
pub fn keep(walk: &mut Walk) -> StepResult<()> {
    walk.say(
        "On another computer, so that a broken card does not take it along: `yep state export backup.json`.",
    )?;
    walk.say("`yep pair` lets a second device in.")?;
    let has_backup = walk.yes_or_no("Is there a backup?  y: yes   n: not yet")?;
    walk.act(json!({ "answer": if has_backup { "yes" } else { "no" } }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offer_has_only_the_switches_that_read_pressed() {
        let offer = json!({ "invert_front": true, "invert_back": null, "pulse_high_ns": null });
        assert_eq!(said(&offer), json!({ "invert_front": true }));
        assert_eq!(said(&Value::Null), json!({}));
    }
}
