//! Stored state of the real binary: after kills, its sessions, and after a loss of the store.

#[path = "support/random.rs"]
mod random;
#[path = "support/real/mod.rs"]
mod real;

use std::fs;
use std::net::SocketAddr;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use real::http::{self, Answer};
use real::process::QUICK_HOMING;
use real::{Home, Yep, eventually};
use serde_json::{Value, json};
use yep::store::Store;

const SETTINGS: &str = "/api/settings/machine-thrust/default";
const JSON: [(&str, &str); 1] = [("content-type", "application/json")];
/// Number of saved waves that are written in turn.
const WAVES: i64 = 8;

/// Settings that encode `number` in every field.
fn settings(number: i64) -> Value {
    json!({
        "name": format!("number {number}"),
        "wave_resolution": 120 + number % 9_000,
        "force_limit": 1_000 + number,
        "stroke_force_chart": vec![number % 100; 10],
    })
}

/// The number that the server's settings encode; all fields must agree.
#[track_caller]
fn number_of(settings: &Value) -> i64 {
    let number = settings["force_limit"].as_i64().unwrap() - 1_000;
    for (field, value) in self::settings(number).as_object().unwrap() {
        assert_eq!(&settings[field], value, "mixed settings: {settings}");
    }
    number
}

/// The number that was acknowledged last, and the one that was under way, of one kind of change.
#[derive(Debug, Clone, Copy)]
struct Last {
    kept: i64,
    tried: i64,
}

/// Sends one change after the other until the server is gone.
fn changing(
    address: SocketAddr,
    from: i64,
    change: fn(SocketAddr, i64) -> Option<Answer>,
) -> JoinHandle<Last> {
    thread::spawn(move || {
        let mut last = Last { kept: from, tried: from };
        for next in from + 1.. {
            last.tried = next;
            match change(address, next) {
                Some(answer) => {
                    assert_eq!(answer.status, 200, "{}", answer.body);
                    last.kept = next;
                }
                None => break,
            }
        }
        last
    })
}

fn change_settings(address: SocketAddr, number: i64) -> Option<Answer> {
    http::attempt(address, "PUT", SETTINGS, &JSON, &settings(number).to_string()).ok()
}

fn change_wave(address: SocketAddr, number: i64) -> Option<Answer> {
    let path = format!("/api/v1/waves/wave-{}", number % WAVES);
    http::attempt(address, "PUT", &path, &JSON, &wave(number).to_string()).ok()
}

/// Sends settings and a wave of one number in a single change of everything.
fn change_everything(address: SocketAddr, number: i64) -> Option<Answer> {
    let mut document = http::attempt(address, "GET", "/api/v1/backup", &[], "").ok()?.expect_ok();
    let new = settings(number);
    let part = &mut document["settings"];
    part["name"] = new["name"].clone();
    part["wave_resolution_hz"] = new["wave_resolution"].clone();
    part["force_limit_g"] = new["force_limit"].clone();
    part["stroke_force_chart_percent"] = new["stroke_force_chart"].clone();
    document["waves"]["whole"] = wave(number);
    http::attempt(address, "POST", "/api/v1/backup", &JSON, &document.to_string()).ok()
}

#[track_caller]
fn is(what: &str, round: u32, found: i64, last: Last) -> bool {
    let Last { kept, tried } = last;
    assert!(
        found == kept || found == tried,
        "round {round}: {what} {found}, acknowledged {kept}, tried {tried}"
    );
    found != kept
}

/// A wave that encodes its number.
fn wave(number: i64) -> Value {
    json!({ "type": "sine", "duration": 1.0 + number as f64 / 1_024.0 })
}

/// The number of a saved wave, 0 when there is none.
fn number_of_wave(wave: &Value) -> i64 {
    wave["duration"].as_f64().map_or(0, |duration_s| ((duration_s - 1.0) * 1_024.0) as i64)
}

/// The state that the next start must find.
struct Expected {
    settings: Last,
    waves: Vec<Last>,
    /// The number before a round that only changed everything at once.
    whole: Option<i64>,
}

impl Expected {
    /// Checks the state; returns how many changes that were under way are there.
    fn check(&mut self, yep: &Yep, round: u32) -> u32 {
        let start = yep.get("/api/v1/state").expect_ok();
        assert_eq!(start["start"]["good"], true, "round {round}: {start}");
        let status = yep.status();
        assert_eq!(
            (&status["state"], &status["position_mm"]),
            (&json!("not_homed"), &json!(null)),
            "{status}"
        );
        let number = number_of(&yep.get(SETTINGS).expect_ok());
        let mut landed = u32::from(is("settings", round, number, self.settings));
        self.settings = Last { kept: number, tried: number };
        let waves = yep.get("/api/v1/waves").expect_ok();
        for (index, last) in self.waves.iter_mut().enumerate() {
            let found = number_of_wave(&waves["waves"][format!("wave-{index}")]);
            landed += u32::from(is("wave", round, found, *last));
            *last = Last { kept: found, tried: found };
        }
        if self.whole.take().is_some_and(|before| before != number) {
            let found = number_of_wave(&waves["waves"]["whole"]);
            assert_eq!(number, found, "round {round}: half of everything");
        }
        landed
    }
}

