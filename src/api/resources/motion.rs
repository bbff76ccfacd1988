//! `/api/motion/limits`: speed, acceleration and jerk, which the old settings document does not know.

use std::sync::Arc;

use hyper::StatusCode;
use hyper::header::HeaderValue;
use serde_json::json;

use super::Call;
use crate::api::answer::{self, Answer, Outcome};
use crate::api::coerce;
use crate::api::context::Context;
use crate::api::fields::Fields;
use crate::api::orders::UPDATE_SETTINGS;
use crate::motion::Limits;
use crate::settings::MotionChange;

/// The limits that are in force.
///
/// # Errors
/// Never.
pub fn get(ctx: &Arc<Context>) -> Outcome {
    Ok(show(&ctx.desk.current().motion))
}

/// Changes some of the limits.
///
/// # Errors
/// 415, 400, 422, 503 when they cannot be stored, 409 when the machine refuses.
pub async fn put(ctx: &Arc<Context>, call: &Call) -> Outcome {
    if !call.content_type.as_ref().is_some_and(is_json) {
        let why = "send it with content-type application/json";
        return Err(answer::detail(StatusCode::UNSUPPORTED_MEDIA_TYPE, why));
    }
    let body = call.json()?;
    let mut fields = Fields::of("data", body.as_ref()).map_err(|c| answer::unprocessable(&[c]))?;
    let change = MotionChange {
        max_speed_mm_s: fields.optional("max_speed_mm_s", coerce::float),
        max_acceleration_mm_s2: fields.optional("max_acceleration_mm_s2", coerce::float),
        max_jerk_mm_s3: fields.optional("max_jerk_mm_s3", coerce::float),
        stop_deceleration_mm_s2: fields.optional("stop_deceleration_mm_s2", coerce::float),
        approach_speed_mm_s: fields.optional("approach_speed_mm_s", coerce::float),
    };
    super::complete(&fields.complaints)?;
    let settings = ctx.desk.change(|settings| Ok(settings.with_motion(&change)?)).await?;
    ctx.bus.announce(UPDATE_SETTINGS, None);
    Ok(show(&settings.motion))
}

/// New routes take JSON that says so: no form of a foreign page can send that without asking first.
fn is_json(content_type: &HeaderValue) -> bool {
    let essence = content_type.to_str().unwrap_or_default().split(';').next().unwrap_or_default();
    essence.trim().eq_ignore_ascii_case("application/json")
}

fn show(limits: &Limits) -> Answer {
    answer::ok(&json!({
        "max_speed_mm_s": limits.max_speed.get(),
        "max_acceleration_mm_s2": limits.max_acceleration.get(),
        "max_jerk_mm_s3": limits.max_jerk.get(),
        "stop_deceleration_mm_s2": limits.stop_deceleration.get(),
        "approach_speed_mm_s": limits.approach_speed.get(),
    }))
}
