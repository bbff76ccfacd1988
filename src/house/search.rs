//! Finds the machines of the local network, by what they announce.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use mdns_sd::{IfKind, ResolvedService, ServiceDaemon, ServiceEvent};

use super::{ID_KEY, NAME_KEY, SERVICE, VERSION_KEY};

/// A machine that announces itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundMachine {
    /// Its entry in the list of services, which no other machine has.
    pub entry: String,
    /// Its name, for people; another machine may have the same one.
    pub name: String,
    /// Its number, if it is announced.
    pub id: Option<String>,
    /// Its version, if it is announced.
    pub version: Option<String>,
    /// Where its server is, the address to be tried first as the first one; at least one.
    pub addresses: Vec<SocketAddr>,
}

/// Looks for machines for this time, in the network of one interface or in all. Each is handed over at once when it is found, and again when more is known of it.
///
/// # Errors
/// There is no socket for it.
pub fn search(
    interface: Option<&str>,
    time: Duration,
    mut found: impl FnMut(FoundMachine),
) -> Result<(), mdns_sd::Error> {
    let daemon = ServiceDaemon::new()?;
    if let Some(interface) = interface {
        daemon.disable_interface(IfKind::All)?;
        daemon.enable_interface(interface)?;
    }
    let events = daemon.browse(SERVICE)?;
    let end = Instant::now() + time;
    let mut known: BTreeMap<String, FoundMachine> = BTreeMap::new();
    while let Ok(event) = events.recv_timeout(end.saturating_duration_since(Instant::now())) {
        let ServiceEvent::ServiceResolved(service) = event else { continue };
        let Some(machine) = FoundMachine::of_service(&service) else { continue };
        // Nobody can make this list long: whoever sends more names than a house has machines is not believed.
        if known.len() >= MOST_MACHINES && !known.contains_key(&machine.entry) {
            continue;
        }
        if known.get(&machine.entry) != Some(&machine) {
            known.insert(machine.entry.clone(), machine.clone());
            found(machine);
        }
    }
    let _ = daemon.shutdown();
    Ok(())
}

/// Machines that one search takes.
const MOST_MACHINES: usize = 256;

impl FoundMachine {
    /// What an entry says of its machine; nothing if it has no address that can be used. What the system announces has no name of its
    /// own in it: there it is that of the entry.
    pub(super) fn of_service(service: &ResolvedService) -> Option<FoundMachine> {
        let mut ips: Vec<IpAddr> =
            service.addresses.iter().map(mdns_sd::ScopedIp::to_ip_addr).filter(is_reachable).collect();
        ips.sort_by_key(|ip| (ip.is_ipv6(), *ip));
        let addresses: Vec<SocketAddr> =
            ips.into_iter().map(|ip| SocketAddr::new(ip, service.port)).collect();
        let text =
            |key: &str| service.get_property_val_str(key).map(printable).filter(|value| !value.is_empty());
        let entry = service.fullname.strip_suffix(SERVICE)?.trim_end_matches('.');
        let name = text(NAME_KEY).unwrap_or_else(|| printable(entry));
        let (id, version) = (text(ID_KEY), text(VERSION_KEY));
        (!addresses.is_empty()).then(|| FoundMachine {
            entry: service.fullname.clone(),
            name,
            id,
            version,
            addresses,
        })
    }
}

/// An address that works without the name of an interface beside it, which no URL has.
fn is_reachable(ip: &IpAddr) -> bool {
    match ip {
        IpAddr::V4(_) => true,
        IpAddr::V6(ip) => !ip.is_unicast_link_local(),
    }
}

/// A text of the network, for a terminal.
fn printable(text: &str) -> String {
    text.replace('\\', "").chars().filter(|c| !c.is_control()).take(63).collect()
}
