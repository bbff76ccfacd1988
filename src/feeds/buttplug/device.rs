//! The axis as a Buttplug device: its features, and how the device list of each version writes them.
//!
//! Version 4 has three features: the axis with its position, its speed for strokes whose ends the client cannot choose,
//! and the force sensor. Older versions list commands instead of features, and count only the features that have the
//! command. Vibration is listed only if the user of the machine lets it run a pattern: a program that finds both a
//! linear axis and a motor drives both at once.
//!
//! `FeatureDescriptor` repeats `FeatureDescription` in version 4: the specification names the one, the JavaScript
//! client 5 reads the other.

use serde_json::{Value, json};

use super::reading::ReadingKind;
use super::version::SpecVersion;

/// Name of the device.
pub const DEVICE_NAME: &str = "yep linear axis";
/// Index of the device, the only one.
pub const DEVICE_INDEX: u32 = 0;
/// Steps of a position, from the back of the window to its front.
pub const POSITION_STEPS: u32 = 9999;
/// Steps of a speed.
pub const SPEED_STEPS: u32 = 100;
/// Longest time of a move, in ms.
pub const MAX_DURATION_MS: u32 = 10_000;
/// Shortest time between two commands that makes sense, in ms.
pub const TIMING_GAP_MS: u32 = 10;

/// Feature of version 4 that moves the axis to a position.
pub const AXIS_FEATURE: u32 = 0;
/// Feature of version 4 that strokes at a speed.
pub const SPEED_FEATURE: u32 = 1;
/// Feature of version 4 that reads the force.
pub const FORCE_FEATURE: u32 = 2;

/// Index among the vectors of `LinearCmd`.
pub const LINEAR_INDEX: u32 = 0;
/// Index of the strokes among the scalars of `ScalarCmd`.
pub const OSCILLATE_INDEX: u32 = 0;
/// Index of the vibration among the scalars of `ScalarCmd`.
pub const VIBRATE_INDEX: u32 = 1;
/// Index among the speeds of `VibrateCmd`.
pub const MOTOR_INDEX: u32 = 0;

/// Value of `Devices` in a device list of `version`; `vibrates` says whether vibration is offered.
pub fn devices(version: SpecVersion, vibrates: bool) -> Value {
    match version {
        SpecVersion::V4 => {
            let device = json!({
                "DeviceName": DEVICE_NAME,
                "DeviceIndex": DEVICE_INDEX,
                "DeviceMessageTimingGap": TIMING_GAP_MS,
                "DeviceFeatures": features(vibrates),
            });
            json!({ DEVICE_INDEX.to_string(): device })
        }
        SpecVersion::V3 => json!([{
            "DeviceName": DEVICE_NAME,
            "DeviceIndex": DEVICE_INDEX,
            "DeviceMessageTimingGap": TIMING_GAP_MS,
            "DeviceMessages": commands(version, vibrates),
        }]),
        SpecVersion::V2 | SpecVersion::V1 | SpecVersion::V0 => json!([{
            "DeviceName": DEVICE_NAME,
            "DeviceIndex": DEVICE_INDEX,
            "DeviceMessages": commands(version, vibrates),
        }]),
    }
}

/// Features of version 4.
fn features(vibrates: bool) -> Value {
    let speed = json!({ "Value": [0, SPEED_STEPS] });
    let mut speeds = json!({ "Oscillate": speed });
    if vibrates {
        speeds["Vibrate"] = speed;
    }
    let mut axis = feature(AXIS_FEATURE, "Axis");
    axis["Output"] = json!({
        "HwPositionWithDuration": { "Value": [0, POSITION_STEPS], "Duration": [0, MAX_DURATION_MS] },
        "Position": { "Value": [0, POSITION_STEPS] },
    });
    axis["Input"] = input(ReadingKind::Position);
    let mut strokes = feature(SPEED_FEATURE, "Speed");
    strokes["Output"] = speeds;
    let mut force = feature(FORCE_FEATURE, "Force in g");
    force["Input"] = input(ReadingKind::Pressure);
    json!({
        AXIS_FEATURE.to_string(): axis,
        SPEED_FEATURE.to_string(): strokes,
        FORCE_FEATURE.to_string(): force,
    })
}

fn feature(index: u32, name: &str) -> Value {
    json!({ "FeatureIndex": index, "FeatureDescription": name, "FeatureDescriptor": name })
}

/// The range of a reading is a list of ranges, one for each of its dimensions.
fn input(kind: ReadingKind) -> Value {
    json!({ kind.name(): { "Value": [[0, kind.max()]], "Command": ["Read", "Subscribe"] } })
}

/// Value of `DeviceMessages` in the versions before 4.
fn commands(version: SpecVersion, vibrates: bool) -> Value {
    let mut commands = match version {
        SpecVersion::V4 | SpecVersion::V3 => {
            let mut scalars = vec![scalar("Speed", "Oscillate")];
            if vibrates {
                scalars.push(scalar("Vibration as strokes", "Vibrate"));
            }
            json!({
                "LinearCmd": [{
                    "StepCount": POSITION_STEPS,
                    "FeatureDescriptor": "Axis",
                    "ActuatorType": "Position",
                }],
                "ScalarCmd": scalars,
            })
        }
        SpecVersion::V2 => {
            let mut commands = json!({ "LinearCmd": { "FeatureCount": 1, "StepCount": [POSITION_STEPS] } });
            if vibrates {
                commands["VibrateCmd"] = json!({ "FeatureCount": 1, "StepCount": [SPEED_STEPS] });
            }
            commands
        }
        SpecVersion::V1 => {
            let mut commands = json!({ "LinearCmd": { "FeatureCount": 1 } });
            if vibrates {
                commands["VibrateCmd"] = json!({ "FeatureCount": 1 });
            }
            commands
        }
        SpecVersion::V0 => {
            let motor = if vibrates { &["SingleMotorVibrateCmd"][..] } else { &[] };
            return json!([&["FleshlightLaunchFW12Cmd"], motor, &["StopDeviceCmd"]].concat());
        }
    };
    commands["StopDeviceCmd"] = json!({});
    commands
}

fn scalar(name: &str, actuator: &str) -> Value {
    json!({ "StepCount": SPEED_STEPS, "FeatureDescriptor": name, "ActuatorType": actuator })
}
