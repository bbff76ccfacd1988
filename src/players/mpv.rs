//! JSON IPC of mpv: lines of JSON on its socket (the section "JSON IPC" of mpv's manual).
//!
//! Observed properties tell each change. A position that belongs to another change (a pause, a new rate) may have been
//! said long before it, since mpv says the position of a sound without a picture only now and then. So the position is
//! asked for behind each such change, and the answer is the update.

use serde_json::Value;

use super::error::PlayerError;
use super::fields::{self, PlayerFields};
use super::update::{MediaUpdate, bounded_media};

/// Longest line. A line has a path at most.
pub const MAX_LINE_BYTES: usize = 64 * 1024;

/// What is sent at the begin of a connection: the properties that are observed. The path comes first, so that no position
/// is told before it.
pub const SUBSCRIBE: &str = concat!(
    "{\"command\":[\"observe_property\",1,\"path\"]}\n",
    "{\"command\":[\"observe_property\",2,\"duration\"]}\n",
    "{\"command\":[\"observe_property\",3,\"speed\"]}\n",
    "{\"command\":[\"observe_property\",4,\"pause\"]}\n",
    "{\"command\":[\"observe_property\",5,\"core-idle\"]}\n",
    "{\"command\":[\"observe_property\",6,\"time-pos\"]}\n",
);

/// The question for the position. mpv answers it also while it has none, so it is a sign of life as well.
pub const ASK_POSITION: &str = "{\"command\":[\"get_property\",\"time-pos\"],\"request_id\":23}\n";
/// Number of that question, by which its answer is known.
const POSITION_REQUEST: u64 = 23;

/// Reader of one connection.
#[derive(Debug, Default)]
pub struct MpvSession {
    line: Vec<u8>,
    /// The rest of a line that was too long is dropped.
    is_skipping: bool,
    asks_position: bool,
    playback: MpvPlayback,
}

/// What mpv has said.
#[derive(Debug)]
struct MpvPlayback {
    path: Option<String>,
    duration_s: Option<f64>,
    speed: f64,
    is_paused: bool,
    /// It waits: for data, for the end of a seek, for a file.
    is_idle: bool,
    is_jump: bool,
}

impl Default for MpvPlayback {
    fn default() -> Self {
        // Until mpv has said more, nothing plays.
        MpvPlayback {
            path: None,
            duration_s: None,
            speed: 1.0,
            is_paused: true,
            is_idle: true,
            is_jump: false,
        }
    }
}

