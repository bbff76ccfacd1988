//! The form of a stored value: a version byte, the content, a CRC-32 of both.
//!
//! The content is a struct of its own in postcard's encoding, not the settings themselves: those may change,
//! what is stored may not. A change of the form is a new version with a new struct; the old ones stay, to be
//! read. The order of the fields *is* the format.

use serde::{Deserialize, Serialize};

use super::engine::Trouble;
use crate::settings::{Document, Invalid, MotionChange, Settings};

/// Version of the settings record that is written.
const SETTINGS_VERSION: u8 = 1;
const CRC_BYTES: usize = 4;

/// Version 1 of the stored settings.
#[derive(Serialize, Deserialize)]
struct SettingsV1 {
    /// Counts the writes, so that an old state that comes back can be told from the newest.
    generation: u64,
    name: String,
    tick_stroke_limit: i64,
    force_limit: i64,
    stroke_force_chart: [i64; 10],
    microsteps_per_rev: i64,
    wave_resolution: i64,
    stroke_limit: i64,
    max_stroke: i64,
    padding_mm: i64,
    max_steps: Option<i64>,
    travel_steps: Option<i64>,
    max_speed_mm_s: f64,
    max_acceleration_mm_s2: f64,
    max_jerk_mm_s3: f64,
    stop_deceleration_mm_s2: f64,
    approach_speed_mm_s: f64,
}

/// A record that was read: its generation, and the settings or what is wrong with them.
pub struct Loaded {
    /// How many writes there had been.
    pub generation: u64,
    /// The settings, checked.
    pub settings: Result<Settings, Vec<Invalid>>,
}

/// The stored form of settings.
///
/// # Errors
/// The encoder's; it has none for this struct.
pub fn encode(settings: &Settings, generation: u64) -> Result<Vec<u8>, String> {
    let (d, m) = (settings.document.clone(), &settings.motion);
    let content = SettingsV1 {
        generation,
        name: d.name,
        tick_stroke_limit: d.tick_stroke_limit,
        force_limit: d.force_limit,
        stroke_force_chart: d.stroke_force_chart,
        microsteps_per_rev: d.microsteps_per_rev,
        wave_resolution: d.wave_resolution,
        stroke_limit: d.stroke_limit,
        max_stroke: d.max_stroke,
        padding_mm: d.padding_mm,
        max_steps: d.max_steps,
        travel_steps: settings.travel_steps,
        max_speed_mm_s: m.max_speed.get(),
        max_acceleration_mm_s2: m.max_acceleration.get(),
        max_jerk_mm_s3: m.max_jerk.get(),
        stop_deceleration_mm_s2: m.stop_deceleration.get(),
        approach_speed_mm_s: m.approach_speed.get(),
    };
    let content = postcard::to_stdvec(&content).map_err(|error| error.to_string())?;
    Ok(seal(SETTINGS_VERSION, &content))
}

/// Reads the stored form, of any version that ever was, under the id that was its key.
///
/// # Errors
/// [`Trouble::Unreadable`] or [`Trouble::Newer`].
pub fn decode(id: &[u8], value: &[u8]) -> Result<Loaded, Trouble> {
    let id = String::from_utf8(id.to_vec()).map_err(|_| damaged("the id of the settings is no text"))?;
    let content = unseal(value, SETTINGS_VERSION)?;
    let (content, rest) = postcard::take_from_bytes::<SettingsV1>(content)
        .map_err(|error| damaged(&format!("the settings cannot be decoded: {error}")))?;
    if !rest.is_empty() {
        return Err(damaged("the settings have surplus bytes"));
    }
    Ok(Loaded { generation: content.generation, settings: content.settings(id) })
}

impl SettingsV1 {
    fn settings(self, id: String) -> Result<Settings, Vec<Invalid>> {
        let motion = MotionChange {
            max_speed_mm_s: Some(self.max_speed_mm_s),
            max_acceleration_mm_s2: Some(self.max_acceleration_mm_s2),
            max_jerk_mm_s3: Some(self.max_jerk_mm_s3),
            stop_deceleration_mm_s2: Some(self.stop_deceleration_mm_s2),
            approach_speed_mm_s: Some(self.approach_speed_mm_s),
        };
        let document = Document {
            name: self.name,
            active: true,
            tick_stroke_limit: self.tick_stroke_limit,
            force_limit: self.force_limit,
            stroke_force_chart: self.stroke_force_chart,
            microsteps_per_rev: self.microsteps_per_rev,
            wave_resolution: self.wave_resolution,
            stroke_limit: self.stroke_limit,
            max_stroke: self.max_stroke,
            padding_mm: self.padding_mm,
            max_steps: self.max_steps,
            id,
        };
        let fresh = Settings::fresh(document.id.clone());
        let settings =
            Settings { document, travel_steps: self.travel_steps, ..fresh }.with_motion(&motion)?;
        settings.check()?;
        Ok(settings)
    }
}

