//! What the machine says about itself, as JSON: one object, the same in `GET /api/status` and on the stream
//! `telemetry`.

use serde::Serialize;

use super::port::MachinePort;
use crate::machine::host::DeratingCause;
use crate::machine::table::verdict;
use crate::machine::{self, CommandKind, Snapshot, State};
use crate::units::seconds;

/// The stream of snapshots. Unlike the others it carries bare objects, and a slow client misses old ones.
pub const STREAM: &str = "telemetry";

#[derive(Serialize)]
struct Telemetry {
    state: &'static str,
    why: String,
    since_s: f64,
    /// How old all of this is: some hundredths, unless the machine hangs. Unknown of a machine elsewhere.
    age_s: Option<f64>,
    position_mm: Option<f64>,
    velocity_mm_s: f64,
    force_g: Option<f64>,
    clipped: bool,
    limits: SwitchTelemetry,
    fault: Option<FaultReport>,
    range_mm: Option<f64>,
    phase: Option<f64>,
    periods: u32,
    /// What may be asked for now, by the names of `/api/commands/run`; STOP always.
    allowed: Vec<&'static str>,
    lateness: LatenessTelemetry,
    /// The last STOP that met a motion.
    last_stop: Option<LastStopTelemetry>,
    /// Power and heat of the computer.
    host: HostTelemetry,
    /// The number of the newest STOP, counted since the start.
    stops: u32,
}

#[derive(Serialize)]
struct HostTelemetry {
    under_voltage: Option<bool>,
    temperature_c: Option<f32>,
    /// `none`, `slower` or `stop`.
    reaction: &'static str,
    because: Option<&'static str>,
}

#[derive(Serialize)]
struct LastStopTelemetry {
    took_s: f64,
    steps: u64,
    way_mm: f64,
}

#[derive(Serialize)]
struct SwitchTelemetry {
    front: bool,
    back: bool,
    e_stop: bool,
    driver_alarm: bool,
}

#[derive(Serialize)]
struct FaultReport {
    code: &'static str,
    message: String,
    remedy: &'static str,
}

#[derive(Serialize)]
struct LatenessTelemetry {
    rebases: u32,
    rebased_ns: u64,
    worst_step_ns: u64,
    starvations: u32,
}

/// The newest snapshot as it is sent.
#[must_use]
pub fn now(port: &dyn MachinePort) -> impl Serialize + use<> {
    let snapshot = *port.snapshots().borrow();
    object(&snapshot, port.age().map(|age| age.as_secs_f64()))
}

/// The snapshot as it is sent, so old.
fn object(snapshot: &Snapshot, age_s: Option<f64>) -> impl Serialize + use<> {
    let (inputs, late) = (snapshot.limits, snapshot.lateness);
    let machine::HostHealth { vitals, reaction } = snapshot.host;
    Telemetry {
        state: snapshot.state.name(),
        why: snapshot.why.to_string(),
        since_s: seconds(snapshot.at_ns.saturating_sub(snapshot.since_ns)),
        age_s,
        position_mm: snapshot.position_mm,
        velocity_mm_s: snapshot.velocity_mm_s,
        force_g: snapshot.force_g,
        clipped: snapshot.clipped,
        limits: SwitchTelemetry {
            front: inputs.front,
            back: inputs.back,
            e_stop: inputs.e_stop,
            driver_alarm: inputs.driver_alarm,
        },
        fault: snapshot.fault.map(|fault| FaultReport {
            code: fault.code(),
            message: fault.to_string(),
            remedy: fault.remedy(),
        }),
        range_mm: snapshot.range_mm,
        phase: snapshot.phase,
        periods: snapshot.periods,
        allowed: allowed(snapshot.state),
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
            under_voltage: vitals.under_voltage,
            temperature_c: vitals.temperature_c,
            reaction: reaction.name(),
            because: reaction.cause().map(DeratingCause::name),
        },
        stops: snapshot.stops,
    }
}

fn allowed(state: State) -> Vec<&'static str> {
    // Settings have routes of their own, and that a client is gone no client says.
    CommandKind::ALL
        .into_iter()
        .filter(|kind| {
            use CommandKind::{ClientGone, ReplaceSettings, UpdateSettings};
            !matches!(kind, UpdateSettings | ReplaceSettings | ClientGone)
        })
        .filter(|kind| verdict(state, *kind).is_offer())
        .map(CommandKind::name)
        .chain(["stop"])
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::machine::host::{Derating, HostReadings};
    use crate::machine::{Fault, Inputs, LastStop, Lateness, RailEnd, State, Why};

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
            limits: Inputs { front: true, ..Inputs::default() },
            fault: Some(fault),
            range_mm: Some(145.0),
            phase: None,
            periods: 7,
            lateness: Lateness { rebases: 1, rebased_ns: 2, worst_step_ns: 3, starvations: 4 },
            last_stop: Some(LastStop { took_ns: 25_000_000, steps: 12, way_mm: 1.2 }),
            host: machine::HostHealth {
                vitals: HostReadings { under_voltage: Some(true), temperature_c: Some(48.5) },
                reaction: Derating::Slower(DeratingCause::UnderVoltage),
            },
            stops: 2,
            events_lost: 0,
        };
        assert_eq!(
            serde_json::to_value(object(&snapshot, Some(0.004))).unwrap(),
            json!({
                "state": "faulted",
                "why": "the front limit switch closed in motion",
                "since_s": 2.5,
                "age_s": 0.004,
                "position_mm": null,
                "velocity_mm_s": -1.5,
                "force_g": 12.0,
                "clipped": true,
                "limits": {"front": true, "back": false, "e_stop": false, "driver_alarm": false},
                "fault": {
                    "code": "limit_hit_front",
                    "message": "the front limit switch closed in motion",
                    "remedy": fault.remedy(),
                },
                "range_mm": 145.0,
                "phase": null,
                "periods": 7,
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
}
