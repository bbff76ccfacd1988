//! `/api/sensor`: how the force sensor gets on, and what its readings mean.

use std::sync::Arc;

use hyper::StatusCode;

use super::{RoutedRequest, complete, senseless};
use crate::api::answer::{self, HandlerResult, Rejection};
use crate::api::coerce;
use crate::api::context::Context;
use crate::api::fields::FieldReader;
use crate::api::port::ForceSensorPort;

const ARGUMENT: &str = "data";

/// How the sensor gets on.
///
/// # Errors
/// 404 when none is configured that could say so.
pub fn get(ctx: &Arc<Context>) -> HandlerResult {
    Ok(answer::ok(&load_cell(ctx)?.status()))
}

/// Makes the present reading the one of no force. A load that is there, or may be, needs `confirm`.
///
/// # Errors
/// 404 without a sensor, 415, 400 and 422, 409 with a code when it is refused.
pub async fn tare(ctx: &Arc<Context>, call: &RoutedRequest) -> HandlerResult {
    let load_cell = load_cell(ctx)?;
    let body = call.declared_json()?;
    let mut fields = FieldReader::of(ARGUMENT, body.as_ref()).map_err(|c| answer::unprocessable(&[c]))?;
    let confirmed = fields.optional("confirm", coerce::boolean).unwrap_or(false);
    fields.nothing_but(&["confirm"]);
    complete(&fields.complaints)?;
    answered(load_cell.tare(confirmed).await)
}

/// Takes the present load for `grams`.
///
/// # Errors
/// 404 without a sensor, 415, 400 and 422, 409 with a code when it is refused.
pub async fn calibrate(ctx: &Arc<Context>, call: &RoutedRequest) -> HandlerResult {
    let load_cell = load_cell(ctx)?;
    let body = call.declared_json()?;
    let mut fields = FieldReader::of(ARGUMENT, body.as_ref()).map_err(|c| answer::unprocessable(&[c]))?;
    let grams = fields.required("grams", coerce::float);
    fields.nothing_but(&["grams"]);
    let mut complaints = fields.complaints;
    if grams.is_some_and(|grams| !grams.is_finite()) {
        complaints.push(senseless(ARGUMENT, "grams", "must be a number"));
    }
    complete(&complaints)?;
    answered(load_cell.calibrate(grams.unwrap_or_default()).await)
}

fn load_cell(ctx: &Context) -> Result<&dyn ForceSensorPort, Rejection> {
    let why = "no sensor that could be tared is configured: set `sensor` in [force] of the configuration";
    ctx.port.load_cell().ok_or_else(|| answer::detail(StatusCode::NOT_FOUND, why))
}

fn answered(done: Result<serde_json::Value, crate::api::port::LoadCellRefusal>) -> HandlerResult {
    match done {
        Ok(done) => Ok(answer::ok(&done)),
        Err(refusal) => Err(answer::conflict(&refusal.why, refusal.code)),
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http_body_util::BodyExt;
    use hyper::header::HeaderValue;
    use serde_json::{Value, json};
    use tokio::sync::watch;

    use super::*;
    use crate::api::ServerOptions;
    use crate::api::port::{BoxFuture, LoadCellRefusal, MachineLocation, MachinePort};
    use crate::auth::Standing;
    use crate::machine::{Accepted, Command, Reply, Snapshot};
    use crate::settings::{RailGeometry, Settings, new_id};
    use crate::store::Store;

    /// A machine whose load cell answers with what it was asked; the number says whether it has one.
    struct Stub(bool);

    impl ForceSensorPort for Stub {
        fn status(&self) -> Value {
            json!({ "link": "live" })
        }

        fn tare(&self, confirmed: bool) -> BoxFuture<'_, Result<Value, LoadCellRefusal>> {
            Box::pin(async move {
                let refusal = LoadCellRefusal { code: "load_present", why: "a load of 500 g".into() };
                if confirmed { Ok(json!({ "zero": 7 })) } else { Err(refusal) }
            })
        }

        fn calibrate(&self, weight_g: f64) -> BoxFuture<'_, Result<Value, LoadCellRefusal>> {
            Box::pin(async move { Ok(json!({ "weight_g": weight_g })) })
        }

        fn reload_scale(&self) {}
    }

    impl MachinePort for Stub {
        fn location(&self) -> MachineLocation {
            MachineLocation::Local
        }

        fn command(&self, _command: Command) -> BoxFuture<'_, Reply> {
            Box::pin(async { Ok(Accepted::Now) })
        }

        fn stop(&self) {}

        fn snapshots(&self) -> watch::Receiver<Snapshot> {
            watch::channel(Snapshot::at_power_on()).1
        }

        fn load_cell(&self) -> Option<&dyn ForceSensorPort> {
            self.0.then_some(self)
        }
    }

    fn context(has_one: bool) -> Arc<Context> {
        let settings = Settings::fresh(new_id());
        Context::new(
            Arc::new(Stub(has_one)),
            settings,
            Store::in_memory().unwrap().0,
            RailGeometry::default(),
            ServerOptions::default(),
        )
    }

    fn asked(path: &str, has_one: bool, json: bool, body: &str) -> (u16, Value) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let ctx = context(has_one);
            let call = RoutedRequest {
                standing: Standing::Local,
                client: crate::api::lease::Client::of(
                    std::net::Ipv4Addr::LOCALHOST.into(),
                    &Default::default(),
                    crate::auth::Standing::Local,
                ),
                values: Vec::new(),
                query: String::new(),
                accept: None,
                content_type: json.then_some(HeaderValue::from_static("application/json")),
                body: Bytes::copy_from_slice(body.as_bytes()),
            };
            let outcome = match path {
                "tare" => tare(&ctx, &call).await,
                "calibrate" => calibrate(&ctx, &call).await,
                _ => get(&ctx),
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
        assert_eq!(asked("tare", true, true, r#"{"confirm": true}"#), (200, json!({ "zero": 7 })));
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
        assert_eq!(asked("status", true, true, ""), (200, json!({ "link": "live" })));
    }
}
