//! Bodies and answers of `/api/sensor`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// State of the force sensor: link, readings, scale and counters.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub struct ForceSensorDocument {
    /// Kind of sensor: `uart`, a board on a serial line, or `i2c`, the older load cell.
    pub sensor: &'static str,
    /// Name of its device.
    pub device: String,
    /// State of the link: `unplugged`, `silent`, `babbling`, `other_version`, `greeting` or `live`.
    pub link: &'static str,
    /// Cause of the present state and remedy, for people.
    pub remedy: &'static str,
    /// Message of the operating system while the device cannot be opened; null otherwise.
    pub trouble: Option<String>,
    /// Time since the last message from the sensor, in milliseconds; null before the first one.
    pub link_age_ms: Option<u64>,
    /// Age of the last plausible sample, in milliseconds; null before the first one.
    pub sample_age_ms: Option<u64>,
    /// Force of the last plausible sample, in grams; positive pushes toward the front.
    pub force_g: Option<f64>,
    /// Last reading, in the sensor's own unit.
    pub reading: Option<f64>,
    /// Conversion rate, in conversions per second; null until it is known.
    pub rate_hz: Option<f64>,
    /// Reading of the unloaded cell, in the sensor's own unit; null before the first tare.
    pub zero: Option<f64>,
    /// Change of the reading per gram; null before the first calibration.
    pub reading_per_g: Option<f64>,
    /// The sensor's own unit: `counts` of the converter, or `g`.
    pub reading_unit: &'static str,
    /// True if the configuration inverts the sign of the force.
    pub inverted: bool,
    /// Range of the cell, either way, in grams.
    pub range_g: f64,
    /// The board on the serial line; null until it is known.
    pub board: Option<SensorBoardDocument>,
    /// Number of plausible samples.
    pub samples: u64,
    /// Counters of the link's frames.
    pub frames: LinkFrameCounts,
    /// Number of times that the device was opened.
    pub opened: u64,
    /// Reason why the last sample was lost, by the names of `lost`; null after a plausible sample.
    pub last_lost: Option<&'static str>,
    /// Number of lost samples by reason.
    pub lost: LostSampleCounts,
    /// Counters of the board's log.
    pub log: BoardLogCounts,
}

/// The board on the serial line.
#[derive(Debug, Serialize, JsonSchema)]
pub struct SensorBoardDocument {
    /// Version of the messages that it speaks.
    pub protocol: u16,
    /// Version of its firmware: major, minor, patch; null if it speaks another version.
    pub firmware: Option<[u8; 3]>,
    /// Serial number of its chip; null if it speaks another version.
    pub serial: Option<u64>,
}

/// Counters of the link's frames.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub struct LinkFrameCounts {
    /// Intact frames, or answers on the I2C bus.
    pub good: u64,
    /// Pieces that were no frame, or reads of the I2C bus without an answer.
    pub garbled: u64,
}

/// Number of lost samples by reason.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub struct LostSampleCounts {
    /// Not a number.
    pub not_finite: u64,
    /// Beyond the range of the cell.
    pub out_of_range: u64,
    /// Faster than a force on the carriage changes, and not confirmed by the next sample.
    pub too_fast: u64,
    /// Readings unchanged to the last bit for a second.
    pub stuck: u64,
    /// At an end of the converter's range.
    pub saturated: u64,
    /// Not tared or not calibrated yet.
    pub unscaled: u64,
    /// No result from the converter, or no answer on the bus.
    pub silent: u64,
    /// The board repeats the same conversion.
    pub frozen: u64,
    /// The board has another version, or restarted.
    pub unknown: u64,
}

/// Counters of the board's log.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub struct BoardLogCounts {
    /// Frames that were written to the program's log.
    pub said: u64,
    /// Frames that do not fit the firmware's file, or came without one.
    pub undecoded: u64,
    /// Lines that the rate limit or a full queue dropped.
    pub suppressed: u64,
}

/// A tare: the present reading becomes the reading without force.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("examples" = [{ "confirm": true }]))]
pub struct TareRequest {
    /// True to take a load on the cell for zero. Without it a tare is refused while there is a load, or may be one.
    #[serde(default)]
    pub confirm: bool,
}

/// Result of a tare.
#[derive(Debug, Serialize, JsonSchema)]
pub struct TareResult {
    /// Reading of the unloaded cell, in the sensor's own unit.
    pub zero: f64,
    /// Force that the former scale showed, in grams; null before the first calibration.
    pub was_g: Option<f64>,
}

/// A calibration of the scale: the present load has this weight.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("examples" = [{ "grams": 500 }]))]
pub struct CalibrateSensorRequest {
    /// Weight of the present load, in grams, 10 up to the range of the cell; positive pushes toward the front, negative
    /// toward the back.
    pub grams: f64,
}

/// Result of a calibration of the scale.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ScaleResult {
    /// Reading of the unloaded cell, in the sensor's own unit.
    pub zero: f64,
    /// Change of the reading per gram; negative for a cell that is mounted the other way round.
    pub reading_per_g: f64,
    /// The sensor's own unit: `counts` of the converter, or `g`.
    pub reading_unit: &'static str,
    /// Spread of the readings during the calibration, in grams.
    pub noise_g: f64,
}

#[cfg(test)]
mod tests {
    use super::super::schema_keys::assert_schema_keys;
    use super::*;

    #[test]
    fn the_schema_has_the_keys_of_the_answer() {
        assert_schema_keys(&ForceSensorDocument {
            trouble: Some("No such file or directory".to_owned()),
            link_age_ms: Some(3),
            sample_age_ms: Some(4),
            force_g: Some(5.0),
            reading: Some(2_000.0),
            rate_hz: Some(80.0),
            zero: Some(0.0),
            reading_per_g: Some(400.0),
            board: Some(SensorBoardDocument { protocol: 2, firmware: Some([1, 2, 3]), serial: Some(7) }),
            last_lost: Some("stuck"),
            ..ForceSensorDocument::default()
        });
        assert_schema_keys(&TareResult { zero: 7.0, was_g: Some(0.5) });
        assert_schema_keys(&ScaleResult {
            zero: 7.0,
            reading_per_g: 400.0,
            reading_unit: "counts",
            noise_g: 0.1,
        });
    }

    #[test]
    fn a_load_is_only_tared_away_when_the_body_says_so() {
        let confirm = |body| serde_json::from_str::<TareRequest>(body).map(|request| request.confirm).ok();
        assert_eq!(confirm("{}"), Some(false));
        assert_eq!(confirm(r#"{"confirm":true}"#), Some(true));
        assert_eq!(confirm(r#"{"confirm":true,"force":true}"#), None);
    }
}
