//! Commands of the machine, and its replies.
//!
//! STOP is deliberately not among them: it is a level that only rises (`drive::stop_line`), so that it works with a
//! full queue and with a dead supervisor.

use super::config::Config;
use super::feed::FeedStart;
use super::nudge::NudgeLength;
use super::state::State;
use crate::motion::RailEnd;
use crate::wave::Wave;

/// A command to the machine. Its arguments are of checked types: behind this point there is no range check.
#[derive(Debug, Clone, PartialEq)]
// A ring slot is as large as the largest command; the rings are small, and a box would allocate.
#[allow(clippy::large_enum_variant)]
pub enum Command {
    /// Find both ends of the rail. For old clients it also acknowledges a fault whose cause is gone, and arms.
    Calibrate,
    /// Move a little toward that end, to see whether the motor turns that way; only while not homed, and only while a
    /// person holds a finger down (S39). Ends not homed.
    Nudge(RailEnd, NudgeLength),
    /// Follow this wave until END or STOP; while one runs, blend over to this one.
    Run(Wave),
    /// Go where a feed says until END, rest or STOP.
    Follow(FeedStart),
    /// Come to rest now, as after STOP, which latches nothing: the client of the motion wants it to rest.
    Rest,
    /// Finish the current period, then rest.
    End,
    /// A person has seen the fault. Starts nothing.
    Acknowledge,
    /// Allow motion again after an acknowledged fault. Starts nothing.
    Arm,
    /// Settings changed: what narrows applies at once, what widens applies at rest.
    UpdateSettings(Config),
    /// Settings from a backup, or the defaults: at rest only, whether they narrow or widen (S26).
    ReplaceSettings(Config),
    /// The client that started the wave is gone, and had not asked for the wave to continue without it (S17). No client
    /// sends this.
    ClientGone,
}

/// Kind of a command, for tables, logs and answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum CommandKind {
    Calibrate,
    Nudge,
    Run,
    Follow,
    Rest,
    End,
    Acknowledge,
    Arm,
    UpdateSettings,
    ReplaceSettings,
    ClientGone,
}

impl CommandKind {
    /// All commands.
    pub const ALL: [CommandKind; 11] = [
        CommandKind::Calibrate,
        CommandKind::Nudge,
        CommandKind::Run,
        CommandKind::Follow,
        CommandKind::Rest,
        CommandKind::End,
        CommandKind::Acknowledge,
        CommandKind::Arm,
        CommandKind::UpdateSettings,
        CommandKind::ReplaceSettings,
        CommandKind::ClientGone,
    ];

    /// Name in answers and logs.
    pub const fn name(self) -> &'static str {
        match self {
            CommandKind::Calibrate => "calibrate",
            CommandKind::Nudge => "nudge",
            CommandKind::Run => "run",
            CommandKind::Follow => "follow",
            CommandKind::Rest => "rest",
            CommandKind::End => "end",
            CommandKind::Acknowledge => "acknowledge",
            CommandKind::Arm => "arm",
            CommandKind::UpdateSettings => "update_settings",
            CommandKind::ReplaceSettings => "replace_settings",
            CommandKind::ClientGone => "client_gone",
        }
    }
}

impl Command {
    /// Kind of this command.
    pub const fn kind(&self) -> CommandKind {
        match self {
            Command::Calibrate => CommandKind::Calibrate,
            Command::Nudge(..) => CommandKind::Nudge,
            Command::Run(_) => CommandKind::Run,
            Command::Follow(_) => CommandKind::Follow,
            Command::Rest => CommandKind::Rest,
            Command::End => CommandKind::End,
            Command::Acknowledge => CommandKind::Acknowledge,
            Command::Arm => CommandKind::Arm,
            Command::UpdateSettings(_) => CommandKind::UpdateSettings,
            Command::ReplaceSettings(_) => CommandKind::ReplaceSettings,
            Command::ClientGone => CommandKind::ClientGone,
        }
    }
}

/// Decision of the machine about a command.
pub type Reply = Result<Accepted, CommandRefusal>;

/// The machine carries the command out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Accepted {
    /// It has begun, or is done.
    Now,
    /// It is queued behind the present motion, unless STOP or a command of higher priority comes first.
    Queued,
    /// There was nothing to do.
    Already,
}

impl Accepted {
    /// Stable code for programs.
    pub const fn code(self) -> &'static str {
        match self {
            Accepted::Now => "now",
            Accepted::Queued => "queued",
            Accepted::Already => "already",
        }
    }
}

