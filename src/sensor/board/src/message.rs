//! Messages between board and host, as postcard records on the message channel of the line.
//!
//! Rule of change: raise [`PROTOCOL`] with any change here. Both ends must agree on it and on [`SCHEMA`], a hash of
//! names and types that catches a change without a new number. [`Hello`] begins with both and keeps them in their
//! places for ever, so that any two versions can see that they differ ([`peek_version`]).

use postcard_schema::Schema;
use postcard_schema::key::Key;
use serde::{Deserialize, Serialize};

/// Version of the messages in this file.
pub const PROTOCOL: u16 = 1;

/// Hash over the names and types of all messages.
pub const SCHEMA: u64 = {
    let from = u64::from_le_bytes(Key::for_path::<FromBoard>("yep/sensor/from-board").to_bytes());
    let to = u64::from_le_bytes(Key::for_path::<ToBoard>("yep/sensor/to-board").to_bytes());
    from.rotate_left(1) ^ to
};

/// Longest message (bytes).
pub const MESSAGE_BYTES: usize = 64;

/// From the board to its host.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, Schema)]
pub enum FromBoard {
    /// Identity: at power-on and in reply to [`ToBoard::Identify`]. Always the first variant.
    Hello(Hello),
    /// Configuration: after each `Hello`, and in reply to every order.
    Setup(Setup),
    /// Sample: after each conversion, and repeated in between to show that the link is alive.
    Sample(ForceReading),
}

/// Identity of the board.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Schema)]
pub struct Hello {
    /// [`PROTOCOL`] of the board. Always the first field.
    pub protocol: u16,
    /// [`SCHEMA`] of the board. Always the second field.
    pub schema: u64,
    /// Version of the firmware: major, minor, patch.
    pub firmware: [u8; 3],
    /// Serial number of the chip; zero if it has none.
    pub serial: u64,
    /// Pieces on the line since power-on that were no frame.
    pub garbled: u32,
}

/// Configuration of the board. The board loses it without power, and the host sends it again.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, Schema)]
pub struct Setup {
    /// Reading of the unloaded cell.
    pub zero_counts: Option<i32>,
    /// Change of the reading per gram; negative for a cell that is mounted the other way round.
    pub counts_per_g: Option<f32>,
    /// Conversion rate (1/s).
    pub rate_hz: u16,
}

/// A conversion and its time stamps.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, Schema)]
pub struct ForceReading {
    /// Number of the conversion. The same number again is a repeated sample.
    pub number: u32,
    /// Instant of the conversion on the board's clock (µs); wraps every 71 minutes.
    pub taken_us: u32,
    /// Instant of sending on the same clock (µs).
    pub sent_us: u32,
    /// Raw conversion result, 24 bits with a sign.
    pub counts: i32,
    /// Force, or the reason why there is none.
    pub reading: Reading,
}

/// Force, or the reason why there is none.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, Schema)]
pub enum Reading {
    /// Filtered force (g).
    Force(f32),
    /// The board has no zero and factor since power-on.
    Unscaled,
    /// The converter is at an end of its range.
    Saturated,
    /// The converter gives no conversions.
    Silent,
}

/// From the host to its board. Each order is idempotent.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, Schema)]
pub enum ToBoard {
    /// Send [`FromBoard::Hello`] and [`FromBoard::Setup`].
    Identify,
    /// Set the zero.
    Tare {
        /// Reading of the unloaded cell.
        zero_counts: i32,
    },
    /// Set the factor, in counts per gram.
    SetFactor {
        /// Finite and not zero.
        counts_per_g: f32,
    },
    /// Set the conversion rate to the nearest that the converter has.
    SetRate {
        /// Conversion rate (1/s).
        rate_hz: u16,
    },
}

/// Protocol version and schema of a message that is the [`Hello`] of any version.
pub fn peek_version(message: &[u8]) -> Option<(u16, u64)> {
    let (variant, rest) = postcard::take_from_bytes::<u32>(message).ok()?;
    let (protocol, rest) = postcard::take_from_bytes::<u16>(rest).ok()?;
    let (schema, _) = postcard::take_from_bytes::<u64>(rest).ok()?;
    (variant == 0).then_some((protocol, schema))
}

/// Decodes a message; `None` if bytes are left over.
pub fn read<'a, M: Deserialize<'a>>(bytes: &'a [u8]) -> Option<M> {
    // `from_bytes` would ignore bytes behind the message.
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
        assert_eq!(peek_version(&later), Some((9, 77)));
        assert_eq!(peek_version(&bytes(&Message::Other)), None);
        assert_eq!(read::<FromBoard>(&later), None);
        assert_eq!(peek_version(&[]), None);
    }

    #[test]
    fn what_comes_behind_a_message_makes_it_none() {
        let mut message = bytes(&ToBoard::Identify);
        assert_eq!(read(&message), Some(ToBoard::Identify));
        message.push(0).unwrap();
        assert_eq!(read::<ToBoard>(&message), None);
    }
}
