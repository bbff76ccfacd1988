//! Wiring facts: the keys that say how the machine is wired, with their values, and a hash of some of them.
//!
//! What a step of the first run has proven holds for the wiring that it was proven with. The hash is FNV-1a (Fowler, Noll, Vo):
//! it tells one wiring from another by accident, not by intent.

use std::fmt::Write as _;

use crate::store::WiringValues;

/// Where a value comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum WiringSource {
    /// The configuration file, which wins.
    File,
    /// The record of the first run.
    Commissioned,
    /// The settings.
    Settings,
    /// The default, as nobody says it.
    #[default]
    Default,
}

impl WiringSource {
    /// Stable name for programs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            WiringSource::File => "file",
            WiringSource::Commissioned => "commissioned",
            WiringSource::Settings => "settings",
            WiringSource::Default => "default",
        }
    }
}

/// A key with its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WiringFact {
    /// The key, with its section.
    pub key: &'static str,
    /// The value that is in force.
    pub value: String,
    /// Where it comes from.
    pub source: WiringSource,
}

/// Keys and values, in the order of the configuration file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WiringFacts(Vec<WiringFact>);

const FNV_OFFSET: u64 = 0xCBF2_9CE4_8422_2325;
const FNV_PRIME: u64 = 0x0100_0000_01B3;

impl WiringFacts {
    /// Adds a key with its value.
    #[must_use]
    pub fn with(self, key: &'static str, value: impl std::fmt::Display) -> WiringFacts {
        self.with_source(key, value, WiringSource::default())
    }

    /// Adds a key with its value and its source.
    #[must_use]
    pub fn with_source(
        mut self,
        key: &'static str,
        value: impl std::fmt::Display,
        source: WiringSource,
    ) -> WiringFacts {
        self.0.push(WiringFact { key, value: value.to_string(), source });
        self
    }

    /// As the next start takes them, with these stored values.
    #[must_use]
    pub fn with_stored(mut self, stored: &WiringValues) -> WiringFacts {
        for (key, value) in stored.said() {
            let open = self.0.iter_mut().find(|fact| fact.key == key && fact.source != WiringSource::File);
            if let Some(fact) = open {
                fact.value = value;
            }
        }
        self
    }

    /// Keys and values.
    pub fn iter(&self) -> impl Iterator<Item = &WiringFact> {
        self.0.iter()
    }

    /// True if the configuration file says this key.
    #[must_use]
    pub fn is_fixed(&self, key: &str) -> bool {
        self.0.iter().any(|fact| fact.key == key && fact.source == WiringSource::File)
    }

    /// Hash of the values of all keys that begin with one of these prefixes, as 16 hexadecimal digits.
    #[must_use]
    pub fn hash_of(&self, prefixes: &[&str]) -> String {
        let mut hash = FNV_OFFSET;
        let mut add = |text: &str| {
            for byte in text.bytes().chain([b'\n']) {
                hash = (hash ^ u64::from(byte)).wrapping_mul(FNV_PRIME);
            }
        };
        let is_of = |fact: &&WiringFact| prefixes.iter().any(|prefix| fact.key.starts_with(prefix));
        for WiringFact { key, value, .. } in self.0.iter().filter(is_of) {
            add(key);
            add(value);
        }
        let mut text = String::with_capacity(16);
        // Writing to a text does not fail.
        let _ = write!(text, "{hash:016x}");
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_depends_on_the_keys_that_it_is_of_and_on_no_other() {
        let facts = |dir: &str, front: u8| {
            WiringFacts::default().with("pins.dir", 24).with("pins.invert_dir", dir).with("pins.front", front)
        };
        let [old, turned, moved] = [facts("false", 21), facts("true", 21), facts("false", 20)];
        assert_ne!(old.hash_of(&["pins.invert_dir"]), turned.hash_of(&["pins.invert_dir"]));
        assert_eq!(old.hash_of(&["pins.invert_dir"]), moved.hash_of(&["pins.invert_dir"]));
        assert_ne!(old.hash_of(&["pins."]), moved.hash_of(&["pins."]));
        assert_eq!(old.hash_of(&[]).len(), 16);
        let stored = WiringValues { invert_dir: Some(true), ..WiringValues::default() };
        assert_eq!(old.clone().with_stored(&stored).hash_of(&[""]), turned.hash_of(&[""]));
        let fixed = WiringFacts::default().with_source("pins.invert_dir", false, WiringSource::File);
        assert_eq!(fixed.clone().with_stored(&stored), fixed);
    }
}
