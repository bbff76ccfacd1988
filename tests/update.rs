//! Update in place (docs/UPDATE.md): the file, the slots of the card, the stored state, the commands on a card of
//! files, and the way through the server.

#[path = "update/builder.rs"]
mod builder;
#[path = "update/commands.rs"]
mod commands;
#[path = "update/file.rs"]
mod file;
#[path = "support/real/mod.rs"]
mod real;
#[path = "update/slots.rs"]
mod slots;
#[path = "update/state.rs"]
mod state;
#[path = "update/through_server.rs"]
mod through_server;
