//! Stored records: the content of each value of the database, as structs that only the store has, since the types of
//! the program may change and stored bytes may not.
//!
//! The order of the fields *is* the format. A change of it is a new version with a new struct, a new version of the
//! layout, and a step in [`migrate`](super::migrate); the old struct goes there. An added setting is no such change:
//! its row in `settings/definition.rs` names the version that has it first, and an older record is read with its
//! default.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::audit::{AuditAct, AuditEntry};
use super::commissioning::CommissioningRecord;
use super::device::{CardCode, DeviceKind, DeviceRecord, DeviceRole, HASH_BYTES, SALT_BYTES};
use super::engine::DatabaseError;
use super::feeds::FeedSettings;
use super::patterns::PatternSettings;
use super::player::{PlayerPart, PlayerSettings};
use super::seal::{damaged, decode, encode, seal, unseal};
use super::session::{Counters, SessionEnd, SessionRecord};
use super::state::{ForceScale, SavedWave};
use crate::settings::{
    CalibrationPart, Invalid, OLDEST_VERSION, RecordReader, RecordWriter, STORED_VERSION, Settings,
    StoredSettings, without_controls,
};

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

/// The record of the first run as JSON, in the form that a backup has.
#[derive(Serialize, Deserialize)]
struct CommissioningV1 {
    json: String,
}

impl CommissioningV1 {
    const VERSION: u8 = 1;
}

/// The settings of the feeds as JSON.
#[derive(Serialize, Deserialize)]
struct FeedsV1 {
    json: String,
}

impl FeedsV1 {
    const VERSION: u8 = 1;
}

/// A pattern as JSON, in the form that a backup has.
#[derive(Serialize, Deserialize)]
struct PatternV1 {
    json: String,
}

impl PatternV1 {
    const VERSION: u8 = 1;
}

/// The settings of the media player as JSON, in the form that a backup has, and what it has not.
#[derive(Serialize, Deserialize)]
struct PlayerV1 {
    json: String,
    password: Option<String>,
}

impl PlayerV1 {
    const VERSION: u8 = 1;
}

#[derive(Serialize, Deserialize)]
struct DeviceV1 {
    name: String,
    role: DeviceRole,
    kind: DeviceKind,
    token_hash: [u8; HASH_BYTES],
    paired_unix_s: u64,
    last_seen_unix_s: u64,
    last_used_h: u32,
}

impl DeviceV1 {
    const VERSION: u8 = 1;
}

#[derive(Serialize, Deserialize)]
struct AuditV1 {
    unix_s: u64,
    what: AuditAct,
    device: Option<u32>,
    who: String,
    detail: String,
}

impl AuditV1 {
    const VERSION: u8 = 1;
}

#[derive(Serialize, Deserialize)]
struct CardCodeV1 {
    salt: [u8; SALT_BYTES],
    hash: [u8; HASH_BYTES],
    wrong_tries: u8,
    used: bool,
}

impl CardCodeV1 {
    const VERSION: u8 = 1;
}

/// Version of the records that are a single number.
const NUMBER_VERSION: u8 = 1;
/// Version of the calibration record.
const CALIBRATION_VERSION: u8 = 1;

/// Values of a record in postcard's encoding, one after the other: the same bytes as those of a struct.
#[derive(Default)]
struct PostcardWriter(Vec<u8>);

impl RecordWriter for PostcardWriter {
    type Error = String;

    fn put<T: Serialize>(&mut self, value: &T) -> Result<(), String> {
        self.0.extend(postcard::to_stdvec(value).map_err(|error| error.to_string())?);
        Ok(())
    }
}

struct PostcardReader<'a>(&'a [u8]);

impl RecordReader for PostcardReader<'_> {
    type Error = postcard::Error;

    fn take<T: DeserializeOwned>(&mut self) -> Result<T, postcard::Error> {
        let (value, rest) = postcard::take_from_bytes(self.0)?;
        self.0 = rest;
        Ok(value)
    }
}

/// Encodes the settings. Their key is the id of the document.
pub fn encode_settings(settings: &Settings) -> Result<Vec<u8>, String> {
    let mut record = PostcardWriter::default();
    StoredSettings::from(settings).write(&mut record)?;
    Ok(seal(STORED_VERSION, &record.0))
}

/// Encodes the calibration, if there is one.
pub fn encode_calibration(settings: &Settings) -> Result<Option<Vec<u8>>, String> {
    CalibrationPart::of(settings).map(|found| encode(CALIBRATION_VERSION, &found)).transpose()
}

