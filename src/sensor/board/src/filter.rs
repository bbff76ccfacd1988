//! Asymmetric low-pass filter of the force: instant attack, exponential release.
//!
//! An ordinary low-pass also delays a rise of the force, which limits the motion. This filter delays only a fall: a
//! reading that is further from zero than the last value, or has the other sign, passes unchanged; one that is nearer
//! to zero pulls the value down with a time constant. Noise so raises the value by about its own amplitude, a few
//! grams, which is the safe side.

/// Time constant of the release.
const RELEASE_S: f32 = 0.020;

/// Asymmetric low-pass filter of one channel.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Filter {
    value: Option<f32>,
}

impl Filter {
    /// A filter without history.
    pub const fn new() -> Filter {
        Filter { value: None }
    }

    /// Forgets the history, after a change of scale.
    pub fn reset(&mut self) {
        self.value = None;
    }

    /// The filtered value after `reading`, which came `after_s` seconds after the one before.
    pub fn update(&mut self, reading: f32, after_s: f32) -> f32 {
        let value = match self.value {
            // Step response of a first-order low-pass after any time: 1 − exp(−t/τ) of the way.
            Some(value) if value * reading >= 0.0 && reading.abs() < value.abs() => {
                let share = 1.0 - libm::expf(-after_s.max(0.0) / RELEASE_S);
                value + (reading - value) * share
            }
            _ => reading,
        };
        self.value = Some(value);
        value
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PERIOD_S: f32 = 0.0125;

    #[test]
    fn a_rise_is_there_at_once_and_a_fall_takes_its_time() {
        let mut filter = Filter::new();
        assert_eq!(filter.update(-10.0, PERIOD_S), -10.0);
        assert_eq!(filter.update(-500.0, PERIOD_S), -500.0);
        let mut last = -500.0;
        for _ in 0..3 {
            let value = filter.update(-100.0, PERIOD_S);
            assert!(last < value && value < -100.0, "{value} after {last}");
            last = value;
        }
        // After three periods of 12.5 ms exp(-1.875) of the way are left.
        assert!((last - (-100.0 - 400.0 * libm::expf(-1.875))).abs() < 0.01, "{last}");
        assert_eq!(filter.update(20.0, PERIOD_S), 20.0, "a force from the other side");
        filter.reset();
        assert_eq!(filter.update(1.0, PERIOD_S), 1.0);
    }

    proptest! {
        #[test]
        fn it_never_shows_less_force_than_there_is(
            readings in prop::collection::vec(-1e6f32..1e6, 1..100),
        ) {
            let mut filter = Filter::new();
            for reading in readings {
                let value = filter.update(reading, PERIOD_S);
                prop_assert!(value.abs() >= reading.abs() && value * reading >= 0.0, "{value} for {reading}");
            }
        }
    }
}
