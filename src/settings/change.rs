//! Changes that a client asks for: a change makes whole new settings, or is refused with everything that is wrong.

use super::invalid::{Invalid, InvalidFields};
use super::{MotionChange, Settings, SettingsChange};

impl Settings {
    /// These settings after `change`.
    ///
    /// A calibration belongs to the rail that it measured: when stroke, padding or microsteps become others,
    /// it is forgotten. `max_steps` in the change is the calibration of a remote machine, and takes the place
    /// of this machine's own.
    ///
    /// # Errors
    /// Everything that is wrong with the result; then nothing has changed.
    pub fn changed(&self, change: &SettingsChange) -> Result<Settings, Vec<Invalid>> {
        let mut next = self.clone();
        let mut wrong = InvalidFields(Vec::new());
        next.document.change(change, &mut wrong);

        let rail = |settings: &Settings| {
            let d = &settings.document;
            (d.max_stroke, d.padding_mm, d.microsteps_per_rev)
        };
        if change.max_steps.is_some() || rail(&next) != rail(self) {
            next.forget_calibration();
            next.document.max_steps = change.max_steps;
        }

        if let Err(more) = next.check() {
            wrong.0.extend(more);
        }
        if wrong.0.is_empty() { Ok(next) } else { Err(wrong.0) }
    }

    /// These settings with other limits of motion.
    ///
    /// # Errors
    /// Every limit that is out of its unit's range, or else the one that contradicts another.
    pub fn with_motion(&self, change: &MotionChange) -> Result<Settings, Vec<Invalid>> {
        let next = Settings { motion: change.limits(&self.motion)?, ..self.clone() };
        next.check().map(|()| next)
    }
}

#[cfg(test)]
mod tests {
    use super::super::new_id;
    use super::*;
    use crate::machine::Calibration;

    fn calibrated() -> Settings {
        let found = Calibration { origin_steps: 50, travel_steps: 1_550, max_steps: 1_450 };
        Settings::fresh(new_id()).with_calibration(&found)
    }

    fn fields(refused: Result<Settings, Vec<Invalid>>) -> Vec<&'static str> {
        refused.unwrap_err().into_iter().map(|invalid| invalid.field).collect()
    }

    #[test]
    fn every_wrong_field_is_listed() {
        let change = SettingsChange {
            active: Some(false),
            force_limit: Some(0),
            stroke_force_chart: Some(vec![1, 2, 3]),
            wave_resolution: Some(10_001),
            ..SettingsChange::default()
        };
        assert_eq!(
            fields(calibrated().changed(&change)),
            ["stroke_force_chart", "active", "force_limit", "wave_resolution"]
        );
    }

    #[test]
    fn fields_are_checked_against_each_other_after_the_change() {
        let shorter = SettingsChange { max_stroke: Some(100), ..SettingsChange::default() };
        assert_eq!(fields(calibrated().changed(&shorter)), ["stroke_limit"]);
        assert!(calibrated().changed(&SettingsChange { stroke_limit: Some(100), ..shorter }).is_ok());
        let padded = SettingsChange { padding_mm: Some(78), ..SettingsChange::default() };
        assert_eq!(fields(calibrated().changed(&padded)), ["padding_mm"]);
    }

    #[test]
    fn the_calibration_of_another_rail_is_not_kept() {
        let another = SettingsChange { padding_mm: Some(6), ..SettingsChange::default() };
        let next = calibrated().changed(&another).unwrap();
        assert_eq!((next.travel_steps, next.document.max_steps), (None, None));

        let same = SettingsChange { padding_mm: Some(5), max_stroke: Some(155), ..SettingsChange::default() };
        let before = calibrated();
        assert_eq!(before.changed(&same), Ok(before));

        let with_steps = SettingsChange { max_steps: Some(1_430), ..another };
        let next = calibrated().changed(&with_steps).unwrap();
        assert_eq!((next.travel_steps, next.document.max_steps), (None, Some(1_430)));
    }

    #[test]
    fn limits_of_motion_are_checked_one_by_one_and_together() {
        let two = MotionChange {
            max_speed_mm_s: Some(f64::NAN),
            max_jerk_mm_s3: Some(0.0),
            ..MotionChange::default()
        };
        assert_eq!(fields(calibrated().with_motion(&two)), ["max_speed_mm_s", "max_jerk_mm_s3"]);
        let weak = MotionChange { stop_deceleration_mm_s2: Some(100.0), ..MotionChange::default() };
        assert_eq!(fields(calibrated().with_motion(&weak)), ["stop_deceleration_mm_s2"]);
        let slow = MotionChange { max_speed_mm_s: Some(100.0), ..MotionChange::default() };
        assert_eq!(calibrated().with_motion(&slow).unwrap().motion.max_speed.get(), 100.0);
    }
}
