//! The messages, as JSON.

use serde::Serialize;

use crate::api::Context;
use crate::api::telemetry::{self, StatusDocument};

/// State, reason and fault.
#[derive(Debug, PartialEq, Serialize)]
pub struct StateMessage {
    state: String,
    why: String,
    /// The message of the fault; `none` without one, as a dashboard shows an empty text as unknown.
    fault: String,
    fault_code: String,
    remedy: String,
    /// `ON` while a fault is latched.
    problem: &'static str,
    range_mm: Option<f64>,
    stops: u32,
}

/// What changes while the axis moves.
#[derive(Debug, PartialEq, Serialize)]
pub struct LiveMessage {
    position_mm: Option<f64>,
    velocity_mm_s: f64,
    force_g: Option<f64>,
}

/// Sums over all sessions.
#[derive(Debug, PartialEq, Serialize)]
pub struct SessionsMessage {
    sessions: u64,
    strokes: u64,
    distance_m: f64,
    moving_h: f64,
    faults: u64,
}

/// Power and heat of the computer.
#[derive(Debug, PartialEq, Serialize)]
pub struct HostMessage {
    temperature_c: Option<f64>,
    /// `ON` while the supply is too low; unknown off the Pi.
    under_voltage: Option<&'static str>,
    reaction: String,
}

/// All messages of one moment.
#[derive(Debug, PartialEq)]
pub struct MachineMessages {
    /// State, reason and fault.
    pub state: StateMessage,
    /// Position, speed and force.
    pub live: LiveMessage,
    /// Sums over all sessions.
    pub sessions: SessionsMessage,
    /// Power and heat.
    pub host: HostMessage,
}

/// No fault, in words.
const NONE: &str = "none";

impl MachineMessages {
    /// What is to be said now.
    #[must_use]
    pub fn now(ctx: &Context) -> MachineMessages {
        let counters = ctx.store.kept().0.counters;
        MachineMessages {
            sessions: SessionsMessage {
                sessions: counters.sessions,
                strokes: counters.strokes,
                distance_m: rounded(counters.distance_mm / 1e3, 1.0),
                moving_h: rounded(counters.moving_s / 3_600.0, 100.0),
                faults: counters.faults,
            },
            ..MachineMessages::of_status(telemetry::now(&*ctx.port))
        }
    }

    /// The same of a status alone; the sums are zero.
    pub(super) fn of_status(status: StatusDocument) -> MachineMessages {
        let fault = status.fault;
        let text = |of: fn(crate::api::documents::fault::FaultReport) -> String| {
            fault.clone().map_or_else(|| NONE.to_owned(), of)
        };
        MachineMessages {
            state: StateMessage {
                fault: text(|fault| fault.message),
                fault_code: text(|fault| fault.code.into_owned()),
                remedy: text(|fault| fault.remedy.into_owned()),
                problem: on_or_off(fault.is_some()),
                state: status.state.into_owned(),
                why: status.why,
                range_mm: status.range_mm.map(|range_mm| rounded(range_mm, 10.0)),
                stops: status.stops,
            },
            live: LiveMessage {
                position_mm: status.position_mm.map(|position_mm| rounded(position_mm, 10.0)),
                velocity_mm_s: rounded(status.velocity_mm_s, 1.0),
                force_g: status.force_g.map(|force_g| rounded(force_g, 1.0)),
            },
            sessions: SessionsMessage { sessions: 0, strokes: 0, distance_m: 0.0, moving_h: 0.0, faults: 0 },
            host: HostMessage {
                // In whole degrees: a tenth would be news each second.
                temperature_c: status.host.temperature_c.map(|celsius| rounded(celsius.into(), 1.0)),
                under_voltage: status.host.under_voltage.map(on_or_off),
                reaction: status.host.reaction.into_owned(),
            },
        }
    }
}

fn on_or_off(is_on: bool) -> &'static str {
    if is_on { "ON" } else { "OFF" }
}

/// Rounded to so many parts of one; a broker need not hear of noise, and minus zero is zero.
fn rounded(value: f64, parts: f64) -> f64 {
    (value * parts).round() / parts + 0.0
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::api::documents::fault::FaultReport;

    fn said(status: StatusDocument) -> [serde_json::Value; 3] {
        let MachineMessages { state, live, host, .. } = MachineMessages::of_status(status);
        [json!(state), json!(live), json!(host)]
    }

    #[test]
    fn a_fault_is_said_with_its_remedy() {
        let fault = FaultReport { code: "e_stop".into(), message: "open".into(), remedy: "look".into() };
        let status = StatusDocument {
            state: "faulted".into(),
            why: "open".into(),
            fault: Some(fault),
            velocity_mm_s: -0.01,
            ..StatusDocument::default()
        };
        let [state, live, _] = said(status);
        assert_eq!(
            state,
            json!({ "state": "faulted", "why": "open", "fault": "open", "fault_code": "e_stop", "remedy": "look",
                "problem": "ON", "range_mm": null, "stops": 0 })
        );
        assert_eq!(live, json!({ "position_mm": null, "velocity_mm_s": 0.0, "force_g": null }));
        assert_eq!(live["velocity_mm_s"].to_string(), "0.0");
    }

    #[test]
    fn without_a_fault_the_words_are_not_empty() {
        let [state, _, host] = said(StatusDocument { state: "ready".into(), ..StatusDocument::default() });
        assert_eq!((&state["fault"], &state["problem"]), (&json!("none"), &json!("OFF")));
        assert_eq!(host["under_voltage"], json!(null));
    }
}
