//! `/api/v1/commissioning`: the first run.

use super::not_kept;
use crate::api::answer::{self, Answer, HandlerResult};
use crate::api::commissioning::CommissioningService;
use crate::api::commissioning::service::{ConfirmRefusal, StepProgress};
use crate::api::commissioning::step::CommissioningStep;
use crate::api::context::Context;
use crate::api::documents::command::CommandAnswer;
use crate::api::documents::commissioning::{
    CommissioningDocument, ConfirmRequest, NudgeRequest, StepDocument, WiringKey,
};
use crate::api::nudge;
use crate::api::problem::ProblemCode;
use crate::api::request::RoutedRequest;
use crate::store::AuditAct;

/// What is proven, and what is left.
pub fn get(commissioning: &CommissioningService) -> Answer {
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
        wiring: wiring.iter().map(|(key, value)| WiringKey { key, value: value.to_owned() }).collect(),
    })
}

/// Takes a person's word that the machine works as it is wired, or that it does not.
///
/// # Errors
/// 400, 415, 422, 409 if nobody asks, 503 if it cannot be stored.
pub async fn confirm(ctx: &Context, request: RoutedRequest) -> HandlerResult {
    let ConfirmRequest { works } = request.body.typed()?;
    ctx.commissioning.confirm(works).await.map_err(|refusal| match refusal {
        ConfirmRefusal::NothingAsked => answer::refuse(
            ProblemCode::NothingToConfirm,
            "only a machine that was in use before there was a first run, or was restored, is asked about",
        ),
        ConfirmRefusal::NotKept(error) => not_kept("the first run", &error),
    })?;
    let said = if works { "the machine works as it is wired" } else { "the first run is to be followed" };
    ctx.devices.audit(AuditAct::Confirmed, &request.client, said).await;
    Ok(get(&ctx.commissioning))
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
