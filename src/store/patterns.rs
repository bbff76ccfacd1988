//! Patterns: how the axis strokes when a pattern is run, as it was used last, and as it was saved under names.
//!
//! All of it is part of a backup. No speed is kept for the pattern that was used last: what is run begins at speed 0. The
//! ids of the built-in patterns belong to `motion`, and are checked when a pattern is run; so a backup of a program with
//! more patterns is read.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::name::check_name;

/// Id of the pattern that consists of the user's own steps.
pub const STEPS_ID: &str = "steps";
/// Smallest number of steps: one to each end.
pub const MIN_PATTERN_STEPS: usize = 2;
/// Largest number of steps.
pub const MAX_PATTERN_STEPS: usize = 16;
/// Longest rest at the end of a step (s).
pub const LONGEST_REST_S: f64 = 10.0;
/// Largest number of strokes per minute.
pub const MAX_STROKES_PER_MIN: f64 = 600.0;
/// Largest number of saved patterns.
pub const MAX_PATTERNS: usize = 64;
/// Longest name of a saved pattern (characters).
pub const PATTERN_NAME_CHARS: usize = 64;
/// Longest id of a pattern (bytes).
const ID_BYTES: usize = 32;

/// A step of the user's own pattern: a move to a place of the stroke, and a rest there.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PatternStep {
    /// Its end as a share of the stroke, 0 at the back to 1 at the front.
    pub to: f64,
    /// Its speed as a share of the speed of the pattern, above 0, at most 1.
    pub speed: f64,
    /// Rest at its end, 0 to 10 s.
    pub rest_s: f64,
}

/// Settings of a pattern.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PatternSettings {
    /// Id of a built-in pattern, or `steps`.
    pub pattern: String,
    /// The user's own steps, 2 to 16; empty for a built-in pattern.
    #[serde(default)]
    pub steps: Vec<PatternStep>,
    /// Front of the strokes, in percent of the window.
    pub depth_pct: f64,
    /// Length of the strokes, in percent of the window.
    pub stroke_pct: f64,
    /// What it does depends on the pattern: -100 to 100, neutral at 0.
    pub sensation: f64,
    /// Speed in percent of the highest speed; null if it is not given so.
    pub speed_pct: Option<f64>,
    /// Speed in whole strokes per minute, 0 to 600; null if it is not given so. At most one of the two speeds is given.
    pub strokes_per_min: Option<f64>,
}

impl Default for PatternSettings {
    fn default() -> Self {
        PatternSettings {
            pattern: "simple".to_owned(),
            steps: Vec::new(),
            depth_pct: 50.0,
            stroke_pct: 30.0,
            sensation: 0.0,
            speed_pct: None,
            strokes_per_min: None,
        }
    }
}

/// What is remembered of the patterns.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PatternMemory {
    /// The pattern as it was used last. Its speeds are null, as a pattern begins at speed 0.
    pub kept: PatternSettings,
    /// Saved patterns by name, at most 64.
    pub saved: BTreeMap<String, PatternSettings>,
}

impl PatternStep {
    fn check(&self) -> Result<(), String> {
        let PatternStep { to, speed, rest_s } = *self;
        check_range("to", to, 0.0, 1.0)?;
        if !(speed > 0.0 && speed <= 1.0) {
            return Err(format!("speed must be above 0 and at most 1, not {speed}"));
        }
        check_range("rest_s", rest_s, 0.0, LONGEST_REST_S)
    }
}

impl PatternSettings {
    /// The same without a speed.
    #[must_use]
    pub fn without_speed(self) -> PatternSettings {
        PatternSettings { speed_pct: None, strokes_per_min: None, ..self }
    }

