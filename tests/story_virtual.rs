//! End-to-end test on virtual time: calibrate, run, end, stop, fault; checked on the pulses.

mod support;

use support::{homed, leave, machine, options, sine, square, steps};
use yep::drive::Rehearsal;
use yep::hal::sim::Mishap;
use yep::machine::host::{Derating, DeratingCause, HostHealth, HostReadings};
use yep::machine::{Accepted, Command, CommandRefusal, Config, Event, Fault, RailEnd, State};
use yep::motion::MotionLimits;
use yep::units::{Mm, MmPerS, MmPerS2, MmPerS3};

/// Instants at which the counter passes `at` upward.
fn upward_crossings(steps: &[(u64, bool)], at: i64, start: i64) -> Vec<u64> {
    let mut count = start;
    let mut crossings = Vec::new();
    for (instant, forward) in steps {
        count += if *forward { 1 } else { -1 };
        if *forward && count == at {
            crossings.push(*instant);
        }
    }
    crossings
}

#[test]
fn a_sine_of_five_seconds_has_a_period_of_five_seconds_and_stays_on_its_graph() {
    let mut machine = homed(&options());
    machine.sink().0.clear();
    assert_eq!(machine.command(sine(5.0)), Some(Ok(Accepted::Now)));
    machine.run_ms(26_000);
    let steps = steps(&machine.sink().0);

    // The period, at every height between a quarter and three quarters of the stroke.
    for at in (363..1_088).step_by(25) {
        let crossings = upward_crossings(&steps, at, 0);
        assert!(crossings.len() >= 4, "{crossings:?}");
        // The first crossing belongs to the start ramp.
        for pair in crossings[1..].windows(2) {
            let period_s = (pair[1] - pair[0]) as f64 * 1e-9;
            assert!((period_s - 5.0).abs() < 1e-4, "period {period_s} at {at}");
        }
    }

    // The graph: find its origin from one crossing of the middle, then compare every step.
    let middle = upward_crossings(&steps, 725, 0)[2];
    let (mut count, mut worst_mm) = (0i64, 0f64);
    for (instant, forward) in &steps {
        count += if *forward { 1 } else { -1 };
        let phase = 0.25 + (*instant as f64 - middle as f64) * 1e-9 / 5.0;
        if phase > -1.0 {
            let graph_mm = 145.0 * (0.5 - 0.5 * (2.0 * std::f64::consts::PI * phase).cos());
            worst_mm = worst_mm.max((graph_mm - count as f64 / 10.0).abs());
        }
    }
    assert!(worst_mm < 0.1, "{worst_mm} mm beside the graph");
}

#[test]
fn end_finishes_the_period_and_rests_at_the_back() {
    let mut machine = homed(&options());
    machine.command(sine(2.0));
    machine.run_ms(5_300);
    assert_eq!(machine.command(Command::End), Some(Ok(Accepted::Now)));
    assert_eq!(machine.snapshot().state, State::Ending);
    let asked = machine.now();
    let snapshot = leave(&mut machine, State::Ending, 5_000);
    assert_eq!((snapshot.state, snapshot.position_mm), (State::Ready, Some(0.0)));
    assert!(machine.now() - asked <= 3_200_000_000, "END took {} ns", machine.now() - asked);
}

