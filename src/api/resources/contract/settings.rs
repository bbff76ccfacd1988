//! `/api/settings/{model}/{id}`: the settings document. The model may be anything; the id is the document's,
//! or `default`.

use serde_json::Value;

use crate::api::answer::{self, Answer, HandlerResult};
use crate::api::coerce;
use crate::api::commands::UPDATE_SETTINGS;
use crate::api::context::Context;
use crate::api::fields::{Complaint, FieldReader};
use crate::api::problem::ProblemCode;
use crate::api::query;
use crate::api::request::RoutedRequest;
use crate::api::resources::limits;
use crate::api::settings_service::{Authority, Denied, SettingsService};
use crate::auth::Role;
use crate::settings::{Document, SettingSource, Settings, SettingsChange};

/// The names of the fields of an answer that are no setting.
const READ_ONLY: [&str; 2] = ["id", "steps_per_mm"];

/// There is one document, and it cannot be doubled.
///
/// # Errors
/// Always 409.
pub fn create() -> HandlerResult {
    let why = "there is one settings document: change it with PUT on its id, or on default";
    Err(answer::refuse(ProblemCode::OneDocument, why))
}

/// The settings.
///
/// # Errors
/// 404 for the id of another document.
pub fn get(settings: &SettingsService, request: &RoutedRequest) -> HandlerResult {
    let settings = settings.current();
    named(&settings, request.value(1))?;
    Ok(show(&settings))
}

/// Changes some of the settings, and announces it unless it is a machine that says so of itself.
///
/// # Errors
/// 400, 422, 404 for the id of another document, 503 when they cannot be stored, 409 when the machine refuses.
pub async fn put(ctx: &Context, request: RoutedRequest) -> HandlerResult {
    let is_machine = request.client.caller.role == Role::Machine;
    let authority = if is_machine { Authority::Whole } else { ctx.authority(&request.client) };
    let id = request.value(1).to_owned();
    let RoutedRequest { query, body, .. } = request;
    let body = body.json()?;
    let mut complaints = Vec::new();
    let from_machine = query::last(&query, "machine").is_some_and(|word| {
        coerce::word(&word).unwrap_or_else(|(msg, kind)| {
            complaints.push(Complaint::new(vec!["query".into(), "machine".into()], msg, kind));
            false
        })
    });
    let change = match FieldReader::of("data", body.as_ref()) {
        Ok(mut fields) => {
            let change = read(&mut fields);
            complaints.append(&mut fields.complaints);
            change
        }
        Err(complaint) => {
            complaints.push(complaint);
            SettingsChange::default()
        }
    };
    crate::api::resources::complete(&complaints)?;
    // A machine says what it has measured; what it may do is for people to say.
    let measured = SettingsChange { max_steps: change.max_steps, ..SettingsChange::default() };
    if is_machine && change != measured {
        return Err(answer::forbidden());
    }
    let changing = ctx.settings.change(authority, |settings| {
        named(settings, &id)?;
        Ok(settings.changed(&change)?)
    });
    let changed = changing.await?;
    if change.max_steps.is_some() {
        ctx.remote.measured();
    }
    if !from_machine {
        ctx.bus.announce(UPDATE_SETTINGS, None);
    }
    Ok(show(&changed))
}

fn named(settings: &Settings, id: &str) -> Result<(), Denied> {
    if id == "default" || id == settings.document.id { Ok(()) } else { Err(Denied::Unknown) }
}

fn read(fields: &mut FieldReader<'_>) -> SettingsChange {
    let change = SettingsChange::read(fields);
    let known: Vec<&str> = Document::FIELDS.iter().map(|row| row.name).chain(READ_ONLY).collect();
    fields.no_slips(&known);
    for name in limits::names() {
        if fields.raw(name).is_some() {
            let why = "this is one of the limits of motion: change it with PUT /api/v1/limits";
            fields.complain(&[name.into()], (why, "value_error.extra"));
        }
    }
    change
}

/// Reads values as leniently as the clients' first server did, and notes those that are wrong.
impl SettingSource for FieldReader<'_> {
    fn text(&mut self, name: &'static str) -> Option<String> {
        self.optional(name, coerce::STRING)
    }

    fn flag(&mut self, name: &'static str) -> Option<bool> {
        self.optional(name, coerce::BOOLEAN)
    }

    fn whole(&mut self, name: &'static str) -> Option<i64> {
        self.optional(name, coerce::INTEGER)
    }

    fn list(&mut self, name: &'static str) -> Option<Vec<i64>> {
        self.optional_list(name, coerce::INTEGER)
    }

    fn number(&mut self, name: &'static str) -> Option<f64> {
        self.optional(name, coerce::FLOAT)
    }
}

/// The document, and what follows from it.
fn show(settings: &Settings) -> Answer {
    #[derive(serde::Serialize)]
    struct MotionLimitsAnswer<'a> {
        #[serde(flatten)]
        document: &'a Document,
        steps_per_mm: Value,
    }
    answer::ok(&MotionLimitsAnswer {
        document: &settings.document,
        steps_per_mm: settings.steps_per_mm().into(),
    })
}
