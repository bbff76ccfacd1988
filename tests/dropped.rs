//! Reports of dropped commands: a waiting command that a fault, STOP, another command or the end of its client takes
//! out of its slot is reported. On virtual time.

mod support;

use support::{Recorder, homed, machine, options, sine};
use yep::drive::Rehearsal;
use yep::hal::sim::Mishap;
use yep::machine::{Accepted, Command, CommandKind, CommandRefusal, Event, Fault, State, SwitchDistance};
use yep::units::Mm;

const QUEUED: Option<Result<Accepted, CommandRefusal>> = Some(Ok(Accepted::Queued));

/// A machine that runs a wave, with a waiting calibration and a waiting wave.
fn both_wait() -> Rehearsal<Recorder> {
    let mut machine = homed(&options());
    machine.command(sine(5.0));
    machine.run_ms(3_000);
    assert_eq!(machine.command(Command::Calibrate), QUEUED);
    assert_eq!(machine.command(sine(2.0)), QUEUED);
    machine.take_events();
    machine
}

/// Commands that were dropped until the axis has been at rest for a while, and the states that the machine entered.
fn dropped(machine: &mut Rehearsal<Recorder>) -> (Vec<(CommandKind, CommandRefusal)>, Vec<State>) {
    machine.run_ms(2_000);
    let events = machine.take_events();
    let states = events.iter().filter_map(|event| match event {
        Event::Entered { to, .. } => Some(*to),
        _ => None,
    });
    let dropped = events.iter().filter_map(|event| match event {
        Event::Dropped { kind, why } => Some((*kind, *why)),
        _ => None,
    });
    (dropped.collect(), states.collect())
}

fn both(why: CommandRefusal) -> Vec<(CommandKind, CommandRefusal)> {
    vec![(CommandKind::Calibrate, why), (CommandKind::Run, why)]
}

#[test]
fn a_fault_drops_what_waits_and_says_so() {
    let mut machine = both_wait();
    machine.operator().set_mishap(Mishap::LoadCellSilent, true);
    let (dropped, states) = dropped(&mut machine);
    assert_eq!(dropped, both(CommandRefusal::Faulted(Fault::ForceSampleLost, SwitchDistance::Unknown)));
    assert_eq!(states, [State::Faulted]);
}

#[test]
fn stop_drops_what_waits_and_says_so() {
    let mut machine = both_wait();
    machine.stop();
    let (dropped, states) = dropped(&mut machine);
    assert_eq!(dropped, both(CommandRefusal::Stopped));
    assert_eq!(states, [State::Stopping, State::Ready]);
}

#[test]
fn a_client_that_is_gone_drops_what_waits_and_says_so() {
    let mut machine = both_wait();
    machine.command(Command::ClientGone);
    let (dropped, states) = dropped(&mut machine);
    assert_eq!(dropped, both(CommandRefusal::ClientGone));
    assert_eq!(states, [State::Stopping, State::Ready]);
}

#[test]
fn a_higher_command_takes_the_place_of_what_waits_and_says_so() {
    let mut machine = both_wait();
    assert_eq!(machine.command(sine(3.0)), QUEUED, "in place of the wave before");
    assert_eq!(
        machine.command(Command::Calibrate),
        QUEUED,
        "it waits already; the wave was to come behind it"
    );
    assert_eq!(machine.command(Command::UpdateSettings(narrower_rail())), QUEUED);
    let (dropped, _) = dropped(&mut machine);
    let replaced = |kind, by| (kind, CommandRefusal::Replaced(by));
    let expected = [
        replaced(CommandKind::Run, CommandKind::Run),
        replaced(CommandKind::Run, CommandKind::Calibrate),
        replaced(CommandKind::Calibrate, CommandKind::UpdateSettings),
    ];
    assert_eq!(dropped, expected);
}

#[test]
fn a_wave_behind_settings_that_ask_for_another_calibration_is_dropped_and_that_is_said() {
    let mut machine = homed(&options());
    machine.command(sine(1.0));
    machine.run_ms(3_000);
    assert_eq!(machine.command(Command::UpdateSettings(narrower_rail())), QUEUED);
    assert_eq!(machine.command(sine(2.0)), QUEUED);
    machine.take_events();
    let (dropped, states) = dropped(&mut machine);
    assert_eq!(dropped, [(CommandKind::Run, CommandRefusal::NotHomed(State::NotHomed))]);
    assert_eq!(states, [State::Ready, State::NotHomed]);
}

#[test]
fn homing_that_fails_drops_the_wave_behind_it_and_says_so() {
    let mut machine = machine(&options());
    machine.command(Command::Calibrate);
    assert_eq!(machine.command(sine(2.0)), QUEUED);
    machine.take_events();
    machine.operator().set_mishap(Mishap::EStopOpen, true);
    let (dropped, states) = dropped(&mut machine);
    assert_eq!(dropped, [(CommandKind::Run, CommandRefusal::Faulted(Fault::EStop, SwitchDistance::Unknown))]);
    assert_eq!(states, [State::Faulted]);
}

#[test]
fn what_is_executed_is_not_told_to_be_dropped() {
    let mut machine = both_wait();
    machine.run_while(60_000, |snapshot| snapshot.state != State::Homing);
    machine.run_while(60_000, |snapshot| snapshot.state == State::Homing);
    machine.run_ms(100);
    assert_eq!(machine.snapshot().state, State::Running);
    assert_eq!(dropped(&mut machine).0, []);
}

/// Settings that wait for rest, and drop the calibration.
fn narrower_rail() -> yep::machine::Config {
    let mut config = support::config();
    config.geometry.padding = Mm::constant(8.0);
    config
}
