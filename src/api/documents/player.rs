//! The player of scripts: what it plays, and how it is told.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::feeds::FeedWindowDocument;
use crate::api::charge::lease::Presence;
use crate::store::player::SourceKind;

/// What the player does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PlayerPhase {
    /// No script was asked for yet.
    #[default]
    Empty,
    /// It plays; the axis goes to where the script is and follows it.
    Playing,
    /// The axis rests, and the script goes on where it was.
    Paused,
    /// It waits for the video player: nothing is played there, or there is no script for it.
    Waits,
    /// The script is over, and the axis rests.
    Ended,
    /// Its motion was ended by somebody or something else: STOP, END, a fault, or another motion.
    Stopped,
}

/// The player.
#[derive(Debug, Serialize, JsonSchema)]
pub struct PlayerDocument {
    /// What it does.
    pub phase: PlayerPhase,
    /// Why it does nothing, for people; null while it plays.
    pub why: Option<String>,
    /// The script.
    pub script: Option<String>,
    /// The scripts that follow it.
    pub playlist: Vec<String>,
    /// Position in the script, in s.
    pub position_s: f64,
    /// Length of the script, in s.
    pub duration_s: f64,
    /// Seconds of the script for each second.
    pub rate: f64,
    /// The axis is so much later than the script, in ms; negative for earlier.
    pub offset_ms: f64,
    /// True if back and front are exchanged.
    pub inverted: bool,
    /// True if the playlist begins anew behind its end.
    pub repeat: bool,
    /// The part of the script that is repeated.
    pub part: Option<ScriptPartDocument>,
    /// Where it moves: the window of other programs.
    pub window: FeedWindowDocument,
    /// Points that were made shorter since it began to play.
    pub shortened: u32,
    /// True if it is in step with the video player.
    pub follows_source: bool,
    /// The video player.
    pub source: Option<SourceDocument>,
}

/// A part of a script.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ScriptPartDocument {
    /// Where it begins, in s from the beginning of the script.
    #[schemars(range(min = 0.0))]
    pub from_s: f64,
    /// Where it ends, in s; at least half a second behind its beginning.
    #[schemars(range(min = 0.5))]
    pub to_s: f64,
}

/// The video player that the script is in step with.
#[derive(Debug, Serialize, JsonSchema)]
pub struct SourceDocument {
    /// Its kind.
    pub kind: SourceKind,
    /// Where it is.
    pub address: String,
    /// True if it needs a password and one is stored.
    pub has_password: bool,
    /// True while there is a connection.
    pub is_connected: bool,
    /// What it plays.
    pub media: Option<String>,
    /// Why there is no connection, for people.
    pub trouble: Option<String>,
}

/// What is to be played: one script, a playlist, or whatever the video player plays.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("examples" = [
    { "script": "Evening", "position_s": 12.5, "rate": 1 },
    { "source": true, "presence": "watch" },
]))]
pub struct PlayRequest {
    /// The name of a script.
    #[schemars(length(min = 1, max = 120))]
    pub script: Option<String>,
    /// The names of scripts that are played one after the other.
    #[schemars(length(min = 1, max = 200))]
    pub playlist: Option<Vec<String>>,
    /// True to be in step with the video player of the settings: its media chooses the script.
    pub source: Option<bool>,
    /// Where to begin, in s; 0 if it is not given.
    #[schemars(range(min = 0.0, max = 43_200.0))]
    pub position_s: Option<f64>,
    /// The time on the server's clock at which that position is or was played, in ms: what `GET /api/v1/clock` shows. Now, if it is
    /// not given.
    pub at_ms: Option<f64>,
    /// Seconds of the script for each second; 1 if it is not given.
    #[schemars(range(min = 0.25, max = 4.0))]
    pub rate: Option<f64>,
    /// The axis is to be so much later, in ms. As it was used last, if it is not given.
    #[schemars(range(min = -2000.0, max = 2000.0))]
    pub offset_ms: Option<f64>,
    /// True to exchange back and front.
    pub inverted: Option<bool>,
    /// True to begin anew behind the end.
    pub repeat: Option<bool>,
    /// A part of the script to repeat.
    pub part: Option<ScriptPartDocument>,
    /// How the client shows that it is there; without it the configuration says so.
    pub presence: Option<Presence>,
    /// The number of the newest STOP that the sender knows; see the other commands.
    pub after_stop: Option<u32>,
}

/// A change of what is played: what is left out stays.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("examples" = [{ "paused": true }, { "position_s": 61.2, "at_ms": 123_456.7 }]))]
pub struct PlayerChange {
    /// Another position, in s. With `at_ms` it is what another clock says, and small differences are corrected slowly.
    #[schemars(range(min = 0.0, max = 43_200.0))]
    pub position_s: Option<f64>,
    /// The time on the server's clock at which that position is or was played, in ms.
    pub at_ms: Option<f64>,
    /// Seconds of the script for each second.
    #[schemars(range(min = 0.25, max = 4.0))]
    pub rate: Option<f64>,
    /// The axis is to be so much later, in ms.
    #[schemars(range(min = -2000.0, max = 2000.0))]
    pub offset_ms: Option<f64>,
    /// True to exchange back and front.
    pub inverted: Option<bool>,
    /// True to begin anew behind the end.
    pub repeat: Option<bool>,
    /// A part of the script to repeat.
    pub part: Option<ScriptPartDocument>,
    /// True to repeat no part any more.
    pub whole: Option<bool>,
    /// True to come to rest, false to go on.
    pub paused: Option<bool>,
    /// The number of the newest STOP that the sender knows; see the other commands.
    pub after_stop: Option<u32>,
}

/// The video player to be in step with; null for none.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("examples" = [
    { "source": { "kind": "mpv", "address": "unix:/tmp/mpv" } },
    { "source": { "kind": "vlc", "address": "192.168.1.20:8080", "password": "secret" } },
]))]
pub struct SourceRequest {
    /// The video player.
    pub source: Option<SourceChoice>,
}

/// A video player.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SourceChoice {
    /// Its kind.
    pub kind: SourceKind,
    /// Where it is: `unix:PATH` or `tcp:HOST:PORT` for mpv, `HOST` or `HOST:PORT` for the others.
    #[schemars(length(min = 1, max = 200))]
    pub address: String,
    /// Its password, where it has one; the stored one stays if it is not given and kind and address are the same.
    #[schemars(length(max = 100))]
    pub password: Option<String>,
}

/// The server's clock, by which the start of a script can be given.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ClockDocument {
    /// Time on the machine's clock, in ms since its start.
    pub t_ms: f64,
}
