//! Simulated force sensor link: converter, board and serial line on virtual time.
//!
//! Samples of the simulated load cell go the whole way: the board's own code makes samples and frames of them, the
//! bytes take their time on the line, and the product's listener makes the newest sample of them. The fault injector
//! may corrupt the bytes in between.

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
use crate::sensor::{BoardListener, SampleLimits, SampleValidator, Scale, SensorReport};
use crate::units::{MILLISECOND_NS, Nanos, SECOND_NS};

/// Longest time from a conversion to the control cycle that knows of it: its frame, the frame that is on the line
/// already, and one period of the link.
pub const LINK_LATENCY_NS: Nanos = 9 * MILLISECOND_NS;

const RATE_HZ: u16 = 80;
/// Time of a byte on the line: eight bits, a start bit and a stop bit.
const BYTE_NS: Nanos = 10 * SECOND_NS / layout::UART_BAUD as Nanos;
/// Period in which the board and the listener are advanced.
const PERIOD_NS: Nanos = MILLISECOND_NS;
const COUNTS_PER_G: f64 = 100.0;
const ZERO_COUNTS: f64 = 4_321.0;
/// The force of the simulated operator changes from one instant to the next, which no mass can do; so no change counts
/// as too fast here.
const RULES: SampleLimits = SampleLimits { range_g: 50_000.0, fastest_g_per_s: 1e9, invert: false };

#[derive(Debug)]
struct LineShared {
    /// Share of the bytes that are corrupted, 0 to 1.
    share: Cell<f64>,
    random: RefCell<Random>,
    corrupted: Cell<u64>,
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
            corrupted: Cell::new(0),
            intact_ns: Cell::new(None),
        }))
    }
}

impl SimulatedSerialLine {
    /// Starts to corrupt this share of the bytes: each is wrong, missing, or has another one behind it.
    pub fn corrupt(&self, random: Random, share: f64) {
        self.0.share.set(share);
        *self.0.random.borrow_mut() = random;
    }

    /// Ends the corruption.
    pub fn repair(&self) {
        self.0.share.set(0.0);
    }

    /// Number of bytes that were corrupted.
    pub fn corrupted_bytes(&self) -> u64 {
        self.0.corrupted.get()
    }

    /// Instant of the last conversion of which an intact frame has arrived.
    pub fn last_intact_conversion(&self) -> Option<Nanos> {
        self.0.intact_ns.get()
    }

    /// Passes `byte` over the line; calls `arrives` for each byte at the other end. Returns true if it arrived intact.
    fn transmit(&self, byte: u8, mut arrives: impl FnMut(u8)) -> bool {
        let random = &mut *self.0.random.borrow_mut();
        if self.0.share.get() == 0.0 || !random.chance(self.0.share.get()) {
            arrives(byte);
            return true;
        }
        self.0.corrupted.set(self.0.corrupted.get() + 1);
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
    /// Bytes on the line with their instants of arrival, and the instant at which the line is free.
    on_line: VecDeque<(Nanos, u8)>,
    free_ns: Nanos,
    /// Intact frames: instant of arrival, and instant of the conversion.
    intact: VecDeque<(Nanos, Nanos)>,
    converted_ns: Option<Nanos>,
    advanced_ns: Nanos,
    listener: BoardListener,
    newest: NewestForce,
}

impl SensorLink {
    /// A link whose board was switched on with the computer.
    pub fn new(cell: SimLoadCell, line: SimulatedSerialLine) -> SensorLink {
        let (feed, newest) = newest_force();
        let report = SensorReport::default();
        let validator = SampleValidator::new(RULES, feed, report.clone());
        let scale = Scale { zero: Some(ZERO_COUNTS), per_g: Some(COUNTS_PER_G) };
        let listener =
            BoardListener::new(RATE_HZ, scale, validator, report.clone(), LogSink::without_firmware(report));
        SensorLink {
            cell,
            board: Board::new(Identity::default(), 0),
            line,
            on_line: VecDeque::new(),
            free_ns: 0,
            intact: VecDeque::new(),
            converted_ns: None,
            advanced_ns: 0,
            listener,
            newest,
        }
    }

