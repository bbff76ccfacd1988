//! `/api/v1/info` and health: what everybody may know.

use crate::api::answer::{self, Answer};
use crate::api::context::Context;
use crate::api::documents::info::{HealthDocument, InfoDocument};

/// The version of the API.
const API: u32 = 1;

/// Name, version and number; not what the machine does.
pub fn get(ctx: &Context) -> Answer {
    answer::ok(&InfoDocument {
        name: env!("CARGO_PKG_NAME"),
        version: env!("CARGO_PKG_VERSION"),
        id: &ctx.options.machine_id,
        api: API,
    })
}

/// Whether the server answers.
pub fn health() -> Answer {
    answer::ok(&HealthDocument { status: "ok" })
}
