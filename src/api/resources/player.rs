//! `/api/v1/player`: the player of scripts, and the video player that it is in step with.

use crate::api::answer::{self, Answer, HandlerResult, Rejection, senseless};
use crate::api::context::Context;
use crate::api::documents::feeds::FeedWindowDocument;
use crate::api::documents::player::{
    ClockDocument, PlayRequest, PlayerChange, PlayerDocument, ScriptPartDocument, SourceChoice,
    SourceDocument, SourceRequest,
};
use crate::api::playback::motion::PlaybackStart;
use crate::api::playback::player::{PlayChoice, PlayOptions, PlayerState};
use crate::api::playback::script_clock::RepeatedPart;
use crate::api::request::RoutedRequest;
use crate::store::player::StoredSource;
use crate::units::Nanos;

/// The player.
pub fn get(ctx: &Context) -> Answer {
    answer::ok(&document(ctx))
}

fn document(ctx: &Context) -> PlayerDocument {
    let (state, settings, window) = (ctx.player.state(), ctx.player.settings(), ctx.feeds.window());
    let now_ns = ctx.player.clock_ns();
    let PlayerState { phase, why, playing, playlist, follows_source, source, .. } = state;
    let part = playing.as_ref().and_then(|playing| playing.part());
    PlayerDocument {
        phase,
        why,
        script: playing.as_ref().map(|playing| playing.name.clone()),
        playlist,
        position_s: playing.as_ref().map_or(0.0, |playing| playing.position_s(now_ns).max(0.0)),
        duration_s: playing.as_ref().map_or(0.0, |playing| playing.duration_s()),
        rate: playing.as_ref().map_or(1.0, |playing| playing.rate()),
        offset_ms: settings.offset_ms,
        inverted: playing.as_ref().is_some_and(|playing| playing.is_inverted()),
        repeat: ctx.player.repeats(),
        part: part.map(|RepeatedPart { from_s, to_s }| ScriptPartDocument { from_s, to_s }),
        window: FeedWindowDocument { back_mm: window.back_mm, front_mm: window.front_mm },
        shortened: ctx.player.shortened(),
        follows_source,
        source: settings.source.map(|stored| SourceDocument {
            kind: stored.kind,
            address: stored.address,
            has_password: stored.password.is_some(),
            is_connected: source.is_connected,
            media: source.media,
            trouble: source.trouble,
        }),
    }
}

/// Plays a script, a playlist, or whatever the video player plays.
///
/// # Errors
/// 404, 415, 422, and 409 when the machine does not move.
pub async fn play(ctx: &Context, request: RoutedRequest) -> HandlerResult {
    let asked: PlayRequest = request.body.typed()?;
    let choice = match (asked.script, asked.playlist, asked.source.unwrap_or(false)) {
        (Some(name), None, false) => PlayChoice::List(vec![name]),
        (None, Some(names), false) if !names.is_empty() => PlayChoice::List(names),
        (None, None, true) => PlayChoice::Source,
        _ => {
            let why = "give one of `script`, `playlist` with a name, and `source`: true";
            return Err(answer::unprocessable(
                &["script", "playlist"].map(|name| senseless("data", name, why)),
            ));
        }
    };
    let options = PlayOptions {
        position_s: within(asked.position_s, "position_s", POSITION_S)?,
        at_ns: at_ns(asked.at_ms)?,
        rate: within(asked.rate, "rate", RATE)?,
        offset_s: within(asked.offset_ms, "offset_ms", OFFSET_MS)?.map(|offset_ms| offset_ms / 1000.0),
        inverted: asked.inverted,
        repeat: asked.repeat,
        part: asked.part.map(|part| Some(part.into())),
        paused: None,
    };
    let start = PlaybackStart { presence: asked.presence, after_stop: asked.after_stop };
    ctx.player.play(&request.client, choice, options, start).await?;
    Ok(get(ctx))
}

/// Changes what is played.
///
/// # Errors
/// 415, 422, and 409 when nothing is played or somebody else is in charge.
pub async fn change(ctx: &Context, request: RoutedRequest) -> HandlerResult {
    let asked: PlayerChange = request.body.typed()?;
    let whole = asked.whole.unwrap_or(false).then_some(None);
    let options = PlayOptions {
        position_s: within(asked.position_s, "position_s", POSITION_S)?,
        at_ns: at_ns(asked.at_ms)?,
        rate: within(asked.rate, "rate", RATE)?,
        offset_s: within(asked.offset_ms, "offset_ms", OFFSET_MS)?.map(|offset_ms| offset_ms / 1000.0),
        inverted: asked.inverted,
        repeat: asked.repeat,
        part: asked.part.map(|part| Some(part.into())).or(whole),
        paused: asked.paused,
    };
    ctx.player.change(&request.client, options, asked.after_stop).await?;
    Ok(get(ctx))
}

/// Sets the video player to be in step with.
///
/// # Errors
/// 415, 422, 503.
pub async fn set_source(ctx: &Context, request: RoutedRequest) -> HandlerResult {
    let SourceRequest { source } = request.body.typed()?;
    let before = ctx.player.settings().source;
    let source = source.map(|choice| stored(choice, before));
    ctx.player.set_source(source).await?;
    Ok(get(ctx))
}

fn stored(choice: SourceChoice, before: Option<StoredSource>) -> StoredSource {
    let SourceChoice { kind, address, password } = choice;
    let same = before.filter(|before| before.kind == kind && before.address == address);
    StoredSource { kind, address, password: password.or(same.and_then(|same| same.password)) }
}

/// The server's clock.
pub fn clock(ctx: &Context) -> Answer {
    answer::ok(&ClockDocument { t_ms: ctx.player.clock_ns() as f64 / 1e6 })
}

const POSITION_S: (f64, f64) = (0.0, 43_200.0);
const RATE: (f64, f64) = (0.25, 4.0);
const OFFSET_MS: (f64, f64) = (-2_000.0, 2_000.0);
/// Instants that are further from the beginning of the clock are none, in ms.
const LONGEST_MS: f64 = 1e13;

fn within(given: Option<f64>, field: &str, (low, high): (f64, f64)) -> Result<Option<f64>, Rejection> {
    match given {
        Some(number) if !(low..=high).contains(&number) => {
            let why = format!("must be {low} to {high}, not {number}");
            Err(answer::unprocessable(&[senseless("data", field, why)]))
        }
        given => Ok(given),
    }
}

fn at_ns(at_ms: Option<f64>) -> Result<Option<Nanos>, Rejection> {
    Ok(within(at_ms, "at_ms", (0.0, LONGEST_MS))?.map(|at_ms| (at_ms * 1e6) as Nanos))
}

impl From<ScriptPartDocument> for RepeatedPart {
    fn from(ScriptPartDocument { from_s, to_s }: ScriptPartDocument) -> RepeatedPart {
        RepeatedPart { from_s, to_s }
    }
}
