//! The settings service: changes come here one after the other, and are stored before they are in force.
//!
//! A change is made, written down so that a power cut cannot lose it, given to the machine, and only then
//! shown to anyone. If one of these fails, nothing has changed.

use std::sync::{Arc, PoisonError, RwLock};

use tokio::sync::{Mutex, MutexGuard};

use super::port::{BoxFuture, MachineLocation, MachinePort};
use crate::machine::{Calibration, Command, CommandRefusal, Config};
use crate::settings::{Invalid, ProvenLimits, RailGeometry, Settings};
use crate::store::{self, Recovery, Store, StoreError, StoredState};

/// Where things are written down.
pub trait SettingsStore: Send + Sync {
    /// Returns once a power cut can no longer lose it, or with why it could not be written.
    fn keep(&self, change: store::StateChange) -> BoxFuture<'_, Result<(), StoreError>>;

    /// Everything that is written down, and how often something was.
    fn kept(&self) -> (Arc<StoredState>, u64);

    /// How it came about.
    fn recovery(&self) -> &Recovery;
}

impl SettingsStore for Store {
    fn keep(&self, change: store::StateChange) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(self.save(change))
    }

    fn kept(&self) -> (Arc<StoredState>, u64) {
        (self.state(), self.generation())
    }

    fn recovery(&self) -> &Recovery {
        Store::recovery(self)
    }
}

/// Why a change was not made.
#[derive(Debug, PartialEq)]
pub enum Denied {
    /// There are no settings with that id.
    Unknown,
    /// The new settings are impossible.
    Invalid(Vec<Invalid>),
    /// This is done at rest only.
    Moving(crate::machine::State),
    /// They could not be written down.
    NotKept(StoreError),
    /// The machine does not take them.
    Refused(CommandRefusal),
    /// They let the axis do more than its client may allow.
    TooWide(Authority),
}

/// How far a client may change what the axis may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Authority {
    /// It may narrow.
    Narrow,
    /// It may widen inside the envelope: the limits that the first run has proven, or what the default settings allow.
    Envelope,
    /// It may do everything: its person is at the machine, or it is the machine.
    Whole,
}

impl Authority {
    /// Stable name for programs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Authority::Narrow => "none",
            Authority::Envelope => "inside_envelope",
            Authority::Whole => "any",
        }
    }
}

/// The settings, and who must know of a change.
pub struct SettingsService {
    port: Arc<dyn MachinePort>,
    keeper: Arc<dyn SettingsStore>,
    rail: RailGeometry,
    current: RwLock<SettingsInForce>,
    /// Held by the change that is being made.
    turn: Mutex<()>,
}

/// Settings with the configuration that follows from them, which is made once for all requests that read it.
struct SettingsInForce {
    settings: Settings,
    config: Config,
}

impl SettingsInForce {
    fn new(settings: Settings, rail: &RailGeometry) -> SettingsInForce {
        SettingsInForce { config: settings.config(rail), settings }
    }
}

impl SettingsService {
    /// A service with the settings that are in force.
    #[must_use]
    pub fn new(
        port: Arc<dyn MachinePort>,
        settings: Settings,
        keeper: Arc<dyn SettingsStore>,
        rail: RailGeometry,
    ) -> SettingsService {
        let current = RwLock::new(SettingsInForce::new(settings, &rail));
        SettingsService { port, keeper, rail, current, turn: Mutex::new(()) }
    }

    /// The settings that are in force.
    #[must_use]
    pub fn current(&self) -> Settings {
        self.current.read().unwrap_or_else(PoisonError::into_inner).settings.clone()
    }

    /// The settings that are in force, as the machine takes them.
    #[must_use]
    pub fn config(&self) -> Config {
        self.current.read().unwrap_or_else(PoisonError::into_inner).config
    }

    /// The envelope: the limits that the first run has proven, and without one the default settings.
    #[must_use]
    pub fn envelope(&self) -> ProvenLimits {
        let proven = self.keeper.kept().0.commissioning.proven_limits();
        proven.unwrap_or_else(ProvenLimits::of_defaults)
    }

    /// Default settings, in a document with this id, inside the envelope.
    #[must_use]
    pub fn fresh(&self, id: String) -> Settings {
        self.envelope().narrow(Settings::fresh(id))
    }

    /// Replaces the settings by what `make` makes of them. Not to be cancelled half-way: run it in a task.
    ///
    /// # Errors
    /// [`Denied`]; then nothing has changed.
    pub async fn change(
        &self,
        authority: Authority,
        make: impl FnOnce(&Settings) -> Result<Settings, Denied>,
    ) -> Result<Settings, Denied> {
        let turn = self.turn.lock().await;
        let before = self.current();
        let after = make(&before)?;
        self.check(&after)?;
        self.check_authority(authority, &after)?;
        let config = after.config(&self.rail);
        self.establish(&after, Command::UpdateSettings(config), after.clone().into(), before.into(), turn)
            .await?;
        Ok(after)
    }

