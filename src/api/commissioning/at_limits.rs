//! The step in which the limits are chosen: a wave at just these limits, and a calibration behind it that must find the axis where
//! it was. A motor that is too weak for them loses steps, which nothing else shows.
//!
//! The limits are in force from the start of the wave on. If it does not start, what was in force before is put back; if the motor
//! lost steps, nothing stays wider than before.

use std::sync::Arc;

use serde_json::{Value, json};

use super::first_run::{Evidence, StepInProgress, not_proven};
use super::observed::Observed;
use super::proof::Outcome;
use super::step::CommissioningStep;
use crate::api::answer::{self, Rejection};
use crate::api::charge::client::Client;
use crate::api::charge::lease::Presence;
use crate::api::commands::UPDATE_SETTINGS;
use crate::api::context::Context;
use crate::api::documents::commissioning::{StepAct, StepRequest};
use crate::api::problem::ProblemCode;
use crate::api::settings_service::{Authority, Denied};
use crate::api::wave_requests::WaveStart;
use crate::machine::{CommandRefusal, State};
use crate::motion::plan::{PlanError, Target};
use crate::motion::{Kinematics, MotionLimits, MovePlan};
use crate::settings::{ProvenLimits, Settings};
use crate::units::Nanos;

/// Complete periods at the limits.
const PERIODS: u32 = 2;
/// Largest distance between the places at which the switches closed before and behind the wave, in mm.
const LOST_MM: f64 = 0.2;
/// Rest at each end of the stroke, in s: the axis accelerates and brakes as firmly as it may.
const DWELL_S: f64 = 0.3;
/// Time for a stroke by that of the quickest move. A wave with less than 1.2 of it is made smaller by the machine.
const GRANTED: f64 = 1.25;
/// Shortest period of a wave, in s.
const SHORTEST_S: f64 = 0.5;
/// A speed that is held for so long is seen, also where one of the snapshots, which come each 10 ms, is lost.
const SEEN_S: f64 = 0.02;
/// Share of the speed that a stroke at these limits reaches, which must have been seen.
const REACHED_SHARE: f64 = 0.9;

/// Limits that are tried.
#[derive(Debug, Clone, PartialEq)]
pub struct TriedLimits {
    /// The limits, the stroke no longer than the rail.
    envelope: ProvenLimits,
    /// Those before the first wave of which the end is not known.
    before: ProvenLimits,
    /// The wave.
    wave: Value,
    /// Speed that it reaches for long enough to be seen, in mm/s.
    speed_mm_s: f64,
    /// Step counter at 0 mm of the axis before the wave.
    origin_steps: i64,
    /// When the wave was started, on the machine's clock.
    at_ns: Nanos,
}

/// Why limits are not proven.
#[derive(Debug, PartialEq)]
enum Unproven {
    /// The calibration behind the wave found the axis so far beside its place, in mm.
    StepsLost(f64),
    /// Something else, in words.
    Because(String),
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
        StepAct::Start => begin(ctx, client, progress, request).await,
        _ => finish(ctx, progress).await.map(Outcome::Proven),
    }
}

async fn begin(
    ctx: &Arc<Context>,
    client: &Client,
    progress: &StepInProgress,
    request: &StepRequest,
) -> Result<Outcome, Rejection> {
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
    // Wider limits would wait until the axis rests, and a wave that runs would go over to this one without them.
    if !ctx.commands.rests() {
        return Err(answer::refused(&CommandRefusal::Moving(snapshot.state)));
    }
    let (before, applied) = apply(ctx, &envelope).await?;
    let started = start(ctx, client, request, &applied, range_mm).await;
    let (wave, speed_mm_s) = match started {
        Ok(started) => started,
        Err(refused) => {
            take_back(ctx, &applied, &before).await;
            return Err(refused);
        }
    };
    ctx.bus.announce(UPDATE_SETTINGS, None);
    let before = progress.tried.as_ref().map_or(ProvenLimits::of(&before), |tried| tried.before);
    ctx.first_run.change(CommissioningStep::Limits, |progress| {
        let (envelope, at_ns) = (ProvenLimits::of(&applied), snapshot.at_ns);
        progress.tried = Some(TriedLimits { envelope, before, wave, speed_mm_s, origin_steps, at_ns });
        progress.observed.wave_accepted();
    });
    Ok(Outcome::GoesOn)
}

