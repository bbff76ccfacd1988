//! `/metrics`, for Prometheus.

use hyper::StatusCode;

use crate::api::answer::{self, Answer};
use crate::api::context::Context;
use crate::api::metrics;

/// The figures as text.
pub fn get(ctx: &Context) -> Answer {
    answer::typed(StatusCode::OK, metrics::CONTENT_TYPE, metrics::write(ctx))
}
