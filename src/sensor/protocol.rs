//! Protocol state machine of the serial link to the sensor board: handshake, version check, configuration, detection of
//! new samples.
//!
//! It takes bytes and instants and returns events and frames to send; it owns no device and no clock. A message of the
//! board counts only after its Hello has shown our protocol version, and a force only while the board converts with our
//! scale. A board that restarts sends a Hello, and is configured again.

use yep_sensor_board::frame::{self, Channel, Deframer, FrameCounts, SensorFrame};
use yep_sensor_board::hx711::nearest_rate_hz;
use yep_sensor_board::message::{
    self, ForceReading, FromBoard, Hello, PROTOCOL, Reading, SCHEMA, Setup, ToBoard,
};

use super::clock_sync::ClockSync;
use crate::hal::newest::LINK_TIMEOUT_NS;
use crate::layout;
use crate::units::{MILLISECOND_NS, Nanos, SECOND_NS};

// The board does not include the layout, and both ends of the line must agree.
const _: () = assert!(frame::FRAME_BYTES == layout::UART_FRAME_BYTES);

/// Retry interval for Identify and for configuration orders.
const ASK_EVERY_NS: Nanos = 200 * MILLISECOND_NS;
/// The same for a board of another protocol version; it is long since a new firmware may be written over the line
/// meanwhile.
const ASK_OTHER_VERSION_EVERY_NS: Nanos = 2 * SECOND_NS;
/// A conversion that is not followed by another one for two periods, plus some slack for the board's loop, is frozen
/// (promise S12).
const FROZEN_AFTER_PERIODS: u32 = 2;
const FROZEN_SLACK_US: u32 = 1_000;

/// Wanted configuration of the board.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct BoardConfig {
    /// Reading of the unloaded cell; `None` before the first tare.
    pub zero_counts: Option<i32>,
    /// Counts per gram; `None` before the first calibration.
    pub counts_per_g: Option<f32>,
    /// Conversion rate (1/s).
    pub rate_hz: u16,
}

impl BoardConfig {
    fn is_complete(&self) -> bool {
        self.zero_counts.is_some() && self.counts_per_g.is_some()
    }

    /// The orders that turn the board's present `setup` into this configuration; empty if they agree.
    fn missing_orders(&self, setup: &Setup) -> impl Iterator<Item = ToBoard> {
        let rate_hz = nearest_rate_hz(self.rate_hz);
        let zero = self.zero_counts.filter(|zero| setup.zero_counts != Some(*zero));
        let factor = self.counts_per_g.filter(|factor| setup.counts_per_g != Some(*factor));
        let rate = (setup.rate_hz != rate_hz).then_some(ToBoard::SetRate { rate_hz });
        let tare = zero.map(|zero_counts| ToBoard::Tare { zero_counts });
        let factor = factor.map(|counts_per_g| ToBoard::SetFactor { counts_per_g });
        tare.into_iter().chain(factor).chain(rate)
    }
}

/// The other end of the line.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Peer {
    /// No message yet.
    Unknown,
    /// A board with another version of the messages.
    OtherVersion {
        /// Its protocol version.
        protocol: u16,
    },
    /// A board with our version of the messages.
    Board {
        /// Its Hello message.
        hello: Hello,
        /// Its present configuration, once it has reported it.
        setup: Option<Setup>,
    },
}

/// An event from the board.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum BoardEvent<'a> {
    /// A new conversion.
    Sample {
        /// The board's message.
        sample: ForceReading,
        /// Instant of the conversion on the machine's clock.
        at: Nanos,
        /// Time between conversions.
        period_ns: Nanos,
        /// True if the board converts with the wanted configuration.
        configured: bool,
    },
    /// A message without a new conversion; it shows that the link is alive.
    KeepAlive,
    /// The link is alive, but there was no new conversion for two periods.
    Frozen,
    /// The board restarted or was replaced; its earlier messages no longer count.
    Restarted,
    /// The board has another version of the messages.
    OtherVersion,
    /// One frame of the board's log.
    Log(&'a [u8]),
}

