//! Who uses the machine: pages and programs that do what people do, the right thing mostly, the wrong one now and then.

use serde_json::{Value, json};

use super::client::{ClientRequest, ClientSocket, Tell, Who};
use super::gear::Gear;
use super::waves;
use super::whole::TrialProcess;
use crate::api::fence;
use crate::hal::sim::Random;
use crate::units::{Nanos, SECOND_NS};

/// How long an answer may take, in ms; the server gives up after two seconds.
const ANSWER_MS: u64 = 3_000;

/// The first two of what somebody does: they start something.
const CALIBRATE: usize = 0;
const RUN: usize = 1;

/// The clients.
pub struct Operator {
    random: Random,
    /// What they know of the machine.
    gear: Gear,
    /// The page's sockets, while it is there.
    status: Option<ClientSocket>,
    telemetry: Option<ClientSocket>,
    /// A backup that was taken earlier.
    backup: Option<Value>,
    /// When it does something next.
    pub next_ns: Nanos,
    /// Whoever saw a STOP starts nothing before, as a rule (S34).
    pauses_until_ns: Nanos,
}

fn call(who: Who, method: &'static str, path: &str, body: &Value) -> ClientRequest {
    let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
    ClientRequest { who, method, path: path.to_owned(), body }
}

impl Operator {
    /// Somebody who is about to come.
    #[must_use]
    pub fn new(random: Random, gear: Gear) -> Operator {
        Operator { random, gear, status: None, telemetry: None, backup: None, next_ns: 0, pauses_until_ns: 0 }
    }

    /// The page is opened, if it is not there.
    pub fn come(&mut self, whole: &mut TrialProcess) {
        if self.status.as_ref().is_none_or(|socket| !socket.is_open()) {
            self.status = Some(whole.socket(Who::Page, "status"));
        }
        if self.telemetry.as_ref().is_none_or(|socket| !socket.is_open()) && self.random.chance(0.2) {
            self.telemetry = Some(whole.socket(Who::Page, "telemetry"));
        }
    }

    /// The page is closed.
    pub fn leave(&mut self, whole: &mut TrialProcess) {
        self.forget();
        whole.witness().facts.told.page_there = false;
    }

    /// The page's computer falls asleep: its sockets stay, and say nothing.
    pub fn hang(&mut self, whole: &mut TrialProcess) {
        whole.witness().facts.told.page_there = false;
        for socket in [&self.status, &self.telemetry].into_iter().flatten() {
            socket.tell(Tell::Hang);
        }
    }

    /// The process is gone, and with it all sockets.
    pub fn forget(&mut self) {
        (self.status, self.telemetry) = (None, None);
    }

    /// The next thing that somebody does.
    pub fn act(&mut self, whole: &mut TrialProcess) {
        self.come(whole);
        let asked = whole.answer(call(Who::Page, "GET", "/api/status", &Value::Null), ANSWER_MS);
        let state = asked.and_then(|answer| Some(answer.body.get("state")?.as_str()?.to_owned()));
        // Whoever wants a wave does not wait long for it; once it runs, they have time.
        let longest_s = if matches!(state.as_deref(), Some("running" | "homing")) { 5.0 } else { 0.8 };
        let pause_s = self.random.log_between(0.05, longest_s);
        match state.as_deref() {
            Some("not_homed") => self.one_of(whole, &[60, 5, 3, 3, 6, 6, 3, 3, 2]),
            // Mostly they wait.
            Some("homing") if self.random.chance(0.7) => {}
            Some("homing") => self.one_of(whole, &[2, 4, 2, 6, 6, 4, 2, 2, 2]),
            Some("ready") => self.one_of(whole, &[5, 60, 3, 4, 10, 8, 2, 2, 3]),
            Some("running" | "ending") => self.one_of(whole, &[3, 25, 8, 20, 14, 12, 2, 2, 3]),
            Some("disarmed") => self.one_of(whole, &[15, 10, 3, 3, 4, 4, 5, 50, 2]),
            Some("faulted") => self.one_of(whole, &[20, 15, 3, 5, 6, 5, 40, 10, 2]),
            _ => {}
        }
        whole.finish_requests(ANSWER_MS);
        self.next_ns = whole.now() + (pause_s * SECOND_NS as f64) as Nanos;
    }

