//! The first run as a small state machine: one step is in progress at a time, is observed, and is proven or refused.
//!
//! A page begins a step, a person does what it says, the machine's snapshots are watched meanwhile, and the page asks for the step
//! to be finished with the person's answers. What is proven is stored; a step in progress is not, so after a restart it is begun
//! anew. Any device goes on where another one has stopped.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use super::at_limits::TriedLimits;
use super::observed::Observed;
use super::service::StepProgress;
use super::step::CommissioningStep;
use crate::api::answer::{self, Rejection};
use crate::api::context::Context;
use crate::api::problem::ProblemCode;
use crate::units::Nanos;

/// A step that nobody finishes is over after this time.
const STEP_TIME: Duration = Duration::from_secs(15 * 60);

/// A step in progress.
#[derive(Debug, Clone)]
pub struct StepInProgress {
    /// The step.
    pub step: CommissioningStep,
    /// What was seen since it was begun.
    pub observed: Observed,
    /// Number of the newest nudge or calibration about which an answer was given.
    pub answered: u32,
    /// Nudges that a person saw go to the front.
    pub fronts: u32,
    /// Travel of each calibration, in steps.
    pub travels_steps: Vec<i64>,
    /// A switch read as pressed with its plug pulled.
    pub unplugged: bool,
    /// The limits that are tried.
    pub tried: Option<TriedLimits>,
    /// Instant at which the machine was ready behind the last calibration that counts, on its clock.
    pub calibrated_ns: Nanos,
    /// When it is over.
    pub until: Instant,
    number: u64,
}

/// The first run.
#[derive(Debug, Default)]
pub struct FirstRun {
    progress: Mutex<Option<StepInProgress>>,
}

/// What was measured and answered, by names with units.
pub type Evidence = Vec<(&'static str, f64)>;

/// The step is not proven, and why.
pub fn not_proven(why: impl Into<String>) -> Rejection {
    answer::refuse(ProblemCode::StepNotProven, why)
}

impl FirstRun {
    /// The step in progress, if there is one.
    #[must_use]
    pub fn in_progress(&self) -> Option<StepInProgress> {
        self.lock().clone().filter(|progress| progress.until > Instant::now())
    }

    /// Begins a step, once those before it are done. One that was done before is done anew.
    ///
    /// # Errors
    /// 409 if an earlier step is left, or a person is asked about the record.
    pub fn begin(&self, ctx: &Arc<Context>, step: CommissioningStep) -> Result<(), Rejection> {
        let (record, wiring) = (ctx.commissioning.record(), ctx.commissioning.wiring());
        if record.asks.is_some() {
            let why =
                "say first whether this machine works as it is wired (POST /api/v1/commissioning/confirm)";
            return Err(answer::refuse(ProblemCode::StepOutOfOrder, why));
        }
        let is_left = |earlier: &CommissioningStep| {
            let progress = ctx.commissioning.progress(*earlier, &record, &wiring);
            matches!(progress, StepProgress::Open | StepProgress::Due)
        };
        if let Some(left) =
            CommissioningStep::ALL.into_iter().take_while(|other| *other != step).find(is_left)
        {
            let why = format!("the step {} comes before: {}", left.name(), left.todo());
            return Err(answer::refuse(ProblemCode::StepOutOfOrder, why));
        }
        let snapshot = *ctx.port.snapshots().borrow();
        let mut progress = self.lock();
        let number = progress.as_ref().map_or(1, |before| before.number + 1);
        *progress = Some(StepInProgress {
            step,
            observed: Observed::new(snapshot),
            answered: snapshot.last_nudge.map_or(0, |nudge| nudge.number),
            fronts: 0,
            travels_steps: Vec::new(),
            unplugged: false,
            tried: None,
            calibrated_ns: snapshot.at_ns,
            until: Instant::now() + STEP_TIME,
            number,
        });
        drop(progress);
        tokio::spawn(watch(Arc::clone(ctx), number));
        Ok(())
    }

    /// The step in progress, which must be this one.
    ///
    /// # Errors
    /// 409 if it was not begun, or is over.
    pub fn expect(&self, step: CommissioningStep) -> Result<StepInProgress, Rejection> {
        self.in_progress().filter(|progress| progress.step == step).ok_or_else(|| {
            let why = format!("the step {} was not begun, or took too long: begin it", step.name());
            answer::refuse(ProblemCode::StepOutOfOrder, why)
        })
    }

    /// Changes the step in progress, if it is still this one.
    pub fn change(&self, step: CommissioningStep, change: impl FnOnce(&mut StepInProgress)) {
        if let Some(progress) = self.lock().as_mut().filter(|progress| progress.step == step) {
            change(progress);
        }
    }

    /// Ends the step in progress.
    pub fn end(&self, step: CommissioningStep) {
        self.change(step, |progress| progress.until = Instant::now());
    }

    fn lock(&self) -> MutexGuard<'_, Option<StepInProgress>> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Feeds the step with that number until it is over.
async fn watch(ctx: Arc<Context>, number: u64) {
    let mut snapshots = ctx.port.snapshots();
    loop {
        let now = *snapshots.borrow_and_update();
        let until = {
            let mut progress = ctx.first_run.lock();
            let Some(progress) = progress.as_mut().filter(|progress| progress.number == number) else {
                return;
            };
            progress.observed.feed(now);
            progress.until
        };
        if until <= Instant::now()
            || matches!(timeout_at(until, snapshots.changed()).await, Ok(Err(_)) | Err(_))
        {
            return;
        }
    }
}
