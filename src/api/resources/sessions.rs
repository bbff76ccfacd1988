//! `/api/sessions`: what the machine did, the newest first.

use std::sync::Arc;

use serde::Serialize;
use serde_json::json;

use crate::api::answer::{self, Outcome};
use crate::api::context::Context;
use crate::store::Session;

/// The newest sessions, and the sums over all.
///
/// # Errors
/// Never.
pub fn list(ctx: &Arc<Context>) -> Outcome {
    #[derive(Serialize)]
    struct Numbered<'a> {
        number: u64,
        #[serde(flatten)]
        session: &'a Session,
    }
    let (state, _) = ctx.keeper.kept();
    let newest_first = state.sessions.iter().rev();
    let sessions: Vec<_> =
        newest_first.map(|(number, session)| Numbered { number: *number, session }).collect();
    Ok(answer::ok(&json!({ "sessions": sessions, "counters": state.counters })))
}
