//! `/api/health`: whether the server answers. For anyone, so it says nothing else.

use serde_json::json;

use crate::api::answer::{self, HandlerResult};

/// Always the same.
///
/// # Errors
/// Never.
pub fn get() -> HandlerResult {
    Ok(answer::ok(&json!({ "status": "ok" })))
}
