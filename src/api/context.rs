//! What every handler shares.

use std::sync::Arc;

use tokio::runtime::Handle;

use super::budget::MemoryBudget;
use super::bus::Bus;
use super::desk::{SettingsService, SettingsStore};
use super::fence::Fence;
use super::lease::{Lease, Policy};
use super::limits::ServerLimits;
use super::pages::Pages;
use super::port::MachinePort;
use super::remote::RemoteFacts;
use crate::auth::GateRules;
use crate::settings::{RailGeometry, Settings};

/// What the configuration says about the server.
#[derive(Debug, Clone, Default)]
pub struct ServerOptions {
    /// Who is let in.
    pub rules: GateRules,
    /// How much anyone may take up.
    pub limits: ServerLimits,
    /// What becomes of a wave whose client is gone.
    pub lease: Policy,
    /// What is served besides the API.
    pub pages: Pages,
}

/// The machine, the settings and the streams, as the handlers see them.
pub struct Context {
    /// The machine.
    pub port: Arc<dyn MachinePort>,
    /// The settings.
    pub desk: SettingsService,
    /// What else is remembered.
    pub keeper: Arc<dyn SettingsStore>,
    /// The streams. The rest of the program publishes here too: what the machine is doing, on
    /// [`bus::STATUS`](super::bus::STATUS).
    pub bus: Bus,
    /// Who holds the wave.
    pub lease: Lease,
    /// Who starts something behind a STOP.
    pub fence: Fence,
    /// Where requests are worked on, apart from the connections: the runtime in which this was made.
    pub workers: Handle,
    /// A yep-machine elsewhere.
    pub remote: RemoteFacts,
    /// Memory for requests and answers.
    pub budget: MemoryBudget,
    /// The configuration.
    pub options: ServerOptions,
}

impl Context {
    /// A context around the machine behind `port`, with the settings that `keeper` remembered.
    ///
    /// # Panics
    /// Outside a runtime.
    #[must_use]
    pub fn new(
        port: Arc<dyn MachinePort>,
        settings: Settings,
        keeper: impl SettingsStore + 'static,
        rail: RailGeometry,
        options: ServerOptions,
    ) -> Arc<Context> {
        let keeper: Arc<dyn SettingsStore> = Arc::new(keeper);
        let desk = SettingsService::new(Arc::clone(&port), settings, Arc::clone(&keeper), rail);
        let bus = Bus::new(options.limits.queued_messages, options.limits.queued_bytes);
        Arc::new(Context {
            port,
            desk,
            keeper,
            bus,
            lease: Lease::default(),
            fence: Fence::default(),
            workers: Handle::current(),
            remote: RemoteFacts::default(),
            budget: MemoryBudget::new(&options.limits),
            options,
        })
    }
}
