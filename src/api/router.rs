//! From a request to its answer.

use std::sync::Arc;

use hyper::body::Incoming;
use hyper::header::{ALLOW, HeaderName, HeaderValue};
use hyper::{Method, Request, StatusCode};

use super::answer::{self, Answer, Outcome, Rejection};
use super::body;
use super::connection::Connection;
use super::context::Context;
use super::cors;
use super::lease::Client;
use super::orders::STOP;
use super::resources::{self, Call, stop};
use super::route::{self, Match, Resource, Route};
use super::socket;
use crate::auth::{Knock, Refused, Rules, Standing};

/// Browsers must not guess another type than the one that is said.
const NO_SNIFFING: (HeaderName, HeaderValue) =
    (HeaderName::from_static("x-content-type-options"), HeaderValue::from_static("nosniff"));

/// The answer to a request, with the headers that every answer has.
pub async fn answer(ctx: Arc<Context>, connection: Arc<Connection>, request: Request<Incoming>) -> Answer {
    if route::is_stop(request.method(), request.uri().path()) {
        return stop(&ctx, &connection, request).await;
    }
    let headers = request.headers().clone();
    let upgrade = socket::is_upgrade(&request);
    let safe = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    let judged = ctx.options.rules.judge(&Knock {
        peer: connection.peer,
        local: connection.local,
        authority: request.uri().authority().map(|authority| authority.as_str()),
        headers: &headers,
        changes: upgrade || !safe,
    });
    let standing = match judged {
        Ok(standing) => Ok(standing),
        Err(Refused::Misdirected) => {
            let refusal = misdirected(&ctx.options.rules, &connection);
            let answered = if route::is_command(request.method(), request.uri().path()) {
                stop_or(&ctx, request, refusal).await
            } else {
                Err(refusal)
            };
            return answer::closing(answered.unwrap_or_else(Rejection::into_answer));
        }
        Err(Refused::ForeignOrigin) => Err((StatusCode::FORBIDDEN, "this origin may not use the server")),
        Err(Refused::WrongToken) => Err((StatusCode::UNAUTHORIZED, "the token is not valid")),
    };
    let origin = ctx.options.rules.origin(&headers);
    if let Some(answer) = cors::preflight(request.method(), &headers, origin) {
        return answer;
    }
    let stop_only = connection.slot.stop_only;
    let outcome = match standing {
        Ok(standing) => respond(Arc::clone(&ctx), connection, request, standing, upgrade).await,
        Err((status, why)) if route::is_command(request.method(), request.uri().path()) => {
            stop_or(&ctx, request, answer::detail(status, why)).await
        }
        // The connection ends, for the body is not read.
        Err((status, why)) => Err(answer::detail(status, why).closing()),
    };
    let mut answer = outcome.unwrap_or_else(Rejection::into_answer);
    answer.headers_mut().insert(NO_SNIFFING.0, NO_SNIFFING.1);
    cors::allow(&mut answer, origin);
    if stop_only { answer::closing(answer) } else { answer }
}

/// STOP, before anything is asked about who says it (promise S5): whatever is wrong with the rest of the request must not keep
/// the axis moving.
async fn stop(ctx: &Context, connection: &Connection, request: Request<Incoming>) -> Answer {
    ctx.stop();
    let (head, body) = request.into_parts();
    let limits = &ctx.options.limits;
    // Nobody reads what it says; it is taken from the connection, so that this can go on.
    let whole = body::read(body, limits.body_bytes, limits).await.is_ok();
    let mut answer = stop::answer();
    answer.headers_mut().insert(NO_SNIFFING.0, NO_SNIFFING.1);
    cors::allow(&mut answer, ctx.options.rules.origin(&head.headers));
    if whole && !connection.slot.stop_only { answer } else { answer::closing(answer) }
}

/// The refusal, unless the command that is refused is STOP in the words of the clients' first server: that is obeyed.
async fn stop_or(ctx: &Context, request: Request<Incoming>, refusal: Rejection) -> Outcome {
    let body = body::read(request.into_body(), ctx.options.limits.body_bytes, &ctx.options.limits).await?;
    let stops = body::json(&body)?.is_some_and(|body| body.get("type").is_some_and(|name| name == STOP));
    if !stops {
        return Err(refusal.closing());
    }
    ctx.stop();
    Ok(answer::closing(stop::answer()))
}

