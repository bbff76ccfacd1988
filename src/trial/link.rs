//! The force sensor as it is wired: converter, board and serial line on virtual time.
//!
//! What the simulated load cell measures goes the whole way: the board's own code makes samples and frames of it, the
//! bytes take their time on the line, and the product's listener makes the newest sample of them. What happens to the
//! bytes in between is up to whoever plays the faults.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;

use yep_sensor_board::hx711::{MAX_COUNTS, MIN_COUNTS};
use yep_sensor_board::{Board, Identity};

use crate::hal::sim::Random;
use crate::hal::sim::{Mishap, SimLoadCell};
use crate::hal::{ForceSample, ForceSensor, NewestForce, newest_force};
use crate::layout;
use crate::sensor::logs::LogSink;
use crate::sensor::{BoardListener, Intake, IntakeRules, Scale, SensorReport};
use crate::units::{MILLISECOND_NS, Nanos, SECOND_NS};

/// From a conversion to the control cycle that knows of it: its frame, the frame that is on the line already, and a turn.
pub const LINE_NS: Nanos = 9 * MILLISECOND_NS;

const RATE_HZ: u16 = 80;
/// Eight bits, a start bit and a stop bit.
const BYTE_NS: Nanos = 10 * SECOND_NS / layout::UART_BAUD as Nanos;
/// How often the board and the listener have their turn.
const TURN_NS: Nanos = MILLISECOND_NS;
const COUNTS_PER_G: f64 = 100.0;
const ZERO_COUNTS: f64 = 4_321.0;
/// The hands of this world push from one instant to the next, which no mass can; so no change is too fast here.
const RULES: IntakeRules = IntakeRules { range_g: 50_000.0, fastest_g_per_s: 1e9, invert: false };

#[derive(Debug)]
struct LineShared {
    /// How many of the bytes are spoilt, of one.
    share: Cell<f64>,
    random: RefCell<Random>,
    spoilt: Cell<u64>,
    intact_ns: Cell<Option<Nanos>>,
}

/// The line between board and computer; clones are the same one.
#[derive(Debug, Clone)]
pub struct SimulatedSerialLine(Rc<LineShared>);

impl Default for SimulatedSerialLine {
    fn default() -> Self {
        SimulatedSerialLine(Rc::new(LineShared {
            share: Cell::new(0.0),
            random: RefCell::new(Random::new(0)),
            spoilt: Cell::new(0),
            intact_ns: Cell::new(None),
        }))
    }
}

impl SimulatedSerialLine {
    /// From now on this share of the bytes is wrong, missing, or has another one behind it.
    pub fn spoil(&self, random: Random, share: f64) {
        self.0.share.set(share);
        *self.0.random.borrow_mut() = random;
    }

    /// From now on every byte arrives as it was sent.
    pub fn heal(&self) {
        self.0.share.set(0.0);
    }

    /// How many bytes were spoilt.
    #[must_use]
    pub fn spoilt(&self) -> u64 {
        self.0.spoilt.get()
    }

    /// When the last conversion was made of which a frame has arrived that can be understood.
    #[must_use]
    pub fn last_intact(&self) -> Option<Nanos> {
        self.0.intact_ns.get()
    }

    /// What arrives of `byte`.
    fn carry(&self, byte: u8, mut arrives: impl FnMut(u8)) -> bool {
        let random = &mut *self.0.random.borrow_mut();
        if self.0.share.get() == 0.0 || !random.chance(self.0.share.get()) {
            arrives(byte);
            return true;
        }
        self.0.spoilt.set(self.0.spoilt.get() + 1);
        match random.weighted(&[4, 2, 2, 1]) {
            0 => arrives(byte ^ 1 << (random.number() % 8)),
            1 => {}
            2 => {
                arrives(byte);
                arrives(random.number() as u8);
            }
            _ => arrives(0),
        }
        false
    }
}

/// Board, line and listener.
pub struct SensorLink {
    cell: SimLoadCell,
    board: Board,
    line: SimulatedSerialLine,
    /// Bytes on the line, with the instants at which they arrive; and when it is free.
    on_line: VecDeque<(Nanos, u8)>,
    free_ns: Nanos,
    /// Of frames that can be understood: when they arrive, and when their conversion was made.
    intact: VecDeque<(Nanos, Nanos)>,
    converted_ns: Option<Nanos>,
    lived_ns: Nanos,
    listener: BoardListener,
    newest: NewestForce,
}

impl SensorLink {
    /// A board that was switched on with the computer.
    #[must_use]
    pub fn new(cell: SimLoadCell, line: SimulatedSerialLine) -> SensorLink {
        let (feed, newest) = newest_force();
        let report = SensorReport::default();
        let intake = Intake::new(RULES, feed, report.clone());
        let scale = Scale { zero: Some(ZERO_COUNTS), per_g: Some(COUNTS_PER_G) };
        let listener = BoardListener::new(RATE_HZ, scale, intake, report.clone(), LogSink::unread(report));
        SensorLink {
            cell,
            board: Board::new(Identity::default(), 0),
            line,
            on_line: VecDeque::new(),
            free_ns: 0,
            intact: VecDeque::new(),
            converted_ns: None,
            lived_ns: 0,
            listener,
            newest,
        }
    }

