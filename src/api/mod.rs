//! SAYING: the HTTP and WebSocket server.
//!
//! # The way of a request
//!
//! [`server`] accepts every connection, and ends it when [`pace`] finds it dawdling or the [`limiter`] needs its place.
//! [`router`] answers STOP, and takes each other request through the gate (`auth`), answers preflights ([`cors`]), looks the route up
//! ([`route`]), checks the standing, reads the body ([`body`]), and lets one of [`resources`] answer, in a task
//! of its own on another runtime that runs to its end even when the client goes away. What it answers has one of the shapes of
//! [`answer`] and a [`content`] that is held against a [`budget`] of memory; what clients send is read as leniently as they
//! expect ([`json`], [`fields`], [`coerce`], [`suggestions`];
//! [`wave_spec`] for waves).
//!
//! # The way of a message
//!
//! A [`socket`] speaks what its [`source`] has (a stream of the [`bus`], or [`telemetry`]), and hands what
//! its client sends to a [`publisher`]; it ends with a [`close_reason`].
//!
//! # What is shared
//!
//! [`Context`]: the machine behind its [`port`], the settings [`desk`], the bus, the [`lease`] on a wave, the [`fence`] behind a STOP, what a
//! yep-machine elsewhere is spared ([`remote`]). Commands by their names are
//! [`orders`]. HTTP owns no fact: the machine decides, the store remembers.

pub mod answer;
pub mod body;
pub mod budget;
pub mod bus;
pub mod client;
pub mod close_reason;
pub mod coerce;
pub mod commands;
pub mod connection;
pub mod content;
pub mod context;
pub mod cors;
pub mod fence;
pub mod fields;
pub mod json;
pub mod lease;
pub mod limiter;
pub mod limits;
pub mod pace;
pub mod pages;
pub mod port;
pub mod publisher;
pub mod python;
pub mod query;
pub mod remote;
pub mod request;
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
pub mod wave_service;
pub mod wave_spec;

pub use context::{Context, ServerOptions};
pub use lease::Policy;
pub use limits::ServerLimits;
pub use pages::Pages;
pub use server::{listen, serve};
