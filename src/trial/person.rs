//! Who makes the faults happen, and ends them: the person at the machine, its computer, its disk.

use std::rc::Rc;
use std::sync::PoisonError;

use super::facts::Pulse;
use super::fault::InjectedFault;
use super::operator::Operator;
use super::plan::{Planned, TrialPlan};
use super::whole::{Ground, TrialProcess, USUAL};
use crate::hal::Clock;
use crate::hal::sim::Random;
use crate::hal::sim::{Mishap, Mishaps};
use crate::units::{MILLISECOND_NS, Nanos, SECOND_NS};
use crate::wall_clock;

/// After a stall nothing is judged by its time for so long: a motion that was late has ended by then.
const LATE_FOR_NS: Nanos = 2 * SECOND_NS;

/// A line that is active for less than this is so from one instant to another, and not from cycle to cycle.
const SHORT_NS: Nanos = 20 * MILLISECOND_NS;

/// A pulse begins and ends at the end of a wait, which takes this at most.
const PLAYED_WITHIN_NS: Nanos = SECOND_NS / 2;

/// So long after the line is good again no sample is older than usual.
const SPOILT_FOR_NS: Nanos = 200 * MILLISECOND_NS;

/// Plays the faults of a plan.
pub struct Person {
    random: Random,
    /// The short pulse that is being played, and by when it is over whatever else happens.
    pulse: Option<(Mishap, Nanos)>,
}

fn hides_samples(fault: InjectedFault) -> bool {
    matches!(
        fault,
        InjectedFault::Machine(Mishap::LoadCellSilent | Mishap::LoadCellFrozen | Mishap::LoadCellGarbage)
    )
}

impl Person {
    /// Somebody who has done nothing yet.
    #[must_use]
    pub fn new(random: Random) -> Person {
        Person { random, pulse: None }
    }

    /// The fault begins; killing is for the caller.
    pub fn begin(
        &mut self,
        planned: &Planned,
        plan: &TrialPlan,
        whole: &mut TrialProcess,
        operator: &mut Operator,
        ground: &Ground,
    ) {
        let now = whole.now();
        let lasts_ns = planned.lasts_ns;
        whole.witness().disturb(now + lasts_ns);
        whole.witness().tell(format_args!(
            "fault: {} for {:.3} s",
            planned.fault.name(),
            lasts_ns as f64 * 1e-9
        ));
        let force_limit_g = whole.ctx.desk.current().document.force_limit as f64;
        match planned.fault {
            InjectedFault::Machine(mishap) if planned.fault.is_of_a_line() && lasts_ns < SHORT_NS => {
                self.pulse(mishap, lasts_ns, whole, ground);
            }
            InjectedFault::Machine(mishap) => {
                whole.machine.operator().set_mishap(mishap, true);
            }
            InjectedFault::Push => {
                let force_g = force_limit_g * self.random.between(0.3, 2.0);
                let way = if self.random.chance(0.5) { 1.0 } else { -1.0 };
                whole.machine.operator().push_g(way * force_g);
            }
            InjectedFault::ControlFrozen => {
                whole.witness().facts.told.control_frozen = Some((now, now + lasts_ns));
                whole.witness().facts.told.late_until = now + lasts_ns + LATE_FOR_NS;
                whole.machine.stall_control(lasts_ns);
            }
            InjectedFault::StepsFrozen => {
                whole.witness().facts.told.late_until = now + lasts_ns + LATE_FOR_NS;
                whole.machine.stall_steps(lasts_ns);
            }
            InjectedFault::Stalls => {
                whole.witness().facts.told.late_until = now + lasts_ns + LATE_FOR_NS;
                ground.clock.set_lateness(Some(plan.lateness));
            }
            InjectedFault::DiskFull | InjectedFault::StoreFails => {
                let full = planned.fault == InjectedFault::DiskFull;
                let why = if full { "no space left on device" } else { "input/output error" };
                whole.witness().facts.told.disk_broken = true;
                ground.disk.lock().unwrap_or_else(PoisonError::into_inner).break_disk(Some(why));
            }
            InjectedFault::UnderVoltage => {
                whole.witness().facts.told.under_voltage_since = Some(now);
                ground.computer.lock().unwrap_or_else(PoisonError::into_inner).under_voltage = Some(true);
            }
            InjectedFault::Heat => {
                let c = self.random.between(78.0, 92.0) as f32;
                whole.witness().facts.told.hot_since = Some((now, c));
                ground.computer.lock().unwrap_or_else(PoisonError::into_inner).temperature_c = Some(c);
            }
            InjectedFault::SensorBytesCorrupted => {
                whole.witness().facts.told.spoilt_until = now + lasts_ns + SPOILT_FOR_NS;
                let share = self.random.log_between(0.001, 0.5);
                ground.line.spoil(Random::new(self.random.number()), share);
            }
            // Decades, either way.
            InjectedFault::ClockJumps => wall_clock::set_offset_s(self.random.between(-2e9, 2e9) as i64),
            InjectedFault::ClientLeaves => operator.leave(whole),
            InjectedFault::ClientHangs => operator.hang(whole),
            InjectedFault::Flood => operator.flood(whole),
            InjectedFault::Garbage => operator.garbage(whole),
            InjectedFault::Killed => {}
        }
        let told = &mut whole.witness().facts.told;
        if hides_samples(planned.fault) {
            told.samples_lost_since.get_or_insert(now);
        }
        if planned.fault == InjectedFault::Machine(Mishap::LoadCellNoisy) {
            told.noise_g = crate::hal::sim::load_cell::NOISE_G;
        }
    }

