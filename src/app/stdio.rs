//! Writing to standard streams with a timeout.
//!
//! A write to a stopped terminal, or to a pipe that is not read, blocks; and a reader that closes early (`yep run |
//! head -1`) is no error.

use std::io::Write;
use std::sync::mpsc::sync_channel;
use std::time::Duration;

/// Writes `text` in a thread of its own, and waits at most `within` for that.
pub fn write_within(mut stream: impl Write + Send + 'static, text: String, within: Duration) {
    let (done, written) = sync_channel(1);
    let write = move || {
        // An error of this stream cannot be reported anywhere.
        let _ = stream.write_all(text.as_bytes()).and_then(|()| stream.flush());
        let _ = done.try_send(());
    };
    if std::thread::Builder::new().name("say".into()).spawn(write).is_ok() {
        let _ = written.recv_timeout(within);
    }
}
