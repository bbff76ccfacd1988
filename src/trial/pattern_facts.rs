//! Observations about patterns: what clients asked for, and what they were answered. None of it is what the machine or the server
//! says about the pattern that runs.

use serde_json::Value;

use super::acts::{ClientAct, PATTERN, PLAY};
use super::client::{ClientAnswer, ClientRequest};
use crate::units::{MILLISECOND_NS, Nanos, SECOND_NS};

/// So long a value may be in force behind the answer that another one is.
const LAGS_NS: Nanos = 100 * MILLISECOND_NS;
/// So long values are remembered.
const REMEMBERED_NS: Nanos = 10 * SECOND_NS;

/// A value that may be in force.
#[derive(Debug, Clone, Copy, PartialEq)]
struct PossibleValue<T> {
    value: T,
    /// The request that asked for it; 0 is none.
    number: u64,
    from_ns: Nanos,
    /// Instant of its answer.
    answered_ns: Option<Nanos>,
    /// Until when at the latest; none is not known.
    until_ns: Option<Nanos>,
}

/// The values of one parameter that may be in force. Of two requests that were under way at the same time nobody knows the order.
#[derive(Debug)]
struct Possible<T>(Vec<PossibleValue<T>>);

impl<T: Copy> Possible<T> {
    fn new(value: T) -> Possible<T> {
        let first = PossibleValue { value, number: 0, from_ns: 0, answered_ns: Some(0), until_ns: None };
        Possible(vec![first])
    }

    fn ask(&mut self, (number, from_ns): (u64, Nanos), value: T) {
        self.0.push(PossibleValue { value, number, from_ns, answered_ns: None, until_ns: None });
    }

    fn answer(&mut self, number: u64, status: Option<u16>, at_ns: Nanos) {
        let Some(asked) = self.0.iter_mut().find(|known| known.number == number) else { return };
        let sent_ns = asked.from_ns;
        asked.answered_ns = Some(at_ns);
        match status {
            Some(200) => {
                let before = |known: &&mut PossibleValue<T>| {
                    known.number != number
                        && known.until_ns.is_none()
                        && known.answered_ns.is_some_and(|answered| answered < sent_ns)
                };
                for known in self.0.iter_mut().filter(before) {
                    known.until_ns = Some(at_ns + LAGS_NS);
                }
            }
            // It may be in force.
            None => {}
            Some(_) => asked.until_ns = Some(at_ns),
        }
        self.0.retain(|known| known.until_ns.is_none_or(|until| until + REMEMBERED_NS > at_ns));
    }

    fn at(&self, at_ns: Nanos) -> impl Iterator<Item = T> {
        let is_possible =
            move |known: &&PossibleValue<T>| known.until_ns.is_none_or(|until_ns| until_ns >= at_ns);
        self.0.iter().filter(is_possible).map(|known| known.value)
    }
}

/// What a request asks of each parameter; none of a parameter that it leaves as it is.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct AskedPattern {
    /// Depth and stroke as shares; one that is not said may be any.
    depth: Option<Option<f64>>,
    stroke: Option<Option<f64>>,
    is_fast: Option<bool>,
    is_paused: Option<bool>,
}

impl AskedPattern {
    fn of(call: &ClientRequest) -> Option<AskedPattern> {
        let act = ClientAct::of(call);
        let begins = match act {
            ClientAct::Start { plays: true, .. } => true,
            ClientAct::Change { .. } => false,
            _ => return None,
        };
        let body: Value = serde_json::from_slice(&call.body).ok()?;
        let asked = if call.path == PATTERN || call.path == PLAY { &body } else { body.get("pattern")? };
        let number = |name: &str| asked.get(name).and_then(Value::as_f64);
        let share = |name: &str| number(name).map(|percent| percent / 100.0);
        let speed = number("speed_pct").or_else(|| number("strokes_per_min"));
        let is_paused = asked.get("paused").and_then(Value::as_bool);
        Some(if call.path == PLAY {
            // A script, in the window of the feeds.
            let anywhere = Some(None);
            AskedPattern { depth: anywhere, stroke: anywhere, is_fast: Some(true), is_paused: Some(false) }
        } else if begins {
            AskedPattern {
                depth: Some(share("depth_pct")),
                stroke: Some(share("stroke_pct")),
                // A saved one has a speed of its own.
                is_fast: Some(speed.is_some_and(|speed| speed > 0.0) || asked.get("saved").is_some()),
                is_paused: Some(false),
            }
        } else {
            AskedPattern {
                depth: share("depth_pct").map(Some),
                stroke: share("stroke_pct").map(Some),
                is_fast: speed.map(|speed| speed > 0.0),
                is_paused,
            }
        })
    }
}

/// The observations.
#[derive(Debug)]
pub struct PatternFacts {
    depth: Possible<Option<f64>>,
    stroke: Possible<Option<f64>>,
    is_fast: Possible<bool>,
    is_paused: Possible<bool>,
}

