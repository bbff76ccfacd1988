//! Wall clock: the time of the day, its text for people, and time stamps for names of files.
//!
//! The wall clock may be wrong and may jump, and nothing that moves depends on it (promise S23). Only this file reads
//! it (`tests/architecture.rs`), so that a trial can make it jump.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Offset of this process's wall clock from the computer's, in seconds.
static OFFSET_S: AtomicI64 = AtomicI64::new(0);

/// Time since 1970; zero for a clock that shows an earlier time.
pub fn since_epoch() -> Duration {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let offset_s = OFFSET_S.load(Ordering::Relaxed);
    let offset = Duration::from_secs(offset_s.unsigned_abs());
    if offset_s < 0 { since.saturating_sub(offset) } else { since.saturating_add(offset) }
}

/// Seconds since 1970; 0 for a clock that shows an earlier time.
pub fn now_unix_s() -> u64 {
    since_epoch().as_secs()
}

/// Sets the offset of this process's wall clock from the computer's, for tests of a clock that jumps.
pub fn set_offset_s(offset_s: i64) {
    OFFSET_S.store(offset_s, Ordering::Relaxed);
}

/// A time as RFC 3339 has it: `2027-01-31T23:59:59Z`.
pub fn rfc3339(unix_s: u64) -> String {
    let (days, second) = (unix_s / 86_400, unix_s % 86_400);
    // The civil calendar, counted in eras of 400 years from 1 March of the year 0, so that leap days come last.
    let days = days + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (year, month) = (era * 400 + year + month / 10, (month + 2) % 12 + 1);
    let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// A time for people: `2027-01-31 23:59:59 UTC`, with a remark if the clock cannot have been set ([`was_clock_set`]).
pub fn readable(unix_s: u64) -> String {
    let time = rfc3339(unix_s).replace('T', " ").replace('Z', " UTC");
    if was_clock_set(unix_s) { time } else { format!("{time} (the clock was not set)") }
}

/// True if a clock that shows this time can have been set: the time is not before the last commit of this program. A board
/// without a battery-backed clock starts with an earlier time, until the network sets it.
pub fn was_clock_set(unix_s: u64) -> bool {
    // A number, since build.rs writes one.
    let written_unix_s = env!("YEP_WRITTEN_UNIX_S").parse().unwrap_or(0);
    unix_s >= written_unix_s
}

/// A time stamp for the name of a file, in the basic format of ISO 8601: `20270131T235959Z`.
pub fn file_stamp(unix_s: u64) -> String {
    rfc3339(unix_s).replace(['-', ':'], "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_the_calendar() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_735_689_599, "2024-12-31T23:59:59Z"),
            (1_772_323_199, "2026-02-28T23:59:59Z"),
        ] {
            assert_eq!(rfc3339(seconds), text);
        }
        // A file may claim any time; it is only shown.
        assert!(rfc3339(u64::MAX).ends_with('Z'));
    }

    #[test]
    fn times_are_written_for_people_and_for_files() {
        assert_eq!(file_stamp(1_735_689_599), "20241231T235959Z");
        assert_eq!(readable(4_102_444_799), "2099-12-31 23:59:59 UTC");
        assert_eq!(readable(7), "1970-01-01 00:00:07 UTC (the clock was not set)");
        assert_eq!(readable(1_735_689_599), "2024-12-31 23:59:59 UTC (the clock was not set)");
        assert!(was_clock_set(now_unix_s()));
        let _ = readable(u64::MAX);
    }
}
