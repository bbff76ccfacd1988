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
pub mod machine;
pub mod metrics;
pub mod pairing;
pub mod sensor;
pub mod sessions;
pub mod settings;
pub mod sim;
pub mod stop;
pub mod waves;

use super::answer::{self, Rejection};
use super::documents::settings as settings_document;
use super::fields::{self, Complaint};
use super::problem::ProblemCode;
use super::settings_service::{Authority, Denied};
use crate::machine::CommandRefusal;
use crate::settings::Invalid;
use crate::store::StoreError;

/// Ends a handler when something was wrong with its fields.
fn complete(complaints: &[Complaint]) -> Result<(), Rejection> {
    if complaints.is_empty() { Ok(()) } else { Err(answer::unprocessable(complaints)) }
}

/// A value that was read, but makes no sense.
fn senseless(argument: &'static str, field: &str, why: impl ToString) -> Complaint {
    let loc = fields::loc(argument, &[field.into()]);
    Complaint::new(loc, why.to_string(), "value_error")
}

/// 503: what was to be remembered could not be written down. 409: there is no room for it.
fn not_kept(what: &str, why: &StoreError) -> Rejection {
    match why {
        StoreError::NoRoom(why) => answer::refuse(ProblemCode::NoRoom, why.as_str()),
        why => {
            tracing::error!(%why, "the {what} could not be written down");
            let said = format!("the {what} could not be stored, nothing has changed: {why}");
            answer::refuse(ProblemCode::NotStored, said)
        }
    }
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
