//! What the machine says about itself: snapshots (the newest wins) and events (numbered, none lost).

use super::command::{CommandKind, CommandRefusal, Reply};
use super::fault::Fault;
use super::geometry::Calibration;
use super::host::{Derating, HostHealth, HostReadings};
use super::state::{State, Why};
use crate::motion::Inputs;
use crate::units::Nanos;

/// The machine as it was at one instant.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Snapshot {
    /// When, on the machine's clock.
    pub at_ns: Nanos,
    /// The state.
    pub state: State,
    /// Why it is in that state.
    pub why: Why,
    /// Since when.
    pub since_ns: Nanos,
    /// Position by the pulses that were emitted; none while not homed.
    pub position_mm: Option<f64>,
    /// Speed of the pulses, signed; positive is toward the front.
    pub velocity_mm_s: f64,
    /// Force at the load cell, when a valid sample is there.
    pub force_g: Option<f64>,
    /// Whether the axis cannot follow the wave inside its limits.
    pub clipped: bool,
    /// The switches and the e-stop as they read.
    pub limits: Inputs,
    /// The fault that is latched.
    pub fault: Option<Fault>,
    /// Length of the usable range, once calibrated.
    pub range_mm: Option<f64>,
    /// Phase of the running wave in `[0, 1)`, once it has started.
    pub phase: Option<f64>,
    /// Completed periods of the running wave.
    pub periods: u32,
    /// How late the step loop and the control cycle were.
    pub lateness: Lateness,
    /// What the last STOP that met a motion came to.
    pub last_stop: Option<LastStop>,
    /// Power and heat of the computer.
    pub host: HostHealth,
    /// The number of the newest STOP of a client, counted since the start; 0 before the first.
    pub stops: u32,
    /// Events that found no place on their way out, counted since the start.
    pub events_lost: u32,
}

impl Snapshot {
    /// A machine of which nothing is known yet.
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
            limits: Inputs::NONE,
            fault: None,
            range_mm: None,
            phase: None,
            periods: 0,
            lateness: Lateness { rebases: 0, rebased_ns: 0, worst_step_ns: 0, starvations: 0 },
            last_stop: None,
            host: HostHealth {
                vitals: HostReadings { under_voltage: None, temperature_c: None },
                reaction: Derating::None,
            },
            stops: 0,
            events_lost: 0,
        }
    }
}

/// A stop as it was measured, not as it was planned (promise S4).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LastStop {
    /// From the instant STOP was seen to rest.
    pub took_ns: Nanos,
    /// Steps made meanwhile.
    pub steps: u64,
    /// What these steps are, in mm.
    pub way_mm: f64,
}

/// How late things were since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Lateness {
    /// Steps that were so late that the time base moved.
    pub rebases: u32,
    /// By how much it moved altogether, in ns.
    pub rebased_ns: u64,
    /// The latest step, in ns.
    pub worst_step_ns: u64,
    /// How often the control cycle missed the end of the motion queue.
    pub starvations: u32,
}

/// Something that happened.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Event {
    /// The state changed.
    Entered {
        /// When.
        at_ns: Nanos,
        /// The state before.
        from: State,
        /// The state now.
        to: State,
        /// Why.
        why: Why,
    },
    /// The decision about the command with this number.
    Replied {
        /// The number that the sender gave it.
        id: u64,
        /// The decision.
        reply: Reply,
    },
    /// A command that was accepted and waited will not be executed.
    Dropped {
        /// Which command it was.
        kind: CommandKind,
        /// Why not.
        why: CommandRefusal,
    },
    /// Both ends were found.
    Calibrated(Calibration),
    /// A fault came while another was latched already.
    FaultWhileFaulted(Fault),
    /// Settings that waited for rest are in force.
    SettingsApplied,
    /// So many events were lost since this was last told: whoever follows them looks at the newest snapshot.
    EventsLost(u32),
    /// Power or heat of the computer make the axis slower, end its motion, or are good again.
    HostStrained(HostHealth),
    /// The axis is at rest after STOP.
    Stopped {
        /// From the instant STOP was seen, in ns.
        took_ns: Nanos,
        /// Steps emitted since then.
        steps: u64,
    },
}
