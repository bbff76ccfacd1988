//! What each step of the first run asks of the machine and of the person, and why it is refused.

use std::sync::Arc;

use serde_json::json;

use super::at_limits;
use super::first_run::{Evidence, StepInProgress, not_proven};
use super::observed::Observed;
use super::service::WiringRefusal;
use super::step::CommissioningStep;
use crate::api::answer::{self, Rejection};
use crate::api::charge::client::Client;
use crate::api::charge::lease::Presence;
use crate::api::context::Context;
use crate::api::documents::commissioning::{StepAct, StepAnswer, StepRequest};
use crate::api::problem::ProblemCode;
use crate::api::wave_requests::WaveStart;
use crate::machine::{NudgeEnd, NudgeLength, RailEnd, Snapshot, State};
use crate::settings::SettingsChange;
use crate::store::WiringValues;
use crate::units::{MILLISECOND_NS, Nanos};

/// Presses of each switch.
const PRESSES: u32 = 2;
/// Longest bounce of a switch that is taken, in ms.
const BOUNCE_MS: f64 = 5.0;
/// A plug is pulled for so long.
const UNPLUGGED_NS: Nanos = 500 * MILLISECOND_NS;
/// Nudges to the front, one after the other.
const FRONTS: u32 = 2;
/// Deviation of the ruler that is corrected, and that which is taken as it is, as shares.
const CORRECTED_SHARE: f64 = 0.2;
const TAKEN_SHARE: f64 = 0.02;
/// Calibrations, and their largest spread, in mm.
const CALIBRATIONS: usize = 3;
const SPREAD_MM: f64 = 0.2;
/// Deviation of the distance of the switches by the steps from that by the ruler, as a share: what the other ruler may leave, and a
/// whole millimetre.
const DISTANCE_SHARE: f64 = 0.04;
/// Forces toward the front and toward the back that show the sign, in g.
const SIGN_G: f64 = 200.0;
/// A push that the axis has to give way to, in g.
const PUSH_G: f64 = 200.0;
/// The wave of the proof: 30 mm in the middle, at about 20 mm/s.
const PROOF_MM: f64 = 30.0;
const PROOF_S: f64 = 5.0;

/// Why more steps to a millimetre take presence.
pub const FINER: &str = "more steps to a millimetre make every motion faster than its numbers say: only somebody at the machine may say so";

/// The outcome of an act.
#[derive(Debug)]
pub enum Outcome {
    /// The step is proven.
    Proven(Evidence),
    /// It goes on: something was noted.
    GoesOn,
    /// Another wiring was stored: the program starts anew, and the step is begun again.
    Rewired,
}

/// Does what a request asks for in a step that is in progress.
///
/// # Errors
/// The reason why it is not proven, with what to check.
pub async fn act(
    ctx: &Arc<Context>,
    client: &Client,
    progress: &StepInProgress,
    request: &StepRequest,
) -> Result<Outcome, Rejection> {
    let seen = &progress.observed;
    match progress.step {
        CommissioningStep::Own => own(ctx, client),
        CommissioningStep::HardwareStop => hardware_stop(ctx, seen, request),
        CommissioningStep::Switches => switches(ctx, client, progress, request),
        CommissioningStep::Numbers => numbers(ctx, client, request).await,
        CommissioningStep::Force => force(seen),
        CommissioningStep::Power => match request.answer {
            Some(StepAnswer::Yes) => Ok(Outcome::Proven(vec![("is_stiff", 1.0)])),
            Some(StepAnswer::No) => Err(not_proven(
                "with its power on a motor is stiff while the driver is enabled: check supply, enable line and motor cable",
            )),
            _ => Err(missing("answer: yes or no")),
        },
        CommissioningStep::WhichWay => which_way(ctx, client, progress, request).await,
        CommissioningStep::HowFar => how_far(ctx, client, progress, request).await,
        CommissioningStep::Calibrate => calibrate(ctx, progress).await,
        CommissioningStep::Proof => proof(ctx, client, seen, request).await,
        CommissioningStep::Limits => at_limits::act(ctx, client, progress, request).await,
        CommissioningStep::Keep => keep(ctx, request),
    }
}

