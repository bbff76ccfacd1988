//! What the machine says about itself, as JSON: one object, part of `GET /api/v1/machine`, and on the stream `telemetry`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::documents::fault::{FaultReport, Word};
use super::port::MachinePort;
use crate::machine::table::{TableVerdict, verdict};
use crate::machine::{self, CommandKind, Fault, FeedReport, Snapshot, State};
use crate::motion::FeedCounts;
use crate::units::seconds;

/// The stream of snapshots. Unlike the others it carries bare objects, and a slow client misses old ones.
pub const STREAM: &str = "telemetry";

const SAMPLES_ARE_BACK: &str = "the samples are back: acknowledge; if they are lost again, `yep sensor status` says what the force sensor lacks";

/// The state of the machine. Written by the server and read by the command line; a reader takes what an older server leaves out
/// for unknown.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct StatusDocument {
    /// The name of the state.
    #[schemars(extend("enum" = State::ALL.map(State::name)))]
    pub state: Word,
    /// The reason of the last change of the state, for people.
    pub why: String,
    /// Time in this state, in seconds.
    pub since_s: f64,
    /// Age of the snapshot, in seconds: some hundredths, unless the machine hangs. Unknown of a machine elsewhere.
    pub age_s: Option<f64>,
    /// Position, in mm from the back; unknown before homing.
    pub position_mm: Option<f64>,
    /// Velocity, in mm/s; positive toward the front.
    pub velocity_mm_s: f64,
    /// Force on the carriage, in grams; unknown without a sensor.
    pub force_g: Option<f64>,
    /// True while the limits keep the axis from following its wave.
    pub clipped: bool,
    /// The inputs.
    pub inputs: InputTelemetry,
    /// The fault that is latched.
    pub fault: Option<FaultReport>,
    /// The code of what still holds the fault: it is acknowledged once this is gone.
    pub fault_remains: Option<Word>,
    /// The calibrated range, in mm.
    pub range_mm: Option<f64>,
    /// Phase of the running wave, 0 to 1.
    pub phase: Option<f64>,
    /// Complete periods of the running wave.
    pub periods: u32,
    /// The feed that moves the axis: targets of another program.
    pub feed: Option<FeedTelemetry>,
    /// The commands that would be accepted now, by the names of `/api/commands/run`; STOP always.
    pub allowed: Vec<Word>,
    /// Lateness of the real-time threads.
    pub lateness: LatenessTelemetry,
    /// The last STOP that met a motion.
    pub last_stop: Option<LastStopTelemetry>,
    /// Power and heat of the computer.
    pub host: HostTelemetry,
    /// The number of the newest STOP, counted since the start.
    pub stops: u32,
}

/// Power and heat of the computer.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct HostTelemetry {
    /// True while the supply is too low; unknown off the Pi.
    pub under_voltage: Option<bool>,
    /// Temperature, in degrees Celsius.
    pub temperature_c: Option<f32>,
    /// Derating: `none`, `slower` or `stop`.
    pub reaction: Word,
    /// The cause of the derating.
    pub because: Option<Word>,
}

/// A feed, as the control cycle sees it.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct FeedTelemetry {
    /// Targets that were taken.
    pub taken: u32,
    /// Targets that were too many.
    pub dropped: u32,
    /// Targets that the axis cannot reach in their time: it goes as far as it can.
    pub shortened: u32,
    /// Time by which the axis is behind what was sent, in ms; 0 for single moves, which end on time.
    pub delay_ms: f64,
    /// False while the axis goes to where the feed is at the approach speed.
    pub is_met: bool,
}

impl From<FeedReport> for FeedTelemetry {
    fn from(feed: FeedReport) -> FeedTelemetry {
        let FeedCounts { taken, dropped, shortened } = feed.counts;
        FeedTelemetry { taken, dropped, shortened, delay_ms: feed.delay_s * 1e3, is_met: feed.is_met }
    }
}

