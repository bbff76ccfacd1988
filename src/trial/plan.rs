//! Plan of a run, drawn from its seed: the machine, and the faults with their instants. Pure.

use super::fault::InjectedFault;
use super::gear::Gear;
use crate::hal::sim::Random;
use crate::hal::sim::{MotorOptions, RailOptions, WaitLateness};
use crate::machine::SessionRules;
use crate::units::{MICROSECOND_NS, MILLISECOND_NS, Nanos, SECOND_NS};

/// A fault with its instant and duration.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PlannedFault {
    /// The fault.
    pub fault: InjectedFault,
    /// Instant at which it begins.
    pub from_ns: Nanos,
    /// Duration.
    pub lasts_ns: Nanos,
    /// True if the fault waits until a wave runs.
    pub in_motion: bool,
}

/// The plan of one run.
#[derive(Debug, Clone, PartialEq)]
pub struct TrialPlan {
    /// Mechanics, driver timing and settings of the machine.
    pub gear: Gear,
    /// The simulated rail.
    pub rail: RailOptions,
    /// Session rules; on some machines their times end within the run.
    pub session: SessionRules,
    /// Lateness of the computer while it stalls.
    pub lateness: WaitLateness,
    /// True if this computer is ever late; then the edges tell the plan less exactly.
    pub late: bool,
    /// The faults in order of their instants.
    pub faults: Vec<PlannedFault>,
}

/// Largest jitter of each wait of a late computer.
pub const JITTER_NS: Nanos = 2 * MICROSECOND_NS;

/// Share of the faults on an input line that are short: from less than one reading to a few control cycles.
const SHORT_SHARE: f64 = 0.4;
const SHORT_S: (f64, f64) = (1e-6, 0.02);

impl TrialPlan {
    /// The plan of a run of `seconds`, with faults from among `faults`.
    pub fn new(random: &mut Random, seconds: u64, faults: &[InjectedFault]) -> TrialPlan {
        let motor = random.chance(0.5).then(MotorOptions::default);
        let gear = Gear::random(random, motor.is_some());
        let length_mm = gear.length_mm;
        // Half of the rails have a spring; some springs are too hard for homing to pass.
        let wall_mm = length_mm * if random.chance(0.5) { random.between(0.25, 0.97) } else { 7.0 };
        let stiffness_g_per_mm = random.log_between(50.0, 1_500.0) / (length_mm - wall_mm).abs();
        // The switches close anywhere between two steps.
        let rail = RailOptions {
            length_mm,
            steps_per_mm: gear.steps_per_mm(),
            start_mm: random.between(-2.0, length_mm + 2.0),
            hysteresis_mm: random.between(0.1, 0.8),
            wall_mm,
            stiffness_g_per_mm,
            motor,
            ..RailOptions::default()
        };
        // As in use, most limits lie beyond the end of the run.
        let limit_ns = |random: &mut Random| {
            let limit_s = random.log_between(10.0, 1_000.0);
            Some((limit_s * SECOND_NS as f64) as Nanos)
        };
        let session = SessionRules { longest_ns: limit_ns(random), release_ns: limit_ns(random) };
        let lateness = WaitLateness {
            seed: random.number(),
            jitter_ns: JITTER_NS,
            stalls: random.log_between(1e-6, 1e-3),
            stall_ns: (
                MICROSECOND_NS,
                *random.one_of(&[100 * MICROSECOND_NS, MILLISECOND_NS, 50 * MILLISECOND_NS]),
            ),
        };
        let mut plan = TrialPlan { gear, rail, session, lateness, late: false, faults: Vec::new() };
        if faults.is_empty() {
            return plan;
        }
        // Faults rarely overlap.
        let mut at_s = random.between(1.0, 20.0);
        while at_s < seconds as f64 {
            let fault = *random.one_of(faults);
            let (shortest_s, longest_s) = fault.lasts_s();
            let short = fault.is_of_a_line() && random.chance(SHORT_SHARE);
            let lasts_s = if short {
                random.log_between(SHORT_S.0, SHORT_S.1)
            } else {
                random.log_between(shortest_s, longest_s)
            };
            let in_ns = |s: f64| (s * SECOND_NS as f64) as Nanos;
            let in_motion = random.chance(0.75);
            plan.faults.push(PlannedFault {
                fault,
                from_ns: in_ns(at_s),
                lasts_ns: in_ns(lasts_s),
                in_motion,
            });
            at_s += random.log_between(4.0, 50.0) + if random.chance(0.85) { lasts_s } else { 0.0 };
        }
        plan.late = plan
            .faults
            .iter()
            .any(|planned| matches!(planned.fault, InjectedFault::Stalls | InjectedFault::StepsFrozen));
        plan
    }
}
