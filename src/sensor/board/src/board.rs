//! State machine of the sensor board: bytes from the host and conversions in, frames to the host out, with time as an
//! argument.
//!
//! A firmware is a loop around it: pass on received bytes and conversions, send the frames that are due. After power-on
//! the board does not know the scale and says so in each sample; the host sends it after each power-on. So no force is
//! ever computed with a forgotten zero.

#[cfg(feature = "defmt")]
use defmt::{error, info, warn as warn_};

use crate::filter::Filter;
use crate::frame::{self, Channel, Deframer, SensorFrame};
use crate::hx711::{self, MAX_COUNTS, MIN_COUNTS};
use crate::message::{self, ForceReading, FromBoard, Hello, PROTOCOL, Reading, SCHEMA, Setup, ToBoard};

/// Longest time between two samples, new or repeated: 125 a second show that the link is alive (µs).
pub const SIGN_OF_LIFE_US: u32 = 8_000;
/// Number of missed conversions in a row after which the converter counts as silent.
const MISSED_CONVERSIONS: u32 = 4;
/// Least magnitude of the factor; below it ten kilograms would not show above the noise.
pub const LEAST_COUNTS_PER_G: f32 = 0.01;

/// Identity of the firmware and its chip.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Identity {
    /// Version of the firmware: major, minor, patch.
    pub firmware: [u8; 3],
    /// Serial number of the chip; zero if it has none.
    pub serial: u64,
}

#[derive(Debug, Clone, Copy)]
struct RawSample {
    number: u32,
    at_us: u32,
    counts: i32,
    reading: Reading,
}

/// State machine of the board.
#[derive(Debug)]
pub struct Board {
    identity: Identity,
    deframer: Deframer,
    setup: Setup,
    filter: Filter,
    last: RawSample,
    sent_us: u32,
    /// Messages that are due, besides samples.
    say_hello: bool,
    say_setup: bool,
    /// True until the last conversion is sent.
    fresh: bool,
}

impl Board {
    /// The state at power-on, with the highest conversion rate.
    pub fn new(identity: Identity, now_us: u32) -> Board {
        let rate_hz = hx711::nearest_rate_hz(u16::MAX);
        Board {
            identity,
            deframer: Deframer::new(),
            setup: Setup { zero_counts: None, counts_per_g: None, rate_hz },
            filter: Filter::new(),
            last: RawSample { number: 0, at_us: now_us, counts: 0, reading: Reading::Silent },
            sent_us: now_us,
            say_hello: true,
            say_setup: true,
            fresh: false,
        }
    }

    /// Present configuration; the firmware sets the converter's rate from it.
    pub fn setup(&self) -> &Setup {
        &self.setup
    }

    /// Processes bytes from the host.
    pub fn receive(&mut self, bytes: &[u8]) {
        // Taken out, as the closure borrows `self` while the deframer lends it a frame.
        let mut deframer = core::mem::take(&mut self.deframer);
        deframer.feed(bytes, |channel, payload| {
            let order = message::read::<ToBoard>(payload).filter(|_| channel == Channel::Order);
            let Some(order) = order else {
                warn_!("a frame of {=usize} bytes is no order", payload.len());
                return;
            };
            self.execute(order);
        });
        self.deframer = deframer;
    }

    fn execute(&mut self, order: ToBoard) {
        match order {
            ToBoard::Identify => self.say_hello = true,
            ToBoard::Tare { zero_counts } if (MIN_COUNTS..=MAX_COUNTS).contains(&zero_counts) => {
                info!("zero is at {=i32} counts", zero_counts);
                self.setup.zero_counts = Some(zero_counts);
                self.filter.reset();
            }
            ToBoard::SetFactor { counts_per_g }
                if counts_per_g.is_finite() && counts_per_g.abs() >= LEAST_COUNTS_PER_G =>
            {
                info!("a gram is {=f32} counts", counts_per_g);
                self.setup.counts_per_g = Some(counts_per_g);
                self.filter.reset();
            }
            ToBoard::SetRate { rate_hz } => {
                self.setup.rate_hz = hx711::nearest_rate_hz(rate_hz);
                info!("{=u16} conversions a second", self.setup.rate_hz);
            }
            ToBoard::Tare { .. } | ToBoard::SetFactor { .. } => {
                warn_!("refused an impossible zero or factor")
            }
        }
        // Every order is answered with the configuration, which shows a refusal too.
        self.say_setup = true;
    }