/// A stop as it was measured.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct LastStopTelemetry {
    /// Time from STOP to rest, in seconds.
    pub took_s: f64,
    /// Steps behind STOP.
    pub steps: u64,
    /// Way behind STOP, in mm.
    pub way_mm: f64,
}

/// The inputs: true is a closed limit switch, an open e-stop loop, an alarm.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[allow(missing_docs)]
pub struct InputTelemetry {
    pub front: bool,
    pub back: bool,
    pub e_stop: bool,
    pub driver_alarm: bool,
}

/// Lateness of the real-time threads.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct LatenessTelemetry {
    /// Shifts of the time base.
    pub rebases: u32,
    /// Their sum, in ns.
    pub rebased_ns: u64,
    /// The latest step, in ns.
    pub worst_step_ns: u64,
    /// Motions that ran out of chunks.
    pub starvations: u32,
}

/// The newest snapshot as it is sent.
#[must_use]
pub fn now(port: &dyn MachinePort) -> StatusDocument {
    let snapshot = *port.snapshots().borrow();
    object(&snapshot, port.age().map(|age| age.as_secs_f64()), remedy(port, &snapshot))
}

/// What helps against the latched fault, by its cause as far as it is known.
fn remedy(port: &dyn MachinePort, snapshot: &Snapshot) -> Word {
    let Some(fault) = snapshot.fault else { return Word::default() };
    match (fault, snapshot.cause.remains) {
        // The sensor knows best what it lacks, and a sensor that was tared a moment ago lacks nothing.
        (Fault::ForceSampleLost, Some(Fault::ForceSampleLost)) => {
            port.load_cell().map_or(fault.remedy(), |sensor| sensor.status().remedy)
        }
        (Fault::ForceSampleLost, None) => SAMPLES_ARE_BACK,
        _ => fault.remedy_by(snapshot.cause.switch_distance()),
    }
    .into()
}

/// The snapshot as it is sent, so old.
fn object(snapshot: &Snapshot, age_s: Option<f64>, remedy: Word) -> StatusDocument {
    let (inputs, late) = (snapshot.inputs, snapshot.lateness);
    let machine::HostHealth { readings, derating } = snapshot.host;
    StatusDocument {
        state: snapshot.state.name().into(),
        why: snapshot.why.to_string(),
        since_s: seconds(snapshot.at_ns.saturating_sub(snapshot.since_ns)),
        age_s,
        position_mm: snapshot.position_mm,
        velocity_mm_s: snapshot.velocity_mm_s,
        force_g: snapshot.force_g,
        clipped: snapshot.clipped,
        inputs: InputTelemetry {
            front: inputs.front,
            back: inputs.back,
            e_stop: inputs.e_stop,
            driver_alarm: inputs.driver_alarm,
        },
        fault: snapshot.fault.map(|fault| FaultReport {
            code: fault.code().into(),
            message: fault.to_string(),
            remedy,
        }),
        fault_remains: snapshot.cause.remains.map(|fault| fault.code().into()),
        range_mm: snapshot.range_mm,
        phase: snapshot.phase,
        periods: snapshot.periods,
        feed: snapshot.feed.map(FeedTelemetry::from),
        allowed: allowed(snapshot),
        lateness: LatenessTelemetry {
            rebases: late.rebases,
            rebased_ns: late.rebased_ns,
            worst_step_ns: late.worst_step_ns,
            starvations: late.starvations,
        },
        last_stop: snapshot.last_stop.map(|stop| LastStopTelemetry {
            took_s: seconds(stop.took_ns),
            steps: stop.steps,
            way_mm: stop.way_mm,
        }),
        host: HostTelemetry {
            under_voltage: readings.under_voltage,
            temperature_c: readings.temperature_c,
            reaction: derating.name().into(),
            because: derating.cause().map(|cause| cause.name().into()),
        },
        stops: snapshot.stops,
    }
}

