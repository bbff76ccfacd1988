//! What a database holds, whatever kind it is: read once at the start, and written as a whole.

use super::engine::{Engine, Tree, Trouble};
use super::record::{self, Loaded};
use super::{Opened, Recovery, StoreError};
use crate::settings::{Settings, is_id, new_id};

/// Version of the trees and their keys.
const LAYOUT_VERSION: u8 = 1;

/// A document that was found, under its id.
pub struct Stored {
    id: Vec<u8>,
    loaded: Loaded,
}

/// Reads every byte that counts.
///
/// # Errors
/// [`Trouble`].
pub fn read(engine: &dyn Engine) -> Result<Option<Stored>, Trouble> {
    for (key, value) in engine.read(Tree::Meta)? {
        if key == Tree::LAYOUT_KEY {
            record::unseal(&value, LAYOUT_VERSION)?;
        }
    }
    let mut newest: Option<Stored> = None;
    for (id, value) in engine.read(Tree::Settings)? {
        let loaded = record::decode(&id, &value)?;
        if newest.as_ref().is_none_or(|newest| newest.loaded.generation <= loaded.generation) {
            newest = Some(Stored { id, loaded });
        }
    }
    if newest.is_none() && engine.generation() > 0 {
        return Err(Trouble::Unreadable("its settings are gone".to_owned()));
    }
    Ok(newest)
}

/// Decides what to run with, and says which generation that is. Writes only to a database without settings,
/// whose recovery is then `if_empty`.
///
/// # Errors
/// [`StoreError::Write`].
pub fn choose(
    engine: &mut dyn Engine,
    stored: Option<Stored>,
    if_empty: Recovery,
) -> Result<(u64, Opened), StoreError> {
    let Some(Stored { id, loaded }) = stored else {
        let settings = Settings::fresh(new_id());
        let layout = (Tree::LAYOUT_KEY.to_vec(), record::seal(LAYOUT_VERSION, &[]));
        engine.replace(Tree::Meta, &vec![layout], 0).map_err(StoreError::Write)?;
        write(engine, &settings, 1)?;
        return Ok((1, Opened { settings, recovery: if_empty }));
    };
    let generation = loaded.generation.max(engine.generation());
    let lost = generation - loaded.generation;
    let opened = match loaded.settings {
        Ok(settings) if lost == 0 => Opened { settings, recovery: Recovery::Clean },
        Ok(settings) => Opened { settings, recovery: Recovery::RolledBack { lost } },
        Err(problems) => {
            // A page that was loaded before keeps working: its id stays.
            let id = String::from_utf8(id).ok().filter(|id| is_id(id)).unwrap_or_else(new_id);
            Opened { settings: Settings::fresh(id), recovery: Recovery::Invalid { problems } }
        }
    };
    Ok((generation, opened))
}

/// Makes these settings the stored ones.
///
/// # Errors
/// [`StoreError::Write`].
pub fn write(engine: &mut dyn Engine, settings: &Settings, generation: u64) -> Result<(), StoreError> {
    let value = record::encode(settings, generation).map_err(StoreError::Write)?;
    let entry = (settings.document.id.clone().into_bytes(), value);
    engine.replace(Tree::Settings, &vec![entry], generation).map_err(StoreError::Write)
}

#[cfg(test)]
mod tests {
    use super::super::memory::Memory;
    use super::*;

    fn of(engine: &mut Memory) -> (u64, Opened) {
        let stored = read(engine).unwrap();
        choose(engine, stored, Recovery::Fresh).unwrap()
    }

    #[test]
    fn what_was_begun_is_found_again() {
        let mut engine = Memory::default();
        let (generation, begun) = of(&mut engine);
        assert_eq!((generation, &begun.recovery), (1, &Recovery::Fresh));
        assert_eq!(of(&mut engine), (1, Opened { recovery: Recovery::Clean, ..begun }));
    }

    #[test]
    fn a_generation_after_a_roll_back_is_newer_than_all_before() {
        let mut engine = Memory::default();
        let (_, begun) = of(&mut engine);
        let old = engine.read(Tree::Settings).unwrap();
        engine.replace(Tree::Settings, &old, 7).unwrap();
        let (generation, opened) = of(&mut engine);
        assert_eq!((generation, opened.recovery), (7, Recovery::RolledBack { lost: 6 }));
        write(&mut engine, &begun.settings, generation + 1).unwrap();
        assert_eq!(of(&mut engine).1.recovery, Recovery::Clean);
    }

    #[test]
    fn settings_that_vanished_are_damage() {
        let mut engine = Memory::default();
        of(&mut engine);
        engine.replace(Tree::Settings, &Vec::new(), 2).unwrap();
        assert!(matches!(read(&engine), Err(Trouble::Unreadable(_))));
    }
}
