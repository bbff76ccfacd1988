//! Feeds of this process: the addresses that the configuration names.

use std::sync::Arc;

use tokio::runtime::Handle;
use tokio::task::JoinHandle;

use crate::api::Context;
use crate::api::feeds::listeners::{self, FeedDoor, FeedGate};
use crate::options::FeedOptions;

/// The tasks that read feeds; they end when this is dropped.
pub struct Feeds(Vec<JoinHandle<()>>);

impl Feeds {
    /// Listens on each port that is not 0, on that runtime.
    #[must_use]
    pub fn listen(options: &FeedOptions, ctx: &Arc<Context>, runtime: &Handle) -> Feeds {
        let gate =
            Arc::new(FeedGate { rules: ctx.options.rules.clone(), tokens: Arc::clone(&ctx.devices) as _ });
        let doors = [
            (FeedDoor::TcodeUdp, options.tcode_udp),
            (FeedDoor::TcodeTcp, options.tcode_tcp),
            (FeedDoor::Buttplug, options.buttplug),
        ];
        let tasks = doors.into_iter().filter(|(_, port)| *port != 0).map(|(door, port)| {
            let (service, states) = (Arc::clone(&ctx.feeds), Arc::clone(&ctx.feed_listeners));
            let listening = listeners::listen(door, port, service, states, Arc::clone(&gate));
            runtime.spawn(async move {
                listening.await;
            })
        });
        Feeds(tasks.collect())
    }
}

impl Drop for Feeds {
    fn drop(&mut self) {
        for task in &self.0 {
            task.abort();
        }
    }
}
