//! The severest end cause wins, in any order (S10, S20, S24): a late step or a trip on the ramp of a STOP, of a fault
//! or of a starved motion latches, and loses the position.

use yep::drive::status::EndCause;
use yep::hal::Clock;
use yep::hal::sim::{Mishap, Mishaps, MotorOptions, VirtualClock};
use yep::machine::{Accepted, Command, Event, Fault, State, StopLevel};
use yep::motion::RailEnd;

use crate::plain::{Edges, Plain, homed, position_error_mm, run_until_fast, stall};
use crate::support::{options, sine};

/// Causes of a ramp down from speed.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Ramp {
    Stop,
    ForceLost,
    Starved,
}

const RAMPS: [Ramp; 3] = [Ramp::Stop, Ramp::ForceLost, Ramp::Starved];

impl Ramp {
    /// Begins the ramp at 440 mm/s or more, and lets it run for some milliseconds.
    fn begin(self, machine: &mut Plain) {
        run_until_fast(machine, 440.0);
        match self {
            Ramp::Stop => machine.stop(),
            Ramp::ForceLost => {
                machine.operator().set_mishap(Mishap::LoadCellSilent, true);
                assert!(machine.run_while(500, |snapshot| snapshot.state == State::Running));
            }
            // The late cycle sees the end of the queue, after 12 ms, and the ramp behind it.
            Ramp::Starved => {
                machine.stall_control(30_000_000);
                machine.cycle();
                return;
            }
        }
        machine.run_ms(15);
    }

    /// The fault that is latched first when a severer cause comes on the ramp; a late control cycle sees both at once.
    fn first(self) -> Option<Fault> {
        self.fault().filter(|_| self != Ramp::Starved)
    }

    /// The fault that this ramp alone latches.
    fn fault(self) -> Option<Fault> {
        match self {
            Ramp::Stop => None,
            Ramp::ForceLost => Some(Fault::ForceSampleLost),
            Ramp::Starved => Some(Fault::ControlLate),
        }
    }
}

fn running(clock: &VirtualClock, motor: bool) -> Plain {
    let mut options = options();
    options.rail.motor = motor.then(MotorOptions::default);
    let mut machine = homed(clock, &options);
    assert_eq!(machine.command(sine(1.0)), Some(Ok(Accepted::Now)));
    machine.run_ms(2_500);
    machine
}

/// Asserts that `fault` is latched, as the first cause or beside `first`, and that nothing moves before a new homing.
fn assert_position_lost(machine: &mut Plain, fault: Fault, first: Option<Fault>) {
    let snapshot = machine.snapshot();
    assert_eq!((snapshot.state, snapshot.position_mm), (State::Faulted, None), "{:?}", snapshot.fault);
    assert_eq!(snapshot.fault, first.or(Some(fault)));
    if first.is_some_and(|first| first != fault) {
        let told = machine.take_events().contains(&Event::FaultWhileFaulted(fault));
        assert!(told, "{fault} was not told");
    }
    machine.operator().replace_mishaps(Mishaps::default());
    machine.run_ms(300);
    assert_eq!(machine.command(Command::Acknowledge), Some(Ok(Accepted::Now)));
    machine.run_ms(5);
    let snapshot = machine.snapshot();
    assert_eq!((snapshot.state, snapshot.fault), (State::NotHomed, None), "latched anew by what is over");
    assert_eq!(machine.command(Command::Calibrate), Some(Ok(Accepted::Now)));
    assert!(machine.run_while(60_000, |snapshot| snapshot.state == State::Homing));
    assert_eq!(machine.snapshot().state, State::Ready);
}

#[test]
fn a_ramp_alone_keeps_the_position() {
    for ramp in RAMPS {
        let mut machine = running(&VirtualClock::default(), true);
        ramp.begin(&mut machine);
        machine.run_ms(1_000);
        assert_eq!(machine.snapshot().fault, ramp.fault());
        let position_error_mm = position_error_mm(&machine).expect("the position is known");
        assert!(position_error_mm < 0.05, "{ramp:?}: {position_error_mm} mm off");
    }
}

