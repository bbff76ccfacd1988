//! The pattern that runs, and its parameters, which change while it runs.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::motion::{PlaybackKind, PlaybackMotion, PlaybackStart, lock};
use crate::api::access::entropy::Entropy;
use crate::api::answer::{self, Rejection};
use crate::api::charge::client::Client;
use crate::api::documents::patterns::{PatternParameters, RunningPattern};
use crate::api::problem::ProblemCode;
use crate::api::settings_service::SettingsStore;
use crate::layout;
use crate::machine::{FeedItem, FeedNumber};
use crate::motion::FeedWindow;
use crate::motion::pattern::{PatternKind, StrokeDrive, StrokeProgram, StrokeSpeed, StrokeStep, StrokeSteps};
use crate::store::{PatternSettings, PatternStep, StateChange};

/// What was used last is written down when it has not changed for so long: a slider changes it many times a second.
const REMEMBERED_AFTER: Duration = Duration::from_secs(2);

/// The parameters by which a complaint may begin.
const PARAMETERS: [&str; 5] = ["speed_pct", "strokes_per_min", "depth_pct", "stroke_pct", "sensation"];

/// A pattern that was started.
#[derive(Debug, Clone)]
struct StartedPattern {
    number: FeedNumber,
    settings: PatternSettings,
    saved: Option<String>,
    is_paused: bool,
    seed: u64,
}

/// Runs patterns.
pub struct PatternService {
    motion: Arc<PlaybackMotion>,
    store: Arc<dyn SettingsStore>,
    entropy: Entropy,
    started: Mutex<Option<StartedPattern>>,
    /// Starts and changes come one after the other.
    turn: tokio::sync::Mutex<()>,
    /// Used last, and not written down yet.
    unwritten: Mutex<Option<PatternSettings>>,
}

impl PatternService {
    /// No pattern was started yet.
    #[must_use]
    pub fn new(
        motion: Arc<PlaybackMotion>,
        store: Arc<dyn SettingsStore>,
        entropy: Entropy,
    ) -> PatternService {
        PatternService {
            motion,
            store,
            entropy,
            started: Mutex::default(),
            turn: tokio::sync::Mutex::default(),
            unwritten: Mutex::default(),
        }
    }

    /// What was used last, without its speed.
    #[must_use]
    pub fn kept(&self) -> PatternSettings {
        let unwritten = lock(&self.unwritten).clone();
        unwritten.unwrap_or_else(|| self.store.kept().0.patterns.kept.clone())
    }

    /// The pattern that runs.
    #[must_use]
    pub fn now(&self) -> Option<RunningPattern> {
        let started = self.running()?;
        let report = self.motion.report(started.number).and_then(|feed| feed.strokes);
        let stroke_mm = self.motion.stroke_mm();
        let PatternSettings { depth_pct, stroke_pct, .. } = started.settings;
        Some(RunningPattern {
            saved: started.saved,
            paused: started.is_paused,
            back_mm: stroke_mm * (depth_pct - stroke_pct).max(0.0) / 100.0,
            front_mm: stroke_mm * depth_pct / 100.0,
            strokes: report.map_or(0, |report| report.strokes),
            strokes_per_min_now: report.map_or(0.0, |report| report.per_min),
            highest_mm_s: report.map_or(0.0, |report| report.peak_mm_s),
            settings: started.settings,
        })
    }

    /// The name of the pattern that runs, for people.
    #[must_use]
    pub fn title(&self) -> Option<String> {
        let started = self.running()?;
        Some(started.saved.unwrap_or_else(|| title(&started.settings).to_owned()))
    }

    fn running(&self) -> Option<StartedPattern> {
        lock(&self.started).clone().filter(|started| self.motion.goes_on(started.number))
    }

    /// Runs a pattern. While one runs, goes over to this one.
    ///
    /// # Errors
    /// 422 for what cannot be, 409 when the machine does not run it; then nothing changes.
    pub async fn run(
        self: &Arc<Self>,
        client: &Client,
        settings: PatternSettings,
        saved: Option<String>,
        start: PlaybackStart,
    ) -> Result<(), Rejection> {
        let _turn = self.turn.lock().await;
        let seed = u64::from_le_bytes(self.entropy.bytes());
        let drive = drive(&settings, false, seed)?;
        let number = match self.running() {
            Some(running) => {
                self.motion.carry_on(client, start).await?;
                running.number
            }
            None => self.motion.begin(client, PlaybackKind::Pattern, whole_stroke(), start).await?,
        };
        self.motion.send(number, FeedItem::Strokes(drive)).await;
        *lock(&self.started) =
            Some(StartedPattern { number, settings: settings.clone(), saved, is_paused: false, seed });
        self.remember(settings);
        Ok(())
    }

