//! Persistent state as one value, and the changes to it.
//!
//! Its bounds keep the store small: the number and size of waves, the number of sessions, of devices and of audit
//! entries. A later version may widen them and never narrow them, as stored values have to stay readable.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::audit::AuditEntry;
use super::commissioning::CommissioningRecord;
use super::device::{CardCode, DeviceRecord, DeviceRole};
use super::feeds::FeedSettings;
use super::name::check_name;
use super::patterns::{PatternMemory, PatternSettings};
use super::player::PlayerSettings;
use super::session::{Counters, MAX_WHOLE, SessionRecord};
use crate::settings::Settings;

/// Largest number of saved waves.
pub const MAX_WAVES: usize = 64;
/// Longest name of a wave (characters).
pub const WAVE_NAME_CHARS: usize = 64;
/// Largest saved wave, as compact JSON (bytes).
pub const WAVE_BYTES: usize = 64 * 1024;
/// Largest size of all saved waves together (bytes).
pub const WAVES_BYTES: usize = 512 * 1024;
/// Number of sessions that are kept, the newest.
pub const MAX_SESSIONS: usize = 200;
/// At this number sessions are renumbered from 1, so that there is always a next number.
const RENUMBER_FROM: u64 = MAX_WHOLE / 2;
/// Longest name of a kind of sensor (characters).
const SENSOR_CHARS: usize = 16;

/// Persistent state.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredState {
    /// Settings and calibration.
    pub settings: Settings,
    /// Saved waves by name.
    pub waves: BTreeMap<String, SavedWave>,
    /// Sessions by number; later ones have higher numbers.
    pub sessions: BTreeMap<u64, SessionRecord>,
    /// Sums over all sessions, including those that are no longer kept.
    pub counters: Counters,
    /// Scale of the force sensor; `None` before the first tare. It is no setting: a reset of the settings keeps it.
    pub force_scale: Option<ForceScale>,
    /// What the first run has proven. A reset of the settings keeps it.
    pub commissioning: CommissioningRecord,
    /// Settings of the feeds. A reset of the settings keeps them; a backup has those of the motion only.
    pub feeds: FeedSettings,
    /// The pattern that was used last, and the saved ones. A reset of the settings keeps them.
    pub patterns: PatternMemory,
    /// Settings of the media player. A reset of the settings keeps them; a backup has them without the password.
    pub player: PlayerSettings,
    /// Paired devices by number. A reset of the settings and a backup keep them, as everything below.
    pub devices: BTreeMap<u32, DeviceRecord>,
    /// Number of the device that was added last, which may be gone; 0 before the first. No number is given twice.
    pub last_device: u32,
    /// Newest entries of the audit log, the newest last.
    pub audit: VecDeque<AuditEntry>,
    /// Time that the machine has run in all, in hours. It only rises, unlike the wall clock.
    pub machine_h: u32,
    /// Pairing code that was taken over from the card; `None` before the first.
    pub card_code: Option<CardCode>,
}

/// Scale of a force sensor: `force = (reading − zero) / per_g`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ForceScale {
    /// Kind of sensor, `uart` or `i2c`; the scale is ignored for any other.
    pub sensor: String,
    /// Reading of the unloaded cell, in the sensor's own unit; null before the first tare.
    pub zero: Option<f64>,
    /// Change of the reading per gram; not zero, null before the first calibration, negative for a cell that is mounted the
    /// other way round.
    pub per_g: Option<f64>,
}

impl ForceScale {
    /// Checks that the values are possible.
    ///
    /// # Errors
    /// A message about the first impossible value.
    pub fn check(&self) -> Result<(), String> {
        let is_word = (1..=SENSOR_CHARS).contains(&self.sensor.len())
            && self.sensor.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
        if !is_word {
            return Err(format!("sensor must be 1 to {SENSOR_CHARS} small letters and digits"));
        }
        if self.zero.is_some_and(|zero| !zero.is_finite()) {
            return Err("zero must be a finite number".to_owned());
        }
        if self.per_g.is_some_and(|per_g| !per_g.is_finite() || per_g == 0.0) {
            return Err("per_g must be a finite number, and not zero".to_owned());
        }
        Ok(())
    }
}

/// Saved wave: a client's JSON object, which was checked when it was saved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SavedWave(Arc<str>);

