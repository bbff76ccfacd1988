//! What the readings of a sensor mean, and where that is remembered.
//!
//! `force = (reading − zero) / per_g`. The board on the serial line calculates it and forgets it without power; the
//! machine remembers it, in a file of its own in the state folder: it belongs to the sensor, so neither a reset of the
//! user's settings nor a damaged database may take it away, and a person can read it.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// The file's name in the state folder.
const FILE: &str = "force-scale.json";
const VERSION: u32 = 1;

/// A kind of sensor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The board on a serial line.
    Uart,
    /// The older load cell on the I2C bus.
    I2c,
}

impl Kind {
    /// As in the configuration.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Kind::Uart => "uart",
            Kind::I2c => "i2c",
        }
    }

    /// What its readings are in: results of a converter, or what it takes for grams.
    #[must_use]
    pub const fn unit(self) -> &'static str {
        match self {
            Kind::Uart => "counts",
            Kind::I2c => "g",
        }
    }
}

/// What readings mean.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scale {
    /// The reading of an unloaded cell, once somebody has tared.
    pub zero: Option<f64>,
    /// What a gram adds to it, once somebody has calibrated; negative for a cell that is mounted the other way round.
    pub per_g: Option<f64>,
}

impl Scale {
    /// The force that a reading means, in grams, if that is known.
    #[must_use]
    pub fn force_g(&self, reading: f64) -> Option<f64> {
        Some((reading - self.zero?) / self.per_g?)
    }

    fn makes_sense(&self) -> bool {
        let per_g = self.per_g.is_none_or(|per_g| per_g.is_finite() && per_g != 0.0);
        self.zero.is_none_or(f64::is_finite) && per_g
    }
}

/// The file that remembers the scale of one kind of sensor.
#[derive(Debug, Clone)]
pub struct ScaleFile {
    file: PathBuf,
    sensor: Kind,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    version: u32,
    /// What made the readings: another sensor's scale means nothing here.
    sensor: String,
    scale: Scale,
}

impl ScaleFile {
    /// The file of `sensor`, in the state folder.
    #[must_use]
    pub fn of(sensor: Kind, state_dir: &Path) -> ScaleFile {
        ScaleFile { file: state_dir.join(FILE), sensor }
    }

    /// The scale; none when there is none yet.
    ///
    /// # Errors
    /// The file cannot be read, or makes no sense, or belongs to another sensor: it is to be made anew.
    pub fn read(&self) -> Result<Option<Scale>, String> {
        let text = match fs::read_to_string(&self.file) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            other => other.map_err(|error| self.said(error))?,
        };
        let kept: Kept = serde_json::from_str(&text).map_err(|error| self.said(error))?;
        if kept.version != VERSION {
            return Err(self.said(format!("version {} is not known", kept.version)));
        }
        if kept.sensor != self.sensor.name() {
            return Err(self.said(format!("it belongs to the sensor {:?}", kept.sensor)));
        }
        if kept.scale.makes_sense() { Ok(Some(kept.scale)) } else { Err(self.said("it makes no sense")) }
    }

    /// Writes the scale down; on return a power cut can no longer lose it, and never leaves half of it.
    ///
    /// # Errors
    /// What the system says; the file is as before.
    pub fn write(&self, scale: &Scale) -> Result<(), String> {
        let kept = Kept { version: VERSION, sensor: self.sensor.name().to_owned(), scale: *scale };
        let text = serde_json::to_string_pretty(&kept).map_err(|error| self.said(error))?;
        self.replace(text.as_bytes()).map_err(|error| self.said(error))
    }

    fn replace(&self, text: &[u8]) -> io::Result<()> {
        let new = self.file.with_extension("new");
        let mut file = File::create(&new)?;
        file.write_all(text)?;
        file.sync_all()?;
        fs::rename(&new, &self.file)?;
        // The name, too.
        File::open(self.file.parent().unwrap_or(Path::new(".")))?.sync_all()
    }

    fn said(&self, what: impl std::fmt::Display) -> String {
        format!("{}: {what}", self.file.display())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scale_comes_back_as_it_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let file = ScaleFile::of(Kind::Uart, folder.path());
        assert_eq!(file.read(), Ok(None));
        for scale in [
            Scale::default(),
            Scale { zero: Some(-12_345.0), per_g: None },
            Scale { zero: Some(0.1), per_g: Some(-417.123_456_789) },
        ] {
            file.write(&scale).unwrap();
            assert_eq!(file.read(), Ok(Some(scale)));
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing else is left");
    }

    #[test]
    fn what_makes_no_sense_is_said_and_not_used() {
        let folder = tempfile::tempdir().unwrap();
        let file = ScaleFile::of(Kind::Uart, folder.path());
        for (text, said) in [
            ("", "EOF"),
            ("{}", "missing field"),
            (r#"{"version":2,"sensor":"uart","scale":{"zero":null,"per_g":null}}"#, "version 2"),
            (r#"{"version":1,"sensor":"i2c","scale":{"zero":1,"per_g":1}}"#, "belongs to the sensor \"i2c\""),
            (r#"{"version":1,"sensor":"uart","scale":{"zero":1,"per_g":0}}"#, "makes no sense"),
            (r#"{"version":1,"sensor":"uart","scale":{"zero":1,"per_g":1,"x":1}}"#, "unknown field"),
        ] {
            fs::write(folder.path().join(FILE), text).unwrap();
            let error = file.read().unwrap_err();
            assert!(error.contains(said), "{text}: {error}");
        }
        let nowhere = ScaleFile::of(Kind::Uart, Path::new("/nowhere"));
        assert!(nowhere.write(&Scale::default()).unwrap_err().contains("No such file"));
    }

    #[test]
    fn a_force_needs_zero_and_factor() {
        assert_eq!(Scale { zero: Some(1_000.0), per_g: None }.force_g(5.0), None);
        assert_eq!(Scale { zero: Some(1_000.0), per_g: Some(-100.0) }.force_g(500.0), Some(5.0));
    }
}
