//! Scripts: motion that was written down beside a video, as funscript or CSV, and what the axis makes of it.
//!
//! Scripts come from many editors and from other people. [`read`] takes them as they are met, repairs what has one obvious
//! meaning and says so, and refuses the rest with the place of the trouble. What it returns is sorted, finite and inside
//! the bounds below, so nothing behind it checks again. docs/SCRIPTS.md has the table of every case.
//!
//! - `json`, `funscript`, `csv`: the two forms of a file, as raw actions
//! - `clean`: raw actions to a script
//! - [`note`], [`error`]: what was repaired, and what cannot be
//! - [`analysis`], [`heat`]: what a script asks of the axis, before it is played
//! - [`write`](mod@write): a script as a funscript
//! - [`library`]: the folder that keeps scripts; the only part that touches files

pub mod analysis;
mod clean;
mod clock_text;
mod csv;
pub mod error;
mod funscript;
pub mod heat;
mod json;
pub mod library;
pub mod note;
mod raw;
pub mod write;

pub use analysis::{Analysis, analyse};
pub use error::{ScriptError, ScriptPlace};
pub use heat::heat;

pub use library::Library;
pub use note::{ScriptNote, ScriptNoteKind};
pub use write::write;

/// Largest file. Real scripts have 11 to 500 kB.
pub const MAX_BYTES: usize = 1 << 20;
/// Most actions. Real scripts have 500 to 8 500.
pub const MAX_ACTIONS: usize = 50_000;
/// Latest time of an action: 12 h.
pub const MAX_MS: u32 = 12 * 3_600 * 1_000;
/// Actions that follow sooner than this are mistakes of an editor, and are merged with the one before.
pub const MIN_STEP_MS: u32 = 10;
/// Position at the front of the window.
pub const MAX_POS: f32 = 100.0;

/// A script: where the axis is to be at which time of the video.
///
/// Times rise by [`MIN_STEP_MS`] or more up to [`MAX_MS`]; there is at least one action.
#[derive(Debug, Clone, PartialEq)]
pub struct Script {
    /// The actions.
    pub actions: Vec<Action>,
    /// Its title, for people.
    pub title: Option<String>,
    /// Parts of the video, for people.
    pub chapters: Vec<Chapter>,
    /// What was repaired.
    pub notes: Vec<ScriptNote>,
}

/// A place to be at, at a time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Action {
    /// Time of the video, in ms.
    pub at_ms: u32,
    /// Position in percent of the window, from 0 at its back to [`MAX_POS`] at its front.
    pub pos: f32,
}

/// A part of the video.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chapter {
    /// Its name.
    pub name: String,
    /// Its start, in ms.
    pub start_ms: u32,
    /// Its end, in ms.
    pub end_ms: u32,
}

impl Script {
    /// Time of the last action, in ms.
    #[must_use]
    pub fn duration_ms(&self) -> u32 {
        self.actions.last().map_or(0, |action| action.at_ms)
    }
}

/// Reads a script: funscript in all its forms, or lines of time and position.
///
/// The work grows with the size of the file, and so does the memory; nested values are passed over without recursion.
///
/// # Errors
/// [`ScriptError`] with the place, what is wrong there, and what helps.
pub fn read(bytes: &[u8]) -> Result<Script, ScriptError> {
    if bytes.len() > MAX_BYTES {
        return Err(error::too_large());
    }
    let (text, encoding) = raw::decode(bytes)?;
    let mut raw = if funscript::is_json(&text) { funscript::read(&text)? } else { csv::read(&text)? };
    raw.notes.extend(encoding);
    clean::clean(raw)
}
