//! Waves that clients ask for: from a body to its points, or to the machine that runs it.
//!
//! A body goes one way: [`wave_spec`] makes a [`Spec`] of it, and that becomes one [`Wave`], which the machine gets. The points of
//! a plain sine or square come from its formula, as the clients' first server drew it; those of any other wave from that [`Wave`].

use std::sync::Arc;

use serde_json::Value;

use super::answer::{self, Rejection};
use super::budget::{MemoryBudget, Share};
use super::bus::Bus;
use super::charge::client::Client;
use super::charge::lease::Presence;
use super::coerce::Strictness;
use super::commands::LOOP_WAVE;
use super::documents::wave::{WaveInForce, WavePreview};
use super::fields::{self, Complaint};
use super::port::{MachineLocation, MachinePort};
use super::python;
use super::remote::RemoteFacts;
use super::settings_service::SettingsService;
use super::wave_service::{AskedWave, WaveService};
use super::wave_spec::{self, ARGUMENT, LEASE, Purpose, duration_complaint};
use crate::machine::Accepted;
use crate::wave::points::{self, Points};
use crate::wave::{Shape, Spec, Wave};

/// A yep-machine drops its connection on larger messages and is then deaf, for STOP too, for 20 s.
const REMOTE_MESSAGE_BYTES: usize = 1024 * 1024;
/// Most points of an announcement that is only for show; a longer wave is announced without points.
const ANNOUNCED_POINTS: usize = 50_000;
/// Waves of up to so many points are sampled where they are asked for: to hand them to another thread would cost more.
const SAMPLED_HERE: usize = 4 * 1024;
/// Bytes of a message besides its points.
const MESSAGE_OVERHEAD_BYTES: usize = 1024;
/// Bytes of a point as text with its separator, at least.
const LEAST_POINT_TEXT_BYTES: usize = 5;
/// Bytes of a point as text with its separator, at most.
const POINT_TEXT_BYTES: usize = 24;

/// The service behind the requests for waves.
pub struct WaveRequests {
    /// The machine, which knows the calibrated range.
    pub port: Arc<dyn MachinePort>,
    /// The settings that the points depend on.
    pub settings: Arc<SettingsService>,
    /// Where a wave is announced.
    pub bus: Arc<Bus>,
    /// Starts waves.
    pub waves: Arc<WaveService>,
    /// The yep-machine elsewhere, if there is one.
    pub remote: Arc<RemoteFacts>,
    /// Memory for points.
    pub budget: MemoryBudget,
}

impl WaveRequests {
    /// The points of the wave of a body, as the clients draw them, with the memory for them.
    ///
    /// # Errors
    /// 422, 413, 503.
    pub async fn points(
        &self,
        strictness: Strictness,
        body: Option<&Value>,
    ) -> Result<(Points, Share), Rejection> {
        let asked = self.read(strictness, body, Purpose::Draw)?;
        let share = self.budget.take(asked.most_points() * size_of::<f64>())?;
        Ok((asked.sample(None).await?, share))
    }

    /// The points of the wave of a body as API v1 shows them, with the memory for them.
    ///
    /// # Errors
    /// 422, 413, 503.
    pub async fn preview(&self, body: Option<&Value>) -> Result<(WavePreview, Share), Rejection> {
        let asked = self.read(Strictness::Strict, body, Purpose::Draw)?;
        let (positions, share) = self.positions(&asked, None).await?;
        Ok((WavePreview { stroke_mm: asked.stroke_mm, rate_hz: asked.resolution, positions }, share))
    }

    /// Runs the wave of a body, which may be that of a request or one that is saved. While one runs, goes over to this one.
    ///
    /// # Errors
    /// 422, and 409 when the machine does not run it.
    pub async fn run(
        &self,
        client: &Client,
        strictness: Strictness,
        body: Option<&Value>,
        start: WaveStart,
    ) -> Result<Accepted, Rejection> {
        let WaveStart { saved, presence, after_stop } = start;
        let asked = self.read(strictness, body, Purpose::Run)?;
        let presence = match presence {
            None => presence_of(body)?,
            given => given,
        };
        let description = WaveInForce { fields: body.cloned().unwrap_or_default(), saved };
        let (wave, announced) = match self.port.location() {
            MachineLocation::Local => {
                let wave = build(&asked.spec)?;
                let announced = self.announcement(&asked, &wave).await?;
                (Some(wave), announced)
            }
            MachineLocation::Remote => (None, Some(self.remote_message(&asked).await?)),
        };
        let asked = AskedWave { wave, presence, after_stop, description, is_proof: false };
        let accepted = self.waves.run(client, asked).await?;
        self.bus.announce(LOOP_WAVE, announced.as_deref());
        Ok(accepted)
    }

    /// Runs the slow wave of the first run, on a machine that is not proven yet.
    ///
    /// # Errors
    /// 409 when the machine does not run it.
    pub async fn run_proof(
        &self,
        client: &Client,
        body: &Value,
        start: WaveStart,
    ) -> Result<Accepted, Rejection> {
        let WaveStart { saved, presence, after_stop } = start;
        let wave = build(&self.read(Strictness::Strict, Some(body), Purpose::Run)?.spec)?;
        let description = WaveInForce { fields: body.clone(), saved };
        let asked = AskedWave { wave: Some(wave), presence, after_stop, description, is_proof: true };
        Ok(self.waves.run(client, asked).await?)
    }