    /// Changes the pattern that runs.
    ///
    /// # Errors
    /// 409 if none runs or somebody else is in charge, 422 for what cannot be; then nothing changes.
    pub async fn change(
        self: &Arc<Self>,
        client: &Client,
        (pattern, parameters): (Option<String>, PatternParameters),
        paused: Option<bool>,
        after_stop: Option<u32>,
    ) -> Result<(), Rejection> {
        let _turn = self.turn.lock().await;
        let Some(mut running) = self.running() else {
            let why = "no pattern runs that could be changed: run one";
            return Err(answer::refuse(ProblemCode::NothingRuns, why));
        };
        if let Some(pattern) = pattern.filter(|pattern| *pattern != running.settings.pattern) {
            running.settings = PatternSettings { pattern, steps: Vec::new(), ..running.settings };
            running.saved = None;
        }
        running.settings = parameters.on(running.settings);
        running.is_paused = paused.unwrap_or(running.is_paused);
        let drive = drive(&running.settings, running.is_paused, running.seed)?;
        self.motion.may_change(client, after_stop)?;
        self.motion.send(running.number, FeedItem::Strokes(drive)).await;
        self.remember(running.settings.clone());
        *lock(&self.started) = Some(running);
        Ok(())
    }

    /// Checks a pattern that is to be saved.
    ///
    /// # Errors
    /// 404, 422.
    pub fn check(&self, settings: &PatternSettings) -> Result<(), Rejection> {
        drive(settings, true, 0).map(drop)
    }

    /// Writes down what is used, when it does not change any more.
    fn remember(self: &Arc<Self>, used: PatternSettings) {
        let used = PatternSettings { speed_pct: None, strokes_per_min: None, ..used };
        let is_pending = lock(&self.unwritten).replace(used).is_some();
        if is_pending {
            return;
        }
        let service = Arc::clone(self);
        tokio::spawn(async move {
            loop {
                let before = lock(&service.unwritten).clone();
                tokio::time::sleep(REMEMBERED_AFTER).await;
                let used = lock(&service.unwritten).clone();
                let Some(used) = used.filter(|used| before.as_ref() == Some(used)) else { continue };
                if let Err(error) = service.store.keep(StateChange::Patterns(used.clone())).await {
                    tracing::error!(%error, "the parameters of the pattern could not be written down");
                }
                let mut unwritten = lock(&service.unwritten);
                if unwritten.as_ref() == Some(&used) {
                    *unwritten = None;
                    return;
                }
            }
        });
    }
}

/// The whole stroke, however long it is.
const fn whole_stroke() -> FeedWindow {
    FeedWindow { back_mm: 0.0, front_mm: layout::MAX_STROKE_MM }
}

/// The title of that pattern, for people.
fn title(settings: &PatternSettings) -> &'static str {
    PatternKind::by_id(&settings.pattern).map_or("Own steps", |kind| kind.text().title)
}

/// What the machine is told.
fn drive(settings: &PatternSettings, is_paused: bool, seed: u64) -> Result<StrokeDrive, Rejection> {
    let wrong = |why: String| {
        let first = why.split(' ').next().unwrap_or_default();
        let field = PARAMETERS.into_iter().find(|name| *name == first).unwrap_or("pattern");
        answer::unprocessable(&[answer::senseless("data", field, why.clone())])
    };
    settings.check().map_err(wrong)?;
    let program = if settings.steps.is_empty() {
        let why = || format!("there is no pattern {:?}", settings.pattern);
        let kind = PatternKind::by_id(&settings.pattern)
            .ok_or_else(|| answer::refuse(ProblemCode::UnknownPattern, why()))?;
        StrokeProgram::Kind(kind)
    } else {
        let step = |step: &PatternStep| StrokeStep {
            to: step.to as f32,
            speed: step.speed as f32,
            rest_s: step.rest_s as f32,
        };
        let steps: Vec<StrokeStep> = settings.steps.iter().map(step).collect();
        StrokeProgram::Steps(StrokeSteps::new(&steps).map_err(|why| wrong(why.to_string()))?)
    };
    let speed = match (settings.strokes_per_min, settings.speed_pct) {
        (Some(per_min), _) => StrokeSpeed::PerMin(per_min),
        (None, speed_pct) => StrokeSpeed::Share(speed_pct.unwrap_or(0.0) / 100.0),
    };
    Ok(StrokeDrive {
        program,
        speed,
        depth: settings.depth_pct / 100.0,
        stroke: settings.stroke_pct / 100.0,
        sensation: settings.sensation / 100.0,
        is_paused,
        seed,
    })
}
