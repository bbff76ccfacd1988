//! `/api/v1/devices`, `/api/v1/audit` and `/api/v1/me`: who was let in.

use std::sync::Arc;

use hyper::header::{HeaderValue, SET_COOKIE};

use super::not_kept;
use crate::api::access::devices::{DeviceRefusal, Devices, NewDevice};
use crate::api::access::pairing::Pairing;
use crate::api::answer::{self, Answer, HandlerResult, Rejection};
use crate::api::context::Context;
use crate::api::documents::access::{
    AuditDocument, CallerDocument, DeviceChange, DeviceDocument, DeviceList, LeaseRequest, ProgramRequest,
    ProgramToken,
};
use crate::api::documents::success::SUCCESS;
use crate::api::fields::{self, Complaint};
use crate::api::lease_acts;
use crate::api::problem::ProblemCode;
use crate::api::request::RoutedRequest;
use crate::api::wave_service::WaveService;
use crate::auth::Right;
use crate::store::DeviceKind;
use crate::store::device::DEVICE_NAME_CHARS;
use crate::store::name::check_name;

/// Who asks. The cookie of a device that is used never ends.
pub fn me(ctx: &Context, request: &RoutedRequest) -> Answer {
    let Context { pairing, devices, settings, .. } = ctx;
    let caller = request.client.caller;
    let state = devices.state();
    let known = caller.device.and_then(|number| state.devices.get(&number));
    let mut answer = answer::ok(&CallerDocument {
        role: caller.role.name(),
        device: caller.device,
        name: known.map(|device| device.name.clone()),
        wrong_token: caller.wrong_token,
        is_present: pairing.is_present(&request.client),
        machine: caller.role.has(Right::Observe).then(|| settings.current().document.name.clone()),
    });
    let renewed = request.renewed_cookie.as_deref().map(HeaderValue::from_str);
    if let Some(Ok(cookie)) = renewed {
        answer.headers_mut().append(SET_COOKIE, cookie);
    }
    answer
}

/// The devices.
pub fn list(devices: &Devices, request: &RoutedRequest) -> Answer {
    answer::ok(&document(devices, request.client.caller.device))
}

fn document(devices: &Devices, own: Option<u32>) -> DeviceList {
    let state = devices.state();
    let document = |(number, device): (&u32, &crate::store::DeviceRecord)| DeviceDocument {
        number: *number,
        name: device.name.clone(),
        role: device.role,
        kind: device.kind,
        paired_unix_s: device.paired_unix_s,
        last_seen_unix_s: devices.last_seen_unix_s(*number, device),
        is_this: own == Some(*number),
    };
    DeviceList { devices: state.devices.iter().map(document).collect() }
}

/// Changes the name or the role of a device.
///
/// # Errors
/// 404, 409 for the last admin, 415, 422, 503.
pub async fn change(devices: &Devices, request: RoutedRequest) -> HandlerResult {
    let number = number(&request)?;
    let client = request.client;
    let DeviceChange { name, role } = request.body.typed()?;
    let name = name.map(|name| checked_name(&name)).transpose()?;
    devices.change(number, (name, role), &client).await.map_err(refused)?;
    Ok(answer::ok(&document(devices, client.caller.device)))
}

/// Takes a device off the list.
///
/// # Errors
/// 404, 409 for the last admin, 503.
pub async fn revoke(devices: &Devices, waves: &WaveService, request: RoutedRequest) -> HandlerResult {
    let number = number(&request)?;
    devices.revoke(number, &request.client).await.map_err(refused)?;
    let is_gone = move |client: &crate::api::charge::client::Client| client.caller.device == Some(number);
    waves.release(is_gone, "the device in charge was taken off the list").await;
    Ok(answer::ok(&SUCCESS))
}

/// Makes a token for a program, which is shown once.
///
/// # Errors
/// 409 when there is no room, 415, 422, 503.
pub async fn make_token(pairing: &Pairing, request: RoutedRequest) -> HandlerResult {
    let ProgramRequest { name, role } = request.body.typed()?;
    let new = NewDevice { name: checked_name(&name)?, role, kind: DeviceKind::Program };
    let let_in = pairing.let_in(new, "on the machine").await.map_err(|error| not_kept("token", &error))?;
    Ok(answer::ok(&ProgramToken { number: let_in.number, token: let_in.token.text() }))
}

/// The audit.
pub fn audit(devices: &Devices) -> Answer {
    answer::ok(&AuditDocument { events: devices.state().audit.iter().cloned().collect() })
}

/// Who is in charge.
pub fn lease(waves: &WaveService, request: &RoutedRequest) -> Answer {
    answer::ok(&crate::api::documents::access::LeaseDocument::from(waves.view(&request.client)))
}

/// Does something about the lease.
///
/// # Errors
/// 403, 409, 415, 422.
pub async fn act_on_lease(
    waves: &Arc<WaveService>,
    devices: &Devices,
    request: RoutedRequest,
) -> HandlerResult {
    let client = request.client;
    let LeaseRequest { act } = request.body.typed()?;
    Ok(answer::ok(&lease_acts::carry_out(waves, devices, &client, act).await?))
}

/// The name of a device, checked.
pub(super) fn checked_name(name: &str) -> Result<String, Rejection> {
    let name = name.trim();
    check_name(name, DEVICE_NAME_CHARS).map_err(|why| {
        answer::unprocessable(&[Complaint::new(fields::loc("data", &["name".into()]), why, "value_error")])
    })?;
    Ok(name.to_owned())
}

fn number(request: &RoutedRequest) -> Result<u32, Rejection> {
    request.value(0).parse().map_err(|_| refused(DeviceRefusal::Unknown))
}

fn refused(refusal: DeviceRefusal) -> Rejection {
    match &refusal {
        DeviceRefusal::NotKept(error) => not_kept("list of devices", error),
        DeviceRefusal::Unknown => answer::refuse(ProblemCode::UnknownDevice, "no device has this number"),
        DeviceRefusal::LastAdmin => {
            answer::refuse(ProblemCode::LastAdmin, "no other device could let anybody in")
        }
    }
}
