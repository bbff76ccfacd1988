//! Full event ring: a bridge that takes nothing loses events, which are counted, and no reply.

use std::sync::Arc;

use yep::drive::executor::StarvationPolicy;
use yep::drive::host_line::HostLine;
use yep::drive::rings::QueuedCommand;
use yep::drive::{Control, ControlOptions, PowerRequest, Rings, StepStatus, StopLine};
use yep::hal::ForceSensor;
use yep::layout;
use yep::machine::host::{Derating, DeratingCause, HostHealth, HostReadings};
use yep::machine::{Command, Event, HomingOptions, Supervisor};
use yep::units::Nanos;

use crate::support::config;

struct NoSensor;

impl ForceSensor for NoSensor {
    fn latest(&mut self, _: Nanos) -> Option<yep::hal::ForceSample> {
        None
    }
}

#[test]
fn a_full_event_ring_counts_what_it_loses_and_keeps_every_reply() {
    let Rings { control: ends, mut bridge, .. } = Rings::new();
    let options = ControlOptions { starvation: StarvationPolicy::EndsMotion, step_loop_silence_s: 1e9 };
    let supervisor = Supervisor::new(config(), HomingOptions::default());
    let shared = (StopLine::default(), PowerRequest::default());
    let status = Arc::new(StepStatus::default());
    let mut control = Control::<NoSensor>::new(supervisor, status, ends, None, shared, options);
    let host = HostLine::default();
    control.set_host_line(host.clone());
    let (mut sent, mut told, mut now) = (Vec::new(), 0, 0);
    for turn in 0..2_000u64 {
        // An event each cycle, and a command each third cycle.
        let derating = [Derating::None, Derating::Slower(DeratingCause::Heat)][(turn % 2) as usize];
        host.store(HostHealth { readings: HostReadings::default(), derating });
        let queued = QueuedCommand { id: turn, expires_ns: Nanos::MAX, command: Command::Acknowledge };
        if turn % 3 == 0 && bridge.commands.enqueue(queued).is_ok() {
            sent.push(turn);
        }
        now += layout::CONTROL_PERIOD_NS;
        control.cycle(now);
        while bridge.snapshots.dequeue().is_some() {}
    }
    let lost = control.snapshot(now).events_lost;
    let (mut replied, mut room) = (Vec::new(), false);
    // The bridge takes everything at last: the waiting commands are answered, too.
    while !room {
        room = true;
        while let Some(event) = bridge.events.dequeue() {
            room = false;
            match event {
                Event::Replied { id, .. } => replied.push(id),
                _ => told += 1,
            }
        }
        for _ in 0..20 {
            now += layout::CONTROL_PERIOD_NS;
            control.cycle(now);
        }
    }
    assert_eq!(replied, sent, "each command has one reply, in order");
    assert!(lost > 1_000 && lost + told >= 1_999, "{lost} lost, {told} told");
}
