//! Checks of the host without starting anything: the report of `yep doctor`.
//!
//! Every check is made for every driver; which ones are needed depends on the driver and the options. The others are
//! shown too, as they may explain a late step.

mod checks;

use std::io;

use serde::Serialize;

use super::realtime::demand;
use crate::drive::realtime::latency::{self, LatencyMeasurement};
use crate::drive::realtime::{Demand, HostFiles, Item};
use crate::layout;
use crate::options::{Driver, ForceSensorOptions, Options};

/// Result of a check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// Wanted and actual value.
    #[serde(flatten)]
    pub item: Item,
    /// True if the machine does not start without it.
    pub needed: bool,
}

/// Results of all checks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Findings {
    /// Driver that the checks are for.
    pub driver: Driver,
    /// True if no needed check failed.
    pub fine: bool,
    /// In the order of the display.
    pub checks: Vec<Check>,
}

impl Findings {
    /// The needed checks that failed.
    pub fn missing(&self) -> impl Iterator<Item = &Item> {
        self.checks.iter().filter(|check| check.needed && !check.item.ok).map(|check| &check.item)
    }
}

/// Checks a host for a start with these options.
pub fn examine(options: &Options, host: &HostFiles) -> Findings {
    let required = demand(options.driver, options.realtime.require) == Demand::Require;
    let gpio = options.driver == Driver::Gpio;
    let always = |item| Check { item, needed: true };
    let helps = |item| Check { item, needed: false };
    let for_steps = |item| Check { item, needed: required };
    let checks = vec![
        always(checks::driver(options.driver)),
        always(checks::state_folder(&options.state_dir)),
        helps(checks::board(host)),
        helps(checks::kernel(host)),
        for_steps(checks::cores(host)),
        for_steps(host.check_isolated_core()),
        for_steps(host.check_throttle()),
        for_steps(host.check_deadline_server()),
        for_steps(host.check_fifo_right(layout::STEP_PRIORITY)),
        for_steps(host.check_lock_right()),
        helps(checks::tick(host)),
        helps(checks::interrupts(host)),
        helps(checks::governor(host)),
        helps(checks::clock_source(host)),
        helps(checks::wake_up(host)),
        helps(checks::power(host)),
        Check { item: checks::gpio(host), needed: gpio },
        Check {
            item: checks::uart(host, &options.force.device),
            needed: options.force_sensor() == ForceSensorOptions::Uart,
        },
        Check { item: checks::i2c(host), needed: options.force_sensor() == ForceSensorOptions::I2c },
        helps(checks::wiring(&options.pins)),
    ];
    let fine = checks.iter().all(|check| check.item.ok || !check.needed);
    Findings { driver: options.driver, fine, checks }
}

/// Step rates of the self-test: one that sleeps nearly all the time, and one that hardly sleeps.
const LATENCY_RATES_HZ: [u32; 2] = [1_000, 10_000];

/// Runs the latency self-test for `seconds` at each rate, on a thread that is set up as with these options.
///
/// # Errors
/// The thread cannot be started.
pub fn measure(options: &Options, seconds: u64) -> io::Result<(Vec<Item>, Vec<LatencyMeasurement>)> {
    latency::measure_lateness(&LATENCY_RATES_HZ, seconds, demand(options.driver, options.realtime.require))
}