impl SavedWave {
    /// A wave from the JSON `asked`, which the caller has checked.
    ///
    /// # Errors
    /// It is no object, or larger than [`WAVE_BYTES`].
    pub fn new(asked: &Value) -> Result<SavedWave, String> {
        if !asked.is_object() {
            return Err("a wave must be a JSON object".to_owned());
        }
        let text = asked.to_string();
        if text.len() > WAVE_BYTES {
            return Err(format!("a saved wave may have {WAVE_BYTES} bytes as JSON, not {}", text.len()));
        }
        Ok(SavedWave(text.into()))
    }

    /// Reads the stored text.
    ///
    /// # Errors
    /// See [`SavedWave::new`].
    pub fn from_text(text: &str) -> Result<SavedWave, String> {
        SavedWave::new(&serde_json::from_str(text).map_err(|error| error.to_string())?)
    }

    /// As compact JSON.
    pub fn text(&self) -> &str {
        &self.0
    }

    /// The JSON of the client.
    pub fn value(&self) -> Value {
        Value::Object(self.object())
    }

    /// The JSON of the client as an object, which it always is.
    pub fn object(&self) -> Map<String, Value> {
        // Always valid, as the text was made from an object.
        serde_json::from_str(&self.0).unwrap_or_default()
    }
}

/// Checks the name of a wave.
///
/// # Errors
/// The rule for names.
pub fn check_wave_name(name: &str) -> Result<(), String> {
    check_name(name, WAVE_NAME_CHARS)
}

/// A change of the state.
#[derive(Debug, Clone, PartialEq)]
pub enum StateChange {
    /// Replaces the settings.
    Settings(Settings),
    /// Saves a wave under this name; replaces another one.
    SaveWave(String, SavedWave),
    /// Deletes the wave of this name.
    ForgetWave(String),
    /// Saves the session under this number.
    Session(u64, SessionRecord),
    /// Replaces the scale of the force sensor.
    ForceScale(ForceScale),
    /// Replaces the record of the first run.
    Commissioning(CommissioningRecord),
    /// Replaces the settings of the feeds.
    Feeds(FeedSettings),
    /// Replaces the pattern that was used last; its speed is not kept.
    Patterns(PatternSettings),
    /// Saves a pattern under this name; replaces another one.
    SavePattern(String, PatternSettings),
    /// Deletes the pattern of this name.
    ForgetPattern(String),
    /// Replaces the settings of the media player.
    Player(PlayerSettings),
    /// Replaces everything that a backup has; devices, audit log, machine time, card code, the hosts that reach the feeds and
    /// the password of the same media player stay. If it has no force scale, the present one stays, as an old backup does
    /// not mean that the sensor is gone. What the first run has proven here stays, too.
    Everything(Box<StoredState>),
    /// Adds the device under [`StoredState::next_device`], or replaces the record of the device of this number, which
    /// must have the same token.
    PutDevice(u32, DeviceRecord),
    /// Renames the device of this number. Unlike a replaced record, it cannot undo a change of the role at the same time.
    RenameDevice(u32, String),
    /// Gives the device of this number another role.
    SetDeviceRole(u32, DeviceRole),
    /// Revokes the device of this number, if it is there.
    ForgetDevice(u32),
    /// Appends the entry to the audit log, under the next number.
    Audit(AuditEntry),
    /// Adds an hour of machine time.
    Hour {
        /// Numbers of the devices that were used in it, each with the time at which it was last seen, in seconds since
        /// 1970.
        used: Vec<(u32, u64)>,
    },
    /// Replaces the pairing code of the card.
    CardCode(Option<CardCode>),
    /// Makes all these changes in their order, in one write; or none, if one is refused.
    Several(Vec<StateChange>),
}

impl From<Settings> for StateChange {
    fn from(settings: Settings) -> StateChange {
        StateChange::Settings(settings)
    }
}

impl StoredState {
    /// A state with these settings and nothing else.
    pub fn of(settings: Settings) -> StoredState {
        StoredState {
            settings,
            waves: BTreeMap::new(),
            sessions: BTreeMap::new(),
            counters: Counters::default(),
            force_scale: None,
            commissioning: CommissioningRecord::default(),
            feeds: FeedSettings::default(),
            patterns: PatternMemory::default(),
            player: PlayerSettings::default(),
            devices: BTreeMap::new(),
            last_device: 0,
            audit: VecDeque::new(),
            machine_h: 0,
            card_code: None,
        }
    }