impl MpvSession {
    /// Reads bytes as they come, in any pieces; hands each update, or error of a line, to `take`.
    pub fn feed(&mut self, bytes: &[u8], mut take: impl FnMut(Result<MediaUpdate, PlayerError>)) {
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            let (piece, is_end) = match piece {
                [piece @ .., b'\n'] => (piece, true),
                piece => (piece, false),
            };
            if !self.is_skipping && self.line.len() + piece.len() > MAX_LINE_BYTES {
                self.is_skipping = true;
                take(Err(PlayerError::TooLong { max_bytes: MAX_LINE_BYTES }));
            }
            if !self.is_skipping {
                self.line.extend_from_slice(piece);
            }
            if is_end {
                let line = std::mem::take(&mut self.line);
                if !std::mem::take(&mut self.is_skipping)
                    && let Some(update) = self.read_line(&line).transpose()
                {
                    take(update);
                }
            }
        }
    }

    /// True if [`ASK_POSITION`] is to be sent now; then it is taken as sent.
    pub fn takes_question(&mut self) -> bool {
        std::mem::take(&mut self.asks_position)
    }

    fn read_line(&mut self, line: &[u8]) -> Result<Option<MediaUpdate>, PlayerError> {
        // Paths are bytes for mpv, and it says them as they are.
        let text = String::from_utf8_lossy(line);
        if text.trim().is_empty() {
            return Ok(None);
        }
        let message: Value = serde_json::from_str(&text).map_err(|_| PlayerError::NotAnObject)?;
        let fields = PlayerFields::of(&message)?;
        match fields.text("event") {
            Some("property-change") => self.change(fields),
            Some("seek" | "playback-restart") => {
                self.playback.is_jump = true;
                Ok(None)
            }
            Some(_) => Ok(None),
            None if fields.get("request_id").and_then(Value::as_u64) == Some(POSITION_REQUEST) => {
                let position_s = fields.position_s("data")?;
                Ok(Some(self.playback.update(position_s)))
            }
            None => Ok(None),
        }
    }

    /// A property has another value; without one it is not available.
    fn change(&mut self, fields: PlayerFields<'_>) -> Result<Option<MediaUpdate>, PlayerError> {
        let playback = &mut self.playback;
        match fields.text("name") {
            Some("time-pos") => {
                let position_s = fields.position_s("data")?;
                let is_known = position_s.is_some() && playback.path.is_some();
                return Ok(is_known.then(|| playback.update(position_s)));
            }
            Some("path") => {
                let path = fields.text("data").and_then(bounded_media);
                playback.is_jump |= path != playback.path;
                playback.path = path;
            }
            Some("duration") => playback.duration_s = fields.duration_s("data")?,
            Some("speed") => {
                let speed = fields.get("data").map(|value| fields::rate("speed", value)).transpose()?;
                playback.speed = speed.unwrap_or(1.0);
            }
            Some("pause") => playback.is_paused = is_true(fields),
            Some("core-idle") => playback.is_idle = is_true(fields),
            _ => return Ok(None),
        }
        self.asks_position = true;
        Ok(None)
    }
}

/// A flag; mpv says it as a text where it was asked for texts. One that is not available holds nothing up.
fn is_true(fields: PlayerFields<'_>) -> bool {
    match fields.get("data") {
        Some(Value::Bool(flag)) => *flag,
        Some(Value::String(text)) => text == "yes",
        _ => false,
    }
}