/// Puts these limits in force: the settings before, and those with them.
async fn apply(ctx: &Context, envelope: &ProvenLimits) -> Result<(Settings, Settings), Denied> {
    let mut before = None;
    let applied = ctx.settings.change(Authority::Whole, |settings| {
        before = Some(settings.clone());
        Ok(envelope.apply(settings)?)
    });
    let applied = applied.await?;
    Ok((before.unwrap_or_else(|| applied.clone()), applied))
}

/// Starts the wave at these settings: the wave, and the speed that it reaches.
async fn start(
    ctx: &Context,
    client: &Client,
    request: &StepRequest,
    settings: &Settings,
    range_mm: f64,
) -> Result<(Value, f64), Rejection> {
    let stroke_mm = range_mm.min(settings.document.stroke_limit as f64);
    let stroke = stroke(&settings.motion, stroke_mm).map_err(|error| not_proven(error.to_string()))?;
    let wave = wave(&stroke, stroke_mm);
    let start = WaveStart { saved: None, presence: Some(Presence::Watch), after_stop: request.after_stop };
    ctx.wave_requests.run_proof(client, &wave, start).await?;
    Ok((wave, seen_speed_mm_s(&stroke)))
}

/// Takes limits back whose wave was refused, as far as nobody has changed them since.
async fn take_back(ctx: &Context, applied: &Settings, before: &Settings) {
    let taken_back =
        ctx.settings.change(Authority::Whole, |now| Ok(ProvenLimits::taken_back(now, applied, before)));
    if let Err(why) = taken_back.await {
        tracing::error!(?why, "the limits of a wave that was refused stay in force");
    }
}

/// The quickest move over this stroke.
fn stroke(motion: &MotionLimits, stroke_mm: f64) -> Result<MovePlan, PlanError> {
    let target = Target { p: stroke_mm, v: 0.0 };
    let anywhere = (f64::MIN, f64::MAX);
    MovePlan::new(Kinematics::at_rest(0.0), target, motion.profile(motion.max_speed.get()), anywhere)
}

/// The speed that is reached for long enough to be seen: speeding up and braking are alike, so that time is in the middle. None can
/// be asked for where the whole stroke takes no longer.
fn seen_speed_mm_s(stroke: &MovePlan) -> f64 {
    let begins_s = (stroke.duration_s() - SEEN_S) / 2.0;
    if begins_s > 0.0 { stroke.at(begins_s).v } else { 0.0 }
}

/// From one end of the stroke to the other, as fast as the limits let the axis go.
fn wave(stroke: &MovePlan, stroke_mm: f64) -> Value {
    let duration = (2.0 * (GRANTED * stroke.duration_s() + DWELL_S)).max(SHORTEST_S);
    json!({ "type": "square", "duration": duration, "amplitude_mm": stroke_mm, "offset_mm": 0.0 })
}

async fn finish(ctx: &Arc<Context>, progress: &StepInProgress) -> Result<Evidence, Rejection> {
    let Some(tried) = &progress.tried else {
        return Err(not_proven("start the wave at these limits (`act: start`), and stay beside the machine"));
    };
    let in_force = ProvenLimits::of(&ctx.settings.current());
    let newest = ctx.wave_requests.waves.running().map(|wave| wave.fields);
    let steps_per_mm = ctx.settings.config().geometry.nominal.get();
    let seen = &progress.observed;
    let lost_mm = match lost_mm(tried, seen, &in_force, newest.as_ref(), steps_per_mm) {
        Ok(lost_mm) => lost_mm,
        Err(Unproven::Because(why)) => return Err(not_proven(why)),
        Err(Unproven::StepsLost(mm)) => return Err(steps_lost(ctx, tried, mm).await),
    };
    ctx.commissioning.set_envelope(tried.envelope).await.map_err(|why| {
        answer::refuse(ProblemCode::NotStored, format!("the envelope could not be stored: {why}"))
    })?;
    Ok(vec![
        ("max_speed_mm_s", tried.envelope.max_speed_mm_s),
        ("max_acceleration_mm_s2", tried.envelope.max_acceleration_mm_s2),
        ("stroke_mm", tried.envelope.stroke_mm as f64),
        ("force_g", tried.envelope.force_g as f64),
        ("periods", f64::from(seen.periods)),
        ("reached_mm_s", seen.fastest_mm_s),
        ("lost_mm", lost_mm),
    ])
}

