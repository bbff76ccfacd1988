//! Hardware of a real machine: the GPIO pins of this Pi.

use super::machine::Hardware;
use super::{AppError, force};
use crate::drive::executor::StarvationPolicy;
use crate::drive::{ControlOptions, LatePolicy};
use crate::hal::MonotonicClock;
use crate::hal::rpi::{self, InputAssignment, PiError, PinAssignment, RpiPins};
use crate::layout::{self, Level, Pull};
use crate::options::{Options, Pins};
use crate::store::Store;
use crate::units::seconds;

/// Claims the pins of the options. A late step, a late control cycle and a silent step loop each end the motion, as a
/// real motor may have lost steps.
pub fn hardware(
    options: &Options,
    clock: MonotonicClock,
    store: &Store,
) -> Result<Hardware<RpiPins, force::Sensor>, AppError> {
    let (force, load_cell) = force::sensor(options, clock, store)?.unzip();
    Ok(Hardware {
        io: RpiPins::claim(&wiring(&options.pins))?,
        force,
        load_cell,
        late: LatePolicy { ends_motion: true },
        control: ControlOptions {
            starvation: StarvationPolicy::EndsMotion,
            step_loop_silence_s: seconds(layout::STEP_LOOP_SILENCE_NS),
        },
        pulses: None,
        operator: None,
    })
}

/// Sets every output to its safe level, low. Needs no other part of the program.
///
/// # Errors
/// The pins cannot be reached.
pub fn safe_pins(pins: &Pins) -> Result<(), PiError> {
    rpi::set_outputs_safe(&wiring(pins))
}

/// Pin assignment: the options give the pin and its inversion, the layout everything else.
fn wiring(pins: &Pins) -> PinAssignment {
    PinAssignment {
        step: pins.step,
        dir: pins.dir,
        forward: if pins.invert_dir { Level::Low } else { Level::High },
        enable: pins.enable,
        front: sense(layout::SENSE_FRONT, pins.front, pins.invert_front),
        back: sense(layout::SENSE_BACK, pins.back, pins.invert_back),
        e_stop: pins.e_stop.map(|pin| sense(layout::SENSE_E_STOP, pin, pins.invert_e_stop)),
        driver_alarm: pins
            .driver_alarm
            .map(|pin| sense(layout::SENSE_DRIVER_ALARM, pin, pins.invert_driver_alarm)),
    }
}

fn sense((active, pull): (Level, Pull), pin: u8, inverted: bool) -> InputAssignment {
    let active = match (active, inverted) {
        (Level::Low, false) | (Level::High, true) => Level::Low,
        (Level::High, false) | (Level::Low, true) => Level::High,
    };
    InputAssignment { pin, active, pull }
}
