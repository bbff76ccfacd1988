//! Codes: six digits that an admin passes on, and the code that was written on the card.

use std::time::Duration;

use sha2::{Digest as _, Sha256};
use tokio::time::Instant;

use super::entropy::Entropy;
use crate::store::{CardCode, DeviceRole};

/// So long six digits are good.
pub const WINDOW_TIME: Duration = Duration::from_secs(120);
/// So many wrong digits end it, whoever sent them.
const WINDOW_TRIES: u32 = 5;
/// So many wrong codes burn the one on the card.
pub const CARD_TRIES: u8 = 10;
/// Fewest letters and digits of a code on the card.
const CARD_CHARS: usize = 8;
/// Most of them.
const CARD_CHARS_MOST: usize = 64;

/// Six digits that let one device in.
#[derive(Debug, Clone)]
pub struct CodeWindow {
    digits: String,
    /// The role of the device.
    pub role: DeviceRole,
    until: Instant,
    tries: u32,
}

/// What a code was good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tried {
    /// It is the right one.
    Right,
    /// It is not; so many tries are left.
    Wrong(u32),
}

impl CodeWindow {
    /// New digits for a device of this role.
    #[must_use]
    pub fn open(entropy: &Entropy, role: DeviceRole) -> CodeWindow {
        let digits = format!("{:06}", entropy.below(1_000_000));
        CodeWindow { digits, role, until: Instant::now() + WINDOW_TIME, tries: WINDOW_TRIES }
    }

    /// The digits.
    #[must_use]
    pub fn digits(&self) -> &str {
        &self.digits
    }

    /// The time for which they are good.
    #[must_use]
    pub fn left(&self) -> Duration {
        self.until.saturating_duration_since(Instant::now())
    }

    /// True while they may be tried.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.tries > 0 && !self.left().is_zero()
    }

    /// Tries these digits.
    pub fn try_digits(&mut self, digits: &str) -> Tried {
        if digits == self.digits {
            self.tries = 0;
            return Tried::Right;
        }
        self.tries = self.tries.saturating_sub(1);
        Tried::Wrong(self.tries)
    }
}

/// The code as it is compared: a person may write it with spaces or hyphens, and in any case. None if it cannot be one.
#[must_use]
pub fn card_text(code: &str) -> Option<String> {
    let text: String = code.chars().filter(|c| !c.is_whitespace() && *c != '-').collect();
    let is_code = (CARD_CHARS..=CARD_CHARS_MOST).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    is_code.then(|| text.to_ascii_lowercase())
}

/// What is kept of a code on the card.
#[must_use]
pub fn card_code(text: &str, salt: [u8; 16]) -> CardCode {
    CardCode { salt, hash: card_hash(text, &salt), wrong_tries: 0, used: false }
}

/// Whether the text is this code.
#[must_use]
pub fn is_card_code(code: &CardCode, text: &str) -> bool {
    card_hash(text, &code.salt) == code.hash
}

/// True if the code may still be used.
#[must_use]
pub const fn is_good(code: &CardCode) -> bool {
    !code.used && code.wrong_tries < CARD_TRIES
}

fn card_hash(text: &str, salt: &[u8; 16]) -> [u8; 32] {
    Sha256::new().chain_update(salt).chain_update(text).finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn five_wrong_tries_or_two_minutes_end_a_window_and_a_right_one_does_too() {
        let entropy = Entropy::new(|bytes| bytes.fill(3));
        let open = || CodeWindow::open(&entropy, DeviceRole::Operator);
        let mut window = open();
        assert_eq!((window.digits().len(), window.is_open()), (6, true));
        for left in (0..5).rev() {
            assert_eq!(window.try_digits("x"), Tried::Wrong(left));
        }
        assert!(!window.is_open());
        let mut window = open();
        let digits = window.digits().to_owned();
        assert_eq!((window.try_digits(&digits), window.is_open()), (Tried::Right, false));
        let window = open();
        tokio::time::advance(WINDOW_TIME).await;
        assert!(!window.is_open());
    }

    #[test]
    fn a_code_on_the_card_is_read_as_a_person_writes_it() {
        assert_eq!(card_text(" Ab3d-Ef9h "), Some("ab3def9h".to_owned()));
        for wrong in ["", "short12", "mit umläuten", "a_b_c_d_e", &"a".repeat(65)] {
            assert_eq!(card_text(wrong), None, "{wrong}");
        }
        let code = card_code("ab3def9h", [7; 16]);
        assert!(is_good(&code) && is_card_code(&code, "ab3def9h") && !is_card_code(&code, "ab3def9i"));
        assert_ne!(code.hash, card_code("ab3def9h", [8; 16]).hash);
        assert!(!is_good(&CardCode { wrong_tries: CARD_TRIES, ..code.clone() }));
        assert!(!is_good(&CardCode { used: true, ..code }));
    }
}
