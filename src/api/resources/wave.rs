//! `/api/wave/get` and `/api/wave/run`: the points of a wave for drawing, and its start.
//!
//! A body goes one way: [`wave_spec`] makes a [`Spec`] of it, that becomes one [`Wave`], and both the machine and the points that
//! are announced get this wave. [`super::waves`] comes in with the body that it has kept.

use std::sync::Arc;

use bytes::Bytes;
use serde::Serialize;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::senseless;
use crate::api::answer::{self, Answer, HandlerResult, Rejection};
use crate::api::budget::Share;
use crate::api::client::Client;
use crate::api::commands::LOOP_WAVE;
use crate::api::content::Content;
use crate::api::context::Context;
use crate::api::lease::Policy;
use crate::api::port::MachineLocation;
use crate::api::python;
use crate::api::request::RoutedRequest;
use crate::api::wave_spec::{self, ARGUMENT, LEASE, Purpose, duration_complaint};
use crate::wave::points::{self, Points};
use crate::wave::{Shape, Spec, Wave};

/// A yep-machine drops its connection on larger messages and is then deaf, for STOP too, for 20 s.
const REMOTE_MESSAGE_BYTES: usize = 1024 * 1024;
/// Most points of an announcement that is only for show; a longer wave is announced without points.
const ANNOUNCED_POINTS: usize = 50_000;
/// Bytes of a message besides its points.
const MESSAGE_OVERHEAD_BYTES: usize = 1024;
/// An answer of up to so many points is written whole.
const WHOLE_POINTS: usize = 8 * 1024;
/// Points of a piece of a longer answer.
const PIECE_POINTS: usize = 2 * 1024;
/// Bytes of a point as text with its separator, at least.
const LEAST_POINT_TEXT_BYTES: usize = 5;
/// Bytes of a point as text with its separator, at most.
const POINT_TEXT_BYTES: usize = 24;

#[derive(Serialize)]
struct Drawing<T> {
    positions: Vec<T>,
}

/// The points of the wave, as the clients draw them.
///
/// # Errors
/// 400 and 422.
pub async fn get(ctx: &Arc<Context>, request: RoutedRequest) -> HandlerResult {
    let asked = AskedWave::read(ctx, request.body.json()?.as_ref(), Purpose::Draw)?;
    let share = ctx.budget.take(asked.most_points() * size_of::<f64>())?;
    Ok(match asked.sample(None).await? {
        Points::Sine(positions) | Points::Other(positions) => drawn(ctx, positions, share),
        Points::Square(positions) => drawn(ctx, positions, share),
    })
}

/// An answer with the positions. A long one is written while it is sent: as a text it is much larger than as numbers.
fn drawn<T: Serialize + Send + Sync + 'static>(ctx: &Context, positions: Vec<T>, share: Share) -> Answer {
    if positions.len() <= WHOLE_POINTS {
        return answer::ok(&Drawing { positions });
    }
    let (pieces, sent) = mpsc::channel(1);
    ctx.workers.spawn(async move {
        let mut text = b"{\"positions\":".to_vec();
        for (index, part) in positions.chunks(PIECE_POINTS).enumerate() {
            for (within, position) in part.iter().enumerate() {
                text.push(if index + within == 0 { b'[' } else { b',' });
                if serde_json::to_writer(&mut text, position).is_err() {
                    return;
                }
            }
            if pieces.send(core::mem::take(&mut text).into()).await.is_err() {
                // The client is gone.
                return;
            }
        }
        let _ = pieces.send(Bytes::from_static(b"]}")).await;
    });
    answer::json_pieces(Content::pieces(sent, share))
}

/// Runs the wave. While one runs, goes over to this one.
///
/// # Errors
/// 400, 422, and 409 when the machine does not run it.
pub async fn run(ctx: &Arc<Context>, request: RoutedRequest) -> HandlerResult {
    let RoutedRequest { client, body, .. } = request;
    run_asked(ctx, &client, body.json()?.as_ref()).await
}

/// Runs the wave of a body, which may be that of a request or one that was kept.
///
/// # Errors
/// 422, and 409 when the machine does not run it.
pub async fn run_asked(ctx: &Arc<Context>, client: &Client, body: Option<&Value>) -> HandlerResult {
    let asked = AskedWave::read(ctx, body, Purpose::Run)?;
    let policy = lease_policy(body)?;
    let (wave, announced) = match ctx.port.location() {
        MachineLocation::Local => {
            let wave = build(&asked.spec)?;
            let announced = announcement(ctx, &asked, &wave).await?;
            (Some(wave), announced)
        }
        MachineLocation::Remote => (None, Some(remote_message(ctx, &asked).await?)),
    };
    ctx.waves.run(client, wave, policy).await?;
    ctx.bus.announce(LOOP_WAVE, announced.as_deref());
    Ok(answer::ok(&json!({ "status": "success" })))
}

/// Text of the points of a wave that moves here. Nobody moves by it, so a long wave has none.
async fn announcement(ctx: &Context, asked: &AskedWave, wave: &Wave) -> Result<Option<String>, Rejection> {
    if asked.most_points() > ANNOUNCED_POINTS {
        return Ok(None);
    }
    let (positions, _share) = asked.positions(ctx, Some(wave)).await?;
    Ok(Some(python::float_list(positions)))
}

