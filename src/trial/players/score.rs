//! What a player plays: the frames of one session, each with its instant. Pure.

use super::ns;
use crate::hal::sim::Random;
use crate::units::Nanos;

/// Shortest and longest session, in s.
const SESSION_S: (f64, f64) = (4.0, 20.0);
/// Largest value of four digits: the front.
const FRONT: f64 = 9_999.0;
/// Lines in a flood.
const FLOOD_LINES: (f64, f64) = (100.0, 800.0);
/// Words that move nothing: other axes, questions, and what no T-Code is.
const GARBAGE: [&str; 14] = [
    "R04321I10 V05000",
    "L15000I100 L25000",
    "D0\nD1\nD2",
    "L0",
    "L0I500",
    "L0.5",
    "L05X5",
    "L05L05",
    "DSTOPP",
    "$L0-0100-0900",
    "$",
    "#ok:1",
    "{\"a\":1}",
    "NaN \0\u{feff}",
];

/// What a player does at an instant.
#[derive(Debug, Clone, PartialEq)]
pub enum Note {
    /// It sends a frame.
    Frame {
        /// The text.
        text: String,
        /// True if it has a stop, before the target.
        stops: bool,
        /// The last target: share of the window, and the time in s that it leaves.
        target: Option<(f64, Option<f64>)>,
    },
    /// It opens its socket, if that is not open.
    Open,
    /// It closes its socket.
    Close,
    /// It hangs, with its socket open.
    Hang,
}

/// How frames are delivered.
#[derive(Debug, Clone, Copy)]
enum Delivery {
    Even,
    /// Late by up to so much, in s.
    Late(f64),
    /// In clumps of so many.
    Clumps(u32),
}

/// A session that is being written.
struct ScoreWriter<'a> {
    random: &'a mut Random,
    band: (f64, f64),
    at_s: f64,
    notes: Vec<(f64, Note)>,
}

/// The notes of a session in that band of the window, in order, each with its time after the beginning.
pub fn session(random: &mut Random, band: (f64, f64)) -> Vec<(Nanos, Note)> {
    let lasts_s = random.between(SESSION_S.0, SESSION_S.1);
    let mut session = ScoreWriter { random, band, at_s: 0.05, notes: vec![(0.0, Note::Open)] };
    while session.at_s < lasts_s {
        session.part();
    }
    let ending = session.random.weighted(&[5, 2, 3]);
    session.end(ending);
    let mut notes = session.notes;
    notes.sort_by(|a, b| a.0.total_cmp(&b.0));
    notes.into_iter().map(|(at_s, note)| (ns(at_s), note)).collect()
}