    /// Processes a conversion.
    pub fn convert(&mut self, counts: i32, now_us: u32) {
        let after_s = now_us.wrapping_sub(self.last.at_us) as f32 * 1e-6;
        let reading = match (self.setup.zero_counts, self.setup.counts_per_g) {
            _ if hx711::is_saturated(counts) => {
                if self.last.reading != Reading::Saturated {
                    warn_!("the converter is saturated at {=i32} counts", counts);
                }
                self.filter.reset();
                Reading::Saturated
            }
            (Some(zero), Some(factor)) => {
                // Below 2²⁵, so exact in an f64; an f32 would round.
                let force_g = f64::from(counts - zero) / f64::from(factor);
                Reading::Force(self.filter.update(force_g as f32, after_s))
            }
            _ => Reading::Unscaled,
        };
        self.last = RawSample { number: self.last.number.wrapping_add(1), at_us: now_us, counts, reading };
        self.fresh = true;
    }

    /// The next frame to send; to be called until it returns `None`.
    pub fn next_frame(&mut self, now_us: u32) -> Option<SensorFrame> {
        if core::mem::take(&mut self.say_hello) {
            self.say_setup = true;
            return frame::message(&FromBoard::Hello(self.hello()));
        }
        if core::mem::take(&mut self.say_setup) {
            return frame::message(&FromBoard::Setup(self.setup));
        }
        if !core::mem::take(&mut self.fresh) && now_us.wrapping_sub(self.sent_us) < SIGN_OF_LIFE_US {
            return None;
        }
        self.sent_us = now_us;
        frame::message(&FromBoard::Sample(self.sample(now_us)))
    }

    fn hello(&self) -> Hello {
        Hello {
            protocol: PROTOCOL,
            schema: SCHEMA,
            firmware: self.identity.firmware,
            serial: self.identity.serial,
            garbled: self.deframer.counts().garbled,
        }
    }

