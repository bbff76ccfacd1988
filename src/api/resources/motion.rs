//! `/api/motion/limits`: speed, acceleration and jerk, which the old settings document does not know.

use crate::api::answer::{self, Answer, HandlerResult};
use crate::api::bus::Bus;
use crate::api::commands::UPDATE_SETTINGS;
use crate::api::fields::FieldReader;
use crate::api::request::RequestBody;
use crate::api::settings_service::SettingsService;
use crate::motion::MotionLimits;
use crate::settings::{MotionChange, MotionPart};

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
    let change = MotionChange::read(&mut fields);
    fields.nothing_but(&names());
    super::complete(&fields.complaints)?;
    let changed = settings.change(|settings| Ok(settings.with_motion(&change)?)).await?;
    bus.announce(UPDATE_SETTINGS, None);
    Ok(show(&changed.motion))
}

/// The names of the limits.
pub(super) fn names() -> Vec<&'static str> {
    MotionPart::FIELDS.iter().map(|row| row.name).collect()
}

fn show(limits: &MotionLimits) -> Answer {
    answer::ok(&MotionPart::from(limits))
}
