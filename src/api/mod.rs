//! SAYING: the HTTP and WebSocket server.

pub mod answer;
pub mod body;
pub mod coerce;
pub mod limits;
pub mod port;
pub mod python;
pub mod query;

pub use limits::Limits;
