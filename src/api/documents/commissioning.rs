//! Commissioning: the first run, which proves the wiring before anything moves.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::fault::Word;
use crate::machine::{LastNudge, NudgeLength, RailEnd};

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