#[test]
fn a_strained_computer_slows_the_wave_then_ends_it_and_keeps_the_position() {
    let show = |machine: &mut Rehearsal<support::Recorder>, derating| {
        machine.host().store(HostHealth { readings: HostReadings::default(), derating });
    };
    let fastest_mm_s = |machine: &mut Rehearsal<support::Recorder>| {
        machine.sink().0.clear();
        machine.run_ms(2_000);
        let steps = steps(&machine.sink().0);
        let intervals = steps.windows(4).map(|four| (four[3].0 - four[0].0) as f64 * 1e-9);
        0.3 / intervals.fold(f64::INFINITY, f64::min)
    };
    for (strain, fault) in
        [(DeratingCause::UnderVoltage, Fault::UnderVoltage), (DeratingCause::Heat, Fault::Overheated)]
    {
        let mut machine = homed(&options());
        let most_mm_s = MotionLimits::default().max_speed.get();
        // Far too fast for the axis, which moves at its limits.
        machine.command(square(1.0));
        machine.run_ms(2_000);
        let before_mm_s = fastest_mm_s(&mut machine);
        show(&mut machine, Derating::Slower(strain));
        machine.run_ms(500);
        let slowed_mm_s = fastest_mm_s(&mut machine);
        assert!(
            before_mm_s > 0.8 * most_mm_s && slowed_mm_s < 0.51 * most_mm_s,
            "{before_mm_s} {slowed_mm_s}"
        );
        assert!(slowed_mm_s > 0.4 * most_mm_s, "{slowed_mm_s}");
        show(&mut machine, Derating::None);
        machine.run_ms(500);
        assert!((fastest_mm_s(&mut machine) - before_mm_s).abs() < 0.02 * most_mm_s);
        assert_eq!(machine.snapshot().state, State::Running);

        show(&mut machine, Derating::Stop(strain));
        machine.run_ms(400);
        let at_rest = machine.snapshot();
        assert_eq!((at_rest.state, at_rest.fault), (State::Faulted, Some(fault)));
        assert!(at_rest.position_mm.is_some() && at_rest.velocity_mm_s == 0.0, "{at_rest:?}");
        // The fault stays as long as its cause, and nothing resets by itself.
        assert_eq!(machine.command(Command::Acknowledge), Some(Err(CommandRefusal::CauseRemains(fault))));
        show(&mut machine, Derating::None);
        machine.run_ms(1_000);
        assert_eq!(machine.snapshot().position_mm, at_rest.position_mm);
        for command in [Command::Acknowledge, Command::Arm, sine(2.0)] {
            assert_eq!(machine.command(command), Some(Ok(Accepted::Now)));
        }
        // A start in this state makes no step.
        machine.stop();
        machine.run_ms(1_000);
        machine.sink().0.clear();
        show(&mut machine, Derating::Stop(strain));
        machine.run_ms(10);
        assert_eq!(machine.command(sine(2.0)), Some(Ok(Accepted::Now)));
        machine.run_ms(1_000);
        assert_eq!((machine.snapshot().state, steps(&machine.sink().0).len()), (State::Faulted, 0));
    }
}

#[test]
fn stop_keeps_s4_and_the_position_at_every_phase() {
    let limits = MotionLimits::default();
    for delay_ms in (0..1_000).step_by(37) {
        let mut machine = homed(&options());
        machine.command(sine(1.0));
        machine.run_ms(3_000 + delay_ms);
        let before = steps(&machine.sink().0);
        // Speed from the last pulses.
        let last = &before[before.len() - 3..];
        let v = 0.1 * 2.0 / ((last[2].0 - last[0].0) as f64 * 1e-9);
        let asked = machine.now();
        machine.stop();
        machine.run_ms(200);
        let after = steps(&machine.sink().0);
        let a = limits.stop_deceleration.get();
        let made = &after[before.len()..];
        let took_s = made.last().map_or(0.0, |(at, _)| (at - asked) as f64 * 1e-9);
        let way_mm = made.len() as f64 * 0.1;
        assert!(took_s <= v / a + 0.020, "{took_s} s from {v} mm/s");
        assert!(way_mm <= v * v / (2.0 * a) + v * 0.020 + 0.2, "{way_mm} mm from {v} mm/s");
        let snapshot = machine.snapshot();
        assert_eq!(snapshot.state, State::Ready);
        let position_mm = snapshot.position_mm.unwrap();
        assert!((machine.operator().carriage_mm() - 5.0 - position_mm).abs() < 1e-3, "the position is wrong");
        // It moves again without another calibration.
        assert_eq!(machine.command(sine(1.0)), Some(Ok(Accepted::Now)));
        machine.run_ms(4_000);
        assert_eq!(machine.snapshot().state, State::Running);
    }
}

