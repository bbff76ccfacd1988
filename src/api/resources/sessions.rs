//! `/api/sessions`: what the machine did, the newest first.

use std::sync::Arc;

use serde::Serialize;
use serde_json::json;

use crate::api::answer::{self, HandlerResult};
use crate::api::context::Context;
use crate::store::SessionRecord;

/// The newest sessions, and the sums over all.
///
/// # Errors
/// Never.
pub fn list(ctx: &Arc<Context>) -> HandlerResult {
    #[derive(Serialize)]
    struct NumberedSession<'a> {
        number: u64,
        #[serde(flatten)]
        session: &'a SessionRecord,
    }
    let (state, _) = ctx.keeper.kept();
    let newest_first = state.sessions.iter().rev();
    let sessions: Vec<_> =
        newest_first.map(|(number, session)| NumberedSession { number: *number, session }).collect();
    Ok(answer::ok(&json!({ "sessions": sessions, "counters": state.counters })))
}
