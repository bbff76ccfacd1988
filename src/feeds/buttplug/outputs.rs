//! Commands of motion: from the spelling of each version to one request.
//!
//! Each of these checks the whole message before it returns a request, so a message with one bad part moves nothing.
//! Positions become shares of the window, times become seconds. The time of a move is cut to ten seconds: no program
//! needs a longer one, and it bounds how long the axis goes on behind a client that was lost. A time of 0 says nothing
//! about when to be there, so the target is a live one.

use super::device::{
    AXIS_FEATURE, DEVICE_INDEX, LINEAR_INDEX, MAX_DURATION_MS, MOTOR_INDEX, OSCILLATE_INDEX, POSITION_STEPS,
    SPEED_FEATURE, SPEED_STEPS, VIBRATE_INDEX,
};
use super::fields::{Fields, quoted};
use super::message::ButtplugRequest;
use super::refusal::ButtplugRefusal;
use crate::motion::feed::{FeedTarget, Pace};

/// Largest position and speed of `FleshlightLaunchFW12Cmd`.
const LAUNCH_STEPS: u32 = 99;

type Parsed = Result<ButtplugRequest, ButtplugRefusal>;

/// Checks that a message is for the one device.
pub fn check_device(fields: &Fields) -> Result<(), ButtplugRefusal> {
    fields.index_is("DeviceIndex", DEVICE_INDEX, "there is one device, with the index 0")
}

/// `OutputCmd` of version 4.
pub fn output(fields: &Fields) -> Parsed {
    check_device(fields)?;
    let feature = fields.number("FeatureIndex")?;
    let command = fields.one_of("Command")?;
    let has = |index: u32| {
        if feature == f64::from(index) {
            return Ok(());
        }
        let (kind, feature) = (command.name, quoted(&feature.to_string()));
        let reason = format!("feature {feature} has no output {kind}; it is an output of feature {index}");
        Err(ButtplugRefusal::device(reason))
    };
    match command.name {
        "HwPositionWithDuration" => {
            has(AXIS_FEATURE)?;
            let share = command.steps("Value", POSITION_STEPS)?;
            Ok(ButtplugRequest::Toward(FeedTarget { share, pace: duration(&command)? }))
        }
        "Position" => {
            has(AXIS_FEATURE)?;
            let share = command.steps("Value", POSITION_STEPS)?;
            Ok(ButtplugRequest::Toward(FeedTarget { share, pace: Pace::Live }))
        }
        "Oscillate" => {
            has(SPEED_FEATURE)?;
            Ok(ButtplugRequest::Oscillate { share: command.steps("Value", SPEED_STEPS)? })
        }
        "Vibrate" => {
            has(SPEED_FEATURE)?;
            Ok(ButtplugRequest::Vibrate { share: command.steps("Value", SPEED_STEPS)? })
        }
        other => Err(ButtplugRefusal::device(format!("this axis has no output {}", quoted(other)))),
    }
}

/// `LinearCmd` of the versions 1 to 3. Of several vectors for the axis the last one counts.
pub fn linear(fields: &Fields) -> Parsed {
    check_device(fields)?;
    let mut target = None;
    for vector in fields.objects("Vectors")? {
        let vector = vector?;
        vector.index_is("Index", LINEAR_INDEX, "there is one axis, with the index 0")?;
        let share = vector.within("Position", 0.0, 1.0)?;
        target = Some(FeedTarget { share, pace: duration(&vector)? });
    }
    target.map(ButtplugRequest::Toward).ok_or_else(|| empty("Vectors"))
}

/// `ScalarCmd` of version 3. Strokes, vibration and positions exclude each other, so the last scalar counts.
pub fn scalar(fields: &Fields) -> Parsed {
    check_device(fields)?;
    let mut request = None;
    for scalar in fields.objects("Scalars")? {
        let scalar = scalar?;
        let share = scalar.within("Scalar", 0.0, 1.0)?;
        request = Some(match scalar.text("ActuatorType")? {
            "Oscillate" => {
                scalar.index_is("Index", OSCILLATE_INDEX, "Oscillate has the index 0")?;
                ButtplugRequest::Oscillate { share }
            }
            "Vibrate" => {
                scalar.index_is("Index", VIBRATE_INDEX, "Vibrate has the index 1")?;
                ButtplugRequest::Vibrate { share }
            }
            "Position" => {
                scalar.index_is("Index", LINEAR_INDEX, "Position has the index 0")?;
                ButtplugRequest::Toward(FeedTarget { share, pace: Pace::Live })
            }
            other => {
                let reason = format!("this axis has no actuator {}", quoted(other));
                return Err(ButtplugRefusal::device(reason));
            }
        });
    }
    request.ok_or_else(|| empty("Scalars"))
}

/// `VibrateCmd` of the versions 1 and 2.
pub fn vibrate(fields: &Fields) -> Parsed {
    check_device(fields)?;
    let mut request = None;
    for speed in fields.objects("Speeds")? {
        let speed = speed?;
        speed.index_is("Index", MOTOR_INDEX, "there is one motor, with the index 0")?;
        request = Some(ButtplugRequest::Vibrate { share: speed.within("Speed", 0.0, 1.0)? });
    }
    request.ok_or_else(|| empty("Speeds"))
}

/// `SingleMotorVibrateCmd` of version 0.
pub fn single_motor(fields: &Fields) -> Parsed {
    check_device(fields)?;
    Ok(ButtplugRequest::Vibrate { share: fields.within("Speed", 0.0, 1.0)? })
}

/// `FleshlightLaunchFW12Cmd` of version 0. At speed 0 the axis would never arrive: it comes to rest instead.
pub fn launch(fields: &Fields) -> Parsed {
    check_device(fields)?;
    let share = fields.steps("Position", LAUNCH_STEPS)?;
    let speed = fields.steps("Speed", LAUNCH_STEPS)?;
    if speed == 0.0 {
        return Ok(ButtplugRequest::Rest);
    }
    Ok(ButtplugRequest::Toward(FeedTarget { share, pace: Pace::AtSpeed { per_s: launch_speed(speed) } }))
}

/// Speed in windows per s of the share `speed` of the Launch's highest one.
///
/// The law was fitted to that device, and programs choose their speeds by it: nine tenths of its travel take
/// `(speed / 250)^-0.95` ms (`fleshlight_launch_helper.rs` of the reference server).
fn launch_speed(speed: f64) -> f64 {
    900.0 / libm::pow(speed / 250.0, -0.95)
}

/// The pace of a `Duration` in ms.
fn duration(fields: &Fields) -> Result<Pace, ButtplugRefusal> {
    let ms = fields.amount("Duration")?;
    if ms == 0.0 {
        return Ok(Pace::Live);
    }
    Ok(Pace::Within { time_s: ms.min(f64::from(MAX_DURATION_MS)) / 1000.0 })
}

fn empty(key: &str) -> ButtplugRefusal {
    ButtplugRefusal::device(format!("{key} is empty; it must have one entry"))
}
