//! Tokens: 256 random bits with which a device or a program shows who it is. Only their hashes are stored.

use std::fmt;

use data_encoding::BASE64URL_NOPAD;
use sha2::{Digest as _, Sha256};

/// Bytes of a token.
const TOKEN_BYTES: usize = 32;
/// Characters of a token as text.
pub const TOKEN_CHARS: usize = 43;

/// A token. It goes to its owner once, and into no log: `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct Token([u8; TOKEN_BYTES]);

/// The SHA-256 of a token, which is all that is kept of it. The token is random, so nothing slower is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TokenHash(pub [u8; TOKEN_BYTES]);

impl Token {
    /// The token of these random bytes.
    #[must_use]
    pub const fn new(random: [u8; TOKEN_BYTES]) -> Token {
        Token(random)
    }

    /// Reads the text of a token; none for anything else.
    #[must_use]
    pub fn parse(text: &[u8]) -> Option<Token> {
        if text.len() != TOKEN_CHARS {
            return None;
        }
        let bytes = BASE64URL_NOPAD.decode(text).ok()?;
        Some(Token(bytes.try_into().ok()?))
    }

    /// The token as text, for its owner only.
    #[must_use]
    pub fn text(&self) -> String {
        BASE64URL_NOPAD.encode(&self.0)
    }

    /// Its hash.
    #[must_use]
    pub fn hash(&self) -> TokenHash {
        TokenHash(Sha256::digest(self.0).into())
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(..)")
    }
}

/// Who may be known by a token.
pub trait TokenBook {
    /// The device with the token of that hash.
    fn find(&self, hash: &TokenHash) -> Option<KnownDevice>;
}

/// A device that was let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct KnownDevice {
    /// Its number; no other device ever gets it.
    pub number: u32,
    /// Its role.
    pub role: crate::auth::Role,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_read_as_it_was_written_and_shows_itself_nowhere() {
        let token = Token::new([7; 32]);
        let text = token.text();
        assert_eq!((text.len(), Token::parse(text.as_bytes())), (TOKEN_CHARS, Some(token.clone())));
        assert_eq!(format!("{token:?}"), "Token(..)");
        assert_ne!(token.hash(), Token::new([8; 32]).hash());
        for wrong in ["", "0123", &"a".repeat(42), &"?".repeat(43), &"a".repeat(44)] {
            assert_eq!(Token::parse(wrong.as_bytes()), None, "{wrong}");
        }
        // The last character of 43 has four bits that mean nothing; another one there would be the same token.
        let last = format!("{}d", &text[..42]);
        assert!(Token::parse(last.as_bytes()).is_none_or(|other| other != token));
    }
}
