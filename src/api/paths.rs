//! Where API v1 is.

/// Where its paths begin.
pub const V1: &str = "/api/v1/";

/// The one path of it outside, where Prometheus looks for it.
pub const METRICS: &str = "/metrics";

/// True for a path of API v1.
#[must_use]
pub fn is_v1(path: &str) -> bool {
    path.starts_with(V1) || path.strip_suffix('/').unwrap_or(path) == METRICS
}
