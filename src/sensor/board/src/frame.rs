//! Framing on the serial line: `0x00 COBS(channel | payload | CRC-32C, little endian) 0x00`.
//!
//! A zero byte never occurs inside a frame, so a receiver resynchronises at the next zero byte, after noise or from
//! anywhere in the stream. The zero byte in front of a frame ends what noise collected on the idle line; without it the
//! first frame behind noise would be lost. The checksum covers channel and payload; one in 2³² of random pieces passes
//! it.

use crc::{CRC_32_ISCSI, Crc, Table};
use heapless::Vec;
use serde::Serialize;

use crate::message::{FromBoard, MESSAGE_BYTES, ToBoard};

/// Longest frame with its two zero bytes, which is the host's limit.
pub const FRAME_BYTES: usize = 256;
/// Longest encoded content between the zero bytes.
const ENCODED_BYTES: usize = FRAME_BYTES - 2;
/// COBS adds one byte per 254 bytes.
const PLAIN_BYTES: usize = ENCODED_BYTES - 1;
const CHECKSUM_BYTES: usize = 4;
/// Longest payload.
pub const PAYLOAD_BYTES: usize = PLAIN_BYTES - 1 - CHECKSUM_BYTES;
const _: () = assert!(MESSAGE_BYTES <= PAYLOAD_BYTES);

/// CRC-32C (Castagnoli), with the small table of one kibibyte.
const CRC: Crc<u32, Table<1>> = Crc::<u32, Table<1>>::new(&CRC_32_ISCSI);

/// Kind of a frame's payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Channel {
    /// A message from the board.
    Message,
    /// One frame of the board's defmt log, in its raw encoding.
    Log,
    /// A message from the host. Since the channels differ, neither end takes its own frames on a looped line for the
    /// other's.
    Order,
}

impl Channel {
    const fn byte(self) -> u8 {
        match self {
            Channel::Message => 0,
            Channel::Log => 1,
            Channel::Order => 2,
        }
    }

    fn of(byte: u8) -> Option<Channel> {
        [Channel::Message, Channel::Log, Channel::Order].into_iter().find(|channel| channel.byte() == byte)
    }
}

/// An encoded frame.
pub type SensorFrame = Vec<u8, FRAME_BYTES>;

/// Encodes a frame; `None` if the payload is too long.
pub fn frame(channel: Channel, payload: &[u8]) -> Option<SensorFrame> {
    let mut plain = Vec::<u8, PLAIN_BYTES>::new();
    plain.push(channel.byte()).ok()?;
    plain.extend_from_slice(payload).ok()?;
    let checksum = CRC.checksum(&plain);
    plain.extend_from_slice(&checksum.to_le_bytes()).ok()?;
    let mut frame = SensorFrame::new();
    frame.resize(FRAME_BYTES, 0).ok()?;
    let length = cobs::encode(&plain, &mut frame[1..=ENCODED_BYTES]);
    frame.truncate(length + 1);
    frame.push(0).ok()?;
    Some(frame)
}

/// Encodes a message from the board.
///
/// `None` would mean a message longer than [`MESSAGE_BYTES`], which a test rules out.
pub fn message(message: &FromBoard) -> Option<SensorFrame> {
    record(Channel::Message, message)
}

/// Encodes a message from the host.
pub fn order(order: &ToBoard) -> Option<SensorFrame> {
    record(Channel::Order, order)
}

fn record(channel: Channel, record: &impl Serialize) -> Option<SensorFrame> {
    let mut room = [0; MESSAGE_BYTES];
    frame(channel, postcard::to_slice(record, &mut room).ok()?)
}

/// Counters of the deframer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FrameCounts {
    /// Bytes received.
    pub bytes: u64,
    /// Intact frames.
    pub good: u32,
    /// Pieces between zero bytes that were no frame: noise, or a frame with a wrong byte.
    pub garbled: u32,
}

/// Decoder of a byte stream into frames.
#[derive(Debug, Default)]
pub struct Deframer {
    piece: Vec<u8, ENCODED_BYTES>,
    /// True while the piece is longer than any frame; the rest of it is discarded.
    too_long: bool,
    seen: FrameCounts,
}

impl Deframer {
    /// A decoder that may start anywhere in a stream.
    pub const fn new() -> Deframer {
        Deframer { piece: Vec::new(), too_long: false, seen: FrameCounts { bytes: 0, good: 0, garbled: 0 } }
    }

    /// Counters since the start.
    pub fn counts(&self) -> FrameCounts {
        self.seen
    }

