//! The program as a device of a real Intiface: the Buttplug server that Intiface is, with its WebSocket for devices, in this
//! process; the program, whose path is the argument, as a child process; and clients of the server that move the axis.
//!
//! Nothing is simulated but the machine itself: the file for Intiface is the one that the program serves, and what goes over
//! the WebSocket is what both send. `scripts/intiface-test` builds and runs it.

mod intiface;
mod machine;

use std::net::TcpListener;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use intiface::{Client, Intiface};
use machine::{Home, Yep, at_mm};
use serde_json::{Value, json};

/// Longest wait for anything. The program looks for an Intiface that is not there each 10 s.
const PATIENCE: Duration = Duration::from_secs(30);
/// The axis is at a place: three digits of the window, and the step.
const NEAR_MM: f64 = 0.5;

/// Polls until `poll` returns a value.
#[track_caller]
fn eventually<T>(what: &str, mut poll: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = poll() {
            return found;
        }
        assert!(began.elapsed() < PATIENCE, "{what}: not within {PATIENCE:?}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn pause(ms: u64) {
    std::thread::sleep(Duration::from_millis(ms));
}

fn main() -> ExitCode {
    let Some(program) = std::env::args_os().nth(1) else {
        eprintln!("the path of the program is missing");
        return ExitCode::from(2);
    };
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let home = Home::new(program, &format!("ws://127.0.0.1:{port}"));
    let mut yep = home.start();

    println!("the program is there before its Intiface, and says so");
    let why = eventually("the trouble is said", || yep.trouble());
    println!("  {why}");
    let intiface = Intiface::start(port, &yep.get("/api/v1/feeds/intiface-config").to_string());

    println!("Intiface finds the axis by the file that the program serves");
    let mut client = intiface.client(4);
    let axis = client.axis();
    println!("  {}", client.describe(axis));
    assert!(yep.trouble().is_none());

    nothing_moves_before_calibration(&yep, &mut client, axis);
    places_are_reached(&yep, &mut client, axis);
    strokes_end_on_the_last_target(&yep, &mut client, axis);
    a_dense_stream_is_followed(&yep, &mut client, axis);
    a_stop_sends_nothing(&yep, &mut client, axis);
    stop_of_the_program_latches(&yep, &mut client, axis);
    drop(client);

    a_client_goes_in_the_middle_of_a_move(&yep, intiface.client(3), axis);
    let mut client = intiface.client(3);
    assert_eq!(client.axis(), axis);
    sigterm_is_heard(&mut yep, &mut client, axis);
    let mut yep = home.start();
    it_is_found_again(&yep, &mut client, axis);
    what_is_killed_stays_in_intiface(&home, &mut yep, &mut client, axis);
    println!("the axis was a device of a real Intiface");
    ExitCode::SUCCESS
}

fn linear_cmd(axis: u64, place: f64, ms: u32) -> Value {
    json!({ "DeviceIndex": axis, "Vectors": [{ "Index": 0, "Duration": ms, "Position": place }] })
}

fn nothing_moves_before_calibration(yep: &Yep, client: &mut Client, axis: u64) {
    println!("before calibration Intiface says Ok, and nothing moves");
    let carriage_mm = yep.carriage_mm();
    client.position_with_duration(axis, 900, 300);
    let refusal = eventually("it is refused", || yep.links()[0]["refusal"].as_str().map(str::to_owned));
    println!("  {refusal}");
    pause(500);
    assert_eq!((yep.carriage_mm(), &yep.machine()["state"]), (carriage_mm, &json!("not_homed")));
    yep.calibrate();
    yep.set_window(20.0, 120.0);
    // Whoever only went on sending would start nothing.
    pause(2_100);
}

fn places_are_reached(yep: &Yep, client: &mut Client, axis: u64) {
    println!("HwPositionWithDuration and Position reach their places");
    for (value, ms) in [(800, 1_000), (200, 700), (999, 900), (0, 900), (500, 400)] {
        let sent = Instant::now();
        client.position_with_duration(axis, value, ms);
        let share = f64::from(value) / 999.0;
        yep.arrives_at(share);
        println!("  {value} in {ms} ms: {:.1} mm after {} ms", yep.position_mm(), sent.elapsed().as_millis());
        yep.rests_at(share);
    }
    client.output(axis, json!({ "Position": { "Value": 650 } }));
    yep.arrives_at(0.65);
    println!("  Position 650: {:.1} mm", yep.position_mm());
    assert_eq!(yep.links()[0]["transport"], "Intiface");
}

/// As a game or a script sends them: each target when the one before is due.
fn strokes_end_on_the_last_target(yep: &Yep, client: &mut Client, axis: u64) {
    println!("strokes: 20 targets, one each 250 ms");
    let (mut least, mut most) = (f64::MAX, f64::MIN);
    for stroke in 0..20 {
        client.position_with_duration(axis, if stroke % 2 == 0 { 350 } else { 650 }, 250);
        let due = Instant::now() + Duration::from_millis(250);
        while Instant::now() < due {
            // The first ones may be slow.
            if stroke >= 6 {
                let share = yep.share();
                (least, most) = (least.min(share), most.max(share));
            }
            pause(5);
        }
    }
    println!("  between {least:.2} and {most:.2} of the window");
    assert!((0.33..0.40).contains(&least) && (0.60..0.67).contains(&most), "{}", yep.feeds());
    yep.arrives_at(0.65);
    yep.rests_at(0.65);
}

/// As a player sends a script: a sine of 0.5 Hz, 40 targets a second, which the server passes on each 20 ms at the most.
fn a_dense_stream_is_followed(yep: &Yep, client: &mut Client, axis: u64) {
    println!("a stream: 40 targets a second");
    let (received, began) = (yep.received(), Instant::now());
    let (mut least, mut most) = (f64::MAX, f64::MIN);
    for step in 1..=240_u32 {
        let angle = std::f64::consts::PI * f64::from(step) / 40.0;
        client.position_with_duration(axis, (500.0 + 150.0 * angle.sin()).round() as u32, 25);
        if step > 80 {
            let share = yep.share();
            (least, most) = (least.min(share), most.max(share));
        }
        std::thread::sleep((Duration::from_millis(25) * step).saturating_sub(began.elapsed()));
    }
    pause(100);
    let received = yep.received() - received;
    println!("  {received} of 240 came, between {least:.3} and {most:.3} of the window");
    let link = &yep.links()[0];
    println!("  {}: {:.1} a second", link["name"], link["per_s"].as_f64().unwrap());
    assert!(received > 150, "{received}");
    assert!((0.32..0.38).contains(&least) && (0.62..0.68).contains(&most), "{}", yep.feeds());
    yep.arrives_at(0.5);
    yep.rests_at(0.5);
    client.position_with_duration(axis, 650, 400);
    yep.arrives_at(0.65);
}

fn a_stop_sends_nothing(yep: &Yep, client: &mut Client, axis: u64) {
    println!("a client's stop sends nothing to a position device: the axis ends its move, and rests");
    for stop in [json!({ "DeviceIndex": axis, "Inputs": true, "Outputs": true }), json!({})] {
        client.position_with_duration(axis, 100, 2_000);
        eventually("it is on its way", || (yep.share() < 0.5).then_some(()));
        let received = yep.received();
        client.expect_ok("StopCmd", stop);
        let stopped_mm = yep.position_mm();
        yep.arrives_at(0.1);
        yep.rests_at(0.1);
        println!("  stopped at {stopped_mm:.1} mm, rests at {:.1} mm", yep.position_mm());
        assert_eq!(yep.received(), received, "the stop has sent something");
        client.position_with_duration(axis, 650, 800);
        yep.arrives_at(0.65);
    }
}

fn stop_of_the_program_latches(yep: &Yep, client: &mut Client, axis: u64) {
    println!("STOP of the program holds, whatever Intiface sends, until a person lets programs go on");
    client.position_with_duration(axis, 50, 2_000);
    eventually("it is on its way", || (yep.share() < 0.55).then_some(()));
    yep.post("/api/v1/stop", &json!({}));
    eventually("it has stopped", || (yep.machine()["state"] == "ready").then_some(()));
    let stopped_mm = yep.position_mm();
    assert!(stopped_mm > at_mm(yep, 0.2), "it went on to {stopped_mm} mm");
    for value in [900, 100, 900] {
        client.position_with_duration(axis, value, 300);
        pause(300);
    }
    assert_eq!(yep.position_mm(), stopped_mm);
    println!("  at {stopped_mm:.1} mm: {}", yep.links()[0]["refusal"]);
    let after_stop = yep.machine()["stops"].clone();
    yep.post("/api/v1/feeds/resume", &json!({ "after_stop": after_stop }));
    client.position_with_duration(axis, 500, 800);
    yep.arrives_at(0.5);
}

fn a_client_goes_in_the_middle_of_a_move(yep: &Yep, mut client: Client, axis: u64) {
    println!("a client of version 3 comes, drives, and goes in the middle of a move, which ends");
    assert_eq!(client.axis(), axis);
    client.linear(axis, 0.25, 500);
    yep.arrives_at(0.25);
    client.linear(axis, 0.75, 2_000);
    eventually("it is on its way", || (yep.share() > 0.4).then_some(()));
    client.disconnect();
    yep.arrives_at(0.75);
    yep.rests_at(0.75);
    assert_eq!(yep.links().len(), 1, "the axis has left with the client");
}

fn sigterm_is_heard(yep: &mut Yep, client: &mut Client, axis: u64) {
    println!("SIGTERM in the middle of a move: Intiface hears that the device has gone");
    client.linear(axis, 0.1, 3_000);
    eventually("it is on its way", || (yep.share() < 0.6).then_some(()));
    let asked = Instant::now();
    yep.signal("TERM");
    client.hears(|event| event["DeviceRemoved"]["DeviceIndex"] == json!(axis));
    println!("  DeviceRemoved after {} ms", asked.elapsed().as_millis());
    assert!(yep.wait_for_exit().success(), "{}", yep.log());
    assert!(client.devices().is_empty());
    let refused = client.ask("LinearCmd", linear_cmd(axis, 0.5, 500));
    assert_eq!(refused["Error"]["ErrorCode"], 4, "{refused}");
}

fn it_is_found_again(yep: &Yep, client: &mut Client, axis: u64) {
    println!("started anew it is found again, as the same device");
    client.hears(|event| event["DeviceAdded"]["DeviceIndex"] == json!(axis));
    yep.calibrate();
    for place in [0.6, 0.9] {
        client.linear(axis, place, 800);
        yep.arrives_at(place);
    }
}

/// Known of this server: a device that vanishes without a Close stays in its list, commands to it are answered with Ok, and it is
/// not let in again under its address. So the Close is what made the difference above. The program lives on, and says so.
fn what_is_killed_stays_in_intiface(home: &Home, yep: &mut Yep, client: &mut Client, axis: u64) {
    println!("SIGKILL: no Close, as when the power goes");
    yep.signal("KILL");
    yep.wait_for_exit();
    let yep = home.start();
    let why = eventually("it is not let in", || yep.trouble().filter(|why| why.contains("closed")));
    assert_eq!(client.axis(), axis);
    client.linear(axis, 0.5, 500);
    println!(
        "  Intiface has the device still, and lets it in no more until it is restarted; the program: {why}"
    );
    assert_eq!((&yep.machine()["state"], yep.links().len()), (&json!("not_homed"), 0));
}
