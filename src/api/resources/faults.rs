//! `/api/v1/faults`: what the flight recorder kept of faults, as JSON or as CSV.
//!
//! A recording is long: `from_s`, `to_s` (seconds after the fault, before it negative) and `every` (each n-th record)
//! tell a part of it.

use std::sync::Arc;

use hyper::StatusCode;
use hyper::header::{CONTENT_DISPOSITION, HeaderValue, VARY};

use super::complete;
use crate::api::answer::{self, HandlerResult, Rejection};
use crate::api::documents::faults::RecordingList;
use crate::api::fields::Complaint;
use crate::api::port::{RecordingError, RecordingFormat, RecordingSpan, Recordings};
use crate::api::problem::ProblemCode;
use crate::api::query;
use crate::api::request::RoutedRequest;
use crate::api::route::QueryParameter;

/// Behind an id: this form, whatever the client accepts.
const SUFFIXES: [(&str, RecordingFormat); 2] =
    [(".csv", RecordingFormat::Csv), (".json", RecordingFormat::Json)];

/// One record of a whole recording, or two.
const EVERY_MAX: usize = 60_000;

/// The parameters of the query.
pub const QUERY: &[QueryParameter] = &[
    QueryParameter {
        name: "from_s",
        summary: "Time of the first record, in seconds after the fault; before it negative.",
        range: None,
        kind: "number",
        words: &[],
    },
    QueryParameter {
        name: "to_s",
        summary: "Time of the last record, in seconds after the fault.",
        range: None,
        kind: "number",
        words: &[],
    },
    QueryParameter {
        name: "every",
        summary: "Every n-th record only.",
        range: Some((1.0, EVERY_MAX as f64)),
        kind: "integer",
        words: &[],
    },
];

/// What is known about each recording, the newest first.
///
/// # Errors
/// 404 when the machine is elsewhere.
pub fn list(recordings: Option<Arc<dyn Recordings>>) -> HandlerResult {
    Ok(answer::ok(&RecordingList { faults: present(recordings)?.list() }))
}

/// One recording, or a part of it.
///
/// # Errors
/// 404 when there is none with this id or its file is damaged, 422 for a part that makes no sense, 429 while others
/// are being told.
pub async fn get(recordings: Option<Arc<dyn Recordings>>, request: &RoutedRequest) -> HandlerResult {
    let recordings = present(recordings)?;
    let (id, form) = wanted(request.value(0), request.accept.as_ref());
    let part = part(&request.query)?;
    let Ok(id) = id.parse::<u64>() else { return Err(rejection(RecordingError::Unknown)) };
    // Strictness a file and writing megabytes is nothing for the threads that answer.
    let reading = tokio::task::spawn_blocking(move || recordings.read(id, form, &part));
    let read = reading.await.unwrap_or_else(|error| Err(RecordingError::Unreadable(error.to_string())));
    let body = read.map_err(rejection)?;
    let mut answer = match form {
        RecordingFormat::Json => answer::typed(StatusCode::OK, "application/json", body),
        RecordingFormat::Csv => answer::typed(StatusCode::OK, "text/csv; charset=utf-8", body),
    };
    if form == RecordingFormat::Csv
        && let Ok(name) = HeaderValue::from_str(&format!("attachment; filename=\"yep-fault-{id}.csv\""))
    {
        answer.headers_mut().insert(CONTENT_DISPOSITION, name);
    }
    answer.headers_mut().insert(VARY, HeaderValue::from_static("accept"));
    Ok(answer)
}

fn present(recordings: Option<Arc<dyn Recordings>>) -> Result<Arc<dyn Recordings>, Rejection> {
    let why = "the machine is not in this process: it keeps its own recordings";
    recordings.ok_or_else(|| answer::refuse(ProblemCode::NoRecordings, why))
}

