//! Errors of scripts: where, what, and what helps.

use core::fmt;

use super::{MAX_ACTIONS, MAX_BYTES};

/// A place in the file of a script.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScriptPlace {
    /// An element of the list `actions`, counted from 0.
    Action(usize),
    /// A line of a CSV file, counted from 1.
    Line(usize),
    /// A character of a JSON text, by line and column, both counted from 1.
    Text {
        /// The line.
        line: usize,
        /// The column.
        column: usize,
    },
}

impl fmt::Display for ScriptPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ScriptPlace::Action(index) => write!(f, "actions[{index}]"),
            ScriptPlace::Line(line) => write!(f, "line {line}"),
            ScriptPlace::Text { line, column } => write!(f, "line {line}, column {column}"),
        }
    }
}

/// The reason why a script cannot be played.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct ScriptError {
    /// Where it is; `None` for the file as a whole.
    pub place: Option<ScriptPlace>,
    /// What is wrong, without the place.
    pub what: String,
    /// What helps.
    pub remedy: &'static str,
}

impl fmt::Display for ScriptError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(place) = self.place {
            write!(f, "{place}: ")?;
        }
        f.write_str(&self.what)
    }
}

/// Remedy for a file that is no script, or only a part of one.
pub const ANOTHER_FILE: &str = "Fetch or export the script again, as a funscript.";
/// Remedy for a value that the author has to correct.
pub const CORRECT_IT: &str = "Correct it there, in a script editor or by hand.";

impl ScriptError {
    /// An error of the file as a whole.
    pub(super) fn of_file(what: impl Into<String>, remedy: &'static str) -> ScriptError {
        ScriptError { place: None, what: what.into(), remedy }
    }

    /// An error of a value.
    pub(super) fn at(place: ScriptPlace, what: impl Into<String>) -> ScriptError {
        ScriptError { place: Some(place), what: what.into(), remedy: CORRECT_IT }
    }
}

/// The error of a file beyond [`MAX_BYTES`].
pub(super) fn too_large() -> ScriptError {
    ScriptError::of_file(
        format!("it has more than {MAX_BYTES} bytes"),
        "Export it without what is not played: raw recordings, other axes.",
    )
}

/// The error of a file with `actions` actions.
pub(super) fn too_many(actions: usize) -> ScriptError {
    ScriptError::of_file(
        format!("it has {actions} actions, and {MAX_ACTIONS} are allowed"),
        "Simplify it in a script editor, or split it.",
    )
}

/// The error of a file without any action.
pub(super) fn no_actions(what: &str) -> ScriptError {
    ScriptError::of_file(what, ANOTHER_FILE)
}
