//! Migration of stored values from the layouts of older versions to the present one, one version per step.
//!
//! A step is a pure function from old bytes to new ones; its result is written in one batch, or not at all. Each step
//! has a fixture of the old bytes in its test, which stays readable for ever.

use serde::{Deserialize, Serialize};

use super::engine::StoredValues;
use super::engine::{DatabaseError, Tree};
use super::seal::{damaged, decode, encode, seal, unseal};

/// Version of the trees, their keys and their records, as this program writes them.
pub const LAYOUT_VERSION: u8 = 7;

/// Steps from each version to the next, beginning with version 1.
const STEPS: [fn(StoredValues) -> Result<StoredValues, DatabaseError>; LAYOUT_VERSION as usize - 1] =
    [from_1_to_2, from_2_to_3, from_3_to_4, from_4_to_5, from_5_to_6, from_6_to_7];

/// Version of the stored content; `None` if there is none.
///
/// # Errors
/// [`DatabaseError::Unreadable`] or [`DatabaseError::Newer`].
pub fn version(content: &StoredValues) -> Result<Option<u8>, DatabaseError> {
    match content.get(&(Tree::Meta, Tree::LAYOUT_KEY.to_vec())) {
        Some(value) => unseal(value, LAYOUT_VERSION).map(|(version, _)| Some(version)),
        None if content.is_empty() => Ok(None),
        None => Err(damaged("its version is gone")),
    }
}

/// Migrates content of this version to the present one.
///
/// # Errors
/// [`DatabaseError::Unreadable`].
pub fn upgrade(content: StoredValues, version: u8) -> Result<StoredValues, DatabaseError> {
    STEPS.iter().skip(usize::from(version).saturating_sub(1)).try_fold(content, |content, step| step(content))
}

/// Stored value of the layout's version.
pub fn layout_value(version: u8) -> Vec<u8> {
    seal(version, &[])
}

/// Settings document in versions 1 and 2 of the settings.
#[derive(Serialize, Deserialize)]
struct DocumentV1 {
    name: String,
    tick_stroke_limit: i64,
    force_limit: i64,
    stroke_force_chart: [i64; 10],
    microsteps_per_rev: i64,
    wave_resolution: i64,
    stroke_limit: i64,
    max_stroke: i64,
    padding_mm: i64,
}

/// Limits of motion in versions 1 and 2 of the settings.
#[derive(Serialize, Deserialize)]
struct MotionV1 {
    max_speed_mm_s: f64,
    max_acceleration_mm_s2: f64,
    max_jerk_mm_s3: f64,
    stop_deceleration_mm_s2: f64,
    approach_speed_mm_s: f64,
}

/// Version 1 of the settings: with the calibration, and with the number of the write that made them. A nested struct
/// has the bytes of its fields.
#[derive(Serialize, Deserialize)]
struct SettingsV1 {
    generation: u64,
    document: DocumentV1,
    max_steps: Option<i64>,
    travel_steps: Option<i64>,
    motion: MotionV1,
}

/// Version 2 of the settings.
#[derive(Serialize)]
struct SettingsV2 {
    document: DocumentV1,
    motion: MotionV1,
}

/// Version 1 of the calibration.
#[derive(Serialize)]
struct CalibrationV1 {
    max_steps: i64,
    travel_steps: Option<i64>,
    calibrated_unix_s: Option<u64>,
}

/// Version 1 had only the trees `settings` and `meta`. Version 2 has a tree for the calibration, and the number of the
/// write in `meta`, since not every write changes the settings any more.
fn from_1_to_2(old: StoredValues) -> Result<StoredValues, DatabaseError> {
    let mut new = StoredValues::new();
    let mut newest: Option<(Vec<u8>, SettingsV1)> = None;
    for ((tree, id), value) in old {
        if tree == Tree::Settings {
            let settings: SettingsV1 = decode("the settings", 1, &value)?;
            // There is one, but a program that died in a reset may have left two.
            if newest.as_ref().is_none_or(|(_, newest)| newest.generation <= settings.generation) {
                newest = Some((id, settings));
            }
        }
    }
    let only = || Tree::ONLY_KEY.to_vec();
    let failed = |why: String| damaged(why);
    if let Some((id, v1)) = newest {
        if let Some(max_steps) = v1.max_steps {
            let found = CalibrationV1 { max_steps, travel_steps: v1.travel_steps, calibrated_unix_s: None };
            let value = encode(1, &found).map_err(failed)?;
            new.insert((Tree::Calibration, only()), value);
        }
        let settings = SettingsV2 { document: v1.document, motion: v1.motion };
        new.insert((Tree::Settings, id), encode(2, &settings).map_err(failed)?);
        let generation = encode(1, &v1.generation).map_err(failed)?;
        new.insert((Tree::Meta, Tree::GENERATION_KEY.to_vec()), generation);
    }
    new.insert((Tree::Meta, Tree::LAYOUT_KEY.to_vec()), layout_value(2));
    Ok(new)
}

