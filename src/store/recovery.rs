//! Recovery report: how the store was opened, with its text for people.

use std::fmt;
use std::path::PathBuf;

use super::quarantine;
use crate::settings::Invalid;
use crate::wall_clock::readable;

/// Recovery report: where the state at the start comes from.
#[derive(Debug, Clone, PartialEq)]
pub enum Recovery {
    /// There was no store; everything has the values of a new machine.
    Fresh,
    /// The last saved state.
    Clean,
    /// The last saved state, migrated from the layout of an older program.
    Migrated {
        /// Version of the old layout.
        from: u8,
    },
    /// The database could not be used; the state of its copy is in force.
    Restored {
        /// Damage of the database.
        origin: DamageReport,
        /// Time of the copy.
        written_unix_s: u64,
    },
    /// The database and its copy could not be used; the defaults are in force.
    Defaults {
        /// Damage of the database.
        origin: DamageReport,
        /// Damage of the copy, if there was one.
        no_copy: Option<String>,
    },
    /// The database has lost its newest writes, and its copy is no newer. The older state is in force until the next
    /// save.
    RolledBack {
        /// Number of lost saves.
        lost: u64,
    },
    /// The stored settings are not allowed, as after an update with narrower bounds. The defaults are in force.
    Invalid {
        /// All problems.
        problems: Vec<Invalid>,
    },
    /// The system refuses access to the state folder. Nothing can be saved.
    Unavailable {
        /// The system's message.
        reason: String,
        /// Source of the state in force.
        in_force: InForce,
    },
}

/// Source of the state when nothing can be saved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InForce {
    /// The database, which could be read.
    Stored,
    /// The copy.
    Copy {
        /// Time of the copy.
        written_unix_s: u64,
    },
    /// The defaults.
    Defaults {
        /// True if the folder has a state that should have been in force.
        lost: bool,
    },
}

/// Damage of a database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DamageReport {
    /// Description of the damage.
    pub reason: String,
    /// Path that it was moved aside to.
    pub moved_to: Option<PathBuf>,
}

impl Recovery {
    /// True if nothing needs a warning.
    pub fn is_plain(&self) -> bool {
        matches!(self, Recovery::Fresh | Recovery::Clean | Recovery::Migrated { .. })
    }

    /// True if the settings in force are neither the user's last ones nor a copy of known date. A person must know of
    /// it before anything moves.
    pub fn has_lost_settings(&self) -> bool {
        match self {
            Recovery::Fresh
            | Recovery::Clean
            | Recovery::Migrated { .. }
            | Recovery::Restored { .. }
            | Recovery::Unavailable { in_force: InForce::Stored | InForce::Copy { .. }, .. } => false,
            Recovery::Defaults { .. } | Recovery::RolledBack { .. } | Recovery::Invalid { .. } => true,
            Recovery::Unavailable { in_force: InForce::Defaults { lost }, .. } => *lost,
        }
    }

    /// A stable word for programs.
    pub const fn code(&self) -> &'static str {
        match self {
            Recovery::Fresh => "fresh",
            Recovery::Clean => "clean",
            Recovery::Migrated { .. } => "migrated",
            Recovery::Restored { .. } => "restored",
            Recovery::Defaults { .. } => "defaults",
            Recovery::RolledBack { .. } => "rolled_back",
            Recovery::Invalid { .. } => "invalid",
            Recovery::Unavailable { .. } => "unavailable",
        }
    }
}

impl fmt::Display for DamageReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the store could not be used ({})", self.reason)?;
        match &self.moved_to {
            Some(moved_to) => {
                write!(f, " and is now {}", moved_to.display())?;
                match quarantine::number_of(moved_to) {
                    None | Some(1) => Ok(()),
                    Some(number) => {
                        write!(f, ", number {number} of its kind (the newest {} are kept)", quarantine::KEPT)
                    }
                }
            }
            None => Ok(()),
        }
    }
}

impl fmt::Display for Recovery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Recovery::Fresh => f.write_str("a new store was begun"),
            Recovery::Clean => f.write_str("the settings were loaded"),
            Recovery::Migrated { from } => {
                write!(f, "the settings were loaded, and brought from version {from} to the present one")
            }
            Recovery::Restored { origin, written_unix_s } => {
                write!(
                    f,
                    "{origin}: settings, calibration, waves, sessions and paired devices are those of "
                )?;
                write!(f, "its copy of {}; check them", readable(*written_unix_s))
            }
            Recovery::Defaults { origin, no_copy } => {
                let copy = no_copy.as_deref().unwrap_or("there is no copy of it");
                write!(f, "{origin}, and {copy}: the defaults are in force; check the settings")
            }
            Recovery::RolledBack { lost } => {
                write!(f, "the store was damaged and has lost the last {lost} saves: check the settings")
            }
            Recovery::Invalid { problems } => {
                f.write_str("stored settings are not allowed, the defaults are in force:")?;
                problems.iter().try_for_each(|problem| write!(f, " {problem};"))
            }
            Recovery::Unavailable { reason, in_force } => {
                let in_force = match in_force {
                    InForce::Stored => "what is stored is in force".to_owned(),
                    InForce::Copy { written_unix_s } => {
                        format!("the copy of {} is in force", readable(*written_unix_s))
                    }
                    InForce::Defaults { .. } => "the defaults are in force".to_owned(),
                };
                write!(f, "{reason}: {in_force}, and no change can be kept; mend that, then start again")
            }
        }
    }
}