/// Decodes both, with the id that was the key of the settings: checked, or everything that is wrong with them.
pub fn decode_settings(
    id: &[u8],
    settings: &[u8],
    calibration: Option<&[u8]>,
) -> Result<Result<Settings, Vec<Invalid>>, DatabaseError> {
    let id = String::from_utf8(id.to_vec()).map_err(|_| damaged("the id of the settings is no text"))?;
    let mut stored = decode_stored(id, settings)?;
    stored.settings.name = without_controls(&stored.settings.name);
    let found = calibration.map(|value| decode("the calibration", CALIBRATION_VERSION, value)).transpose()?;
    let (settings, motion) = stored.with_calibration(found);
    // Checks everything.
    Ok(settings.with_motion(&motion))
}

/// Decodes a settings record of the present version or an older one.
fn decode_stored(id: String, value: &[u8]) -> Result<StoredSettings, DatabaseError> {
    let (version, content) = unseal(value, STORED_VERSION)?;
    if version < OLDEST_VERSION {
        return Err(damaged(format!(
            "the settings: version {version} where version {OLDEST_VERSION} belongs"
        )));
    }
    let mut record = PostcardReader(content);
    let stored = StoredSettings::read(id, version, &mut record)
        .map_err(|error| damaged(format!("the settings cannot be decoded: {error}")))?;
    if !record.0.is_empty() {
        return Err(damaged("the settings: surplus bytes"));
    }
    Ok(stored)
}

/// Encodes a saved wave.
pub fn encode_wave(wave: &SavedWave) -> Result<Vec<u8>, String> {
    encode(WaveV1::VERSION, &WaveV1 { json: wave.text().to_owned() })
}

/// Decodes a saved wave; `name` is its key.
pub fn decode_wave(name: &[u8], value: &[u8]) -> Result<(String, SavedWave), DatabaseError> {
    let name = String::from_utf8(name.to_vec()).map_err(|_| damaged("the name of a wave is no text"))?;
    let WaveV1 { json } = decode("a wave", WaveV1::VERSION, value)?;
    let wave = SavedWave::from_text(&json).map_err(|why| damaged(format!("wave {name:?}: {why}")))?;
    Ok((name, wave))
}

/// Encodes a session.
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

/// Decodes a session; `number` is its key.
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

/// Encodes the counters.
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

/// Decodes the counters.
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

/// Encodes the scale of the force sensor.
pub fn encode_force_scale(scale: &ForceScale) -> Result<Vec<u8>, String> {
    let ForceScale { sensor, zero, per_g } = scale.clone();
    encode(ForceScaleV1::VERSION, &ForceScaleV1 { sensor, zero, per_g })
}

/// Decodes the scale of the force sensor.
pub fn decode_force_scale(value: &[u8]) -> Result<ForceScale, DatabaseError> {
    let ForceScaleV1 { sensor, zero, per_g } = decode("the force scale", ForceScaleV1::VERSION, value)?;
    Ok(ForceScale { sensor, zero, per_g })
}

/// Encodes the record of the first run.
pub fn encode_commissioning(record: &CommissioningRecord) -> Result<Vec<u8>, String> {
    let json = serde_json::to_string(record).map_err(|error| error.to_string())?;
    encode(CommissioningV1::VERSION, &CommissioningV1 { json })
}

/// Decodes the record of the first run.
pub fn decode_commissioning(value: &[u8]) -> Result<CommissioningRecord, DatabaseError> {
    let CommissioningV1 { json } = decode("the record of the first run", CommissioningV1::VERSION, value)?;
    serde_json::from_str(&json).map_err(|error| damaged(format!("the record of the first run: {error}")))
}

/// Encodes the settings of the feeds.
pub fn encode_feeds(feeds: &FeedSettings) -> Result<Vec<u8>, String> {
    let json = serde_json::to_string(feeds).map_err(|error| error.to_string())?;
    encode(FeedsV1::VERSION, &FeedsV1 { json })
}

/// Decodes the settings of the feeds.
pub fn decode_feeds(value: &[u8]) -> Result<FeedSettings, DatabaseError> {
    let FeedsV1 { json } = decode("the settings of the feeds", FeedsV1::VERSION, value)?;
    serde_json::from_str(&json).map_err(|error| damaged(format!("the settings of the feeds: {error}")))
}

/// Encodes a pattern, the one that was used last or a saved one.
pub fn encode_pattern(pattern: &PatternSettings) -> Result<Vec<u8>, String> {
    let json = serde_json::to_string(pattern).map_err(|error| error.to_string())?;
    encode(PatternV1::VERSION, &PatternV1 { json })
}

