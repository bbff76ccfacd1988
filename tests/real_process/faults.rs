//! Flight recorder of the real binary: over the API, on the command line, after a kill, its bounds, and damaged files.

use std::fs;
use std::process::Output;

use serde_json::{Value, json};

use crate::real::process::{QUICK_HOMING, yep as binary};
use crate::real::{Home, Yep, eventually};

/// Number of recordings that are kept.
const KEPT: usize = yep::layout::RECORDINGS;

#[track_caller]
fn recordings(yep: &Yep) -> Vec<Value> {
    yep.get("/api/v1/faults").expect_ok()["faults"].as_array().unwrap().clone()
}

/// Waits until recording `id` is the newest one and on the disk; returns it.
#[track_caller]
fn wait_for_recording(yep: &Yep, id: u64) -> Value {
    let newest = || recordings(yep).into_iter().next().filter(|newest| newest["id"] == id);
    let newest = eventually(&format!("recording {id}"), newest);
    assert_eq!((&newest["written"], &newest["this_run"]), (&json!(true), &json!(true)), "{newest}");
    newest
}

#[track_caller]
fn run_yep(yep: &Yep, arguments: &[&str]) -> String {
    let Output { status, stdout, stderr } =
        binary().args(arguments).args(["--server", &yep.url()]).output().unwrap();
    assert!(status.success(), "{}", String::from_utf8_lossy(&stderr));
    String::from_utf8(stdout).unwrap()
}

/// The value of that column in a row.
fn cell<'a>(columns: &str, row: &'a str, column: &str) -> &'a str {
    let index = columns.split(',').position(|name| name == column).unwrap();
    row.split(',').nth(index).unwrap()
}

#[test]
fn a_fault_is_recorded_told_and_kept_over_a_kill() {
    let home = Home::new(QUICK_HOMING);
    let mut yep = home.start();
    assert_eq!(recordings(&yep), Vec::<Value>::new());
    assert_eq!(run_yep(&yep, &["faults", "list"]), "no fault was recorded\n");
    yep.set_in_motion();
    yep.put_sim(&json!({ "mishaps": ["front_welded"] }));
    yep.wait_for_state("faulted");
    let (code, _) = yep.run_wave("sine", 1.5).expect_refused();
    assert_eq!(code, "faulted");
    let about = wait_for_recording(&yep, 1);
    assert_eq!(
        (&about["fault"]["code"], &about["before"]["state"]),
        (&json!("limit_hit_front"), &json!("running"))
    );

    // The rows, requested in both ways, and their steps against the pulse log.
    let csv = yep.get("/api/v1/faults/1.csv");
    assert_eq!((csv.status, csv.header("content-type")), (200, Some("text/csv; charset=utf-8")));
    assert_eq!(yep.request("GET", "/api/v1/faults/1", &[("accept", "text/csv")], "").body, csv.body);
    let mut rows = csv.body.lines();
    let columns = rows.next().unwrap();
    let rows: Vec<(u64, i64)> = rows
        .map(|row| {
            let number = |column| cell(columns, row, column).parse::<i64>().unwrap();
            (number("at_ns") as u64, number("steps"))
        })
        .collect();
    assert!(rows.len() > 2_000, "{} rows", rows.len());
    let pulses = home.pulses();
    let count = |at_ns: u64| {
        let behind = pulses.partition_point(|pulse| pulse.at_ns <= at_ns);
        if behind == 0 { 0 } else { pulses[behind - 1].count }
    };
    for pair in rows.windows(2) {
        // A busy host may keep the counter from being read until the next cycle, and a step from being counted.
        let (from_ns, to_ns) = (pair[0].0, pair[1].0);
        let between =
            pulses.iter().skip_while(|pulse| pulse.at_ns <= from_ns).take_while(|p| p.at_ns <= to_ns);
        let counts: Vec<i64> = between.map(|pulse| pulse.count).chain([count(from_ns)]).collect();
        let (low, high) = (*counts.iter().min().unwrap() - 1, *counts.iter().max().unwrap() + 1);
        assert!((low..=high).contains(&pair[0].1), "{} steps at {from_ns}, {low}..{high}", pair[0].1);
    }
    let ran = csv.body.lines().find(|row| cell(columns, row, "command") == "run").unwrap();
    assert_eq!((cell(columns, ran, "period_s"), cell(columns, ran, "reply")), ("2", "now"));
    assert!(csv.body.lines().any(|row| cell(columns, row, "reply") == "faulted"), "the refusal is missing");

    // A part of it as JSON.
    let part = yep.get("/api/v1/faults/1?from_s=-0.1&to_s=0.1&every=5").expect_ok();
    let times = part["columns"]["time_s"].as_array().unwrap();
    assert!(!times.is_empty() && times.len() <= 41, "{times:?}");
    for (path, status) in
        [("/api/v1/faults/2", 404), ("/api/v1/faults/x", 404), ("/api/v1/faults/1?every=0", 422)]
    {
        assert_eq!(yep.get(path).status, status, "{path}");
    }

    // On the command line.
    let list = run_yep(&yep, &["faults", "list"]);
    assert!(list.contains("   1  20") && list.contains("the front limit switch closed in motion"), "{list}");
    let show = run_yep(&yep, &["faults", "show", "--ascii"]);
    for text in ["fault     the front limit switch closed in motion (limit_hit_front)", "before    running: "]
    {
        assert!(show.contains(text), "{text}: {show}");
    }
    for text in
        ["asked: run, period 2 s; answered: now", "faulted, front pressed", "position by the pulses (mm)"]
    {
        assert!(show.contains(text), "{text}: {show}");
    }
    assert!(show.lines().filter(|line| line.contains('*')).count() > 5, "nothing is drawn: {show}");
    assert_eq!(run_yep(&yep, &["faults", "show", "1", "--csv"]), csv.body);

    // A kill, and another start.
    yep.signal("KILL");
    yep.wait_for_exit();
    drop(yep);
    let yep = home.start();
    let kept = recordings(&yep);
    assert_eq!((kept.len(), &kept[0]["id"], &kept[0]["this_run"]), (1, &json!(1), &json!(false)));
    assert_eq!(yep.get("/api/v1/faults/1.csv").body, csv.body);
    assert!(yep.log().contains("faults of earlier runs"), "{}", yep.log());
    assert_eq!(yep.status()["state"], "not_homed");
    assert!(run_yep(&yep, &["faults", "list"]).contains("; in an earlier run"));
}

