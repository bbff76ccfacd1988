//! The settings desk: changes come here one after the other, and are kept before they are in force.
//!
//! A change is made, written down so that a power cut cannot lose it, given to the machine, and only then
//! shown to anyone. If one of these fails, nothing has changed.

use std::sync::{Arc, PoisonError, RwLock};

use tokio::sync::{Mutex, MutexGuard};

use super::port::{BoxFuture, MachinePort, Mover};
use crate::machine::{Calibration, Command, Config, Refusal};
use crate::settings::{Invalid, Rail, Settings};
use crate::store::Store;

/// Where settings are written down.
pub trait Keeper: Send + Sync {
    /// Returns once a power cut can no longer lose them, or with why they could not be written.
    fn keep(&self, settings: Settings) -> BoxFuture<'_, Result<(), String>>;
}

impl Keeper for Store {
    fn keep(&self, settings: Settings) -> BoxFuture<'_, Result<(), String>> {
        Box::pin(async move { self.save(settings).await.map_err(|error| error.to_string()) })
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
    NotKept(String),
    /// The machine does not take them.
    Refused(Refusal),
}

/// The settings, and who must know of a change.
pub struct Desk {
    port: Arc<dyn MachinePort>,
    keeper: Box<dyn Keeper>,
    rail: Rail,
    current: RwLock<Settings>,
    /// Held by the change that is being made.
    turn: Mutex<()>,
}

impl Desk {
    /// A desk with the settings that are in force.
    #[must_use]
    pub fn new(
        port: Arc<dyn MachinePort>,
        settings: Settings,
        keeper: impl Keeper + 'static,
        rail: Rail,
    ) -> Desk {
        let keeper = Box::new(keeper);
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
        self.keeper.keep(after.clone()).await.map_err(Denied::NotKept)?;
        if let Err(refusal) = self.hand_over(&after, &turn).await {
            if let Err(error) = self.keeper.keep(before).await {
                tracing::error!(%error, "settings that the machine refused are written down");
            }
            return Err(Denied::Refused(refusal));
        }
        self.put_in_force(after.clone());
        Ok(after)
    }

    /// Gives the machine the settings that are in force once more.
    ///
    /// # Errors
    /// The machine's refusal.
    pub async fn apply_again(&self) -> Result<(), Refusal> {
        let turn = self.turn.lock().await;
        self.hand_over(&self.current(), &turn).await
    }

    /// Takes over what a calibration of this machine found. The machine knows it already.
    ///
    /// # Errors
    /// Why it could not be written down; it is in force all the same, for it is what was measured.
    pub async fn calibrated(&self, found: &Calibration) -> Result<(), String> {
        let _turn = self.turn.lock().await;
        let after = self.current().with_calibration(found);
        self.put_in_force(after.clone());
        self.keeper.keep(after).await
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
