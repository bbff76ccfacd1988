//! Counters of what happened since the start of the program, which no snapshot has.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::problem::ProblemCode;
use crate::machine::Fault;

/// Counters since the start of the program that no snapshot has.
#[derive(Debug)]
pub struct EventCounters {
    refused: [AtomicU64; ProblemCode::ALL.len()],
    faults: [AtomicU64; Fault::ALL.len()],
}

impl Default for EventCounters {
    fn default() -> EventCounters {
        EventCounters {
            refused: [const { AtomicU64::new(0) }; ProblemCode::ALL.len()],
            faults: [const { AtomicU64::new(0) }; Fault::ALL.len()],
        }
    }
}

impl EventCounters {
    /// Counts a refused request.
    pub fn count_refusal(&self, code: ProblemCode) {
        let at = ProblemCode::ALL.iter().position(|known| *known == code);
        if let Some(counter) = at.and_then(|at| self.refused.get(at)) {
            counter.fetch_add(1, Relaxed);
        }
    }

    /// Counts a fault.
    pub fn count_fault(&self, fault: Fault) {
        let at = Fault::ALL.iter().position(|known| *known == fault);
        if let Some(counter) = at.and_then(|at| self.faults.get(at)) {
            counter.fetch_add(1, Relaxed);
        }
    }

    /// The refused requests by their reason.
    pub fn refusals(&self) -> impl Iterator<Item = (ProblemCode, u64)> {
        ProblemCode::ALL.iter().zip(&self.refused).map(|(code, count)| (*code, count.load(Relaxed)))
    }

    /// The faults.
    pub fn faults(&self) -> impl Iterator<Item = (Fault, u64)> {
        Fault::ALL.into_iter().zip(&self.faults).map(|(fault, count)| (fault, count.load(Relaxed)))
    }
}
