//! Why an update is not taken; and what the refusals of the helper are called here.

use std::io;

use crate::api::answer::{self, Rejection};
use crate::api::commands::UPDATING;
use crate::api::documents::update::UpdateRefusalDocument;
use crate::api::problem::ProblemCode;

/// The refusals that have the same name on both sides.
const SAME_NAME: [ProblemCode; 13] = [
    ProblemCode::NoUpdate,
    ProblemCode::NewerForm,
    ProblemCode::WrongSignature,
    ProblemCode::DevelopmentKey,
    ProblemCode::Damaged,
    ProblemCode::Truncated,
    ProblemCode::OtherMachine,
    ProblemCode::OtherLayout,
    ProblemCode::Older,
    ProblemCode::SlotFailed,
    ProblemCode::NotNow,
    ProblemCode::NothingToTry,
    ProblemCode::NoSpare,
];

/// Why an update is not taken, or no system started. What runs is as it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpdateRefusal {
    /// The reason.
    pub code: ProblemCode,
    /// The reason in this case, for people.
    pub detail: String,
}

impl UpdateRefusal {
    /// For this reason.
    #[must_use]
    pub fn new(code: ProblemCode, detail: impl Into<String>) -> UpdateRefusal {
        UpdateRefusal { code, detail: detail.into() }
    }

    /// The refusal with that code of the helper.
    #[must_use]
    pub fn of_helper(code: &str, message: &str) -> UpdateRefusal {
        if let Some(same) = SAME_NAME.into_iter().find(|known| known.name() == code) {
            return UpdateRefusal::new(same, message);
        }
        match code {
            "busy" => UpdateRefusal::new(ProblemCode::Updating, message),
            // It saw the axis move, or the supply fall.
            "cancelled" => UpdateRefusal::new(ProblemCode::NotNow, message),
            _ => UpdateRefusal::failed(format!("{message} ({code})")),
        }
    }

    /// The helper cannot be asked. Without a socket there is none: this is no card with two systems.
    #[must_use]
    pub fn unreachable(error: &io::Error) -> UpdateRefusal {
        if error.kind() == io::ErrorKind::NotFound {
            return UpdateRefusal::no_slots();
        }
        UpdateRefusal::failed(format!("the helper that writes updates cannot be asked: {error}"))
    }

    /// There is nowhere to put an update.
    #[must_use]
    pub fn no_slots() -> UpdateRefusal {
        let why = "this installation has no place for a second system, and is not updated in place";
        UpdateRefusal::new(ProblemCode::NoSlots, why)
    }

    /// Another update is being taken.
    #[must_use]
    pub fn updating() -> UpdateRefusal {
        UpdateRefusal::new(ProblemCode::Updating, UPDATING)
    }

    /// The helper has ended without saying how.
    #[must_use]
    pub fn ended_silently() -> UpdateRefusal {
        UpdateRefusal::failed("the helper that writes updates ended without an answer")
    }

    /// Something else went wrong.
    #[must_use]
    pub fn failed(why: impl Into<String>) -> UpdateRefusal {
        UpdateRefusal::new(ProblemCode::UpdateFailed, why)
    }
}

impl From<UpdateRefusal> for Rejection {
    fn from(refusal: UpdateRefusal) -> Rejection {
        answer::refuse(refusal.code, refusal.detail)
    }
}

impl From<UpdateRefusal> for UpdateRefusalDocument {
    fn from(UpdateRefusal { code, detail }: UpdateRefusal) -> UpdateRefusalDocument {
        UpdateRefusalDocument { code: code.name(), title: code.title(), detail, remedy: code.remedy() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_of_the_helper_keeps_its_name_and_an_unknown_one_is_told_all_the_same() {
        for code in SAME_NAME {
            let refusal = UpdateRefusal::of_helper(code.name(), "because");
            assert_eq!((refusal.code, &*refusal.detail), (code, "because"));
        }
        let named = |code| UpdateRefusal::of_helper(code, "because").code;
        assert_eq!(
            ["busy", "cancelled", "card", "source"].map(named),
            [
                ProblemCode::Updating,
                ProblemCode::NotNow,
                ProblemCode::UpdateFailed,
                ProblemCode::UpdateFailed
            ]
        );
        assert_eq!(UpdateRefusal::of_helper("card", "it is worn").detail, "it is worn (card)");
    }
}
