//! Session rules on virtual time: a wave that is not requested anew ends, and an axis that rests is released.

mod support;

use support::{Recorder, homed, leave, machine, options, sine, steps};
use yep::drive::{Rehearsal, RehearsalOptions};
use yep::hal::EdgeKind;
use yep::machine::{Accepted, Command, CommandRefusal, SessionRules, State, Why};
use yep::units::SECOND_NS;

fn with(session: SessionRules) -> RehearsalOptions {
    RehearsalOptions { session, ..options() }
}

const MINUTE_MS: u64 = 60_000;
const A_MINUTE: Option<u64> = Some(60 * SECOND_NS);

fn running(machine: &mut Rehearsal<Recorder>) -> bool {
    machine.snapshot().state == State::Running
}

#[test]
fn a_wave_that_nobody_asks_for_anew_ends_with_its_period() {
    let mut machine = homed(&with(SessionRules { longest_ns: A_MINUTE, ..SessionRules::default() }));
    assert_eq!(machine.command(sine(3.0)), Some(Ok(Accepted::Now)));
    machine.run_ms(MINUTE_MS - 100);
    assert!(running(&mut machine));
    // Another request restarts the time.
    assert_eq!(machine.command(sine(2.0)), Some(Ok(Accepted::Now)));
    machine.run_ms(MINUTE_MS - 100);
    assert!(running(&mut machine));
    machine.run_ms(200);
    assert_eq!((machine.snapshot().state, machine.snapshot().why), (State::Ending, Why::SessionOver));
    let after = leave(&mut machine, State::Ending, 5_000);
    assert_eq!((after.state, after.position_mm), (State::Ready, Some(0.0)));
    assert_eq!(machine.command(sine(2.0)), Some(Ok(Accepted::Now)), "the next one starts as ever");
}

#[test]
fn an_axis_that_rests_for_long_is_let_go_and_is_not_homed() {
    let mut machine = homed(&with(SessionRules { release_ns: A_MINUTE, ..SessionRules::default() }));
    machine.command(sine(3.0));
    machine.run_ms(2 * MINUTE_MS);
    assert!(running(&mut machine), "what moves is not at rest");
    machine.stop();
    leave(&mut machine, State::Running, 100);
    leave(&mut machine, State::Stopping, 1_000);
    machine.run_ms(MINUTE_MS - 100);
    assert_eq!(machine.snapshot().state, State::Ready);
    machine.sink().0.clear();
    machine.run_ms(200);
    let released = machine.snapshot();
    assert_eq!((released.state, released.why), (State::NotHomed, Why::Released));
    assert_eq!((released.position_mm, released.fault), (None, None));
    let edges = &machine.sink().0;
    assert!(edges.iter().any(|edge| edge.kind == EdgeKind::Enable { on: false }), "the motor is on");
    assert!(steps(edges).is_empty());
    assert_eq!(machine.command(sine(2.0)), Some(Err(CommandRefusal::NotHomed(State::NotHomed))));
    assert_eq!(machine.command(Command::Calibrate), Some(Ok(Accepted::Now)));
    assert_eq!(leave(&mut machine, State::Homing, MINUTE_MS).state, State::Ready);
}

#[test]
fn nothing_is_let_go_that_is_not_held() {
    let mut machine = machine(&with(SessionRules { release_ns: A_MINUTE, ..SessionRules::default() }));
    machine.run_ms(2 * MINUTE_MS);
    assert_eq!((machine.snapshot().state, machine.snapshot().why), (State::NotHomed, Why::PowerOn));
}