#[test]
fn a_handful_is_kept_and_a_damaged_one_keeps_nothing_from_starting() {
    let home = Home::new("");
    let mut yep = home.start();
    let rounds = KEPT as u64 + 2;
    for _ in 0..rounds {
        yep.put_sim(&json!({ "mishaps": ["e_stop_open"] }));
        yep.wait_for_state("faulted");
        yep.put_sim(&json!({ "mishaps": [] }));
        eventually("it may be acknowledged", || {
            (yep.send_command("acknowledge").status == 200).then_some(())
        });
    }
    // A termination in the second after the last fault: the records until then are kept.
    yep.signal("TERM");
    assert_eq!(yep.wait_for_exit().code(), Some(0), "{}", yep.log());
    drop(yep);
    let faults = home.state().join("faults");
    assert_eq!(fs::read_dir(&faults).unwrap().count(), KEPT);
    let path = |id: u64| faults.join(format!("fault-{id}.rec"));
    let whole = fs::read(path(rounds)).unwrap();
    fs::write(path(rounds), &whole[..whole.len() - 1]).unwrap();
    fs::write(path(rounds - 1), b"").unwrap();
    let mut flipped = fs::read(path(rounds - 2)).unwrap();
    let last = flipped.len() - 1;
    flipped[last] ^= 1;
    fs::write(path(rounds - 2), flipped).unwrap();

    let yep = home.start();
    // The log is written by a thread of its own, a little later than what it tells.
    eventually("both damaged ones are told", || {
        (yep.log().matches("a recording is skipped").count() == 2).then_some(())
    });
    let ids: Vec<u64> = recordings(&yep).iter().map(|about| about["id"].as_u64().unwrap()).collect();
    assert_eq!(ids.len(), KEPT - 2);
    assert_eq!(ids[0], rounds - 2);
    // Damaged records are reported when they are requested.
    let damaged = yep.get(&format!("/api/v1/faults/{}", rounds - 2));
    assert!(damaged.status == 404 && damaged.body.contains("checksum"), "{damaged:?}");
    assert_eq!(yep.get(&format!("/api/v1/faults/{}", rounds - 3)).status, 200);
    yep.put_sim(&json!({ "mishaps": ["e_stop_open"] }));
    yep.wait_for_state("faulted");
    wait_for_recording(&yep, rounds + 1);
    assert_eq!(fs::read_dir(&faults).unwrap().count(), KEPT);
    assert!(!yep.log().contains("panic"), "{}", yep.log());
}

#[test]
fn a_latched_fault_has_no_recording_or_its_own() {
    let home = Home::new("");
    let yep = home.start();
    for id in 1..=3 {
        yep.put_sim(&json!({ "mishaps": ["e_stop_open"] }));
        yep.wait_for_state("faulted");
        eventually("its recording is made", || {
            let machine = yep.get("/api/v1/machine").expect_ok();
            let recording = &machine["fault_recording"];
            assert!(recording.is_null() || *recording == json!(id), "fault {id}: {machine}");
            (!recording.is_null()).then_some(())
        });
        yep.put_sim(&json!({ "mishaps": [] }));
        eventually("it may be acknowledged", || {
            (yep.send_command("acknowledge").status == 200).then_some(())
        });
    }
}
