//! Wave requests over HTTP: answers, commands to the machine, refusals.

use serde_json::{Value, json};
use yep::api::port::MachineLocation;
use yep::machine::Command;
use yep::wave::{Points, Shape, Wave, sample};

use super::api::{Server, Setup};

async fn start(location: MachineLocation) -> Server {
    Setup::new(location).start().await
}

async fn drawn(server: &Server, spec: &Value) -> Vec<f64> {
    let answer = server.post("/api/wave/get", &spec.to_string()).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    serde_json::from_value(answer.json()["positions"].clone()).unwrap()
}

/// Posts `spec`; returns the wave of the machine's command.
async fn run(server: &Server, spec: &Value) -> Wave {
    let answer = server.post("/api/wave/run", &spec.to_string()).await;
    assert_eq!((answer.status, answer.json()), (200, json!({ "status": "success" })), "{spec}");
    let mut given = server.port.commands();
    let Some(Command::Run(wave)) = given.pop() else { panic!("{spec}: {given:?}") };
    wave
}

fn specs() -> Vec<Value> {
    vec![
        json!({ "type": "trapezoid", "duration": 4, "rise": 1, "hold_front": 0.5, "fall": 2, "hold_back": 0.5 }),
        json!({ "type": "trapezoid", "duration": "4.", "rise": "1" }),
        json!({ "type": "triangle", "duration": 3, "rise": 1 }),
        json!({ "type": "points", "duration": 4, "points": [0, 0.6, 0.4, 1], "interpolation": "linear" }),
        json!({ "type": "points", "duration": 4, "points": [[0.5, 0.1], [1, 1], [2.5, 0.3]] }),
        json!({ "type": "points", "duration": 4, "points": [[0, 0.2], [1, 0.8], [2.5, 0.3], [4, 0.2]],
                "interpolation": "spline" }),
    ]
}

#[tokio::test]
async fn what_is_drawn_is_what_runs() {
    let server = start(MachineLocation::Local).await;
    let resolution = server.ctx.settings.current().document.wave_resolution as f64;
    for spec in specs() {
        let positions = drawn(&server, &spec).await;
        let wave = run(&server, &spec).await;
        assert_eq!(positions.len() as f64, wave.period_s() * resolution, "{spec}");
        for (index, position) in positions.iter().enumerate() {
            let executed = wave.graph.at(index as f64 / positions.len() as f64).position;
            assert!((position - (2.0 * executed - 1.0)).abs() < 1e-12, "{spec} at {index}");
        }
    }
}

#[tokio::test]
async fn a_thousand_points_fit_into_a_request_and_one_more_does_not() {
    let server = start(MachineLocation::Local).await;
    let points = |count: u32| -> Vec<Value> {
        (0..count).map(|i| json!([f64::from(i) / 7.0 + 1e-9, (f64::from(i) * 0.37).sin().abs()])).collect()
    };
    let spec = |count| json!({ "type": "points", "duration": 200, "points": points(count) });
    assert!(spec(1_000).to_string().len() > 32 * 1024);
    run(&server, &spec(1_000)).await;
    let refused = server.post("/api/wave/run", &spec(1_001).to_string()).await;
    assert_eq!(refused.status, 422);
    assert!(refused.text().contains("1001 points are given: monotone takes 2 to 1000"), "{}", refused.text());
    let flood = json!({ "type": "points", "duration": 1, "points": vec!["x"; 50_000] });
    let refused = server.post("/api/wave/get", &flood.to_string()).await;
    assert!(refused.status == 422 && refused.body.len() < 1_000, "{}", refused.body.len());
}

