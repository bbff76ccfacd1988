//! Writing: a script as a funscript that every program reads alike.

use serde::Serialize;

use super::{Chapter, Script};

#[derive(Serialize)]
struct FunscriptFile<'a> {
    version: &'static str,
    inverted: bool,
    range: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<FunscriptMetadata<'a>>,
    actions: Vec<FunscriptAction>,
}

#[derive(Serialize)]
struct FunscriptMetadata<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<&'a str>,
    chapters: Vec<FunscriptChapter<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct FunscriptChapter<'a> {
    name: &'a str,
    start_time: String,
    end_time: String,
}

#[derive(Serialize)]
struct FunscriptAction {
    at: u32,
    pos: FunscriptPos,
}

/// Whole numbers are written as such: some programs read nothing else.
#[derive(Serialize)]
#[serde(untagged)]
enum FunscriptPos {
    Whole(u8),
    /// In double precision, so that it is read back as the same number.
    Exact(f64),
}

/// Writes a script. What was repaired is repaired in it, and its notes are not in it.
#[must_use]
pub fn write(script: &Script) -> Vec<u8> {
    let has_metadata = script.title.is_some() || !script.chapters.is_empty();
    let metadata = has_metadata.then(|| FunscriptMetadata {
        title: script.title.as_deref(),
        chapters: script.chapters.iter().map(chapter).collect(),
    });
    let action = |action: &super::Action| {
        let exact = f64::from(action.pos);
        let is_whole = exact.fract() == 0.0;
        let pos = if is_whole { FunscriptPos::Whole(exact as u8) } else { FunscriptPos::Exact(exact) };
        FunscriptAction { at: action.at_ms, pos }
    };
    let actions = script.actions.iter().map(action).collect();
    let file = FunscriptFile { version: "1.0", inverted: false, range: 100, metadata, actions };
    // A Vec takes any text, and no key is anything else.
    serde_json::to_vec(&file).unwrap_or_default()
}

fn chapter(chapter: &Chapter) -> FunscriptChapter<'_> {
    let clock = |ms: u32| {
        let s = ms / 1_000;
        format!("{:02}:{:02}:{:02}.{:03}", s / 3_600, s / 60 % 60, s % 60, ms % 1_000)
    };
    FunscriptChapter {
        name: &chapter.name,
        start_time: clock(chapter.start_ms),
        end_time: clock(chapter.end_ms),
    }
}
