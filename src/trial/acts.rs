//! What a client asks for, read from the request or message that it sends: for the checks, which judge clients by what they do.

use serde_json::Value;

use super::client::{ClientKind, ClientRequest};
use crate::units::Nanos;

/// The path of the control socket; a message on it is a request with the method [`MESSAGE`].
pub const CONTROL_SOCKET: &str = "/api/v1/socket";
/// The method of a message on a socket.
pub const MESSAGE: &str = "WS";
/// The path of the feeds, and the one where they are let go on.
pub const FEEDS: &str = "/api/v1/feeds";
/// See there.
pub const RESUME: &str = "/api/v1/feeds/resume";
/// The path of the devices; that of one ends with its number.
pub const DEVICES: &str = "/api/v1/devices/";
/// The path of the nudge.
pub const NUDGE: &str = "/api/v1/commissioning/nudge";
/// The path of the pattern that runs.
pub const PATTERN: &str = "/api/v1/patterns/run";
/// The path where a script is played.
pub const PLAY: &str = "/api/v1/player/play";
/// The path where a code is tried.
pub const PAIRING_CODE: &str = "/api/v1/pairing/code";

/// What a client asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientAct {
    /// To start a motion: a wave, a pattern, a script, homing, or a nudge.
    Start {
        /// True for homing and the nudge.
        homes: bool,
        /// The nudge that it is.
        nudge: Option<AskedNudge>,
        /// True if the client says which STOP it has seen.
        names_stop: bool,
        /// True if the motion is to go on without its client.
        goes_on: bool,
        /// True for a pattern or a script.
        plays: bool,
    },
    /// To change the pattern that runs.
    Change {
        /// True if the client says which STOP it has seen.
        names_stop: bool,
    },
    /// STOP.
    Stop,
    /// END.
    End,
    /// Another window for the feeds.
    Window,
    /// To let feeds move the axis again, behind the STOP with this number.
    Resume(u32),
    /// It says that it is there.
    Alive,
    /// It asks for the lease.
    Ask,
    /// It takes the lease by force.
    Force,
    /// It hands the lease over.
    HandOver,
    /// It gives the lease back.
    GiveBack,
    /// It takes the device of this number off the list.
    Revoke(u32),
    /// To be let in by a code.
    Pair,
    /// Frames without an answer, which may start and stop.
    Frames,
    /// Anything else.
    Other,
}

/// A nudge that a client asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AskedNudge {
    /// True toward the front.
    pub is_forward: bool,
    /// True for 10 mm instead of 2 mm.
    pub is_ruler: bool,
}

impl ClientAct {
    /// The act of this request or message.
    pub fn of(call: &ClientRequest) -> ClientAct {
        let body: Value = serde_json::from_slice(&call.body).unwrap_or_default();
        let word = |name: &str| body.get(name).and_then(Value::as_str);
        let names_stop = body.get("after_stop").is_some_and(|stop| !stop.is_null());
        let start = |homes: bool, goes_on: bool| ClientAct::Start {
            homes,
            nudge: None,
            names_stop,
            goes_on,
            plays: false,
        };
        let nudge = || match start(true, false) {
            ClientAct::Start { names_stop, .. } => ClientAct::Start {
                homes: true,
                nudge: Some(AskedNudge {
                    is_forward: word("toward") == Some("front"),
                    is_ruler: word("travel") == Some("ruler"),
                }),
                names_stop,
                goes_on: false,
                plays: false,
            },
            other => other,
        };
        let goes_on = word("presence") == Some("go_on");
        let play = ClientAct::Start { homes: false, nudge: None, names_stop, goes_on, plays: true };
        let has_pattern = body.get("pattern").is_some_and(Value::is_object);
        match (call.method, call.path.as_str(), word("type")) {
            ("POST", "/api/stop" | "/api/v1/stop", _) | ("POST", "/api/commands/run", Some("stop")) => {
                ClientAct::Stop
            }
            ("POST", "/api/commands/run", Some("end"))
            | ("POST", "/api/v1/machine/end", _)
            | (MESSAGE, CONTROL_SOCKET, Some("end")) => ClientAct::End,
            ("PATCH", FEEDS, _) => ClientAct::Window,
            ("POST", RESUME, _) => {
                let number = body.get("after_stop").and_then(|stop| stop.as_u64()?.try_into().ok());
                number.map_or(ClientAct::Other, ClientAct::Resume)
            }
            ("POST", "/api/commands/run", Some("calibrate")) => start(true, false),
            ("POST", "/api/wave/run", _) => start(false, word("lease") == Some("continue")),
            ("POST", PATTERN | PLAY, _) => play,
            (MESSAGE, CONTROL_SOCKET, Some("run")) if has_pattern => play,
            ("PATCH", PATTERN, _) => ClientAct::Change { names_stop },
            (MESSAGE, CONTROL_SOCKET, Some("change")) if has_pattern => ClientAct::Change { names_stop },
            ("POST", "/api/v1/machine/run", _) | (MESSAGE, CONTROL_SOCKET, Some("run" | "change")) => {
                start(false, goes_on)
            }
            ("POST", "/api/v1/machine/calibrate", _) | (MESSAGE, CONTROL_SOCKET, Some("calibrate")) => {
                start(true, false)
            }
            ("POST", NUDGE, _) | (MESSAGE, CONTROL_SOCKET, Some("nudge")) => nudge(),
            ("POST", PAIRING_CODE, _) => ClientAct::Pair,
            ("DELETE", path, _) => {
                let number = path.strip_prefix(DEVICES).and_then(|number| number.parse().ok());
                number.map_or(ClientAct::Other, ClientAct::Revoke)
            }
            (MESSAGE, CONTROL_SOCKET, Some("stop")) => ClientAct::Stop,
            (MESSAGE, CONTROL_SOCKET, Some("alive")) => ClientAct::Alive,
            (MESSAGE, CONTROL_SOCKET, Some("lease")) => match word("act") {
                Some("ask") => ClientAct::Ask,
                Some("force") => ClientAct::Force,
                Some("hand_over") => ClientAct::HandOver,
                Some("release") => ClientAct::GiveBack,
                _ => ClientAct::Other,
            },
            (MESSAGE, path, _) if path != CONTROL_SOCKET => ClientAct::Frames,
            _ => ClientAct::Other,
        }
    }