/// Puts a version before the content and a checksum behind it.
#[must_use]
pub fn seal(version: u8, content: &[u8]) -> Vec<u8> {
    let mut value = vec![version];
    value.extend_from_slice(content);
    let crc = crc32fast::hash(&value);
    value.extend(crc.to_be_bytes());
    value
}

/// The content of a sealed value.
///
/// # Errors
/// [`Trouble::Unreadable`] when the checksum is wrong; [`Trouble::Newer`] for a version that is not `known`.
pub fn unseal(value: &[u8], known: u8) -> Result<&[u8], Trouble> {
    let Some((sealed, crc)) = value.split_last_chunk::<CRC_BYTES>() else {
        return Err(damaged("a value is too short"));
    };
    if crc32fast::hash(sealed) != u32::from_be_bytes(*crc) {
        return Err(damaged("the checksum of a value is wrong"));
    }
    match sealed.split_first() {
        None | Some((0, _)) => Err(damaged("a value has no version")),
        Some((found, _)) if *found > known => Err(Trouble::Newer { found: *found, known }),
        Some((_, content)) => Ok(content),
    }
}

fn damaged(what: &str) -> Trouble {
    Trouble::Unreadable(what.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::new_id;

    #[test]
    fn what_was_encoded_is_decoded() {
        let settings = Settings { travel_steps: Some(1_550), ..Settings::fresh(new_id()) };
        let settings = Settings {
            document: Document { max_steps: Some(1_450), name: "Größe".to_owned(), ..settings.document },
            ..settings
        };
        let value = encode(&settings, 7).unwrap();
        let loaded = decode(settings.document.id.as_bytes(), &value).unwrap();
        assert_eq!((loaded.generation, loaded.settings), (7, Ok(settings)));
    }

    /// A record as the first release wrote it; whatever the defaults become, it stays readable.
    #[test]
    fn the_form_of_version_1_is_fixed() {
        let hex = "0101046d61696e14d00f64503c322e2c28241e14a006f001b602b6020a00000000000000407f4000000000\
                   0088b34000000000006a0841000000000040bf400000000000004e40e486bd8b";
        let value: Vec<u8> =
            (0..hex.len()).step_by(2).map(|i| u8::from_str_radix(&hex[i..i + 2], 16).unwrap()).collect();
        let loaded = decode(b"6b046f08c9f8c8945c405bb9", &value).unwrap();
        let settings = loaded.settings.unwrap();
        assert_eq!((loaded.generation, settings.document.stroke_force_chart[9]), (1, 10));
        assert_eq!(settings.motion.approach_speed.get(), 60.0);
        assert_eq!(encode(&settings, 1), Ok(value));
    }

    #[test]
    fn each_flipped_bit_is_seen() {
        let value = encode(&Settings::fresh(new_id()), 1).unwrap();
        for bit in 0..value.len() * 8 {
            let mut damaged = value.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert!(matches!(decode(b"6b046f08c9f8c8945c405bb9", &damaged), Err(Trouble::Unreadable(_))));
        }
        for length in 0..value.len() {
            assert!(matches!(decode(b"1", &value[..length]), Err(Trouble::Unreadable(_))));
        }
    }

    #[test]
    fn a_newer_version_is_not_damage() {
        assert_eq!(unseal(&seal(9, b"?"), 1), Err(Trouble::Newer { found: 9, known: 1 }));
    }

    #[test]
    fn values_that_are_not_allowed_are_listed_by_name() {
        let mut settings = Settings::fresh(new_id());
        settings.document.force_limit = -1;
        settings.document.padding_mm = 100;
        let value = encode(&settings, 1).unwrap();
        let loaded = decode(settings.document.id.as_bytes(), &value).unwrap();
        let fields: Vec<_> = loaded.settings.unwrap_err().iter().map(|invalid| invalid.field).collect();
        assert_eq!(fields, ["force_limit", "padding_mm"]);
    }
}
