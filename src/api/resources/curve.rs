//! `/api/curve`: the force curve through ten points.

use super::senseless;
use crate::api::answer::{self, HandlerResult};
use crate::api::coerce;
use crate::api::fields::FieldReader;
use crate::api::request::RequestBody;
use crate::wave::spline::{self, CurveError};

const ARGUMENT: &str = "data";
const DEFAULT_RESOLUTION: i64 = 100;

/// The values of the curve, evenly from no force to the force limit. The curve may swing below 0 between its points; a
/// yep-machine would end at a negative stroke, so there is none.
///
/// # Errors
/// 400 and 422.
pub async fn make(body: RequestBody) -> HandlerResult {
    let body = body.json()?;
    let mut fields = FieldReader::of(ARGUMENT, body.as_ref()).map_err(|c| answer::unprocessable(&[c]))?;
    let points = fields.required_list("points", coerce::FLOAT);
    let resolution = fields.optional("resolution", coerce::INTEGER).unwrap_or(DEFAULT_RESOLUTION);
    fields.no_slips(&["points", "resolution"]);
    super::complete(&fields.complaints)?;
    let points = points.unwrap_or_default();
    // The finest curve takes a while, and the threads here have sockets to serve.
    match tokio::task::spawn_blocking(move || spline::curve(&points, resolution)).await {
        Ok(Ok(values)) => Ok(answer::ok(&values.into_iter().map(|value| value.max(0.0)).collect::<Vec<_>>())),
        Ok(Err(error)) => {
            let field = match error {
                CurveError::Resolution(_) => "resolution",
                CurveError::Count(_) | CurveError::Point { .. } => "points",
            };
            Err(answer::unprocessable(&[senseless(ARGUMENT, field, error)]))
        }
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}