    fn sample(&mut self, now_us: u32) -> ForceReading {
        // A firmware that reads its clock before the converter can pass a conversion from the future; its age is zero
        // then.
        let ahead = now_us.wrapping_sub(self.last.at_us) > u32::MAX / 2;
        let now_us = if ahead { self.last.at_us } else { now_us };
        let period_us = 1_000_000 / u32::from(self.setup.rate_hz.max(1));
        if now_us.wrapping_sub(self.last.at_us) > MISSED_CONVERSIONS * period_us
            && self.last.reading != Reading::Silent
        {
            error!("the converter has become silent");
            self.last.reading = Reading::Silent;
            self.filter.reset();
        }
        let RawSample { number, at_us, counts, reading } = self.last;
        ForceReading { number, taken_us: at_us, sent_us: now_us, counts, reading }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn send(board: &mut Board, order: ToBoard) {
        board.receive(&frame::order(&order).unwrap());
    }

    fn received(board: &mut Board, now_us: u32) -> std::vec::Vec<FromBoard> {
        let mut deframer = Deframer::new();
        let mut messages = std::vec::Vec::new();
        while let Some(frame) = board.next_frame(now_us) {
            deframer.feed(&frame, |_, payload| messages.push(message::read(payload).unwrap()));
        }
        messages
    }

    fn board() -> Board {
        Board::new(Identity { firmware: [1, 2, 3], serial: 7 }, 0)
    }

    fn reading(board: &mut Board, counts: i32, now_us: u32) -> Reading {
        board.convert(counts, now_us);
        match received(board, now_us).last() {
            Some(FromBoard::Sample(sample)) => sample.reading,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn it_introduces_itself_at_power_on_and_when_it_is_asked() {
        let mut board = board();
        let first = received(&mut board, 0);
        let [FromBoard::Hello(hello), FromBoard::Setup(setup)] = first[..] else { panic!("{first:?}") };
        assert_eq!(
            (hello.protocol, hello.schema, hello.firmware, hello.serial),
            (PROTOCOL, SCHEMA, [1, 2, 3], 7)
        );
        assert_eq!(setup, Setup { zero_counts: None, counts_per_g: None, rate_hz: 80 });
        assert_eq!(received(&mut board, 0), []);
        send(&mut board, ToBoard::Identify);
        assert_eq!(received(&mut board, 0), first);
    }

    #[test]
    fn its_own_words_on_a_looped_line_change_nothing() {
        let mut board = board();
        board.convert(1, 0);
        while let Some(frame) = board.next_frame(0) {
            board.receive(&frame);
        }
        assert_eq!(received(&mut board, 0), []);
    }

    #[test]
    fn it_makes_no_force_before_it_knows_zero_and_factor() {
        let mut board = board();
        assert_eq!(reading(&mut board, 5_000, 100), Reading::Unscaled);
        send(&mut board, ToBoard::Tare { zero_counts: 1_000 });
        assert_eq!(reading(&mut board, 5_000, 200), Reading::Unscaled);
        send(&mut board, ToBoard::SetFactor { counts_per_g: -400.0 });
        assert_eq!(reading(&mut board, 5_000, 300), Reading::Force(-10.0));
        assert_eq!(reading(&mut board, MAX_COUNTS, 400), Reading::Saturated);
        send(&mut board, ToBoard::SetRate { rate_hz: 12 });
        assert_eq!(board.setup().rate_hz, 10);
    }

    #[test]
    fn what_is_impossible_changes_nothing_and_is_answered_all_the_same() {
        let mut board = board();
        send(&mut board, ToBoard::SetFactor { counts_per_g: 2.0 });
        let before = *board.setup();
        received(&mut board, 0);
        for order in [
            ToBoard::Tare { zero_counts: MAX_COUNTS + 1 },
            ToBoard::SetFactor { counts_per_g: 0.0 },
            ToBoard::SetFactor { counts_per_g: f32::NAN },
            ToBoard::SetFactor { counts_per_g: f32::INFINITY },
        ] {
            send(&mut board, order);
            assert_eq!(received(&mut board, 0), [FromBoard::Setup(before)], "{order:?}");
        }
    }

    #[test]
    fn a_sample_goes_out_at_once_and_again_as_a_sign_of_life() {
        let mut board = board();
        received(&mut board, 0);
        let mut sent = 0;
        let mut now_us = u32::MAX - 500_000;
        board.convert(1, now_us);
        for tick in 0..1_000 {
            now_us = now_us.wrapping_add(1_000);
            if tick % 12 == 0 {
                board.convert(tick, now_us);
            }
            for message in received(&mut board, now_us) {
                let FromBoard::Sample(sample) = message else { panic!("{message:?}") };
                assert!(sample.sent_us.wrapping_sub(sample.taken_us) < 12_000, "{sample:?}");
                sent += 1;
            }
        }
        assert!(sent >= 150, "{sent} in a second");
    }

    #[test]
    fn a_conversion_that_is_later_than_the_look_at_the_clock_is_a_young_one() {
        let mut board = board();
        received(&mut board, 0);
        board.convert(1, 1_050);
        let last = received(&mut board, 1_000).pop();
        let Some(FromBoard::Sample(sample)) = last else { panic!("{last:?}") };
        assert_eq!((sample.taken_us, sample.sent_us, sample.reading), (1_050, 1_050, Reading::Unscaled));
    }

    #[test]
    fn a_silent_converter_is_said_to_be_silent() {
        let mut board = board();
        board.convert(1, 0);
        received(&mut board, 0);
        let mut last = None;
        for now_us in (0..100_000).step_by(1_000) {
            last = received(&mut board, now_us).pop().or(last);
        }
        let Some(FromBoard::Sample(sample)) = last else { panic!("{last:?}") };
        assert_eq!((sample.number, sample.reading), (1, Reading::Silent));
    }
}
