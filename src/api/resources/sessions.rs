//! `/api/v1/sessions`: what the machine did, the newest first.

use crate::api::answer::{self, Answer};
use crate::api::documents::sessions::{IdleRules, NumberedSession, SessionsDocument};
use crate::api::settings_service::SettingsStore;
use crate::machine::SessionRules;
use crate::store::SessionRecord;
use crate::units::seconds;

/// The newest sessions, and the sums over all.
pub fn list(store: &dyn SettingsStore, rules: &SessionRules) -> Answer {
    answer::ok(&document(store, rules))
}

/// The same as a document.
pub(super) fn document(store: &dyn SettingsStore, rules: &SessionRules) -> SessionsDocument {
    let (state, _) = store.kept();
    let numbered = |(number, session): (&u64, &SessionRecord)| NumberedSession {
        number: *number,
        session: session.clone(),
    };
    let sessions = state.sessions.iter().rev().map(numbered).collect();
    let rules =
        IdleRules { longest_s: rules.longest_ns.map(seconds), release_s: rules.release_ns.map(seconds) };
    SessionsDocument { sessions, counters: state.counters, rules }
}
