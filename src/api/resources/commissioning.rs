//! `/api/v1/commissioning`: the first run.

use std::sync::Arc;

use super::{not_kept, senseless};
use crate::api::answer::{self, Answer, HandlerResult};
use crate::api::commissioning::CommissioningService;
use crate::api::commissioning::first_run::StepInProgress;
use crate::api::commissioning::proof::{self, Outcome};
use crate::api::commissioning::service::{ConfirmRefusal, StepProgress, WiringRefusal};
use crate::api::commissioning::step::CommissioningStep;
use crate::api::commissioning::wiring::WiringFact;
use crate::api::context::Context;
use crate::api::documents::command::CommandAnswer;
use crate::api::documents::commissioning::{
    CommissioningDocument, ConfirmRequest, NudgeRequest, StepAct, StepDocument, StepInProgressDocument,
    StepRequest, WiringKey,
};
use crate::api::nudge;
use crate::api::port::MachineLocation;
use crate::api::problem::ProblemCode;
use crate::api::request::RoutedRequest;
use crate::machine::CommandRefusal;
use crate::settings::{Invalid, ProvenLimits};
use crate::store::{AuditAct, WiringValues};

/// What is proven, and what is left.
pub fn get(ctx: &Context) -> Answer {
    let (commissioning, settings) = (&*ctx.commissioning, &*ctx.settings);
    let (record, wiring) = (commissioning.record(), commissioning.wiring());
    let progress = |step| commissioning.progress(step, &record, &wiring);
    let is_left =
        |step: &CommissioningStep| matches!(progress(*step), StepProgress::Open | StepProgress::Due);
    let steps = CommissioningStep::ALL.into_iter().map(|step| {
        let done = record.steps.get(step.name());
        StepDocument {
            step: step.name(),
            state: progress(step).name(),
            todo: step.todo(),
            done_unix_s: done.map(|done| done.done_unix_s),
            evidence: done.map(|done| done.evidence.clone()).unwrap_or_default(),
        }
    });
    answer::ok(&CommissioningDocument {
        need: commissioning.need().name(),
        complete: commissioning.is_complete(),
        asks: record.asks,
        confirmed_unix_s: record.confirmed.as_ref().map(|confirmed| confirmed.unix_s),
        next: CommissioningStep::ALL.into_iter().find(is_left).map(CommissioningStep::name),
        steps: steps.collect(),
        in_progress: ctx.first_run.in_progress().map(|progress| in_progress(ctx, &progress)),
        envelope: settings.envelope(),
        envelope_proven: record.proven_limits().is_some(),
        wiring: wiring.iter().map(|fact| wiring_key(fact, &record.wiring_in_use())).collect(),
    })
}

fn in_progress(ctx: &Context, progress: &StepInProgress) -> StepInProgressDocument {
    let seen = &progress.observed;
    let (front_presses, back_presses) = seen.presses();
    StepInProgressDocument {
        step: progress.step.name(),
        stops: seen.stops(),
        e_stop_opened: seen.e_stop_opened,
        e_stop_closed: seen.e_stop_closed,
        front_presses,
        back_presses,
        bounce_ms: seen.longest_bounce_ms(),
        unplugged: progress.unplugged,
        lowest_g: seen.force_g.0,
        highest_g: seen.force_g.1,
        nudges_to_the_front: progress.fronts,
        travels_steps: progress.travels_steps.clone(),
        stop_ms: seen.stopped.map(|(ms, _)| ms),
        held_by_g: seen.held_by_g,
        client_gone: seen.client_gone,
        periods: seen.periods,
        offer: proof::polarity_offer(ctx, seen.last()),
    }
}

/// Begins a step, notes an answer, or finishes it.
///
/// # Errors
/// 400, 404 for another name, 415, 422; 409 with what is missing or wrong, and what to check.
pub async fn step(ctx: &Arc<Context>, request: RoutedRequest) -> HandlerResult {
    let Some(step) = CommissioningStep::from_name(request.value(0)) else {
        return Err(answer::refuse(ProblemCode::UnknownStep, "the first run has no step of this name"));
    };
    let client = request.client.clone();
    let asked: StepRequest = request.body.typed_or_default()?;
    if ctx.port.location() == MachineLocation::Remote {
        let why = "the machine is wired to another computer";
        return Err(answer::refuse(ProblemCode::MachineElsewhere, why));
    }
    if asked.act == StepAct::Begin {
        ctx.first_run.begin(ctx, step)?;
        return Ok(get(ctx));
    }
    let progress = ctx.first_run.expect(step)?;
    match proof::act(ctx, &client, &progress, &asked).await? {
        Outcome::Proven(evidence) => {
            let done = ctx.commissioning.done(step, evidence).await;
            done.map_err(|error| not_kept("the first run", &error))?;
            ctx.first_run.end(step);
            ctx.devices.audit(AuditAct::StepProven, &client, step.name()).await;
        }
        Outcome::Rewired => ctx.first_run.end(step),
        Outcome::GoesOn => {}
    }
    Ok(get(ctx))
}

