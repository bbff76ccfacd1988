//! Decision table: one verdict for each pair of state and command.
//!
//! The match has no wildcard, so a new state or command makes the compiler ask for every decision again.

use super::command::CommandKind;
use super::state::State;

/// Verdict of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TableVerdict {
    /// It happens at once.
    Now,
    /// It waits for what runs now.
    Queue,
    /// There is nothing to do, and that is no error.
    Already,
    /// It happens at once if the cause of the latched fault is gone.
    IfCauseGone,
    /// A narrower value takes effect at once, a wider one at rest (S21).
    NowIfNarrower,
    /// It happens at once if the axis rests. The supervisor checks that, since a snapshot is old when a client sees it
    /// (S26).
    AtRest,
    /// Refused: the position is unknown.
    NotHomed,
    /// Refused: the position is known, and it is for the time before.
    Homed,
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

impl TableVerdict {
    /// True if a page should offer the command.
    pub const fn is_offer(self) -> bool {
        match self {
            TableVerdict::Now
            | TableVerdict::Queue
            | TableVerdict::IfCauseGone
            | TableVerdict::NowIfNarrower
            | TableVerdict::AtRest => true,
            TableVerdict::Already
            | TableVerdict::NotHomed
            | TableVerdict::Homed
            | TableVerdict::Faulted
            | TableVerdict::Disarmed
            | TableVerdict::Stopping
            | TableVerdict::NothingRuns
            | TableVerdict::Moving => false,
        }
    }
}

/// Verdict about `command` in `state`.
pub const fn verdict(state: State, command: CommandKind) -> TableVerdict {
    use CommandKind::{
        Acknowledge, Arm, Calibrate, ClientGone, End, Follow, Nudge, ReplaceSettings, Rest, Run,
        UpdateSettings,
    };
    use State::{Disarmed, Ending, Faulted, Following, Homing, NotHomed, Nudging, Ready, Running, Stopping};
    match (state, command) {
        (NotHomed | Disarmed | Ready, Calibrate) => TableVerdict::Now,
        (Homing, Calibrate) => TableVerdict::Already,
        (Nudging, Calibrate) => TableVerdict::Moving,
        (Running | Following | Ending, Calibrate) => TableVerdict::Queue,
        (Stopping, Calibrate) => TableVerdict::Stopping,
        (Faulted, Calibrate) => TableVerdict::IfCauseGone,

        (NotHomed, Nudge) => TableVerdict::Now,
        (Homing | Nudging | Running | Following | Ending, Nudge) => TableVerdict::Moving,
        (Disarmed | Ready, Nudge) => TableVerdict::Homed,
        (Stopping, Nudge) => TableVerdict::Stopping,
        (Faulted, Nudge) => TableVerdict::Faulted,

        (NotHomed | Nudging, Run) => TableVerdict::NotHomed,
        (Disarmed, Run) => TableVerdict::Disarmed,
        (Ready | Running, Run) => TableVerdict::Now,
        (Homing | Following | Ending, Run) => TableVerdict::Queue,
        (Stopping, Run) => TableVerdict::Stopping,
        (Faulted, Run) => TableVerdict::Faulted,

        (NotHomed | Nudging, Follow) => TableVerdict::NotHomed,
        (Disarmed, Follow) => TableVerdict::Disarmed,
        (Ready, Follow) => TableVerdict::Now,
        (Homing | Running | Following | Ending, Follow) => TableVerdict::Moving,
        (Stopping, Follow) => TableVerdict::Stopping,
        (Faulted, Follow) => TableVerdict::Faulted,

        (Running | Following | Ending, Rest) => TableVerdict::Now,
        (Homing | Nudging, Rest) => TableVerdict::Moving,
        (NotHomed | Disarmed | Ready | Stopping | Faulted, Rest) => TableVerdict::Already,

        (Running | Following, End) => TableVerdict::Now,
        (Ending, End) => TableVerdict::Already,
        (NotHomed | Homing | Nudging | Disarmed | Ready | Stopping | Faulted, End) => {
            TableVerdict::NothingRuns
        }

        (Faulted, Acknowledge) => TableVerdict::IfCauseGone,
        (
            NotHomed | Homing | Nudging | Disarmed | Ready | Running | Following | Ending | Stopping,
            Acknowledge,
        ) => TableVerdict::Already,

        (NotHomed | Nudging, Arm) => TableVerdict::NotHomed,
        (Disarmed, Arm) => TableVerdict::Now,
        (Homing | Ready | Running | Following | Ending | Stopping, Arm) => TableVerdict::Already,
        (Faulted, Arm) => TableVerdict::Faulted,

        (NotHomed | Disarmed | Ready, UpdateSettings) => TableVerdict::Now,
        (Homing | Nudging | Running | Following | Ending, UpdateSettings) => TableVerdict::NowIfNarrower,
        (Stopping | Faulted, UpdateSettings) => TableVerdict::Queue,

        (NotHomed | Disarmed | Ready | Faulted, ReplaceSettings) => TableVerdict::AtRest,
        (Homing | Nudging | Running | Following | Ending | Stopping, ReplaceSettings) => TableVerdict::Moving,

        (Homing | Nudging | Running | Following | Ending, ClientGone) => TableVerdict::Now,
        (NotHomed | Disarmed | Ready | Stopping | Faulted, ClientGone) => TableVerdict::Already,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_known_position_without_a_fault_lets_a_wave_start() {
        for state in State::ALL {
            let may = matches!(verdict(state, CommandKind::Run), TableVerdict::Now | TableVerdict::Queue);
            let position_is_or_will_be_known = matches!(
                state,
                State::Homing | State::Ready | State::Running | State::Following | State::Ending
            );
            assert_eq!(may, position_is_or_will_be_known, "{state:?}");
        }
    }

    #[test]
    fn only_an_unknown_position_at_rest_lets_a_nudge_begin() {
        for state in State::ALL {
            assert_eq!(verdict(state, CommandKind::Nudge).is_offer(), state == State::NotHomed, "{state:?}");
        }
    }

    #[test]
    fn no_pair_lets_a_latched_fault_through_but_acknowledging_and_calibrating() {
        for command in CommandKind::ALL {
            let passes = verdict(State::Faulted, command) == TableVerdict::IfCauseGone;
            assert_eq!(passes, matches!(command, CommandKind::Acknowledge | CommandKind::Calibrate));
        }
    }
}
