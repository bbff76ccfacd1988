//! Homing on virtual time: from any position, and with each fault of switches, motor and rail.

mod support;

use support::{homed, machine, options};
use yep::drive::RehearsalOptions;
use yep::hal::sim::{Mishap, RailOptions};
use yep::machine::{Accepted, Command, Event, Fault, RailEnd, State};

fn with_rail(change: impl FnOnce(&mut RailOptions)) -> RehearsalOptions {
    let mut options = options();
    change(&mut options.rail);
    options
}

/// Calibrates with a mishap from the start; returns the fault.
fn fault_with(mishap: Mishap, start_mm: f64) -> Fault {
    let mut machine = machine(&with_rail(|rail| rail.start_mm = start_mm));
    machine.operator().set_mishap(mishap, true);
    machine.run_ms(20);
    // With the e-stop open or both switches closed the machine is faulted before the command.
    let _ = machine.command(Command::Calibrate);
    machine.run_while(60_000, |snapshot| snapshot.state == State::Homing);
    let snapshot = machine.snapshot();
    assert_eq!(snapshot.state, State::Faulted, "with {mishap:?}: {}", snapshot.why);
    assert_eq!(snapshot.position_mm, None);
    snapshot.fault.unwrap()
}

#[test]
fn the_stroke_is_found_from_every_start_position() {
    for start_mm in [-2.5, -1.0, 0.0, 0.3, 0.7, 5.0, 40.0, 77.5, 150.0, 154.2, 154.8, 155.0, 156.0, 157.5] {
        let mut machine = homed(&with_rail(|rail| rail.start_mm = start_mm));
        let found = machine.take_events().into_iter().find_map(|event| match event {
            Event::Calibrated(found) => Some(found),
            _ => None,
        });
        let found = found.expect("no calibration was reported");
        assert_eq!((found.travel_steps, found.max_steps), (1_550, 1_450), "from {start_mm} mm");
        assert!((machine.operator().carriage_mm() - 5.0).abs() < 0.11, "not parked behind the padding");
        assert_eq!(machine.snapshot().position_mm, Some(0.0));
    }
}

#[test]
fn a_rail_of_another_length_is_measured_as_it_is() {
    for length_mm in [130.0, 148.0, 160.0] {
        let mut machine = homed(&with_rail(|rail| rail.length_mm = length_mm));
        let travel = machine.take_events().into_iter().find_map(|event| match event {
            Event::Calibrated(found) => Some(found.travel_steps),
            _ => None,
        });
        assert_eq!(travel, Some((length_mm * 10.0) as i64));
    }
}

#[test]
fn more_steps_a_millimetre_than_the_pulses_can_make_is_a_fault() {
    // 1 600 steps where 155 mm were measured, at 500 mm/s: 5 161 steps/s.
    for (max_steps_per_s, fault) in [(5_162.0, None), (5_161.0, Some(Fault::StepRateTooHigh))] {
        let mut options = with_rail(|rail| rail.length_mm = 160.0);
        options.config.geometry.max_steps_per_s = max_steps_per_s;
        let mut machine = machine(&options);
        assert_eq!(machine.command(Command::Calibrate), Some(Ok(Accepted::Now)));
        assert!(machine.run_while(60_000, |snapshot| snapshot.state == State::Homing));
        let snapshot = machine.snapshot();
        assert_eq!((snapshot.fault, snapshot.position_mm.is_none()), (fault, fault.is_some()));
    }
}