#[tokio::test]
async fn a_bad_graph_is_refused_with_the_point_that_is_wrong() {
    let server = start(MachineLocation::Local).await;
    let point = |index: usize| json!(["body", "spec", "points", index]);
    let field = |name: &str| json!(["body", "spec", name]);
    let points = |list: Value| json!({ "type": "points", "duration": 2, "points": list });
    for (spec, loc, said) in [
        (points(json!([0, 1, -0.5])), point(2), "its position is -0.5: give 0 for the back"),
        (points(json!([[0, 0], [1, 1], [0.5, 0]])), point(2), "it does not come after the point before it"),
        (points(json!([[0, 0], [2.5, 1]])), point(1), "it is outside the period"),
        (points(json!([[0, 0], [1, "x"]])), point(1), "value is not a valid float"),
        (points(json!([[0, 0], 1])), point(1), "give [seconds, position], as all the others"),
        (points(json!([0, null])), point(1), "none is not an allowed value"),
        (points(json!("x")), field("points"), "value is not a valid list"),
        (points(json!([0.5])), field("points"), "1 points are given: monotone takes 2 to 1000"),
        (json!({ "type": "points", "duration": 2 }), field("points"), "give the points"),
        (json!({ "type": "trapezoid", "duration": 2, "rise": 3 }), field("rise"), "3 s is no part"),
        (
            json!({ "type": "trapezoid", "duration": 2, "hold": 1 }),
            field("hold"),
            "no field of this name; known: type, duration, lease, rise",
        ),
        (json!({ "type": "triangle", "duration": 0.01 }), field("duration"), "give 0.05 s to 86400 s"),
        (json!({ "type": "sine", "duration": 2, "rise": 1 }), field("rise"), "a sine has no rise"),
        (json!({ "type": "Triangle", "duration": 2 }), field("type"), "unknown type of wave"),
        (
            json!({ "type": "points", "duration": 2, "points": [0, 0, 1, 1], "interpolation": "spline" }),
            point(0),
            "behind it the spline swings to -0.188, outside 0 to 1",
        ),
    ] {
        for path in ["/api/wave/get", "/api/wave/run"] {
            let answer = server.post(path, &spec.to_string()).await;
            assert_eq!(answer.status, 422, "{spec}: {}", answer.text());
            let first = &answer.json()["detail"][0];
            assert_eq!(first["loc"], loc, "{spec}");
            assert!(first["msg"].as_str().unwrap().contains(said), "{spec}: {first}");
        }
    }
    assert!(server.port.commands().is_empty());
}

#[tokio::test]
async fn an_envelope_says_which_part_of_the_stroke_is_filled() {
    let server = start(MachineLocation::Local).await;
    // The machine of this server has a usable range of 145 mm.
    for (envelope, offset, amplitude) in [
        (json!({ "amplitude": 0.4 }), 0.0, 0.4),
        (json!({ "offset": 0.3 }), 0.3, 0.7),
        (json!({ "amplitude": "0.5", "offset": 0.25 }), 0.25, 0.5),
        (json!({ "amplitude_mm": 29 }), 0.0, 0.2),
        (json!({ "amplitude_mm": 29, "offset_mm": 58, "ramp_up": 3, "ramp_down": 2.5 }), 0.4, 0.2),
        (json!({ "offset_mm": 29, "amplitude": 0.5, "ramp_up": null }), 0.2, 0.5),
    ] {
        for kind in ["sine", "square", "triangle"] {
            let mut spec = json!({ "type": kind, "duration": 2 });
            spec.as_object_mut().unwrap().extend(envelope.as_object().unwrap().clone());
            let positions = drawn(&server, &spec).await;
            let reach = |least: f64, position: &f64| least.min(*position);
            let low = positions.iter().fold(f64::MAX, reach);
            let high = positions.iter().map(|position| -position).fold(f64::MAX, |x, y| reach(x, &y));
            assert!((low - (2.0 * offset - 1.0)).abs() < 1e-12, "{spec}: {low}");
            assert!((-high - (2.0 * (offset + amplitude) - 1.0)).abs() < 1e-3, "{spec}: {high}");
            let wave = run(&server, &spec).await;
            let part = wave.envelope.over(145.0);
            assert!((part.offset_mm - offset * 145.0).abs() < 1e-9, "{spec}");
            assert!((part.amplitude_mm - amplitude * 145.0).abs() < 1e-9, "{spec}");
            let ramps = (wave.envelope.ramp_up_s, wave.envelope.ramp_down_s);
            let said = |name| spec.get(name).and_then(Value::as_f64).unwrap_or_default();
            assert_eq!(ramps, (said("ramp_up"), said("ramp_down")));
        }
    }
}

