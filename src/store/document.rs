//! JSON document of the whole state, for backups and for snapshots: units in the keys, read as strictly as it is
//! written.
//!
//! Every section is required with every field, and nothing else is allowed, as the document replaces the whole state.
//! The scale of the force sensor and the record of the first run may be missing; the present ones stay then. Documents
//! before version 4 have no feeds, those before version 5 neither patterns nor player; they get the defaults.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::commissioning::CommissioningRecord;
use super::feeds::{FeedMotionPart, FeedSettings};
use super::patterns::PatternMemory;
use super::player::PlayerPart;
use super::session::{Counters, SessionRecord};
use super::state::{ForceScale, SavedWave, StoredState};
use crate::settings::{
    CalibrationPart, Document, Invalid, MotionPart, STORED_VERSION, SettingField, Settings, SettingsPart,
    StoredSettings, add_defaults, without_controls,
};
use crate::wall_clock;

/// Name of the format.
const FORMAT: &str = "yep-state";
/// Version of everything except the settings. A change of any key is a new version.
const OWN_VERSION: u64 = 5;
/// Version of the document. An added setting is a new version, which its row names.
pub const VERSION: u64 =
    if OWN_VERSION > STORED_VERSION as u64 { OWN_VERSION } else { STORED_VERSION as u64 };
/// First version with the feeds.
const FEEDS_VERSION: u64 = 4;
/// First version with the patterns.
const PATTERNS_VERSION: u64 = 5;
/// First version with the player.
const PLAYER_VERSION: u64 = 5;
/// Oldest version that is read: it had no force scale, and before version 3 there was no record of the first run.
const OLDEST: u64 = 1;

/// The reason why a document is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DocumentError {
    /// A newer program wrote it.
    #[error("it was written by a newer yep (version {found} of the format, this one knows {VERSION})")]
    Newer {
        /// Version of the document.
        found: u64,
    },
    /// All problems.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Values(Vec<DocumentProblem>),
}

/// A problem of a document.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {message}")]
pub struct DocumentProblem {
    /// The section, or the section and the field.
    pub place: String,
    /// Description of the problem.
    pub message: String,
}

/// Parsed sections, in their order.
struct Sections {
    settings: Option<SettingsPart>,
    motion: Option<MotionPart>,
    calibration: Option<Option<CalibrationPart>>,
    waves: Option<BTreeMap<String, Value>>,
    sessions: Option<BTreeMap<u64, SessionRecord>>,
    counters: Option<Counters>,
    force_scale: Option<Option<ForceScale>>,
    /// `Some(None)` in a document of an older version.
    commissioning: Option<Option<CommissioningRecord>>,
    feeds: Option<FeedMotionPart>,
    patterns: Option<PatternMemory>,
    player: Option<PlayerPart>,
}

/// Names of the sections, which follow the head.
const SECTIONS: [&str; 11] = [
    "settings",
    "motion",
    "calibration",
    "waves",
    "sessions",
    "counters",
    "force_scale",
    "commissioning",
    "feeds",
    "patterns",
    "player",
];
/// Keys of the head; except the format and the version they are for people, and not read.
const HEAD: [&str; 6] = ["format", "version", "program", "written_unix_s", "written", "generation"];

/// Everything that the machine remembers.
#[derive(Debug, Serialize, JsonSchema)]
pub struct BackupDocument<'a> {
    /// Name of the format, always `yep-state`.
    format: &'static str,
    /// Version of the format.
    version: u64,
    /// Version of the program that wrote it.
    program: &'static str,
    /// Time at which it was written, in seconds since 1970.
    written_unix_s: u64,
    /// The same time, for people.
    written: String,
    /// Number of the newest write of the store that it includes.
    generation: u64,
    /// Settings of the user.
    settings: SettingsPart,
    /// Limits of motion.
    motion: MotionPart,
    /// Calibration of the axis; null without one.
    calibration: Option<CalibrationPart>,
    /// Each saved wave under its name: the body that it was saved with.
    waves: BTreeMap<String, Map<String, Value>>,
    /// Each stored session under its number.
    sessions: &'a BTreeMap<u64, SessionRecord>,
    /// Sums over all ended sessions.
    counters: Counters,
    /// Scale of the force sensor; null before the first tare.
    force_scale: Option<&'a ForceScale>,
    /// What the first run has proven. Restored on a machine that has proven something itself, it is ignored; on another one
    /// it counts once a person has confirmed it.
    commissioning: &'a CommissioningRecord,
    /// Where and how other programs may move the axis. From where they reach it is not in a backup.
    feeds: FeedMotionPart,
    /// The pattern that was used last, and the saved ones.
    patterns: &'a PatternMemory,
    /// The media player that is followed. Its password is not in a backup.
    player: PlayerPart,
}

