//! The nudge on behalf of a client: a slow move of 2 or 10 mm by hand (promise S39).

use super::answer::{self, Rejection};
use super::charge::client::Client;
use super::context::Context;
use super::documents::commissioning::NudgeRequest;
use super::port::MachineLocation;
use super::problem::ProblemCode;
use crate::machine::{Accepted, Command};

/// Begins a nudge, which goes on only while this client says that a finger is held down.
///
/// # Errors
/// 404 for a machine elsewhere, 409 when the machine does not do it; then nothing moves.
pub async fn begin(ctx: &Context, client: &Client, nudge: NudgeRequest) -> Result<Accepted, Rejection> {
    if ctx.port.location() == MachineLocation::Remote {
        let why = "the motor hangs on another computer, which hears no finger that is let go";
        return Err(answer::refuse(ProblemCode::MachineElsewhere, why));
    }
    let NudgeRequest { toward, travel, after_stop } = nudge;
    let command = Command::Nudge(toward.into(), travel.into());
    Ok(ctx.waves.run_held(client, after_stop, command).await?)
}
