//! Compatibility contract with the existing clients: every recorded request of the original server, sent to this
//! server.
//!
//! The recordings are sent in their order to a server that commands a remote machine, as the original did. Where this
//! server's answer differs on purpose, the item has a line in `DEVIATIONS` with the new answer and the reason; that
//! answer is checked as strictly. No item is left out.

#[path = "contract/compare.rs"]
mod compare;
#[path = "contract/deviations.rs"]
mod deviations;
#[path = "support/api.rs"]
mod support;

use std::collections::BTreeSet;

use serde_json::{Value, json};
use support::{Client, HttpAnswer, Server, Setup};
use yep::api::port::MachineLocation;
use yep::api::routes::ROUTES;
use yep::machine::{Calibration, Command, CommandRefusal, Fault, State, SwitchDistance};
use yep::settings::Settings;
use yep::wave::{Graph, Shape};

use compare::{assert_cors, assert_frames, assert_json, is_id};
use deviations::{DEVIATIONS, Deviation, Instead};

const GROUPS: [&str; 8] =
    ["commands", "cors", "curve", "docs_errors", "settings", "setup", "wave_get", "wave_run"];

/// Settings of the original that were not made by earlier items: the group and the name of the item, and a function
/// that sets them.
type Preparation = (&'static str, &'static str, fn(&mut Settings));

const PREPARATIONS: &[Preparation] = &[
    ("settings", "put_machine_1", |s| s.document.tick_stroke_limit = 7),
    ("settings", "put_chart", |s| {
        s.document.tick_stroke_limit = 7;
        s.document.force_limit = 1;
        s.document.max_steps = Some(31_000);
    }),
    ("settings", "put_int64_max", |_| {}),
    ("settings", "default_after_create", |s| s.document.tick_stroke_limit = 11),
    ("wave_get", "res20_sine_0.2", |s| s.document.wave_resolution = 20),
    ("wave_get", "res0_sine_1", |s| s.document.wave_resolution = 0),
    ("wave_get", "res-5_sine_1", |s| s.document.wave_resolution = -5),
];

fn recorded(group: &str) -> Vec<Value> {
    let path = format!("{}/tests/contract/{group}.json", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).unwrap();
    serde_json::from_str::<Value>(&text).unwrap()["items"].as_array().unwrap().clone()
}

/// A server, and a listener of the commands.
async fn start(location: MachineLocation, prepare: fn(&mut Settings)) -> (Server, Client) {
    let mut setup = Setup::new(location);
    prepare(&mut setup.settings);
    let server = setup.start().await;
    let commands = server.socket("command_all").await;
    (server, commands)
}

/// Sends the recorded request. A recorded id stands for the id of the document.
async fn ask(server: &Server, request: &Value) -> HttpAnswer {
    let id = server.ctx.settings.current().document.id;
    let path = request["path"].as_str().unwrap();
    let path: Vec<&str> = path
        .split('/')
        .map(|segment| if is_id(segment) && !segment.starts_with("0123") { &id } else { segment })
        .collect();
    let headers = request["headers"].as_object().unwrap();
    let headers: Vec<(&str, &str)> = headers.iter().map(|(k, v)| (k.as_str(), v.as_str().unwrap())).collect();
    let body = request["body"].as_str().unwrap_or_default();
    server.request(request["method"].as_str().unwrap(), &path.join("/"), &headers, body).await
}

#[tokio::test]
async fn every_recorded_request_is_answered_as_recorded_or_as_decided() {
    let mut used = BTreeSet::new();
    let mut count = 0;
    for group in GROUPS {
        let (mut server, mut commands) = start(MachineLocation::Remote, |_| {}).await;
        for item in &recorded(group) {
            let name = item["name"].as_str().unwrap();
            let case = format!("{group}/{name}");
            if let Some((_, _, prepare)) = PREPARATIONS.iter().find(|(g, n, _)| (*g, *n) == (group, name)) {
                (server, commands) = start(MachineLocation::Remote, *prepare).await;
            }
            let answer = ask(&server, &item["request"]).await;
            let frames = commands.drain(&server, "command_all").await;
            pause_behind(item).await;
            match DEVIATIONS.iter().position(|d| (d.group, d.name) == (group, name)) {
                None => as_recorded(&case, item, &answer, &frames),
                Some(index) => {
                    used.insert(index);
                    as_decided(&case, &DEVIATIONS[index], item, &answer, &frames);
                }
            }
            count += 1;
        }
    }
    assert_eq!(used.len(), DEVIATIONS.len(), "a deviation names no item");
    assert_eq!(count, 147, "recorded items");
}

