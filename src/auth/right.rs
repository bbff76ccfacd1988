//! Rights: what a route asks of its caller, apart from who has it. A route names one right; a role has a set of them.

use super::gate::Role;

/// What a route asks of its caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Right {
    /// Nothing: STOP, and what everybody may know.
    Anyone,
    /// To be the program that moves the axis from another host: settings and streams of the clients' old contract.
    Machine,
    /// To read what the machine is and does.
    Observe,
    /// To move the axis, and to narrow its limits.
    Operate,
    /// To change what the machine is: settings, limits, what is stored.
    Administer,
}

impl Right {
    /// Every right.
    pub const ALL: [Right; 5] =
        [Right::Anyone, Right::Machine, Right::Observe, Right::Operate, Right::Administer];

    /// Its name, for programs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Right::Anyone => "anyone",
            Right::Machine => "machine",
            Right::Observe => "observe",
            Right::Operate => "operate",
            Right::Administer => "administer",
        }
    }

    /// Who has it, in words.
    #[must_use]
    pub const fn holders(self) -> &'static str {
        match self {
            Right::Anyone => "anyone",
            Right::Machine => "this machine, and the configured yep-machine",
            Right::Observe | Right::Operate | Right::Administer => "this machine",
        }
    }
}

impl Role {
    /// True if this role has that right.
    #[must_use]
    pub const fn has(self, right: Right) -> bool {
        match (self, right) {
            (_, Right::Anyone) | (Role::Machine, Right::Machine) | (Role::Local, _) => true,
            (Role::Guest | Role::Machine, _) => false,
        }
    }
}