/// The commands that a client gives by their names.
pub fn commands() -> impl Iterator<Item = CommandKind> {
    // Settings have routes of their own, and that a client is gone no client says.
    CommandKind::ALL.into_iter().filter(|kind| {
        use CommandKind::{ClientGone, Follow, ReplaceSettings, Rest, UpdateSettings};
        !matches!(kind, UpdateSettings | ReplaceSettings | ClientGone | Follow | Rest)
    })
}

/// The commands that a page should offer now, by their names; STOP always.
#[must_use]
pub fn allowed(snapshot: &Snapshot) -> Vec<Word> {
    commands()
        .filter(|kind| verdict(snapshot.state, *kind).is_offer() && holding_fault(snapshot, *kind).is_none())
        .map(CommandKind::name)
        .chain(["stop"])
        .map(Word::from)
        .collect()
}

/// The fault whose cause is still there, if this command waits for its end.
#[must_use]
pub fn holding_fault(snapshot: &Snapshot, kind: CommandKind) -> Option<Fault> {
    snapshot.cause.remains.filter(|_| verdict(snapshot.state, kind) == TableVerdict::IfCauseGone)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::machine::host::{Derating, DeratingCause, HostReadings};
    use crate::machine::{FaultCause, Inputs, LastStop, Lateness, RailEnd, State, Why};

    #[test]
    fn a_snapshot_is_one_object_with_units_in_its_names() {
        let fault = Fault::LimitHit(RailEnd::Front);
        let snapshot = Snapshot {
            at_ns: 3_500_000_000,
            state: State::Faulted,
            why: Why::Fault(fault),
            since_ns: 1_000_000_000,
            position_mm: None,
            velocity_mm_s: -1.5,
            force_g: Some(12.0),
            clipped: true,
            inputs: Inputs { front: true, ..Inputs::default() },
            fault: Some(fault),
            range_mm: Some(145.0),
            phase: None,
            periods: 7,
            lateness: Lateness {
                rebases: 1,
                rebased_ns: 2,
                worst_step_ns: 3,
                starvations: 4,
                ..Lateness::default()
            },
            last_stop: Some(LastStop { took_ns: 25_000_000, steps: 12, way_mm: 1.2 }),
            host: machine::HostHealth {
                readings: HostReadings { under_voltage: Some(true), temperature_c: Some(48.5) },
                derating: Derating::Slower(DeratingCause::UnderVoltage),
            },
            stops: 2,
            ..Snapshot::at_power_on()
        };
        assert_eq!(
            serde_json::to_value(object(&snapshot, Some(0.004), "look".into())).unwrap(),
            json!({
                "state": "faulted",
                "why": "the front limit switch closed in motion",
                "since_s": 2.5,
                "age_s": 0.004,
                "position_mm": null,
                "velocity_mm_s": -1.5,
                "force_g": 12.0,
                "clipped": true,
                "inputs": {"front": true, "back": false, "e_stop": false, "driver_alarm": false},
                "fault": {
                    "code": "limit_hit_front",
                    "message": "the front limit switch closed in motion",
                    "remedy": "look",
                },
                "fault_remains": null,
                "range_mm": 145.0,
                "phase": null,
                "periods": 7, "feed": null,
                "allowed": ["calibrate", "acknowledge", "stop"],
                "lateness": {"rebases": 1, "rebased_ns": 2, "worst_step_ns": 3, "starvations": 4},
                "last_stop": {"took_s": 0.025, "steps": 12, "way_mm": 1.2},
                "host": {
                    "under_voltage": true,
                    "temperature_c": 48.5,
                    "reaction": "slower",
                    "because": "under_voltage",
                },
                "stops": 2,
            })
        );
    }

    #[test]
    fn a_fault_whose_cause_is_there_is_not_offered_to_be_acknowledged() {
        let held = |remains| {
            let cause = FaultCause { remains, from_switch_mm: None };
            let snapshot = Snapshot { state: State::Faulted, cause, ..Snapshot::at_power_on() };
            allowed(&snapshot)
        };
        assert_eq!(held(None), ["calibrate", "acknowledge", "stop"]);
        assert_eq!(held(Some(Fault::EStop)), ["stop"]);
    }
}
