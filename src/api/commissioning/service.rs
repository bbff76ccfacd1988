//! The record of the first run against the wiring of now: which steps are done, and whether the machine may move.
//!
//! The record is in the store, the wiring in the configuration and the settings; this service holds neither of them.

use std::sync::Arc;

use tokio::sync::Mutex;

use super::step::CommissioningStep;
use super::wiring::{WiringFact, WiringFacts, WiringSource};
use crate::api::settings_service::{SettingsService, SettingsStore};
use crate::settings::{Invalid, ProvenLimits, RailGeometry};
use crate::store::{
    CommissioningRecord, ConfirmReason, Confirmation, StateChange, StepRecord, StoreError, WiringValues,
};
use crate::wall_clock;

/// Whether the machine has to be commissioned before it moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CommissioningNeed {
    /// It may be, and moves without it: a simulated machine.
    #[default]
    Optional,
    /// Nothing but homing and the nudge moves it before.
    Required,
    /// The configuration says that it was done by hand.
    ByHand,
}

impl CommissioningNeed {
    /// Stable name for programs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            CommissioningNeed::Optional => "optional",
            CommissioningNeed::Required => "required",
            CommissioningNeed::ByHand => "by_hand",
        }
    }
}

/// What the configuration says of the first run.
#[derive(Debug, Clone, Default)]
pub struct CommissioningRules {
    /// Whether it is needed.
    pub need: CommissioningNeed,
    /// How the machine is wired.
    pub wiring: WiringFacts,
    /// True if a force sensor is configured.
    pub has_force_sensor: bool,
    /// The mechanics that would follow from these stored values, at the next start.
    pub rail: RailOf,
}

/// Makes the mechanics of stored values, together with what the configuration file says.
#[derive(Clone)]
pub struct RailOf(pub Arc<dyn Fn(&WiringValues) -> RailGeometry + Send + Sync>);

impl Default for RailOf {
    fn default() -> RailOf {
        RailOf(Arc::new(|_| RailGeometry::default()))
    }
}

impl std::fmt::Debug for RailOf {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RailOf")
    }
}

/// Why wiring values were not stored.
#[derive(Debug, PartialEq)]
pub enum WiringRefusal {
    /// The configuration file says these keys, and wins.
    FixedInFile(Vec<&'static str>),
    /// The pulses could not be as fast as the settings ask for.
    StepRate(Invalid),
    /// More steps to a millimetre make every motion faster than its numbers say, homing among them.
    NotPresent,
    /// It could not be written down.
    NotKept(StoreError),
}

/// How far a step is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StepProgress {
    /// It was done with this wiring.
    Done,
    /// It was done with another wiring, and has to be done again.
    Due,
    /// It was not done yet.
    Open,
    /// There is nothing that it could prove here.
    NotNeeded,
}

impl StepProgress {
    /// Stable name for programs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            StepProgress::Done => "done",
            StepProgress::Due => "due",
            StepProgress::Open => "open",
            StepProgress::NotNeeded => "not_needed",
        }
    }
}

/// Why a record was not confirmed.
#[derive(Debug, PartialEq)]
pub enum ConfirmRefusal {
    /// Nobody asks.
    NothingAsked,
    /// The record came with a backup, and nobody has shown to be at the machine.
    NotPresent,
    /// It could not be written down.
    NotKept(StoreError),
}

/// The record of the first run, and the rules about it.
pub struct CommissioningService {
    rules: CommissioningRules,
    store: Arc<dyn SettingsStore>,
    settings: Arc<SettingsService>,
    /// Held while the record is changed.
    turn: Mutex<()>,
}

impl CommissioningService {
    /// With the record in `store`.
    #[must_use]
    pub fn new(
        rules: CommissioningRules,
        store: Arc<dyn SettingsStore>,
        settings: Arc<SettingsService>,
    ) -> CommissioningService {
        CommissioningService { rules, store, settings, turn: Mutex::default() }
    }

    /// Whether the machine has to be commissioned before it moves.
    #[must_use]
    pub fn need(&self) -> CommissioningNeed {
        self.rules.need
    }

    /// The record.
    #[must_use]
    pub fn record(&self) -> CommissioningRecord {
        self.store.kept().0.commissioning.clone()
    }

    /// How the machine is wired, with the settings that say so.
    #[must_use]
    pub fn wiring(&self) -> WiringFacts {
        let settings = self.settings.current();
        let document = &settings.document;
        let wiring = self.rules.wiring.clone();
        wiring
            .with_source("settings.microsteps_per_rev", document.microsteps_per_rev, WiringSource::Settings)
            .with_source("settings.max_stroke_mm", document.max_stroke, WiringSource::Settings)
    }

    /// How far a step is, by the record and the wiring.
    #[must_use]
    pub fn progress(
        &self,
        step: CommissioningStep,
        record: &CommissioningRecord,
        wiring: &WiringFacts,
    ) -> StepProgress {
        if step == CommissioningStep::Force && !self.rules.has_force_sensor {
            return StepProgress::NotNeeded;
        }
        match record.steps.get(step.name()) {
            None => StepProgress::Open,
            Some(done) if done.wiring == wiring.hash_of(step.depends_on()) => StepProgress::Done,
            Some(_) => StepProgress::Due,
        }
    }

