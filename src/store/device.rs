//! Paired devices: the name, the role and the hash of the token of each; and the pairing code of the card.
//!
//! A token is never stored, only its hash. Hashes are kept out of debug output, as a short code can be guessed from its
//! hash. The types are here and not in `auth`, which imports the store.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::name::check_name;
use super::session::check_whole;

/// Largest number of paired devices.
pub const MAX_DEVICES: usize = 32;
/// Longest name of a device (characters).
pub const DEVICE_NAME_CHARS: usize = 64;
/// Length of a SHA-256 hash (bytes).
pub const HASH_BYTES: usize = 32;
/// Length of the salt of a pairing code (bytes).
pub const SALT_BYTES: usize = 16;

/// Role of a device: the set of its rights.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
// The order is stored: append only.
pub enum DeviceRole {
    /// Reads.
    Observer,
    /// Moves the machine.
    Operator,
    /// Changes settings, pairs and revokes devices.
    Admin,
}

impl DeviceRole {
    /// All roles.
    pub const ALL: [DeviceRole; 3] = [DeviceRole::Observer, DeviceRole::Operator, DeviceRole::Admin];

    /// Name, for people and programs.
    pub const fn name(self) -> &'static str {
        match self {
            DeviceRole::Observer => "observer",
            DeviceRole::Operator => "operator",
            DeviceRole::Admin => "admin",
        }
    }

    /// The role of this name.
    pub fn from_name(name: &str) -> Option<DeviceRole> {
        DeviceRole::ALL.into_iter().find(|role| role.name() == name)
    }
}

/// Kind of a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
// The order is stored: append only.
pub enum DeviceKind {
    /// A browser, which has its token in a cookie.
    Browser,
    /// A program, which was given its token.
    Program,
}

/// Record of a paired device. It has no JSON form of its own, so that its hash never gets into an answer.
#[derive(Clone, PartialEq, Eq)]
pub struct DeviceRecord {
    /// Name, for people.
    pub name: String,
    /// Role.
    pub role: DeviceRole,
    /// Kind.
    pub kind: DeviceKind,
    /// SHA-256 hash of its token.
    pub token_hash: [u8; HASH_BYTES],
    /// Time of pairing by the wall clock, which may be wrong, in seconds since 1970.
    pub paired_unix_s: u64,
    /// Time of its last use by the wall clock, which may be wrong, in seconds since 1970.
    pub last_seen_unix_s: u64,
    /// Time of its last use in machine time, in hours. A token expires by it, as the wall clock may jump (promise S23).
    pub last_used_h: u32,
}

impl DeviceRecord {
    /// Checks that the values are possible.
    ///
    /// # Errors
    /// The first impossible value.
    pub fn check(&self) -> Result<(), String> {
        check_name(&self.name, DEVICE_NAME_CHARS)?;
        check_whole("paired_unix_s", self.paired_unix_s)?;
        check_whole("last_seen_unix_s", self.last_seen_unix_s)
    }
}

impl fmt::Debug for DeviceRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeviceRecord")
            .field("name", &self.name)
            .field("role", &self.role)
            .field("kind", &self.kind)
            .field("paired_unix_s", &self.paired_unix_s)
            .field("last_seen_unix_s", &self.last_seen_unix_s)
            .field("last_used_h", &self.last_used_h)
            .finish_non_exhaustive()
    }
}

/// Pairing code that was written on the card, as a salted hash. It stays after it was used or burnt, so that the same
/// code on the card is not taken over again.
#[derive(Clone, PartialEq, Eq)]
pub struct CardCode {
    /// Salt of the hash.
    pub salt: [u8; SALT_BYTES],
    /// Hash of the code.
    pub hash: [u8; HASH_BYTES],
    /// Number of wrong tries.
    pub wrong_tries: u8,
    /// True once a device was paired with it.
    pub used: bool,
}

impl fmt::Debug for CardCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CardCode")
            .field("wrong_tries", &self.wrong_tries)
            .field("used", &self.used)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::super::session::MAX_WHOLE;
    use super::*;

    #[test]
    fn a_role_has_the_same_name_everywhere() {
        for role in DeviceRole::ALL {
            assert_eq!(DeviceRole::from_name(role.name()), Some(role));
            assert_eq!(serde_json::to_value(role).unwrap(), role.name());
        }
        for name in ["", "Admin", "admin ", "guest"] {
            assert_eq!(DeviceRole::from_name(name), None);
        }
    }

    #[test]
    fn impossible_values_are_refused_and_no_hash_is_printed() {
        let good = DeviceRecord {
            name: "größer".to_owned(),
            role: DeviceRole::Operator,
            kind: DeviceKind::Browser,
            token_hash: [171; HASH_BYTES],
            paired_unix_s: MAX_WHOLE,
            last_seen_unix_s: 0,
            last_used_h: u32::MAX,
        };
        assert_eq!(good.check(), Ok(()));
        for name in ["", " a", "a ", "a\nb", "\u{9b}", &"x".repeat(DEVICE_NAME_CHARS + 1)] {
            assert!(DeviceRecord { name: name.to_owned(), ..good.clone() }.check().is_err(), "{name:?}");
        }
        assert!(DeviceRecord { paired_unix_s: MAX_WHOLE + 1, ..good.clone() }.check().is_err());
        assert!(DeviceRecord { last_seen_unix_s: u64::MAX, ..good.clone() }.check().is_err());
        let code = CardCode { salt: [171; SALT_BYTES], hash: [171; HASH_BYTES], wrong_tries: 3, used: true };
        let printed = format!("{good:?} {code:?}");
        assert!(printed.contains("größer") && printed.contains("wrong_tries: 3"), "{printed}");
        assert!(!printed.contains("171"), "{printed}");
    }
}
