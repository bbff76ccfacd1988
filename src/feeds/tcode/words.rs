//! Word parser: the meaning of one word of a T-Code line.
//!
//! # Positions
//!
//! The digits behind the axis are those behind "0.": the first four count, and missing ones are 0. So `L05` is a half
//! and
//! `L01000` a tenth. 9999 is the front ([`FRONT`](super)). Programs that write three digits reach 0.9991 of the travel.
//!
//! `I` is a time in ms. `S` is a speed, n/10000 of the travel per 100 ms, as the firmwares of version 0.3 read it; the
//! text of the specification can be read as ten times that, and a draft of another machine has a time there. The slower
//! speed is the safe reading. If both are there, `S` counts, as in the firmwares. A number of more than eight digits is
//! the highest one of eight.
//!
//! # Malformed words
//!
//! A lost byte on a serial line makes `L0500I` of `L0500I250`. A suffix without its number skips the word: without its
//! time the target would mean something else, and the next one comes some milliseconds later.

use super::{FRONT, LONGEST_MS};
use crate::motion::feed::{FeedTarget, Pace};

/// Highest number in a suffix.
const HIGHEST: u32 = 99_999_999;
/// Units of `S` in one window per second: 10000 are one window per 100 ms.
const SPEED_UNITS: f64 = 1_000.0;
const MS_PER_S: f64 = 1_000.0;

/// Range of the axis that a sender has saved, in 0 to 9999, for itself: it only changes the answer to `D2`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SavedRange {
    /// Lower end; less than `high`.
    pub low: u16,
    /// Upper end.
    pub high: u16,
}

impl Default for SavedRange {
    fn default() -> SavedRange {
        SavedRange { low: 0, high: FRONT }
    }
}

/// Meaning of one word.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum TcodeWord {
    /// `L0…`: a target of this axis.
    Target(FeedTarget),
    /// `DSTOP`: stop.
    Stop,
    /// `D0`: which device and version.
    AskDevice,
    /// `D1`: which version of T-Code.
    AskVersion,
    /// `D2`: which axes, and their saved ranges.
    AskAxes,
    /// `$L0-…-…`: save a range.
    Save(SavedRange),
    /// `$` with anything else behind it; the firmwares echo it.
    MalformedSave,
    /// Valid and without effect here: other axes, their ranges, `DENABLE`, `DDISABLE`.
    WithoutEffect,
    /// Nothing that the grammar has.
    Unknown,
}

impl TcodeWord {
    /// Parses one word, which has neither spaces nor ends of lines.
    pub fn parse(word: &[u8]) -> TcodeWord {
        match word {
            [b'$', range @ ..] => save(range).unwrap_or(TcodeWord::MalformedSave),
            [b'D' | b'd', command @ ..] => device(command),
            [letter, channel, rest @ ..] if is_axis(*letter, *channel) => {
                let Some(target) = target(rest) else { return TcodeWord::Unknown };
                if is_ours(*letter, *channel) { TcodeWord::Target(target) } else { TcodeWord::WithoutEffect }
            }
            [..] => TcodeWord::Unknown,
        }
    }
}

fn is_axis(letter: u8, channel: u8) -> bool {
    matches!(letter.to_ascii_uppercase(), b'L' | b'R' | b'V' | b'A') && channel.is_ascii_digit()
}

fn is_ours(letter: u8, channel: u8) -> bool {
    letter.eq_ignore_ascii_case(&b'L') && channel == b'0'
}

/// The word behind `D`.
fn device(command: &[u8]) -> TcodeWord {
    let is = |name: &[u8]| command.eq_ignore_ascii_case(name);
    match command {
        b"0" => TcodeWord::AskDevice,
        b"1" => TcodeWord::AskVersion,
        b"2" => TcodeWord::AskAxes,
        _ if is(b"STOP") => TcodeWord::Stop,
        _ if is(b"ENABLE") || is(b"DISABLE") => TcodeWord::WithoutEffect,
        _ => TcodeWord::Unknown,
    }
}

