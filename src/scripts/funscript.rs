//! Funscript: `{"actions": [{"at": ms, "pos": percent}, ...]}` with much around it that differs from editor to editor.
//!
//! Only `actions`, `inverted` and what people read are used. `range` is no factor: editors write 90 or 100 there and mean the
//! same positions. `axes`, `channels`, `rawActions` and `subActions` are not of this axis.

use serde::de::{DeserializeSeed as _, IgnoredAny, MapAccess, SeqAccess};

use super::error::{self, ANOTHER_FILE, CORRECT_IT, ScriptError, ScriptPlace};
use super::json::{JsonScalar, JsonTaker, Key, Take};
use super::note::{ScriptNote, ScriptNoteKind, Tally};
use super::raw::{RawAction, RawScript, number_of_text};
use super::{Chapter, clock_text};

/// Longest text for people that is kept, in characters.
const TEXT_CHARS: usize = 200;
/// Most chapters that are kept.
const MAX_CHAPTERS: usize = 500;

/// True if a text is meant as JSON.
pub fn is_json(text: &str) -> bool {
    let text = text.trim_start();
    text.starts_with(['{', '[']) || ["null", "true", "false"].contains(&text.trim_end())
}

/// Reads a funscript.
///
/// # Errors
/// [`ScriptError`].
pub fn read(text: &str) -> Result<RawScript, ScriptError> {
    let mut document = FunscriptDocument::default();
    let mut json = serde_json::Deserializer::from_str(text);
    Take(&mut document).deserialize(&mut json).and_then(|()| json.end()).map_err(|error| broken(&error))?;
    document.finish()
}

/// The error of a text that is no JSON, with its place.
fn broken(error: &serde_json::Error) -> ScriptError {
    let place = ScriptPlace::Text { line: error.line(), column: error.column() };
    let what = error.to_string();
    // The place is said apart.
    let what = what.rsplit_once(" at line ").map_or(what.as_str(), |(what, _)| what);
    let what = format!("it is no complete JSON: {what}");
    ScriptError { place: Some(place), what, remedy: ANOTHER_FILE }
}

/// The value of the file.
#[derive(Default)]
struct FunscriptDocument {
    is_object: bool,
    actions: Option<ActionList>,
    inverted: Option<Inverted>,
    range: Number,
    metadata: Metadata,
    axes: PartCount,
    channels: PartCount,
    /// A key that is used and occurs twice.
    twice: Option<&'static str>,
}

impl JsonTaker for FunscriptDocument {
    fn object<'de, M: MapAccess<'de>>(&mut self, mut object: M) -> Result<(), M::Error> {
        self.is_object = true;
        while let Some(Key(key)) = object.next_key()? {
            match &*key {
                "actions" => {
                    let mut list = ActionList::default();
                    object.next_value_seed(Take(&mut list))?;
                    self.twice = self.twice.or(self.actions.replace(list).map(|_| "actions"));
                }
                "inverted" => {
                    let mut inverted = Inverted::default();
                    object.next_value_seed(Take(&mut inverted))?;
                    self.twice = self.twice.or(self.inverted.replace(inverted).map(|_| "inverted"));
                }
                "range" => object.next_value_seed(Take(&mut self.range))?,
                "metadata" => object.next_value_seed(Take(&mut self.metadata))?,
                "axes" => object.next_value_seed(Take(&mut self.axes))?,
                "channels" => object.next_value_seed(Take(&mut self.channels))?,
                _ => object.next_value::<IgnoredAny>().map(drop)?,
            }
        }
        Ok(())
    }
}

impl FunscriptDocument {
    fn finish(self) -> Result<RawScript, ScriptError> {
        if !self.is_object {
            let what = "it is JSON, and no funscript: that is an object with a list `actions`";
            return Err(ScriptError::of_file(what, ANOTHER_FILE));
        }
        if let Some(key) = self.twice {
            return Err(ScriptError::of_file(
                format!("it has `{key}` twice, and which of them counts is not known"),
                CORRECT_IT,
            ));
        }
        let others = self.axes.0 + self.channels.0;
        let Some(list) = self.actions else {
            return Err(error::no_actions(match others {
                0 => "it has no list `actions`",
                _ => "it has no list `actions`, and those of other axes are not played",
            }));
        };
        let mut raw = list.finish()?;
        raw.is_inverted = self.inverted.unwrap_or_default().finish()?;
        raw.title = self.metadata.title;
        raw.chapters = self.metadata.chapters.kept;
        let chapters = self.metadata.chapters.passed_over;
        let mut note =
            |count, kind| raw.notes.extend((count > 0).then_some(ScriptNote { kind, count, first: None }));
        note(others, ScriptNoteKind::OtherAxes);
        note(chapters, ScriptNoteKind::Chapters);
        if let Some(range) = self.range.0.filter(|range| *range != 100.0) {
            note(1, ScriptNoteKind::RangeUnused(range));
        }
        Ok(raw)
    }
}

