//! The services behind the routes, put together.

use std::path::PathBuf;
use std::sync::Arc;

use tokio::runtime::Handle;
use tokio::sync::Notify;

use super::access::devices::Devices;
use super::access::entropy::Entropy;
use super::access::pairing::Pairing;
use super::budget::MemoryBudget;
use super::bus::Bus;
use super::charge::client::Client;
use super::charge::lease::{Lease, Presence};
use super::commands::CommandService;
use super::commissioning::{CommissioningRules, CommissioningService, FirstRun};
use super::control::events::ControlEvents;
use super::control::hub::Hub;
use super::event_counters::EventCounters;
use super::feeds::listeners::FeedListeners;
use super::feeds::mirrors::FeedMirrors;
use super::feeds::service::FeedService;
use super::host_report::HostReport;
use super::limits::ServerLimits;
use super::machine_name::MachineName;
use super::pages::Pages;
use super::playback::motion::PlaybackMotion;
use super::playback::patterns::PatternService;
use super::playback::player::PlayerService;
use super::playback::pump;
use super::playback::shelf::ScriptShelf;
use super::port::MachinePort;
use super::remote::RemoteFacts;
use super::resources::waves::SavedWaves;
use super::settings_service::{Authority, SettingsService, SettingsStore};
use super::update::service::UpdateService;
use super::wave_requests::WaveRequests;
use super::wave_service::WaveService;
use crate::auth::{GateRules, Right};
use crate::log_ring::LogRing;
use crate::machine::SessionRules;
use crate::settings::{RailGeometry, Settings};

/// The server's part of the configuration.
#[derive(Debug, Clone, Default)]
pub struct ServerOptions {
    /// The rules of the gate.
    pub rules: GateRules,
    /// The limits of the server.
    pub limits: ServerLimits,
    /// How the client of a wave shows that it is there, if the wave does not say so.
    pub presence: Presence,
    /// When motion and holding end by themselves.
    pub session: SessionRules,
    /// The pages that are served besides the API.
    pub pages: Pages,
    /// Where tokens and codes come from.
    pub entropy: Entropy,
    /// What the configuration says of the first run.
    pub commissioning: CommissioningRules,
    /// The scripts that are kept.
    pub scripts: ScriptShelf,
    /// The number by which this machine is told from others.
    pub machine_id: String,
    /// Its name in the network.
    pub name: Arc<MachineName>,
    /// The report on this computer.
    pub host_report: HostReport,
    /// The report on starts that ended without a word.
    pub crash_report: HostReport,
    /// The newest lines of the log.
    pub log: Arc<LogRing>,
    /// The socket of the helper that writes updates, on a card with two systems.
    pub update_socket: Option<PathBuf>,
}

/// Everything that handlers may use. A row of the route table hands a handler the parts that it needs; none gets the whole.
pub struct Context {
    /// The machine.
    pub port: Arc<dyn MachinePort>,
    /// The settings.
    pub settings: Arc<SettingsService>,
    /// Everything else that is stored.
    pub store: Arc<dyn SettingsStore>,
    /// The streams. The rest of the program publishes here too: the state of the machine, on
    /// [`bus::STATUS`](super::bus::STATUS).
    pub bus: Arc<Bus>,
    /// Commands by their names.
    pub commands: Arc<CommandService>,
    /// Waves, and the lease on the one that runs.
    pub waves: Arc<WaveService>,
    /// Other programs that move the axis.
    pub feeds: Arc<FeedService>,
    /// What the machine plays itself.
    pub playback: Arc<PlaybackMotion>,
    /// Patterns that the machine runs.
    pub patterns: Arc<PatternService>,
    /// The player of scripts.
    pub player: Arc<PlayerService>,
    /// The addresses to which they come.
    pub feed_listeners: Arc<FeedListeners>,
    /// The devices that follow the axis.
    pub feed_mirrors: FeedMirrors,
    /// Live samples for control sockets.
    pub hub: Arc<Hub>,
    /// The events of the machine, for control sockets.
    pub control_events: Arc<ControlEvents>,
    /// Counters for `/metrics`.
    pub counters: EventCounters,
    /// Waves that clients ask for.
    pub wave_requests: WaveRequests,
    /// What the first run has proven.
    pub commissioning: Arc<CommissioningService>,
    /// The step of the first run that is in progress.
    pub first_run: FirstRun,
    /// Who was let in.
    pub devices: Arc<Devices>,
    /// The ways to be let in.
    pub pairing: Arc<Pairing>,
    /// Updates in place.
    pub updates: UpdateService,
    /// The yep-machine elsewhere, if there is one.
    pub remote: Arc<RemoteFacts>,
    /// The runtime on which requests are answered, apart from the connections: the one in which this was made.
    pub workers: Handle,
    /// Memory for requests and answers.
    pub budget: MemoryBudget,
    /// Notified when the program has to start anew, with another wiring.
    pub restart: Notify,
    /// The configuration.
    pub options: ServerOptions,
}

