//! Scripts: what is kept, and what a script asks of the axis.

use schemars::JsonSchema;
use serde::Serialize;

use crate::scripts::Analysis;
use crate::scripts::library::ScriptEntry;

/// The scripts that are kept.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ScriptsDocument {
    /// All of them, by name.
    pub scripts: Vec<ScriptEntry>,
    /// Files in the folder that are not listed, as there are too many.
    pub left_out: usize,
    /// Most scripts that are kept.
    pub most: usize,
    /// Bytes of all of them.
    pub bytes: u64,
    /// Most bytes of all of them.
    pub most_bytes: u64,
}

/// A script, and what it asks of the axis.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ScriptDocument {
    /// What is kept.
    #[serde(flatten)]
    pub entry: ScriptEntry,
    /// Its chapters.
    pub chapters: Vec<ChapterDocument>,
    /// Length of the window for which it was analysed, in mm.
    pub window_mm: f64,
    /// Highest speed that is allowed, in mm/s.
    pub allowed_mm_s: f64,
    /// What it asks of the axis in that window, at the limits in force and at its own rate.
    pub analysis: Analysis,
    /// Speed along the script, for drawing: the mean of equal parts of it, in windows per s.
    pub heat: Vec<f32>,
}

/// A part of the video.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ChapterDocument {
    /// Its name.
    pub name: String,
    /// Its beginning, in s.
    pub from_s: f64,
    /// Its end, in s.
    pub to_s: f64,
}
