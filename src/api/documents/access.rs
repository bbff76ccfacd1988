//! Devices, pairing and the lease: who may do what, and who is in charge.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::api::access::switch_order::LimitSwitch;
use crate::api::charge::lease::{LeaseView, Presence};
use crate::store::{AuditEntry, DeviceKind, DeviceRole};

/// A device that was let in.
#[derive(Debug, Serialize, JsonSchema)]
pub struct DeviceDocument {
    /// Its number.
    pub number: u32,
    /// Its name.
    pub name: String,
    /// Its role.
    pub role: DeviceRole,
    /// What it is.
    pub kind: DeviceKind,
    /// Time of pairing by the machine's clock, in seconds since 1970.
    pub paired_unix_s: u64,
    /// Time at which it was seen last, by the machine's clock, in seconds since 1970.
    pub last_seen_unix_s: u64,
    /// True for the device that asks.
    pub is_this: bool,
}

/// All devices.
#[derive(Debug, Serialize, JsonSchema)]
pub struct DeviceList {
    /// The devices, in the order in which they were let in.
    pub devices: Vec<DeviceDocument>,
}

/// What a device may be called, and its role: what is given is changed.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("examples" = [{ "name": "blue phone" }]))]
pub struct DeviceChange {
    /// Another name.
    #[schemars(length(min = 1, max = 64))]
    pub name: Option<String>,
    /// Another role.
    pub role: Option<DeviceRole>,
}

/// A program to be given a token.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("examples" = [{ "name": "home automation", "role": "observer" }]))]
pub struct ProgramRequest {
    /// Its name.
    #[schemars(length(min = 1, max = 64))]
    pub name: String,
    /// Its role.
    pub role: DeviceRole,
}

/// A program's token, which is shown once.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ProgramToken {
    /// The number of the program.
    pub number: u32,
    /// The token, for the header `Authorization: Bearer …`.
    pub token: String,
}

/// Who asks, as the server sees it.
#[derive(Debug, Serialize, JsonSchema)]
pub struct CallerDocument {
    /// The role of the request.
    #[schemars(with = "String", extend("enum" = ["guest", "machine", "observer", "operator", "admin", "local"]))]
    pub role: &'static str,
    /// The number of the device, for a paired one.
    pub device: Option<u32>,
    /// The name of the device, for a paired one.
    pub name: Option<String>,
    /// True if a token was presented that is not valid: the device was taken off the list, or the list is lost.
    pub wrong_token: bool,
    /// True if the person is at the machine: on the machine itself, or proven by its switches.
    pub is_present: bool,
    /// The name that people gave the machine, for those who are let in.
    pub machine: Option<String>,
}

/// The last 100 events of access.
#[derive(Debug, Serialize, JsonSchema)]
pub struct AuditDocument {
    /// The events, the oldest first.
    pub events: Vec<AuditEntry>,
}

/// The ways to be let in, now.
#[derive(Debug, Serialize, JsonSchema)]
pub struct PairingDocument {
    /// True if there is an admin.
    pub is_claimed: bool,
    /// Whether the limit switches can be used, and why not.
    pub switches: SwitchesState,
    /// True if a code can be tried: six digits, or the one that was written on the card.
    pub takes_code: bool,
}

/// Whether the limit switches can be used to prove presence.
#[derive(Debug, Serialize, JsonSchema)]
pub struct SwitchesState {
    /// True if they can.
    pub usable: bool,
    /// True while a device asks.
    pub busy: bool,
    /// Why they cannot be used, for people.
    pub why: Option<&'static str>,
}

/// What a request by the switches is for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RequestPurpose {
    /// To let this device in.
    #[default]
    Device,
    /// To let this device in as an admin, beside those that are lost; within five minutes after the machine was switched on.
    Anew,
    /// To show that the person with this admin's device is at the machine, for ten minutes.
    Presence,
}

/// A request to prove presence by the limit switches.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("examples" = [{ "name": "blue phone" }]))]
pub struct PairingRequest {
    /// The name of the device.
    #[schemars(length(min = 1, max = 64))]
    pub name: String,
    /// What it is for.
    #[serde(default)]
    pub purpose: RequestPurpose,
}

/// A request that was taken.
#[derive(Debug, Serialize, JsonSchema)]
pub struct PairingOpened {
    /// Its number.
    pub id: u64,
    /// With which the device that made it asks for news.
    pub secret: String,
    /// The switches to press, in this order; each is let go before the next one.
    pub ask: [LimitSwitch; 2],
    /// It is over after this time, in seconds.
    pub expires_s: f64,
}

