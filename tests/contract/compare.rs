//! Comparison of an answer with a recorded one.

use serde_json::Value;
use yep::settings;

use super::support::HttpAnswer;

/// Relative tolerance of equal numbers.
const SAME: f64 = 1e-9;
/// Absolute tolerance of numbers that stand for zero: the last bit of a sine.
const ZERO: f64 = 1e-15;

/// True if the text has the form of a document's id.
pub fn is_id(text: &str) -> bool {
    text.len() == 24 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// True if a setting of this name has been added since the recordings were made.
fn is_later_setting(key: &str) -> bool {
    settings::fields().any(|row| row.name == key && row.since > settings::OLDEST_VERSION)
}

/// Asserts the same JSON, in the same order of keys; numbers to nine digits, ids only by their form.
pub fn assert_json(case: &str, ours: &Value, theirs: &Value) {
    match (ours, theirs) {
        (Value::Object(ours), Value::Object(theirs)) => {
            let ours: Vec<_> = ours.iter().filter(|(key, _)| !is_later_setting(key)).collect();
            let keys = ours.iter().map(|(key, _)| *key);
            assert_eq!(keys.collect::<Vec<_>>(), theirs.keys().collect::<Vec<_>>(), "{case}");
            for (key, value) in ours {
                assert_json(&format!("{case}.{key}"), value, &theirs[key]);
            }
        }
        (Value::Array(ours), Value::Array(theirs)) => {
            assert_eq!(ours.len(), theirs.len(), "{case}: {ours:?}");
            for (i, (ours, theirs)) in ours.iter().zip(theirs).enumerate() {
                assert_json(&format!("{case}[{i}]"), ours, theirs);
            }
        }
        (Value::Number(a), Value::Number(b)) => {
            assert_eq!(a.is_f64(), b.is_f64(), "{case}: {a} and {b} are not of one kind");
            let (a, b) = (a.as_f64().unwrap(), b.as_f64().unwrap());
            assert!((a - b).abs() <= (SAME * b.abs()).max(ZERO), "{case}: {a} is not {b}");
        }
        (Value::String(ours), Value::String(theirs)) if is_id(theirs) => {
            assert!(is_id(ours), "{case}: {ours}");
        }
        _ => assert_eq!(ours, theirs, "{case}"),
    }
}

/// Asserts the same CORS headers.
pub fn assert_cors(case: &str, answer: &HttpAnswer, theirs: &[(&str, &str)]) {
    let is_cors = |name: &str| name.starts_with("access-control-") || name == "vary";
    let mut ours: Vec<(&str, &str)> =
        answer.headers.iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap())).collect();
    // That a page may also come compressed says nothing about origins.
    ours.retain(|(name, value)| is_cors(name) && *value != "accept-encoding");
    let mut theirs: Vec<(&str, &str)> = theirs.iter().copied().filter(|(name, _)| is_cors(name)).collect();
    ours.sort_unstable();
    theirs.sort_unstable();
    assert_eq!(ours, theirs, "{case}");
}

/// Asserts the same frames, except for ids, times and the last digits of a wave.
pub fn assert_frames(case: &str, ours: &[String], theirs: &[Value]) {
    assert_eq!(ours.len(), theirs.len(), "{case}: {ours:?}");
    for (ours, theirs) in ours.iter().zip(theirs) {
        let theirs = theirs.as_str().unwrap();
        let (mut our_shape, our_data) = shape(case, ours);
        let (their_shape, their_data) = shape(case, theirs);
        if our_shape != their_shape {
            our_shape.insert_str(0, case);
        }
        assert_eq!(our_shape, their_shape);
        assert_eq!(our_data.is_some(), their_data.is_some(), "{case}");
        if let (Some(ours), Some(theirs)) = (our_data, their_data) {
            assert_json(case, &serde_json::from_str(&ours).unwrap(), &serde_json::from_str(&theirs).unwrap());
        }
    }
}

/// The text of a frame without the parts that differ from run to run, and its data.
fn shape(case: &str, frame: &str) -> (String, Option<String>) {
    let message = serde_json::from_str::<Value>(frame).unwrap()[0].clone();
    let text = |key: &str| message[key].as_str().map(str::to_owned);
    let id = text("message_id").unwrap();
    let (ms, count) = id.split_once('-').unwrap_or_else(|| panic!("{case}: id {id}"));
    assert!(ms.parse::<u64>().is_ok() && count.parse::<u64>().is_ok(), "{case}: id {id}");
    let time = text("time").unwrap();
    assert!(time.parse::<f64>().is_ok_and(|time| time > 1.7e9), "{case}: time {time}");
    let data = text("data");
    let masked = frame.replacen(&id, "ID", 1).replacen(&time, "TIME", 1);
    let masked = data.as_ref().map_or(masked.clone(), |data| masked.replacen(data.as_str(), "DATA", 1));
    (masked, data)
}