/// What the polarity of the switches would have to be, as nobody presses them: offered, not guessed.
#[must_use]
pub fn polarity_offer(ctx: &Context, now: &Snapshot) -> WiringValues {
    let wiring = ctx.commissioning.wiring();
    let turned =
        |key: &str| wiring.iter().find(|fact| fact.key == key).is_none_or(|fact| fact.value == "false");
    let offer = |is_closed: bool, key: &str| (is_closed && !wiring.is_fixed(key)).then(|| turned(key));
    WiringValues {
        invert_front: offer(now.inputs.front, "pins.invert_front"),
        invert_back: offer(now.inputs.back, "pins.invert_back"),
        ..WiringValues::default()
    }
}

fn missing(what: &str) -> Rejection {
    not_proven(format!("what is missing is {what}"))
}

fn own(ctx: &Context, client: &Client) -> Result<Outcome, Rejection> {
    let devices = ctx.devices.state().devices.len();
    let is_local = client.caller.device.is_none();
    if devices == 0 && !is_local {
        return Err(not_proven("no device was let in yet"));
    }
    Ok(Outcome::Proven(vec![("devices", devices as f64), ("is_local", f64::from(u8::from(is_local)))]))
}

fn hardware_stop(ctx: &Context, seen: &Observed, request: &StepRequest) -> Result<Outcome, Rejection> {
    if seen.stops() == 0 {
        return Err(not_proven("no STOP has arrived: press STOP on the page"));
    }
    let is_wired =
        ctx.commissioning.wiring().iter().any(|fact| fact.key == "pins.e_stop" && fact.value != "none");
    let mut evidence = vec![("stops", f64::from(seen.stops())), ("is_wired", f64::from(u8::from(is_wired)))];
    if is_wired && !seen.e_stop_opened {
        return Err(not_proven(
            "the e-stop input did not open: press the button on the machine, and check its second contact and its cable",
        ));
    }
    if is_wired && !seen.e_stop_closed {
        return Err(not_proven(
            "the e-stop input is open: release the button, or set invert_e_stop if it is released",
        ));
    }
    match (is_wired, request.answer) {
        (true, _) => evidence.push(("e_stop_seen", 1.0)),
        (false, Some(StepAnswer::Yes)) => evidence.push(("light_went_out", 1.0)),
        (false, _) => {
            return Err(not_proven(
                "the button has no input here, so say with `answer: yes` that the driver's light went out when it was pressed",
            ));
        }
    }
    Ok(Outcome::Proven(evidence))
}

fn switches(
    ctx: &Context,
    client: &Client,
    progress: &StepInProgress,
    request: &StepRequest,
) -> Result<Outcome, Rejection> {
    let seen = &progress.observed;
    if request.act == StepAct::Unplugged {
        if !seen.holds_one_switch(UNPLUGGED_NS) {
            return Err(not_proven(
                "with a plug pulled exactly one switch must read as pressed: a switch that is wired normally open does not, and then a \
                 broken cable is never noticed. Wire it normally closed",
            ));
        }
        ctx.first_run.change(CommissioningStep::Switches, |progress| progress.unplugged = true);
        return Ok(Outcome::GoesOn);
    }
    let now = seen.last();
    if now.inputs.front && now.inputs.back {
        return Err(not_proven(
            "both switches read pressed: if nobody presses them they are normally closed, and `offer` has their polarity; else check \
             their cables",
        ));
    }
    let (front, back) = seen.presses();
    for (name, presses, is_closed) in [("front", front, now.inputs.front), ("back", back, now.inputs.back)] {
        if is_closed {
            return Err(not_proven(format!(
                "the {name} switch reads pressed: if nobody presses it, `offer` has its polarity; else its cable is broken"
            )));
        }
        if presses < PRESSES {
            return Err(not_proven(format!(
                "the {name} switch was pressed {presses} times, {PRESSES} are needed: press it until it clicks; if it never changes \
                 check its cable and its pin, and whether the two are swapped"
            )));
        }
    }
    let bounce_ms = seen.longest_bounce_ms();
    if bounce_ms > BOUNCE_MS {
        return Err(not_proven(format!(
            "a switch bounces for {bounce_ms:.0} ms, {BOUNCE_MS} are the most: check its contact and its cable, or take another one"
        )));
    }
    if !progress.unplugged {
        return Err(not_proven("pull the plug of one switch, and send `act: unplugged` while it is out"));
    }
    // Nobody presses two switches and pulls a plug from afar.
    ctx.pairing.prove_presence(client);
    Ok(Outcome::Proven(vec![
        ("front_presses", f64::from(front)),
        ("back_presses", f64::from(back)),
        ("bounce_ms", bounce_ms),
        ("unplugged_reads_pressed", 1.0),
    ]))
}

