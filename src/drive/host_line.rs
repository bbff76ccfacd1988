//! Host line: the health of the computer as one atomic word for the control cycle; the newest value wins.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::machine::host::{Derating, DeratingCause, HostHealth, HostReadings};

/// Handle to the health of the computer; clones share it. At first nothing is known.
#[derive(Debug, Clone, Default)]
pub struct HostLine(Arc<AtomicU64>);

// The upper half is the temperature; these are bits of the lower one.
const LOW_KNOWN: u64 = 1;
const LOW: u64 = 1 << 1;
const TEMPERATURE_KNOWN: u64 = 1 << 2;
const SLOWER: u64 = 1 << 3;
const STOP: u64 = 1 << 4;
const BY_HEAT: u64 = 1 << 5;

impl HostLine {
    /// Publishes the health of the computer.
    pub fn store(&self, host: HostHealth) {
        let HostHealth { readings: HostReadings { under_voltage, temperature_c }, derating } = host;
        let bit = |on: bool, bit: u64| if on { bit } else { 0 };
        let word = bit(under_voltage.is_some(), LOW_KNOWN)
            | bit(under_voltage == Some(true), LOW)
            | bit(temperature_c.is_some(), TEMPERATURE_KNOWN)
            | bit(matches!(derating, Derating::Slower(_)), SLOWER)
            | bit(matches!(derating, Derating::Stop(_)), STOP)
            | bit(derating.cause() == Some(DeratingCause::Heat), BY_HEAT)
            | u64::from(temperature_c.unwrap_or_default().to_bits()) << 32;
        self.0.store(word, Ordering::Relaxed);
    }

    /// Reads the newest health of the computer.
    pub fn load(&self) -> HostHealth {
        let word = self.0.load(Ordering::Relaxed);
        let has = |bit: u64| word & bit != 0;
        let cause = if has(BY_HEAT) { DeratingCause::Heat } else { DeratingCause::UnderVoltage };
        HostHealth {
            readings: HostReadings {
                under_voltage: has(LOW_KNOWN).then_some(has(LOW)),
                temperature_c: has(TEMPERATURE_KNOWN).then_some(f32::from_bits((word >> 32) as u32)),
            },
            derating: match (has(STOP), has(SLOWER)) {
                (true, _) => Derating::Stop(cause),
                (false, true) => Derating::Slower(cause),
                (false, false) => Derating::None,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_is_seen() {
        let line = HostLine::default();
        assert_eq!(line.load(), HostHealth::default());
        let causes = [DeratingCause::UnderVoltage, DeratingCause::Heat];
        let deratings = causes.into_iter().flat_map(|by| [Derating::Slower(by), Derating::Stop(by)]);
        for derating in deratings.chain([Derating::None]) {
            for under_voltage in [None, Some(false), Some(true)] {
                for temperature_c in [None, Some(-12.5), Some(84.9)] {
                    let host =
                        HostHealth { readings: HostReadings { under_voltage, temperature_c }, derating };
                    line.store(host);
                    assert_eq!(line.load(), host);
                }
            }
        }
    }
}
