//! How the start of the store went, in words.

use std::fmt;
use std::path::PathBuf;

use super::quarantine;
use crate::settings::Invalid;
use crate::wall_clock::readable;

/// How the start of the store went.
#[derive(Debug, Clone, PartialEq)]
pub enum Recovery {
    /// There was no store; everything is as on a new machine.
    Fresh,
    /// Everything is as it was saved last.
    Clean,
    /// Everything is as it was saved last, by an older program, in its form. It was rewritten in the present one.
    Migrated {
        /// The version of the form.
        from: u8,
    },
    /// The database could not be used. Its copy is in force.
    Restored {
        /// What was wrong with it.
        origin: DamageReport,
        /// When the copy was written.
        written_unix_s: u64,
    },
    /// The database could not be used, and there is no copy of it. The defaults are in force.
    Defaults {
        /// What was wrong with it.
        origin: DamageReport,
        /// What was wrong with the copy, if there was one.
        no_copy: Option<String>,
    },
    /// The database has lost its newest writes, and its copy is no newer. What is in force is older, until the next
    /// save.
    RolledBack {
        /// How many saves are lost.
        lost: u64,
    },
    /// Stored settings are not allowed, as after an update with narrower bounds. The defaults are in force.
    Invalid {
        /// All that is wrong.
        problems: Vec<Invalid>,
    },
    /// The system does not let us use the state folder. Nothing can be saved.
    Unavailable {
        /// The system's reason.
        reason: String,
        /// What the machine runs with.
        in_force: InForce,
    },
}

/// What the machine runs with when nothing can be saved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InForce {
    /// What is stored: that could be read.
    Stored,
    /// The copy.
    Copy {
        /// When it was written.
        written_unix_s: u64,
    },
    /// The defaults.
    Defaults {
        /// Whether there is something in the folder that should have been in force.
        lost: bool,
    },
}

/// What was wrong with a database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DamageReport {
    /// What was wrong with it.
    pub reason: String,
    /// Where it is now, when it was moved aside.
    pub moved_to: Option<PathBuf>,
}

impl Recovery {
    /// Whether nothing is worth a warning.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        matches!(self, Recovery::Fresh | Recovery::Clean | Recovery::Migrated { .. })
    }

    /// Whether settings are in force that are not the user's last ones, and not a copy of known date either. A person
    /// has to know before anything moves.
    #[must_use]
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
    #[must_use]
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
                write!(f, "{origin}: settings, calibration, waves and sessions are those of ")?;
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