    /// Applies a change.
    ///
    /// # Errors
    /// A bound is exceeded; then nothing has changed.
    pub fn apply(&mut self, change: StateChange) -> Result<(), String> {
        match change {
            StateChange::Settings(settings) => self.settings = settings,
            StateChange::SaveWave(name, wave) => {
                check_wave_name(&name)?;
                let before = self.waves.insert(name.clone(), wave);
                if let Err(why) = self.check_bounds() {
                    match before {
                        Some(before) => self.waves.insert(name, before),
                        None => self.waves.remove(&name),
                    };
                    return Err(why);
                }
            }
            StateChange::ForgetWave(name) => drop(self.waves.remove(&name)),
            StateChange::Session(number, session) => self.put_session(number, session),
            StateChange::ForceScale(scale) => {
                scale.check()?;
                self.force_scale = Some(scale);
            }
            StateChange::Commissioning(record) => {
                record.check()?;
                self.commissioning = record;
            }
            StateChange::Feeds(feeds) => {
                feeds.check()?;
                self.feeds = feeds;
            }
            StateChange::Patterns(settings) => self.patterns.keep(settings)?,
            StateChange::SavePattern(name, settings) => self.patterns.save(name, settings)?,
            StateChange::ForgetPattern(name) => drop(self.patterns.saved.remove(&name)),
            StateChange::Player(player) => {
                player.check()?;
                self.player = player;
            }
            StateChange::Everything(state) => {
                let mut present = std::mem::replace(self, *state);
                self.force_scale = self.force_scale.take().or(present.force_scale.take());
                let (own, restored) = (&mut present.commissioning, &mut self.commissioning);
                *restored = std::mem::take(own).after_restoring(std::mem::take(restored));
                self.keep_access_of(present);
                self.renumber_sessions();
            }
            StateChange::PutDevice(number, device) => self.put_device(number, device)?,
            StateChange::RenameDevice(number, name) => self.rename_device(number, name)?,
            StateChange::SetDeviceRole(number, role) => self.set_device_role(number, role)?,
            StateChange::ForgetDevice(number) => drop(self.devices.remove(&number)),
            StateChange::Audit(entry) => self.append_audit(entry),
            StateChange::Hour { used } => self.count_hour(&used),
            StateChange::CardCode(code) => self.card_code = code,
            StateChange::Several(changes) => {
                let mut next = self.clone();
                changes.into_iter().try_for_each(|change| next.apply(change))?;
                *self = next;
            }
        }
        Ok(())
    }

    /// Clamps values of an older version to the present bounds, so that they are still read: numbers of sessions,
    /// counts and times above [`MAX_WHOLE`].
    pub fn clamp_to_bounds(&mut self) {
        self.renumber_sessions();
        for session in self.sessions.values_mut() {
            session.started_unix_s = session.started_unix_s.min(MAX_WHOLE);
            session.strokes = session.strokes.min(MAX_WHOLE);
        }
        let Counters { sessions, strokes, faults, .. } = &mut self.counters;
        for count in [sessions, strokes, faults] {
            *count = (*count).min(MAX_WHOLE);
        }
    }

    fn renumber_sessions(&mut self) {
        if self.sessions.last_key_value().is_some_and(|(last, _)| *last >= RENUMBER_FROM) {
            let sessions = std::mem::take(&mut self.sessions);
            self.sessions = (1..).zip(sessions.into_values()).collect();
        }
    }

    /// Number of the next session.
    pub fn next_session(&self) -> u64 {
        self.sessions.last_key_value().map_or(1, |(number, _)| number + 1)
    }

    /// Ends sessions that a process left open when it died.
    pub fn end_interrupted(&mut self) {
        let open: Vec<_> =
            self.sessions.iter().filter(|(_, session)| session.ended.is_none()).map(|(n, _)| *n).collect();
        for number in open {
            if let Some(session) = self.sessions.get(&number) {
                self.put_session(number, session.interrupted());
            }
        }
    }

    fn put_session(&mut self, number: u64, session: SessionRecord) {
        let counted = self.sessions.get(&number).is_some_and(|before| before.ended.is_some());
        if session.ended.is_some() && !counted {
            self.counters.add(&session);
        }
        self.sessions.insert(number, session);
        while self.sessions.len() > MAX_SESSIONS {
            self.sessions.pop_first();
        }
    }