    /// Checks everything, except that there is a pattern of this id.
    ///
    /// # Errors
    /// A message about the first problem.
    pub fn check(&self) -> Result<(), String> {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if !((1..=ID_BYTES).contains(&self.pattern.len()) && self.pattern.bytes().all(plain)) {
            return Err(format!("pattern must be 1 to {ID_BYTES} small letters, digits and -"));
        }
        let number = self.steps.len();
        if self.pattern != STEPS_ID && number > 0 {
            return Err(format!("steps: only the pattern {STEPS_ID:?} has steps"));
        }
        if self.pattern == STEPS_ID && !(MIN_PATTERN_STEPS..=MAX_PATTERN_STEPS).contains(&number) {
            return Err(format!(
                "steps: {MIN_PATTERN_STEPS} to {MAX_PATTERN_STEPS} steps are possible, not {number}"
            ));
        }
        for (step, number) in self.steps.iter().zip(1..) {
            step.check().map_err(|why| format!("steps: step {number}: {why}"))?;
        }
        check_range("depth_pct", self.depth_pct, 0.0, 100.0)?;
        check_range("stroke_pct", self.stroke_pct, 0.0, 100.0)?;
        check_range("sensation", self.sensation, -100.0, 100.0)?;
        if self.speed_pct.is_some() && self.strokes_per_min.is_some() {
            return Err("only one of speed_pct and strokes_per_min can be given".to_owned());
        }
        if let Some(speed_pct) = self.speed_pct {
            check_range("speed_pct", speed_pct, 0.0, 100.0)?;
        }
        self.strokes_per_min
            .map_or(Ok(()), |per_min| check_range("strokes_per_min", per_min, 0.0, MAX_STROKES_PER_MIN))
    }
}

impl PatternMemory {
    /// Remembers the pattern as it was used last, without its speed.
    ///
    /// # Errors
    /// It is not allowed; then nothing has changed.
    pub(super) fn keep(&mut self, settings: PatternSettings) -> Result<(), String> {
        settings.check()?;
        self.kept = settings.without_speed();
        Ok(())
    }

    /// Saves a pattern under this name; replaces another one.
    ///
    /// # Errors
    /// It is not allowed, or there are too many; then nothing has changed.
    pub(super) fn save(&mut self, name: String, settings: PatternSettings) -> Result<(), String> {
        check_name(&name, PATTERN_NAME_CHARS)?;
        settings.check()?;
        if self.saved.len() >= MAX_PATTERNS && !self.saved.contains_key(&name) {
            return Err(format!("at most {MAX_PATTERNS} patterns can be saved: forget one first"));
        }
        self.saved.insert(name, settings);
        Ok(())
    }

    /// True if nothing differs from the default.
    pub fn is_default(&self) -> bool {
        *self == PatternMemory::default()
    }

    /// Checks everything.
    ///
    /// # Errors
    /// A message about the first problem.
    pub fn check(&self) -> Result<(), String> {
        self.kept.check().map_err(|why| format!("kept: {why}"))?;
        if self.kept.speed_pct.is_some() || self.kept.strokes_per_min.is_some() {
            return Err("kept: its speeds must be null, as a pattern begins at speed 0".to_owned());
        }
        if self.saved.len() > MAX_PATTERNS {
            return Err(format!("saved: at most {MAX_PATTERNS} patterns are kept, not {}", self.saved.len()));
        }
        for (name, settings) in &self.saved {
            let check = check_name(name, PATTERN_NAME_CHARS).and_then(|()| settings.check());
            check.map_err(|why| format!("saved: {name:?}: {why}"))?;
        }
        Ok(())
    }
}

fn check_range(key: &str, value: f64, least: f64, most: f64) -> Result<(), String> {
    if (least..=most).contains(&value) {
        Ok(())
    } else {
        Err(format!("{key} must be {least} to {most}, not {value}"))
    }
}

#[cfg(test)]
mod tests {
    use super::super::state::{StateChange, StoredState};
    use super::*;
    use crate::settings::{Settings, new_id};

    fn of_steps() -> PatternSettings {
        let step = |to, rest_s| PatternStep { to, speed: 0.1 + 0.2, rest_s };
        PatternSettings {
            pattern: "steps".to_owned(),
            steps: vec![step(1.0, 0.0), step(0.25, 2.5)],
            strokes_per_min: Some(40.5),
            ..PatternSettings::default()
        }
    }

    fn fresh() -> StoredState {
        StoredState::of(Settings::fresh(new_id()))
    }

