//! Starts and ends what the other things of a house hear of the machine.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use tokio::task::JoinHandle;

use crate::api::Context;
use crate::house::announce::{Announced, Announcement, is_wanted};
use crate::house::mqtt::link::MqttLink;
use crate::options::{MqttOptions, Options};

/// What runs for the house; it ends when this is dropped.
pub struct House {
    announcing: Option<(Arc<Announcement>, JoinHandle<()>)>,
    mqtt: Option<MqttLink>,
}

impl House {
    /// Starts what the options ask for. What cannot be had is logged: the machine works without it.
    pub fn start(options: &Options, ctx: &Arc<Context>, bound: SocketAddr) -> House {
        let names = &ctx.options.rules.names;
        let announced = Announced { name: names.hostname.clone(), id: ctx.options.machine_id.clone(), bound };
        let wanted = is_wanted(options.access.announce, bound, Path::new("/"));
        House { announcing: wanted.then(|| announce(&announced)).flatten(), mqtt: link(&options.mqtt, ctx) }
    }

    /// Takes back what was announced.
    pub async fn end(self) {
        if let Some(mqtt) = self.mqtt {
            mqtt.end().await;
        }
        let Some((announcement, watching)) = self.announcing else { return };
        watching.abort();
        // The task has the other reference until it has ended.
        let _ = watching.await;
        if let Some(announcement) = Arc::into_inner(announcement) {
            let _ = tokio::task::spawn_blocking(move || announcement.end()).await;
        }
    }
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

fn announce(announced: &Announced) -> Option<(Arc<Announcement>, JoinHandle<()>)> {
    match Announcement::start(announced) {
        Ok(announcement) => {
            tracing::info!(name = announced.name, id = announced.id, "announced in the local network");
            let announcement = Arc::new(announcement);
            let watched = Arc::clone(&announcement);
            Some((announcement, tokio::spawn(async move { watched.watch().await })))
        }
        Err(error) => {
            tracing::warn!(%error, "the machine cannot be announced: `yep find` does not find it, its address works");
            None
        }
    }
}