fn wiring_key(fact: &WiringFact, stored: &WiringValues) -> WiringKey {
    let at_next_start = CommissioningService::at_next_start(fact, stored);
    WiringKey { key: fact.key, value: fact.value.clone(), source: fact.source.name(), at_next_start }
}

/// Stores wiring values, and starts the program anew with them: the wiring of a running machine never changes.
///
/// # Errors
/// 400, 415, 422; 403 for more steps to a millimetre without presence; 409 while the axis moves, another client is in charge, or for
/// a key that the configuration file says; 503 if they cannot be stored. Then nothing has changed.
pub async fn put_wiring(ctx: &Context, request: RoutedRequest) -> HandlerResult {
    let change: WiringValues = request.body.typed()?;
    if let Err((field, why)) = change.check() {
        return Err(answer::unprocessable(&[senseless("data", field, why)]));
    }
    ctx.commands.may_change(&request.client)?;
    let state = ctx.port.snapshots().borrow().state;
    if !ctx.commands.rests() {
        return Err(answer::refused(&CommandRefusal::Moving(state)));
    }
    let is_present = ctx.pairing.is_present(&request.client);
    ctx.commissioning.set_wiring(&change, is_present).await.map_err(|refusal| match refusal {
        WiringRefusal::FixedInFile(keys) => {
            let why = format!("yep.toml says {}, and its word counts", keys.join(", "));
            answer::refuse(ProblemCode::FixedInFile, why)
        }
        WiringRefusal::NotPresent => answer::refuse(ProblemCode::PresenceNeeded, proof::FINER),
        WiringRefusal::StepRate(Invalid { field, message }) => {
            answer::unprocessable(&[senseless("data", field, message)])
        }
        WiringRefusal::NotKept(error) => not_kept("the wiring", &error),
    })?;
    let said: Vec<_> = change.said().map(|(key, value)| format!("{key} = {value}")).collect();
    ctx.devices.audit(AuditAct::WiringSet, &request.client, &said.join(", ")).await;
    if ctx.commissioning.waits_for_a_start() {
        ctx.restart.notify_one();
    }
    Ok(get(ctx))
}

/// Takes a person's word that the machine works as it is wired, or that it does not.
///
/// # Errors
/// 400, 415, 422, 409 if nobody asks, 403 for a restored record without presence, 503 if it cannot be stored.
pub async fn confirm(ctx: &Context, request: RoutedRequest) -> HandlerResult {
    let ConfirmRequest { works } = request.body.typed()?;
    let is_present = ctx.pairing.is_present(&request.client);
    ctx.commissioning.confirm(works, is_present).await.map_err(|refusal| match refusal {
        ConfirmRefusal::NothingAsked => answer::refuse(
            ProblemCode::NothingToConfirm,
            "only a machine that was in use before there was a first run, or was restored, is asked about",
        ),
        ConfirmRefusal::NotPresent => answer::refuse(
            ProblemCode::PresenceNeeded,
            "the record came with a backup, and only somebody at this machine can say that it belongs to it",
        ),
        ConfirmRefusal::NotKept(error) => not_kept("the first run", &error),
    })?;
    let said = if works { "the machine works as it is wired" } else { "the first run is to be followed" };
    ctx.devices.audit(AuditAct::Confirmed, &request.client, said).await;
    if ctx.commissioning.waits_for_a_start() {
        ctx.restart.notify_one();
    }
    Ok(get(ctx))
}

/// Sets the envelope. Wider than it is, that takes a person at the machine.
///
/// # Errors
/// 400, 415, 422, 403 for a wider one without presence, 503 if it cannot be stored.
pub async fn put_envelope(ctx: &Context, request: RoutedRequest) -> HandlerResult {
    let envelope: ProvenLimits = request.body.typed()?;
    if let Err(wrong) = envelope.check() {
        return Err(answer::unprocessable(&[senseless("data", wrong.field, wrong.message)]));
    }
    if envelope.exceeds(&ctx.settings.envelope()) && !ctx.pairing.is_present(&request.client) {
        let why = "this envelope is wider than what was proven on this machine";
        return Err(answer::refuse(ProblemCode::BeyondEnvelope, why));
    }
    ctx.commissioning.set_envelope(envelope).await.map_err(|error| not_kept("the envelope", &error))?;
    let said = format!("the envelope is {envelope}");
    ctx.devices.audit(AuditAct::EnvelopeSet, &request.client, &said).await;
    Ok(get(ctx))
}

/// Begins a nudge.
///
/// # Errors
/// 400, 404 for a machine elsewhere, 415, 422, and 409 when the machine does not do it.
pub async fn nudge(ctx: &Context, request: RoutedRequest) -> HandlerResult {
    let nudge: NudgeRequest = request.body.typed()?;
    let accepted = nudge::begin(ctx, &request.client, nudge).await?;
    Ok(answer::ok(&CommandAnswer::from(accepted)))
}
