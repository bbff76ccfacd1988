//! Fault injector: starts and ends the faults of a plan at the machine, its computer, its disk and its clients.

use std::rc::Rc;
use std::sync::PoisonError;

use super::facts::InputPulse;
use super::fault::InjectedFault;
use super::plan::{PlannedFault, TrialPlan};
use super::process::{HEALTHY_COMPUTER, TrialEnvironment, TrialProcess};
use super::workload::ClientWorkload;
use crate::hal::Clock;
use crate::hal::sim::Random;
use crate::hal::sim::{Mishap, Mishaps};
use crate::units::{MILLISECOND_NS, Nanos, SECOND_NS};
use crate::wall_clock;

/// Time after a stall in which timing is not checked: a motion that was late has ended by then.
const LATE_FOR_NS: Nanos = 2 * SECOND_NS;

/// A fault on an input line that is shorter than this starts and ends at exact instants, not from cycle to cycle.
const SHORT_NS: Nanos = 20 * MILLISECOND_NS;

/// Longest delay of a short pulse: it begins and ends at the end of a wait of the clock.
const PLAYED_WITHIN_NS: Nanos = SECOND_NS / 2;

/// Time after the end of the corruption until no sample is older than usual.
const CORRUPTED_FOR_NS: Nanos = 200 * MILLISECOND_NS;

/// Injects the faults of a plan.
pub struct FaultInjector {
    random: Random,
    /// The short pulse that is being injected, and the instant at which it is over in any case.
    pulse: Option<(Mishap, Nanos)>,
}

fn hides_samples(fault: InjectedFault) -> bool {
    matches!(
        fault,
        InjectedFault::Machine(Mishap::LoadCellSilent | Mishap::LoadCellFrozen | Mishap::LoadCellGarbage)
    )
}

impl FaultInjector {
    /// An injector without active faults.
    pub fn new(random: Random) -> FaultInjector {
        FaultInjector { random, pulse: None }
    }

    /// Starts a fault. The caller kills the process for [`InjectedFault::Killed`].
    pub fn inject(
        &mut self,
        planned: &PlannedFault,
        plan: &TrialPlan,
        process: &mut TrialProcess,
        workload: &mut ClientWorkload,
        environment: &TrialEnvironment,
    ) {
        let now = process.now();
        let lasts_ns = planned.lasts_ns;
        process.witness().expect_firm_braking(now + lasts_ns);
        process.witness().append_history(format_args!(
            "fault: {} for {:.3} s",
            planned.fault.name(),
            lasts_ns as f64 * 1e-9
        ));
        let force_limit_g = process.ctx.settings.current().document.force_limit as f64;
        match planned.fault {
            InjectedFault::Machine(mishap) if planned.fault.is_of_a_line() && lasts_ns < SHORT_NS => {
                self.inject_pulse(mishap, lasts_ns, process, environment);
            }
            InjectedFault::Machine(mishap) => {
                process.machine.operator().set_mishap(mishap, true);
            }
            InjectedFault::Push => {
                let force_g = force_limit_g * self.random.between(0.3, 2.0);
                let way = if self.random.chance(0.5) { 1.0 } else { -1.0 };
                process.machine.operator().push_g(way * force_g);
            }
            InjectedFault::ControlFrozen => {
                process.witness().facts.ground_truth.control_frozen = Some((now, now + lasts_ns));
                process.witness().facts.ground_truth.late_until = now + lasts_ns + LATE_FOR_NS;
                process.machine.stall_control(lasts_ns);
            }
            InjectedFault::StepsFrozen => {
                process.witness().facts.ground_truth.late_until = now + lasts_ns + LATE_FOR_NS;
                process.machine.stall_steps(lasts_ns);
            }
            InjectedFault::Stalls => {
                process.witness().facts.ground_truth.late_until = now + lasts_ns + LATE_FOR_NS;
                environment.clock.set_lateness(Some(plan.lateness));
            }
            InjectedFault::DiskFull | InjectedFault::StoreFails => {
                let full = planned.fault == InjectedFault::DiskFull;
                let why = if full { "no space left on device" } else { "input/output error" };
                process.witness().facts.ground_truth.disk_broken = true;
                environment.disk.lock().unwrap_or_else(PoisonError::into_inner).break_disk(Some(why));
            }
            InjectedFault::UnderVoltage => {
                process.witness().facts.ground_truth.under_voltage_since = Some(now);
                environment.computer.lock().unwrap_or_else(PoisonError::into_inner).under_voltage =
                    Some(true);
            }
            InjectedFault::Heat => {
                let c = self.random.between(78.0, 92.0) as f32;
                process.witness().facts.ground_truth.hot_since = Some((now, c));
                environment.computer.lock().unwrap_or_else(PoisonError::into_inner).temperature_c = Some(c);
            }
            InjectedFault::SensorBytesCorrupted => {
                process.witness().facts.ground_truth.corrupted_until = now + lasts_ns + CORRUPTED_FOR_NS;
                let share = self.random.log_between(0.001, 0.5);
                environment.line.corrupt(Random::new(self.random.number()), share);
            }
            // Up to decades, in either direction.
            InjectedFault::ClockJumps => wall_clock::set_offset_s(self.random.between(-2e9, 2e9) as i64),
            InjectedFault::ClientLeaves => workload.close_page(process),
            InjectedFault::ClientHangs => workload.freeze_page(process),
            InjectedFault::Flood => workload.flood(process),
            InjectedFault::Garbage => workload.garbage(process),
            InjectedFault::Killed => {}
        }
        let truth = &mut process.witness().facts.ground_truth;
        if hides_samples(planned.fault) {
            truth.samples_lost_since.get_or_insert(now);
        }
        if planned.fault == InjectedFault::Machine(Mishap::LoadCellNoisy) {
            truth.noise_g = crate::hal::sim::load_cell::NOISE_G;
        }
    }

