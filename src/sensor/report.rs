//! Status of the sensor for people: the sensor's thread writes it, the API reads it. Nothing that moves depends on it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::sample_error::SampleError;
use super::scale::Scale;
use crate::units::{MILLISECOND_NS, Nanos};

/// State of the serial link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LinkState {
    /// The device cannot be opened, or was unplugged.
    #[default]
    Unplugged,
    /// The device is open, and no byte comes.
    Silent,
    /// Bytes come, and none of them form a frame.
    Babbling,
    /// A board with another version of the messages answers.
    OtherVersion,
    /// The handshake or the configuration of the board is under way.
    Greeting,
    /// The board is configured and sends.
    Live,
}

impl LinkState {
    /// A stable word for programs.
    pub const fn name(self) -> &'static str {
        match self {
            LinkState::Unplugged => "unplugged",
            LinkState::Silent => "silent",
            LinkState::Babbling => "babbling",
            LinkState::OtherVersion => "other_version",
            LinkState::Greeting => "greeting",
            LinkState::Live => "live",
        }
    }

    /// State and remedy, for people.
    pub const fn remedy(self) -> &'static str {
        match self {
            LinkState::Unplugged => {
                "the device cannot be opened: check its name, the cable, and the right to use it"
            }
            LinkState::Silent => "nothing is heard: check power, cable and baud rate of the board",
            LinkState::Babbling => {
                "something talks, but not the board: check the baud rate, and that nothing else uses the line"
            }
            LinkState::OtherVersion => {
                "the board speaks another version: write the firmware of this version to it"
            }
            LinkState::Greeting => "the board is being set up",
            LinkState::Live => "the board is heard",
        }
    }
}

/// The board's Hello.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BoardReport {
    /// Version of the messages.
    pub protocol: u16,
    /// Version of the firmware.
    pub firmware: Option<[u8; 3]>,
    /// Serial number of the chip.
    pub serial: Option<u64>,
}

/// Counters of the board's log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LogReport {
    /// Frames that were written to our log.
    pub said: u64,
    /// Frames that do not fit the firmware's file, or came without one.
    pub undecoded: u64,
    /// Lines that the rate limit or the full queue dropped.
    pub suppressed: u64,
}

/// Everything that is known about the sensor.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SensorState {
    /// State of the link.
    pub link: LinkState,
    /// The system's message about the device, while it cannot be opened.
    pub trouble: Option<String>,
    /// The board, after its Hello.
    pub board: Option<BoardReport>,
    /// Conversion rate (1/s).
    pub rate_hz: Option<f64>,
    /// Scale in force.
    pub scale: Scale,
    /// Force of the last plausible sample (g).
    pub force_g: Option<f64>,
    /// Last reading in the sensor's own unit.
    pub reading: Option<f64>,
    /// Instant of the last plausible sample.
    pub sample_at: Option<Nanos>,
    /// Instant of the last frame.
    pub heard_at: Option<Nanos>,
    /// Number of plausible samples.
    pub samples: u64,
    /// Intact frames, or answers on the I2C bus.
    pub good_frames: u64,
    /// Pieces that were no frame, or reads of the I2C bus without an answer.
    pub garbled: u64,
    /// Number of times that the device was opened.
    pub opened: u64,
    /// Reason why the last sample was lost; `None` after a good one.
    pub last_lost: Option<SampleError>,
    /// Lost samples by reason, in the order of [`SampleError::ALL`].
    pub lost: [u64; SampleError::ALL.len()],
    /// Counters of the board's log.
    pub logs: LogReport,
}

impl SensorState {
    /// Age of the last plausible sample (ms).
    pub fn sample_age_ms(&self, now: Nanos) -> Option<u64> {
        Some(now.saturating_sub(self.sample_at?) / MILLISECOND_NS)
    }

    /// Time since the last frame (ms).
    pub fn link_age_ms(&self, now: Nanos) -> Option<u64> {
        Some(now.saturating_sub(self.heard_at?) / MILLISECOND_NS)
    }
}

/// Shared status of one sensor; clones are the same one.
#[derive(Debug, Clone, Default)]
pub struct SensorReport(Arc<Mutex<SensorState>>);

impl SensorReport {
    /// Locks the status for reading or writing.
    pub fn state(&self) -> MutexGuard<'_, SensorState> {
        // No holder of the lock leaves it half-written.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records a plausible sample.
    pub fn record_sample(&self, force_g: f64, reading: f64, at: Nanos) {
        let mut state = self.state();
        (state.force_g, state.reading, state.sample_at) = (Some(force_g), Some(reading), Some(at));
        state.samples += 1;
        state.last_lost = None;
    }

    /// Records a lost sample.
    pub fn record_loss(&self, why: SampleError, reading: Option<f64>) {
        let mut state = self.state();
        state.lost[why as usize] += 1;
        state.last_lost = Some(why);
        state.reading = reading.or(state.reading);
    }

    /// Number of samples that were lost for this reason.
    pub fn lost_count(&self, why: SampleError) -> u64 {
        self.state().lost[why as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_counted_one_by_one() {
        let report = SensorReport::default();
        for why in SampleError::ALL {
            report.record_loss(why, None);
            assert_eq!((report.lost_count(why), report.state().last_lost), (1, Some(why)));
        }
        assert_eq!(report.state().lost, [1; SampleError::ALL.len()]);
    }
}
