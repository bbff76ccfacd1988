//! The name of the machine in the network.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The name of the machine in the network, and where it comes from.
#[derive(Debug, Serialize, JsonSchema)]
pub struct NameDocument<'a> {
    /// The name, without `.local`; empty if it has none.
    pub name: String,
    /// The name that it has when none is chosen: that of the configuration, or of the system.
    #[schemars(with = "String")]
    pub configured: &'a str,
    /// Whether the name was chosen with this API.
    pub is_chosen: bool,
    /// A name that no other machine has, and that stays.
    pub always: String,
    /// What to do because another machine of the network was heard that has this name; null if none was.
    #[schemars(with = "Option<String>")]
    pub conflict: Option<&'static str>,
}

/// Another name.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("examples" = [{ "name": "left" }]))]
pub struct NameChange {
    /// The name, without `.local`, in letters of either kind.
    #[schemars(length(min = 1, max = 63), regex(pattern = "^[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?$"))]
    pub name: String,
}
