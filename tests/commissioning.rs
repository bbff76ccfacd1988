//! The first run over real connections: the nudge and its finger, and what is refused before the wiring is proven.

#[path = "support/api.rs"]
mod support;

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use yep::api::commissioning::service::RailOf;
use yep::api::commissioning::step::CommissioningStep;
use yep::api::commissioning::{CommissioningNeed, CommissioningRules, WiringFacts, WiringSource};
use yep::api::port::MachineLocation;
use yep::machine::{
    Calibration, Command, CommandRefusal, Contact, Contacts, Fault, NudgeLength, RailEnd, Snapshot, State,
    SwitchDistance, Why,
};
use yep::settings::RailGeometry;
use yep::store::{CommissioningRecord, StateChange};

use support::{Client, HttpAnswer, Server, Setup, ask, bearer, by, code, reply, snapshot};

const NUDGE: &str = "/api/v1/commissioning/nudge";

/// With an observer, an operator and an admin, before homing.
async fn not_homed() -> Server {
    let server = Setup::new(MachineLocation::Local).with_devices().start().await;
    server.port.set_snapshot(snapshot(State::NotHomed));
    server
}

/// The control socket of a page of the device with this number.
async fn page(server: &Server, number: u32) -> Client {
    let bearer = bearer(number);
    let headers = [("host", "yep.local"), ("authorization", bearer.as_str())];
    let mut client = server.upgrade_from(10, "/api/v1/socket", &headers).await.unwrap();
    let hello = ask(&mut client, json!({ "id": 1, "type": "hello", "tab": "page" })).await;
    assert_eq!(hello["problem"], Value::Null);
    client
}