async fn numbers(ctx: &Context, client: &Client, request: &StepRequest) -> Result<Outcome, Rejection> {
    let (Some(max_stroke), Some(microsteps)) = (request.max_stroke_mm, request.microsteps_per_rev) else {
        return Err(missing("max_stroke_mm and microsteps_per_rev"));
    };
    // A shorter rail has a shorter stroke, and less room at its ends.
    let change = SettingsChange {
        max_stroke: Some(max_stroke),
        stroke_limit: Some(ctx.settings.current().document.stroke_limit.min(max_stroke)),
        microsteps_per_rev: Some(microsteps),
        ..SettingsChange::default()
    };
    // Who has tried the switches by hand is at the machine; from afar the envelope holds.
    ctx.settings.change(ctx.authority(client), |settings| Ok(settings.changed(&change)?)).await?;
    if let Some(outcome) = rewire(ctx, client, &request.wiring.unwrap_or_default()).await? {
        return Ok(outcome);
    }
    let geometry = ctx.settings.config().geometry;
    let steps_per_s = geometry.nominal.get() * ctx.settings.config().limits.max_speed.get();
    Ok(Outcome::Proven(vec![
        ("max_stroke_mm", max_stroke as f64),
        ("steps_per_mm", geometry.nominal.get()),
        ("steps_per_s", steps_per_s),
        ("highest_steps_per_s", geometry.max_steps_per_s),
    ]))
}

/// Stores these wiring values; if the next start takes another value than is in force, the program starts anew.
async fn rewire(ctx: &Context, client: &Client, values: &WiringValues) -> Result<Option<Outcome>, Rejection> {
    let is_present = ctx.pairing.is_present(client);
    ctx.commissioning.set_wiring(values, is_present).await.map_err(|refusal| match refusal {
        WiringRefusal::FixedInFile(keys) => answer::refuse(
            ProblemCode::FixedInFile,
            format!("yep.toml says {}, and its word counts: correct it there", keys.join(", ")),
        ),
        WiringRefusal::NotPresent => answer::refuse(ProblemCode::PresenceNeeded, FINER),
        WiringRefusal::StepRate(wrong) => not_proven(format!("{} {}", wrong.field, wrong.message)),
        WiringRefusal::NotKept(why) => {
            answer::refuse(ProblemCode::NotStored, format!("the wiring could not be stored: {why}"))
        }
    })?;
    if ctx.commissioning.waits_for_a_start() {
        ctx.restart.notify_one();
        return Ok(Some(Outcome::Rewired));
    }
    Ok(None)
}

fn force(seen: &Observed) -> Result<Outcome, Rejection> {
    let Some(noise_g) = seen.last().force_g else {
        return Err(not_proven(
            "there is no valid sample: tare the sensor and calibrate it; GET /api/v1/sensor says what it lacks",
        ));
    };
    let (low_g, high_g) = seen.force_g;
    if high_g < SIGN_G {
        return Err(not_proven(format!(
            "pushed to the front the force must be positive, {SIGN_G} g at least; the highest was {high_g:.0} g: push, or turn the sign \
             with `invert` in [force]"
        )));
    }
    if low_g > -SIGN_G {
        return Err(not_proven(format!(
            "pushed to the back the force must be negative, -{SIGN_G} g at most; the lowest was {low_g:.0} g"
        )));
    }
    Ok(Outcome::Proven(vec![("highest_g", high_g), ("lowest_g", low_g), ("at_rest_g", noise_g)]))
}

