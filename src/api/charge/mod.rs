//! In charge: which client may move the axis now (promises S17, S22, S34, S35).
//!
//! - [`client`]: who a client is: a tab of a device, a connection of a program, or an old client of this machine
//! - [`lease`]: the control lease, of which there is one: who holds it, how long its holder may be silent, who asks for it
//! - [`fence`]: behind a STOP, what only goes on sending starts nothing
//! - [`axis_lock`]: while an update is taken nothing starts

pub mod axis_lock;
pub mod client;
pub mod fence;
pub mod lease;
