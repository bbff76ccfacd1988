//! `/api/v1/sim`: the hands of a person at the simulated machine, so that anyone can see what it does when something
//! breaks.

use super::{complete, senseless};
use crate::api::answer::{self, Answer, HandlerResult, Rejection};
use crate::api::documents::sim::{LARGEST_PUSH_G, SimDocument, SimRequest};
use crate::api::port::OperatorPort;
use crate::api::problem::ProblemCode;
use crate::api::request::RequestBody;

const ARGUMENT: &str = "data";

/// What is wrong, and where the carriage really is.
///
/// # Errors
/// 404 when the machine is no simulation.
pub fn get(operator: Option<&dyn OperatorPort>) -> HandlerResult {
    Ok(show(present(operator)?))
}

/// Makes exactly the given mishaps happen, and pushes the carriage; what is not given stays.
///
/// # Errors
/// 404 when the machine is no simulation, 415, 400 and 422.
pub fn put(operator: Option<&dyn OperatorPort>, body: RequestBody) -> HandlerResult {
    change(present(operator)?, body)
}

fn present(operator: Option<&dyn OperatorPort>) -> Result<&dyn OperatorPort, Rejection> {
    let why = "the machine is not simulated: this is only there with the driver sim";
    operator.ok_or_else(|| answer::refuse(ProblemCode::NotSimulated, why))
}

fn change(operator: &dyn OperatorPort, body: RequestBody) -> HandlerResult {
    let SimRequest { mishaps, push_g } = body.typed()?;
    let mut complaints = Vec::new();
    let known = operator.known();
    if let Some(name) = mishaps.iter().flatten().find(|name| !known.contains(&name.as_str())) {
        let why = format!("unknown mishap {name:?}: give some of {}", known.join(", "));
        complaints.push(senseless(ARGUMENT, "mishaps", why));
    }
    if push_g.is_some_and(|push_g| !(-LARGEST_PUSH_G..=LARGEST_PUSH_G).contains(&push_g)) {
        let why = format!("must be a number of grams, {LARGEST_PUSH_G} at most either way");
        complaints.push(senseless(ARGUMENT, "push_g", why));
    }
    complete(&complaints)?;
    if let Some(mishaps) = mishaps {
        operator.set_mishaps(&mishaps);
    }
    if let Some(push_g) = push_g {
        operator.push_g(push_g);
    }
    Ok(show(operator))
}

fn show(operator: &dyn OperatorPort) -> Answer {
    answer::ok(&SimDocument {
        mishaps: operator.mishaps(),
        push_g: operator.pushed_g(),
        carriage_mm: operator.carriage_mm(),
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use bytes::Bytes;
    use http_body_util::BodyExt;
    use hyper::header::HeaderValue;
    use serde_json::{Value, json};

    use super::*;
    use crate::api::request::BodyType;

    /// A machine at which only these two things can go wrong.
    #[derive(Default)]
    struct Person {
        mishaps: Mutex<Vec<String>>,
        push_g: Mutex<f64>,
    }

    impl OperatorPort for Person {
        fn known(&self) -> Vec<&'static str> {
            vec!["rain", "hail"]
        }

        fn mishaps(&self) -> Vec<&'static str> {
            let on = self.mishaps.lock().unwrap();
            self.known().into_iter().filter(|name| on.iter().any(|on| on == name)).collect()
        }

        fn set_mishaps(&self, names: &[String]) {
            *self.mishaps.lock().unwrap() = names.to_vec();
        }

        fn pushed_g(&self) -> f64 {
            *self.push_g.lock().unwrap()
        }

        fn push_g(&self, force_g: f64) {
            *self.push_g.lock().unwrap() = force_g;
        }

        fn carriage_mm(&self) -> f64 {
            77.5
        }
    }

    fn put(person: &Person, content_type: Option<&'static str>, body: &'static str) -> (u16, Value) {
        let body = RequestBody::Received {
            body_type: BodyType::DeclaredJson,
            content_type: content_type.map(HeaderValue::from_static),
            bytes: Bytes::from_static(body.as_bytes()),
        };
        let answer = change(person, body).unwrap_or_else(Rejection::into_answer);
        let status = answer.status().as_u16();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let body = runtime.block_on(answer.into_body().collect()).unwrap().to_bytes();
        (status, serde_json::from_slice(&body).unwrap())
    }

    const JSON: Option<&str> = Some("application/json");

    #[test]
    fn what_is_given_is_done_and_the_rest_stays() {
        let person = Person::default();
        for (body, mishaps, push_g) in [
            ("{}", json!([]), 0.0),
            (r#"{"mishaps": ["hail", "rain"], "push_g": -1500}"#, json!(["rain", "hail"]), -1_500.0),
            (r#"{"mishaps": ["hail"]}"#, json!(["hail"]), -1_500.0),
            (r#"{"push_g": 2.5}"#, json!(["hail"]), 2.5),
            (r#"{"mishaps": [], "push_g": null}"#, json!([]), 2.5),
        ] {
            let expected = json!({ "mishaps": mishaps, "push_g": push_g, "carriage_mm": 77.5 });
            assert_eq!(put(&person, JSON, body), (200, expected), "{body}");
        }
    }

    #[test]
    fn nothing_is_half_done() {
        let person = Person::default();
        person.set_mishaps(&["rain".into()]);
        for (content_type, body, status, said) in [
            (None, r#"{"mishaps": []}"#, 415, "application/json"),
            (Some("text/plain"), r#"{"mishaps": []}"#, 415, "application/json"),
            (JSON, "{", 400, "parsing"),
            (JSON, "", 422, "field required"),
            (JSON, r#"{"mishaps": ["hail", "snow"]}"#, 422, "\"snow\": give some of rain, hail"),
            (
                JSON,
                r#"{"mishaps": ["hail"], "push": 1}"#,
                422,
                "no field of this name; did you mean push_g? known: mishaps, push_g",
            ),
            (JSON, r#"{"mishaps": "hail"}"#, 422, "expected a sequence"),
            (JSON, r#"{"mishaps": ["hail"], "push_g": "x"}"#, 422, "expected f64"),
            (JSON, r#"{"mishaps": ["hail"], "push_g": "nan"}"#, 422, "expected f64"),
            (JSON, r#"{"mishaps": ["snow"], "push_g": 1e300}"#, 422, "number of grams"),
            (JSON, r#"{"mishaps": ["snow"], "push_g": 5}"#, 422, "unknown mishap"),
        ] {
            let (answered, why) = put(&person, content_type, body);
            assert_eq!(answered, status, "{body}: {why}");
            let detail = &why["detail"];
            let complaints = detail.as_array().into_iter().flatten().map(|c| c["msg"].as_str().unwrap());
            let texts: Vec<_> = detail.as_str().into_iter().chain(complaints).collect();
            assert!(texts.iter().any(|text| text.contains(said)), "{body}: {why}");
            assert_eq!((person.mishaps(), person.pushed_g()), (vec!["rain"], 0.0), "{body}");
        }
    }
}
