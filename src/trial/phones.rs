//! Clients in the network: two phones that were let in, an admin that takes them off the list and lets them in again, a stranger
//! that tries to get in, and a feed on this computer that only goes on sending.
//!
//! They have random numbers of their own, so that the other clients of a seed do as they did before there were phones.

mod finger;
mod phone;
mod stranger;

use std::sync::{Mutex, PoisonError};

use serde_json::{Value, json};

use self::finger::Finger;
use self::phone::Phone;
use self::stranger::Stranger;
use super::acts::{ClientAct, DEVICES, PAIRING_CODE};
use super::client::{ClientAnswer, ClientKind, ClientRequest};
use super::fault::InjectedFault;
use super::gear::Gear;
use super::process::TrialProcess;
use crate::auth::Token;
use crate::hal::sim::Random;
use crate::store::inline::InlineStore;
use crate::store::{DeviceKind, DeviceRecord, DeviceRole, StateChange, StoreError};
use crate::units::{MILLISECOND_NS, Nanos, SECOND_NS};

/// Share of the runs in which there are phones.
const PRESENT_SHARE: f64 = 0.6;
/// Share of the acts that a phone leaves out while the machine homes.
const HOMING_SHARE: f64 = 0.9;
/// The phones, with their roles.
const PHONES: [(ClientKind, DeviceRole); 3] = [
    (ClientKind::Phone, DeviceRole::Operator),
    (ClientKind::OtherPhone, DeviceRole::Operator),
    (ClientKind::Admin, DeviceRole::Admin),
];

/// The misdeeds that a run allows.
#[derive(Debug, Clone, Copy)]
struct Misdeeds {
    /// Pages hang.
    hangs: bool,
    /// Pages are closed.
    leaves: bool,
}

/// Something that a client has decided on, and that comes later.
#[derive(Debug)]
struct DelayedAct {
    at_ns: Nanos,
    decided_ns: Nanos,
    what: Delayed,
}

#[derive(Debug)]
enum Delayed {
    /// A message on the socket of the phone at this index.
    Message(usize, Value),
    /// A request, with the token that it had then.
    Request(ClientRequest, Option<String>),
}

/// The clients in the network of one run.
pub struct PhoneWorkload {
    random: Random,
    gear: Gear,
    misdeeds: Misdeeds,
    phones: Vec<Phone>,
    /// The finger on the admin's page.
    finger: Finger,
    stranger: Stranger,
    delayed: Vec<DelayedAct>,
    /// Instant of the next burst of the feed.
    feed_ns: Nanos,
    /// Instant of the next action.
    pub next_ns: Nanos,
}

fn request(who: ClientKind, method: &'static str, path: &str, body: &Value) -> ClientRequest {
    let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
    ClientRequest { who, method, path: path.to_owned(), body }
}

fn ns(s: f64) -> Nanos {
    (s * SECOND_NS as f64) as Nanos
}

impl PhoneWorkload {
    /// The clients of a run with those faults; in some runs there are none.
    pub fn new(mut random: Random, gear: Gear, faults: &[InjectedFault]) -> PhoneWorkload {
        let misdeeds = Misdeeds {
            hangs: faults.contains(&InjectedFault::ClientHangs),
            leaves: faults.contains(&InjectedFault::ClientLeaves),
        };
        let mut own = random;
        let finger = Finger::new(Random::new(own.number()));
        let there = random.chance(PRESENT_SHARE);
        let phones =
            if there { PHONES.map(|(kind, _)| Phone::new(kind, &mut random)).into() } else { vec![] };
        PhoneWorkload {
            feed_ns: ns(random.between(5.0, 60.0)),
            random,
            gear,
            misdeeds,
            phones,
            finger,
            stranger: Stranger::default(),
            delayed: Vec::new(),
            next_ns: if there { 0 } else { Nanos::MAX },
        }
    }

    /// Puts the phones on the list of devices.
    ///
    /// # Errors
    /// They cannot be stored.
    pub fn let_in(&mut self, disk: &Mutex<InlineStore>) -> Result<Vec<(ClientKind, u32)>, StoreError> {
        let mut disk = disk.lock().unwrap_or_else(PoisonError::into_inner);
        let mut known = Vec::new();
        for (phone, (kind, role)) in self.phones.iter_mut().zip(PHONES) {
            let token = Token::new([phone.kind as u8; 32]);
            let number = disk.kept()?.0.next_device();
            let record = DeviceRecord {
                name: format!("{kind:?}"),
                role,
                kind: DeviceKind::Browser,
                token_hash: token.hash().0,
                paired_unix_s: 0,
                last_seen_unix_s: 0,
                last_used_h: 0,
            };
            disk.save(StateChange::PutDevice(number, record))?;
            phone.token = Some(token.text());
            known.push((kind, number));
        }
        Ok(known)
    }

    /// Drops all sockets: the server process has ended.
    pub fn drop_sockets(&mut self) {
        self.delayed.clear();
        self.stranger.socket = None;
        for phone in &mut self.phones {
            phone.socket = None;
        }
    }

