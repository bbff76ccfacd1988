//! Raw script: what a file says, before it is cleaned; and the text of its bytes.

use super::error::{self, ScriptError, ScriptPlace};
use super::note::{ScriptNote, ScriptNoteKind, Tally};
use super::{Chapter, MAX_ACTIONS, MAX_MS};
use crate::files;

/// An action with finite numbers, as the file has it.
#[derive(Debug, Clone, Copy)]
pub struct RawAction {
    /// Its time, in ms.
    pub at_ms: f64,
    /// Its position, in percent.
    pub pos: f64,
    /// Where it is in the file.
    pub place: ScriptPlace,
}

/// A script as its file has it.
#[derive(Debug, Default)]
pub struct RawScript {
    /// The actions, in the order of the file.
    pub actions: Vec<RawAction>,
    /// The title.
    pub title: Option<String>,
    /// The chapters.
    pub chapters: Vec<Chapter>,
    /// Whether front and back are exchanged.
    pub is_inverted: bool,
    /// Times before 0.
    pub negative: Tally,
    /// Notes so far.
    pub notes: Vec<ScriptNote>,
    /// Actions in all, also beyond the bound.
    count: usize,
}

impl RawScript {
    /// Takes an action.
    ///
    /// # Errors
    /// The time is beyond the bound.
    pub fn push(&mut self, action: RawAction) -> Result<(), ScriptError> {
        self.count += 1;
        let at_ms = action.at_ms.round();
        if at_ms > f64::from(MAX_MS) {
            let what = format!("its time is {} ms, and a script ends at {MAX_MS} ms (12 h)", action.at_ms);
            return Err(ScriptError::at(action.place, what));
        }
        if at_ms < 0.0 {
            self.negative.add(action.place);
        } else if self.count <= MAX_ACTIONS {
            self.actions.push(RawAction { at_ms, ..action });
        }
        Ok(())
    }

    /// Checks the number of actions.
    ///
    /// # Errors
    /// There are too many.
    pub fn check_count(&self) -> Result<(), ScriptError> {
        if self.count > MAX_ACTIONS { Err(error::too_many(self.count)) } else { Ok(()) }
    }
}

/// A number that is written as a text. Words for infinity and the like are none.
pub fn number_of_text(text: &str) -> Option<f64> {
    let text = text.trim();
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte));
    text.parse().ok().filter(|number: &f64| is_plain && number.is_finite())
}

/// The text of a file, and a note if its encoding was another one than UTF-8.
///
/// # Errors
/// It begins like UTF-16, and is none.
pub fn decode(bytes: &[u8]) -> Result<(String, Option<ScriptNote>), ScriptError> {
    match files::text(bytes.to_vec()) {
        Ok(text) => {
            let is_utf_16 = matches!(bytes, [0xff, 0xfe, ..] | [0xfe, 0xff, ..]);
            Ok((text, is_utf_16.then(|| ScriptNote::of_file(ScriptNoteKind::Utf16))))
        }
        // Numbers are ASCII in every other encoding: only a title can suffer.
        Err(_) if !looks_like_utf_16(bytes) => {
            let text = String::from_utf8_lossy(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes));
            Ok((text.into_owned(), Some(ScriptNote::of_file(ScriptNoteKind::NotUtf8))))
        }
        Err(what) => Err(ScriptError::of_file(what, "Save it as UTF-8.")),
    }
}

fn looks_like_utf_16(bytes: &[u8]) -> bool {
    matches!(bytes, [0xff, 0xfe, ..] | [0xfe, 0xff, ..]) || bytes.iter().take(2).any(|byte| *byte == 0)
}
