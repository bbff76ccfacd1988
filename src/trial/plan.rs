//! What a seed tries: which machine, and what goes wrong when. Pure.

use super::fault::InjectedFault;
use super::gear::Gear;
use crate::hal::sim::Random;
use crate::hal::sim::{MotorOptions, RailOptions, WaitLateness};
use crate::machine::SessionRules;
use crate::units::{MICROSECOND_NS, MILLISECOND_NS, Nanos, SECOND_NS};

/// One thing that goes wrong.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Planned {
    /// What.
    pub fault: InjectedFault,
    /// When it begins.
    pub from_ns: Nanos,
    /// How long it lasts.
    pub lasts_ns: Nanos,
    /// Whether it waits for a wave to run.
    pub in_motion: bool,
}

/// A run as planned.
#[derive(Debug, Clone, PartialEq)]
pub struct TrialPlan {
    /// How it is built.
    pub gear: Gear,
    /// The rail.
    pub rail: RailOptions,
    /// What ends by itself, on some machines within the run.
    pub session: SessionRules,
    /// How late the computer is when it stalls; some computers are always a little late.
    pub lateness: WaitLateness,
    /// Whether this computer is ever late: it says how exactly edges can be judged.
    pub late: bool,
    /// What goes wrong, in order.
    pub faults: Vec<Planned>,
}

/// Waits of a late computer are always late by up to this.
pub const JITTER_NS: Nanos = 2 * MICROSECOND_NS;

/// So many of what closes or opens a line is over soon: from what is no reading yet to what is gone before the control cycle
/// looks, or a few cycles later.
const SHORT_SHARE: f64 = 0.4;
const SHORT_S: (f64, f64) = (1e-6, 0.02);

impl TrialPlan {
    /// The plan of a run of `seconds`, with faults from among `faults`.
    #[must_use]
    pub fn new(random: &mut Random, seconds: u64, faults: &[InjectedFault]) -> TrialPlan {
        let motor = random.chance(0.5).then(MotorOptions::default);
        let gear = Gear::any(random, motor.is_some());
        let length_mm = gear.length_mm;
        // Half of them push back; of those, some too hard for homing to pass.
        let wall_mm = length_mm * if random.chance(0.5) { random.between(0.25, 0.97) } else { 7.0 };
        let stiffness_g_per_mm = random.log_between(50.0, 1_500.0) / (length_mm - wall_mm).abs();
        // The places of the switches are anywhere between two steps.
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
        // Mostly too late for the run, as in use.
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
        // One at a time, seldom another one before the first is over.
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
            plan.faults.push(Planned { fault, from_ns: in_ns(at_s), lasts_ns: in_ns(lasts_s), in_motion });
            at_s += random.log_between(4.0, 50.0) + if random.chance(0.85) { lasts_s } else { 0.0 };
        }
        plan.late = plan
            .faults
            .iter()
            .any(|planned| matches!(planned.fault, InjectedFault::Stalls | InjectedFault::StepsFrozen));
        plan
    }
}