    /// Ends a short pulse that is going on, when the process has ended.
    pub fn cancel_pulse(&mut self, process: &TrialProcess) {
        if let Some((mishap, _)) = self.pulse.take().filter(|(_, over)| process.now() < *over) {
            process.machine.operator().set_mishap(mishap, false);
        }
    }

    /// Makes an input line active for `lasts_ns`, from a random instant of the next control cycle on.
    fn inject_pulse(
        &mut self,
        mishap: Mishap,
        lasts_ns: Nanos,
        process: &mut TrialProcess,
        environment: &TrialEnvironment,
    ) {
        let cuts = matches!(mishap, Mishap::EStopOpen | Mishap::DriverAlarm);
        let (operator, clock) = (process.machine.operator().clone(), environment.clock.clone());
        let pulses = Rc::clone(&process.witness().facts.input_pulses);
        let now = process.now();
        let at = now + self.random.below(MILLISECOND_NS);
        if self.pulse.is_some_and(|(_, over)| now < over) {
            // One pulse at a time.
            return;
        }
        self.pulse = Some((mishap, now + lasts_ns + PLAYED_WITHIN_NS));
        environment.clock.set_alarm(at, move || {
            // The clock calls this at the end of the wait in which the instant lies.
            let from_ns = clock.now();
            operator.set_mishap(mishap, true);
            let until = from_ns + lasts_ns;
            clock.clone().set_alarm(until, move || {
                operator.set_mishap(mishap, false);
                pulses.borrow_mut().push_back(InputPulse { cuts, from_ns, until_ns: clock.now() });
            });
        });
    }

    /// Ends a fault.
    pub fn clear(
        &mut self,
        planned: &PlannedFault,
        process: &mut TrialProcess,
        environment: &TrialEnvironment,
    ) {
        process.witness().append_history(format_args!("over: {}", planned.fault.name()));
        let now = process.now();
        process.witness().expect_firm_braking(now);
        match planned.fault {
            // A short pulse ends by itself.
            InjectedFault::Machine(_) if planned.fault.is_of_a_line() && planned.lasts_ns < SHORT_NS => {}
            InjectedFault::Machine(mishap) => process.machine.operator().set_mishap(mishap, false),
            InjectedFault::Push => process.machine.operator().push_g(0.0),
            InjectedFault::Stalls => environment.clock.set_lateness(None),
            InjectedFault::DiskFull | InjectedFault::StoreFails => {
                environment.disk.lock().unwrap_or_else(PoisonError::into_inner).break_disk(None);
                process.witness().facts.ground_truth.disk_broken = false;
            }
            InjectedFault::ClockJumps => wall_clock::set_offset_s(0),
            InjectedFault::SensorBytesCorrupted => environment.line.repair(),
            InjectedFault::UnderVoltage => {
                process.witness().facts.ground_truth.under_voltage_since = None;
                environment.computer.lock().unwrap_or_else(PoisonError::into_inner).under_voltage =
                    HEALTHY_COMPUTER.under_voltage;
            }
            InjectedFault::Heat => {
                process.witness().facts.ground_truth.hot_since = None;
                environment.computer.lock().unwrap_or_else(PoisonError::into_inner).temperature_c =
                    HEALTHY_COMPUTER.temperature_c;
            }
            _ => {}
        }
        let (now, hidden) = (process.now(), samples_hidden(process.machine.operator().mishaps()));
        let truth = &mut process.witness().facts.ground_truth;
        if hides_samples(planned.fault) && !hidden {
            truth.samples_lost_since = None;
        }
        if planned.fault == InjectedFault::Machine(Mishap::LoadCellNoisy) {
            // The last noisy sample stays valid for a while.
            truth.late_until = truth.late_until.max(now + 200 * MILLISECOND_NS);
            truth.noise_g = 0.0;
        }
    }
}

fn samples_hidden(mishaps: Mishaps) -> bool {
    [Mishap::LoadCellSilent, Mishap::LoadCellFrozen, Mishap::LoadCellGarbage]
        .into_iter()
        .any(|mishap| mishaps.has(mishap))
}
