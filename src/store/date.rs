//! Times of the wall clock, for names and for people. Nothing else depends on it: it may be wrong, and jump.

use std::time::{SystemTime, UNIX_EPOCH};

/// Seconds since 1970, or 0 before that.
#[must_use]
pub fn now_unix_s() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// A time as `2027-01-31 23:59:59 UTC`.
#[must_use]
pub fn readable(unix_s: u64) -> String {
    let [year, month, day, hour, minute, second] = parts(unix_s);
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02} UTC")
}

/// A time as `20270131T235959Z`, for the name of a file.
#[must_use]
pub fn compact(unix_s: u64) -> String {
    let [year, month, day, hour, minute, second] = parts(unix_s);
    format!("{year:04}{month:02}{day:02}T{hour:02}{minute:02}{second:02}Z")
}

fn parts(unix_s: u64) -> [u64; 6] {
    let (days, second) = (unix_s / 86_400, unix_s % 86_400);
    // The civil calendar, counted in eras of 400 years from 1 March of the year 0, so that leap days come last.
    let days = days + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (year, month) = (era * 400 + year + month / 10, (month + 2) % 12 + 1);
    [year, month, day, second / 3_600, second / 60 % 60, second % 60]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_the_calendar() {
        for (seconds, text) in [
            (0, "19700101T000000Z"),
            (951_782_400, "20000229T000000Z"),
            (1_735_689_599, "20241231T235959Z"),
            (1_772_323_199, "20260228T235959Z"),
        ] {
            assert_eq!(compact(seconds), text);
        }
        assert_eq!(readable(1_735_689_599), "2024-12-31 23:59:59 UTC");
        let _ = readable(u64::MAX);
    }
}