/// Protocol state machine of the link to one board.
#[derive(Debug)]
pub struct BoardProtocol {
    deframer: Deframer,
    clock_sync: ClockSync,
    config: BoardConfig,
    peer: Peer,
    last_number: Option<u32>,
    /// Instant of the next transmission.
    send_at: Nanos,
    last_frame_at: Option<Nanos>,
}

impl BoardProtocol {
    /// The state before any message.
    pub fn new(config: BoardConfig) -> BoardProtocol {
        BoardProtocol {
            deframer: Deframer::new(),
            clock_sync: ClockSync::default(),
            config,
            peer: Peer::Unknown,
            last_number: None,
            send_at: 0,
            last_frame_at: None,
        }
    }

    /// The other end of the line.
    pub fn peer(&self) -> &Peer {
        &self.peer
    }

    /// Counts of bytes and frames on the line.
    pub fn counts(&self) -> FrameCounts {
        self.deframer.counts()
    }

    /// Instant of the last frame from a board with our version.
    pub fn last_frame_at(&self) -> Option<Nanos> {
        self.last_frame_at
    }

    /// True if that frame came within [`LINK_TIMEOUT_NS`].
    pub fn is_alive(&self, now: Nanos) -> bool {
        self.last_frame_at.is_some_and(|heard| now.saturating_sub(heard) <= LINK_TIMEOUT_NS)
    }

    /// True if the board has confirmed the wanted configuration.
    pub fn is_configured(&self) -> bool {
        matches!(self.peer, Peer::Board { setup: Some(setup), .. } if self.config.missing_orders(&setup).next().is_none())
    }

    /// Sets the wanted configuration, which [`BoardProtocol::send_due`] sends to the board.
    pub fn configure(&mut self, config: BoardConfig) {
        self.config = config;
        self.send_at = 0;
    }

    /// Wanted configuration of the board.
    pub fn config(&self) -> &BoardConfig {
        &self.config
    }

    /// Starts again after the device was reopened: the board may be another one.
    pub fn reset(&mut self) {
        *self = BoardProtocol::new(self.config);
    }

    /// Processes received bytes; calls `on_event` for each event.
    pub fn receive(&mut self, bytes: &[u8], now: Nanos, mut on_event: impl FnMut(BoardEvent<'_>)) {
        // Taken out, as the closure borrows `self` while the deframer lends it a frame.
        let mut deframer = std::mem::take(&mut self.deframer);
        deframer.feed(bytes, |channel, payload| match channel {
            Channel::Message => {
                if let Some(event) = self.handle_message(payload, now) {
                    on_event(event);
                }
            }
            Channel::Log => on_event(BoardEvent::Log(payload)),
            // A frame of ours came back: the line is looped, and no board is there.
            Channel::Order => {}
        });
        self.deframer = deframer;
    }

    fn handle_message(&mut self, payload: &[u8], now: Nanos) -> Option<BoardEvent<'static>> {
        if let Some((protocol, schema)) = message::peek_version(payload)
            && (protocol, schema) != (PROTOCOL, SCHEMA)
        {
            let known = self.peer == Peer::OtherVersion { protocol };
            (self.peer, self.last_frame_at) = (Peer::OtherVersion { protocol }, None);
            self.send_at = self.send_at.max(now + ASK_OTHER_VERSION_EVERY_NS);
            return (!known).then_some(BoardEvent::OtherVersion);
        }
        match (message::read(payload)?, &mut self.peer) {
            (FromBoard::Hello(hello), _) => {
                self.peer = Peer::Board { hello, setup: None };
                self.clock_sync.reset();
                self.last_number = None;
                self.last_frame_at = Some(now);
                Some(BoardEvent::Restarted)
            }
            (FromBoard::Setup(said), Peer::Board { setup, .. }) => {
                if setup.replace(said).is_none() {
                    self.send_at = 0;
                }
                self.last_frame_at = Some(now);
                Some(BoardEvent::KeepAlive)
            }
            (FromBoard::Sample(sample), Peer::Board { setup: Some(setup), .. }) => {
                let rate_hz = setup.rate_hz;
                Some(self.handle_sample(sample, rate_hz, now))
            }
            // Ignored before the board's Hello.
            (FromBoard::Setup(_) | FromBoard::Sample(_), _) => None,
        }
    }