    /// The process has ended; the next one finds no pulse.
    pub fn forget(&mut self, whole: &TrialProcess) {
        if let Some((mishap, _)) = self.pulse.take().filter(|(_, over)| whole.now() < *over) {
            whole.machine.operator().set_mishap(mishap, false);
        }
    }

    /// A line is active for a short while, from some instant of the next control cycle on.
    fn pulse(&mut self, mishap: Mishap, lasts_ns: Nanos, whole: &mut TrialProcess, ground: &Ground) {
        let cuts = matches!(mishap, Mishap::EStopOpen | Mishap::DriverAlarm);
        let (operator, clock) = (whole.machine.operator().clone(), ground.clock.clone());
        let pulses = Rc::clone(&whole.witness().facts.pulses);
        let now = whole.now();
        let at = now + self.random.below(MILLISECOND_NS);
        if self.pulse.is_some_and(|(_, over)| now < over) {
            // One at a time.
            return;
        }
        self.pulse = Some((mishap, now + lasts_ns + PLAYED_WITHIN_NS));
        ground.clock.set_alarm(at, move || {
            // At the end of the wait in which the instant lies.
            let from_ns = clock.now();
            operator.set_mishap(mishap, true);
            let until = from_ns + lasts_ns;
            clock.clone().set_alarm(until, move || {
                operator.set_mishap(mishap, false);
                pulses.borrow_mut().push_back(Pulse { cuts, from_ns, until_ns: clock.now() });
            });
        });
    }

    /// The fault is over.
    pub fn end(&mut self, planned: &Planned, whole: &mut TrialProcess, ground: &Ground) {
        whole.witness().tell(format_args!("over: {}", planned.fault.name()));
        let now = whole.now();
        whole.witness().disturb(now);
        match planned.fault {
            // It ends by itself.
            InjectedFault::Machine(_) if planned.fault.is_of_a_line() && planned.lasts_ns < SHORT_NS => {}
            InjectedFault::Machine(mishap) => whole.machine.operator().set_mishap(mishap, false),
            InjectedFault::Push => whole.machine.operator().push_g(0.0),
            InjectedFault::Stalls => ground.clock.set_lateness(None),
            InjectedFault::DiskFull | InjectedFault::StoreFails => {
                ground.disk.lock().unwrap_or_else(PoisonError::into_inner).break_disk(None);
                whole.witness().facts.told.disk_broken = false;
            }
            InjectedFault::ClockJumps => wall_clock::set_offset_s(0),
            InjectedFault::SensorBytesCorrupted => ground.line.heal(),
            InjectedFault::UnderVoltage => {
                whole.witness().facts.told.under_voltage_since = None;
                ground.computer.lock().unwrap_or_else(PoisonError::into_inner).under_voltage =
                    USUAL.under_voltage;
            }
            InjectedFault::Heat => {
                whole.witness().facts.told.hot_since = None;
                ground.computer.lock().unwrap_or_else(PoisonError::into_inner).temperature_c =
                    USUAL.temperature_c;
            }
            _ => {}
        }
        let (now, hidden) = (whole.now(), hidden(whole.machine.operator().mishaps()));
        let told = &mut whole.witness().facts.told;
        if hides_samples(planned.fault) && !hidden {
            told.samples_lost_since = None;
        }
        if planned.fault == InjectedFault::Machine(Mishap::LoadCellNoisy) {
            // A noisy sample stays valid for a while.
            told.late_until = told.late_until.max(now + 200 * MILLISECOND_NS);
            told.noise_g = 0.0;
        }
    }
}

fn hidden(mishaps: Mishaps) -> bool {
    [Mishap::LoadCellSilent, Mishap::LoadCellFrozen, Mishap::LoadCellGarbage]
        .into_iter()
        .any(|mishap| mishaps.has(mishap))
}
