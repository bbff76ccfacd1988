//! Stalls of the computer (S16, S20): the loop makes up for late steps gently or shifts the time base, never in a
//! burst, and a step that is too late ends the motion. Checked on the pulses, against the same run on a punctual clock.

mod support;

#[path = "support/random.rs"]
mod random;

use support::{Recorder, homed_on, options, recorder, sine, square, steps};
use yep::diag::step_train::Precision;
use yep::drive::Rehearsal;
use yep::drive::status::EndCause;
use yep::hal::sim::{VirtualClock, WaitLateness};
use yep::machine::{Accepted, Command, CommandRefusal, Fault, Snapshot, State};
use yep::units::MILLISECOND_NS;

type Machine = Rehearsal<Recorder>;

/// Jitter: every wait is late by up to this.
const JITTER_NS: u64 = 2_000;
const LATE: Precision = Precision { edge_ns: JITTER_NS + 30, slews: true };

fn assert_position_true(machine: &Machine, snapshot: &Snapshot) {
    let shown_mm = snapshot.position_mm.expect("the position is known");
    let carriage_mm = machine.operator().carriage_mm() - 5.0;
    assert!((carriage_mm - shown_mm).abs() < 1e-3, "at {carriage_mm} mm, shown {shown_mm} mm");
}

/// A run: a homed machine starts a wave, and its clock becomes late `late_after_ms` afterwards.
struct StallRun {
    clock: VirtualClock,
    machine: Machine,
}

impl StallRun {
    fn begin(command: Command, late_after_ms: u64) -> StallRun {
        let clock = VirtualClock::default();
        let mut machine = homed_on(&clock, &options(), LATE);
        machine.sink().0.clear();
        assert_eq!(machine.command(command), Some(Ok(Accepted::Now)));
        machine.run_ms(late_after_ms);
        StallRun { clock, machine }
    }

    /// Runs on the late clock. If the motion was ended, returns the number of steps before the cycle that ended it, and
    /// the instant at which that cycle was over.
    fn run_late(&mut self, lateness: WaitLateness, milliseconds: u64) -> Option<(usize, u64)> {
        let ended = self.machine.status().ended();
        let until = self.machine.now() + milliseconds * MILLISECOND_NS;
        self.clock.set_lateness(Some(lateness));
        let mut before = None;
        while self.machine.now() < until {
            let made = self.machine.sink().0.len();
            self.machine.cycle();
            if before.is_none() && self.machine.status().ended() != ended {
                before = Some((steps(&self.machine.sink().0[..made]).len(), self.machine.now()));
            }
        }
        self.clock.set_lateness(None);
        before
    }
}

/// A step that is later than this is not made.
const CUT_NS: u64 = 3_000_000;

/// Expectation by S20: the first step at which the motion must end. It may be a step that was due long before `until`
/// and was not made.
fn too_late(nominal: &[(u64, bool)], made: &[(u64, bool)], until: u64) -> Option<usize> {
    let mut shift_ns = 0;
    for i in 1..made.len().min(nominal.len()) {
        let interval_ns = nominal[i].0 - nominal[i - 1].0;
        let late_ns = made[i].0.saturating_sub(nominal[i].0 + shift_ns);
        if late_ns > MILLISECOND_NS.min(2 * interval_ns) {
            return Some(i);
        }
        if late_ns > interval_ns {
            shift_ns += late_ns;
        }
    }
    let next = nominal.get(made.len())?;
    (until > next.0 + shift_ns + CUT_NS).then_some(made.len())
}

#[test]
fn no_interval_is_much_shorter_than_planned_and_what_is_too_late_ends_the_motion() {
    let mut random = random::from_env();
    let (mut faults, mut rebases) = (0, 0);
    for command in [sine(5.0), sine(1.3), sine(0.7), square(1.1)] {
        let mut punctual = StallRun::begin(command.clone(), 9_000);
        let nominal = steps(&punctual.machine.sink().0);
        for round in 0..32 {
            let after_ms = random.between(2_600.0, 6_000.0) as u64;
            let mut run = StallRun::begin(command.clone(), after_ms);
            // Some runs have only jitter, some short stalls, some long ones.
            let longest_ns = [1_001, 100_000, 1_000_000, 50_000_000][round % 4];
            let lateness = WaitLateness {
                seed: (random.unit() * 1e15) as u64,
                jitter_ns: JITTER_NS,
                stalls: random.log_between(1e-4, 3e-2),
                stall_ns: (1_000, longest_ns),
            };
            let ended = run.run_late(lateness, 1_500);
            run.machine.run_ms(500);
            let made = steps(&run.machine.sink().0);
            let as_planned = ended.map_or(made.len(), |(before, _)| before).min(nominal.len());
            for i in 1..as_planned {
                assert_eq!(made[i].1, nominal[i].1, "step {i} went the other way");
                let (interval_ns, planned_ns) = (made[i].0 - made[i - 1].0, nominal[i].0 - nominal[i - 1].0);
                // Both are whole nanoseconds.
                let least_ns = planned_ns - planned_ns / 16 - 2;
                assert!(interval_ns >= least_ns, "{interval_ns} ns instead of {planned_ns} ns, {lateness:?}");
            }
            let snapshot = run.machine.snapshot();
            rebases += snapshot.lateness.rebases;
            match ended {
                Some((before, until)) => {
                    assert_eq!(snapshot.state, State::Faulted);
                    match run.machine.status().ended().map(|ended| ended.cause) {
                        Some(EndCause::Late) => {
                            faults += 1;
                            let first = too_late(&nominal, &made, until).expect("ended without a reason");
                            assert!(first >= before, "it went on after step {first} was too late");
                            assert_eq!((snapshot.fault, snapshot.position_mm), (Some(Fault::StepLate), None));
                        }
                        // Both loops stalled while no step was due: only the queue ran dry.
                        Some(EndCause::Starved) => {
                            assert_eq!(snapshot.fault, Some(Fault::ControlLate));
                            assert_position_true(&run.machine, &snapshot);
                        }
                        cause => panic!("ended by {cause:?}"),
                    }
                }
                None => {
                    assert_eq!(too_late(&nominal, &made, 0), None, "it went on, {lateness:?}");
                    assert_eq!((snapshot.state, snapshot.fault), (State::Running, None));
                    assert_position_true(&run.machine, &snapshot);
                }
            }
        }
    }
    // Enough was tried.
    assert!(faults > 10, "only {faults} faults");
    assert!(rebases > 5, "only {rebases} shifts");
}

