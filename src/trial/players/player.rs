//! One player: its socket, and the session that it plays.

use std::collections::VecDeque;

use super::ns;
use super::score::{self, Note};
use crate::hal::sim::Random;
use crate::trial::client::{ClientKind, ClientSocket, SocketAction};
use crate::trial::feed_facts::{PlayerSocket, SentFrame, SentTarget};
use crate::trial::process::TrialProcess;
use crate::units::Nanos;

/// Pause between two sessions, in s.
const PAUSE_S: (f64, f64) = (1.0, 12.0);

/// A player.
pub struct SimulatedPlayer {
    kind: ClientKind,
    band: (f64, f64),
    /// Its socket, while it has one.
    pub socket: Option<ClientSocket>,
    /// What it does next, each with its instant.
    notes: VecDeque<(Nanos, Note)>,
    /// When the next session begins.
    begins_ns: Nanos,
}

impl SimulatedPlayer {
    /// A player that has not begun.
    pub fn new(kind: ClientKind, band: (f64, f64), random: &mut Random) -> SimulatedPlayer {
        let begins_ns = ns(random.between(1.0, 10.0));
        SimulatedPlayer { kind, band, socket: None, notes: VecDeque::new(), begins_ns }
    }

    /// Instant of its next act.
    pub fn next_ns(&self) -> Nanos {
        self.notes.front().map_or(self.begins_ns, |(at_ns, _)| *at_ns)
    }

    /// Does what is due.
    pub fn act(&mut self, process: &mut TrialProcess, random: &mut Random) {
        let now = process.now();
        if self.notes.is_empty() && now >= self.begins_ns {
            let notes = score::session(random, self.band);
            self.notes = notes.into_iter().map(|(after_ns, note)| (now + after_ns, note)).collect();
            let ends_ns = self.notes.back().map_or(now, |(at_ns, _)| *at_ns);
            self.begins_ns = ends_ns + ns(random.log_between(PAUSE_S.0, PAUSE_S.1));
        }
        while self.notes.front().is_some_and(|(at_ns, _)| *at_ns <= now) {
            let Some((_, note)) = self.notes.pop_front() else { return };
            self.play(process, note);
        }
    }

    fn play(&mut self, process: &mut TrialProcess, note: Note) {
        let at_ns = process.now();
        match note {
            Note::Frame { text, stops, target } => {
                let Some(socket) = self.socket.as_ref().filter(|socket| socket.is_open()) else { return };
                let target = target.map(|(share, time_s)| SentTarget { at_ns, share, time_s });
                process.witness().record_frame(&SentFrame { who: self.kind, at_ns, stops, target });
                socket.act(SocketAction::Send(text));
            }
            Note::Open if self.socket.as_ref().is_some_and(ClientSocket::is_open) => {}
            Note::Open => self.socket = Some(process.open_player(self.kind)),
            Note::Close => {
                self.socket = None;
                process.witness().record_socket(self.kind, PlayerSocket::Closed);
            }
            Note::Hang => {
                if let Some(socket) = &self.socket {
                    socket.act(SocketAction::Hang);
                    process.witness().record_socket(self.kind, PlayerSocket::Hangs);
                }
            }
        }
    }
}
