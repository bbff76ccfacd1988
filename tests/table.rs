//! State machine table: every pair of state and command on the rehearsed machine gets the reply of the table.

mod support;

use support::{Recorder, homed, machine, options, sine};
use yep::drive::Rehearsal;
use yep::hal::sim::Mishap;
use yep::machine::table::{TableVerdict, verdict};
use yep::machine::{
    Accepted, Command, CommandKind, CommandRefusal, FeedItem, FeedSource, FeedStart, NudgeLength, RailEnd,
    Reply, State,
};
use yep::motion::{FeedTarget, FeedWindow, Pace};
use yep::units::Mm;

/// A machine in that state.
fn in_state(state: State) -> Rehearsal<Recorder> {
    let mut machine = match state {
        State::NotHomed | State::Homing | State::Nudging => machine(&options()),
        _ => homed(&options()),
    };
    machine.run_ms(20);
    match state {
        State::NotHomed | State::Ready => {}
        State::Homing => {
            machine.command(Command::Calibrate);
            machine.run_ms(500);
        }
        State::Nudging => {
            machine.command(Command::Nudge(RailEnd::Front, NudgeLength::Ruler));
            machine.run_ms(500);
        }
        State::Running => {
            machine.command(sine(2.0));
            machine.run_ms(3_000);
        }
        State::Following => {
            machine.command(follow());
            machine.send_to_feed(1, FeedItem::Target(FeedTarget { share: 1.0, pace: Pace::Live }));
            machine.run_ms(500);
        }
        State::Ending => {
            machine.command(sine(2.0));
            machine.run_ms(3_000);
            machine.command(Command::End);
        }
        State::Stopping => {
            machine.command(sine(1.0));
            machine.run_ms(3_250);
            machine.stop();
            machine.run_while(50, |snapshot| snapshot.state != State::Stopping);
        }
        State::Faulted | State::Disarmed => {
            machine.command(sine(2.0));
            machine.run_ms(3_000);
            machine.operator().set_mishap(Mishap::LoadCellSilent, true);
            machine.run_ms(300);
            machine.operator().set_mishap(Mishap::LoadCellSilent, false);
            machine.run_ms(30);
            if state == State::Disarmed {
                machine.command(Command::Acknowledge);
            }
        }
    }
    assert_eq!(machine.snapshot().state, state);
    machine
}

fn follow() -> Command {
    Command::Follow(FeedStart {
        number: 1,
        window: FeedWindow { back_mm: 10.0, front_mm: 100.0 },
        source: FeedSource::Program,
    })
}

fn command(kind: CommandKind) -> Command {
    match kind {
        CommandKind::Calibrate => Command::Calibrate,
        CommandKind::Nudge => Command::Nudge(RailEnd::Back, NudgeLength::Short),
        CommandKind::Run => sine(1.5),
        CommandKind::Follow => follow(),
        CommandKind::Rest => Command::Rest,
        CommandKind::End => Command::End,
        CommandKind::Acknowledge => Command::Acknowledge,
        CommandKind::Arm => Command::Arm,
        CommandKind::ClientGone => Command::ClientGone,
        CommandKind::ReplaceSettings => Command::ReplaceSettings(support::config()),
        CommandKind::UpdateSettings => {
            // Narrower in every field, so that it takes effect at once.
            let mut narrower = support::config();
            narrower.stroke_limit = Mm::constant(150.0);
            Command::UpdateSettings(narrower)
        }
    }
}

fn fits(verdict: TableVerdict, reply: Reply) -> bool {
    match verdict {
        TableVerdict::Now | TableVerdict::IfCauseGone | TableVerdict::NowIfNarrower => {
            reply == Ok(Accepted::Now)
        }
        TableVerdict::Queue => reply == Ok(Accepted::Queued),
        TableVerdict::Already => reply == Ok(Accepted::Already),
        TableVerdict::NotHomed => matches!(reply, Err(CommandRefusal::NotHomed(_))),
        TableVerdict::Homed => matches!(reply, Err(CommandRefusal::Homed(_))),
        TableVerdict::Faulted => matches!(reply, Err(CommandRefusal::Faulted(..))),
        TableVerdict::Disarmed => reply == Err(CommandRefusal::Disarmed),
        TableVerdict::Stopping => reply == Err(CommandRefusal::Stopping),
        TableVerdict::AtRest => reply == Ok(Accepted::Now),
        TableVerdict::Moving => matches!(reply, Err(CommandRefusal::Moving(_))),
        TableVerdict::NothingRuns => matches!(reply, Err(CommandRefusal::NothingRuns(_))),
    }
}

#[test]
fn every_pair_is_answered_as_the_table_says() {
    for state in State::ALL {
        for kind in CommandKind::ALL {
            let mut machine = in_state(state);
            let expected = verdict(state, kind);
            let reply = machine.command(command(kind)).expect("no answer");
            assert!(fits(expected, reply), "{kind:?} while {state:?}: {reply:?} instead of {expected:?}");
        }
    }
}

#[test]
fn stop_ends_every_state_at_rest_and_is_lowered() {
    for state in State::ALL {
        let mut machine = in_state(state);
        machine.stop();
        machine.run_ms(300);
        let after = machine.snapshot().state;
        assert!(!after.is_moving(), "{state:?} became {after:?}");
        let before_it = u32::from(state == State::Stopping);
        assert_eq!(machine.snapshot().stops, before_it + 1, "the number of the newest STOP");
        assert_eq!(machine.stop_line().level(), yep::machine::StopLevel::None, "after {state:?}");
        let count = support::steps(&machine.sink().0).len();
        machine.run_ms(1_000);
        assert_eq!(support::steps(&machine.sink().0).len(), count, "{state:?} went on after STOP");
    }
}

#[test]
fn once_the_process_ends_every_command_is_refused_in_every_state() {
    for state in State::ALL {
        for kind in CommandKind::ALL {
            let mut machine = in_state(state);
            machine.stop_line().begin_shutdown();
            let reply = machine.command(command(kind));
            assert_eq!(reply, Some(Err(CommandRefusal::ShuttingDown)), "{kind:?} while {state:?}");
        }
    }
}