/// The word behind `$`; `None` if it is malformed.
fn save(range: &[u8]) -> Option<TcodeWord> {
    let mut parts = range.split(|byte| *byte == b'-');
    let [letter, channel] = parts.next()? else { return None };
    let (low, high) = (range_end(parts.next()?)?, range_end(parts.next()?)?);
    if parts.next().is_some() || !is_axis(*letter, *channel) || low >= high {
        return None;
    }
    let is_ours = is_ours(*letter, *channel);
    Some(if is_ours { TcodeWord::Save(SavedRange { low, high }) } else { TcodeWord::WithoutEffect })
}

/// One end of a range: four digits, no more and no less.
fn range_end(digits: &[u8]) -> Option<u16> {
    (digits.len() == 4 && digits.iter().all(u8::is_ascii_digit)).then(|| four_digits(digits))
}

/// The word behind the axis: digits and suffixes; `None` if it is malformed.
fn target(word: &[u8]) -> Option<FeedTarget> {
    let (digits, mut rest) = split_digits(word);
    if digits.is_empty() {
        return None;
    }
    let (mut time_ms, mut speed) = (0, 0);
    while let [letter, behind @ ..] = rest {
        let (number, next) = split_digits(behind);
        match letter.to_ascii_uppercase() {
            b'I' if !number.is_empty() => time_ms = saturated(number),
            b'S' if !number.is_empty() => speed = saturated(number),
            // Ramps and more of version 0.4.
            b'<' | b'>' | b'=' | b'G' => {}
            _ => return None,
        }
        rest = next;
    }
    let pace = match (speed, time_ms.min(LONGEST_MS)) {
        (0, 0) => Pace::Live,
        (0, time_ms) => Pace::Within { time_s: f64::from(time_ms) / MS_PER_S },
        (speed, _) => Pace::AtSpeed { per_s: f64::from(speed) / SPEED_UNITS },
    };
    Some(FeedTarget { share: f64::from(four_digits(digits)) / f64::from(FRONT), pace })
}

/// The digits at the begin of `word`, and what is behind them.
fn split_digits(word: &[u8]) -> (&[u8], &[u8]) {
    let end = word.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(word.len());
    word.split_at(end)
}

/// Number of the first four of some digits; missing ones are 0.
fn four_digits(digits: &[u8]) -> u16 {
    let padded = digits.iter().copied().chain(std::iter::repeat(b'0'));
    padded.take(4).fold(0, |number, digit| 10 * number + u16::from(digit - b'0'))
}

