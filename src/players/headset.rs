//! Remote control of HereSphere and DeoVR: frames on TCP port 23554, where the player listens.
//!
//! A frame is a length (int32, little endian) and so many bytes of JSON. The machine sends an empty frame each second, or
//! the player hangs up. A length of 0 or less says that nothing is loaded. HereSphere also sends single zero bytes between
//! frames as a sign of life; a frame begins with `{`, by which a zero is told from the first byte of a length.

use serde_json::Value;

use super::error::PlayerError;
use super::fields::PlayerFields;
use super::update::MediaUpdate;

/// What the machine sends each [`KEEP_ALIVE_S`]: an empty frame.
pub const KEEP_ALIVE: [u8; 4] = [0; 4];
/// Time between two of them (s).
pub const KEEP_ALIVE_S: u64 = 1;

/// Longest frame. A length whose two low bytes are zero is above it, so two zeros never begin a frame.
pub const MAX_FRAME_BYTES: usize = 0xffff;
/// Bytes of a length.
const HEADER_BYTES: usize = 4;
/// Fields with the name or path of the media, the most telling first; DeoVR has the last one only.
const MEDIA_FIELDS: [&str; 3] = ["resource", "identifier", "path"];
/// `playerState` of a playback that advances.
const PLAYING: f64 = 0.0;

/// Reader of one connection.
#[derive(Debug)]
pub struct HeadsetSession {
    bytes: Vec<u8>,
    /// Zero bytes since the last frame.
    zeros: usize,
    /// Behind an impossible length nothing can be told apart any more.
    is_lost: bool,
    /// HereSphere's zeros, which may be single; DeoVR has empty frames only.
    has_lone_zeros: bool,
    playback: MediaUpdate,
}

impl HeadsetSession {
    /// A connection to HereSphere. Its zeros are signs of life, and so say that nothing plays, not that nothing is loaded.
    #[must_use]
    pub fn of_heresphere() -> HeadsetSession {
        HeadsetSession { has_lone_zeros: true, ..HeadsetSession::of_deovr() }
    }

    /// A connection to DeoVR.
    #[must_use]
    pub fn of_deovr() -> HeadsetSession {
        HeadsetSession {
            bytes: Vec::new(),
            zeros: 0,
            is_lost: false,
            has_lone_zeros: false,
            playback: MediaUpdate::nothing(),
        }
    }

    /// Reads bytes as they come, in any pieces; hands each update, or error of a frame, to `take`.
    pub fn feed(&mut self, bytes: &[u8], mut take: impl FnMut(Result<MediaUpdate, PlayerError>)) {
        let mut rest = bytes;
        // In pieces of a frame, so that what is kept is bounded whatever comes at once.
        while !rest.is_empty() && !self.is_lost {
            let (piece, behind) = rest.split_at(rest.len().min(MAX_FRAME_BYTES));
            rest = behind;
            self.bytes.extend_from_slice(piece);
            let bytes = std::mem::take(&mut self.bytes);
            let mut unread = bytes.as_slice();
            while let Some(update) = self.next_frame(&mut unread) {
                if let Some(update) = update.transpose() {
                    take(update);
                }
            }
            if !self.is_lost {
                let read = bytes.len() - unread.len();
                self.bytes = bytes;
                self.bytes.drain(..read);
            }
        }
    }

    /// The next frame of the unread bytes, which are then those behind it; none if it is not whole yet.
    fn next_frame(&mut self, unread: &mut &[u8]) -> Option<Result<Option<MediaUpdate>, PlayerError>> {
        let bytes = *unread;
        if self.has_lone_zeros {
            match bytes {
                [0, 0, ..] => return Some(Ok(self.zero(unread))),
                // A length that is a multiple of 256, or a zero before a length.
                [0, _, 0, 0, b'{', ..] => {}
                [0, _, _, _, _, ..] => return Some(Ok(self.zero(unread))),
                [0, ..] => return None,
                _ => {}
            }
        }
        let (header, behind) = bytes.split_first_chunk::<HEADER_BYTES>()?;
        let length = i32::from_le_bytes(*header);
        if length <= 0 {
            *unread = behind;
            return Some(Ok(Some(self.nothing())));
        }
        let length = length as usize;
        if length > MAX_FRAME_BYTES {
            self.is_lost = true;
            *unread = &[];
            return Some(Err(PlayerError::TooLong { max_bytes: MAX_FRAME_BYTES }));
        }
        let (frame, behind) = behind.split_at_checked(length)?;
        self.zeros = 0;
        *unread = behind;
        Some(self.read(frame))
    }

