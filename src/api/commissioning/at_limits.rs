//! The step in which the limits are chosen: a wave at just these limits, and a calibration behind it that must find the axis where
//! it was. A motor that is too weak for them loses steps, which nothing else shows.

use std::sync::Arc;

use serde_json::json;

use super::first_run::{Evidence, StepInProgress, not_proven};
use super::observed::Observed;
use super::proof::Outcome;
use super::step::CommissioningStep;
use crate::api::answer::{self, Rejection};
use crate::api::charge::client::Client;
use crate::api::charge::lease::Presence;
use crate::api::context::Context;
use crate::api::documents::commissioning::{StepAct, StepRequest};
use crate::api::problem::ProblemCode;
use crate::api::settings_service::Authority;
use crate::api::wave_requests::WaveStart;
use crate::machine::State;
use crate::settings::ProvenLimits;
use crate::units::Nanos;

/// Complete periods at the limits.
const PERIODS: u32 = 2;
/// Largest distance between the places at which the switches closed before and behind the wave, in mm.
const LOST_MM: f64 = 0.2;
/// Rest at each end of the stroke, in s: the axis accelerates and brakes as firmly as it may.
const DWELL_S: f64 = 0.3;
/// Shortest period of a wave, in s.
const SHORTEST_S: f64 = 0.5;

/// Limits that are tried.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TriedLimits {
    /// The limits.
    envelope: ProvenLimits,
    /// Step counter at 0 mm of the axis before the wave.
    origin_steps: i64,
    /// When the wave was started, on the machine's clock.
    at_ns: Nanos,
}

/// Does what a request asks for: tries the limits, or finishes with those that were tried.
///
/// # Errors
/// The reason why they are not proven, with what to check.
pub async fn act(
    ctx: &Arc<Context>,
    client: &Client,
    progress: &StepInProgress,
    request: &StepRequest,
) -> Result<Outcome, Rejection> {
    match request.act {
        StepAct::Start => begin(ctx, client, request).await,
        _ => finish(ctx, progress).await.map(Outcome::Proven),
    }
}

async fn begin(ctx: &Arc<Context>, client: &Client, request: &StepRequest) -> Result<Outcome, Rejection> {
    let first = ProvenLimits::first(ctx.settings.current().document.max_stroke);
    let envelope = request.envelope.unwrap_or(first);
    envelope.check().map_err(|wrong| not_proven(format!("{} {}", wrong.field, wrong.message)))?;
    if envelope.exceeds(&first) && !ctx.pairing.is_present(client) {
        let why = "the first envelope is low; a wider one takes somebody who has shown to be at the machine";
        return Err(answer::refuse(ProblemCode::BeyondEnvelope, why));
    }
    let snapshot = *ctx.port.snapshots().borrow();
    let (Some(range_mm), Some(origin_steps)) = (snapshot.range_mm, snapshot.origin_steps) else {
        return Err(not_proven("calibrate first: the wave begins from a known place"));
    };
    ctx.settings.change(Authority::Whole, |settings| Ok(envelope.apply(settings)?)).await?;
    let start = WaveStart { saved: None, presence: Some(Presence::Watch), after_stop: request.after_stop };
    ctx.wave_requests.run_proof(client, &wave(&envelope, range_mm), start).await?;
    ctx.first_run.change(CommissioningStep::Limits, |progress| {
        progress.tried = Some(TriedLimits { envelope, origin_steps, at_ns: snapshot.at_ns });
    });
    Ok(Outcome::GoesOn)
}

/// From one end of the stroke to the other, as fast as the limits let the axis go.
fn wave(envelope: &ProvenLimits, range_mm: f64) -> serde_json::Value {
    let stroke_mm = range_mm.min(envelope.stroke_mm as f64);
    let ramp_s = envelope.max_speed_mm_s / envelope.max_acceleration_mm_s2;
    let way_s = stroke_mm / envelope.max_speed_mm_s + 2.0 * ramp_s;
    let duration = (2.0 * (way_s + DWELL_S)).max(SHORTEST_S);
    json!({ "type": "square", "duration": duration, "amplitude_mm": stroke_mm, "offset_mm": 0.0 })
}