    /// Decodes `bytes`, and calls `take` for each completed frame.
    pub fn feed(&mut self, bytes: &[u8], mut take: impl FnMut(Channel, &[u8])) {
        self.seen.bytes += bytes.len() as u64;
        for &byte in bytes {
            if byte != 0 {
                self.too_long |= self.piece.push(byte).is_err();
                continue;
            }
            let too_long = core::mem::take(&mut self.too_long);
            if !self.piece.is_empty() {
                match (!too_long).then(|| open(&mut self.piece)).flatten() {
                    Some((channel, payload)) => {
                        self.seen.good = self.seen.good.wrapping_add(1);
                        take(channel, payload);
                    }
                    None => self.seen.garbled = self.seen.garbled.wrapping_add(1),
                }
            }
            self.piece.clear();
        }
    }
}

/// Decodes a piece between two zero bytes; `None` if it is no frame.
fn open(piece: &mut [u8]) -> Option<(Channel, &[u8])> {
    let length = cobs::decode_in_place(piece).ok()?;
    let (content, checksum) = piece.get(..length)?.split_last_chunk::<CHECKSUM_BYTES>()?;
    let (channel, payload) = content.split_first()?;
    if CRC.checksum(content).to_le_bytes() != *checksum {
        return None;
    }
    Some((Channel::of(*channel)?, payload))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn opened(stream: &[u8], at_once: usize) -> (std::vec::Vec<(Channel, std::vec::Vec<u8>)>, FrameCounts) {
        let mut deframer = Deframer::new();
        let mut frames = std::vec::Vec::new();
        for bytes in stream.chunks(at_once.max(1)) {
            deframer.feed(bytes, |channel, payload| frames.push((channel, payload.to_vec())));
        }
        (frames, deframer.counts())
    }

    #[test]
    fn the_longest_payload_fits_and_no_longer_one() {
        for byte in [0, 1, 255] {
            let longest = frame(Channel::Log, &[byte; PAYLOAD_BYTES]).unwrap();
            assert_eq!(opened(&longest, 7).0, [(Channel::Log, std::vec![byte; PAYLOAD_BYTES])]);
        }
        assert_eq!(frame(Channel::Log, &[7; PAYLOAD_BYTES + 1]), None);
        assert_eq!(frame(Channel::Message, &[]).map(|frame| opened(&frame, 1).0.len()), Some(1));
    }

    #[test]
    fn what_is_longer_than_any_frame_is_passed_over_to_its_end() {
        let mut stream = std::vec![9u8; 10 * FRAME_BYTES];
        stream.extend_from_slice(&frame(Channel::Message, b"after").unwrap());
        let (frames, seen) = opened(&stream, 100);
        assert_eq!(frames, [(Channel::Message, b"after".to_vec())]);
        assert_eq!((seen.good, seen.garbled), (1, 1));
    }

    #[test]
    fn an_unknown_channel_is_no_frame() {
        let mut plain = std::vec![9u8, 1, 2, 3];
        plain.extend(CRC.checksum(&plain).to_le_bytes());
        let mut stream = std::vec![0; 32];
        let length = cobs::encode(&plain, &mut stream);
        stream.truncate(length + 1);
        assert_eq!(opened(&stream, 1).0, []);
    }

    proptest! {
        #[test]
        fn frames_come_out_as_they_went_in_however_the_stream_is_cut(
            payloads in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..=PAYLOAD_BYTES), 1..8),
            at_once in 1usize..300,
        ) {
            let mut stream = std::vec::Vec::new();
            for payload in &payloads {
                stream.extend_from_slice(&frame(Channel::Log, payload).unwrap());
            }
            let (frames, seen) = opened(&stream, at_once);
            prop_assert_eq!(frames.into_iter().map(|(_, payload)| payload).collect::<std::vec::Vec<_>>(), payloads);
            prop_assert_eq!(seen.garbled, 0);
        }

        #[test]
        fn a_wrong_byte_costs_two_frames_at_most_and_makes_none(
            payloads in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..60), 3..12),
            place in any::<prop::sample::Index>(),
            wrong in 1u8..=255,
        ) {
            let mut stream = std::vec::Vec::new();
            for payload in &payloads {
                stream.extend_from_slice(&frame(Channel::Message, payload).unwrap());
            }
            let place = place.index(stream.len());
            stream[place] ^= wrong;
            let (frames, _) = opened(&stream, 64);
            prop_assert!(frames.len() + 2 >= payloads.len(), "{} of {}", frames.len(), payloads.len());
            // The frames received are a subsequence of those sent.
            let mut sent = payloads.iter();
            for (_, payload) in &frames {
                prop_assert!(sent.any(|candidate| candidate == payload), "a frame that nobody sent");
            }
        }

        #[test]
        fn noise_makes_no_frame(noise in prop::collection::vec(any::<u8>(), 0..2_000)) {
            prop_assert_eq!(opened(&noise, 64).0, []);
        }
    }
}
