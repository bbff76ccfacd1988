//! The problem code of a name, and of each refusal of the machine.

use super::code::ProblemCode;
use crate::machine::CommandRefusal;

impl ProblemCode {
    /// The code with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<ProblemCode> {
        ProblemCode::ALL.iter().copied().find(|code| code.name() == name)
    }
}

/// The match has no wildcard, so a new refusal makes the compiler ask for its row.
impl From<&CommandRefusal> for ProblemCode {
    fn from(refusal: &CommandRefusal) -> ProblemCode {
        match refusal {
            CommandRefusal::NotHomed(_) => ProblemCode::NotHomed,
            CommandRefusal::Homed(_) => ProblemCode::Homed,
            CommandRefusal::SwitchPressed(_) => ProblemCode::SwitchPressed,
            CommandRefusal::Faulted(..) => ProblemCode::Faulted,
            CommandRefusal::Disarmed => ProblemCode::Disarmed,
            CommandRefusal::Stopping => ProblemCode::Stopping,
            CommandRefusal::Homing => ProblemCode::Homing,
            CommandRefusal::Moving(_) => ProblemCode::Moving,
            CommandRefusal::NothingRuns(_) => ProblemCode::NothingRuns,
            CommandRefusal::CauseRemains(_) => ProblemCode::CauseRemains,
            CommandRefusal::Prevented(_) => ProblemCode::Prevented,
            CommandRefusal::Stopped => ProblemCode::Stopped,
            CommandRefusal::Replaced(_) => ProblemCode::Replaced,
            CommandRefusal::ClientGone => ProblemCode::ClientGone,
            CommandRefusal::QueueFull => ProblemCode::QueueFull,
            CommandRefusal::Unanswered => ProblemCode::Unanswered,
            CommandRefusal::ShuttingDown => ProblemCode::ShuttingDown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_of_the_machine_keeps_its_code() {
        use crate::machine::{CommandKind, Fault, RailEnd, State, SwitchDistance};
        for refusal in [
            CommandRefusal::NotHomed(State::NotHomed),
            CommandRefusal::Homed(State::Ready),
            CommandRefusal::SwitchPressed(RailEnd::Back),
            CommandRefusal::Faulted(Fault::EStop, SwitchDistance::Unknown),
            CommandRefusal::Disarmed,
            CommandRefusal::Stopping,
            CommandRefusal::Homing,
            CommandRefusal::Moving(State::Running),
            CommandRefusal::NothingRuns(State::Ready),
            CommandRefusal::CauseRemains(Fault::EStop),
            CommandRefusal::Prevented(Fault::EStop),
            CommandRefusal::Stopped,
            CommandRefusal::Replaced(CommandKind::Run),
            CommandRefusal::ClientGone,
            CommandRefusal::QueueFull,
            CommandRefusal::Unanswered,
            CommandRefusal::ShuttingDown,
        ] {
            assert_eq!(ProblemCode::from(&refusal).name(), refusal.code());
        }
    }
}