#[tokio::test]
async fn an_envelope_that_does_not_fit_is_refused() {
    let server = start(MachineLocation::Local).await;
    for (envelope, field, said) in [
        (json!({ "amplitude": 1.5 }), "amplitude", "1.5 is no share of the stroke: give 0 to 1"),
        (json!({ "amplitude": 0.8, "offset": 0.4 }), "amplitude", "it must be at most 0.6"),
        (
            json!({ "amplitude_mm": 100, "offset_mm": 46 }),
            "amplitude_mm",
            "146.0 mm together, and a stroke 145.0 mm",
        ),
        (json!({ "amplitude": 0.5, "amplitude_mm": 46 }), "amplitude_mm", "not both"),
        (json!({ "ramp_up": -1 }), "ramp_up", "-1 s is no ramp: give 0 to 600 s"),
        (json!({ "ramp_down": 601 }), "ramp_down", "601 s is no ramp"),
        (json!({ "ramp_up": 1, "amplitud": 0.2 }), "amplitud", "no field of this name"),
    ] {
        let mut spec = json!({ "type": "sine", "duration": 2 });
        spec.as_object_mut().unwrap().extend(envelope.as_object().unwrap().clone());
        for path in ["/api/wave/get", "/api/wave/run"] {
            let answer = server.post(path, &spec.to_string()).await;
            assert_eq!(answer.status, 422, "{spec}: {}", answer.text());
            let first = &answer.json()["detail"][0];
            assert_eq!(first["loc"], json!(["body", "spec", field]), "{spec}");
            assert!(first["msg"].as_str().unwrap().contains(said), "{spec}: {first}");
        }
    }
    assert!(server.port.commands().is_empty());
}

#[tokio::test]
async fn what_a_plain_sine_says_besides_is_passed_over_as_ever() {
    let server = start(MachineLocation::Local).await;
    let plain = drawn(&server, &json!({ "type": "sine", "duration": 1 })).await;
    assert_eq!(plain.len(), 119);
    assert_eq!(drawn(&server, &json!({ "type": "sine", "duration": 1, "zzz": 1 })).await, plain);
}

#[tokio::test]
async fn a_remote_machine_gets_the_points_of_the_wave() {
    let server = start(MachineLocation::Remote).await;
    let mut commands = server.socket("command_all").await;
    let spec = json!({ "type": "trapezoid", "duration": 1 });
    let answer = server.post("/api/wave/run", &spec.to_string()).await;
    assert_eq!(answer.status, 200);
    let frames = commands.drain(&server, "command_all").await;
    let frame: Value = serde_json::from_str(&frames[0]).unwrap();
    let data: Vec<f64> = serde_json::from_str(frame[0]["data"].as_str().unwrap()).unwrap();
    assert_eq!((data.len(), data[0], data[15], data[45]), (120, 0.0, 0.5, 1.0));
}

#[tokio::test]
async fn a_wave_that_runs_here_is_not_held_to_the_limits_of_a_remote_machine() {
    let still = json!({ "type": "sine", "duration": 2, "amplitude": 0 });
    let server = start(MachineLocation::Local).await;
    run(&server, &still).await;
    // A remote machine is not homed from here on.
    assert_eq!(server.post("/api/setup/initialize", "").await.status, 200);
    server.port.commands();
    run(&server, &still).await;
    let server = start(MachineLocation::Remote).await;
    assert_eq!(server.post("/api/wave/run", &still.to_string()).await.status, 422);
}

#[tokio::test]
async fn an_answer_is_byte_for_byte_the_text_of_its_points_whole_or_in_pieces() {
    let server = start(MachineLocation::Local).await;
    let resolution = server.ctx.settings.current().document.wave_resolution;
    for shape in Shape::ALL {
        for duration_s in [0.01, 0.1, 5.0, 68.2, 68.4, 120.0, 1_000.0] {
            let text = match sample(shape, duration_s, resolution).unwrap() {
                Points::Sine(points) | Points::Other(points) => serde_json::to_string(&points),
                Points::Square(points) => serde_json::to_string(&points),
            };
            let spec = json!({ "type": shape.name(), "duration": duration_s });
            let answer = server.post("/api/wave/get", &spec.to_string()).await;
            let expected = format!(r#"{{"positions":{}}}"#, text.unwrap());
            assert!(answer.body == expected.as_bytes(), "{spec}: {} bytes", answer.body.len());
        }
    }
}