    /// True for a start.
    pub const fn is_start(self) -> bool {
        matches!(self, ClientAct::Start { .. })
    }

    /// True for a start, and for a change of what moves.
    pub const fn is_motion(self) -> bool {
        matches!(self, ClientAct::Start { .. } | ClientAct::Change { .. })
    }

    /// True for an act by which the lease may change hands.
    pub const fn is_on_the_lease(self) -> bool {
        matches!(self, ClientAct::Ask | ClientAct::Force | ClientAct::HandOver | ClientAct::GiveBack)
    }
}

/// The wave that a request or message asks for, if it has one.
pub fn wave_of(call: &ClientRequest) -> Option<Value> {
    let ClientAct::Start { homes: false, .. } = ClientAct::of(call) else { return None };
    let body: Value = serde_json::from_slice(&call.body).ok()?;
    if call.path == "/api/wave/run" { Some(body) } else { body.get("wave").cloned() }
}

/// A request or message on its way to the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SentAct {
    /// Its number; the answer has the same.
    pub number: u64,
    /// Who sends it.
    pub who: ClientKind,
    /// What it asks for.
    pub act: ClientAct,
    /// Instant at which its sender decided on it.
    pub decided_ns: Nanos,
    /// Instant at which it arrives; later than the one before if it was delayed on its way.
    pub arrives_ns: Nanos,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn acts_are_known_by_every_way_in() {
        let start = |homes, names_stop, goes_on| ClientAct::Start {
            homes,
            nudge: None,
            names_stop,
            goes_on,
            plays: false,
        };
        let play = |names_stop, goes_on| ClientAct::Start {
            homes: false,
            nudge: None,
            names_stop,
            goes_on,
            plays: true,
        };
        let nudge = Some(AskedNudge { is_forward: true, is_ruler: false });
        let nudge = ClientAct::Start { homes: true, nudge, names_stop: true, goes_on: false, plays: false };
        for (method, path, body, act) in [
            ("POST", "/api/stop", "", ClientAct::Stop),
            ("POST", "/api/commands/run", r#"{"type":"stop"}"#, ClientAct::Stop),
            ("POST", "/api/commands/run", r#"{"type":"calibrate"}"#, start(true, false, false)),
            ("POST", "/api/commands/run", r#"{"type":"end"}"#, ClientAct::End),
            (MESSAGE, CONTROL_SOCKET, r#"{"type":"end"}"#, ClientAct::End),
            ("PATCH", "/api/v1/feeds", r#"{"whole_window":true}"#, ClientAct::Window),
            ("POST", "/api/v1/feeds/resume", r#"{"after_stop":4}"#, ClientAct::Resume(4)),
            ("POST", "/api/wave/run", r#"{"type":"sine","lease":"continue"}"#, start(false, false, true)),
            ("POST", "/api/v1/machine/run", r#"{"wave":{},"after_stop":3}"#, start(false, true, false)),
            (MESSAGE, CONTROL_SOCKET, r#"{"type":"run","presence":"go_on"}"#, start(false, false, true)),
            (MESSAGE, CONTROL_SOCKET, r#"{"type":"calibrate","after_stop":0}"#, start(true, true, false)),
            (MESSAGE, CONTROL_SOCKET, r#"{"type":"nudge","toward":"front","after_stop":1}"#, nudge),
            (MESSAGE, CONTROL_SOCKET, r#"{"type":"lease","act":"force"}"#, ClientAct::Force),
            ("POST", PATTERN, r#"{"pattern":"simple","presence":"go_on"}"#, play(false, true)),
            ("PATCH", PATTERN, r#"{"paused":true}"#, ClientAct::Change { names_stop: false }),
            (MESSAGE, CONTROL_SOCKET, r#"{"type":"run","pattern":{},"after_stop":2}"#, play(true, false)),
            (
                MESSAGE,
                CONTROL_SOCKET,
                r#"{"type":"change","pattern":{},"after_stop":2}"#,
                ClientAct::Change { names_stop: true },
            ),
            ("POST", PLAY, "{}", play(false, false)),
            (MESSAGE, "/api/stream/command_all", "", ClientAct::Frames),
            ("DELETE", "/api/v1/devices/7", "", ClientAct::Revoke(7)),
            ("GET", "/api/stop", "", ClientAct::Other),
        ] {
            let (path, body) = (path.to_owned(), body.as_bytes().to_vec());
            let call = ClientRequest { who: ClientKind::Phone, method, path, body };
            assert_eq!(ClientAct::of(&call), act, "{call:?}");
        }
    }
}
