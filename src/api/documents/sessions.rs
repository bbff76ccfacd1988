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
    /// When motion and holding end by themselves.
    #[serde(default)]
    pub rules: IdleRules,
}

/// When motion and holding end by themselves, as the configuration file says.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct IdleRules {
    /// Time after which a wave that nobody asks for anew ends, in seconds; null if never.
    #[schemars(range(min = 0.0))]
    pub longest_s: Option<f64>,
    /// Time at rest after which the motor is released, in seconds; null if never.
    #[schemars(range(min = 0.0))]
    pub release_s: Option<f64>,
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
        let rules = IdleRules { longest_s: Some(7200.0), release_s: Some(3600.0) };
        assert_schema_keys(&SessionsDocument { sessions, counters: Counters::default(), rules });
    }
}
