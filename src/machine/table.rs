//! What is allowed when: one verdict for each pair of state and command.
//!
//! The match has no wildcard, so a new state or command asks for every decision again.

use super::command::CommandKind;
use super::state::State;

/// The table's answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// It happens at once.
    Now,
    /// It waits for what runs now.
    Queue,
    /// It is so already; nothing happens, and that is no error.
    Already,
    /// It happens at once if the cause of the latched fault is gone.
    IfCauseGone,
    /// What narrows happens at once, what widens waits for rest (S21).
    NowIfNarrower,
    /// It happens at once if the axis rests: decided here, since a look from outside is old when it arrives (S26).
    AtRest,
    /// Refused: the position is unknown.
    NotHomed,
    /// Refused: a fault is latched.
    Faulted,
    /// Refused: locked since the last fault.
    Disarmed,
    /// Refused: the axis is coming to rest.
    Stopping,
    /// Refused: nothing runs that could end.
    NothingRuns,
    /// Refused: it happens at rest only, and the axis moves.
    Moving,
}

impl Verdict {
    /// Whether a page should offer the command.
    #[must_use]
    pub const fn is_offer(self) -> bool {
        match self {
            Verdict::Now
            | Verdict::Queue
            | Verdict::IfCauseGone
            | Verdict::NowIfNarrower
            | Verdict::AtRest => true,
            Verdict::Already
            | Verdict::NotHomed
            | Verdict::Faulted
            | Verdict::Disarmed
            | Verdict::Stopping
            | Verdict::NothingRuns
            | Verdict::Moving => false,
        }
    }
}

/// The verdict about `command` in `state`.
#[must_use]
pub const fn verdict(state: State, command: CommandKind) -> Verdict {
    use CommandKind::{Acknowledge, Arm, Calibrate, ClientGone, End, ReplaceSettings, Run, UpdateSettings};
    use State::{Disarmed, Ending, Faulted, Homing, NotHomed, Ready, Running, Stopping};
    match (state, command) {
        (NotHomed | Disarmed | Ready, Calibrate) => Verdict::Now,
        (Homing, Calibrate) => Verdict::Already,
        (Running | Ending, Calibrate) => Verdict::Queue,
        (Stopping, Calibrate) => Verdict::Stopping,
        (Faulted, Calibrate) => Verdict::IfCauseGone,

        (NotHomed, Run) => Verdict::NotHomed,
        (Disarmed, Run) => Verdict::Disarmed,
        (Ready | Running, Run) => Verdict::Now,
        (Homing | Ending, Run) => Verdict::Queue,
        (Stopping, Run) => Verdict::Stopping,
        (Faulted, Run) => Verdict::Faulted,

        (Running, End) => Verdict::Now,
        (Ending, End) => Verdict::Already,
        (NotHomed | Homing | Disarmed | Ready | Stopping | Faulted, End) => Verdict::NothingRuns,

        (Faulted, Acknowledge) => Verdict::IfCauseGone,
        (NotHomed | Homing | Disarmed | Ready | Running | Ending | Stopping, Acknowledge) => Verdict::Already,

        (NotHomed, Arm) => Verdict::NotHomed,
        (Disarmed, Arm) => Verdict::Now,
        (Homing | Ready | Running | Ending | Stopping, Arm) => Verdict::Already,
        (Faulted, Arm) => Verdict::Faulted,

        (NotHomed | Disarmed | Ready, UpdateSettings) => Verdict::Now,
        (Homing | Running | Ending, UpdateSettings) => Verdict::NowIfNarrower,
        (Stopping | Faulted, UpdateSettings) => Verdict::Queue,

        (NotHomed | Disarmed | Ready | Faulted, ReplaceSettings) => Verdict::AtRest,
        (Homing | Running | Ending | Stopping, ReplaceSettings) => Verdict::Moving,

        (Homing | Running | Ending, ClientGone) => Verdict::Now,
        (NotHomed | Disarmed | Ready | Stopping | Faulted, ClientGone) => Verdict::Already,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_known_position_without_a_fault_lets_a_wave_start() {
        for state in State::ALL {
            let may = matches!(verdict(state, CommandKind::Run), Verdict::Now | Verdict::Queue);
            let position_is_or_will_be_known =
                matches!(state, State::Homing | State::Ready | State::Running | State::Ending);
            assert_eq!(may, position_is_or_will_be_known, "{state:?}");
        }
    }

    #[test]
    fn no_pair_lets_a_latched_fault_through_but_acknowledging_and_calibrating() {
        for command in CommandKind::ALL {
            let passes = verdict(State::Faulted, command) == Verdict::IfCauseGone;
            assert_eq!(passes, matches!(command, CommandKind::Acknowledge | CommandKind::Calibrate));
        }
    }
}
