//! `/api/status`: the newest snapshot of the machine.

use std::sync::Arc;

use crate::api::answer::{self, HandlerResult};
use crate::api::context::Context;
use crate::api::telemetry;

/// The object that the stream `telemetry` repeats.
///
/// # Errors
/// Never.
pub fn get(ctx: &Arc<Context>) -> HandlerResult {
    Ok(answer::ok(&telemetry::now(&*ctx.port)))
}