/// The nudge that was made since the last answer.
fn new_nudge(progress: &StepInProgress, length: NudgeLength) -> Result<(u32, f64), Rejection> {
    let nudge = progress.observed.last().last_nudge.filter(|nudge| nudge.number > progress.answered);
    let nudge = nudge.filter(|nudge| nudge.toward == RailEnd::Front && nudge.length == length);
    let Some(nudge) = nudge else {
        return Err(not_proven(format!("nudge {} mm toward the front first", length.mm())));
    };
    match nudge.end {
        NudgeEnd::Completed => Ok((nudge.number, nudge.way_mm)),
        NudgeEnd::LetGo => Err(not_proven("hold the button until it stops by itself")),
        NudgeEnd::Limit(end) => Err(not_proven(format!(
            "the {} switch closed: push the carriage to the middle; if it was there, the switches are swapped or a cable is loose",
            end.name()
        ))),
    }
}

async fn which_way(
    ctx: &Context,
    client: &Client,
    progress: &StepInProgress,
    request: &StepRequest,
) -> Result<Outcome, Rejection> {
    let (number, _) = new_nudge(progress, NudgeLength::Short)?;
    match request.answer {
        Some(StepAnswer::Front) => {
            let fronts = progress.fronts + 1;
            if fronts >= FRONTS {
                return Ok(Outcome::Proven(vec![("nudges_to_the_front", f64::from(fronts))]));
            }
            ctx.first_run.change(CommissioningStep::WhichWay, |progress| {
                (progress.answered, progress.fronts) = (number, fronts);
            });
            Ok(Outcome::GoesOn)
        }
        Some(StepAnswer::Back) => {
            let wiring = ctx.commissioning.wiring();
            let is_inverted = wiring.iter().any(|fact| fact.key == "pins.invert_dir" && fact.value == "true");
            let turned = WiringValues { invert_dir: Some(!is_inverted), ..WiringValues::default() };
            ctx.first_run.change(CommissioningStep::WhichWay, |progress| progress.fronts = 0);
            Ok(rewire(ctx, client, &turned).await?.unwrap_or(Outcome::GoesOn))
        }
        Some(StepAnswer::Nowhere) => Err(not_proven(
            "the motor did not move the carriage: check its power, the enable line, STEP and its cable, the belt, and whether the \
             current of the driver is enough",
        )),
        _ => Err(missing("answer: front, back or nowhere")),
    }
}

async fn how_far(
    ctx: &Context,
    client: &Client,
    progress: &StepInProgress,
    request: &StepRequest,
) -> Result<Outcome, Rejection> {
    let (_, way_mm) = new_nudge(progress, NudgeLength::Ruler)?;
    let Some(ruler_mm) = request.ruler_mm.filter(|mm| mm.is_finite()) else {
        return Err(missing("ruler_mm"));
    };
    let share = ruler_mm / way_mm;
    if (share - 1.0).abs() > CORRECTED_SHARE {
        return Err(not_proven(format!(
            "the ruler says {ruler_mm} mm where {way_mm:.1} mm were made: that is no matter of a belt's pitch. Check the microsteps of \
             the driver (its switches) and the teeth of the pulley"
        )));
    }
    if (share - 1.0).abs() > TAKEN_SHARE {
        let wiring = ctx.commissioning.wiring();
        let travel = wiring.iter().find(|fact| fact.key == "rail.travel_per_turn_mm");
        let travel_mm = travel.and_then(|fact| fact.value.parse::<f64>().ok()).unwrap_or(0.0);
        let values = WiringValues { travel_per_turn_mm: Some(travel_mm * share), ..WiringValues::default() };
        if let Some(outcome) = rewire(ctx, client, &values).await? {
            return Ok(outcome);
        }
    }
    Ok(Outcome::Proven(vec![("ruler_mm", ruler_mm), ("nudged_mm", way_mm)]))
}