/// Waits as long as a client must pause behind a STOP before the next start (S34).
async fn pause_behind(item: &Value) {
    if item["name"] == "run_stop" {
        tokio::time::sleep(yep::api::charge::fence::GUARD).await;
    }
}

fn as_recorded(case: &str, item: &Value, answer: &HttpAnswer, frames: &[String]) {
    let response = &item["response"];
    assert_eq!(u64::from(answer.status), response["status"], "{case}: {}", answer.text());
    let headers: Vec<(&str, &str)> = response["headers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|pair| (pair[0].as_str().unwrap(), pair[1].as_str().unwrap()))
        .collect();
    assert_cors(case, answer, &headers);
    let content_type = headers.iter().find(|(name, _)| *name == "content-type").map(|(_, value)| *value);
    assert_eq!(answer.header("content-type"), content_type, "{case}");
    if let Some(json) = response.get("json") {
        assert_json(case, &answer.json(), json);
    } else if let Some(summary) = response.get("json_summary") {
        let positions = answer.json()["positions"].as_array().unwrap().clone();
        let (head, tail) = (summary["head"].as_array().unwrap(), summary["tail"].as_array().unwrap());
        assert_eq!(positions.len() as u64, summary["n_positions"], "{case}");
        assert_json(case, &positions[..head.len()].into(), &summary["head"]);
        assert_json(case, &positions[positions.len() - tail.len()..].into(), &summary["tail"]);
    } else {
        assert_eq!(answer.text(), response["body_text"], "{case}");
    }
    // An item without the list was recorded without a listener.
    if let Some(recorded) = item["ws_frames_command_all"].as_array() {
        assert_frames(case, frames, recorded);
    }
}

fn as_decided(case: &str, deviation: &Deviation, item: &Value, answer: &HttpAnswer, frames: &[String]) {
    assert_eq!(answer.status, deviation.status, "{case} ({}): {}", deviation.why, answer.text());
    match deviation.instead {
        Instead::Json(json) => assert_json(case, &answer.json(), &serde_json::from_str(json).unwrap()),
        Instead::Like(other) => {
            let (group, name) = other.split_once('/').unwrap();
            let items = recorded(group);
            let other = items.iter().find(|item| item["name"] == name).unwrap();
            assert_json(case, &answer.json(), &other["response"]["json"]);
        }
        Instead::AtLeastZero => {
            let recorded = item["response"]["json"].as_array().unwrap();
            let clamped = recorded.iter().map(|value| json!(value.as_f64().unwrap().max(0.0))).collect();
            assert_json(case, &answer.json(), &clamped);
        }
        Instead::Text(text) => assert_eq!(answer.text(), text, "{case}"),
    }
    let origin = item["request"]["headers"].get("Origin").and_then(Value::as_str);
    let allowed = origin.filter(|origin| !origin.contains("evil"));
    if item["request"]["method"] != "OPTIONS" {
        let expected = allowed.map(|origin| {
            [
                ("access-control-allow-origin", origin),
                ("access-control-allow-credentials", "true"),
                ("vary", "Origin"),
            ]
        });
        assert_cors(case, answer, expected.as_ref().map_or(&[], |headers| headers.as_slice()));
    } else {
        assert_eq!(answer.header("access-control-allow-origin"), allowed, "{case}");
    }
    let kinds: Vec<String> = frames
        .iter()
        .map(|frame| serde_json::from_str::<Value>(frame).unwrap()[0]["type"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(kinds, deviation.announces, "{case}");
}

/// With a local machine: the status of each recorded command, and the commands that reach the machine.
#[tokio::test]
async fn the_recorded_commands_are_given_to_a_local_machine() {
    let (server, mut commands) = start(MachineLocation::Local, |_| {}).await;
    for item in &recorded("commands") {
        let case = item["name"].as_str().unwrap();
        let (status, kinds, stops): (u16, &[&str], usize) = match case {
            "run_stop" => (200, &[], 1),
            "run_end" => (200, &["end"], 0),
            "run_calibrate" => (200, &["calibrate"], 0),
            "run_update_settings" => (200, &["update_settings"], 0),
            // The request contains no wave; a yep-machine never got one this way either.
            "run_loop_wave" | "extra_data_dropped" => (409, &[], 0),
            // Unknown names are announced all the same.
            "run_žluť" | "number" | "bool" => (200, &[], 0),
            "get_slash" => (405, &[], 0),
            other => panic!("what about {other}?"),
        };
        let before = server.port.stop_count();
        let answer = ask(&server, &item["request"]).await;
        pause_behind(item).await;
        assert_eq!(answer.status, status, "{case}: {}", answer.text());
        let given: Vec<_> = server.port.commands().iter().map(|command| command.kind().name()).collect();
        assert_eq!((given.as_slice(), server.port.stop_count() - before), (kinds, stops), "{case}");
        let frames = commands.drain(&server, "command_all").await;
        match item["ws_frames_command_all"].as_array() {
            Some(recorded) if status == 200 => assert_frames(case, &frames, recorded),
            _ => assert!(frames.is_empty(), "{case}: {frames:?}"),
        }
    }
}

#[tokio::test]
async fn a_local_machine_runs_the_recorded_waves_that_an_axis_can_follow() {
    let (server, mut commands) = start(MachineLocation::Local, |_| {}).await;
    for item in &recorded("wave_run") {
        let case = item["name"].as_str().unwrap();
        let answer = ask(&server, &item["request"]).await;
        let given = server.port.commands();
        let frames = commands.drain(&server, "command_all").await;
        if case == "sine_0.01_empty_data" {
            assert_eq!((answer.status, given.len(), frames.len()), (422, 0, 0), "{}", answer.text());
            assert_eq!(answer.json()["detail"][0]["loc"], json!(["body", "spec", "duration"]));
            continue;
        }
        assert_eq!(answer.json(), item["response"]["json"], "{case}");
        assert_frames(case, &frames, item["ws_frames_command_all"].as_array().unwrap());
        let body: Value = serde_json::from_str(item["request"]["body"].as_str().unwrap()).unwrap();
        let [Command::Run(wave)] = given.as_slice() else { panic!("{case}: {given:?}") };
        assert_eq!(
            Some(&wave.graph),
            body["type"].as_str().and_then(Shape::from_name).map(Graph::from).as_ref()
        );
        assert_eq!(Some(wave.period_s()), body["duration"].as_f64(), "{case}");
    }
}

#[tokio::test]
async fn what_the_machine_refuses_is_a_conflict_and_is_not_announced() {
    let (server, mut commands) = start(MachineLocation::Local, |_| {}).await;
    let fault = Fault::EStop;
    for (refusal, code) in [
        (CommandRefusal::NotHomed(State::NotHomed), "not_homed"),
        (CommandRefusal::Faulted(fault, SwitchDistance::Unknown), "faulted"),
        (CommandRefusal::QueueFull, "queue_full"),
    ] {
        for (path, body) in [
            ("/api/wave/run", r#"{"type":"sine","duration":1}"#),
            ("/api/commands/run", r#"{"type":"calibrate"}"#),
            ("/api/commands/run", r#"{"type":"arm"}"#),
            ("/api/commands/run", r#"{"type":"acknowledge"}"#),
            ("/api/commands/run", r#"{"type":"update_settings"}"#),
            ("/api/settings/any/default", r#"{"force_limit":900}"#),
        ] {
            server.port.script_replies([Err(refusal)]);
            let method = if path.contains("settings") { "PUT" } else { "POST" };
            let answer = server.request(method, path, &[], body).await;
            assert_eq!(answer.status, 409, "{path} {body}: {}", answer.text());
            assert_eq!(answer.json(), json!({"detail": refusal.to_string(), "code": code}));
            assert_eq!(commands.drain(&server, "command_all").await, [""; 0], "{path} {body}");
        }
    }
    // At rest `end` is no error, since the app's button sends it often.
    server.port.script_replies([Err(CommandRefusal::NothingRuns(State::Ready))]);
    assert_eq!(server.post("/api/commands/run", r#"{"type":"end"}"#).await.text(), "null");
    assert_eq!(commands.drain(&server, "command_all").await.len(), 1);
    // Refused settings are neither in force nor stored.
    let kept = server.store.kept.lock().unwrap().last().unwrap().document.force_limit;
    assert_eq!((server.ctx.settings.current().document.force_limit, kept), (1_000, 1_000));
}

#[tokio::test]
async fn durations_are_taken_as_a_person_types_them() {
    let (server, _) = start(MachineLocation::Remote, |_| {}).await;
    for (sent, points) in [
        (r#"2"#, 239),
        (r#""2.""#, 239),
        (r#"2.3"#, 275),
        (r#""0.""#, 0),
        (r#""2e-1""#, 23),
        (r#"" 1 ""#, 119),
    ] {
        let answer = server.post("/api/wave/get", &format!(r#"{{"type":"sine","duration":{sent}}}"#)).await;
        assert_eq!(answer.json()["positions"].as_array().unwrap().len(), points, "{sent}");
    }
    for nothing in [r#""""#, "true", "false", "[2]"] {
        let body = format!(r#"{{"type":"sine","duration":{nothing}}}"#);
        for path in ["/api/wave/get", "/api/wave/run"] {
            let answer = server.post(path, &body).await;
            assert_eq!(answer.status, 422, "{nothing}");
            assert_eq!(answer.json()["detail"][0]["msg"], "value is not a valid float", "{nothing}");
        }
    }
}

#[tokio::test]
async fn a_slip_of_the_pen_is_refused_and_the_nearest_field_named() {
    let (server, mut commands) = start(MachineLocation::Local, |_| {}).await;
    let wave = |field: &str| format!(r#"{{"type":"sine","duration":3,"{field}":0.1,"lease":"continue"}}"#);
    let points = r#""points":[50,40,30,25,23,22,20,18,15,10]"#;
    let settings = "/api/settings/any/default";
    let id = server.ctx.settings.current().document.id;
    for (method, path, body, field, meant) in [
        ("POST", "/api/wave/run", wave("amplitud"), "amplitud", "did you mean amplitude?"),
        ("POST", "/api/wave/run", wave("stroke"), "stroke", "did you mean amplitude?"),
        ("POST", "/api/wave/run", wave("depth"), "depth", "did you mean offset?"),
        ("POST", "/api/wave/run", wave("speed"), "speed", "did you mean duration?"),
        ("POST", "/api/wave/run", wave("zzz"), "zzz", "known: type, duration, lease, rise"),
        ("POST", "/api/wave/get", wave("amplitud"), "amplitud", "did you mean amplitude?"),
        ("PUT", "/api/v1/waves/mine", wave("Amplitude"), "Amplitude", "did you mean amplitude?"),
        (
            "POST",
            "/api/curve",
            format!(r#"{{{points},"resoluton":9}}"#),
            "resoluton",
            "did you mean resolution?",
        ),
        ("PUT", settings, r#"{"stroke_limt":20}"#.into(), "stroke_limt", "did you mean stroke_limit?"),
        ("PUT", settings, r#"{"strokeLimit":20}"#.into(), "strokeLimit", "did you mean stroke_limit?"),
        ("PUT", settings, r#"{"max_speed_mm_s":20}"#.into(), "max_speed_mm_s", "PUT /api/v1/limits"),
        ("PUT", "/api/v1/limits", r#"{"max_sped_mm_s":20}"#.into(), "max_sped_mm_s", "mean max_speed_mm_s?"),
    ] {
        let answer = server.request(method, path, &[("content-type", "application/json")], &body).await;
        assert_eq!(answer.status, 422, "{path} {body}: {}", answer.text());
        let (place, why) = only_error(&answer.json());
        assert_eq!(place, field, "{path}");
        assert!(why.contains(meant), "{why}");
    }
    // Unknown fields that resemble no known one are ignored, as on the first server.
    let foreign = format!(r#"{{"foo":1,"steps_per_mm":3.5,"id":"{id}","force_limit":900}}"#);
    assert_eq!(server.put(settings, &foreign).await.json()["force_limit"], 900);
    assert_eq!(server.port.commands().len(), 1);
    assert_eq!(commands.drain(&server, "command_all").await.len(), 1, "one change of the settings");
}

/// The field and the message of the only thing that is wrong, in either dialect.
fn only_error(answer: &Value) -> (String, String) {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let errors = if answer["errors"].is_array() { &answer["errors"] } else { &answer["detail"] };
    let [error] = errors.as_array().unwrap().as_slice() else { panic!("{answer}") };
    match error["loc"].as_array() {
        Some(loc) => (text(loc.last().unwrap()), text(&error["msg"])),
        None => (text(&error["field"]), text(&error["message"])),
    }
}

#[tokio::test]
async fn a_key_that_is_there_twice_is_refused() {
    let (server, mut commands) = start(MachineLocation::Local, |_| {}).await;
    for (method, path, body, key) in [
        (
            "POST",
            "/api/wave/run",
            r#"{"type":"sine","duration":3,"amplitude":0.1,"amplitude":1}"#,
            "amplitude",
        ),
        ("POST", "/api/wave/get", r#"{"type":"sine","duration":3,"duration":3}"#, "duration"),
        ("POST", "/api/commands/run", r#"{"type":"end","type":"calibrate"}"#, "type"),
        ("PUT", "/api/settings/any/default", r#"{"stroke_limit":20,"stroke_limit":150}"#, "stroke_limit"),
        ("PUT", "/api/v1/limits", r#"{"max_speed_mm_s":50,"max_speed_mm_s":500}"#, "max_speed_mm_s"),
    ] {
        let answer = server.request(method, path, &[("content-type", "application/json")], body).await;
        let (place, said) = only_error(&answer.json());
        assert!(answer.status == 422 && ["", "body"].contains(&place.as_str()), "{path}: {place}");
        assert!(said.starts_with(&format!("the key {key:?} is there twice at line 1")), "{said}");
    }
    // The path means STOP, whatever the body contains.
    assert_eq!(server.post("/api/stop", r#"{"a":1,"a":2}"#).await.status, 200);
    assert_eq!((server.port.commands().len(), server.port.stop_count()), (0, 1));
    assert_eq!(commands.drain(&server, "command_all").await.len(), 1);
}

#[tokio::test]
async fn a_remote_machine_is_never_sent_a_wave_that_its_connection_cannot_take() {
    let (server, mut commands) = start(MachineLocation::Remote, |_| {}).await;
    let answer = server.post("/api/wave/run", r#"{"type":"sine","duration":600}"#).await;
    assert_eq!((answer.status, answer.json()["detail"][0]["loc"][2].as_str()), (422, Some("duration")));
    assert_eq!(commands.drain(&server, "command_all").await.len(), 0);
}

#[tokio::test]
async fn the_longest_wave_that_is_documented_runs_and_is_announced_without_its_points() {
    let (server, mut commands) = start(MachineLocation::Local, |_| {}).await;
    for kind in ["sine", "square", "triangle"] {
        let wave = format!(r#"{{"type":"{kind}","duration":86400}}"#);
        assert_eq!(server.post("/api/wave/run", &wave).await.status, 200, "{kind}");
        let given = server.port.commands();
        let [Command::Run(wave)] = given.as_slice() else { panic!("{given:?}") };
        assert_eq!(wave.period_s(), 86_400.0);
        let [frame] = &commands.drain(&server, "command_all").await[..] else { panic!("not one message") };
        assert!(frame.contains("loop_wave") && !frame.contains("data"), "{frame}");
    }
    assert_eq!(server.post("/api/wave/run", r#"{"type":"sine","duration":86401}"#).await.status, 422);
}

#[tokio::test]
async fn a_remote_machine_is_spared_what_makes_it_deaf() {
    let (server, mut commands) = start(MachineLocation::Remote, |s| s.document.max_steps = Some(1_450)).await;
    for wave in [
        r#"{"type":"square","duration":0.025}"#,
        r#"{"type":"square","duration":0.03}"#,
        r#"{"type":"sine","duration":0.01}"#,
        r#"{"type":"sine","duration":2,"amplitude":0}"#,
        r#"{"type":"sine","duration":2,"amplitude":0.0005}"#,
    ] {
        let answer = server.post("/api/wave/run", wave).await;
        assert_eq!(answer.status, 422, "{wave}: {}", answer.text());
        assert!(answer.text().contains("not hear STOP any more"), "{wave}: {}", answer.text());
    }
    assert_eq!(commands.drain(&server, "command_all").await, [""; 0]);
    for wave in [r#"{"type":"square","duration":0.05}"#, r#"{"type":"sine","duration":2,"amplitude":0.01}"#] {
        assert_eq!(server.post("/api/wave/run", wave).await.status, 200, "{wave}");
    }
    assert_eq!(commands.drain(&server, "command_all").await.len(), 2);
    let points = r#"{"points":[100,0,100,0,100,0,100,0,100,0],"resolution":1000}"#;
    let curve = server.post("/api/curve", points).await.json();
    assert!(curve.as_array().unwrap().iter().all(|value| value.as_f64().unwrap() >= 0.0), "{curve}");
}

#[tokio::test]
async fn after_a_reset_a_remote_machine_is_not_homed_until_it_has_measured() {
    let (server, mut commands) = start(MachineLocation::Remote, |s| s.document.max_steps = Some(1_450)).await;
    let wave = r#"{"type":"sine","duration":2}"#;
    assert_eq!(server.post("/api/wave/run", wave).await.status, 200);
    assert_eq!(server.post("/api/setup/initialize/", "").await.status, 200);
    for calibrating in [false, true] {
        let refused = server.post("/api/wave/run", wave).await;
        assert_eq!((refused.status, &refused.json()["code"]), (409, &json!("not_homed")), "{calibrating}");
        assert_eq!(server.post("/api/commands/run", r#"{"type":"calibrate"}"#).await.status, 200);
    }
    assert_eq!(
        server.put("/api/settings/any/default?machine=true", r#"{"max_steps":1440}"#).await.status,
        200
    );
    assert_eq!(server.post("/api/wave/run", wave).await.status, 200);
    let kinds = commands.drain(&server, "command_all").await;
    assert_eq!(kinds.iter().filter(|frame| frame.contains("loop_wave")).count(), 2, "{kinds:?}");
}

#[tokio::test]
async fn initialising_is_refused_in_motion_and_forgets_the_calibration_at_rest() {
    let (server, _) = start(MachineLocation::Local, |_| {}).await;
    let found = Calibration { origin_steps: 50, travel_steps: 1_550, max_steps: 1_450 };
    server.ctx.settings.calibrated(&found, 1_735_689_599).await.unwrap();
    let shown = server.get("/api/settings/any/default").await.json();
    assert_eq!((&shown["max_steps"], &shown["steps_per_mm"]), (&json!(1_450), &json!(10.0)));
    let id = shown["id"].as_str().unwrap();
    server.port.set_snapshot(support::snapshot(State::Running));
    let refused = server.post("/api/setup/initialize/", "").await;
    assert_eq!((refused.status, refused.json()["code"].as_str()), (409, Some("moving")));
    assert_eq!(server.get(&format!("/api/settings/any/{id}")).await.status, 200);
    server.port.set_snapshot(support::snapshot(State::Ready));
    assert_eq!(server.post("/api/setup/initialize/", "").await.text(), "null");
    assert_eq!(server.get(&format!("/api/settings/any/{id}")).await.status, 404);
    assert_eq!(server.get("/api/settings/any/default").await.json()["max_steps"], Value::Null);
}

#[tokio::test]
async fn the_limits_of_motion_have_units_in_their_names_and_are_checked_together() {
    let (server, mut commands) = start(MachineLocation::Local, |_| {}).await;
    let path = "/api/v1/limits";
    let limits = json!({
        "max_speed_mm_s": 500.0,
        "max_acceleration_mm_s2": 5_000.0,
        "max_jerk_mm_s3": 200_000.0,
        "stop_deceleration_mm_s2": 8_000.0,
        "approach_speed_mm_s": 60.0,
    });
    assert_eq!(server.get(path).await.json()["asked"], limits);
    let answer = server.put(path, r#"{"max_speed_mm_s": 400}"#).await;
    assert_eq!((answer.status, &answer.json()["asked"]["max_speed_mm_s"]), (200, &json!(400.0)));
    let given = server.port.commands();
    let [Command::UpdateSettings(config)] = given.as_slice() else { panic!("{given:?}") };
    assert_eq!(config.limits.max_speed.get(), 400.0);
    assert_eq!(commands.drain(&server, "command_all").await.len(), 1);
    let refused = server.put(path, r#"{"stop_deceleration_mm_s2": 10}"#).await;
    assert_eq!(only_error(&refused.json()).0, "stop_deceleration_mm_s2");
    assert_eq!(server.request("PUT", path, &[("content-type", "text/plain")], "{}").await.status, 415);
    // A misspelt name refuses the whole change (S21).
    let refused = server.put(path, r#"{"max_speed_mm_s": 450, "max_sped_mm_s": 450}"#).await;
    assert_eq!(only_error(&refused.json()).0, "max_sped_mm_s");
    assert_eq!(server.get(path).await.json()["asked"]["max_speed_mm_s"], json!(400.0));
    // 51 200 microsteps over 40 mm are 1 280 steps/mm: at 400 mm/s more than the pulses can make.
    let fine = r#"{"microsteps_per_rev": 51200}"#;
    let refused = server.put("/api/settings/any/default", fine).await;
    assert_eq!(refused.status, 422, "{}", refused.text());
    assert!(refused.text().contains("lower it to 156 mm/s"), "{}", refused.text());
    assert_eq!(server.port.commands(), []);
}

#[tokio::test]
async fn every_route_is_documented_and_every_documented_route_is_there() {
    let (server, _) = start(MachineLocation::Local, |_| {}).await;
    let spec = server.get("/api/v1/openapi.json").await.json();
    let mut described = BTreeSet::new();
    for (path, methods) in spec["paths"].as_object().unwrap() {
        described.extend(methods.as_object().unwrap().keys().map(|m| (m.to_uppercase(), path.clone())));
    }
    let served = ROUTES.iter().filter(|route| route.path.starts_with("/api/v1/") && !route.upgrades());
    let served: BTreeSet<_> = served.map(|r| (r.method.to_string(), r.path.to_owned())).collect();
    assert_eq!(described, served);
    for path in ["/docs", "/docs/", "/redoc", "/docs/oauth2-redirect"] {
        let page = server.get(path).await;
        assert_eq!((page.status, page.header("x-content-type-options")), (200, Some("nosniff")), "{path}");
        assert!(page.header("content-security-policy").unwrap().contains("frame-ancestors 'none'"));
        assert!(!page.text().contains("https://") && !page.text().contains("<script"), "{path}");
        assert!(page.header("content-security-policy").unwrap().contains("default-src 'none'"));
    }
}