    /// True if every step is done with this wiring, or a person has said that the machine works as it is wired.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        let (record, wiring) = (self.record(), self.wiring());
        let confirmed = record.confirmed.as_ref();
        if record.asks.is_some() {
            return false;
        }
        if confirmed.is_some_and(|confirmed| confirmed.wiring == wiring.hash_of(&[""])) {
            return true;
        }
        CommissioningStep::ALL.into_iter().all(|step| {
            matches!(self.progress(step, &record, &wiring), StepProgress::Done | StepProgress::NotNeeded)
        })
    }

    /// True if nothing but homing and the nudge may move the machine yet.
    #[must_use]
    pub fn bars_motion(&self) -> bool {
        self.rules.need == CommissioningNeed::Required && !self.is_complete()
    }

    /// A person says whether the machine works as it is wired, where somebody asks: it was in use before there was a record, or
    /// the record came with a backup. That it belongs to this machine only somebody who `is_present` can say.
    ///
    /// # Errors
    /// [`ConfirmRefusal`]; then nothing has changed.
    pub async fn confirm(&self, works: bool, is_present: bool) -> Result<(), ConfirmRefusal> {
        let _turn = self.turn.lock().await;
        let mut record = self.record();
        match record.asks.take() {
            None => return Err(ConfirmRefusal::NothingAsked),
            Some(ConfirmReason::Restored) if works && !is_present => return Err(ConfirmRefusal::NotPresent),
            Some(_) => {}
        }
        if works {
            // The next start takes the values of a record that is this machine's.
            let wiring = self.wiring().with_stored(&record.wiring).hash_of(&[""]);
            record.confirmed = Some(Confirmation { unix_s: wall_clock::now_unix_s(), wiring });
        } else {
            // Whatever was proven was proven elsewhere.
            record = CommissioningRecord::default();
        }
        self.keep(record).await.map_err(ConfirmRefusal::NotKept)
    }

    /// Writes down that a step was done, with its evidence.
    ///
    /// # Errors
    /// [`StoreError`]; then it is not done.
    pub async fn done(
        &self,
        step: CommissioningStep,
        evidence: impl IntoIterator<Item = (&'static str, f64)>,
    ) -> Result<(), StoreError> {
        let _turn = self.turn.lock().await;
        let mut record = self.record();
        let step_record = StepRecord {
            done_unix_s: wall_clock::now_unix_s(),
            wiring: self.wiring().hash_of(step.depends_on()),
            evidence: evidence.into_iter().map(|(key, value)| (key.to_owned(), value)).collect(),
        };
        record.steps.insert(step.name().to_owned(), step_record);
        self.keep(record).await
    }

    /// True if a force sensor is configured.
    #[must_use]
    pub fn has_force_sensor(&self) -> bool {
        self.rules.has_force_sensor
    }

    /// The value that the next start takes for a key, if it is another one than is in force.
    #[must_use]
    pub fn at_next_start(fact: &WiringFact, stored: &WiringValues) -> Option<String> {
        let stored = stored.said().find(|(key, _)| *key == fact.key).map(|(_, value)| value);
        stored.filter(|value| fact.source != WiringSource::File && *value != fact.value)
    }

    /// True if the next start takes another value than is in force.
    #[must_use]
    pub fn waits_for_a_start(&self) -> bool {
        let stored = self.record().wiring_in_use();
        self.wiring().iter().any(|fact| Self::at_next_start(fact, &stored).is_some())
    }

    /// Stores wiring values, which the next start takes. The steps that depend on them are due again then. More steps to a millimetre
    /// takes a person who `is_present`.
    ///
    /// # Errors
    /// [`WiringRefusal`]; then nothing has changed.
    pub async fn set_wiring(&self, change: &WiringValues, is_present: bool) -> Result<(), WiringRefusal> {
        let fixed = change.said().map(|(key, _)| key).filter(|key| self.rules.wiring.is_fixed(key));
        let fixed: Vec<_> = fixed.collect();
        if !fixed.is_empty() {
            return Err(WiringRefusal::FixedInFile(fixed));
        }
        let _turn = self.turn.lock().await;
        let record = self.record();
        let wiring = record.wiring.changed(change);
        // A start with settings that the pulses cannot follow would be refused.
        let rail = (self.rules.rail.0)(&wiring);
        let settings = self.settings.current();
        settings.check_step_rate(&rail).map_err(WiringRefusal::StepRate)?;
        let is_finer = settings.config(&rail).geometry.nominal > self.settings.config().geometry.nominal;
        if change.travel_per_turn_mm.is_some() && is_finer && !is_present {
            return Err(WiringRefusal::NotPresent);
        }
        self.keep(CommissioningRecord { wiring, ..record }).await.map_err(WiringRefusal::NotKept)
    }

    /// Sets the envelope.
    ///
    /// # Errors
    /// [`StoreError`]; then it is as before.
    pub async fn set_envelope(&self, envelope: ProvenLimits) -> Result<(), StoreError> {
        let _turn = self.turn.lock().await;
        self.keep(CommissioningRecord { envelope: Some(envelope), ..self.record() }).await
    }

    async fn keep(&self, record: CommissioningRecord) -> Result<(), StoreError> {
        self.store.keep(StateChange::Commissioning(record)).await
    }
}
