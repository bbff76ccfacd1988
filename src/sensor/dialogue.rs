//! The dialogue with the board: who is there, in which version, set up as wanted; and which samples are new.
//!
//! Bytes and instants in, what was heard and what is to be said out; it owns no device and no clock. Nothing that a board
//! says counts before it has introduced itself in our version, and no force before it converts with our scale. A board
//! that starts anew introduces itself, and is set up again.

use yep_sensor_board::frame::{self, Channel, Deframed, Deframer, SensorFrame};
use yep_sensor_board::hx711::nearest_rate_hz;
use yep_sensor_board::message::{
    self, ForceReading, FromBoard, Hello, PROTOCOL, Reading, SCHEMA, Setup, ToBoard,
};

use super::timeline::Timeline;
use crate::hal::newest::LINK_TIMEOUT_NS;
use crate::layout;
use crate::units::{MILLISECOND_NS, Nanos, SECOND_NS};

// The board knows no layout of ours, and both ends of the line must agree.
const _: () = assert!(frame::FRAME_BYTES == layout::UART_FRAME_BYTES);

/// How often a board that has not introduced itself is asked to, and one that is not set up is told.
const ASK_EVERY_NS: Nanos = 200 * MILLISECOND_NS;
/// The same for a board of another version: somebody may be writing a new firmware to it.
const ASK_STRANGER_EVERY_NS: Nanos = 2 * SECOND_NS;
/// Promise S12: a sample that is not followed by another one for two periods is frozen; and a little for the board's loop.
const FROZEN_AFTER_PERIODS: u32 = 2;
const FROZEN_SLACK_US: u32 = 1_000;

/// How the board is to convert.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Wanted {
    /// The conversion result of an unloaded cell, once somebody has tared.
    pub zero_counts: Option<i32>,
    /// Counts for a gram, once somebody has calibrated.
    pub counts_per_g: Option<f32>,
    /// Conversions a second.
    pub rate_hz: u16,
}

impl Wanted {
    fn is_complete(&self) -> bool {
        self.zero_counts.is_some() && self.counts_per_g.is_some()
    }

    /// What has to be said to a board that is set up like `setup`.
    fn orders(&self, setup: &Setup) -> impl Iterator<Item = ToBoard> {
        let rate_hz = nearest_rate_hz(self.rate_hz);
        let zero = self.zero_counts.filter(|zero| setup.zero_counts != Some(*zero));
        let factor = self.counts_per_g.filter(|factor| setup.counts_per_g != Some(*factor));
        let rate = (setup.rate_hz != rate_hz).then_some(ToBoard::SetRate { rate_hz });
        let tare = zero.map(|zero_counts| ToBoard::Tare { zero_counts });
        let factor = factor.map(|counts_per_g| ToBoard::SetFactor { counts_per_g });
        tare.into_iter().chain(factor).chain(rate)
    }
}

/// Who is at the other end.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Peer {
    /// Nobody has said anything yet.
    Unknown,
    /// A board that speaks another version of the messages.
    Stranger {
        /// Its protocol version.
        protocol: u16,
    },
    /// A board that we understand.
    Board {
        /// As it introduced itself.
        hello: Hello,
        /// How it converts, once it has said so.
        setup: Option<Setup>,
    },
}

/// What was heard.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum BoardReply<'a> {
    /// A conversion that is new.
    New {
        /// What the board says about it.
        sample: ForceReading,
        /// When it was taken, on the machine's clock.
        at: Nanos,
        /// The time between conversions.
        period_ns: Nanos,
        /// Whether the board converts with the scale that it was told.
        set_up: bool,
    },
    /// A sign of life.
    Again,
    /// A sign of life without a conversion in two periods.
    Frozen,
    /// The board has started anew, or is another one: nothing that it said before counts.
    Introduced,
    /// It speaks another version.
    Strange,
    /// A frame of its log.
    Log(&'a [u8]),
}

