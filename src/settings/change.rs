//! Changes that a client asks for. What a change leaves out stays as it is.

use super::Settings;
use super::check::{Invalid, in_unit};
use crate::motion::MotionLimits;

/// New values of the document.
#[derive(Debug, Clone, Default, PartialEq)]
#[allow(missing_docs)] // The fields of `Document`, without the id.
pub struct SettingsChange {
    pub name: Option<String>,
    pub active: Option<bool>,
    pub tick_stroke_limit: Option<i64>,
    pub force_limit: Option<i64>,
    /// Any number of values, so that a wrong number is refused by name.
    pub stroke_force_chart: Option<Vec<i64>>,
    pub microsteps_per_rev: Option<i64>,
    pub wave_resolution: Option<i64>,
    pub stroke_limit: Option<i64>,
    pub max_stroke: Option<i64>,
    pub padding_mm: Option<i64>,
    pub max_steps: Option<i64>,
}

/// New limits of motion.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
#[allow(missing_docs)] // The fields of `Limits`, with the unit in the name.
pub struct MotionChange {
    pub max_speed_mm_s: Option<f64>,
    pub max_acceleration_mm_s2: Option<f64>,
    pub max_jerk_mm_s3: Option<f64>,
    pub stop_deceleration_mm_s2: Option<f64>,
    pub approach_speed_mm_s: Option<f64>,
}

fn set<T: Clone>(field: &mut T, new: &Option<T>) {
    if let Some(value) = new {
        field.clone_from(value);
    }
}

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
        let mut wrong = Vec::new();
        let document = &mut next.document;
        set(&mut document.name, &change.name);
        set(&mut document.active, &change.active);
        set(&mut document.tick_stroke_limit, &change.tick_stroke_limit);
        set(&mut document.force_limit, &change.force_limit);
        if let Some(chart) = &change.stroke_force_chart {
            match chart.as_slice().try_into() {
                Ok(ten) => document.stroke_force_chart = ten,
                Err(_) => wrong.push(Invalid::chart_length(chart.len())),
            }
        }
        set(&mut document.microsteps_per_rev, &change.microsteps_per_rev);
        set(&mut document.wave_resolution, &change.wave_resolution);
        set(&mut document.stroke_limit, &change.stroke_limit);
        set(&mut document.max_stroke, &change.max_stroke);
        set(&mut document.padding_mm, &change.padding_mm);

        let rail = |settings: &Settings| {
            let d = &settings.document;
            (d.max_stroke, d.padding_mm, d.microsteps_per_rev)
        };
        if change.max_steps.is_some() || rail(&next) != rail(self) {
            next.forget_calibration();
            next.document.max_steps = change.max_steps;
        }

        if let Err(more) = next.check() {
            wrong.extend(more);
        }
        if wrong.is_empty() { Ok(next) } else { Err(wrong) }
    }

    /// These settings with other limits of motion.
    ///
    /// # Errors
    /// Every limit that is out of its unit's range, or else the one that contradicts another.
    pub fn with_motion(&self, change: &MotionChange) -> Result<Settings, Vec<Invalid>> {
        let now = &self.motion;
        let mut wrong = Vec::new();
        let limits = (
            in_unit("max_speed_mm_s", change.max_speed_mm_s, now.max_speed, &mut wrong),
            in_unit(
                "max_acceleration_mm_s2",
                change.max_acceleration_mm_s2,
                now.max_acceleration,
                &mut wrong,
            ),
            in_unit("max_jerk_mm_s3", change.max_jerk_mm_s3, now.max_jerk, &mut wrong),
            in_unit(
                "stop_deceleration_mm_s2",
                change.stop_deceleration_mm_s2,
                now.stop_deceleration,
                &mut wrong,
            ),
            in_unit("approach_speed_mm_s", change.approach_speed_mm_s, now.approach_speed, &mut wrong),
        );
        if !wrong.is_empty() {
            return Err(wrong);
        }
        let (speed, acceleration, jerk, stop, approach) = limits;
        let motion = MotionLimits::new(speed, acceleration, jerk, stop, approach)
            .map_err(|(field, why)| vec![Invalid { field, message: why.to_owned() }])?;
        let next = Settings { motion, ..self.clone() };
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
