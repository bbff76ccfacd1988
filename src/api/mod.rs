//! SAYING: the HTTP and WebSocket server.

pub mod port;
