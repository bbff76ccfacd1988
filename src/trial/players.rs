//! Players: programs on this computer that move the axis by T-Code, and the page on which a person sets what they may do.
//!
//! They have random numbers of their own, like the clients in the network. A player goes on sending whatever comes: it hears of
//! no STOP, and of no refusal.

mod desk;
mod player;
mod score;

use self::desk::FeedDesk;
use self::player::SimulatedPlayer;
use super::client::ClientKind;
use super::gear::Gear;
use super::process::TrialProcess;
use crate::hal::sim::Random;
use crate::units::{Nanos, SECOND_NS};

/// Share of the runs with a second player, which then has a part of the window of its own.
const DUEL_SHARE: f64 = 0.3;
/// Of two players each one stays in its band of the window.
pub const BANDS: [(f64, f64); 2] = [(0.0, 0.4), (0.6, 1.0)];

/// The players of one run.
pub struct PlayerWorkload {
    random: Random,
    players: Vec<SimulatedPlayer>,
    desk: FeedDesk,
    /// Instant of the next action.
    pub next_ns: Nanos,
}

fn ns(s: f64) -> Nanos {
    (s * SECOND_NS as f64) as Nanos
}

impl PlayerWorkload {
    /// The players of a run.
    pub fn new(mut random: Random, gear: Gear) -> PlayerWorkload {
        let players = if random.chance(DUEL_SHARE) {
            let kinds = [ClientKind::Player, ClientKind::OtherPlayer];
            kinds
                .into_iter()
                .zip(BANDS)
                .map(|(kind, band)| SimulatedPlayer::new(kind, band, &mut random))
                .collect()
        } else {
            vec![SimulatedPlayer::new(ClientKind::Player, (0.0, 1.0), &mut random)]
        };
        let desk = FeedDesk::new(gear, &mut random);
        PlayerWorkload { random, players, desk, next_ns: 0 }
    }

    /// Drops all sockets: the server process has ended.
    pub fn drop_sockets(&mut self) {
        self.desk.socket = None;
        for player in &mut self.players {
            player.socket = None;
        }
    }

    /// Does everything that is due, and schedules the next action.
    pub fn act(&mut self, process: &mut TrialProcess) {
        for player in &mut self.players {
            player.act(process, &mut self.random);
        }
        self.desk.act(process, &mut self.random);
        let next = self.players.iter().map(SimulatedPlayer::next_ns).chain([self.desk.next_ns()]).min();
        self.next_ns = next.unwrap_or(Nanos::MAX).max(process.now() + 1);
    }
}