    /// Does everything that is due, and schedules the next action.
    pub fn act(&mut self, process: &mut TrialProcess) {
        for answer in process.take_answers_of_phones() {
            self.hear(process, &answer);
        }
        self.send_what_was_delayed(process);
        let now = process.now();
        for index in 0..self.phones.len() {
            self.phones[index].be_there(process, &mut self.random);
            let is_admin = self.phones[index].kind == ClientKind::Admin;
            if is_admin {
                self.finger.act(process, &self.phones[index]);
            }
            if now >= self.phones[index].acts_ns && !(is_admin && self.finger.is_down()) {
                let pause = ns(self.random.log_between(0.3, 6.0));
                self.phones[index].acts_ns = now + pause;
                self.act_as(index, process);
            }
        }
        self.stranger.act(process, &mut self.random);
        if now >= self.feed_ns {
            self.feed_ns = now + ns(self.random.between(15.0, 90.0));
            if !self.phones.iter().any(|phone| phone.sees("homing")) {
                self.plan_feed(now);
            }
        }
        let phones = self.phones.iter().map(|phone| phone.alive_ns.min(phone.acts_ns));
        let delayed = self.delayed.iter().map(|delayed| delayed.at_ns);
        let own = [self.stranger.next_ns, self.feed_ns, self.finger.next_ns];
        let next = phones.chain(delayed).chain(own).min();
        // Whatever is overdue comes with the next slice.
        self.next_ns = next.unwrap_or(Nanos::MAX).max(now + 10 * MILLISECOND_NS);
    }

    fn send_what_was_delayed(&mut self, process: &mut TrialProcess) {
        let now = process.now();
        let (due, later): (Vec<_>, Vec<_>) = self.delayed.drain(..).partition(|delayed| delayed.at_ns <= now);
        self.delayed = later;
        for DelayedAct { decided_ns, what, .. } in due {
            match what {
                Delayed::Message(index, message) => self.phones[index].say(process, message, decided_ns),
                Delayed::Request(call, token) => {
                    process.send_with(call, token, decided_ns);
                }
            }
        }
    }

    /// One act of the phone at this index.
    fn act_as(&mut self, index: usize, process: &mut TrialProcess) {
        let now = process.now();
        let phone = &self.phones[index];
        if phone.hangs_until_ns > now {
            return;
        }
        let is_admin = phone.kind == ClientKind::Admin;
        let Some(known) = phone.socket.as_ref().map(|socket| socket.known()) else {
            // It may be that its token is good no more, and it does not know.
            if self.random.chance(0.5) {
                let call = self.run_request(index, 0);
                process.send_with(call, self.phones[index].token.clone(), now);
            }
            return;
        };
        // Homing takes long, and waves are what is in question.
        if known.state == "homing" && self.random.chance(HOMING_SHARE) {
            return;
        }
        let moves = matches!(known.state.as_str(), "running" | "following" | "ending" | "homing");
        let (hangs, leaves) = (u32::from(self.misdeeds.hangs), u32::from(self.misdeeds.leaves));
        let weights = [
            if known.state == "ready" { 40 } else { 8 },
            if known.state == "not_homed" { 60 } else { 1 },
            if moves { 6 } else { 1 },
            if moves { 4 } else { 1 },
            if known.state == "faulted" { 15 } else { 0 },
            if known.state == "disarmed" { 15 } else { 0 },
            6,
            3,
            if known.asked_for && known.in_charge { 40 } else { 1 },
            if matches!(known.state.as_str(), "ready" | "running") { 8 } else { 0 },
            hangs * if known.in_charge && moves { 40 } else { 3 },
            leaves * 3,
            if is_admin { 5 } else { 0 },
            if is_admin { 6 } else { 0 },
            match known.state.as_str() {
                "ready" => 25,
                "following" => 5,
                _ => 2,
            },
            if known.state == "following" { 40 } else { 1 },
        ];
        let lease = |act: &str| json!({ "type": "lease", "act": act });
        let message = match self.random.weighted(&weights) {
            0 => self.run_message(known.stops),
            1 => json!({ "type": "calibrate", "after_stop": known.stops }),
            2 => json!({ "type": "end" }),
            3 => json!({ "type": "stop" }),
            4 => json!({ "type": "acknowledge" }),
            5 => json!({ "type": "arm" }),
            6 => lease("ask"),
            7 => lease("release"),
            8 => lease(if self.random.chance(0.8) { "hand_over" } else { "keep" }),
            9 => return self.plan_late_start(index, known.stops, process.now()),
            10 => return self.phones[index].hang(ns(self.random.between(2.0, 10.0)), now),
            11 => return self.phones[index].leave(ns(self.random.log_between(0.1, 8.0)), now),
            12 => lease("force"),
            13 => return self.let_out_or_in(process),
            14 => self.play_message(known.stops),
            _ => json!({
                "type": "change",
                "pattern": super::patterns::random_change(&mut self.random),
                "after_stop": known.stops,
            }),
        };
        self.phones[index].say(process, message, now);
    }

