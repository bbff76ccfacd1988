//! `/api/health`: whether the server answers. For anyone, so it says nothing else.

use serde_json::json;

use crate::api::answer::{self, Outcome};

/// Always the same.
///
/// # Errors
/// Never.
pub fn get() -> Outcome {
    Ok(answer::ok(&json!({ "status": "ok" })))
}
