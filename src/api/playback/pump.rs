//! The pump: tells the machine the points of the script ahead of time, and follows the clock of the video player.

use std::sync::{Arc, Weak};
use std::time::Duration;

use super::player::{PlayerService, PlayerState};
use super::playing::NextPoints;
use crate::api::documents::player::PlayerPhase;
use crate::machine::{FeedItem, FeedNumber};
use crate::players;
use crate::scripts::Script;
use crate::units::Nanos;

/// How often points are sent: far more often than they become due.
const TICK: Duration = Duration::from_millis(20);

/// What a step comes to.
enum PumpStep {
    /// Nothing moves.
    Idle,
    /// These are sent.
    Send(FeedNumber, NextPoints),
    /// The script of this media is to be found, for the play of that count.
    Find(FeedNumber, u64, Option<String>),
    /// The script is over; the next one, if there is one.
    Over(FeedNumber, u64, Option<String>),
}

/// Runs until the service is gone.
pub async fn run(service: Weak<PlayerService>) {
    loop {
        let Some(player) = service.upgrade() else { return };
        let wake = Arc::clone(&player.wake);
        let is_idle = player.pump().await;
        drop(player);
        if is_idle {
            wake.notified().await;
        } else {
            let _ = tokio::time::timeout(TICK, wake.notified()).await;
        }
    }
}

impl PlayerService {
    /// One step; true if there is nothing to do until somebody wakes the pump.
    async fn pump(&self) -> bool {
        match self.step() {
            PumpStep::Idle => return true,
            PumpStep::Send(number, NextPoints { clears, points }) => {
                if clears {
                    self.motion.send(number, FeedItem::Clear).await;
                }
                for point in points {
                    self.motion.send(number, FeedItem::Point(point)).await;
                }
            }
            PumpStep::Find(number, plays, media) => {
                // Whatever moves belongs to other media.
                self.motion.send(number, FeedItem::Clear).await;
                self.choose(plays, media.as_deref()).await;
            }
            PumpStep::Over(number, plays, next) => {
                let script = match &next {
                    Some(name) => self.shelf.load(name).await.ok(),
                    None => None,
                };
                self.go_on(number, (plays, next), script).await;
            }
        }
        false
    }

    fn step(&self) -> PumpStep {
        let now_ns = self.clock_ns();
        let mut state = self.lock();
        let state = &mut *state;
        let Some(number) = state.motion else { return PumpStep::Idle };
        if !self.motion.goes_on(number) {
            state.motion = None;
            state.end(PlayerPhase::Stopped, "its motion was ended", now_ns);
            return PumpStep::Idle;
        }
        if state.follows_source {
            if state.chosen != state.wanted {
                state.chosen.clone_from(&state.wanted);
                return PumpStep::Find(number, state.plays, state.wanted.clone());
            }
            state.follow_source(now_ns);
        } else {
            state.follow_clock(now_ns);
        }
        let Some(playing) = &mut state.playing else { return PumpStep::Send(number, NextPoints::default()) };
        let rests = self.motion.report(number).is_some_and(|feed| feed.rests);
        if !state.follows_source && playing.is_over(now_ns) && rests {
            if state.playlist.is_empty() && state.repeats {
                state.playlist.clone_from(&state.list);
            }
            let next = (!state.playlist.is_empty()).then(|| state.playlist.remove(0));
            return PumpStep::Over(number, state.plays, next);
        }
        PumpStep::Send(number, playing.next_points(now_ns))
    }

    /// Chooses the script of what the video player plays.
    async fn choose(&self, plays: u64, media: Option<&str>) {
        let found = match media {
            Some(media) => self.shelf.for_media(media).await,
            None => None,
        };
        let now_ns = self.clock_ns();
        let made = found.map(|(name, script)| self.made(&name, script, now_ns));
        let mut state = self.lock();
        if state.plays != plays {
            return;
        }
        state.why = match (media, &made) {
            (Some(media), None) => Some(format!("there is no script for {:?}", players::base_name(media))),
            _ => None,
        };
        (state.phase, state.playing) = (PlayerPhase::Waits, made);
    }

    /// Goes on with the next script, or comes to rest for good.
    async fn go_on(
        &self,
        number: FeedNumber,
        (plays, next): (u64, Option<String>),
        script: Option<Arc<Script>>,
    ) {
        let now_ns = self.clock_ns();
        {
            let mut state = self.lock();
            if state.motion != Some(number) || state.plays != plays {
                return;
            }
            if let (Some(name), Some(script)) = (&next, script) {
                let mut playing = self.made(name, script, now_ns);
                if let Some(before) = &state.playing {
                    playing.set_rate(before.rate(), now_ns);
                    playing.set_inverted(before.is_inverted());
                }
                playing.set_running(true, now_ns);
                (state.playing, state.clock) = (Some(playing), None);
                return;
            }
            let why = next.map(|name| format!("there is no script {name:?} any more"));
            state.motion = None;
            state.end(PlayerPhase::Ended, why.as_deref().unwrap_or("the script is over"), now_ns);
        }
        self.motion.rest(number).await;
    }
}

impl PlayerState {
    /// The script stands where it is.
    fn end(&mut self, phase: PlayerPhase, why: &str, now_ns: Nanos) {
        if let Some(playing) = &mut self.playing {
            playing.set_running(false, now_ns);
        }
        (self.phase, self.why, self.clock) = (phase, Some(why.to_owned()), None);
    }

    /// Keeps in step with the clock that a client gives.
    fn follow_clock(&mut self, now_ns: Nanos) {
        let (Some(clock), Some(playing)) = (&self.clock, &mut self.playing) else { return };
        if self.phase == PlayerPhase::Playing {
            playing.follow(clock.at(now_ns).position_s, now_ns);
        }
    }

    /// Keeps in step with the video player.
    fn follow_source(&mut self, now_ns: Nanos) {
        let (Some(clock), Some(playing)) = (&self.source_clock, &mut self.playing) else {
            self.why.get_or_insert_with(|| "the video player plays nothing".to_owned());
            return;
        };
        if self.is_held {
            return;
        }
        if clock.is_playing(now_ns) {
            playing.set_rate(clock.rate(), now_ns);
            playing.set_running(true, now_ns);
            playing.follow(clock.at(now_ns).position_s, now_ns);
            (self.phase, self.why) = (PlayerPhase::Playing, None);
        } else {
            playing.set_running(false, now_ns);
            (self.phase, self.why) = (PlayerPhase::Waits, Some("the video player does not play".to_owned()));
        }
    }
}
