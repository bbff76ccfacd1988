//! SAYING: the HTTP and WebSocket server.

pub mod answer;
pub mod body;
pub mod bus;
pub mod coerce;
pub mod limits;
pub mod port;
pub mod python;
pub mod query;
pub mod telemetry;

pub use limits::Limits;