#[test]
fn each_thing_that_can_be_wrong_is_a_fault_that_says_what_to_check() {
    for (mishap, start_mm, expected) in [
        (Mishap::FrontDead, 77.5, Fault::NoSwitchFound(RailEnd::Front)),
        (Mishap::BackDead, 77.5, Fault::NoSwitchFound(RailEnd::Back)),
        (Mishap::BeltOff, 77.5, Fault::NoSwitchFound(RailEnd::Front)),
        (Mishap::FrontWelded, 77.5, Fault::SwitchStuck(RailEnd::Front)),
        (Mishap::BackWelded, 77.5, Fault::SwitchStuck(RailEnd::Back)),
        (Mishap::BackWelded, 0.0, Fault::SwitchStuck(RailEnd::Back)),
        (Mishap::SwitchesSwapped, 77.5, Fault::WrongSwitch(RailEnd::Front)),
        (Mishap::DirectionReversed, 77.5, Fault::WrongSwitch(RailEnd::Front)),
        (Mishap::DirectionReversed, 0.0, Fault::SwitchStuck(RailEnd::Back)),
        (Mishap::FrontLoose, 77.5, Fault::TouchDisagrees(RailEnd::Front)),
        (Mishap::EStopOpen, 77.5, Fault::EStop),
        (Mishap::DriverAlarm, 77.5, Fault::DriverAlarm),
    ] {
        let fault = fault_with(mishap, start_mm);
        assert_eq!(fault, expected, "with {mishap:?} from {start_mm} mm");
        assert!(fault.remedy().len() > 20);
    }
}

#[test]
fn both_switches_closed_is_a_fault_without_any_motion() {
    let mut machine = machine(&options());
    machine.operator().set_mishap(Mishap::FrontWelded, true);
    machine.operator().set_mishap(Mishap::BackWelded, true);
    machine.run_ms(20);
    assert!(machine.command(Command::Calibrate).unwrap().is_err());
    machine.run_ms(1_000);
    assert_eq!(machine.snapshot().fault, Some(Fault::BothLimitsClosed));
    assert!(support::steps(&machine.sink().0).is_empty());
}

#[test]
fn a_travel_that_cannot_be_the_rail_is_a_fault() {
    let mut machine = machine(&with_rail(|rail| rail.length_mm = 100.0));
    machine.command(Command::Calibrate);
    machine.run_while(60_000, |snapshot| snapshot.state == State::Homing);
    assert_eq!(machine.snapshot().fault, Some(Fault::ImplausibleTravel));
}

#[test]
fn a_dead_switch_costs_at_most_the_travel_and_the_time_that_s9_allows() {
    let mut machine = machine(&options());
    machine.operator().set_mishap(Mishap::BeltOff, true);
    machine.command(Command::Calibrate);
    let began = machine.now();
    machine.run_while(60_000, |snapshot| snapshot.state == State::Homing);
    let steps = support::steps(&machine.sink().0).len();
    // 1.1 x 155 mm of 10 steps each, and a step of rounding.
    assert!(steps <= 1_706, "{steps} steps");
    let took_s = (machine.now() - began) as f64 * 1e-9;
    assert!(took_s <= 1.5 * 170.5 / 40.0 + 2.0, "{took_s} s");
}

#[test]
fn stop_while_homing_comes_to_rest_not_homed() {
    let mut machine = machine(&options());
    machine.command(Command::Calibrate);
    machine.run_ms(700);
    machine.stop();
    machine.run_ms(100);
    assert_eq!(machine.snapshot().state, State::NotHomed);
    let steps = support::steps(&machine.sink().0).len();
    machine.run_ms(1_000);
    assert_eq!(support::steps(&machine.sink().0).len(), steps, "it went on");
    assert_eq!(machine.command(Command::Calibrate), Some(Ok(Accepted::Now)));
}

#[test]
fn a_fault_of_homing_can_be_acknowledged_and_homing_tried_again() {
    let mut machine = machine(&options());
    machine.operator().set_mishap(Mishap::FrontDead, true);
    machine.command(Command::Calibrate);
    machine.run_while(60_000, |snapshot| snapshot.state == State::Homing);
    assert_eq!(machine.command(Command::Acknowledge), Some(Ok(Accepted::Now)));
    machine.operator().set_mishap(Mishap::FrontDead, false);
    assert_eq!(machine.command(Command::Calibrate), Some(Ok(Accepted::Now)));
    machine.run_while(60_000, |snapshot| snapshot.state == State::Homing);
    assert_eq!(machine.snapshot().state, State::Ready);
}
