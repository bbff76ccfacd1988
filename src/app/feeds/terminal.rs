//! Terminal device as a stream of bytes: a serial line, or this program's end of a pseudo terminal.
//!
//! Its descriptor is read and written without waiting, and the runtime says when that is worth it, so no thread waits for
//! a line. When the other end is gone, the stream has an end: a device that was unplugged, or a pseudo terminal that
//! nobody has open any more.

use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use rustix::termios::{ControlModes, OptionalActions, QueueSelector, tcflush, tcgetattr, tcsetattr};
use tokio::io::unix::AsyncFd;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// An open terminal, raw: bytes come and go as they are.
pub struct TerminalStream {
    /// There until it is dropped.
    fd: Option<AsyncFd<Arc<OwnedFd>>>,
}

impl TerminalStream {
    /// Opens a serial device: 8 data bits, no parity, one stop bit, no flow control, whatever its control lines say. What
    /// came before is discarded. `baud` is in bit/s.
    ///
    /// # Errors
    /// The system's.
    pub async fn open(device: &Path, baud: u32) -> io::Result<TerminalStream> {
        let device = device.to_owned();
        // Some drivers take their time to open, as they take it to close.
        let opening = tokio::task::spawn_blocking(move || open(&device, baud));
        TerminalStream::of(Arc::new(opening.await.map_err(io::Error::other)??))
    }

    /// The terminal behind a descriptor that does not wait.
    ///
    /// # Errors
    /// The system's.
    #[allow(unsafe_code)]
    pub fn of(fd: Arc<OwnedFd>) -> io::Result<TerminalStream> {
        // SAFETY: the descriptor is open and the same as long as this owner of it lives, and it is not lent mutably.
        let fd = unsafe { AsyncFd::register(fd) }?;
        Ok(TerminalStream { fd: Some(fd) })
    }

    fn fd(&self) -> io::Result<&AsyncFd<Arc<OwnedFd>>> {
        self.fd.as_ref().ok_or_else(|| io::ErrorKind::NotConnected.into())
    }
}

fn open(device: &Path, baud: u32) -> io::Result<OwnedFd> {
    // Without waiting, as a modem's carrier would be waited for.
    let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let fd = rustix::fs::open(device, flags, Mode::empty())?;
    let mut terminal = tcgetattr(&fd)?;
    terminal.make_raw();
    terminal.set_speed(baud)?;
    // The device at the other end is not to restart when this one closes, so the lines stay as they are.
    terminal.control_modes -=
        ControlModes::CSTOPB | ControlModes::PARENB | ControlModes::CRTSCTS | ControlModes::HUPCL;
    terminal.control_modes |= ControlModes::CLOCAL | ControlModes::CREAD;
    tcsetattr(&fd, OptionalActions::Now, &terminal)?;
    tcflush(&fd, QueueSelector::IFlush)?;
    Ok(fd)
}

impl AsyncRead for TerminalStream {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let fd = self.fd()?;
        loop {
            let mut ready = ready!(fd.poll_read_ready(context))?;
            // Even if somebody else has opened the other end meanwhile: who was there has left.
            let is_over = ready.ready().is_read_closed();
            match rustix::io::read(fd.get_ref(), buffer.initialize_unfilled()) {
                Ok(count) => {
                    buffer.advance(count);
                    return Poll::Ready(Ok(()));
                }
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) if !is_over => ready.clear_ready(),
                // Nobody has the other end of a pseudo terminal open.
                Err(Errno::AGAIN | Errno::IO) => return Poll::Ready(Ok(())),
                Err(error) => return Poll::Ready(Err(error.into())),
            }
        }
    }
}

impl AsyncWrite for TerminalStream {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let fd = self.fd()?;
        loop {
            let mut ready = ready!(fd.poll_write_ready(context))?;
            let is_over = ready.ready().is_write_closed();
            match rustix::io::write(fd.get_ref(), bytes) {
                Ok(count) => return Poll::Ready(Ok(count)),
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) if !is_over => ready.clear_ready(),
                Err(error) => return Poll::Ready(Err(error.into())),
            }
        }
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

impl Drop for TerminalStream {
    fn drop(&mut self) {
        let Some(fd) = self.fd.take().map(AsyncFd::into_inner) else { return };
        // Some drivers wait at the close for a peer that does not read, and then no other task may wait with them.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            drop(runtime.spawn_blocking(move || drop(fd)));
        }
    }
}

#[cfg(test)]
mod tests {
    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    /// The other end, and the path of the device.
    fn line() -> (std::fs::File, std::path::PathBuf) {
        let near = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&near).unwrap();
        unlockpt(&near).unwrap();
        let device = ptsname(&near, Vec::new()).unwrap().into_string().unwrap();
        (near.into(), device.into())
    }

    #[tokio::test]
    async fn bytes_pass_as_they_are_and_the_stream_ends_with_its_other_end() {
        use std::io::{Read, Write};
        let (mut near, device) = line();
        let mut stream = TerminalStream::open(&device, 115_200).await.unwrap();
        // A carriage return, and what ends, stops and interrupts a cooked line.
        let bytes = b"L05\r\n\x03\x04\x11\x13\x7f\xff";
        near.write_all(bytes).unwrap();
        let mut read = vec![0; bytes.len()];
        stream.read_exact(&mut read).await.unwrap();
        assert_eq!(read, bytes);
        stream.write_all(b"yep\n").await.unwrap();
        let mut answer = [0; 8];
        let count = near.read(&mut answer).unwrap();
        assert_eq!(&answer[..count], b"yep\n", "neither an echo nor another end of line");
        near.write_all(b"last").unwrap();
        drop(near);
        // Some kernels discard what was not read yet.
        let mut rest = Vec::new();
        stream.read_to_end(&mut rest).await.unwrap();
        assert!(rest.is_empty() || rest == b"last", "{rest:?}");
        assert!(stream.write_all(b"yep\n").await.is_err());
    }

    #[tokio::test]
    async fn what_is_no_terminal_is_not_opened() {
        let file = tempfile::NamedTempFile::new().unwrap();
        assert!(TerminalStream::open(file.path(), 115_200).await.is_err());
        assert!(TerminalStream::open(Path::new("/nowhere/tty"), 115_200).await.is_err());
    }
}