/// Decodes a pattern.
pub fn decode_pattern(value: &[u8]) -> Result<PatternSettings, DatabaseError> {
    let PatternV1 { json } = decode("a pattern", PatternV1::VERSION, value)?;
    serde_json::from_str(&json).map_err(|error| damaged(format!("a pattern: {error}")))
}

/// Decodes a saved pattern; `name` is its key.
pub fn decode_saved_pattern(name: &[u8], value: &[u8]) -> Result<(String, PatternSettings), DatabaseError> {
    let name = String::from_utf8(name.to_vec()).map_err(|_| damaged("the name of a pattern is no text"))?;
    Ok((name, decode_pattern(value)?))
}

/// Encodes the settings of the media player.
pub fn encode_player(player: &PlayerSettings) -> Result<Vec<u8>, String> {
    let json = serde_json::to_string(&PlayerPart::of(player)).map_err(|error| error.to_string())?;
    encode(PlayerV1::VERSION, &PlayerV1 { json, password: player.password().map(str::to_owned) })
}

/// Decodes the settings of the media player.
pub fn decode_player(value: &[u8]) -> Result<PlayerSettings, DatabaseError> {
    let PlayerV1 { json, password } = decode("the settings of the player", PlayerV1::VERSION, value)?;
    let part: PlayerPart = serde_json::from_str(&json)
        .map_err(|error| damaged(format!("the settings of the player: {error}")))?;
    Ok(part.with_password(password))
}

/// Encodes a device.
pub fn encode_device(device: &DeviceRecord) -> Result<Vec<u8>, String> {
    let d = device.clone();
    let content = DeviceV1 {
        name: d.name,
        role: d.role,
        kind: d.kind,
        token_hash: d.token_hash,
        paired_unix_s: d.paired_unix_s,
        last_seen_unix_s: d.last_seen_unix_s,
        last_used_h: d.last_used_h,
    };
    encode(DeviceV1::VERSION, &content)
}

/// Decodes a device; `number` is its key.
pub fn decode_device(number: &[u8], value: &[u8]) -> Result<(u32, DeviceRecord), DatabaseError> {
    let number = number.try_into().map_err(|_| damaged("the number of a device has no four bytes"))?;
    let d: DeviceV1 = decode("a device", DeviceV1::VERSION, value)?;
    let device = DeviceRecord {
        name: d.name,
        role: d.role,
        kind: d.kind,
        token_hash: d.token_hash,
        paired_unix_s: d.paired_unix_s,
        last_seen_unix_s: d.last_seen_unix_s,
        last_used_h: d.last_used_h,
    };
    Ok((u32::from_be_bytes(number), device))
}

/// Encodes an entry of the audit log.
pub fn encode_audit(entry: &AuditEntry) -> Result<Vec<u8>, String> {
    let AuditEntry { number: _, unix_s, what, device, who, detail } = entry.clone();
    encode(AuditV1::VERSION, &AuditV1 { unix_s, what, device, who, detail })
}

/// Decodes an entry of the audit log; `number` is its key.
pub fn decode_audit(number: &[u8], value: &[u8]) -> Result<AuditEntry, DatabaseError> {
    let number = number.try_into().map_err(|_| damaged("the number of an audit entry has no eight bytes"))?;
    let AuditV1 { unix_s, what, device, who, detail } = decode("an audit entry", AuditV1::VERSION, value)?;
    Ok(AuditEntry { number: u64::from_be_bytes(number), unix_s, what, device, who, detail })
}

/// Encodes the pairing code of the card.
pub fn encode_card_code(code: &CardCode) -> Result<Vec<u8>, String> {
    let CardCode { salt, hash, wrong_tries, used } = code.clone();
    encode(CardCodeV1::VERSION, &CardCodeV1 { salt, hash, wrong_tries, used })
}

/// Decodes the pairing code of the card.
pub fn decode_card_code(value: &[u8]) -> Result<CardCode, DatabaseError> {
    let CardCodeV1 { salt, hash, wrong_tries, used } = decode("the card's code", CardCodeV1::VERSION, value)?;
    Ok(CardCode { salt, hash, wrong_tries, used })
}

/// Encodes the machine time or the number of the last device.
pub fn encode_number(number: u32) -> Result<Vec<u8>, String> {
    encode(NUMBER_VERSION, &number)
}

/// Decodes what [`encode_number`] encoded; `what` names it in errors.
pub fn decode_number(what: &str, value: &[u8]) -> Result<u32, DatabaseError> {
    decode(what, NUMBER_VERSION, value)
}

#[cfg(test)]
mod tests {
    use super::super::document;
    use super::*;
    use crate::settings::{MotionChange, SettingsChange};
    use crate::store::StoredState;

