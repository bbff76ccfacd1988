//! Times of the wall clock, for names and for people. Nothing else depends on it: it may be wrong, and jump.

use crate::settings::wall;
use crate::units::utc;

/// Seconds since 1970, or 0 before that.
#[must_use]
pub fn now_unix_s() -> u64 {
    wall::since_epoch().as_secs()
}

/// A time as `2027-01-31 23:59:59 UTC`.
#[must_use]
pub fn readable(unix_s: u64) -> String {
    utc(unix_s).replace('T', " ").replace('Z', " UTC")
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
        assert_eq!(readable(1_735_689_599), "2024-12-31 23:59:59 UTC");
        let _ = readable(u64::MAX);
    }
}
