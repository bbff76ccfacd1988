//! A report on the computer, or on former starts, which the API cannot make itself.

use std::fmt;
use std::sync::Arc;

use serde_json::Value;

/// Makes the report; it may read files.
#[derive(Clone, Default)]
pub struct HostReport(Option<Arc<dyn Fn() -> Value + Send + Sync>>);

impl HostReport {
    /// The report that `make` makes.
    #[must_use]
    pub fn new(make: impl Fn() -> Value + Send + Sync + 'static) -> HostReport {
        HostReport(Some(Arc::new(make)))
    }

    /// The report; null where there is none.
    #[must_use]
    pub fn make(&self) -> Value {
        self.0.as_ref().map_or(Value::Null, |make| make())
    }
}

impl fmt::Debug for HostReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HostReport")
    }
}