#[test]
fn end_is_for_what_waits_behind_the_end_too() {
    for waits in [sine(1.0), Command::Calibrate] {
        let mut machine = homed(&options());
        machine.command(sine(3.0));
        machine.run_ms(1_000);
        assert_eq!(machine.command(Command::End), Some(Ok(Accepted::Now)));
        assert_eq!(machine.command(waits), Some(Ok(Accepted::Queued)));
        assert_eq!(machine.command(Command::End), Some(Ok(Accepted::Already)));
        machine.run_ms(10_000);
        assert_eq!(machine.snapshot().state, State::Ready, "it rests");
        let dropped = |event: &Event| matches!(event, Event::Dropped { why: CommandRefusal::Stopped, .. });
        assert_eq!(machine.take_events().iter().filter(|event| dropped(event)).count(), 1);
    }
}

#[test]
fn stop_works_with_a_full_queue_and_empties_it() {
    let mut machine = homed(&options());
    machine.command(sine(1.0));
    machine.run_ms(2_000);
    assert_eq!(machine.command(Command::Calibrate), Some(Ok(Accepted::Queued)));
    while machine.send(sine(0.5)).is_some() {}
    machine.stop();
    machine.run_ms(300);
    assert_eq!(machine.snapshot().state, State::Ready);
    let count = steps(&machine.sink().0).len();
    machine.run_ms(2_000);
    assert_eq!(steps(&machine.sink().0).len(), count, "something that waited was executed after STOP");
    let dropped = machine
        .take_events()
        .iter()
        .filter(|event| {
            matches!(
                event,
                Event::Replied { reply: Err(CommandRefusal::Stopped | CommandRefusal::Stopping), .. }
            )
        })
        .count();
    assert!(dropped >= 10, "only {dropped} commands were told that STOP came first");
}

#[test]
fn what_is_told_of_a_stop_is_what_the_pulses_show() {
    let mut machine = homed(&options());
    assert_eq!(machine.snapshot().last_stop, None);
    for after_ms in [700, 913, 1_130, 1_377] {
        assert_eq!(machine.command(sine(1.0)), Some(Ok(Accepted::Now)));
        machine.run_ms(after_ms);
        let (made, asked_ns) = (steps(&machine.sink().0).len(), machine.snapshot().at_ns);
        machine.stop();
        machine.run_ms(500);
        let all = steps(&machine.sink().0);
        let told = machine.snapshot().last_stop.unwrap();
        let (counted, last_ns) = ((all.len() - made) as u64, all.last().unwrap().0);
        assert!(told.steps.abs_diff(counted) <= 1, "{told:?}, {counted} steps were made");
        assert!((told.way_mm - told.steps as f64 / 10.0).abs() < 1e-9, "{told:?}");
        let took_ns = last_ns - asked_ns;
        assert!(
            told.took_ns + 1_000_000 >= took_ns && told.took_ns < took_ns + 30_000_000,
            "{told:?}, {took_ns} ns"
        );
    }
}

#[test]
fn stop_at_rest_drops_everything_that_was_sent_before_it() {
    let mut machine = homed(&options());
    while machine.send(sine(0.5)).is_some() {}
    machine.stop();
    machine.run_ms(2_000);
    assert_eq!(machine.snapshot().state, State::Ready, "something that was sent before STOP was executed");
    assert_eq!(machine.command(sine(0.5)), Some(Ok(Accepted::Now)), "STOP does not end");
}

#[test]
fn a_limit_cuts_the_motion_at_once_and_loses_the_position() {
    for delay_ms in [0, 113, 250, 391, 617, 903] {
        let mut machine = homed(&options());
        machine.command(sine(1.0));
        machine.run_ms(3_000 + delay_ms);
        machine.operator().set_mishap(Mishap::FrontWelded, true);
        let closed = machine.now();
        machine.run_ms(500);
        let late = steps(&machine.sink().0).into_iter().filter(|(at, _)| *at > closed + 50_000).count();
        assert_eq!(late, 0, "pulses after the limit closed");
        let snapshot = machine.snapshot();
        assert_eq!(snapshot.fault, Some(Fault::LimitHit(RailEnd::Front)));
        assert_eq!(snapshot.position_mm, None);
        assert!(matches!(machine.command(sine(1.0)), Some(Err(CommandRefusal::Faulted(..)))));
        // The button of the old page: acknowledge, arm and home in one command.
        machine.operator().set_mishap(Mishap::FrontWelded, false);
        assert_eq!(machine.command(Command::Calibrate), Some(Ok(Accepted::Now)));
        assert_eq!(leave(&mut machine, State::Homing, 60_000).state, State::Ready);
    }
}

