//! Sampled waves that the clients draw, against recorded answers of their first server.

use serde_json::Value;
use yep::wave::{Points, Shape, curve, sample};

fn recorded(name: &str) -> Vec<Value> {
    let path = format!("{}/tests/contract/{name}.json", env!("CARGO_MANIFEST_DIR"));
    let group: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    group["items"].as_array().unwrap().clone()
}

fn numbers(list: &Value) -> Vec<f64> {
    list.as_array().unwrap().iter().map(|number| number.as_f64().unwrap()).collect()
}

/// A number in a form that clients send: also as text, also with nothing after the point.
fn as_number(value: &Value) -> Option<f64> {
    value.as_f64().or_else(|| value.as_str()?.parse().ok())
}

fn assert_same(name: &str, ours: &[f64], theirs: &[f64]) {
    assert_eq!(ours.len(), theirs.len(), "{name}: length");
    for (i, (ours, theirs)) in ours.iter().zip(theirs).enumerate() {
        let allowed = (1e-9 * theirs.abs()).max(1e-15);
        assert!((ours - theirs).abs() <= allowed, "{name}[{i}]: {ours} is not {theirs}");
    }
}

/// The points as plain numbers; integers where the original sent integers.
fn plain(points: &Points) -> Vec<f64> {
    match points {
        Points::Sine(points) | Points::Other(points) => points.clone(),
        Points::Square(points) => points.iter().map(|point| f64::from(*point)).collect(),
    }
}

/// Shape, duration and resolution of a recorded request; `None` where its JSON is refused before the wave is.
fn recorded_request(item: &Value) -> Option<(Shape, f64, i64)> {
    let body = item["request"]["body"].as_str()?.replace("NaN", "\"NaN\"");
    let body: Value = serde_json::from_str(&body).ok()?;
    let name = item["name"].as_str()?;
    let resolution = match name.strip_prefix("res") {
        Some(rest) => rest.split('_').next()?.parse().unwrap(),
        None => 120,
    };
    Some((Shape::from_name(body["type"].as_str()?)?, as_number(&body["duration"])?, resolution))
}

#[test]
fn every_recorded_wave_has_the_same_points() {
    let mut compared = 0;
    for item in recorded("wave_get") {
        let (name, response) = (item["name"].as_str().unwrap(), &item["response"]);
        let Some((shape, duration_s, resolution)) = recorded_request(&item) else {
            assert_ne!(response["status"], 200, "{name} was not understood");
            continue;
        };
        let points = sample(shape, duration_s, resolution);
        if response["status"] != 200 {
            assert!(points.is_err(), "{name} was refused by the original");
            continue;
        }
        let ours = plain(&points.unwrap());
        match &response["json_summary"] {
            Value::Null => assert_same(name, &ours, &numbers(&response["json"]["positions"])),
            summary => {
                let (head, tail) = (numbers(&summary["head"]), numbers(&summary["tail"]));
                assert_eq!(Some(ours.len() as u64), summary["n_positions"].as_u64(), "{name}");
                assert_same(name, &ours[..head.len()], &head);
                assert_same(name, &ours[ours.len() - tail.len()..], &tail);
            }
        }
        compared += 1;
    }
    assert!(compared >= 28, "only {compared} recorded waves were compared");
}

#[test]
fn every_recorded_curve_has_the_same_values() {
    let mut compared = 0;
    for item in recorded("curve") {
        let (name, response) = (item["name"].as_str().unwrap(), &item["response"]);
        let body: Value =
            serde_json::from_str(item["request"]["body"].as_str().unwrap_or("")).unwrap_or_default();
        let Some(points) = body["points"].as_array() else {
            assert_ne!(response["status"], 200, "{name} was not understood");
            continue;
        };
        // The original took an entry without a value for not-a-number as well.
        let points: Vec<f64> = points.iter().map(|point| as_number(point).unwrap_or(f64::NAN)).collect();
        let resolution = as_number(&body["resolution"]).map_or(100, |resolution| resolution as i64);
        match response["status"].as_u64() {
            Some(200) => {
                assert_same(name, &curve(&points, resolution).unwrap(), &numbers(&response["json"]));
                compared += 1;
            }
            // The redirect to the other form of the path contains no points.
            Some(307) => assert!(curve(&points, resolution).is_ok()),
            _ => assert!(curve(&points, resolution).is_err(), "{name} was refused by the original"),
        }
    }
    assert!(compared >= 10, "only {compared} recorded curves were compared");
}

/// `wave/run` sent `(p + 1) / 2` to a machine: the same points as a share of the range.
#[test]
fn the_points_that_were_sent_to_a_machine_are_these_points() {
    for item in recorded("wave_run") {
        let name = item["name"].as_str().unwrap();
        let (shape, duration_s, resolution) = recorded_request(&item).unwrap();
        let points = plain(&sample(shape, duration_s, resolution).unwrap());
        let ours: Vec<f64> = points.iter().map(|point| (point + 1.0) / 2.0).collect();
        // A frame is the text of an array of messages, and their data the text of an array.
        let frame: Value = serde_json::from_str(item["ws_frames_command_all"][0].as_str().unwrap()).unwrap();
        let data: Value = serde_json::from_str(frame[0]["data"].as_str().unwrap()).unwrap();
        assert_same(name, &ours, &numbers(&data));
    }
}
