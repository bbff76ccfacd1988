//! `/api/motion/limits`: speed, acceleration and jerk, which the old settings document does not know.

use serde_json::json;

use crate::api::answer::{self, Answer, HandlerResult};
use crate::api::bus::Bus;
use crate::api::coerce;
use crate::api::commands::UPDATE_SETTINGS;
use crate::api::fields::FieldReader;
use crate::api::request::RequestBody;
use crate::api::settings_service::SettingsService;
use crate::motion::MotionLimits;
use crate::settings::MotionChange;

/// What they are called.
pub(super) const FIELDS: [&str; 5] = [
    "max_speed_mm_s",
    "max_acceleration_mm_s2",
    "max_jerk_mm_s3",
    "stop_deceleration_mm_s2",
    "approach_speed_mm_s",
];

/// The limits that are in force.
pub fn get(settings: &SettingsService) -> Answer {
    show(&settings.current().motion)
}

/// Changes some of the limits.
///
/// # Errors
/// 415, 400, 422, 503 when they cannot be stored, 409 when the machine refuses.
pub async fn put(settings: &SettingsService, bus: &Bus, body: RequestBody) -> HandlerResult {
    let body = body.json()?;
    let mut fields = FieldReader::of("data", body.as_ref()).map_err(|c| answer::unprocessable(&[c]))?;
    let change = MotionChange {
        max_speed_mm_s: fields.optional("max_speed_mm_s", coerce::float),
        max_acceleration_mm_s2: fields.optional("max_acceleration_mm_s2", coerce::float),
        max_jerk_mm_s3: fields.optional("max_jerk_mm_s3", coerce::float),
        stop_deceleration_mm_s2: fields.optional("stop_deceleration_mm_s2", coerce::float),
        approach_speed_mm_s: fields.optional("approach_speed_mm_s", coerce::float),
    };
    fields.nothing_but(&FIELDS);
    super::complete(&fields.complaints)?;
    let changed = settings.change(|settings| Ok(settings.with_motion(&change)?)).await?;
    bus.announce(UPDATE_SETTINGS, None);
    Ok(show(&changed.motion))
}

fn show(limits: &MotionLimits) -> Answer {
    answer::ok(&json!({
        "max_speed_mm_s": limits.max_speed.get(),
        "max_acceleration_mm_s2": limits.max_acceleration.get(),
        "max_jerk_mm_s3": limits.max_jerk.get(),
        "stop_deceleration_mm_s2": limits.stop_deceleration.get(),
        "approach_speed_mm_s": limits.approach_speed.get(),
    }))
}
