//! Audit log: who was paired, refused or revoked, and who took the control lease by force; the newest entries.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::session::{MAX_WHOLE, check_whole};
use crate::settings::without_controls;

/// Number of entries that are kept, the newest.
pub const MAX_AUDIT: usize = 100;
/// Longest address or name of who acted (characters).
pub const WHO_CHARS: usize = 128;
/// Longest description (characters).
pub const DETAIL_CHARS: usize = 200;

/// An act of the audit log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
// The order is stored: append only.
pub enum AuditAct {
    /// A device was paired.
    Paired,
    /// A pairing was refused.
    Refused,
    /// A device was revoked.
    Revoked,
    /// The role of a device was changed.
    RoleChanged,
    /// A device was renamed.
    Renamed,
    /// The control lease was taken by force.
    LeaseForced,
    /// A pairing code was burnt by wrong tries.
    CodeBurnt,
    /// A pairing window was opened.
    WindowOpened,
    /// Somebody proved to be at the machine.
    PresenceProven,
    /// A person said whether the machine works as it is wired.
    Confirmed,
    /// The envelope was set.
    EnvelopeSet,
    /// Wiring values were stored.
    WiringSet,
    /// A step of the first run was proven.
    StepProven,
}

impl AuditAct {
    /// Name, for people and programs.
    pub const fn name(self) -> &'static str {
        match self {
            AuditAct::Paired => "paired",
            AuditAct::Refused => "refused",
            AuditAct::Revoked => "revoked",
            AuditAct::RoleChanged => "role_changed",
            AuditAct::Renamed => "renamed",
            AuditAct::LeaseForced => "lease_forced",
            AuditAct::CodeBurnt => "code_burnt",
            AuditAct::WindowOpened => "window_opened",
            AuditAct::PresenceProven => "presence_proven",
            AuditAct::Confirmed => "confirmed",
            AuditAct::EnvelopeSet => "envelope_set",
            AuditAct::WiringSet => "wiring_set",
            AuditAct::StepProven => "step_proven",
        }
    }
}

/// Entry of the audit log.
// Serialised as the copy has it; the comments are descriptions for clients.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AuditEntry {
    /// Number; later entries have higher numbers.
    pub number: u64,
    /// Time by the wall clock, which may be wrong, in seconds since 1970.
    pub unix_s: u64,
    /// What was done.
    pub what: AuditAct,
    /// Number of the device that it was done to or by; null without one.
    pub device: Option<u32>,
    /// Address or name of who did it.
    pub who: String,
    /// Description, for people.
    pub detail: String,
}

impl AuditEntry {
    /// An entry, which gets its number when it is stored.
    pub fn new(unix_s: u64, what: AuditAct, device: Option<u32>, who: &str, detail: &str) -> AuditEntry {
        let (who, detail) = (who.to_owned(), detail.to_owned());
        AuditEntry { number: 0, unix_s, what, device, who, detail }.within_bounds()
    }

    /// The entry with its texts without control characters, and everything cut to the bounds. An entry is never
    /// refused for its text, which may come from a stranger.
    pub fn within_bounds(self) -> AuditEntry {
        let cut = |text: &str, chars| without_controls(text).chars().take(chars).collect();
        AuditEntry {
            unix_s: self.unix_s.min(MAX_WHOLE),
            who: cut(&self.who, WHO_CHARS),
            detail: cut(&self.detail, DETAIL_CHARS),
            ..self
        }
    }

    /// Checks that the values are possible.
    ///
    /// # Errors
    /// The first impossible value.
    pub fn check(&self) -> Result<(), String> {
        check_whole("number", self.number)?;
        check_whole("unix_s", self.unix_s)?;
        for (name, text, chars) in [("who", &self.who, WHO_CHARS), ("detail", &self.detail, DETAIL_CHARS)] {
            if text.chars().count() > chars || text.chars().any(char::is_control) {
                return Err(format!(
                    "{name} must have at most {chars} characters, and no control characters"
                ));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_act_has_the_same_name_everywhere() {
        for act in [AuditAct::Paired, AuditAct::RoleChanged, AuditAct::LeaseForced, AuditAct::PresenceProven]
        {
            assert_eq!(serde_json::to_value(act).unwrap(), act.name());
        }
    }

    #[test]
    fn texts_of_strangers_are_cut_to_the_bounds() {
        let long = "ä\u{1b}\n".repeat(500);
        let entry = AuditEntry::new(u64::MAX, AuditAct::Refused, None, &long, &long);
        assert_eq!((entry.who, entry.detail), ("ä".repeat(WHO_CHARS), "ä".repeat(DETAIL_CHARS)));
        let good = AuditEntry::new(u64::MAX, AuditAct::Refused, Some(7), "192.0.2.7", "");
        assert_eq!((good.check(), good.unix_s), (Ok(()), MAX_WHOLE));
        assert!(AuditEntry { who: "a\nb".to_owned(), ..good.clone() }.check().is_err());
        assert!(AuditEntry { detail: "x".repeat(DETAIL_CHARS + 1), ..good.clone() }.check().is_err());
        assert!(AuditEntry { number: u64::MAX, ..good }.check().is_err());
    }
}