impl BackupDocument<'_> {
    /// The document of `state`. `generation` is the number of the write that it is up to date with.
    pub fn of(state: &StoredState, written_unix_s: u64, generation: u64) -> BackupDocument<'_> {
        let StoredSettings { settings, motion } = StoredSettings::from(&state.settings);
        BackupDocument {
            format: FORMAT,
            version: VERSION,
            program: env!("CARGO_PKG_VERSION"),
            written_unix_s,
            written: wall_clock::readable(written_unix_s),
            generation,
            settings,
            motion,
            calibration: CalibrationPart::of(&state.settings),
            waves: state.waves.iter().map(|(name, wave)| (name.clone(), wave.object())).collect(),
            sessions: &state.sessions,
            counters: state.counters,
            force_scale: state.force_scale.as_ref(),
            commissioning: &state.commissioning,
            feeds: FeedMotionPart::of(&state.feeds),
            patterns: &state.patterns,
            player: PlayerPart::of(&state.player),
        }
    }
}

/// The [`BackupDocument`] as a tree of values.
pub fn write(state: &StoredState, written_unix_s: u64, generation: u64) -> Value {
    // The types have no key that JSON cannot have.
    serde_json::to_value(BackupDocument::of(state, written_unix_s, generation)).unwrap_or_default()
}

/// Reads and checks a document. `understood` checks a wave.
///
/// # Errors
/// [`DocumentError`], with all problems.
pub fn read(
    document: &Value,
    understood: impl Fn(&Value) -> Result<(), String>,
) -> Result<StoredState, DocumentError> {
    let mut wrong = Vec::new();
    let sections = sections(document, &mut wrong)?;
    state(sections, understood, |_| {}, wrong)
}

/// Reads a document that this machine wrote, perhaps an older version with wider bounds.
///
/// # Errors
/// [`DocumentError`], with all problems.
pub fn read_own(document: &Value) -> Result<StoredState, DocumentError> {
    let mut wrong = Vec::new();
    let mut sections = sections(document, &mut wrong)?;
    if let Some(settings) = &mut sections.settings {
        settings.name = without_controls(&settings.name);
    }
    // A wave was checked when it was saved, and is read again when it is run.
    state(sections, |_| Ok(()), StoredState::clamp_to_bounds, wrong)
}

fn state(
    sections: Sections,
    understood: impl Fn(&Value) -> Result<(), String>,
    adapt: impl FnOnce(&mut StoredState),
    mut wrong: Vec<DocumentProblem>,
) -> Result<StoredState, DocumentError> {
    let Sections {
        settings: Some(settings),
        motion: Some(motion),
        calibration: Some(calibration),
        waves: Some(waves),
        sessions: Some(sessions),
        counters: Some(counters),
        force_scale: Some(force_scale),
        commissioning: Some(commissioning),
        feeds: Some(feeds),
        patterns: Some(patterns),
        player: Some(player),
    } = sections
    else {
        return Err(DocumentError::Values(wrong));
    };
    let mut problem = |place: String, message: String| wrong.push(DocumentProblem { place, message });
    let settings = joined(settings, motion, calibration);
    if let Err(invalid) = &settings {
        for invalid in invalid {
            problem(place_of(invalid.field), invalid.message.clone());
        }
    }
    let mut state = StoredState::of(settings.unwrap_or_else(|_| Settings::fresh(String::new())));
    (state.sessions, state.counters, state.force_scale) = (sessions, counters, force_scale);
    // A machine that was calibrated before there was a record was in use.
    state.commissioning = commissioning.unwrap_or_else(|| match state.settings.document.max_steps {
        Some(_) => CommissioningRecord::in_use_before(),
        None => CommissioningRecord::default(),
    });
    state.feeds = FeedSettings::default().with_motion(feeds);
    (state.patterns, state.player) = (patterns, player.with_password(None));
    for (name, asked) in waves {
        match SavedWave::new(&asked).and_then(|wave| understood(&asked).map(|()| wave)) {
            Ok(wave) => drop(state.waves.insert(name, wave)),
            Err(why) => problem(format!("waves.{name}"), why),
        }
    }
    adapt(&mut state);
    if let Err(why) = state.check_rest() {
        problem("the whole".to_owned(), why);
    }
    if wrong.is_empty() { Ok(state) } else { Err(DocumentError::Values(wrong)) }
}

