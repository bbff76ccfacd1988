//! Answers to the questions of a T-Code sender.
//!
//! Most senders ask nothing. XTPlayer asks `D1` and sends no position before it has found a known version in the
//! answer: four questions, 5 s apart. In a text frame of a WebSocket it expects a JSON object whose `command` has the
//! answer with its line feed inside; everywhere else the answer is a plain line.
//!
//! Senders take a line that begins with `#`, `@` or `$` for a button of the device. No answer begins so, with one
//! exception, in which this program does as the firmwares of version 0.3 do: a malformed `$` word comes back, so that a
//! person at a serial terminal sees that nothing was saved. Only a sender that wrote such a word hears it.

use std::borrow::Cow;

use super::json::json_string;
use super::words::SavedRange;

/// Answer to `D0`.
const DEVICE: &str = concat!("yep v", env!("CARGO_PKG_VERSION"));
/// Answer to `D1`. The words of version 0.4 are accepted, but its answers are not given, so 0.3 is the truth.
const VERSION: &str = "TCode v0.3";
/// Longest word that is echoed, in bytes: that of the firmwares' buffer.
const LONGEST_ECHO: usize = 47;

/// One answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TcodeAnswer(Cow<'static, str>);

impl TcodeAnswer {
    /// Name and version of this program.
    pub fn device() -> TcodeAnswer {
        TcodeAnswer(Cow::Borrowed(DEVICE))
    }

    /// Version of T-Code.
    pub fn version() -> TcodeAnswer {
        TcodeAnswer(Cow::Borrowed(VERSION))
    }

    /// The one axis, with the range that the sender has saved.
    pub fn axes(saved: SavedRange) -> TcodeAnswer {
        TcodeAnswer(Cow::Owned(format!("L0 {} {} Up", saved.low, saved.high)))
    }

    /// A malformed `$` word as it came; `None` if it is long or has more than printable ASCII, which would be noise on
    /// the line and not a person.
    pub fn echo(word: &[u8]) -> Option<TcodeAnswer> {
        let is_text = word.len() <= LONGEST_ECHO && word.iter().all(u8::is_ascii_graphic);
        let text = std::str::from_utf8(word).ok().filter(|_| is_text)?;
        Some(TcodeAnswer(Cow::Owned(text.to_owned())))
    }

    /// The answer without an end of line.
    pub fn text(&self) -> &str {
        &self.0
    }

    /// The answer as a line, for datagrams, TCP, serial lines and senders of binary frames.
    pub fn line(&self) -> String {
        format!("{}\n", self.0)
    }

    /// The answer as a text frame, for senders of text frames.
    pub fn text_frame(&self) -> String {
        format!("{{\"command\":{}}}", json_string(&self.line()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_answer_as_a_line_and_as_a_text_frame() {
        for (answer, text) in [
            (TcodeAnswer::device(), concat!("yep v", env!("CARGO_PKG_VERSION"))),
            (TcodeAnswer::version(), "TCode v0.3"),
            (TcodeAnswer::axes(SavedRange::default()), "L0 0 9999 Up"),
            (TcodeAnswer::axes(SavedRange { low: 100, high: 900 }), "L0 100 900 Up"),
        ] {
            assert_eq!((answer.text(), answer.line()), (text, format!("{text}\n")));
            assert_eq!(answer.text_frame(), format!(r#"{{"command":"{text}\n"}}"#));
            assert!(!text.starts_with(['#', '@', '$']));
        }
    }

    #[test]
    fn only_a_short_readable_word_is_echoed() {
        let echo = TcodeAnswer::echo(br#"$L0"\"#).unwrap();
        assert_eq!((echo.text(), echo.text_frame()), (r#"$L0"\"#, r#"{"command":"$L0\"\\\n"}"#.to_owned()));
        assert!(TcodeAnswer::echo(&[b'$'; 47]).is_some());
        for noise in [&[b'$'; 48][..], b"$\0", b"$\x1b[2J", "$é".as_bytes(), b"$\xff"] {
            assert_eq!(TcodeAnswer::echo(noise), None);
        }
    }
}
