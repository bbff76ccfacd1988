//! A client, as far as it can be told from others: its address and its `User-Agent`. The requests and the sockets of a page
//! share both; two programs on one computer do not.

use std::net::IpAddr;
use std::sync::Arc;

use hyper::header::{HeaderMap, USER_AGENT};

use crate::auth::Role;

/// One client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Client {
    peer: IpAddr,
    agent: Arc<[u8]>,
    /// True if its role lets it start a wave.
    pub may_move: bool,
}

impl Client {
    /// The client at that address that sent these headers and was let in with this role.
    #[must_use]
    pub fn of(peer: IpAddr, headers: &HeaderMap, role: Role) -> Client {
        let agent = headers.get(USER_AGENT).map_or(&[][..], |agent| agent.as_bytes());
        Client { peer: peer.to_canonical(), agent: agent.into(), may_move: role >= Role::Local }
    }
}
