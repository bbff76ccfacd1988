//! Conversion of a pulse's instant to the clock of the test.
//!
//! Both clocks are the system's monotonic one, with different zeros. While the carriage moves, the test requests its
//! position: an answer that arrived at `t` and reports the pulse `p` shows that `p` was before `t`. Of many such
//! answers the quickest is late by a few tenths of a millisecond. So the converted instants are never too early: "no
//! pulse later than" is a safe statement.

use std::time::{Duration, Instant};

use super::{Home, Yep};
use crate::real::pulses::{Pulse, STEPS_PER_MM};

/// Duration of the measurement.
const LOOK_FOR: Duration = Duration::from_millis(600);

/// Zero of the machine's clock on the clock of the test, or a little later.
#[derive(Debug, Clone, Copy)]
pub struct Zero(Instant);

impl Zero {
    /// Measures while the carriage moves away from its position at power-on.
    #[track_caller]
    pub fn find(yep: &Yep, home: &Home) -> Zero {
        let began = Instant::now();
        let mut seen = Vec::new();
        while began.elapsed() < LOOK_FOR {
            let carriage_mm = yep.get("/api/v1/sim").expect_ok()["carriage_mm"].as_f64().unwrap();
            seen.push((Instant::now(), carriage_mm));
        }
        // The pulses may not be written to the log yet.
        std::thread::sleep(Duration::from_millis(100));
        let pulses = home.pulses();
        let earliest = seen.iter().filter_map(|(at, carriage_mm)| {
            let steps = ((carriage_mm - home.start_mm()) * STEPS_PER_MM).round() as i64;
            // The first pulse at that position: every observation of it is later.
            let pulse = pulses.iter().find(|pulse| pulse.count == steps)?;
            Some(*at - Duration::from_nanos(pulse.at_ns))
        });
        Zero(earliest.min().expect("the carriage did not move"))
    }

    /// Instant of the pulse, or a little later.
    pub fn of(&self, pulse: &Pulse) -> Instant {
        self.0 + Duration::from_nanos(pulse.at_ns)
    }

    /// An instant on the clock of the machine, in ns.
    pub fn machine_ns(&self, at: Instant) -> i64 {
        at.duration_since(self.0).as_nanos() as i64
    }
}
