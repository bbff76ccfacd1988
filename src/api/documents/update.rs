//! Updates in place: the systems of the card, the update that is being taken, and how the last one ended. The helper that writes
//! updates says the first three types in these words.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The two systems of the card, and what is being done about them.
#[derive(Debug, Serialize, JsonSchema)]
pub struct UpdateDocument {
    /// The systems.
    pub systems: CardSystems,
    /// The update that is being taken; the axis is locked meanwhile, unless it is only checked.
    pub under_way: Option<UpdateUnderWay>,
    /// How the last one ended since this program started.
    pub last: Option<UpdateEnd>,
    /// True once the computer was asked to start another system.
    pub restarting: bool,
}

/// The two systems of a card.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CardSystems {
    /// The slot of the one that runs: `a` or `b`.
    pub running: String,
    /// Its version.
    pub title: String,
    /// The slot that the computer starts by itself; null if that cannot be read.
    pub default: Option<String>,
    /// The version of the other one; null if there is none that starts.
    pub spare: Option<String>,
    /// The one that waits for a try, or is tried now.
    pub trial: Option<CardTrial>,
    /// How the last trial ended.
    pub last: Option<CardTrialEnd>,
    /// What was changed under the other one and is not here, if the running one has its own stored state back; else null.
    #[serde(default)]
    pub left_behind: Option<CardLeftBehind>,
}

/// Changes that are kept aside with the stored state of the other system.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CardLeftBehind {
    /// The slot of the system under which they were made.
    pub slot: String,
    /// Names of the changed values, as in a backup; at most 40. `sessions` has a count behind it.
    pub changed: Vec<String>,
    /// How many more there are.
    pub more: usize,
    /// Why nothing is known of them, for people; else null.
    pub unknown: Option<String>,
}

/// A system that has not proven itself yet.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CardTrial {
    /// Its slot.
    pub slot: String,
    /// Its version.
    pub title: String,
    /// Tries that are left.
    pub tries_left: u8,
}

/// The end of a trial.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CardTrialEnd {
    /// The slot of the system that was tried.
    pub slot: String,
    /// Its version.
    pub title: String,
    /// True if it stays.
    pub stays: bool,
    /// Why, for people.
    pub why: String,
}

/// The system in an update.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OfferedSystem {
    /// Its version.
    pub title: String,
    /// The owner of the key that has signed it.
    pub signer: String,
    /// The slot that it is written to.
    pub slot: String,
    /// Version of the stored state that it writes.
    pub store_layout: u32,
}

/// How much of a system is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct WrittenSoFar {
    /// Bytes that are done in this step.
    pub done_bytes: u64,
    /// Bytes of the system; 0 before its description is read.
    pub all_bytes: u64,
    /// Bytes that differed from what was there, and were written.
    pub written_bytes: u64,
}

/// What is done with an update.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum UpdateStep {
    /// Its signature and its description are verified.
    #[default]
    Check,
    /// It is written.
    Write,
    /// What was written is read once more.
    Verify,
}

/// The update that is being taken.
#[derive(Debug, Clone, Default, PartialEq, Serialize, JsonSchema)]
pub struct UpdateUnderWay {
    /// True if it is only checked.
    pub check: bool,
    /// What is done with it.
    pub step: UpdateStep,
    /// Bytes of its file that have come.
    pub received_bytes: u64,
    /// Bytes of its file, if the sender says so.
    pub file_bytes: Option<u64>,
    /// The system in it, once that is verified.
    pub offered: Option<OfferedSystem>,
    /// How much is written.
    #[serde(flatten)]
    pub written: WrittenSoFar,
}

/// How an update ended.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct UpdateEnd {
    /// True if it was only checked.
    pub check: bool,
    /// When, in s since 1970.
    pub ended_unix_s: u64,
    /// The system in it, if that was verified.
    pub offered: Option<OfferedSystem>,
    /// How much was written.
    #[serde(flatten)]
    pub written: WrittenSoFar,
    /// Why it was not taken; null if it was, or fits.
    pub refusal: Option<UpdateRefusalDocument>,
}

/// Why an update was not taken; what runs is as it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct UpdateRefusalDocument {
    /// The reason, as the code of a problem.
    #[schemars(with = "String")]
    pub code: &'static str,
    /// The reason, in a few words.
    #[schemars(with = "String")]
    pub title: &'static str,
    /// The reason in this case, for people.
    pub detail: String,
    /// The act that helps.
    #[schemars(with = "String")]
    pub remedy: &'static str,
}

#[cfg(test)]
mod tests {
    use super::super::schema_keys::assert_schema_keys;
    use super::*;

    #[test]
    fn the_schema_has_the_keys_of_the_answer() {
        let offered =
            OfferedSystem { title: "2".into(), signer: "a".into(), slot: "b".into(), store_layout: 3 };
        let refusal = UpdateRefusalDocument { code: "older", title: "", detail: String::new(), remedy: "" };
        let document = UpdateDocument {
            systems: CardSystems {
                running: "a".into(),
                title: "1".into(),
                default: Some("a".into()),
                spare: Some("2".into()),
                trial: Some(CardTrial { slot: "b".into(), title: "2".into(), tries_left: 3 }),
                last: Some(CardTrialEnd {
                    slot: "b".into(),
                    title: "0".into(),
                    stays: false,
                    why: "it was not healthy".into(),
                }),
                left_behind: Some(CardLeftBehind {
                    slot: "b".into(),
                    changed: vec!["calibration".into()],
                    more: 0,
                    unknown: Some("unreadable".into()),
                }),
            },
            under_way: Some(UpdateUnderWay {
                file_bytes: Some(1),
                offered: Some(offered.clone()),
                ..UpdateUnderWay::default()
            }),
            last: Some(UpdateEnd {
                check: false,
                ended_unix_s: 0,
                offered: Some(offered),
                written: WrittenSoFar::default(),
                refusal: Some(refusal),
            }),
            restarting: false,
        };
        assert_schema_keys(&document);
    }
}
