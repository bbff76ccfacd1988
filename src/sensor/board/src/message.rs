//! What board and host tell each other, as postcard records on the message channel of the line.
//!
//! Rule of change: whoever changes anything here raises [`PROTOCOL`]. The two must agree on it, and on [`SCHEMA`], a hash
//! of names and types, for the change that somebody forgot to count. [`Hello`] begins with both, and they stay
//! where they are for ever, so that any two versions can tell that they differ ([`spoken`]).

use postcard_schema::Schema;
use postcard_schema::key::Key;
use serde::{Deserialize, Serialize};

/// The version of this page.
pub const PROTOCOL: u16 = 1;

/// A hash of every message, by the names and types of its parts.
pub const SCHEMA: u64 = {
    let from = u64::from_le_bytes(Key::for_path::<FromBoard>("yep/sensor/from-board").to_bytes());
    let to = u64::from_le_bytes(Key::for_path::<ToBoard>("yep/sensor/to-board").to_bytes());
    from.rotate_left(1) ^ to
};

/// The longest message, in bytes.
pub const MESSAGE_BYTES: usize = 64;

/// From the board to its host.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, Schema)]
pub enum FromBoard {
    /// Who it is: at power-on, and whenever it is asked. Always the first variant.
    Hello(Hello),
    /// How it converts: after each `Hello`, and whenever it was told to change something.
    Setup(Setup),
    /// What it measures: at each conversion, and in between as a sign of life.
    Sample(ForceReading),
}

/// Who the board is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Schema)]
pub struct Hello {
    /// [`PROTOCOL`] of the board. Always the first field.
    pub protocol: u16,
    /// [`SCHEMA`] of the board. Always the second field.
    pub schema: u64,
    /// The version of its firmware: major, minor, patch.
    pub firmware: [u8; 3],
    /// Tells one board from another, where the chip has a number; zero where it has none.
    pub serial: u64,
    /// Frames that it could not read since power-on.
    pub garbled: u32,
}

/// How the board converts. A board forgets it without power; its host sends it again.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, Schema)]
pub struct Setup {
    /// The conversion result of an unloaded cell.
    pub zero_counts: Option<i32>,
    /// What a gram adds to it; negative when the cell is mounted the other way round.
    pub counts_per_g: Option<f32>,
    /// Conversions a second.
    pub rate_hz: u16,
}

/// What the board measures.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, Schema)]
pub struct ForceReading {
    /// Counts conversions. One that stays the same is an old sample, sent again as a sign of life.
    pub number: u32,
    /// When the conversion was read, on the board's clock, in microseconds; wraps every 71 minutes.
    pub taken_us: u32,
    /// When this message was made, on the same clock.
    pub sent_us: u32,
    /// The plain conversion result, 24 bits with a sign.
    pub counts: i32,
    /// What it means.
    pub reading: Reading,
}

/// What a conversion means.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, Schema)]
pub enum Reading {
    /// The force in grams, filtered.
    Force(f32),
    /// The board has not been told zero and factor since its power-on.
    Unscaled,
    /// The converter is at an end of its range.
    Saturated,
    /// The converter gives no results.
    Silent,
}

/// From the host to its board. Everything may be said twice.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, Schema)]
pub enum ToBoard {
    /// Say [`FromBoard::Hello`] and [`FromBoard::Setup`].
    Identify,
    /// From now on this conversion result is no force.
    Tare {
        /// The conversion result of an unloaded cell.
        zero_counts: i32,
    },
    /// From now on so many counts are a gram.
    SetFactor {
        /// Finite and not zero.
        counts_per_g: f32,
    },
    /// From now on convert at this rate, or the nearest that the converter has.
    SetRate {
        /// Conversions a second.
        rate_hz: u16,
    },
}

/// The protocol and the schema of a message that is some version's [`Hello`], of ours or of any other.
#[must_use]
pub fn spoken(message: &[u8]) -> Option<(u16, u64)> {
    let (variant, rest) = postcard::take_from_bytes::<u32>(message).ok()?;
    let (protocol, rest) = postcard::take_from_bytes::<u16>(rest).ok()?;
    let (schema, _) = postcard::take_from_bytes::<u64>(rest).ok()?;
    (variant == 0).then_some((protocol, schema))
}

/// Reads a message; the whole of the bytes must be one.
#[must_use]
pub fn read<'a, M: Deserialize<'a>>(bytes: &'a [u8]) -> Option<M> {
    // from_bytes would pass over what comes behind.
    postcard::take_from_bytes(bytes).ok().filter(|(_, rest)| rest.is_empty()).map(|(message, _)| message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schema_is_the_one_of_its_protocol_version() {
        assert_eq!((PROTOCOL, SCHEMA), (1, 0xe5dd_ffb4_7056_e346), "{SCHEMA:#018x}: raise PROTOCOL with it");
    }

    fn bytes<M: Serialize>(message: &M) -> heapless::Vec<u8, MESSAGE_BYTES> {
        let mut room = [0; MESSAGE_BYTES];
        heapless::Vec::from_slice(postcard::to_slice(message, &mut room).unwrap()).unwrap()
    }

    #[test]
    fn the_longest_messages_fit() {
        let hello = Hello {
            protocol: u16::MAX,
            schema: u64::MAX,
            firmware: [255; 3],
            serial: u64::MAX,
            garbled: u32::MAX,
        };
        let setup = Setup { zero_counts: Some(i32::MIN), counts_per_g: Some(f32::MIN), rate_hz: u16::MAX };
        let sample = ForceReading {
            number: u32::MAX,
            taken_us: u32::MAX,
            sent_us: u32::MAX,
            counts: i32::MIN,
            reading: Reading::Force(f32::MAX),
        };
        for message in [FromBoard::Hello(hello), FromBoard::Setup(setup), FromBoard::Sample(sample)] {
            assert_eq!(read(&bytes(&message)), Some(message));
        }
    }

    #[test]
    fn a_hello_of_any_version_tells_which_it_is() {
        #[derive(Serialize)]
        struct Later {
            protocol: u16,
            schema: u64,
            name: &'static str,
        }
        #[derive(Serialize)]
        enum Message {
            Hello(Later),
            Other,
        }
        let later = bytes(&Message::Hello(Later { protocol: 9, schema: 77, name: "a board of tomorrow" }));
        assert_eq!(spoken(&later), Some((9, 77)));
        assert_eq!(spoken(&bytes(&Message::Other)), None);
        assert_eq!(read::<FromBoard>(&later), None);
        assert_eq!(spoken(&[]), None);
    }

    #[test]
    fn what_comes_behind_a_message_makes_it_none() {
        let mut message = bytes(&ToBoard::Identify);
        assert_eq!(read(&message), Some(ToBoard::Identify));
        message.push(0).unwrap();
        assert_eq!(read::<ToBoard>(&message), None);
    }
}
