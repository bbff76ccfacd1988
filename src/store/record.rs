//! The content of stored values, each a struct of its own: the types of the program may change, what is stored may not.
//!
//! The order of the fields *is* the format. A change of one is a new version with a new struct, a new version of the
//! layout, and a step in [`migrate`](super::migrate); the old struct goes there.

use serde::{Deserialize, Serialize};

use super::engine::DatabaseError;
use super::seal::{damaged, decode, encode};
use super::session::{Counters, SessionEnd, SessionRecord};
use super::state::{ForceScale, SavedWave};
use crate::settings::{Document, Invalid, MotionChange, Settings, without_controls};

/// Version 2 of what the user set. The key is the id of the document.
#[derive(Serialize, Deserialize)]
pub(super) struct SettingsV2 {
    pub name: String,
    pub tick_stroke_limit: i64,
    pub force_limit: i64,
    pub stroke_force_chart: [i64; 10],
    pub microsteps_per_rev: i64,
    pub wave_resolution: i64,
    pub stroke_limit: i64,
    pub max_stroke: i64,
    pub padding_mm: i64,
    pub max_speed_mm_s: f64,
    pub max_acceleration_mm_s2: f64,
    pub max_jerk_mm_s3: f64,
    pub stop_deceleration_mm_s2: f64,
    pub approach_speed_mm_s: f64,
}

impl SettingsV2 {
    pub const VERSION: u8 = 2;
}

/// Version 1 of what calibration found.
#[derive(Serialize, Deserialize)]
pub(super) struct CalibrationV1 {
    pub max_steps: i64,
    pub travel_steps: Option<i64>,
    pub calibrated_unix_s: Option<u64>,
}

impl CalibrationV1 {
    pub const VERSION: u8 = 1;
}

#[derive(Serialize, Deserialize)]
struct WaveV1 {
    json: String,
}

impl WaveV1 {
    const VERSION: u8 = 1;
}

#[derive(Serialize, Deserialize)]
struct SessionV1 {
    started_unix_s: u64,
    duration_s: f64,
    ended: Option<SessionEnd>,
    strokes: u64,
    distance_mm: f64,
    peak_speed_mm_s: f64,
    peak_force_g: Option<f64>,
    faults: Vec<String>,
}

impl SessionV1 {
    const VERSION: u8 = 1;
}

#[derive(Serialize, Deserialize)]
struct CountersV1 {
    sessions: u64,
    strokes: u64,
    distance_mm: f64,
    moving_s: f64,
    faults: u64,
}

impl CountersV1 {
    const VERSION: u8 = 1;
}

#[derive(Serialize, Deserialize)]
struct ForceScaleV1 {
    sensor: String,
    zero: Option<f64>,
    per_g: Option<f64>,
}

impl ForceScaleV1 {
    const VERSION: u8 = 1;
}

/// What the user set.
pub fn encode_settings(settings: &Settings) -> Result<Vec<u8>, String> {
    let (d, m) = (&settings.document, &settings.motion);
    let content = SettingsV2 {
        name: d.name.clone(),
        tick_stroke_limit: d.tick_stroke_limit,
        force_limit: d.force_limit,
        stroke_force_chart: d.stroke_force_chart,
        microsteps_per_rev: d.microsteps_per_rev,
        wave_resolution: d.wave_resolution,
        stroke_limit: d.stroke_limit,
        max_stroke: d.max_stroke,
        padding_mm: d.padding_mm,
        max_speed_mm_s: m.max_speed.get(),
        max_acceleration_mm_s2: m.max_acceleration.get(),
        max_jerk_mm_s3: m.max_jerk.get(),
        stop_deceleration_mm_s2: m.stop_deceleration.get(),
        approach_speed_mm_s: m.approach_speed.get(),
    };
    encode(SettingsV2::VERSION, &content)
}

/// What calibration found, if it has found anything.
pub fn encode_calibration(settings: &Settings) -> Result<Option<Vec<u8>>, String> {
    let Some(max_steps) = settings.document.max_steps else { return Ok(None) };
    let (travel_steps, calibrated_unix_s) = (settings.travel_steps, settings.calibrated_unix_s);
    let content = CalibrationV1 { max_steps, travel_steps, calibrated_unix_s };
    encode(CalibrationV1::VERSION, &content).map(Some)
}

/// Both, from under the id that was the key of the first: checked, or everything that is wrong with them.
pub fn decode_settings(
    id: &[u8],
    settings: &[u8],
    calibration: Option<&[u8]>,
) -> Result<Result<Settings, Vec<Invalid>>, DatabaseError> {
    let id = String::from_utf8(id.to_vec()).map_err(|_| damaged("the id of the settings is no text"))?;
    let content: SettingsV2 = decode("the settings", SettingsV2::VERSION, settings)?;
    let found = calibration
        .map(|value| decode::<CalibrationV1>("the calibration", CalibrationV1::VERSION, value))
        .transpose()?;
    Ok(content.settings(id, found))
}

