//! `/api/v1/limits`: speed, acceleration and jerk.

use crate::api::answer::{self, Answer, HandlerResult};
use crate::api::charge::client::Client;
use crate::api::commands::UPDATE_SETTINGS;
use crate::api::context::Context;
use crate::api::documents::limits::LimitsDocument;
use crate::api::fields::FieldReader;
use crate::api::request::RoutedRequest;
use crate::settings::{MotionChange, MotionPart, Settings};

/// The limits that are in force, those that were asked for, those that were proven, and those of the hardware.
pub fn get(ctx: &Context, request: &RoutedRequest) -> Answer {
    show(ctx, &request.client, &ctx.settings.current())
}

/// Changes some of the limits.
///
/// # Errors
/// 415, 400, 422, 503 when they cannot be stored, 409 when the machine refuses.
pub async fn put(ctx: &Context, request: RoutedRequest) -> HandlerResult {
    let authority = ctx.authority(&request.client);
    let body = request.body.json()?;
    let reader = FieldReader::with(request.strictness, "data", body.as_ref());
    let mut fields = reader.map_err(|complaint| answer::unprocessable(&[complaint]))?;
    let change = MotionChange::read(&mut fields);
    fields.nothing_but(&names());
    super::complete(&fields.complaints)?;
    let changed = ctx.settings.change(authority, |settings| Ok(settings.with_motion(&change)?)).await?;
    ctx.bus.announce(UPDATE_SETTINGS, None);
    Ok(show(ctx, &request.client, &changed))
}

/// The names of the limits.
pub(super) fn names() -> Vec<&'static str> {
    MotionPart::FIELDS.iter().map(|row| row.name).collect()
}

fn show(ctx: &Context, client: &Client, settings: &Settings) -> Answer {
    let in_force = ctx.port.snapshots().borrow().in_force;
    answer::ok(&LimitsDocument::new(settings, &in_force, ctx.settings.envelope(), ctx.authority(client)))
}
