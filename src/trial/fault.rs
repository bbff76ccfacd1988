//! Injected faults: everything that can go wrong in a run. They are the rows of the single-fault table in
//! docs/SAFETY.md.

use crate::hal::sim::Mishap;

/// A fault that is injected into a run. The names are those of the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum InjectedFault {
    /// A part of the machine is broken, or an input is held by hand.
    Machine(Mishap),
    /// A person pushes the carriage, up to twice as hard as the force limit.
    Push,
    /// The control thread is frozen.
    ControlFrozen,
    /// The step thread is frozen.
    StepsFrozen,
    /// The computer stalls now and then.
    Stalls,
    /// The process is killed, and started again.
    Killed,
    /// Writes fail because the disk is full.
    DiskFull,
    /// Writes fail with an I/O error.
    StoreFails,
    /// The client that moves the machine closes its sockets.
    ClientLeaves,
    /// The client that moves the machine keeps its sockets open and sends nothing more: half-open TCP.
    ClientHangs,
    /// The supply voltage of the computer is too low.
    UnderVoltage,
    /// The computer is hot.
    Heat,
    /// Bytes on the line of the force sensor are wrong, missing, or too many.
    SensorBytesCorrupted,
    /// The wall clock of the computer jumps, and later back.
    ClockJumps,
    /// A flood of commands.
    Flood,
    /// Requests and frames with random or malformed content.
    Garbage,
}

impl InjectedFault {
    /// The faults that are no [`Mishap`] of the machine.
    const OTHERS: [InjectedFault; 15] = [
        InjectedFault::Push,
        InjectedFault::ControlFrozen,
        InjectedFault::StepsFrozen,
        InjectedFault::Stalls,
        InjectedFault::Killed,
        InjectedFault::DiskFull,
        InjectedFault::StoreFails,
        InjectedFault::ClientLeaves,
        InjectedFault::ClientHangs,
        InjectedFault::UnderVoltage,
        InjectedFault::Heat,
        InjectedFault::SensorBytesCorrupted,
        InjectedFault::ClockJumps,
        InjectedFault::Flood,
        InjectedFault::Garbage,
    ];

    /// Every fault.
    pub fn all() -> Vec<InjectedFault> {
        // These two mishaps freeze a thread. In a trial both loops share one thread, so the run freezes a single loop
        // instead: `ControlFrozen` and `StepsFrozen` among the others.
        let others = [Mishap::ControlFrozen, Mishap::StepLoopFrozen];
        let machine = Mishap::ALL.into_iter().filter(|mishap| !others.contains(mishap));
        machine.map(InjectedFault::Machine).chain(InjectedFault::OTHERS).collect()
    }

    /// Name on the command line and in reports.
    pub const fn name(self) -> &'static str {
        match self {
            InjectedFault::Machine(mishap) => mishap.name(),
            InjectedFault::Push => "push",
            InjectedFault::ControlFrozen => "control_frozen",
            InjectedFault::StepsFrozen => "steps_frozen",
            InjectedFault::Stalls => "stalls",
            InjectedFault::Killed => "killed",
            InjectedFault::DiskFull => "disk_full",
            InjectedFault::StoreFails => "store_fails",
            InjectedFault::ClientLeaves => "client_leaves",
            InjectedFault::ClientHangs => "client_hangs",
            InjectedFault::UnderVoltage => "under_voltage",
            InjectedFault::Heat => "heat",
            InjectedFault::SensorBytesCorrupted => "sensor_bytes_corrupted",
            InjectedFault::ClockJumps => "clock_jumps",
            InjectedFault::Flood => "flood",
            InjectedFault::Garbage => "garbage",
        }
    }

    /// The fault with this name.
    pub fn from_name(name: &str) -> Option<InjectedFault> {
        InjectedFault::all().into_iter().find(|fault| fault.name() == name)
    }

    /// True if the fault keeps an input line active while it lasts.
    pub const fn is_of_a_line(self) -> bool {
        let InjectedFault::Machine(mishap) = self else { return false };
        matches!(mishap, Mishap::FrontWelded | Mishap::BackWelded | Mishap::EStopOpen | Mishap::DriverAlarm)
    }

    /// Shortest and longest duration, in seconds.
    pub const fn lasts_s(self) -> (f64, f64) {
        match self {
            InjectedFault::Machine(_) | InjectedFault::Push | InjectedFault::SensorBytesCorrupted => {
                (0.05, 15.0)
            }
            InjectedFault::ControlFrozen | InjectedFault::StepsFrozen => (0.001, 0.4),
            InjectedFault::Stalls => (0.2, 8.0),
            InjectedFault::DiskFull | InjectedFault::StoreFails | InjectedFault::ClockJumps => (0.5, 20.0),
            InjectedFault::UnderVoltage | InjectedFault::Heat => (0.5, 30.0),
            InjectedFault::Flood => (0.05, 2.0),
            InjectedFault::Killed
            | InjectedFault::ClientLeaves
            | InjectedFault::ClientHangs
            | InjectedFault::Garbage => (0.1, 0.2),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_has_a_name_of_its_own() {
        for fault in InjectedFault::all() {
            assert_eq!(InjectedFault::from_name(fault.name()), Some(fault));
        }
    }
}
