//! Fuzz target for WebSockets: a valid handshake, and then any bytes.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use super::server::{self, PATIENCE};

const STREAMS: [&str; 3] = ["command_all", "status", "telemetry"];

/// Target: the first byte chooses the stream, and whether the rest is sent as it is (upper half) or in frames.
///
/// A frame is two bytes and its payload: flags and opcode as on the wire, and the length. Of the bits that are reserved
/// there, 0x20 leaves the mask out and 0x10 sends a wrong length.
pub fn frames(data: &[u8]) {
    let (first, rest) = data.split_first().unwrap_or((&0, &[]));
    let mut stream = handshake(STREAMS[usize::from(*first) % STREAMS.len()]);
    let bytes = if *first >= 0x80 { rest.to_vec() } else { framed(rest) };
    // The server may close before everything is sent.
    let _ = stream.write_all(&bytes);
    let _ = stream.set_read_timeout(Some(Duration::from_millis(2)));
    let mut buffer = [0; 4096];
    let began = Instant::now();
    while began.elapsed() < Duration::from_millis(20) && stream.read(&mut buffer).is_ok_and(|count| count > 0)
    {
    }
    drop(stream);
    server::assert_alive();
    server::assert_nothing_panicked();
}

/// Frames on the wire, with a mask of zeros.
pub fn framed(mut data: &[u8]) -> Vec<u8> {
    let mut wire = Vec::new();
    while let [begin, length, rest @ ..] = data {
        let (payload, behind) = rest.split_at(usize::from(*length).min(rest.len()));
        data = behind;
        wire.push(begin & 0xcf);
        let masked = if begin & 0x20 == 0 { 0x80 } else { 0 };
        if begin & 0x10 != 0 {
            wire.push(masked | 127);
            wire.extend(u64::MAX.to_be_bytes());
        } else if payload.len() < 126 {
            wire.push(masked | payload.len() as u8);
        } else {
            wire.push(masked | 126);
            wire.extend((payload.len() as u16).to_be_bytes());
        }
        if masked != 0 {
            wire.extend([0; 4]);
        }
        wire.extend(payload);
    }
    wire
}

fn handshake(name: &str) -> TcpStream {
    let request = format!(
        "GET /api/stream/{name} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    let began = Instant::now();
    loop {
        let mut stream = server::connect();
        stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
        stream.write_all(request.as_bytes()).expect("the server is gone");
        let mut head = Vec::new();
        let mut byte = [0];
        while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|count| count > 0) {
            head.push(byte[0]);
        }
        if head.starts_with(b"HTTP/1.1 101 ") {
            return stream;
        }
        // Earlier sockets have a second for their close handshake, and their number is limited.
        let full = head.starts_with(b"HTTP/1.1 503 ");
        assert!(full && began.elapsed() < PATIENCE, "no handshake: {}", String::from_utf8_lossy(&head));
        std::thread::sleep(Duration::from_millis(20));
    }
}
