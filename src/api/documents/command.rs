//! Commands: what a client sends to move the axis, and what it hears.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::wave::WaveBody;
use crate::api::charge::lease::Presence;
use crate::machine::Accepted;

/// A command that may start a motion.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("examples" = [{ "after_stop": 0 }]))]
pub struct MotionRequest {
    /// The number of the newest STOP that the sender knows (`stops` of the machine). When there was a later one, the command is
    /// refused with `stopped`, so that a start that was delayed on its way cannot follow somebody else's STOP.
    pub after_stop: Option<u32>,
}

/// A wave to be run: `wave` or `saved`, one of the two.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("examples" = [{ "wave": { "type": "sine", "duration": 5, "lease": "continue" } }]))]
pub struct RunRequest {
    /// The wave.
    #[schemars(with = "Option<WaveBody>")]
    #[serde(default)]
    pub wave: Option<Value>,
    /// The name of a saved wave.
    #[schemars(length(min = 1, max = 64))]
    pub saved: Option<String>,
    /// The number of the newest STOP that the sender knows; see the other commands.
    pub after_stop: Option<u32>,
    /// How the client shows that it is there; without it the wave says so, or the configuration.
    pub presence: Option<Presence>,
}

/// What the machine decided about a command.
#[derive(Debug, Serialize, JsonSchema)]
pub struct CommandAnswer {
    /// `now`: it happens at once; `queued`: it waits for what runs now; `already`: there was nothing to do.
    #[schemars(extend("enum" = ["now", "queued", "already"]))]
    #[schemars(with = "String")]
    pub accepted: &'static str,
}

impl From<Accepted> for CommandAnswer {
    fn from(accepted: Accepted) -> CommandAnswer {
        CommandAnswer { accepted: accepted.code() }
    }
}
