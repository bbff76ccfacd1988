//! The macros behind the table in `definition.rs`: each makes from its rows the types and functions that name every
//! setting.
//!
//! | from the rows of | the values | a change | the stored form | the rows as data |
//! |---|---|---|---|---|
//! | `document_settings!` | `Document` | `SettingsChange` | `SettingsPart` | `Document::FIELDS` |
//! | `motion_settings!` | [`MotionLimits`](crate::motion::MotionLimits) | `MotionChange` | `MotionPart` | `MotionPart::FIELDS` |

/// `Some` key, or `None` without one.
macro_rules! stored_as {
    () => {
        None
    };
    ($key:literal) => {
        Some($key)
    };
}

/// The version that has a setting first: the oldest that is stored, unless the row names another.
macro_rules! since {
    () => {
        $crate::settings::record_io::OLDEST_VERSION
    };
    ($version:literal) => {
        $version
    };
}

/// The tokens behind the key: what is repeated for those rows only that have one.
macro_rules! with_key {
    ($key:literal, $($tokens:tt)*) => {
        $($tokens)*
    };
}

/// The settings document.
macro_rules! document_settings {
    ($(
        $(#[doc = $doc:literal])+
        $name:ident: $type:ty = {
            unit: $unit:literal,
            allowed: $allowed:expr,
            default: $default:expr,
            $(stored_as: $key:literal,)?
            $(since: $since:literal,)?
        }
    )+) => {
        /// The settings as the clients know them. Serialized in the order in which they always came.
        #[derive(Debug, Clone, PartialEq, Eq, Serialize)]
        pub struct Document {
            $($(#[doc = $doc])+ pub $name: $type,)+
            /// 24 hexadecimal digits.
            pub id: String,
        }

        /// New values of the document. None: the value stays.
        #[derive(Debug, Clone, Default, PartialEq)]
        #[allow(missing_docs)] // See `Document`.
        pub struct SettingsChange {
            $(pub $name: Option<<$type as SettingType>::New>,)+
        }

        /// The settings that the user set, as they are stored, under the keys of a backup.
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
        #[serde(deny_unknown_fields)]
        #[allow(missing_docs)] // See `Document`.
        pub struct SettingsPart {
            /// 24 hexadecimal digits.
            pub id: String,
            $($(
                #[serde(rename = $key)]
                #[schemars(description = document_rows::$name.description())]
                pub $name: $type,
            )?)+
        }

        #[allow(non_upper_case_globals)] // Each row has the name of its setting.
        mod document_rows {
            use super::*;

            $(pub const $name: SettingField = SettingField {
                name: stringify!($name),
                unit: $unit,
                allowed: $allowed,
                default: || json::<$type>($default),
                stored_as: stored_as!($($key)?),
                since: since!($($since)?),
                doc: concat!($($doc),+).trim_ascii(),
            };)+
        }

        impl Document {
            /// The rows of the table, in the order of the document.
            pub const FIELDS: &'static [SettingField] = &[$(document_rows::$name),+];

            /// The defaults that the clients know.
            #[must_use]
            pub fn fresh(id: String) -> Document {
                Document { $($name: $default,)+ id }
            }

            /// Takes the new values in, unchecked.
            pub(super) fn change(&mut self, change: &SettingsChange, wrong: &mut InvalidFields) {
                $(if let Some(new) = &change.$name {
                    self.$name.change(new, &document_rows::$name, wrong);
                })+
            }

            /// Checks each value by itself.
            pub(super) fn check_values(&self, wrong: &mut InvalidFields) {
                $(self.$name.check(&document_rows::$name, wrong);)+
            }
        }

        impl SettingsChange {
            /// Reads all new values.
            pub fn read(source: &mut impl SettingSource) -> SettingsChange {
                SettingsChange { $($name: <$type as SettingType>::read(source, stringify!($name)),)+ }
            }
        }

        impl From<&Document> for SettingsPart {
            fn from(document: &Document) -> SettingsPart {
                SettingsPart {
                    id: document.id.clone(),
                    $($($name: with_key!($key, document.$name.clone()),)?)+
                }
            }
        }

        impl From<SettingsPart> for Document {
            fn from(part: SettingsPart) -> Document {
                let mut document = Document::fresh(part.id);
                $($(with_key!($key, document.$name = part.$name);)?)+
                document
            }
        }

        impl SettingsPart {
            /// Writes the values that this version of the record has first.
            pub(super) fn write<W: RecordWriter>(&self, version: u8, to: &mut W) -> Result<(), W::Error> {
                $($(if version == with_key!($key, document_rows::$name.since) {
                    to.put(&self.$name)?;
                })?)+
                Ok(())
            }

            /// Reads what [`SettingsPart::write`] wrote.
            pub(super) fn read<R: RecordReader>(&mut self, version: u8, from: &mut R) -> Result<(), R::Error> {
                $($(if version == with_key!($key, document_rows::$name.since) {
                    self.$name = from.take()?;
                })?)+
                Ok(())
            }
        }
    };
}

/// The limits of motion: each row has its name, the type of its quantity, and its field in
/// [`MotionLimits`](crate::motion::MotionLimits), where its default is. In the order in which `MotionLimits::new` takes them.
macro_rules! motion_settings {
    ($(
        $(#[doc = $doc:literal])+
        $name:ident: $quantity:ident = {
            field: $field:ident,
            allowed: $allowed:expr,
            $(since: $since:literal,)?
        }
    )+) => {
        /// New limits of motion. None: the limit stays.
        #[derive(Debug, Clone, Copy, Default, PartialEq)]
        pub struct MotionChange {
            $($(#[doc = $doc])+ pub $name: Option<f64>,)+
        }

        /// Limits of motion.
        // As they are stored, in a backup and in an answer.
        #[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
        #[serde(deny_unknown_fields)]
        pub struct MotionPart {
            $(
                $(#[doc = $doc])+
                #[schemars(description = motion_rows::$name.description())]
                pub $name: f64,
            )+
        }

        #[allow(non_upper_case_globals)] // Each row has the name of its limit.
        mod motion_rows {
            use super::*;

            $(pub const $name: SettingField = SettingField {
                name: stringify!($name),
                unit: $quantity::UNIT,
                allowed: $allowed,
                default: || json(MotionLimits::DEFAULT.$field.get()),
                stored_as: Some(stringify!($name)),
                since: since!($($since)?),
                doc: concat!($($doc),+).trim_ascii(),
            };)+
        }

        impl MotionPart {
            /// The rows of the table, in the order of the answer.
            pub const FIELDS: &'static [SettingField] = &[$(motion_rows::$name),+];

            /// The values, in the order of the rows.
            pub(super) fn values(&self) -> [f64; MotionPart::FIELDS.len()] {
                [$(self.$name),+]
            }

            /// Writes the values that this version of the record has first.
            pub(super) fn write<W: RecordWriter>(&self, version: u8, to: &mut W) -> Result<(), W::Error> {
                $(if version == since!($($since)?) {
                    to.put(&self.$name)?;
                })+
                Ok(())
            }

            /// Reads what [`MotionPart::write`] wrote.
            pub(super) fn read<R: RecordReader>(&mut self, version: u8, from: &mut R) -> Result<(), R::Error> {
                $(if version == since!($($since)?) {
                    self.$name = from.take()?;
                })+
                Ok(())
            }
        }

        impl From<&MotionLimits> for MotionPart {
            fn from(limits: &MotionLimits) -> MotionPart {
                MotionPart { $($name: limits.$field.get(),)+ }
            }
        }

        impl From<MotionPart> for MotionChange {
            fn from(part: MotionPart) -> MotionChange {
                MotionChange { $($name: Some(part.$name),)+ }
            }
        }

        impl MotionChange {
            /// Reads all new values.
            pub fn read(source: &mut impl SettingSource) -> MotionChange {
                MotionChange { $($name: source.number(stringify!($name)),)+ }
            }

            /// `now` with the new limits.
            ///
            /// # Errors
            /// Every limit that is out of its unit's range, or else the one that contradicts another.
            pub(super) fn limits(&self, now: &MotionLimits) -> Result<MotionLimits, Vec<Invalid>> {
                let mut wrong = Vec::new();
                $(let $field = in_unit(stringify!($name), self.$name, now.$field, &mut wrong);)+
                if !wrong.is_empty() {
                    return Err(wrong);
                }
                MotionLimits::new($($field),+)
                    .map_err(|(field, why)| vec![Invalid { field, message: why.to_owned() }])
            }
        }
    };
}

pub(super) use {document_settings, motion_settings, since, stored_as, with_key};
