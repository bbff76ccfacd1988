//! Feeds of this process: the addresses and lines that the configuration names, and the devices that follow the axis.
//!
//! - [`lines`]: a serial device and a pseudo terminal, over [`terminal`] and [`pty`]
//! - [`intiface`]: the connection to an Intiface, over [`dial`]
//! - [`mirror`]: devices that follow, each told by its [`schedule`] over a [`wire`]
//! - [`tcode_local`]: one more name of this computer, with the messages of [`second_name`]
//! - [`door`]: what is said of the lines and connections

mod dial;
mod door;
mod intiface;
mod lines;
mod mirror;
mod pty;
mod schedule;
mod second_name;
pub mod tcode_local;
mod terminal;
mod wire;

use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::api::Context;
use crate::api::feeds::listeners::{self, FeedDoor, FeedGate};
use crate::options::FeedOptions;

/// How long the other ends may take to hear that this program ends.
const FAREWELL: Duration = Duration::from_secs(1);

/// The tasks of the feeds; they end when this is dropped.
pub struct Feeds {
    tasks: Vec<JoinHandle<()>>,
    /// Those that say goodbye at the end.
    polite: Vec<JoinHandle<()>>,
    ending: watch::Sender<bool>,
}

/// Tells a task that this program ends.
struct Ending(watch::Receiver<bool>);

impl Ending {
    /// Waits for it.
    async fn comes(&mut self) {
        let _ = self.0.wait_for(|ending| *ending).await;
    }
}

impl Feeds {
    /// Listens on each port that is not 0, opens the lines and connections, and has the devices follow, on that runtime.
    #[must_use]
    pub fn listen(options: &FeedOptions, ctx: &Arc<Context>, runtime: &Handle) -> Feeds {
        let mut feeds = Feeds { tasks: Vec::new(), polite: Vec::new(), ending: watch::Sender::new(false) };
        feeds.open_ports(options, ctx, runtime);
        feeds.open_lines(options, ctx, runtime);
        if options.tcode_local {
            let ctx = Arc::clone(ctx);
            feeds.tasks.push(runtime.spawn(async move {
                tcode_local::answer(&ctx).await;
            }));
        }
        if let Some(address) = options.intiface.clone() {
            let (ctx, ending) = (Arc::clone(ctx), Ending(feeds.ending.subscribe()));
            feeds.polite.push(runtime.spawn(async move { intiface::present(&address, &ctx, ending).await }));
        }
        for mirror in options.mirror.clone() {
            let (ctx, ending, baud) = (Arc::clone(ctx), Ending(feeds.ending.subscribe()), options.tcode_baud);
            // Here, as the tasks begin in any order.
            let number = ctx.feed_mirrors.add(&mirror.to.to_string());
            feeds
                .polite
                .push(runtime.spawn(async move { mirror::lead(number, &mirror, baud, &ctx, ending).await }));
        }
        feeds
    }

    fn open_ports(&mut self, options: &FeedOptions, ctx: &Arc<Context>, runtime: &Handle) {
        let gate =
            Arc::new(FeedGate { rules: ctx.options.rules.clone(), tokens: Arc::clone(&ctx.devices) as _ });
        let doors = [
            (FeedDoor::TcodeUdp, options.tcode_udp),
            (FeedDoor::TcodeTcp, options.tcode_tcp),
            (FeedDoor::Buttplug, options.buttplug),
        ];
        for (door, port) in doors.into_iter().filter(|(_, port)| *port != 0) {
            let (service, states) = (Arc::clone(&ctx.feeds), Arc::clone(&ctx.feed_listeners));
            let listening = listeners::listen(door, port, service, states, Arc::clone(&gate));
            self.tasks.push(runtime.spawn(async move {
                listening.await;
            }));
        }
    }

    fn open_lines(&mut self, options: &FeedOptions, ctx: &Arc<Context>, runtime: &Handle) {
        if let Some(device) = options.tcode_serial.clone() {
            let (ctx, baud) = (Arc::clone(ctx), options.tcode_baud);
            self.tasks.push(runtime.spawn(async move {
                lines::serve_serial(&device, baud, &ctx).await;
            }));
        }
        if let Some(link) = options.tcode_pty.clone() {
            let ctx = Arc::clone(ctx);
            self.tasks.push(runtime.spawn(async move {
                lines::serve_pty(&link, &ctx).await;
            }));
        }
    }

    /// Ends them in order: other ends that have to hear of it do.
    pub async fn end(mut self) {
        self.ending.send_replace(true);
        let farewell = futures_util::future::join_all(&mut self.polite);
        let _ = timeout(FAREWELL, farewell).await;
    }
}

impl Drop for Feeds {
    fn drop(&mut self) {
        for task in self.tasks.iter().chain(&self.polite) {
            task.abort();
        }
    }
}
