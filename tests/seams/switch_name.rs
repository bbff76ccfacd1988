//! A fault names the switch that closed, and the move in which it did.

use yep::hal::sim::Mishap;
use yep::machine::{Accepted, Command, Fault, RailEnd, State};

use crate::support::{machine, options};

#[test]
fn the_switch_that_closes_behind_the_carriage_is_the_one_that_is_named() {
    let mut machine = machine(&options());
    assert_eq!(machine.command(Command::Calibrate), Some(Ok(Accepted::Now)));
    assert!(machine.run_while(60_000, |snapshot| !snapshot.inputs.front));
    machine.run_ms(60);
    // Homing backs off the front switch, toward the back, and that switch is open again.
    assert!(machine.run_while(10_000, |snapshot| snapshot.inputs.front));
    machine.operator().set_mishap(Mishap::BackWelded, true);
    assert!(machine.run_while(10_000, |snapshot| snapshot.state == State::Homing));
    let fault = machine.snapshot().fault.unwrap();
    assert_eq!(fault, Fault::SwitchTooSoon(RailEnd::Back));
    assert_eq!(fault.to_string(), "backing off the front limit switch, the back limit switch closed");
}