    fn run_message(&mut self, stops: u64) -> Value {
        let wave = super::waves::random_wave(&mut self.random, self.gear.max_stroke_mm as f64);
        let presence = if self.random.chance(0.1) { "go_on" } else { "watch" };
        json!({ "type": "run", "wave": wave, "presence": presence, "after_stop": stops })
    }

    fn play_message(&mut self, stops: u64) -> Value {
        let pattern = super::patterns::random_pattern(&mut self.random);
        let presence = if self.random.chance(0.1) { "go_on" } else { "watch" };
        json!({ "type": "run", "pattern": pattern, "presence": presence, "after_stop": stops })
    }

    /// The same as a request of that phone.
    fn run_request(&mut self, index: usize, stops: u64) -> ClientRequest {
        let mut body = self.run_message(stops);
        body.as_object_mut().map(|fields| fields.shift_remove("type"));
        request(self.phones[index].kind, "POST", "/api/v1/machine/run", &body)
    }

    /// A start that is long on its way, and usually a STOP of somebody else that overtakes it.
    fn plan_late_start(&mut self, index: usize, stops: u64, now: Nanos) {
        let delay_s = self.random.log_between(0.05, 4.0);
        let what = if self.random.chance(0.5) {
            Delayed::Message(index, self.run_message(stops))
        } else {
            Delayed::Request(self.run_request(index, stops), self.phones[index].token.clone())
        };
        self.delayed.push(DelayedAct { at_ns: now + ns(delay_s), decided_ns: now, what });
        if self.random.chance(0.8) {
            let at_ns = now + ns(delay_s * self.random.between(0.0, 0.95));
            let stop = request(ClientKind::Guest, "POST", "/api/v1/stop", &Value::Null);
            self.delayed.push(DelayedAct { at_ns, decided_ns: at_ns, what: Delayed::Request(stop, None) });
        }
    }

    /// Starts one after the other at an even pace, and usually a STOP of somebody else among them.
    fn plan_feed(&mut self, now: Nanos) {
        let (pace_s, lasts_s) = (self.random.log_between(0.05, 1.0), self.random.between(2.0, 12.0));
        let wave = json!({ "type": "sine", "duration": self.random.between(1.0, 4.0), "amplitude": 0.4 });
        for index in 0..(lasts_s / pace_s) as u32 {
            let at_ns = now + ns(pace_s * f64::from(index));
            let start = request(ClientKind::Feed, "POST", "/api/wave/run", &wave);
            self.delayed.push(DelayedAct { at_ns, decided_ns: at_ns, what: Delayed::Request(start, None) });
        }
        if self.random.chance(0.8) {
            let at_ns = now + ns(lasts_s * self.random.between(0.0, 0.6));
            let stop = request(ClientKind::Guest, "POST", "/api/stop", &Value::Null);
            self.delayed.push(DelayedAct { at_ns, decided_ns: at_ns, what: Delayed::Request(stop, None) });
        }
    }

    /// The admin takes a phone off the list, or opens a window for one that is not on it.
    fn let_out_or_in(&mut self, process: &mut TrialProcess) {
        let now = process.now();
        let let_in = process.witness().facts.let_in.clone();
        let numbers = let_in.iter().filter(|(kind, _)| *kind != ClientKind::Admin);
        let numbers: Vec<u32> = numbers.map(|(_, number)| *number).collect();
        let is_out = let_in.len() < self.phones.len();
        let call = if numbers.is_empty() || (is_out && self.random.chance(0.8)) {
            let body = json!({ "role": "operator" });
            request(ClientKind::Admin, "POST", "/api/v1/pairing/window", &body)
        } else {
            let path = format!("{DEVICES}{}", self.random.one_of(&numbers));
            request(ClientKind::Admin, "DELETE", &path, &Value::Null)
        };
        let token = self.phones.iter().find(|phone| phone.kind == ClientKind::Admin);
        process.send_with(call, token.and_then(|phone| phone.token.clone()), now);
    }

    /// Takes an answer to a request of these clients.
    fn hear(&mut self, process: &mut TrialProcess, answer: &ClientAnswer) {
        if answer.status != Some(200) {
            return;
        }
        let phone = self.phones.iter_mut().find(|phone| phone.kind == answer.call.who);
        match ClientAct::of(&answer.call) {
            ClientAct::Pair => {
                if let (Some(phone), Some(token)) = (phone, &answer.token) {
                    // Whoever finds the old token may try it.
                    self.stranger.stolen.extend(phone.token.replace(token.clone()));
                }
            }
            _ if answer.call.path == "/api/v1/pairing/window" => {
                let facts = &process.witness().facts;
                let out = self.phones.iter().find(|phone| !facts.may_move(phone.kind));
                if let Some(who) = out.map(|phone| phone.kind) {
                    let body = json!({ "name": format!("{who:?}"), "code": answer.body["code"] });
                    process.send(request(who, "POST", PAIRING_CODE, &body));
                }
            }
            _ => {}
        }
    }
}
