//! A client, as far as it can be told from others.
//!
//! A page of API v1 says which tab it is, and a program is its connection. The clients' old contract knows neither: an old
//! client on this machine is its address and `User-Agent`, which the requests and the sockets of one browser share; a paired
//! device that speaks the old contract is that device.

use std::net::IpAddr;
use std::sync::Arc;

use hyper::header::{HeaderMap, USER_AGENT};

use crate::auth::{Caller, Right, Role};

/// The header with which a page or a program says which of its tabs or instances asks.
pub const TAB: &str = "yep-tab";
/// Longest name of a tab, in bytes.
pub const TAB_BYTES: usize = 64;

/// One client. Two are equal if they are the same one, whatever they may do.
#[derive(Debug, Clone)]
pub struct Client {
    identity: ClientIdentity,
    /// What the gate knows of it.
    pub caller: Caller,
    /// Its name, for people.
    pub name: Arc<str>,
}

/// What tells a client from others.
#[derive(Debug, Clone, PartialEq, Eq)]
enum ClientIdentity {
    /// A tab of a device, or of a browser on this machine.
    Tab(Option<u32>, Arc<str>),
    /// A connection; of no request behind it the sender is known.
    Connection(u64),
    /// A paired device that speaks the clients' old contract.
    Device(u32),
    /// An old client: its address and its `User-Agent`.
    Agent(IpAddr, Arc<[u8]>),
    /// A link of a feed.
    Feed(u64),
}

/// Something that was heard of a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sign {
    /// It says that it is there, or acts.
    Said,
    /// It asks for something.
    Request,
    /// A frame on a socket of the old contract, which a browser may have sent by itself.
    Frame,
}

/// Where a client comes from.
#[derive(Debug, Clone, Copy)]
pub struct Origin<'a> {
    /// Its address.
    pub peer: IpAddr,
    /// The number of its connection.
    pub connection: u64,
    /// The headers of its request.
    pub headers: &'a HeaderMap,
    /// True for API v1.
    pub is_v1: bool,
    /// True for a socket.
    pub is_socket: bool,
}

impl PartialEq for Client {
    fn eq(&self, other: &Client) -> bool {
        self.identity == other.identity
    }
}

impl Eq for Client {}

impl Client {
    /// The client that the gate let in as this caller; `name` is that of its device.
    #[must_use]
    pub fn of(origin: Origin<'_>, caller: Caller, name: Option<Arc<str>>) -> Client {
        let tab = origin.headers.get(TAB).and_then(|tab| tab.to_str().ok()).filter(|tab| is_tab(tab));
        let identity = match (tab, caller.device) {
            (Some(tab), device) => ClientIdentity::Tab(device, tab.into()),
            (None, _) if origin.is_v1 && origin.is_socket => ClientIdentity::Connection(origin.connection),
            (None, Some(device)) => ClientIdentity::Device(device),
            (None, None) => {
                let agent = origin.headers.get(USER_AGENT).map_or(&[][..], |agent| agent.as_bytes());
                ClientIdentity::Agent(origin.peer.to_canonical(), agent.into())
            }
        };
        let name = name.unwrap_or_else(|| match caller.role {
            Role::Local => "this machine itself".into(),
            other => other.name().into(),
        });
        Client { identity, caller, name }
    }

    /// The client of a feed's link with that number.
    #[must_use]
    pub fn of_feed(link: u64, caller: Caller, name: &str) -> Client {
        Client { identity: ClientIdentity::Feed(link), caller, name: name.into() }
    }

    /// True for the client of a feed's link.
    #[must_use]
    pub const fn is_feed(&self) -> bool {
        matches!(self.identity, ClientIdentity::Feed(_))
    }

    /// The same client, in the tab of this name.
    #[must_use]
    pub fn in_tab(self, tab: &str) -> Client {
        Client { identity: ClientIdentity::Tab(self.caller.device, tab.into()), ..self }
    }

    /// The old client of the same device, in whose name a script in its page says that it is there.
    #[must_use]
    pub fn of_the_app(self) -> Client {
        match self.caller.device {
            Some(device) => Client { identity: ClientIdentity::Device(device), ..self },
            None => self,
        }
    }

    /// True if its role lets it move the axis.
    #[must_use]
    pub const fn may_move(&self) -> bool {
        self.caller.role.has(Right::Operate)
    }

    /// True if that is a sign of life of it.
    ///
    /// A browser answers pings while the page in it hangs, so a frame counts for old clients of this machine only, which can say
    /// nothing else. What a client of API v1 asks for may be a timer of a hidden page; it has a message to say that it is there.
    #[must_use]
    pub const fn is_shown_by(&self, sign: Sign) -> bool {
        match (&self.identity, sign) {
            (_, Sign::Said) | (ClientIdentity::Agent(..), _) | (ClientIdentity::Device(_), Sign::Request) => {
                true
            }
            (ClientIdentity::Tab(..) | ClientIdentity::Connection(_) | ClientIdentity::Feed(_), _)
            | (ClientIdentity::Device(_), Sign::Frame) => false,
        }
    }
}

/// True if that can be the name of a tab.
#[must_use]
pub fn is_tab(tab: &str) -> bool {
    (1..=TAB_BYTES).contains(&tab.len()) && tab.bytes().all(|byte| byte.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(headers: &[(&'static str, &str)], connection: u64, is_v1: bool, device: Option<u32>) -> Client {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(*name, value.parse().unwrap());
        }
        let peer = "127.0.0.1".parse().unwrap();
        let role = if device.is_some() { Role::Operator } else { Role::Local };
        let origin = Origin { peer, connection, headers: &map, is_v1, is_socket: true };
        Client::of(origin, Caller { device, ..Caller::of(role) }, None)
    }

    #[test]
    fn tabs_and_connections_are_told_apart_and_old_clients_are_address_and_agent() {
        let (a, b) = (("yep-tab", "a"), ("yep-tab", "b"));
        assert_eq!(client(&[a], 1, true, Some(3)), client(&[a], 2, true, Some(3)));
        assert_ne!(client(&[a], 1, true, Some(3)), client(&[b], 1, true, Some(3)));
        assert_ne!(client(&[a], 1, true, Some(3)), client(&[a], 1, true, Some(4)));
        assert_ne!(client(&[], 1, true, None), client(&[], 2, true, None));
        assert_eq!(client(&[], 1, true, None).in_tab("a"), client(&[a], 2, false, None));
        let agent = ("user-agent", "a browser");
        assert_eq!(client(&[agent], 1, false, None), client(&[agent], 2, false, None));
        assert_ne!(client(&[agent], 1, false, None), client(&[], 1, false, None));
        assert_eq!(client(&[agent], 1, false, Some(3)), client(&[], 2, true, Some(3)).of_the_app());
        for odd in ["", "a b", &"x".repeat(65)] {
            assert!(!is_tab(odd), "{odd}");
        }
    }

    #[test]
    fn a_browser_that_answers_pings_is_no_sign_of_the_page_in_it() {
        let (old, app, tab) =
            (client(&[], 1, false, None), client(&[], 1, false, Some(3)), client(&[], 1, true, Some(3)));
        let signs =
            |client: &Client| [Sign::Said, Sign::Request, Sign::Frame].map(|sign| client.is_shown_by(sign));
        assert_eq!(signs(&old), [true; 3]);
        assert_eq!(signs(&app), [true, true, false]);
        assert_eq!(signs(&tab), [true, false, false]);
    }
}
