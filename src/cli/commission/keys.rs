//! Key presses of the terminal, with their instants.
//!
//! STOP does not wait for the walk: the thread that reads the key sends it, whatever the walk is about to do. The same goes for
//! Ctrl-C, for a signal that ends the program, and for a terminal that is gone.

use std::io::{self, Read as _};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Instant;

use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};

use crate::cli::client::Address;

/// The route of STOP.
const STOP: &str = "/api/v1/stop";

/// A key of the walk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WalkKey {
    /// Enter.
    Enter,
    /// The last character is taken back.
    Backspace,
    /// A printable character; letters in lower case.
    Character(char),
    /// STOP.
    Stop,
    /// Ctrl-C, a signal, or the end of the terminal.
    Interrupt,
}

/// A key that was pressed.
#[derive(Debug)]
pub struct KeyPress {
    pub key: WalkKey,
    /// When it arrived.
    pub at: Instant,
    /// Whether the STOP of this key has arrived, and else why not.
    pub stop: Result<(), String>,
}

/// Sends STOP.
pub fn send_stop(server: &Address) -> Result<(), String> {
    server.post(STOP, &json!({})).map(drop).map_err(|failure| failure.to_string())
}

/// Reads keys and signals from now on, in threads of their own.
pub fn read(server: &Address) -> io::Result<Receiver<KeyPress>> {
    let (presses, received) = channel();
    let (signal_presses, signal_server) = (presses.clone(), server.clone());
    let signals = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    thread::Builder::new().name("signals".into()).spawn(move || {
        if signals.block_on(ending_signal()).is_ok() {
            send(&signal_presses, &signal_server, WalkKey::Interrupt);
        }
    })?;
    let server = server.clone();
    thread::Builder::new().name("keys".into()).spawn(move || read_terminal(&presses, &server))?;
    Ok(received)
}

/// Waits for a signal that ends the program.
async fn ending_signal() -> io::Result<()> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hangup = signal(SignalKind::hangup())?;
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
        _ = hangup.recv() => {}
    }
    Ok(())
}

fn read_terminal(presses: &Sender<KeyPress>, server: &Address) {
    let mut bytes = [0; 64];
    loop {
        match io::stdin().lock().read(&mut bytes) {
            Ok(read @ 1..) => {
                for key in decode(&bytes[..read]) {
                    send(presses, server, key);
                }
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Ok(0) | Err(_) => return send(presses, server, WalkKey::Interrupt),
        }
    }
}

fn send(presses: &Sender<KeyPress>, server: &Address, key: WalkKey) {
    let at = Instant::now();
    let stop = if matches!(key, WalkKey::Stop | WalkKey::Interrupt) { send_stop(server) } else { Ok(()) };
    // A walk that is over reads no more.
    let _ = presses.send(KeyPress { key, at, stop });
}

/// Keys of what came in one read. An arrow or function key is a sequence behind an escape, and no letter of it is a key.
fn decode(bytes: &[u8]) -> Vec<WalkKey> {
    let mut keys = Vec::new();
    let mut bytes = bytes.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        let key = match byte {
            0x1b if bytes.next_if(|next| matches!(next, b'[' | b'O')).is_some() => {
                // Parameters, and one final byte (ECMA-48); a control character breaks it off.
                while bytes.next_if(|byte| (0x20..0x40).contains(byte)).is_some() {}
                bytes.next_if(|byte| (0x40..0x7f).contains(byte));
                continue;
            }
            b'\r' | b'\n' => WalkKey::Enter,
            0x08 | 0x7f => WalkKey::Backspace,
            // Ctrl-C, Ctrl-D, Ctrl-\.
            0x03 | 0x04 | 0x1c => WalkKey::Interrupt,
            b's' | b'S' => WalkKey::Stop,
            b' '..=b'~' => WalkKey::Character(char::from(byte.to_ascii_lowercase())),
            _ => continue,
        };
        keys.push(key);
    }
    keys
}

#[cfg(test)]
mod tests {
    use super::WalkKey::{Backspace, Character, Enter, Interrupt, Stop};
    use super::*;

    #[test]
    fn keys_are_single_bytes() {
        assert_eq!(decode(b"Y 7."), ['y', ' ', '7', '.'].map(Character));
        assert_eq!(decode(b"\r\n\x7f\x08"), [Enter, Enter, Backspace, Backspace]);
        assert_eq!(decode(b"sS"), [Stop, Stop]);
        assert_eq!(decode(b"\x03\x04\x1c"), [Interrupt; 3]);
        assert_eq!(decode("\u{e9}\t\0".as_bytes()), []);
    }

    #[test]
    fn an_arrow_or_function_key_is_no_letter_and_hides_none_behind_it() {
        assert_eq!(decode(b"\x1b[Ay"), [Character('y')]);
        assert_eq!(decode(b"\x1bOS\x1b[15~\x1b[1;5C"), []);
        // Escape by itself, and a sequence that is broken off.
        assert_eq!(decode(b"\x1bs"), [Stop]);
        assert_eq!(decode(b"\x1b[1\x03"), [Interrupt]);
        assert_eq!(decode(b"\x1b["), []);
    }
}
