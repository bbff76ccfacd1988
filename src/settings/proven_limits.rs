//! The envelope: the limits that were proven on this machine, with a person beside it.
//!
//! Inside it an admin widens the settings while the axis rests; beyond it somebody has to be at the machine. Without a first run
//! the default settings are the envelope.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Document, Invalid, MotionChange, RailGeometry, Settings, SettingsChange};
use crate::layout;
use crate::machine::Config;
use crate::motion::MotionLimits;
use crate::units::{Mm, MmPerS, MmPerS2};

/// Limits that were proven on this machine.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("examples" = [
    { "max_speed_mm_s": 100.0, "max_acceleration_mm_s2": 5000.0, "stroke_mm": 77, "force_g": 1000 }
]))]
pub struct ProvenLimits {
    /// Highest speed of a wave, in mm/s.
    pub max_speed_mm_s: f64,
    /// Highest acceleration of a wave, in mm/s^2.
    pub max_acceleration_mm_s2: f64,
    /// Longest stroke, in mm.
    pub stroke_mm: i64,
    /// Force at which the axis may no longer move, in g.
    pub force_g: i64,
}

/// Speed of the first envelope, in mm/s.
const FIRST_SPEED_MM_S: f64 = 100.0;
/// Strongest force limit, in g.
const STRONGEST_G: i64 = 100_000;

impl ProvenLimits {
    /// Those of these settings.
    #[must_use]
    pub fn of(settings: &Settings) -> ProvenLimits {
        ProvenLimits {
            max_speed_mm_s: settings.motion.max_speed.get(),
            max_acceleration_mm_s2: settings.motion.max_acceleration.get(),
            stroke_mm: settings.document.stroke_limit,
            force_g: settings.document.force_limit,
        }
    }

    /// The envelope of a machine without a first run: the default settings.
    #[must_use]
    pub fn of_defaults() -> ProvenLimits {
        ProvenLimits::of(&Settings::fresh(String::new()))
    }

    /// The first envelope of a machine with this distance of its switches, low to begin with: 100 mm/s, half the stroke.
    #[must_use]
    pub fn first(max_stroke_mm: i64) -> ProvenLimits {
        let defaults = ProvenLimits::of_defaults();
        ProvenLimits {
            max_speed_mm_s: FIRST_SPEED_MM_S.min(defaults.max_speed_mm_s),
            stroke_mm: (max_stroke_mm / 2).max(1),
            ..defaults
        }
    }

    /// True if this allows more than `other` in any one respect.
    #[must_use]
    pub fn exceeds(&self, other: &ProvenLimits) -> bool {
        self.max_speed_mm_s > other.max_speed_mm_s
            || self.max_acceleration_mm_s2 > other.max_acceleration_mm_s2
            || self.stroke_mm > other.stroke_mm
            || self.force_g > other.force_g
    }