/// Waits until the machine is told that the client is gone, and comes to rest then; the time that it took.
async fn until_gone(server: &Server, since: Instant) -> Duration {
    for _ in 0..2_000 {
        if server.port.commands().contains(&Command::ClientGone) {
            server.port.set_snapshot(snapshot(State::NotHomed));
            return since.elapsed();
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("the nudge goes on without a finger");
}

#[tokio::test]
async fn a_nudge_is_an_admins_and_is_refused_by_name() {
    let server = not_homed().await;
    let body = json!({ "toward": "front", "after_stop": 0 });
    for number in [1, 2] {
        let refused = by(&server, number, "POST", NUDGE, body.clone()).await;
        assert_eq!((refused.status, code(&refused).as_str()), (403, "role"));
    }
    assert_eq!(server.port.command_count(), 0);
    for (number, allows) in [(1, false), (2, false), (3, true)] {
        let machine = by(&server, number, "GET", "/api/v1/machine", Value::Null).await.json();
        let allowed = machine["allowed"].as_array().unwrap().contains(&json!("nudge"));
        let refused =
            machine["refused"].as_array().unwrap().iter().find(|refused| refused["command"] == "nudge");
        assert_eq!((allowed, refused.is_none()), (allows, allows), "{machine}");
        assert!(refused.is_none_or(|refused| refused["code"] == "role"), "{machine}");
    }
    for (refusal, expected) in [
        (CommandRefusal::Homed(State::Ready), "homed"),
        (CommandRefusal::SwitchPressed(RailEnd::Front), "switch_pressed"),
        (CommandRefusal::Moving(State::Homing), "moving"),
    ] {
        server.port.script_replies([Err(refusal)]);
        let refused = by(&server, 3, "POST", NUDGE, body.clone()).await;
        assert_eq!((refused.status, code(&refused).as_str()), (409, expected));
        assert!(refused.json()["remedy"].as_str().unwrap().len() > 20);
    }
    server.port.commands();
    for wrong in [json!({}), json!({ "toward": "up" }), json!({ "toward": "front", "mm": 20 })] {
        assert_eq!(by(&server, 3, "POST", NUDGE, wrong).await.status, 422);
    }
    server.port.set_snapshot(snapshot(State::Ready));
    let machine = by(&server, 3, "GET", "/api/v1/machine", Value::Null).await.json();
    let refused = machine["refused"].as_array().unwrap().iter().find(|refused| refused["command"] == "nudge");
    assert_eq!(refused.unwrap()["code"], "homed");
    assert_eq!(server.port.command_count(), 0);
}

#[tokio::test]
async fn a_nudge_ends_with_the_finger() {
    let server = not_homed().await;
    let mut page = page(&server, 3).await;
    for (toward, travel, command) in [
        ("front", json!(null), Command::Nudge(RailEnd::Front, NudgeLength::Short)),
        ("back", json!("ruler"), Command::Nudge(RailEnd::Back, NudgeLength::Ruler)),
    ] {
        let mut nudge = json!({ "id": 2, "type": "nudge", "toward": toward, "after_stop": 0 });
        if !travel.is_null() {
            nudge["travel"] = travel;
        }
        assert_eq!(ask(&mut page, nudge).await["done"]["accepted"], "now");
        assert_eq!(server.port.commands(), [command]);
        server.port.set_snapshot(snapshot(State::Nudging));
        // The finger is down for a second.
        for _ in 0..10 {
            assert_eq!(ask(&mut page, json!({ "id": 3, "type": "alive" })).await["problem"], Value::Null);
            tokio::time::sleep(Duration::from_millis(100)).await;
            assert_eq!(server.port.command_count(), 0, "it ended with the finger down");
        }
        ask(&mut page, json!({ "id": 4, "type": "alive" })).await;
        let took = until_gone(&server, Instant::now()).await;
        assert!((250..900).contains(&took.as_millis()), "it ended after {took:?}");
    }
}

#[tokio::test]
async fn a_nudge_of_which_nothing_is_heard_ends_and_no_ping_holds_it() {
    let server = not_homed().await;
    // A request, without any socket.
    let began = Instant::now();
    let accepted = by(&server, 3, "POST", NUDGE, json!({ "toward": "front", "after_stop": 0 })).await;
    assert_eq!(accepted.status, 200);
    server.port.set_snapshot(snapshot(State::Nudging));
    let took = until_gone(&server, began).await;
    assert!(took < Duration::from_millis(1_500), "{took:?}");
}

/// Regression (seeds 235, 254 and 425): the nudge went on under the client that the lease was handed to, who held nothing.
#[tokio::test]
async fn a_finger_is_not_handed_over_with_the_lease() {
    let server = not_homed().await;
    let (mut one, mut two) = (page(&server, 3).await, page(&server, 2).await);
    let nudge = json!({ "id": 2, "type": "nudge", "toward": "front", "travel": "ruler", "after_stop": 0 });
    assert_eq!(ask(&mut one, nudge).await["done"]["accepted"], "now");
    server.port.set_snapshot(snapshot(State::Nudging));
    server.port.commands();
    two.send(&json!({ "id": 3, "type": "lease", "act": "ask" }).to_string()).await;
    let began = Instant::now();
    one.send(&json!({ "id": 4, "type": "lease", "act": "hand_over" }).to_string()).await;
    // The finger stays down all the while.
    let (_, took) = tokio::join!(
        async {
            for id in 10..30 {
                one.send(&json!({ "id": id, "type": "alive" }).to_string()).await;
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        },
        until_gone(&server, began)
    );
    assert!(took < Duration::from_millis(900), "{took:?}");
    let said = reply(&mut two, &json!(3)).await;
    assert_eq!(said["lease"]["is_own"], true, "{said}");
    assert_eq!(server.port.command_count(), 0, "the next holder starts nothing");
}

#[tokio::test]
async fn a_motor_elsewhere_is_not_nudged() {
    let server = Setup::new(MachineLocation::Remote).with_devices().start().await;
    let refused = by(&server, 3, "POST", NUDGE, json!({ "toward": "front" })).await;
    assert_eq!((refused.status, code(&refused).as_str()), (404, "machine_elsewhere"));
}

const RUN: &str = "/api/v1/machine/run";
const COMMISSIONING: &str = "/api/v1/commissioning";

fn wired(front: u8) -> CommissioningRules {
    let wiring = WiringFacts::default().with("driver", "gpio").with("pins.front", front);
    CommissioningRules { need: CommissioningNeed::Required, wiring, ..CommissioningRules::default() }
}

async fn real_machine(rules: CommissioningRules, record: CommissioningRecord) -> Server {
    let mut setup = Setup::new(MachineLocation::Local).with_devices();
    (setup.commissioning, setup.commissioned) = (rules, record);
    setup.start().await
}

fn sine() -> Value {
    json!({ "wave": { "type": "sine", "duration": 2 }, "after_stop": 0 })
}

/// Everything that can start a motion, by everybody who may; the code with which it is refused.
async fn assert_nothing_runs(server: &Server) {
    server.port.commands();
    for number in [2, 3] {
        let refused = by(server, number, "POST", RUN, sine()).await;
        assert_eq!((refused.status, code(&refused).as_str()), (409, "not_commissioned"));
        assert!(refused.json()["remedy"].as_str().unwrap().contains("by_hand"));
        assert!(!refused.json()["allowed"].as_array().is_some_and(|all| all.contains(&json!("run"))));
    }
    // The clients' old contract, from this machine itself.
    let old = server.post("/api/wave/run", r#"{"type":"sine","duration":2}"#).await;
    assert_eq!(old.status, 409, "{}", old.text());
    let mut page = page(server, 3).await;
    let mut message = sine();
    (message["id"], message["type"]) = (json!(2), json!("run"));
    assert_eq!(ask(&mut page, message).await["problem"]["code"], "not_commissioned");
    assert_eq!(server.port.command_count(), 0, "something moved");
    let machine = by(server, 3, "GET", "/api/v1/machine", Value::Null).await.json();
    assert!(!machine["allowed"].as_array().unwrap().contains(&json!("run")), "{machine}");
    let why =
        machine["refused"].as_array().unwrap().iter().find(|refused| refused["command"] == "run").unwrap();
    assert_eq!(why["code"], "not_commissioned");
}

async fn first_run(server: &Server) -> Value {
    by(server, 1, "GET", COMMISSIONING, Value::Null).await.json()
}

async fn prove(server: &Server, steps: impl IntoIterator<Item = CommissioningStep>) {
    for step in steps {
        server.ctx.commissioning.done(step, [("tries", 1.0)]).await.unwrap();
    }
}

#[tokio::test]
async fn before_the_first_run_only_homing_and_the_nudge_move_a_real_motor() {
    let server = real_machine(wired(21), CommissioningRecord::default()).await;
    assert_nothing_runs(&server).await;
    let run = first_run(&server).await;
    assert_eq!(
        (&run["need"], &run["complete"], &run["next"]),
        (&json!("required"), &json!(false), &json!("own"))
    );
    assert!(
        run["steps"]
            .as_array()
            .unwrap()
            .iter()
            .all(|step| step["state"] == "open" || step["step"] == "force")
    );
    let calibrated = by(&server, 2, "POST", "/api/v1/machine/calibrate", json!({ "after_stop": 0 })).await;
    assert_eq!(calibrated.status, 200, "{}", calibrated.text());
    server.port.set_snapshot(snapshot(State::NotHomed));
    let nudged = by(&server, 3, "POST", NUDGE, json!({ "toward": "back", "after_stop": 0 })).await;
    assert_eq!(nudged.status, 409, "an operator is in charge");
    assert_eq!(server.port.commands(), [Command::Calibrate]);
}

#[tokio::test]
async fn all_steps_let_it_move_and_another_wiring_makes_those_due_that_depend_on_it() {
    let server = real_machine(wired(21), CommissioningRecord::default()).await;
    let all = CommissioningStep::ALL.into_iter().filter(|step| *step != CommissioningStep::Force);
    let last = CommissioningStep::Keep;
    prove(&server, all.filter(|step| *step != last)).await;
    assert_nothing_runs(&server).await;
    assert_eq!(first_run(&server).await["next"], "keep");
    prove(&server, [last]).await;
    let run = first_run(&server).await;
    assert_eq!((&run["complete"], &run["next"]), (&json!(true), &Value::Null), "{run}");
    assert_eq!(by(&server, 2, "POST", RUN, sine()).await.status, 200);

    // The same store behind another front pin.
    let record = server.store.state.lock().unwrap().commissioning.clone();
    let moved = real_machine(wired(20), record.clone()).await;
    assert_nothing_runs(&moved).await;
    let run = first_run(&moved).await;
    let due: Vec<_> = run["steps"].as_array().unwrap().iter().filter(|step| step["state"] == "due").collect();
    let due: Vec<_> = due.iter().map(|step| step["step"].as_str().unwrap()).collect();
    assert_eq!(due, ["switches", "which_way", "calibrate", "proof"]);
    // Other microsteps, which are a setting.
    let same = real_machine(wired(21), record).await;
    assert_eq!(by(&same, 2, "POST", RUN, sine()).await.status, 200);
    same.port.set_snapshot(snapshot(State::NotHomed));
    tokio::time::sleep(Duration::from_millis(50)).await;
    let changed = same.put("/api/v1/settings", r#"{"microsteps_per_rev": 200}"#).await;
    assert_eq!(changed.status, 200, "{}", changed.text());
    assert_eq!(first_run(&same).await["next"], "numbers");
}

#[tokio::test]
async fn who_knows_or_has_no_motor_is_not_asked() {
    for need in [CommissioningNeed::ByHand, CommissioningNeed::Optional] {
        let server =
            real_machine(CommissioningRules { need, ..wired(21) }, CommissioningRecord::default()).await;
        assert_eq!(by(&server, 2, "POST", RUN, sine()).await.status, 200, "{need:?}");
        assert_eq!(first_run(&server).await["complete"], false);
    }
}

#[tokio::test]
async fn a_machine_that_was_in_use_is_asked_once() {
    const CONFIRM: &str = "/api/v1/commissioning/confirm";
    let server = real_machine(wired(21), CommissioningRecord::in_use_before()).await;
    assert_nothing_runs(&server).await;
    assert_eq!(first_run(&server).await["asks"], "in_use_before");
    let early = by(&server, 3, "POST", "/api/v1/commissioning/steps/own", json!({ "act": "begin" })).await;
    assert_eq!((early.status, code(&early).as_str()), (409, "step_out_of_order"));
    let works = json!({ "works": true });
    assert_eq!(by(&server, 2, "POST", CONFIRM, works.clone()).await.status, 403);
    let confirmed = by(&server, 3, "POST", CONFIRM, works.clone()).await;
    assert_eq!((confirmed.status, &confirmed.json()["complete"]), (200, &json!(true)));
    assert_eq!(by(&server, 2, "POST", RUN, sine()).await.status, 200);
    let again = by(&server, 3, "POST", CONFIRM, works).await;
    assert_eq!((again.status, code(&again).as_str()), (409, "nothing_to_confirm"));
    let audit = by(&server, 3, "GET", "/api/v1/audit", Value::Null).await.json();
    assert!(audit.to_string().contains("works as it is wired"), "{audit}");
    // That word was about this wiring.
    let record = server.store.state.lock().unwrap().commissioning.clone();
    assert_nothing_runs(&real_machine(wired(20), record).await).await;

    let server = real_machine(wired(21), CommissioningRecord::in_use_before()).await;
    let denied = by(&server, 3, "POST", CONFIRM, json!({ "works": false })).await;
    assert_eq!((denied.status, &denied.json()["asks"]), (200, &Value::Null));
    assert_nothing_runs(&server).await;
    server.store.broken.store(true, std::sync::atomic::Ordering::SeqCst);
    assert!(server.ctx.commissioning.done(CommissioningStep::Own, []).await.is_err());
}

#[tokio::test]
async fn a_backup_of_another_machine_proves_nothing_here() {
    let proven = real_machine(wired(21), CommissioningRecord::default()).await;
    prove(&proven, CommissioningStep::ALL).await;
    let backup = by(&proven, 3, "GET", "/api/v1/backup", Value::Null).await.json();
    let other = real_machine(wired(21), CommissioningRecord::default()).await;
    let restored = other.post("/api/v1/backup", &backup.to_string()).await;
    assert_eq!(restored.status, 415, "not declared as JSON");
    let restored = by(&other, 3, "POST", "/api/v1/backup", backup.clone()).await;
    assert_eq!(restored.status, 200, "{}", restored.text());
    assert_eq!(first_run(&other).await["asks"], "restored");
    assert_nothing_runs(&other).await;
    let works = json!({ "works": true });
    let far = by(&other, 3, "POST", "/api/v1/commissioning/confirm", works.clone()).await;
    assert_eq!((far.status, code(&far).as_str()), (403, "presence_needed"));
    // Somebody at the machine, by its own screen.
    let json = [("content-type", "application/json")];
    let near = other.request("POST", "/api/v1/commissioning/confirm", &json, &works.to_string()).await;
    assert_eq!((near.status, &near.json()["complete"]), (200, &json!(true)), "{}", near.text());
    // One that has proven something itself keeps that.
    let blank = real_machine(wired(21), CommissioningRecord::default()).await;
    let empty = by(&blank, 3, "GET", "/api/v1/backup", Value::Null).await.json();
    assert_eq!(by(&proven, 3, "POST", "/api/v1/backup", empty).await.status, 200);
    assert_eq!(first_run(&proven).await["complete"], true);
    // A reset of the settings is none of the wiring.
    let mut state = (*proven.store.state.lock().unwrap().clone()).clone();
    state.apply(StateChange::Settings(yep::settings::Settings::fresh(yep::settings::new_id()))).unwrap();
    assert!(!state.commissioning.is_blank());
}

/// Speed, acceleration, stroke and force that were proven.
fn envelope(speed: f64, stroke: i64) -> Value {
    json!({ "max_speed_mm_s": speed, "max_acceleration_mm_s2": 4000.0, "stroke_mm": stroke, "force_g": 900 })
}

#[tokio::test]
async fn an_admin_widens_inside_the_envelope_and_beyond_it_only_at_the_machine() {
    const ENVELOPE: &str = "/api/v1/commissioning/envelope";
    const LIMITS: &str = "/api/v1/limits";
    const SETTINGS: &str = "/api/v1/settings";
    let server = real_machine(wired(21), CommissioningRecord::default()).await;
    let run = first_run(&server).await;
    assert_eq!((&run["envelope_proven"], &run["envelope"]["max_speed_mm_s"]), (&json!(false), &json!(500.0)));
    // Narrower, from afar.
    assert_eq!(by(&server, 2, "PUT", ENVELOPE, envelope(100.0, 80)).await.status, 403);
    let set = by(&server, 3, "PUT", ENVELOPE, envelope(100.0, 80)).await;
    assert_eq!((set.status, &set.json()["envelope_proven"]), (200, &json!(true)), "{}", set.text());
    for wider in [envelope(101.0, 80), envelope(100.0, 81)] {
        let refused = by(&server, 3, "PUT", ENVELOPE, wider).await;
        assert_eq!((refused.status, code(&refused).as_str()), (403, "beyond_envelope"));
    }
    for wrong in [envelope(0.0, 80), envelope(1e9, 80), envelope(100.0, 0)] {
        assert_eq!(by(&server, 3, "PUT", ENVELOPE, wrong).await.status, 422);
    }
    // What was in force before stays; narrowing it is for good.
    for (number, path, body, status, reason) in [
        (3, LIMITS, json!({ "max_speed_mm_s": 60.0 }), 200, ""),
        (3, LIMITS, json!({ "max_speed_mm_s": 100.0 }), 200, ""),
        (3, LIMITS, json!({ "max_speed_mm_s": 100.5 }), 403, "beyond_envelope"),
        (3, LIMITS, json!({ "max_acceleration_mm_s2": 3000.0 }), 200, ""),
        (3, LIMITS, json!({ "max_acceleration_mm_s2": 4500.0 }), 403, "beyond_envelope"),
        (3, SETTINGS, json!({ "stroke_limit_mm": 70 }), 200, ""),
        (3, SETTINGS, json!({ "stroke_limit_mm": 80 }), 200, ""),
        (3, SETTINGS, json!({ "stroke_limit_mm": 81 }), 403, "beyond_envelope"),
        (3, SETTINGS, json!({ "force_limit_g": 500 }), 200, ""),
        (3, SETTINGS, json!({ "force_limit_g": 901 }), 403, "beyond_envelope"),
        (2, LIMITS, json!({ "max_speed_mm_s": 90.0 }), 200, ""),
        (2, LIMITS, json!({ "max_speed_mm_s": 95.0 }), 403, "only_narrower"),
    ] {
        let answer = by(&server, number, "PUT", path, body.clone()).await;
        let reason_given = answer.json_or_null()["code"].as_str().unwrap_or_default().to_owned();
        assert_eq!((answer.status, reason_given.as_str()), (status, reason), "{body}");
    }
    for (number, may_widen) in [(1, "none"), (2, "none"), (3, "inside_envelope")] {
        let limits = by(&server, number, "GET", LIMITS, Value::Null).await.json();
        assert_eq!((&limits["may_widen"], &limits["envelope"]["stroke_mm"]), (&json!(may_widen), &json!(80)));
        let machine = by(&server, number, "GET", "/api/v1/machine", Value::Null).await.json();
        assert_eq!(machine["in_force"]["limits"]["may_widen"], may_widen);
    }
    // A reset makes nothing wider than was proven.
    assert_eq!(by(&server, 3, "POST", "/api/v1/settings/reset", Value::Null).await.status, 200);
    let limits = server.get(LIMITS).await.json();
    assert_eq!((&limits["asked"]["max_speed_mm_s"], &limits["may_widen"]), (&json!(100.0), &json!("any")));
    // At the machine itself.
    assert_eq!(server.put(ENVELOPE, &envelope(300.0, 120).to_string()).await.status, 200);
    assert_eq!(by(&server, 3, "PUT", LIMITS, json!({ "max_speed_mm_s": 300.0 })).await.status, 200);
    let backup = by(&server, 3, "GET", "/api/v1/backup", Value::Null).await.json();
    assert_eq!(backup["commissioning"]["envelope"]["stroke_mm"], 120);
    let audit = by(&server, 3, "GET", "/api/v1/audit", Value::Null).await.json();
    assert!(audit.to_string().contains("300 mm/s"), "{audit}");
}

#[tokio::test]
async fn what_was_found_out_about_the_wiring_is_stored_and_the_file_wins() {
    const WIRING: &str = "/api/v1/commissioning/wiring";
    let mut rules = wired(21);
    rules.wiring = rules
        .wiring
        .with_source("pins.invert_dir", false, WiringSource::Default)
        .with_source("pins.invert_front", false, WiringSource::File)
        .with_source("rail.travel_per_turn_mm", 40, WiringSource::Commissioned);
    rules.rail = RailOf(Arc::new(|stored| RailGeometry {
        travel_per_turn_mm: stored.travel_per_turn_mm.unwrap_or(40.0),
        ..RailGeometry::default()
    }));
    let server = real_machine(rules, CommissioningRecord::default()).await;
    let key = |run: &Value, key: &str| {
        let all = run["wiring"].as_array().unwrap();
        all.iter().find(|fact| fact["key"] == key).unwrap().clone()
    };
    let turned = json!({ "invert_dir": true });
    assert_eq!(by(&server, 2, "PUT", WIRING, turned.clone()).await.status, 403);
    let fixed = by(&server, 3, "PUT", WIRING, json!({ "invert_dir": true, "invert_front": true })).await;
    assert_eq!((fixed.status, code(&fixed).as_str()), (409, "fixed_in_file"), "{}", fixed.text());
    for wrong in [json!({ "pulse_low_ns": 5 }), json!({ "travel_per_turn_mm": -1.0 }), json!({ "pins": 3 })] {
        assert_eq!(by(&server, 3, "PUT", WIRING, wrong).await.status, 422);
    }
    server.port.set_snapshot(snapshot(State::Running));
    let moving = by(&server, 3, "PUT", WIRING, turned.clone()).await;
    assert_eq!((moving.status, code(&moving).as_str()), (409, "moving"));
    server.port.set_snapshot(snapshot(State::NotHomed));
    assert!(server.store.state.lock().unwrap().commissioning.is_blank());
    let stored = by(&server, 3, "PUT", WIRING, turned).await;
    assert_eq!(stored.status, 200, "{}", stored.text());
    let dir = key(&stored.json(), "pins.invert_dir");
    assert_eq!((&dir["value"], &dir["at_next_start"]), (&json!("false"), &json!("true")), "{dir}");
    let front = key(&stored.json(), "pins.invert_front");
    assert_eq!((&front["source"], &front["at_next_start"]), (&json!("file"), &Value::Null));
    assert_eq!(key(&stored.json(), "settings.max_stroke_mm")["source"], "settings");
    let anew = tokio::time::timeout(Duration::from_secs(5), server.ctx.restart.notified()).await;
    assert!(anew.is_ok(), "the program goes on with the old wiring");
    assert_eq!(server.store.state.lock().unwrap().commissioning.wiring.invert_dir, Some(true));
    // More steps to a millimetre make homing faster than its numbers say: not from afar.
    let finer = json!({ "travel_per_turn_mm": 20.0 });
    let far = by(&server, 3, "PUT", WIRING, finer.clone()).await;
    assert_eq!((far.status, code(&far).as_str()), (403, "presence_needed"));
    assert_eq!(server.put(WIRING, &finer.to_string()).await.status, 200, "at the machine itself");
    // What is in force already needs no other start.
    let same = by(&server, 3, "PUT", WIRING, json!({ "travel_per_turn_mm": 40.0 })).await;
    assert_eq!(same.status, 200);
    assert_eq!(server.port.command_count(), 0, "something moved");
}

/// Calibrates with these travels, and asks for the step to be finished behind each; the last answer.
async fn calibrated(server: &Server, travels_steps: &[i64], from_ns: u64) -> HttpAnswer {
    let mut last = None;
    for (at, travel_steps) in travels_steps.iter().enumerate() {
        let found =
            Calibration { origin_steps: 50, travel_steps: *travel_steps, max_steps: travel_steps - 100 };
        server.ctx.settings.calibrated(&found, 7).await.unwrap();
        let since_ns = from_ns + 1_000_000_000 * at as u64;
        server.port.set_snapshot(Snapshot { since_ns, at_ns: since_ns + 1, ..snapshot(State::Ready) });
        tokio::time::sleep(Duration::from_millis(40)).await;
        last = Some(by(server, 3, "POST", "/api/v1/commissioning/steps/calibrate", json!({})).await);
    }
    last.unwrap()
}

#[tokio::test]
async fn calibrations_that_differ_by_more_than_a_fifth_of_a_millimetre_are_refused() {
    let server = real_machine(wired(21), CommissioningRecord::default()).await;
    prove(&server, CommissioningStep::ALL.into_iter().take(8)).await;
    let begun =
        by(&server, 3, "POST", "/api/v1/commissioning/steps/calibrate", json!({ "act": "begin" })).await;
    assert_eq!(begun.status, 200, "{}", begun.text());
    // 10 steps to a millimetre.
    let apart = calibrated(&server, &[1_550, 1_551, 1_553], 5_000_000_000).await;
    assert_eq!((apart.status, code(&apart).as_str()), (409, "step_not_proven"));
    assert!(apart.json()["detail"].as_str().unwrap().contains("0.30 mm"), "{}", apart.text());
    // The three begin anew.
    let two = calibrated(&server, &[1_553, 1_552], 20_000_000_000).await;
    assert_eq!(two.json()["in_progress"]["travels_steps"], json!([1_553, 1_552]), "{}", two.text());
    let again = by(&server, 3, "POST", "/api/v1/commissioning/steps/calibrate", json!({})).await;
    assert_eq!(again.status, 409, "the same calibration counts once");
    let three = calibrated(&server, &[1_551], 30_000_000_000).await;
    assert_eq!(three.status, 200, "{}", three.text());
    let step = three.json()["steps"][8].clone();
    assert_eq!((&step["step"], &step["state"]), (&json!("calibrate"), &json!("done")));
    let spread_mm = step["evidence"]["spread_mm"].as_f64().unwrap();
    assert!((spread_mm - 0.2).abs() < 1e-9, "{spread_mm}");
}

#[tokio::test]
async fn a_switch_that_bounces_for_longer_than_five_milliseconds_is_refused() {
    let server = real_machine(wired(21), CommissioningRecord::default()).await;
    prove(&server, CommissioningStep::ALL.into_iter().take(2)).await;
    server.port.set_snapshot(snapshot(State::NotHomed));
    let switches = "/api/v1/commissioning/steps/switches";
    assert_eq!(by(&server, 3, "POST", switches, json!({ "act": "begin" })).await.status, 200);
    let show = async |contacts: Contacts| {
        server.port.set_snapshot(Snapshot { contacts, at_ns: 9_000_000_000, ..snapshot(State::NotHomed) });
        tokio::time::sleep(Duration::from_millis(40)).await;
    };
    let pressed = Contact { presses: 2, longest_bounce_ns: 0, closed_since_ns: None };
    let plug = Contact { presses: 3, closed_since_ns: Some(8_000_000_000), ..pressed };
    show(Contacts { front: plug, back: pressed }).await;
    assert_eq!(by(&server, 3, "POST", switches, json!({ "act": "unplugged" })).await.status, 200);
    let bouncing = Contact { longest_bounce_ns: 6_000_000, ..pressed };
    show(Contacts { front: pressed, back: bouncing }).await;
    let refused = by(&server, 3, "POST", switches, json!({})).await;
    assert!(refused.json()["detail"].as_str().unwrap().contains("bounces for 6 ms"), "{}", refused.text());
    let clean = Contact { longest_bounce_ns: 5_000_000, ..pressed };
    show(Contacts { front: pressed, back: clean }).await;
    let done = by(&server, 3, "POST", switches, json!({})).await;
    assert_eq!((done.status, &done.json()["steps"][2]["state"]), (200, &json!("done")), "{}", done.text());
}

#[tokio::test]
async fn numbers_from_afar_stay_inside_the_envelope_and_hands_on_the_switches_are_presence() {
    let numbers = "/api/v1/commissioning/steps/numbers";
    let finer = json!({ "max_stroke_mm": 155, "microsteps_per_rev": 800 });
    let server = real_machine(wired(21), CommissioningRecord::default()).await;
    prove(&server, CommissioningStep::ALL.into_iter().take(3)).await;
    server.port.set_snapshot(snapshot(State::NotHomed));
    assert_eq!(by(&server, 3, "POST", numbers, json!({ "act": "begin" })).await.status, 200);
    let far = by(&server, 3, "POST", numbers, finer.clone()).await;
    assert_eq!((far.status, code(&far).as_str()), (403, "beyond_envelope"));
    let same =
        by(&server, 3, "POST", numbers, json!({ "max_stroke_mm": 155, "microsteps_per_rev": 400 })).await;
    assert_eq!(same.status, 200, "{}", same.text());
    let me = by(&server, 3, "GET", "/api/v1/me", Value::Null).await.json();
    assert_eq!(me["is_present"], false);
    let switches = "/api/v1/commissioning/steps/switches";
    assert_eq!(by(&server, 3, "POST", switches, json!({ "act": "begin" })).await.status, 200);
    let pressed = Contact { presses: 2, longest_bounce_ns: 0, closed_since_ns: None };
    let plug = Contact { presses: 3, closed_since_ns: Some(8_000_000_000), ..pressed };
    for (front, body) in [(plug, json!({ "act": "unplugged" })), (pressed, json!({}))] {
        let contacts = Contacts { front, back: pressed };
        server.port.set_snapshot(Snapshot { contacts, at_ns: 9_000_000_000, ..snapshot(State::NotHomed) });
        tokio::time::sleep(Duration::from_millis(40)).await;
        let answer = by(&server, 3, "POST", switches, body).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
    let me = by(&server, 3, "GET", "/api/v1/me", Value::Null).await.json();
    assert_eq!(me["is_present"], true);
    assert_eq!(by(&server, 3, "POST", numbers, json!({ "act": "begin" })).await.status, 200);
    let near = by(&server, 3, "POST", numbers, finer).await;
    assert_eq!(near.status, 200, "{}", near.text());
}

const LIMITS_STEP: &str = "/api/v1/commissioning/steps/limits";

/// A calibrated axis at rest, whose switches closed so many steps beside their place.
fn calibrated_at(at_ns: u64, beside_steps: i64) -> Snapshot {
    Snapshot { at_ns, since_ns: at_ns - 1, origin_steps: Some(-725 + beside_steps), ..snapshot(State::Ready) }
}

/// With everything proven before the limits, which are begun.
async fn at_the_limits() -> Server {
    let server = real_machine(wired(21), CommissioningRecord::default()).await;
    let before = CommissioningStep::ALL.into_iter().take_while(|step| *step != CommissioningStep::Limits);
    prove(&server, before).await;
    server.port.set_snapshot(calibrated_at(2_000_000_000, 0));
    let begun = by(&server, 3, "POST", LIMITS_STEP, json!({ "act": "begin" })).await;
    assert_eq!(begun.status, 200, "{}", begun.text());
    server
}

fn trial(envelope: &Value) -> Value {
    json!({ "act": "start", "envelope": envelope, "after_stop": 0 })
}

/// Everything that is in force, as clients see it and as it is written down.
async fn in_force(server: &Server) -> (Value, Value, yep::settings::Settings) {
    let settings = server.get("/api/v1/settings").await.json();
    let limits = server.get("/api/v1/limits").await.json()["asked"].clone();
    (settings, limits, server.store.state.lock().unwrap().settings.clone())
}

/// Shows these snapshots one after the other, so that the step sees each.
async fn show(server: &Server, snapshots: impl IntoIterator<Item = Snapshot>) {
    for snapshot in snapshots {
        server.port.set_snapshot(snapshot);
        tokio::time::sleep(Duration::from_millis(40)).await;
    }
}

/// A wave of two periods that reaches this speed, and a calibration that finds the switches so many steps beside their place.
async fn wave_and_calibration(server: &Server, from_ns: u64, fastest_mm_s: f64, beside_steps: i64) {
    let runs = Snapshot { at_ns: from_ns, why: Why::RunAsked, periods: 2, ..snapshot(State::Running) };
    let fastest = Snapshot { velocity_mm_s: -fastest_mm_s, ..runs };
    show(server, [runs, fastest, calibrated_at(from_ns + 1_000_000_000, beside_steps)]).await;
}

/// Asks for that act in the step, from the page of an admin.
async fn limits(server: &Server, body: Value) -> HttpAnswer {
    let bearer = bearer(3);
    let headers = [
        ("host", "yep.local"),
        ("authorization", bearer.as_str()),
        ("content-type", "application/json"),
        ("yep-tab", "page"),
    ];
    server.request_from(10, "POST", LIMITS_STEP, &headers, body.to_string().as_bytes()).await
}

#[track_caller]
fn assert_unproven(answer: &HttpAnswer, said: &str) {
    assert_eq!((answer.status, code(answer).as_str()), (409, "step_not_proven"), "{}", answer.text());
    assert!(answer.json()["detail"].as_str().unwrap().contains(said), "{said}: {}", answer.text());
}

#[tokio::test]
async fn limits_whose_wave_is_refused_are_taken_back() {
    let server = at_the_limits().await;
    let wanted = envelope(60.0, 40);
    let former = in_force(&server).await;
    let refused = async |sent: Value, reason: &str| {
        let answer = limits(&server, sent).await;
        assert_eq!((answer.status, code(&answer).as_str()), (409, reason), "{}", answer.text());
        assert_eq!(in_force(&server).await, former, "{reason}: half of it was done");
    };
    let mut other = page(&server, 2).await;
    let lease = ask(&mut other, json!({ "id": 2, "type": "lease", "act": "ask" })).await;
    assert_eq!(lease["lease"]["is_own"], true, "{lease}");
    refused(trial(&wanted), "not_in_charge").await;
    ask(&mut other, json!({ "id": 3, "type": "lease", "act": "release" })).await;
    // STOP came, of which the sender does not know.
    refused(json!({ "act": "start", "envelope": wanted, "after_stop": 7 }), "stopped").await;
    for (refusal, reason) in [
        (CommandRefusal::Faulted(Fault::EStop, SwitchDistance::Unknown), "faulted"),
        (CommandRefusal::Disarmed, "disarmed"),
        (CommandRefusal::Stopped, "stopped"),
    ] {
        server.port.commands();
        server.port.refuse_runs(Some(refusal));
        refused(trial(&wanted), reason).await;
        assert!(matches!(
            server.port.commands()[..],
            [Command::UpdateSettings(_), Command::Run(_), Command::UpdateSettings(_)]
        ));
    }
    server.port.refuse_runs(None);
    // Not from a wave that runs: what is wider would not be in force.
    show(&server, [Snapshot { origin_steps: Some(-725), ..snapshot(State::Running) }]).await;
    refused(trial(&wanted), "moving").await;
    assert_eq!(server.port.command_count(), 0);
    show(&server, [calibrated_at(3_000_000_000, 0)]).await;
    assert_unproven(&limits(&server, json!({})).await, "start the wave");
    let started = limits(&server, trial(&wanted)).await;
    assert_eq!(started.status, 200, "{}", started.text());
    assert_eq!(in_force(&server).await.1["max_speed_mm_s"], 60.0);
}

#[tokio::test]
async fn what_somebody_changed_meanwhile_is_not_taken_back() {
    let server = at_the_limits().await;
    let former = in_force(&server).await.2;
    server.port.commands();
    server.port.refuse_runs(Some(CommandRefusal::Stopped));
    // The limits are in force, and the wave waits for the machine's answer.
    server.port.hold_runs(true);
    let narrows = async {
        while server.port.command_count() < 2 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let slower = json!({ "max_speed_mm_s": 50.0, "approach_speed_mm_s": 50.0 });
        let narrowed = by(&server, 2, "PUT", "/api/v1/limits", slower).await;
        assert_eq!(narrowed.status, 200, "{}", narrowed.text());
        server.port.hold_runs(false);
    };
    let (refused, ()) = tokio::join!(limits(&server, trial(&envelope(60.0, 40))), narrows);
    assert_eq!((refused.status, code(&refused).as_str()), (409, "stopped"), "{}", refused.text());
    let (_, asked, stored) = in_force(&server).await;
    assert_eq!((&asked["max_speed_mm_s"], &asked["approach_speed_mm_s"]), (&json!(50.0), &json!(50.0)));
    assert_eq!(stored.motion.max_acceleration, former.motion.max_acceleration);
    assert_eq!(stored.document, former.document);
}

#[tokio::test]
async fn limits_are_proven_by_the_wave_that_ran_at_them() {
    let server = at_the_limits().await;
    let tried = envelope(60.0, 40);
    let start = async |at_ns: u64| {
        show(&server, [calibrated_at(at_ns, 0)]).await;
        let started = limits(&server, trial(&tried)).await;
        assert_eq!(started.status, 200, "{}", started.text());
    };
    start(2_000_000_000).await;
    // A force held it back.
    wave_and_calibration(&server, 3_000_000_000, 50.0, 0).await;
    assert_unproven(
        &limits(&server, json!({})).await,
        "reached 50 mm/s, and at these limits this stroke reaches 60",
    );
    // A person narrows the limits while the wave runs.
    start(5_000_000_000).await;
    let slower = json!({ "max_speed_mm_s": 30.0, "approach_speed_mm_s": 30.0 });
    assert_eq!(by(&server, 2, "PUT", "/api/v1/limits", slower).await.status, 200);
    wave_and_calibration(&server, 6_000_000_000, 60.0, 0).await;
    let refused = limits(&server, json!({})).await;
    assert_unproven(&refused, "30 mm/s, 4000 mm/s^2, 40 mm, 900 g are in force");
    assert_eq!(first_run(&server).await["envelope_proven"], false);
    // At last.
    start(8_000_000_000).await;
    wave_and_calibration(&server, 9_000_000_000, 58.0, 1).await;
    let done = limits(&server, json!({})).await;
    assert_eq!(done.status, 200, "{}", done.text());
    let run = done.json();
    assert_eq!((&run["envelope"], &run["envelope_proven"]), (&tried, &json!(true)));
    let evidence = &run["steps"][10]["evidence"];
    assert_eq!((&evidence["reached_mm_s"], &evidence["lost_mm"]), (&json!(58.0), &json!(0.1)), "{run}");
}

#[tokio::test]
async fn where_steps_were_lost_no_limit_stays_wider_than_before() {
    let server = at_the_limits().await;
    // Someone has chosen a short stroke and a low speed.
    let low = json!({ "max_speed_mm_s": 40.0, "approach_speed_mm_s": 40.0 });
    assert_eq!(by(&server, 3, "PUT", "/api/v1/limits", low).await.status, 200);
    let tried =
        json!({ "max_speed_mm_s": 90.0, "max_acceleration_mm_s2": 2000.0, "stroke_mm": 70, "force_g": 900 });
    for at_ns in [2_000_000_000, 10_000_000_000] {
        show(&server, [calibrated_at(at_ns, 0)]).await;
        let started = limits(&server, trial(&tried)).await;
        assert_eq!(started.status, 200, "{}", started.text());
        assert_eq!(in_force(&server).await.1["max_speed_mm_s"], 90.0);
        if at_ns == 2_000_000_000 {
            // Without an end: what was before it is what was before both.
            continue;
        }
        wave_and_calibration(&server, at_ns + 1_000_000_000, 90.0, 8).await;
        let lost = limits(&server, json!({})).await;
        assert_unproven(&lost, "the motor lost steps");
        assert_unproven(&lost, "wider than before the wave: 40 mm/s, 2000 mm/s^2, 70 mm, 900 g");
    }
    let (_, asked, stored) = in_force(&server).await;
    assert_eq!((&asked["max_speed_mm_s"], &asked["max_acceleration_mm_s2"]), (&json!(40.0), &json!(2000.0)));
    assert_eq!((stored.document.stroke_limit, stored.document.force_limit), (70, 900));
    assert_unproven(&limits(&server, json!({})).await, "start the wave");
    let run = first_run(&server).await;
    assert_eq!((&run["envelope_proven"], &run["next"]), (&json!(false), &json!("limits")));
}

#[tokio::test]
async fn an_array_is_no_object() {
    let server = real_machine(wired(21), CommissioningRecord::default()).await;
    for field in ["wiring", "envelope"] {
        let body = json!({ "act": "begin", field: [null, null] });
        let answer = by(&server, 3, "POST", "/api/v1/commissioning/steps/own", body).await;
        assert_eq!(answer.status, 422, "{}", answer.text());
    }
}
