//! Contract test of the Buttplug server: messages as real client libraries send them, the table of errors, and any text
//! at all.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::session::NO_VIBRATION;
use super::{ButtplugAct, ButtplugOutcome, ButtplugReading, ButtplugSession, ButtplugStep, ReadingKind};
use crate::motion::feed::{FeedTarget, Pace};

/// `RequestServerInfo` of each version, as it is sent.
const HELLOS: [&str; 5] = [
    r#"[{"RequestServerInfo":{"Id":1,"ClientName":"x"}}]"#,
    r#"[{"RequestServerInfo":{"Id":1,"ClientName":"x","MessageVersion":1}}]"#,
    r#"[{"RequestServerInfo":{"Id":1,"ClientName":"x","MessageVersion":2}}]"#,
    r#"[{"RequestServerInfo":{"Id":1,"ClientName":"x","MessageVersion":3}}]"#,
    r#"[{"RequestServerInfo":{"ClientName":"test v5","Id":1,"ProtocolVersionMajor":4,"ProtocolVersionMinor":0}}]"#,
];

/// A session behind the handshake of a version.
fn greeted(version: usize) -> ButtplugSession {
    let mut session = ButtplugSession::new();
    answer_of(&session.read(HELLOS[version]));
    session
}

/// The one answer of these steps.
fn answer_of(steps: &[ButtplugStep]) -> Value {
    let [ButtplugStep::Answer(text)] = steps else { panic!("no single answer: {steps:?}") };
    serde_json::from_str(text).expect("JSON")
}

/// The one act of these steps.
fn act_of(steps: &[ButtplugStep]) -> (u32, ButtplugAct) {
    let [ButtplugStep::Ask { id, act }] = steps else { panic!("no single act: {steps:?}") };
    (*id, *act)
}

/// Code and text of the one error of these steps, whose `Id` is `id`.
fn error_of(steps: &[ButtplugStep], id: u32) -> (u64, String) {
    let answer = answer_of(steps);
    let error = &answer[0]["Error"];
    assert_eq!(error["Id"], id, "{answer}");
    let text = error["ErrorMessage"].as_str().expect("a text").to_owned();
    assert!(!text.is_empty());
    (error["ErrorCode"].as_u64().expect("a code"), text)
}

fn toward(share: f64, pace: Pace) -> ButtplugAct {
    ButtplugAct::Toward(FeedTarget { share, pace })
}

fn within(time_s: f64) -> Pace {
    Pace::Within { time_s }
}

fn ok(id: u32) -> Value {
    json!([{"Ok": {"Id": id}}])
}

#[test]
fn each_version_shakes_hands_with_its_own_number() {
    let old = |version: u32| {
        json!([{"ServerInfo": {
            "Id": 1, "ServerName": "yep", "MaxPingTime": 0, "MessageVersion": version,
            "MajorVersion": 0, "MinorVersion": 0, "BuildVersion": 0,
        }}])
    };
    let new = |version: u32| json!([{"ServerInfo": {"Id": 1, "ServerName": "yep", "MaxPingTime": 0, "MessageVersion": version}}]);
    let newest = json!([{"ServerInfo": {
        "Id": 1, "ServerName": "yep", "MaxPingTime": 0, "ProtocolVersionMajor": 4, "ProtocolVersionMinor": 0,
    }}]);
    let expected = [old(0), old(1), new(2), new(3), newest];
    for (hello, expected) in HELLOS.iter().zip(expected) {
        let mut session = ButtplugSession::new();
        assert_eq!(answer_of(&session.read(hello)), expected);
    }
    assert_eq!(greeted(4).client_name(), Some("test v5"));
    assert_eq!(greeted(3).version().map(super::SpecVersion::number), Some(3));
}