    /// Checks everything except the settings, which have a check of their own.
    ///
    /// # Errors
    /// A message about the first problem.
    pub fn check_rest(&self) -> Result<(), String> {
        for name in self.waves.keys() {
            check_wave_name(name).map_err(|why| format!("wave {name:?}: {why}"))?;
        }
        self.check_bounds()?;
        if self.sessions.len() > MAX_SESSIONS {
            return Err(format!("at most {MAX_SESSIONS} sessions are kept, not {}", self.sessions.len()));
        }
        for (number, session) in &self.sessions {
            session.check().map_err(|why| format!("session {number}: {why}"))?;
        }
        if let Some((last, _)) = self.sessions.last_key_value().filter(|(last, _)| **last > MAX_WHOLE) {
            return Err(format!("session {last}: its number must be at most {MAX_WHOLE}"));
        }
        if let Some(scale) = &self.force_scale {
            scale.check().map_err(|why| format!("force_scale: {why}"))?;
        }
        self.commissioning.check().map_err(|why| format!("commissioning: {why}"))?;
        self.feeds.check().map_err(|why| format!("feeds: {why}"))?;
        self.patterns.check().map_err(|why| format!("patterns: {why}"))?;
        self.player.check().map_err(|why| format!("player: {why}"))?;
        self.check_access()?;
        self.counters.check()
    }

