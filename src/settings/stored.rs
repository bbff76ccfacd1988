//! The stored form of the settings, for the record of the database and for backups.
//!
//! A version adds settings to the one before it; their values stand behind those of the older versions in the record. An
//! older record or backup does not have them, and they are read as their defaults.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::definition::{Document, MotionPart, SettingsPart};
use super::field::SettingField;
use super::record_io::{OLDEST_VERSION, RecordReader, RecordWriter};
use super::{MotionChange, Settings};

/// The present version: the latest that a row of the table names.
pub const STORED_VERSION: u8 = latest(Document::FIELDS, latest(MotionPart::FIELDS, OLDEST_VERSION));

const fn latest(rows: &[SettingField], mut version: u8) -> u8 {
    let mut row = 0;
    while row < rows.len() {
        if rows[row].since > version {
            version = rows[row].since;
        }
        row += 1;
    }
    version
}

/// What the user set, as it is stored.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredSettings {
    /// The document.
    pub settings: SettingsPart,
    /// The limits of motion.
    pub motion: MotionPart,
}

impl StoredSettings {
    /// Writes the record of the present version.
    ///
    /// # Errors
    /// The writer's.
    pub fn write<W: RecordWriter>(&self, to: &mut W) -> Result<(), W::Error> {
        for version in OLDEST_VERSION..=STORED_VERSION {
            self.settings.write(version, to)?;
            self.motion.write(version, to)?;
        }
        Ok(())
    }

    /// Reads the record of a version. The settings that it does not have are the defaults. `id` is that of the document.
    ///
    /// # Errors
    /// The reader's.
    pub fn read<R: RecordReader>(id: String, version: u8, from: &mut R) -> Result<StoredSettings, R::Error> {
        let mut stored = StoredSettings::from(&Settings::fresh(id));
        for version in OLDEST_VERSION..=version {
            stored.settings.read(version, from)?;
            stored.motion.read(version, from)?;
        }
        Ok(stored)
    }
}

/// Adds the defaults of the settings that a backup of this version does not have, to the section of these rows.
pub fn add_defaults(rows: &[SettingField], version: u64, section: &mut Map<String, Value>) {
    for row in rows.iter().filter(|row| row.since > OLDEST_VERSION && u64::from(row.since) > version) {
        if let Some(key) = row.stored_as {
            section.entry(key).or_insert_with(row.default);
        }
    }
}

impl From<&Settings> for StoredSettings {
    fn from(settings: &Settings) -> StoredSettings {
        StoredSettings {
            settings: SettingsPart::from(&settings.document),
            motion: MotionPart::from(&settings.motion),
        }
    }
}

/// Calibration of the axis, as it is stored beside the settings and in a backup.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CalibrationPart {
    /// Length of the usable range, in steps.
    pub max_steps: i64,
    /// Distance between the two limit switches, in steps; null if this machine has not measured it.
    pub travel_steps: Option<i64>,
    /// Time of the calibration by the wall clock, in seconds since 1970; null if it is not known.
    pub calibrated_unix_s: Option<u64>,
}

impl CalibrationPart {
    /// What was found; none without a calibration.
    #[must_use]
    pub fn of(settings: &Settings) -> Option<CalibrationPart> {
        let (travel_steps, calibrated_unix_s) = (settings.travel_steps, settings.calibrated_unix_s);
        let max_steps = settings.document.max_steps?;
        Some(CalibrationPart { max_steps, travel_steps, calibrated_unix_s })
    }
}

impl StoredSettings {
    /// The settings that these are with the calibration, unchecked and with the default limits of motion; and the change
    /// that makes the limits, and checks everything.
    #[must_use]
    pub fn with_calibration(self, found: Option<CalibrationPart>) -> (Settings, MotionChange) {
        let mut settings = Settings { document: self.settings.into(), ..Settings::fresh(String::new()) };
        if let Some(found) = found {
            settings.document.max_steps = Some(found.max_steps);
            (settings.travel_steps, settings.calibrated_unix_s) =
                (found.travel_steps, found.calibrated_unix_s);
        }
        (settings, self.motion.into())
    }
}
