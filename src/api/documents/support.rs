//! Answer of `GET /api/v1/support`: what somebody needs to know who helps from far away.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

/// A part of the support data.
#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
pub struct SupportPart {
    /// Its key in the data.
    #[schemars(with = "String")]
    pub name: &'static str,
    /// What it says, for people.
    #[schemars(with = "String")]
    pub what: &'static str,
}

/// What the support data has in it, for people to see before it is made.
#[derive(Debug, Serialize, JsonSchema)]
pub struct SupportContents {
    /// Each part.
    pub parts: Vec<SupportPart>,
    /// What is in none of them.
    #[schemars(with = "String")]
    pub without: &'static str,
}

/// The support data.
#[derive(Debug, Serialize, JsonSchema)]
pub struct SupportDocument {
    /// When it was made, in seconds since 1970 by the wall clock.
    pub made_unix_s: u64,
    /// What is in it.
    pub contents: SupportContents,
    /// The parts by their names, as they are; null for one that this machine has not.
    pub parts: Map<String, Value>,
}
