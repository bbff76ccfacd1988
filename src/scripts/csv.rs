//! CSV: lines of time in ms and position in percent, as tables and some converters write them.
//!
//! `#` begins a comment line, the first line may be a header, and a comma, a semicolon or a tab stands between the two. Behind
//! a semicolon or a tab a comma is a decimal one.

use super::error::{self, ANOTHER_FILE, ScriptError, ScriptPlace};
use super::note::{ScriptNote, ScriptNoteKind};
use super::raw::{RawAction, RawScript, number_of_text};

/// Reads lines of time and position.
///
/// # Errors
/// [`ScriptError`] with the line.
pub fn read(text: &str) -> Result<RawScript, ScriptError> {
    let mut raw = RawScript::default();
    raw.notes.push(ScriptNote::of_file(ScriptNoteKind::Csv));
    let mut is_first = true;
    for (line, place) in lines(text) {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        match pair(line) {
            Some((at_ms, pos)) => raw.push(RawAction { at_ms, pos, place })?,
            None if is_first && is_header(line) => {}
            None if is_first => {
                let what = "it is neither a funscript nor lines of time and position";
                return Err(ScriptError { place: Some(place), what: what.to_owned(), remedy: ANOTHER_FILE });
            }
            None => {
                return Err(ScriptError::at(place, "a line has a time in ms and a position, such as 500,90"));
            }
        }
        is_first = false;
    }
    if is_first { Err(error::no_actions("it is empty")) } else { Ok(raw) }
}

/// Lines that end with LF, CR LF or CR, each with its number.
fn lines(text: &str) -> impl Iterator<Item = (&str, ScriptPlace)> {
    let lines = text.split('\n').flat_map(|line| line.strip_suffix('\r').unwrap_or(line).split('\r'));
    lines.zip(1..).map(|(line, number)| (line, ScriptPlace::Line(number)))
}

/// A header names its two columns.
fn is_header(line: &str) -> bool {
    let starts_with_letter = |field: &str| field.trim().trim_matches('"').starts_with(char::is_alphabetic);
    let (columns, _) = columns(line);
    columns.is_some_and(|columns| columns.into_iter().all(starts_with_letter))
}

/// The two columns of a line, and whether its commas are decimal ones. Empty columns behind them are none.
fn columns(line: &str) -> (Option<[&str; 2]>, bool) {
    let separator = [';', '\t'].into_iter().find(|separator| line.contains(*separator)).unwrap_or(',');
    let mut fields = line.split(separator);
    let columns = fields.next().zip(fields.next()).map(|(at, pos)| [at, pos]);
    let is_pair = fields.all(|field| field.trim().is_empty());
    (columns.filter(|_| is_pair), separator != ',')
}

fn pair(line: &str) -> Option<(f64, f64)> {
    let (columns, has_decimal_commas) = columns(line);
    let number = |field: &str| {
        let field = field.trim().trim_matches('"');
        if has_decimal_commas { number_of_text(&field.replace(',', ".")) } else { number_of_text(field) }
    };
    let [at_ms, pos] = columns?.map(number);
    Some((at_ms?, pos?))
}