    fn turn(&mut self, now: Nanos) {
        let now_us = (now / 1_000) as u32;
        if let Some(sample) = self.cell.latest(now)
            && self.converted_ns.replace(sample.at) != Some(sample.at)
        {
            self.board.convert(counts(&sample), now_us);
        }
        while let Some(frame) = self.board.next_frame(now_us) {
            self.send(&frame, now);
        }
        let arrived = self.on_line.partition_point(|(arrives, _)| *arrives <= now);
        let bytes: Vec<u8> = self.on_line.drain(..arrived).map(|(_, byte)| byte).collect();
        self.listener.hear(&bytes, now);
        while let Some((_, taken)) = self.intact.front().filter(|(arrives, _)| *arrives <= now) {
            self.line.0.intact_ns.set(Some(*taken));
            self.intact.pop_front();
        }
        let SensorLink { board, line, listener, .. } = self;
        listener.due(now, |frame| {
            for byte in frame {
                line.carry(byte, |byte| board.receive(&[byte]));
            }
        });
    }

    fn send(&mut self, frame: &[u8], now: Nanos) {
        // A board without power says nothing.
        if self.cell.operator().mishaps().has(Mishap::LoadCellSilent) {
            return;
        }
        self.free_ns = self.free_ns.max(now);
        let mut whole = true;
        for (index, byte) in frame.iter().enumerate() {
            let SensorLink { line, on_line, free_ns, .. } = self;
            *free_ns += BYTE_NS;
            let good = line.carry(*byte, |byte| on_line.push_back((*free_ns, byte)));
            // Without the zero byte at either end a frame may still be heard.
            whole &= good || index == 0 || index + 1 == frame.len();
        }
        if let (true, Some(taken)) = (whole, self.converted_ns) {
            self.intact.push_back((self.free_ns, taken));
        }
    }
}

impl ForceSensor for SensorLink {
    fn latest(&mut self, now: Nanos) -> Option<ForceSample> {
        // Board and listener live on when the control cycle is late.
        self.lived_ns = self.lived_ns.max(now.saturating_sub(SECOND_NS));
        while self.lived_ns + TURN_NS <= now {
            self.lived_ns += TURN_NS;
            self.turn(self.lived_ns);
        }
        self.newest.latest(now)
    }
}

/// What the converter makes of a force. It is never quite still, and at its ends it says no more than that.
fn counts(sample: &ForceSample) -> i32 {
    let trembles = f64::from((sample.at / MILLISECOND_NS % 7) as u32) - 3.0;
    let counts = ZERO_COUNTS + sample.force_g * COUNTS_PER_G + trembles;
    if counts.is_nan() {
        MAX_COUNTS
    } else {
        counts.clamp(f64::from(MIN_COUNTS), f64::from(MAX_COUNTS)) as i32
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hal::sim::{RailOptions, SimulatedOperator};

    /// Pushes a carriage as hard as these, each for a quarter of a second; what the control cycle takes for the force.
    fn told(
        line: &SimulatedSerialLine,
        operator: &SimulatedOperator,
        link: &mut SensorLink,
        from: Nanos,
        pushes_g: &[f64],
    ) -> Vec<Option<f64>> {
        let mut told = Vec::new();
        for (index, push_g) in pushes_g.iter().enumerate() {
            operator.push_g(*push_g);
            let begins = from + index as Nanos * SECOND_NS / 4;
            for now in (begins..begins + SECOND_NS / 4).step_by(MILLISECOND_NS as usize) {
                told.push(link.latest(now).map(|sample| sample.force_g));
            }
        }
        assert!(line.last_intact().is_some());
        told
    }

    #[test]
    fn a_spoilt_line_loses_samples_and_makes_none_up() {
        for seed in 0..20 {
            let (line, operator) = (SimulatedSerialLine::default(), SimulatedOperator::default());
            let mut link =
                SensorLink::new(SimLoadCell::new(operator.clone(), RailOptions::default()), line.clone());
            // Nothing is known until the board is set up, and that is soon.
            let good = told(&line, &operator, &mut link, MILLISECOND_NS, &[700.0]);
            assert_eq!(good[0], None);
            let known = good[50..].iter().all(|force_g| force_g.is_some_and(|g| (g - 700.0).abs() < 0.1));
            assert!(known, "{good:?}");

            line.spoil(Random::new(seed), 0.02 + seed as f64 / 40.0);
            let pushes_g = [700.0, 1_500.0, 1_500.0, 2_500.0, 2_500.0];
            let spoilt = told(&line, &operator, &mut link, SECOND_NS / 4, &pushes_g);
            assert!(line.spoilt() > 100);
            for force_g in spoilt.iter().flatten() {
                assert!(pushes_g.iter().any(|push_g| (force_g - push_g).abs() < 0.1), "{seed}: {force_g} g");
            }
            // Where nearly every frame is hit, the force is not known.
            if seed > 15 {
                let unknown = spoilt.iter().filter(|force_g| force_g.is_none()).count();
                assert!(unknown > spoilt.len() / 2, "{seed}: {unknown} of {}", spoilt.len());
            }

            line.heal();
            let healed = told(&line, &operator, &mut link, 2 * SECOND_NS, &[2_500.0]);
            assert!(healed[60..].iter().all(|force_g| force_g.is_some_and(|g| (g - 2_500.0).abs() < 0.1)));
        }
    }
}
