//! Timing of settings and commands: a narrower limit takes effect at once, a replacement of all settings only at rest,
//! and an expired command never acts.

use yep::drive::bridge::bridge;
use yep::drive::rings::QueuedCommand;
use yep::hal::sim::{Mishap, VirtualClock};
use yep::machine::{Accepted, Command, CommandRefusal, Config, State};
use yep::motion::Allowance;
use yep::units::{Grams, Mm, MmPerS, MmPerS2, SECOND_NS};

use crate::plain::{homed, run_until_fast};
use crate::support::{config, machine, options, sine};

fn with_speed(base: &Config, mm_s: f64) -> Config {
    let mut config = *base;
    config.limits.max_speed = MmPerS::try_from(mm_s).unwrap();
    config
}

#[test]
fn what_narrows_is_in_force_at_once_also_behind_a_widening_that_waits() {
    let mut machine = homed(&VirtualClock::default(), &options());
    assert_eq!(machine.command(sine(60.0)), Some(Ok(Accepted::Now)));
    machine.run_ms(10_000);
    let wide = with_speed(&config(), 600.0);
    assert_eq!(machine.command(Command::UpdateSettings(wide)), Some(Ok(Accepted::Queued)));
    // The settings service bases the next change on the waiting one; one change may narrow one limit and widen another.
    let narrow = Config { stroke_limit: Mm::constant(60.0), ..wide };
    assert_eq!(machine.command(Command::UpdateSettings(narrow)), Some(Ok(Accepted::Queued)));
    assert_eq!(machine.trace_sample().config.stroke_limit.get(), 60.0);
    assert_eq!(machine.trace_sample().config.limits.max_speed.get(), 500.0);
    let mut farthest_mm = 0.0f64;
    for _ in 0..120_000 {
        machine.cycle();
        if machine.snapshot().state == State::Ready {
            break;
        }
        farthest_mm = farthest_mm.max(machine.operator().carriage_mm() - 5.0);
    }
    assert!(farthest_mm < 61.0, "it went to {farthest_mm} mm");
    machine.run_ms(10);
    assert_eq!(machine.trace_sample().config, narrow, "at rest all of it is in force");
}

/// Regression: an input cut the motion while a lower acceleration waited for a turn that could keep it. Nothing was
/// planned any more, so it waited at rest as well.
#[test]
fn a_lower_acceleration_that_waits_for_a_turn_is_in_force_once_the_motion_was_cut() {
    for cut in [Mishap::BackWelded, Mishap::FrontWelded, Mishap::EStopOpen] {
        let mut machine = homed(&VirtualClock::default(), &options());
        assert_eq!(machine.command(sine(1.0)), Some(Ok(Accepted::Now)));
        run_until_fast(&mut machine, 400.0);
        let mut gentle = config();
        gentle.limits.max_acceleration = MmPerS2::try_from(500.0).unwrap();
        assert_eq!(machine.command(Command::UpdateSettings(gentle)), Some(Ok(Accepted::Now)));
        machine.run_ms(2);
        assert_eq!(machine.trace_sample().config.limits.max_acceleration.get(), 5_000.0, "{cut:?}");
        machine.operator().set_mishap(cut, true);
        machine.run_ms(20);
        assert_eq!(machine.snapshot().state, State::Faulted, "{cut:?}");
        assert!(machine.snapshot().is_at_rest(), "{cut:?}");
        assert_eq!(machine.trace_sample().config, gentle, "{cut:?}: at rest all of it is in force");
    }
}

#[test]
fn a_lower_force_limit_counts_in_the_homing_that_runs() {
    let mut machine = machine(&options());
    machine.command(Command::Calibrate);
    machine.run_ms(500);
    let mut lower = with_speed(&config(), 600.0);
    lower.allowance = Allowance::new(Grams::constant(300.0), [600.0; yep::motion::ALLOWANCE_POINTS]);
    assert_eq!(machine.command(Command::UpdateSettings(lower)), Some(Ok(Accepted::Queued)));
    machine.operator().push_g(-400.0);
    machine.run_ms(200);
    assert_eq!(machine.snapshot().state, State::Faulted);
}

#[test]
fn everything_is_replaced_at_rest_only_whatever_was_seen_at_the_door() {
    let other = Config { stroke_limit: Mm::constant(60.0), ..config() };
    for wave_first in [true, false] {
        let mut machine = homed(&VirtualClock::default(), &options());
        // Both were sent while the axis rested.
        let commands = [sine(2.0), Command::ReplaceSettings(other)];
        let order = if wave_first { [0, 1] } else { [1, 0] };
        let ids = order.map(|index| machine.send(commands[index].clone()).unwrap());
        machine.run_ms(20);
        let replies = machine.take_events();
        let refused = replies.iter().any(|event| {
            let moving = Err(CommandRefusal::Moving(State::Running));
            *event == yep::machine::Event::Replied { id: ids[1], reply: moving }
        });
        assert_eq!(refused, wave_first);
        let in_force = machine.trace_sample().config.stroke_limit.get();
        assert_eq!(in_force, if wave_first { 155.0 } else { 60.0 });
    }
}

#[test]
fn a_command_that_nobody_waits_for_any_more_never_acts() {
    let mut machine = homed(&VirtualClock::default(), &options());
    let expires_ns = machine.now() + 2 * SECOND_NS;
    let mut ends = machine.take_bridge();
    for id in 1..=3 {
        let command = sine(2.0);
        assert!(ends.commands.enqueue(QueuedCommand { id, expires_ns, command }).is_ok());
    }
    machine.stall_control(3 * SECOND_NS);
    machine.run_ms(20);
    assert_eq!(machine.snapshot().state, State::Ready, "a command acts that was answered long ago");
    let mut replies = 0;
    while let Some(event) = ends.events.dequeue() {
        if let yep::machine::Event::Replied { reply, .. } = event {
            assert_eq!(reply, Err(CommandRefusal::Unanswered));
            replies += 1;
        }
    }
    assert_eq!(replies, 3);
}

#[test]
fn who_asks_a_machine_that_hangs_is_told_and_nothing_comes_of_it() {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    let mut machine = homed(&VirtualClock::default(), &options());
    let ends = machine.take_bridge();
    let (line, first) = (machine.stop_line().clone(), machine.snapshot());
    let reply = runtime.block_on(async {
        let (link, _events, pump) = bridge(ends, line, first);
        tokio::spawn(pump);
        link.command(sine(2.0)).await
    });
    assert_eq!(reply, Err(CommandRefusal::Unanswered));
    // The control thread goes on after the command has expired.
    machine.stall_control(3 * SECOND_NS);
    machine.run_ms(100);
    assert_eq!(machine.snapshot().state, State::Ready);
}
