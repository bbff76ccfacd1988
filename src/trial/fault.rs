//! Everything that can go wrong in a run: the rows of the single-fault table in docs/SAFETY.md.

use crate::hal::sim::Mishap;

/// What goes wrong. The names are those of the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fault {
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

impl Fault {
    /// What is not something of the machine.
    const OTHERS: [Fault; 15] = [
        Fault::Push,
        Fault::ControlFrozen,
        Fault::StepsFrozen,
        Fault::Stalls,
        Fault::Killed,
        Fault::DiskFull,
        Fault::StoreFails,
        Fault::ClientLeaves,
        Fault::ClientHangs,
        Fault::UnderVoltage,
        Fault::Heat,
        Fault::SensorBytesCorrupted,
        Fault::ClockJumps,
        Fault::Flood,
        Fault::Garbage,
    ];

    /// Every fault.
    #[must_use]
    pub fn all() -> Vec<Fault> {
        // Both loops share a thread here: they are frozen by whoever runs them.
        let others = [Mishap::ControlFrozen, Mishap::StepLoopFrozen];
        let machine = Mishap::ALL.into_iter().filter(|mishap| !others.contains(mishap));
        machine.map(Fault::Machine).chain(Fault::OTHERS).collect()
    }

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Fault::Machine(mishap) => mishap.name(),
            Fault::Push => "push",
            Fault::ControlFrozen => "control_frozen",
            Fault::StepsFrozen => "steps_frozen",
            Fault::Stalls => "stalls",
            Fault::Killed => "killed",
            Fault::DiskFull => "disk_full",
            Fault::StoreFails => "store_fails",
            Fault::ClientLeaves => "client_leaves",
            Fault::ClientHangs => "client_hangs",
            Fault::UnderVoltage => "under_voltage",
            Fault::Heat => "heat",
            Fault::SensorBytesCorrupted => "sensor_bytes_corrupted",
            Fault::ClockJumps => "clock_jumps",
            Fault::Flood => "flood",
            Fault::Garbage => "garbage",
        }
    }

    /// The fault of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Fault> {
        Fault::all().into_iter().find(|fault| fault.name() == name)
    }

    /// Whether it makes an input line active, as long as it lasts.
    #[must_use]
    pub const fn is_of_a_line(self) -> bool {
        let Fault::Machine(mishap) = self else { return false };
        matches!(mishap, Mishap::FrontWelded | Mishap::BackWelded | Mishap::EStopOpen | Mishap::DriverAlarm)
    }

    /// How long it may last, in seconds: shortest and longest.
    #[must_use]
    pub const fn lasts_s(self) -> (f64, f64) {
        match self {
            Fault::Machine(_) | Fault::Push | Fault::SensorBytesCorrupted => (0.05, 15.0),
            Fault::ControlFrozen | Fault::StepsFrozen => (0.001, 0.4),
            Fault::Stalls => (0.2, 8.0),
            Fault::DiskFull | Fault::StoreFails | Fault::ClockJumps => (0.5, 20.0),
            Fault::UnderVoltage | Fault::Heat => (0.5, 30.0),
            Fault::Flood => (0.05, 2.0),
            Fault::Killed | Fault::ClientLeaves | Fault::ClientHangs | Fault::Garbage => (0.1, 0.2),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_has_a_name_of_its_own() {
        for fault in Fault::all() {
            assert_eq!(Fault::from_name(fault.name()), Some(fault));
        }
    }
}
