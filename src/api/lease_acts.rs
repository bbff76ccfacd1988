//! What clients do about the control lease, in a request or on a control socket.

use std::sync::Arc;

use super::access::devices::Devices;
use super::answer::{self, Rejection};
use super::charge::client::{Client, Sign};
use super::documents::access::{LeaseAct, LeaseDocument};
use super::problem::ProblemCode;
use super::wave_service::WaveService;
use crate::auth::Right;
use crate::store::AuditAct;

/// Does it; the lease as it is then.
///
/// # Errors
/// 409 if there is nothing to answer or the holder keeps it, 403 if this role may not take it by force.
pub async fn carry_out(
    waves: &Arc<WaveService>,
    devices: &Devices,
    client: &Client,
    act: LeaseAct,
) -> Result<LeaseDocument, Rejection> {
    let nobody_asks = || answer::refuse(ProblemCode::NobodyAsks, "nobody asks this client for the lease");
    match act {
        LeaseAct::Ask => {
            if !waves.ask(client).await {
                let why = "the client in charge keeps the lease, or did not answer";
                return Err(answer::refuse(ProblemCode::LeaseKept, why));
            }
        }
        LeaseAct::HandOver => {
            if !waves.hand_over(client).await {
                return Err(nobody_asks());
            }
        }
        LeaseAct::Keep => {
            if !waves.lease().keep(client) {
                return Err(nobody_asks());
            }
        }
        LeaseAct::Release => {
            waves.release(|holder| holder == client, "the client in charge gave the lease back").await;
        }
        LeaseAct::Force => {
            if !client.caller.role.has(Right::Administer) {
                return Err(answer::forbidden());
            }
            let held = waves.view(client).holder;
            waves.take_over(client).await;
            let from = held.unwrap_or_else(|| "nobody".to_owned());
            devices.audit(AuditAct::LeaseForced, client, &format!("took the lease from {from}")).await;
        }
        LeaseAct::Alive => waves.hear(client, Sign::Said),
    }
    Ok(waves.view(client).into())
}
