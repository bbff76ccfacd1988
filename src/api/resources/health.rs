//! `/api/health`: whether the server answers. For anyone, so it says nothing else.

use serde_json::json;

use crate::api::answer::{self, Answer};

/// Always the same.
pub fn get() -> Answer {
    answer::ok(&json!({ "status": "ok" }))
}
