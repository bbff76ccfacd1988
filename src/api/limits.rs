//! How much of the machine one client, or all of them together, may take up.
//!
//! A flood must not starve STOP: what is bounded here is what a flood would use up.

use std::time::Duration;

use crate::layout;

/// Descriptors of the store, the machine and the runtime; connections leave them free.
const OTHER_FILES: usize = 64;

/// The limits of the server, all in one place.
#[derive(Debug, Clone)]
pub struct ServerLimits {
    /// From the first byte of a request, or from the connection, to the end of its header.
    pub header_time: Duration,
    /// For the whole body; of one that is handed on while it comes, for the next bytes.
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
    /// Size of a body that carries an update, in bytes. It is handed on while it comes.
    pub update_body_bytes: usize,
    /// Connections whose requests are answered, WebSockets among them.
    pub connections: usize,
    /// Those of one network that is not this machine: an IPv4 address, or a /64 of IPv6.
    pub connections_per_network: usize,
    /// Connections that wait for the header of their first request.
    pub waiting_connections: usize,
    /// From the connection to the end of its first header, while there are many of them.
    pub crowded_header_time: Duration,
    /// For a request that is on its way on a connection that loses its place.
    pub eviction_time: Duration,
    /// Memory for bodies, what is made of them, and answers: for those up to 64 KiB, in bytes.
    pub small_memory_bytes: usize,
    /// The same for larger ones.
    pub large_memory_bytes: usize,
    /// WebSockets; half of them are for one network at most.
    pub sockets: usize,
    /// Size of a message from a WebSocket's client, in bytes.
    pub frame_bytes: usize,
    /// Messages that wait for one subscriber; one more closes it.
    pub queued_messages: usize,
    /// Bytes that wait for one subscriber, unless a single message has more.
    pub queued_bytes: usize,
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

impl Default for ServerLimits {
    fn default() -> Self {
        ServerLimits {
            header_time: Duration::from_secs(5),
            body_time: Duration::from_secs(10),
            idle_time: Duration::from_secs(75),
            header_bytes: layout::HEADER_BYTES,
            body_bytes: layout::BODY_BYTES,
            wave_body_bytes: layout::WAVE_BODY_BYTES,
            backup_body_bytes: layout::BACKUP_BODY_BYTES,
            update_body_bytes: 128 * 1024 * 1024,
            connections: 64,
            connections_per_network: 16,
            waiting_connections: 256,
            crowded_header_time: Duration::from_millis(500),
            eviction_time: Duration::from_millis(100),
            small_memory_bytes: 8 * 1024 * 1024,
            large_memory_bytes: 32 * 1024 * 1024,
            sockets: 16,
            frame_bytes: layout::WS_FRAME_BYTES,
            queued_messages: 64,
            queued_bytes: 512 * 1024,
            send_time: Duration::from_secs(2),
            ping_time: Duration::from_secs(1),
            silent_time: Duration::from_secs(20),
            lease_time: Duration::from_secs(3),
            telemetry_time: Duration::from_millis(40),
            farewell_time: Duration::from_secs(2),
        }
    }
}

impl ServerLimits {
    /// Connections of a kind that there are at least.
    pub const FEWEST: usize = 8;

    /// The same for a process that may have so many files open. What is not a connection needs some of them.
    #[must_use]
    pub fn within_open_files(mut self, open_files: usize) -> ServerLimits {
        let all = open_files.saturating_sub(OTHER_FILES).max(2 * ServerLimits::FEWEST);
        self.connections = self.connections.min(all / 2);
        self.waiting_connections = self.waiting_connections.min(all - self.connections);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_leave_descriptors_for_the_rest_of_the_process() {
        for open_files in [0, 64, 100, 256, 1024, 4096] {
            let limits = ServerLimits::default().within_open_files(open_files);
            let all = limits.connections + limits.waiting_connections;
            assert!(
                all + OTHER_FILES <= open_files.max(OTHER_FILES + 2 * ServerLimits::FEWEST),
                "{open_files}: {limits:?}"
            );
            assert!(
                limits.connections >= ServerLimits::FEWEST
                    && limits.waiting_connections >= ServerLimits::FEWEST,
                "{limits:?}"
            );
        }
        assert_eq!(ServerLimits::default().within_open_files(1024).waiting_connections, 256);
    }
}