/// Version 3 may have the scale of the force sensor beside the calibration; before, it had a file of its own.
fn from_2_to_3(mut content: StoredValues) -> Result<StoredValues, DatabaseError> {
    content.insert((Tree::Meta, Tree::LAYOUT_KEY.to_vec()), layout_value(3));
    Ok(content)
}

/// Version 4 may have devices, audit entries, machine time and the pairing code of the card; before, nobody was paired.
fn from_3_to_4(mut content: StoredValues) -> Result<StoredValues, DatabaseError> {
    content.insert((Tree::Meta, Tree::LAYOUT_KEY.to_vec()), layout_value(4));
    Ok(content)
}

/// Version 1 of the record of the first run.
#[derive(Serialize)]
struct FirstRunV1 {
    json: &'static str,
}

/// Version 5 may have the record of the first run beside the calibration. A machine that was calibrated before was in use,
/// and its owner is asked whether it works as it is wired.
fn from_4_to_5(mut content: StoredValues) -> Result<StoredValues, DatabaseError> {
    if content.contains_key(&(Tree::Calibration, Tree::ONLY_KEY.to_vec())) {
        let value = encode(1, &FirstRunV1 { json: r#"{"asks":"in_use_before"}"# }).map_err(damaged)?;
        content.insert((Tree::Calibration, Tree::COMMISSIONING_KEY.to_vec()), value);
    }
    content.insert((Tree::Meta, Tree::LAYOUT_KEY.to_vec()), layout_value(5));
    Ok(content)
}

/// Version 6 may have the settings of the feeds beside the calibration; before, there were no feeds.
fn from_5_to_6(mut content: StoredValues) -> Result<StoredValues, DatabaseError> {
    content.insert((Tree::Meta, Tree::LAYOUT_KEY.to_vec()), layout_value(6));
    Ok(content)
}

/// Version 7 may have patterns, and the settings of the media player beside the calibration; before, there were none.
fn from_6_to_7(mut content: StoredValues) -> Result<StoredValues, DatabaseError> {
    content.insert((Tree::Meta, Tree::LAYOUT_KEY.to_vec()), layout_value(7));
    Ok(content)
}

#[cfg(test)]
mod tests {
    use super::super::commissioning::CommissioningRecord;
    use super::super::content;
    use super::super::feeds::{FeedSettings, StoredWindow};
    use super::super::patterns::PatternMemory;
    use super::super::player::PlayerSettings;
    use super::*;

    fn bytes(hex: &str) -> Vec<u8> {
        (0..hex.len()).step_by(2).map(|i| u8::from_str_radix(&hex[i..i + 2], 16).unwrap()).collect()
    }

    /// Settings as version 1 wrote them.
    const V1: &str = "0101046d61696e14d00f64503c322e2c28241e14a006f001b602b6020a00000000000000407f4000000000\
                      0088b34000000000006a0841000000000040bf400000000000004e40e486bd8b";
    const ID: &[u8] = b"6b046f08c9f8c8945c405bb9";

    fn version_1(settings: &[(&[u8], &[u8])]) -> StoredValues {
        let mut content: StoredValues =
            settings.iter().map(|(id, value)| ((Tree::Settings, id.to_vec()), value.to_vec())).collect();
        content.insert((Tree::Meta, b"layout".to_vec()), bytes("01a505df1b"));
        content
    }

    #[test]
    fn version_1_is_read_for_ever() {
        let old = version_1(&[(ID, &bytes(V1))]);
        assert_eq!(version(&old), Ok(Some(1)));
        let new = upgrade(old, 1).unwrap();
        let stored = content::decode(&new).unwrap().unwrap();
        let settings = stored.settings.unwrap();
        assert_eq!((stored.generation, settings.document.id.as_bytes()), (1, ID));
        assert_eq!((settings.document.stroke_force_chart[9], settings.document.force_limit), (10, 1_000));
        assert_eq!(settings.motion.approach_speed.get(), 60.0);
        assert_eq!((settings.document.max_steps, settings.calibrated_unix_s), (None, None));
    }

    /// Content of a calibration as version 2 wrote it: 1450 steps of 1550, at 1735689599.
    const V2_CALIBRATION: &str = "d416019c1801ff8ad2bb06";

    #[test]
    fn version_2_is_read_for_ever() {
        let mut old = upgrade(version_1(&[(ID, &bytes(V1))]), 1).unwrap();
        old.insert((Tree::Meta, b"layout".to_vec()), layout_value(2));
        old.insert((Tree::Calibration, b"0".to_vec()), seal(1, &bytes(V2_CALIBRATION)));
        let stored = content::decode(&upgrade(old, 2).unwrap()).unwrap().unwrap();
        let settings = stored.settings.unwrap();
        assert_eq!((settings.document.max_steps, settings.travel_steps), (Some(1_450), Some(1_550)));
        assert_eq!((settings.calibrated_unix_s, stored.rest.force_scale), (Some(1_735_689_599), None));
    }

    /// All values of a store as version 3 wrote them.
    const V3: [(Tree, &[u8], &str); 8] = [
        (
            Tree::Settings,
            ID,
            "021376657273696f6e20332c206772c3b6c39f657214c00c64503c322e2c28241e14a006f001f001b6020a0000000000187440000000\
             000088b34000000000006a0841000000000040bf400000000000004e40365b32e4",
        ),
        (Tree::Calibration, b"0", "01d416019c1801eff597d806c69da6ab"),
        (Tree::Calibration, b"force", "010475617274019a9999999999b93f010000000000187ac05e06c756"),
        (
            Tree::Waves,
            b"slow one",
            "011e7b2274797065223a2273696e65222c226475726174696f6e223a372e357d15124f50",
        ),
        (
            Tree::Sessions,
            b"\0\0\0\0\0\0\0\x01",
            "01ff8ad2bb060000000000000000010107000000000000294000000000000000000000f252ec6d",
        ),
        (Tree::Counters, b"0", "01010700000000000029400000000000000000003f159c05"),
        (Tree::Meta, b"generation", "010528a8d731"),
        (Tree::Meta, b"layout", "034b0bbe37"),
    ];

    #[test]
    fn version_3_is_read_for_ever() {
        let old: StoredValues =
            V3.iter().map(|(tree, key, value)| ((*tree, key.to_vec()), bytes(value))).collect();
        assert_eq!(version(&old), Ok(Some(3)));
        let stored = content::decode(&upgrade(old, 3).unwrap()).unwrap().unwrap();
        let settings = stored.settings.unwrap();
        assert_eq!((stored.generation, settings.document.name.as_str()), (5, "version 3, größer"));
        assert_eq!((settings.document.max_steps, settings.travel_steps), (Some(1_450), Some(1_550)));
        let rest = stored.rest;
        assert_eq!(rest.waves["slow one"].text(), r#"{"type":"sine","duration":7.5}"#);
        assert_eq!((rest.sessions[&1].strokes, rest.counters.distance_mm), (7, 12.5));
        assert_eq!(rest.force_scale.unwrap().per_g, Some(-417.5));
        assert!(rest.devices.is_empty() && rest.audit.is_empty() && rest.card_code.is_none());
        assert_eq!((rest.last_device, rest.machine_h), (0, 0));
    }

    /// The layout of version 4; its other values were those of version 3.
    const V4_LAYOUT: &str = "04d56f2b94";

    #[test]
    fn a_machine_that_was_in_use_in_version_4_is_asked_about_and_a_new_one_is_not() {
        let mut old: StoredValues =
            V3.iter().map(|(tree, key, value)| ((*tree, key.to_vec()), bytes(value))).collect();
        assert_eq!(layout_value(4), bytes(V4_LAYOUT));
        old.insert((Tree::Meta, b"layout".to_vec()), bytes(V4_LAYOUT));
        assert_eq!(version(&old), Ok(Some(4)));
        let asked = |old: &StoredValues| {
            let stored = content::decode(&upgrade(old.clone(), 4).unwrap()).unwrap().unwrap();
            stored.rest.commissioning
        };
        assert_eq!(asked(&old), CommissioningRecord::in_use_before());
        old.remove(&(Tree::Calibration, b"0".to_vec()));
        assert!(asked(&old).is_blank());
    }

    /// What version 5 had besides the values of version 3: its layout, and the record of the first run.
    const V5: [(Tree, &[u8], &str); 2] = [
        (Tree::Meta, b"layout", "05a2681b02"),
        (Tree::Calibration, b"commissioning", "01187b2261736b73223a22696e5f7573655f6265666f7265227d69a40ec4"),
    ];

    #[test]
    fn version_5_is_read_for_ever() {
        let values = V3.iter().chain(&V5).map(|(tree, key, value)| ((*tree, key.to_vec()), bytes(value)));
        let old: StoredValues = values.collect();
        assert_eq!(version(&old), Ok(Some(5)));
        let stored = content::decode(&upgrade(old, 5).unwrap()).unwrap().unwrap();
        assert_eq!((stored.generation, stored.rest.counters.strokes), (5, 7));
        assert_eq!(stored.rest.commissioning, CommissioningRecord::in_use_before());
        assert_eq!(stored.rest.feeds, FeedSettings::default());
    }

    /// What version 6 had besides the values of version 5: its layout, and the settings of the feeds.
    const V6: [(Tree, &[u8], &str); 2] = [
        (Tree::Meta, b"layout", "063b614ab8"),
        (
            Tree::Calibration,
            b"feeds",
            "01b8017b2277696e646f77223a7b226261636b5f6d6d223a32302e352c2266726f6e745f6d6d223a3132302e307d2c22766962726174\
             696f6e223a747275652c22766962726174696f6e5f73706565645f7368617265223a302e342c2274636f64655f6265796f6e645f6c6f\
             6f706261636b223a747275652c2262757474706c75675f6265796f6e645f6c6f6f706261636b223a66616c73652c22616c6c6f776564\
             5f686f737473223a5b223139322e3136382e312e3230225d7d0f9b8b6b",
        ),
    ];

    #[test]
    fn version_6_is_read_for_ever() {
        let values =
            V3.iter().chain(&V5).chain(&V6).map(|(tree, key, value)| ((*tree, key.to_vec()), bytes(value)));
        let old: StoredValues = values.collect();
        assert_eq!(version(&old), Ok(Some(6)));
        let rest = content::decode(&upgrade(old, 6).unwrap()).unwrap().unwrap().rest;
        assert_eq!((rest.counters.strokes, rest.commissioning), (7, CommissioningRecord::in_use_before()));
        let feeds = FeedSettings {
            window: Some(StoredWindow { back_mm: 20.5, front_mm: 120.0 }),
            vibration: true,
            vibration_speed_share: 0.4,
            tcode_beyond_loopback: true,
            buttplug_beyond_loopback: false,
            allowed_hosts: vec![[192, 168, 1, 20].into()],
        };
        assert_eq!(rest.feeds, feeds);
        assert_eq!((rest.patterns, rest.player), (PatternMemory::default(), PlayerSettings::default()));
    }

    #[test]
    fn of_two_documents_the_newest_counts_and_its_calibration_is_kept() {
        let value = |generation, max_steps: Option<i64>, travel_steps| {
            let mut v1: SettingsV1 = decode("it", 1, &bytes(V1)).unwrap();
            (v1.generation, v1.max_steps, v1.travel_steps) = (generation, max_steps, travel_steps);
            encode(1, &v1).unwrap()
        };
        let other = b"aaaaaaaaaaaaaaaaaaaaaaaa".as_slice();
        let (older, newer) = (value(6, None, None), value(7, Some(1_450), Some(1_550)));
        let new = upgrade(version_1(&[(ID, &newer), (other, &older)]), 1).unwrap();
        let stored = content::decode(&new).unwrap().unwrap();
        let settings = stored.settings.unwrap();
        assert_eq!((stored.generation, settings.document.id.as_bytes()), (7, ID));
        assert_eq!((settings.document.max_steps, settings.travel_steps), (Some(1_450), Some(1_550)));
    }

    #[test]
    fn damaged_old_values_are_damage_and_newer_ones_are_newer() {
        for value in [&b""[..], b"junk", &seal(1, b"junk"), &seal(0, b"")] {
            assert!(matches!(upgrade(version_1(&[(ID, value)]), 1), Err(DatabaseError::Unreadable(_))));
        }
        let mut newer = version_1(&[]);
        newer.insert((Tree::Meta, b"layout".to_vec()), layout_value(LAYOUT_VERSION + 1));
        assert_eq!(version(&newer), Err(DatabaseError::Newer { found: 8, known: 7 }));
        assert_eq!(version(&StoredValues::new()), Ok(None));
        let mut without = version_1(&[(ID, &bytes(V1))]);
        without.remove(&(Tree::Meta, b"layout".to_vec()));
        assert!(matches!(version(&without), Err(DatabaseError::Unreadable(_))));
    }
}
