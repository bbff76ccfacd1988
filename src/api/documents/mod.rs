//! Documents of API v1: the types of its bodies and answers, one file per resource. Each serialises and describes itself, so the
//! OpenAPI document, made from the same types, cannot say anything else. The comments here are descriptions for clients: they
//! state meaning, unit and range. What a room above knows (recordings, the force sensor) `app` converts into these types.
//!
//! Three documents are elsewhere, since they have other users: the status in [`telemetry`](super::telemetry), session records
//! and the backup in [`store`](crate::store).

pub mod access;
pub mod backup;
pub mod command;
pub mod commissioning;
pub mod fault;
pub mod faults;
pub mod feeds;
pub mod info;
pub mod limits;
pub mod log;
pub mod machine;
pub mod name;
pub mod patterns;
pub mod player;
pub mod scripts;
pub mod sensor;
pub mod sessions;
pub mod settings;
pub mod sim;
pub mod success;
pub mod support;
pub mod update;
pub mod wave;

#[cfg(test)]
mod schema_keys;
