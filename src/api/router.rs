//! From a request to its answer.

use std::sync::Arc;

use bytes::Bytes;
use hyper::body::Incoming;
use hyper::header::{ALLOW, HOST, HeaderMap, HeaderValue, RETRY_AFTER};
use hyper::{Method, Request};

use super::answer::{self, Answer, HandlerResult, Rejection};
use super::body;
use super::body_stream::BodyStream;
use super::budget::{self, Share};
use super::charge::client::{Client, Origin, Sign};
use super::coerce::Strictness;
use super::connection::Connection;
use super::context::Context;
use super::cors;
use super::dialect::Dialect;
use super::page_headers;
use super::paths;
use super::port::BoxFuture;
use super::problem::ProblemCode;
use super::representation::Wanted;
use super::request::{self, RequestBody, RoutedRequest};
use super::resources::contract::commands;
use super::resources::stop;
use super::route::{self, Handler, Match, Route, Urgency};
use super::routes::ROUTES;
use super::socket;
use crate::auth::{Caller, GateRefusal, GateRules, RequestFacts, credentials, host};

/// The answer to a request, with the headers that every answer has.
pub async fn answer(ctx: Arc<Context>, connection: Arc<Connection>, request: Request<Incoming>) -> Answer {
    let host = request.headers().get(HOST).cloned();
    let is_v1 = paths::is_v1(request.uri().path());
    let mut answer = judge(ctx, connection, request).await;
    page_headers::protect(&mut answer, host.as_ref());
    if is_v1 {
        page_headers::keep_nowhere(&mut answer);
    }
    answer
}

/// STOP, or the answer of the gate and of the route.
async fn judge(ctx: Arc<Context>, connection: Arc<Connection>, request: Request<Incoming>) -> Answer {
    let urgency = route::urgency(&ROUTES, request.method(), request.uri().path());
    if urgency == Urgency::Stop {
        return stop(&ctx, &connection, request);
    }
    let dialect = Dialect::of(request.uri().path());
    let headers = request.headers().clone();
    let upgrade = socket::is_upgrade(&request);
    let safe = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    let is_v1 = paths::is_v1(request.uri().path());
    let facts = RequestFacts {
        peer: connection.peer,
        local: connection.local,
        authority: request.uri().authority().map(|authority| authority.as_str()),
        headers: &headers,
        changes: upgrade || !safe,
        is_v1,
    };
    let caller = match ctx.options.rules.judge(&facts, &*ctx.devices) {
        Ok(caller) => Ok(caller),
        Err(GateRefusal::Misdirected) => {
            let refusal = misdirected(&ctx.options.rules, &connection);
            let answered = if urgency == Urgency::MayStop {
                stop_or(&ctx, &connection, request, refusal).await
            } else {
                Err(refusal)
            };
            return answer::closing(dialect.write(&ctx, answered));
        }
        Err(GateRefusal::ForeignOrigin) => {
            Err((ProblemCode::ForeignOrigin, "this origin may not use the server"))
        }
    };
    let origin = ctx.options.rules.origin(&headers, is_v1);
    if let Some(answer) = cors::preflight(request.method(), &headers, origin) {
        return answer;
    }
    let slot = Arc::clone(&connection);
    let outcome = match caller {
        Ok(caller) => respond(Arc::clone(&ctx), connection, request, caller, upgrade).await,
        Err((code, why)) if urgency == Urgency::MayStop => {
            stop_or(&ctx, &connection, request, answer::refuse(code, why)).await
        }
        // The connection ends, for the body is not read.
        Err((code, why)) => Err(answer::refuse(code, why).closing()),
    };
    let mut answer = dialect.write(&ctx, outcome);
    cors::allow(&mut answer, origin);
    if slot.slot.has_place() { answer } else { answer::closing(answer) }
}

/// STOP, before anything is asked about who says it (promise S5): whatever is wrong with the rest of the request must not keep
/// the axis moving.
fn stop(ctx: &Arc<Context>, connection: &Connection, request: Request<Incoming>) -> Answer {
    ctx.commands.stop();
    let (head, body) = request.into_parts();
    note_who_stopped(ctx, connection, &head);
    // Nobody reads what it says, and the answer does not wait for it; it is taken from the connection, so that that can
    // go on.
    let reading = Arc::clone(ctx);
    tokio::spawn(async move {
        let limits = &reading.options.limits;
        let _ = body::read(body, limits.body_bytes, limits).await;
    });
    let dialect = Dialect::of(head.uri.path());
    let mut answer = dialect.write(ctx, Ok(stop::answer_to(&head.headers, &dialect)));
    cors::allow(&mut answer, ctx.options.rules.origin(&head.headers, paths::is_v1(head.uri.path())));
    // It needs no place, and gets one if there is one, so that the next STOP comes on the same connection.
    if connection.slot.admit() { answer } else { answer::closing(answer) }
}

