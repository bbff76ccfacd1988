//! The nudge (S39) on virtual time, judged by the pulses on the pins: its bound, its direction and speed, and everything that ends
//! it.
//!
//! `YEP_SEED` sets the seed of the random interruptions.

mod support;

use support::{Recorder, homed, machine, options, steps};
use yep::drive::{Rehearsal, RehearsalOptions};
use yep::hal::sim::{Mishap, Random};
use yep::hal::{Edge, EdgeKind};
use yep::machine::{
    Accepted, Command, CommandRefusal, Fault, NudgeEnd, NudgeLength, RailEnd, Snapshot, State,
    SwitchDistance, Why,
};

const SHORT: NudgeLength = NudgeLength::Short;
const RULER: NudgeLength = NudgeLength::Ruler;
/// Steps per millimetre of the test's machine.
const NOMINAL: f64 = 10.0;

fn starting_at(start_mm: f64) -> RehearsalOptions {
    let mut options = options();
    options.rail.start_mm = start_mm;
    options
}

fn middle() -> Rehearsal<Recorder> {
    let mut machine = machine(&starting_at(77.5));
    machine.run_ms(20);
    machine
}

fn nudge(machine: &mut Rehearsal<Recorder>, toward: RailEnd, length: NudgeLength) {
    assert_eq!(machine.command(Command::Nudge(toward, length)), Some(Ok(Accepted::Now)));
}

/// Runs until the nudge is over and the driver off.
fn end(machine: &mut Rehearsal<Recorder>) -> Snapshot {
    let over = machine.run_while(10_000, |snapshot| snapshot.state.is_moving());
    assert!(over, "the nudge goes on for ever");
    machine.run_ms(100);
    machine.snapshot()
}

fn is_powered(edges: &[Edge]) -> bool {
    let on = edges.iter().rev().find_map(|edge| match edge.kind {
        EdgeKind::Enable { on } => Some(on),
        _ => None,
    });
    on.unwrap_or(false)
}

#[test]
fn a_nudge_goes_as_far_as_it_may_slowly_and_ends_not_homed() {
    for toward in [RailEnd::Front, RailEnd::Back] {
        for length in [SHORT, RULER] {
            let mut machine = middle();
            nudge(&mut machine, toward, length);
            let snapshot = end(&mut machine);
            let (edges, forward) = (&machine.sink().0, toward == RailEnd::Front);
            let made = steps(edges);
            let case = format!("{toward:?} {length:?}");
            assert_eq!(made.len() as f64, length.mm() * NOMINAL, "{case}");
            assert!(made.iter().all(|(_, direction)| *direction == forward), "{case}");
            // 5 mm/s of 10 steps each.
            let closest = made.windows(2).map(|pair| pair[1].0 - pair[0].0).min().unwrap();
            assert!(closest >= 19_990_000, "{case}: steps {closest} ns apart");
            assert_eq!((snapshot.state, snapshot.why), (State::NotHomed, Why::NudgeOver), "{case}");
            assert_eq!((snapshot.position_mm, snapshot.range_mm), (None, None), "{case}");
            assert!(!is_powered(edges), "{case}: the motor stays on");
            let last = snapshot.last_nudge.unwrap();
            assert_eq!((last.number, last.end), (1, NudgeEnd::Completed), "{case}");
            assert_eq!(last.steps.unsigned_abs(), made.len() as u64, "{case}");
            assert_eq!(last.steps > 0, forward, "{case}");
        }
    }
}

#[test]
fn a_nudge_is_repeated_by_a_new_command_only() {
    let mut machine = middle();
    nudge(&mut machine, RailEnd::Front, SHORT);
    assert_eq!(
        machine.command(Command::Nudge(RailEnd::Front, SHORT)),
        Some(Err(CommandRefusal::Moving(State::Nudging)))
    );
    end(&mut machine);
    machine.run_ms(5_000);
    assert_eq!(steps(&machine.sink().0).len(), 20);
    nudge(&mut machine, RailEnd::Back, SHORT);
    assert_eq!(end(&mut machine).last_nudge.unwrap().number, 2);
    assert_eq!(machine.command(Command::Calibrate), Some(Ok(Accepted::Now)));
    assert_eq!(machine.snapshot().last_nudge, None);
    assert!(machine.run_while(60_000, |snapshot| snapshot.state == State::Homing));
    let homed = CommandRefusal::Homed(State::Ready);
    assert_eq!(machine.command(Command::Nudge(RailEnd::Back, SHORT)), Some(Err(homed)));
}

#[test]
fn either_switch_cuts_it_without_a_further_step() {
    for (toward, start_mm, mishap, ended_by) in [
        // The front switch closes at 155 mm, the back one at 0 mm.
        (RailEnd::Front, 154.3, None, RailEnd::Front),
        (RailEnd::Back, 0.7, None, RailEnd::Back),
        (RailEnd::Front, 77.5, Some(Mishap::BackWelded), RailEnd::Back),
        (RailEnd::Back, 77.5, Some(Mishap::FrontWelded), RailEnd::Front),
    ] {
        let mut machine = machine(&starting_at(start_mm));
        machine.run_ms(20);
        nudge(&mut machine, toward, RULER);
        if let Some(mishap) = mishap {
            machine.run_ms(700);
            machine.operator().set_mishap(mishap, true);
            let before = steps(&machine.sink().0).len();
            machine.run_ms(1_000);
            assert_eq!(steps(&machine.sink().0).len(), before, "{mishap:?}: it goes on");
        }
        let snapshot = end(&mut machine);
        assert_eq!((snapshot.state, snapshot.fault), (State::NotHomed, None), "{toward:?} {mishap:?}");
        assert_eq!(snapshot.last_nudge.unwrap().end, NudgeEnd::Limit(ended_by));
        assert!(steps(&machine.sink().0).len() < 100);
        if mishap.is_none() {
            let carriage_mm = machine.operator().carriage_mm();
            assert!((-0.11..=155.11).contains(&carriage_mm), "{carriage_mm} mm");
        }
    }
}

