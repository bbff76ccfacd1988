//! A yep-machine on another host: what is known of it, and which waves its program cannot follow.

use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

use super::answer::{self, Rejection};
use super::settings_service::SettingsService;
use super::wave_spec::duration_complaint;
use crate::machine::{CommandRefusal, State};

/// Without a calibration nobody knows how many steps its range has; it is some ten steps a millimetre.
const USUAL_STEPS: i64 = 1_000;

/// Facts about a yep-machine besides its settings.
#[derive(Debug, Default)]
pub struct RemoteFacts {
    /// Its settings were put back to their defaults, and nothing was measured since.
    is_reset: AtomicBool,
}

impl RemoteFacts {
    /// The settings have no measured range any more.
    pub fn reset(&self) {
        self.is_reset.store(true, SeqCst);
    }

    /// The machine has written down what it measured.
    pub fn measured(&self) {
        self.is_reset.store(false, SeqCst);
    }

    /// Checks that the machine can be told to follow these positions.
    ///
    /// # Errors
    /// 409 when it is not homed since its settings were reset, 422 with what is wrong with the wave.
    pub fn check_wave(&self, settings: &SettingsService, positions: &[f64]) -> Result<(), Rejection> {
        if self.is_reset.load(SeqCst) {
            return Err(answer::refused(&CommandRefusal::NotHomed(State::NotHomed)));
        }
        let range_steps = settings.current().document.max_steps.unwrap_or(USUAL_STEPS);
        if needs_steps(positions, range_steps) {
            return Ok(());
        }
        let why =
            "the machine would not make a step, and not hear STOP any more: give a longer duration or stroke";
        Err(answer::unprocessable(&[duration_complaint(&why)]))
    }
}

/// Whether a cycle of these positions, shares of the range, makes at least one step. Its program waits, and so hears STOP, only
/// while it steps: a wave that needs none it runs until its power is cut.
#[must_use]
fn needs_steps(positions: &[f64], range_steps: i64) -> bool {
    let mut at = 0;
    let mut cycle = || {
        let before = at;
        let mut steps = 0;
        for position in positions {
            let way = position * range_steps as f64 - at as f64;
            at += way.trunc() as i64;
            steps += way.trunc().abs() as i64;
        }
        steps > 0 || at != before
    };
    // The first one also goes to where the wave begins.
    cycle();
    cycle()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_wave_that_moves_is_heard_through() {
        for (positions, needs) in [
            (&[][..], false),
            (&[0.0], false),
            (&[1.0], false),
            (&[0.5, 0.5, 0.5], false),
            (&[0.5, 0.500_4], false),
            (&[0.0, 1.0], true),
            (&[0.5, 0.6, 0.5], true),
        ] {
            assert_eq!(needs_steps(positions, 1_450), needs, "{positions:?}");
        }
    }
}