    /// Checks the ranges, which are those of the settings.
    ///
    /// # Errors
    /// The first value that is out of its range.
    pub fn check(&self) -> Result<(), Invalid> {
        let within = |field: &'static str, value: f64, most: f64| {
            let message = format!("must be 1 to {most}, not {value}");
            if (1.0..=most).contains(&value) { Ok(()) } else { Err(Invalid { field, message }) }
        };
        within("max_speed_mm_s", self.max_speed_mm_s, layout::MAX_SPEED_MM_S)?;
        within("max_acceleration_mm_s2", self.max_acceleration_mm_s2, layout::MAX_ACCELERATION_MM_S2)?;
        within("stroke_mm", self.stroke_mm as f64, layout::MAX_STROKE_MM)?;
        within("force_g", self.force_g as f64, STRONGEST_G as f64)
    }

    /// The envelope as the machine would take it: what these limits do not name is as in the default settings.
    #[must_use]
    pub fn config(&self, rail: &RailGeometry) -> Config {
        let fresh = Settings::fresh(String::new());
        let mut config = Settings {
            document: Document { force_limit: self.force_g, ..fresh.document },
            motion: self.motion(fresh.motion),
            ..fresh
        }
        .config(rail);
        config.stroke_limit = Mm::try_from(self.stroke_mm as f64).unwrap_or(config.stroke_limit);
        config
    }

    /// These settings, with nothing that is wider than this.
    #[must_use]
    pub fn narrow(&self, settings: Settings) -> Settings {
        let document = Document {
            stroke_limit: settings.document.stroke_limit.min(self.stroke_mm),
            force_limit: settings.document.force_limit.min(self.force_g),
            ..settings.document
        };
        let least = ProvenLimits {
            max_speed_mm_s: self.max_speed_mm_s.min(settings.motion.max_speed.get()),
            max_acceleration_mm_s2: self.max_acceleration_mm_s2.min(settings.motion.max_acceleration.get()),
            ..*self
        };
        Settings { document, motion: least.motion(settings.motion), ..settings }
    }

    /// These settings with just these limits, the stroke as far as the rail has it.
    ///
    /// # Errors
    /// Each limit that contradicts another setting, as the pulse rate or the stop.
    pub fn apply(&self, settings: &Settings) -> Result<Settings, Vec<Invalid>> {
        let change = SettingsChange {
            stroke_limit: Some(self.stroke_mm.min(settings.document.max_stroke)),
            force_limit: Some(self.force_g),
            ..SettingsChange::default()
        };
        let motion = MotionChange {
            max_speed_mm_s: Some(self.max_speed_mm_s),
            max_acceleration_mm_s2: Some(self.max_acceleration_mm_s2),
            approach_speed_mm_s: Some(self.max_speed_mm_s.min(settings.motion.approach_speed.get())),
            ..MotionChange::default()
        };
        settings.changed(&change)?.with_motion(&motion)
    }

    /// What is in force `now`, with what [`ProvenLimits::apply`] has made of `before` taken back. A limit that is no longer as it was
    /// `applied` was changed since, and stays; where it contradicts the former ones, nothing is wider than they are.
    #[must_use]
    pub fn taken_back(now: &Settings, applied: &Settings, before: &Settings) -> Settings {
        fn former<T: PartialEq>(now: T, applied: T, before: T) -> T {
            if now == applied { before } else { now }
        }
        let [n, a, b] = [now, applied, before].map(ProvenLimits::of);
        let approach = |settings: &Settings| settings.motion.approach_speed.get();
        let change = SettingsChange {
            stroke_limit: Some(former(n.stroke_mm, a.stroke_mm, b.stroke_mm).min(now.document.max_stroke)),
            force_limit: Some(former(n.force_g, a.force_g, b.force_g)),
            ..SettingsChange::default()
        };
        let motion = MotionChange {
            max_speed_mm_s: Some(former(n.max_speed_mm_s, a.max_speed_mm_s, b.max_speed_mm_s)),
            max_acceleration_mm_s2: Some(former(
                n.max_acceleration_mm_s2,
                a.max_acceleration_mm_s2,
                b.max_acceleration_mm_s2,
            )),
            approach_speed_mm_s: Some(former(approach(now), approach(applied), approach(before))),
            ..MotionChange::default()
        };
        let taken_back = now.changed(&change).and_then(|settings| settings.with_motion(&motion)).ok();
        let sound = taken_back.filter(|settings| settings.check_stop().is_ok());
        sound.unwrap_or_else(|| ProvenLimits::of(before).narrow(now.clone()))
    }

    /// These limits of motion with the speed and the acceleration of this.
    fn motion(&self, motion: MotionLimits) -> MotionLimits {
        let max_speed = MmPerS::try_from(self.max_speed_mm_s).unwrap_or(motion.max_speed);
        let max_acceleration =
            MmPerS2::try_from(self.max_acceleration_mm_s2).unwrap_or(motion.max_acceleration);
        let slower = |speed: MmPerS| if speed.get() > max_speed.get() { max_speed } else { speed };
        MotionLimits { max_speed, max_acceleration, approach_speed: slower(motion.approach_speed), ..motion }
    }
}

