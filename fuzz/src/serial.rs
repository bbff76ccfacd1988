//! Fuzz target for the sensor's serial line at both of its ends: after any bytes, the next whole frames are decoded.

use yep::sensor::protocol::{BoardConfig, BoardEvent, BoardProtocol, Peer};
use yep_sensor_board::frame::{self, Channel, Deframer};
use yep_sensor_board::message::{FromBoard, Hello, PROTOCOL, SCHEMA, Setup};
use yep_sensor_board::{Board, Identity};

const CHANNELS: [Channel; 3] = [Channel::Message, Channel::Log, Channel::Order];
/// Serial number of the board that introduces itself behind the noise.
const SERIAL: u64 = 0x5eed;

/// Target: the lowest bit of the first byte chooses the end of the line, the next one whether the rest is sent as it is
/// or in frames with a correct checksum: channel, length, payload.
pub fn line(data: &[u8]) {
    let (first, rest) = data.split_first().unwrap_or((&0, &[]));
    let bytes = if first & 2 == 0 { rest.to_vec() } else { framed(rest) };
    if first & 1 == 0 { host(&bytes) } else { board(&bytes) }
}

/// Frames `data` for the line; pieces that are too long for a frame are left out.
pub fn framed(mut data: &[u8]) -> Vec<u8> {
    let mut line = Vec::new();
    while let [channel, length, rest @ ..] = data {
        let (payload, behind) = rest.split_at(usize::from(*length).min(rest.len()));
        data = behind;
        let channel = CHANNELS[usize::from(*channel) % CHANNELS.len()];
        line.extend(frame::frame(channel, payload).into_iter().flatten());
    }
    line
}

/// Inverse of `framed`.
pub fn unframed(line: &[u8]) -> Vec<u8> {
    let mut data = Vec::new();
    Deframer::new().feed(line, |channel, payload| {
        let number = CHANNELS.iter().position(|known| *known == channel).unwrap_or_default();
        data.extend([number as u8, payload.len() as u8]);
        data.extend(payload);
    });
    data
}

fn host(bytes: &[u8]) {
    let config = BoardConfig { zero_counts: Some(8_000), counts_per_g: Some(120.5), rate_hz: 80 };
    let mut protocol = BoardProtocol::new(config);
    let mut now = 1_000_000_000;
    // In pieces, as a driver may deliver them.
    for piece in bytes.chunks(61) {
        now += 5_000_000;
        protocol.receive(piece, now, |event| {
            if let BoardEvent::Sample { at, period_ns, .. } = event {
                assert!(at <= now, "a sample of the future");
                assert!(period_ns > 0);
            }
        });
        protocol.send_due(now, |frame| assert!(!frame.is_empty()));
    }
    let hello = Hello { protocol: PROTOCOL, schema: SCHEMA, firmware: [1, 2, 3], serial: SERIAL, garbled: 0 };
    let words = [
        FromBoard::Hello(hello),
        FromBoard::Setup(Setup { zero_counts: None, counts_per_g: None, rate_hz: 80 }),
    ];
    // A zero byte ends a partial frame.
    protocol.receive(&[0], now, |_| {});
    for word in words {
        protocol.receive(&frame::message(&word).expect("it fits"), now, |_| {});
    }
    let introduced =
        matches!(protocol.peer(), Peer::Board { hello, setup: Some(_) } if hello.serial == SERIAL);
    assert!(introduced, "it no longer hears: {:?}", protocol.peer());
}

fn board(bytes: &[u8]) {
    let mut board = Board::new(Identity { firmware: [1, 2, 3], serial: SERIAL }, 0);
    for (index, piece) in bytes.chunks(61).enumerate() {
        let now_us = index as u32 * 5_000;
        board.receive(piece);
        board.convert(8_388_607 - (index as i32 % 1_000) * 16_777, now_us);
        for _ in 0..4 {
            let _ = board.next_frame(now_us);
        }
        let setup = board.setup();
        assert!(setup.counts_per_g.is_none_or(|factor| factor.is_finite() && factor != 0.0), "{setup:?}");
    }
    board.receive(&[0]);
    while board.next_frame(0).is_some() {}
    board.receive(&frame::order(&yep_sensor_board::ToBoard::Identify).expect("it fits"));
    let mut said = Vec::new();
    while let Some(frame) = board.next_frame(0) {
        said.extend(frame);
    }
    assert!(!said.is_empty(), "it no longer hears");
}
