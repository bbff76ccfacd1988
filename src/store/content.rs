//! Encoding of the state to the trees of a database, and decoding.

use super::engine::{Batch, DatabaseError, Engine, StoredValues, Tree, WriteError};
use super::patterns::{PatternMemory, PatternSettings};
use super::seal::damaged;
use super::session::MAX_WHOLE;
use super::state::StoredState;
use super::{migrate, record, seal};
use crate::settings::{Invalid, Settings};

/// Decoded content of a database.
#[derive(Debug)]
pub struct Stored {
    /// Id of the settings document.
    pub id: String,
    /// Settings, or all that is wrong with them.
    pub settings: Result<Settings, Vec<Invalid>>,
    /// The whole state, with default settings in place of the stored ones.
    pub rest: StoredState,
    /// Number of writes so far.
    pub generation: u64,
}

/// Content of a database, decoded and as bytes.
#[derive(Debug)]
pub struct StoredContent {
    /// `None` in an empty database.
    pub stored: Option<Stored>,
    /// All values.
    pub content: StoredValues,
    /// Version of the layout.
    pub version: Option<u8>,
}

/// Reads and decodes the whole database, migrated from older versions.
///
/// # Errors
/// [`DatabaseError`].
pub fn read(engine: &dyn Engine) -> Result<StoredContent, DatabaseError> {
    let mut content = StoredValues::new();
    for tree in Tree::ALL {
        content.extend(engine.read(tree)?.into_iter().map(|(key, value)| ((tree, key), value)));
    }
    let version = migrate::version(&content)?;
    let stored = match version {
        Some(migrate::LAYOUT_VERSION) => decode(&content)?,
        Some(older) => decode(&migrate::upgrade(content.clone(), older)?)?,
        None => None,
    };
    if stored.is_none() && engine.generation() > 0 {
        return Err(damaged("its settings are gone"));
    }
    Ok(StoredContent { stored, content, version })
}

/// Decodes content of the present version.
///
/// # Errors
/// [`DatabaseError`].
pub fn decode(content: &StoredValues) -> Result<Option<Stored>, DatabaseError> {
    let of = |wanted: Tree| {
        let of_tree = content.iter().filter(move |((tree, _), _)| *tree == wanted);
        of_tree.map(|((_, key), value)| (key.as_slice(), value.as_slice()))
    };
    let only = |tree: Tree| content.get(&(tree, Tree::ONLY_KEY.to_vec())).map(Vec::as_slice);
    let Some((id, settings)) = of(Tree::Settings).next() else { return Ok(None) };
    if of(Tree::Settings).count() > 1 {
        return Err(damaged("there are two settings documents"));
    }
    let settings = record::decode_settings(id, settings, only(Tree::Calibration))?;
    let id = String::from_utf8_lossy(id).into_owned();
    let mut rest = StoredState::of(Settings::fresh(id.clone()));
    for (name, value) in of(Tree::Waves) {
        let (name, wave) = record::decode_wave(name, value)?;
        rest.waves.insert(name, wave);
    }
    for (number, value) in of(Tree::Sessions) {
        let (number, session) = record::decode_session(number, value)?;
        rest.sessions.insert(number, session);
    }
    if let Some(value) = only(Tree::Counters) {
        rest.counters = record::decode_counters(value)?;
    }
    if let Some(value) = content.get(&(Tree::Calibration, Tree::FORCE_KEY.to_vec())) {
        rest.force_scale = Some(record::decode_force_scale(value)?);
    }
    if let Some(value) = content.get(&(Tree::Calibration, Tree::COMMISSIONING_KEY.to_vec())) {
        rest.commissioning = record::decode_commissioning(value)?;
    }
    if let Some(value) = content.get(&(Tree::Calibration, Tree::FEEDS_KEY.to_vec())) {
        rest.feeds = record::decode_feeds(value)?;
    }
    if let Some(value) = content.get(&(Tree::Calibration, Tree::PATTERN_KEY.to_vec())) {
        rest.patterns.kept = record::decode_pattern(value)?;
    }
    for (name, value) in of(Tree::Patterns) {
        let (name, pattern) = record::decode_saved_pattern(name, value)?;
        rest.patterns.saved.insert(name, pattern);
    }
    if let Some(value) = content.get(&(Tree::Calibration, Tree::PLAYER_KEY.to_vec())) {
        rest.player = record::decode_player(value)?;
    }
    for (key, value) in of(Tree::Devices) {
        match key {
            Tree::LAST_DEVICE_KEY => {
                rest.last_device = record::decode_number("the number of the last device", value)?;
            }
            Tree::CARD_CODE_KEY => rest.card_code = Some(record::decode_card_code(value)?),
            number => {
                let (number, device) = record::decode_device(number, value)?;
                rest.devices.insert(number, device);
            }
        }
    }
    for (number, value) in of(Tree::Audit) {
        rest.audit.push_back(record::decode_audit(number, value)?);
    }
    if let Some(value) = content.get(&(Tree::Counters, Tree::MACHINE_H_KEY.to_vec())) {
        rest.machine_h = record::decode_number("the machine time", value)?;
    }
    rest.clamp_to_bounds();
    rest.check_rest().map_err(damaged)?;
    let generation = content.get(&(Tree::Meta, Tree::GENERATION_KEY.to_vec()));
    let generation = generation.ok_or_else(|| damaged("the number of its last write is gone"))?;
    let generation = seal::decode("the number of the last write", 1, generation)?;
    if generation > MAX_WHOLE {
        return Err(damaged("the number of its last write is one that nobody made"));
    }
    Ok(Some(Stored { id, settings, rest, generation }))
}

