//! Pulse log: every step with its instant on the clock of the machine.

use std::fs;
use std::path::Path;

/// A step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pulse {
    /// Instant on the clock of the machine.
    pub at_ns: u64,
    pub forward: bool,
    /// Step counter from power-on, this step included.
    pub count: i64,
}

/// Resolution of the simulated machine, steps/mm.
pub const STEPS_PER_MM: f64 = 10.0;

/// The pulses that are written so far; an incomplete line is left out.
#[track_caller]
pub fn read(file: &Path) -> Vec<Pulse> {
    let text = fs::read_to_string(file).unwrap();
    let complete = text.rfind('\n').map_or("", |end| &text[..end]);
    let mut count = 0;
    let mut pulses = Vec::new();
    for line in complete.lines() {
        let (at, what) = line.split_once(' ').unwrap_or_else(|| panic!("{line:?}"));
        let forward = match what {
            "+" => true,
            "-" => false,
            "driver on" | "driver off" => continue,
            _ => panic!("the pulse log is not complete: {line:?}"),
        };
        count += if forward { 1 } else { -1 };
        pulses.push(Pulse { at_ns: at.parse().unwrap(), forward, count });
    }
    pulses
}

/// Instant at which the driver was switched off after it had been switched on for the last time, on the clock of the
/// machine.
pub fn driver_off_ns(file: &Path) -> Option<u64> {
    let text = fs::read_to_string(file).ok()?;
    let (_, powered) = text.rsplit_once(" driver on\n")?;
    powered.lines().find_map(|line| line.strip_suffix(" driver off"))?.parse().ok()
}

/// Speed between two pulses that are `steps` apart, in mm/s.
pub fn speed_mm_s(pulses: &[Pulse], last: usize, steps: usize) -> f64 {
    let span_ns = pulses[last].at_ns - pulses[last - steps].at_ns;
    steps as f64 / STEPS_PER_MM / (span_ns as f64 * 1e-9)
}

/// Median of the numbers.
#[track_caller]
pub fn median(mut numbers: Vec<f64>) -> f64 {
    assert!(!numbers.is_empty(), "the middle of nothing");
    numbers.sort_by(f64::total_cmp);
    numbers[numbers.len() / 2]
}
