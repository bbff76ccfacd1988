//! Hears of other machines of the same name, as an address that leads to either of two is no address.

use std::collections::BTreeMap;
use std::time::Duration;

use mdns_sd::{DaemonEvent, Receiver, ServiceDaemon, ServiceEvent};

use super::SERVICE;
use super::search::FoundMachine;

/// How often news is looked for.
const LOOK_TIME: Duration = Duration::from_secs(1);
/// Machines of one name that are remembered.
const MOST_NAMESAKES: usize = 16;

/// The machines of the network that have the name of this one.
pub struct Namesakes {
    machines: Receiver<ServiceEvent>,
    responder: Receiver<DaemonEvent>,
    name: String,
    id: String,
    heard: BTreeMap<String, FoundMachine>,
    /// Something answers for the name in the network that is no such machine.
    is_name_answered: bool,
}

impl Namesakes {
    /// Looks for machines that have this name and another number.
    ///
    /// # Errors
    /// There are too many requests to the thread that does it.
    pub(super) fn watch(daemon: &ServiceDaemon, name: &str, id: &str) -> Result<Namesakes, mdns_sd::Error> {
        Ok(Namesakes {
            machines: daemon.browse(SERVICE)?,
            responder: daemon.monitor()?,
            name: name.to_owned(),
            id: id.to_owned(),
            heard: BTreeMap::new(),
            is_name_answered: false,
        })
    }

    /// Says and logs it when there is the first one, and says it when there is none any more; never ends.
    pub async fn tell(&mut self, is_shared: impl Fn(bool)) {
        let mut was_shared = false;
        loop {
            self.look();
            let shared = self.is_name_answered || !self.heard.is_empty();
            if shared != was_shared {
                was_shared = shared;
                is_shared(shared);
                self.log();
            }
            tokio::time::sleep(LOOK_TIME).await;
        }
    }

    fn look(&mut self) {
        while let Ok(event) = self.machines.try_recv() {
            self.hear(event);
        }
        while let Ok(event) = self.responder.try_recv() {
            self.is_name_answered |= matches!(event, DaemonEvent::NameChange(_));
        }
    }

    fn hear(&mut self, event: ServiceEvent) {
        match event {
            ServiceEvent::ServiceResolved(service) => {
                let Some(machine) = FoundMachine::of_service(&service) else { return };
                let is_other = machine.id.as_deref() != Some(&self.id);
                if machine.name == self.name && is_other && self.heard.len() < MOST_NAMESAKES {
                    self.heard.insert(machine.entry.clone(), machine);
                }
            }
            ServiceEvent::ServiceRemoved(_, entry) => {
                self.heard.remove(&entry);
            }
            _ => {}
        }
    }

    fn log(&self) {
        let name = &self.name;
        match self.heard.values().next() {
            Some(other) => tracing::warn!(
                other = %other.addresses[0],
                id = other.id,
                "another machine of this network is called {name}: give one of the two another name"
            ),
            None if self.is_name_answered => {
                tracing::warn!(
                    "another device of this network answers for {name}.local: give this machine another name"
                );
            }
            None => tracing::info!("no other machine of this network is called {name} any more"),
        }
    }
}