    /// calibrate, run, end, stop, settings, limits, acknowledge, arm, backup: each as likely as its weight.
    fn one_of(&mut self, whole: &mut TrialProcess, weights: &[u32; 9]) {
        let choice = self.random.weighted(weights);
        if matches!(choice, CALIBRATE | RUN) && whole.now() < self.pauses_until_ns {
            if self.random.chance(0.9) {
                return;
            }
            // Somebody who goes on sending, and begins their pause anew.
            self.pause(whole);
        }
        let request = match choice {
            CALIBRATE => self.command("calibrate"),
            RUN => self.run(),
            2 => self.command("end"),
            3 => return self.stop(whole),
            4 => self.settings(),
            5 => self.limits(),
            6 => self.command("acknowledge"),
            7 => self.command("arm"),
            _ => return self.back_up_or_restore(whole),
        };
        whole.ask(request);
    }

    fn who(&mut self) -> Who {
        if self.random.chance(0.8) { Who::Page } else { Who::Program }
    }

    fn command(&mut self, name: &str) -> ClientRequest {
        call(self.who(), "POST", "/api/commands/run", &json!({ "type": name }))
    }

    fn run(&mut self) -> ClientRequest {
        let wave = waves::any(&mut self.random, self.gear.max_stroke_mm as f64);
        call(self.who(), "POST", "/api/wave/run", &wave)
    }

    /// From now on for as long as behind a STOP, and a little more.
    fn pause(&mut self, whole: &TrialProcess) {
        let pause_ns = fence::PAUSE.as_nanos() as f64 * self.random.between(1.05, 1.5);
        self.pauses_until_ns = whole.now() + pause_ns as Nanos;
    }

