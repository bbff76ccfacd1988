//! Answer of a request that has nothing else to report.

use schemars::JsonSchema;
use serde::Serialize;

/// The request was executed.
#[derive(Debug, Serialize, JsonSchema)]
pub struct SuccessDocument {
    /// Always `success`.
    pub status: SuccessStatus,
}

/// Word of a request that was executed.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SuccessStatus {
    /// The request was executed.
    Success,
}

/// Success, with nothing else to report.
pub const SUCCESS: SuccessDocument = SuccessDocument { status: SuccessStatus::Success };

#[cfg(test)]
mod tests {
    use super::super::schema_keys::assert_schema_keys;
    use super::*;

    #[test]
    fn the_schema_has_the_keys_of_the_answer() {
        assert_schema_keys(&SUCCESS);
        assert_eq!(serde_json::to_string(&SUCCESS).unwrap(), r#"{"status":"success"}"#);
    }
}