    /// Takes one zero byte of HereSphere; four of them are an empty frame.
    fn zero(&mut self, unread: &mut &[u8]) -> Option<MediaUpdate> {
        *unread = &unread[1..];
        self.zeros += 1;
        if self.zeros < HEADER_BYTES {
            return None;
        }
        self.zeros = 0;
        Some(self.nothing())
    }

    fn nothing(&mut self) -> MediaUpdate {
        self.playback = if self.has_lone_zeros {
            MediaUpdate { is_playing: false, is_jump: false, ..self.playback.clone() }
        } else {
            MediaUpdate::nothing()
        };
        self.playback.clone()
    }

    fn read(&mut self, frame: &[u8]) -> Result<Option<MediaUpdate>, PlayerError> {
        let message: Value = serde_json::from_slice(frame).map_err(|_| PlayerError::NotAnObject)?;
        let fields = PlayerFields::of(&message)?;
        let playback = &mut self.playback;
        playback.is_jump = false;
        if MEDIA_FIELDS.iter().any(|field| fields.has(field)) {
            let media = MEDIA_FIELDS.iter().find_map(|field| fields.media(field));
            if media != playback.media {
                *playback = MediaUpdate { media, is_jump: true, ..MediaUpdate::nothing() };
            }
        }
        if playback.media.is_none() {
            *playback = MediaUpdate::nothing();
            return Ok(Some(playback.clone()));
        }
        if let Some(state) = fields.number("playerState")? {
            playback.is_playing = state == PLAYING;
        }
        if let Some(rate) = fields.rate("playbackSpeed")? {
            playback.rate = rate;
        }
        if fields.has("duration") {
            playback.duration_s = fields.duration_s("duration")?;
        }
        let position_s = fields.position_s("currentTime")?;
        playback.position_s = position_s.unwrap_or(playback.position_s);
        // A position that was said earlier is not that of now.
        let is_now = position_s.is_some() || !playback.is_playing;
        Ok(is_now.then(|| playback.clone()))
    }
}

