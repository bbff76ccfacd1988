//! Client workload: simulated pages and programs that send the requests people send, mostly valid, sometimes not.

use serde_json::{Value, json};

use super::acts::PATTERN;
use super::client::{ClientKind, ClientRequest, ClientSocket, SocketAction};
use super::gear::Gear;
use super::process::TrialProcess;
use super::{patterns, waves};
use crate::api::charge::fence;
use crate::hal::sim::Random;
use crate::units::{MILLISECOND_NS, Nanos, SECOND_NS};

/// Longest wait for an answer, in ms; the server gives up after two seconds.
const ANSWER_MS: u64 = 3_000;

/// Indices of the requests in [`ClientWorkload::send_one_of`] that start a motion.
const CALIBRATE: usize = 0;
const RUN: usize = 1;
const PLAY: usize = 9;
/// Share of the changes of a pattern that come as fast as a finger moves on a slider.
const DRAG_SHARE: f64 = 0.15;

/// The simulated clients of one run.
pub struct ClientWorkload {
    random: Random,
    /// The machine that they use.
    gear: Gear,
    /// The page's sockets while the page is open.
    status: Option<ClientSocket>,
    telemetry: Option<ClientSocket>,
    /// A backup that was taken earlier and not restored yet.
    backup: Option<Value>,
    /// Instant of the next action.
    pub next_ns: Nanos,
    /// After a STOP clients usually start nothing before this instant (S34).
    pauses_until_ns: Nanos,
}

fn build_request(who: ClientKind, method: &'static str, path: &str, body: &Value) -> ClientRequest {
    let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
    ClientRequest { who, method, path: path.to_owned(), body }
}

impl ClientWorkload {
    /// A workload whose page is not open yet.
    pub fn new(random: Random, gear: Gear) -> ClientWorkload {
        ClientWorkload {
            random,
            gear,
            status: None,
            telemetry: None,
            backup: None,
            next_ns: 0,
            pauses_until_ns: 0,
        }
    }

    /// Opens the page's sockets that are not open.
    pub fn open_page(&mut self, process: &mut TrialProcess) {
        if self.status.as_ref().is_none_or(|socket| !socket.is_open()) {
            self.status = Some(process.open_socket(ClientKind::Page, "status"));
        }
        if self.telemetry.as_ref().is_none_or(|socket| !socket.is_open()) && self.random.chance(0.2) {
            self.telemetry = Some(process.open_socket(ClientKind::Page, "telemetry"));
        }
    }

    /// Closes the page.
    pub fn close_page(&mut self, process: &mut TrialProcess) {
        self.drop_sockets();
        process.witness().facts.ground_truth.page_there = false;
    }

    /// Freezes the page as if its computer fell asleep: its sockets stay open and send nothing.
    pub fn freeze_page(&mut self, process: &mut TrialProcess) {
        process.witness().facts.ground_truth.page_there = false;
        for socket in [&self.status, &self.telemetry].into_iter().flatten() {
            socket.act(SocketAction::Hang);
        }
    }

    /// Drops all sockets: the server process has ended.
    pub fn drop_sockets(&mut self) {
        (self.status, self.telemetry) = (None, None);
    }

