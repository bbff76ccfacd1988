//! API v1 around who is let in, and who is in charge.

use hyper::Method;

use super::of;
use crate::api::documents::access::{
    AuditDocument, CallerDocument, CodeRequest, DeviceChange, DeviceList, LeaseDocument, LeaseRequest,
    PairedDevice, PairingDocument, PairingNews, PairingOpened, PairingPoll, PairingRequest, ProgramRequest,
    ProgramToken, TicketDocument, WindowDocument, WindowRequest, WindowState,
};
use crate::api::documents::success::SuccessDocument;
use crate::api::resources::{access, pairing};
use crate::api::route::{Handler, Route};
use crate::auth::Right::{Administer, Anyone, Attend, Observe, Operate};

const POST: Method = Method::POST;
const PUT: Method = Method::PUT;
const DELETE: Method = Method::DELETE;

/// The rows.
pub(super) fn rows() -> Vec<Route> {
    vec![
    // Who is let in, and who is in charge.
    Route::get(
        "/api/v1/me",
        Anyone,
        "Who asks, as the server sees it",
        answers!(|ctx, request| Ok(access::me(&ctx, &request))),
    )
    .gives(of::<CallerDocument>),
    Route::get(
        "/api/v1/pairing",
        Anyone,
        "The ways to be let in",
        answers!(|ctx, request| Ok(pairing::get(&ctx.pairing, &ctx.devices))),
    )
    .gives(of::<PairingDocument>),
    Route::act(
        POST,
        "/api/v1/pairing/requests",
        Anyone,
        "Ask to be let in, or to show presence, by pressing the limit switches",
        answers!(|ctx, request| pairing::request(&ctx.pairing, request)),
    )
    .takes(of::<PairingRequest>)
    .gives(of::<PairingOpened>),
    Route::act(
        POST,
        "/api/v1/pairing/requests/{id}",
        Anyone,
        "Wait for news of a request, 20 s at most; the answer to the device that is let in sets its cookie",
        answers!(|ctx, request| pairing::poll(&ctx.pairing, request).await),
    )
    .takes(of::<PairingPoll>)
    .gives(of::<PairingNews>),
    Route::act(
        POST,
        "/api/v1/pairing/code",
        Anyone,
        "Be let in by six digits, by the code on the card, or by a ticket; the answer sets the cookie",
        answers!(|ctx, request| pairing::code(&ctx.pairing, request).await),
    )
    .takes(of::<CodeRequest>)
    .gives(of::<PairedDevice>),
    Route::act(
        POST,
        "/api/v1/pairing/ticket",
        Observe,
        "A ticket with which this device is let in under another name of this server",
        answers!(|ctx, request| pairing::ticket(&ctx.pairing, &request)),
    )
    .gives(of::<TicketDocument>),
    Route::get(
        "/api/v1/pairing/window",
        Administer,
        "Whether a window for six digits is open",
        answers!(|ctx, request| Ok(pairing::window(&ctx.pairing))),
    )
    .gives(of::<WindowState>),
    Route::act(
        POST,
        "/api/v1/pairing/window",
        Administer,
        "Open a window of 120 s: six digits let one device in",
        answers!(|ctx, request| {
                let hostname = ctx.options.rules.names.own.current();
                pairing::open_window(&ctx.pairing, &ctx.devices, &hostname, request).await
            }),
    )
    .takes(of::<WindowRequest>)
    .gives(of::<WindowDocument>),
    Route::act(
        DELETE,
        "/api/v1/pairing/window",
        Administer,
        "Close the window",
        answers!(|ctx, request| Ok(pairing::close_window(&ctx.pairing))),
    )
    .gives(of::<WindowState>),
    Route::get(
        "/api/v1/devices",
        Administer,
        "The devices that were let in",
        answers!(|ctx, request| Ok(access::list(&ctx.devices, &request))),
    )
    .gives(of::<DeviceList>),
    Route::act(
        POST,
        "/api/v1/devices",
        Attend,
        "Make a token for a program, which is shown once",
        answers!(|ctx, request| access::make_token(&ctx.pairing, request).await),
    )
    .takes(of::<ProgramRequest>)
    .gives(of::<ProgramToken>),
    Route::act(
        PUT,
        "/api/v1/devices/{number}",
        Administer,
        "Give a device another name or role",
        answers!(|ctx, request| access::change(&ctx.devices, request).await),
    )
    .takes(of::<DeviceChange>)
    .gives(of::<DeviceList>),
    Route::act(
        DELETE,
        "/api/v1/devices/{number}",
        Administer,
        "Take a device off the list: its token is good no more, and its sockets are closed",
        answers!(|ctx, request| access::revoke(&ctx.devices, &ctx.waves, request).await),
    )
    .gives(of::<SuccessDocument>),
    Route::get(
        "/api/v1/audit",
        Administer,
        "The last 100 events of access",
        answers!(|ctx, request| Ok(access::audit(&ctx.devices))),
    )
    .gives(of::<AuditDocument>),
    Route::get(
        "/api/v1/lease",
        Observe,
        "Who is in charge",
        answers!(|ctx, request| Ok(access::lease(&ctx.waves, &request))),
    )
    .gives(of::<LeaseDocument>),
    Route::act(
        POST,
        "/api/v1/lease",
        Operate,
        "Ask for the control lease, hand it over, keep it, give it back, or take it",
        answers!(|ctx, request| access::act_on_lease(&ctx.waves, &ctx.devices, request).await),
    )
    .takes(of::<LeaseRequest>)
    .gives(of::<LeaseDocument>),
    ]
}