impl SettingsV2 {
    fn settings(self, id: String, found: Option<CalibrationV1>) -> Result<Settings, Vec<Invalid>> {
        let motion = MotionChange {
            max_speed_mm_s: Some(self.max_speed_mm_s),
            max_acceleration_mm_s2: Some(self.max_acceleration_mm_s2),
            max_jerk_mm_s3: Some(self.max_jerk_mm_s3),
            stop_deceleration_mm_s2: Some(self.stop_deceleration_mm_s2),
            approach_speed_mm_s: Some(self.approach_speed_mm_s),
        };
        let document = Document {
            name: without_controls(&self.name),
            active: true,
            tick_stroke_limit: self.tick_stroke_limit,
            force_limit: self.force_limit,
            stroke_force_chart: self.stroke_force_chart,
            microsteps_per_rev: self.microsteps_per_rev,
            wave_resolution: self.wave_resolution,
            stroke_limit: self.stroke_limit,
            max_stroke: self.max_stroke,
            padding_mm: self.padding_mm,
            max_steps: found.as_ref().map(|found| found.max_steps),
            id,
        };
        let fresh = Settings::fresh(document.id.clone());
        let settings = Settings {
            document,
            travel_steps: found.as_ref().and_then(|found| found.travel_steps),
            calibrated_unix_s: found.and_then(|found| found.calibrated_unix_s),
            ..fresh
        };
        // Checks everything.
        settings.with_motion(&motion)
    }
}

/// A saved wave.
pub fn encode_wave(wave: &SavedWave) -> Result<Vec<u8>, String> {
    encode(WaveV1::VERSION, &WaveV1 { json: wave.text().to_owned() })
}

/// A saved wave with its name, which was the key.
pub fn decode_wave(name: &[u8], value: &[u8]) -> Result<(String, SavedWave), DatabaseError> {
    let name = String::from_utf8(name.to_vec()).map_err(|_| damaged("the name of a wave is no text"))?;
    let WaveV1 { json } = decode("a wave", WaveV1::VERSION, value)?;
    let wave = SavedWave::from_text(&json).map_err(|why| damaged(format!("wave {name:?}: {why}")))?;
    Ok((name, wave))
}

/// A session.
pub fn encode_session(session: &SessionRecord) -> Result<Vec<u8>, String> {
    let s = session.clone();
    let content = SessionV1 {
        started_unix_s: s.started_unix_s,
        duration_s: s.duration_s,
        ended: s.ended,
        strokes: s.strokes,
        distance_mm: s.distance_mm,
        peak_speed_mm_s: s.peak_speed_mm_s,
        peak_force_g: s.peak_force_g,
        faults: s.faults,
    };
    encode(SessionV1::VERSION, &content)
}

/// A session with its number, which was the key.
pub fn decode_session(number: &[u8], value: &[u8]) -> Result<(u64, SessionRecord), DatabaseError> {
    let number = number.try_into().map_err(|_| damaged("the number of a session has no eight bytes"))?;
    let s: SessionV1 = decode("a session", SessionV1::VERSION, value)?;
    let session = SessionRecord {
        started_unix_s: s.started_unix_s,
        duration_s: s.duration_s,
        ended: s.ended,
        strokes: s.strokes,
        distance_mm: s.distance_mm,
        peak_speed_mm_s: s.peak_speed_mm_s,
        peak_force_g: s.peak_force_g,
        faults: s.faults,
    };
    Ok((u64::from_be_bytes(number), session))
}

/// The sums.
pub fn encode_counters(c: &Counters) -> Result<Vec<u8>, String> {
    let content = CountersV1 {
        sessions: c.sessions,
        strokes: c.strokes,
        distance_mm: c.distance_mm,
        moving_s: c.moving_s,
        faults: c.faults,
    };
    encode(CountersV1::VERSION, &content)
}

/// The sums.
pub fn decode_counters(value: &[u8]) -> Result<Counters, DatabaseError> {
    let c: CountersV1 = decode("the counters", CountersV1::VERSION, value)?;
    Ok(Counters {
        sessions: c.sessions,
        strokes: c.strokes,
        distance_mm: c.distance_mm,
        moving_s: c.moving_s,
        faults: c.faults,
    })
}

/// What the readings of the force sensor mean.
pub fn encode_force_scale(scale: &ForceScale) -> Result<Vec<u8>, String> {
    let ForceScale { sensor, zero, per_g } = scale.clone();
    encode(ForceScaleV1::VERSION, &ForceScaleV1 { sensor, zero, per_g })
}

/// What the readings of the force sensor mean.
pub fn decode_force_scale(value: &[u8]) -> Result<ForceScale, DatabaseError> {
    let ForceScaleV1 { sensor, zero, per_g } = decode("the force scale", ForceScaleV1::VERSION, value)?;
    Ok(ForceScale { sensor, zero, per_g })
}
