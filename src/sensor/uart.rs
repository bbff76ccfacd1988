//! Sensor thread: reads the serial line, sends to the board, and reopens a device that was unplugged.
//!
//! It is an ordinary thread on the cores of the server. When the scheduler delays it, samples keep their true age
//! ([`clock_sync`](super::clock_sync)), and the control cycle sees them age.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::line::{ReadResult, SerialLine};
use super::listener::{BoardListener, SensorRequest};
use super::logs::LogSink;
use super::report::SensorReport;
use super::scale::Scale;
use super::validator::{SampleLimits, SampleValidator};
use crate::hal::{Clock, ForceFeed, MonotonicClock};
use crate::units::{Nanos, SECOND_NS};

/// Time between two attempts to open the device.
const OPEN_EVERY: Duration = Duration::from_millis(250);
/// A silent device is reopened after this time, since its name may belong to one that was unplugged and plugged in
/// again.
const REOPEN_SILENT_NS: Nanos = 5 * SECOND_NS;
/// Larger than what a tenth of a second brings at the usual rates.
const READ_BYTES: usize = 4_096;

/// Options of the serial link.
#[derive(Debug, Clone, PartialEq)]
pub struct UartOptions {
    /// The serial device.
    pub device: PathBuf,
    /// Baud rate (bit/s).
    pub baud: u32,
    /// Conversion rate (1/s).
    pub rate_hz: u16,
    /// Limits of a plausible sample.
    pub rules: SampleLimits,
}

/// Handle of the sensor thread; dropping it ends the thread.
#[derive(Debug)]
pub struct UartSensor {
    requests: Sender<SensorRequest>,
    report: SensorReport,
    ending: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl UartSensor {
    /// Starts the thread. The device need not be there yet.
    ///
    /// # Errors
    /// The thread cannot be started.
    pub fn start(
        options: UartOptions,
        scale: Scale,
        clock: MonotonicClock,
        feed: ForceFeed,
        logs: impl FnOnce(SensorReport) -> io::Result<LogSink>,
    ) -> io::Result<UartSensor> {
        let report = SensorReport::default();
        let sink = logs(report.clone())?;
        let validator = SampleValidator::new(options.rules, feed, report.clone());
        let listener = BoardListener::new(options.rate_hz, scale, validator, report.clone(), sink);
        let ending = Arc::new(AtomicBool::new(false));
        let stop = Arc::clone(&ending);
        let (requests, received) = mpsc::channel();
        let thread = thread::Builder::new()
            .name("sensor".to_owned())
            .spawn(move || run(&options, listener, clock, &received, &stop))?;
        Ok(UartSensor { requests, report, ending, thread: Some(thread) })
    }

    /// A sender of requests to the thread.
    pub fn requests(&self) -> Sender<SensorRequest> {
        self.requests.clone()
    }

    /// Status of the sensor.
    pub fn report(&self) -> &SensorReport {
        &self.report
    }
}

impl Drop for UartSensor {
    fn drop(&mut self) {
        self.ending.store(true, Ordering::Release);
        // The thread checks the flag at least ten times a second.
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

fn run(
    options: &UartOptions,
    mut listener: BoardListener,
    clock: MonotonicClock,
    requests: &Receiver<SensorRequest>,
    ending: &AtomicBool,
) {
    while !ending.load(Ordering::Acquire) {
        match SerialLine::open(&options.device, options.baud) {
            Ok(line) => {
                listener.report_opened();
                serve_line(line, &mut listener, clock, requests, ending);
            }
            Err(error) => listener.report_unplugged(&format!("{}: {error}", options.device.display())),
        }
        requests.try_iter().for_each(|request| listener.apply(request));
        thread::sleep(OPEN_EVERY);
    }
}

/// Serves the open device until it is unplugged, or silent for [`REOPEN_SILENT_NS`].
fn serve_line(
    mut line: SerialLine,
    listener: &mut BoardListener,
    clock: MonotonicClock,
    requests: &Receiver<SensorRequest>,
    ending: &AtomicBool,
) {
    let mut buffer = [0; READ_BYTES];
    let mut heard_at = clock.now();
    while !ending.load(Ordering::Acquire) {
        requests.try_iter().for_each(|request| listener.apply(request));
        listener.send_due(clock.now(), |frame| line.write(&frame));
        match line.read(&mut buffer) {
            ReadResult::Bytes(count) => {
                heard_at = clock.now();
                listener.receive(&buffer[..count], heard_at);
            }
            ReadResult::Nothing => {
                let now = clock.now();
                listener.update_link_state(now);
                if now.saturating_sub(heard_at) > REOPEN_SILENT_NS {
                    return;
                }
            }
            ReadResult::Gone => return listener.report_unplugged("the device went away"),
        }
    }
}
