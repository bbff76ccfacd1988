//! Everything that can go wrong in a run: the rows of the single-fault table in docs/SAFETY.md.

use crate::hal::sim::Mishap;

/// What goes wrong. The names are those of the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum InjectedFault {
    /// Something of the machine is broken, or held by hand.
    Machine(Mishap),
    /// Somebody pushes the carriage harder than the force limit.
    Push,
    /// The control thread is frozen.
    ControlFrozen,
    /// The step thread is frozen.
    StepsFrozen,
    /// The computer stalls now and then.
    Stalls,
    /// The process is killed, and started again.
    Killed,
    /// Nothing can be written: the disk is full.
    DiskFull,
    /// The store fails in another way.
    StoreFails,
    /// The client that moves the machine leaves.
    ClientLeaves,
    /// The client that moves the machine is there, but says nothing more: half-open TCP.
    ClientHangs,
    /// The supply of the computer is too weak.
    UnderVoltage,
    /// The computer is hot.
    Heat,
    /// Bytes of the force sensor are wrong, missing, or too many.
    SensorBytesCorrupted,
    /// The wall clock of the computer jumps, and back.
    ClockJumps,
    /// Commands without end.
    Flood,
    /// Bytes that mean nothing.
    Garbage,
}

impl InjectedFault {
    /// What is not something of the machine.
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
    #[must_use]
    pub fn all() -> Vec<InjectedFault> {
        // Both loops share a thread here: they are frozen by whoever runs them.
        let others = [Mishap::ControlFrozen, Mishap::StepLoopFrozen];
        let machine = Mishap::ALL.into_iter().filter(|mishap| !others.contains(mishap));
        machine.map(InjectedFault::Machine).chain(InjectedFault::OTHERS).collect()
    }

    /// Its name.
    #[must_use]
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

    /// The fault of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<InjectedFault> {
        InjectedFault::all().into_iter().find(|fault| fault.name() == name)
    }

    /// Whether it makes an input line active, as long as it lasts.
    #[must_use]
    pub const fn is_of_a_line(self) -> bool {
        let InjectedFault::Machine(mishap) = self else { return false };
        matches!(mishap, Mishap::FrontWelded | Mishap::BackWelded | Mishap::EStopOpen | Mishap::DriverAlarm)
    }

    /// How long it may last, in seconds: shortest and longest.
    #[must_use]
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
