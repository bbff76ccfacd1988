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
    /// True if it hangs: then it says nothing more on that socket.
    hangs: bool,
    /// What it does next, each with its instant.
    notes: VecDeque<(Nanos, Note)>,
    /// When the next session begins.
    begins_ns: Nanos,
}

impl SimulatedPlayer {
    /// A player that has not begun.
    pub fn new(kind: ClientKind, band: (f64, f64), random: &mut Random) -> SimulatedPlayer {
        let begins_ns = ns(random.between(1.0, 10.0));
        SimulatedPlayer { kind, band, socket: None, hangs: false, notes: VecDeque::new(), begins_ns }
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
                let says = |socket: &&ClientSocket| socket.is_open() && !self.hangs;
                let Some(socket) = self.socket.as_ref().filter(says) else { return };
                let target = target.map(|(share, time_s)| SentTarget { at_ns, share, time_s });
                process.witness().record_frame(&SentFrame { who: self.kind, at_ns, stops, target });
                socket.act(SocketAction::Send(text));
            }
            Note::Open if self.socket.as_ref().is_some_and(ClientSocket::is_open) => {}
            Note::Open => (self.socket, self.hangs) = (Some(process.open_player(self.kind)), false),
            Note::Close => {
                self.socket = None;
                process.witness().record_socket(self.kind, PlayerSocket::Closed);
            }
            Note::Hang => {
                if let Some(socket) = &self.socket {
                    socket.act(SocketAction::Hang);
                    self.hangs = true;
                    process.witness().record_socket(self.kind, PlayerSocket::Hangs);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hal::sim::RailOptions;
    use crate::trial::process::TrialEnvironment;

    /// Seed 160 of the simulation: the checks took what a player did behind its end for something that the machine had heard.
    #[test]
    fn a_player_that_hangs_says_nothing() {
        let mut process = TrialProcess::start(&TrialEnvironment::new(RailOptions::default()), 70.0).unwrap();
        let mut player = SimulatedPlayer::new(ClientKind::Player, (0.0, 1.0), &mut Random::new(1));
        let says = |share| Note::Frame {
            text: "L05I500\n".to_owned(),
            stops: false,
            target: Some((share, Some(0.5))),
        };
        let mut heard = |notes: &[Note]| {
            for note in notes {
                player.play(&mut process, note.clone());
                process.run_until(process.now() + ns(0.1));
            }
            let last = process.witness().facts.feeds.last_targets(0).next();
            last.map(|last| last.share)
        };
        assert_eq!(heard(&[Note::Open, says(0.25)]), Some(0.25));
        assert_eq!(heard(&[Note::Hang, says(0.5)]), Some(0.25));
        assert_eq!(heard(&[Note::Close, Note::Open, says(0.75)]), Some(0.75));
    }
}
