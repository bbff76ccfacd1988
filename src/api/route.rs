//! The route table: every request that is understood, and who may make it.
//!
//! The router matches against this table and nothing else, the documentation is written from it, and a test
//! walks all its rows with every standing.

use hyper::Method;

use crate::auth::Standing;

/// What answers a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Resource {
    WaveGet,
    WaveRun,
    CommandRun,
    SettingsCreate,
    SettingsGet,
    SettingsPut,
    Curve,
    Initialize,
    Stream,
    Health,
    Stop,
    Status,
    MotionLimitsGet,
    MotionLimitsPut,
    SimGet,
    SimPut,
    SensorGet,
    SensorTare,
    SensorCalibrate,
    FaultList,
    FaultGet,
    BackupGet,
    BackupPost,
    State,
    Sessions,
    Waves,
    SavedWaveGet,
    SavedWavePut,
    SavedWaveDelete,
    SavedWaveRun,
    OpenApi,
    Docs,
}

/// One row of the table.
#[derive(Debug)]
pub struct Route {
    /// The method. GET also answers HEAD.
    pub method: Method,
    /// The path without a slash at its end; a segment in braces takes any value.
    pub path: &'static str,
    /// The least standing that may use it.
    pub right: Standing,
    /// What answers it.
    pub resource: Resource,
    /// What it is for.
    pub summary: &'static str,
}

const fn route(
    method: Method,
    path: &'static str,
    right: Standing,
    resource: Resource,
    summary: &'static str,
) -> Route {
    Route { method, path, right, resource, summary }
}

/// Every route.
pub const ROUTES: &[Route] = {
    use Resource::*;
    use Standing::*;
    const GET: Method = Method::GET;
    const POST: Method = Method::POST;
    const PUT: Method = Method::PUT;
    const DELETE: Method = Method::DELETE;
    &[
        route(POST, STOP, Guest, Stop, "Stop: the fastest controlled stop, in every state"),
        route(GET, "/api/health", Guest, Health, "Whether the server answers"),
        // Below Local only the command `stop` is taken; only the body says which one it is.
        route(POST, COMMAND, Guest, CommandRun, "Give a command by its name"),
        route(
            POST,
            "/api/wave/get",
            Local,
            WaveGet,
            "The points of a wave, for drawing it: type and duration, and what docs/WAVES.md lists",
        ),
        route(
            POST,
            "/api/wave/run",
            Local,
            WaveRun,
            "Run a wave until END or STOP; while one runs, go over to it smoothly",
        ),
        route(
            POST,
            "/api/settings/{model}",
            Local,
            SettingsCreate,
            "Refused: there is one settings document",
        ),
        route(GET, "/api/settings/{model}/{id}", Machine, SettingsGet, "The settings"),
        route(PUT, "/api/settings/{model}/{id}", Machine, SettingsPut, "Change some of the settings"),
        route(POST, "/api/curve", Machine, Curve, "The force curve through ten points"),
        route(POST, "/api/setup/initialize", Local, Initialize, "Put all settings back to their defaults"),
        route(GET, "/api/status", Local, Status, "The newest snapshot of the machine"),
        route(GET, "/api/motion/limits", Local, MotionLimitsGet, "Speed, acceleration and jerk limits"),
        route(PUT, "/api/motion/limits", Local, MotionLimitsPut, "Change some of the motion limits"),
        route(GET, "/api/sim", Local, SimGet, "What is wrong with the simulated machine"),
        route(PUT, "/api/sim", Local, SimPut, "Make something go wrong with the simulated machine"),
        route(GET, "/api/faults", Local, FaultList, "What the flight recorder kept of faults"),
        route(GET, "/api/faults/{id}", Local, FaultGet, "One of its recordings, as JSON or as CSV"),
        route(GET, "/api/sensor", Local, SensorGet, "How the force sensor gets on"),
        route(POST, "/api/sensor/tare", Local, SensorTare, "Make the present reading the one of no force"),
        route(
            POST,
            "/api/sensor/calibrate",
            Local,
            SensorCalibrate,
            "Take the present load for a known weight",
        ),
        // A machine subscribes to `command_all` and `status`; only Local may have every stream.
        route(GET, "/api/stream/{name}", Machine, Stream, "WebSocket: a stream of messages"),
        route(GET, "/api/waves", Local, Waves, "The saved waves"),
        route(GET, "/api/waves/{name}", Local, SavedWaveGet, "A saved wave"),
        route(PUT, "/api/waves/{name}", Local, SavedWavePut, "Save a wave under a name"),
        route(DELETE, "/api/waves/{name}", Local, SavedWaveDelete, "Forget a saved wave"),
        route(POST, "/api/waves/{name}/run", Local, SavedWaveRun, "Run a saved wave until END or STOP"),
        route(GET, "/api/sessions", Local, Sessions, "When the machine moved, how far, and why it ended"),
        route(GET, "/api/backup", Local, BackupGet, "Everything that is remembered, as one document"),
        route(POST, "/api/backup", Local, BackupPost, "Replace everything by what a document says"),
        route(GET, "/api/state", Local, State, "How the store started, and what is in it"),
        route(GET, "/api/openapi.json", Local, OpenApi, "These routes, for programs"),
        route(GET, "/docs", Local, Docs, "These routes, for people"),
        route(GET, "/redoc", Local, Docs, "These routes, for people"),
        route(GET, "/docs/oauth2-redirect", Local, Docs, "These routes, for people"),
    ]
};

