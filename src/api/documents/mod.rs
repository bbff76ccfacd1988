//! JSON documents: the types of bodies and answers, one file per resource.
//!
//! An answer is serialised from its type, and the schema in the OpenAPI document is derived from the same type, so the two
//! cannot differ. The comments here are descriptions for clients: they state meaning, unit and range. What a room above
//! knows (recordings, the force sensor) `app` converts into these types.
//!
//! Three documents are elsewhere, since they have other users: the status in [`telemetry`](super::telemetry), session
//! records and the backup in [`store`](crate::store).

pub mod backup;
pub mod faults;
pub mod sensor;
pub mod sessions;
pub mod sim;
pub mod success;

#[cfg(test)]
mod schema_keys;
