//! Fuzz target for the Buttplug server: frames of a client in any order, each message with a number answered once.

use std::collections::BTreeMap;

use serde_json::Value;

use yep::feeds::buttplug::message::{self, RawMessage};
use yep::feeds::buttplug::{
    ButtplugAct, ButtplugOutcome, ButtplugReading, ButtplugSession, ButtplugStep, ReadingKind,
};
use yep::motion::feed::{FeedTarget, Pace};

/// Target: the lowest bit of the first byte offers vibration, the next one lets the machine refuse everything; the rest
/// are text frames, one a line.
pub fn frames(data: &[u8]) {
    let (first, rest) = data.split_first().unwrap_or((&0, &[]));
    let session = ButtplugSession::new();
    let mut session = if first & 1 == 0 { session } else { session.offering_vibration() };
    for text in String::from_utf8_lossy(rest).lines() {
        frame(&mut session, text, first & 2 != 0);
    }
}

fn frame(session: &mut ButtplugSession, text: &str, refuses: bool) {
    let mut expected = BTreeMap::new();
    match message::split(text) {
        Ok(messages) => {
            for RawMessage { id, .. } in messages {
                *expected.entry(id).or_insert(0) += 1;
            }
        }
        Err(_) => {
            expected.insert(0, 1);
        }
    }
    let mut answered = BTreeMap::new();
    for step in session.read(text) {
        let answer = match step {
            ButtplugStep::Answer(answer) => answer,
            ButtplugStep::Ask { id, act } => {
                let outcome = carry_out(act);
                session.answer(id, if refuses { Err("the machine refuses".to_owned()) } else { Ok(outcome) })
            }
        };
        if let Some(id) = number_of(&answer) {
            *answered.entry(id).or_insert(0) += 1;
        }
    }
    assert_eq!(answered, expected, "each message is answered once");
    for reading in [ButtplugReading::Position { share: 0.5 }, ButtplugReading::Pressure { force_g: 120.0 }] {
        assert_eq!(session.reading(reading).is_some(), session.is_subscribed(reading.kind()));
    }
}

/// Asserts that an act can be carried out, and returns what a machine would answer.
fn carry_out(act: ButtplugAct) -> ButtplugOutcome {
    match act {
        ButtplugAct::Toward(FeedTarget { share, pace }) => {
            assert!((0.0..=1.0).contains(&share), "{act:?}");
            match pace {
                Pace::Within { time_s } => assert!(time_s > 0.0 && time_s <= 10.0, "{act:?}"),
                Pace::AtSpeed { per_s } => assert!(per_s > 0.0 && per_s < 10.0, "{act:?}"),
                Pace::Live => {}
            }
        }
        ButtplugAct::Oscillate { share } | ButtplugAct::Vibrate { share } => {
            assert!((0.0..=1.0).contains(&share), "{act:?}");
        }
        ButtplugAct::Read(ReadingKind::Position) => {
            return ButtplugOutcome::Reading(ButtplugReading::Position { share: 0.5 });
        }
        ButtplugAct::Read(ReadingKind::Pressure) => {
            return ButtplugOutcome::Reading(ButtplugReading::Pressure { force_g: -3.5 });
        }
        ButtplugAct::Subscribe(_) | ButtplugAct::Unsubscribe(_) | ButtplugAct::Stop | ButtplugAct::Leave => {}
    }
    ButtplugOutcome::Done
}

/// `Id` of an answer; `None` for what the server says unasked.
fn number_of(answer: &str) -> Option<u32> {
    let answer: Value = serde_json::from_str(answer).expect("an answer is JSON");
    let [Value::Object(message)] = &answer.as_array().expect("an array")[..] else { panic!("{answer}") };
    assert_eq!(message.len(), 1, "{answer}");
    let (name, fields) = message.iter().next().expect("one key");
    let id = fields["Id"].as_u64().expect("a number");
    (name != "ScanningFinished").then(|| u32::try_from(id).expect("a number of 32 bits"))
}

