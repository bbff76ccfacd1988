//! Record of one control cycle in 40 bytes, the same in memory and on disk.

use crate::drive::TraceSample;
use crate::layout;
use crate::machine::{Inputs, Reply, StopLevel};
use crate::units::Nanos;

/// Bytes of a record.
pub const BYTES: usize = 40;

const _: () = assert!(size_of::<Record>() == BYTES && BYTES <= layout::RECORD_BYTES);

/// Record of a control cycle. Words are stored as numbers of a [`WordTable`].
#[derive(Debug, Clone, Copy, Default)]
pub struct Record {
    /// Instant on the machine's clock.
    pub at_ns: Nanos,
    /// Step counter.
    pub steps: i32,
    /// Position by the emitted pulses; NaN if it is not known.
    pub position_mm: f32,
    /// Speed of the pulses, signed; by the nominal scale without a calibration.
    pub velocity_mm_s: f32,
    /// Force that the control cycle used; NaN without one.
    pub force_g: f32,
    /// Period of the wave that this cycle's command asked for; NaN without one.
    pub period_s: f32,
    /// Number of shifts of the time base by lateness since the start.
    pub rebases: u32,
    /// Number of missing cycles before this one: their samples were not taken in time.
    pub missed: u16,
    /// State.
    pub state: u8,
    /// Inputs in the lower four bits, the stop line in the upper ones.
    pub lines: u8,
    /// Latched fault.
    pub fault: u8,
    /// A fault that came in this cycle while another was latched.
    pub also: u8,
    /// Command of this cycle.
    pub command: u8,
    /// Reply to it.
    pub reply: u8,
}

/// Compares bits, so that a NaN equals itself.
impl PartialEq for Record {
    fn eq(&self, other: &Record) -> bool {
        self.to_bytes() == other.to_bytes()
    }
}

/// Table of words and their numbers, in order of appearance; 0 means no word.
#[derive(Debug, Default)]
pub struct WordTable(Vec<&'static str>);

impl WordTable {
    /// The number of a word, which is added if it is new. The machine has far fewer than 255 words; a further one gets
    /// 0.
    pub fn number(&mut self, name: &'static str) -> u8 {
        let known = self.0.iter().position(|known| *known == name);
        let index = known.unwrap_or_else(|| {
            self.0.push(name);
            self.0.len() - 1
        });
        u8::try_from(index + 1).unwrap_or_default()
    }

    /// All words; number 1 comes first.
    pub fn all(&self) -> Vec<String> {
        self.0.iter().map(|name| (*name).to_owned()).collect()
    }
}

/// The stable word for a reply.
fn reply_code(reply: &Reply) -> &'static str {
    match reply {
        Ok(accepted) => accepted.code(),
        Err(refusal) => refusal.code(),
    }
}

impl Record {
    /// The record of a trace sample, with `missed` missing cycles before it.
    pub fn of(seen: &TraceSample, missed: u16, names: &mut WordTable) -> Record {
        let geometry = &seen.config.geometry;
        let scale = seen.calibration.map_or(geometry.nominal.get(), |found| found.steps_per_mm(geometry));
        let position_mm = seen.calibration.map(|found| found.position_mm(geometry, seen.steps) as f32);
        let decided = seen.outcome.decided;
        Record {
            at_ns: seen.at_ns,
            steps: seen.steps.clamp(i32::MIN.into(), i32::MAX.into()) as i32,
            position_mm: position_mm.unwrap_or(f32::NAN),
            velocity_mm_s: (seen.steps_per_s / scale) as f32,
            force_g: seen.force_g.map_or(f32::NAN, |force_g| force_g as f32),
            period_s: decided
                .and_then(|decided| decided.asked.period_s)
                .map_or(f32::NAN, |period_s| period_s as f32),
            rebases: seen.rebases,
            missed,
            state: names.number(seen.state.name()),
            lines: seen.inputs.to_bits() | (seen.stop as u8) << 4,
            fault: seen.fault.map_or(0, |fault| names.number(fault.code())),
            also: seen.outcome.also.map_or(0, |fault| names.number(fault.code())),
            command: decided.map_or(0, |decided| names.number(decided.asked.kind.name())),
            reply: decided.map_or(0, |decided| names.number(reply_code(&decided.reply))),
        }
    }

    /// Input lines.
    pub fn inputs(&self) -> Inputs {
        Inputs::from_bits(self.lines & 0x0f)
    }

    /// Level of the stop line as a word.
    pub fn stop(&self) -> &'static str {
        const STOP: u8 = StopLevel::Stop as u8;
        match self.lines >> 4 {
            0 => "none",
            STOP => "stop",
            _ => "halt",
        }
    }

    /// Encodes the record: little-endian, in the order of the fields.
    pub fn to_bytes(&self) -> [u8; BYTES] {
        let mut bytes = [0; BYTES];
        bytes[0..8].copy_from_slice(&self.at_ns.to_le_bytes());
        let words = [
            self.steps.to_le_bytes(),
            self.position_mm.to_le_bytes(),
            self.velocity_mm_s.to_le_bytes(),
            self.force_g.to_le_bytes(),
            self.period_s.to_le_bytes(),
            self.rebases.to_le_bytes(),
        ];
        bytes[8..32].copy_from_slice(words.as_flattened());
        bytes[32..34].copy_from_slice(&self.missed.to_le_bytes());
        let rest = [self.state, self.lines, self.fault, self.also, self.command, self.reply];
        bytes[34..].copy_from_slice(&rest);
        bytes
    }

    /// Decodes a record. Every pattern of bits is valid.
    pub fn from_bytes(bytes: &[u8; BYTES]) -> Record {
        let word = |index: usize| core::array::from_fn(|byte| bytes[8 + 4 * index + byte]);
        let [state, lines, fault, also, command, reply] = core::array::from_fn(|byte| bytes[34 + byte]);
        Record {
            at_ns: Nanos::from_le_bytes(core::array::from_fn(|byte| bytes[byte])),
            steps: i32::from_le_bytes(word(0)),
            position_mm: f32::from_le_bytes(word(1)),
            velocity_mm_s: f32::from_le_bytes(word(2)),
            force_g: f32::from_le_bytes(word(3)),
            period_s: f32::from_le_bytes(word(4)),
            rebases: u32::from_le_bytes(word(5)),
            missed: u16::from_le_bytes([bytes[32], bytes[33]]),
            state,
            lines,
            fault,
            also,
            command,
            reply,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_a_record_and_back() {
        let bytes: [u8; BYTES] = core::array::from_fn(|i| i as u8 + 1);
        let record = Record::from_bytes(&bytes);
        assert_eq!(record.to_bytes(), bytes);
        assert_eq!((record.at_ns, record.steps), (0x0807_0605_0403_0201, 0x0c0b_0a09));
        assert_eq!((record.missed, record.state, record.reply), (0x2221, 0x23, 0x28));
        // NaNs keep their bits too; damage is detected by the checksum.
        assert_eq!(Record::from_bytes(&[0xff; BYTES]).to_bytes(), [0xff; BYTES]);
    }

    #[test]
    fn a_word_has_one_number() {
        let mut names = WordTable::default();
        assert_eq!(["a", "b", "a"].map(|name| names.number(name)), [1, 2, 1]);
        assert_eq!(names.all(), ["a", "b"]);
    }
}
