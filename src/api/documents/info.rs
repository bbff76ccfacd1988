//! Info: what everybody may know of this machine. Who shares the network is told its name and version, and not what it does.

use schemars::JsonSchema;
use serde::Serialize;

/// What everybody may know.
#[derive(Debug, Serialize, JsonSchema)]
pub struct InfoDocument<'a> {
    /// The name of this server.
    #[schemars(with = "String")]
    pub name: &'static str,
    /// Its version.
    #[schemars(with = "String")]
    pub version: &'static str,
    /// The number of this machine, which stays while its name and its address change; hexadecimal digits.
    #[schemars(with = "String")]
    pub id: &'a str,
    /// The version of this API.
    #[schemars(range(min = 1))]
    pub api: u32,
}

/// Whether the server answers.
#[derive(Debug, Serialize, JsonSchema)]
pub struct HealthDocument {
    /// Always `ok`.
    #[schemars(extend("enum" = ["ok"]))]
    #[schemars(with = "String")]
    pub status: &'static str,
}

/// The answer to STOP. It says no more: whether something moved is nobody's business who may only stop.
#[derive(Debug, Serialize, JsonSchema)]
pub struct StopAnswer {
    /// Always true: the stop line is raised.
    #[schemars(extend("enum" = [true]))]
    pub received: bool,
}