/// Whoever pressed STOP need not wait as long as others before they start again.
fn note_who_stopped(ctx: &Context, connection: &Connection, head: &hyper::http::request::Parts) {
    let is_v1 = paths::is_v1(head.uri.path());
    let facts = RequestFacts {
        peer: connection.peer,
        local: connection.local,
        authority: None,
        headers: &head.headers,
        changes: true,
        is_v1,
    };
    let caller = ctx.options.rules.judge(&facts, &*ctx.devices);
    ctx.commands
        .stopped_by(caller.ok().map(|caller| client(ctx, connection, &head.headers, caller, is_v1, false)));
}

/// The client behind a request of this caller.
fn client(
    ctx: &Context,
    connection: &Connection,
    headers: &HeaderMap,
    caller: Caller,
    is_v1: bool,
    is_socket: bool,
) -> Client {
    let name = caller.device.and_then(|number| ctx.devices.meet(number));
    let (peer, connection) = (connection.peer, connection.slot.number());
    Client::of(Origin { peer, connection, headers, is_v1, is_socket }, caller, name)
}

/// The refusal, unless the command that is refused is STOP in the words of the clients' first server: that is obeyed.
async fn stop_or(
    ctx: &Context,
    connection: &Connection,
    request: Request<Incoming>,
    refusal: Rejection,
) -> HandlerResult {
    let body = read(ctx, connection, request.into_body(), ctx.options.limits.body_bytes).await?;
    if !commands::is_stop(body::json(&body).ok().flatten().as_ref()) {
        return Err(refusal.closing());
    }
    ctx.commands.stop();
    Ok(answer::closing(stop::answer()))
}

/// The body of a request; while it is on its way, the connection stands still.
async fn read(
    ctx: &Context,
    connection: &Connection,
    body: Incoming,
    limit_bytes: usize,
) -> Result<Bytes, Rejection> {
    connection.slot.deadline.reading_body();
    let body = body::read(body, limit_bytes, &ctx.options.limits).await;
    connection.slot.deadline.answering();
    body
}

/// 421: says under which names this is reached, and not what is here.
fn misdirected(rules: &GateRules, connection: &Connection) -> Rejection {
    let names = rules.names.text(connection.local);
    let why = format!(
        "this server answers to {names}: use one of these names; STOP (POST /api/stop) is taken under any"
    );
    answer::refuse(ProblemCode::UnknownHost, why)
}

