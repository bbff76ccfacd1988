//! The clients' old contract: the routes of their first server, answered byte for byte as it did (docs/CONTRACT.md).

pub mod commands;
pub mod curve;
pub mod settings;
pub mod setup;
pub mod stream;
pub mod wave;