/// What the table says about a method and a path.
#[derive(Debug)]
pub enum Match {
    /// This route, with the values of the segments in braces.
    Found(&'static Route, Vec<String>),
    /// The path is there, but not for this method. These are the ones it takes.
    OtherMethods(Vec<&'static Method>),
    /// No such path.
    Nothing,
}

/// The path of STOP.
const STOP: &str = "/api/stop";

/// The path of commands by their names; STOP is one of them.
const COMMAND: &str = "/api/commands/run";

/// Whether a request is STOP, which nothing else is asked about.
#[must_use]
pub fn is_stop(method: &Method, path: &str) -> bool {
    *method == Method::POST && path.strip_suffix('/').unwrap_or(path) == STOP
}

/// Whether a request is a command by its name.
#[must_use]
pub fn is_command(method: &Method, path: &str) -> bool {
    *method == Method::POST && path.strip_suffix('/').unwrap_or(path) == COMMAND
}

/// Looks a request up; one slash at the end of the path makes no difference. `upgrade` says that the
/// request asks for a WebSocket: streams answer nothing else, and nothing else answers that.
#[must_use]
pub fn find(method: &Method, path: &str, upgrade: bool) -> Match {
    let trimmed = path.strip_suffix('/').unwrap_or(path);
    let mut others = Vec::new();
    for route in ROUTES {
        if (route.resource == Resource::Stream) != upgrade {
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

/// The values of the segments in braces, if the path fits the template.
fn values(template: &str, path: &str) -> Option<Vec<String>> {
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

    fn found(method: Method, path: &str) -> Option<(Resource, Vec<String>)> {
        match find(&method, path, false) {
            Match::Found(route, values) => Some((route.resource, values)),
            _ => None,
        }
    }

    #[test]
    fn both_slash_forms_are_the_same_route() {
        for path in ["/api/curve", "/api/curve/"] {
            assert_eq!(found(Method::POST, path), Some((Resource::Curve, vec![])));
        }
        let settings = |id: &str| Some((Resource::SettingsGet, vec!["any".to_string(), id.to_string()]));
        assert_eq!(found(Method::GET, "/api/settings/any/default/"), settings("default"));
        assert_eq!(found(Method::GET, "/api/settings/any/a%2Fb"), settings("a/b"));
    }

    #[test]
    fn empty_segments_and_unknown_paths_are_nothing() {
        for path in
            ["", "/", "//", "/api", "/api//curve", "/api/curve//", "/api/settings/", "/api/settings//x", "x"]
        {
            assert!(matches!(find(&Method::GET, path, false), Match::Nothing), "{path}");
        }
    }

    #[test]
    fn a_wrong_method_is_told_the_right_ones() {
        let Match::OtherMethods(methods) = find(&Method::DELETE, "/api/settings/any/default", false) else {
            panic!("found");
        };
        assert_eq!(methods, [&Method::GET, &Method::PUT]);
        assert!(found(Method::HEAD, "/docs").is_some());
        assert!(found(Method::HEAD, "/api/health").is_some());
        assert!(found(Method::HEAD, "/api/stop").is_none());
    }

    #[test]
    fn streams_are_for_websockets_only() {
        assert!(matches!(find(&Method::GET, "/api/stream/status", false), Match::Nothing));
        assert!(matches!(find(&Method::GET, "/api/stream/status", true), Match::Found(..)));
        assert!(matches!(find(&Method::GET, "/api/stream/status/deeper", true), Match::Nothing));
        assert!(matches!(find(&Method::GET, "/api/health", true), Match::Nothing));
    }
}
