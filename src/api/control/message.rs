//! Messages of the control socket: JSON objects with a `type`, both ways.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::api::charge::lease::Presence;
use crate::api::documents::access::{LeaseAct, LeaseDocument};
use crate::api::documents::command::CommandAnswer;
use crate::api::documents::commissioning::{NudgeTravel, RailEndName};
use crate::api::documents::machine::MachineDocument;
use crate::api::problem::Problem;
use crate::auth::Right;

/// What a client sends. A message with an `id` gets a reply with that id.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClientMessage {
    /// Number of this message, chosen by the client.
    pub id: Option<u64>,
    /// What it asks for.
    #[serde(rename = "type")]
    pub kind: ClientMessageKind,
    /// Of `hello`: the number of the newest event that the client knows.
    pub since: Option<u64>,
    /// Of `run`: the wave.
    pub wave: Option<Value>,
    /// Of `run`: the name of a saved wave.
    pub saved: Option<String>,
    /// Of `run` in place of a wave, and of `change`: a pattern, or new values of its parameters, as the bodies of
    /// `/api/v1/patterns/run`.
    pub pattern: Option<Value>,
    /// Of `change`: new values of fields of the wave that runs; `null` takes a field away.
    pub fields: Option<Map<String, Value>>,
    /// Of a command that may start a motion: the number of the newest STOP that the client knows.
    pub after_stop: Option<u32>,
    /// Of `run` and `change`: how the client shows that it is there.
    pub presence: Option<Presence>,
    /// Of `nudge`: the end of the rail toward which the carriage should move.
    pub toward: Option<RailEndName>,
    /// Of `nudge`: how far; 2 mm if it is not given.
    pub travel: Option<NudgeTravel>,
    /// Of `hello`: the name of the tab or of the program's instance. Two sockets with the same one are one client.
    pub tab: Option<String>,
    /// Of `lease`: what the client does about it.
    pub act: Option<LeaseAct>,
    /// Of `alive`: `app` from a script in a page of the clients' old contract, which cannot say so itself.
    pub of: Option<AliveOf>,
    /// Of `alive`: anything; it comes back with the reply, so that the client can measure the round trip.
    pub t: Option<f64>,
}

impl ClientMessage {
    /// The message of a text.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(text: &str) -> Result<ClientMessage, String> {
        // A list would be read as the fields in their order.
        if !text.trim_start().starts_with('{') {
            return Err("a message is a JSON object".to_owned());
        }
        serde_json::from_str(text).map_err(|error| error.to_string())
    }
}

/// What a client asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ClientMessageKind {
    /// All events behind `since`.
    Hello,
    /// A sign of life; a wave whose client gives none for 3 s comes to rest.
    Alive,
    /// STOP.
    Stop,
    /// Run a wave or a pattern; while one runs, go over to it.
    Run,
    /// Change some fields of the wave or some parameters of the pattern that runs.
    Change,
    /// End the wave when its period is complete.
    End,
    /// Find both ends of the rail.
    Calibrate,
    /// Move a little toward an end of the rail, while `alive` comes each 100 ms; only while not homed.
    Nudge,
    /// Acknowledge the latched fault.
    Acknowledge,
    /// Unlock the axis after an acknowledged fault.
    Arm,
    /// Ask for the control lease, hand it over, keep it, give it back, or take it.
    Lease,
}

/// Who it is that is alive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AliveOf {
    /// The page of the clients' old contract on the same device.
    App,
}

impl ClientMessageKind {
    /// The right that it needs.
    #[must_use]
    pub const fn right(self) -> Right {
        match self {
            ClientMessageKind::Hello | ClientMessageKind::Alive => Right::Observe,
            ClientMessageKind::Stop => Right::Anyone,
            ClientMessageKind::Nudge => Right::Administer,
            ClientMessageKind::Run
            | ClientMessageKind::Change
            | ClientMessageKind::End
            | ClientMessageKind::Calibrate
            | ClientMessageKind::Acknowledge
            | ClientMessageKind::Lease
            | ClientMessageKind::Arm => Right::Operate,
        }
    }
}

/// What a client hears.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ServerMessage<'a> {
    /// The first message: who answers.
    Hello {
        /// Version of the program; a page of another version loads itself anew.
        build: &'a str,
        /// The highest right of this client.
        right: &'a str,
        /// Time on the machine's clock, in seconds.
        t: f64,
        /// The number of the newest event.
        newest_event: u64,
    },
    /// The state of the machine: on each change, and each second.
    State {
        /// The document of `GET /api/v1/machine`.
        #[serde(flatten)]
        machine: Box<MachineDocument>,
    },
    /// Samples: the first at `t0`, the others `dt` apart. Behind a gap the next batch has another `t0`.
    Live {
        /// Time of the first sample on the machine's clock, in seconds.
        t0: f64,
        /// Time between two samples, in seconds.
        dt: f64,
        /// Position in mm, velocity in mm/s, force in g; null where it is not known.
        s: &'a [[Option<f64>; 3]],
    },
    /// Something that happened.
    Event {
        /// Its number: one more than that of the event before.
        n: u64,
        /// Time on the machine's clock, in seconds.
        t: f64,
        /// A stable name, for programs.
        code: Cow<'a, str>,
        /// What happened, for people.
        text: Cow<'a, str>,
    },
    /// Events were lost: those that the server does not keep any more, or that this client did not take in time. The state that
    /// follows is complete.
    Gap {
        /// The number of the newest event.
        newest_event: u64,
    },
    /// The answer to a message with an id.
    Reply {
        /// The id of the message.
        id: Option<u64>,
        /// What the machine decided; null where there was nothing to decide.
        #[serde(skip_serializing_if = "Option::is_none")]
        done: Option<CommandAnswer>,
        /// Who is in charge now, after an act on the lease.
        #[serde(skip_serializing_if = "Option::is_none")]
        lease: Option<LeaseDocument>,
        /// Why it was refused.
        #[serde(skip_serializing_if = "Option::is_none")]
        problem: Option<Box<Problem>>,
        /// What the client sent with `alive`.
        #[serde(skip_serializing_if = "Option::is_none")]
        t: Option<f64>,
    },
}

impl ServerMessage<'_> {
    /// The message as text.
    #[must_use]
    pub fn text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}
