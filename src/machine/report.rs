//! Telemetry of the machine: snapshots, of which the newest wins, and events, which come in order. The control cycle
//! sends both through rings to the bridge, for the rest of the program.

use super::command::{CommandKind, CommandRefusal, Reply};
use super::contact::Contacts;
use super::fault::{Fault, SwitchDistance};
use super::feed::FeedReport;
use super::geometry::Calibration;
use super::host::{Derating, HostHealth, HostReadings};
use super::lateness::Lateness;
use super::nudge::LastNudge;
use super::state::{State, Why};
use crate::motion::{Inputs, MotionLimits};
use crate::units::Nanos;

/// State of the machine at one instant.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Snapshot {
    /// Instant on the machine's clock.
    pub at_ns: Nanos,
    /// State.
    pub state: State,
    /// Reason for the state.
    pub why: Why,
    /// Instant at which the state was entered.
    pub since_ns: Nanos,
    /// Position by the emitted pulses; none while not homed.
    pub position_mm: Option<f64>,
    /// Signed speed of the pulses; positive is toward the front.
    pub velocity_mm_s: f64,
    /// Force at the load cell, if a valid sample is there.
    pub force_g: Option<f64>,
    /// True if the axis cannot follow the wave inside its limits.
    pub clipped: bool,
    /// Input lines, debounced.
    pub inputs: Inputs,
    /// What the limit switches have done since the start.
    pub contacts: Contacts,
    /// The limits in force.
    pub in_force: LimitsInForce,
    /// Instant at which the wave ends, or an axis at rest is released, by the idle timeouts.
    pub ends_ns: Option<Nanos>,
    /// Latched fault.
    pub fault: Option<Fault>,
    /// What is known of its cause.
    pub cause: FaultCause,
    /// Length of the usable range, once calibrated.
    pub range_mm: Option<f64>,
    /// Step counter at 0 mm of the axis, once calibrated: another one behind a calibration is a distance that was lost.
    pub origin_steps: Option<i64>,
    /// The feed that moves the axis.
    pub feed: Option<FeedReport>,
    /// Phase of the running wave in `[0, 1)`, once it has started.
    pub phase: Option<f64>,
    /// Completed periods of the running wave.
    pub periods: u32,
    /// Lateness of step loop and control cycle.
    pub lateness: Lateness,
    /// Figures of the last STOP of a motion.
    pub last_stop: Option<LastStop>,
    /// The last nudge, if it ended without a fault and nothing was homed since.
    pub last_nudge: Option<LastNudge>,
    /// Health of the computer.
    pub host: HostHealth,
    /// Number of the newest STOP of a client, counted since the start; 0 before the first.
    pub stops: u32,
    /// Events lost in a full ring, counted since the start.
    pub events_lost: u32,
}

impl Snapshot {
    /// True if the axis rests: a fault is latched while its ramp still runs.
    #[must_use]
    pub fn is_at_rest(&self) -> bool {
        !self.state.is_moving() && self.velocity_mm_s == 0.0
    }

    /// The machine at power-on, without any measurement.
    pub const fn at_power_on() -> Snapshot {
        Snapshot {
            at_ns: 0,
            state: State::NotHomed,
            why: Why::PowerOn,
            since_ns: 0,
            position_mm: None,
            velocity_mm_s: 0.0,
            force_g: None,
            clipped: false,
            inputs: Inputs::NONE,
            contacts: Contacts::NONE,
            in_force: LimitsInForce { motion: MotionLimits::DEFAULT, stroke_mm: 0.0, changes_wait: false },
            ends_ns: None,
            fault: None,
            cause: FaultCause::NONE,
            range_mm: None,
            origin_steps: None,
            feed: None,
            phase: None,
            periods: 0,
            lateness: Lateness::NONE,
            last_stop: None,
            last_nudge: None,
            host: HostHealth {
                readings: HostReadings { under_voltage: None, temperature_c: None },
                derating: Derating::None,
            },
            stops: 0,
            events_lost: 0,
        }
    }
}

/// What is known of the cause of the latched fault.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct FaultCause {
    /// Interlock that holds the fault: it cannot be acknowledged before this is gone.
    pub remains: Option<Fault>,
    /// For a limit switch that closed: distance of the axis from where that switch was calibrated, in mm.
    pub from_switch_mm: Option<f64>,
}

impl FaultCause {
    /// Nothing is known.
    pub const NONE: FaultCause = FaultCause { remains: None, from_switch_mm: None };

    /// Where the carriage was, seen from the switch that closed.
    #[must_use]
    pub fn switch_distance(&self) -> SwitchDistance {
        SwitchDistance::of(self.from_switch_mm)
    }
}

/// The limits that the control cycle obeys. Wider ones of a change may wait until the axis rests (S21).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LimitsInForce {
    /// Speed, acceleration and jerk.
    pub motion: MotionLimits,
    /// Longest stroke of a wave, in mm.
    pub stroke_mm: f64,
    /// True while a change waits for rest.
    pub changes_wait: bool,
}

/// A stop as measured, not as planned (promise S4).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LastStop {
    /// Time from the step loop's reading of STOP until the axis rested.
    pub took_ns: Nanos,
    /// Steps made in that time.
    pub steps: u64,
    /// Length of these steps, in mm.
    pub way_mm: f64,
}

/// Event of the machine.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Event {
    /// The state changed.
    Entered {
        /// Instant of the change.
        at_ns: Nanos,
        /// Previous state.
        from: State,
        /// New state.
        to: State,
        /// Reason.
        why: Why,
    },
    /// A command was decided.
    Replied {
        /// Number of the command, given by its sender.
        id: u64,
        /// The decision.
        reply: Reply,
    },
    /// A command that was accepted and waited will not be executed.
    Dropped {
        /// Kind of the command.
        kind: CommandKind,
        /// Reason.
        why: CommandRefusal,
    },
    /// Both ends were found.
    Calibrated(Calibration),
    /// A fault came while another was latched already.
    FaultWhileFaulted(Fault),
    /// Settings that waited for rest are in force.
    SettingsApplied,
    /// So many events were lost since the last event of this kind: a consumer of events reads the newest snapshot
    /// instead.
    EventsLost(u32),
    /// The derating of the machine because of power or heat of the computer changed.
    DeratingChanged(HostHealth),
    /// The axis is at rest after STOP.
    Stopped {
        /// Time from the step loop's reading of STOP until rest, in ns.
        took_ns: Nanos,
        /// Steps emitted in that time.
        steps: u64,
    },
}

impl Event {
    /// True if another program begins to move the axis by its feed; false for what the machine plays itself.
    #[must_use]
    pub const fn begins_program(&self) -> bool {
        matches!(self, Event::Entered { to: State::Following, why: Why::FollowAsked, .. })
    }

    /// True if the machine begins to play a pattern or a script.
    #[must_use]
    pub const fn begins_playback(&self) -> bool {
        matches!(self, Event::Entered { to: State::Following, why: Why::PlayAsked, .. })
    }
}
