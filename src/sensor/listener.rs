//! Receiving side of the board's link: bytes in, newest force sample out, with time as an argument.
//!
//! The thread in [`uart`](super::uart) runs it on a serial line, tests on a virtual clock.

use yep_sensor_board::frame::SensorFrame;
use yep_sensor_board::hx711;
use yep_sensor_board::message::{ForceReading, Reading};

use super::logs::LogSink;
use super::protocol::{BoardConfig, BoardEvent, BoardProtocol, Peer};
use super::report::{BoardReport, LinkState, SensorReport};
use super::sample_error::SampleError;
use super::scale::Scale;
use super::validator::{AverageRequest, SampleCandidate, SampleValidator};
use crate::units::{Nanos, SECOND_NS};

/// A frame or byte this old still shows that the board or the line is there.
const RECENTLY_NS: Nanos = SECOND_NS;

/// A request to the sensor's thread.
#[derive(Debug)]
pub enum SensorRequest {
    /// Average the next readings.
    Average(AverageRequest),
    /// Use this scale.
    Scale(Scale),
}

/// Receiver of one board's link.
#[derive(Debug)]
pub struct BoardListener {
    protocol: BoardProtocol,
    validator: SampleValidator,
    report: SensorReport,
    logs: LogSink,
    scale: Scale,
    /// Instant of the last byte, and of the last event.
    bytes_at: Option<Nanos>,
    frame_at: Option<Nanos>,
}

impl BoardListener {
    /// For a board that is to convert at `rate_hz` with `scale`.
    pub fn new(
        rate_hz: u16,
        scale: Scale,
        validator: SampleValidator,
        report: SensorReport,
        logs: LogSink,
    ) -> BoardListener {
        BoardListener {
            protocol: BoardProtocol::new(board_config(rate_hz, &scale)),
            validator,
            report,
            logs,
            scale,
            bytes_at: None,
            frame_at: None,
        }
    }

    /// Processes bytes that arrived at `now`.
    pub fn receive(&mut self, bytes: &[u8], now: Nanos) {
        if bytes.is_empty() {
            return;
        }
        self.bytes_at = Some(now);
        // The first bytes count as a frame, so that the state is not Babbling before a frame can be complete.
        self.frame_at.get_or_insert(now);
        let BoardListener { protocol, validator, logs, frame_at, .. } = self;
        protocol.receive(bytes, now, |event| {
            *frame_at = Some(now);
            match event {
                BoardEvent::Sample { sample, at, period_ns, configured } => {
                    validator.keep_alive(now);
                    submit_sample(validator, &sample, at, period_ns, configured, now);
                }
                BoardEvent::KeepAlive => validator.keep_alive(now),
                BoardEvent::Frozen => validator.invalidate(SampleError::Frozen),
                BoardEvent::Restarted | BoardEvent::OtherVersion => {
                    validator.invalidate(SampleError::Unknown)
                }
                BoardEvent::Log(frame) => logs.push(frame),
            }
        });
        self.update_link_state(now);
    }

    /// Sends what is due at `now` through `send`.
    pub fn send_due(&mut self, now: Nanos, send: impl FnMut(SensorFrame)) {
        self.protocol.send_due(now, send);
    }

    /// Carries out a request.
    pub fn apply(&mut self, request: SensorRequest) {
        match request {
            SensorRequest::Average(request) => self.validator.start_average(request),
            SensorRequest::Scale(scale) => {
                self.scale = scale;
                self.protocol.configure(board_config(self.protocol.config().rate_hz, &scale));
                self.validator.forget_history();
            }
        }
    }

    /// Reports that the device cannot be opened or was unplugged.
    pub fn report_unplugged(&mut self, why: &str) {
        self.validator.invalidate(SampleError::Unknown);
        self.report.state().trouble = Some(why.to_owned());
        self.set_link_state(LinkState::Unplugged);
    }

    /// Reports that the device was opened.
    pub fn report_opened(&mut self) {
        self.protocol.reset();
        (self.bytes_at, self.frame_at) = (None, None);
        let mut state = self.report.state();
        state.opened += 1;
        state.trouble = None;
        state.board = None;
    }

    /// True if a byte came within a second.
    pub fn is_receiving(&self, now: Nanos) -> bool {
        recently(self.bytes_at, now)
    }

    /// Updates the state of the link in the report.
    pub fn update_link_state(&mut self, now: Nanos) {
        let link = match self.protocol.peer() {
            Peer::OtherVersion { .. } if recently(self.frame_at, now) => LinkState::OtherVersion,
            _ if recently(self.frame_at, now) && self.protocol.is_configured() => LinkState::Live,
            _ if recently(self.frame_at, now) => LinkState::Greeting,
            _ if recently(self.bytes_at, now) => LinkState::Babbling,
            _ => LinkState::Silent,
        };
        let counts = self.protocol.counts();
        {
            let mut state = self.report.state();
            state.heard_at = self.protocol.last_frame_at().or(state.heard_at);
            (state.good_frames, state.garbled) = (u64::from(counts.good), u64::from(counts.garbled));
            match self.protocol.peer() {
                Peer::Unknown => {}
                Peer::OtherVersion { protocol } => {
                    state.board = Some(BoardReport { protocol: *protocol, firmware: None, serial: None });
                }
                Peer::Board { hello, setup } => {
                    let (firmware, serial) = (Some(hello.firmware), Some(hello.serial));
                    state.board = Some(BoardReport { protocol: hello.protocol, firmware, serial });
                    state.rate_hz = setup.map(|setup| f64::from(setup.rate_hz));
                }
            }
            if self.protocol.is_configured() {
                state.scale = self.scale;
            }
        }
        self.set_link_state(link);
    }

    /// Sets the state of the link; logs each change once.
    fn set_link_state(&mut self, link: LinkState) {
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

fn submit_sample(
    validator: &mut SampleValidator,
    sample: &ForceReading,
    at: Nanos,
    period_ns: Nanos,
    configured: bool,
    now: Nanos,
) {
    let reading = f64::from(sample.counts);
    let why = match sample.reading {
        // The count is checked here too, whatever the board reports.
        Reading::Force(_) if hx711::is_saturated(sample.counts) => SampleError::Saturated,
        Reading::Force(force_g) if configured => {
            return validator
                .submit(SampleCandidate { reading, force_g: f64::from(force_g), at, period_ns }, now);
        }
        // The board still converts with an old scale, so the force is not in grams of ours.
        Reading::Force(_) | Reading::Unscaled => SampleError::Unscaled,
        Reading::Saturated => SampleError::Saturated,
        Reading::Silent => SampleError::Silent,
    };
    validator.reject(why, Some(reading));
}

/// The configuration of a board for this scale.
fn board_config(rate_hz: u16, scale: &Scale) -> BoardConfig {
    BoardConfig {
        // Fits: it is a mean of 24-bit readings.
        zero_counts: scale.zero.map(|zero| zero.round() as i32),
        counts_per_g: scale.per_g.map(|per_g| per_g as f32),
        rate_hz,
    }
}