impl ScoreWriter<'_> {
    fn part(&mut self) {
        match self.random.weighted(&[6, 4, 4, 5, 4, 2, 4, 2, 2, 1]) {
            0 => self.wave(|phase| 0.5 + 0.5 * libm::sin(phase * core::f64::consts::TAU)),
            1 => self.wave(|phase| if phase < 0.5 { 2.0 * phase } else { 2.0 - 2.0 * phase }),
            2 => self.leaps(),
            3 => self.keys(),
            4 => self.live(),
            5 => self.flood(),
            6 => self.at_s += self.random.log_between(0.2, 4.0),
            7 => self.stop(),
            8 => self.garbage(),
            _ => {
                self.notes.push((self.at_s, Note::Close));
                self.at_s += self.random.log_between(0.02, 1.0);
                self.notes.push((self.at_s, Note::Open));
                self.at_s += 0.03;
            }
        }
    }

    fn end(&mut self, ending: usize) {
        match ending {
            0 => self.notes.push((self.at_s, Note::Close)),
            1 => self.notes.push((self.at_s, Note::Hang)),
            // It stays and says nothing; then it leaves.
            _ => self.notes.push((self.at_s + self.random.between(1.0, 6.0), Note::Close)),
        }
    }

    /// Share of the window, of that share of the band.
    fn share(&self, of_band: f64) -> f64 {
        self.band.0 + of_band.clamp(0.0, 1.0) * (self.band.1 - self.band.0)
    }

    /// The word of a target, and what it says.
    fn word(&mut self, of_band: f64, time_s: Option<f64>) -> (String, (f64, Option<f64>)) {
        let digits = libm::round(self.share(of_band) * FRONT);
        let axis = if self.random.chance(0.05) { "l0" } else { "L0" };
        let suffix = time_s.map_or(String::new(), |time_s| format!("I{:.0}", time_s * 1e3));
        let beside = if self.random.chance(0.1) { " R04321I10" } else { "" };
        (format!("{axis}{digits:04.0}{suffix}{beside}\n"), (digits / FRONT, time_s))
    }

    fn send(&mut self, at_s: f64, of_band: f64, time_s: Option<f64>) {
        let (text, target) = self.word(of_band, time_s);
        self.notes.push((at_s, Note::Frame { text, stops: false, target: Some(target) }));
    }

    /// A dense stream of a periodic motion.
    fn wave(&mut self, shape: fn(f64) -> f64) {
        let interval_s = libm::round(1e3 * self.random.log_between(0.01, 0.05)) * 1e-3;
        let period_s = self.random.log_between(0.3, 5.0);
        let (size, phase) = (self.random.between(0.1, 1.0), self.random.unit());
        let beside = self.random.unit() * (1.0 - size);
        let count = (self.random.log_between(0.5, 5.0) / interval_s) as u32;
        self.stream(interval_s, count, |index, _| {
            beside + size * shape((phase + f64::from(index) * interval_s / period_s).fract())
        });
    }

    /// Random targets, as dense.
    fn leaps(&mut self) {
        let interval_s = libm::round(1e3 * self.random.log_between(0.01, 0.05)) * 1e-3;
        let count = (self.random.log_between(0.3, 2.0) / interval_s) as u32;
        self.stream(interval_s, count, |_, random| random.unit());
    }

    fn stream(&mut self, interval_s: f64, count: u32, shape: impl Fn(u32, &mut Random) -> f64) {
        let delivery = match self.random.weighted(&[3, 2, 2]) {
            0 => Delivery::Even,
            1 => Delivery::Late(self.random.between(0.005, 0.06)),
            _ => Delivery::Clumps(self.random.between(2.0, 8.0) as u32),
        };
        let mut last_s = self.at_s;
        for index in 0..count {
            let due_s = self.at_s + f64::from(index) * interval_s;
            let at_s = match delivery {
                Delivery::Even => due_s,
                Delivery::Late(most_s) => due_s + self.random.unit() * most_s,
                Delivery::Clumps(size) => self.at_s + f64::from(index.next_multiple_of(size)) * interval_s,
            };
            // A socket keeps the order.
            last_s = last_s.max(at_s);
            let place = shape(index, self.random);
            self.send(last_s, place, Some(interval_s));
        }
        self.at_s = last_s + interval_s;
    }

    /// Key frames: the ends of strokes.
    fn keys(&mut self) {
        for _ in 0..self.random.between(1.0, 6.0) as u32 {
            let time_s = libm::round(1e3 * self.random.log_between(0.1, 2.0)) * 1e-3;
            let place = self.random.unit();
            self.send(self.at_s, place, Some(time_s));
            // Now and then the next one comes before the time of this one is over, or late.
            self.at_s += time_s * if self.random.chance(0.7) { 1.0 } else { self.random.between(0.3, 1.8) };
        }
    }

    /// Targets that say no time.
    fn live(&mut self) {
        let (interval_s, period_s) = (self.random.log_between(0.01, 0.2), self.random.log_between(0.5, 4.0));
        let count = (self.random.log_between(0.3, 3.0) / interval_s) as u32 + 1;
        for index in 0..count {
            let phase = f64::from(index) * interval_s / period_s;
            let place = 0.5 + 0.5 * libm::sin(phase * core::f64::consts::TAU);
            self.send(self.at_s + f64::from(index) * interval_s, place, None);
        }
        self.at_s += f64::from(count) * interval_s;
    }

    /// Hundreds of lines in one frame, or in as many frames.
    fn flood(&mut self) {
        let count = self.random.log_between(FLOOD_LINES.0, FLOOD_LINES.1) as u32;
        let in_one = self.random.chance(0.5);
        let (mut all, mut last) = (String::new(), None);
        for _ in 0..count {
            let place = self.random.unit();
            if in_one {
                let (text, target) = self.word(place, Some(0.01));
                all += &text;
                last = Some(target);
            } else {
                self.send(self.at_s, place, Some(0.01));
            }
        }
        if in_one {
            self.notes.push((self.at_s, Note::Frame { text: all, stops: false, target: last }));
        }
        self.at_s += self.random.log_between(0.01, 1.0);
    }

    /// Its own stop, at times with a target right behind it.
    fn stop(&mut self) {
        let (mut text, mut target) = ("DSTOP\n".to_owned(), None);
        if self.random.chance(0.4) {
            let place = self.random.unit();
            let (word, said) = self.word(place, Some(0.5));
            text += &word;
            target = Some(said);
        }
        self.notes.push((self.at_s, Note::Frame { text, stops: true, target }));
        self.at_s += self.random.log_between(0.01, 1.5);
    }

    fn garbage(&mut self) {
        let text = if self.random.chance(0.7) {
            (*self.random.one_of(&GARBAGE)).to_owned()
        } else {
            // No letter with which a word begins.
            let length = self.random.log_between(1.0, 5_000.0) as usize;
            (0..length).map(|_| char::from(*self.random.one_of(b"0123456789ISMXz .,-#"))).collect()
        };
        self.notes.push((self.at_s, Note::Frame { text, stops: false, target: None }));
        self.at_s += 0.02;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::feeds::tcode::{TcodeEvent, TcodeSession};
    use crate::motion::Pace;

    #[test]
    fn a_frame_says_what_its_player_means() {
        let mut random = Random::new(7);
        let mut frames = 0;
        for _ in 0..100 {
            for (_, note) in session(&mut random, (0.0, 1.0)) {
                let Note::Frame { text, stops, target } = note else { continue };
                let (mut heard_stop, mut heard) = (false, None);
                TcodeSession::default().feed_frame(text.as_bytes(), |event| match event {
                    TcodeEvent::Stop => (heard_stop, heard) = (true, None),
                    TcodeEvent::Toward(target) => heard = Some(target),
                    TcodeEvent::Answer(_) => {}
                });
                assert_eq!(heard_stop, stops, "{text}");
                assert_eq!(heard.is_some(), target.is_some(), "{text}");
                if let (Some(heard), Some((share, time_s))) = (heard, target) {
                    assert!((heard.share - share).abs() < 1e-9, "{text}");
                    match (heard.pace, time_s) {
                        (Pace::Within { time_s: heard_s }, Some(time_s)) => {
                            assert!((heard_s - time_s).abs() < 1e-9);
                        }
                        (Pace::Live, None) => {}
                        other => panic!("{text}: {other:?}"),
                    }
                }
                frames += 1;
            }
        }
        assert!(frames > 10_000, "{frames}");
    }
}
