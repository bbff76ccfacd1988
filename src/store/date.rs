//! Times of the wall clock, for names and for people. Nothing else depends on it: it may be wrong, and jump.

use crate::settings::wall;
use crate::units::utc;

/// Seconds since 1970, or 0 before that.
#[must_use]
pub fn now_unix_s() -> u64 {
    wall::since_epoch().as_secs()
}

/// A time as `2027-01-31 23:59:59 UTC`. One from before this program was written is marked: a board without a clock of its own
/// starts with such a time, until the network tells it another.
#[must_use]
pub fn readable(unix_s: u64) -> String {
    let time = utc(unix_s).replace('T', " ").replace('Z', " UTC");
    if was_clock_set(unix_s) { time } else { format!("{time} (the clock was not set)") }
}

/// Whether a clock that shows this time can have been set.
#[must_use]
pub fn was_clock_set(unix_s: u64) -> bool {
    // A number, since build.rs writes one.
    let written_unix_s = env!("YEP_WRITTEN_UNIX_S").parse().unwrap_or(0);
    unix_s >= written_unix_s
}

/// A time as `20270131T235959Z`, for the name of a file.
#[must_use]
pub fn compact(unix_s: u64) -> String {
    utc(unix_s).replace(['-', ':'], "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_for_people_and_for_files() {
        assert_eq!(compact(1_735_689_599), "20241231T235959Z");
        assert_eq!(readable(4_102_444_799), "2099-12-31 23:59:59 UTC");
        assert_eq!(readable(7), "1970-01-01 00:00:07 UTC (the clock was not set)");
        assert_eq!(readable(1_735_689_599), "2024-12-31 23:59:59 UTC (the clock was not set)");
        assert!(was_clock_set(now_unix_s()));
        let _ = readable(u64::MAX);
    }
}
