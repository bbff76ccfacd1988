//! Observations about feeds: what players sent, their sockets, and the windows that a person set. None of it is what the machine
//! says about its feed.

use std::collections::{BTreeMap, VecDeque};

use serde_json::Value;

use super::acts::ClientAct;
use super::client::{ClientAnswer, ClientKind, ClientRequest};
use crate::motion::FeedWindow;
use crate::units::{MILLISECOND_NS, Nanos, SECOND_NS};

/// A target that a player sent.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SentTarget {
    /// When it was sent.
    pub at_ns: Nanos,
    /// Share of the window.
    pub share: f64,
    /// The time that it leaves, if it says one.
    pub time_s: Option<f64>,
}

/// A frame that a player sends.
#[derive(Debug, Clone, PartialEq)]
pub struct SentFrame {
    /// Who sends it.
    pub who: ClientKind,
    /// When.
    pub at_ns: Nanos,
    /// True if it stops the axis; before its target, if it has one.
    pub stops: bool,
    /// Its last target.
    pub target: Option<SentTarget>,
}

/// What became of a player's socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlayerSocket {
    /// It is open.
    Open,
    /// Its player hangs, or vanished without a word.
    Hangs,
    /// It was closed.
    Closed,
}

/// A window that may be in force.
#[derive(Debug, Clone, Copy, PartialEq)]
struct PossibleWindow {
    /// None is the whole stroke.
    window: Option<FeedWindow>,
    from_ns: Nanos,
    /// Until when at the latest; none is not known.
    until_ns: Option<Nanos>,
}

/// So long a window may be in force behind the answer that another one is.
pub const WINDOW_LAGS_NS: Nanos = 100 * MILLISECOND_NS;
/// So long a target may wait for the motion that it begins: others have the turn, which brings another motion to rest first.
pub const TURN_NS: Nanos = 5 * SECOND_NS;
/// So long windows are remembered.
const REMEMBERED_NS: Nanos = 30 * SECOND_NS;
/// So many targets of a player are remembered.
const REMEMBERED: usize = 2_000;

/// The observations.
#[derive(Debug)]
pub struct FeedFacts {
    /// The targets of each player, in the order of their instants. Nobody can see which of two players moves the axis.
    targets: BTreeMap<ClientKind, VecDeque<SentTarget>>,
    sockets: BTreeMap<ClientKind, (PlayerSocket, Nanos)>,
    windows: Vec<PossibleWindow>,
    /// Windows on their way, by the numbers of their requests.
    asked: BTreeMap<u64, Option<FeedWindow>>,
}

impl Default for FeedFacts {
    /// A machine at power-on, whose user has set no window.
    fn default() -> Self {
        FeedFacts {
            targets: BTreeMap::new(),
            sockets: BTreeMap::new(),
            windows: vec![PossibleWindow { window: None, from_ns: 0, until_ns: None }],
            asked: BTreeMap::new(),
        }
    }
}

/// The window of a request to change it; none if it changes none.
fn window_of(call: &ClientRequest) -> Option<Option<FeedWindow>> {
    let body: Value = serde_json::from_slice(&call.body).ok()?;
    if body["whole_window"] == true {
        return Some(None);
    }
    let window = if ClientAct::of(call) == ClientAct::Window {
        &body["window"]
    } else {
        // A backup has the window, too.
        let feeds = body.get("feeds").filter(|_| call.method == "POST" && call.path == "/api/v1/backup")?;
        if feeds["window"].is_null() {
            return Some(None);
        }
        &feeds["window"]
    };
    Some(Some(FeedWindow { back_mm: window["back_mm"].as_f64()?, front_mm: window["front_mm"].as_f64()? }))
}

impl FeedFacts {
    /// What is still true in the next process.
    #[must_use]
    pub fn in_next_process(&self) -> FeedFacts {
        let mut windows = self.windows.clone();
        for window in self.asked.values() {
            windows.push(PossibleWindow { window: *window, from_ns: 0, until_ns: None });
        }
        FeedFacts { windows, ..FeedFacts::default() }
    }