impl Default for PatternFacts {
    /// A server on which no pattern was run.
    fn default() -> Self {
        PatternFacts {
            depth: Possible::new(None),
            stroke: Possible::new(None),
            is_fast: Possible::new(false),
            is_paused: Possible::new(false),
        }
    }
}

impl PatternFacts {
    /// Records a request or message that is sent now.
    pub fn record_sent(&mut self, sent: (u64, Nanos), call: &ClientRequest) {
        let Some(asked) = AskedPattern::of(call) else { return };
        if let Some(depth) = asked.depth {
            self.depth.ask(sent, depth);
        }
        if let Some(stroke) = asked.stroke {
            self.stroke.ask(sent, stroke);
        }
        if let Some(is_fast) = asked.is_fast {
            self.is_fast.ask(sent, is_fast);
        }
        if let Some(is_paused) = asked.is_paused {
            self.is_paused.ask(sent, is_paused);
        }
    }

    /// Records an answer.
    pub fn record_answer(&mut self, answer: &ClientAnswer, at_ns: Nanos) {
        let ClientAnswer { number, status, .. } = *answer;
        self.depth.answer(number, status, at_ns);
        self.stroke.answer(number, status, at_ns);
        self.is_fast.answer(number, status, at_ns);
        self.is_paused.answer(number, status, at_ns);
    }

    /// True if the axis is to rest: for certain it is paused, or has speed 0.
    pub fn is_to_rest(&self, at_ns: Nanos) -> bool {
        self.is_fast.at(at_ns).all(|is_fast| !is_fast) || self.is_paused.at(at_ns).all(|is_paused| is_paused)
    }

    /// The part of the stroke in which the axis may move, as shares: from the back of the backmost pattern that may be in force to
    /// the front of the foremost.
    pub fn extent(&self, at_ns: Nanos) -> (f64, f64) {
        let (mut back, mut front) = (1.0_f64, 0.0_f64);
        for depth in self.depth.at(at_ns) {
            front = front.max(depth.unwrap_or(1.0));
            for stroke in self.stroke.at(at_ns) {
                let own = depth.zip(stroke).map_or(0.0, |(depth, stroke)| (depth - stroke).max(0.0));
                back = back.min(own);
            }
        }
        (back, front)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trial::client::ClientKind;

    fn call(method: &'static str, body: &str) -> ClientRequest {
        let (path, body) = (PATTERN.to_owned(), body.as_bytes().to_vec());
        ClientRequest { who: ClientKind::Page, method, path, body }
    }

    fn answered(call: &ClientRequest, number: u64, status: Option<u16>) -> ClientAnswer {
        let (call, body) = (call.clone(), Value::Null);
        ClientAnswer { number, asked_ns: 0, call, status, body, token: None }
    }

    #[test]
    fn a_value_is_possible_from_its_request_on_and_the_one_before_until_the_answer() {
        let mut facts = PatternFacts::default();
        let run = call("POST", r#"{"pattern":"simple","depth_pct":50,"stroke_pct":20,"speed_pct":10}"#);
        facts.record_sent((1, 10), &run);
        assert_eq!(facts.extent(10), (0.0, 1.0));
        facts.record_answer(&answered(&run, 1, Some(200)), 20);
        let now = 21 + LAGS_NS;
        assert_eq!(facts.extent(now), (0.3, 0.5));
        assert!(!facts.is_to_rest(now));
        // What is refused was never there.
        let deeper = call("PATCH", r#"{"depth_pct":90}"#);
        facts.record_sent((2, now), &deeper);
        assert!(facts.extent(now).1 > 0.89);
        facts.record_answer(&answered(&deeper, 2, Some(409)), now + 5);
        assert_eq!(facts.extent(now + 6), (0.3, 0.5));
    }

    #[test]
    fn it_is_to_rest_only_if_nothing_else_may_be_in_force() {
        let mut facts = PatternFacts::default();
        let run = call("POST", r#"{"pattern":"simple","speed_pct":10}"#);
        facts.record_sent((1, 0), &run);
        facts.record_answer(&answered(&run, 1, Some(200)), 1);
        let (pause, go_on) = (call("PATCH", r#"{"paused":true}"#), call("PATCH", r#"{"paused":false}"#));
        let mut now = 2 * LAGS_NS;
        facts.record_sent((2, now), &pause);
        facts.record_answer(&answered(&pause, 2, Some(200)), now + 1);
        assert!(!facts.is_to_rest(now + 1));
        now += 2 * LAGS_NS;
        assert!(facts.is_to_rest(now));
        // Two that are under way at the same time come in any order.
        facts.record_sent((3, now), &go_on);
        facts.record_sent((4, now), &pause);
        facts.record_answer(&answered(&go_on, 3, Some(200)), now + 1);
        facts.record_answer(&answered(&pause, 4, Some(200)), now + 1);
        now += 2 * LAGS_NS;
        assert!(!facts.is_to_rest(now));
        facts.record_sent((5, now), &call("PATCH", r#"{"strokes_per_min":0}"#));
        facts.record_answer(&answered(&pause, 5, Some(200)), now + 1);
        assert!(facts.is_to_rest(now + 2 + LAGS_NS));
    }
}