    /// Sends one random request that fits the state of the machine, and schedules the next one.
    pub fn act(&mut self, process: &mut TrialProcess) {
        self.open_page(process);
        let asked = process
            .request(build_request(ClientKind::Page, "GET", "/api/v1/machine", &Value::Null), ANSWER_MS);
        let state = asked.and_then(|answer| Some(answer.body.get("state")?.as_str()?.to_owned()));
        // Clients start a wave soon, and then let it run.
        let longest_s =
            if matches!(state.as_deref(), Some("running" | "following" | "homing")) { 5.0 } else { 0.8 };
        let pause_s = self.random.log_between(0.05, longest_s);
        match state.as_deref() {
            Some("not_homed") => self.send_one_of(process, &[60, 5, 3, 3, 6, 6, 3, 3, 2, 3, 0]),
            // Mostly the clients wait for the end of homing.
            Some("homing") if self.random.chance(0.7) => {}
            Some("homing") => self.send_one_of(process, &[2, 4, 2, 6, 6, 4, 2, 2, 2, 2, 1]),
            Some("ready") => self.send_one_of(process, &[5, 40, 3, 4, 10, 8, 2, 2, 3, 30, 1]),
            Some("running" | "ending") => self.send_one_of(process, &[3, 25, 8, 20, 14, 12, 2, 2, 3, 12, 1]),
            // A feed goes on without the page, which stops it now and then; a pattern is changed.
            Some("following") => self.send_one_of(process, &[2, 10, 4, 6, 14, 12, 2, 2, 3, 8, 50]),
            Some("disarmed") => self.send_one_of(process, &[15, 10, 3, 3, 4, 4, 5, 50, 2, 4, 0]),
            Some("faulted") => self.send_one_of(process, &[20, 15, 3, 5, 6, 5, 40, 10, 2, 5, 0]),
            _ => {}
        }
        process.finish_requests(ANSWER_MS);
        self.next_ns = process.now() + (pause_s * SECOND_NS as f64) as Nanos;
    }

    /// Sends one of: calibrate, run, end, stop, settings, limits, acknowledge, arm, backup, pattern, change of the pattern; `weights`
    /// in this order.
    fn send_one_of(&mut self, process: &mut TrialProcess, weights: &[u32; 11]) {
        let choice = self.random.weighted(weights);
        if matches!(choice, CALIBRATE | RUN | PLAY) && process.now() < self.pauses_until_ns {
            if self.random.chance(0.9) {
                return;
            }
            // A client that does not pause; the server restarts its pause.
            self.start_pause(process);
        }
        let request = match choice {
            CALIBRATE => self.command("calibrate"),
            RUN => self.run(),
            2 => self.command("end"),
            3 => return self.stop(process),
            4 => self.settings(),
            5 => self.limits(),
            6 => self.command("acknowledge"),
            7 => self.command("arm"),
            8 => return self.back_up_or_restore(process),
            PLAY => self.play(),
            _ => return self.change(process),
        };
        process.send(request);
    }

    fn pick_client(&mut self) -> ClientKind {
        if self.random.chance(0.8) { ClientKind::Page } else { ClientKind::Program }
    }

    fn command(&mut self, name: &str) -> ClientRequest {
        build_request(self.pick_client(), "POST", "/api/commands/run", &json!({ "type": name }))
    }

    fn run(&mut self) -> ClientRequest {
        let wave = waves::random_wave(&mut self.random, self.gear.max_stroke_mm as f64);
        build_request(self.pick_client(), "POST", "/api/wave/run", &wave)
    }

    fn play(&mut self) -> ClientRequest {
        let mut pattern = patterns::random_pattern(&mut self.random);
        if self.random.chance(0.1) {
            pattern["presence"] = json!("go_on");
        }
        build_request(self.pick_client(), "POST", PATTERN, &pattern)
    }

    /// Changes the pattern that runs, once, or as a finger on a slider does.
    fn change(&mut self, process: &mut TrialProcess) {
        let who = self.pick_client();
        if !self.random.chance(DRAG_SHARE) {
            let change = patterns::random_change(&mut self.random);
            process.send(build_request(who, "PATCH", PATTERN, &change));
            return;
        }
        let (count, pace_ms) = (self.random.below(40) as usize, self.random.between(5.0, 60.0));
        for change in patterns::drag(&mut self.random, count) {
            process.send(build_request(who, "PATCH", PATTERN, &change));
            process.run_until(process.now() + (pace_ms * MILLISECOND_NS as f64) as Nanos);
        }
    }

    /// Starts the pause that S34 demands behind a STOP, and a little more.
    fn start_pause(&mut self, process: &TrialProcess) {
        let pause_ns = fence::PAUSE.as_nanos() as f64 * self.random.between(1.05, 1.5);
        self.pauses_until_ns = process.now() + pause_ns as Nanos;
    }