/// The list of actions.
#[derive(Default)]
struct ActionList {
    is_list: bool,
    raw: RawScript,
    number_texts: Tally,
    /// The first thing that is wrong.
    wrong: Option<ScriptError>,
}

impl JsonTaker for ActionList {
    fn list<'de, S: SeqAccess<'de>>(&mut self, mut list: S) -> Result<(), S::Error> {
        self.is_list = true;
        for index in 0.. {
            let mut fields = ActionFields::default();
            if list.next_element_seed(Take(&mut fields))?.is_none() {
                break;
            }
            let place = ScriptPlace::Action(index);
            let pushed =
                fields.action(place, &mut self.number_texts).and_then(|action| self.raw.push(action));
            if let Err(wrong) = pushed {
                self.wrong.get_or_insert(wrong);
            }
        }
        Ok(())
    }
}

impl ActionList {
    fn finish(mut self) -> Result<RawScript, ScriptError> {
        if !self.is_list {
            return Err(error::no_actions("its `actions` are no list"));
        }
        self.wrong.map_or(Ok(()), Err)?;
        self.raw.notes.extend(self.number_texts.note(ScriptNoteKind::NumberText));
        Ok(self.raw)
    }
}

/// A value that should be a number.
#[derive(Default)]
enum Coordinate {
    /// The key is not there, or its value is `null`.
    #[default]
    Missing,
    Number(f64),
    NumberText(f64),
    /// Anything else, in short.
    Other(String),
}

impl JsonTaker for Coordinate {
    fn scalar(&mut self, value: JsonScalar<'_>) {
        *self = match value {
            JsonScalar::Null => Coordinate::Missing,
            JsonScalar::Bool(value) => Coordinate::Other(value.to_string()),
            JsonScalar::Number(number) => Coordinate::Number(number),
            JsonScalar::Text(text) => number_of_text(text)
                .map_or_else(|| Coordinate::Other(format!("{:?}", short(text, 20))), Coordinate::NumberText),
        };
    }

    fn list<'de, S: SeqAccess<'de>>(&mut self, list: S) -> Result<(), S::Error> {
        *self = Coordinate::Other("a list".to_owned());
        Skipped.list(list)
    }

    fn object<'de, M: MapAccess<'de>>(&mut self, object: M) -> Result<(), M::Error> {
        *self = Coordinate::Other("an object".to_owned());
        Skipped.object(object)
    }
}

/// Takes nothing.
struct Skipped;

impl JsonTaker for Skipped {}

/// An element of `actions`.
#[derive(Default)]
struct ActionFields {
    is_object: bool,
    at: Option<Coordinate>,
    pos: Option<Coordinate>,
    twice: Option<&'static str>,
}

impl JsonTaker for ActionFields {
    fn object<'de, M: MapAccess<'de>>(&mut self, mut object: M) -> Result<(), M::Error> {
        self.is_object = true;
        while let Some(Key(key)) = object.next_key()? {
            let (slot, name) = match &*key {
                "at" => (&mut self.at, "at"),
                "pos" => (&mut self.pos, "pos"),
                _ => {
                    object.next_value::<IgnoredAny>()?;
                    continue;
                }
            };
            let mut value = Coordinate::default();
            object.next_value_seed(Take(&mut value))?;
            self.twice = self.twice.or(slot.replace(value).map(|_| name));
        }
        Ok(())
    }
}

impl ActionFields {
    fn action(self, place: ScriptPlace, number_texts: &mut Tally) -> Result<RawAction, ScriptError> {
        if !self.is_object {
            return Err(ScriptError::at(place, "an action is an object with `at` and `pos`"));
        }
        if let Some(name) = self.twice {
            return Err(ScriptError::at(place, format!("it has `{name}` twice")));
        }
        let mut was_text = false;
        let mut number = |value: Option<Coordinate>, what: &str| match value.unwrap_or_default() {
            Coordinate::Number(number) => Ok(number),
            Coordinate::NumberText(number) => {
                was_text = true;
                Ok(number)
            }
            Coordinate::Missing => Err(ScriptError::at(place, format!("it has no {what}"))),
            Coordinate::Other(value) => {
                Err(ScriptError::at(place, format!("its {what} is {value}, and no number")))
            }
        };
        let (at_ms, pos) = (number(self.at, "time `at`")?, number(self.pos, "position `pos`")?);
        if was_text {
            number_texts.add(place);
        }
        Ok(RawAction { at_ms, pos, place })
    }
}

/// `inverted`: a guess would turn the motion round.
#[derive(Default)]
enum Inverted {
    #[default]
    No,
    Yes,
    Unknown,
}