#[test]
fn a_frozen_control_thread_ends_in_a_ramp_of_the_step_loop_alone_and_latches() {
    let mut random = random::from_env();
    let deceleration = options().config.limits.stop_deceleration.get();
    let (mut ramped, mut unharmed) = (0, 0);
    for round in 0..120 {
        let command = if round % 5 == 4 { square(0.9) } else { sine(random.log_between(0.5, 6.0)) };
        let mut run = StallRun::begin(command.clone(), random.between(2_600.0, 9_000.0) as u64);
        let machine = &mut run.machine;
        // The 50 ms of S16, and shorter stalls, around the queued time.
        let stall_ms = if round % 2 == 0 { 50.0 } else { random.between(1.0, 50.0) };
        let frozen = machine.now();
        machine.stall_control((stall_ms * MILLISECOND_NS as f64) as u64);
        machine.cycle();
        let rested_alone = machine.status().resting();
        machine.run_ms(150);
        let snapshot = machine.snapshot();
        let Some(ended) = machine.status().ended().filter(|ended| ended.cause == EndCause::Starved) else {
            assert!(stall_ms < 13.0, "nothing happened in {stall_ms} ms");
            assert_eq!((snapshot.state, snapshot.fault), (State::Running, None));
            unharmed += 1;
            continue;
        };
        assert!(stall_ms > 10.0, "{ended:?} after {stall_ms} ms");
        ramped += 1;
        // The queued motion, the ramp from the highest speed, its onset and its release.
        let made = steps(&machine.sink().0);
        let last_s = made.last().map_or(0.0, |(at, _)| at.saturating_sub(frozen) as f64 * 1e-9);
        let most_s = 0.013 + options().config.limits.max_speed.get() / deceleration + 0.010;
        assert!(last_s <= most_s, "the last step came {last_s} s after the freeze, {most_s} s are allowed");
        assert!(rested_alone || stall_ms < 1e3 * most_s, "still moving when control woke up");
        // The fault is latched, the position is kept, and only acknowledge and arm lead on.
        assert_eq!((snapshot.state, snapshot.fault), (State::Faulted, Some(Fault::ControlLate)));
        assert_position_true(machine, &snapshot);
        machine.run_ms(500);
        assert_eq!(steps(&machine.sink().0).len(), made.len(), "it went on by itself");
        assert!(matches!(machine.command(command.clone()), Some(Err(CommandRefusal::Faulted(..)))));
        assert_eq!(machine.command(Command::Acknowledge), Some(Ok(Accepted::Now)));
        assert_eq!(machine.command(Command::Arm), Some(Ok(Accepted::Now)));
        assert_eq!(machine.command(command), Some(Ok(Accepted::Now)));
        machine.run_ms(2_000);
        assert_eq!(machine.snapshot().state, State::Running);
    }
    assert!(ramped >= 60 && unharmed >= 3, "{ramped} ramps, {unharmed} freezes without harm");
}

#[test]
fn a_late_computer_homes_runs_and_stops_or_says_why_not() {
    let mut random = random::from_env();
    let (mut whole, mut faulted) = (0, 0);
    for _ in 0..60 {
        let clock = VirtualClock::default();
        clock.set_lateness(Some(WaitLateness {
            seed: (random.unit() * 1e15) as u64,
            jitter_ns: JITTER_NS,
            stalls: random.log_between(1e-6, 1e-3),
            stall_ns: (1_000, 50_000_000),
        }));
        let mut machine = Rehearsal::with_clock(clock.clone(), &options(), recorder(&options(), LATE));
        machine.command(Command::Calibrate);
        machine.run_while(60_000, |snapshot| snapshot.state == State::Homing);
        for command in [sine(1.2), square(1.0), sine(0.4), sine(3.0)] {
            // A command after a fault is refused, which ends the run of waves.
            let _ = machine.command(command);
            machine.run_ms(random.between(500.0, 4_000.0) as u64);
            machine.stop();
            machine.run_ms(200);
        }
        let snapshot = machine.snapshot();
        match snapshot.fault {
            None => {
                whole += 1;
                assert_eq!(snapshot.state, State::Ready);
                assert_position_true(&machine, &snapshot);
            }
            Some(Fault::StepLate) => {
                faulted += 1;
                assert_eq!(snapshot.position_mm, None);
            }
            // The position is kept, unless there was none yet, as while homing.
            Some(Fault::ControlLate | Fault::StepLoopSilent) => faulted += 1,
            Some(fault) => panic!("{fault} on a late computer"),
        }
        if snapshot.position_mm.is_some() {
            assert_position_true(&machine, &snapshot);
        }
    }
    assert!(whole >= 5 && faulted >= 5, "{whole} without a fault, {faulted} with one");
}
