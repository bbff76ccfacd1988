//! Fuzz targets: no input from outside causes a panic or a 5xx answer (promise S28).
//!
//! Each [`Target`] takes any bytes and panics when the promise is broken. Two drivers run them:
//!
//! - `tests/fuzz.rs`, on stable: seeds of [`corpus`] changed by [`mutate`], for some seconds in each run of the tests
//!   and for any time with `scripts/fuzz`
//! - `cargo fuzz run NAME`, where cargo-fuzz and a nightly compiler are: the same targets, guided by coverage
//!
//! The targets of the server speak through real sockets to a whole program in this process, [`server`]: the simulated
//! machine with its threads, store, recorder and router, as `yep run` starts it.

pub mod answer;
pub mod buttplug;
pub mod corpus;
pub mod files;
pub mod http;
pub mod mutate;
pub mod players;
pub mod script;
pub mod serial;
pub mod server;
pub mod tcode;
pub mod websocket;

/// A fuzz target: a function of any bytes.
pub struct Target {
    /// Its name, also that of its corpus folder.
    pub name: &'static str,
    /// Runs one input; panics on a violation.
    pub run: fn(&[u8]),
    /// Seed inputs.
    pub seeds: fn() -> Vec<Vec<u8>>,
}

/// All targets.
pub const TARGETS: &[Target] = &[
    Target { name: "http_bytes", run: http::bytes, seeds: corpus::http_bytes },
    Target { name: "http_requests", run: http::requests, seeds: corpus::http_requests },
    Target { name: "websocket", run: websocket::frames, seeds: corpus::websocket },
    Target { name: "config", run: files::config, seeds: corpus::config },
    Target { name: "recording", run: files::recording, seeds: corpus::recording },
    Target { name: "state", run: files::state, seeds: corpus::state },
    Target { name: "serial", run: serial::line, seeds: corpus::serial },
    Target { name: "tcode", run: tcode::stream, seeds: corpus::tcode },
    Target { name: "buttplug", run: buttplug::frames, seeds: buttplug::seeds },
    Target { name: "players", run: players::stream, seeds: players::seeds },
    Target { name: "script", run: script::file, seeds: script::seeds },
];
