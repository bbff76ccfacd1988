//! Notes: what was repaired in a script, and what of it is not used.

use core::fmt;

use super::error::ScriptPlace;

/// Something that was repaired or passed over: one note for each kind, however often it occurs.
#[derive(Debug, Clone, PartialEq)]
pub struct ScriptNote {
    /// What it is.
    pub kind: ScriptNoteKind,
    /// How often.
    pub count: usize,
    /// The first place; `None` if the file as a whole is meant.
    pub first: Option<ScriptPlace>,
}

/// Kind of a note.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ScriptNoteKind {
    /// The text was UTF-16.
    Utf16,
    /// Some bytes were no UTF-8; only texts for people can have had them.
    NotUtf8,
    /// The file is CSV.
    Csv,
    /// Numbers were written as texts.
    NumberText,
    /// Times below 0 were left out.
    NegativeTime,
    /// Positions outside of 0 to 100 were moved to the nearer end.
    OutsideRange,
    /// All positions are between 0 and 1: perhaps they were meant as shares.
    SmallRange,
    /// `inverted` turned all positions round.
    Inverted,
    /// `range` is not 100; it is not used.
    RangeUnused(f64),
    /// Actions were sorted by their times.
    Unsorted,
    /// Of several actions at one time the first was taken.
    SameTime,
    /// Actions that came too soon behind another one were left out.
    TooNear,
    /// Actions of other axes are not played.
    OtherAxes,
    /// Chapters that make no sense were left out.
    Chapters,
}

impl ScriptNoteKind {
    /// A stable name, for programs.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            ScriptNoteKind::Utf16 => "utf16",
            ScriptNoteKind::NotUtf8 => "not_utf8",
            ScriptNoteKind::Csv => "csv",
            ScriptNoteKind::NumberText => "number_text",
            ScriptNoteKind::NegativeTime => "negative_time",
            ScriptNoteKind::OutsideRange => "outside_range",
            ScriptNoteKind::SmallRange => "small_range",
            ScriptNoteKind::Inverted => "inverted",
            ScriptNoteKind::RangeUnused(_) => "range_unused",
            ScriptNoteKind::Unsorted => "unsorted",
            ScriptNoteKind::SameTime => "same_time",
            ScriptNoteKind::TooNear => "too_near",
            ScriptNoteKind::OtherAxes => "other_axes",
            ScriptNoteKind::Chapters => "chapters",
        }
    }
}

/// `2 actions were`, `1 action was`.
struct Counted(usize, &'static str);

impl fmt::Display for Counted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Counted(count, what) = self;
        match what.strip_suffix("is") {
            _ if *count == 1 => write!(f, "1 {what} was"),
            Some(stem) => write!(f, "{count} {stem}es were"),
            None => write!(f, "{count} {what}s were"),
        }
    }
}

impl fmt::Display for ScriptNote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counted = |what| Counted(self.count, what);
        match self.kind {
            ScriptNoteKind::Utf16 => write!(f, "it is UTF-16: save it as UTF-8 for other programs"),
            ScriptNoteKind::NotUtf8 => write!(f, "some characters are no UTF-8, and are shown as \u{fffd}"),
            ScriptNoteKind::Csv => {
                write!(f, "it is no funscript, but CSV: each line was read as time in ms, position")
            }
            ScriptNoteKind::NumberText => {
                write!(f, "{} written as text and read as a number", counted("value"))
            }
            ScriptNoteKind::NegativeTime => {
                write!(f, "{} before the start of the video, and left out", counted("action"))
            }
            ScriptNoteKind::OutsideRange => {
                write!(f, "{} outside of 0 to 100, and moved to the nearer end", counted("position"))
            }
            ScriptNoteKind::SmallRange => {
                write!(f, "no position is above 1, so the axis hardly moves: perhaps shares of 1 were meant")
            }
            ScriptNoteKind::Inverted => write!(f, "it says `inverted`: front and back were exchanged"),
            ScriptNoteKind::RangeUnused(range) => {
                write!(f, "it says `range` {range}: positions are taken as they are, of 100")
            }
            ScriptNoteKind::Unsorted => {
                write!(f, "{} earlier than the one before, and sorted in", counted("action"))
            }
            ScriptNoteKind::SameTime => {
                write!(f, "{} at the time of another one, and left out", counted("action"))
            }
            ScriptNoteKind::TooNear => {
                write!(f, "{} less than 10 ms behind another one, and left out", counted("action"))
            }
            ScriptNoteKind::OtherAxes => write!(f, "{} passed over", counted("other axis")),
            ScriptNoteKind::Chapters => {
                write!(f, "{} left out: a chapter has a start before its end", counted("chapter"))
            }
        }?;
        self.first
            .map_or(Ok(()), |place| write!(f, " ({place}{})", if self.count > 1 { " first" } else { "" }))
    }
}

/// Counts the occurrences of a kind.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Tally {
    count: usize,
    first: Option<ScriptPlace>,
}

impl Tally {
    /// One more, at that place.
    pub fn add(&mut self, place: ScriptPlace) {
        self.count += 1;
        self.first.get_or_insert(place);
    }

    /// The note of that kind, if there is anything to note.
    pub fn note(self, kind: ScriptNoteKind) -> Option<ScriptNote> {
        (self.count > 0).then_some(ScriptNote { kind, count: self.count, first: self.first })
    }
}

impl ScriptNote {
    /// A note on the file as a whole.
    pub(super) fn of_file(kind: ScriptNoteKind) -> ScriptNote {
        ScriptNote { kind, count: 1, first: None }
    }
}
