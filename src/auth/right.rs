//! Roles and rights: a route asks for one right, and a role has a set of them.

/// As whom a request is treated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// Anyone: STOP, health, name and version, pairing.
    Guest,
    /// The configured yep-machine.
    Machine,
    /// A paired device that reads.
    Observer,
    /// A paired device that moves the axis.
    Operator,
    /// A paired device that also changes what the machine is.
    Admin,
    /// A program or an allowed page on this very machine.
    Local,
}

/// What a route asks of its caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Right {
    /// Nothing: STOP, pairing, and what everybody may know.
    Anyone,
    /// To read the settings and to follow commands and states, in the clients' old contract.
    Follow,
    /// To change settings in the clients' old contract. A yep-machine may give the steps that it has measured.
    Report,
    /// To read what the machine is and does.
    Observe,
    /// To move the axis, and to narrow its limits.
    Operate,
    /// To change what the machine is: settings, limits, what is stored, who is let in.
    Administer,
    /// To be at the machine: to make tokens for programs, and to widen limits beyond what was tried on it.
    Attend,
}

impl Right {
    /// Every right.
    pub const ALL: [Right; 7] = [
        Right::Anyone,
        Right::Follow,
        Right::Report,
        Right::Observe,
        Right::Operate,
        Right::Administer,
        Right::Attend,
    ];

    /// Its name, for programs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Right::Anyone => "anyone",
            Right::Follow => "follow",
            Right::Report => "report",
            Right::Observe => "observe",
            Right::Operate => "operate",
            Right::Administer => "administer",
            Right::Attend => "attend",
        }
    }

    /// The roles that have it, in words.
    #[must_use]
    pub fn holders(self) -> String {
        if self == Right::Anyone {
            return "anyone".to_owned();
        }
        let names: Vec<_> = Role::ALL.into_iter().filter(|role| role.has(self)).map(Role::name).collect();
        names.join(", ")
    }
}

impl Role {
    /// Every role.
    pub const ALL: [Role; 6] =
        [Role::Guest, Role::Machine, Role::Observer, Role::Operator, Role::Admin, Role::Local];

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Role::Guest => "guest",
            Role::Machine => "machine",
            Role::Observer => "observer",
            Role::Operator => "operator",
            Role::Admin => "admin",
            Role::Local => "local",
        }
    }

    /// True if this role has that right.
    #[must_use]
    pub const fn has(self, right: Right) -> bool {
        match (right, self) {
            (Right::Anyone, _) | (_, Role::Local) => true,
            (_, Role::Guest) | (Right::Attend, _) => false,
            (Right::Follow, _) => true,
            (Right::Report, role) => matches!(role, Role::Machine | Role::Admin),
            (Right::Observe, role) => matches!(role, Role::Observer | Role::Operator | Role::Admin),
            (Right::Operate, role) => matches!(role, Role::Operator | Role::Admin),
            (Right::Administer, role) => matches!(role, Role::Admin),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_roles_and_rights() {
        let holders = Right::ALL.map(|right| (right.name(), right.holders()));
        let expected = [
            ("anyone", "anyone"),
            ("follow", "machine, observer, operator, admin, local"),
            ("report", "machine, admin, local"),
            ("observe", "observer, operator, admin, local"),
            ("operate", "operator, admin, local"),
            ("administer", "admin, local"),
            ("attend", "local"),
        ];
        assert_eq!(holders, expected.map(|(right, holders)| (right, holders.to_owned())));
    }
}
