//! What the machine has shown since a step of the first run was begun: presses, STOPs, forces. A page may say anything; a step is
//! proven by what was seen.

use crate::machine::{Contact, Snapshot, State, Why};
use crate::units::{MILLISECOND_NS, Nanos};

/// Observations since a step was begun.
#[derive(Debug, Clone, Copy)]
pub struct Observed {
    /// The snapshot at which it was begun, and the newest one.
    begun: Snapshot,
    last: Snapshot,
    /// The e-stop input opened, and closed again behind that.
    pub e_stop_opened: bool,
    /// See there.
    pub e_stop_closed: bool,
    /// Both switches read closed at the same time.
    pub both_closed: bool,
    /// Lowest and highest force, in g.
    pub force_g: (f64, f64),
    /// A STOP of a motion: its time in ms, and its way in mm.
    pub stopped: Option<(f64, f64)>,
    /// A motion came to rest as its client was gone.
    pub client_gone: bool,
    /// Highest force in a wave that stood, in g: the axis gave way to a push.
    pub held_by_g: f64,
    /// Complete periods of the newest wave.
    pub periods: u32,
    /// Highest speed of the newest wave, in mm/s.
    pub fastest_mm_s: f64,
    /// When the newest calibration was done, on the machine's clock.
    pub calibrated_ns: Nanos,
    ran: bool,
}

/// Below this speed an axis in a wave counts as held, in mm/s.
const HELD_MM_S: f64 = 0.5;

impl Observed {
    /// Begins with this snapshot.
    #[must_use]
    pub fn new(snapshot: Snapshot) -> Observed {
        let force_g = snapshot.force_g.unwrap_or(0.0);
        Observed {
            begun: snapshot,
            last: snapshot,
            e_stop_opened: false,
            e_stop_closed: false,
            both_closed: snapshot.inputs.front && snapshot.inputs.back,
            force_g: (force_g, force_g),
            stopped: None,
            client_gone: false,
            held_by_g: 0.0,
            periods: 0,
            fastest_mm_s: 0.0,
            calibrated_ns: 0,
            ran: false,
        }
    }

    /// Takes the next snapshot.
    pub fn feed(&mut self, now: Snapshot) {
        self.e_stop_closed |= self.e_stop_opened && !now.inputs.e_stop;
        self.e_stop_opened |= now.inputs.e_stop;
        self.both_closed |= now.inputs.front && now.inputs.back;
        if let Some(force_g) = now.force_g {
            self.force_g = (self.force_g.0.min(force_g), self.force_g.1.max(force_g));
        }
        let runs = now.state == State::Running;
        self.ran |= runs;
        if runs && self.last.state != State::Running {
            self.fastest_mm_s = 0.0;
        }
        if runs {
            self.fastest_mm_s = self.fastest_mm_s.max(now.velocity_mm_s.abs());
        }
        if runs || now.state == State::Ending {
            self.periods = now.periods;
        }
        if now.why == Why::Calibrated {
            self.calibrated_ns = now.since_ns;
        }
        if runs && now.velocity_mm_s.abs() < HELD_MM_S {
            self.held_by_g = self.held_by_g.max(now.force_g.map_or(0.0, f64::abs));
        }
        // The reason of a rest behind STOP; a rest behind a client that is gone has another.
        let is_stopped = self.ran && now.why == Why::AtRest && now.since_ns > self.begun.at_ns;
        if let Some(stop) = now.last_stop.filter(|_| is_stopped) {
            let took_ms = stop.took_ns as f64 / MILLISECOND_NS as f64;
            self.stopped = self.stopped.or(Some((took_ms, stop.way_mm)));
        }
        self.client_gone |= self.ran && now.why == Why::ClientGone && now.since_ns > self.begun.at_ns;
        self.last = now;
    }

    /// A wave was accepted: what the one before has shown is none of it.
    pub fn wave_accepted(&mut self) {
        (self.periods, self.fastest_mm_s) = (0, 0.0);
    }

    /// The newest snapshot.
    #[must_use]
    pub fn last(&self) -> &Snapshot {
        &self.last
    }

    /// STOPs since then.
    #[must_use]
    pub fn stops(&self) -> u32 {
        self.last.stops.wrapping_sub(self.begun.stops)
    }

    /// Presses of the front and of the back switch since then.
    #[must_use]
    pub fn presses(&self) -> (u32, u32) {
        let since = |last: Contact, begun: Contact| last.presses.wrapping_sub(begun.presses);
        let (last, begun) = (self.last.contacts, self.begun.contacts);
        (since(last.front, begun.front), since(last.back, begun.back))
    }

    /// Longest bounce of both switches since the start of the program, in ms.
    #[must_use]
    pub fn longest_bounce_ms(&self) -> f64 {
        let contacts = self.last.contacts;
        let longest_ns = contacts.front.longest_bounce_ns.max(contacts.back.longest_bounce_ns);
        longest_ns as f64 / MILLISECOND_NS as f64
    }

    /// True if exactly one switch reads closed, and has for that time.
    #[must_use]
    pub fn holds_one_switch(&self, for_ns: Nanos) -> bool {
        let contacts = self.last.contacts;
        match (contacts.front.closed_since_ns, contacts.back.closed_since_ns) {
            (Some(since), None) | (None, Some(since)) => self.last.at_ns >= since + for_ns,
            _ => false,
        }
    }
}