#[test]
fn before_the_handshake_and_after_it_there_is_an_order() {
    for text in [
        r#"[{"RequestDeviceList":{"Id":7}}]"#,
        r#"[{"StopAllDevices":{"Id":7}}]"#,
        r#"[{"Wat":{"Id":7}}]"#,
        r#"[{"RequestServerInfo":{"Id":7}}]"#,
        r#"[{"RequestServerInfo":{"Id":7,"ClientName":null}}]"#,
        r#"[{"RequestServerInfo":{"Id":7,"ClientName":"x","MessageVersion":4}}]"#,
        r#"[{"RequestServerInfo":{"Id":7,"ClientName":"x","MessageVersion":"3"}}]"#,
        r#"[{"RequestServerInfo":{"Id":7,"ClientName":"x","ProtocolVersionMajor":3}}]"#,
    ] {
        assert_eq!(error_of(&ButtplugSession::new().read(text), 7).0, 1, "{text}");
    }
    let five = r#"[{"RequestServerInfo":{"Id":7,"ClientName":"x","ProtocolVersionMajor":5,"ProtocolVersionMinor":0}}]"#;
    let mut session = ButtplugSession::new();
    let (code, text) = error_of(&session.read(five), 7);
    assert!(code == 1 && text.contains("4.0"), "{text}");
    // The client may try another version on the same connection, and only once succeed.
    answer_of(&session.read(HELLOS[4]));
    assert_eq!(error_of(&session.read(HELLOS[4]), 1).0, 1);
    assert_eq!(act_of(&session.read(r#"[{"Disconnect":{"Id":8}}]"#)), (8, ButtplugAct::Leave));
    assert_eq!(session.answer(8, Ok(ButtplugOutcome::Done)), ok(8).to_string());
    assert_eq!(error_of(&session.read(r#"[{"Ping":{"Id":9}}]"#), 9).0, 1);
}

#[test]
fn the_device_list_is_that_of_the_version() {
    let list = |version: usize, vibrates: bool| {
        let session = greeted(version);
        let mut session = if vibrates { session.offering_vibration() } else { session };
        answer_of(&session.read(r#"[{"RequestDeviceList":{"Id":2}}]"#))
    };
    let v4: Value = serde_json::from_str(
        r#"[{"DeviceList":{"Id":2,"Devices":{"0":{"DeviceName":"yep linear axis","DeviceIndex":0,
        "DeviceMessageTimingGap":10,"DeviceFeatures":{
        "0":{"FeatureIndex":0,"FeatureDescription":"Axis","FeatureDescriptor":"Axis",
            "Output":{"HwPositionWithDuration":{"Value":[0,9999],"Duration":[0,10000]},"Position":{"Value":[0,9999]}},
            "Input":{"Position":{"Value":[[0,9999]],"Command":["Read","Subscribe"]}}},
        "1":{"FeatureIndex":1,"FeatureDescription":"Speed","FeatureDescriptor":"Speed",
            "Output":{"Oscillate":{"Value":[0,100]}}},
        "2":{"FeatureIndex":2,"FeatureDescription":"Force in g","FeatureDescriptor":"Force in g",
            "Input":{"Pressure":{"Value":[[0,100000]],"Command":["Read","Subscribe"]}}}}}}}}]"#,
    )
    .expect("JSON");
    assert_eq!(list(4, false), v4);
    let outputs = &list(4, true)[0]["DeviceList"]["Devices"]["0"]["DeviceFeatures"]["1"]["Output"];
    assert_eq!(*outputs, json!({"Oscillate": {"Value": [0, 100]}, "Vibrate": {"Value": [0, 100]}}));

    let v3 = r#"[{"DeviceList":{"Id":2,"Devices":[{"DeviceName":"yep linear axis","DeviceIndex":0,"DeviceMessageTimingGap":10,"DeviceMessages":{"LinearCmd":[{"StepCount":9999,"FeatureDescriptor":"Axis","ActuatorType":"Position"}],"ScalarCmd":[{"StepCount":100,"FeatureDescriptor":"Speed","ActuatorType":"Oscillate"}],"StopDeviceCmd":{}}}]}}]"#;
    assert_eq!(list(3, false).to_string(), v3);
    assert_eq!(
        list(3, true)[0]["DeviceList"]["Devices"][0]["DeviceMessages"]["ScalarCmd"][1]["ActuatorType"],
        "Vibrate"
    );

    let old = |version: usize, vibrates: bool| {
        let list = list(version, vibrates);
        let device = &list[0]["DeviceList"]["Devices"][0];
        // Clients of these versions do not know the field.
        assert_eq!(device.get("DeviceMessageTimingGap"), None);
        device["DeviceMessages"].clone()
    };
    assert_eq!(
        old(2, true),
        json!({
            "LinearCmd": {"FeatureCount": 1, "StepCount": [9999]},
            "VibrateCmd": {"FeatureCount": 1, "StepCount": [100]},
            "StopDeviceCmd": {},
        })
    );
    assert_eq!(
        old(1, true),
        json!({"LinearCmd": {"FeatureCount": 1}, "VibrateCmd": {"FeatureCount": 1}, "StopDeviceCmd": {}})
    );
    assert_eq!(old(1, false), json!({"LinearCmd": {"FeatureCount": 1}, "StopDeviceCmd": {}}));
    assert_eq!(old(0, true), json!(["FleshlightLaunchFW12Cmd", "SingleMotorVibrateCmd", "StopDeviceCmd"]));
    assert_eq!(old(0, false), json!(["FleshlightLaunchFW12Cmd", "StopDeviceCmd"]));
}

/// Messages with the version of their connection and what they ask for. Vibration is offered.
#[rustfmt::skip]
fn commands() -> Vec<(usize, &'static str, u32, ButtplugAct)> {
    vec![
        // As the JavaScript client 5.0.2 sends them.
        (4, r#"[{"OutputCmd":{"Id":4,"DeviceIndex":0,"FeatureIndex":0,"Command":{"HwPositionWithDuration":{"Value":3000,"Duration":500}}}}]"#,
            4, toward(3000.0 / 9999.0, within(0.5))),
        (4, r#"[{"OutputCmd":{"Id":7,"DeviceIndex":0,"FeatureIndex":0,"Command":{"Position":{"Value":5000}}}}]"#,
            7, toward(5000.0 / 9999.0, Pace::Live)),
        (4, r#"[{"OutputCmd":{"Id":8,"DeviceIndex":0,"FeatureIndex":1,"Command":{"Oscillate":{"Value":50}}}}]"#,
            8, ButtplugAct::Oscillate { share: 0.5 }),
        (4, r#"[{"OutputCmd":{"Id":9,"DeviceIndex":0,"FeatureIndex":1,"Command":{"Vibrate":{"Value":100}}}}]"#,
            9, ButtplugAct::Vibrate { share: 1.0 }),
        (4, r#"[{"StopCmd":{"Id":10,"DeviceIndex":0,"Inputs":true,"Outputs":true}}]"#, 10, ButtplugAct::Stop),
        (4, r#"[{"StopCmd":{"Id":11,"Inputs":true,"Outputs":true}}]"#, 11, ButtplugAct::Stop),
        // Ends of the ranges.
        (4, r#"[{"OutputCmd":{"Id":1,"DeviceIndex":0,"FeatureIndex":0,"Command":{"HwPositionWithDuration":{"Value":9999,"Duration":0}}}}]"#,
            1, toward(1.0, Pace::Live)),
        (4, r#"[{"OutputCmd":{"Id":4294967295,"DeviceIndex":0,"FeatureIndex":0,"Command":{"HwPositionWithDuration":{"Value":0,"Duration":4294967296}}}}]"#,
            u32::MAX, toward(0.0, within(10.0))),
        // What is not understood in a stop stops.
        (4, r#"[{"StopCmd":{"Id":1}}]"#, 1, ButtplugAct::Stop),
        (4, r#"[{"StopCmd":{"Id":1,"DeviceIndex":5,"FeatureIndex":2}}]"#, 1, ButtplugAct::Stop),
        (4, r#"[{"StopCmd":{"Id":1,"DeviceIndex":0,"FeatureIndex":77}}]"#, 1, ButtplugAct::Stop),
        (4, r#"[{"StopCmd":{"Id":1,"DeviceIndex":0,"FeatureIndex":1,"Inputs":false}}]"#, 1, ButtplugAct::Stop),
        (4, r#"[{"StopCmd":{"Id":1,"Outputs":"no"}}]"#, 1, ButtplugAct::Stop),
        (4, r#"[{"StopAllDevices":{"Id":1}}]"#, 1, ButtplugAct::Stop),
        (4, r#"[{"InputCmd":{"Id":1,"DeviceIndex":0,"FeatureIndex":0,"Type":"Position","Command":"Read"}}]"#,
            1, ButtplugAct::Read(ReadingKind::Position)),
        (4, r#"[{"InputCmd":{"Id":1,"DeviceIndex":0,"FeatureIndex":2,"Type":"Pressure","Command":"Read"}}]"#,
            1, ButtplugAct::Read(ReadingKind::Pressure)),
        // The JavaScript client 3.2.2 and the Python client 0.2.0.
        (3, r#"[{"LinearCmd":{"Id":4,"DeviceIndex":0,"Vectors":[{"Index":0,"Position":0.3,"Duration":500}]}}]"#,
            4, toward(0.3, within(0.5))),
        (3, r#"[{"ScalarCmd":{"Id":6,"DeviceIndex":0,"Scalars":[{"Index":0,"Scalar":0.5,"ActuatorType":"Oscillate"}]}}]"#,
            6, ButtplugAct::Oscillate { share: 0.5 }),
        (3, r#"[{"LinearCmd": {"Id": 5, "DeviceIndex": 0, "Vectors": [{"Index": 0, "Duration": 500, "Position": 0.3}]}}]"#,
            5, toward(0.3, within(0.5))),
        (3, r#"[{"StopDeviceCmd":{"Id":2,"DeviceIndex":0}}]"#, 2, ButtplugAct::Stop),
        (3, r#"[{"StopDeviceCmd":{"Id":2,"DeviceIndex":3}}]"#, 2, ButtplugAct::Stop),
        (3, r#"[{"StopAllDevices":{"Id":3}}]"#, 3, ButtplugAct::Stop),
        (3, r#"[{"ScalarCmd":{"Id":6,"DeviceIndex":0,"Scalars":[{"Index":1,"Scalar":1,"ActuatorType":"Vibrate"}]}}]"#,
            6, ButtplugAct::Vibrate { share: 1.0 }),
        (3, r#"[{"ScalarCmd":{"Id":6,"DeviceIndex":0,"Scalars":[{"Index":0,"Scalar":0.25,"ActuatorType":"Position"}]}}]"#,
            6, toward(0.25, Pace::Live)),
        // Both at once: the last one counts.
        (3, r#"[{"ScalarCmd":{"Id":6,"DeviceIndex":0,"Scalars":[{"Index":1,"Scalar":1,"ActuatorType":"Vibrate"},{"Index":0,"Scalar":0.5,"ActuatorType":"Oscillate"}]}}]"#,
            6, ButtplugAct::Oscillate { share: 0.5 }),
        (3, r#"[{"LinearCmd":{"Id":4,"DeviceIndex":0,"Vectors":[{"Index":0,"Position":1,"Duration":1e300}]}}]"#,
            4, toward(1.0, within(10.0))),
        (3, r#"[{"LinearCmd":{"Id":4,"DeviceIndex":0,"Vectors":[{"Index":0,"Position":0,"Duration":0}]}}]"#,
            4, toward(0.0, Pace::Live)),
        (2, r#"[{"VibrateCmd":{"Id":4,"DeviceIndex":0,"Speeds":[{"Index":0,"Speed":0.5}]}}]"#,
            4, ButtplugAct::Vibrate { share: 0.5 }),
        (2, r#"[{"LinearCmd":{"Id":4,"DeviceIndex":0,"Vectors":[{"Index":0,"Duration":166.7,"Position":0.5}]}}]"#,
            4, toward(0.5, within(0.1667))),
        (1, r#"[{"VibrateCmd":{"Id":4,"DeviceIndex":0,"Speeds":[{"Index":0,"Speed":0}]}}]"#,
            4, ButtplugAct::Vibrate { share: 0.0 }),
        (1, r#"[{"LinearCmd":{"Id":4,"DeviceIndex":0,"Vectors":[{"Index":0,"Duration":20,"Position":0.5}]}}]"#,
            4, toward(0.5, within(0.02))),
        (0, r#"[{"SingleMotorVibrateCmd":{"Id":4,"DeviceIndex":0,"Speed":0.5}}]"#,
            4, ButtplugAct::Vibrate { share: 0.5 }),
        (0, r#"[{"FleshlightLaunchFW12Cmd":{"Id":4,"DeviceIndex":0,"Position":99,"Speed":0}}]"#, 4, ButtplugAct::Stop),
        (0, r#"[{"StopAllDevices":{"Id":3}}]"#, 3, ButtplugAct::Stop),
        (0, r#"[{"Disconnect":{"Id":3}}]"#, 3, ButtplugAct::Leave),
    ]
}

#[test]
fn commands_of_each_version_become_the_same_acts() {
    for (version, text, id, act) in commands() {
        let mut session = greeted(version).offering_vibration();
        assert_eq!(act_of(&session.read(text)), (id, act), "{text}");
        assert_eq!(session.answer(id, Ok(ButtplugOutcome::Done)), ok(id).to_string());
    }
}

#[test]
fn the_launch_takes_the_time_that_its_programs_count_on() {
    let speed = |percent: u32| {
        let text = format!(
            r#"[{{"FleshlightLaunchFW12Cmd":{{"Id":1,"DeviceIndex":0,"Position":99,"Speed":{percent}}}}}]"#
        );
        match act_of(&greeted(0).read(&text)).1 {
            ButtplugAct::Toward(FeedTarget { share: 1.0, pace: Pace::AtSpeed { per_s } }) => per_s,
            act => panic!("{act:?}"),
        }
    };
    // Nine tenths of the travel in 190 ms and 0.86 s.
    assert!((speed(99) - 0.9 / 0.190).abs() < 0.05, "{}", speed(99));
    assert!((speed(20) - 0.9 / 0.866).abs() < 0.05, "{}", speed(20));
    assert!((1..99).all(|percent| speed(percent) < speed(percent + 1)));
}

/// Messages that are refused, with the version of their connection, the `Id` of the answer and its code.
#[rustfmt::skip]
const REFUSED: &[(usize, &str, u32, u64)] = &[
    // Not readable.
    (4, "", 0, 3),
    (4, "ping", 0, 3),
    (4, "[{\"Ping\":{\"Id\":1}}", 0, 3),
    (4, "[{\"Ping\":{\"Id\":1}}] []", 0, 3),
    (4, "7", 0, 3),
    (4, "null", 0, 3),
    (4, "[7]", 0, 3),
    (4, "[[]]", 0, 3),
    (4, "[{}]", 0, 3),
    (4, r#"[{"Ping":7}]"#, 0, 3),
    (4, r#"{"Ping":{"Id":5}}"#, 5, 3),
    (4, r#"[{"Ping":{"Id":5},"StopScanning":{"Id":6}}]"#, 5, 3),
    (4, r#"[{"Ping":{}}]"#, 0, 3),
    (4, r#"[{"Ping":{"Id":0}}]"#, 0, 3),
    (4, r#"[{"Ping":{"Id":-1}}]"#, 0, 3),
    (4, r#"[{"Ping":{"Id":1.5}}]"#, 0, 3),
    (4, r#"[{"Ping":{"Id":"1"}}]"#, 0, 3),
    (4, r#"[{"Ping":{"Id":4294967296}}]"#, 0, 3),
    (4, r#"[{"Wat":{"Id":9}}]"#, 9, 3),
    (3, r#"[{"RawWriteCmd":{"Id":9,"DeviceIndex":0,"Endpoint":"tx","Data":[0],"WriteWithResponse":false}}]"#, 9, 3),
    (3, r#"[{"RotateCmd":{"Id":9,"DeviceIndex":0,"Rotations":[{"Index":0,"Speed":0.5,"Clockwise":true}]}}]"#, 9, 3),
    // Of another version.
    (4, r#"[{"LinearCmd":{"Id":4,"DeviceIndex":0,"Vectors":[{"Index":0,"Position":0.3,"Duration":500}]}}]"#, 4, 3),
    (3, r#"[{"OutputCmd":{"Id":7,"DeviceIndex":0,"FeatureIndex":0,"Command":{"Position":{"Value":5000}}}}]"#, 7, 3),
    (3, r#"[{"VibrateCmd":{"Id":4,"DeviceIndex":0,"Speeds":[{"Index":0,"Speed":0.5}]}}]"#, 4, 3),
    (4, r#"[{"Test":{"Id":4,"TestString":"x"}}]"#, 4, 3),
    // Fields that are missing or of another type.
    (4, r#"[{"OutputCmd":{"Id":7,"FeatureIndex":0,"Command":{"Position":{"Value":5000}}}}]"#, 7, 3),
    (4, r#"[{"OutputCmd":{"Id":7,"DeviceIndex":"0","FeatureIndex":0,"Command":{"Position":{"Value":5000}}}}]"#, 7, 3),
    (4, r#"[{"OutputCmd":{"Id":7,"DeviceIndex":0,"FeatureIndex":0,"Command":{"Position":{"Value":"5000"}}}}]"#, 7, 3),
    (4, r#"[{"OutputCmd":{"Id":7,"DeviceIndex":0,"FeatureIndex":0,"Command":{"Position":{}}}}]"#, 7, 3),
    (4, r#"[{"OutputCmd":{"Id":7,"DeviceIndex":0,"FeatureIndex":0,"Command":{}}}]"#, 7, 3),
    (4, r#"[{"OutputCmd":{"Id":7,"DeviceIndex":0,"FeatureIndex":0,"Command":{"Position":{"Value":1},"Oscillate":{"Value":1}}}}]"#, 7, 3),
    (4, r#"[{"OutputCmd":{"Id":7,"DeviceIndex":0,"FeatureIndex":0,"Command":{"HwPositionWithDuration":{"Value":1}}}}]"#, 7, 3),
    (3, r#"[{"LinearCmd":{"Id":7,"DeviceIndex":0}}]"#, 7, 3),
    (3, r#"[{"LinearCmd":{"Id":7,"DeviceIndex":0,"Vectors":[7]}}]"#, 7, 3),
    (3, r#"[{"LinearCmd":{"Id":7,"DeviceIndex":0,"Vectors":[{"Index":0,"Position":null,"Duration":500}]}}]"#, 7, 3),
    // JSON has no such numbers.
    (3, r#"[{"LinearCmd":{"Id":7,"DeviceIndex":0,"Vectors":[{"Index":0,"Position":NaN,"Duration":500}]}}]"#, 0, 3),
    (3, r#"[{"LinearCmd":{"Id":7,"DeviceIndex":0,"Vectors":[{"Index":0,"Position":1e999,"Duration":500}]}}]"#, 7, 3),
    // No such device or feature.
    (4, r#"[{"OutputCmd":{"Id":7,"DeviceIndex":1,"FeatureIndex":0,"Command":{"Position":{"Value":5000}}}}]"#, 7, 4),
    (4, r#"[{"OutputCmd":{"Id":7,"DeviceIndex":1e300,"FeatureIndex":0,"Command":{"Position":{"Value":5000}}}}]"#, 7, 4),
    (4, r#"[{"OutputCmd":{"Id":7,"DeviceIndex":0,"FeatureIndex":1e300,"Command":{"Position":{"Value":5000}}}}]"#, 7, 4),
    (4, r#"[{"OutputCmd":{"Id":7,"DeviceIndex":-1,"FeatureIndex":0,"Command":{"Position":{"Value":5000}}}}]"#, 7, 4),
    (4, r#"[{"OutputCmd":{"Id":7,"DeviceIndex":0,"FeatureIndex":1,"Command":{"Position":{"Value":5000}}}}]"#, 7, 4),
    (4, r#"[{"OutputCmd":{"Id":7,"DeviceIndex":0,"FeatureIndex":0,"Command":{"Oscillate":{"Value":50}}}}]"#, 7, 4),
    (4, r#"[{"OutputCmd":{"Id":7,"DeviceIndex":0,"FeatureIndex":2,"Command":{"Position":{"Value":5000}}}}]"#, 7, 4),
    (4, r#"[{"OutputCmd":{"Id":7,"DeviceIndex":0,"FeatureIndex":0,"Command":{"Rotate":{"Value":1}}}}]"#, 7, 4),
    (4, r#"[{"InputCmd":{"Id":7,"DeviceIndex":0,"FeatureIndex":0,"Type":"Battery","Command":"Read"}}]"#, 7, 4),
    (4, r#"[{"InputCmd":{"Id":7,"DeviceIndex":0,"FeatureIndex":0,"Type":"Pressure","Command":"Read"}}]"#, 7, 4),
    (4, r#"[{"InputCmd":{"Id":7,"DeviceIndex":0,"FeatureIndex":0,"Type":"Position","Command":"Write"}}]"#, 7, 3),
    (3, r#"[{"LinearCmd":{"Id":7,"DeviceIndex":2,"Vectors":[{"Index":0,"Position":0.3,"Duration":500}]}}]"#, 7, 4),
    (3, r#"[{"LinearCmd":{"Id":7,"DeviceIndex":0,"Vectors":[{"Index":0,"Position":0.3,"Duration":500},{"Index":1,"Position":0.3,"Duration":500}]}}]"#, 7, 4),
    (3, r#"[{"LinearCmd":{"Id":7,"DeviceIndex":0,"Vectors":[]}}]"#, 7, 4),
    (3, r#"[{"ScalarCmd":{"Id":6,"DeviceIndex":0,"Scalars":[{"Index":1,"Scalar":0.5,"ActuatorType":"Oscillate"}]}}]"#, 6, 4),
    (3, r#"[{"ScalarCmd":{"Id":6,"DeviceIndex":0,"Scalars":[{"Index":0,"Scalar":0.5,"ActuatorType":"Constrict"}]}}]"#, 6, 4),
    // Values outside of their ranges.
    (4, r#"[{"OutputCmd":{"Id":7,"DeviceIndex":0,"FeatureIndex":0,"Command":{"Position":{"Value":10000}}}}]"#, 7, 4),
    (4, r#"[{"OutputCmd":{"Id":7,"DeviceIndex":0,"FeatureIndex":0,"Command":{"Position":{"Value":-1}}}}]"#, 7, 4),
    (4, r#"[{"OutputCmd":{"Id":7,"DeviceIndex":0,"FeatureIndex":0,"Command":{"Position":{"Value":0.5}}}}]"#, 7, 4),
    (4, r#"[{"OutputCmd":{"Id":7,"DeviceIndex":0,"FeatureIndex":0,"Command":{"HwPositionWithDuration":{"Value":1,"Duration":-1}}}}]"#, 7, 4),
    (4, r#"[{"OutputCmd":{"Id":7,"DeviceIndex":0,"FeatureIndex":1,"Command":{"Oscillate":{"Value":101}}}}]"#, 7, 4),
    (3, r#"[{"LinearCmd":{"Id":7,"DeviceIndex":0,"Vectors":[{"Index":0,"Position":1.01,"Duration":500}]}}]"#, 7, 4),
    (3, r#"[{"LinearCmd":{"Id":7,"DeviceIndex":0,"Vectors":[{"Index":0,"Position":-0.1,"Duration":500}]}}]"#, 7, 4),
    (3, r#"[{"LinearCmd":{"Id":7,"DeviceIndex":0,"Vectors":[{"Index":0,"Position":0.5,"Duration":-5}]}}]"#, 7, 4),
    (3, r#"[{"ScalarCmd":{"Id":7,"DeviceIndex":0,"Scalars":[{"Index":0,"Scalar":1.5,"ActuatorType":"Oscillate"}]}}]"#, 7, 4),
    (0, r#"[{"FleshlightLaunchFW12Cmd":{"Id":7,"DeviceIndex":0,"Position":100,"Speed":50}}]"#, 7, 4),
    (0, r#"[{"FleshlightLaunchFW12Cmd":{"Id":7,"DeviceIndex":0,"Position":50,"Speed":100}}]"#, 7, 4),
    (0, r#"[{"SingleMotorVibrateCmd":{"Id":7,"DeviceIndex":0,"Speed":1.1}}]"#, 7, 4),
];

#[test]
fn what_is_refused_has_its_code_and_leaves_the_connection_open() {
    for (version, text, id, code) in REFUSED {
        let mut session = greeted(*version);
        let (given, reason) = error_of(&session.read(text), *id);
        assert_eq!(given, *code, "{text}\n{reason}");
        assert!(reason.len() < 200, "{reason}");
        assert_eq!(answer_of(&session.read(r#"[{"Ping":{"Id":99}}]"#)), ok(99), "{text}");
    }
}

#[test]
fn vibration_is_refused_with_a_remedy_until_it_is_offered() {
    for (version, text) in [
        (
            4,
            r#"[{"OutputCmd":{"Id":9,"DeviceIndex":0,"FeatureIndex":1,"Command":{"Vibrate":{"Value":50}}}}]"#,
        ),
        (
            3,
            r#"[{"ScalarCmd":{"Id":9,"DeviceIndex":0,"Scalars":[{"Index":1,"Scalar":1,"ActuatorType":"Vibrate"}]}}]"#,
        ),
        (2, r#"[{"VibrateCmd":{"Id":9,"DeviceIndex":0,"Speeds":[{"Index":0,"Speed":0.5}]}}]"#),
        (0, r#"[{"SingleMotorVibrateCmd":{"Id":9,"DeviceIndex":0,"Speed":0.5}}]"#),
    ] {
        assert_eq!(error_of(&greeted(version).read(text), 9), (4, NO_VIBRATION.to_owned()), "{text}");
    }
}

#[test]
fn messages_without_an_effect_are_ok() {
    for (version, name) in [(4, "Ping"), (0, "Ping"), (4, "StopScanning"), (3, "RequestLog"), (0, "Test")] {
        let text = json!([{ name: {"Id": 6} }]).to_string();
        assert_eq!(answer_of(&greeted(version).read(&text)), ok(6), "{name}");
    }
    let steps = greeted(4).read(r#"[{"StartScanning":{"Id":3}}]"#);
    let finished = json!([{"ScanningFinished": {"Id": 0}}]).to_string();
    assert_eq!(steps, [ButtplugStep::Answer(ok(3).to_string()), ButtplugStep::Answer(finished)]);
    assert_eq!(greeted(4).read("[]"), []);
    // A stop of what cannot move.
    for text in [
        r#"[{"StopCmd":{"Id":6,"DeviceIndex":0,"FeatureIndex":2}}]"#,
        r#"[{"StopCmd":{"Id":6,"Outputs":false}}]"#,
    ] {
        assert_eq!(answer_of(&greeted(4).read(text)), ok(6), "{text}");
    }
}

#[test]
fn messages_of_one_frame_come_in_their_order_and_a_bad_one_spoils_no_other() {
    let text = r#"[
        {"RequestServerInfo":{"Id":1,"ClientName":"x","MessageVersion":3}},
        {"Ping":{"Id":2}},
        {"LinearCmd":{"Id":3,"DeviceIndex":0,"Vectors":[{"Index":0,"Position":2,"Duration":500}]}},
        {"LinearCmd":{"Id":4,"DeviceIndex":0,"Vectors":[{"Index":0,"Position":1,"Duration":500}]}},
        {"Disconnect":{"Id":5}},
        {"LinearCmd":{"Id":6,"DeviceIndex":0,"Vectors":[{"Index":0,"Position":0,"Duration":500}]}}
    ]"#;
    let steps = ButtplugSession::new().read(text);
    let told: Vec<String> = steps
        .iter()
        .map(|step| match step {
            ButtplugStep::Answer(text) => {
                let answer: Value = serde_json::from_str(text).expect("JSON");
                let (name, fields) =
                    answer[0].as_object().and_then(|map| map.iter().next()).expect("one key");
                format!("{name} {}", fields["Id"])
            }
            ButtplugStep::Ask { id, .. } => format!("ask {id}"),
        })
        .collect();
    assert_eq!(told, ["ServerInfo 1", "Ok 2", "Error 3", "ask 4", "ask 5", "Error 6"]);
}

#[test]
fn a_frame_that_is_too_large_is_refused_as_a_whole() {
    let stops = |count: usize| {
        let stops: Vec<String> =
            (1..=count).map(|id| format!(r#"{{"StopAllDevices":{{"Id":{id}}}}}"#)).collect();
        format!("[{}]", stops.join(","))
    };
    assert_eq!(greeted(4).read(&stops(64)).len(), 64);
    assert_eq!(error_of(&greeted(4).read(&stops(65)), 0).0, 3);
    let deep = format!(r#"[{{"Ping":{{"Id":1,"x":{}{}}}}}]"#, "[".repeat(5000), "]".repeat(5000));
    assert_eq!(error_of(&greeted(4).read(&deep), 0).0, 3);
    let long = format!(r#"[{{"Ping":{{"Id":1,"x":"{}"}}}}]"#, "x".repeat(70_000));
    assert_eq!(error_of(&greeted(4).read(&long), 0).0, 3);
}

#[test]
fn a_refusal_of_the_machine_reaches_the_client_word_for_word() {
    let mut session = greeted(4);
    let reason = "the axis is not homed: start homing on the machine's page";
    let answer: Value = serde_json::from_str(&session.answer(5, Err(reason.to_owned()))).expect("JSON");
    assert_eq!(answer, json!([{"Error": {"Id": 5, "ErrorMessage": reason, "ErrorCode": 4}}]));
}

#[test]
fn readings_come_once_or_while_they_are_subscribed() {
    const FORCE: ButtplugReading = ButtplugReading::Pressure { force_g: -250.4 };
    let position = ButtplugReading::Position { share: 0.5 };
    let mut session = greeted(4);
    let text = session.answer(5, Ok(ButtplugOutcome::Reading(position)));
    let answer: Value = serde_json::from_str(&text).expect("JSON");
    let fields =
        json!({"Id": 5, "DeviceIndex": 0, "FeatureIndex": 0, "Reading": {"Position": {"Value": 5000}}});
    assert_eq!(answer, json!([{"InputReading": fields}]));

    let command = |id: u32, command: &str| {
        json!([{"InputCmd": {
            "Id": id, "DeviceIndex": 0, "FeatureIndex": 2, "Type": "Pressure", "Command": command,
        }}])
        .to_string()
    };
    assert_eq!(
        act_of(&session.read(&command(6, "Subscribe"))).1,
        ButtplugAct::Subscribe(ReadingKind::Pressure)
    );
    assert_eq!(session.reading(FORCE), None, "it is not confirmed");
    session.answer(6, Ok(ButtplugOutcome::Done));
    let answer: Value = serde_json::from_str(&session.reading(FORCE).expect("a frame")).expect("JSON");
    let fields =
        json!({"Id": 0, "DeviceIndex": 0, "FeatureIndex": 2, "Reading": {"Pressure": {"Value": 250}}});
    assert_eq!(answer, json!([{"InputReading": fields}]));
    assert_eq!(session.reading(position), None);

    // A second subscription is no second reading, and one end is enough.
    session.read(&command(7, "Subscribe"));
    session.answer(7, Ok(ButtplugOutcome::Done));
    session.read(&command(8, "Unsubscribe"));
    session.answer(8, Ok(ButtplugOutcome::Done));
    assert!(!session.is_subscribed(ReadingKind::Pressure));
    // A machine without the sensor refuses.
    session.read(&command(9, "Subscribe"));
    session.answer(9, Err("there is no force sensor".to_owned()));
    assert!(!session.is_subscribed(ReadingKind::Pressure));
    // Each of these ends them, also while the subscription itself is not confirmed yet.
    for end in [
        r#"[{"StopCmd":{"Id":11,"Outputs":false}}]"#,
        r#"[{"StopCmd":{"Id":11,"DeviceIndex":0,"FeatureIndex":2}}]"#,
        r#"[{"StopAllDevices":{"Id":11}}]"#,
    ] {
        for confirmed_first in [true, false] {
            session.read(&command(10, "Subscribe"));
            if confirmed_first {
                session.answer(10, Ok(ButtplugOutcome::Done));
                assert!(session.is_subscribed(ReadingKind::Pressure));
            }
            session.read(end);
            session.answer(10, Ok(ButtplugOutcome::Done));
            assert!(!session.is_subscribed(ReadingKind::Pressure), "{end}");
        }
    }
    session.read(&command(10, "Subscribe"));
    session.answer(10, Ok(ButtplugOutcome::Done));
    session.read(r#"[{"StopCmd":{"Id":11,"Inputs":false}}]"#);
    assert!(session.is_subscribed(ReadingKind::Pressure));
}

#[test]
fn a_reading_stays_in_its_range() {
    for (reading, value) in [
        (ButtplugReading::Position { share: -0.2 }, 0),
        (ButtplugReading::Position { share: 1.2 }, 9999),
        (ButtplugReading::Position { share: f64::NAN }, 0),
        (ButtplugReading::Pressure { force_g: f64::INFINITY }, 100_000),
        (ButtplugReading::Pressure { force_g: f64::NAN }, 0),
    ] {
        assert_eq!(reading.value(), value, "{reading:?}");
    }
}

/// Any small JSON.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (-3i64..105).prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        (-0.5..1.5f64).prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[A-Z][a-z]{0,8}", inner, 0..3)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// The fields of a value and of what is in it, but for the `Id`.
fn places(value: &mut Value) -> Vec<&mut Value> {
    let mut places = Vec::new();
    let inner: Vec<&mut Value> = match value {
        Value::Object(map) => {
            map.iter_mut().filter(|(key, _)| *key != "Id").map(|(_, value)| value).collect()
        }
        Value::Array(list) => list.iter_mut().collect(),
        _ => Vec::new(),
    };
    for place in inner {
        if place.is_object() || place.is_array() {
            places.extend(self::places(place));
        } else {
            places.push(place);
        }
    }
    places
}

/// A message of the tests above with some of its values replaced.
fn any_message() -> impl Strategy<Value = Value> {
    let mut known: Vec<Value> = Vec::new();
    let texts =
        commands().into_iter().map(|(_, text, ..)| text).chain(REFUSED.iter().map(|(_, text, ..)| *text));
    for text in texts.chain(HELLOS) {
        if let Ok(Value::Array(messages)) = serde_json::from_str(text) {
            known.extend(messages.into_iter().filter(|message| {
                message.as_object().is_some_and(|map| map.len() == 1 && map.values().all(Value::is_object))
            }));
        }
    }
    let changes = prop::collection::vec((any::<prop::sample::Index>(), any_json()), 0..3);
    (prop::sample::select(known), changes).prop_map(|(mut message, changes)| {
        for (at, new) in changes {
            // What is inside the message, not the message itself: its `Id` stays where it is.
            let mut places =
                message.as_object_mut().map_or(Vec::new(), |map| map.values_mut().flat_map(places).collect());
            if !places.is_empty() {
                let at = at.index(places.len());
                *places.swap_remove(at) = new;
            }
        }
        message
    })
}

/// The numbers of the answers, after each act was carried out or refused.
fn answered(session: &mut ButtplugSession, text: &str, refuse: bool) -> Vec<u64> {
    let mut numbers = Vec::new();
    for step in session.read(text) {
        let text = match step {
            ButtplugStep::Answer(text) => text,
            ButtplugStep::Ask { id, act } => {
                assert_sound(act);
                session.answer(id, if refuse { Err("no".to_owned()) } else { Ok(ButtplugOutcome::Done) })
            }
        };
        let answer: Value = serde_json::from_str(&text).expect("JSON");
        let [Value::Object(message)] = &answer.as_array().expect("an array")[..] else { panic!("{answer}") };
        assert_eq!(message.len(), 1, "{answer}");
        let (name, fields) = message.iter().next().expect("one key");
        if name != "ScanningFinished" {
            numbers.push(fields["Id"].as_u64().expect("a number"));
        }
    }
    numbers
}

fn assert_sound(act: ButtplugAct) {
    let share = match act {
        ButtplugAct::Toward(FeedTarget { share, pace }) => {
            match pace {
                Pace::Within { time_s } => assert!(time_s > 0.0 && time_s <= 10.0, "{act:?}"),
                Pace::AtSpeed { per_s } => assert!(per_s > 0.0 && per_s < 10.0, "{act:?}"),
                Pace::Live => {}
            }
            share
        }
        ButtplugAct::Oscillate { share } | ButtplugAct::Vibrate { share } => share,
        _ => return,
    };
    assert!((0.0..=1.0).contains(&share), "{act:?}");
}

proptest! {
    #[test]
    fn any_text_is_answered_without_a_panic(text in "\\PC{0,80}", version in 0usize..5) {
        answered(&mut ButtplugSession::new(), &text, false);
        answered(&mut greeted(version), &text, false);
    }

    #[test]
    fn any_json_is_answered_without_a_panic(value in any_json(), version in 0usize..5) {
        answered(&mut ButtplugSession::new(), &value.to_string(), false);
        answered(&mut greeted(version), &json!([value]).to_string(), false);
        answered(&mut greeted(version), &json!([{ "OutputCmd": value }]).to_string(), false);
    }

    #[test]
    fn each_message_with_a_number_gets_one_answer_with_it(
        messages in prop::collection::vec(any_message(), 1..8),
        version in 0usize..6, vibrates: bool, refuse: bool,
    ) {
        let session = if version < 5 { greeted(version) } else { ButtplugSession::new() };
        let mut session = if vibrates { session.offering_vibration() } else { session };
        let mut messages = messages;
        let mut expected = Vec::new();
        for (at, message) in messages.iter_mut().enumerate() {
            let fields = message.as_object_mut().and_then(|map| map.values_mut().next()).expect("fields");
            if at % 5 == 4 {
                fields["Id"] = json!(-1);
                expected.push(0);
            } else {
                fields["Id"] = json!(at + 1);
                expected.push(at as u64 + 1);
            }
        }
        prop_assert_eq!(answered(&mut session, &Value::from(messages).to_string(), refuse), expected);
    }
}