/// Number of any digits, at most [`HIGHEST`].
fn saturated(digits: &[u8]) -> u32 {
    digits.iter().fold(0, |number, digit| (10 * number + u32::from(digit - b'0')).min(HIGHEST))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(number: f64, pace: Pace) -> TcodeWord {
        TcodeWord::Target(FeedTarget { share: number / 9_999.0, pace })
    }

    fn parse(word: &str) -> TcodeWord {
        TcodeWord::parse(word.as_bytes())
    }

    #[test]
    fn four_digits_count_and_missing_ones_are_zero() {
        for (word, number) in [
            ("L00", 0.0),
            ("L05", 5_000.0),
            ("l0500", 5_000.0),
            ("L05000", 5_000.0),
            ("L01000", 1_000.0),
            ("L0001", 10.0),
            ("L0999", 9_990.0),
            ("L09999", 9_999.0),
            ("L099999999999999999999", 9_999.0),
            ("L0123456789", 1_234.0),
        ] {
            assert_eq!(parse(word), target(number, Pace::Live), "{word}");
        }
    }

    #[test]
    fn suffixes_say_a_time_or_a_speed() {
        for (word, pace) in [
            ("L05I250", Pace::Within { time_s: 0.25 }),
            ("l05i250", Pace::Within { time_s: 0.25 }),
            ("L05I1", Pace::Within { time_s: 0.001 }),
            ("L05I0", Pace::Live),
            ("L05I00", Pace::Live),
            ("L05I10000", Pace::Within { time_s: 10.0 }),
            ("L05I70000", Pace::Within { time_s: 10.0 }),
            ("L05I4294967296", Pace::Within { time_s: 10.0 }),
            ("L05I00000000000250", Pace::Within { time_s: 0.25 }),
            ("L05S80", Pace::AtSpeed { per_s: 0.08 }),
            ("L05s100", Pace::AtSpeed { per_s: 0.1 }),
            ("L05S10000", Pace::AtSpeed { per_s: 10.0 }),
            ("L05S99999999999999999999", Pace::AtSpeed { per_s: 99_999.999 }),
            ("L05S0", Pace::Live),
            ("L05I250S100", Pace::AtSpeed { per_s: 0.1 }),
            ("L05S100I250", Pace::AtSpeed { per_s: 0.1 }),
            ("L05S0I250", Pace::Within { time_s: 0.25 }),
            ("L05I250<50>30=1G7", Pace::Within { time_s: 0.25 }),
            ("L05<>", Pace::Live),
            ("L05g2I250", Pace::Within { time_s: 0.25 }),
        ] {
            assert_eq!(parse(word), target(5_000.0, pace), "{word}");
        }
    }

    #[test]
    fn other_axes_and_old_commands_are_without_effect() {
        for word in [
            "L1500",
            "l29I10",
            "R04321I10",
            "r2500",
            "V033",
            "V39999S5",
            "A15",
            "L9000",
            "DENABLE",
            "ddisable",
            "$R0-0100-0900",
        ] {
            assert_eq!(parse(word), TcodeWord::WithoutEffect, "{word}");
        }
    }

    #[test]
    fn device_words_in_either_case() {
        for (word, meaning) in [
            ("D0", TcodeWord::AskDevice),
            ("d0", TcodeWord::AskDevice),
            ("D1", TcodeWord::AskVersion),
            ("d2", TcodeWord::AskAxes),
            ("DSTOP", TcodeWord::Stop),
            ("dStop", TcodeWord::Stop),
            ("$L0-0100-0900", TcodeWord::Save(SavedRange { low: 100, high: 900 })),
            ("$l0-0000-9999", TcodeWord::Save(SavedRange { low: 0, high: 9_999 })),
        ] {
            assert_eq!(parse(word), meaning, "{word}");
        }
    }

    #[test]
    fn malformed_words_of_every_kind_are_nothing() {
        for word in [
            "",
            "L",
            "L0",
            "0",
            "L0I500",
            "L0.5",
            "L0,5",
            "L00.5I16.6667",
            "L0-5",
            "L0+5",
            "L05I",
            "L05I-5",
            "L05I 5",
            "L05S",
            "L05I5S",
            "L05X5",
            "L05I5X",
            "L05L05",
            "L05,",
            "X0500",
            "LL500",
            "LA500",
            "L0５",
            "R0",
            "R0.5",
            "D",
            "D3",
            "D00",
            "D1x",
            "DSTOPP",
            "D STOP",
            "STOP",
            "ping",
            "{\"a\":1}",
            "#ok:",
            "@m",
            "NaN",
            "L0NaN",
            "L0inf",
            "L01e3",
            "\0",
            "\0L0500",
            "L0\u{0}500",
            "\u{feff}L0500",
        ] {
            assert_eq!(parse(word), TcodeWord::Unknown, "{word:?}");
        }
        for word in [
            "$",
            "$L0",
            "$L0-100-900",
            "$L0-00100-0900",
            "$L0-0100-09000",
            "$L0-9000-1000",
            "$L0-5000-5000",
            "$X0-0100-0900",
            "$L0-0100-0900-",
            "$L0_0100_0900",
            "$L0-01x0-0900",
            "$-----",
        ] {
            assert_eq!(parse(word), TcodeWord::MalformedSave, "{word:?}");
        }
        for byte in 128..=255 {
            assert_eq!(TcodeWord::parse(&[byte, b'0', b'5']), TcodeWord::Unknown);
            assert_eq!(TcodeWord::parse(&[b'L', b'0', b'5', byte]), TcodeWord::Unknown);
        }
    }
}
