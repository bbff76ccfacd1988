//! A key that is held down, by its repeats: a terminal reports presses and repeats of a key, and never its release.
//!
//! A terminal repeats a key after a delay of up to 0.7 s, and from then on each 30 to 90 ms. The first press therefore starts
//! nothing, and neither do two or three taps; a row of repeats does, and the key counts as let go once they cease.

use std::time::{Duration, Instant};

/// Longest time between two repeats of a key that is held.
pub const REPEAT_WITHIN: Duration = Duration::from_millis(250);
/// Repeats in a row, and their shortest time: a stalled connection delivers what it has kept at once.
const REPEATS: u32 = 3;
const HELD_FOR: Duration = Duration::from_millis(80);
/// Without a press for so long nobody is about to hold the key.
const IDLE_FOR: Duration = Duration::from_secs(1);

/// Watches one key.
#[derive(Debug, Default)]
pub struct HeldKey {
    /// The press behind which the row of repeats began, and the last one.
    row: Option<(Instant, Instant)>,
    repeats: u32,
}

impl HeldKey {
    /// Takes a press or a repeat.
    pub fn press(&mut self, at: Instant) {
        match &mut self.row {
            Some((_, last)) if at.saturating_duration_since(*last) <= REPEAT_WITHIN => {
                (*last, self.repeats) = (at, self.repeats + 1);
            }
            _ => (self.row, self.repeats) = (Some((at, at)), 0),
        }
    }

    /// True while the key is held.
    pub fn is_held(&self, now: Instant) -> bool {
        let Some((first, last)) = self.row else { return false };
        let has_row = self.repeats >= REPEATS && last.saturating_duration_since(first) >= HELD_FOR;
        has_row && now.saturating_duration_since(last) <= REPEAT_WITHIN
    }

    /// True if nobody is about to hold the key.
    pub fn is_idle(&self, now: Instant) -> bool {
        self.row.is_none_or(|(_, last)| now.saturating_duration_since(last) >= IDLE_FOR)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Presses at these times, in ms; whether it is held at the time of each.
    fn held(times_ms: &[u64]) -> Vec<bool> {
        let began = Instant::now();
        let mut key = HeldKey::default();
        let mut press = |ms: &u64| {
            let at = began + Duration::from_millis(*ms);
            key.press(at);
            key.is_held(at)
        };
        times_ms.iter().map(&mut press).collect()
    }

    #[test]
    fn repeats_hold_a_key_and_its_first_press_does_not() {
        // The delay of a terminal, and its repeats.
        assert_eq!(held(&[0, 500, 533, 566, 599, 632]), [false, false, false, false, true, true]);
        assert_eq!(held(&[0, 250, 342, 434]), [false, false, false, true]);
        // Three taps, however fast, and a row that a stalled connection delivers at once.
        assert_eq!(held(&[0, 120, 240]), [false; 3]);
        assert_eq!(held(&[0, 300, 600, 900, 1200]), [false; 5]);
        assert_eq!(held(&[0, 0, 0, 1, 1, 1]), [false; 6]);
    }

    #[test]
    fn a_key_whose_repeats_cease_is_let_go_and_takes_a_new_row() {
        let began = Instant::now();
        let at = |ms| began + Duration::from_millis(ms);
        let mut key = HeldKey::default();
        assert!(key.is_idle(began));
        for ms in (0..=200).step_by(40) {
            key.press(at(ms));
        }
        assert!(key.is_held(at(200)) && key.is_held(at(450)) && !key.is_held(at(451)));
        assert!(!key.is_idle(at(1_199)) && key.is_idle(at(1_200)));
        key.press(at(460));
        assert!(!key.is_held(at(460)), "one press behind a pause is no repeat");
    }
}
