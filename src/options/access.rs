//! Options about who may reach the machine, and how it is found.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

/// Access control.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Access {
    /// Name of this host in the local network, without `.local`; `None` means the system's name.
    pub hostname: Option<String>,
    /// Further names under which this server may be reached, as `Host` of a request.
    pub hosts: Vec<String>,
    /// Trust in programs and pages on this host.
    pub local: LocalTrust,
    /// Origins of pages that may call the server, besides the app's own on this host; `None` means those of the clients' first
    /// server, for the clients' old contract only.
    pub extra_origins: Option<Vec<String>>,
    /// Address of the yep-machine, for the driver `remote`.
    pub remote_machine: Option<IpAddr>,
    /// Reaction when the client of a wave is gone.
    pub lease: LeasePolicy,
    /// Whether the machine announces itself in the local network.
    pub announce: Announce,
}

/// Trust in programs and pages on this host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LocalTrust {
    /// They may do everything, without a token.
    #[default]
    Full,
    /// They need a token like everybody else: for a host with a reverse proxy that hides where a request comes from.
    Paired,
}

/// Reaction when the client of a wave is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LeasePolicy {
    /// The axis comes to rest.
    #[default]
    Stop,
    /// It moves on, and the other clients get a warning.
    Continue,
}

/// Whether the machine announces itself in the local network, by multicast DNS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Announce {
    /// If it can be reached there, and the system does not announce it already.
    #[default]
    Auto,
    /// In each network in which it can be reached, which may be this computer alone.
    Always,
    /// Not at all.
    Never,
}
