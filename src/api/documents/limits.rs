//! Limits: what bounds the motion now, what was asked for, and what no setting can exceed.

use schemars::JsonSchema;
use serde::Serialize;

use crate::api::settings_service::Authority;
use crate::layout;
use crate::machine::LimitsInForce;
use crate::settings::{Document, MotionPart, ProvenLimits, Settings};

/// The limits of motion.
#[derive(Debug, Serialize, JsonSchema)]
pub struct LimitsDocument {
    /// What the machine obeys now.
    pub in_force: MotionPart,
    /// What was asked for. Narrower values are in force at once, wider ones when the axis rests.
    pub asked: MotionPart,
    /// True while some of what was asked for waits until the axis rests.
    pub changes_wait: bool,
    /// Longest stroke of a wave that is in force, in mm.
    pub stroke_limit_mm: f64,
    /// The force at which the axis may no longer move, in g: the end of the force chart.
    pub force_limit_g: i64,
    /// The limits that were proven on this machine; without a first run, those of the default settings.
    pub envelope: ProvenLimits,
    /// How far this caller may widen them: `none`; `inside_envelope`; `any`, as its person is at the machine.
    #[schemars(with = "String", extend("enum" = [
        Authority::Narrow.name(),
        Authority::Envelope.name(),
        Authority::Whole.name(),
    ]))]
    pub may_widen: &'static str,
    /// What no setting can exceed on this hardware.
    pub hard: HardLimits,
}

/// What no setting can exceed on this hardware.
#[derive(Debug, Serialize, JsonSchema)]
pub struct HardLimits {
    /// Highest speed, in mm/s.
    pub max_speed_mm_s: f64,
    /// Highest acceleration, and deceleration of STOP, in mm/s^2.
    pub max_acceleration_mm_s2: f64,
    /// Highest jerk, in mm/s^3.
    pub max_jerk_mm_s3: f64,
    /// Longest rail, in mm.
    pub max_stroke_mm: f64,
}

impl LimitsDocument {
    /// The limits of these settings, of which the machine obeys so much, for a caller who may widen them so far.
    #[must_use]
    pub fn new(
        settings: &Settings,
        in_force: &LimitsInForce,
        envelope: ProvenLimits,
        authority: Authority,
    ) -> LimitsDocument {
        let Document { force_limit, .. } = settings.document;
        LimitsDocument {
            in_force: MotionPart::from(&in_force.motion),
            asked: MotionPart::from(&settings.motion),
            changes_wait: in_force.changes_wait,
            stroke_limit_mm: in_force.stroke_mm,
            force_limit_g: force_limit,
            envelope,
            may_widen: authority.name(),
            hard: HardLimits {
                max_speed_mm_s: layout::MAX_SPEED_MM_S,
                max_acceleration_mm_s2: layout::MAX_ACCELERATION_MM_S2,
                max_jerk_mm_s3: layout::MAX_JERK_MM_S3,
                max_stroke_mm: layout::MAX_STROKE_MM,
            },
        }
    }
}
