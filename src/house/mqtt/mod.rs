//! MQTT: a broker hears how the machine is, and may stop it.
//!
//! What comes in is STOP and nothing else: a broker has no lease and no sign of life of a person, and repeats what it retained.
//!
//! - [`topics`]: the names of the topics
//! - [`messages`]: what is said in them
//! - [`discovery`]: the description of the machine for Home Assistant
//! - [`secure`]: the encryption
//! - [`link`]: the connection, which comes back whenever it can
//! - [`news`]: what is sent when

pub mod discovery;
pub mod link;
pub mod messages;
mod news;
mod secure;
pub mod topics;