/// Text of the points by which a yep-machine on another host moves.
async fn remote_message(ctx: &Context, asked: &AskedWave) -> Result<String, Rejection> {
    let too_long = || {
        let why = "so many points do not fit into one message to the machine: give less";
        answer::unprocessable(&[duration_complaint(&why)])
    };
    if asked.most_points() > REMOTE_MESSAGE_BYTES / LEAST_POINT_TEXT_BYTES {
        return Err(too_long());
    }
    let (positions, _share) = asked.positions(ctx, None).await?;
    ctx.remote.check_wave(&ctx.settings, &positions)?;
    let message = python::float_list(positions);
    if message.len() > REMOTE_MESSAGE_BYTES - MESSAGE_OVERHEAD_BYTES { Err(too_long()) } else { Ok(message) }
}

/// The policy for the wave without its client, if the body has one.
fn lease_policy(body: Option<&Value>) -> Result<Option<Policy>, Rejection> {
    let Some(given) = body.and_then(|body| body.get(LEASE.name)).filter(|given| !given.is_null()) else {
        return Ok(None);
    };
    let policy = given.as_str().and_then(Policy::from_name);
    let why = "must be \"stop\" or \"continue\"";
    let wrong = || answer::unprocessable(&[senseless(ARGUMENT, LEASE.name, why)]);
    policy.map(Some).ok_or_else(wrong)
}

fn build(spec: &Spec) -> Result<Wave, Rejection> {
    wave_spec::wave(spec).map_err(|complaints| answer::unprocessable(&complaints))
}

/// A wave as it is asked for, with the settings that its points depend on.
struct AskedWave {
    spec: Spec,
    /// Longest stroke: of the calibrated range, or else of the rail in the settings.
    stroke_mm: f64,
    /// Points for each second.
    resolution: i64,
}

/// Graph that is sampled.
enum SampledGraph {
    /// A plain sine or square of that duration, as the clients' first server drew it.
    Plain(Shape, f64),
    /// Any other wave as it is.
    Whole(Wave),
}

impl AskedWave {
    /// Reads a body, and checks what it gives in millimetres against the stroke.
    fn read(ctx: &Context, body: Option<&Value>, purpose: Purpose) -> Result<AskedWave, Rejection> {
        let config = ctx.settings.config();
        let found_mm = ctx.port.snapshots().borrow().range_mm;
        let stroke_mm = config.stroke_mm(found_mm.unwrap_or_else(|| config.geometry.expected_range_mm()));
        let spec = wave_spec::read(body, purpose)
            .and_then(|spec| wave_spec::fits(&spec, stroke_mm).map(|()| spec))
            .map_err(|complaints| answer::unprocessable(&complaints))?;
        Ok(AskedWave { spec, stroke_mm, resolution: ctx.settings.current().document.wave_resolution })
    }

    /// Upper bound on the points of a period.
    fn most_points(&self) -> usize {
        // A wave that cannot be sampled has none.
        (self.spec.duration_s * self.resolution as f64).clamp(0.0, points::MAX_POINTS as f64) as usize
    }

    /// The points of a period. `built` is the wave of the specification, where there is one already.
    async fn sample(&self, built: Option<&Wave>) -> Result<Points, Rejection> {
        let graph = match (self.spec.shape(), built) {
            (Some(shape), _) if self.spec.is_plain() => SampledGraph::Plain(shape, self.spec.duration_s),
            (_, Some(wave)) => SampledGraph::Whole(wave.clone()),
            (_, None) => SampledGraph::Whole(build(&self.spec)?),
        };
        let (stroke_mm, resolution) = (self.stroke_mm, self.resolution);
        // The longest wave takes a while, and the threads here have sockets to serve.
        let sampling = tokio::task::spawn_blocking(move || match graph {
            SampledGraph::Plain(shape, duration_s) => points::sample(shape, duration_s, resolution),
            SampledGraph::Whole(wave) => points::sample_wave(&wave, stroke_mm, resolution),
        });
        match sampling.await {
            Ok(points) => points.map_err(|error| answer::unprocessable(&[duration_complaint(&error)])),
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        }
    }

    /// The points of a period as shares of the stroke, with the memory for them and for their text.
    async fn positions(&self, ctx: &Context, built: Option<&Wave>) -> Result<(Vec<f64>, Share), Rejection> {
        let share = ctx.budget.take(self.most_points() * (2 * size_of::<f64>() + POINT_TEXT_BYTES))?;
        let positions = match self.sample(built).await? {
            Points::Sine(points) | Points::Other(points) => {
                points.into_iter().map(|point| (point + 1.0) / 2.0).collect()
            }
            Points::Square(points) => points.into_iter().map(|point| f64::from(point + 1) / 2.0).collect(),
        };
        Ok((positions, share))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wave::fields::WaveFieldKind;

    #[test]
    fn the_words_of_the_lease_are_the_policies() {
        let WaveFieldKind::Word(words) = LEASE.kind else { panic!("{LEASE:?}") };
        assert!(words.iter().all(|word| Policy::from_name(word).is_some()) && words.len() == 2);
    }
}
