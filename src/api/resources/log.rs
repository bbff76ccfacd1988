//! `/api/v1/log`: the program's own log since its start, as far as it is kept.

use crate::api::answer::{self, HandlerResult, Rejection};
use crate::api::documents::log::LogDocument;
use crate::api::fields::Complaint;
use crate::api::query;
use crate::api::request::RoutedRequest;
use crate::api::route::QueryParameter;
use crate::log_ring::{LogLevel, LogRing, LogSearch};

/// Lines of an answer, unless it is asked for others.
const COUNT: usize = 200;
const COUNT_MAX: usize = 2_000;
/// The largest number that every client can write.
const SINCE_MAX: u64 = (1 << 53) - 1;

/// The names of the levels.
const LEVELS: [&str; LogLevel::ALL.len()] = {
    let [a, b, c, d, e] = LogLevel::ALL;
    [a.name(), b.name(), c.name(), d.name(), e.name()]
};

/// The parameters of the query.
pub const QUERY: &[QueryParameter] = &[
    QueryParameter {
        name: "level",
        summary: "The least severe level; info if it is left out.",
        range: None,
        kind: "string",
        words: &LEVELS,
    },
    QueryParameter {
        name: "search",
        summary: "Only lines with this text in them, in upper or lower case.",
        range: None,
        kind: "string",
        words: &[],
    },
    QueryParameter {
        name: "since",
        summary: "Only lines behind the one of this number.",
        range: Some((0.0, SINCE_MAX as f64)),
        kind: "integer",
        words: &[],
    },
    QueryParameter {
        name: "count",
        summary: "The newest of these lines, at most so many; 200 if it is left out.",
        range: Some((1.0, COUNT_MAX as f64)),
        kind: "integer",
        words: &[],
    },
];

/// The lines that the query asks for.
///
/// # Errors
/// 422 for a query that makes no sense.
pub fn get(ring: &LogRing, request: &RoutedRequest) -> HandlerResult {
    Ok(answer::ok(&LogDocument::from(ring.find(&wanted(&request.query)?))))
}

fn wanted(text: &str) -> Result<LogSearch, Rejection> {
    let mut complaints = Vec::new();
    let mut complain = |name: &'static str, what: &str| {
        complaints.push(Complaint::new(vec!["query".into(), name.into()], what.to_owned(), "value_error"));
    };
    let level = query::last(text, "level").map_or(Some(LogLevel::Info), |name| LogLevel::of_name(&name));
    if level.is_none() {
        complain("level", "must be error, warn, info, debug or trace");
    }
    let number = |name| query::last(text, name).map(|text| text.trim().parse::<u64>().ok());
    let since = number("since").unwrap_or(Some(0)).filter(|since| *since <= SINCE_MAX);
    if since.is_none() {
        complain("since", "must be the number of a line");
    }
    let count = number("count").unwrap_or(Some(COUNT as u64)).and_then(|count| usize::try_from(count).ok());
    let count = count.filter(|count| (1..=COUNT_MAX).contains(count));
    if count.is_none() {
        complain("count", "must be from 1 to 2000");
    }
    match (level, since, count) {
        (Some(level), Some(since), Some(count)) => {
            Ok(LogSearch { since, level, search: query::last(text, "search").unwrap_or_default(), count })
        }
        _ => Err(answer::unprocessable(&complaints)),
    }
}
