//! The pins of the axis.

use rppal::gpio::{Gpio, InputPin, OutputPin, Trigger};

use super::PiError;
use crate::hal::StepIo;
use crate::layout::{Level, Pull};
use crate::machine::Inputs;
use crate::units::Nanos;

/// An input line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InputAssignment {
    /// Its BCM number.
    pub pin: u8,
    /// The level that means pressed, open, or in alarm.
    pub active: Level,
    /// What holds it when nothing is connected.
    pub pull: Pull,
}

/// Which pin does what.
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
    /// The switch at the front.
    pub front: InputAssignment,
    /// The switch at the back.
    pub back: InputAssignment,
    /// The e-stop loop.
    pub e_stop: Option<InputAssignment>,
    /// The alarm of the motor driver.
    pub driver_alarm: Option<InputAssignment>,
}

impl PinAssignment {
    /// The outputs with their roles; all of them are safe when they are low.
    fn outputs(&self) -> impl Iterator<Item = (u8, &'static str)> {
        // Enable first: what has no power does not move.
        let enable = self.enable.map(|pin| (pin, "enable"));
        enable.into_iter().chain([(self.step, "step"), (self.dir, "dir")])
    }
}

/// Makes every output low and keeps it so, and touches nothing else. Works beside a program that uses the pins; it
/// has the last word only when that program is dead.
///
/// # Errors
/// Why the pins cannot be reached.
pub fn set_outputs_safe(wiring: &PinAssignment) -> Result<(), PiError> {
    let gpio = Gpio::new().map_err(PiError::of_gpio)?;
    for (pin, role) in wiring.outputs() {
        claim_output(&gpio, pin, role)?;
    }
    Ok(())
}

/// An output that is low from the first instant on, and stays what it is when its owner goes away.
fn claim_output(gpio: &Gpio, pin: u8, role: &'static str) -> Result<OutputPin, PiError> {
    let mut output = gpio.get(pin).map_err(PiError::of_pin(pin, role))?.into_output_low();
    output.set_reset_on_drop(false);
    Ok(output)
}

/// Fails if another program or a kernel driver has the pin. Leaves it an input that is pulled to the safe level.
fn check_free(gpio: &Gpio, pin: u8, role: &'static str) -> Result<(), PiError> {
    let mut probe = gpio.get(pin).map_err(PiError::of_pin(pin, role))?.into_input_pulldown();
    probe.set_reset_on_drop(false);
    probe.set_interrupt(Trigger::Disabled, None).map_err(PiError::of_pin(pin, role))?;
    probe.clear_interrupt().map_err(PiError::of_pin(pin, role))
}

/// An input line that is being read.
#[derive(Debug)]
struct InputLine {
    pin: InputPin,
    active_is_high: bool,
}

impl InputLine {
    /// The kernel is told that the line is taken, so that a second program is refused it.
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

/// The pins of the axis on a Pi. Each call is one or a few accesses to the registers of the chip: none of them waits,
/// none leaves the process.
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
    /// Takes the pins: the outputs low, the inputs with their pulls.
    ///
    /// # Errors
    /// Why that cannot be; the outputs that were taken already are low.
    pub fn claim(wiring: &PinAssignment) -> Result<RpiPins, PiError> {
        let gpio = Gpio::new().map_err(PiError::of_gpio)?;
        // Nothing is driven before it is known that nobody else drives it.
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
    /// One register read a line, back to back: rppal has no call that reads them together.
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
    /// The outputs stay outputs, and are safe.
    fn drop(&mut self) {
        if let Some(enable) = &mut self.enable {
            enable.set_low();
        }
        self.step.set_low();
        self.dir.set_low();
    }
}