async fn finish(ctx: &Arc<Context>, progress: &StepInProgress) -> Result<Evidence, Rejection> {
    let Some(tried) = progress.tried else {
        return Err(not_proven("start the wave at these limits (`act: start`), and stay beside the machine"));
    };
    let lost_mm = lost_mm(&tried, &progress.observed, ctx.settings.config().geometry.nominal.get())?;
    ctx.commissioning.set_envelope(tried.envelope).await.map_err(|why| {
        answer::refuse(ProblemCode::NotStored, format!("the envelope could not be stored: {why}"))
    })?;
    Ok(vec![
        ("max_speed_mm_s", tried.envelope.max_speed_mm_s),
        ("max_acceleration_mm_s2", tried.envelope.max_acceleration_mm_s2),
        ("stroke_mm", tried.envelope.stroke_mm as f64),
        ("force_g", tried.envelope.force_g as f64),
        ("periods", f64::from(progress.observed.periods)),
        ("lost_mm", lost_mm),
    ])
}

/// How far from its place the calibration behind the wave found the axis, in mm.
fn lost_mm(tried: &TriedLimits, seen: &Observed, steps_per_mm: f64) -> Result<f64, Rejection> {
    let periods = seen.periods;
    if periods < PERIODS {
        return Err(not_proven(format!(
            "the wave made {periods} complete periods, {PERIODS} are needed: start it again, and let it go on that long"
        )));
    }
    let is_calibrated = seen.last().state == State::Ready && seen.calibrated_ns > tried.at_ns;
    let origin_steps = seen.last().origin_steps.filter(|_| is_calibrated);
    let Some(origin_steps) = origin_steps else {
        return Err(not_proven("end the wave and calibrate: the switches must be where they were before it"));
    };
    let lost_mm = (origin_steps - tried.origin_steps).abs() as f64 / steps_per_mm;
    // A step of a coarse machine is longer than that.
    if lost_mm > LOST_MM.max(1.0 / steps_per_mm) + 1e-9 {
        return Err(not_proven(format!(
            "behind the wave the axis was {lost_mm:.2} mm beside its place, {LOST_MM} are the most: the motor lost steps. Choose less speed \
             or acceleration, or check the current of its driver, its supply, and what rubs"
        )));
    }
    Ok(lost_mm)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::{Snapshot, Why};

    const LIMITS: ProvenLimits =
        ProvenLimits { max_speed_mm_s: 100.0, max_acceleration_mm_s2: 1_000.0, stroke_mm: 50, force_g: 500 };

    fn judged(periods: u32, state: State, calibrated_ns: Nanos, origin_steps: i64) -> Result<f64, String> {
        let tried = TriedLimits { envelope: LIMITS, origin_steps: -725, at_ns: 1_000 };
        let begun = Snapshot::at_power_on();
        let mut seen = Observed::new(begun);
        seen.feed(Snapshot { state: State::Running, periods, ..begun });
        seen.feed(Snapshot { why: Why::Calibrated, since_ns: calibrated_ns, ..begun });
        seen.feed(Snapshot { state, periods, origin_steps: Some(origin_steps), ..begun });
        lost_mm(&tried, &seen, 10.0).map_err(|refused| format!("{refused:?}"))
    }

    #[test]
    fn limits_are_proven_by_a_wave_that_loses_no_step() {
        assert_eq!(judged(2, State::Ready, 1_001, -725), Ok(0.0));
        assert_eq!(judged(2, State::Ready, 1_001, -723), Ok(0.2));
        for (periods, state, calibrated_ns, origin_steps, said) in [
            (1, State::Ready, 1_001, -725, "1 complete periods"),
            (2, State::Running, 1_001, -725, "calibrate"),
            (2, State::Ready, 1_000, -725, "calibrate"),
            (2, State::Ready, 1_001, -733, "0.80 mm beside its place"),
            (9, State::Ready, 1_001, -717, "0.80 mm beside its place"),
        ] {
            let refused = judged(periods, state, calibrated_ns, origin_steps).unwrap_err();
            assert!(refused.contains(said), "{refused}");
        }
    }

    #[test]
    fn the_wave_has_the_time_to_be_as_fast_as_it_may() {
        let wave = wave(&LIMITS, 145.0);
        assert_eq!((&wave["amplitude_mm"], &wave["duration"]), (&json!(50.0), &json!(2.0)));
        assert_eq!(super::wave(&LIMITS, 30.0)["amplitude_mm"], 30.0);
    }
}