/// The state of the dialogue.
#[derive(Debug)]
pub struct Dialogue {
    deframer: Deframer,
    timeline: Timeline,
    wanted: Wanted,
    peer: Peer,
    last_number: Option<u32>,
    /// When something is to be said again.
    say_at: Nanos,
    heard_at: Option<Nanos>,
}

impl Dialogue {
    /// Nobody is there yet.
    #[must_use]
    pub fn new(wanted: Wanted) -> Dialogue {
        Dialogue {
            deframer: Deframer::new(),
            timeline: Timeline::default(),
            wanted,
            peer: Peer::Unknown,
            last_number: None,
            say_at: 0,
            heard_at: None,
        }
    }

    /// Who is at the other end.
    #[must_use]
    pub fn peer(&self) -> &Peer {
        &self.peer
    }

    /// What the line has carried.
    #[must_use]
    pub fn seen(&self) -> Deframed {
        self.deframer.seen()
    }

    /// When a frame of a board that we understand was last heard.
    #[must_use]
    pub fn heard_at(&self) -> Option<Nanos> {
        self.heard_at
    }

    /// Whether such a frame was heard a moment ago.
    #[must_use]
    pub fn alive(&self, now: Nanos) -> bool {
        self.heard_at.is_some_and(|heard| now.saturating_sub(heard) <= LINK_TIMEOUT_NS)
    }

    /// Whether the board converts with the scale that it was told.
    #[must_use]
    pub fn set_up(&self) -> bool {
        matches!(self.peer, Peer::Board { setup: Some(setup), .. } if self.wanted.orders(&setup).next().is_none())
    }

    /// From now on the board is to convert like this.
    pub fn want(&mut self, wanted: Wanted) {
        self.wanted = wanted;
        self.say_at = 0;
    }

    /// How the board is to convert.
    #[must_use]
    pub fn wanted(&self) -> &Wanted {
        &self.wanted
    }

    /// The device was opened anew: who is there now?
    pub fn reopened(&mut self) {
        *self = Dialogue::new(self.wanted);
    }

    /// Bytes came.
    pub fn feed(&mut self, bytes: &[u8], now: Nanos, mut tell: impl FnMut(BoardReply<'_>)) {
        // The deframer lends its piece while it hands it over.
        let mut deframer = std::mem::take(&mut self.deframer);
        deframer.feed(bytes, |channel, payload| match channel {
            Channel::Message => {
                if let Some(heard) = self.message(payload, now) {
                    tell(heard);
                }
            }
            Channel::Log => tell(BoardReply::Log(payload)),
            // Our own words: the line is looped back, and nobody is there.
            Channel::Order => {}
        });
        self.deframer = deframer;
    }

    fn message(&mut self, payload: &[u8], now: Nanos) -> Option<BoardReply<'static>> {
        if let Some((protocol, schema)) = message::spoken(payload)
            && (protocol, schema) != (PROTOCOL, SCHEMA)
        {
            let known = self.peer == Peer::Stranger { protocol };
            (self.peer, self.heard_at) = (Peer::Stranger { protocol }, None);
            self.say_at = self.say_at.max(now + ASK_STRANGER_EVERY_NS);
            return (!known).then_some(BoardReply::Strange);
        }
        match (message::read(payload)?, &mut self.peer) {
            (FromBoard::Hello(hello), _) => {
                self.peer = Peer::Board { hello, setup: None };
                self.timeline.forget();
                self.last_number = None;
                self.heard_at = Some(now);
                Some(BoardReply::Introduced)
            }
            (FromBoard::Setup(said), Peer::Board { setup, .. }) => {
                if setup.replace(said).is_none() {
                    self.say_at = 0;
                }
                self.heard_at = Some(now);
                Some(BoardReply::Again)
            }
            (FromBoard::Sample(sample), Peer::Board { setup: Some(setup), .. }) => {
                let rate_hz = setup.rate_hz;
                Some(self.sample(sample, rate_hz, now))
            }
            // Somebody talks who has not introduced himself.
            (FromBoard::Setup(_) | FromBoard::Sample(_), _) => None,
        }
    }