#[test]
fn the_e_stop_cuts_the_motion_and_closing_it_starts_nothing() {
    let mut machine = homed(&options());
    machine.command(sine(1.0));
    machine.run_ms(3_210);
    machine.operator().set_mishap(Mishap::EStopOpen, true);
    let opened = machine.now();
    machine.run_ms(100);
    assert!(steps(&machine.sink().0).iter().all(|(at, _)| *at <= opened + 50_000));
    assert!(matches!(
        machine.command(Command::Acknowledge),
        Some(Err(CommandRefusal::CauseRemains(Fault::EStop)))
    ));
    machine.operator().set_mishap(Mishap::EStopOpen, false);
    machine.run_ms(1_000);
    assert_eq!(machine.snapshot().state, State::Faulted);
    assert_eq!(machine.command(Command::Acknowledge), Some(Ok(Accepted::Now)));
    assert_eq!(machine.snapshot().state, State::NotHomed);
    assert!(steps(&machine.sink().0).iter().all(|(at, _)| *at <= opened + 50_000));
}

#[test]
fn nothing_but_homing_moves_an_axis_that_is_not_homed() {
    let mut machine = machine(&options());
    machine.run_ms(50);
    assert_eq!(machine.command(sine(1.0)), Some(Err(CommandRefusal::NotHomed(State::NotHomed))));
    assert_eq!(machine.command(Command::Arm), Some(Err(CommandRefusal::NotHomed(State::NotHomed))));
    machine.run_ms(2_000);
    assert!(steps(&machine.sink().0).is_empty());
}

#[test]
fn the_stroke_limit_is_never_passed() {
    let mut options = options();
    options.config.stroke_limit = Mm::constant(60.0);
    let mut machine = homed(&options);
    for command in [sine(1.0), square(1.0), sine(0.1), square(0.3)] {
        machine.command(command);
        for _ in 0..3_000 {
            machine.cycle();
            let position = machine.snapshot().position_mm.unwrap();
            assert!((0.0..=60.0 + 1e-9).contains(&position), "{position}");
        }
    }
}

#[test]
fn what_comes_back_from_beyond_a_narrowed_stroke_limit_never_turns_outward() {
    let mut wide = support::config();
    wide.limits = MotionLimits::new(
        MmPerS::constant(350.0),
        MmPerS2::constant(1_200.0),
        MmPerS3::constant(9_000.0),
        MmPerS2::constant(1_500.0),
        MmPerS::constant(60.0),
    )
    .unwrap();
    let narrow = Config { stroke_limit: Mm::constant(60.0), ..wide };
    let mut machine = homed(&options());
    let stop = |machine: &mut Rehearsal<support::Recorder>| {
        machine.stop();
        assert!(machine.run_while(1_000, |snapshot| snapshot.state != State::Ready), "it does not stop");
    };
    // A force pushes against the way back for a moment, which brakes firmly; then the brake is released.
    for (after_ms, push_ms) in (60..240).step_by(12).zip([15, 25, 40, 60].into_iter().cycle()) {
        assert_eq!(machine.command(Command::UpdateSettings(wide)), Some(Ok(Accepted::Now)));
        assert_eq!(machine.command(sine(3.0)), Some(Ok(Accepted::Now)));
        assert!(machine.run_while(10_000, |snapshot| snapshot.position_mm < Some(140.0)), "it stays inside");
        stop(&mut machine);
        assert_eq!(machine.command(Command::UpdateSettings(narrow)), Some(Ok(Accepted::Now)));
        assert_eq!(machine.command(sine(3.0)), Some(Ok(Accepted::Now)));
        machine.sink().0.clear();
        machine.run_ms(after_ms);
        machine.operator().push_g(1_500.0);
        machine.run_ms(push_ms);
        machine.operator().push_g(0.0);
        assert!(machine.run_while(5_000, |snapshot| snapshot.position_mm > Some(60.0)), "it stays outside");
        let outward = steps(&machine.sink().0).into_iter().filter(|(_, forward)| *forward).count();
        assert_eq!(outward, 0, "steps outward, with {push_ms} ms of force after {after_ms} ms");
        stop(&mut machine);
    }
}

