//! What answers the routes, one file a resource.

pub mod access;
pub mod backup;
pub mod commissioning;
pub mod contract;
pub mod docs;
pub mod faults;
pub mod feeds;
pub mod info;
pub mod limits;
pub mod log;
pub mod machine;
pub mod metrics;
pub mod name;
pub mod pairing;
pub mod patterns;
pub mod player;
pub mod scripts;
pub mod sensor;
pub mod sessions;
pub mod settings;
pub mod sim;
pub mod stop;
pub mod support;
pub mod update;
pub mod waves;

use super::answer::{self, Rejection, not_kept, senseless};
use super::documents::settings as settings_document;
use super::fields::Complaint;
use super::problem::ProblemCode;
use super::settings_service::{Authority, Denied};
use crate::machine::CommandRefusal;
use crate::settings::Invalid;

/// Ends a handler when something was wrong with its fields.
fn complete(complaints: &[Complaint]) -> Result<(), Rejection> {
    if complaints.is_empty() { Ok(()) } else { Err(answer::unprocessable(complaints)) }
}

impl From<Vec<Invalid>> for Denied {
    fn from(invalid: Vec<Invalid>) -> Denied {
        Denied::Invalid(invalid)
    }
}

impl From<Denied> for Rejection {
    fn from(denied: Denied) -> Rejection {
        match denied {
            Denied::Unknown => {
                answer::refuse(ProblemCode::UnknownDocument, "there are no settings with this id")
            }
            Denied::Invalid(invalid) => {
                let complaints = invalid.into_iter().map(|i| Complaint {
                    range: settings_document::fixed_range(i.field),
                    ..senseless("data", i.field, i.message)
                });
                answer::unprocessable(&complaints.collect::<Vec<_>>())
            }
            Denied::Moving(state) => answer::refused(&CommandRefusal::Moving(state)),
            Denied::NotKept(why) => not_kept("settings", &why),
            Denied::Refused(refusal) => answer::refused(&refusal),
            Denied::TooWide(Authority::Narrow) => {
                let why = "this lets the axis do more; without being in charge, and without an admin, limits are only narrowed";
                answer::refuse(ProblemCode::OnlyNarrower, why)
            }
            Denied::TooWide(_) => {
                let why = "this lets the axis do more than was tried on this machine";
                answer::refuse(ProblemCode::BeyondEnvelope, why)
            }
        }
    }
}
