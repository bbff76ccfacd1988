//! A row of the route table, and the search for the row of a request. The rows are in [`routes`](super::routes).

use std::sync::Arc;

use hyper::body::Incoming;
use hyper::{Method, Request};
use schemars::{Schema, SchemaGenerator};

use super::answer::HandlerResult;
use super::body_stream::BodyStream;
use super::charge::client::Client;
use super::connection::Connection;
use super::context::Context;
use super::limits::ServerLimits;
use super::port::BoxFuture;
use super::request::{BodyType, RoutedRequest};
use crate::auth::Right;

/// One row: everything that the router, the documentation and the tests need to know of a route.
#[derive(Debug)]
pub struct Route {
    /// The method. GET also answers HEAD.
    pub method: Method,
    /// The path without a slash at its end; a segment in braces takes any value.
    pub path: &'static str,
    /// The right that it asks of its caller.
    pub right: Right,
    /// The order of its checks.
    pub urgency: Urgency,
    /// The type of its body.
    pub body: BodyType,
    /// The largest body.
    pub limit: BodyLimit,
    /// The type of its answer.
    pub answer: AnswerType,
    /// True for a document that rarely changes: the answer has a tag, and is not sent again to a client that has it.
    pub rarely_changes: bool,
    /// The schema of its body, where the document of API v1 has it.
    pub takes: Option<SchemaFn>,
    /// The parameters of its query.
    pub query: &'static [QueryParameter],
    /// The schema of its answer, where the document of API v1 has it.
    pub gives: Option<SchemaFn>,
    /// Its purpose, in one sentence.
    pub summary: &'static str,
    /// The function that answers it.
    pub handler: Handler,
}

/// The order in which a request is checked and executed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Urgency {
    /// Executed before host, origin, role and connection slot are checked (promise S5).
    Stop,
    /// The body may say STOP, which is executed whatever the gate says of the request; so the body is read without a
    /// connection slot, and from everybody.
    MayStop,
    /// Gate, connection slot and role come first, then the body.
    Ordinary,
}

/// The largest body that is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyLimit {
    /// [`ServerLimits::body_bytes`].
    Small,
    /// [`ServerLimits::wave_body_bytes`].
    Wave,
    /// [`ServerLimits::backup_body_bytes`]: a backup or a script.
    File,
    /// [`ServerLimits::update_body_bytes`]: an update, which is never held.
    Update,
}

impl BodyLimit {
    /// The limit in bytes.
    #[must_use]
    pub const fn bytes(self, limits: &ServerLimits) -> usize {
        match self {
            BodyLimit::Small => limits.body_bytes,
            BodyLimit::Wave => limits.wave_body_bytes,
            BodyLimit::File => limits.backup_body_bytes,
            BodyLimit::Update => limits.update_body_bytes,
        }
    }
}

/// The type of an answer that is no refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AnswerType {
    /// JSON.
    Json,
    /// JSON, or CSV for a client that asks for it.
    JsonOrCsv,
    /// JSON, or a page for a form.
    JsonOrHtml,
    /// A page for people.
    Html,
    /// A script for a page.
    Script,
    /// Text, in the format of Prometheus.
    Metrics,
    /// A WebSocket.
    Socket,
}

/// A function that makes the schema of a body or an answer.
pub type SchemaFn = fn(&mut SchemaGenerator) -> Schema;

/// A parameter of a query.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct QueryParameter {
    /// Its name.
    pub name: &'static str,
    /// Its meaning, with the unit.
    pub summary: &'static str,
    /// Its least and its largest value.
    pub range: Option<(f64, f64)>,
    /// The JSON type of its value.
    pub kind: &'static str,
    /// The words that it may be; empty for any value of its type.
    pub words: &'static [&'static str],
}

/// A function that answers a request.
pub type AnswerHandler = fn(Arc<Context>, RoutedRequest) -> BoxFuture<'static, HandlerResult>;

