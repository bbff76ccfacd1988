//! `yep`: the controller and server of one stepper-driven linear axis.
//!
//! # Layout
//!
//! Imports point one way, from the bottom of this list to its top; `tests/architecture.rs` checks it.
//!
//! - [`units`]: physical quantities as types
//! - [`wall_clock`]: the time of the day, for people and names of files
//! - [`token_bucket`]: a rate limit that lets a burst pass
//! - [`files`]: bounded reading of files, and their text encodings
//! - [`layout`]: the memories of the appliance as constants
//! - [`wave`]: WHAT to move, position graphs
//! - [`motion`]: HOW, planning inside limits
//! - [`machine`]: WHETHER, states, commands, faults, homing
//! - [`hal`]: TOUCHING, pins, clocks and sensors, real and simulated
//! - [`drive`]: DOING, the two real-time loops and the rings between them
//! - [`diag`]: WITNESSING, whether the pulses keep what is promised
//! - [`sensor`]: HEARING, the force sensor on a serial line
//! - [`options`]: what the process was started with
//! - [`settings`]: what the user may set, and its limits
//! - [`store`]: REMEMBERING, settings on disk
//! - [`auth`]: LETTING IN, the gate in front of the server
//! - [`api`]: SAYING, the HTTP and WebSocket server
//! - [`app`]: the only room that knows every part
//! - [`trial`]: TRYING, the whole machine on virtual time, with faults, by seed
//! - [`cli`]: the command line

pub mod api;
pub mod app;
pub mod auth;
pub mod cli;
pub mod diag;
pub mod drive;
pub mod files;
pub mod hal;
pub mod layout;
pub mod machine;
pub mod motion;
pub mod options;
pub mod sensor;
pub mod settings;
pub mod store;
pub mod token_bucket;
pub mod trial;
pub mod units;
pub mod wall_clock;
pub mod wave;