    /// STOP, in one of the ways that there are.
    fn stop(&mut self, whole: &mut TrialProcess) {
        self.pause(whole);
        match self.random.weighted(&[3, 2, 2, 2]) {
            0 => whole.ask(call(Who::Page, "POST", "/api/stop", &Value::Null)),
            1 => whole.ask(call(Who::Guest, "POST", "/api/stop", &Value::Null)),
            2 => whole.ask(ClientRequest {
                body: br#"{"type":"stop"}"#.to_vec(),
                ..call(Who::Program, "POST", "/api/commands/run", &Value::Null)
            }),
            _ => {
                if let Some(socket) = &self.status {
                    socket.tell(Tell::Send(r#"{"stream": "command_all", "type": "stop"}"#.to_owned()));
                }
                0
            }
        };
    }

    /// A backup is taken; the next time it is brought back, whatever was set meanwhile.
    fn back_up_or_restore(&mut self, whole: &mut TrialProcess) {
        match self.backup.take() {
            Some(backup) => {
                whole.ask(call(Who::Page, "POST", "/api/backup", &backup));
            }
            None => {
                let answer = whole.answer(call(Who::Page, "GET", "/api/backup", &Value::Null), ANSWER_MS);
                self.backup = answer.map(|answer| answer.body);
            }
        }
    }

    fn settings(&mut self) -> ClientRequest {
        let random = &mut self.random;
        let stroke_mm = self.gear.max_stroke_mm as f64;
        let body = match random.weighted(&[5, 4, 3, 3, 1, 1, 2]) {
            0 => json!({ "stroke_limit": random.between(3.0, stroke_mm) as i64 }),
            1 => json!({ "force_limit": random.log_between(100.0, 5_000.0) as i64 }),
            2 => json!({ "tick_stroke_limit": random.between(1.0, 20.0) as i64 }),
            3 => {
                let first = random.between(10.0, 100.0);
                let chart: Vec<i64> = (0..10).map(|i| (first * (1.0 - f64::from(i) / 10.0)) as i64).collect();
                json!({ "stroke_force_chart": chart })
            }
            4 => json!({ "padding_mm": random.between(0.0, (stroke_mm / 6.0).min(12.0)) as i64 }),
            5 => {
                let measured_mm = (stroke_mm * random.between(0.99, 1.03)) as i64;
                json!({ "max_stroke": measured_mm, "stroke_limit": measured_mm })
            }
            // Refused, all of it.
            _ => json!({ "stroke_limit": 20, "force_limit": -5, "padding_mm": "wide" }),
        };
        call(self.who(), "PUT", "/api/settings/machine-thrust/default", &body)
    }

    fn limits(&mut self) -> ClientRequest {
        let limits = self.gear.limits(&mut self.random);
        // Now and then more than the pulses can make.
        let share = if self.random.chance(0.05) { 1.5 } else { 1.0 };
        let body = json!({
            "max_speed_mm_s": share * limits.max_speed.get(),
            "max_acceleration_mm_s2": limits.max_acceleration.get(),
            "max_jerk_mm_s3": limits.max_jerk.get(),
            "stop_deceleration_mm_s2": limits.stop_deceleration.get(),
            "approach_speed_mm_s": limits.approach_speed.get(),
        });
        call(self.who(), "PUT", "/api/motion/limits", &body)
    }

    /// A flood of commands, and STOP in the midst of it.
    pub fn flood(&mut self, whole: &mut TrialProcess) {
        whole.finish_requests(ANSWER_MS);
        self.come(whole);
        for i in 0..30 {
            let name = *self.random.one_of(&["calibrate", "end", "acknowledge", "arm"]);
            let request = self.command(name);
            whole.ask(request);
            if i == 20 && self.random.chance(0.5) {
                whole.ask(call(Who::Guest, "POST", "/api/stop", &Value::Null));
            }
        }
        if let Some(socket) = &self.status {
            for _ in 0..20 {
                let name = *self.random.one_of(&["calibrate", "end", "acknowledge", "arm", "stop"]);
                socket.tell(Tell::Send(format!(r#"{{"stream": "command_all", "type": "{name}"}}"#)));
            }
        }
        whole.finish_requests(ANSWER_MS);
        self.pause(whole);
    }

    /// Requests and frames that mean nothing.
    pub fn garbage(&mut self, whole: &mut TrialProcess) {
        whole.finish_requests(ANSWER_MS);
        let paths = [
            "/api/wave/run",
            "/api/wave/get",
            "/api/commands/run",
            "/api/settings/machine-thrust/default",
            "/api/motion/limits",
            "/api/curve",
            "/api/sim",
            "/api/nothing",
        ];
        let good: &[&[u8]] = &[
            b"{",
            b"[]",
            b"null",
            br#"{"type": 5, "duration": "NaN"}"#,
            br#"{"type": "sine", "duration": -1}"#,
            br#"{"type": "sine", "duration": 1e308}"#,
            br#"{"type": "square", "duration": 1e-308}"#,
            br#"{"max_speed_mm_s": 1e999}"#,
            br#"{"stroke_limit": 9223372036854775807}"#,
            br#"{"type": "loop_wave"}"#,
        ];
        for _ in 0..6 {
            let method = *self.random.one_of(&["GET", "PUT", "POST", "DELETE"]);
            let path = *self.random.one_of(&paths);
            let body = if self.random.chance(0.6) {
                self.random.one_of(good).to_vec()
            } else {
                let length = self.random.log_between(1.0, 30_000.0) as usize;
                (0..length).map(|_| self.random.number() as u8).collect()
            };
            whole.ask(ClientRequest { who: self.who(), method, path: path.to_owned(), body });
            whole.finish_requests(ANSWER_MS);
        }
        let socket = whole.socket(Who::Program, "status");
        let length = self.random.between(0.0, 200.0) as usize;
        let text: String = (0..length).map(|_| char::from((self.random.below(94) + 33) as u8)).collect();
        socket.tell(Tell::Send(text));
        whole.run_until(whole.now() + SECOND_NS / 50);
    }
}
