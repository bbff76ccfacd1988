//! Feeds: protocols in which other programs drive the axis.
//!
//! - [`buttplug`]: server for clients of the Buttplug protocol

pub mod buttplug;