/// A frame with that content, as a player sends it.
#[must_use]
pub fn frame(json: &str) -> Vec<u8> {
    [&(json.len() as u32).to_le_bytes()[..], json.as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    type Read = Vec<Result<MediaUpdate, PlayerError>>;

    fn read<'a>(mut session: HeadsetSession, pieces: impl IntoIterator<Item = &'a [u8]>) -> Read {
        let mut read = Vec::new();
        for piece in pieces {
            session.feed(piece, |update| read.push(update));
        }
        read
    }

    /// A message of that many bytes.
    fn message(position_s: f64, bytes: usize) -> String {
        let begin = format!(
            r#"{{"path":"/x.mp4","currentTime":{position_s:?},"playbackSpeed":1.0,"playerState":0,"duration":600.0"#
        );
        format!("{begin}{}}}", " ".repeat(bytes.saturating_sub(begin.len() + 1)))
    }

    #[test]
    fn what_a_player_says_is_read() {
        let says = |json: &str| read(HeadsetSession::of_deovr(), [frame(json).as_slice()]).remove(0);
        let playing = MediaUpdate {
            media: Some("/x.mp4".into()),
            position_s: 12.34,
            duration_s: Some(600.0),
            rate: 1.0,
            is_playing: true,
            is_jump: true,
        };
        assert_eq!(says(&message(12.34, 0)), Ok(playing));
        let both =
            says(r#"{"path":"a","identifier":"b","resource":"C:\\v\\c.mp4","currentTime":1}"#).unwrap();
        assert_eq!((both.media.as_deref(), both.is_playing), (Some("C:\\v\\c.mp4"), false));
        let second = says(r#"{"resource":"","identifier":"b","currentTime":"1.5","playerState":1}"#).unwrap();
        assert_eq!((second.media.as_deref(), second.position_s), (Some("b"), 1.5));
        assert_eq!(says(r#"{"path":null,"currentTime":5,"playerState":0}"#), Ok(MediaUpdate::nothing()));
        assert_eq!(says("{}"), Ok(MediaUpdate::nothing()));
        for (json, wrong) in [
            ("nonsense", PlayerError::NotAnObject),
            ("[]", PlayerError::NotAnObject),
            (
                r#"{"path":"a","currentTime":{}}"#,
                PlayerError::WrongType { field: "currentTime", wanted: "a number" },
            ),
            (
                r#"{"path":"a","currentTime":-100}"#,
                PlayerError::OutOfRange { field: "currentTime", value: -100.0 },
            ),
            (
                r#"{"path":"a","playbackSpeed":-1}"#,
                PlayerError::OutOfRange { field: "playbackSpeed", value: -1.0 },
            ),
        ] {
            assert_eq!(says(json), Err(wrong), "{json}");
        }
    }

    #[test]
    fn a_part_of_a_message_changes_what_it_says() {
        let frames: Vec<u8> =
            [&message(1.0, 0), r#"{"playerState":1}"#, r#"{"playerState":0}"#, r#"{"currentTime":2}"#]
                .iter()
                .flat_map(|json| frame(json))
                .collect();
        let read = read(HeadsetSession::of_deovr(), [frames.as_slice()]);
        let told: Vec<_> = read.iter().map(|update| update.as_ref().unwrap()).collect();
        let told: Vec<_> = told.iter().map(|it| (it.position_s, it.is_playing, it.is_jump)).collect();
        // To go on without a position says nothing of where.
        assert_eq!(told, [(1.0, true, true), (1.0, false, false), (2.0, true, false)]);
    }

    #[test]
    fn empty_frames_end_the_playback_and_single_zeros_are_signs_of_life() {
        let playing = frame(&message(1.0, 0));
        for empty in [&[0; 4][..], &(-1_i32).to_le_bytes()] {
            let bytes = [&playing, empty].concat();
            let of_deovr = read(HeadsetSession::of_deovr(), [bytes.as_slice()]);
            assert_eq!(of_deovr[1], Ok(MediaUpdate::nothing()), "{empty:?}");
            // It knows the last zero by what follows.
            let bytes = [&bytes[..], &[0]].concat();
            let of_heresphere = read(HeadsetSession::of_heresphere(), [bytes.as_slice()])[1].clone().unwrap();
            assert_eq!((of_heresphere.media.as_deref(), of_heresphere.is_playing), (Some("/x.mp4"), false));
        }
        let lone = [&playing[..], &[0], &playing, &[0, 0, 0], &playing, &[0]].concat();
        let read = read(HeadsetSession::of_heresphere(), [lone.as_slice()]);
        assert!(read.len() == 3 && read.iter().all(|update| update.as_ref().unwrap().is_playing), "{read:?}");
    }

    #[test]
    fn an_impossible_length_ends_the_session() {
        let endless = [&[1, 1, 1, 0][..], &frame(&message(1.0, 0))].concat();
        let mut session = HeadsetSession::of_deovr();
        let mut read = Vec::new();
        session.feed(&endless, |update| read.push(update));
        session.feed(&frame(&message(1.0, 0)), |update| read.push(update));
        assert_eq!(read, [Err(PlayerError::TooLong { max_bytes: MAX_FRAME_BYTES })]);
    }

    proptest! {
        /// Frames of any length, also multiples of 256, with up to three zeros before each.
        #[test]
        fn frames_and_zeros_are_told_apart_in_any_pieces(
            parts in proptest::collection::vec((0_usize..4, prop_oneof![100_usize..1_100, Just(256), Just(512), Just(MAX_FRAME_BYTES)]), 1..6),
            sizes in proptest::collection::vec(1_usize..400, 1..8),
        ) {
            let mut bytes = Vec::new();
            for (index, (zeros, length)) in parts.iter().enumerate() {
                bytes.extend(vec![0; *zeros]);
                bytes.extend(frame(&message(index as f64, *length)));
            }
            let whole = read(HeadsetSession::of_heresphere(), [bytes.as_slice()]);
            let positions: Vec<_> = whole.iter().map(|update| update.as_ref().unwrap().position_s).collect();
            prop_assert_eq!(positions, (0..parts.len()).map(|index| index as f64).collect::<Vec<_>>());
            let (mut pieces, mut rest) = (Vec::new(), bytes.as_slice());
            for size in sizes.iter().cycle() {
                if rest.is_empty() {
                    break;
                }
                let (piece, behind) = rest.split_at((*size).min(rest.len()));
                pieces.push(piece);
                rest = behind;
            }
            prop_assert_eq!(&read(HeadsetSession::of_heresphere(), pieces), &whole);
            prop_assert_eq!(&read(HeadsetSession::of_heresphere(), bytes.chunks(1)), &whole);
        }
    }
}
