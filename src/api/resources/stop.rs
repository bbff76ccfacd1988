//! `/api/stop`: STOP, without a word to say. The router has raised the stop line before it checked anything else.

use serde_json::Value;

use crate::api::answer::{self, Answer};

/// It has been done.
#[must_use]
pub fn answer() -> Answer {
    answer::ok(&Value::Null)
}
