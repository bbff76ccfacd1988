//! Recorder: a ring buffer of records, frozen one second after a fault.

use super::record::{Record, WordTable};
use super::recording::{AxisScale, FaultText, Recording, RecordingHead, StateBeforeFault, known, span_s};
use crate::drive::TraceSample;
use crate::layout;
use crate::machine::Fault;
use crate::units::Nanos;

/// Capacity of the ring: the time before a fault and the time after it.
pub const CAPACITY: usize = layout::RECORDER_CYCLES_BEFORE + layout::RECORDER_CYCLES_AFTER;
/// Largest number of further faults in one recording.
const ALSO_MAX: usize = 8;

/// Ring buffer of the latest records. All of its memory is allocated at the start.
pub struct Recorder {
    ring: Box<[Record]>,
    /// Index of the next record.
    next: usize,
    /// Number of records.
    filled: usize,
    names: WordTable,
    last: Option<PreviousCycle>,
    pending: Option<PendingRecording>,
}

/// Data of the previous cycle.
struct PreviousCycle {
    cycle: u32,
    fault: Option<Fault>,
    axis: Option<AxisScale>,
}

/// A fault whose recording is not complete yet.
struct PendingRecording {
    fault: Fault,
    fault_ns: Nanos,
    also: Vec<(f64, FaultText)>,
    before: Option<StateBeforeFault>,
    axis: Option<AxisScale>,
    cycles_left: usize,
}

impl Default for Recorder {
    fn default() -> Recorder {
        Recorder::new()
    }
}

impl Recorder {
    /// An empty recorder.
    pub fn new() -> Recorder {
        Recorder {
            ring: vec![Record::default(); CAPACITY].into(),
            next: 0,
            filled: 0,
            names: WordTable::default(),
            last: None,
            pending: None,
        }
    }

    /// Adds a trace sample. Returns a recording when the time after a fault is over.
    ///
    /// An earlier second fault ends the recording of the first one, and gets its own.
    pub fn record(&mut self, seen: &TraceSample) -> Option<Recording> {
        let new_fault = seen.fault.filter(|_| seen.fault != self.last.as_ref().and_then(|last| last.fault));
        let mut done = None;
        if let Some(fault) = new_fault {
            done = self.finish();
            self.pending = Some(PendingRecording {
                fault,
                fault_ns: seen.at_ns,
                also: Vec::new(),
                before: self.newest().map(|record| self.state_before(record)),
                axis: self.last.as_ref().and_then(|last| last.axis),
                cycles_left: layout::RECORDER_CYCLES_AFTER,
            });
        }
        self.push(seen);
        let Some(pending) = &mut self.pending else { return done };
        if let Some(fault) = seen.outcome.also.filter(|_| pending.also.len() < ALSO_MAX) {
            pending.also.push((span_s(pending.fault_ns, seen.at_ns), fault.into()));
        }
        if pending.cycles_left > 0 {
            pending.cycles_left -= 1;
            return done;
        }
        self.finish()
    }

    /// Ends a recording before its time is over, and returns it.
    pub fn finish(&mut self) -> Option<Recording> {
        let pending = self.pending.take()?;
        let (newer, older) = self.ring[..self.filled].split_at(self.next.min(self.filled));
        let records: Vec<Record> = older.iter().chain(newer).copied().collect();
        let (first, last) = (records.first()?, records.last()?);
        let about = RecordingHead {
            program: format!("yep {} ({})", env!("CARGO_PKG_VERSION"), layout::GIT_ID),
            at_unix_ms: 0,
            fault_ns: pending.fault_ns,
            fault: pending.fault.into(),
            also: pending.also,
            before: pending.before,
            axis: pending.axis,
            before_s: span_s(first.at_ns, pending.fault_ns),
            after_s: span_s(pending.fault_ns, last.at_ns),
            // Cycles that are missing before the first record are outside the recording.
            missed_cycles: records[1..].iter().map(|record| u64::from(record.missed)).sum(),
            names: self.names.all(),
        };
        Some(Recording { about, records })
    }

    fn push(&mut self, seen: &TraceSample) {
        let cycle = seen.outcome.cycle;
        let missed = self.last.as_ref().map_or(0, |last| cycle.wrapping_sub(last.cycle).saturating_sub(1));
        let missed = u16::try_from(missed).unwrap_or(u16::MAX);
        self.ring[self.next] = Record::of(seen, missed, &mut self.names);
        self.next = (self.next + 1) % CAPACITY;
        self.filled = CAPACITY.min(self.filled + 1);
        let geometry = &seen.config.geometry;
        let axis = seen.calibration.map(|found| AxisScale {
            origin_steps: found.origin_steps,
            steps_per_mm: found.steps_per_mm(geometry),
            range_mm: found.range_mm(geometry),
        });
        self.last = Some(PreviousCycle { cycle, fault: seen.fault, axis });
    }

    fn newest(&self) -> Option<&Record> {
        (self.filled > 0).then(|| &self.ring[(self.next + CAPACITY - 1) % CAPACITY])
    }

    fn state_before(&self, record: &Record) -> StateBeforeFault {
        let state = self.names.all().into_iter().nth(usize::from(record.state).saturating_sub(1));
        StateBeforeFault {
            state: state.unwrap_or_default(),
            position_mm: known(record.position_mm),
            velocity_mm_s: record.velocity_mm_s,
            force_g: known(record.force_g),
        }
    }
}
