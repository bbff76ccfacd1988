//! S7 and S12 for the force sensor: while its samples are missing no fault can be acknowledged, and the position is
//! kept.

use yep::hal::sim::{Mishap, VirtualClock};
use yep::machine::{Accepted, Command, CommandRefusal, Fault, State};

use crate::plain::homed;
use crate::support::{options, sine};

#[test]
fn no_fault_is_acknowledged_while_samples_are_missing_also_at_rest() {
    let mut machine = homed(&VirtualClock::default(), &options());
    machine.command(sine(2.0));
    machine.run_ms(2_000);
    machine.operator().set_mishap(Mishap::LoadCellSilent, true);
    machine.run_ms(2_000);
    assert_eq!(machine.snapshot().fault, Some(Fault::ForceSampleLost));
    let remains = Some(Err(CommandRefusal::CauseRemains(Fault::ForceSampleLost)));
    assert_eq!(machine.command(Command::Acknowledge), remains);
    assert_eq!(machine.command(Command::Calibrate), remains);
    assert!(machine.snapshot().position_mm.is_some(), "it came to rest by a ramp");
    machine.operator().set_mishap(Mishap::LoadCellSilent, false);
    machine.run_ms(200);
    assert_eq!(machine.command(Command::Acknowledge), Some(Ok(Accepted::Now)));
    assert_eq!(machine.snapshot().state, State::Disarmed);
}

#[test]
fn calibrating_what_would_fail_at_once_is_refused_and_keeps_the_position() {
    for faulted in [false, true] {
        for (dead, push_g, fault) in
            [(true, 0.0, Fault::ForceSampleLost), (false, 2_000.0, Fault::ForceWhileHoming)]
        {
            let mut machine = homed(&VirtualClock::default(), &options());
            if faulted {
                machine.command(sine(2.0));
                machine.run_ms(2_000);
                machine.operator().set_mishap(Mishap::LoadCellSilent, true);
                machine.run_ms(500);
            }
            machine.operator().set_mishap(Mishap::LoadCellSilent, dead);
            machine.operator().push_g(push_g);
            machine.run_ms(500);
            let reply = machine.command(Command::Calibrate);
            let refusal =
                if faulted { CommandRefusal::CauseRemains(fault) } else { CommandRefusal::Prevented(fault) };
            assert_eq!(reply, Some(Err(refusal)));
            machine.run_ms(100);
            assert!(machine.snapshot().position_mm.is_some(), "{fault:?}: the position is lost");
        }
    }
}