/// The id without its suffix, and the form: that of the suffix, else the one that the client asks for, else JSON.
fn wanted<'a>(value: &'a str, accept: Option<&HeaderValue>) -> (&'a str, RecordingFormat) {
    let suffix = SUFFIXES.iter().find_map(|(suffix, form)| Some((value.strip_suffix(suffix)?, *form)));
    suffix.unwrap_or_else(|| {
        let accepted = accept.and_then(|accept| accept.to_str().ok()).unwrap_or_default();
        let mut types = accepted.split(',').map(|item| item.split(';').next().unwrap_or_default().trim());
        // What is named first wins: nobody sends both with weights.
        let form = types.find_map(|kind| match kind.to_ascii_lowercase().as_str() {
            "text/csv" => Some(RecordingFormat::Csv),
            "application/json" => Some(RecordingFormat::Json),
            _ => None,
        });
        (value, form.unwrap_or(RecordingFormat::Json))
    })
}

fn part(text: &str) -> Result<RecordingSpan, Rejection> {
    let mut complaints = Vec::new();
    let senseless = |name: &'static str, msg: String| {
        Complaint::new(vec!["query".into(), name.into()], msg, "value_error")
    };
    let mut number = |name: &'static str, missing: f64| {
        let Some(text) = query::last(text, name) else { return missing };
        let number = text.trim().parse().ok().filter(|number: &f64| number.is_finite());
        number.unwrap_or_else(|| {
            complaints.push(senseless(name, "must be a number of seconds".into()));
            missing
        })
    };
    let (from_s, to_s) = (number("from_s", f64::NEG_INFINITY), number("to_s", f64::INFINITY));
    let every = query::last(text, "every").map_or(Some(1), |text| text.trim().parse().ok());
    let every = every.filter(|every| (1..=EVERY_MAX).contains(every));
    if every.is_none() {
        complaints.push(senseless("every", format!("must be a whole number, 1 … {EVERY_MAX}")));
    }
    complete(&complaints)?;
    Ok(RecordingSpan { from_s, to_s, every: every.unwrap_or(1) })
}

fn rejection(error: RecordingError) -> Rejection {
    match error {
        RecordingError::Unknown => answer::refuse(
            ProblemCode::UnknownRecording,
            "there is no recording with this id; /api/v1/faults lists them",
        ),
        RecordingError::Unreadable(why) => answer::refuse(ProblemCode::UnreadableRecording, why),
        RecordingError::Busy => {
            let why = "other recordings are being read: try again in a moment";
            answer::refuse(ProblemCode::RecordingsBusy, why)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_suffix_wins_over_what_is_accepted() {
        for (value, accept, id, form) in [
            ("3", None, "3", RecordingFormat::Json),
            ("3", Some("*/*"), "3", RecordingFormat::Json),
            ("3", Some("text/csv"), "3", RecordingFormat::Csv),
            ("3", Some("text/html, Text/CSV;q=0.9, application/json"), "3", RecordingFormat::Csv),
            ("3", Some("application/json, text/plain, */*"), "3", RecordingFormat::Json),
            ("3.csv", Some("application/json"), "3", RecordingFormat::Csv),
            ("3.json", Some("text/csv"), "3", RecordingFormat::Json),
            ("3.csv.csv", None, "3.csv", RecordingFormat::Csv),
        ] {
            let accepted = accept.map(HeaderValue::from_static);
            assert_eq!(wanted(value, accepted.as_ref()), (id, form), "{value} {accept:?}");
        }
    }

    #[test]
    fn a_part_has_finite_ends() {
        assert_eq!(
            part("from_s=-2.5&to_s=1&every=10").unwrap(),
            RecordingSpan { from_s: -2.5, to_s: 1.0, every: 10 }
        );
        assert_eq!(part("").unwrap().every, 1);
        for bad in ["from_s=nan", "to_s=inf", "from_s=", "every=0", "every=-1", "every=60001", "every=1e3"] {
            let answer = part(bad).map(drop).unwrap_err().into_answer();
            assert_eq!(answer.status(), StatusCode::UNPROCESSABLE_ENTITY, "{bad}");
        }
    }
}