/// kill -9 at random instants during writes: no acknowledged change is lost, none is half-applied, and the server
/// always starts again, never homed. 50 rounds, or `YEP_KILL_ROUNDS`; `scripts/kill-rounds` runs a thousand.
#[test]
fn a_kill_at_any_instant_loses_nothing_that_was_acknowledged() {
    let rounds = std::env::var("YEP_KILL_ROUNDS").ok().and_then(|text| text.parse().ok()).unwrap_or(50);
    let mut random = random::from_env();
    let home = Home::new(QUICK_HOMING);
    let none = Last { kept: 0, tried: 0 };
    let mut expected = Expected { settings: none, waves: vec![none; WAVES as usize], whole: None };
    let (mut acknowledged, mut landed) = (0, 0);
    let mut starts_ms = Vec::new();
    let mut yep = home.start();
    assert_eq!(yep.put(SETTINGS, &settings(0)).status, 200);
    let begun = Instant::now();
    for round in 0..rounds {
        let address = yep.address;
        let whole = round % 5 == 4;
        let number = expected.settings.kept;
        let latest_wave = expected.waves.iter().map(|last| last.kept).max().unwrap();
        let threads = if whole {
            vec![changing(address, number, change_everything)]
        } else {
            // Kills hit a moving axis as well as a resting one.
            yep.send_command("calibrate").expect_ok();
            vec![changing(address, number, change_settings), changing(address, latest_wave, change_wave)]
        };
        thread::sleep(Duration::from_secs_f64(random.log_between(0.002, 0.15)));
        yep.signal("KILL");
        assert_eq!(yep.wait_for_exit().code(), None, "round {round}: it ended by itself: {}", yep.log());
        let lasts: Vec<Last> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
        acknowledged += lasts.iter().map(|last| last.kept).sum::<i64>() - number;
        if whole {
            expected.settings = lasts[0];
            expected.whole = Some(number);
        } else {
            acknowledged -= latest_wave;
            expected.settings = lasts[0];
            for n in latest_wave + 1..=lasts[1].tried {
                let wave = &mut expected.waves[(n % WAVES) as usize];
                if n <= lasts[1].kept {
                    *wave = Last { kept: n, tried: n };
                } else {
                    wave.tried = n;
                }
            }
        }
        let start = Instant::now();
        yep = home.start();
        starts_ms.push(start.elapsed().as_secs_f64() * 1e3);
        landed += expected.check(&yep, round);
    }
    let took = begun.elapsed();
    drop(yep);
    // The whole state once more, read without the program.
    let (_store, opened) = Store::open(&home.state()).unwrap();
    assert!(opened.recovery.is_plain(), "{}", opened.recovery);
    starts_ms.sort_by(f64::total_cmp);
    let share = |share: f64| starts_ms[(share * (starts_ms.len() - 1) as f64) as usize];
    println!(
        "{rounds} kills in {:.0} s: {acknowledged} changes acknowledged, none lost, none half-applied; {landed} that \
         were under way were there; start to first line: median {:.0} ms, 99 % {:.0} ms, longest {:.0} ms",
        took.as_secs_f64(),
        share(0.5),
        share(0.99),
        share(1.0)
    );
    assert!(acknowledged > i64::from(rounds), "hardly anything was written: {acknowledged}");
}

/// Calibrates.
#[track_caller]
fn home_axis(yep: &Yep) {
    yep.send_command("calibrate").expect_ok();
    yep.wait_for_state("homing");
    yep.wait_until_calibrated();
}

/// Waits until the newest session is as expected; returns it.
#[track_caller]
fn session(yep: &Yep, number: u64, ended: &Value) -> Value {
    eventually(&format!("session {number} ends with {ended}"), || {
        let told = yep.get("/api/v1/sessions").expect_ok();
        let newest = told["sessions"][0].clone();
        (newest["number"] == number && &newest["ended"] == ended).then_some(newest)
    })
}