    /// Reads a body, and checks what it gives in millimetres against the stroke.
    fn read(
        &self,
        strictness: Strictness,
        body: Option<&Value>,
        purpose: Purpose,
    ) -> Result<ReadWave, Rejection> {
        let config = self.settings.config();
        let found_mm = self.port.snapshots().borrow().range_mm;
        let stroke_mm = config.stroke_mm(found_mm.unwrap_or_else(|| config.geometry.expected_range_mm()));
        let spec = wave_spec::read(strictness, body, purpose)
            .and_then(|spec| wave_spec::fits(&spec, stroke_mm).map(|()| spec))
            .map_err(|complaints| answer::unprocessable(&complaints))?;
        Ok(ReadWave { spec, stroke_mm, resolution: self.settings.current().document.wave_resolution })
    }

    /// Text of the points of a wave that moves here. Nobody moves by it, so a long wave has none.
    async fn announcement(&self, asked: &ReadWave, wave: &Wave) -> Result<Option<String>, Rejection> {
        if asked.most_points() > ANNOUNCED_POINTS {
            return Ok(None);
        }
        let (positions, _share) = self.positions(asked, Some(wave)).await?;
        Ok(Some(python::float_list(positions)))
    }

    /// Text of the points by which a yep-machine on another host moves.
    async fn remote_message(&self, asked: &ReadWave) -> Result<String, Rejection> {
        let too_long = || {
            let why = "so many points do not fit into one message to the machine: give less";
            answer::unprocessable(&[duration_complaint(&why)])
        };
        if asked.most_points() > REMOTE_MESSAGE_BYTES / LEAST_POINT_TEXT_BYTES {
            return Err(too_long());
        }
        let (positions, _share) = self.positions(asked, None).await?;
        self.remote.check_wave(&self.settings, &positions)?;
        let message = python::float_list(positions);
        if message.len() > REMOTE_MESSAGE_BYTES - MESSAGE_OVERHEAD_BYTES {
            Err(too_long())
        } else {
            Ok(message)
        }
    }

    /// The points of a period as shares of the stroke, with the memory for them and for their text.
    async fn positions(
        &self,
        asked: &ReadWave,
        built: Option<&Wave>,
    ) -> Result<(Vec<f64>, Share), Rejection> {
        let share = self.budget.take(asked.most_points() * (2 * size_of::<f64>() + POINT_TEXT_BYTES))?;
        let positions = match asked.sample(built).await? {
            Points::Sine(points) | Points::Other(points) => {
                points.into_iter().map(|point| (point + 1.0) / 2.0).collect()
            }
            Points::Square(points) => points.into_iter().map(|point| f64::from(point + 1) / 2.0).collect(),
        };
        Ok((positions, share))
    }
}

/// What the start of a wave says besides the wave.
#[derive(Debug, Default)]
pub struct WaveStart {
    /// The name under which the wave is saved, if it is.
    pub saved: Option<String>,
    /// How its client shows that it is there.
    pub presence: Option<Presence>,
    /// The number of the newest STOP that its client has seen.
    pub after_stop: Option<u32>,
}

/// The words of a wave for the presence of its client.
fn presence_by_name(name: &str) -> Option<Presence> {
    match name {
        "stop" => Some(Presence::Watch),
        "continue" => Some(Presence::GoOn),
        _ => None,
    }
}

/// The presence of the wave's client, if the body says anything of it.
fn presence_of(body: Option<&Value>) -> Result<Option<Presence>, Rejection> {
    let Some(given) = body.and_then(|body| body.get(LEASE.name)).filter(|given| !given.is_null()) else {
        return Ok(None);
    };
    let presence = given.as_str().and_then(presence_by_name);
    let why = "must be \"stop\" or \"continue\"";
    let wrong = || {
        let place = fields::loc(ARGUMENT, &[LEASE.name.into()]);
        answer::unprocessable(&[Complaint::new(place, why, "value_error")])
    };
    presence.map(Some).ok_or_else(wrong)
}

fn build(spec: &Spec) -> Result<Wave, Rejection> {
    wave_spec::wave(spec).map_err(|complaints| answer::unprocessable(&complaints))
}

/// A wave as it is asked for, with the settings that its points depend on.
struct ReadWave {
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

impl ReadWave {
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
        let sample = move || match graph {
            SampledGraph::Plain(shape, duration_s) => points::sample(shape, duration_s, resolution),
            SampledGraph::Whole(wave) => points::sample_wave(&wave, stroke_mm, resolution),
        };
        let sampled = if self.most_points() <= SAMPLED_HERE {
            sample()
        } else {
            // The longest wave takes a while, and the threads here have other requests to answer.
            match tokio::task::spawn_blocking(sample).await {
                Ok(sampled) => sampled,
                Err(error) => std::panic::resume_unwind(error.into_panic()),
            }
        };
        sampled.map_err(|error| answer::unprocessable(&[duration_complaint(&error)]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wave::fields::WaveFieldKind;

    #[test]
    fn the_words_of_the_lease_are_presences() {
        let WaveFieldKind::Word(words) = LEASE.kind else { panic!("{LEASE:?}") };
        assert!(words.iter().all(|word| presence_by_name(word).is_some()) && words.len() == 2);
    }
}