/// A function that answers a request of which it reads the body itself, while it comes.
pub type StreamHandler = fn(Arc<Context>, RoutedRequest, BodyStream) -> BoxFuture<'static, HandlerResult>;

/// A function that turns the connection of a request into a WebSocket.
pub type UpgradeHandler =
    fn(Arc<Context>, Arc<Connection>, &mut Request<Incoming>, Vec<String>, Client) -> HandlerResult;

/// The function behind a route. It picks the parts of the context that its resource uses.
#[derive(Debug, Clone, Copy)]
pub enum Handler {
    /// Answers a request.
    Answers(AnswerHandler),
    /// Answers a request, and reads its body while it comes.
    Streams(StreamHandler),
    /// Turns the connection into a WebSocket.
    Upgrades(UpgradeHandler),
}

impl Route {
    /// A row for a request with a small body.
    #[must_use]
    pub const fn new(
        method: Method,
        path: &'static str,
        right: Right,
        body: BodyType,
        answer: AnswerType,
        summary: &'static str,
        handler: Handler,
    ) -> Route {
        let (urgency, limit) = (Urgency::Ordinary, BodyLimit::Small);
        let (takes, query, gives) = (None, [].as_slice(), None);
        let rarely_changes = false;
        Route {
            method,
            path,
            right,
            urgency,
            body,
            limit,
            answer,
            rarely_changes,
            takes,
            query,
            gives,
            summary,
            handler,
        }
    }

    /// A row for reading a document.
    #[must_use]
    pub const fn get(path: &'static str, right: Right, summary: &'static str, handler: Handler) -> Route {
        Route::new(Method::GET, path, right, BodyType::Nothing, AnswerType::Json, summary, handler)
    }

    /// A row for an act without a body.
    #[must_use]
    pub const fn act(
        method: Method,
        path: &'static str,
        right: Right,
        summary: &'static str,
        handler: Handler,
    ) -> Route {
        Route::new(method, path, right, BodyType::Nothing, AnswerType::Json, summary, handler)
    }

    /// This row with a JSON body of that schema.
    #[must_use]
    pub const fn takes(mut self, schema: SchemaFn) -> Route {
        self.body = BodyType::DeclaredJson;
        self.takes = Some(schema);
        self
    }

    /// This row for the content of a file, of whatever type.
    #[must_use]
    pub const fn takes_file(mut self) -> Route {
        self.body = BodyType::File;
        self.limit = BodyLimit::File;
        self
    }

    /// This row for the content of a large file, which is read while it comes.
    #[must_use]
    pub const fn takes_stream(mut self) -> Route {
        self.body = BodyType::Stream;
        self.limit = BodyLimit::Update;
        self
    }

    /// This row with an answer of that schema.
    #[must_use]
    pub const fn gives(mut self, schema: SchemaFn) -> Route {
        self.gives = Some(schema);
        self
    }

    /// This row with a document that rarely changes.
    #[must_use]
    pub const fn rarely_changes(mut self) -> Route {
        self.rarely_changes = true;
        self
    }

    /// This row with these parameters in its query.
    #[must_use]
    pub const fn with_query(mut self, query: &'static [QueryParameter]) -> Route {
        self.query = query;
        self
    }

    /// This row with another type of body.
    #[must_use]
    pub const fn with_body(mut self, body: BodyType) -> Route {
        self.body = body;
        self
    }

    /// This row with another type of answer.
    #[must_use]
    pub const fn answers_with(mut self, answer: AnswerType) -> Route {
        self.answer = answer;
        self
    }

    /// This row with another largest body.
    #[must_use]
    pub const fn limited(mut self, limit: BodyLimit) -> Route {
        self.limit = limit;
        self
    }

    /// This row with another order of checks.
    #[must_use]
    pub const fn urgent(mut self, urgency: Urgency) -> Route {
        self.urgency = urgency;
        self
    }

    /// True if its answers may be compressed and tagged: those of API v1, and pages for people.
    #[must_use]
    pub fn takes_representations(&self) -> bool {
        self.path.starts_with(super::paths::V1) || self.answer == AnswerType::Html
    }

