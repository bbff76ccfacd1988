//! Schedule: what a device that follows the axis is to be told, and when.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

use crate::feeds::tcode::TcodeMirror;
use crate::machine::{Snapshot, State};
use crate::options::MirrorOptions;

/// The line that stops a device.
const STOP_LINE: &str = "DSTOP\n";

/// The lines for one device, each with the instant at which it is due.
pub struct MirrorSchedule {
    mirror: TcodeMirror,
    delay: Duration,
    interval_ms: u32,
    lines: VecDeque<(Instant, String)>,
    /// The newest STOP of the machine that the device was told.
    stops: u32,
    /// The device was told to move, and not yet to stop.
    may_move: bool,
}

impl MirrorSchedule {
    /// A device that was told nothing yet. `stops` is the number of STOPs of the machine until now. None if the shares of the
    /// options are out of their range.
    pub fn new(options: &MirrorOptions, stops: u32) -> Option<MirrorSchedule> {
        let mirror = TcodeMirror::new(options.low, options.high)?;
        let delay = Duration::from_millis(options.delay_ms.into());
        let lines = VecDeque::new();
        Some(MirrorSchedule {
            mirror,
            delay,
            interval_ms: options.interval_ms,
            lines,
            stops,
            may_move: false,
        })
    }

    /// Takes a sample of the machine. The end of a motion comes to the device after its delay, as the motion does; a STOP and
    /// a fault come to it at once, and what it had not heard yet is dropped.
    pub fn sample(&mut self, now: &Snapshot, at: Instant) {
        let share = now.position_mm.zip(now.range_mm).map(|(position_mm, range_mm)| position_mm / range_mm);
        let moves = now.state.is_moving() && now.state != State::Stopping && share.is_some();
        let is_stopped = now.stops != self.stops || !(moves || now.state == State::Ready);
        self.stops = now.stops;
        if is_stopped {
            self.mirror.sample(f64::NAN, false, self.interval_ms);
            self.lines.clear();
            self.lines.extend(self.may_move.then(|| (at, STOP_LINE.to_owned())));
        } else if let Some(line) = self.mirror.sample(share.unwrap_or(f64::NAN), moves, self.interval_ms) {
            self.lines.push_back((at + self.delay, line));
        }
    }

    /// When the next line is due.
    pub fn due(&self) -> Option<Instant> {
        self.lines.front().map(|(due, _)| *due)
    }

    /// The next line if it is due at that instant.
    pub fn take(&mut self, at: Instant) -> Option<String> {
        self.due().filter(|due| *due <= at)?;
        let (_, line) = self.lines.pop_front()?;
        self.may_move = line != STOP_LINE;
        Some(line)
    }

    /// The last line for a device that nobody drives any more.
    pub fn end(&self) -> Option<&'static str> {
        self.may_move.then_some(STOP_LINE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::MirrorTarget;

    fn schedule(delay_ms: u32) -> MirrorSchedule {
        let to = MirrorTarget::Udp("127.0.0.1:1".into());
        MirrorSchedule::new(&MirrorOptions { to, low: 0.0, high: 1.0, delay_ms, interval_ms: 20 }, 0).unwrap()
    }

    fn machine(state: State, position_mm: f64) -> Snapshot {
        let (position_mm, range_mm) = (Some(position_mm), Some(200.0));
        Snapshot { state, position_mm, range_mm, ..Snapshot::at_power_on() }
    }

    #[test]
    fn the_place_is_a_share_of_the_range_and_the_end_comes_after_its_delay() {
        let began = Instant::now();
        let at = |ms| began + Duration::from_millis(ms);
        let mut schedule = schedule(100);
        schedule.sample(&Snapshot::at_power_on(), began);
        schedule.sample(&Snapshot { state: State::Homing, ..Snapshot::at_power_on() }, began);
        assert_eq!(schedule.due(), None);
        schedule.sample(&machine(State::Following, 50.0), began);
        schedule.sample(&machine(State::Ending, 60.0), at(20));
        for ms in [40, 60] {
            schedule.sample(&machine(State::Ready, 60.0), at(ms));
        }
        assert_eq!(schedule.due(), Some(at(100)));
        assert_eq!((schedule.take(at(99)), schedule.end()), (None, None));
        assert_eq!(schedule.take(at(100)).as_deref(), Some("L02500I20\n"));
        assert_eq!(schedule.end(), Some("DSTOP\n"));
        assert_eq!(schedule.take(at(120)).as_deref(), Some("L03000I20\n"));
        assert_eq!(schedule.take(at(140)).as_deref(), Some("DSTOP\n"));
        assert_eq!((schedule.due(), schedule.end()), (None, None));
    }

    #[test]
    fn a_stop_overtakes_what_is_under_way() {
        let began = Instant::now();
        let at = |ms| began + Duration::from_millis(ms);
        for stopped in [
            machine(State::Stopping, 60.0),
            machine(State::Faulted, 60.0),
            Snapshot::at_power_on(),
            // Pressed at rest, while the device still has a way to go.
            Snapshot { stops: 1, ..machine(State::Ready, 60.0) },
        ] {
            let mut schedule = schedule(100);
            schedule.sample(&machine(State::Running, 50.0), began);
            assert!(schedule.take(at(100)).is_some());
            schedule.sample(&machine(State::Running, 60.0), at(110));
            schedule.sample(&stopped, at(120));
            schedule.sample(&stopped, at(120));
            assert_eq!(schedule.take(at(120)).as_deref(), Some("DSTOP\n"), "{:?}", stopped.state);
            schedule.sample(&stopped, at(140));
            assert_eq!(schedule.due(), None, "{:?}", stopped.state);
        }
        // One that was told nothing needs no stop.
        let mut schedule = schedule(100);
        schedule.sample(&machine(State::Running, 50.0), began);
        schedule.sample(&machine(State::Stopping, 50.0), at(20));
        assert_eq!(schedule.due(), None);
    }
}