/// A question for news of a request.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("examples" = [{ "secret": "0123456789abcdef0123456789abcdef" }]))]
pub struct PairingPoll {
    /// The secret of the request.
    pub secret: String,
    /// The number of presses that is known already.
    #[serde(default)]
    pub pressed: u8,
    /// True if it is known already that somebody else asks, too.
    #[serde(default)]
    pub contested: bool,
    /// True to end the request.
    #[serde(default)]
    pub cancel: bool,
}

/// News of a request.
#[derive(Debug, Serialize, JsonSchema)]
pub struct PairingNews {
    /// `waiting`: the switches are to be pressed; `paired`: this device is in, and the answer sets its cookie; `present`: presence
    /// is proven; `cancelled`.
    #[schemars(with = "String", extend("enum" = ["waiting", "paired", "present", "cancelled"]))]
    pub status: &'static str,
    /// The number of presses so far.
    pub pressed: usize,
    /// True if another device asks too: until it stops, presses count for neither.
    pub contested: bool,
    /// The time that is left, in seconds.
    pub left_s: f64,
    /// The device that was let in.
    pub device: Option<PairedDevice>,
}

/// A device that was let in just now. Its token is in the cookie of the answer.
#[derive(Debug, Serialize, JsonSchema)]
pub struct PairedDevice {
    /// Its number.
    pub number: u32,
    /// Its role.
    pub role: DeviceRole,
}

/// A code, to let this device in.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("examples" = [{ "name": "blue phone", "code": "000000" }]))]
pub struct CodeRequest {
    /// The name of the device.
    #[schemars(length(min = 1, max = 64))]
    pub name: String,
    /// Six digits, the code that was written on the card, or a ticket.
    #[schemars(length(min = 1, max = 128))]
    pub code: String,
}

/// A wish to let a device in.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("examples" = [{ "role": "observer" }]))]
pub struct WindowRequest {
    /// The role of the device; `operator` if none is given.
    pub role: Option<DeviceRole>,
}

/// Six digits that let one device in.
#[derive(Debug, Serialize, JsonSchema)]
pub struct WindowDocument {
    /// The digits.
    pub code: String,
    /// The role of the device.
    pub role: DeviceRole,
    /// They are good for this time, in seconds.
    pub expires_s: f64,
    /// The address to open on that device. The code is behind `#`, so it is in no request and in no log.
    pub url: String,
    /// That address as a picture (SVG).
    pub qr_svg: String,
}

/// Whether a window is open.
#[derive(Debug, Serialize, JsonSchema)]
pub struct WindowState {
    /// True while its digits are good.
    pub is_open: bool,
}

/// A ticket with which this device is let in under another name of this server.
#[derive(Debug, Serialize, JsonSchema)]
pub struct TicketDocument {
    /// The ticket, to be given as a code.
    pub ticket: String,
    /// It is good for this time, in seconds.
    pub expires_s: f64,
}

/// What a client does about the lease.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LeaseAct {
    /// Asks for it. It is answered when the client has it, or does not get it: after 10 s at the latest. Silence is yes only if
    /// nothing is heard of the client that holds it.
    #[default]
    Ask,
    /// Hands it over to the client that asks; what moves may go on.
    HandOver,
    /// Keeps it, though somebody asks.
    Keep,
    /// Gives it back; what moves comes to rest.
    Release,
    /// Takes it from whoever holds it, which an admin may; what moves comes to rest first.
    Force,
    /// Says that its holder is there.
    Alive,
}

/// What a client does about the lease.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("examples" = [{ "act": "ask" }]))]
pub struct LeaseRequest {
    /// The act.
    pub act: LeaseAct,
}

/// Who is in charge.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct LeaseDocument {
    /// The name of the client that holds the lease; null if it is free.
    pub holder: Option<String>,
    /// True if that is the client that looks.
    pub is_own: bool,
    /// The name of a client that asks for it.
    pub asker: Option<String>,
    /// How its holder shows that it is there.
    pub presence: Option<Presence>,
}

impl From<LeaseView> for LeaseDocument {
    fn from(view: LeaseView) -> LeaseDocument {
        let LeaseView { holder, is_own, asker, presence } = view;
        LeaseDocument { holder, is_own, asker, presence }
    }
}