/// A connection of each version, with its own spelling of everything.
pub fn seeds() -> Vec<Vec<u8>> {
    const FRAMES: [&str; 5] = [
        r#"[{"RequestServerInfo":{"Id":1,"ClientName":"x"}}]
[{"RequestDeviceList":{"Id":2}}]
[{"FleshlightLaunchFW12Cmd":{"Id":3,"DeviceIndex":0,"Position":95,"Speed":90}}]
[{"SingleMotorVibrateCmd":{"Id":4,"DeviceIndex":0,"Speed":0.5}}]
[{"RequestLog":{"Id":5,"LogLevel":"Off"}},{"Test":{"Id":6,"TestString":"x"}},{"StopDeviceCmd":{"Id":7,"DeviceIndex":0}}]"#,
        r#"[{"RequestServerInfo":{"Id":1,"ClientName":"x","MessageVersion":1}}]
[{"LinearCmd":{"Id":3,"DeviceIndex":0,"Vectors":[{"Index":0,"Duration":500,"Position":0.3}]}}]
[{"VibrateCmd":{"Id":4,"DeviceIndex":0,"Speeds":[{"Index":0,"Speed":0.5}]}}]
[{"StopAllDevices":{"Id":5}}]"#,
        r#"[{"RequestServerInfo":{"Id":1,"ClientName":"x","MessageVersion":2}},{"RequestDeviceList":{"Id":2}}]
[{"LinearCmd":{"Id":3,"DeviceIndex":0,"Vectors":[{"Index":0,"Duration":20000,"Position":1}]}},{"Ping":{"Id":4}}]"#,
        r#"[{"RequestServerInfo":{"Id":1,"ClientName":"x","MessageVersion":3}}]
[{"ScalarCmd":{"Id":6,"DeviceIndex":0,"Scalars":[{"Index":0,"Scalar":0.5,"ActuatorType":"Oscillate"}]}}]
[{"ScalarCmd":{"Id":7,"DeviceIndex":0,"Scalars":[{"Index":0,"Scalar":0.1,"ActuatorType":"Position"},{"Index":1,"Scalar":1,"ActuatorType":"Vibrate"}]}}]
[{"StartScanning":{"Id":8}},{"StopScanning":{"Id":9}}]"#,
        r#"[{"RequestServerInfo":{"ClientName":"x","Id":1,"ProtocolVersionMajor":4,"ProtocolVersionMinor":0}}]
[{"OutputCmd":{"Id":4,"DeviceIndex":0,"FeatureIndex":0,"Command":{"HwPositionWithDuration":{"Value":3000,"Duration":500}}}}]
[{"OutputCmd":{"Id":5,"DeviceIndex":0,"FeatureIndex":0,"Command":{"Position":{"Value":5000}}}},{"OutputCmd":{"Id":6,"DeviceIndex":0,"FeatureIndex":1,"Command":{"Oscillate":{"Value":50}}}}]
[{"OutputCmd":{"Id":7,"DeviceIndex":0,"FeatureIndex":1,"Command":{"Vibrate":{"Value":100}}}}]
[{"InputCmd":{"Id":8,"DeviceIndex":0,"FeatureIndex":2,"Type":"Pressure","Command":"Subscribe"}}]
[{"InputCmd":{"Id":9,"DeviceIndex":0,"FeatureIndex":0,"Type":"Position","Command":"Read"}}]
[{"StopCmd":{"Id":10,"DeviceIndex":0,"FeatureIndex":0,"Inputs":true,"Outputs":true}}]
[{"Disconnect":{"Id":11}}]"#,
    ];
    let seed = |first: u8, frames: &str| [&[first], frames.as_bytes()].concat();
    FRAMES.into_iter().flat_map(|frames| (0..4).map(move |first| seed(first, frames))).collect()
}