#[test]
fn a_full_force_lets_not_one_step_go_against_it_but_retreat() {
    let mut machine = homed(&options());
    machine.command(sine(2.0));
    machine.run_ms(5_000);
    // Push back with more than the limit, whatever the axis does.
    machine.operator().push_g(-1_500.0);
    // One sample, one cycle, the queued motion, and the ramp from 228 mm/s.
    machine.run_ms(13 + 1 + 12 + 40);
    let from = machine.now();
    machine.run_ms(4_000);
    let against = steps(&machine.sink().0).into_iter().filter(|(at, forward)| *at > from && *forward).count();
    assert_eq!(against, 0, "steps against a full force");
    assert_eq!(machine.snapshot().position_mm, Some(0.0), "the retreat was not made");
    machine.operator().push_g(0.0);
    machine.run_ms(1_500);
    assert_eq!(machine.snapshot().state, State::Running);
    assert!(machine.snapshot().position_mm.unwrap() > 1.0, "it did not go on");
}

#[test]
fn a_spring_wall_is_pressed_no_harder_than_the_limit() {
    // The wall is not part of the rail, as homing would not pass it.
    let wall_g = |carriage_mm: f64| -40.0 * (carriage_mm - 80.0).max(0.0);
    let mut machine = homed(&options());
    machine.command(sine(4.0));
    let mut peak_g = 0f64;
    for _ in 0..20_000 {
        machine.operator().push_g(wall_g(machine.operator().carriage_mm()));
        machine.cycle();
        peak_g = peak_g.max(-machine.snapshot().force_g.unwrap_or(0.0));
    }
    assert!(machine.snapshot().fault.is_none());
    // The motion under way when the limit is reached (S14): one sample, one cycle and the queue, at the low speed that
    // is still allowed there, cover less than half a millimetre of 40 g each.
    assert!(peak_g > 500.0 && peak_g <= 1_020.0, "peak {peak_g} g");
}

#[test]
fn homing_ends_at_the_force_limit() {
    let mut options = options();
    options.rail.wall_mm = 80.0;
    options.rail.stiffness_g_per_mm = 40.0;
    let mut machine = machine(&options);
    machine.command(Command::Calibrate);
    let snapshot = leave(&mut machine, State::Homing, 60_000);
    assert_eq!((snapshot.fault, snapshot.position_mm), (Some(Fault::ForceWhileHoming), None));
    machine.run_ms(500);
    // The limit of 1000 g, and the distance at 40 mm/s in a sample, a cycle, the queue and the ramp.
    let pressed_mm = machine.operator().carriage_mm() - 80.0;
    assert!((24.0..27.0).contains(&pressed_mm), "{pressed_mm} mm into the spring");
}

#[test]
fn a_silent_load_cell_ends_the_motion_with_a_ramp_and_keeps_the_position() {
    let mut machine = homed(&options());
    machine.command(sine(1.0));
    machine.run_ms(3_333);
    machine.operator().set_mishap(Mishap::LoadCellSilent, true);
    machine.run_ms(300);
    let snapshot = machine.snapshot();
    assert_eq!(snapshot.fault, Some(Fault::ForceSampleLost));
    let position_mm = snapshot.position_mm.expect("a ramp keeps the position");
    assert!((machine.operator().carriage_mm() - 5.0 - position_mm).abs() < 1e-3);
    assert!(matches!(
        machine.command(Command::Acknowledge),
        Some(Err(CommandRefusal::CauseRemains(_)) | Ok(_))
    ));
}