    /// Records a frame.
    pub fn record_frame(&mut self, frame: &SentFrame) {
        let Some(target) = frame.target else { return };
        let targets = self.targets.entry(frame.who).or_default();
        if targets.len() == REMEMBERED {
            targets.pop_front();
        }
        targets.push_back(target);
    }

    /// Records what became of a socket.
    pub fn record_socket(&mut self, who: ClientKind, socket: PlayerSocket, at_ns: Nanos) {
        self.sockets.insert(who, (socket, at_ns));
    }

    /// Records a request that is sent now.
    pub fn record_sent(&mut self, (number, at_ns): (u64, Nanos), call: &ClientRequest) {
        let Some(window) = window_of(call) else { return };
        self.asked.insert(number, window);
        self.windows.push(PossibleWindow { window, from_ns: at_ns, until_ns: None });
    }

    /// Records an answer.
    pub fn record_answer(&mut self, answer: &ClientAnswer, at_ns: Nanos) {
        let Some(window) = self.asked.remove(&answer.number) else { return };
        let lasting = |since: &PossibleWindow| since.until_ns.is_none();
        match answer.status {
            Some(200) => {
                // Another one that is on its way may come behind it, or may have.
                let others: Vec<_> = self.asked.values().copied().collect();
                for known in self.windows.iter_mut().filter(|known| lasting(known)) {
                    if known.window != window && !others.contains(&known.window) {
                        known.until_ns = Some(at_ns + WINDOW_LAGS_NS);
                    }
                }
            }
            None => {}
            Some(_) => {
                let is_one_of_several = self.windows.iter().filter(|known| lasting(known)).count() > 1;
                let refused = self.windows.iter_mut().rfind(|known| known.window == window && lasting(known));
                if let Some(refused) = refused.filter(|_| is_one_of_several) {
                    refused.until_ns = Some(at_ns);
                }
            }
        }
        self.windows.retain(|known| known.until_ns.is_none_or(|until| until + REMEMBERED_NS > at_ns));
    }

    /// The windows that may have been in force at some time between these instants.
    pub fn windows(&self, from: Nanos, until: Nanos) -> impl Iterator<Item = Option<FeedWindow>> {
        let is_possible = move |known: &&PossibleWindow| {
            known.from_ns <= until && known.until_ns.is_none_or(|known_until| known_until >= from)
        };
        self.windows.iter().filter(is_possible).map(|known| known.window)
    }

    /// The targets that may have been the newest one of their player at some time between these instants, in a motion that began at
    /// `began`: what was sent long before that is not of this motion.
    pub fn newest_targets(
        &self,
        began: Nanos,
        (from, until): (Nanos, Nanos),
    ) -> impl Iterator<Item = &SentTarget> {
        self.targets
            .values()
            .flat_map(move |targets| {
                let first = targets.partition_point(|target| target.at_ns < from).saturating_sub(1);
                targets.range(first..).take_while(move |target| target.at_ns <= until)
            })
            .filter(move |target| target.at_ns + TURN_NS >= began)
    }

    /// The last target of each player, in a motion that began at `began`.
    pub fn last_targets(&self, began: Nanos) -> impl Iterator<Item = &SentTarget> {
        self.targets.values().filter_map(VecDeque::back).filter(move |last| last.at_ns + TURN_NS >= began)
    }

