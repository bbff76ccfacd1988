//! `/api/v1/settings`: the settings, with the unit in each name.

use crate::api::answer::{self, Answer, HandlerResult};
use crate::api::coerce;
use crate::api::commands::UPDATE_SETTINGS;
use crate::api::context::Context;
use crate::api::documents::settings as document;
use crate::api::fields::FieldReader;
use crate::api::request::RoutedRequest;
use crate::api::settings_service::{Denied, SettingsService};
use crate::settings::{Document, Invalid, SettingSource, Settings, SettingsChange, new_id};

/// The settings.
pub fn get(settings: &SettingsService) -> Answer {
    show(&settings.current())
}

/// Changes some of the settings.
///
/// # Errors
/// 415, 400, 422, 503 when they cannot be stored, 409 when the machine refuses.
pub async fn put(ctx: &Context, request: RoutedRequest) -> HandlerResult {
    let authority = ctx.authority(&request.client);
    let body = request.body.json()?;
    let reader = FieldReader::with(request.strictness, "data", body.as_ref());
    let mut fields = NamedFields(reader.map_err(|complaint| answer::unprocessable(&[complaint]))?);
    let change = SettingsChange::read(&mut fields);
    let NamedFields(mut fields) = fields;
    fields.nothing_but(&document::rows().map(|(_, name)| name).collect::<Vec<_>>());
    super::complete(&fields.complaints)?;
    let changing = ctx.settings.change(authority, |settings| settings.changed(&change).map_err(renamed));
    let changed = changing.await?;
    ctx.bus.announce(UPDATE_SETTINGS, None);
    Ok(show(&changed))
}

/// Puts all settings back to their defaults, in a document with a new id, and none of them beyond the envelope; what calibration
/// found is forgotten.
///
/// # Errors
/// 409 while the axis moves, 503 when the new settings cannot be stored.
pub async fn reset(ctx: &Context, request: &RoutedRequest) -> HandlerResult {
    ctx.commands.may_change(&request.client)?;
    ctx.settings.replace(ctx.settings.fresh(new_id())).await?;
    ctx.remote.reset();
    ctx.bus.announce(UPDATE_SETTINGS, None);
    Ok(get(&ctx.settings))
}

fn show(settings: &Settings) -> Answer {
    answer::ok(&document::document(settings))
}

/// The name of a setting in API v1; none for one that it does not have.
fn name_of(name: &str) -> Option<&'static str> {
    document::rows().find(|(row, _)| row.name == name).map(|(_, name)| name)
}

/// Complaints under the names of API v1.
fn renamed(invalid: Vec<Invalid>) -> Denied {
    let renamed = invalid.into_iter().map(|Invalid { field, message }| {
        let known = Document::FIELDS.iter().filter(|row| message.contains(row.name));
        let message = known.fold(message.clone(), |message, row| match row.stored_as {
            Some(name) if name != row.name && !message.contains(name) => message.replace(row.name, name),
            _ => message,
        });
        Invalid { field: name_of(field).unwrap_or(field), message }
    });
    Denied::Invalid(renamed.collect())
}

/// The fields of a body under the names of API v1.
struct NamedFields<'a>(FieldReader<'a>);

impl NamedFields<'_> {
    fn optional<T>(&mut self, name: &str, read: coerce::Coercion<T>) -> Option<T> {
        self.0.optional(name_of(name)?, read)
    }
}

impl SettingSource for NamedFields<'_> {
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
        self.0.optional_list(name_of(name)?, coerce::INTEGER)
    }

    fn number(&mut self, name: &'static str) -> Option<f64> {
        self.optional(name, coerce::FLOAT)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_of_api_v1_has_its_unit_or_none() {
        for (row, name) in document::rows() {
            let unit = row.unit.to_lowercase().replace('%', "percent");
            assert!(name.ends_with(&unit), "{name}: {unit}");
            assert_eq!(name_of(row.name), Some(name));
        }
        assert_eq!(name_of("max_steps"), None);
    }

    #[test]
    fn a_complaint_has_the_names_of_api_v1() {
        let invalid = vec![Invalid { field: "stroke_limit", message: "must be at most max_stroke".into() }];
        let Denied::Invalid(renamed) = renamed(invalid) else { panic!() };
        assert_eq!(renamed[0].field, "stroke_limit_mm");
        assert_eq!(renamed[0].message, "must be at most max_stroke_mm");
    }
}
