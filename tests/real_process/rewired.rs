//! The real binary starts anew with another wiring: the same process, not homed, and the motor turns the other way.

use std::net::SocketAddr;
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use super::real::process::QUICK_HOMING;
use super::real::{Home, eventually};

const WIRING: &str = "/api/v1/commissioning/wiring";

/// The key as the first run shows it.
fn fact(run: &Value, key: &str) -> Value {
    let all = run["wiring"].as_array().unwrap();
    all.iter().find(|fact| fact["key"] == key).unwrap().clone()
}

/// The last address that the program has printed.
fn printed(said: &str) -> Vec<SocketAddr> {
    let lines = said.lines().filter(|line| line.starts_with("yep ") && line.contains(" serves "));
    lines.filter_map(|line| line.rsplit_once("http://")?.1.trim().parse().ok()).collect()
}

#[test]
fn another_direction_is_in_force_in_the_same_process() {
    let home = Home::new(QUICK_HOMING);
    let mut yep = home.start();
    let nudged_mm = |yep: &super::Yep| {
        let before_mm = yep.carriage_mm();
        let json = [("content-type", "application/json")];
        let body = r#"{ "toward": "front" }"#;
        yep.request("POST", "/api/v1/commissioning/nudge", &json, body).expect_ok();
        thread::sleep(Duration::from_millis(800));
        let machine = yep.get("/api/v1/machine").expect_ok();
        assert_eq!(machine["state"], "not_homed", "{machine}");
        yep.carriage_mm() - before_mm
    };
    let forward_mm = nudged_mm(&yep);
    assert!(forward_mm > 0.1 && forward_mm <= 2.01, "{forward_mm} mm");
    let stored = yep.put(WIRING, &json!({ "invert_dir": true })).expect_ok();
    assert_eq!(fact(&stored, "pins.invert_dir")["at_next_start"], "true", "{stored}");
    let address = eventually("it starts anew", || printed(&yep.stdout()).get(1).copied());
    yep.address = address;
    let run = yep.get("/api/v1/commissioning").expect_ok();
    let dir = fact(&run, "pins.invert_dir");
    assert_eq!((&dir["value"], &dir["source"]), (&json!("true"), &json!("commissioned")), "{dir}");
    let back_mm = nudged_mm(&yep);
    assert!((-2.01..-0.1).contains(&back_mm), "{back_mm} mm");
    yep.signal("TERM");
    assert_eq!(yep.wait_for_exit().code(), Some(0), "{}", yep.log());
}