/// Encodes `state`, without the number of the write.
///
/// # Errors
/// The encoder's; it has none for these values.
pub fn encode(state: &StoredState) -> Result<StoredValues, String> {
    let only = || Tree::ONLY_KEY.to_vec();
    let mut content = StoredValues::new();
    let id = state.settings.document.id.clone().into_bytes();
    content.insert((Tree::Settings, id), record::encode_settings(&state.settings)?);
    if let Some(found) = record::encode_calibration(&state.settings)? {
        content.insert((Tree::Calibration, only()), found);
    }
    if let Some(scale) = &state.force_scale {
        let key = Tree::FORCE_KEY.to_vec();
        content.insert((Tree::Calibration, key), record::encode_force_scale(scale)?);
    }
    if !state.commissioning.is_blank() {
        let key = Tree::COMMISSIONING_KEY.to_vec();
        content.insert((Tree::Calibration, key), record::encode_commissioning(&state.commissioning)?);
    }
    if !state.feeds.is_default() {
        content.insert((Tree::Calibration, Tree::FEEDS_KEY.to_vec()), record::encode_feeds(&state.feeds)?);
    }
    let PatternMemory { kept, saved } = &state.patterns;
    if *kept != PatternSettings::default() {
        content.insert((Tree::Calibration, Tree::PATTERN_KEY.to_vec()), record::encode_pattern(kept)?);
    }
    for (name, pattern) in saved {
        content.insert((Tree::Patterns, name.clone().into_bytes()), record::encode_pattern(pattern)?);
    }
    if !state.player.is_default() {
        content.insert((Tree::Calibration, Tree::PLAYER_KEY.to_vec()), record::encode_player(&state.player)?);
    }
    for (name, wave) in &state.waves {
        content.insert((Tree::Waves, name.clone().into_bytes()), record::encode_wave(wave)?);
    }
    for (number, session) in &state.sessions {
        content.insert((Tree::Sessions, number.to_be_bytes().to_vec()), record::encode_session(session)?);
    }
    content.insert((Tree::Counters, only()), record::encode_counters(&state.counters)?);
    let machine_h = record::encode_number(state.machine_h)?;
    content.insert((Tree::Counters, Tree::MACHINE_H_KEY.to_vec()), machine_h);
    for (number, device) in &state.devices {
        content.insert((Tree::Devices, number.to_be_bytes().to_vec()), record::encode_device(device)?);
    }
    let last_device = record::encode_number(state.last_device)?;
    content.insert((Tree::Devices, Tree::LAST_DEVICE_KEY.to_vec()), last_device);
    if let Some(code) = &state.card_code {
        content.insert((Tree::Devices, Tree::CARD_CODE_KEY.to_vec()), record::encode_card_code(code)?);
    }
    for entry in &state.audit {
        content.insert((Tree::Audit, entry.number.to_be_bytes().to_vec()), record::encode_audit(entry)?);
    }
    content.insert((Tree::Meta, Tree::LAYOUT_KEY.to_vec()), migrate::layout_value(migrate::LAYOUT_VERSION));
    Ok(content)
}

