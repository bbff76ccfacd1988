//! Scripts on the real binary, in step with a browser and with video players: how far the turns of the axis, as its pulses show them,
//! are from where the media is.

#[path = "support/players/mod.rs"]
mod players;
#[path = "support/real/mod.rs"]
mod real;
#[path = "support/skip.rs"]
mod skip;

use std::time::{Duration, Instant};

use players::headset::FakeHeadset;
use players::mpv::Mpv;
use players::vlc::Vlc;
use players::{Errors, has};
use real::process::QUICK_HOMING;
use real::{Home, Yep, eventually};
use serde_json::{Value, json};
use skip::skip;

/// Time of a stroke of the script (ms), and how many there are.
const STROKE_MS: u64 = 500;
const STROKES: u64 = 240;
/// Behind a start the axis meets the script, and a clock that follows another one settles.
const SETTLES: Duration = Duration::from_secs(3);

/// A calibrated machine with a script of even strokes.
struct Stage {
    home: Home,
    yep: Yep,
}

impl Stage {
    fn set(name: &str) -> Stage {
        let home = Home::new(&format!("{QUICK_HOMING}[feeds]\ntcode_udp = 0\ntcode_tcp = 0\nbuttplug = 0\n"));
        let yep = home.start();
        yep.send_command("calibrate").expect_ok();
        yep.wait_until_calibrated();
        let stage = Stage { home, yep };
        stage.send("PATCH", "/api/v1/feeds", &json!({ "window": { "back_mm": 40.0, "front_mm": 90.0 } }));
        let action = |index: u64| json!({ "at": index * STROKE_MS, "pos": if index.is_multiple_of(2) { 10 } else { 90 } });
        let script = json!({ "actions": (0..=STROKES).map(action).collect::<Vec<_>>() });
        let kept = stage.send("PUT", &format!("/api/v1/scripts/{name}.funscript"), &script);
        assert_eq!(kept["analysis"]["shortened"], json!(0), "{kept}");
        stage
    }

    fn send(&self, method: &str, path: &str, body: &Value) -> Value {
        let headers = [("content-type", "application/json")];
        self.yep.request(method, path, &headers, &body.to_string()).expect_ok()
    }

    /// Plays, also without a sign of life of a client.
    fn play(&self, what: &Value) {
        let mut body = what.clone();
        body["presence"] = json!("go_on");
        self.send("POST", "/api/v1/player/play", &body);
    }

    fn player(&self) -> Value {
        self.yep.get("/api/v1/player").json()
    }

    /// Zero of the machine's clock on that of the test: the quickest of some answers.
    fn zero(&self) -> Instant {
        let look = |_| {
            let asked = Instant::now();
            let t_ms = self.yep.get("/api/v1/clock").json()["t_ms"].as_f64().unwrap();
            let took = asked.elapsed();
            (took, asked + took / 2 - Duration::from_secs_f64(t_ms * 1e-3))
        };
        (0..20).map(look).min().unwrap().1
    }

    /// Turns of the axis between two instants.
    fn turns(&self, from: Instant, to: Instant) -> Vec<Instant> {
        let zero = self.zero();
        let pulses = self.home.pulses();
        let turns = pulses.windows(2).filter(|pair| pair[0].forward != pair[1].forward);
        turns
            .map(|pair| zero + Duration::from_nanos(pair[0].at_ns.midpoint(pair[1].at_ns)))
            .filter(|at| (from..to).contains(at))
            .collect()
    }

    /// How far each turn is from the nearest one of the script, where the media is at `media_s` at an instant.
    fn errors(&self, (from, to): (Instant, Instant), media_s: impl Fn(Instant) -> f64) -> Errors {
        // The pulses may not be in the log yet.
        std::thread::sleep(Duration::from_millis(200));
        let mut errors = Errors::default();
        let stroke_s = STROKE_MS as f64 * 1e-3;
        for turn in self.turns(from, to) {
            let strokes = media_s(turn) / stroke_s;
            errors.add((strokes - strokes.round()) * stroke_s);
        }
        let most = ((to - from).as_secs_f64() / stroke_s) as usize;
        assert!(errors.count() + 2 >= most, "{} turns in {:?}", errors.count(), to - from);
        errors
    }

    #[track_caller]
    fn rests(&self) {
        eventually("rest", || {
            let before = self.home.pulses().len();
            std::thread::sleep(Duration::from_millis(400));
            (self.home.pulses().len() == before).then_some(())
        });
    }
}

/// Numbers that look random, by a seed.
fn noise(seed: u64) -> impl FnMut() -> f64 {
    let mut state = seed;
    move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1u64 << 53) as f64
    }
}

