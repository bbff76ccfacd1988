//! `/api/wave/get` and `/api/wave/run`: a wave by its type and the duration of one period, in seconds, and what
//! [`wave_spec`] reads besides.

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
use crate::api::wave_spec::{self, ARGUMENT, LEASE, Purpose};
use crate::wave::points::{self, Points};
use crate::wave::{Spec, Wave};

/// A yep-machine drops its connection on larger messages and is then deaf, for STOP too, for 20 s.
const REMOTE_MESSAGE_BYTES: usize = 1024 * 1024;
/// A wave of more points is announced without them, where they are only for show.
const ANNOUNCED_POINTS: usize = 50_000;
/// What a message says besides the points.
const MESSAGE_OVERHEAD_BYTES: usize = 1024;
/// Answers with so many points are written at once.
const WHOLE_POINTS: usize = 8 * 1024;
/// Points of a piece of a longer one.
const PIECE_POINTS: usize = 2 * 1024;
/// A point as a text with what separates it from the next one, at least.
const LEAST_POINT_TEXT_BYTES: usize = 5;
/// The same at most.
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
    let spec = read(ctx, request.body.json()?.as_ref(), Purpose::Draw)?;
    let share = ctx.budget.take(points_of(ctx, &spec) * size_of::<f64>())?;
    Ok(match sampled(ctx, spec).await? {
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

/// Runs the wave that `asked` stands for, wherever that is from.
///
/// # Errors
/// 422, and 409 when the machine does not run it.
pub async fn run_asked(ctx: &Arc<Context>, client: &Client, asked: Option<&Value>) -> HandlerResult {
    let spec = read(ctx, asked, Purpose::Run)?;
    let lease = lease(asked)?;
    let location = ctx.port.location();
    let wave = match location {
        MachineLocation::Local => Some(wave_of(&spec)?),
        MachineLocation::Remote => None,
    };
    // Nobody here moves by what is announced, and so much of it would only take up memory.
    let points = points_of(ctx, &spec);
    let announced = location == MachineLocation::Remote || points <= ANNOUNCED_POINTS;
    let too_long = || bad_duration(&"so many points do not fit into one message to the machine: give less");
    if location == MachineLocation::Remote && points > REMOTE_MESSAGE_BYTES / LEAST_POINT_TEXT_BYTES {
        return Err(too_long());
    }
    let data = if announced {
        let _share = ctx.budget.take(points * (2 * size_of::<f64>() + POINT_TEXT_BYTES))?;
        let positions: Vec<f64> = match sampled(ctx, spec).await? {
            Points::Sine(points) | Points::Other(points) => {
                points.into_iter().map(|p| (p + 1.0) / 2.0).collect()
            }
            Points::Square(points) => points.into_iter().map(|p| f64::from(p + 1) / 2.0).collect(),
        };
        ctx.remote.check_wave(&ctx.settings, &positions)?;
        Some(python::float_list(positions))
    } else {
        None
    };
    let bytes = data.as_ref().map_or(0, String::len);
    if location == MachineLocation::Remote && bytes > REMOTE_MESSAGE_BYTES - MESSAGE_OVERHEAD_BYTES {
        return Err(too_long());
    }
    ctx.waves.run(client, wave, lease).await?;
    ctx.bus.announce(LOOP_WAVE, data.as_deref());
    Ok(answer::ok(&json!({ "status": "success" })))
}

/// What is to become of the wave without its client, when that is said.
fn lease(asked: Option<&Value>) -> Result<Option<Policy>, Rejection> {
    let Some(said) = asked.and_then(|asked| asked.get(LEASE.name)).filter(|said| !said.is_null()) else {
        return Ok(None);
    };
    let policy = said.as_str().and_then(Policy::from_name);
    let wrong = || answer::unprocessable(&[senseless(ARGUMENT, LEASE.name, "must be \"stop\" or \"continue\"")]);
    policy.map(Some).ok_or_else(wrong)
}

fn read(ctx: &Context, asked: Option<&Value>, purpose: Purpose) -> Result<Spec, Rejection> {
    let spec = wave_spec::read(asked, purpose);
    let fitting = spec.and_then(|spec| wave_spec::fits(&spec, stroke_mm(ctx)).map(|()| spec));
    fitting.map_err(|complaints| answer::unprocessable(&complaints))
}

/// How long a stroke is at most: by what was calibrated, or else by what the settings say of the rail.
fn stroke_mm(ctx: &Context) -> f64 {
    let config = ctx.settings.config();
    let found_mm = ctx.port.snapshots().borrow().range_mm;
    config.stroke_mm(found_mm.unwrap_or_else(|| config.geometry.expected_range_mm()))
}

fn wave_of(spec: &Spec) -> Result<Wave, Rejection> {
    wave_spec::wave(spec).map_err(|complaints| answer::unprocessable(&complaints))
}

/// What is drawn: what the clients' first server knew as it drew it, everything else as it is.
enum Drawn {
    Plain(crate::wave::Shape, f64),
    Other(Wave),
}

fn resolution(ctx: &Context) -> i64 {
    ctx.settings.current().document.wave_resolution
}

/// How many points a period of the wave has at most.
fn points_of(ctx: &Context, spec: &Spec) -> usize {
    // Of what cannot be sampled there are none.
    (spec.duration_s * resolution(ctx) as f64).clamp(0.0, points::MAX_POINTS as f64) as usize
}

async fn sampled(ctx: &Context, spec: Spec) -> Result<Points, Rejection> {
    let resolution = resolution(ctx);
    let drawn = match spec.shape() {
        Some(shape) if spec.is_plain() => Drawn::Plain(shape, spec.duration_s),
        _ => Drawn::Other(wave_of(&spec)?),
    };
    let stroke_mm = stroke_mm(ctx);
    // The longest wave takes a while, and the threads here have sockets to serve.
    let sampling = tokio::task::spawn_blocking(move || match drawn {
        Drawn::Plain(shape, duration_s) => points::sample(shape, duration_s, resolution),
        Drawn::Other(wave) => points::sample_wave(&wave, stroke_mm, resolution),
    });
    match sampling.await {
        Ok(points) => points.map_err(|error| bad_duration(&error)),
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}

/// 422, about the duration.
#[must_use]
pub(crate) fn bad_duration(why: &impl ToString) -> Rejection {
    answer::unprocessable(&[senseless(ARGUMENT, "duration", why.to_string())])
}