#[test]
fn acknowledge_arm_and_start_are_three_things() {
    let mut machine = homed(&options());
    machine.command(sine(1.0));
    machine.run_ms(3_000);
    machine.operator().set_mishap(Mishap::LoadCellSilent, true);
    machine.run_ms(300);
    machine.operator().set_mishap(Mishap::LoadCellSilent, false);
    machine.run_ms(20);
    let quiet = steps(&machine.sink().0).len();
    assert!(matches!(machine.command(Command::Arm), Some(Err(CommandRefusal::Faulted(..)))));
    assert_eq!(machine.command(Command::Acknowledge), Some(Ok(Accepted::Now)));
    assert_eq!(machine.snapshot().state, State::Disarmed);
    assert_eq!(machine.command(sine(1.0)), Some(Err(CommandRefusal::Disarmed)));
    assert_eq!(machine.command(Command::Arm), Some(Ok(Accepted::Now)));
    machine.run_ms(1_000);
    assert_eq!(steps(&machine.sink().0).len(), quiet, "something moved before start");
    assert_eq!(machine.command(sine(1.0)), Some(Ok(Accepted::Now)));
    machine.run_ms(2_000);
    assert!(steps(&machine.sink().0).len() > quiet);
}

#[test]
fn settings_that_widen_wait_for_rest_and_those_that_narrow_do_not() {
    let mut machine = homed(&options());
    machine.command(sine(1.0));
    machine.run_ms(3_000);
    let mut narrower = support::config();
    narrower.limits = MotionLimits::new(
        MmPerS::constant(200.0),
        narrower.limits.max_acceleration,
        narrower.limits.max_jerk,
        narrower.limits.stop_deceleration,
        narrower.limits.approach_speed,
    )
    .unwrap();
    assert_eq!(machine.command(Command::UpdateSettings(narrower)), Some(Ok(Accepted::Now)));
    machine.run_ms(150);
    for _ in 0..2_000 {
        machine.cycle();
        let v = machine.snapshot().velocity_mm_s;
        assert!(v.abs() < 206.0, "{v} mm/s");
    }
    assert!(machine.snapshot().clipped, "200 mm/s cannot follow that sine");
    // The queue of the original: settings end the wave, and empty the slots below.
    assert_eq!(machine.command(sine(3.0)), Some(Ok(Accepted::Now)));
    assert_eq!(machine.command(Command::Calibrate), Some(Ok(Accepted::Queued)));
    assert_eq!(machine.command(Command::UpdateSettings(support::config())), Some(Ok(Accepted::Queued)));
    assert_eq!(machine.command(sine(2.0)), Some(Ok(Accepted::Queued)));
    machine.take_events();
    machine.run_while(20_000, |snapshot| snapshot.state == State::Ending);
    let events = machine.take_events();
    assert!(events.contains(&Event::SettingsApplied));
    assert_eq!(machine.snapshot().state, State::Running, "the last wave comes after the settings");
}

#[test]
fn settings_of_the_rail_ask_for_another_calibration() {
    let mut machine = homed(&options());
    let mut other = support::config();
    other.geometry.padding = Mm::constant(8.0);
    assert_eq!(machine.command(Command::UpdateSettings(other)), Some(Ok(Accepted::Now)));
    assert_eq!(machine.snapshot().state, State::NotHomed);
    assert!(matches!(machine.command(sine(1.0)), Some(Err(CommandRefusal::NotHomed(_)))));
}

#[test]
fn two_runs_give_the_same_edges() {
    let story = || {
        let mut machine = homed(&options());
        machine.command(sine(0.9));
        machine.run_ms(2_345);
        machine.command(square(1.1));
        machine.run_ms(2_000);
        machine.stop();
        machine.run_ms(500);
        std::mem::take(&mut machine.sink().0)
    };
    assert!(story() == story(), "the same story gave other edges");
}
