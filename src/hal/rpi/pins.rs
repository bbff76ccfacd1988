//! GPIO pins of the axis: outputs STEP, DIR and enable, and the input lines.

use rppal::gpio::{Gpio, InputPin, OutputPin, Trigger};

use super::PiError;
use crate::hal::StepIo;
use crate::layout::{Level, Pull};
use crate::machine::Inputs;
use crate::units::Nanos;

/// Assignment of an input line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InputAssignment {
    /// BCM number.
    pub pin: u8,
    /// Level that means pressed, open, or in alarm.
    pub active: Level,
    /// Pull resistor, for a line that is not connected.
    pub pull: Pull,
}

/// Assignment of the pins to their roles.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PinAssignment {
    /// BCM number of STEP: a pulse is high.
    pub step: u8,
    /// BCM number of DIR.
    pub dir: u8,
    /// The level of DIR that moves toward the front.
    pub forward: Level,
    /// BCM number of the line that powers the motor driver while it is high.
    pub enable: Option<u8>,
    /// Front limit switch.
    pub front: InputAssignment,
    /// Back limit switch.
    pub back: InputAssignment,
    /// E-stop loop.
    pub e_stop: Option<InputAssignment>,
    /// Alarm of the motor driver.
    pub driver_alarm: Option<InputAssignment>,
}

impl PinAssignment {
    /// Output pins with their roles; the safe level of all of them is low.
    fn outputs(&self) -> impl Iterator<Item = (u8, &'static str)> {
        // Enable first: without power nothing moves.
        let enable = self.enable.map(|pin| (pin, "enable"));
        enable.into_iter().chain([(self.step, "step"), (self.dir, "dir")])
    }
}

/// Sets every output low and keeps it so, and touches nothing else. It may run beside a program that uses the pins, but
/// it is only lasting when that program is dead.
///
/// # Errors
/// If the pins cannot be reached.
pub fn set_outputs_safe(wiring: &PinAssignment) -> Result<(), PiError> {
    let gpio = Gpio::new().map_err(PiError::of_gpio)?;
    for (pin, role) in wiring.outputs() {
        claim_output(&gpio, pin, role)?;
    }
    Ok(())
}

/// Claims an output that is low from the first instant on, and keeps its state when its owner goes away.
fn claim_output(gpio: &Gpio, pin: u8, role: &'static str) -> Result<OutputPin, PiError> {
    let mut output = gpio.get(pin).map_err(PiError::of_pin(pin, role))?.into_output_low();
    output.set_reset_on_drop(false);
    Ok(output)
}

/// Fails if another program or a kernel driver uses the pin. Leaves it an input pulled to the safe level.
fn check_free(gpio: &Gpio, pin: u8, role: &'static str) -> Result<(), PiError> {
    let mut probe = gpio.get(pin).map_err(PiError::of_pin(pin, role))?.into_input_pulldown();
    probe.set_reset_on_drop(false);
    probe.set_interrupt(Trigger::Disabled, None).map_err(PiError::of_pin(pin, role))?;
    probe.clear_interrupt().map_err(PiError::of_pin(pin, role))
}

/// A claimed input line.
#[derive(Debug)]
struct InputLine {
    pin: InputPin,
    active_is_high: bool,
}

impl InputLine {
    /// Registers the line with the kernel, so that a second program is refused it.
    fn claim(gpio: &Gpio, sense: InputAssignment, role: &'static str) -> Result<InputLine, PiError> {
        let InputAssignment { pin: number, active, pull } = sense;
        let pin = gpio.get(number).map_err(PiError::of_pin(number, role))?;
        let mut pin = match pull {
            Pull::Up => pin.into_input_pullup(),
            Pull::Down => pin.into_input_pulldown(),
        };
        pin.set_reset_on_drop(false);
        pin.set_interrupt(Trigger::Disabled, None).map_err(PiError::of_pin(number, role))?;
        Ok(InputLine { pin, active_is_high: active == Level::High })
    }

    #[inline]
    fn is_active(&self) -> bool {
        self.pin.is_high() == self.active_is_high
    }
}

/// Pins of the axis on a Pi. Each call is one or a few register accesses: it never waits and makes no system call.
#[derive(Debug)]
pub struct RpiPins {
    step: OutputPin,
    dir: OutputPin,
    forward_is_high: bool,
    enable: Option<OutputPin>,
    front: InputLine,
    back: InputLine,
    e_stop: Option<InputLine>,
    driver_alarm: Option<InputLine>,
}

impl RpiPins {
    /// Claims the pins: the outputs low, the inputs with their pulls.
    ///
    /// # Errors
    /// If a pin cannot be claimed; the outputs claimed before it are low.
    pub fn claim(wiring: &PinAssignment) -> Result<RpiPins, PiError> {
        let gpio = Gpio::new().map_err(PiError::of_gpio)?;
        // Inputs first, then a check that no other program drives an output, and only then are the outputs driven.
        let front = InputLine::claim(&gpio, wiring.front, "front")?;
        let back = InputLine::claim(&gpio, wiring.back, "back")?;
        let claim = |sense: Option<InputAssignment>, role| {
            sense.map(|it| InputLine::claim(&gpio, it, role)).transpose()
        };
        let e_stop = claim(wiring.e_stop, "e_stop")?;
        let driver_alarm = claim(wiring.driver_alarm, "driver_alarm")?;
        for (pin, role) in wiring.outputs() {
            check_free(&gpio, pin, role)?;
        }
        Ok(RpiPins {
            enable: wiring.enable.map(|pin| claim_output(&gpio, pin, "enable")).transpose()?,
            step: claim_output(&gpio, wiring.step, "step")?,
            dir: claim_output(&gpio, wiring.dir, "dir")?,
            forward_is_high: wiring.forward == Level::High,
            front,
            back,
            e_stop,
            driver_alarm,
        })
    }
}

impl StepIo for RpiPins {
    /// One register read per line, back to back: rppal has no call that reads them together.
    #[inline]
    fn inputs(&mut self, _at: Nanos) -> Inputs {
        Inputs {
            front: self.front.is_active(),
            back: self.back.is_active(),
            e_stop: self.e_stop.as_ref().is_some_and(InputLine::is_active),
            driver_alarm: self.driver_alarm.as_ref().is_some_and(InputLine::is_active),
        }
    }

    #[inline]
    fn set_direction(&mut self, forward: bool, _at: Nanos) {
        self.dir.write((forward == self.forward_is_high).into());
    }

    #[inline]
    fn set_step(&mut self, high: bool, _at: Nanos) {
        self.step.write(high.into());
    }

    fn set_enabled(&mut self, on: bool, _at: Nanos) {
        if let Some(enable) = &mut self.enable {
            enable.write(on.into());
        }
    }
}

impl Drop for RpiPins {
    /// The outputs stay outputs, at their safe level.
    fn drop(&mut self) {
        if let Some(enable) = &mut self.enable {
            enable.set_low();
        }
        self.step.set_low();
        self.dir.set_low();
    }
}
