//! `/api/v1/sessions`: what the machine did, the newest first.

use serde::Serialize;
use serde_json::json;

use crate::api::answer::{self, Answer};
use crate::api::settings_service::SettingsStore;
use crate::store::SessionRecord;

/// The newest sessions, and the sums over all.
pub fn list(store: &dyn SettingsStore) -> Answer {
    #[derive(Serialize)]
    struct NumberedSession<'a> {
        number: u64,
        #[serde(flatten)]
        session: &'a SessionRecord,
    }
    let (state, _) = store.kept();
    let newest_first = state.sessions.iter().rev();
    let sessions: Vec<_> =
        newest_first.map(|(number, session)| NumberedSession { number: *number, session }).collect();
    answer::ok(&json!({ "sessions": sessions, "counters": state.counters }))
}
