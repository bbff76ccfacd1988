//! Which of the two systems starts, and how often a new one is tried.
//!
//! The firmware always starts the default system (`autoboot`), unless it was asked for a single start of the other one. So a
//! new system is never started but by the old one, which counts each try *before* it asks for it: a kernel that does not
//! even begin is counted as well. Only the new system itself makes itself the default, once it is healthy.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::LeftBehind;

/// Starts of a new system before it is given up.
pub const TRIES: u8 = 3;

/// One of the two systems of a card.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SystemSlot {
    /// The system of a new card.
    #[default]
    A,
    /// The other one.
    B,
}

impl SystemSlot {
    /// The other one.
    pub fn other(self) -> SystemSlot {
        match self {
            SystemSlot::A => SystemSlot::B,
            SystemSlot::B => SystemSlot::A,
        }
    }

    /// The letter of its partitions.
    pub fn letter(self) -> char {
        match self {
            SystemSlot::A => 'a',
            SystemSlot::B => 'b',
        }
    }

    /// The last digit of the number of its root partition, as it is on the kernel's command line.
    pub fn mark(self) -> u8 {
        match self {
            SystemSlot::A => b'5',
            SystemSlot::B => b'6',
        }
    }

    /// The slot of a running system, from the kernel's command line: `root=PARTUUID=<disk>-05`.
    pub fn of_kernel_line(line: &str) -> Option<SystemSlot> {
        let root = line.split_whitespace().find_map(|word| word.strip_prefix("root=PARTUUID="))?;
        [SystemSlot::A, SystemSlot::B]
            .into_iter()
            .find(|slot| root.as_bytes().ends_with(&[b'-', b'0', slot.mark()]))
    }
}

impl fmt::Display for SystemSlot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "system {}", self.letter())
    }
}

/// A new system that has not proven itself yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlotTrial {
    /// Where it is.
    pub slot: SystemSlot,
    /// Its version, for people.
    pub title: String,
    /// Tries that are left.
    pub tries_left: u8,
}

/// How the last trial ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrialEnd {
    /// The tried system.
    pub slot: SystemSlot,
    /// Its version, for people.
    pub title: String,
    /// True if it proved itself.
    pub stays: bool,
    /// Why, for people.
    pub why: String,
}

/// What the card remembers of its two systems.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlotRecord {
    /// The running trial.
    pub trial: Option<SlotTrial>,
    /// The end of the last one.
    pub last: Option<TrialEnd>,
    /// Version of the whole system in the slot that is not the default; `None` if there is none that can be started.
    pub spare: Option<String>,
    /// Version of the system that wrote the trial, and is the other one once the trial has ended well.
    pub replaced: Option<String>,
    /// What a try has said of its failure.
    pub trouble: Option<String>,
    /// What was changed under the other system, if the running one has its own state back.
    #[serde(default)]
    pub left_behind: Option<LeftBehind>,
}

/// What a starting system does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StartAction {
    /// It is the one that is to run.
    Go,
    /// It is new, and has to prove itself.
    Prove,
    /// It asks the firmware for one start of the other system. The try is counted: the record is written first.
    TryOther,
}

impl SlotRecord {
    /// Before the first byte of an update is written: the spare slot has no system any more.
    pub fn begin_writing(&mut self) {
        *self = SlotRecord { last: self.last.take(), ..SlotRecord::default() };
    }

    /// A whole and verified system is in `slot`: it is tried from the next start on.
    pub fn begin_trial(&mut self, slot: SystemSlot, title: String, running: String) {
        self.spare = Some(title.clone());
        self.replaced = Some(running);
        (self.trouble, self.left_behind) = (None, None);
        self.trial = Some(SlotTrial { slot, title, tries_left: TRIES });
    }

    /// At each start, before anything else; `default` is the slot that the firmware starts by itself.
    pub fn start(&mut self, running: SystemSlot, default: SystemSlot) -> StartAction {
        let Some(trial) = &mut self.trial else { return StartAction::Go };
        if trial.slot == default {
            // It proved itself, and the power was cut before that was noted here.
            self.note_proven();
            return StartAction::Go;
        }
        if trial.slot == running {
            return StartAction::Prove;
        }
        if let Some(left) = trial.tries_left.checked_sub(1) {
            trial.tries_left = left;
            return StartAction::TryOther;
        }
        let why = self.trouble.take().unwrap_or_else(|| "it never got as far as to say why".into());
        self.give_up(why);
        StartAction::Go
    }

    /// The trial has ended well; the firmware already starts the new system.
    pub fn note_proven(&mut self) {
        if let Some(SlotTrial { slot, title, .. }) = self.trial.take() {
            self.last = Some(TrialEnd { slot, title, stays: true, why: "it is healthy".into() });
            self.spare = self.replaced.take();
            self.trouble = None;
        }
    }

    /// Ends the trial; the default system goes on.
    pub fn give_up(&mut self, why: String) {
        if let Some(SlotTrial { slot, title, .. }) = self.trial.take() {
            self.last = Some(TrialEnd { slot, title, stays: false, why });
        }
    }
}
