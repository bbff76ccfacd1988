//! Commissioning: the first run, which proves the wiring before anything moves.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use super::fault::Word;
use crate::api::commissioning::service::{CommissioningNeed, StepProgress};
use crate::api::commissioning::step::CommissioningStep;
use crate::api::commissioning::wiring::WiringSource;
use crate::machine::{LastNudge, NudgeLength, RailEnd};
use crate::settings::ProvenLimits;
use crate::store::{ConfirmReason, WiringValues};

/// The first run: what is proven, and what is left.
#[derive(Debug, Serialize, JsonSchema)]
pub struct CommissioningDocument {
    /// `required`: nothing but homing and the nudge moves the machine before it is complete; `optional`: a simulated machine;
    /// `by_hand`: the configuration says that the wiring was tried by hand.
    #[schemars(with = "String", extend("enum" = [
        CommissioningNeed::Required.name(),
        CommissioningNeed::Optional.name(),
        CommissioningNeed::ByHand.name(),
    ]))]
    pub need: &'static str,
    /// True if every step is done with the wiring of now, or a person has confirmed that the machine works.
    pub complete: bool,
    /// Why a person is asked whether the machine works as it is wired (POST /api/v1/commissioning/confirm); null if nobody asks.
    pub asks: Option<ConfirmReason>,
    /// Time at which a person confirmed that it works, in seconds since 1970.
    pub confirmed_unix_s: Option<u64>,
    /// The name of the first step that is left; null if none is.
    #[schemars(with = "Option<String>")]
    pub next: Option<&'static str>,
    /// The steps, in their order.
    pub steps: Vec<StepDocument>,
    /// The step that was begun, with what was seen since then; null if none is.
    pub in_progress: Option<StepInProgressDocument>,
    /// The envelope: inside it an admin widens the settings, beyond it somebody has to be at the machine.
    pub envelope: ProvenLimits,
    /// False if it is that of the default settings, as none was proven here.
    pub envelope_proven: bool,
    /// How the machine is wired: the keys of the configuration and the settings that the steps depend on.
    pub wiring: Vec<WiringKey>,
}

/// A step of the first run.
#[derive(Debug, Serialize, JsonSchema)]
pub struct StepDocument {
    /// Its name.
    #[schemars(with = "String", extend("enum" = CommissioningStep::ALL.map(CommissioningStep::name)))]
    pub step: &'static str,
    /// `open`: not done yet; `done`; `due`: done with another wiring, and to be done again; `not_needed`: there is nothing that it
    /// could prove here.
    #[schemars(with = "String", extend("enum" = [
        StepProgress::Open.name(),
        StepProgress::Done.name(),
        StepProgress::Due.name(),
        StepProgress::NotNeeded.name(),
    ]))]
    pub state: &'static str,
    /// What there is to do, for people.
    #[schemars(with = "String")]
    pub todo: &'static str,
    /// Time at which it was done, in seconds since 1970.
    pub done_unix_s: Option<u64>,
    /// What was measured and answered, with the unit in each name; an answer is 1 for yes and 0 for no.
    pub evidence: BTreeMap<String, f64>,
}

/// A step in progress: what the machine has shown since it was begun.
#[derive(Debug, Serialize, JsonSchema)]
pub struct StepInProgressDocument {
    /// Its name.
    #[schemars(with = "String")]
    pub step: &'static str,
    /// STOPs.
    pub stops: u32,
    /// The e-stop input opened.
    pub e_stop_opened: bool,
    /// It closed again.
    pub e_stop_closed: bool,
    /// Presses of the front switch.
    pub front_presses: u32,
    /// Presses of the back switch.
    pub back_presses: u32,
    /// Longest bounce of a switch since the start of the program, in ms.
    pub bounce_ms: f64,
    /// A switch read as pressed with its plug pulled.
    pub unplugged: bool,
    /// Lowest force, in g; negative is toward the back.
    pub lowest_g: f64,
    /// Highest force, in g.
    pub highest_g: f64,
    /// Nudges that a person saw go to the front.
    pub nudges_to_the_front: u32,
    /// Travel of each calibration, in steps.
    pub travels_steps: Vec<i64>,
    /// Time of a STOP in motion, in ms.
    pub stop_ms: Option<f64>,
    /// Highest force by which a wave was held, in g.
    pub held_by_g: f64,
    /// A motion came to rest as its client was gone.
    pub client_gone: bool,
    /// Complete periods of the newest wave.
    pub periods: u32,
    /// The polarity of a switch that reads pressed though nobody presses it: PUT it to /api/v1/commissioning/wiring.
    pub offer: WiringValues,
}

/// What to do about a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum StepAct {
    /// Begin it: from now on it is observed.
    Begin,
    /// Of `switches`: a plug is pulled now.
    Unplugged,
    /// Of `proof`: start the slow wave. Of `limits`: start a wave at these limits.
    Start,
    /// Finish it, or note an answer.
    #[default]
    Finish,
}

/// A person's answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum StepAnswer {
    /// Yes.
    Yes,
    /// No.
    No,
    /// It went to the front.
    Front,
    /// It went to the back.
    Back,
    /// It did not move.
    Nowhere,
}

