//! States of the machine, and the reasons for entering them.

/// State of the machine, which decides what commands it accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    /// At rest, position unknown: after power-on, after a halt. Only homing and the nudge may move the axis.
    NotHomed,
    /// Searching for the two ends of the rail.
    Homing,
    /// Moving a little, position unknown, while a person holds a finger down.
    Nudging,
    /// At rest, position known, locked: after an acknowledged fault, until the machine is armed.
    Disarmed,
    /// At rest, position known, armed: a wave may start.
    Ready,
    /// Following a wave, or on the gentle approach to its start.
    Running,
    /// Going where a program, a pattern or a script says, or waiting for it to say something.
    Following,
    /// Finishing the period of a wave, or coming gently to rest after a feed.
    Ending,
    /// Coming to rest after STOP, or after a fault that allows a ramp.
    Stopping,
    /// At rest, or about to be; a fault is latched.
    Faulted,
}

impl State {
    /// All states.
    pub const ALL: [State; 10] = [
        State::NotHomed,
        State::Homing,
        State::Nudging,
        State::Disarmed,
        State::Ready,
        State::Running,
        State::Following,
        State::Ending,
        State::Stopping,
        State::Faulted,
    ];

    /// Name in telemetry and logs.
    pub const fn name(self) -> &'static str {
        match self {
            State::NotHomed => "not_homed",
            State::Homing => "homing",
            State::Nudging => "nudging",
            State::Disarmed => "disarmed",
            State::Ready => "ready",
            State::Running => "running",
            State::Following => "following",
            State::Ending => "ending",
            State::Stopping => "stopping",
            State::Faulted => "faulted",
        }
    }

    /// True if the machine intends the axis to move in this state.
    pub const fn is_moving(self) -> bool {
        match self {
            State::Homing
            | State::Nudging
            | State::Running
            | State::Following
            | State::Ending
            | State::Stopping => true,
            State::NotHomed | State::Disarmed | State::Ready | State::Faulted => false,
        }
    }

    /// True while the axis moves without a known position: homing, and the nudge, which is a homing move with another
    /// bound.
    pub const fn is_homing_move(self) -> bool {
        matches!(self, State::Homing | State::Nudging)
    }
}

/// Reason for the present state; each transition has one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Why {
    /// The process started.
    PowerOn,
    /// CALIBRATE was asked for.
    CalibrateAsked,
    /// A nudge was asked for.
    NudgeAsked,
    /// The finger that held a nudge was let go.
    LetGo,
    /// A nudge is over.
    NudgeOver,
    /// Both ends were found.
    Calibrated,
    /// A wave was asked for.
    RunAsked,
    /// A feed was asked for.
    FollowAsked,
    /// A pattern or a script was asked for.
    PlayAsked,
    /// The client of a feed has stopped it, or has left.
    RestAsked,
    /// END was asked for.
    EndAsked,
    /// Another command waits for the end of the period.
    Superseded,
    /// No wave has been asked for in a long time.
    SessionOver,
    /// The last period is complete.
    PeriodComplete,
    /// STOP.
    StopAsked,
    /// The client that started the wave is gone.
    ClientGone,
    /// At rest after STOP; the position is kept.
    AtRest,
    /// At rest, but the position was lost during the stop.
    PositionLost,
    /// The axis has rested for a long time: the motor is off.
    Released,
    /// Settings of the rail changed, so the calibration is no longer valid.
    GeometryChanged,
    /// A fault.
    Fault(super::fault::Fault),
    /// The fault was acknowledged.
    Acknowledged,
    /// The machine was armed.
    Armed,
}

impl std::fmt::Display for Why {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Why::PowerOn => "switched on: the position is not known until calibration",
            Why::CalibrateAsked => "calibration was asked for",
            Why::NudgeAsked => "a nudge was asked for",
            Why::LetGo => "the finger that held the nudge was let go",
            Why::NudgeOver => "the nudge is over; the position is not known",
            Why::Calibrated => "both ends were found",
            Why::RunAsked => "a wave was asked for",
            Why::FollowAsked => "another program moves the axis",
            Why::PlayAsked => "a pattern or a script moves the axis",
            Why::RestAsked => "what moves the axis has let it rest",
            Why::EndAsked => "END was asked for: the wave finishes its period, or fades",
            Why::Superseded => "another command waits for the end of the period",
            Why::SessionOver => "nobody has asked for it for a long time: a wave finishes its period, or fades, all else comes to rest",
            Why::PeriodComplete => "the wave has ended",
            Why::StopAsked => "STOP",
            Why::ClientGone => {
                "the client that started the wave is gone: stopped; ask for lease \"continue\" to let it go on"
            }
            Why::AtRest => "at rest after STOP; the position is kept",
            Why::PositionLost => "at rest; the position was lost: calibrate",
            Why::Released => "at rest for a long time, and let go: calibrate again",
            Why::GeometryChanged => "settings of the rail changed: calibrate again",
            Why::Fault(fault) => return fault.fmt(f),
            Why::Acknowledged => "the fault was acknowledged",
            Why::Armed => "armed",
        })
    }
}
