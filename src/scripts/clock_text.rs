//! Clock texts of chapters: `HH:MM:SS.mmm`.

use super::MAX_MS;

/// Milliseconds of a clock text: hours, minutes and seconds, the first ones of which may be left out.
pub fn milliseconds(text: &str) -> Option<u32> {
    let mut seconds = 0.0;
    let mut parts = 0;
    for part in text.trim().split(':') {
        let is_plain = !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        let number: f64 = part.parse().ok().filter(|_| is_plain && part.len() <= 20)?;
        seconds = seconds * 60.0 + number;
        parts += 1;
    }
    let milliseconds = (seconds * 1e3_f64).round();
    (parts <= 3 && milliseconds <= f64::from(MAX_MS)).then_some(milliseconds as u32)
}

#[cfg(test)]
mod tests {
    use super::milliseconds;

    #[test]
    fn a_clock_text_is_hours_minutes_and_seconds() {
        assert_eq!(milliseconds("00:00:01.500"), Some(1_500));
        assert_eq!(milliseconds("01:02:03"), Some(3_723_000));
        assert_eq!(milliseconds("9.25"), Some(9_250));
        for bad in ["", "::", "a", "-1", "1:2:3:4", "99:00:00", "1e3", "inf", "0x1", "1,5"] {
            assert_eq!(milliseconds(bad), None, "{bad}");
        }
    }
}
