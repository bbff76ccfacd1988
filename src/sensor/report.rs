//! What a person wants to know about the sensor: the thread writes it, the API reads it. Nothing that moves depends on it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Serialize;

use super::sample_error::SampleError;
use super::scale::Scale;
use crate::units::{MILLISECOND_NS, Nanos};

/// How the line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkState {
    /// The device cannot be opened, or went away.
    #[default]
    Unplugged,
    /// The device is there, and nothing comes from it.
    Silent,
    /// Something comes from it, and none of it is a frame.
    Babbling,
    /// A board of another version is there.
    OtherVersion,
    /// The board is introducing itself, or is being set up.
    Greeting,
    /// All is well.
    Live,
}

impl LinkState {
    /// What is so, and what to do.
    #[must_use]
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

/// The board, as it introduced itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct BoardReport {
    /// The version of the messages.
    pub protocol: u16,
    /// The version of its firmware.
    pub firmware: Option<[u8; 3]>,
    /// The chip's number.
    pub serial: Option<u64>,
}

/// How the log of the board gets on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct LogReport {
    /// Frames that became a line of our log.
    pub said: u64,
    /// Frames that fit no line of the firmware's file, or came without such a file.
    pub undecoded: u64,
    /// Lines that were too many at once.
    pub suppressed: u64,
}

/// Everything that is known.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SensorState {
    /// How the line is.
    pub link: LinkState,
    /// What the system said about the device.
    pub trouble: Option<String>,
    /// The board, once it introduced itself.
    pub board: Option<BoardReport>,
    /// Conversions a second.
    pub rate_hz: Option<f64>,
    /// What readings mean.
    pub scale: Scale,
    /// The force of the last sample that was no nonsense, in grams.
    pub force_g: Option<f64>,
    /// The last reading, as the sensor counts.
    pub reading: Option<f64>,
    /// When the last such sample was taken.
    pub sample_at: Option<Nanos>,
    /// When the sensor was last heard.
    pub heard_at: Option<Nanos>,
    /// Samples that were taken.
    pub samples: u64,
    /// Frames that were whole, or answers of the bus.
    pub good_frames: u64,
    /// What was no frame.
    pub garbled: u64,
    /// How often the device was opened.
    pub opened: u64,
    /// Why the last sample was lost, if it was.
    pub last_lost: Option<SampleError>,
    /// Lost samples, in the order of [`SampleError::ALL`].
    pub lost: [u64; SampleError::ALL.len()],
    /// The log of the board.
    pub logs: LogReport,
}

impl SensorState {
    /// The time since the last sample, in ms.
    #[must_use]
    pub fn sample_age_ms(&self, now: Nanos) -> Option<u64> {
        Some(now.saturating_sub(self.sample_at?) / MILLISECOND_NS)
    }

    /// The time since the sensor was last heard, in ms.
    #[must_use]
    pub fn link_age_ms(&self, now: Nanos) -> Option<u64> {
        Some(now.saturating_sub(self.heard_at?) / MILLISECOND_NS)
    }
}

/// The board's notice of it; clones are the same one.
#[derive(Debug, Clone, Default)]
pub struct SensorReport(Arc<Mutex<SensorState>>);

impl SensorReport {
    /// For whoever writes or reads a part of it.
    pub fn state(&self) -> MutexGuard<'_, SensorState> {
        // Nothing here can panic half-way.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A good sample came.
    pub fn sample(&self, force_g: f64, reading: f64, at: Nanos) {
        let mut state = self.state();
        (state.force_g, state.reading, state.sample_at) = (Some(force_g), Some(reading), Some(at));
        state.samples += 1;
        state.last_lost = None;
    }

    /// A sample was lost.
    pub fn lost(&self, why: SampleError, reading: Option<f64>) {
        let mut state = self.state();
        state.lost[why as usize] += 1;
        state.last_lost = Some(why);
        state.reading = reading.or(state.reading);
    }

    /// How many samples were lost for that reason.
    #[must_use]
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
            report.lost(why, None);
            assert_eq!((report.lost_count(why), report.state().last_lost), (1, Some(why)));
        }
        assert_eq!(report.state().lost, [1; SampleError::ALL.len()]);
    }
}