    /// Begins anew with these settings, at rest only. Not to be cancelled half-way.
    ///
    /// # Errors
    /// [`Denied`]; then nothing has changed.
    pub async fn replace(&self, after: Settings) -> Result<(), Denied> {
        let turn = self.turn.lock().await;
        self.rests()?;
        let before = self.current();
        self.check(&after)?;
        let config = after.config(&self.rail);
        self.establish(&after, Command::ReplaceSettings(config), after.clone().into(), before.into(), turn)
            .await
    }

    /// Replaces everything that is written down, and with it the settings. Not to be cancelled half-way.
    ///
    /// # Errors
    /// [`Denied`]; then nothing has changed.
    pub async fn replace_everything(&self, authority: Authority, state: StoredState) -> Result<(), Denied> {
        let turn = self.turn.lock().await;
        self.rests()?;
        self.check_authority(authority, &state.settings)?;
        // Also what could not be written down when it came into force.
        let before = StoredState { settings: self.current(), ..(*self.keeper.kept().0).clone() };
        let settings = match state.settings.with_a_firm_stop() {
            Some((raised, why)) => {
                tracing::warn!("in the backup, {why}");
                raised
            }
            None => state.settings.clone(),
        };
        let state = StoredState { settings: settings.clone(), ..state };
        self.check(&settings)?;
        let [after, before] = [state, before].map(|state| store::StateChange::Everything(Box::new(state)));
        let replaces = Command::ReplaceSettings(settings.config(&self.rail));
        self.establish(&settings, replaces, after, before, turn).await?;
        if let Some(load_cell) = self.port.load_cell() {
            load_cell.reload_scale();
        }
        Ok(())
    }

    /// An early refusal, before anything is written down; the machine decides for itself whether it rests.
    fn rests(&self) -> Result<(), Denied> {
        let state = self.port.snapshots().borrow().state;
        if state.is_moving() { Err(Denied::Moving(state)) } else { Ok(()) }
    }

    fn check_authority(&self, authority: Authority, after: &Settings) -> Result<(), Denied> {
        let (before, after) = (self.config(), after.config(&self.rail));
        let is_too_wide = match authority {
            Authority::Whole => false,
            Authority::Narrow => after.needs_rest_after(&before),
            Authority::Envelope => after.exceeds(&self.envelope().config(&self.rail), &before),
        };
        if is_too_wide { Err(Denied::TooWide(authority)) } else { Ok(()) }
    }

    /// A yep-machine elsewhere has pulses of its own.
    fn check(&self, settings: &Settings) -> Result<(), Denied> {
        settings.check_stop().map_err(|wrong| Denied::Invalid(vec![wrong]))?;
        match self.port.location() {
            MachineLocation::Remote => Ok(()),
            MachineLocation::Local => {
                settings.check_step_rate(&self.rail).map_err(|wrong| Denied::Invalid(vec![wrong]))
            }
        }
    }

    /// Writes `after` down and gives the settings to the machine with `command`; when that refuses them, writes `before` down.
    async fn establish(
        &self,
        settings: &Settings,
        command: Command,
        after: store::StateChange,
        before: store::StateChange,
        turn: MutexGuard<'_, ()>,
    ) -> Result<(), Denied> {
        self.keeper.keep(after).await.map_err(Denied::NotKept)?;
        if let Err(refusal) = self.hand_over(command, &turn).await {
            if let Err(error) = self.keeper.keep(before).await {
                tracing::error!(%error, "settings that the machine refused are written down");
            }
            return Err(match refusal {
                CommandRefusal::Moving(state) => Denied::Moving(state),
                refusal => Denied::Refused(refusal),
            });
        }
        self.put_in_force(settings.clone());
        Ok(())
    }

    /// Gives the machine the settings that are in force once more.
    ///
    /// # Errors
    /// The machine's refusal.
    pub async fn apply_again(&self) -> Result<(), CommandRefusal> {
        let turn = self.turn.lock().await;
        self.hand_over(Command::UpdateSettings(self.config()), &turn).await
    }

    /// Takes over what a calibration of this machine found at that time. The machine knows it already.
    ///
    /// # Errors
    /// Why it could not be written down; it is in force all the same, for it is what was measured.
    pub async fn calibrated(&self, found: &Calibration, at_unix_s: u64) -> Result<(), StoreError> {
        let _turn = self.turn.lock().await;
        let mut after = self.current().with_calibration(found);
        after.calibrated_unix_s = after.travel_steps.map(|_| at_unix_s);
        self.put_in_force(after.clone());
        self.keeper.keep(after.into()).await
    }

    async fn hand_over(&self, command: Command, _turn: &MutexGuard<'_, ()>) -> Result<(), CommandRefusal> {
        match self.port.location() {
            // A yep-machine reads the settings for itself when it hears that there are new ones.
            MachineLocation::Remote => Ok(()),
            MachineLocation::Local => self.port.command(command).await.map(|_| ()),
        }
    }

    fn put_in_force(&self, settings: Settings) {
        let in_force = SettingsInForce::new(settings, &self.rail);
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = in_force;
    }
}