async fn calibrate(ctx: &Context, progress: &StepInProgress) -> Result<Outcome, Rejection> {
    let now = progress.observed.last();
    if now.state != State::Ready || now.since_ns <= progress.calibrated_ns {
        return Err(not_proven("calibrate first, and wait until it is done; a fault says what to check"));
    }
    let settings = ctx.settings.current();
    let Some(travel_steps) = settings.travel_steps else {
        return Err(not_proven("the calibration is not written down yet: ask again"));
    };
    let mut travels = progress.travels_steps.clone();
    travels.push(travel_steps);
    let nominal = ctx.settings.config().geometry.nominal.get();
    let (low, high) = (travels.iter().min().copied(), travels.iter().max().copied());
    let spread_steps = high.unwrap_or(0) - low.unwrap_or(0);
    let spread_mm = spread_steps as f64 / nominal;
    // A step of a coarse machine is longer than that.
    if spread_mm > SPREAD_MM.max(1.0 / nominal) + 1e-9 {
        ctx.first_run.change(CommissioningStep::Calibrate, |progress| {
            (progress.travels_steps, progress.calibrated_ns) = (Vec::new(), now.since_ns);
        });
        return Err(not_proven(format!(
            "the calibrations differ by {spread_mm:.2} mm, {SPREAD_MM} are the most: check that the switches are tight, and that the belt \
             and the pulley do not slip. Begin the three anew"
        )));
    }
    if travels.len() < CALIBRATIONS {
        ctx.first_run.change(CommissioningStep::Calibrate, |progress| {
            (progress.travels_steps, progress.calibrated_ns) = (travels, now.since_ns);
        });
        return Ok(Outcome::GoesOn);
    }
    let measured_mm = travel_steps as f64 / nominal;
    let ruler_mm = settings.document.max_stroke as f64;
    if (measured_mm / ruler_mm - 1.0).abs() > DISTANCE_SHARE {
        return Err(not_proven(format!(
            "the switches are {measured_mm:.1} mm apart by the steps of the motor, and {ruler_mm} mm by your ruler: measure again, and do \
             the step numbers anew"
        )));
    }
    Ok(Outcome::Proven(vec![
        ("calibrations", travels.len() as f64),
        ("travel_steps", travel_steps as f64),
        ("spread_mm", spread_mm),
        ("measured_mm", measured_mm),
        ("ruler_mm", ruler_mm),
    ]))
}

async fn proof(
    ctx: &Context,
    client: &Client,
    seen: &Observed,
    request: &StepRequest,
) -> Result<Outcome, Rejection> {
    if request.act == StepAct::Start {
        let range_mm = ctx.port.snapshots().borrow().range_mm.unwrap_or(0.0);
        let stroke_mm = ctx.settings.config().stroke_mm(range_mm);
        let way_mm = PROOF_MM.min(stroke_mm);
        let wave = json!({
            "type": "sine",
            "duration": PROOF_S,
            "amplitude_mm": way_mm,
            "offset_mm": (stroke_mm - way_mm) / 2.0,
        });
        let start =
            WaveStart { saved: None, presence: Some(Presence::Watch), after_stop: request.after_stop };
        ctx.wave_requests.run_proof(client, &wave, start).await?;
        return Ok(Outcome::GoesOn);
    }
    let Some((stop_ms, stop_mm)) = seen.stopped else {
        return Err(not_proven("press STOP while the wave runs"));
    };
    if ctx.commissioning.has_force_sensor() && seen.held_by_g < PUSH_G {
        return Err(not_proven(format!(
            "push against the wave until it stands, with {PUSH_G} g or more; if it does not stand, the force limit is too high or the sign \
             is wrong"
        )));
    }
    if !seen.client_gone {
        return Err(not_proven(
            "start the wave again, and lock this phone for 5 s: the axis must come to rest",
        ));
    }
    Ok(Outcome::Proven(vec![
        ("stop_ms", stop_ms),
        ("stop_mm", stop_mm),
        ("held_by_g", seen.held_by_g),
        ("rests_without_client", 1.0),
    ]))
}

fn keep(ctx: &Context, request: &StepRequest) -> Result<Outcome, Rejection> {
    if request.answer != Some(StepAnswer::Yes) {
        return Err(not_proven("download a backup, and say `answer: yes`"));
    }
    let devices = ctx.devices.state().devices.len();
    Ok(Outcome::Proven(vec![("backup_downloaded", 1.0), ("devices", devices as f64)]))
}