    fn advance(&mut self, now: Nanos) {
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
        self.listener.receive(&bytes, now);
        while let Some((_, taken)) = self.intact.front().filter(|(arrives, _)| *arrives <= now) {
            self.line.0.intact_ns.set(Some(*taken));
            self.intact.pop_front();
        }
        let SensorLink { board, line, listener, .. } = self;
        listener.send_due(now, |frame| {
            for byte in frame {
                line.transmit(byte, |byte| board.receive(&[byte]));
            }
        });
    }

    fn send(&mut self, frame: &[u8], now: Nanos) {
        // A board without power sends nothing.
        if self.cell.operator().mishaps().has(Mishap::LoadCellSilent) {
            return;
        }
        self.free_ns = self.free_ns.max(now);
        let mut intact = true;
        for (index, byte) in frame.iter().enumerate() {
            let SensorLink { line, on_line, free_ns, .. } = self;
            *free_ns += BYTE_NS;
            let good = line.transmit(*byte, |byte| on_line.push_back((*free_ns, byte)));
            // A frame may still be decoded without the zero byte at either end.
            intact &= good || index == 0 || index + 1 == frame.len();
        }
        if let (true, Some(taken)) = (intact, self.converted_ns) {
            self.intact.push_back((self.free_ns, taken));
        }
    }
}

impl ForceSensor for SensorLink {
    fn latest(&mut self, now: Nanos) -> Option<ForceSample> {
        // Board and listener go on when the control cycle is late.
        self.advanced_ns = self.advanced_ns.max(now.saturating_sub(SECOND_NS));
        while self.advanced_ns + PERIOD_NS <= now {
            self.advanced_ns += PERIOD_NS;
            self.advance(self.advanced_ns);
        }
        self.newest.latest(now)
    }
}

/// Counts of the converter for a force, with a small noise, saturated at both ends.
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

    /// Applies each push for a quarter of a second, and returns the forces that the control cycle reads.
    fn forces(
        line: &SimulatedSerialLine,
        operator: &SimulatedOperator,
        link: &mut SensorLink,
        from: Nanos,
        pushes_g: &[f64],
    ) -> Vec<Option<f64>> {
        let mut forces = Vec::new();
        for (index, push_g) in pushes_g.iter().enumerate() {
            operator.push_g(*push_g);
            let begins = from + index as Nanos * SECOND_NS / 4;
            for now in (begins..begins + SECOND_NS / 4).step_by(MILLISECOND_NS as usize) {
                forces.push(link.latest(now).map(|sample| sample.force_g));
            }
        }
        assert!(line.last_intact_conversion().is_some());
        forces
    }

    #[test]
    fn a_spoilt_line_loses_samples_and_makes_none_up() {
        for seed in 0..20 {
            let (line, operator) = (SimulatedSerialLine::default(), SimulatedOperator::default());
            let mut link =
                SensorLink::new(SimLoadCell::new(operator.clone(), RailOptions::default()), line.clone());
            // The force is unknown until the board is set up, which takes less than 50 ms.
            let good = forces(&line, &operator, &mut link, MILLISECOND_NS, &[700.0]);
            assert_eq!(good[0], None);
            let known = good[50..].iter().all(|force_g| force_g.is_some_and(|g| (g - 700.0).abs() < 0.1));
            assert!(known, "{good:?}");

            line.corrupt(Random::new(seed), 0.02 + seed as f64 / 40.0);
            let pushes_g = [700.0, 1_500.0, 1_500.0, 2_500.0, 2_500.0];
            let spoilt = forces(&line, &operator, &mut link, SECOND_NS / 4, &pushes_g);
            assert!(line.corrupted_bytes() > 100);
            for force_g in spoilt.iter().flatten() {
                assert!(pushes_g.iter().any(|push_g| (force_g - push_g).abs() < 0.1), "{seed}: {force_g} g");
            }
            // Where nearly every frame is corrupted, the force is unknown.
            if seed > 15 {
                let unknown = spoilt.iter().filter(|force_g| force_g.is_none()).count();
                assert!(unknown > spoilt.len() / 2, "{seed}: {unknown} of {}", spoilt.len());
            }

            line.repair();
            let healed = forces(&line, &operator, &mut link, 2 * SECOND_NS, &[2_500.0]);
            assert!(healed[60..].iter().all(|force_g| force_g.is_some_and(|g| (g - 2_500.0).abs() < 0.1)));
        }
    }
}
