//! Streams of targets, as programs and networks make them, and how far the axis is behind them.

use std::f64::consts::TAU;
use std::fmt;

use yep::drive::{Rehearsal, RehearsalOptions};
use yep::hal::sim::Random;
use yep::machine::{Accepted, Command, FeedItem, FeedSource, FeedStart};
use yep::motion::{FeedTarget, FeedWindow, Pace};

use super::support::{Recorder, homed, options};

pub const WINDOW: FeedWindow = FeedWindow { back_mm: 20.0, front_mm: 120.0 };
const SECONDS: f64 = 20.0;
/// The axis has met the feed, and what is known of the sender has settled.
const SETTLED_S: f64 = 6.0;

/// A calibrated machine that follows a feed and has met it, in the middle of the window.
pub fn following(options: &RehearsalOptions) -> Rehearsal<Recorder> {
    let mut machine = homed(options);
    let begin = Command::Follow(FeedStart { number: 1, window: WINDOW, source: FeedSource::Program });
    assert_eq!(machine.command(begin), Some(Ok(Accepted::Now)));
    let middle = FeedTarget { share: 0.55, pace: Pace::Within { time_s: 0.1 } };
    machine.send_to_feed(1, FeedItem::Target(middle));
    machine.run_ms(4_000);
    machine
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Shape {
    Sine,
    Triangle,
    /// A sum of three sines without a common period.
    Random,
}

impl Shape {
    /// Share of the window at an instant: 60 % of it, and at most 200 mm/s.
    fn share(self, at_s: f64) -> f64 {
        match self {
            Shape::Sine => 0.5 + 0.3 * (TAU * at_s).sin(),
            Shape::Triangle => 0.2 + 0.6 * (2.0 * ((0.7 * at_s).fract() - 0.5)).abs(),
            Shape::Random => {
                let sines = [(0.31, 0.14), (0.83, 0.1), (1.27, 0.06)];
                0.5 + sines.iter().map(|(hz, share)| share * (TAU * hz * at_s).sin()).sum::<f64>()
            }
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Delivery {
    /// On time.
    Even,
    /// Each up to 20 ms late.
    Jitter,
    /// 60 ms of silence each second; what was sent meanwhile comes at once.
    Bursts,
    /// What was sent in 60 ms of each second is lost.
    Gaps,
}

impl Delivery {
    pub const ALL: [Delivery; 4] = [Delivery::Even, Delivery::Jitter, Delivery::Bursts, Delivery::Gaps];

    /// When something arrives that was sent at `sent_s`; none if it is lost.
    fn arrival(self, sent_s: f64, random: &mut Random) -> Option<f64> {
        let hole = (0.5..0.56).contains(&sent_s.fract());
        match self {
            Delivery::Even => Some(sent_s),
            Delivery::Jitter => Some(sent_s + 0.02 * random.unit()),
            Delivery::Bursts => Some(if hole { sent_s.floor() + 0.56 } else { sent_s }),
            Delivery::Gaps => (!hole).then_some(sent_s),
        }
    }
}

/// How far behind its source the axis is: the lag with the least deviation, and that deviation.
#[derive(Debug, Clone, Copy)]
pub struct Figures {
    pub lag_s: f64,
    pub rms_mm: f64,
    pub most_mm: f64,
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.1}, {:.3}, {:.2}", self.lag_s * 1e3, self.rms_mm, self.most_mm)
    }
}

#[derive(Debug, Clone, Copy)]
pub struct Stream {
    pub shape: Shape,
    pub rate_hz: f64,
    pub delivery: Delivery,
}

impl Stream {
    pub fn figures(&self) -> Figures {
        let mut fine = options();
        fine.config.geometry.nominal = yep::units::StepsPerMm::constant(80.0);
        fine.rail.steps_per_mm = 80.0;
        let mut machine = following(&fine);
        let mut random = Random::new(1);
        let interval_s = 1.0 / self.rate_hz;
        let mut latest_s = 0.0f64;
        let mut sent = (1..(SECONDS * self.rate_hz) as u32)
            .filter_map(|index| {
                let sent_s = f64::from(index) * interval_s;
                // In order: a network that changes it is for the protocol to repair.
                latest_s = self.delivery.arrival(sent_s, &mut random)?.max(latest_s);
                Some((latest_s, sent_s))
            })
            .collect::<Vec<_>>()
            .into_iter()
            .peekable();
        let mut path = Vec::new();
        for cycle in 0..(SECONDS * 1e3) as u32 {
            let now_s = f64::from(cycle) * 1e-3;
            while let Some((_, sent_s)) = sent.next_if(|(at_s, _)| *at_s <= now_s) {
                let pace = Pace::Within { time_s: interval_s };
                machine
                    .send_to_feed(1, FeedItem::Target(FeedTarget { share: self.shape.share(sent_s), pace }));
            }
            path.push(machine.snapshot().position_mm.expect("a calibrated axis"));
            machine.cycle();
        }
        (0..600)
            .map(|half_ms| self.at_lag(&path, f64::from(half_ms) * 5e-4))
            .min_by(|a, b| a.rms_mm.total_cmp(&b.rms_mm))
            .unwrap()
    }

    fn at_lag(&self, path: &[f64], lag_s: f64) -> Figures {
        let (mut squares, mut most_mm, mut count) = (0.0, 0.0f64, 0u32);
        for (index, mm) in path.iter().enumerate().skip((SETTLED_S * 1e3) as usize) {
            let error_mm = (mm - WINDOW.place(self.shape.share(index as f64 * 1e-3 - lag_s))).abs();
            squares += error_mm * error_mm;
            most_mm = most_mm.max(error_mm);
            count += 1;
        }
        Figures { lag_s, rms_mm: (squares / f64::from(count)).sqrt(), most_mm }
    }
}
