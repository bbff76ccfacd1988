//! SAYING: the HTTP and WebSocket server.
//!
//! # The way of a request
//!
//! [`server`] accepts every connection; its [`read_deadline`] closes it when a header or a body takes too long, and the
//! [`limiter`] when its slot is needed. [`router`] executes STOP, and takes each other request through the gate (`auth`), answers
//! preflights ([`cors`]), and finds its [`route`] in the table of [`routes`]. The row says the least role, the limit and the type
//! of the body, and the handler, one of [`resources`]. The handler runs to its end in a task on another runtime, even when the
//! client goes away. An [`answer`] is made of one of the [`documents`], gets its [`page_headers`], and has a [`content`] that is counted against a
//! [`budget`] of memory; [`float_text`] writes the points of waves. A [`request`] is read as leniently as the clients expect ([`body`], [`json`], [`fields`], [`coerce`], [`suggestions`]; [`wave_spec`] for waves).
//!
//! # The way of a message
//!
//! A [`socket`] sends the content of its [`source`] (a stream of the [`bus`], or [`telemetry`]), and hands what
//! its client sends to a [`publisher`]; it ends with a [`close_reason`].
//!
//! # What is shared
//!
//! [`Context`] puts the services together: the machine behind its [`port`], the settings ([`settings_service`]), the bus, commands by
//! their names ([`commands`]), waves (from a body to the machine in [`wave_requests`], run by [`wave_service`]), who is let in
//! ([`access`]) and who is in [`charge`], what the first run has proven ([`commissioning`], with its [`nudge`]), updates in place ([`update`], whose bodies a handler
//! reads itself: [`body_stream`]), and what is known of a yep-machine elsewhere ([`remote`]) and of this computer ([`host_report`]). HTTP owns no fact: the
//! machine decides, the store remembers.

pub mod access;
pub mod answer;
pub mod body;
pub mod body_stream;
pub mod budget;
pub mod bus;
pub mod charge;
pub mod close_reason;
pub mod coerce;
pub mod commands;
pub mod commissioning;
pub mod connection;
pub mod content;
pub mod context;
pub mod control;
pub mod cors;
pub mod dialect;
pub mod docs_page;
pub mod documents;
pub mod event_counters;
pub mod feeds;
pub mod fields;
pub mod float_text;
pub mod handshake;
pub mod host_report;
pub mod json;
pub mod lease_acts;
pub mod limiter;
pub mod limits;
pub mod machine_name;
pub mod machine_state;
pub mod metrics;
pub mod nudge;
pub mod openapi;
pub mod page_headers;
pub mod pages;
pub mod paths;
pub mod playback;
pub mod port;
pub mod problem;
pub mod publisher;
pub mod python;
pub mod qr;
pub mod query;
pub mod read_deadline;
#[cfg(test)]
mod reference_page;
pub mod remote;
pub mod representation;
pub mod request;
pub mod request_id;
pub mod resources;
pub mod route;
pub mod router;
pub mod routes;
pub mod server;
pub mod settings_service;
pub mod socket;
pub mod source;
pub mod suggestions;
pub mod telemetry;
pub mod update;
pub mod wave_requests;
pub mod wave_service;
pub mod wave_spec;

pub use access::entropy::Entropy;
pub use charge::lease::Presence;
pub use context::{Context, ServerOptions};
pub use limits::ServerLimits;
pub use pages::Pages;
pub use server::{listen, serve};