/// 421: says under which names this is reached, and not what is here.
fn misdirected(rules: &Rules, connection: &Connection) -> Rejection {
    let names = rules.names(connection.local);
    let why = format!(
        "this server answers to {names}: use one of these names; STOP (POST /api/stop) is taken under any"
    );
    answer::detail(StatusCode::MISDIRECTED_REQUEST, &why).with(NO_SNIFFING.0, NO_SNIFFING.1)
}

async fn respond(
    ctx: Arc<Context>,
    connection: Arc<Connection>,
    mut request: Request<Incoming>,
    standing: Standing,
    upgrade: bool,
) -> Outcome {
    let path = request.uri().path().to_owned();
    let (route, values) = match route::find(request.method(), &path, upgrade) {
        Match::Found(route, values) => (route, values),
        Match::OtherMethods(methods) => return Err(method_not_allowed(&methods)),
        Match::Nothing if upgrade => return Err(forbidden()),
        Match::Nothing => {
            check_place(connection.slot.stop_only)?;
            return ctx.options.pages.answer(request.method(), &path, request.headers());
        }
    };
    check_right(route, standing, connection.slot.stop_only)?;
    let client = Client::of(connection.peer, request.headers(), standing);
    ctx.lease.heard(&client);
    if route.resource == Resource::Stream {
        return resources::stream::open(ctx, connection, &mut request, values, (standing, client));
    }
    let query = request.uri().query().unwrap_or_default().to_owned();
    let content_type = request.headers().get(hyper::header::CONTENT_TYPE).cloned();
    let accept = request.headers().get(hyper::header::ACCEPT).cloned();
    let limits = &ctx.options.limits;
    let limit_bytes = match route.resource {
        Resource::WaveGet | Resource::WaveRun | Resource::SavedWavePut => limits.wave_body_bytes,
        Resource::BackupPost => limits.backup_body_bytes,
        _ => limits.body_bytes,
    };
    let body = body::read(request.into_body(), limit_bytes, limits).await?;
    let call = Call { standing, client, values, query, content_type, accept, body };
    run_to_completion(ctx, connection, route, call).await
}

/// A change that was begun is ended, even when the client goes away meanwhile; a panic is an answer, too.
async fn run_to_completion(
    ctx: Arc<Context>,
    connection: Arc<Connection>,
    route: &'static Route,
    call: Call,
) -> Outcome {
    let handling = tokio::spawn(async move {
        let outcome = resources::handle(&ctx, route.resource, call).await;
        drop(connection);
        outcome
    });
    handling.await.unwrap_or_else(|error| {
        tracing::error!(%error, path = route.path, "a handler failed");
        Err(answer::detail(StatusCode::INTERNAL_SERVER_ERROR, "the server failed; its log says why"))
    })
}

fn check_right(route: &Route, standing: Standing, stop_only: bool) -> Result<(), Rejection> {
    check_place(stop_only && route.resource != Resource::CommandRun)?;
    if standing < route.right { Err(forbidden()) } else { Ok(()) }
}

/// 503, for what the last connections are not kept free for.
fn check_place(withheld: bool) -> Result<(), Rejection> {
    if !withheld {
        return Ok(());
    }
    let why = "too many connections: only STOP is answered";
    Err(answer::detail(StatusCode::SERVICE_UNAVAILABLE, why))
}

/// 403, for whoever is not trusted with this.
#[must_use]
pub fn forbidden() -> Rejection {
    answer::detail(StatusCode::FORBIDDEN, "this needs a local connection")
}

fn method_not_allowed(methods: &[&Method]) -> Rejection {
    let refusal = answer::detail(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed");
    let names: Vec<&str> = methods.iter().map(|method| method.as_str()).collect();
    match HeaderValue::from_str(&names.join(", ")) {
        Ok(names) => refusal.with(ALLOW, names),
        Err(_) => refusal,
    }
}
