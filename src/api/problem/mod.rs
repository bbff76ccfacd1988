//! Problems: why a request was refused, as a document for programs and people (RFC 9457, `application/problem+json`).
//!
//! [`code`] is the table of reasons, `rows` the macro that makes it. A handler refuses with a [`Rejection`](super::answer::Rejection), which names one of them;
//! [`Problem`] is that refusal as API v1 writes it. The clients' old contract has a shape of its own, which
//! [`answer`](super::answer) writes.

#[macro_use]
mod rows;

pub mod code;
mod refusal;

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

pub use code::ProblemCode;

use super::fields::Complaint;

/// The media type of a problem.
pub const CONTENT_TYPE: &str = "application/problem+json";

/// Why a request was refused, and what helps (RFC 9457).
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(inline)]
#[schemars(extend("examples" = [{
    "type": "/docs#problem-not_homed",
    "title": "The position is not known",
    "status": 409,
    "code": "not_homed",
    "detail": "not homed: calibrate first",
    "remedy": "Keep clear of the carriage, then calibrate.",
    "errors": [],
    "allowed": ["calibrate", "stop"],
    "request_id": "7f3a2c1900000012",
}]))]
pub struct Problem {
    /// A reference to the description of this kind of problem, in /docs of this machine.
    #[serde(rename = "type")]
    #[schemars(with = "String", regex(pattern = "^/docs#problem-[a-z_]+$"))]
    pub kind: String,
    /// What is wrong, the same text for each occurrence.
    #[schemars(with = "String")]
    pub title: &'static str,
    /// The status of the answer.
    #[schemars(range(min = 400, max = 599))]
    pub status: u16,
    /// A stable name of the reason, for programs.
    #[schemars(schema_with = "code_schema")]
    pub code: &'static str,
    /// What is wrong in this case, for people.
    pub detail: String,
    /// The act that helps.
    pub remedy: Cow<'static, str>,
    /// Everything that is wrong with the fields of the request; empty where the fields are not the reason.
    pub errors: Vec<FieldProblem>,
    /// The commands that the machine would accept from this caller now; absent where the machine's state is not the reason.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Vec<String>")]
    pub allowed: Option<Vec<Cow<'static, str>>>,
    /// The number of the request, as in the header `x-request-id` and in the log.
    pub request_id: String,
}

/// One field of a request that is wrong.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(inline)]
pub struct FieldProblem {
    /// Path of the field in the body, by dots and indices: `points.3`; `?every` is a parameter of the query. Empty for the body as
    /// a whole.
    pub field: String,
    /// A stable name for what is wrong with it.
    #[schemars(with = "String")]
    pub code: &'static str,
    /// What is wrong with it, for people.
    pub message: String,
    /// The least value that would be taken, where the field has a range.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "f64")]
    pub min: Option<f64>,
    /// The largest value that would be taken, where the field has a range.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "f64")]
    pub max: Option<f64>,
}

fn code_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    let names: Vec<&str> = ProblemCode::ALL.iter().map(|code| code.name()).collect();
    schemars::json_schema!({ "type": "string", "enum": names })
}

/// The fragment of /docs that describes a code.
#[must_use]
pub fn reference(code: ProblemCode) -> String {
    format!("/docs#problem-{}", code.name())
}

impl From<&Complaint> for FieldProblem {
    fn from(complaint: &Complaint) -> FieldProblem {
        let (min, max) = complaint.range.map_or((None, None), |(min, max)| (Some(min), Some(max)));
        FieldProblem {
            field: path(&complaint.loc),
            code: code_of(complaint.kind),
            message: complaint.msg.clone(),
            min,
            max,
        }
    }
}

/// The path of a field behind the place where the clients' first server looked for it: `body` and the name of its argument.
fn path(loc: &[Value]) -> String {
    let text = |part: &Value| part.as_str().map_or_else(|| part.to_string(), str::to_owned);
    let skipped = if loc.first().is_some_and(|first| first == "query") { 1 } else { 2 };
    let mark = if skipped == 1 { "?" } else { "" };
    let parts: Vec<String> = loc.iter().skip(skipped).map(text).collect();
    format!("{mark}{}", parts.join("."))
}

/// The clients' first server named its complaints `value_error.missing`, `type_error.float` and so on.
fn code_of(kind: &'static str) -> &'static str {
    match kind {
        "value_error.missing" => "missing",
        "type_error.none.not_allowed" => "null",
        "value_error.extra" => "unknown_field",
        "value_error.doubled" => "doubled",
        kind if kind.starts_with("type_error") => "wrong_type",
        _ => "out_of_range",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_field_is_named_by_its_path_in_the_body() {
        for (loc, field) in [
            (json!(["body", "spec", "points", 3]), "points.3"),
            (json!(["body", "data"]), ""),
            (json!(["body"]), ""),
            (json!(["query", "every"]), "?every"),
        ] {
            assert_eq!(path(loc.as_array().unwrap()), field);
        }
    }
}