    /// The last target of all before that frame, which is the last one.
    pub fn target_before<'a>(&'a self, frame: &SentFrame) -> Option<&'a SentTarget> {
        let before = |(who, targets): (&ClientKind, &'a VecDeque<SentTarget>)| {
            let own = usize::from(*who == frame.who && frame.target.is_some());
            targets.iter().nth_back(own)
        };
        self.targets.iter().filter_map(before).max_by_key(|target| target.at_ns)
    }

    /// True if there are two players.
    pub fn is_duel(&self) -> bool {
        self.sockets.len() > 1
    }

    /// Instant since which no player has had a socket that answers; none while one has.
    pub fn left_since(&self) -> Option<Nanos> {
        let mut since = 0;
        for (socket, at_ns) in self.sockets.values() {
            if *socket == PlayerSocket::Open {
                return None;
            }
            since = since.max(*at_ns);
        }
        Some(since)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(body: &str) -> ClientRequest {
        let (path, body) = (super::super::acts::FEEDS.to_owned(), body.as_bytes().to_vec());
        ClientRequest { who: ClientKind::Desk, method: "PATCH", path, body }
    }

    fn answered(call: ClientRequest, number: u64, status: Option<u16>) -> ClientAnswer {
        ClientAnswer { number, asked_ns: 0, call, status, body: Value::Null, token: None }
    }

    #[test]
    fn a_window_may_be_in_force_from_when_it_is_sent_and_the_one_before_until_it_is_answered() {
        let mut facts = FeedFacts::default();
        let window = FeedWindow { back_mm: 10.0, front_mm: 20.0 };
        let asks = call(r#"{"window":{"back_mm":10.0,"front_mm":20.0}}"#);
        facts.record_sent((1, 100), &asks);
        let possible = |facts: &FeedFacts, at| facts.windows(at, at).collect::<Vec<_>>();
        assert_eq!(possible(&facts, 99), [None]);
        assert_eq!(possible(&facts, 100), [None, Some(window)]);
        facts.record_answer(&answered(asks.clone(), 1, Some(200)), 200);
        assert_eq!(possible(&facts, 200), [None, Some(window)]);
        assert_eq!(possible(&facts, 201 + WINDOW_LAGS_NS), [Some(window)]);
        // One that is refused was never there; of one without an answer nobody knows.
        let other = call(r#"{"whole_window":true}"#);
        let later = 400 + WINDOW_LAGS_NS;
        facts.record_sent((2, later), &other);
        facts.record_answer(&answered(other.clone(), 2, Some(503)), later + 10);
        assert_eq!(possible(&facts, later + 11), [Some(window)]);
        facts.record_sent((3, later + 20), &other);
        facts.record_answer(&answered(other, 3, None), later + 30);
        assert_eq!(possible(&facts, later + SECOND_NS), [Some(window), None]);
    }

    fn sent(facts: &mut FeedFacts, who: ClientKind, at_ns: Nanos, share: f64) -> SentFrame {
        let target = Some(SentTarget { at_ns, share, time_s: None });
        let frame = SentFrame { who, at_ns, stops: false, target };
        facts.record_frame(&frame);
        frame
    }

    fn shares<'a>(targets: impl Iterator<Item = &'a SentTarget>) -> Vec<f64> {
        targets.map(|target| target.share).collect()
    }

    #[test]
    fn the_newest_targets_of_a_time_begin_with_the_one_before_it() {
        let mut facts = FeedFacts::default();
        for index in 0..10u64 {
            sent(&mut facts, ClientKind::Player, index * 10, index as f64);
        }
        assert_eq!(shares(facts.newest_targets(0, (35, 60))), [3.0, 4.0, 5.0, 6.0]);
    }

    /// Seed 252: a player that is refused goes on sending, which does not make the target of the other one old.
    #[test]
    fn each_of_two_players_has_a_newest_target() {
        let mut facts = FeedFacts::default();
        sent(&mut facts, ClientKind::Player, 5, 0.25);
        sent(&mut facts, ClientKind::OtherPlayer, 10, 0.75);
        let newest = sent(&mut facts, ClientKind::OtherPlayer, 20, 0.875);
        assert_eq!(shares(facts.newest_targets(0, (30, 40))), [0.25, 0.875]);
        assert_eq!(shares(facts.last_targets(0)), [0.25, 0.875]);
        assert_eq!(facts.target_before(&newest).map(|last| last.share), Some(0.75));
        let other = sent(&mut facts, ClientKind::Player, 30, 0.5);
        assert_eq!(facts.target_before(&other).map(|last| last.share), Some(0.875));
        // What was sent long before a motion began is none of its targets.
        let began = 20 + TURN_NS + 1;
        assert_eq!(shares(facts.newest_targets(began, (began, began))), [0.5]);
        assert_eq!(shares(facts.last_targets(began)), [0.5]);
    }
}
