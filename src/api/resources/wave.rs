//! `/api/wave/get` and `/api/wave/run`: a wave by its type and the duration of one period, in seconds.

use std::sync::Arc;

use serde_json::json;

use super::{Call, complete, senseless};
use crate::api::answer::{self, Outcome, Rejection};
use crate::api::coerce;
use crate::api::context::Context;
use crate::api::fields::{Complaint, Fields};
use crate::api::orders::LOOP_WAVE;
use crate::api::port::Mover;
use crate::api::python;
use crate::machine::Command;
use crate::wave::points::{self, Points};
use crate::wave::{Shape, Wave};

const ARGUMENT: &str = "spec";

/// A yep-machine drops its connection on larger messages and is then deaf, for STOP too, for 20 s.
const REMOTE_MESSAGE_BYTES: usize = 1024 * 1024;
/// What a message says besides the points.
const MESSAGE_OVERHEAD_BYTES: usize = 1024;

/// What is asked for.
struct Spec {
    shape: Shape,
    duration_s: f64,
}

/// The points of the wave, as the clients draw them.
///
/// # Errors
/// 400 and 422.
pub async fn get(ctx: &Arc<Context>, call: &Call) -> Outcome {
    let spec = Spec::read(call)?;
    let points = spec.points(ctx).await?;
    Ok(answer::ok(&match &points {
        Points::Sine(positions) => json!({ "positions": positions }),
        Points::Square(positions) => json!({ "positions": positions }),
    }))
}

/// Runs the wave.
///
/// # Errors
/// 400, 422, and 409 when the machine does not run it.
pub async fn run(ctx: &Arc<Context>, call: &Call) -> Outcome {
    let spec = Spec::read(call)?;
    let mover = ctx.port.mover();
    let wave = match mover {
        Mover::Local => Some(Wave::new(spec.shape, spec.duration_s).map_err(|e| bad_duration(&e))?),
        Mover::Remote => None,
    };
    let data = match spec.points(ctx).await? {
        Points::Sine(points) => python::float_list(points.into_iter().map(|p| (p + 1.0) / 2.0)),
        Points::Square(points) => python::float_list(points.into_iter().map(|p| f64::from(p + 1) / 2.0)),
    };
    if mover == Mover::Remote && data.len() > REMOTE_MESSAGE_BYTES - MESSAGE_OVERHEAD_BYTES {
        return Err(bad_duration(&"so many points do not fit into one message to the machine: give less"));
    }
    if let Some(wave) = wave {
        ctx.port.command(Command::Run(wave)).await.map_err(|refusal| answer::refused(&refusal))?;
    }
    ctx.bus.announce(LOOP_WAVE, Some(&data));
    Ok(answer::ok(&json!({ "status": "success" })))
}

impl Spec {
    fn read(call: &Call) -> Result<Spec, Rejection> {
        let body = call.json()?;
        let mut fields = Fields::of(ARGUMENT, body.as_ref()).map_err(unprocessable)?;
        let name = fields.required("type", coerce::string);
        let duration_s = fields.required("duration", coerce::float);
        let (Some(name), Some(duration_s)) = (name, duration_s) else {
            return Err(answer::unprocessable(&fields.complaints));
        };
        complete(&fields.complaints)?;
        match Shape::from_name(&name) {
            Some(shape) => Ok(Spec { shape, duration_s }),
            None => {
                let known: Vec<_> = Shape::ALL.into_iter().map(Shape::name).collect();
                let why = format!("unknown type of wave: give one of {}", known.join(", "));
                Err(unprocessable(senseless(ARGUMENT, "type", why)))
            }
        }
    }

    async fn points(&self, ctx: &Context) -> Result<Points, Rejection> {
        let resolution = ctx.desk.current().document.wave_resolution;
        let (shape, duration_s) = (self.shape, self.duration_s);
        // The longest wave takes a while, and the threads here have sockets to serve.
        let sampled =
            tokio::task::spawn_blocking(move || points::sample(shape, duration_s, resolution)).await;
        match sampled {
            Ok(points) => points.map_err(|error| bad_duration(&error)),
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        }
    }
}

fn bad_duration(why: &impl ToString) -> Rejection {
    unprocessable(senseless(ARGUMENT, "duration", why.to_string()))
}

fn unprocessable(complaint: Complaint) -> Rejection {
    answer::unprocessable(&[complaint])
}
