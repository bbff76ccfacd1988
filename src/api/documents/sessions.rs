//! Answer of `GET /api/sessions`. The server writes it, and the command line reads it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::store::{Counters, SessionRecord};

/// Session records, and their sums.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct SessionsDocument {
    /// The stored sessions, the newest first.
    pub sessions: Vec<NumberedSession>,
    /// Sums over all ended sessions, also those that are no longer stored.
    pub counters: Counters,
}

/// A session with its number.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct NumberedSession {
    /// Number of the session; later sessions have higher numbers.
    pub number: u64,
    /// The session.
    #[serde(flatten)]
    pub session: SessionRecord,
}

#[cfg(test)]
mod tests {
    use super::super::schema_keys::assert_schema_keys;
    use super::*;
    use crate::store::SessionEnd;

    #[test]
    fn the_schema_has_the_keys_of_the_answer() {
        let session = SessionRecord {
            ended: Some(SessionEnd::ShutDown),
            peak_force_g: Some(12.5),
            faults: vec!["e_stop".to_owned()],
            ..SessionRecord::begun(7)
        };
        let sessions = vec![NumberedSession { number: 3, session }];
        assert_schema_keys(&SessionsDocument { sessions, counters: Counters::default() });
    }
}