#[test]
fn a_pressed_switch_lets_none_begin() {
    for (start_mm, end) in [(-0.5, RailEnd::Back), (155.5, RailEnd::Front)] {
        for toward in [RailEnd::Front, RailEnd::Back] {
            let mut machine = machine(&starting_at(start_mm));
            machine.run_ms(20);
            let refused = machine.command(Command::Nudge(toward, SHORT));
            assert_eq!(refused, Some(Err(CommandRefusal::SwitchPressed(end))));
            machine.run_ms(1_000);
            assert!(steps(&machine.sink().0).is_empty());
        }
    }
}

#[test]
fn without_a_finger_it_comes_to_rest_by_its_ramp() {
    let mut machine = middle();
    nudge(&mut machine, RailEnd::Front, RULER);
    machine.run_ms(800);
    assert_eq!(machine.command(Command::ClientGone), Some(Ok(Accepted::Now)));
    let (gone, before) = (machine.now(), steps(&machine.sink().0).len());
    let snapshot = end(&mut machine);
    let made = steps(&machine.sink().0);
    // v/a + 20 ms and v^2/2a + v * 20 ms at 5 mm/s: a step or two.
    assert!(made.len() - before <= 2, "{} steps", made.len() - before);
    assert!(made.last().unwrap().0 <= gone + 40_000_000);
    assert_eq!((snapshot.state, snapshot.why), (State::NotHomed, Why::NudgeOver));
    let last = snapshot.last_nudge.unwrap();
    assert_eq!((last.end, last.steps), (NudgeEnd::LetGo, made.len() as i64));
}

#[test]
fn a_force_or_its_absence_prevents_it() {
    let mut machine = middle();
    machine.operator().push_g(-5_000.0);
    machine.run_ms(50);
    let refused = machine.command(Command::Nudge(RailEnd::Front, SHORT));
    assert_eq!(refused, Some(Err(CommandRefusal::Prevented(Fault::ForceWhileHoming))));
    machine.operator().push_g(0.0);
    machine.run_ms(50);
    nudge(&mut machine, RailEnd::Front, RULER);
    machine.run_ms(500);
    machine.operator().set_mishap(Mishap::LoadCellSilent, true);
    machine.run_ms(400);
    let snapshot = machine.snapshot();
    assert_eq!((snapshot.state, snapshot.fault), (State::Faulted, Some(Fault::ForceSampleLost)));
    assert_eq!((snapshot.position_mm, snapshot.last_nudge), (None, None));
    let refused = machine.command(Command::Nudge(RailEnd::Front, SHORT));
    assert_eq!(refused, Some(Err(CommandRefusal::Faulted(Fault::ForceSampleLost, SwitchDistance::Unknown))));
}

/// Whatever comes at whatever instant: the bound holds, the axis rests, its position is unknown, and nothing follows.
#[test]
fn an_interruption_at_any_instant_leaves_it_bounded_and_not_homed() {
    let seed = std::env::var("YEP_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1);
    println!("YEP_SEED={seed}");
    let mut random = Random::new(seed);
    for round in 0..120 {
        let toward = *random.one_of(&[RailEnd::Front, RailEnd::Back]);
        let length = *random.one_of(&[SHORT, RULER]);
        let at_ms = (random.between(0.0, 1.1) * length.mm() / 5.0 * 1_000.0) as u64;
        let what = random.below(6);
        let mut machine = middle();
        nudge(&mut machine, toward, length);
        machine.run_ms(at_ms);
        match what {
            0 => machine.stop(),
            1 => drop(machine.command(Command::ClientGone)),
            2 => machine.operator().set_mishap(Mishap::EStopOpen, true),
            3 => machine.operator().set_mishap(Mishap::DriverAlarm, true),
            4 => machine.operator().set_mishap(Mishap::FrontWelded, true),
            _ => machine.stop_line().begin_shutdown(),
        }
        machine.run_ms(60);
        let case = format!("round {round}: {toward:?} {length:?}, {what} after {at_ms} ms");
        let rested = steps(&machine.sink().0).len();
        machine.run_ms(3_000);
        let made = steps(&machine.sink().0);
        assert_eq!(made.len(), rested, "{case}: it went on");
        assert!(made.len() as f64 <= length.mm() * NOMINAL, "{case}");
        let snapshot = machine.snapshot();
        let expected = if matches!(what, 2 | 3) { State::Faulted } else { State::NotHomed };
        assert_eq!((snapshot.state, snapshot.position_mm), (expected, None), "{case}");
        assert!(!is_powered(&machine.sink().0), "{case}: the motor stays on");
    }
}

#[test]
fn homing_behind_a_nudge_finds_what_it_finds_without_one() {
    let mut machine = middle();
    nudge(&mut machine, RailEnd::Front, RULER);
    end(&mut machine);
    assert_eq!(machine.command(Command::Calibrate), Some(Ok(Accepted::Now)));
    assert!(machine.run_while(60_000, |snapshot| snapshot.state == State::Homing));
    assert_eq!(machine.snapshot().range_mm, homed(&options()).snapshot().range_mm);
}
