//! Interactions ("seams"): two causes meet, or a rule meets its bound. On virtual time, each test states a promise and
//! checks it on the edges, the switches and the carriage, and compares the machine's reports with those.

mod support;

#[path = "support/random.rs"]
mod random;

#[path = "seams/end_cause.rs"]
mod end_cause;
#[path = "seams/ending.rs"]
mod ending;
#[path = "seams/events.rs"]
mod events;
#[path = "seams/fine.rs"]
mod fine;
#[path = "seams/force.rs"]
mod force;
#[path = "seams/glitch.rs"]
mod glitch;
#[path = "support/loops.rs"]
mod loops;
#[path = "seams/plain.rs"]
mod plain;
#[path = "seams/power.rs"]
mod power;
#[path = "seams/rate.rs"]
mod rate;
#[path = "seams/settings.rs"]
mod settings;
#[path = "seams/stall.rs"]
mod stall;
#[path = "seams/switch_name.rs"]
mod switch_name;