/// Place of a setting in the document, by the name that the clients use.
fn place_of(field: &str) -> String {
    let of = |rows: &[SettingField]| rows.iter().find(|row| row.name == field).and_then(|row| row.stored_as);
    if let Some(key) = of(Document::FIELDS) {
        format!("settings.{key}")
    } else if field == "id" {
        "settings.id".to_owned()
    } else if let Some(key) = of(MotionPart::FIELDS) {
        format!("motion.{key}")
    } else {
        format!("calibration.{field}")
    }
}

fn joined(
    settings: SettingsPart,
    motion: MotionPart,
    found: Option<CalibrationPart>,
) -> Result<Settings, Vec<Invalid>> {
    let (settings, motion) = StoredSettings { settings, motion }.with_calibration(found);
    match settings.with_motion(&motion) {
        Ok(settings) => Ok(settings),
        // Adds the other problems, as `with_motion` checks the rest only if the motion is possible.
        Err(mut invalid) => {
            for more in settings.check().err().into_iter().flatten() {
                if !invalid.contains(&more) {
                    invalid.push(more);
                }
            }
            Err(invalid)
        }
    }
}

fn sections(document: &Value, wrong: &mut Vec<DocumentProblem>) -> Result<Sections, DocumentError> {
    let mut problem =
        |place: &str, message: String| wrong.push(DocumentProblem { place: place.to_owned(), message });
    let no_document = |message: &str| {
        DocumentError::Values(vec![DocumentProblem {
            place: "the whole".to_owned(),
            message: message.to_owned(),
        }])
    };
    let map = document.as_object().ok_or_else(|| no_document("must be a JSON object"))?;
    if map.get("format").and_then(Value::as_str) != Some(FORMAT) {
        return Err(no_document(&format!("is no backup of this program: format must be {FORMAT:?}")));
    }
    let version = match map.get("version").and_then(Value::as_u64) {
        Some(version @ OLDEST..=VERSION) => version,
        Some(found) if found > VERSION => return Err(DocumentError::Newer { found }),
        _ => return Err(no_document(&format!("version must be {OLDEST} to {VERSION}"))),
    };
    for key in map.keys().filter(|key| !SECTIONS.contains(&key.as_str()) && !HEAD.contains(&key.as_str())) {
        problem(key, "is not known".to_owned());
    }
    let read = Sections {
        settings: settings_section(map, "settings", Document::FIELDS, version, &mut problem),
        motion: settings_section(map, "motion", MotionPart::FIELDS, version, &mut problem),
        calibration: section(map, "calibration", &mut problem),
        waves: section(map, "waves", &mut problem),
        sessions: section(map, "sessions", &mut problem),
        counters: section(map, "counters", &mut problem),
        // May be missing; the present scale stays then.
        force_scale: match map.get("force_scale") {
            None => Some(None),
            Some(_) => section(map, "force_scale", &mut problem),
        },
        commissioning: match map.get("commissioning") {
            None => Some(None),
            Some(_) => section(map, "commissioning", &mut problem).map(Some),
        },
        feeds: match map.get("feeds") {
            None if version < FEEDS_VERSION => Some(FeedMotionPart::of(&FeedSettings::default())),
            _ => section(map, "feeds", &mut problem),
        },
        patterns: match map.get("patterns") {
            None if version < PATTERNS_VERSION => Some(PatternMemory::default()),
            _ => section(map, "patterns", &mut problem),
        },
        player: match map.get("player") {
            None if version < PLAYER_VERSION => Some(PlayerPart::default()),
            _ => section(map, "player", &mut problem),
        },
    };
    Ok(read)
}

