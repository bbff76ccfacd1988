//! `/api/stop`: STOP, without a word to say. The router has raised the stop line before it read the body.

use serde_json::Value;

use crate::api::answer::{self, Outcome};

/// It has been done.
///
/// # Errors
/// Never.
pub fn answer() -> Outcome {
    Ok(answer::ok(&Value::Null))
}
