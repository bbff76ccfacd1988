//! `/api/v1/sessions`: what the machine did, the newest first.

use crate::api::answer::{self, Answer};
use crate::api::documents::sessions::{NumberedSession, SessionsDocument};
use crate::api::settings_service::SettingsStore;
use crate::store::SessionRecord;

/// The newest sessions, and the sums over all.
pub fn list(store: &dyn SettingsStore) -> Answer {
    let (state, _) = store.kept();
    let numbered = |(number, session): (&u64, &SessionRecord)| NumberedSession {
        number: *number,
        session: session.clone(),
    };
    let sessions = state.sessions.iter().rev().map(numbered).collect();
    answer::ok(&SessionsDocument { sessions, counters: state.counters })
}