    /// True if the row answers only requests for a WebSocket, which no other row answers.
    #[must_use]
    pub const fn upgrades(&self) -> bool {
        matches!(self.handler, Handler::Upgrades(_))
    }
}

/// The result of a search in the table.
#[derive(Debug)]
pub enum Match {
    /// This route, with the values of the segments in braces.
    Found(&'static Route, Vec<String>),
    /// The path is there, but not for this method. These are the ones it takes.
    OtherMethods(Vec<&'static Method>),
    /// No such path.
    Nothing,
}

/// The urgency of a request, which is known before anything else of it is checked.
#[must_use]
pub fn urgency(routes: &[Route], method: &Method, path: &str) -> Urgency {
    let trimmed = path.strip_suffix('/').unwrap_or(path);
    let urgent = routes.iter().filter(|route| route.urgency != Urgency::Ordinary);
    let mut same = urgent.filter(|route| route.method == *method && route.path == trimmed);
    same.next().map_or(Urgency::Ordinary, |route| route.urgency)
}

/// The row of a request; one slash at the end of the path makes no difference. `upgrade` is true for a request for a
/// WebSocket.
#[must_use]
pub fn find(routes: &'static [Route], method: &Method, path: &str, upgrade: bool) -> Match {
    let trimmed = path.strip_suffix('/').unwrap_or(path);
    let mut others = Vec::new();
    for route in routes.iter().filter(|route| route.upgrades() == upgrade) {
        if begins_otherwise(route.path, trimmed) {
            continue;
        }
        let Some(values) = values(route.path, trimmed) else { continue };
        let head = method == Method::HEAD && route.method == Method::GET && !upgrade;
        if route.method == *method || head {
            return Match::Found(route, values);
        }
        others.push(&route.method);
    }
    if others.is_empty() { Match::Nothing } else { Match::OtherMethods(others) }
}

/// True if some route begins with the first segment of this path: a path that none of them knows is an error there, and no page.
#[must_use]
pub fn is_first_segment_of_a_route(routes: &[Route], path: &str) -> bool {
    let path = super::query::decoded(path, false);
    let first = |path: &str| path.split('/').nth(1).map(str::to_owned);
    first(&path)
        .is_some_and(|segment| routes.iter().any(|route| first(route.path).as_ref() == Some(&segment)))
}

/// Whether already the first letters show that the path does not fit, as they do of most routes; they are compared as one word.
fn begins_otherwise(template: &str, path: &str) -> bool {
    match (template.as_bytes().first_chunk::<8>(), path.as_bytes().first_chunk::<8>()) {
        (Some(wanted), Some(given)) => wanted != given && !wanted.contains(&b'{'),
        _ => false,
    }
}

/// The values of the segments in braces, if the path fits the template.
fn values(template: &str, path: &str) -> Option<Vec<String>> {
    // A brace begins a segment.
    let is_same = |(wanted, given): &(u8, u8)| wanted == given && *wanted != b'{';
    let same = template.bytes().zip(path.bytes()).take_while(is_same).count();
    let (wanted, given) = (&template.as_bytes()[same..], &path.as_bytes()[same..]);
    match (wanted.first(), given.first()) {
        (None, None) => Some(Vec::new()),
        (Some(b'{'), Some(_)) => segment_values(&template[same..], path.get(same..)?),
        _ => None,
    }
}

/// The same for what is left from a segment in braces on.
fn segment_values(template: &str, path: &str) -> Option<Vec<String>> {
    let (mut wanted, mut given) = (template.split('/'), path.split('/'));
    let mut values = Vec::new();
    loop {
        match (wanted.next(), given.next()) {
            (None, None) => return Some(values),
            (Some(wanted), Some(given)) if wanted.starts_with('{') && !given.is_empty() => {
                values.push(super::query::decoded(given, false));
            }
            (Some(wanted), Some(given)) if wanted == given => {}
            _ => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::routes::ROUTES;

    fn found(method: Method, path: &str) -> Option<(&'static str, Vec<String>)> {
        match find(&ROUTES, &method, path, false) {
            Match::Found(route, values) => Some((route.path, values)),
            _ => None,
        }
    }

    #[test]
    fn both_slash_forms_are_the_same_route() {
        for path in ["/api/curve", "/api/curve/"] {
            assert_eq!(found(Method::POST, path), Some(("/api/curve", vec![])));
        }
        let settings =
            |id: &str| Some(("/api/settings/{model}/{id}", vec!["any".to_string(), id.to_string()]));
        assert_eq!(found(Method::GET, "/api/settings/any/default/"), settings("default"));
        assert_eq!(found(Method::GET, "/api/settings/any/a%2Fb"), settings("a/b"));
    }

    #[test]
    fn empty_segments_and_unknown_paths_are_nothing() {
        for path in
            ["", "/", "//", "/api", "/api//curve", "/api/curve//", "/api/settings/", "/api/settings//x", "x"]
        {
            assert!(matches!(find(&ROUTES, &Method::GET, path, false), Match::Nothing), "{path}");
        }
    }

    #[test]
    fn what_the_first_letters_tell_the_segments_tell_as_well() {
        let templates: Vec<&str> = ROUTES.iter().map(|route| route.path).collect();
        let filled = templates.iter().map(|template| template.replace('{', "").replace('}', "%20\u{fc}"));
        let cut = templates.iter().map(|template| template[..template.len() - 1].to_owned());
        for path in templates.iter().map(|path| (*path).to_owned()).chain(filled).chain(cut) {
            for template in &templates {
                let expected = segment_values(template, &path);
                assert_eq!(values(template, &path), expected, "{template} {path}");
                assert!(expected.is_none() || !begins_otherwise(template, &path), "{template} {path}");
            }
        }
    }

    #[test]
    fn a_wrong_method_is_told_the_right_ones() {
        let Match::OtherMethods(methods) = find(&ROUTES, &Method::DELETE, "/api/settings/any/default", false)
        else {
            panic!("found");
        };
        assert_eq!(methods, [&Method::GET, &Method::PUT]);
        assert!(found(Method::HEAD, "/docs").is_some());
        assert!(found(Method::HEAD, "/api/health").is_some());
        assert!(found(Method::HEAD, "/api/stop").is_none());
    }

    #[test]
    fn streams_are_for_websockets_only() {
        assert!(matches!(find(&ROUTES, &Method::GET, "/api/stream/status", false), Match::Nothing));
        assert!(matches!(find(&ROUTES, &Method::GET, "/api/stream/status", true), Match::Found(..)));
        assert!(matches!(find(&ROUTES, &Method::GET, "/api/stream/status/deeper", true), Match::Nothing));
        assert!(matches!(find(&ROUTES, &Method::GET, "/api/health", true), Match::Nothing));
    }

    #[test]
    fn a_first_segment_of_a_route_belongs_to_the_api_however_it_is_spelt() {
        for path in ["/api", "/api/", "/api/none", "/%61pi/none", "/docs", "/docs/x", "/redoc/"] {
            assert!(is_first_segment_of_a_route(&ROUTES, path), "{path}");
        }
        for path in ["/", "", "api", "/apis", "/index.html", "/app/api", "//api"] {
            assert!(!is_first_segment_of_a_route(&ROUTES, path), "{path}");
        }
    }

    #[test]
    fn stop_is_urgent_under_both_its_paths() {
        for (method, path, expected) in [
            (Method::POST, "/api/stop", Urgency::Stop),
            (Method::POST, "/api/stop/", Urgency::Stop),
            (Method::GET, "/api/stop", Urgency::Ordinary),
            (Method::POST, "/api/commands/run/", Urgency::MayStop),
            (Method::POST, "/api/wave/run", Urgency::Ordinary),
        ] {
            assert_eq!(urgency(&ROUTES, &method, path), expected, "{method} {path}");
        }
    }
}