/// The batch that turns `old` into `new`; ignores the number of the write.
pub fn difference(old: &StoredValues, new: &StoredValues) -> Batch {
    let is_number = |(tree, key): &(Tree, Vec<u8>)| *tree == Tree::Meta && key == Tree::GENERATION_KEY;
    let gone = old.keys().filter(|place| !new.contains_key(place) && !is_number(place));
    let gone = gone.map(|(tree, key)| (*tree, key.clone(), None));
    let other = new.iter().filter(|(place, value)| old.get(place) != Some(value));
    let other = other.map(|((tree, key), value)| (*tree, key.clone(), Some(value.clone())));
    gone.chain(other).collect()
}

/// Adds the number of the write to the batch.
///
/// # Errors
/// The encoder's; it has none for a number.
pub fn with_generation(mut batch: Batch, generation: u64) -> Result<Batch, String> {
    let value = seal::encode(1, &generation)?;
    batch.push((Tree::Meta, Tree::GENERATION_KEY.to_vec(), Some(value)));
    Ok(batch)
}

/// Writes the difference between `old`, which the database holds, and `state`, as one batch; returns the new content.
///
/// # Errors
/// [`WriteError`].
pub fn write(
    engine: &mut dyn Engine,
    old: &StoredValues,
    state: &StoredState,
    generation: u64,
) -> Result<StoredValues, WriteError> {
    let failed = |why: String| WriteError { why, full: false };
    let new = encode(state).map_err(failed)?;
    let batch = with_generation(difference(old, &new), generation).map_err(failed)?;
    engine.commit(&batch, generation)?;
    Ok(new)
}

#[cfg(test)]
mod tests {
    use super::super::memory::MemoryEngine;
    use super::*;
    use crate::settings::new_id;

    fn write(engine: &mut MemoryEngine, state: &StoredState, generation: u64) {
        let old = read(engine).unwrap().content;
        super::write(engine, &old, state, generation).unwrap();
    }

    #[test]
    fn what_was_written_is_found_again() {
        let mut engine = MemoryEngine::default();
        assert!(read(&engine).unwrap().stored.is_none());
        let settings = Settings::fresh(new_id());
        let mut state = StoredState::of(settings.clone());
        write(&mut engine, &state, 1);
        // Another document replaces the first.
        state.settings = Settings::fresh(new_id());
        write(&mut engine, &state, 2);
        let stored = read(&engine).unwrap().stored.unwrap();
        assert_eq!((stored.generation, stored.settings), (2, Ok(state.settings)));
        assert_ne!(stored.id, settings.document.id);
    }

    #[test]
    fn only_what_differs_is_written() {
        let mut engine = MemoryEngine::default();
        let mut state = StoredState::of(Settings::fresh(new_id()));
        write(&mut engine, &state, 1);
        let content = read(&engine).unwrap().content;
        assert_eq!(difference(&content, &encode(&state).unwrap()), []);
        state.settings.document.force_limit = 7;
        let batch = difference(&content, &encode(&state).unwrap());
        assert_eq!(batch.iter().map(|(tree, ..)| *tree).collect::<Vec<_>>(), [Tree::Settings]);
    }

    #[test]
    fn settings_that_vanished_are_damage() {
        let mut engine = MemoryEngine::default();
        let state = StoredState::of(Settings::fresh(new_id()));
        write(&mut engine, &state, 1);
        let id = state.settings.document.id.into_bytes();
        engine.commit(&vec![(Tree::Settings, id, None)], 2).unwrap();
        assert!(matches!(read(&engine), Err(DatabaseError::Unreadable(_))));
    }
}
