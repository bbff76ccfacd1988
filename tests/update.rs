//! Update in place (docs/UPDATE.md): the file, the slots of the card, the stored state.

#[path = "update/builder.rs"]
mod builder;
#[path = "update/file.rs"]
mod file;
#[path = "update/slots.rs"]
mod slots;
#[path = "update/state.rs"]
mod state;