fn section<T: DeserializeOwned>(
    map: &Map<String, Value>,
    name: &str,
    problem: &mut impl FnMut(&str, String),
) -> Option<T> {
    read_section(map.get(name), name, problem)
}

/// The same for a section of settings, with defaults for settings that a document of this version does not have.
fn settings_section<T: DeserializeOwned>(
    map: &Map<String, Value>,
    name: &str,
    rows: &[SettingField],
    version: u64,
    problem: &mut impl FnMut(&str, String),
) -> Option<T> {
    let mut section = map.get(name).cloned();
    if let Some(Value::Object(section)) = &mut section {
        add_defaults(rows, version, section);
    }
    read_section(section.as_ref(), name, problem)
}

fn read_section<T: DeserializeOwned>(
    section: Option<&Value>,
    name: &str,
    problem: &mut impl FnMut(&str, String),
) -> Option<T> {
    let read = match section {
        // By reference, as a section may be long.
        Some(section) => T::deserialize(section).map_err(|error| error.to_string()),
        None => Err("is not there".to_owned()),
    };
    read.map_err(|why| problem(name, why)).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::commissioning::StepRecord;
    use super::super::feeds::StoredWindow;
    use super::super::patterns::{PatternSettings, PatternStep};
    use super::super::player::{PlayerSettings, SourceKind, StoredSource};
    use super::super::session::SessionEnd;
    use super::*;
    use crate::settings::new_id;

    fn any_wave(_: &Value) -> Result<(), String> {
        Ok(())
    }

    fn example() -> StoredState {
        let mut settings = Settings::fresh(new_id());
        (settings.document.max_steps, settings.travel_steps) = (Some(1_450), Some(1_550));
        settings.calibrated_unix_s = Some(1_735_689_599);
        let mut state = StoredState::of(settings);
        let wave = SavedWave::new(&json!({ "type": "sine", "duration": 0.1 })).unwrap();
        state.waves.insert("größer \"2\"".to_owned(), wave);
        let session = SessionRecord {
            duration_s: 12.345,
            ended: Some(SessionEnd::Fault),
            peak_force_g: Some(0.1 + 0.2),
            faults: vec!["e_stop".to_owned()],
            ..SessionRecord::begun(1_735_689_599)
        };
        state.sessions.insert(3, session.clone());
        state.counters.add(&session);
        state.force_scale =
            Some(ForceScale { sensor: "uart".to_owned(), zero: Some(81_234.0), per_g: Some(0.1 + 0.2) });
        let step = StepRecord {
            done_unix_s: 1_735_689_599,
            wiring: "cbf29ce484222325".to_owned(),
            evidence: [("spread_mm".to_owned(), 0.1 + 0.2)].into(),
        };
        state.commissioning.steps.insert("calibrate".to_owned(), step);
        state.feeds = FeedSettings {
            window: Some(StoredWindow { back_mm: 0.1 + 0.2, front_mm: 120.0 }),
            vibration: true,
            vibration_speed_share: 0.1 + 0.2,
            tcode_beyond_loopback: true,
            buttplug_beyond_loopback: true,
            allowed_hosts: vec![[192, 168, 1, 20].into()],
        };
        let step = |to| PatternStep { to, speed: 0.1 + 0.2, rest_s: 0.5 };
        let pattern = PatternSettings {
            pattern: "steps".to_owned(),
            steps: vec![step(1.0), step(0.0)],
            speed_pct: Some(0.1 + 0.2),
            ..PatternSettings::default()
        };
        state.patterns.saved.insert("größer \"2\"".to_owned(), pattern.clone());
        state.patterns.kept = pattern.without_speed();
        let source = StoredSource {
            kind: SourceKind::Vlc,
            address: "http://192.0.2.7:8080".to_owned(),
            password: Some("hunter2".to_owned()),
        };
        state.player = PlayerSettings { offset_ms: -0.1 - 0.2, source: Some(source) };
        state
    }

    #[test]
    fn what_is_written_is_read_again() {
        let document = write(&example(), 0, 7);
        let state = example();
        let text = serde_json::to_string_pretty(&document).unwrap();
        let again: Value = serde_json::from_str(&text).unwrap();
        let read = read(&again, any_wave).unwrap();
        // Each example has an id of its own.
        assert_eq!(read.waves, state.waves);
        assert_eq!((read.sessions, read.counters), (state.sessions, state.counters));
        assert_eq!(read.force_scale, state.force_scale);
        assert_eq!(read.commissioning, state.commissioning);
        // Without the access, which is nobody's business who has the backup.
        assert!(!text.contains("loopback") && !text.contains("192.168"), "{text}");
        assert_eq!(read.feeds, FeedSettings::default().with_motion(FeedMotionPart::of(&state.feeds)));
        assert_eq!(read.patterns, state.patterns);
        assert!(!text.contains("hunter2") && !text.contains("password"), "{text}");
        assert_eq!(read.player, PlayerPart::of(&state.player).with_password(None));
        assert_eq!(read.settings.travel_steps, Some(1_550));
        assert!(text.contains("\"written\": \"1970-01-01 00:00:00 UTC (the clock was not set)\""), "{text}");
    }

    #[test]
    fn a_document_of_version_1_has_no_force_scale() {
        let mut document = write(&example(), 0, 7);
        document["version"] = json!(1);
        document.as_object_mut().unwrap().remove("force_scale");
        assert_eq!(read(&document, any_wave).unwrap().force_scale, None);
        document["force_scale"] = json!(null);
        assert_eq!(read(&document, any_wave).unwrap().force_scale, None);
        // It was calibrated, so somebody is asked whether it works.
        document.as_object_mut().unwrap().remove("commissioning");
        assert_eq!(read(&document, any_wave).unwrap().commissioning, CommissioningRecord::in_use_before());
    }

    #[test]
    fn a_document_of_version_3_has_no_feeds_and_a_later_one_must() {
        let mut document = write(&example(), 0, 7);
        document.as_object_mut().unwrap().remove("feeds");
        let wrong = read(&document, any_wave).unwrap_err().to_string();
        assert_eq!(wrong, "feeds: is not there");
        document["version"] = json!(3);
        assert_eq!(read(&document, any_wave).unwrap().feeds, FeedSettings::default());
    }

    #[test]
    fn a_document_of_version_4_has_no_patterns_and_no_player_and_a_later_one_must() {
        for section in ["patterns", "player"] {
            let mut document = write(&example(), 0, 7);
            document.as_object_mut().unwrap().remove(section);
            let wrong = read(&document, any_wave).unwrap_err().to_string();
            assert_eq!(wrong, format!("{section}: is not there"));
            document["version"] = json!(4);
            let read = read(&document, any_wave).unwrap();
            assert_eq!(read.patterns.is_default(), section == "patterns");
            assert_eq!(read.player.is_default(), section == "player");
        }
    }

    #[test]
    fn everything_that_is_wrong_is_told_with_its_place() {
        type Spoil = fn(&mut Value);
        let not_known = format!("the whole: version must be 1 to {VERSION}");
        let newer = format!("newer yep (version {} of the format, this one knows {VERSION})", VERSION + 1);
        let cases: [(Spoil, &str); 37] = [
            (|d| *d = json!([]), "the whole: must be a JSON object"),
            (|d| d["format"] = json!("other"), "the whole: is no backup of this program"),
            (|d| d["version"] = json!(0), &not_known),
            (|d| d["version"] = json!(VERSION + 1), &newer),
            (|d| d["extra"] = json!(1), "extra: is not known"),
            (|d| d["waves"] = json!(null), "waves: invalid type"),
            (|d| drop(d.as_object_mut().unwrap().remove("counters")), "counters: is not there"),
            (|d| d["settings"]["force_limit"] = json!(5), "settings: unknown field `force_limit`"),
            (|d| d["settings"]["force_limit_g"] = json!(0), "settings.force_limit_g: must be 1 to 100000"),
            (|d| d["settings"]["force_limit_g"] = json!("5"), "settings: invalid type: string"),
            (|d| d["settings"]["id"] = json!("x"), "settings.id: must be 24"),
            (|d| d["settings"]["padding_mm"] = json!(99), "settings.padding_mm: must be 0 or more"),
            (|d| d["motion"]["max_speed_mm_s"] = json!(-1.0), "motion.max_speed_mm_s: must be"),
            (|d| d["calibration"]["max_steps"] = json!(1_551), "calibration.max_steps: must be known"),
            (|d| d["waves"][""] = json!({}), "the whole: wave \"\": a name has 1 to 64"),
            (|d| d["waves"]["x"] = json!(1), "waves.x: a wave must be a JSON object"),
            (|d| d["force_scale"]["per_g"] = json!(0), "the whole: force_scale: per_g must be"),
            (|d| d["force_scale"]["x"] = json!(0), "force_scale: unknown field `x`"),
            (|d| d["commissioning"]["x"] = json!(0), "commissioning: unknown field `x`"),
            (
                |d| d["commissioning"]["confirmed"] = json!({ "unix_s": 0, "wiring": "" }),
                "the whole: commissioning: \"\" must be 1 to",
            ),
            (|d| d["feeds"]["allowed_hosts"] = json!([]), "feeds: unknown field `allowed_hosts`"),
            (
                |d| d["feeds"]["vibration_speed_share"] = json!(2),
                "the whole: feeds: vibration_speed_share must",
            ),
            (
                |d| d["feeds"]["window"]["front_mm"] = json!(1),
                "the whole: feeds: window: front_mm must be at",
            ),
            (|d| d["patterns"] = json!({}), "patterns: missing field `kept`"),
            (|d| d["patterns"]["kept"]["x"] = json!(0), "patterns: unknown field `x`"),
            (|d| d["patterns"]["kept"]["steps"][0]["x"] = json!(0), "patterns: unknown field `x`"),
            (
                |d| d["patterns"]["kept"]["speed_pct"] = json!(1),
                "the whole: patterns: kept: its speeds must be null",
            ),
            (
                |d| d["patterns"]["saved"]["b\n"] = d["patterns"]["kept"].clone(),
                "the whole: patterns: saved: \"b\\n\": a name has 1 to 64",
            ),
            (|d| d["player"]["source"]["password"] = json!("a"), "player: unknown field `password`"),
            (|d| d["player"]["source"]["kind"] = json!("other"), "player: unknown variant `other`"),
            (|d| d["player"]["source"]["address"] = json!(""), "the whole: player: source: address must"),
            (|d| d["player"]["offset_ms"] = json!(2_001), "the whole: player: offset_ms must be -2000"),
            (|d| d["settings"]["name"] = json!("a\u{1b}[2J"), "settings.name: must have no control"),
            (|d| d["sessions"]["9007199254740993"] = d["sessions"]["3"].clone(), "at most 9007199254740992"),
            (|d| d["counters"]["strokes"] = json!(u64::MAX), "the whole: strokes must be at most"),
            (|d| d["sessions"]["3"]["strokes"] = json!(-1), "sessions: invalid number"),
            (|d| d["sessions"]["3"]["duration_s"] = json!(-1), "the whole: session 3: duration_s"),
        ];
        for (spoil, said) in cases {
            let mut document = write(&example(), 0, 7);
            spoil(&mut document);
            let wrong = read(&document, any_wave).unwrap_err().to_string();
            assert!(wrong.contains(said), "{said}: {wrong}");
        }
        let mut two = write(&example(), 0, 7);
        two["motion"]["max_jerk_mm_s3"] = json!(0);
        two["settings"]["wave_resolution_hz"] = json!(0);
        let wrong = read(&two, |_| Err("no such wave".to_owned())).unwrap_err().to_string();
        for said in
            ["motion.max_jerk_mm_s3: ", "settings.wave_resolution_hz: ", "waves.größer \"2\": no such wave"]
        {
            assert!(wrong.contains(said), "{said}: {wrong}");
        }
    }
}