impl Context {
    /// The saved waves.
    #[must_use]
    pub fn saved_waves(&self) -> SavedWaves<'_> {
        SavedWaves(&*self.store)
    }

    /// How far this client may change what the axis may do. Everybody who may move it may narrow that, also while another client
    /// is in charge.
    pub fn authority(&self, client: &Client) -> Authority {
        if !client.caller.role.has(Right::Administer) || self.commands.may_change(client).is_err() {
            Authority::Narrow
        } else if self.pairing.is_present(client) {
            Authority::Whole
        } else {
            Authority::Envelope
        }
    }

    /// A context around the machine behind `port`, with the settings that `store` remembered.
    ///
    /// # Panics
    /// Outside a runtime.
    #[must_use]
    pub fn new(
        port: Arc<dyn MachinePort>,
        settings: Settings,
        store: impl SettingsStore + 'static,
        rail: RailGeometry,
        options: ServerOptions,
    ) -> Arc<Context> {
        let store: Arc<dyn SettingsStore> = Arc::new(store);
        let limits = &options.limits;
        let bus = Arc::new(Bus::new(limits.queued_messages, limits.queued_bytes));
        let settings = Arc::new(SettingsService::new(Arc::clone(&port), settings, Arc::clone(&store), rail));
        let control_events: Arc<ControlEvents> = Arc::default();
        let devices =
            Arc::new(Devices::new(Arc::clone(&store), Arc::clone(&port), Arc::clone(&control_events)));
        let lease = Arc::new(Lease::new(limits.lease_time));
        let commissioning = Arc::new(CommissioningService::new(
            options.commissioning.clone(),
            Arc::clone(&store),
            Arc::clone(&settings),
        ));
        let commands = CommandService::new(
            Arc::clone(&port),
            (Arc::clone(&settings), Arc::clone(&commissioning)),
            Arc::clone(&bus),
            Arc::clone(&lease),
            Arc::clone(&devices),
        );
        let commands = Arc::new(commands);
        let remote = Arc::new(RemoteFacts::default());
        let updates = UpdateService::new(
            options.update_socket.clone(),
            Arc::clone(&port),
            Arc::clone(&commands),
            Arc::clone(&control_events),
        );
        let pairing = Pairing::new(Arc::clone(&port), Arc::clone(&devices), options.entropy.clone());
        let budget = MemoryBudget::new(limits);
        let waves = Arc::new(WaveService::new(
            Arc::clone(&port),
            Arc::clone(&bus),
            Arc::clone(&commands),
            lease,
            options.presence,
        ));
        let feeds = Arc::new(FeedService::new(
            Arc::clone(&port),
            (Arc::clone(&commands), Arc::clone(&waves)),
            Arc::clone(&settings),
            Arc::clone(&store),
            options.rules.trusts_local,
        ));
        let playback = PlaybackMotion::new(Arc::clone(&port), Arc::clone(&commands), Arc::clone(&waves));
        let playback = Arc::new(playback);
        let patterns =
            PatternService::new(Arc::clone(&playback), Arc::clone(&store), options.entropy.clone());
        let player = Arc::new(PlayerService::new(
            Arc::clone(&playback),
            Arc::clone(&feeds),
            Arc::clone(&store),
            options.scripts.clone(),
        ));
        tokio::spawn(pump::run(Arc::downgrade(&player)));
        let wave_requests = WaveRequests {
            port: Arc::clone(&port),
            settings: Arc::clone(&settings),
            bus: Arc::clone(&bus),
            waves: Arc::clone(&waves),
            remote: Arc::clone(&remote),
            budget: budget.clone(),
        };
        Arc::new(Context {
            port,
            settings,
            store,
            bus,
            commands,
            waves,
            feeds,
            playback,
            patterns: Arc::new(patterns),
            player,
            feed_listeners: Arc::default(),
            feed_mirrors: FeedMirrors::default(),
            wave_requests,
            commissioning,
            first_run: FirstRun::default(),
            devices,
            pairing: Arc::new(pairing),
            updates,
            hub: Arc::default(),
            counters: EventCounters::default(),
            control_events,
            remote,
            workers: Handle::current(),
            budget,
            restart: Notify::new(),
            options,
        })
    }
}
