//! The thread of a sensor on a serial line: reads, speaks, and opens the device again when it is gone.
//!
//! It is an ordinary thread, on the cores of the server. When it is held up, samples keep their age ([`timeline`](super::timeline)),
//! and the control cycle sees them grow old.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::intake::{Intake, IntakeRules};
use super::line::{ReadResult, SerialLine};
use super::listener::{BoardListener, SensorOrder};
use super::logs::LogSink;
use super::report::SensorReport;
use super::scale::Scale;
use crate::hal::{Clock, ForceFeed, MonotonicClock};
use crate::units::{Nanos, SECOND_NS};

/// Between two attempts to open the device.
const OPEN_EVERY: Duration = Duration::from_millis(250);
/// A device that nothing comes from is opened anew so often: it may be an old name of one that was plugged in again.
const REOPEN_SILENT_NS: Nanos = 5 * SECOND_NS;
/// More than comes within a tenth of a second at the usual rates.
const READ_BYTES: usize = 4_096;

/// What it takes to hear a board.
#[derive(Debug, Clone, PartialEq)]
pub struct UartOptions {
    /// The serial device.
    pub device: PathBuf,
    /// Bits a second.
    pub baud: u32,
    /// Conversions a second.
    pub rate_hz: u16,
    /// What samples must keep.
    pub rules: IntakeRules,
}

/// A running thread; it ends when this is dropped.
#[derive(Debug)]
pub struct UartSensor {
    orders: Sender<SensorOrder>,
    report: SensorReport,
    ending: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl UartSensor {
    /// Starts the thread. The device need not be there yet.
    ///
    /// # Errors
    /// The system has no more threads.
    pub fn start(
        options: UartOptions,
        scale: Scale,
        clock: MonotonicClock,
        feed: ForceFeed,
        logs: impl FnOnce(SensorReport) -> io::Result<LogSink>,
    ) -> io::Result<UartSensor> {
        let report = SensorReport::default();
        let sink = logs(report.clone())?;
        let intake = Intake::new(options.rules, feed, report.clone());
        let listener = BoardListener::new(options.rate_hz, scale, intake, report.clone(), sink);
        let ending = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&ending);
        let (orders, taken) = mpsc::channel();
        let thread = thread::Builder::new()
            .name("sensor".to_owned())
            .spawn(move || run(&options, listener, clock, &taken, &told))?;
        Ok(UartSensor { orders, report, ending, thread: Some(thread) })
    }

    /// Where to send wishes.
    #[must_use]
    pub fn orders(&self) -> Sender<SensorOrder> {
        self.orders.clone()
    }

    /// How it gets on.
    #[must_use]
    pub fn report(&self) -> &SensorReport {
        &self.report
    }
}

impl Drop for UartSensor {
    fn drop(&mut self) {
        self.ending.store(true, Ordering::Release);
        // It looks at least ten times a second.
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

fn run(
    options: &UartOptions,
    mut listener: BoardListener,
    clock: MonotonicClock,
    orders: &Receiver<SensorOrder>,
    ending: &AtomicBool,
) {
    while !ending.load(Ordering::Acquire) {
        match SerialLine::open(&options.device, options.baud) {
            Ok(line) => {
                listener.opened();
                converse(line, &mut listener, clock, orders, ending);
            }
            Err(error) => listener.unplugged(&format!("{}: {error}", options.device.display())),
        }
        orders.try_iter().for_each(|order| listener.obey(order));
        thread::sleep(OPEN_EVERY);
    }
}

/// Until the device is gone, or silent for so long that it had better be opened anew.
fn converse(
    mut line: SerialLine,
    listener: &mut BoardListener,
    clock: MonotonicClock,
    orders: &Receiver<SensorOrder>,
    ending: &AtomicBool,
) {
    let mut buffer = [0; READ_BYTES];
    let mut heard_at = clock.now();
    while !ending.load(Ordering::Acquire) {
        orders.try_iter().for_each(|order| listener.obey(order));
        listener.due(clock.now(), |frame| line.write(&frame));
        match line.read(&mut buffer) {
            ReadResult::Bytes(count) => {
                heard_at = clock.now();
                listener.hear(&buffer[..count], heard_at);
            }
            ReadResult::Nothing => {
                let now = clock.now();
                listener.note(now);
                if now.saturating_sub(heard_at) > REOPEN_SILENT_NS {
                    return;
                }
            }
            ReadResult::Gone => return listener.unplugged("the device went away"),
        }
    }
}
