//! Waves of all types, where users meet them: asked for over HTTP, executed as pulses, changed while they run.

#[path = "support/api.rs"]
mod api;
mod support;

#[path = "waves/asked.rs"]
mod asked;
#[path = "waves/moved.rs"]
mod moved;
