//! Answers of `GET /api/state` and `POST /api/backup`. The backup itself is [`BackupDocument`](crate::store::BackupDocument).

use schemars::JsonSchema;
use serde::Serialize;

use super::success::SuccessStatus;
use crate::store::Counters;

/// State of the store: result of opening it, and the number of entries.
#[derive(Debug, Serialize, JsonSchema)]
pub struct StoreDocument {
    /// Result of opening the store at the start.
    pub start: StoreStart,
    /// Number of the newest write.
    pub writes: u64,
    /// Calibration of the axis; null without one.
    pub calibration: Option<CalibrationDocument>,
    /// Number of saved waves.
    pub waves: usize,
    /// Number of stored sessions.
    pub sessions: usize,
    /// Sums over all ended sessions.
    pub counters: Counters,
}

/// Result of opening the store.
#[derive(Debug, Serialize, JsonSchema)]
pub struct StoreStart {
    /// Stable word for programs: `fresh`, `clean`, `migrated`, `restored`, `defaults`, `rolled_back`, `invalid` or
    /// `unavailable`.
    pub code: &'static str,
    /// Description and remedy, for people.
    pub message: String,
    /// True if nothing needs a check.
    pub good: bool,
}

/// Calibration of the axis.
#[derive(Debug, Serialize, JsonSchema)]
pub struct CalibrationDocument {
    /// Length of the usable range, in steps.
    pub max_steps: i64,
    /// Distance between the two limit switches, in steps; null if this machine has not measured it.
    pub travel_steps: Option<i64>,
    /// Scale of the axis, in steps per millimetre.
    pub steps_per_mm: Option<f64>,
    /// Time of the calibration by the wall clock, in seconds since 1970; null if it is not known.
    pub calibrated_unix_s: Option<u64>,
    /// The same time, for people.
    pub calibrated: Option<String>,
}

/// Result of a restored backup.
#[derive(Debug, Serialize, JsonSchema)]
pub struct RestoreResult {
    /// Always `success`.
    pub status: SuccessStatus,
    /// Number of restored waves.
    pub waves: usize,
    /// Number of restored sessions.
    pub sessions: usize,
}

#[cfg(test)]
mod tests {
    use super::super::schema_keys::assert_schema_keys;
    use super::*;
    use crate::settings::{ProvenLimits, Settings, new_id};
    use crate::store::{
        BackupDocument, CommissioningRecord, ConfirmReason, Confirmation, ForceScale, PatternSettings,
        PatternStep, PlayerSettings, SavedWave, SessionEnd, SessionRecord, SourceKind, StepRecord,
        StoredSource, StoredState, StoredWindow, WiringValues,
    };

    #[test]
    fn the_schema_has_the_keys_of_the_answer() {
        let calibration = CalibrationDocument {
            max_steps: 1_450,
            travel_steps: Some(1_550),
            steps_per_mm: Some(10.0),
            calibrated_unix_s: Some(0),
            calibrated: Some("1970-01-01 00:00:00 UTC".to_owned()),
        };
        assert_schema_keys(&StoreDocument {
            start: StoreStart { code: "clean", message: "the settings were loaded".to_owned(), good: true },
            writes: 7,
            calibration: Some(calibration),
            waves: 1,
            sessions: 2,
            counters: Counters::default(),
        });
        assert_schema_keys(&RestoreResult { status: SuccessStatus::Success, waves: 1, sessions: 2 });
    }

    #[test]
    fn the_schema_of_a_backup_has_its_keys() {
        let mut settings = Settings::fresh(new_id());
        (settings.document.max_steps, settings.travel_steps) = (Some(1_450), Some(1_550));
        settings.calibrated_unix_s = Some(0);
        let mut state = StoredState::of(settings);
        let wave = SavedWave::from_text(r#"{"type":"sine","duration":0.5}"#).unwrap();
        state.waves.insert("slow".to_owned(), wave);
        let session = SessionRecord {
            ended: Some(SessionEnd::Stop),
            peak_force_g: Some(1.0),
            faults: vec!["e_stop".to_owned()],
            ..SessionRecord::begun(0)
        };
        state.sessions.insert(3, session);
        state.force_scale = Some(ForceScale { sensor: "uart".to_owned(), zero: Some(1.0), per_g: Some(2.0) });
        let step = StepRecord {
            done_unix_s: 0,
            wiring: "cbf29ce484222325".to_owned(),
            evidence: [("spread_mm".to_owned(), 0.1)].into(),
        };
        state.commissioning = CommissioningRecord {
            steps: [("calibrate".to_owned(), step)].into(),
            envelope: Some(ProvenLimits::of_defaults()),
            wiring: WiringValues {
                invert_dir: Some(true),
                invert_front: Some(true),
                invert_back: Some(true),
                invert_e_stop: Some(true),
                travel_per_turn_mm: Some(40.0),
                pulse_high_ns: Some(2_500),
                pulse_low_ns: Some(2_500),
                dir_setup_ns: Some(5_000),
                dir_hold_ns: Some(5_000),
            },
            confirmed: Some(Confirmation { unix_s: 0, wiring: "cbf29ce484222325".to_owned() }),
            asks: Some(ConfirmReason::Restored),
        };
        state.feeds.window = Some(StoredWindow { back_mm: 20.0, front_mm: 120.0 });
        let steps = vec![PatternStep { to: 1.0, speed: 0.5, rest_s: 0.0 }];
        let pattern = PatternSettings {
            steps,
            speed_pct: Some(1.0),
            strokes_per_min: Some(1.0),
            ..PatternSettings::default()
        };
        state.patterns.saved.insert("mine".to_owned(), pattern.clone());
        state.patterns.kept = pattern;
        let source =
            StoredSource { kind: SourceKind::Mpv, address: "tcp:[::1]:9".to_owned(), password: None };
        state.player = PlayerSettings { offset_ms: 0.0, source: Some(source) };
        assert_schema_keys(&BackupDocument::of(&state, 0, 7));
    }
}
