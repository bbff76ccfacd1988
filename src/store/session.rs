//! Session record: duration, strokes, distance, peaks and faults from the instant at which a wave begins to move the
//! axis until it is at rest again; and the sums over all sessions.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Largest whole number that is stored: up to here every JSON reader keeps integers exactly.
pub const MAX_WHOLE: u64 = 1 << 53;

/// Largest number of fault codes in a session.
pub const MAX_FAULTS: usize = 8;
const FAULT_CHARS: usize = 64;

/// The reason why a session ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
// The order is stored: append only.
pub enum SessionEnd {
    /// At the end of a period: END, or a command that waited for it.
    End,
    /// STOP.
    Stop,
    /// A fault.
    Fault,
    /// Shutdown of the process.
    ShutDown,
    /// The process died, or the power was cut.
    Interrupted,
}

impl SessionEnd {
    /// Name, for people and programs.
    pub const fn name(self) -> &'static str {
        match self {
            SessionEnd::End => "end",
            SessionEnd::Stop => "stop",
            SessionEnd::Fault => "fault",
            SessionEnd::ShutDown => "shut_down",
            SessionEnd::Interrupted => "interrupted",
        }
    }
}

/// Record of a session.
// Serialised with its units, as clients and backups have it; the comments are descriptions for clients.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SessionRecord {
    /// Beginning by the wall clock, which may be wrong, in seconds since 1970.
    pub started_unix_s: u64,
    /// Duration on the machine's clock, in seconds.
    pub duration_s: f64,
    /// The reason why it ended; null while it is under way.
    pub ended: Option<SessionEnd>,
    /// Number of strokes there and back.
    pub strokes: u64,
    /// Distance by the pulses, in millimetres.
    pub distance_mm: f64,
    /// Peak speed, in millimetres per second.
    pub peak_speed_mm_s: f64,
    /// Peak force, either way, in grams; null without a load cell.
    pub peak_force_g: Option<f64>,
    /// Codes of the faults, the first cause first, eight at most.
    pub faults: Vec<String>,
}

impl SessionRecord {
    /// A session at its beginning.
    pub const fn begun(started_unix_s: u64) -> SessionRecord {
        SessionRecord {
            started_unix_s,
            duration_s: 0.0,
            ended: None,
            strokes: 0,
            distance_mm: 0.0,
            peak_speed_mm_s: 0.0,
            peak_force_g: None,
            faults: Vec::new(),
        }
    }

    /// The session as interrupted by the end of the process.
    pub fn interrupted(&self) -> SessionRecord {
        SessionRecord { ended: Some(SessionEnd::Interrupted), ..self.clone() }
    }

    /// Checks that the values are possible.
    ///
    /// # Errors
    /// The first impossible value.
    pub fn check(&self) -> Result<(), String> {
        for (name, value) in [
            ("duration_s", self.duration_s),
            ("distance_mm", self.distance_mm),
            ("peak_speed_mm_s", self.peak_speed_mm_s),
            ("peak_force_g", self.peak_force_g.unwrap_or(0.0)),
        ] {
            check_possible(name, value)?;
        }
        check_whole("started_unix_s", self.started_unix_s)?;
        check_whole("strokes", self.strokes)?;
        let code = |code: &String| {
            (1..=FAULT_CHARS).contains(&code.len())
                && code.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
        };
        if self.faults.len() > MAX_FAULTS || !self.faults.iter().all(code) {
            return Err(format!("faults must be at most {MAX_FAULTS} codes of a-z, 0-9 and _"));
        }
        Ok(())
    }
}

/// Sums over all ended sessions.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Counters {
    /// Number of sessions.
    pub sessions: u64,
    /// Number of strokes there and back.
    pub strokes: u64,
    /// Distance, in millimetres.
    pub distance_mm: f64,
    /// Time in motion, in seconds.
    pub moving_s: f64,
    /// Number of sessions that ended with a fault.
    pub faults: u64,
}

impl Counters {
    /// Adds an ended session.
    pub fn add(&mut self, session: &SessionRecord) {
        self.sessions = self.sessions.saturating_add(1).min(MAX_WHOLE);
        self.strokes = self.strokes.saturating_add(session.strokes).min(MAX_WHOLE);
        self.distance_mm = (self.distance_mm + session.distance_mm).min(f64::MAX);
        self.moving_s = (self.moving_s + session.duration_s).min(f64::MAX);
        let fault = session.ended == Some(SessionEnd::Fault);
        self.faults = self.faults.saturating_add(u64::from(fault)).min(MAX_WHOLE);
    }

    /// Checks that the values are possible.
    ///
    /// # Errors
    /// The first impossible value.
    pub fn check(&self) -> Result<(), String> {
        check_possible("distance_mm", self.distance_mm)?;
        check_possible("moving_s", self.moving_s)?;
        check_whole("sessions", self.sessions)?;
        check_whole("strokes", self.strokes)?;
        check_whole("faults", self.faults)
    }
}

/// Checks that a whole number can be stored.
pub(super) fn check_whole(name: &str, value: u64) -> Result<(), String> {
    if value <= MAX_WHOLE { Ok(()) } else { Err(format!("{name} must be at most {MAX_WHOLE}, not {value}")) }
}

fn check_possible(name: &str, value: f64) -> Result<(), String> {
    if value.is_finite() && value >= 0.0 {
        Ok(())
    } else {
        Err(format!("{name} must be 0 or more, not {value}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn impossible_values_are_told_by_name() {
        let good = SessionRecord { faults: vec!["e_stop".into()], ..SessionRecord::begun(0) };
        assert_eq!(good.check(), Ok(()));
        for (bad, name) in [
            (SessionRecord { duration_s: -1.0, ..good.clone() }, "duration_s"),
            (SessionRecord { distance_mm: f64::NAN, ..good.clone() }, "distance_mm"),
            (SessionRecord { peak_speed_mm_s: f64::INFINITY, ..good.clone() }, "peak_speed_mm_s"),
            (SessionRecord { peak_force_g: Some(-0.1), ..good.clone() }, "peak_force_g"),
            (SessionRecord { strokes: MAX_WHOLE + 1, ..good.clone() }, "strokes"),
            (SessionRecord { started_unix_s: u64::MAX, ..good.clone() }, "started_unix_s"),
            (SessionRecord { faults: vec!["E stop".into()], ..good.clone() }, "faults"),
            (SessionRecord { faults: vec!["a".into(); 9], ..good.clone() }, "faults"),
        ] {
            assert!(bad.check().unwrap_err().starts_with(name), "{bad:?}");
        }
    }

    #[test]
    fn counters_never_overflow() {
        let much = SessionRecord { strokes: u64::MAX, distance_mm: f64::MAX, ..SessionRecord::begun(0) };
        let mut counters = Counters::default();
        (0..3).for_each(|_| counters.add(&much));
        assert_eq!((counters.strokes, counters.distance_mm), (MAX_WHOLE, f64::MAX));
        assert_eq!(counters.check(), Ok(()));
    }
}
