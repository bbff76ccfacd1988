//! The control socket, `/api/v1/socket`: one WebSocket for everything that a page or a program needs of the machine.
//!
//! - [`message`]: the JSON that a client sends, and what it hears
//! - [`events`]: numbered events, of which a client that comes back hears those that it missed
//! - [`hub`]: makes each state and each batch of live samples once, for all sockets
//! - [`session`]: one socket: its handshake, its two loops, its end
//! - [`worker`]: carries the commands of one socket out, one after the other

pub mod events;
pub mod hub;
pub mod message;
pub mod session;
pub mod worker;