#[test]
fn a_late_step_on_a_ramp_loses_the_position() {
    for ramp in RAMPS {
        for stall_ms in [2, 3, 4, 5, 10, 20] {
            let clock = VirtualClock::default();
            let mut machine = running(&clock, stall_ms % 2 == 0);
            stall_on_ramp(&mut machine, &clock, ramp, stall_ms * 1_000_000);
            machine.run_ms(1_000);
            assert_position_lost(&mut machine, Fault::StepLate, ramp.first());
        }
    }
}

fn stall_on_ramp(machine: &mut Plain, clock: &VirtualClock, ramp: Ramp, stall_ns: u64) {
    if ramp == Ramp::Starved {
        // Both happen within one call: the stall is scheduled beforehand, for some milliseconds behind the queue's end.
        run_until_fast(machine, 440.0);
        stall(clock, machine.now() + 25_000_000, stall_ns);
        machine.stall_control(40_000_000);
        machine.cycle();
    } else {
        ramp.begin(machine);
        // Between two control cycles: one that begins behind the stall sees the step loop silent before its step is late.
        stall(clock, machine.now() + 3_500_000, stall_ns);
    }
}

#[test]
fn a_trip_on_a_ramp_latches_also_when_it_is_over_before_the_next_cycle() {
    let armed_inputs = [
        (Mishap::FrontWelded, Fault::LimitHit(RailEnd::Front)),
        (Mishap::BackWelded, Fault::LimitHit(RailEnd::Back)),
        (Mishap::EStopOpen, Fault::EStop),
        (Mishap::DriverAlarm, Fault::DriverAlarm),
    ];
    for ramp in RAMPS {
        for (mishap, fault) in armed_inputs {
            let clock = VirtualClock::default();
            let mut machine = running(&clock, true);
            let at = if ramp == Ramp::Starved {
                run_until_fast(&mut machine, 440.0);
                machine.now() + 25_000_000
            } else {
                ramp.begin(&mut machine);
                machine.now() + 100_000
            };
            let (operator, own) = (machine.operator().clone(), clock.clone());
            clock.set_alarm(at, move || {
                operator.set_mishap(mishap, true);
                let released = own.now() + 400_000;
                own.set_alarm(released, move || operator.set_mishap(mishap, false));
            });
            if ramp == Ramp::Starved {
                machine.stall_control(40_000_000);
                machine.cycle();
            }
            machine.run_ms(1_000);
            assert_position_lost(&mut machine, fault, ramp.first());
        }
    }
}

#[test]
fn a_halt_on_a_ramp_loses_the_position() {
    for ramp in [Ramp::Stop, Ramp::ForceLost] {
        let mut machine = running(&VirtualClock::default(), true);
        ramp.begin(&mut machine);
        machine.stop_line().raise(StopLevel::Halt);
        machine.run_ms(1_000);
        assert_position_lost(&mut machine, Fault::Halted, ramp.first());
    }
}

#[test]
fn the_ramp_of_a_stopped_homing_may_reach_the_switch() {
    let clock = VirtualClock::default();
    let mut machine = Plain::with_clock(clock.clone(), &options(), Edges::default());
    assert_eq!(machine.command(Command::Calibrate), Some(Ok(Accepted::Now)));
    machine.run_ms(1_000);
    machine.stop();
    let operator = machine.operator().clone();
    clock.set_alarm(machine.now() + 3_000_000, move || operator.set_mishap(Mishap::FrontWelded, true));
    machine.run_ms(500);
    let snapshot = machine.snapshot();
    assert_eq!((snapshot.state, snapshot.fault), (State::NotHomed, None));
    let cause = machine.status().ended().map(|ended| ended.cause);
    assert_eq!(cause, Some(EndCause::Tripped), "it did not reach the switch");
}
