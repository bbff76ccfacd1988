//! The types of the settings in the document: how each is read from a client, changed and checked.

use super::field::{Allowed, Bound, SettingField};
use super::invalid::InvalidFields;

/// Where new values come from, by the name of the setting: the body of a request, for example. None: it has no value
/// for this setting, or a wrong one, which it reports by itself.
pub trait SettingSource {
    /// A text.
    fn text(&mut self, name: &'static str) -> Option<String>;
    /// True or false.
    fn flag(&mut self, name: &'static str) -> Option<bool>;
    /// A whole number.
    fn whole(&mut self, name: &'static str) -> Option<i64>;
    /// A list of whole numbers, of any length.
    fn list(&mut self, name: &'static str) -> Option<Vec<i64>>;
    /// A number.
    fn number(&mut self, name: &'static str) -> Option<f64>;
}

/// The type of a setting.
pub trait SettingType: Sized {
    /// A new value, as a client sends it.
    type New;

    /// Reads a new value.
    fn read(source: &mut impl SettingSource, name: &'static str) -> Option<Self::New>;

    /// Takes a new value in, which is not checked yet.
    fn change(&mut self, new: &Self::New, row: &SettingField, wrong: &mut InvalidFields);

    /// Checks the value by itself. A bound that another setting makes is checked with that setting (`check.rs`).
    fn check(&self, row: &SettingField, wrong: &mut InvalidFields);
}

impl SettingType for String {
    type New = String;

    fn read(source: &mut impl SettingSource, name: &'static str) -> Option<String> {
        source.text(name)
    }

    fn change(&mut self, new: &String, _: &SettingField, _: &mut InvalidFields) {
        self.clone_from(new);
    }

    fn check(&self, row: &SettingField, wrong: &mut InvalidFields) {
        if let Allowed::Text(most) = row.allowed {
            wrong.unless(self.chars().count() <= most, row.name, || {
                format!("must have at most {most} characters")
            });
        }
        wrong.unless(!self.chars().any(char::is_control), row.name, || {
            "must have no control characters, no line breaks among them".to_owned()
        });
    }
}

impl SettingType for bool {
    type New = bool;

    fn read(source: &mut impl SettingSource, name: &'static str) -> Option<bool> {
        source.flag(name)
    }

    fn change(&mut self, new: &bool, _: &SettingField, _: &mut InvalidFields) {
        *self = *new;
    }

    fn check(&self, row: &SettingField, wrong: &mut InvalidFields) {
        wrong.unless(*self || row.allowed != Allowed::True, row.name, || {
            "must be true: there is one settings document".to_owned()
        });
    }
}

impl SettingType for i64 {
    type New = i64;

    fn read(source: &mut impl SettingSource, name: &'static str) -> Option<i64> {
        source.whole(name)
    }

    fn change(&mut self, new: &i64, _: &SettingField, _: &mut InvalidFields) {
        *self = *new;
    }

    fn check(&self, row: &SettingField, wrong: &mut InvalidFields) {
        if let Allowed::Whole(Bound::Fixed(least), Bound::Fixed(most)) = row.allowed {
            wrong.outside(row.name, *self, &(least..=most));
        }
    }
}

impl<const VALUES: usize> SettingType for [i64; VALUES] {
    /// Any number of values, so that a wrong number is refused by name.
    type New = Vec<i64>;

    fn read(source: &mut impl SettingSource, name: &'static str) -> Option<Vec<i64>> {
        source.list(name)
    }

    fn change(&mut self, new: &Vec<i64>, row: &SettingField, wrong: &mut InvalidFields) {
        match new.as_slice().try_into() {
            Ok(values) => *self = values,
            Err(_) => wrong
                .unless(false, row.name, || format!("must have exactly {VALUES} values, not {}", new.len())),
        }
    }

    fn check(&self, row: &SettingField, wrong: &mut InvalidFields) {
        let Allowed::List(_, least, most) = row.allowed else { return };
        let range = least..=most;
        if let Some(value) = self.iter().find(|value| !range.contains(value)) {
            wrong.outside(row.name, *value, &range);
        }
    }
}

impl SettingType for Option<i64> {
    type New = i64;

    fn read(source: &mut impl SettingSource, name: &'static str) -> Option<i64> {
        source.whole(name)
    }

    fn change(&mut self, new: &i64, _: &SettingField, _: &mut InvalidFields) {
        *self = Some(*new);
    }

    /// It is checked with the calibration that it belongs to.
    fn check(&self, _: &SettingField, _: &mut InvalidFields) {}
}
