//! Starts and ends what the other things of a house hear of the machine.

use std::env;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::api::Context;
use crate::api::machine_name::{MachineName, is_name};
use crate::files;
use crate::house::announce::{Announced, Announcement, is_wanted};
use crate::house::mqtt::link::MqttLink;
use crate::house::namesakes::Namesakes;
use crate::options::{MqttOptions, Options};

/// Names the file with the name that the card's set-up read.
const CARD_NAME: &str = "YEP_CARD_NAME";
const NAME_BYTES: usize = 128;

/// What runs for the house; it ends when this is dropped.
pub struct House {
    announcing: Option<(oneshot::Sender<()>, JoinHandle<()>)>,
    mqtt: Option<MqttLink>,
}

impl House {
    /// Starts what the options ask for. What cannot be had is logged: the machine works without it.
    pub fn start(options: &Options, ctx: &Arc<Context>, bound: SocketAddr) -> House {
        let announcing = is_wanted(options.access.announce, bound, Path::new("/")).then(|| {
            let (name, id) = (Arc::clone(&ctx.options.name), ctx.options.machine_id.clone());
            let (end, ending) = oneshot::channel();
            (end, tokio::spawn(announce(name, id, bound, ending)))
        });
        House { announcing, mqtt: link(&options.mqtt, ctx) }
    }

    /// Takes back what was announced.
    pub async fn end(self) {
        if let Some(mqtt) = self.mqtt {
            mqtt.end().await;
        }
        if let Some((end, announcing)) = self.announcing {
            let _ = end.send(());
            let _ = announcing.await;
        }
    }
}

/// The first label of the system's own name, which multicast DNS makes `<label>.local` of; empty if it has none.
fn system_name() -> String {
    let system = rustix::system::uname();
    system.nodename().to_str().ok().and_then(|name| name.split('.').next()).unwrap_or_default().to_owned()
}

/// The name of this host without one that was chosen. On a card the system may have the chosen one already, and the name of the
/// card's file is in a file of its own, which a variable names.
pub fn configured_name() -> String {
    let file = env::var_os(CARD_NAME).map(PathBuf::from);
    let written = file.and_then(|file| files::read_regular(&file, NAME_BYTES).ok());
    let name = written.and_then(|name| String::from_utf8(name).ok());
    name.map(|name| name.trim().to_owned()).filter(|name| is_name(name)).unwrap_or_else(system_name)
}

fn link(options: &MqttOptions, ctx: &Arc<Context>) -> Option<MqttLink> {
    options.broker.as_ref()?;
    match MqttLink::start(options, ctx) {
        Ok(link) => Some(link),
        Err(error) => {
            tracing::warn!("there is no MQTT: {error}");
            None
        }
    }
}

/// Announces the machine by its name, and by each later one, until the end comes.
async fn announce(name: Arc<MachineName>, id: String, bound: SocketAddr, mut ending: oneshot::Receiver<()>) {
    let mut changes = name.changes();
    loop {
        changes.mark_unchanged();
        let current = name.current();
        // Who answers for the system's own name is the system.
        let answers_for_name = current != system_name();
        let announced = Announced { name: current, answers_for_name, id: id.clone(), bound };
        let announcement = start(&announced);
        let namesakes = announcement.as_ref().and_then(|own| own.namesakes(&announced).ok());
        let is_last = tokio::select! {
            () = watch(namesakes, &name) => true,
            change = changes.changed() => change.is_err(),
            _ = &mut ending => true,
        };
        if let Some(announcement) = announcement {
            let _ = tokio::task::spawn_blocking(move || announcement.end()).await;
        }
        if is_last {
            return;
        }
    }
}

fn start(announced: &Announced) -> Option<Announcement> {
    match Announcement::start(announced) {
        Ok(announcement) => {
            tracing::info!(name = announced.name, id = announced.id, "announced in the local network");
            Some(announcement)
        }
        Err(error) => {
            tracing::warn!(%error, "the machine cannot be announced: `yep find` does not find it, its address works");
            None
        }
    }
}

/// Notes whether another machine has the name; never ends.
async fn watch(namesakes: Option<Namesakes>, name: &MachineName) {
    match namesakes {
        Some(mut namesakes) => namesakes.tell(|is_shared| name.note_shared(is_shared)).await,
        None => std::future::pending().await,
    }
}
