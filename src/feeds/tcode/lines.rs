//! Line splitter: bytes in pieces of any size to lines, with a bound on the length of a line.
//!
//! A stream may be cut anywhere, also between CR and LF. A line that ends with CR LF is followed by an empty one, which
//! has no words: no state is needed for it. The buffer has a fixed size, so an endless line costs no memory: it is
//! dropped up to its end. None of it is used, as the beginning of a cut line may say something else than the whole.

use heapless::Vec;

/// Longest line, without its end, in bytes. The programs in use write at most 256.
pub const LINE_BYTES: usize = 1_024;

/// Splitter of one stream.
#[derive(Debug, Clone, Default)]
pub struct LineSplitter {
    line: Vec<u8, LINE_BYTES>,
    /// True inside a line that was too long.
    dropping: bool,
    dropped: u64,
}

impl LineSplitter {
    /// Takes the next bytes of the stream; calls `on_line` for each line that ends in them, without its end. Empty
    /// lines are left out.
    pub fn feed(&mut self, bytes: &[u8], mut on_line: impl FnMut(&[u8])) {
        for byte in bytes {
            if matches!(byte, b'\n' | b'\r') {
                self.end(&mut on_line);
            } else if !self.dropping && self.line.push(*byte).is_err() {
                self.dropping = true;
                self.dropped += 1;
                self.line.clear();
            }
        }
    }

    /// Ends the line in progress, as the end of a datagram or of a WebSocket frame does.
    pub fn end(&mut self, on_line: impl FnOnce(&[u8])) {
        if !self.line.is_empty() {
            on_line(&self.line);
        }
        self.line.clear();
        self.dropping = false;
    }

    /// Number of lines that were too long.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(pieces: &[&[u8]]) -> (std::vec::Vec<String>, u64) {
        let mut splitter = LineSplitter::default();
        let mut lines = std::vec::Vec::new();
        let mut note = |line: &[u8]| lines.push(String::from_utf8_lossy(line).into_owned());
        for piece in pieces {
            splitter.feed(piece, &mut note);
        }
        splitter.end(&mut note);
        (lines, splitter.dropped())
    }

    #[test]
    fn every_end_of_a_line_ends_it() {
        for text in ["D1\nD2\n", "D1\rD2\r", "D1\r\nD2\r\n", "\n\nD1\n\n\r\nD2", "D1\n\rD2"] {
            assert_eq!(lines(&[text.as_bytes()]), (vec!["D1".to_owned(), "D2".to_owned()], 0), "{text:?}");
        }
        assert_eq!(lines(&[b"D1\r", b"\nD", b"2"]).0, ["D1", "D2"]);
        assert_eq!(lines(&[b""]).0, [""; 0]);
    }

    #[test]
    fn a_line_of_the_longest_size_passes_and_a_longer_one_is_dropped_up_to_its_end() {
        let longest = "x".repeat(LINE_BYTES);
        assert_eq!(lines(&[longest.as_bytes(), b"\nD1"]), (vec![longest.clone(), "D1".to_owned()], 0));
        let longer = longest + "L09999";
        assert_eq!(lines(&[longer.as_bytes(), b" L09999\nD1\n"]), (vec!["D1".to_owned()], 1));
        // The end of a datagram ends a dropped line too.
        let mut splitter = LineSplitter::default();
        splitter.feed(&[b'x'; 5_000], |line| panic!("{line:?}"));
        splitter.end(|line| panic!("{line:?}"));
        splitter.feed(b"D1\n", |line| assert_eq!(line, b"D1"));
        assert_eq!(splitter.dropped(), 1);
    }

    #[test]
    fn an_endless_line_is_counted_once() {
        let mut splitter = LineSplitter::default();
        for _ in 0..1_000 {
            splitter.feed(&[b'0'; 1_000], |line| panic!("{line:?}"));
        }
        assert_eq!(splitter.dropped(), 1);
    }
}
