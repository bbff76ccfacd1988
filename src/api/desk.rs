//! The settings desk: changes come here one after the other, and are kept before they are in force.
//!
//! A change is made, written down so that a power cut cannot lose it, given to the machine, and only then
//! shown to anyone. If one of these fails, nothing has changed.

use std::sync::{Arc, PoisonError, RwLock};

use tokio::sync::{Mutex, MutexGuard};

use super::port::{BoxFuture, MachinePort, Mover};
use crate::machine::{Calibration, Command, Config, Refusal};
use crate::settings::{Invalid, Rail, Settings};
use crate::store::{self, Recovery, State, Store, StoreError};

/// Where things are written down.
pub trait Keeper: Send + Sync {
    /// Returns once a power cut can no longer lose it, or with why it could not be written.
    fn keep(&self, change: store::Change) -> BoxFuture<'_, Result<(), StoreError>>;

    /// Everything that is written down, and how often something was.
    fn kept(&self) -> (Arc<State>, u64);

    /// How it came about.
    fn recovery(&self) -> &Recovery;
}

impl Keeper for Store {
    fn keep(&self, change: store::Change) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(self.save(change))
    }

    fn kept(&self) -> (Arc<State>, u64) {
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
    Refused(Refusal),
}

/// The settings, and who must know of a change.
pub struct Desk {
    port: Arc<dyn MachinePort>,
    keeper: Arc<dyn Keeper>,
    rail: Rail,
    current: RwLock<Settings>,
    /// Held by the change that is being made.
    turn: Mutex<()>,
}

impl Desk {
    /// A desk with the settings that are in force.
    #[must_use]
    pub fn new(port: Arc<dyn MachinePort>, settings: Settings, keeper: Arc<dyn Keeper>, rail: Rail) -> Desk {
        Desk { port, keeper, rail, current: RwLock::new(settings), turn: Mutex::new(()) }
    }

    /// The settings that are in force.
    #[must_use]
    pub fn current(&self) -> Settings {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The settings that are in force, as the machine takes them.
    #[must_use]
    pub fn config(&self) -> Config {
        self.current().config(&self.rail)
    }

    /// Replaces the settings by what `make` makes of them. Not to be cancelled half-way: run it in a task.
    ///
    /// # Errors
    /// [`Denied`]; then nothing has changed.
    pub async fn change(
        &self,
        make: impl FnOnce(&Settings) -> Result<Settings, Denied>,
    ) -> Result<Settings, Denied> {
        let turn = self.turn.lock().await;
        let before = self.current();
        let after = make(&before)?;
        self.can_be_stepped(&after)?;
        self.establish(after.clone(), after.clone().into(), before.into(), turn).await?;
        Ok(after)
    }

    /// Replaces everything that is written down, and with it the settings. Not to be cancelled half-way.
    ///
    /// # Errors
    /// [`Denied`]; then nothing has changed.
    pub async fn replace_everything(&self, state: State) -> Result<(), Denied> {
        let turn = self.turn.lock().await;
        let moving = self.port.snapshots().borrow().state;
        if moving.is_moving() {
            return Err(Denied::Moving(moving));
        }
        // Also what could not be written down when it came into force.
        let before = State { settings: self.current(), ..(*self.keeper.kept().0).clone() };
        let settings = state.settings.clone();
        self.can_be_stepped(&settings)?;
        let [after, before] = [state, before].map(|state| store::Change::Everything(Box::new(state)));
        self.establish(settings, after, before, turn).await?;
        if let Some(load_cell) = self.port.load_cell() {
            load_cell.scale_replaced();
        }
        Ok(())
    }

    /// A yep-machine elsewhere has pulses of its own.
    fn can_be_stepped(&self, settings: &Settings) -> Result<(), Denied> {
        match self.port.mover() {
            Mover::Remote => Ok(()),
            Mover::Local => {
                settings.check_step_rate(&self.rail).map_err(|wrong| Denied::Invalid(vec![wrong]))
            }
        }
    }

    /// Writes `after` down and gives the settings to the machine; when that refuses them, writes `before` down.
    async fn establish(
        &self,
        settings: Settings,
        after: store::Change,
        before: store::Change,
        turn: MutexGuard<'_, ()>,
    ) -> Result<(), Denied> {
        self.keeper.keep(after).await.map_err(Denied::NotKept)?;
        if let Err(refusal) = self.hand_over(&settings, &turn).await {
            if let Err(error) = self.keeper.keep(before).await {
                tracing::error!(%error, "settings that the machine refused are written down");
            }
            return Err(Denied::Refused(refusal));
        }
        self.put_in_force(settings);
        Ok(())
    }

    /// Gives the machine the settings that are in force once more.
    ///
    /// # Errors
    /// The machine's refusal.
    pub async fn apply_again(&self) -> Result<(), Refusal> {
        let turn = self.turn.lock().await;
        self.hand_over(&self.current(), &turn).await
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

    async fn hand_over(&self, settings: &Settings, _turn: &MutexGuard<'_, ()>) -> Result<(), Refusal> {
        match self.port.mover() {
            // A yep-machine reads the settings for itself when it hears that there are new ones.
            Mover::Remote => Ok(()),
            Mover::Local => {
                let config = settings.config(&self.rail);
                self.port.command(Command::UpdateSettings(config)).await.map(|_| ())
            }
        }
    }

    fn put_in_force(&self, settings: Settings) {
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = settings;
    }
}
