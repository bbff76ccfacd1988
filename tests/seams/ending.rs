//! Graceful shutdown on virtual time (S40): from any phase the axis comes to rest, the driver is switched off, and
//! every command is refused.

use yep::drive::Rehearsal;
use yep::hal::EdgeKind;
use yep::hal::sim::{Mishap, VirtualClock};
use yep::machine::{Command, CommandRefusal, Event};
use yep::units::MILLISECOND_NS;

use crate::plain::{Edges, Plain, homed};
use crate::support::{options, sine};

/// Time after which nothing may move, in any state: the ramp, the driver's settling, and two cycles.
const ENDED_WITHIN_MS: u64 = 250;

/// Ends the process while clients go on sending; checks the machine from its edges.
fn assert_ends_well(mut machine: Plain, about: &str) {
    machine.take_events();
    machine.stop_line().begin_shutdown();
    let mut sent = 0;
    for ms in 0..1_000 {
        let command = [Command::Calibrate, sine(1.0), Command::Acknowledge, Command::Arm][ms % 4].clone();
        sent += usize::from(machine.send(command).is_some());
        machine.cycle();
        let ended = machine.stop_line().is_shut_down();
        assert!(ended || (ms as u64) < ENDED_WITHIN_MS, "{about}: not ended after {ms} ms");
    }
    let replies: Vec<_> = machine
        .take_events()
        .into_iter()
        .filter_map(|event| match event {
            Event::Replied { reply, .. } => Some(reply),
            _ => None,
        })
        .collect();
    assert!(sent > 900 && replies.len() > 900, "{about}: {sent} sent, {} answered", replies.len());
    assert!(
        replies.iter().all(|reply| *reply == Err(CommandRefusal::ShuttingDown)),
        "{about}: a command was obeyed"
    );
    let edges = &machine.sink().0;
    let pulses: Vec<u64> = edges
        .iter()
        .filter(|edge| matches!(edge.kind, EdgeKind::StepBegins { .. }))
        .map(|edge| edge.at)
        .collect();
    let Some(&last) = pulses.last() else { return };
    let off = edges.iter().rfind(|edge| matches!(edge.kind, EdgeKind::Enable { .. })).unwrap();
    assert_eq!(off.kind, EdgeKind::Enable { on: false }, "{about}: the driver is on");
    assert!(off.at > last + 40 * MILLISECOND_NS, "{about}: the driver went off in motion");
    // The axis came to rest by a ramp: the last steps are slow ones.
    if let [.., before, last] = pulses[..] {
        let mm_s = 0.1 / ((last - before) as f64 * 1e-9);
        assert!(mm_s < 70.0, "{about}: the last step at {mm_s:.0} mm/s");
    }
}

#[test]
fn from_every_phase_of_homing() {
    for at_ms in (0..9_000).step_by(173) {
        let mut machine: Plain = Rehearsal::with_clock(VirtualClock::default(), &options(), Edges::default());
        machine.command(Command::Calibrate);
        machine.run_ms(at_ms);
        assert_ends_well(machine, &format!("{at_ms} ms into homing"));
    }
}

#[test]
fn from_every_phase_of_a_wave_and_of_its_end() {
    for at_ms in (0..4_000).step_by(97) {
        let clock = VirtualClock::default();
        let running = |at_ms: u64| {
            let mut machine = homed(&clock, &options());
            machine.command(sine(1.0));
            machine.run_ms(at_ms);
            machine
        };
        assert_ends_well(running(at_ms), &format!("{at_ms} ms into a wave"));
        let mut machine = running(2_000);
        match at_ms % 3 {
            0 => machine.stop(),
            1 => machine.operator().set_mishap(Mishap::LoadCellSilent, true),
            _ => drop(machine.command(Command::End)),
        }
        machine.run_ms(at_ms / 20);
        assert_ends_well(machine, &format!("{} ms into the end of a wave", at_ms / 20));
    }
}