#[test]
fn a_browser_whose_messages_are_late_by_turns_keeps_the_axis_in_step() {
    let stage = Stage::set("x");
    let zero = stage.zero();
    let began = Instant::now();
    // Its video began half a second ago, and its clock is fast by 0.1 %.
    let media_s = |at: Instant| 0.5 + at.saturating_duration_since(began).as_secs_f64() * 1.001;
    stage.play(&json!({ "script": "x.funscript", "position_s": 0.5 }));
    let mut jitter_s = noise(7);
    let until = began + Duration::from_secs(62);
    while Instant::now() < until {
        std::thread::sleep(Duration::from_millis(250));
        let now = Instant::now();
        // What it says is up to 50 ms off, either way.
        let position_s = media_s(now) + 0.1 * jitter_s() - 0.05;
        let at_ms = now.duration_since(zero).as_secs_f64() * 1e3;
        stage.send("PATCH", "/api/v1/player", &json!({ "position_s": position_s, "at_ms": at_ms }));
    }
    let errors = stage.errors((began + SETTLES, until), media_s);
    let drift = stage.errors((began + Duration::from_secs(52), until), media_s);
    println!("a browser: {errors}; after a minute: {drift}");
    assert!(errors.mean_s().abs() < 0.015 && errors.most_s() < 0.06, "{errors}");
    assert!(drift.mean_s().abs() < 0.03 && drift.most_s() < 0.06, "{drift}");

    stage.send("PATCH", "/api/v1/player", &json!({ "paused": true }));
    stage.rests();
    assert_eq!(stage.player()["phase"], "paused");
    // A seek and another rate, on our own clock from now on.
    stage.send("PATCH", "/api/v1/player", &json!({ "position_s": 30.0, "rate": 1.5, "paused": false }));
    let began = Instant::now();
    std::thread::sleep(Duration::from_secs(6));
    let media_s = |at: Instant| 30.0 + at.duration_since(began).as_secs_f64() * 1.5;
    let errors = stage.errors((began + Duration::from_secs(2), began + Duration::from_secs(6)), media_s);
    println!("our own clock at 1.5: {errors}");
    assert!(errors.most_s() < 0.04, "{errors}");
    stage.send("POST", "/api/v1/stop", &json!({}));
    stage.rests();
    assert_eq!(stage.player()["phase"], "stopped");
}

#[test]
fn mpv_leads_the_axis_through_pause_seek_and_its_end() {
    if !has("mpv") {
        return skip("mpv_leads_the_axis_through_pause_seek_and_its_end", "mpv is not installed");
    }
    let folder = players::folder();
    let video = players::media::video(folder.path(), 60.0);
    let socket = folder.path().join("mpv.sock");
    let name = video.file_stem().unwrap().to_str().unwrap();
    let stage = Stage::set(name);
    let address = format!("unix:{}", socket.display());
    stage.send("PUT", "/api/v1/player/source", &json!({ "source": { "kind": "mpv", "address": address } }));
    stage.play(&json!({ "source": true }));
    assert_eq!(stage.player()["phase"], "waits");
    let mut mpv = Mpv::start(&socket, &video);
    eventually("it plays", || (stage.player()["phase"] == "playing").then_some(()));
    std::thread::sleep(SETTLES);
    let began = Instant::now();
    std::thread::sleep(Duration::from_secs(4));
    let at = Instant::now();
    let position_s = mpv.position_s();
    let media_s = |turn: Instant| position_s - at.saturating_duration_since(turn).as_secs_f64();
    let errors = stage.errors((began, at), media_s);
    println!("mpv: {errors}");
    assert!(errors.mean_s().abs() < 0.03 && errors.most_s() < 0.06, "{errors}");

    mpv.set("pause", "true");
    stage.rests();
    assert_eq!(stage.player()["phase"], "waits");
    mpv.command(r#""seek",30,"absolute""#);
    std::thread::sleep(Duration::from_millis(500));
    stage.rests();
    mpv.set("pause", "false");
    eventually("it plays behind the seek", || {
        let player = stage.player();
        (player["phase"] == "playing" && player["position_s"].as_f64() > Some(30.5)).then_some(())
    });
    // A person's pause holds while the video plays on.
    stage.send("PATCH", "/api/v1/player", &json!({ "paused": true }));
    stage.rests();
    stage.send("PATCH", "/api/v1/player", &json!({ "paused": false }));
    eventually("it goes on", || (stage.player()["phase"] == "playing").then_some(()));
    mpv.kill();
    eventually("it waits", || (stage.player()["phase"] == "waits").then_some(()));
    stage.rests();
    assert_eq!(stage.yep.status()["fault"], json!(null));
}

#[test]
fn vlc_and_a_headset_lead_the_axis() {
    let headset = FakeHeadset::start(true);
    let stage = Stage::set("x");
    let source = json!({ "source": { "kind": "heresphere", "address": headset.address() } });
    stage.send("PUT", "/api/v1/player/source", &source);
    stage.play(&json!({ "source": true }));
    let began = Instant::now();
    headset.play(10.0, 1.0);
    std::thread::sleep(SETTLES + Duration::from_secs(3));
    let (at, position_s) = (Instant::now(), headset.position_s());
    let media_s = |turn: Instant| position_s - at.saturating_duration_since(turn).as_secs_f64();
    let errors = stage.errors((began + SETTLES, at), media_s);
    println!("a headset: {errors}");
    assert!(errors.mean_s().abs() < 0.03 && errors.most_s() < 0.06, "{errors}");
    headset.pause();
    stage.rests();
    // There is no script for what is played next.
    if !has("vlc") || !has("setpriv") {
        return skip("vlc_and_a_headset_lead_the_axis", "vlc is not installed");
    }
    let folder = players::folder();
    let sound = players::media::sound(folder.path(), 60.7);
    let vlc = Vlc::start(folder.path(), &sound, 60.7);
    let source = json!({ "kind": "vlc", "address": vlc.address(), "password": players::vlc::PASSWORD });
    stage.send("PUT", "/api/v1/player/source", &json!({ "source": source }));
    eventually("its words", || {
        stage.player()["why"].as_str().is_some_and(|why| why.contains("sound.wav")).then_some(())
    });
    stage.rests();
    assert_eq!(stage.yep.status()["state"], "following");
}
