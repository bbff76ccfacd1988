//! Standard streams without blocking: what is written to a stopped terminal, or to a pipe that nobody reads, must not
//! hold up who writes, and a reader that has seen enough (`yep run | head -1`) is no error.

use std::io::Write;
use std::sync::mpsc::sync_channel;
use std::time::Duration;

/// Writes `text` from a thread of its own, and waits for that for `within` at most.
pub fn write_within(mut stream: impl Write + Send + 'static, text: String, within: Duration) {
    let (done, written) = sync_channel(1);
    let write = move || {
        // There is nobody left to tell.
        let _ = stream.write_all(text.as_bytes()).and_then(|()| stream.flush());
        let _ = done.try_send(());
    };
    if std::thread::Builder::new().name("say".into()).spawn(write).is_ok() {
        let _ = written.recv_timeout(within);
    }
}