#[test]
fn sessions_are_in_the_book_with_their_ends() {
    let home = Home::new(QUICK_HOMING);
    let mut yep = home.start();
    home_axis(&yep);
    yep.run_wave("sine", 1.0).expect_ok();
    session(&yep, 1, &Value::Null);
    eventually("three periods", || (yep.status()["periods"].as_u64() >= Some(3)).then_some(()));
    yep.send_command("end").expect_ok();
    let first = session(&yep, 1, &json!("end"));
    // 145 mm there and back in a period, less what the limits cut.
    let (strokes, distance_mm) = (first["strokes"].as_u64().unwrap(), first["distance_mm"].as_f64().unwrap());
    assert!((3..20).contains(&strokes), "{first}");
    let per_stroke_mm = distance_mm / strokes as f64;
    assert!((150.0..350.0).contains(&per_stroke_mm), "{first}");
    assert!(
        first["duration_s"].as_f64() >= Some(3.0) && first["peak_speed_mm_s"].as_f64() > Some(100.0),
        "{first}"
    );
    assert_eq!((&first["peak_force_g"].is_number(), &first["faults"]), (&true, &json!([])), "{first}");

    yep.run_wave("sine", 2.0).expect_ok();
    yep.wait_for_state("running");
    yep.send_command("stop").expect_ok();
    session(&yep, 2, &json!("stop"));
    yep.pause_behind_stop();
    yep.run_wave("sine", 2.0).expect_ok();
    yep.wait_for_state("running");
    yep.put_sim(&json!({ "mishaps": ["e_stop_open"] }));
    let third = session(&yep, 3, &json!("fault"));
    assert_eq!(third["faults"], json!(["e_stop"]), "{third}");
    yep.put_sim(&json!({ "mishaps": [] }));
    // The loop reads its inputs once in a millisecond; until then the cause of the fault remains.
    eventually("the e-stop is closed", || (yep.status()["inputs"]["e_stop"] == false).then_some(()));
    home_axis(&yep);
    yep.run_wave("sine", 2.0).expect_ok();
    yep.wait_for_state("running");
    yep.signal("TERM");
    assert_eq!(yep.wait_for_exit().code(), Some(0), "{}", yep.log());

    let mut yep = home.start();
    session(&yep, 4, &json!("shut_down"));
    home_axis(&yep);
    yep.run_wave("sine", 2.0).expect_ok();
    session(&yep, 5, &Value::Null);
    yep.signal("KILL");
    yep.wait_for_exit();
    let yep = home.start();
    session(&yep, 5, &json!("interrupted"));
    let counters = yep.get("/api/v1/sessions").expect_ok()["counters"].take();
    assert_eq!((&counters["sessions"], &counters["faults"]), (&json!(5), &json!(1)), "{counters}");
    let shown = home.command_in_env(&["sessions", "--server", &yep.url()]).output().unwrap();
    let shown = String::from_utf8(shown.stdout).unwrap();
    assert!(shown.contains("fault (e_stop)") && shown.contains("5 sessions, 0:0"), "{shown}");
}

#[test]
fn a_lost_store_is_restored_with_a_warning_or_asks_to_be_looked_at() {
    let home = Home::new(QUICK_HOMING);
    let spoil = || fs::write(home.state().join("db/db"), "what is this?").unwrap();
    let mut yep = home.start();
    yep.put(SETTINGS, &json!({ "name": "kept", "stroke_limit": 120 })).expect_ok();
    yep.signal("TERM");
    yep.wait_for_exit();

    // With its copy: a warning with the date of the copy, and the position is unknown.
    spoil();
    let mut yep = home.start();
    assert_eq!(yep.get(SETTINGS).expect_ok()["name"], "kept");
    let start = yep.get("/api/v1/state").expect_ok()["start"].take();
    assert_eq!(start["code"], "restored", "{start}");
    assert!(start["message"].as_str().unwrap().contains("its copy of 20"), "{start}");
    assert_eq!(yep.status()["state"], "not_homed");
    let listener = yep.socket("status");
    let (_, warning) = listener.wait_from(0, "the warning", |frame| frame.message()["device"] == "store");
    assert_eq!(warning.message()["type"], "warning");
    drop(listener);
    yep.signal("TERM");
    yep.wait_for_exit();

    // Without a copy: the defaults, and a fault that a person has to acknowledge before anything moves.
    spoil();
    for copy in ["mirror.json", "mirror.previous.json"] {
        fs::write(home.state().join(copy), "{}").unwrap();
    }
    let yep = home.start();
    let status = yep.status();
    assert_eq!(
        (&status["state"], &status["fault"]["code"]),
        (&json!("faulted"), &json!("settings_lost")),
        "{status}"
    );
    let (code, why) = yep.run_wave("sine", 2.0).expect_refused();
    assert!(code == "faulted" && why.contains("the settings were lost"), "{code}: {why}");
    assert_eq!(yep.get(SETTINGS).expect_ok()["stroke_limit"], 155);
    yep.send_command("acknowledge").expect_ok();
    yep.wait_for_state("not_homed");
    home_axis(&yep);
}
