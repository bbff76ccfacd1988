//! Feeds: other programs that move the axis in the protocol of another device.
//!
//! Each connection is a [`FeedLink`](link::FeedLink) of one [`FeedService`](service::FeedService). The protocols are pure
//! (`feeds::tcode`, `feeds::buttplug`); what they say becomes one of four acts here: toward a place, stroke, stop, leave.
//!
//! - [`service`]: who moves the axis, and the latch behind a STOP; `owner`: its data
//! - [`link`]: one connection or sender, and what is known of it
//! - `stroke`: the wave of a program that says how fast, and not where
//! - [`refusal`]: why a feed does not move the axis, in words for its user
//! - [`admission`]: from where feeds may come
//! - [`listeners`]: the addresses they come to; [`datagrams`], [`streams`], [`sockets`]: what comes there
//! - [`mirrors`]: what is known of the devices that follow the axis
//!
//! The rules:
//!
//! 1. A feed moves in the window that the user set on the page; no protocol changes it (promise S31).
//! 2. One owner, under the lease (S22). The first who commands has it; others are refused, with a reason where their protocol
//!    has one.
//! 3. STOP latches (S34): what a feed sends behind it is counted and dropped until a person lets feeds go on, by the number of
//!    that STOP. So does END, which a person gave. A client's own stop latches nothing.
//! 4. Leaving is a planned stop. Silence is not: the axis rests where it was told to be, as long as the connection is alive.
//! 5. Beyond this machine feeds are off until an admin switches them on.

pub mod admission;
pub mod datagrams;
pub mod link;
pub mod listeners;
pub mod mirrors;
mod owner;
pub mod refusal;
pub mod service;
pub mod sockets;
pub mod streams;
mod stroke;
