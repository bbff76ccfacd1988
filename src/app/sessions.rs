//! Session recorder: a session lasts from the instant at which a wave begins to move the axis until it is at rest
//! again.
//!
//! It is fed with the machine's events and snapshots; nothing here reaches the real-time threads. A task of its own
//! writes to the store, so that a slow card makes no gap in the sums. Nothing is written at rest; a long session is
//! written every few minutes, so that a power cut loses little of it.

mod tally;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use self::tally::SessionTally;
use crate::api::settings_service::SettingsStore;
use crate::machine::{Event, Fault, Snapshot, State, Why};
use crate::store::session::MAX_FAULTS;
use crate::store::{SessionEnd, SessionRecord, StateChange};
use crate::units::{Nanos, SECOND_NS};
use crate::wall_clock;

/// Interval of writing a session that is under way.
const WRITE_EVERY_NS: Nanos = 300 * SECOND_NS;

/// Recorder of sessions.
pub struct SessionRecorder {
    keeper: Arc<dyn SettingsStore>,
    open: Option<OpenSession>,
    /// The last session, while the fault that ended it is latched: further faults may follow.
    faulted: Option<(u64, SessionRecord)>,
    last_number: u64,
    shutting_down: Arc<AtomicBool>,
    changes: mpsc::UnboundedSender<StateChange>,
    writing: JoinHandle<()>,
}

/// A session that is under way.
struct OpenSession {
    number: u64,
    begun_unix_s: u64,
    begun_ns: Nanos,
    written_ns: Nanos,
    tally: SessionTally,
}

impl SessionRecorder {
    /// Starts the writing task. While `shutting_down` is set, a stop ends a session with [`SessionEnd::ShutDown`].
    pub fn new(keeper: Arc<dyn SettingsStore>, shutting_down: Arc<AtomicBool>) -> SessionRecorder {
        let (changes, written) = mpsc::unbounded_channel();
        let writing = tokio::spawn(write_changes(written, Arc::clone(&keeper)));
        SessionRecorder { keeper, open: None, faulted: None, last_number: 0, shutting_down, changes, writing }
    }

    /// True while a session is under way, which needs snapshots.
    pub fn is_open(&self) -> bool {
        self.open.is_some()
    }

    /// Handles an event; `now` is the newest snapshot.
    pub fn handle_event(&mut self, event: &Event, now: &Snapshot) {
        match *event {
            Event::Entered { at_ns, to: State::Running | State::Following, .. } => {
                self.faulted = None;
                if self.open.is_none() {
                    self.begin_session(at_ns);
                }
                self.add_snapshot(now);
            }
            Event::Entered { to: State::Ending | State::Stopping, .. } => {}
            Event::Entered { at_ns, to, why, .. } => {
                self.add_snapshot(now);
                self.faulted = None;
                self.end_session(at_ns, to, why);
            }
            Event::FaultWhileFaulted(fault) => {
                if let Some((number, session)) = &mut self.faulted {
                    add_fault(session, fault);
                    let change = StateChange::Session(*number, session.clone());
                    self.save(change);
                }
            }
            Event::EventsLost(_) => self.catch_up(now),
            Event::Replied { .. }
            | Event::Dropped { .. }
            | Event::Calibrated(_)
            | Event::SettingsApplied
            | Event::DeratingChanged(_)
            | Event::Stopped { .. } => {}
        }
    }

    /// Handles lost events: the beginning or the end of a session may have been among them.
    fn catch_up(&mut self, now: &Snapshot) {
        match now.state {
            State::Running | State::Following if self.open.is_none() => self.begin_session(now.at_ns),
            State::Running | State::Following | State::Ending | State::Stopping => self.add_snapshot(now),
            state => {
                self.add_snapshot(now);
                self.end_session(now.at_ns, state, now.why);
            }
        }
    }

    /// Adds a snapshot to the session under way.
    pub fn add_snapshot(&mut self, now: &Snapshot) {
        let Some(open) = &mut self.open else { return };
        open.tally.add_snapshot(now);
        if now.at_ns.saturating_sub(open.written_ns) >= WRITE_EVERY_NS {
            open.written_ns = now.at_ns;
            let change = StateChange::Session(open.number, open.record_so_far(now.at_ns));
            self.save(change);
        }
    }

    /// Waits until everything is written.
    pub async fn close(self) {
        drop(self.changes);
        let _ = self.writing.await;
    }

    fn begin_session(&mut self, at_ns: Nanos) {
        // A session may still be on its way to the store.
        let number = self.keeper.kept().0.next_session().max(self.last_number + 1);
        self.last_number = number;
        let (begun_unix_s, tally) = (wall_clock::now_unix_s(), SessionTally::default());
        self.open = Some(OpenSession { number, begun_unix_s, begun_ns: at_ns, written_ns: at_ns, tally });
        self.save(StateChange::Session(number, SessionRecord::begun(begun_unix_s)));
    }

    fn end_session(&mut self, at_ns: Nanos, to: State, why: Why) {
        let Some(open) = self.open.take() else { return };
        let mut session = open.record_so_far(at_ns);
        let shutting_down = self.shutting_down.load(Ordering::Acquire);
        session.ended = Some(match (to, why) {
            (_, Why::Fault(fault)) => {
                add_fault(&mut session, fault);
                SessionEnd::Fault
            }
            (_, Why::AtRest | Why::PositionLost) if shutting_down => SessionEnd::ShutDown,
            (_, Why::AtRest | Why::PositionLost | Why::StopAsked) => SessionEnd::Stop,
            _ => SessionEnd::End,
        });
        if session.ended == Some(SessionEnd::Fault) {
            self.faulted = Some((open.number, session.clone()));
        }
        self.save(StateChange::Session(open.number, session));
    }

    fn save(&self, change: StateChange) {
        // The receiver lives until this recorder is dropped.
        let _ = self.changes.send(change);
    }
}

impl OpenSession {
    fn record_so_far(&self, at_ns: Nanos) -> SessionRecord {
        let duration_s = at_ns.saturating_sub(self.begun_ns) as f64 * 1e-9;
        SessionRecord { duration_s, ..self.tally.record(self.begun_unix_s) }
    }
}

fn add_fault(session: &mut SessionRecord, fault: Fault) {
    if session.faults.len() < MAX_FAULTS {
        session.faults.push(fault.code().to_owned());
    }
}

async fn write_changes(mut changes: mpsc::UnboundedReceiver<StateChange>, keeper: Arc<dyn SettingsStore>) {
    while let Some(change) = changes.recv().await {
        if let Err(error) = keeper.keep(change).await {
            tracing::warn!(%error, "a session is not in the book");
        }
    }
}
