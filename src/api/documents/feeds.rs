//! Feeds: other programs that move the axis, and what the user allows them.

use std::net::IpAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::api::telemetry::FeedTelemetry;

/// The feeds.
#[derive(Debug, Serialize, JsonSchema)]
pub struct FeedsDocument {
    /// The window in which feeds move the axis.
    pub window: FeedWindowDocument,
    /// True if the user has set no window: feeds move over the whole stroke.
    pub window_is_whole: bool,
    /// Whether Vibrate of a Buttplug client strokes the axis.
    pub vibration: bool,
    /// Speed of the strongest vibration, as a share of the highest speed, 0 to 1.
    pub vibration_speed_share: f64,
    /// Whether T-Code of other computers is taken.
    pub tcode_beyond_loopback: bool,
    /// Whether Buttplug clients on other computers are taken.
    pub buttplug_beyond_loopback: bool,
    /// Addresses of the computers that are taken; none: each one in a network of this house.
    pub allowed_hosts: Vec<IpAddr>,
    /// True behind a STOP or an END, until a person lets feeds go on.
    pub is_latched: bool,
    /// The connections and senders.
    pub links: Vec<FeedLinkDocument>,
    /// The motion that follows targets now.
    pub motion: Option<FeedTelemetry>,
    /// The addresses, lines and connections by which feeds come.
    pub listeners: Vec<FeedListenerDocument>,
    /// The devices that follow the axis.
    pub mirrors: Vec<FeedMirrorDocument>,
}

/// A window.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FeedWindowDocument {
    /// Its back, in mm from the back of the range.
    pub back_mm: f64,
    /// Its front, in mm; at least 1 mm more.
    pub front_mm: f64,
}

/// A connection of a feed, or a sender of datagrams.
#[derive(Debug, Serialize, JsonSchema)]
pub struct FeedLinkDocument {
    /// Its number, counted since the start.
    pub number: u64,
    /// Its protocol: `tcode` or `buttplug`.
    pub protocol: String,
    /// How it is carried: `UDP`, `TCP`, `WebSocket`, `serial`, `Intiface`.
    pub transport: String,
    /// The address of its other end; null for a line.
    pub peer: Option<String>,
    /// The name of its program, as far as it is known.
    pub name: String,
    /// How long it has been there, in s.
    pub since_s: f64,
    /// Whether it moves the axis, or did last.
    pub is_owner: bool,
    /// Commands per second.
    pub per_s: f64,
    /// Mean deviation of the intervals between its commands, in ms.
    pub jitter_ms: f64,
    /// Commands that came.
    pub received: u64,
    /// Commands that did not move the axis.
    pub refused: u64,
    /// Why the newest command did not; null if it did.
    pub refusal: Option<String>,
    /// True if it was refused and has gone on sending: then it pauses, or a person lets programs go on, before it moves the axis.
    pub is_barred: bool,
}

/// An address, a line or a connection by which feeds come.
#[derive(Debug, Serialize, JsonSchema)]
pub struct FeedListenerDocument {
    /// Its key in the section `[feeds]` of the configuration.
    pub name: String,
    /// The address, or the path of the line.
    pub address: String,
    /// Why it is not open; null if it is. It is tried again and again.
    pub trouble: Option<String>,
}

/// A device that follows the axis.
#[derive(Debug, Serialize, JsonSchema)]
pub struct FeedMirrorDocument {
    /// Its address, as the configuration says it.
    pub to: String,
    /// Lines that were sent to it since the start.
    pub sent: u64,
    /// Why it does not follow; null if it does. It is tried again and again.
    pub trouble: Option<String>,
}

/// A change of what feeds may do. What is left out stays.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct FeedsChange {
    /// Another window.
    pub window: Option<FeedWindowDocument>,
    /// True takes the window away: feeds move over the whole stroke.
    pub whole_window: Option<bool>,
    /// Whether Vibrate of a Buttplug client strokes the axis.
    pub vibration: Option<bool>,
    /// Speed of the strongest vibration, as a share of the highest speed, above 0 and at most 1.
    pub vibration_speed_share: Option<f64>,
    /// Whether T-Code of other computers is taken; takes an admin.
    pub tcode_beyond_loopback: Option<bool>,
    /// Whether Buttplug clients on other computers are taken; takes an admin.
    pub buttplug_beyond_loopback: Option<bool>,
    /// Addresses of the computers that are taken; takes an admin.
    pub allowed_hosts: Option<Vec<IpAddr>>,
}

/// A person lets feeds move the axis again.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FeedsResume {
    /// The number of the newest STOP that this person has seen: `stops` of the machine.
    pub after_stop: u32,
}