/// Lets the axis do no more than before the limits at which it lost steps, nor more than now; the refusal that says so.
async fn steps_lost(ctx: &Arc<Context>, tried: &TriedLimits, beside_mm: f64) -> Rejection {
    let before = tried.before;
    let narrowed = ctx.settings.change(Authority::Whole, |now| Ok(before.narrow(now.clone()))).await;
    let now = match narrowed {
        Ok(narrow) => {
            // Whatever comes next begins with another wave.
            ctx.first_run.change(CommissioningStep::Limits, |progress| progress.tried = None);
            ctx.bus.announce(UPDATE_SETTINGS, None);
            format!("Now no limit is wider than before the wave: {}", ProvenLimits::of(&narrow))
        }
        Err(why) => {
            tracing::error!(?why, "limits at which steps were lost stay in force");
            "These limits are still in force, as others could not be stored: narrow them".to_owned()
        }
    };
    not_proven(format!(
        "behind the wave the axis was {beside_mm:.2} mm beside its place, {LOST_MM} are the most: the motor lost steps. {now}. Choose \
         less speed or acceleration, or check the current of its driver, its supply, and what rubs"
    ))
}

/// How far from its place the calibration behind the wave found the axis, in mm. `newest` is the wave that was started last.
fn lost_mm(
    tried: &TriedLimits,
    seen: &Observed,
    in_force: &ProvenLimits,
    newest: Option<&Value>,
    steps_per_mm: f64,
) -> Result<f64, Unproven> {
    let because = |why: String| Err(Unproven::Because(why));
    let is_calibrated = seen.last().state == State::Ready && seen.calibrated_ns > tried.at_ns;
    let origin_steps = seen.last().origin_steps.filter(|_| is_calibrated);
    let lost_mm = origin_steps.map(|steps| (steps - tried.origin_steps).abs() as f64 / steps_per_mm);
    // A step of a coarse machine is longer than that.
    if let Some(mm) = lost_mm.filter(|mm| *mm > LOST_MM.max(1.0 / steps_per_mm) + 1e-9) {
        return Err(Unproven::StepsLost(mm));
    }
    if *in_force != tried.envelope {
        return because(format!(
            "the limits were changed while they were tried: {} were to be proven, and {in_force} are in force. Start the wave again, with \
             the limits that you want",
            tried.envelope
        ));
    }
    if newest != Some(&tried.wave) {
        return because(
            "another wave was started behind the one at these limits: start that again".to_owned(),
        );
    }
    let periods = seen.periods;
    if periods < PERIODS {
        return because(format!(
            "the wave made {periods} complete periods, {PERIODS} are needed: start it again, and let it go on that long"
        ));
    }
    let (fastest, asked) = (seen.fastest_mm_s, tried.speed_mm_s);
    if fastest < REACHED_SHARE * asked {
        return because(format!(
            "the wave reached {fastest:.0} mm/s, and at these limits this stroke reaches {asked:.0}: a force, the force chart, the time that \
             the force sensor takes, or a computer that is hot or short of voltage held it back. See to that, or choose a speed that it \
             reaches, and start the wave again"
        ));
    }
    lost_mm.ok_or_else(|| {
        Unproven::Because(
            "end the wave and calibrate: the switches must be where they were before it".to_owned(),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::{Snapshot, Why};
    use crate::motion::{CycleBounds, Tracker};
    use crate::units::{MmPerS, MmPerS2, MmPerS3};
    use crate::wave::Shape;

    const LIMITS: ProvenLimits =
        ProvenLimits { max_speed_mm_s: 100.0, max_acceleration_mm_s2: 1_000.0, stroke_mm: 50, force_g: 500 };

    fn tried() -> TriedLimits {
        let wave = json!({ "type": "square" });
        TriedLimits {
            envelope: LIMITS,
            before: LIMITS,
            wave,
            speed_mm_s: 100.0,
            origin_steps: -725,
            at_ns: 1_000,
        }
    }

    /// A wave of so many periods that reached this speed, and then a calibration.
    fn seen(periods: u32, fastest_mm_s: f64, calibrated_ns: Nanos, origin_steps: i64) -> Observed {
        let begun = Snapshot::at_power_on();
        let mut seen = Observed::new(begun);
        for velocity_mm_s in [0.0, -fastest_mm_s, 0.3 * fastest_mm_s] {
            seen.feed(Snapshot { state: State::Running, periods, velocity_mm_s, ..begun });
        }
        // Homing is no wave.
        seen.feed(Snapshot { state: State::Homing, velocity_mm_s: 400.0, ..begun });
        seen.feed(Snapshot { why: Why::Calibrated, since_ns: calibrated_ns, ..begun });
        seen.feed(Snapshot { state: State::Ready, periods, origin_steps: Some(origin_steps), ..begun });
        seen
    }

    fn judged(seen: &Observed) -> Result<f64, Unproven> {
        lost_mm(&tried(), seen, &LIMITS, Some(&tried().wave), 10.0)
    }

    #[test]
    fn limits_are_proven_by_a_wave_that_loses_no_step() {
        assert_eq!(judged(&seen(2, 100.0, 1_001, -725)), Ok(0.0));
        assert_eq!(judged(&seen(2, 90.0, 1_001, -723)), Ok(0.2));
        let mut moves = seen(2, 100.0, 1_001, -725);
        moves.feed(Snapshot { state: State::Running, periods: 2, velocity_mm_s: 99.0, ..*moves.last() });
        for (seen, said) in [
            (seen(1, 100.0, 1_001, -725), "1 complete periods"),
            (moves, "calibrate"),
            (seen(2, 100.0, 1_000, -725), "calibrate"),
            (seen(2, 89.0, 1_001, -725), "reached 89 mm/s, and at these limits this stroke reaches 100"),
        ] {
            let refused = judged(&seen);
            assert!(matches!(&refused, Err(Unproven::Because(why)) if why.contains(said)), "{refused:?}");
        }
        for (seen, mm) in [(seen(1, 100.0, 1_001, -733), 0.8), (seen(9, 50.0, 1_001, -717), 0.8)] {
            assert_eq!(judged(&seen), Err(Unproven::StepsLost(mm)));
        }
    }

    #[test]
    fn what_was_seen_counts_for_the_newest_wave_only() {
        let mut twice = seen(2, 100.0, 1_001, -725);
        twice.feed(Snapshot { state: State::Running, periods: 2, velocity_mm_s: 40.0, ..*twice.last() });
        assert_eq!(twice.fastest_mm_s, 40.0);
        twice.wave_accepted();
        assert_eq!((twice.periods, twice.fastest_mm_s), (0, 0.0));
    }

    #[test]
    fn other_limits_or_another_wave_prove_nothing() {
        let seen = seen(2, 100.0, 1_001, -725);
        for other in [
            ProvenLimits { max_speed_mm_s: 80.0, ..LIMITS },
            ProvenLimits { max_acceleration_mm_s2: 1_001.0, ..LIMITS },
            ProvenLimits { stroke_mm: 49, ..LIMITS },
            ProvenLimits { force_g: 499, ..LIMITS },
        ] {
            let refused = lost_mm(&tried(), &seen, &other, Some(&tried().wave), 10.0);
            assert!(
                matches!(&refused, Err(Unproven::Because(why)) if why.contains("changed")),
                "{refused:?}"
            );
        }
        for newest in [None, Some(json!({ "type": "sine" }))] {
            let refused = lost_mm(&tried(), &seen, &LIMITS, newest.as_ref(), 10.0);
            assert!(
                matches!(&refused, Err(Unproven::Because(why)) if why.contains("another wave")),
                "{refused:?}"
            );
        }
    }

    fn motion(speed: f64, acceleration: f64, jerk: f64) -> MotionLimits {
        MotionLimits::new(
            MmPerS::try_from(speed).unwrap(),
            MmPerS2::try_from(acceleration).unwrap(),
            MmPerS3::try_from(jerk).unwrap(),
            MmPerS2::try_from(8_000.0).unwrap(),
            MmPerS::try_from(1.0).unwrap(),
        )
        .unwrap()
    }

    /// The fastest sample, each 10 ms and at the worst instants, of a stroke as the axis makes it.
    fn fastest_sample_mm_s(motion: &MotionLimits, stroke_mm: f64) -> f64 {
        let speed_mm_s = motion.max_speed.get();
        let bounds = CycleBounds {
            low_mm: 0.0,
            high_mm: stroke_mm,
            forward_mm_s: speed_mm_s,
            backward_mm_s: speed_mm_s,
            pace_mm_s: f64::INFINITY,
        };
        let (mut tracker, mut at) = (Tracker::new(0.001), Kinematics::at_rest(0.0));
        let end = Kinematics::at_rest(stroke_mm);
        let cycles = (stroke(motion, stroke_mm).unwrap().duration_s() * 1_500.0) as usize + 100;
        let speeds = (0..cycles).map(|_| {
            at = tracker.plan(at, end, end, motion, &bounds).end;
            at.v
        });
        let speeds: Vec<_> = speeds.collect();
        let sampled = |from: usize| speeds.iter().skip(from).step_by(10).copied().fold(0.0, f64::max);
        (0..10).map(sampled).fold(f64::INFINITY, f64::min)
    }

    #[test]
    fn a_stroke_that_nothing_holds_back_is_seen_to_be_as_fast_as_it_should_be() {
        for (speed, acceleration, jerk) in [
            (20.0, 500.0, 20_000.0),
            (100.0, 5_000.0, 200_000.0),
            (500.0, 5_000.0, 200_000.0),
            (500.0, 5_000.0, 1_600_000.0),
            (600.0, 8_000.0, 200_000.0),
            (600.0, 1_000.0, 5_000.0),
        ] {
            let motion = motion(speed, acceleration, jerk);
            for stroke_mm in [1.0, 3.0, 10.0, 30.0, 77.0, 145.0] {
                let stroke = stroke(&motion, stroke_mm).unwrap();
                let (asked, fastest) = (seen_speed_mm_s(&stroke), fastest_sample_mm_s(&motion, stroke_mm));
                assert!(fastest >= REACHED_SHARE * asked, "{fastest} of {asked}: {stroke_mm} mm, {motion:?}");
                // Hardly less than it can reach is asked for, but where the whole stroke is a matter of moments.
                assert!(asked >= 0.6 * fastest || stroke.duration_s() < 4.0 * SEEN_S, "{asked} of {fastest}");
            }
        }
    }

    #[test]
    fn the_wave_has_the_time_to_be_as_fast_as_it_may() {
        for (limits, stroke_mm) in [
            (motion(100.0, 1_000.0, 200_000.0), 50.0),
            (motion(20.0, 5_000.0, 200_000.0), 145.0),
            (motion(600.0, 5_000.0, 10_000.0), 77.0),
            (motion(500.0, 5_000.0, 200_000.0), 1.0),
        ] {
            let wave = wave(&stroke(&limits, stroke_mm).unwrap(), stroke_mm);
            assert_eq!(wave["amplitude_mm"], stroke_mm);
            let duration = wave["duration"].as_f64().unwrap();
            let profile = limits.profile(limits.max_speed.get());
            // It is not made smaller, and the axis rests at each end.
            assert!(profile.amplitude_mm(&Shape::Square.into(), duration) >= stroke_mm, "{wave}");
            assert!(duration >= SHORTEST_S);
        }
    }
}