    /// Sends STOP by a random path and client.
    fn stop(&mut self, process: &mut TrialProcess) {
        self.start_pause(process);
        match self.random.weighted(&[3, 2, 2, 2]) {
            0 => process.send(build_request(ClientKind::Page, "POST", "/api/stop", &Value::Null)),
            1 => process.send(build_request(ClientKind::Guest, "POST", "/api/stop", &Value::Null)),
            2 => process.send(ClientRequest {
                body: br#"{"type":"stop"}"#.to_vec(),
                ..build_request(ClientKind::Program, "POST", "/api/commands/run", &Value::Null)
            }),
            _ => {
                if let Some(socket) = &self.status {
                    let stop = r#"{"stream": "command_all", "type": "stop"}"#.to_owned();
                    process.send_frames(ClientKind::Page, socket, vec![stop]);
                }
                0
            }
        };
    }

    /// Takes a backup, or restores the one that was taken before.
    fn back_up_or_restore(&mut self, process: &mut TrialProcess) {
        match self.backup.take() {
            Some(backup) => {
                process.send(build_request(ClientKind::Page, "POST", "/api/v1/backup", &backup));
            }
            None => {
                let answer = process.request(
                    build_request(ClientKind::Page, "GET", "/api/v1/backup", &Value::Null),
                    ANSWER_MS,
                );
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
            // The server refuses all of it.
            _ => json!({ "stroke_limit": 20, "force_limit": -5, "padding_mm": "wide" }),
        };
        build_request(self.pick_client(), "PUT", "/api/settings/machine-thrust/default", &body)
    }

    fn limits(&mut self) -> ClientRequest {
        let limits = self.gear.limits(&mut self.random);
        // Now and then a speed above the highest pulse rate.
        let share = if self.random.chance(0.05) { 1.5 } else { 1.0 };
        let body = json!({
            "max_speed_mm_s": share * limits.max_speed.get(),
            "max_acceleration_mm_s2": limits.max_acceleration.get(),
            "max_jerk_mm_s3": limits.max_jerk.get(),
            "stop_deceleration_mm_s2": limits.stop_deceleration.get(),
            "approach_speed_mm_s": limits.approach_speed.get(),
        });
        build_request(self.pick_client(), "PUT", "/api/v1/limits", &body)
    }

    /// Sends a flood of commands with a STOP in the midst of it.
    pub fn flood(&mut self, process: &mut TrialProcess) {
        process.finish_requests(ANSWER_MS);
        self.open_page(process);
        for i in 0..30 {
            let name = *self.random.one_of(&["calibrate", "end", "acknowledge", "arm"]);
            let request = self.command(name);
            process.send(request);
            if i == 20 && self.random.chance(0.5) {
                process.send(build_request(ClientKind::Guest, "POST", "/api/stop", &Value::Null));
            }
        }
        if let Some(socket) = &self.status {
            let frame = |_| {
                let name = *self.random.one_of(&["calibrate", "end", "acknowledge", "arm", "stop"]);
                format!(r#"{{"stream": "command_all", "type": "{name}"}}"#)
            };
            let frames = (0..20).map(frame).collect();
            process.send_frames(ClientKind::Page, socket, frames);
        }
        process.finish_requests(ANSWER_MS);
        self.start_pause(process);
    }

    /// Sends malformed requests and frames.
    pub fn garbage(&mut self, process: &mut TrialProcess) {
        process.finish_requests(ANSWER_MS);
        let paths = [
            "/api/wave/run",
            "/api/wave/get",
            "/api/commands/run",
            "/api/settings/machine-thrust/default",
            "/api/v1/limits",
            "/api/curve",
            "/api/v1/sim",
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
            process.send(ClientRequest { who: self.pick_client(), method, path: path.to_owned(), body });
            process.finish_requests(ANSWER_MS);
        }
        let socket = process.open_socket(ClientKind::Program, "status");
        let length = self.random.between(0.0, 200.0) as usize;
        let text: String = (0..length).map(|_| char::from((self.random.below(94) + 33) as u8)).collect();
        socket.act(SocketAction::Send(text));
        process.run_until(process.now() + SECOND_NS / 50);
    }
}
