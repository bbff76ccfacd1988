//! Keys that a card trusts: Ed25519 (RFC 8032), one line of text each, `yep-update-release BASE64 OWNER`.
//!
//! The kind of a key is part of what it signs, so that a development key cannot be passed off as a release key by
//! changing its line.

use std::fmt;
use std::str::FromStr;

use data_encoding::BASE64;
use ed25519_compact::{PublicKey, Signature};

use super::UpdateError;

/// Length of a signature.
pub const SIGNATURE_BYTES: usize = Signature::BYTES;

/// What a key is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum KeyKind {
    /// Systems for everybody.
    Release,
    /// Systems of the workbench; a release never accepts it.
    Development,
}

impl KeyKind {
    const ALL: [KeyKind; 2] = [KeyKind::Release, KeyKind::Development];

    fn word(self) -> &'static str {
        match self {
            KeyKind::Release => "yep-update-release",
            KeyKind::Development => "yep-update-development",
        }
    }

    /// The bytes to be signed for a manifest: the kind of the key, a line feed, the manifest.
    pub fn message(self, manifest: &[u8]) -> Vec<u8> {
        [self.word().as_bytes(), b"\n", manifest].concat()
    }
}

/// A trusted key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpdateKey {
    kind: KeyKind,
    key: PublicKey,
    owner: String,
}

/// A line that is no key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no key of an update: {0:?}")]
pub struct NoKey(String);

impl FromStr for UpdateKey {
    type Err = NoKey;

    fn from_str(line: &str) -> Result<UpdateKey, NoKey> {
        let mut words = line.split_whitespace();
        let key = (|| {
            let word = words.next()?;
            let kind = KeyKind::ALL.into_iter().find(|kind| kind.word() == word)?;
            let bytes = BASE64.decode(words.next()?.as_bytes()).ok()?;
            let key = PublicKey::from_slice(&bytes).ok()?;
            Some(UpdateKey { kind, key, owner: words.collect::<Vec<_>>().join(" ") })
        })();
        key.ok_or_else(|| NoKey(line.to_owned()))
    }
}

impl fmt::Display for UpdateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.kind.word(), BASE64.encode(self.key.as_ref()), self.owner)
    }
}

/// The keys of a card.
#[derive(Debug, Clone, Default)]
pub struct UpdateKeys {
    keys: Vec<UpdateKey>,
    accepts_development: bool,
}

impl UpdateKeys {
    /// Reads a key from each line that is neither empty nor a comment. A release accepts no development key.
    ///
    /// # Errors
    /// The first line that is no key.
    pub fn parse(text: &str, is_release: bool) -> Result<UpdateKeys, NoKey> {
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        let keys = lines.map(str::parse).collect::<Result<_, _>>()?;
        Ok(UpdateKeys { keys, accepts_development: !is_release })
    }

    /// The owner of the key that signed this manifest.
    ///
    /// # Errors
    /// [`UpdateError::WrongSignature`] or [`UpdateError::DevelopmentKey`].
    pub fn verify(&self, manifest: &[u8], signature: &[u8; SIGNATURE_BYTES]) -> Result<&str, UpdateError> {
        let signature = Signature::new(*signature);
        let signed = |key: &&UpdateKey| key.key.verify(key.kind.message(manifest), &signature).is_ok();
        let key = self.keys.iter().find(signed).ok_or(UpdateError::WrongSignature)?;
        if key.kind == KeyKind::Development && !self.accepts_development {
            return Err(UpdateError::DevelopmentKey(key.owner.clone()));
        }
        Ok(&key.owner)
    }
}
