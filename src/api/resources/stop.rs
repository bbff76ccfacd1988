//! STOP, without a word to say. The router has raised the stop line before it checked anything else.

use serde_json::Value;

use crate::api::answer::{self, Answer};
use crate::api::dialect::Dialect;
use crate::api::documents::info::StopAnswer;

/// It has been done, in the words of the clients' old contract.
#[must_use]
pub fn answer() -> Answer {
    answer::ok(&Value::Null)
}

/// It has been done, in the words of that dialect.
#[must_use]
pub fn answer_in(dialect: &Dialect) -> Answer {
    match dialect {
        Dialect::Contract => answer(),
        Dialect::V1(_) => answer::ok(&StopAnswer { received: true }),
    }
}
