//! The name of the machine in the network: that of the configuration or of the system, until an admin chooses another one.
//!
//! The chosen one is a file of its own in the state folder, as the machine's number is: a restored backup of another machine must
//! not make two machines of one name. On the card a unit of the system reads it, and calls the computer so.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use crate::auth::OwnNames;
use crate::files;

/// File in the state folder.
const FILE: &str = "machine-name";
const FILE_BYTES: usize = 128;
/// Longest label of a name in a network (RFC 1123).
const MOST_CHARS: usize = 63;

/// The name of this machine, for all who ask for it, change it or announce it.
#[derive(Debug)]
pub struct MachineName {
    configured: String,
    /// No file: a name that is chosen is forgotten at the end.
    file: Option<PathBuf>,
    names: OwnNames,
    choice: Mutex<NameChoice>,
    changes: watch::Sender<()>,
}

/// What was chosen, and what came of it.
#[derive(Debug, Default)]
struct NameChoice {
    is_chosen: bool,
    /// Another machine of the network has the name.
    is_shared: bool,
}

impl Default for MachineName {
    fn default() -> Self {
        MachineName::new("", None)
    }
}

impl MachineName {
    fn new(configured: &str, file: Option<PathBuf>) -> MachineName {
        MachineName {
            configured: configured.to_owned(),
            file,
            names: OwnNames::of(configured),
            choice: Mutex::default(),
            changes: watch::Sender::new(()),
        }
    }

    /// The name that was chosen for the machine whose state is in this folder, or else the configured one.
    #[must_use]
    pub fn of_state_folder(state_dir: &Path, configured: &str) -> MachineName {
        let file = state_dir.join(FILE);
        let stored =
            files::read_regular(&file, FILE_BYTES).ok().and_then(|text| String::from_utf8(text).ok());
        let name = MachineName::new(configured, Some(file));
        if let Some(stored) = stored.as_deref().map(str::trim).filter(|stored| is_name(stored)) {
            name.names.take(stored);
            name.choice().is_chosen = true;
        }
        name
    }

    /// The names that are good for a request.
    #[must_use]
    pub fn names(&self) -> OwnNames {
        self.names.clone()
    }

    /// The name in use; empty if there is none.
    #[must_use]
    pub fn current(&self) -> String {
        self.names.current()
    }

    /// The name without one that was chosen: that of the configuration, or of the system.
    #[must_use]
    pub fn configured(&self) -> &str {
        &self.configured
    }

    /// Whether the name was chosen, and stays when the configuration or the system says another one.
    #[must_use]
    pub fn is_chosen(&self) -> bool {
        self.choice().is_chosen
    }

    /// Calls the machine so, or as it is configured. Writes a file.
    ///
    /// # Errors
    /// It cannot be stored; nothing has changed.
    pub fn choose(&self, chosen: Option<&str>) -> io::Result<()> {
        let mut choice = self.choice();
        if let Some(file) = &self.file {
            match chosen {
                Some(name) => files::replace(file, format!("{name}\n").as_bytes())?,
                None => remove(file)?,
            }
        }
        *choice = NameChoice { is_chosen: chosen.is_some(), is_shared: false };
        self.names.take(chosen.unwrap_or(&self.configured));
        drop(choice);
        self.changes.send_replace(());
        Ok(())
    }

    /// Hears each change.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<()> {
        self.changes.subscribe()
    }

    /// Whether another machine of the network was heard that has this name.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        self.choice().is_shared
    }

    /// Another machine of the network has this name, or none has it any more.
    pub fn note_shared(&self, is_shared: bool) {
        self.choice().is_shared = is_shared;
    }

    fn choice(&self) -> MutexGuard<'_, NameChoice> {
        self.choice.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn remove(file: &Path) -> io::Result<()> {
    match fs::remove_file(file) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Returns whether a text can be the name of a machine in a network: one label of RFC 1123, in small letters.
#[must_use]
pub fn is_name(text: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=MOST_CHARS).contains(&text.len())
        && text.bytes().all(inner)
        && !text.starts_with('-')
        && !text.ends_with('-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chosen_name_stays_until_it_is_given_up() {
        let folder = tempfile::tempdir().unwrap();
        let start = || MachineName::of_state_folder(folder.path(), "yep");
        let name = start();
        assert_eq!((name.current().as_str(), name.is_chosen()), ("yep", false));
        let mut news = name.changes();
        name.note_shared(true);
        name.choose(Some("left")).unwrap();
        assert!(news.has_changed().unwrap() && !name.is_shared());
        news.mark_unchanged();
        let again = start();
        assert_eq!((again.current().as_str(), again.is_chosen(), again.configured()), ("left", true, "yep"));
        again.choose(None).unwrap();
        assert_eq!((again.current().as_str(), again.is_chosen()), ("yep", false));
        again.choose(None).unwrap();
        assert_eq!(start().current(), "yep");
    }

    #[test]
    fn what_cannot_be_stored_changes_nothing_and_a_damaged_file_is_no_name() {
        let folder = tempfile::tempdir().unwrap();
        let name = MachineName::of_state_folder(&folder.path().join("nowhere"), "yep");
        assert!(name.choose(Some("left")).is_err());
        assert_eq!((name.current().as_str(), name.is_chosen()), ("yep", false));
        for damaged in ["", "a b", "-a", "\u{fffd}", "../etc", "Left"] {
            fs::write(folder.path().join(FILE), damaged).unwrap();
            assert_eq!(MachineName::of_state_folder(folder.path(), "yep").current(), "yep", "{damaged}");
        }
    }

    #[test]
    fn a_name_is_one_label() {
        for good in ["a", "7", "yep", "left-1", &"a".repeat(MOST_CHARS)] {
            assert!(is_name(good), "{good}");
        }
        for bad in ["", "-a", "a-", "a.b", "a_b", "A", "ž", "a b", "a\n", &"a".repeat(MOST_CHARS + 1)] {
            assert!(!is_name(bad), "{bad}");
        }
    }
}