/// An act in a step of the first run; each step takes the fields that it asks for.
#[derive(Debug, Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(extend("examples" = [{ "act": "begin" }, { "answer": "front" }]))]
pub struct StepRequest {
    /// What to do.
    pub act: StepAct,
    /// Of `hardware_stop`, `power`, `keep`: yes or no; of `which_way`: front, back, nowhere.
    pub answer: Option<StepAnswer>,
    /// Of `how_far`: what the ruler says, in mm.
    pub ruler_mm: Option<f64>,
    /// Of `numbers`: distance between the switches, in mm.
    pub max_stroke_mm: Option<i64>,
    /// Of `numbers`: microsteps for a turn of the motor.
    pub microsteps_per_rev: Option<i64>,
    /// Of `numbers`: travel per turn and pulse timing.
    #[serde(deserialize_with = "object")]
    pub wiring: Option<WiringValues>,
    /// Of `limits`: the envelope; without it the first one, 100 mm/s and half the stroke.
    #[serde(deserialize_with = "object")]
    pub envelope: Option<ProvenLimits>,
    /// Of `act: start`: the number of the newest STOP that the sender knows.
    pub after_stop: Option<u32>,
}

/// An object, and nothing else: serde takes an array of the values for a structure, too.
fn object<'de, D: Deserializer<'de>, T: DeserializeOwned>(from: D) -> Result<Option<T>, D::Error> {
    let object: Option<Map<String, Value>> = Deserialize::deserialize(from)?;
    object.map(|object| T::deserialize(Value::Object(object)).map_err(D::Error::custom)).transpose()
}

/// A key that says how the machine is wired.
#[derive(Debug, Serialize, JsonSchema)]
pub struct WiringKey {
    /// The key, with its section of yep.toml; `settings.` begins those of the settings.
    #[schemars(with = "String")]
    pub key: &'static str,
    /// Its value, which is in force.
    pub value: String,
    /// `file`: yep.toml says it, and no page can change it; `commissioned`: the page has set it; `settings`; `default`.
    #[schemars(with = "String", extend("enum" = [
        WiringSource::File.name(),
        WiringSource::Commissioned.name(),
        WiringSource::Settings.name(),
        WiringSource::Default.name(),
    ]))]
    pub source: &'static str,
    /// The value that the next start of the program takes, if it is another one.
    pub at_next_start: Option<String>,
}

/// A person's word about a machine that was in use before there was a record, or whose record came with a backup.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("examples" = [{ "works": true }]))]
pub struct ConfirmRequest {
    /// True if this machine works as it is wired; false to follow the first run.
    pub works: bool,
}

/// An end of the rail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RailEndName {
    /// The front end.
    Front,
    /// The back end.
    Back,
}

impl From<RailEndName> for RailEnd {
    fn from(name: RailEndName) -> RailEnd {
        match name {
            RailEndName::Front => RailEnd::Front,
            RailEndName::Back => RailEnd::Back,
        }
    }
}

/// How far a nudge goes, by the nominal steps per millimetre of the settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NudgeTravel {
    /// 2 mm, to see which way the motor turns.
    #[default]
    Short,
    /// 10 mm, to measure with a ruler.
    Ruler,
}

impl From<NudgeTravel> for NudgeLength {
    fn from(travel: NudgeTravel) -> NudgeLength {
        match travel {
            NudgeTravel::Short => NudgeLength::Short,
            NudgeTravel::Ruler => NudgeLength::Ruler,
        }
    }
}

/// A nudge: a slow move of 2 or 10 mm while the machine is not homed. It goes on only while its client sends `alive` on its
/// control socket each 100 ms; without one for 300 ms it comes to rest.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("examples" = [{ "toward": "front", "travel": "short", "after_stop": 0 }]))]
pub struct NudgeRequest {
    /// The end of the rail toward which the carriage should move.
    pub toward: RailEndName,
    /// How far.
    #[serde(default)]
    pub travel: NudgeTravel,
    /// The number of the newest STOP that the sender knows; see the other commands.
    pub after_stop: Option<u32>,
}

/// A nudge that is over.
#[derive(Debug, Serialize, JsonSchema)]
pub struct NudgeResult {
    /// Its number since the start of the program, from 1 on.
    pub number: u32,
    /// The end of the rail toward which it was asked for.
    #[schemars(with = "String", extend("enum" = ["back", "front"]))]
    pub toward: &'static str,
    /// The way that was asked for, in mm.
    pub asked_mm: f64,
    /// The way by the pulses and the nominal steps per millimetre, in mm; positive is toward the front.
    pub way_mm: f64,
    /// `completed`, `limit_front` or `limit_back`: that switch closed; `let_go`: the finger was let go, or STOP came.
    #[schemars(extend("enum" = ["completed", "limit_front", "limit_back", "let_go"]))]
    pub end: Word,
}

impl From<LastNudge> for NudgeResult {
    fn from(nudge: LastNudge) -> NudgeResult {
        NudgeResult {
            number: nudge.number,
            toward: nudge.toward.name(),
            asked_mm: nudge.length.mm(),
            way_mm: nudge.way_mm,
            end: nudge.end.code().into(),
        }
    }
}
