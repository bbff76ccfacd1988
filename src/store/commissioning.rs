//! Commissioning record: what the first run has proven on this machine, step by step, with its evidence.
//!
//! It is about this machine and this wiring. Each step has the hash of the wiring that it was made with, and is due again
//! when that differs. A backup has the record, since the card of a machine may be exchanged; but no file proves that it
//! belongs to this machine. So a restored record, with its envelope and its wiring values, counts only once a person has
//! confirmed that ([`ConfirmReason::Restored`]), and never replaces one that was made here.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::wiring::WiringValues;
use crate::settings::ProvenLimits;

/// Largest number of steps in a record.
const MAX_STEPS: usize = 32;
/// Largest number of values in the evidence of a step.
const MAX_EVIDENCE: usize = 32;
/// Longest name of a step, of a value, and longest hash (bytes).
const NAME_BYTES: usize = 48;

/// Record of the first run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CommissioningRecord {
    /// The steps that were done, by name.
    pub steps: BTreeMap<String, StepRecord>,
    /// The envelope: the limits that were proven, beyond which settings are widened only by a person at the machine.
    pub envelope: Option<ProvenLimits>,
    /// What was found out about the wiring, for what the configuration file does not say.
    pub wiring: WiringValues,
    /// A person's word that the machine was tried by hand, in place of the steps.
    pub confirmed: Option<Confirmation>,
    /// The reason why a person is asked whether the machine works as it is wired.
    pub asks: Option<ConfirmReason>,
}

/// A step that was done.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StepRecord {
    /// Time at which it was done, in seconds since 1970.
    pub done_unix_s: u64,
    /// Hash of the wiring that the step depends on.
    pub wiring: String,
    /// What was measured and answered, with the unit in each name; an answer is 1 for yes and 0 for no.
    pub evidence: BTreeMap<String, f64>,
}

/// A person's word that the machine was tried by hand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Confirmation {
    /// Time of it, in seconds since 1970.
    pub unix_s: u64,
    /// Hash of the whole wiring.
    pub wiring: String,
}

/// The reason why a person is asked whether the machine works as it is wired.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ConfirmReason {
    /// It was calibrated before there was a record.
    InUseBefore,
    /// The record came with a backup, perhaps that of another machine.
    Restored,
}

impl CommissioningRecord {
    /// The record of a machine that had none when it was in use already: a person is asked.
    pub fn in_use_before() -> CommissioningRecord {
        CommissioningRecord { asks: Some(ConfirmReason::InUseBefore), ..CommissioningRecord::default() }
    }

    /// The envelope, if it was proven on this machine.
    pub fn proven_limits(&self) -> Option<ProvenLimits> {
        self.envelope.filter(|_| self.asks != Some(ConfirmReason::Restored))
    }

    /// The wiring values, if they were found out on this machine.
    pub fn wiring_in_use(&self) -> WiringValues {
        if self.asks == Some(ConfirmReason::Restored) { WiringValues::default() } else { self.wiring }
    }

    /// True if there is nothing in it.
    pub fn is_blank(&self) -> bool {
        *self == CommissioningRecord::default()
    }

    /// The record after a backup was restored: that of this machine if it has one of its own, else that of the backup,
    /// about which a person is asked.
    #[must_use]
    pub fn after_restoring(self, backup: CommissioningRecord) -> CommissioningRecord {
        let is_own = !self.is_blank() && self.asks != Some(ConfirmReason::Restored);
        if is_own {
            return self;
        }
        let asks = (!backup.is_blank()).then_some(ConfirmReason::Restored);
        CommissioningRecord { asks, ..backup }
    }

    /// Checks the bounds.
    ///
    /// # Errors
    /// A message about the first problem.
    pub fn check(&self) -> Result<(), String> {
        if self.steps.len() > MAX_STEPS {
            return Err(format!("at most {MAX_STEPS} steps, not {}", self.steps.len()));
        }
        for (name, step) in &self.steps {
            check_word(name)?;
            check_word(&step.wiring)?;
            if step.evidence.len() > MAX_EVIDENCE {
                return Err(format!("{name}: at most {MAX_EVIDENCE} values of evidence"));
            }
            for (key, value) in &step.evidence {
                check_word(key)?;
                if !value.is_finite() {
                    return Err(format!("{name}: {key} must be a finite number"));
                }
            }
        }
        self.wiring.check().map_err(|(key, why)| format!("wiring: {key} {why}"))?;
        if let Some(envelope) = &self.envelope {
            envelope.check().map_err(|wrong| format!("envelope: {wrong}"))?;
        }
        self.confirmed.as_ref().map_or(Ok(()), |confirmed| check_word(&confirmed.wiring))
    }
}

fn check_word(word: &str) -> Result<(), String> {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    if (1..=NAME_BYTES).contains(&word.len()) && word.bytes().all(plain) {
        Ok(())
    } else {
        Err(format!("{word:?} must be 1 to {NAME_BYTES} small letters, digits and _"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proven() -> CommissioningRecord {
        let evidence = BTreeMap::from([("spread_mm".to_owned(), 0.05)]);
        let step = StepRecord { done_unix_s: 7, wiring: "0a1b".to_owned(), evidence };
        CommissioningRecord { steps: BTreeMap::from([("calibrate".to_owned(), step)]), ..Default::default() }
    }

    #[test]
    fn a_restored_record_asks_and_never_replaces_an_own_one() {
        let restored = CommissioningRecord { asks: Some(ConfirmReason::Restored), ..proven() };
        let before = CommissioningRecord::in_use_before();
        let asks =
            CommissioningRecord { asks: Some(ConfirmReason::Restored), ..CommissioningRecord::default() };
        for (own, backup, after) in [
            (CommissioningRecord::default(), proven(), restored.clone()),
            (CommissioningRecord::default(), before.clone(), asks),
            (restored.clone(), CommissioningRecord::default(), CommissioningRecord::default()),
            (restored.clone(), proven(), restored),
            (proven(), CommissioningRecord::default(), proven()),
            (before.clone(), proven(), before),
        ] {
            assert_eq!(own.clone().after_restoring(backup.clone()), after, "{own:?} {backup:?}");
        }
    }

    #[test]
    fn what_is_too_large_or_no_number_is_refused() {
        assert_eq!(proven().check(), Ok(()));
        type Spoil = fn(&mut CommissioningRecord);
        let spoils: [Spoil; 5] = [
            |record| record.envelope = Some(ProvenLimits { stroke_mm: 0, ..ProvenLimits::of_defaults() }),
            |record| drop(record.steps.insert("Spaces here".to_owned(), record.steps["calibrate"].clone())),
            |record| {
                let step = record.steps.get_mut("calibrate").unwrap();
                step.evidence.insert("x".to_owned(), f64::NAN);
            },
            |record| record.steps.get_mut("calibrate").unwrap().wiring.clear(),
            |record| record.confirmed = Some(Confirmation { unix_s: 0, wiring: "a".repeat(49) }),
        ];
        for spoil in spoils {
            let mut record = proven();
            spoil(&mut record);
            assert!(record.check().is_err(), "{record:?}");
        }
    }
}
