//! Why a feed does not move the axis.

use crate::api::charge::lease::NotInCharge;
use crate::api::commands::{self, CommandError};
use crate::machine::CommandRefusal;

/// The reason, for the user of the program that sends.
#[derive(Debug, Clone, PartialEq)]
pub enum FeedRefusal {
    /// STOP or END came, and nobody has let feeds go on since.
    Latched,
    /// It was refused before, and has gone on sending since: what only goes on sending starts nothing.
    GoesOnSending,
    /// Another client is in charge.
    NotInCharge(NotInCharge),
    /// The first run is not complete.
    NotCommissioned,
    /// An update is being taken.
    Updating,
    /// The machine refuses it.
    Machine(CommandRefusal),
    /// The motor hangs on another computer.
    Elsewhere,
    /// Nobody has allowed Vibrate to move the axis.
    NoVibration,
}

impl std::fmt::Display for FeedRefusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            FeedRefusal::Latched => f.write_str(
                "stopped by a person: let programs go on, on the machine's page: Machine, Programs",
            ),
            FeedRefusal::GoesOnSending => f.write_str(
                "it was refused, and has gone on sending: send nothing for 2 s, or let programs go on, on the machine's page: Machine, Programs",
            ),
            FeedRefusal::NotInCharge(NotInCharge { holder }) => {
                write!(
                    f,
                    "{holder} is in charge of the machine: end it there, or take over on the machine's page"
                )
            }
            FeedRefusal::NotCommissioned => {
                f.write_str("the first run is not complete: follow it on the machine's page")
            }
            FeedRefusal::Updating => f.write_str(commands::UPDATING),
            FeedRefusal::Machine(refusal) => refusal.fmt(f),
            FeedRefusal::Elsewhere => f.write_str("the motor hangs on another computer, which takes no feed"),
            FeedRefusal::NoVibration => f.write_str(crate::feeds::buttplug::NO_VIBRATION),
        }
    }
}

impl From<CommandError> for FeedRefusal {
    fn from(error: CommandError) -> FeedRefusal {
        match error {
            CommandError::Refused(CommandRefusal::Stopped) | CommandError::Fenced(_) => FeedRefusal::Latched,
            CommandError::Refused(refusal) => FeedRefusal::Machine(refusal),
            CommandError::NotInCharge(other) => FeedRefusal::NotInCharge(other),
            CommandError::NotCommissioned => FeedRefusal::NotCommissioned,
            CommandError::Updating => FeedRefusal::Updating,
            // A feed has no device that could be revoked, and says which wave it wants.
            CommandError::Revoked | CommandError::NeedsWave => FeedRefusal::Latched,
        }
    }
}
