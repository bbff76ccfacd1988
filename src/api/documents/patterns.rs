//! Patterns: what they are, how they are run, and what runs.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::api::charge::lease::Presence;
use crate::store::{PatternSettings, PatternStep};

/// The patterns.
#[derive(Debug, Serialize, JsonSchema)]
pub struct PatternsDocument {
    /// The built-in ones.
    pub patterns: Vec<PatternKindDocument>,
    /// Those that were saved under a name.
    pub saved: Vec<SavedPatternDocument>,
    /// What was used last, without its speed: a pattern begins at rest.
    pub kept: PatternSettings,
    /// The pattern that runs; null if none does.
    pub now: Option<RunningPattern>,
}

/// A built-in pattern.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct PatternKindDocument {
    /// Its name, for programs.
    pub id: &'static str,
    /// Its name, for people.
    pub title: &'static str,
    /// What it does.
    pub text: &'static str,
    /// What its sensation changes; null if nothing.
    pub sensation: Option<&'static str>,
}

/// A pattern that was saved under a name.
#[derive(Debug, Serialize, JsonSchema)]
pub struct SavedPatternDocument {
    /// The name.
    pub name: String,
    /// The pattern.
    #[serde(flatten)]
    pub settings: PatternSettings,
}

/// The pattern that runs.
#[derive(Debug, Serialize, JsonSchema)]
pub struct RunningPattern {
    /// As it was asked for, with all changes since.
    #[serde(flatten)]
    pub settings: PatternSettings,
    /// The name under which it is saved, if it was started by that.
    pub saved: Option<String>,
    /// True while it is paused: the axis rests, and the pattern goes on where it was.
    pub paused: bool,
    /// Its back end, in mm.
    pub back_mm: f64,
    /// Its front end, in mm.
    pub front_mm: f64,
    /// Whole strokes since it was started.
    pub strokes: u32,
    /// Whole strokes a minute, as they are planned now; 0 at rest.
    pub strokes_per_min_now: f64,
    /// Highest speed of the stroke that is planned now, in mm/s.
    pub highest_mm_s: f64,
}

/// A pattern to be run: `pattern` or `saved`. What is left out is as it was used last; the speed is 0 then.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("examples" = [
    { "pattern": "simple", "speed_pct": 20, "depth_pct": 60, "stroke_pct": 40 },
    { "saved": "Evening", "strokes_per_min": 30 },
]))]
pub struct PatternRequest {
    /// The name of a built-in pattern, or `steps`.
    #[schemars(length(min = 1, max = 32))]
    pub pattern: Option<String>,
    /// Of `steps`: half strokes, which are repeated.
    #[schemars(length(min = 2, max = 16))]
    pub steps: Option<Vec<PatternStep>>,
    /// The name of a saved pattern.
    #[schemars(length(min = 1, max = 64))]
    pub saved: Option<String>,
    /// Highest speed, in percent of the highest speed in force; 0 is rest.
    #[schemars(range(min = 0.0, max = 100.0))]
    pub speed_pct: Option<f64>,
    /// Whole strokes a minute, in place of `speed_pct`; 0 is rest. The limits in force hold.
    #[schemars(range(min = 0.0, max = 600.0))]
    pub strokes_per_min: Option<f64>,
    /// Its front end, in percent of the stroke of the machine.
    #[schemars(range(min = 0.0, max = 100.0))]
    pub depth_pct: Option<f64>,
    /// Its length, in percent of the stroke of the machine; of that, what lies behind the front end.
    #[schemars(range(min = 0.0, max = 100.0))]
    pub stroke_pct: Option<f64>,
    /// What each pattern makes of it is said with the pattern.
    #[schemars(range(min = -100.0, max = 100.0))]
    pub sensation: Option<f64>,
    /// How the client shows that it is there; without it the configuration says so.
    pub presence: Option<Presence>,
    /// The number of the newest STOP that the sender knows; see the other commands.
    pub after_stop: Option<u32>,
}

/// A change of the pattern that runs: what is left out stays.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("examples" = [{ "speed_pct": 35 }, { "paused": true }]))]
pub struct PatternChange {
    /// The name of another built-in pattern.
    #[schemars(length(min = 1, max = 32))]
    pub pattern: Option<String>,
    /// Highest speed, in percent of the highest speed in force; 0 is rest.
    #[schemars(range(min = 0.0, max = 100.0))]
    pub speed_pct: Option<f64>,
    /// Whole strokes a minute, in place of `speed_pct`; 0 is rest. The limits in force hold.
    #[schemars(range(min = 0.0, max = 600.0))]
    pub strokes_per_min: Option<f64>,
    /// Its front end, in percent of the stroke of the machine.
    #[schemars(range(min = 0.0, max = 100.0))]
    pub depth_pct: Option<f64>,
    /// Its length, in percent of the stroke of the machine; of that, what lies behind the front end.
    #[schemars(range(min = 0.0, max = 100.0))]
    pub stroke_pct: Option<f64>,
    /// What each pattern makes of it is said with the pattern.
    #[schemars(range(min = -100.0, max = 100.0))]
    pub sensation: Option<f64>,
    /// True to come to rest, false to go on where it was.
    pub paused: Option<bool>,
    /// The number of the newest STOP that the sender knows; see the other commands.
    pub after_stop: Option<u32>,
}

impl PatternRequest {
    /// The parameters in it.
    #[must_use]
    pub const fn parameters(&self) -> PatternParameters {
        let PatternRequest { speed_pct, strokes_per_min, depth_pct, stroke_pct, sensation, .. } = *self;
        PatternParameters { speed_pct, strokes_per_min, depth_pct, stroke_pct, sensation }
    }
}

impl PatternChange {
    /// The parameters in it.
    #[must_use]
    pub const fn parameters(&self) -> PatternParameters {
        let PatternChange { speed_pct, strokes_per_min, depth_pct, stroke_pct, sensation, .. } = *self;
        PatternParameters { speed_pct, strokes_per_min, depth_pct, stroke_pct, sensation }
    }
}

/// Parameters of a pattern, each if it is given.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct PatternParameters {
    /// Highest speed, in percent of the highest speed in force.
    pub speed_pct: Option<f64>,
    /// Whole strokes a minute.
    pub strokes_per_min: Option<f64>,
    /// Front end, in percent of the stroke.
    pub depth_pct: Option<f64>,
    /// Length, in percent of the stroke.
    pub stroke_pct: Option<f64>,
    /// Sensation, -100 to 100.
    pub sensation: Option<f64>,
}

impl PatternParameters {
    /// The settings with these parameters in place of their own. One way to say the speed replaces the other one.
    #[must_use]
    pub fn on(self, settings: PatternSettings) -> PatternSettings {
        let (speed_pct, strokes_per_min) = match (self.speed_pct, self.strokes_per_min) {
            (None, None) => (settings.speed_pct, settings.strokes_per_min),
            given => given,
        };
        PatternSettings {
            speed_pct,
            strokes_per_min,
            depth_pct: self.depth_pct.unwrap_or(settings.depth_pct),
            stroke_pct: self.stroke_pct.unwrap_or(settings.stroke_pct),
            sensation: self.sensation.unwrap_or(settings.sensation),
            ..settings
        }
    }
}
