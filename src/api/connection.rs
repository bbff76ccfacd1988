//! One connection: who is at its other end, its place among all, and word that the server ends.

use std::net::IpAddr;
use std::sync::Arc;

use tokio::sync::{mpsc, watch};

use super::limiter::{Limiter, Slot, SocketSlot};

/// A connection. It counts as open, and the server waits for it at its end, until this is dropped: the tasks
/// that outlive the connection's own (a WebSocket, a change that is being made) hold it.
#[derive(Debug)]
pub struct Connection {
    /// Who connected.
    pub peer: IpAddr,
    /// The address on which it came in.
    pub local: IpAddr,
    /// Its place.
    pub slot: Slot,
    limiter: Arc<Limiter>,
    closing: watch::Receiver<bool>,
    /// Never sent on: the server waits until all of these are gone.
    _alive: mpsc::Sender<()>,
}

impl Connection {
    /// A connection that was let in.
    #[must_use]
    pub fn new(
        (peer, local): (IpAddr, IpAddr),
        slot: Slot,
        limiter: Arc<Limiter>,
        closing: watch::Receiver<bool>,
        alive: mpsc::Sender<()>,
    ) -> Arc<Connection> {
        Arc::new(Connection { peer, local, slot, limiter, closing, _alive: alive })
    }

    /// Returns when the server ends.
    pub async fn closing(&self) {
        // An error means that the server is gone already.
        let _ = self.closing.clone().wait_for(|closing| *closing).await;
    }

    /// A slot for a WebSocket on this connection.
    #[must_use]
    pub fn take_socket(&self) -> Option<SocketSlot> {
        let socket = self.limiter.take_socket(self.peer)?;
        self.slot.deadline.socket();
        Some(socket)
    }
}