impl JsonTaker for Inverted {
    fn scalar(&mut self, value: JsonScalar<'_>) {
        *self = match value {
            JsonScalar::Null | JsonScalar::Bool(false) => Inverted::No,
            JsonScalar::Bool(true) => Inverted::Yes,
            JsonScalar::Text(text) if text.eq_ignore_ascii_case("true") => Inverted::Yes,
            JsonScalar::Text(text) if text.eq_ignore_ascii_case("false") => Inverted::No,
            JsonScalar::Number(_) | JsonScalar::Text(_) => Inverted::Unknown,
        };
    }

    fn list<'de, S: SeqAccess<'de>>(&mut self, list: S) -> Result<(), S::Error> {
        *self = Inverted::Unknown;
        Skipped.list(list)
    }

    fn object<'de, M: MapAccess<'de>>(&mut self, object: M) -> Result<(), M::Error> {
        *self = Inverted::Unknown;
        Skipped.object(object)
    }
}

impl Inverted {
    fn finish(self) -> Result<bool, ScriptError> {
        match self {
            Inverted::No => Ok(false),
            Inverted::Yes => Ok(true),
            Inverted::Unknown => {
                Err(ScriptError::of_file("its `inverted` is neither true nor false", CORRECT_IT))
            }
        }
    }
}

/// A number, if it is one.
#[derive(Default)]
struct Number(Option<f64>);

impl JsonTaker for Number {
    fn scalar(&mut self, value: JsonScalar<'_>) {
        self.0 = match value {
            JsonScalar::Number(number) => Some(number),
            JsonScalar::Text(text) => number_of_text(text),
            JsonScalar::Null | JsonScalar::Bool(_) => None,
        };
    }
}

/// Number of elements or keys.
#[derive(Default)]
struct PartCount(usize);

impl JsonTaker for PartCount {
    fn list<'de, S: SeqAccess<'de>>(&mut self, mut list: S) -> Result<(), S::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {
            self.0 += 1;
        }
        Ok(())
    }

    fn object<'de, M: MapAccess<'de>>(&mut self, mut object: M) -> Result<(), M::Error> {
        while object.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {
            self.0 += 1;
        }
        Ok(())
    }
}

/// A text for people, if it is one.
#[derive(Default)]
struct Text(Option<String>);

impl JsonTaker for Text {
    fn scalar(&mut self, value: JsonScalar<'_>) {
        if let JsonScalar::Text(text) = value {
            let text = short(text.trim(), TEXT_CHARS);
            self.0 = Some(text).filter(|text| !text.is_empty());
        }
    }
}

/// The first characters of a text, without control characters.
fn short(text: &str, chars: usize) -> String {
    text.chars().filter(|c| !c.is_control()).take(chars).collect()
}

/// What people read. Its `duration` is in seconds or in milliseconds, depending on the editor, and is not used.
#[derive(Default)]
struct Metadata {
    title: Option<String>,
    chapters: ChapterList,
}

impl JsonTaker for Metadata {
    fn object<'de, M: MapAccess<'de>>(&mut self, mut object: M) -> Result<(), M::Error> {
        while let Some(Key(key)) = object.next_key()? {
            match &*key {
                "title" => {
                    let mut title = Text::default();
                    object.next_value_seed(Take(&mut title))?;
                    self.title = title.0;
                }
                "chapters" => object.next_value_seed(Take(&mut self.chapters))?,
                _ => object.next_value::<IgnoredAny>().map(drop)?,
            }
        }
        Ok(())
    }
}

#[derive(Default)]
struct ChapterList {
    kept: Vec<Chapter>,
    passed_over: usize,
}

impl JsonTaker for ChapterList {
    fn list<'de, S: SeqAccess<'de>>(&mut self, mut list: S) -> Result<(), S::Error> {
        loop {
            let mut fields = ChapterFields::default();
            if list.next_element_seed(Take(&mut fields))?.is_none() {
                return Ok(());
            }
            match fields.chapter() {
                Some(chapter) if self.kept.len() < MAX_CHAPTERS => self.kept.push(chapter),
                _ => self.passed_over += 1,
            }
        }
    }
}

#[derive(Default)]
struct ChapterFields {
    name: Text,
    start: Text,
    end: Text,
}

impl JsonTaker for ChapterFields {
    fn object<'de, M: MapAccess<'de>>(&mut self, mut object: M) -> Result<(), M::Error> {
        while let Some(Key(key)) = object.next_key()? {
            match &*key {
                "name" => object.next_value_seed(Take(&mut self.name))?,
                "startTime" => object.next_value_seed(Take(&mut self.start))?,
                "endTime" => object.next_value_seed(Take(&mut self.end))?,
                _ => object.next_value::<IgnoredAny>().map(drop)?,
            }
        }
        Ok(())
    }
}

impl ChapterFields {
    fn chapter(self) -> Option<Chapter> {
        let [start_ms, end_ms] = [self.start.0?, self.end.0?].map(|text| clock_text::milliseconds(&text));
        let chapter = Chapter { name: self.name.0.unwrap_or_default(), start_ms: start_ms?, end_ms: end_ms? };
        (chapter.start_ms <= chapter.end_ms).then_some(chapter)
    }
}
