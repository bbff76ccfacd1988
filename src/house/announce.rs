//! Announces the machine in the local network (DNS-SD over multicast DNS): `_yep._tcp` for `yep find`, `_http._tcp` for whatever
//! lists pages.
//!
//! The host name in it is made of the machine's number, and so is its entry in the list of services: two machines may have the same
//! name, and with the number each is found, and can be reached under a name of its own. The name of this computer is the system's to
//! answer for. A name that only this program knows is the host name of the pages, so that `http://NAME.local` opens them.

use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use mdns_sd::{IfKind, ServiceDaemon, ServiceInfo, UnregisterStatus};

use super::namesakes::Namesakes;
use super::{ID_KEY, NAME_KEY, SERVICE, VERSION_KEY, WEB_SERVICE, identity};
use crate::options::Announce;

/// Where the system's own responders are told what to announce. The card's has a file for this program, and an administrator may
/// write one for the other.
const SYSTEM_FILES: [&str; 2] = ["etc/systemd/dnssd/yep.dnssd", "etc/avahi/services/yep.service"];
/// How long the last word may take.
const FAREWELL: Duration = Duration::from_millis(500);

/// What is announced.
#[derive(Debug, Clone)]
pub struct Announced {
    /// The name of the machine, for people.
    pub name: String,
    /// Whether this program has to answer for `NAME.local`, as the system has another name.
    pub answers_for_name: bool,
    /// Its number.
    pub id: String,
    /// The address that its server is bound to.
    pub bound: SocketAddr,
}

/// An announcement, until its end.
pub struct Announcement {
    daemon: ServiceDaemon,
    services: Vec<String>,
}

/// Returns whether this server is to be announced: not one for this computer alone, and none that the system announces already.
#[must_use]
pub fn is_wanted(announce: Announce, bound: SocketAddr, root: &Path) -> bool {
    match announce {
        Announce::Always => true,
        Announce::Never => false,
        Announce::Auto => {
            !bound.ip().is_loopback() && !SYSTEM_FILES.iter().any(|file| root.join(file).exists())
        }
    }
}

impl Announcement {
    /// Announces the machine in the networks in which it can be reached.
    ///
    /// # Errors
    /// There is no socket for it, or the name cannot be announced.
    pub fn start(announced: &Announced) -> Result<Announcement, mdns_sd::Error> {
        let daemon = ServiceDaemon::new()?;
        let networks = networks(announced.bound.ip());
        daemon.disable_interface(IfKind::All)?;
        daemon.enable_interface(networks.clone())?;
        let unique = format!("{}.local.", identity::unique_host(&announced.id));
        let named = format!("{}.local.", announced.name);
        let entry = identity::unique_entry(&announced.name, &announced.id);
        let properties = [
            (NAME_KEY, announced.name.as_str()),
            (ID_KEY, announced.id.as_str()),
            (VERSION_KEY, env!("CARGO_PKG_VERSION")),
        ];
        let mut services = Vec::new();
        for kind in [SERVICE, WEB_SERVICE] {
            let port = announced.bound.port();
            let host = if kind == WEB_SERVICE && announced.answers_for_name { &named } else { &unique };
            let mut service =
                ServiceInfo::new(kind, &entry, host, (), port, &properties[..])?.enable_addr_auto();
            service.set_interfaces(networks.clone());
            services.push(service.get_fullname().to_owned());
            daemon.register(service)?;
        }
        Ok(Announcement { daemon, services })
    }

    /// Looks for machines of the same name.
    ///
    /// # Errors
    /// There are too many requests to the thread that does it.
    pub fn namesakes(&self, announced: &Announced) -> Result<Namesakes, mdns_sd::Error> {
        Namesakes::watch(&self.daemon, &announced.name, &announced.id)
    }

    /// Takes the announcement back, so that nobody looks for a machine that is switched off.
    pub fn end(self) {
        for service in &self.services {
            let gone = self.daemon.unregister(service).map(|answer| answer.recv_timeout(FAREWELL));
            if !matches!(gone, Ok(Ok(UnregisterStatus::OK))) {
                tracing::debug!(service, "its announcement ends by itself");
            }
        }
        let _ = self.daemon.shutdown();
    }
}

/// The networks in which a server that is bound to this address can be reached.
fn networks(bound: IpAddr) -> Vec<IfKind> {
    match bound {
        IpAddr::V4(ip) if ip.is_loopback() => vec![IfKind::LoopbackV4],
        IpAddr::V6(ip) if ip.is_loopback() => vec![IfKind::LoopbackV6],
        IpAddr::V4(ip) if ip.is_unspecified() => vec![IfKind::IPv4],
        IpAddr::V6(ip) if ip.is_unspecified() => vec![IfKind::IPv4, IfKind::IPv6],
        ip => vec![IfKind::Addr(ip)],
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn only_what_the_network_can_reach_is_announced_and_only_once() {
        let root = tempfile::tempdir().unwrap();
        let [inside, outside] = ["127.0.0.1:8080", "0.0.0.0:80"].map(|address| address.parse().unwrap());
        let wanted = |announce, bound| is_wanted(announce, bound, root.path());
        assert!(wanted(Announce::Auto, outside));
        assert!(!wanted(Announce::Auto, inside));
        assert!(wanted(Announce::Always, inside));
        assert!(!wanted(Announce::Never, outside));
        let file = root.path().join(SYSTEM_FILES[0]);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, "").unwrap();
        assert!(!wanted(Announce::Auto, outside));
        assert!(wanted(Announce::Always, outside));
    }

    #[test]
    fn the_file_of_the_card_is_known() {
        let card = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/card/root"));
        assert!(!is_wanted(Announce::Auto, "0.0.0.0:80".parse().unwrap(), card));
    }
}