async fn respond(
    ctx: Arc<Context>,
    connection: Arc<Connection>,
    mut request: Request<Incoming>,
    caller: Caller,
    upgrade: bool,
) -> HandlerResult {
    let path = request.uri().path().to_owned();
    let (route, values) = match route::find(&ROUTES, request.method(), &path, upgrade) {
        Match::Found(route, values) => (route, values),
        Match::OtherMethods(methods) => return Err(method_not_allowed(&methods)),
        Match::Nothing if upgrade => return Err(answer::not_found()),
        Match::Nothing => {
            check_place(connection.slot.admit())?;
            if route::is_first_segment_of_a_route(&ROUTES, &path) {
                return Err(answer::not_found());
            }
            return ctx.options.pages.answer(request.method(), &path, request.headers(), caller.role);
        }
    };
    // The command may be STOP, which needs no place.
    check_place(route.urgency == Urgency::MayStop || connection.slot.admit())?;
    let sent = host::sent(request.headers()).unwrap_or_default().to_owned();
    if !caller.role.has(route.right) {
        return Err(answer::refuse_role(caller, &sent));
    }
    let client = client(&ctx, &connection, request.headers(), caller, paths::is_v1(&path), upgrade);
    ctx.waves.hear(&client, Sign::Request);
    if let Handler::Upgrades(open) = route.handler {
        return open(ctx, connection, &mut request, values, client);
    }
    let known = caller.device.filter(|_| !upgrade);
    let renewed_cookie =
        known.and_then(|_| credentials::renewed_cookie(request.headers(), host::port(&sent)));
    let query = request.uri().query().unwrap_or_default().to_owned();
    let content_type = request.headers().get(hyper::header::CONTENT_TYPE).cloned();
    let accept = request.headers().get(hyper::header::ACCEPT).cloned();
    let wanted = Wanted::of(request.method(), request.headers());
    let limit_bytes = route.limit.bytes(&ctx.options.limits);
    let body = request.into_body();
    let (strictness, peer) = (Strictness::of(&path), connection.peer);
    let no_body = RequestBody::Parsed(Ok(None));
    let mut request = RoutedRequest {
        client,
        peer,
        host: sent,
        renewed_cookie,
        values,
        query,
        accept,
        strictness,
        body: no_body,
    };
    let handler = match route.handler {
        Handler::Answers(handler) => handler,
        Handler::Streams(handler) => {
            request::check_declared(content_type.as_ref(), request::STREAM_TYPE)
                .map_err(Rejection::closing)?;
            let body = BodyStream::new(body, limit_bytes, &ctx.options.limits);
            let answering = handler(Arc::clone(&ctx), request, body);
            let share = ctx.budget.take(0)?;
            let task = HandlerTask { route, answering, wanted, parsed_bytes: 0, share };
            return task.run_to_completion(ctx, connection).await;
        }
        Handler::Upgrades(_) => return Err(answer::not_found()),
    };
    let bytes = match route.urgency {
        // A STOP is read whatever memory is left.
        Urgency::MayStop => 0,
        _ => body::most_bytes(&body, limit_bytes),
    };
    let share = ctx.budget.take(bytes).map_err(|error| Rejection::from(error).closing())?;
    let bytes = read(&ctx, &connection, body, limit_bytes).await?;
    let parsed_bytes = budget::json_bytes(&bytes);
    request.body = if route.urgency == Urgency::MayStop {
        let parsed = body::json(&bytes);
        let stops = commands::is_stop(parsed.as_ref().ok().and_then(Option::as_ref));
        if stops {
            // Here, and not on the runtime where other requests are answered.
            ctx.commands.stop_for(Some(&request.client));
        }
        let has_place = connection.slot.admit();
        if stops {
            return Ok(stop::answer());
        }
        check_place(has_place)?;
        RequestBody::Parsed(parsed)
    } else {
        RequestBody::Received { body_type: route.body, content_type, bytes }
    };
    let answering = handler(Arc::clone(&ctx), request);
    let task = HandlerTask { route, answering, wanted, parsed_bytes, share };
    task.run_to_completion(ctx, connection).await
}

/// A request on its way to its handler.
struct HandlerTask {
    route: &'static Route,
    /// Its handler, which has not begun.
    answering: BoxFuture<'static, HandlerResult>,
    /// The representation of the answer that its client wants.
    wanted: Wanted,
    /// Memory for the body as JSON.
    parsed_bytes: usize,
    /// Memory for the bytes of the body.
    share: Share,
}

impl HandlerTask {
    /// Runs the handler in a task of its own: a change that was begun is completed, even when the client goes away meanwhile,
    /// and a panic is an answer, too.
    async fn run_to_completion(self, ctx: Arc<Context>, connection: Arc<Connection>) -> HandlerResult {
        let path = self.route.path;
        let workers = ctx.workers.clone();
        let handling = workers.spawn(async move {
            let outcome = self.run_within_budget(ctx).await;
            drop(connection);
            outcome
        });
        handling.await.unwrap_or_else(|error| {
            tracing::error!(%error, path, "a handler failed");
            Err(answer::refuse(ProblemCode::ServerFailed, "the server failed; its log says why"))
        })
    }

    /// Runs the handler, if there is memory for it. The answer keeps its share of it until it is sent.
    async fn run_within_budget(self, ctx: Arc<Context>) -> HandlerResult {
        let _share = self.share;
        let parsing = ctx.budget.take(self.parsed_bytes)?;
        let mut answer = self.answering.await?;
        drop(parsing);
        // The clients' old contract has its answers as they were.
        if self.route.takes_representations() {
            answer = self.wanted.represent(answer, self.route.rarely_changes);
        }
        let content = answer.body_mut();
        content.count(ctx.budget.take(content.uncounted_bytes())?);
        Ok(answer)
    }
}

/// 503 for a request without a place.
fn check_place(has_place: bool) -> Result<(), Rejection> {
    if has_place {
        return Ok(());
    }
    let why =
        "too many requests are being answered, and only STOP is taken now: close connections, or try again";
    let refusal = answer::refuse(ProblemCode::StopOnly, why).closing();
    Err(refusal.with(RETRY_AFTER, HeaderValue::from_static("1")))
}

fn method_not_allowed(methods: &[&Method]) -> Rejection {
    let refusal = answer::refuse(ProblemCode::MethodNotAllowed, "Method Not Allowed");
    let names: Vec<&str> = methods.iter().map(|method| method.as_str()).collect();
    match HeaderValue::from_str(&names.join(", ")) {
        Ok(names) => refusal.with(ALLOW, names),
        Err(_) => refusal,
    }
}