impl fmt::Display for ProvenLimits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ProvenLimits { max_speed_mm_s, max_acceleration_mm_s2, stroke_mm, force_g } = self;
        write!(f, "{max_speed_mm_s} mm/s, {max_acceleration_mm_s2} mm/s^2, {stroke_mm} mm, {force_g} g")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::new_id;
    use super::*;

    fn any_limits() -> impl Strategy<Value = ProvenLimits> {
        (1.0..2_000.0f64, 1.0..8_000.0f64, 1..400i64, 1..5_000i64).prop_map(|(v, a, stroke_mm, force_g)| {
            ProvenLimits { max_speed_mm_s: v, max_acceleration_mm_s2: a, stroke_mm, force_g }
        })
    }

    fn settings_of(limits: &ProvenLimits) -> Settings {
        let fresh = Settings::fresh(new_id());
        let longer = SettingsChange {
            max_stroke: Some(limits.stroke_mm.max(155)),
            stroke_limit: Some(limits.stroke_mm),
            force_limit: Some(limits.force_g),
            ..SettingsChange::default()
        };
        let motion = MotionChange {
            max_speed_mm_s: Some(limits.max_speed_mm_s),
            max_acceleration_mm_s2: Some(limits.max_acceleration_mm_s2),
            approach_speed_mm_s: Some(limits.max_speed_mm_s.min(60.0)),
            ..MotionChange::default()
        };
        fresh.changed(&longer).unwrap().with_motion(&motion).unwrap()
    }

    proptest! {
        #[test]
        fn settings_exceed_an_envelope_where_their_own_limits_do(asked in any_limits(), envelope in any_limits()) {
            let rail = RailGeometry::default();
            // Nothing is in force: everything beyond the envelope widens.
            let mut nothing = settings_of(&ProvenLimits { stroke_mm: 1, force_g: 1, ..asked }).config(&rail);
            nothing.geometry = settings_of(&asked).config(&rail).geometry;
            nothing.limits = MotionLimits { max_speed: MmPerS::constant(1.0), ..nothing.limits };
            let asked_config = settings_of(&asked).config(&rail);
            let widens = asked_config.exceeds(&envelope.config(&rail), &nothing);
            if asked.max_speed_mm_s > envelope.max_speed_mm_s
                || asked.stroke_mm > envelope.stroke_mm
                || asked.force_g > envelope.force_g
            {
                prop_assert!(widens, "{:?} in {:?}", asked, envelope);
            }
        }

        #[test]
        fn what_is_narrowed_is_sound_and_inside(asked in any_limits(), envelope in any_limits()) {
            let before = settings_of(&asked);
            let after = envelope.narrow(before.clone());
            prop_assert_eq!(after.check(), Ok(()));
            prop_assert!(!ProvenLimits::of(&after).exceeds(&envelope));
            prop_assert!(!ProvenLimits::of(&after).exceeds(&asked));
            if !asked.exceeds(&envelope) {
                prop_assert_eq!(after, before);
            }
        }
    }

    #[test]
    fn limits_that_are_tried_are_in_force_as_they_are_or_named() {
        let first = ProvenLimits::first(155);
        let narrow = first.apply(&Settings::fresh(new_id())).unwrap();
        assert_eq!(ProvenLimits::of(&narrow), first);
        let wider = ProvenLimits { max_speed_mm_s: 300.0, stroke_mm: 120, ..first };
        assert_eq!(ProvenLimits::of(&wider.apply(&narrow).unwrap()), wider);
        let firm = ProvenLimits { max_acceleration_mm_s2: layout::MAX_ACCELERATION_MM_S2, ..first };
        assert_eq!(firm.apply(&narrow).unwrap_err()[0].field, "stop_deceleration_mm_s2");
    }

    #[test]
    fn what_was_tried_is_taken_back_and_what_was_changed_since_stays() {
        let before = Settings::fresh(new_id());
        let tried = ProvenLimits {
            max_speed_mm_s: 50.0,
            max_acceleration_mm_s2: 1_000.0,
            ..ProvenLimits::first(155)
        };
        let applied = tried.apply(&before).unwrap();
        assert_eq!(ProvenLimits::taken_back(&applied, &applied, &before), before);
        let slower = MotionChange {
            max_speed_mm_s: Some(30.0),
            approach_speed_mm_s: Some(20.0),
            ..MotionChange::default()
        };
        let shorter = SettingsChange { stroke_limit: Some(40), ..SettingsChange::default() };
        let since = applied.with_motion(&slower).unwrap().changed(&shorter).unwrap();
        let after = ProvenLimits::taken_back(&since, &applied, &before);
        let defaults = ProvenLimits::of_defaults();
        assert_eq!(
            ProvenLimits::of(&after),
            ProvenLimits { max_speed_mm_s: 30.0, stroke_mm: 40, ..defaults }
        );
        assert_eq!(after.motion.approach_speed.get(), 20.0);
        // A stop that is too weak for the former acceleration: nothing is wider than it is now, nor than it was.
        let weak = MotionChange {
            stop_deceleration_mm_s2: Some(2_000.0),
            max_jerk_mm_s3: Some(100_000.0),
            ..MotionChange::default()
        };
        let since = applied.with_motion(&weak).unwrap();
        let after = ProvenLimits::taken_back(&since, &applied, &before);
        assert_eq!((after.check(), after.check_stop()), (Ok(()), Ok(())));
        assert!(!ProvenLimits::of(&after).exceeds(&ProvenLimits::of(&since)));
        assert!(!ProvenLimits::of(&after).exceeds(&defaults));
    }

    #[test]
    fn the_first_envelope_is_low_and_the_defaults_need_no_first_run() {
        let first = ProvenLimits::first(300);
        assert_eq!((first.max_speed_mm_s, first.stroke_mm), (100.0, 150));
        assert!(ProvenLimits::of_defaults().exceeds(&ProvenLimits::first(155)));
        let rail = RailGeometry::default();
        assert_eq!(ProvenLimits::of_defaults().config(&rail), Settings::fresh(new_id()).config(&rail));
        for wrong in [f64::NAN, 0.0, 1e9] {
            assert!(ProvenLimits { max_speed_mm_s: wrong, ..first }.check().is_err());
        }
        assert_eq!(ProvenLimits::first(1).check(), Ok(()));
    }
}
