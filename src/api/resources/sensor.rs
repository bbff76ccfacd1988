//! `/api/v1/sensor`: how the force sensor gets on, and what its readings mean.

use crate::api::answer::{self, HandlerResult, Rejection};
use crate::api::documents::sensor::{CalibrateSensorRequest, TareRequest};
use crate::api::port::{ForceSensorPort, LoadCellRefusal};
use crate::api::problem::ProblemCode;
use crate::api::request::RequestBody;

/// How the sensor gets on.
///
/// # Errors
/// 404 when none is configured that could say so.
pub fn get(sensor: Option<&dyn ForceSensorPort>) -> HandlerResult {
    Ok(answer::ok(&present(sensor)?.status()))
}

/// Makes the present reading the one of no force. A load that is there, or may be, needs `confirm`.
///
/// # Errors
/// 404 without a sensor, 415, 400 and 422, 409 with a code when it is refused.
pub async fn tare(sensor: Option<&dyn ForceSensorPort>, body: RequestBody) -> HandlerResult {
    let load_cell = present(sensor)?;
    let TareRequest { confirm } = body.typed()?;
    Ok(answer::ok(&load_cell.tare(confirm).await.map_err(rejection)?))
}

/// Takes the present load for `grams`.
///
/// # Errors
/// 404 without a sensor, 415, 400 and 422, 409 with a code when it is refused.
pub async fn calibrate(sensor: Option<&dyn ForceSensorPort>, body: RequestBody) -> HandlerResult {
    let load_cell = present(sensor)?;
    let CalibrateSensorRequest { grams } = body.typed()?;
    Ok(answer::ok(&load_cell.calibrate(grams).await.map_err(rejection)?))
}

fn present(sensor: Option<&dyn ForceSensorPort>) -> Result<&dyn ForceSensorPort, Rejection> {
    let why = "no sensor that could be tared is configured: set `sensor` in [force] of the configuration";
    sensor.ok_or_else(|| answer::refuse(ProblemCode::NoForceSensor, why))
}

fn rejection(refusal: LoadCellRefusal) -> Rejection {
    answer::refuse(refusal.code, refusal.why)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http_body_util::BodyExt;
    use hyper::header::HeaderValue;
    use serde_json::{Value, json};

    use super::*;
    use crate::api::documents::sensor::{ForceSensorDocument, ScaleResult, TareResult};
    use crate::api::port::BoxFuture;
    use crate::api::request::BodyType;

    /// A load cell that answers with what it was asked.
    struct Stub;

    impl ForceSensorPort for Stub {
        fn status(&self) -> ForceSensorDocument {
            ForceSensorDocument { link: "live", ..ForceSensorDocument::default() }
        }

        fn tare(&self, confirmed: bool) -> BoxFuture<'_, Result<TareResult, LoadCellRefusal>> {
            Box::pin(async move {
                let refusal =
                    LoadCellRefusal { code: ProblemCode::LoadPresent, why: "a load of 500 g".into() };
                if confirmed { Ok(TareResult { zero: 7.0, was_g: None }) } else { Err(refusal) }
            })
        }

        fn calibrate(&self, weight_g: f64) -> BoxFuture<'_, Result<ScaleResult, LoadCellRefusal>> {
            let result = ScaleResult { zero: 0.0, reading_per_g: weight_g, reading_unit: "g", noise_g: 0.0 };
            Box::pin(async move { Ok(result) })
        }

        fn reload_scale(&self) {}

        fn lost_samples(&self) -> Vec<(&'static str, u64)> {
            Vec::new()
        }
    }

    fn asked(path: &str, has_one: bool, json: bool, body: &str) -> (u16, Value) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let sensor = has_one.then_some(&Stub as &dyn ForceSensorPort);
            let body = RequestBody::Received {
                body_type: BodyType::DeclaredJson,
                content_type: json.then_some(HeaderValue::from_static("application/json")),
                bytes: Bytes::copy_from_slice(body.as_bytes()),
            };
            let outcome = match path {
                "tare" => tare(sensor, body).await,
                "calibrate" => calibrate(sensor, body).await,
                _ => get(sensor),
            };
            let answer = outcome.unwrap_or_else(Rejection::into_answer);
            let status = answer.status().as_u16();
            let body = answer.into_body().collect().await.unwrap().to_bytes();
            (status, serde_json::from_slice(&body).unwrap())
        })
    }

    #[test]
    fn a_load_is_only_tared_away_with_the_users_word() {
        let (status, said) = asked("tare", true, true, "{}");
        assert_eq!((status, &said["code"]), (409, &json!("load_present")), "{said}");
        assert_eq!(asked("tare", true, true, r#"{"confirm": false}"#).0, 409);
        assert_eq!(
            asked("tare", true, true, r#"{"confirm": true}"#),
            (200, json!({ "zero": 7.0, "was_g": null }))
        );
    }

    #[test]
    fn what_makes_no_sense_is_refused_before_it_is_asked() {
        for (path, body, status) in [
            ("tare", r#"{"confirm": "perhaps"}"#, 422),
            ("tare", "{", 400),
            ("tare", "", 422),
            ("calibrate", "{}", 422),
            ("calibrate", r#"{"grams": "x"}"#, 422),
            ("calibrate", r#"{"grams": "inf"}"#, 422),
            ("calibrate", r#"{"grams": "nan"}"#, 422),
            ("calibrate", r#"{"grams": -500}"#, 200),
        ] {
            assert_eq!(asked(path, true, true, body).0, status, "{path} {body}");
        }
        for path in ["tare", "calibrate"] {
            assert_eq!(asked(path, true, false, r#"{"grams": 500, "confirm": true}"#).0, 415, "{path}");
            assert_eq!(asked(path, false, true, r#"{"grams": 500, "confirm": true}"#).0, 404, "{path}");
        }
        assert_eq!(asked("status", false, true, "").0, 404);
        let (status, said) = asked("status", true, true, "");
        assert_eq!((status, &said["link"]), (200, &json!("live")), "{said}");
    }
}
