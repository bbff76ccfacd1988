//! T-Code at 10 000 lines a second for a minute: resident memory, lag of the axis, and STOP while it goes on.
//!
//! `-- --seconds N` floods for so long.

mod support;

use std::f64::consts::TAU;
use std::net::UdpSocket;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use support::server::{Client, Server, folder};
use support::{Samples, print_figure};

/// Datagrams of so many lines, one each millisecond.
const LINES: u32 = 10;
const EVERY: Duration = Duration::from_millis(1);
const SECONDS: f64 = 60.0;
/// The axis has met the feed.
const SETTLED_S: f64 = 8.0;
/// Period of what is sent, in s: slow enough that the limits allow it, fast enough that a lag shows.
const PERIOD_S: f64 = 4.0;

fn share(at_s: f64) -> f64 {
    0.5 + 0.3 * (TAU * at_s / PERIOD_S).sin()
}

/// Sends until `ends`; the number of lines.
fn flood(socket: &UdpSocket, begin: Instant, ends: &AtomicBool) -> u64 {
    let (mut due, mut lines) = (begin, 0);
    while !ends.load(Relaxed) {
        let at_s = begin.elapsed().as_secs_f64();
        let line = |_| format!("L0{:04}I10\n", (9_999.0 * share(at_s)).round() as u32);
        let datagram: String = (0..LINES).map(line).collect();
        // The kernel drops what the server does not take; that is part of the flood.
        let _ = socket.send(datagram.as_bytes());
        lines += u64::from(LINES);
        due += EVERY;
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
    }
    lines
}

/// The lag in s at which positions are nearest to what was sent, by least squares, and the mean deviation there in mm.
fn lag(seen: &[(f64, f64)], range_mm: f64) -> (f64, f64) {
    let deviation = |lag_s: f64| {
        let squares = seen.iter().map(|(at_s, mm)| (mm - range_mm * share(at_s - lag_s)).powi(2));
        (squares.sum::<f64>() / seen.len() as f64).sqrt()
    };
    let lags = (0..1_000).map(|ms| f64::from(ms) * 1e-3);
    lags.map(|lag_s| (lag_s, deviation(lag_s))).min_by(|a, b| a.1.total_cmp(&b.1)).expect("a lag")
}

/// Position now, with the middle of the time that asking took.
fn position(client: &mut Client, begin: Instant) -> Option<(f64, f64)> {
    let asked = begin.elapsed();
    let mm = client.status()["position_mm"].as_f64()?;
    Some(((asked + begin.elapsed()).as_secs_f64() / 2.0, mm))
}

fn main() {
    if !support::is_bench_run() {
        return;
    }
    let seconds = support::number("seconds").map_or(SECONDS, |seconds| seconds as f64);
    let port = UdpSocket::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).expect("a port").port();
    let folder = folder();
    let config = format!("[feeds]\ntcode_udp = {port}\ntcode_tcp = 0\nbuttplug = 0\n");
    let server = Server::start(folder.path(), &config);
    server.calibrate();
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a socket");
    socket.connect(("127.0.0.1", port)).expect("the server's port");
    let mut client = server.client();
    let range_mm = client.status()["range_mm"].as_f64().expect("a range");
    let before = server.resident_bytes("VmRSS");
    let (begin, ends) = (Instant::now(), Arc::new(AtomicBool::new(false)));
    let flooding = std::thread::spawn({
        let ends = Arc::clone(&ends);
        move || flood(&socket, begin, &ends)
    });
    let (mut seen, mut resident) = (Vec::new(), Vec::new());
    while begin.elapsed().as_secs_f64() < seconds {
        if let Some(at) = position(&mut client, begin).filter(|(at_s, _)| *at_s > SETTLED_S) {
            seen.push(at);
        }
        resident.push(server.resident_bytes("VmRSS"));
        std::thread::sleep(Duration::from_millis(50));
    }
    let took: Vec<f64> = (0..5)
        .map(|_| {
            client.post("/api/stop", "");
            let asked = Instant::now();
            let status = client.wait_for("ready");
            let rested_s = asked.elapsed().as_secs_f64();
            let body = format!(r#"{{"after_stop": {}}}"#, status["stops"]);
            std::thread::sleep(Duration::from_millis(300));
            client.post("/api/v1/feeds/resume", &body);
            client.wait_for("following");
            std::thread::sleep(Duration::from_secs(4));
            rested_s
        })
        .collect();
    ends.store(true, Relaxed);
    let lines = flooding.join().expect("the flood");
    let (lag_s, rms_mm) = lag(&seen, range_mm);
    let last = resident.split_off(resident.len() / 2);
    print_figure("feed_flood.rate", lines as f64 / begin.elapsed().as_secs_f64(), "lines/s", "sent");
    print_figure("feed_flood.lag", lag_s * 1e3, "ms", &format!("{rms_mm:.2} mm rms there"));
    print_figure("feed_flood.memory_before", before / 1e6, "MB", "resident");
    Samples::new(resident.iter().map(|bytes| bytes / 1e6).collect())
        .print("feed_flood.memory_first_half", "MB");
    Samples::new(last.iter().map(|bytes| bytes / 1e6).collect()).print("feed_flood.memory_second_half", "MB");
    Samples::new(took.iter().map(|took_s| took_s * 1e3).collect()).print("feed_flood.stop_to_rest", "ms");
}
