//! Latency of STOP from the request to the last pulse, over loopback, against promise S4: at rest within `v/a + 20 ms`.
//!
//! The pulses come from the pulse log of the simulated machine, in nanoseconds of the machine's clock. That clock and
//! ours are the same monotonic one with different zeros; the difference of the zeros is bounded from two sides:
//!
//! - An answer that contains the instant `at` of a snapshot arrives after that instant: the machine's zero is not later
//!   than `arrival - at`. Until something happens, `since_s` is that instant.
//! - A command leaves before the edge that it causes: the machine's zero is not earlier than `departure - edge`. The
//!   edge is the motor driver's, which homing switches on and STOP in homing switches off.
//!
//! Of the two bounds the later one is used. So every latency here is too long, by the uncertainty at most. Then the
//! same under each flood of [`support::flood`]: the time to STOP's answer on a connection of its own (of many tries,
//! and the number without an answer), and the last pulse behind some of them.
//!
//! `v` is the speed by the pulses around the request, `a` the deceleration of a stop.

mod support;

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::Value;
use support::flood::{FLOODS, Flood};
use support::server::{Client, Server, folder};
use support::{Samples, ms, print_figure};
use yep::api::charge::fence::GUARD;

const STOPS: u64 = 60;
/// Number of STOPs during each flood, and of those that stop an axis in motion.
const TRIES: u64 = 400;
const MOVES: u64 = 10;
/// A STOP without an answer after this time counts as not answered.
const ANSWERED: Duration = Duration::from_secs(5);
/// Time for a flood to build up.
const RISES: Duration = Duration::from_secs(1);
const PERIOD_S: f64 = 2.0;
/// Of the simulated rail.
const STEPS_PER_MM: f64 = 10.0;
/// Time that S4 allows in addition to v/a.
const S4_EXTRA_S: f64 = 0.020;
/// Number of snapshots that bound the zero of the machine's clock.
const SNAPSHOTS: u32 = 2_000;
const EDGES: u32 = 40;
/// The pulse log is complete when nothing was written to it for this time.
const LOGGED: Duration = Duration::from_millis(150);
/// Longest wait for an edge to happen and to be logged.
const PATIENCE: Duration = Duration::from_secs(10);
/// The golden ratio: multiples of it are spread evenly over every period.
const SPREAD: f64 = 0.618_033_988_749_894_9;

