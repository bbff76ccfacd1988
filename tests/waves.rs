//! Waves of all types as users meet them: requested over HTTP, executed as pulses, changed while they run.

#[path = "support/api.rs"]
mod api;
#[path = "support/random.rs"]
mod random;
mod support;

#[path = "waves/asked.rs"]
mod asked;
#[path = "waves/blended.rs"]
mod blended;
#[path = "waves/ended.rs"]
mod ended;
#[path = "waves/moved.rs"]
mod moved;
#[path = "waves/too_fast.rs"]
mod too_fast;