    fn handle_sample(&mut self, sample: ForceReading, rate_hz: u16, now: Nanos) -> BoardEvent<'static> {
        self.last_frame_at = Some(now);
        let step = self.last_number.map(|last| sample.number.wrapping_sub(last));
        if step.is_some_and(|step| step > u32::MAX / 2) {
            // The number went back: the board restarted, and its Hello was lost.
            self.peer = Peer::Unknown;
            self.send_at = 0;
            self.last_number = None;
            return BoardEvent::Restarted;
        }
        if sample.reading == Reading::Unscaled && self.config.is_complete() && self.is_configured() {
            // The board restarted and lost its configuration, and its Hello was lost.
            self.peer = Peer::Unknown;
            self.send_at = 0;
        }
        let sent = self.clock_sync.to_machine_time(sample.sent_us, now);
        let period_us = 1_000_000 / u32::from(rate_hz.max(1));
        let age_us = sample.sent_us.wrapping_sub(sample.taken_us);
        self.last_number = Some(sample.number);
        if age_us > FROZEN_AFTER_PERIODS * period_us + FROZEN_SLACK_US {
            return BoardEvent::Frozen;
        }
        if step == Some(0) || sample.number == 0 {
            return BoardEvent::KeepAlive;
        }
        let at = sent.saturating_sub(Nanos::from(age_us) * 1_000);
        BoardEvent::Sample {
            sample,
            at,
            period_ns: Nanos::from(period_us) * 1_000,
            configured: self.is_configured(),
        }
    }

    /// Sends what is due at `now` through `send`: Identify to an unknown board, configuration orders to a known one.
    pub fn send_due(&mut self, now: Nanos, mut send: impl FnMut(SensorFrame)) {
        if now < self.send_at {
            return;
        }
        self.send_at = now + ASK_EVERY_NS;
        match self.peer {
            Peer::Board { setup: Some(setup), .. } => {
                self.config.missing_orders(&setup).filter_map(|order| frame::order(&order)).for_each(send);
            }
            Peer::Unknown | Peer::OtherVersion { .. } | Peer::Board { setup: None, .. } => {
                if matches!(self.peer, Peer::OtherVersion { .. }) {
                    self.send_at = now + ASK_OTHER_VERSION_EVERY_NS;
                }
                if let Some(frame) = frame::order(&ToBoard::Identify) {
                    send(frame);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use yep_sensor_board::{Board, Identity};

    use super::*;

    const WANTED: BoardConfig = BoardConfig { zero_counts: Some(100), counts_per_g: Some(10.0), rate_hz: 80 };

    fn us(now: Nanos) -> u32 {
        (now / 1_000) as u32
    }

    /// Exchanges frames until both ends are idle; returns the events.
    fn talk(protocol: &mut BoardProtocol, board: &mut Board, now: Nanos) -> Vec<String> {
        let mut heard = Vec::new();
        for _ in 0..5 {
            while let Some(frame) = board.next_frame(us(now)) {
                protocol.receive(&frame, now, |what| heard.push(format!("{what:?}")));
            }
            protocol.send_due(now, |frame| board.receive(&frame));
        }
        heard
    }

    fn board() -> Board {
        Board::new(Identity::default(), 0)
    }

    #[test]
    fn a_board_is_set_up_before_its_samples_count() {
        let (mut protocol, mut board) = (BoardProtocol::new(WANTED), board());
        assert!(!protocol.is_configured());
        talk(&mut protocol, &mut board, 0);
        assert!(protocol.is_configured() && protocol.is_alive(0));
        assert_eq!((board.setup().zero_counts, board.setup().counts_per_g), (Some(100), Some(10.0)));
        board.convert(600, us(MILLISECOND_NS));
        let mut samples = Vec::new();
        while let Some(frame) = board.next_frame(us(MILLISECOND_NS)) {
            protocol.receive(&frame, MILLISECOND_NS, |heard| {
                let BoardEvent::Sample { sample, at, configured, .. } = heard else { panic!("{heard:?}") };
                samples.push((sample.reading, at, configured));
            });
        }
        assert_eq!(samples, [(Reading::Force(50.0), MILLISECOND_NS, true)]);
    }

    #[test]
    fn a_board_that_starts_anew_is_set_up_again() {
        for hello_is_lost in [false, true] {
            let (mut protocol, mut first, mut second) = (BoardProtocol::new(WANTED), board(), board());
            talk(&mut protocol, &mut first, 0);
            for conversion in 1..50 {
                let now = conversion as Nanos * MILLISECOND_NS;
                first.convert(conversion, us(now));
                talk(&mut protocol, &mut first, now);
            }
            if hello_is_lost {
                second.next_frame(0);
            }
            second.convert(5, us(SECOND_NS));
            let heard = talk(&mut protocol, &mut second, SECOND_NS);
            assert!(heard.iter().any(|heard| heard == "Restarted"), "{heard:?}");
            talk(&mut protocol, &mut second, SECOND_NS + ASK_EVERY_NS);
            assert!(protocol.is_configured(), "{hello_is_lost}");
        }
    }

    #[test]
    fn a_board_that_has_forgotten_its_scale_is_asked_again() {
        let (mut protocol, mut first) = (BoardProtocol::new(WANTED), board());
        talk(&mut protocol, &mut first, 0);
        // Neither its Hello nor its Setup came through, and its numbers happen to go on.
        let mut second = board();
        second.next_frame(0);
        second.next_frame(0);
        second.convert(7, us(SECOND_NS));
        talk(&mut protocol, &mut second, SECOND_NS);
        talk(&mut protocol, &mut second, SECOND_NS + ASK_EVERY_NS);
        assert!(protocol.is_configured() && second.setup().zero_counts == Some(100));
    }

    #[test]
    fn a_board_of_another_version_is_told_apart_and_not_believed() {
        let mut protocol = BoardProtocol::new(WANTED);
        let hello = Hello { protocol: PROTOCOL + 1, schema: SCHEMA, firmware: [0; 3], serial: 0, garbled: 0 };
        let other_schema = Hello { protocol: PROTOCOL, schema: SCHEMA ^ 1, ..hello };
        let sample =
            ForceReading { number: 1, taken_us: 0, sent_us: 0, counts: 0, reading: Reading::Force(0.0) };
        for hello in [hello, other_schema] {
            let mut heard = Vec::new();
            for message in [FromBoard::Hello(hello), FromBoard::Hello(hello), FromBoard::Sample(sample)] {
                protocol
                    .receive(&frame::message(&message).unwrap(), 5, |what| heard.push(format!("{what:?}")));
            }
            assert_eq!(heard, ["OtherVersion"]);
            assert_eq!(protocol.peer(), &Peer::OtherVersion { protocol: hello.protocol });
            assert!(!protocol.is_alive(5));
        }
        // A new firmware.
        talk(&mut protocol, &mut board(), 5 * SECOND_NS);
        assert!(protocol.is_configured());
    }

    #[test]
    fn a_frozen_conversion_is_told_although_the_line_lives() {
        let (mut protocol, mut board) = (BoardProtocol::new(WANTED), board());
        talk(&mut protocol, &mut board, 0);
        board.convert(1, 0);
        let heard: Vec<_> =
            (0..60).map(|ms| talk(&mut protocol, &mut board, ms * MILLISECOND_NS).pop()).collect();
        assert!(heard[..24].iter().flatten().all(|heard| heard != "Frozen"), "{heard:?}");
        assert!(heard[26..].iter().flatten().all(|heard| heard == "Frozen"), "{heard:?}");
        assert!(protocol.is_alive(60 * MILLISECOND_NS));
    }

    #[test]
    fn a_looped_line_is_nobody() {
        let mut protocol = BoardProtocol::new(WANTED);
        let mut said = Vec::new();
        protocol.send_due(0, |frame| said.push(frame));
        assert!(!said.is_empty());
        for frame in said {
            protocol.receive(&frame, 1, |heard| panic!("{heard:?}"));
        }
        assert_eq!(protocol.peer(), &Peer::Unknown);
    }
}