    fn check_bounds(&self) -> Result<(), String> {
        if self.waves.len() > MAX_WAVES {
            return Err(format!("at most {MAX_WAVES} waves can be saved: forget one first"));
        }
        let bytes: usize = self.waves.values().map(|wave| wave.text().len()).sum();
        if bytes > WAVES_BYTES {
            return Err(format!(
                "all saved waves together may have {WAVES_BYTES} bytes, these have {bytes}: forget one first"
            ));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::feeds::StoredWindow;
    use super::super::session::SessionEnd;
    use super::*;
    use crate::settings::new_id;

    fn fresh() -> StoredState {
        StoredState::of(Settings::fresh(new_id()))
    }

    fn wave(bytes: usize) -> SavedWave {
        SavedWave::new(&json!({ "type": "x".repeat(bytes) })).unwrap()
    }

    #[test]
    fn waves_have_names_and_so_much_room() {
        let mut state = fresh();
        for name in ["", " a", "a ", "a\n", &"x".repeat(65)] {
            assert!(state.apply(StateChange::SaveWave(name.into(), wave(1))).is_err(), "{name:?}");
        }
        for n in 0..MAX_WAVES {
            state.apply(StateChange::SaveWave(n.to_string(), wave(1))).unwrap();
        }
        let full = state.clone();
        assert!(state.apply(StateChange::SaveWave("one more".into(), wave(1))).is_err());
        assert_eq!(state, full);
        state.apply(StateChange::SaveWave("0".into(), wave(2))).unwrap();
        assert_eq!(state.waves["0"], wave(2));
        state.apply(StateChange::ForgetWave("0".into())).unwrap();
        assert_eq!(state.waves.len(), MAX_WAVES - 1);

        let (mut state, large) = (fresh(), wave(60_000));
        for n in 0..8 {
            state.apply(StateChange::SaveWave(n.to_string(), large.clone())).unwrap();
        }
        let full = state.clone();
        assert!(state.apply(StateChange::SaveWave("8".into(), large)).unwrap_err().contains("together"));
        assert_eq!(state, full);
        assert_eq!(state.check_rest(), Ok(()));
        assert!(SavedWave::new(&json!({ "type": "x".repeat(WAVE_BYTES) })).is_err());
        assert!(SavedWave::new(&json!([])).is_err());
    }

    #[test]
    fn the_oldest_sessions_are_forgotten_and_stay_counted() {
        let mut state = fresh();
        let done = SessionRecord { ended: Some(SessionEnd::Stop), strokes: 2, ..SessionRecord::begun(1_000) };
        for number in 1..=MAX_SESSIONS as u64 + 50 {
            assert_eq!(state.next_session(), number);
            state.apply(StateChange::Session(number, SessionRecord::begun(1_000))).unwrap();
            state.apply(StateChange::Session(number, done.clone())).unwrap();
        }
        assert_eq!(state.sessions.len(), MAX_SESSIONS);
        assert_eq!(state.sessions.first_key_value().unwrap().0, &51);
        assert_eq!((state.counters.sessions, state.counters.strokes), (250, 500));
        // A session that is saved twice is counted once.
        state.apply(StateChange::Session(250, done)).unwrap();
        assert_eq!(state.counters.sessions, 250);
    }

    #[test]
    fn a_force_scale_outlives_a_reset_and_a_backup_without_one() {
        let mut state = fresh();
        let scale = ForceScale { sensor: "uart".to_owned(), zero: Some(-5.0), per_g: Some(-417.5) };
        state.apply(StateChange::ForceScale(scale.clone())).unwrap();
        state.apply(StateChange::Settings(Settings::fresh(new_id()))).unwrap();
        state.apply(StateChange::Everything(Box::new(fresh()))).unwrap();
        assert_eq!(state.force_scale, Some(scale.clone()));
        let other = ForceScale { sensor: "i2c".to_owned(), zero: None, per_g: None };
        let with = StoredState { force_scale: Some(other.clone()), ..fresh() };
        state.apply(StateChange::Everything(Box::new(with))).unwrap();
        assert_eq!(state.force_scale, Some(other.clone()));
        for wrong in [
            ForceScale { sensor: String::new(), ..scale.clone() },
            ForceScale { sensor: "UART".to_owned(), ..scale.clone() },
            ForceScale { sensor: "u".repeat(17), ..scale.clone() },
            ForceScale { zero: Some(f64::NAN), ..scale.clone() },
            ForceScale { per_g: Some(0.0), ..scale.clone() },
            ForceScale { per_g: Some(f64::INFINITY), ..scale },
        ] {
            assert!(state.apply(StateChange::ForceScale(wrong.clone())).is_err(), "{wrong:?}");
            assert!(StoredState { force_scale: Some(wrong), ..fresh() }.check_rest().is_err());
        }
        assert_eq!(state.force_scale, Some(other), "what was refused has changed nothing");
    }

    #[test]
    fn a_backup_brings_the_window_of_the_feeds_and_opens_nothing() {
        let opened = |back_mm, last| FeedSettings {
            window: Some(StoredWindow { back_mm, front_mm: 100.0 }),
            vibration: true,
            vibration_speed_share: 0.5,
            tcode_beyond_loopback: true,
            buttplug_beyond_loopback: false,
            allowed_hosts: vec![[192, 168, 1, last].into()],
        };
        let mut state = fresh();
        state.apply(StateChange::Feeds(opened(10.0, 1))).unwrap();
        state.apply(StateChange::Settings(Settings::fresh(new_id()))).unwrap();
        assert_eq!(state.feeds, opened(10.0, 1));
        let backup = StoredState { feeds: opened(20.0, 2), ..fresh() };
        state.apply(StateChange::Everything(Box::new(backup.clone()))).unwrap();
        assert_eq!(state.feeds, opened(20.0, 1));
        let mut other = fresh();
        other.apply(StateChange::Everything(Box::new(backup))).unwrap();
        assert!(!other.feeds.tcode_beyond_loopback && other.feeds.allowed_hosts.is_empty());
        let wrong = FeedSettings { vibration_speed_share: 2.0, ..opened(10.0, 1) };
        assert!(state.apply(StateChange::Feeds(wrong.clone())).is_err());
        assert_eq!(state.feeds, opened(20.0, 1), "what was refused has changed nothing");
        let why = StoredState { feeds: wrong, ..fresh() }.check_rest().unwrap_err();
        assert_eq!(why, "feeds: vibration_speed_share must be 0 to 1, not 2");
    }

    #[test]
    fn what_a_dead_process_did_not_end_is_ended() {
        let mut state = fresh();
        state
            .apply(StateChange::Session(1, SessionRecord { strokes: 7, ..SessionRecord::begun(1_000) }))
            .unwrap();
        state.end_interrupted();
        assert_eq!(state.sessions[&1].ended, Some(SessionEnd::Interrupted));
        assert_eq!((state.counters.sessions, state.counters.strokes), (1, 7));
        let before = state.clone();
        state.end_interrupted();
        assert_eq!(state, before);
    }
}
