//! Motor power (S24): on until the axis rests; only a cut switches it off in the same instant.

use yep::drive::{Rehearsal, RehearsalOptions};
use yep::hal::sim::{Mishap, VirtualClock};
use yep::hal::{Edge, EdgeKind};
use yep::machine::{Accepted, Command, HomingOptions, SessionRules};
use yep::motion::MotionLimits;
use yep::units::{MILLISECOND_NS, Mm, MmPerS, MmPerS2, MmPerS3, SECOND_NS};

use crate::plain::{Edges, Plain};
use crate::support::{options, sine};

/// For each switching off: the number of pulses before the next switching on, and the time since the last pulse.
fn offs(edges: &[Edge]) -> Vec<(usize, u64)> {
    let off = |edge: &Edge| edge.kind == EdgeKind::Enable { on: false };
    let on = |edge: &Edge| edge.kind == EdgeKind::Enable { on: true };
    let pulse = |edge: &&Edge| matches!(edge.kind, EdgeKind::StepBegins { .. });
    let at = |index: usize| {
        let behind = edges[index..].iter().take_while(|edge| !on(edge)).filter(pulse).count();
        let last = edges[..index].iter().rev().find(pulse);
        (behind, last.map_or(u64::MAX, |last| edges[index].at - last.at))
    };
    edges.iter().enumerate().filter(|(_, edge)| off(edge)).map(|(index, _)| at(index)).collect()
}

fn homing_at(fast_mm_s: f64, deceleration: f64) -> (Plain, RehearsalOptions) {
    let mut options = options();
    options.homing = HomingOptions { fast: MmPerS::try_from(fast_mm_s).unwrap(), ..HomingOptions::default() };
    let l = options.config.limits;
    options.config.limits = MotionLimits::new(
        l.max_speed,
        MmPerS2::try_from(deceleration.min(5_000.0)).unwrap(),
        MmPerS3::try_from((deceleration * 40.0).min(200_000.0)).unwrap(),
        MmPerS2::try_from(deceleration).unwrap(),
        l.approach_speed,
    )
    .unwrap();
    let mut machine = Rehearsal::with_clock(VirtualClock::default(), &options, Edges::default());
    assert_eq!(machine.command(Command::Calibrate), Some(Ok(Accepted::Now)));
    machine.run_ms(800);
    (machine, options)
}

#[test]
fn the_motor_is_on_until_the_ramp_of_what_ends_homing_is_over() {
    for (fast, deceleration) in [(40.0, 8_000.0), (100.0, 8_000.0), (100.0, 1_000.0), (100.0, 200.0)] {
        let ends: [fn(&mut Plain); 4] = [
            |machine| machine.stop(),
            |machine| machine.operator().push_g(-2_000.0),
            |machine| machine.operator().set_mishap(Mishap::LoadCellSilent, true),
            |machine| assert_eq!(machine.command(Command::ClientGone), Some(Ok(Accepted::Now))),
        ];
        for (index, end) in ends.iter().enumerate() {
            let (mut machine, _) = homing_at(fast, deceleration);
            end(&mut machine);
            if index == 3 {
                // Homing ends by itself; STOP ends it here.
                machine.stop();
            }
            machine.run_ms(1_500);
            let offs = offs(&machine.sink().0);
            let about = format!("end {index}, homing at {fast} mm/s, stop deceleration {deceleration}");
            assert!(!offs.is_empty(), "{about}: the motor stays on without a position");
            for (behind, rested_ns) in offs {
                assert_eq!(behind, 0, "{about}: pulses to a driver that is off");
                assert!(rested_ns >= 40 * MILLISECOND_NS, "{about}: off {rested_ns} ns after the last pulse");
            }
        }
    }
}

#[test]
fn what_cuts_the_motion_takes_the_power_with_it() {
    for mishap in [Mishap::EStopOpen, Mishap::DriverAlarm, Mishap::FrontWelded] {
        let mut machine = crate::plain::homed(&VirtualClock::default(), &options());
        machine.command(sine(1.0));
        machine.run_ms(2_600);
        machine.operator().set_mishap(mishap, true);
        let at = machine.now();
        machine.run_ms(500);
        let edges = &machine.sink().0;
        let off = edges.iter().rfind(|edge| edge.kind == EdgeKind::Enable { on: false }).unwrap();
        assert!(off.at - at < 3 * MILLISECOND_NS, "{mishap:?}: off {} ns later", off.at - at);
        assert!(offs(edges).iter().all(|(behind, _)| *behind == 0), "{mishap:?}");
    }
}

#[test]
fn what_lets_the_axis_go_at_rest_waits_until_it_has_settled() {
    let clock = VirtualClock::default();
    let session = SessionRules { release_ns: Some(3 * SECOND_NS), ..SessionRules::default() };
    let released = |machine: &mut Plain| machine.run_ms(4_000);
    let other_rail = |machine: &mut Plain| {
        let mut config = options().config;
        config.geometry.padding = Mm::constant(6.0);
        machine.command(Command::UpdateSettings(config));
        machine.run_ms(3_000);
    };
    let ways: [&dyn Fn(&mut Plain); 2] = [&released, &other_rail];
    for way in ways {
        let mut machine = crate::plain::homed(&clock, &RehearsalOptions { session, ..options() });
        machine.command(sine(1.0));
        machine.run_ms(2_600);
        // Also after a wave that the new settings end.
        way(&mut machine);
        machine.stop();
        machine.run_ms(4_000);
        let offs = offs(&machine.sink().0);
        assert_eq!(offs.len(), 1);
        assert!(offs[0].0 == 0 && offs[0].1 >= 40 * MILLISECOND_NS, "{offs:?}");
    }
}