impl MpvPlayback {
    fn update(&mut self, position_s: Option<f64>) -> MediaUpdate {
        let Some(path) = &self.path else { return MediaUpdate::nothing() };
        MediaUpdate {
            media: Some(path.clone()),
            position_s: position_s.unwrap_or(0.0),
            duration_s: self.duration_s,
            rate: self.speed,
            is_playing: !self.is_paused && !self.is_idle && position_s.is_some(),
            is_jump: std::mem::take(&mut self.is_jump),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What mpv 0.35 says at its begin, at a pause, a seek and a change of its speed.
    const SESSION: &str = r#"{"request_id":0,"error":"success"}
{"event":"property-change","id":1,"name":"path","data":"tone.wav"}
{"event":"property-change","id":2,"name":"duration","data":120.000000}
{"event":"property-change","id":3,"name":"speed","data":1.000000}
{"event":"property-change","id":4,"name":"pause","data":true}
{"event":"property-change","id":5,"name":"core-idle","data":true}
{"event":"property-change","id":6,"name":"time-pos","data":0.000000}
{"event":"property-change","id":4,"name":"pause","data":false}
{"event":"property-change","id":5,"name":"core-idle","data":false}
{"event":"property-change","id":6,"name":"time-pos","data":0.385672}
{"event":"seek"}
{"event":"property-change","id":5,"name":"core-idle","data":true}
{"event":"property-change","id":6,"name":"time-pos","data":50.000000}
{"event":"playback-restart"}
{"event":"property-change","id":5,"name":"core-idle","data":false}
{"request_id":23,"error":"success","data":50.049189}
{"event":"property-change","id":6,"name":"time-pos","data":50.249638}
{"event":"property-change","id":3,"name":"speed","data":1.500000}
{"event":"property-change","id":6,"name":"time-pos","data":50.5}
{"event":"property-change","id":1,"name":"path"}
{"event":"property-change","id":2,"name":"duration"}
{"event":"property-change","id":6,"name":"time-pos"}
{"request_id":23,"error":"property unavailable"}
"#;

    fn read<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<Result<MediaUpdate, PlayerError>> {
        let (mut session, mut read) = (MpvSession::default(), Vec::new());
        for piece in pieces {
            session.feed(piece, |update| read.push(update));
        }
        read
    }

    #[test]
    fn a_session_is_read_alike_in_any_pieces() {
        let whole = read([SESSION.as_bytes()]);
        let told: Vec<_> = whole
            .iter()
            .map(|update| {
                let update = update.as_ref().unwrap();
                (update.position_s, update.rate, update.is_playing, update.is_jump)
            })
            .collect();
        assert_eq!(
            told,
            [
                (0.0, 1.0, false, true),
                (0.385_672, 1.0, true, false),
                (50.0, 1.0, false, true),
                (50.049_189, 1.0, true, true),
                (50.249_638, 1.0, true, false),
                (50.5, 1.5, true, false),
                (0.0, 1.0, false, false),
            ]
        );
        assert_eq!(whole[0].as_ref().unwrap().media.as_deref(), Some("tone.wav"));
        assert_eq!(whole[0].as_ref().unwrap().duration_s, Some(120.0));
        assert_eq!(whole[6], Ok(MediaUpdate::nothing()));
        for at in 0..=SESSION.len() {
            let (begin, end) = SESSION.as_bytes().split_at(at);
            assert_eq!(read([begin, end]), whole, "split at {at}");
        }
        assert_eq!(read(SESSION.as_bytes().chunks(1)), whole);
    }

    #[test]
    fn each_change_but_that_of_the_position_asks_for_it() {
        let mut session = MpvSession::default();
        for line in SESSION.lines() {
            session.feed(format!("{line}\r\n").as_bytes(), drop);
            let is_change = line.contains("property-change") && !line.contains("time-pos");
            assert_eq!(session.takes_question(), is_change, "{line}");
        }
    }

    #[test]
    fn what_mpv_does_not_say_is_an_error_and_the_next_line_is_heard() {
        let behind = "{\"request_id\":23,\"error\":\"success\",\"data\":1}\n";
        for (line, error) in [
            ("HTTP/1.1 400 Bad Request".to_owned(), PlayerError::NotAnObject),
            ("[1]".to_owned(), PlayerError::NotAnObject),
            ("[".repeat(5_000), PlayerError::NotAnObject),
            ("x".repeat(MAX_LINE_BYTES + 1), PlayerError::TooLong { max_bytes: MAX_LINE_BYTES }),
            (
                r#"{"request_id":23,"data":"nan"}"#.to_owned(),
                PlayerError::WrongType { field: "data", wanted: "a number" },
            ),
            (
                r#"{"request_id":23,"data":1e9}"#.to_owned(),
                PlayerError::OutOfRange { field: "data", value: 1e9 },
            ),
            (
                r#"{"event":"property-change","name":"speed","data":0}"#.to_owned(),
                PlayerError::OutOfRange { field: "speed", value: 0.0 },
            ),
        ] {
            let bytes = format!("{line}\n{behind}");
            let whole = read([bytes.as_bytes()]);
            assert_eq!(whole, [Err(error), Ok(MediaUpdate::nothing())]);
            assert_eq!(read(bytes.as_bytes().chunks(7)), whole);
        }
    }

    #[test]
    fn a_path_in_another_encoding_is_still_a_path() {
        let mut bytes =
            b"{\"event\":\"property-change\",\"name\":\"path\",\"data\":\"gr\xf6n.mp4\"}\n".to_vec();
        bytes.extend(b"{\"request_id\":23,\"data\":\"1.5\"}\n");
        let update = read([bytes.as_slice()]).remove(0).unwrap();
        assert_eq!((update.media.as_deref(), update.position_s), (Some("gr\u{fffd}n.mp4"), 1.5));
    }
}