/// Reason why the machine does not carry a command out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommandRefusal {
    /// The position is unknown.
    NotHomed(State),
    /// The position is known, and the command is for a machine that is not homed.
    Homed(State),
    /// The carriage presses this limit switch, which would end the motion at once.
    SwitchPressed(RailEnd),
    /// A fault is latched; with what is known of its cause.
    Faulted(super::fault::Fault, super::fault::SwitchDistance),
    /// An acknowledged fault left the axis locked.
    Disarmed,
    /// The axis is coming to rest after STOP.
    Stopping,
    /// Homing is under way.
    Homing,
    /// The command is for an axis at rest only, and the axis moves.
    Moving(State),
    /// There is no wave that could end.
    NothingRuns(State),
    /// The cause of the fault is still there.
    CauseRemains(super::fault::Fault),
    /// It would end in a fault at once, so it is not begun.
    Prevented(super::fault::Fault),
    /// STOP came after the command, before it began.
    Stopped,
    /// Another command took its place in the queue.
    Replaced(CommandKind),
    /// The client that it waited for is gone.
    ClientGone,
    /// Too many commands wait.
    QueueFull,
    /// The control cycle gave no answer in time. The command is void: it never acts later.
    Unanswered,
    /// The process is shutting down (S40): it comes to rest, and takes no further command.
    ShuttingDown,
}

impl CommandRefusal {
    /// Stable code for programs.
    pub const fn code(&self) -> &'static str {
        match self {
            CommandRefusal::NotHomed(_) => "not_homed",
            CommandRefusal::Homed(_) => "homed",
            CommandRefusal::SwitchPressed(_) => "switch_pressed",
            CommandRefusal::Faulted(..) => "faulted",
            CommandRefusal::Disarmed => "disarmed",
            CommandRefusal::Stopping => "stopping",
            CommandRefusal::Homing => "homing",
            CommandRefusal::Moving(_) => "moving",
            CommandRefusal::NothingRuns(_) => "nothing_runs",
            CommandRefusal::CauseRemains(_) => "cause_remains",
            CommandRefusal::Prevented(_) => "prevented",
            CommandRefusal::Stopped => "stopped",
            CommandRefusal::Replaced(_) => "replaced",
            CommandRefusal::ClientGone => "client_gone",
            CommandRefusal::QueueFull => "queue_full",
            CommandRefusal::Unanswered => "unanswered",
            CommandRefusal::ShuttingDown => "shutting_down",
        }
    }
}

impl std::fmt::Display for CommandRefusal {
    /// The reason and the remedy, in one sentence.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            CommandRefusal::NotHomed(_) => f.write_str("not homed: calibrate first"),
            CommandRefusal::Homed(state) => {
                write!(
                    f,
                    "the position is known (the machine is {}): this is for the time before",
                    state.name()
                )
            }
            CommandRefusal::SwitchPressed(end) => {
                write!(
                    f,
                    "the {} limit switch is pressed: push the carriage away from it by hand",
                    end.name()
                )
            }
            CommandRefusal::Faulted(fault, distance) => {
                let remedy = fault.remedy_by(*distance);
                write!(f, "faulted: {fault}; {remedy}, then acknowledge and arm, or calibrate")
            }
            CommandRefusal::Disarmed => f.write_str("disarmed after a fault: arm first, or calibrate"),
            CommandRefusal::Stopping => f.write_str("stopping: wait until the axis is at rest"),
            CommandRefusal::Homing => f.write_str("homing runs: wait for its end, or stop it"),
            CommandRefusal::Moving(state) => {
                write!(f, "the axis moves ({}): stop or end it first", state.name())
            }
            CommandRefusal::NothingRuns(state) => {
                write!(f, "nothing runs that could end (the machine is {})", state.name())
            }
            CommandRefusal::CauseRemains(fault) => {
                write!(f, "the cause of the fault is still there ({fault}): {}", fault.remedy())
            }
            CommandRefusal::Prevented(fault) => {
                write!(f, "not begun: {fault}; {}, then send it again", fault.remedy())
            }
            CommandRefusal::Stopped => f.write_str("dropped: STOP came first; send it again"),
            CommandRefusal::Replaced(kind) => {
                write!(f, "dropped: {} took its place; send it again", kind.name())
            }
            CommandRefusal::ClientGone => {
                f.write_str("dropped: the client that started the motion is gone; send it again")
            }
            CommandRefusal::QueueFull => f.write_str("too many commands wait: send it again in a moment"),
            CommandRefusal::Unanswered => f.write_str(
                "the machine gives no answer, and the command is void: stop it, and look at the log",
            ),
            CommandRefusal::ShuttingDown => {
                f.write_str("the program is ending: nothing moves until it is started again")
            }
        }
    }
}
