//! A fault, as every document shows it.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A word of a fixed vocabulary, or a text made of them: borrowed by the server, owned by a reader.
pub type Word = Cow<'static, str>;

/// A fault.
#[derive(Debug, Default, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(!default)]
pub struct FaultReport {
    /// Stable, for programs.
    pub code: Word,
    /// For people.
    pub message: String,
    /// The act that helps.
    pub remedy: Word,
}