    #[test]
    fn the_default_is_allowed_and_has_no_speed() {
        let PatternMemory { kept, saved } = PatternMemory::default();
        assert_eq!((kept.check(), kept.pattern.as_str(), kept.steps.len()), (Ok(()), "simple", 0));
        assert_eq!((kept.depth_pct, kept.stroke_pct, kept.sensation), (50.0, 30.0, 0.0));
        assert_eq!((kept.speed_pct, kept.strokes_per_min, saved.len()), (None, None, 0));
        assert!(PatternMemory::default().is_default());
        let used = PatternSettings { depth_pct: 51.0, ..PatternSettings::default() };
        assert!(!PatternMemory { kept: used, ..PatternMemory::default() }.is_default());
    }

    #[test]
    fn its_json_is_read_again_and_has_no_other_keys() {
        let text = serde_json::to_string(&of_steps()).unwrap();
        assert_eq!((serde_json::from_str(&text).ok(), of_steps().check()), (Some(of_steps()), Ok(())));
        assert!(text.contains(r#""steps":[{"to":1.0,"speed":0.30000000000000004,"rest_s":0.0},"#), "{text}");
        for other in [text.replace("rest_s", "rest_ms"), text.replace("depth_pct", "depth")] {
            assert!(serde_json::from_str::<PatternSettings>(&other).is_err(), "{other}");
        }
    }

    #[test]
    fn what_cannot_be_is_refused_with_its_reason() {
        type Spoil = fn(&mut PatternSettings);
        let cases: [(Spoil, &str); 22] = [
            (|s| s.pattern.clear(), "pattern must be 1 to 32 small letters"),
            (|s| s.pattern = "a".repeat(33), "pattern must be 1 to 32 small letters"),
            (|s| s.pattern = "Simple".to_owned(), "pattern must be 1 to 32 small letters"),
            (|s| s.pattern = "a_b".to_owned(), "pattern must be 1 to 32 small letters"),
            (|s| s.pattern = "simple".to_owned(), "steps: only the pattern \"steps\" has steps"),
            (|s| s.steps.clear(), "steps: 2 to 16 steps are possible, not 0"),
            (|s| s.steps.truncate(1), "steps: 2 to 16 steps are possible, not 1"),
            (|s| s.steps = vec![s.steps[0]; 17], "steps: 2 to 16 steps are possible, not 17"),
            (|s| s.steps[1].to = 1.01, "steps: step 2: to must be 0 to 1, not 1.01"),
            (|s| s.steps[0].to = f64::NAN, "steps: step 1: to must be 0 to 1, not NaN"),
            (|s| s.steps[0].speed = 0.0, "steps: step 1: speed must be above 0 and at most 1, not 0"),
            (|s| s.steps[0].speed = 1.1, "steps: step 1: speed must be above 0 and at most 1, not 1.1"),
            (|s| s.steps[0].speed = f64::NAN, "steps: step 1: speed must be above 0"),
            (|s| s.steps[1].rest_s = 10.5, "steps: step 2: rest_s must be 0 to 10, not 10.5"),
            (|s| s.steps[1].rest_s = -1.0, "steps: step 2: rest_s must be 0 to 10, not -1"),
            (|s| s.depth_pct = 100.1, "depth_pct must be 0 to 100, not 100.1"),
            (|s| s.stroke_pct = -0.1, "stroke_pct must be 0 to 100, not -0.1"),
            (|s| s.sensation = -101.0, "sensation must be -100 to 100, not -101"),
            (|s| s.sensation = f64::INFINITY, "sensation must be -100 to 100, not inf"),
            (|s| s.speed_pct = Some(1.0), "only one of speed_pct and strokes_per_min"),
            (
                |s| (s.speed_pct, s.strokes_per_min) = (Some(101.0), None),
                "speed_pct must be 0 to 100, not 101",
            ),
            (|s| s.strokes_per_min = Some(600.5), "strokes_per_min must be 0 to 600, not 600.5"),
        ];
        let mut state = fresh();
        state.apply(StateChange::SavePattern("mine".to_owned(), of_steps())).unwrap();
        let before = state.clone();
        for (spoil, said) in cases {
            let mut settings = of_steps();
            spoil(&mut settings);
            let why = settings.check().unwrap_err();
            assert!(why.contains(said), "{said}: {why}");
            assert_eq!(state.apply(StateChange::Patterns(settings.clone())), Err(why.clone()));
            assert_eq!(
                state.apply(StateChange::SavePattern("mine".to_owned(), settings.clone())),
                Err(why.clone())
            );
            assert_eq!(state, before, "what was refused has changed nothing");
            let mut with = fresh();
            with.patterns.saved.insert("mine".to_owned(), settings);
            assert_eq!(with.check_rest(), Err(format!("patterns: saved: \"mine\": {why}")));
        }
        let widest = PatternSettings {
            steps: vec![PatternStep { to: 0.0, speed: 1.0, rest_s: 10.0 }; 16],
            depth_pct: 0.0,
            stroke_pct: 100.0,
            sensation: -100.0,
            strokes_per_min: Some(600.0),
            ..of_steps()
        };
        assert_eq!(widest.check(), Ok(()));
    }

    #[test]
    fn the_speed_is_kept_in_a_saved_pattern_only() {
        let mut state = fresh();
        for used in [of_steps(), PatternSettings { speed_pct: Some(20.0), ..PatternSettings::default() }] {
            state.apply(StateChange::Patterns(used.clone())).unwrap();
            state.apply(StateChange::SavePattern("mine".to_owned(), used.clone())).unwrap();
            assert_eq!(state.patterns.kept, used.clone().without_speed());
            assert_eq!(state.patterns.saved["mine"], used);
            assert_eq!(state.check_rest(), Ok(()));
            state.patterns.kept = used;
            assert_eq!(
                state.check_rest(),
                Err("patterns: kept: its speeds must be null, as a pattern begins at speed 0".to_owned())
            );
        }
    }

    #[test]
    fn patterns_have_names_and_so_much_room() {
        let save = |state: &mut StoredState, name: &str, settings: PatternSettings| {
            state.apply(StateChange::SavePattern(name.to_owned(), settings))
        };
        let mut state = fresh();
        for name in ["", " a", "a ", "a\n", &"x".repeat(65)] {
            assert!(save(&mut state, name, of_steps()).is_err(), "{name:?}");
            let mut with = fresh();
            with.patterns.saved.insert(name.to_owned(), of_steps());
            assert!(with.check_rest().unwrap_err().contains("a name has 1 to 64"), "{name:?}");
        }
        for n in 0..MAX_PATTERNS {
            save(&mut state, &n.to_string(), of_steps()).unwrap();
        }
        let full = state.clone();
        let refused = save(&mut state, "one more", of_steps()).unwrap_err();
        assert_eq!(refused, "at most 64 patterns can be saved: forget one first");
        assert_eq!((&state, state.check_rest()), (&full, Ok(())));
        save(&mut state, "0", PatternSettings::default()).unwrap();
        assert_eq!(state.patterns.saved["0"], PatternSettings::default());
        state.apply(StateChange::ForgetPattern("0".to_owned())).unwrap();
        state.apply(StateChange::ForgetPattern("0".to_owned())).unwrap();
        assert_eq!(state.patterns.saved.len(), MAX_PATTERNS - 1);
        let mut over = full;
        over.patterns.saved.insert("one more".to_owned(), of_steps());
        assert_eq!(
            over.check_rest(),
            Err("patterns: saved: at most 64 patterns are kept, not 65".to_owned())
        );
    }

    #[test]
    fn a_reset_keeps_the_patterns_and_a_backup_replaces_them() {
        let mut state = fresh();
        state.apply(StateChange::Patterns(of_steps())).unwrap();
        state.apply(StateChange::SavePattern("mine".to_owned(), of_steps())).unwrap();
        let before = state.patterns.clone();
        state.apply(StateChange::Settings(Settings::fresh(new_id()))).unwrap();
        assert_eq!(state.patterns, before);
        let mut backup = fresh();
        backup.apply(StateChange::SavePattern("theirs".to_owned(), PatternSettings::default())).unwrap();
        state.apply(StateChange::Everything(Box::new(backup.clone()))).unwrap();
        assert_eq!(state.patterns, backup.patterns);
    }
}