    fn sample(&mut self, sample: ForceReading, rate_hz: u16, now: Nanos) -> BoardReply<'static> {
        self.heard_at = Some(now);
        let step = self.last_number.map(|last| sample.number.wrapping_sub(last));
        if step.is_some_and(|step| step > u32::MAX / 2) {
            // The number ran backwards: the board has started anew, and its Hello was lost.
            self.peer = Peer::Unknown;
            self.say_at = 0;
            self.last_number = None;
            return BoardReply::Introduced;
        }
        if sample.reading == Reading::Unscaled && self.wanted.is_complete() && self.set_up() {
            // It has forgotten what it was told, and nobody heard its Hello.
            self.peer = Peer::Unknown;
            self.say_at = 0;
        }
        let sent = self.timeline.place(sample.sent_us, now);
        let period_us = 1_000_000 / u32::from(rate_hz.max(1));
        let age_us = sample.sent_us.wrapping_sub(sample.taken_us);
        self.last_number = Some(sample.number);
        if age_us > FROZEN_AFTER_PERIODS * period_us + FROZEN_SLACK_US {
            return BoardReply::Frozen;
        }
        if step == Some(0) || sample.number == 0 {
            return BoardReply::Again;
        }
        let at = sent.saturating_sub(Nanos::from(age_us) * 1_000);
        BoardReply::New { sample, at, period_ns: Nanos::from(period_us) * 1_000, set_up: self.set_up() }
    }

    /// What is to be said at `now`; each frame is handed to `say`.
    pub fn due(&mut self, now: Nanos, mut say: impl FnMut(SensorFrame)) {
        if now < self.say_at {
            return;
        }
        self.say_at = now + ASK_EVERY_NS;
        match self.peer {
            Peer::Board { setup: Some(setup), .. } => {
                self.wanted.orders(&setup).filter_map(|order| frame::order(&order)).for_each(say);
            }
            Peer::Unknown | Peer::Stranger { .. } | Peer::Board { setup: None, .. } => {
                if matches!(self.peer, Peer::Stranger { .. }) {
                    self.say_at = now + ASK_STRANGER_EVERY_NS;
                }
                if let Some(frame) = frame::order(&ToBoard::Identify) {
                    say(frame);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use yep_sensor_board::{Board, Identity};

    use super::*;

    const WANTED: Wanted = Wanted { zero_counts: Some(100), counts_per_g: Some(10.0), rate_hz: 80 };

    fn us(now: Nanos) -> u32 {
        (now / 1_000) as u32
    }

    /// Lets both talk until neither has anything to say; what was heard.
    fn talk(dialogue: &mut Dialogue, board: &mut Board, now: Nanos) -> Vec<String> {
        let mut heard = Vec::new();
        for _ in 0..5 {
            while let Some(frame) = board.next_frame(us(now)) {
                dialogue.feed(&frame, now, |what| heard.push(format!("{what:?}")));
            }
            dialogue.due(now, |frame| board.receive(&frame));
        }
        heard
    }

    fn board() -> Board {
        Board::new(Identity::default(), 0)
    }

    #[test]
    fn a_board_is_set_up_before_its_samples_count() {
        let (mut dialogue, mut board) = (Dialogue::new(WANTED), board());
        assert!(!dialogue.set_up());
        talk(&mut dialogue, &mut board, 0);
        assert!(dialogue.set_up() && dialogue.alive(0));
        assert_eq!((board.setup().zero_counts, board.setup().counts_per_g), (Some(100), Some(10.0)));
        board.convert(600, us(MILLISECOND_NS));
        let mut samples = Vec::new();
        while let Some(frame) = board.next_frame(us(MILLISECOND_NS)) {
            dialogue.feed(&frame, MILLISECOND_NS, |heard| {
                let BoardReply::New { sample, at, set_up, .. } = heard else { panic!("{heard:?}") };
                samples.push((sample.reading, at, set_up));
            });
        }
        assert_eq!(samples, [(Reading::Force(50.0), MILLISECOND_NS, true)]);
    }

    #[test]
    fn a_board_that_starts_anew_is_set_up_again() {
        for hello_is_lost in [false, true] {
            let (mut dialogue, mut first, mut second) = (Dialogue::new(WANTED), board(), board());
            talk(&mut dialogue, &mut first, 0);
            for conversion in 1..50 {
                let now = conversion as Nanos * MILLISECOND_NS;
                first.convert(conversion, us(now));
                talk(&mut dialogue, &mut first, now);
            }
            if hello_is_lost {
                second.next_frame(0);
            }
            second.convert(5, us(SECOND_NS));
            let heard = talk(&mut dialogue, &mut second, SECOND_NS);
            assert!(heard.iter().any(|heard| heard == "Introduced"), "{heard:?}");
            talk(&mut dialogue, &mut second, SECOND_NS + ASK_EVERY_NS);
            assert!(dialogue.set_up(), "{hello_is_lost}");
        }
    }

    #[test]
    fn a_board_that_has_forgotten_its_scale_is_asked_again() {
        let (mut dialogue, mut first) = (Dialogue::new(WANTED), board());
        talk(&mut dialogue, &mut first, 0);
        // Neither its Hello nor its Setup came through, and its numbers happen to go on.
        let mut second = board();
        second.next_frame(0);
        second.next_frame(0);
        second.convert(7, us(SECOND_NS));
        talk(&mut dialogue, &mut second, SECOND_NS);
        talk(&mut dialogue, &mut second, SECOND_NS + ASK_EVERY_NS);
        assert!(dialogue.set_up() && second.setup().zero_counts == Some(100));
    }

    #[test]
    fn a_board_of_another_version_is_told_apart_and_not_believed() {
        let mut dialogue = Dialogue::new(WANTED);
        let hello = Hello { protocol: PROTOCOL + 1, schema: SCHEMA, firmware: [0; 3], serial: 0, garbled: 0 };
        let other_schema = Hello { protocol: PROTOCOL, schema: SCHEMA ^ 1, ..hello };
        let sample =
            ForceReading { number: 1, taken_us: 0, sent_us: 0, counts: 0, reading: Reading::Force(0.0) };
        for hello in [hello, other_schema] {
            let mut heard = Vec::new();
            for message in [FromBoard::Hello(hello), FromBoard::Hello(hello), FromBoard::Sample(sample)] {
                dialogue.feed(&frame::message(&message).unwrap(), 5, |what| heard.push(format!("{what:?}")));
            }
            assert_eq!(heard, ["Strange"]);
            assert_eq!(dialogue.peer(), &Peer::Stranger { protocol: hello.protocol });
            assert!(!dialogue.alive(5));
        }
        // A new firmware.
        talk(&mut dialogue, &mut board(), 5 * SECOND_NS);
        assert!(dialogue.set_up());
    }

    #[test]
    fn a_frozen_conversion_is_told_although_the_line_lives() {
        let (mut dialogue, mut board) = (Dialogue::new(WANTED), board());
        talk(&mut dialogue, &mut board, 0);
        board.convert(1, 0);
        let heard: Vec<_> =
            (0..60).map(|ms| talk(&mut dialogue, &mut board, ms * MILLISECOND_NS).pop()).collect();
        assert!(heard[..24].iter().flatten().all(|heard| heard != "Frozen"), "{heard:?}");
        assert!(heard[26..].iter().flatten().all(|heard| heard == "Frozen"), "{heard:?}");
        assert!(dialogue.alive(60 * MILLISECOND_NS));
    }

    #[test]
    fn a_looped_line_is_nobody() {
        let mut dialogue = Dialogue::new(WANTED);
        let mut said = Vec::new();
        dialogue.due(0, |frame| said.push(frame));
        assert!(!said.is_empty());
        for frame in said {
            dialogue.feed(&frame, 1, |heard| panic!("{heard:?}"));
        }
        assert_eq!(dialogue.peer(), &Peer::Unknown);
    }
}
