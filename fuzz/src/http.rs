//! Fuzz targets for HTTP: raw bytes, and well-formed requests around any content.

use std::cell::RefCell;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use super::answer::Answer;
use super::server::{self, PATIENCE};

/// Wait for the rest of an answer to bytes that may be half a request.
const SILENCE: Duration = Duration::from_millis(20);
/// Longest path: beyond it the header is too long for the server, which is a case of its own.
const TARGET_MAX: usize = 2_000;

#[track_caller]
fn check_answer(status: u16, asked: &[u8]) {
    let begin = asked.get(..200).unwrap_or(asked);
    assert!((100..500).contains(&status), "{status} for {:?}", String::from_utf8_lossy(begin));
}

/// Target: any bytes on a connection of their own.
pub fn bytes(data: &[u8]) {
    let mut stream = server::connect();
    stream.set_read_timeout(Some(SILENCE)).expect("a socket");
    // The server may close before everything is sent.
    let _ = stream.write_all(data);
    let mut heard = Vec::new();
    let began = Instant::now();
    let mut buffer = [0; 16 * 1024];
    while began.elapsed() < PATIENCE {
        match stream.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => heard.extend_from_slice(&buffer[..count]),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => break,
            Err(_) => break,
        }
        if Answer::first(&heard, false).is_some_and(|answer| answer.closes) {
            break;
        }
    }
    // An answer to HEAD has the length of content that it leaves out, so the beginning of the next one is unknown.
    let has_head = data.windows(5).any(|word| word == b"HEAD ");
    let mut rest = heard.as_slice();
    while let Some(answer) = Answer::first(rest, has_head) {
        check_answer(answer.status, data);
        // Behind a 101 come frames.
        if has_head || answer.status == 101 {
            break;
        }
        rest = &rest[answer.length..];
    }
    drop(stream);
    server::assert_nothing_panicked();
}

/// Target: `METHOD PATH [CONTENT-TYPE]`, a line's end, and the body.
pub fn requests(data: &[u8]) {
    let (line, body) = match data.iter().position(|byte| *byte == b'\n') {
        Some(end) => (&data[..end], &data[end + 1..]),
        None => (data, &[][..]),
    };
    let mut words = line.split(|byte| *byte == b' ').filter(|word| !word.is_empty());
    let method = words.next().filter(|word| word.len() < 20 && word.iter().all(u8::is_ascii_uppercase));
    let method = std::str::from_utf8(method.unwrap_or(b"POST")).expect("ASCII");
    let path = target(words.next().unwrap_or_default());
    let kind: String = words
        .next()
        .unwrap_or(b"application/json")
        .iter()
        .take(100)
        .filter(|b| b.is_ascii_graphic())
        .map(|b| char::from(*b))
        .collect();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {kind}\r\nAccept: {kind}\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    let request = [head.as_bytes(), body].concat();
    let status = ask(&request, method == "HEAD");
    check_answer(status, &request);
    server::assert_nothing_panicked();
}

/// Escapes the bytes that a path may not contain.
fn target(path: &[u8]) -> String {
    let mut text = String::from("/");
    for byte in path.strip_prefix(b"/").unwrap_or(path) {
        if text.len() > TARGET_MAX {
            break;
        }
        if byte.is_ascii_graphic() && !b"#\"<>\\^`{|}".contains(byte) {
            text.push(char::from(*byte));
        } else {
            text.push_str(&format!("%{byte:02x}"));
        }
    }
    text
}

thread_local! {
    static KEPT: RefCell<Option<TcpStream>> = const { RefCell::new(None) };
}

/// Sends a request on the connection of this thread, which is opened again when it has ended.
fn ask(request: &[u8], is_to_head: bool) -> u16 {
    let kept = KEPT.take();
    let reused = kept.is_some();
    match exchange(kept.unwrap_or_else(server::connect), request, is_to_head) {
        Some(status) => status,
        // The server closes a connection that was idle, or that it will not read further.
        None if reused => exchange(server::connect(), request, is_to_head).expect("a request has no answer"),
        None => panic!("a request has no answer"),
    }
}

fn exchange(mut stream: TcpStream, request: &[u8], is_to_head: bool) -> Option<u16> {
    stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
    // The server answers an oversized request before it is read, so a reset is no failure.
    let sent = stream.write_all(request).is_ok();
    let mut heard = Vec::new();
    let mut buffer = [0; 16 * 1024];
    loop {
        if let Some(answer) = Answer::first(&heard, is_to_head) {
            if answer.is_json && !answer.content.is_empty() {
                serde_json::from_slice::<serde::de::IgnoredAny>(&answer.content)
                    .expect("the answer is no JSON");
            }
            assert_eq!(answer.length, heard.len(), "there is more than the answer");
            if sent && !answer.closes {
                KEPT.set(Some(stream));
            }
            return Some(answer.status);
        }
        match stream.read(&mut buffer) {
            Ok(0) => return None,
            Ok(count) => heard.extend_from_slice(&buffer[..count]),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                panic!("no answer within {PATIENCE:?}")
            }
            Err(_) => return None,
        }
    }
}
