//! `yep`: the controller and server of one stepper-driven linear axis.
//!
//! # Rooms
//!
//! Imports point one way, from the bottom of this list to its top; `tests/architecture.rs` checks it.
//!
//! - [`units`]: physical quantities as types
//! - [`wall_clock`]: wall clock: the time of the day, for people and for names of files
//! - [`token_bucket`]: token bucket: a rate limit that lets a burst pass
//! - [`log_ring`]: the newest lines of the program's own log, in memory
//! - [`files`]: bounded reading of files, and their text encodings
//! - [`layout`]: constants of the hardware, generated from memory-layout/layout.toml
//! - [`wave`]: reference: position graphs, what to move
//! - [`motion`]: trajectory planning: how to move, inside limits
//! - [`scripts`]: motion that was written down beside a video: its files, and what they ask of the axis
//! - [`machine`]: state machine: states, commands, faults, homing; whether to move
//! - [`hal`]: hardware access: pins, clocks and sensors, real and simulated
//! - [`drive`]: real-time execution: the two loops and the rings between them
//! - [`diag`]: run-time verification of the pulses, and the flight recorder
//! - [`sensor`]: force sensor on a serial line
//! - [`options`]: start-up options: command line, configuration file, defaults
//! - [`settings`]: user settings, with their ranges
//! - [`store`]: persistent store: settings, calibration, waves, sessions and devices on disk
//! - [`auth`]: access control: the gate in front of the server
//! - [`feeds`]: feed protocols: what other programs send to move the axis
//! - [`players`]: player protocols: what video players say of their playback, and the media clock
//! - [`api`]: HTTP and WebSocket server
//! - [`feeds`]: protocols in which other programs drive the axis
//! - [`house`]: what the other things of a house hear of the machine
//! - [`update`]: update in place: a signed file as the next system of a card with two
//! - [`app`]: composition root: the only room that names every part
//! - [`trial`]: deterministic simulation test: the whole machine on virtual time, with injected faults, by seed
//! - [`cli`]: command-line interface

pub mod api;
pub mod app;
pub mod auth;
pub mod cli;
pub mod diag;
pub mod drive;
pub mod feeds;
pub mod files;
pub mod hal;
pub mod house;
pub mod layout;
pub mod log_ring;
pub mod machine;
pub mod motion;
pub mod options;
pub mod players;
pub mod scripts;
pub mod sensor;
pub mod settings;
pub mod store;
pub mod token_bucket;
pub mod trial;
pub mod units;
pub mod update;
pub mod wall_clock;
pub mod wave;