fn main() {
    if !support::is_bench_run() {
        return;
    }
    let stops = support::number("--stops").unwrap_or(STOPS);
    let folder = folder();
    let config = "[sim]\npulse_log = \"pulses\"\n[homing]\nfast_mm_s = 100.0\nslow_mm_s = 10.0\n";
    let server = Server::start(folder.path(), config);
    let log = Log { path: folder.path().join("pulses") };
    let mut client = server.client();
    let epoch = Instant::now();
    let zero = zero(&mut client, &log, epoch);

    // Shortens the approach to the beginning of the wave.
    let (status, _) = client.ask("PUT", "/api/v1/limits", r#"{"approach_speed_mm_s": 500}"#);
    assert_eq!(status, 200);
    let limits = client.get("/api/v1/limits").1;
    let limits: Value = serde_json::from_slice(limits).expect("the limits");
    let deceleration_mm_s2 = limits["asked"]["stop_deceleration_mm_s2"].as_f64().expect("a deceleration");

    server.calibrate();
    let measured: Vec<Stop> = (0..stops)
        .map(|i| {
            let later_s = PERIOD_S * (i as f64 * SPREAD).fract();
            stop(&mut client, &log, epoch, &zero, deceleration_mm_s2, Duration::from_secs_f64(later_s))
        })
        .collect();

    let samples = |of: fn(&Stop) -> f64| Samples::new(measured.iter().map(of).collect()).scaled(1e3);
    let latency = samples(|stop| stop.latency_s);
    latency.print("stop_latency.request_to_last_pulse", "ms");
    let how = format!("of {stops}");
    print_figure("stop_latency.request_to_last_pulse.p90", latency.quantile(0.9), "ms", &how);
    print_figure("stop_latency.request_to_last_pulse.max", latency.max(), "ms", &how);
    samples(|stop| stop.bound_s).print("stop_latency.bound_of_s4", "ms");
    samples(|stop| stop.latency_s - (stop.bound_s - S4_EXTRA_S)).print("stop_latency.beyond_v_over_a", "ms");
    left_of_s4("stop_latency.left_of_s4", measured.iter());
    left_of_s4("stop_latency.left_of_s4.on_time", measured.iter().filter(|stop| stop.shifted_s == 0.0));
    samples(|stop| stop.answered_s).print("stop_latency.request_to_answer", "ms");
    Samples::new(took_ms(folder.path())).print("stop_latency.seen_to_rest", "ms");
    let how = "between the two bounds of the clocks' difference";
    print_figure("stop_latency.uncertainty", zero.uncertainty_s * 1e3, "ms", how);
    let (tries, moves) =
        (support::number("--tries").unwrap_or(TRIES), support::number("--moves").unwrap_or(MOVES));
    let only = support::text("--flood");
    let wanted = |name: &str| only.as_deref().is_none_or(|only| only == name);
    for (number, (name, _)) in FLOODS.iter().enumerate().filter(|(_, (name, _))| wanted(name)) {
        let flood = Flood::begin(number, server.address());
        std::thread::sleep(RISES);
        let name = format!("stop_latency.flood.{name}");
        measure_answers(&name, &server, tries);
        let measured: Vec<Stop> = (0..moves)
            .map(|i| {
                let later_s = PERIOD_S * (i as f64 * SPREAD).fract();
                let later = Duration::from_secs_f64(later_s);
                stop(&mut server.client(), &log, epoch, &zero, deceleration_mm_s2, later)
            })
            .collect();
        if moves > 0 {
            left_of_s4(&format!("{name}.left_of_s4"), measured.iter());
            let on_time = measured.iter().filter(|stop| stop.shifted_s == 0.0);
            left_of_s4(&format!("{name}.left_of_s4.on_time"), on_time);
        }
        drop(flood);
    }
    let status = server.client().status();
    print_figure(
        "stop_latency.latest_step",
        status["lateness"]["worst_step_ns"].as_f64().unwrap_or(0.0) * 1e-6,
        "ms",
        &format!("how late a step was, in the whole run; {} re-bases", status["lateness"]["rebases"]),
    );
}

/// Measures the time to STOP's answer on connections of its own.
fn measure_answers(name: &str, server: &Server, tries: u64) {
    let mut answered = Vec::new();
    for _ in 0..tries {
        let asked = Instant::now();
        if send_stop(server.address()).is_some() {
            answered.push(ms(asked.elapsed()));
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    let none = tries - answered.len() as u64;
    if !answered.is_empty() {
        let samples = Samples::new(answered);
        let how = format!("of {tries}");
        for (what, value) in
            [("p50", samples.median()), ("p99", samples.quantile(0.99)), ("max", samples.max())]
        {
            print_figure(&format!("{name}.answer.{what}"), value, "ms", &how);
        }
    }
    print_figure(&format!("{name}.not_answered"), none as f64, "STOPs", &format!("of {tries}"));
}

/// Sends a STOP; `Some` if it is answered with 200.
fn send_stop(to: SocketAddr) -> Option<()> {
    let mut stream = TcpStream::connect_timeout(&to, ANSWERED).ok()?;
    stream.set_read_timeout(Some(ANSWERED)).ok()?;
    stream.write_all(b"POST /api/stop HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n").ok()?;
    let mut head = [0; 12];
    stream.read_exact(&mut head).ok()?;
    head.ends_with(b" 200").then_some(())
}

/// One measured stop.
struct Stop {
    speed_mm_s: f64,
    latency_s: f64,
    bound_s: f64,
    answered_s: f64,
    /// Shift of the time base by late steps meanwhile: the computer was busy elsewhere.
    shifted_s: f64,
}

/// Prints the margin of the slowest of these stops to its bound.
fn left_of_s4<'a>(name: &str, stops: impl Iterator<Item = &'a Stop> + Clone) {
    let left_s = |stop: &Stop| stop.bound_s - stop.latency_s;
    let Some(least) = stops.clone().min_by(|one, other| left_s(one).total_cmp(&left_s(other))) else {
        return;
    };
    let how = format!(
        "smallest of {}, from {:.0} mm/s, with {:.2} ms of lateness; negative is beyond the bound",
        stops.count(),
        least.speed_mm_s,
        least.shifted_s * 1e3
    );
    print_figure(name, left_s(least) * 1e3, "ms", &how);
}

/// Zero of the machine's clock, in seconds after `epoch`; usually before it.
struct Zero {
    latest_s: f64,
    uncertainty_s: f64,
}

fn zero(client: &mut Client, log: &Log, epoch: Instant) -> Zero {
    let mut latest_s = f64::INFINITY;
    for _ in 0..SNAPSHOTS {
        let status = client.status();
        let arrival_s = epoch.elapsed().as_secs_f64();
        assert_eq!(status["state"], "not_homed");
        latest_s = latest_s.min(arrival_s - status["since_s"].as_f64().expect("an instant"));
        std::thread::sleep(Duration::from_millis(1));
    }
    let mut earliest_s = f64::NEG_INFINITY;
    for i in 0..EDGES {
        // Each time at another phase of the control cycle.
        std::thread::sleep(Duration::from_secs_f64(0.001 * (f64::from(i) * SPREAD).fract()));
        let before = log.len();
        let departure_s = epoch.elapsed().as_secs_f64();
        client.give_command("calibrate");
        let edge = log.wait_for(before, Kind::DriverOn);
        earliest_s = earliest_s.max(departure_s - edge.at_s);
        client.post("/api/stop", "");
        log.wait_for(before, Kind::DriverOff);
        client.wait_for("not_homed");
        std::thread::sleep(GUARD);
    }
    let uncertainty_s = latest_s - earliest_s;
    assert!(uncertainty_s > 0.0, "the bounds contradict each other: {earliest_s} s … {latest_s} s");
    Zero { latest_s, uncertainty_s }
}

fn stop(
    client: &mut Client,
    log: &Log,
    epoch: Instant,
    zero: &Zero,
    deceleration_mm_s2: f64,
    later: Duration,
) -> Stop {
    let before = log.len();
    // During a flood the server may be out of memory for a moment.
    let wave = format!(r#"{{"type": "sine", "duration": {PERIOD_S}, "lease": "continue"}}"#);
    while client.ask("POST", "/api/wave/run", &wave).0 != 200 {
        std::thread::sleep(Duration::from_millis(50));
        client.change_identity();
    }
    // The approach is over when there is a phase.
    while client.status()["phase"].is_null() {
        std::thread::sleep(Duration::from_millis(5));
    }
    std::thread::sleep(Duration::from_millis(500) + later);

    let shifted_before_s = shifted_s(&client.status());
    let departure = Instant::now();
    client.post("/api/stop", "");
    let answered_s = ms(departure.elapsed()) * 1e-3;
    let shifted_s = shifted_s(&client.wait_for("ready")) - shifted_before_s;
    log.settle();
    std::thread::sleep(GUARD);

    let request_s = departure.duration_since(epoch).as_secs_f64() - zero.latest_s;
    let pulses: Vec<Edge> = log.after(before).into_iter().filter(Edge::is_step).collect();
    let last_s = pulses.last().expect("pulses").at_s;
    let speed_mm_s = speed_mm_s(&pulses, request_s);
    Stop {
        // No pulse after the request: near a turn the axis is as good as at rest.
        latency_s: (last_s - request_s).max(0.0),
        bound_s: speed_mm_s / deceleration_mm_s2 + S4_EXTRA_S,
        speed_mm_s,
        answered_s,
        shifted_s,
    }
}

fn shifted_s(status: &Value) -> f64 {
    status["lateness"]["rebased_ns"].as_f64().expect("nanoseconds") * 1e-9
}

/// Speed from the pulses before and after that instant; `None` where the axis turns.
fn speed_mm_s(pulses: &[Edge], at_s: f64) -> f64 {
    let after = pulses.partition_point(|pulse| pulse.at_s < at_s);
    match (after.checked_sub(1).map(|before| pulses[before]), pulses.get(after)) {
        (Some(before), Some(after)) if before.kind == after.kind => {
            1.0 / STEPS_PER_MM / (after.at_s - before.at_s)
        }
        _ => 0.0,
    }
}

/// Times from the instant at which the step loop saw STOP to rest, on its own clock, from the program's log.
fn took_ms(folder: &Path) -> Vec<f64> {
    let log = fs::read_to_string(folder.join("log")).expect("the log");
    let took = |line: &str| line.split_once("took_ms=")?.1.split(' ').next()?.parse().ok();
    log.lines().skip_while(|line| !line.contains("-> ready")).filter_map(took).collect()
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    Forward,
    Backward,
    DriverOn,
    DriverOff,
}

/// A line of the pulse log, in seconds of the machine's clock.
#[derive(Debug, Clone, Copy)]
struct Edge {
    at_s: f64,
    kind: Kind,
}

impl Edge {
    fn is_step(&self) -> bool {
        matches!(self.kind, Kind::Forward | Kind::Backward)
    }

    fn parse(line: &str) -> Edge {
        let (at_ns, kind) = line.split_once(' ').expect("an instant and what happened");
        let kind = match kind {
            "+" => Kind::Forward,
            "-" => Kind::Backward,
            "driver on" => Kind::DriverOn,
            "driver off" => Kind::DriverOff,
            other => panic!("the pulse log is incomplete: {line} {other}"),
        };
        Edge { at_s: at_ns.parse::<u64>().expect("nanoseconds") as f64 * 1e-9, kind }
    }
}

struct Log {
    path: PathBuf,
}

impl Log {
    /// Present length in bytes.
    fn len(&self) -> usize {
        fs::metadata(&self.path).expect("the pulse log").len() as usize
    }

    /// Waits for the first edge of this kind behind the first `bytes`.
    fn wait_for(&self, bytes: usize, kind: Kind) -> Edge {
        let begin = Instant::now();
        while begin.elapsed() < PATIENCE {
            std::thread::sleep(Duration::from_millis(5));
            if let Some(edge) = self.after(bytes).into_iter().find(|edge| edge.kind == kind) {
                return edge;
            }
        }
        panic!("no edge {kind:?} in the pulse log");
    }

    /// Waits until everything is written.
    fn settle(&self) {
        let mut before = None;
        while before != Some(self.len()) {
            before = Some(self.len());
            std::thread::sleep(LOGGED);
        }
    }

    /// Edges that were written behind the first `bytes`.
    fn after(&self, bytes: usize) -> Vec<Edge> {
        let log = fs::read_to_string(&self.path).expect("the pulse log");
        // The last line may be half-written.
        let whole = log.rfind('\n').map_or(0, |end| end + 1);
        log[bytes.min(whole)..whole].lines().map(Edge::parse).collect()
    }
}
