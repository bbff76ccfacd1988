//! The page of the feeds: a person sets the window, and lets feeds go on behind a STOP.

use serde_json::{Value, json};

use super::ns;
use crate::hal::sim::Random;
use crate::trial::acts::{FEEDS, RESUME};
use crate::trial::client::{ClientKind, ClientRequest};
use crate::trial::control_client::ControlClient;
use crate::trial::gear::Gear;
use crate::trial::process::TrialProcess;
use crate::units::{MILLISECOND_NS, Nanos};

/// How often it looks at the machine.
const LOOKS_NS: Nanos = 50 * MILLISECOND_NS;

/// The page.
pub struct FeedDesk {
    gear: Gear,
    /// Its control socket, by which it knows the number of STOPs.
    pub socket: Option<ControlClient>,
    acts_ns: Nanos,
    /// When it looks at the machine next, and whether that was free when it looked last.
    looks_ns: Nanos,
    was_free: bool,
    /// A resume that is on its way, with its instant and number.
    delayed: Option<(Nanos, u64)>,
}

fn request(who: ClientKind, method: &'static str, path: &str, body: &Value) -> ClientRequest {
    let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
    ClientRequest { who, method, path: path.to_owned(), body }
}

impl FeedDesk {
    /// A page that is not open yet.
    pub fn new(gear: Gear, random: &mut Random) -> FeedDesk {
        let acts_ns = ns(random.between(0.2, 2.0));
        FeedDesk { gear, socket: None, acts_ns, looks_ns: acts_ns, was_free: false, delayed: None }
    }

    /// Instant of its next act.
    pub fn next_ns(&self) -> Nanos {
        let next_ns = self.acts_ns.min(self.looks_ns);
        self.delayed.map_or(next_ns, |(at_ns, _)| at_ns.min(next_ns))
    }

    /// Does what is due.
    pub fn act(&mut self, process: &mut TrialProcess, random: &mut Random) {
        let now = process.now();
        if let Some((_, stops)) = self.delayed.take_if(|(at_ns, _)| *at_ns <= now) {
            resume(process, stops);
        }
        if now >= self.looks_ns {
            self.looks_ns = now + LOOKS_NS;
            // Somebody else has the axis soon, and what was refused before starts nothing by itself.
            let is_free = self.socket.as_ref().is_some_and(|socket| socket.known().state == "ready");
            if is_free && !core::mem::replace(&mut self.was_free, is_free) {
                self.acts_ns = self.acts_ns.min(now + ns(random.log_between(0.01, 1.0)));
            }
            self.was_free = is_free;
        }
        if now < self.acts_ns {
            return;
        }
        self.acts_ns = now + ns(random.log_between(0.3, 3.0));
        let Some(socket) = self.socket.as_ref().filter(|socket| socket.is_open()) else {
            self.socket = Some(process.open_control(ClientKind::Desk, None));
            return;
        };
        let known = socket.known();
        let is_free = known.state == "ready";
        if is_free {
            self.acts_ns = now + ns(random.log_between(0.05, 1.0));
        }
        match random.weighted(&[if is_free { 20 } else { 8 }, 1, 3, 1, 1, 4]) {
            0 => resume(process, known.stops),
            // A number that it has not seen, or no longer sees.
            1 => resume(process, if random.chance(0.5) { known.stops + 1 } else { known.stops / 2 }),
            2 => {
                let window = self.window(random);
                process.send(request(ClientKind::Desk, "PATCH", FEEDS, &json!({ "window": window })));
            }
            3 => {
                process.send(request(ClientKind::Desk, "PATCH", FEEDS, &json!({ "whole_window": true })));
            }
            // Somebody else presses STOP while its own word is on the way.
            4 if known.state == "following" && random.chance(0.3) => {
                process.send(request(ClientKind::Guest, "POST", "/api/v1/stop", &Value::Null));
                self.delayed = Some((now + random.below(60 * MILLISECOND_NS), known.stops));
            }
            _ => {}
        }
    }

    /// A window, now and then one that is none or that reaches beyond the rail.
    fn window(&self, random: &mut Random) -> Value {
        let most_mm = 1.05 * self.gear.max_stroke_mm as f64;
        let (one, other) = (random.between(0.0, most_mm), random.between(0.0, most_mm));
        let length_mm = if random.chance(0.1) { random.between(-1.0, 2.0) } else { (one - other).abs() };
        let back_mm = one.min(other);
        json!({ "back_mm": back_mm, "front_mm": back_mm + length_mm })
    }
}

fn resume(process: &mut TrialProcess, stops: u64) {
    process.send(request(ClientKind::Desk, "POST", RESUME, &json!({ "after_stop": stops })));
}