    /// Settings with distinct bytes for each value.
    fn example() -> Settings {
        let change = SettingsChange {
            name: Some("größer".to_owned()),
            tick_stroke_limit: Some(11),
            force_limit: Some(800),
            stroke_force_chart: Some(vec![60, 50, 40, 30, 25, 20, 15, 10, 5, 0]),
            microsteps_per_rev: Some(1_600),
            wave_resolution: Some(100),
            stroke_limit: Some(120),
            max_stroke: Some(300),
            padding_mm: Some(7),
            ..SettingsChange::default()
        };
        let motion = MotionChange {
            max_speed_mm_s: Some(321.5),
            max_acceleration_mm_s2: Some(4_000.25),
            max_jerk_mm_s3: Some(123_456.789),
            stop_deceleration_mm_s2: Some(9_000.0),
            approach_speed_mm_s: Some(55.5),
        };
        let fresh = Settings::fresh("6b046f08c9f8c8945c405bb9".to_owned());
        let mut settings = fresh.changed(&change).unwrap().with_motion(&motion).unwrap();
        settings.document.max_steps = Some(1_450);
        (settings.travel_steps, settings.calibrated_unix_s) = (Some(1_550), Some(1_735_689_599));
        settings
    }

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Content of the example's settings as version 2 wrote it.
    const V2: &str = "086772c3b6c39f657216c00c7864503c32281e140a008019c801f001d8040e000000000018744000000000\
                      8040af40c976be9f0c24fe40000000000094c1400000000000c04b40";

    #[test]
    fn a_record_begins_with_the_bytes_of_version_2() {
        let settings = example();
        let record = encode_settings(&settings).unwrap();
        let (version, content) = unseal(&record, STORED_VERSION).unwrap();
        assert_eq!(version, STORED_VERSION);
        assert!(hex(content).starts_with(V2), "{}", hex(content));
        assert!(hex(content) == V2 || version > 2, "{}", hex(content));
        let found = encode_calibration(&settings).unwrap().unwrap();
        assert_eq!(hex(&found), "01d416019c1801ff8ad2bb06ada0f6ac");
    }

    #[test]
    fn version_2_is_read_with_the_defaults_of_later_settings() {
        let settings = example();
        let bytes: Vec<u8> =
            (0..V2.len()).step_by(2).map(|i| u8::from_str_radix(&V2[i..i + 2], 16).unwrap()).collect();
        let found = encode_calibration(&settings).unwrap().unwrap();
        let read = |version, content: &[u8]| {
            decode_settings(settings.document.id.as_bytes(), &seal(version, content), Some(&found))
        };
        assert_eq!(read(2, &bytes), Ok(Ok(settings.clone())));
        let surplus = [bytes.as_slice(), &[0]].concat();
        for (version, content, said) in [
            (1, bytes.as_slice(), "the settings: version 1 where version 2 belongs"),
            (2, &surplus, "the settings: surplus bytes"),
            (2, &bytes[1..], "the settings cannot be decoded: "),
        ] {
            let Err(DatabaseError::Unreadable(why)) = read(version, content) else { panic!("{said}") };
            assert!(why.starts_with(said), "{why}");
        }
    }

    #[test]
    fn a_backup_has_the_keys_of_version_2() {
        let mut document = document::write(&StoredState::of(example()), 0, 7);
        // A later version may have more.
        for row in crate::settings::fields().filter(|row| row.since > OLDEST_VERSION) {
            for part in ["settings", "motion"] {
                let part = document[part].as_object_mut().unwrap();
                part.shift_remove(row.stored_as.unwrap_or_default());
            }
        }
        assert_eq!(
            document["settings"].to_string(),
            r#"{"id":"6b046f08c9f8c8945c405bb9","name":"größer","tick_stroke_limit_mm":11,"force_limit_g":800,"#
                .to_owned()
                + r#""stroke_force_chart_percent":[60,50,40,30,25,20,15,10,5,0],"microsteps_per_rev":1600,"#
                + r#""wave_resolution_hz":100,"stroke_limit_mm":120,"max_stroke_mm":300,"padding_mm":7}"#
        );
        assert_eq!(
            document["motion"].to_string(),
            r#"{"max_speed_mm_s":321.5,"max_acceleration_mm_s2":4000.25,"max_jerk_mm_s3":123456.789,"#
                .to_owned()
                + r#""stop_deceleration_mm_s2":9000.0,"approach_speed_mm_s":55.5}"#
        );
        assert_eq!(
            document["calibration"].to_string(),
            r#"{"max_steps":1450,"travel_steps":1550,"calibrated_unix_s":1735689599}"#
        );
    }
}
