//! `/api/v1/pairing`: the ways to be let in.

use std::sync::Arc;

use hyper::header::{HeaderValue, SET_COOKIE};

use super::access::checked_name;
use super::not_kept;
use crate::api::access::code::CodeWindow;
use crate::api::access::devices::Devices;
use crate::api::access::pairing::{
    LetIn, Pairing, PairingPurpose, PairingRefusal, REQUEST_TIME, RequestProgress, TICKET_TIME,
};
use crate::api::answer::{self, Answer, HandlerResult, Rejection};
use crate::api::documents::access::{
    CodeRequest, PairedDevice, PairingDocument, PairingNews, PairingOpened, PairingPoll, PairingRequest,
    RequestPurpose, SwitchesState, TicketDocument, WindowDocument, WindowRequest, WindowState,
};
use crate::api::problem::ProblemCode;
use crate::api::qr;
use crate::api::request::RoutedRequest;
use crate::auth::{self, Right, credentials};
use crate::store::{AuditAct, DeviceRole};

/// The ways to be let in, now.
pub fn get(pairing: &Pairing, devices: &Devices) -> Answer {
    let why = pairing.check_switches().err();
    let switches = SwitchesState { usable: why.is_none(), busy: pairing.has_request(), why };
    let takes_code = pairing.has_card_code() || pairing.window().is_some();
    answer::ok(&PairingDocument { is_claimed: devices.has_admin(), switches, takes_code })
}

/// Asks to prove presence by the limit switches.
///
/// # Errors
/// 403, 409, 415, 422, 429.
pub fn request(pairing: &Arc<Pairing>, request: RoutedRequest) -> HandlerResult {
    let caller = request.client.caller;
    let PairingRequest { name, purpose } = request.body.typed()?;
    let name = checked_name(&name)?;
    let purpose = match purpose {
        RequestPurpose::Device => PairingPurpose::Device(name),
        RequestPurpose::Anew => PairingPurpose::Anew(name),
        RequestPurpose::Presence => {
            if !caller.role.has(Right::Administer) {
                return Err(answer::forbidden());
            }
            PairingPurpose::Presence(caller.device.ok_or_else(is_here)?)
        }
    };
    let open = pairing.request(purpose).map_err(refused)?;
    let expires_s = REQUEST_TIME.as_secs_f64();
    Ok(answer::ok(&PairingOpened { id: open.id, secret: open.secret, ask: open.ask, expires_s }))
}

/// Waits for news of a request, 20 s at most. The device that is let in gets its cookie with the answer.
///
/// # Errors
/// 409 when the request is over, 415, 422, 503.
pub async fn poll(pairing: &Pairing, request: RoutedRequest) -> HandlerResult {
    let id = request.value(0).parse().unwrap_or(0);
    let port = auth::host::port(&request.host);
    let PairingPoll { secret, pressed, contested, cancel } = request.body.typed()?;
    let mut news = PairingNews { status: "waiting", pressed: 0, contested: false, left_s: 0.0, device: None };
    if cancel {
        pairing.cancel(id, &secret);
        news.status = "cancelled";
        return Ok(answer::ok(&news));
    }
    match pairing.wait(id, &secret, (pressed.into(), contested)).await.map_err(refused)? {
        RequestProgress::Waiting(pressed, contested, left) => {
            (news.pressed, news.contested, news.left_s) = (pressed, contested, left.as_secs_f64());
            Ok(answer::ok(&news))
        }
        RequestProgress::Present => {
            news.status = "present";
            Ok(answer::ok(&news))
        }
        RequestProgress::Paired(let_in) => {
            (news.status, news.pressed) = ("paired", 2);
            news.device = Some(paired(&let_in));
            Ok(with_cookie(answer::ok(&news), &let_in, port))
        }
    }
}

/// Tries a code.
///
/// # Errors
/// 403 for a wrong one, 409 when none is good, 415, 422, 429, 503.
pub async fn code(pairing: &Pairing, request: RoutedRequest) -> HandlerResult {
    let (who, port) = (request.peer.to_string(), auth::host::port(&request.host));
    let CodeRequest { name, code } = request.body.typed()?;
    let name = checked_name(&name)?;
    let let_in = pairing.try_code(name, &code, &who).await.map_err(refused)?;
    Ok(with_cookie(answer::ok(&paired(&let_in)), &let_in, port))
}

/// Opens a window: six digits let one device in.
///
/// # Errors
/// 415, 422.
pub async fn open_window(
    pairing: &Pairing,
    devices: &Devices,
    hostname: &str,
    request: RoutedRequest,
) -> HandlerResult {
    let (client, host) = (request.client, reachable(&request.host, hostname));
    let WindowRequest { role } = request.body.typed_or_default()?;
    let window = pairing.open_window(role.unwrap_or(DeviceRole::Operator));
    devices.audit(AuditAct::WindowOpened, &client, &format!("lets in {}", window.role.name())).await;
    Ok(answer::ok(&document(&window, &host)))
}

/// The name under which another device reaches this server, where the request came in under this one.
fn reachable(host: &str, hostname: &str) -> String {
    if hostname.is_empty() || !auth::host::is_loopback(host) {
        return host.to_owned();
    }
    match auth::host::port(host) {
        80 => format!("{hostname}.local"),
        port => format!("{hostname}.local:{port}"),
    }
}

fn document(window: &CodeWindow, host: &str) -> WindowDocument {
    let url = format!("http://{host}/#pair={}", window.digits());
    WindowDocument {
        code: window.digits().to_owned(),
        role: window.role,
        expires_s: window.left().as_secs_f64(),
        qr_svg: qr::svg(&url),
        url,
    }
}

/// Whether a window is open.
pub fn window(pairing: &Pairing) -> Answer {
    answer::ok(&WindowState { is_open: pairing.window().is_some() })
}

/// Closes the window.
pub fn close_window(pairing: &Pairing) -> Answer {
    pairing.close_window();
    window(pairing)
}

/// A ticket with which this device is let in under another name of this server.
///
/// # Errors
/// 409 for a client that needs none.
pub fn ticket(pairing: &Pairing, request: &RoutedRequest) -> HandlerResult {
    let device = request.client.caller.device.ok_or_else(is_here)?;
    let (ticket, expires_s) = (pairing.make_ticket(device), TICKET_TIME.as_secs_f64());
    Ok(answer::ok(&TicketDocument { ticket, expires_s }))
}

/// A client on the machine itself has no device, and needs none.
fn is_here() -> Rejection {
    answer::refuse(ProblemCode::Already, "this client is on the machine itself, and has all rights already")
}

fn paired(let_in: &LetIn) -> PairedDevice {
    PairedDevice { number: let_in.number, role: let_in.role }
}

fn with_cookie(mut answer: Answer, let_in: &LetIn, port: u16) -> Answer {
    if let Ok(cookie) = HeaderValue::from_str(&credentials::set_cookie(&let_in.token, port)) {
        answer.headers_mut().append(SET_COOKIE, cookie);
    }
    answer
}

fn refused(refusal: PairingRefusal) -> Rejection {
    match refusal {
        PairingRefusal::No(code, why) => answer::refuse(code, why),
        PairingRefusal::NotKept(error) => not_kept("device", &error),
    }
}
