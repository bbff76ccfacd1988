//! The names of this host without a domain. An admin can change them while the server runs.

use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

/// Names that are good at once: the one in use, and former ones.
const MOST_NAMES: usize = 8;

/// The names of this host; clones share them. The former ones stay good until the next start, so that a page that is open under
/// one of them loses nothing.
#[derive(Debug, Clone, Default)]
pub struct OwnNames(Arc<RwLock<Vec<String>>>);

impl OwnNames {
    /// The names of a host that is called so; an empty name is none.
    #[must_use]
    pub fn of(name: &str) -> OwnNames {
        let names = (!name.is_empty()).then(|| name.to_owned());
        OwnNames(Arc::new(RwLock::new(names.into_iter().collect())))
    }

    /// The name in use; empty if there is none.
    #[must_use]
    pub fn current(&self) -> String {
        self.all().first().cloned().unwrap_or_default()
    }

    /// From now on the host is called so.
    pub fn take(&self, name: &str) {
        let mut names = self.0.write().unwrap_or_else(PoisonError::into_inner);
        names.retain(|known| known != name);
        if !name.is_empty() {
            names.insert(0, name.to_owned());
        }
        // The last one is the system's, which stays.
        while names.len() > MOST_NAMES {
            names.remove(MOST_NAMES - 1);
        }
    }

    /// All of them, the one in use first.
    pub(super) fn all(&self) -> RwLockReadGuard<'_, Vec<String>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_name_comes_first_and_the_systems_stays() {
        let names = OwnNames::of("yep");
        for number in 0..20 {
            names.take(&format!("name-{number}"));
        }
        assert_eq!(names.current(), "name-19");
        assert_eq!(names.all().len(), MOST_NAMES);
        assert_eq!(names.all().last().unwrap(), "yep");
        names.clone().take("name-15");
        assert_eq!((names.current().as_str(), names.all().len()), ("name-15", MOST_NAMES));
        assert_eq!(OwnNames::of("").current(), "");
    }
}
