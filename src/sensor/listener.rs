//! The whole way from bytes to the newest sample, with time as an argument: the thread of [`uart`](super::uart) runs it on
//! a serial line, a test on a virtual clock.

use yep_sensor_board::frame::SensorFrame;
use yep_sensor_board::hx711;
use yep_sensor_board::message::{ForceReading, Reading};

use super::dialogue::{BoardReply, Dialogue, Peer, Wanted};
use super::intake::{AcceptedSample, AverageOrder, Intake};
use super::logs::LogSink;
use super::report::{BoardReport, LinkState, SensorReport};
use super::sample_error::SampleError;
use super::scale::Scale;
use crate::units::{Nanos, SECOND_NS};

/// What was heard within this time is there.
const RECENTLY_NS: Nanos = SECOND_NS;

/// What the rest of the program wants of the sensor's thread.
#[derive(Debug)]
pub enum SensorOrder {
    /// The mean of the next readings.
    Average(AverageOrder),
    /// From now on readings mean this.
    Scale(Scale),
}

/// Hears a board.
#[derive(Debug)]
pub struct BoardListener {
    dialogue: Dialogue,
    intake: Intake,
    report: SensorReport,
    logs: LogSink,
    scale: Scale,
    /// When anything came, and when it was a frame of a board.
    bytes_at: Option<Nanos>,
    frame_at: Option<Nanos>,
}

impl BoardListener {
    /// Of a board that is to convert at this rate, with this scale.
    #[must_use]
    pub fn new(
        rate_hz: u16,
        scale: Scale,
        intake: Intake,
        report: SensorReport,
        logs: LogSink,
    ) -> BoardListener {
        BoardListener {
            dialogue: Dialogue::new(wanted(rate_hz, &scale)),
            intake,
            report,
            logs,
            scale,
            bytes_at: None,
            frame_at: None,
        }
    }

    /// Bytes came at `now`.
    pub fn hear(&mut self, bytes: &[u8], now: Nanos) {
        if bytes.is_empty() {
            return;
        }
        self.bytes_at = Some(now);
        // The first bytes are given the time to become a frame.
        self.frame_at.get_or_insert(now);
        let BoardListener { dialogue, intake, logs, frame_at, .. } = self;
        dialogue.feed(bytes, now, |heard| {
            *frame_at = Some(now);
            match heard {
                BoardReply::New { sample, at, period_ns, set_up } => {
                    intake.hear(now);
                    judge(intake, &sample, at, period_ns, set_up, now);
                }
                BoardReply::Again => intake.hear(now),
                BoardReply::Frozen => intake.lose(SampleError::Frozen),
                BoardReply::Introduced | BoardReply::Strange => intake.lose(SampleError::Unknown),
                BoardReply::Log(frame) => logs.take(frame),
            }
        });
        self.note(now);
    }

    /// What is to be said to the board at `now`.
    pub fn due(&mut self, now: Nanos, say: impl FnMut(SensorFrame)) {
        self.dialogue.due(now, say);
    }

    /// Does what the rest of the program wants.
    pub fn obey(&mut self, order: SensorOrder) {
        match order {
            SensorOrder::Average(order) => self.intake.average(order),
            SensorOrder::Scale(scale) => {
                self.scale = scale;
                self.dialogue.want(wanted(self.dialogue.wanted().rate_hz, &scale));
                self.intake.forget();
            }
        }
    }

    /// The device went away, or cannot be opened.
    pub fn unplugged(&mut self, why: &str) {
        self.intake.lose(SampleError::Unknown);
        self.report.state().trouble = Some(why.to_owned());
        self.become_(LinkState::Unplugged);
    }

    /// The device was opened.
    pub fn opened(&mut self) {
        self.dialogue.reopened();
        (self.bytes_at, self.frame_at) = (None, None);
        let mut state = self.report.state();
        state.opened += 1;
        state.trouble = None;
        state.board = None;
    }

    /// Whether anything at all came lately.
    #[must_use]
    pub fn hears_something(&self, now: Nanos) -> bool {
        recently(self.bytes_at, now)
    }

    /// Writes down how the line is at `now`.
    pub fn note(&mut self, now: Nanos) {
        let link = match self.dialogue.peer() {
            Peer::Stranger { .. } if recently(self.frame_at, now) => LinkState::OtherVersion,
            _ if recently(self.frame_at, now) && self.dialogue.set_up() => LinkState::Live,
            _ if recently(self.frame_at, now) => LinkState::Greeting,
            _ if recently(self.bytes_at, now) => LinkState::Babbling,
            _ => LinkState::Silent,
        };
        let seen = self.dialogue.seen();
        {
            let mut state = self.report.state();
            state.heard_at = self.dialogue.heard_at().or(state.heard_at);
            (state.good_frames, state.garbled) = (u64::from(seen.good), u64::from(seen.garbled));
            match self.dialogue.peer() {
                Peer::Unknown => {}
                Peer::Stranger { protocol } => {
                    state.board = Some(BoardReport { protocol: *protocol, firmware: None, serial: None });
                }
                Peer::Board { hello, setup } => {
                    let (firmware, serial) = (Some(hello.firmware), Some(hello.serial));
                    state.board = Some(BoardReport { protocol: hello.protocol, firmware, serial });
                    state.rate_hz = setup.map(|setup| f64::from(setup.rate_hz));
                }
            }
            if self.dialogue.set_up() {
                state.scale = self.scale;
            }
        }
        self.become_(link);
    }

    /// Each change is said once.
    fn become_(&mut self, link: LinkState) {
        let before = std::mem::replace(&mut self.report.state().link, link);
        if before == link {
            return;
        }
        let trouble = self.report.state().trouble.clone().unwrap_or_default();
        match link {
            LinkState::Live | LinkState::Greeting => tracing::info!("force sensor: {}", link.remedy()),
            _ => tracing::warn!(trouble, "force sensor: {}", link.remedy()),
        }
    }
}

fn recently(at: Option<Nanos>, now: Nanos) -> bool {
    at.is_some_and(|at| now.saturating_sub(at) <= RECENTLY_NS)
}

fn judge(intake: &mut Intake, sample: &ForceReading, at: Nanos, period_ns: Nanos, set_up: bool, now: Nanos) {
    let reading = f64::from(sample.counts);
    let why = match sample.reading {
        // The board's word counts less than the number beside it.
        Reading::Force(_) if hx711::saturated(sample.counts) => SampleError::Saturated,
        Reading::Force(force_g) if set_up => {
            return intake.take(AcceptedSample { reading, force_g: f64::from(force_g), at, period_ns }, now);
        }
        // Its scale is not the one that it was told: for the moment nobody knows what it means.
        Reading::Force(_) | Reading::Unscaled => SampleError::Unscaled,
        Reading::Saturated => SampleError::Saturated,
        Reading::Silent => SampleError::Silent,
    };
    intake.miss(why, Some(reading));
}

/// The scale as the board takes it.
fn wanted(rate_hz: u16, scale: &Scale) -> Wanted {
    Wanted {
        // Within 24 bits: it is a mean of readings.
        zero_counts: scale.zero.map(|zero| zero.round() as i32),
        counts_per_g: scale.per_g.map(|per_g| per_g as f32),
        rate_hz,
    }
}
