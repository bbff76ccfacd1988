//! How much of the machine one client, or all of them together, may take up.
//!
//! A flood must not starve STOP: what is bounded here is what a flood would use up.

use std::time::Duration;

use crate::layout;

/// The limits of the server, all in one place.
#[derive(Debug, Clone)]
pub struct Limits {
    /// From the first byte of a request, or from the connection, to the end of its header.
    pub header_time: Duration,
    /// For the whole body.
    pub body_time: Duration,
    /// Between the end of one answer and the next request on the same connection.
    pub idle_time: Duration,
    /// Size of the header, in bytes.
    pub header_bytes: usize,
    /// Size of the body, in bytes.
    pub body_bytes: usize,
    /// Size of a body that carries a wave, in bytes.
    pub wave_body_bytes: usize,
    /// Size of a body that carries a backup, in bytes.
    pub backup_body_bytes: usize,
    /// Connections, WebSockets among them.
    pub connections: usize,
    /// Connections of one address that is not this machine's.
    pub connections_per_address: usize,
    /// Of all connections, those kept for this machine's own programs; half of them may also be used by
    /// anyone, but only for STOP.
    pub reserved_connections: usize,
    /// WebSockets.
    pub sockets: usize,
    /// Size of a message from a WebSocket's client, in bytes.
    pub frame_bytes: usize,
    /// Messages that wait for one subscriber; one more closes it.
    pub queued_messages: usize,
    /// For a message to leave; a client that takes longer is closed.
    pub send_time: Duration,
    /// Between two pings.
    pub ping_time: Duration,
    /// A socket on which nothing is heard for so long is closed.
    pub silent_time: Duration,
    /// A wave whose client has given no sign of life for so long comes to rest (S17); longer than two pings.
    pub lease_time: Duration,
    /// Between two snapshots on a telemetry socket.
    pub telemetry_time: Duration,
    /// For the answers that are under way when the server ends.
    pub farewell_time: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            header_time: Duration::from_secs(5),
            body_time: Duration::from_secs(10),
            idle_time: Duration::from_secs(75),
            header_bytes: 16 * 1024,
            body_bytes: layout::BODY_BYTES,
            wave_body_bytes: layout::WAVE_BODY_BYTES,
            backup_body_bytes: layout::BACKUP_BODY_BYTES,
            connections: 64,
            connections_per_address: 8,
            reserved_connections: 4,
            sockets: 16,
            frame_bytes: 64 * 1024,
            queued_messages: 64,
            send_time: Duration::from_secs(2),
            ping_time: Duration::from_secs(1),
            silent_time: Duration::from_secs(20),
            lease_time: Duration::from_secs(3),
            telemetry_time: Duration::from_millis(40),
            farewell_time: Duration::from_secs(2),
        }
    }
}
