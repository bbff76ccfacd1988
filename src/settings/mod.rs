//! Settings of the user: the clients' settings document, the limits of motion, the calibration.
//!
//! - `definition.rs`: the table in which each setting is defined once, with its default and its range; [`SettingField`]: a
//!   row of it as data; `define.rs`: the macros that make the types of it
//! - [`Document`]: the settings as the clients know them, under their names and in their order
//! - [`Settings`]: the document, the [`MotionLimits`] that the clients do not know, and the
//!   calibrated travel. Never changed in place: each change makes a whole new value or lists all that is wrong
//! - [`SettingsChange`], [`MotionChange`]: what a client asks for; what is absent stays
//! - [`StoredSettings`]: the form in which they are stored, in a database and in a backup
//! - [`Invalid`]: one reason for a refusal; `check.rs` has the rules between settings
//! - [`ProvenLimits`]: the envelope, inside which an admin widens the settings
//! - `config.rs`: the settings as the machine takes them; [`RailGeometry`]: the mechanics, which no setting describes
//!
//! Promise S21: whatever comes from a client or from the disk passes [`Settings::check`] before it is in force.

mod change;
mod check;
mod config;
mod define;
mod definition;
mod field;
mod id;
mod invalid;
mod kinds;
#[cfg(test)]
pub(crate) mod page;
#[cfg(test)]
mod properties;
mod proven_limits;
mod record_io;
mod stored;

pub use check::without_controls;
pub use config::RailGeometry;
pub use definition::{Document, MotionChange, MotionPart, STEPS, SettingsChange, SettingsPart, fields};
pub use field::{Allowed, Bound, SettingField};
pub use id::{is_id, new_id};
pub use invalid::Invalid;
pub use kinds::SettingSource;
pub use proven_limits::ProvenLimits;
pub use record_io::{OLDEST_VERSION, RecordReader, RecordWriter};
pub use stored::{CalibrationPart, STORED_VERSION, StoredSettings, add_defaults};

use crate::machine::Calibration;
use crate::motion::MotionLimits;

/// All settings.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// The document that the clients see.
    pub document: Document,
    /// Speed, acceleration and jerk.
    pub motion: MotionLimits,
    /// Steps between the two switches, when a calibration of this machine's own measured them.
    pub travel_steps: Option<i64>,
    /// Time of that calibration, in seconds since 1970 on the clock of the computer; for people, since that clock may be
    /// wrong.
    pub calibrated_unix_s: Option<u64>,
}

impl Settings {
    /// The settings of a new machine, in a document with this id.
    #[must_use]
    pub fn fresh(id: String) -> Settings {
        Settings {
            document: Document::fresh(id),
            motion: MotionLimits::default(),
            travel_steps: None,
            calibrated_unix_s: None,
        }
    }

    /// These settings with a calibration that this machine made. Its time is left out, as it is not known here.
    ///
    /// A travel that no rail has ([`STEPS`]) leaves the settings uncalibrated.
    #[must_use]
    pub fn with_calibration(&self, calibration: &Calibration) -> Settings {
        let mut next = self.clone();
        next.document.max_steps = Some(calibration.max_steps);
        next.travel_steps = Some(calibration.travel_steps);
        next.calibrated_unix_s = None;
        if next.check().is_err() {
            next.forget_calibration();
        }
        next
    }

    /// Steps for a millimetre, if that is known.
    ///
    /// After a calibration of this machine the whole travel over `max_stroke`. A remote machine reports only
    /// `max_steps`, so there it is `max_steps / max_stroke`, as it always was for the clients.
    #[must_use]
    pub fn steps_per_mm(&self) -> Option<f64> {
        let steps = self.travel_steps.or(self.document.max_steps)?;
        Some(steps as f64 / self.document.max_stroke as f64)
    }

    fn forget_calibration(&mut self) {
        self.document.max_steps = None;
        self.travel_steps = None;
        self.calibrated_unix_s = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn calibrated() -> Settings {
        let found = Calibration { origin_steps: 50, travel_steps: 1_550, max_steps: 1_450 };
        Settings::fresh(new_id()).with_calibration(&found)
    }

    #[test]
    fn the_travel_of_a_local_calibration_counts_before_the_steps_of_a_remote_one() {
        assert_eq!(Settings::fresh(new_id()).steps_per_mm(), None);
        assert_eq!(calibrated().steps_per_mm(), Some(10.0));
        let remote = calibrated()
            .changed(&SettingsChange { max_steps: Some(31_000), ..SettingsChange::default() })
            .unwrap();
        assert_eq!((remote.travel_steps, remote.steps_per_mm()), (None, Some(200.0)));
    }

    #[test]
    fn an_impossible_calibration_is_none() {
        for (travel_steps, max_steps) in [(0, 0), (-5, -5), (100, 101), (i64::MAX, 100)] {
            let found = Calibration { origin_steps: 0, travel_steps, max_steps };
            let next = calibrated().with_calibration(&found);
            assert_eq!((next.travel_steps, next.document.max_steps), (None, None));
        }
    }
}
