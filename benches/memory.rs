//! Resident memory of the server at rest and with a thousand WebSockets, and the processor time of many telemetry
//! sockets.
//!
//! Only the memory of the process is counted; the kernel's socket buffers come on top.

mod support;

use std::net::TcpStream;
use std::time::Duration;

use support::server::{Server, drain, folder};
use support::{Samples, print_figure};

const SOCKETS: usize = 1_000;
const WATCHERS: usize = 200;
const WATCHED: Duration = Duration::from_secs(10);
/// Time after a change until the allocator and the runtime have settled.
const SETTLE: Duration = Duration::from_secs(1);
const STARTS: usize = 5;

fn main() {
    if !support::is_bench_run() {
        return;
    }
    if open_files() < SOCKETS as u64 + 100 {
        eprintln!("SKIPPED: memory needs more open files: ulimit -n 4096");
        return;
    }
    let config = format!("[limits]\nconnections = {0}\nws_sockets = {0}\n", SOCKETS + 50);
    let measured: Vec<_> = (0..STARTS)
        .map(|_| {
            let folder = folder();
            let server = Server::start(folder.path(), &config);
            std::thread::sleep(SETTLE);
            let (idle, private) = (server.resident_bytes("VmRSS"), server.resident_bytes("RssAnon"));
            // Twice, one after the other: a leak per socket would show.
            let [full, again] = [(); 2].map(|()| {
                let sockets: Vec<TcpStream> = (0..SOCKETS).map(|_| server.socket("status")).collect();
                std::thread::sleep(SETTLE);
                let full = server.resident_bytes("VmRSS");
                drop(sockets);
                std::thread::sleep(SETTLE);
                full
            });
            [idle, full, again, private]
        })
        .collect();
    let samples = |of: &dyn Fn(&[f64; 4]) -> f64| Samples::new(measured.iter().map(of).collect());
    samples(&|[idle, ..]| idle / 1e6).print("memory.idle", "MB");
    samples(&|[.., private]| private / 1e6).print("memory.idle_without_files", "MB");
    samples(&|[_, full, ..]| full / 1e6).print("memory.1000_sockets", "MB");
    samples(&|[idle, full, ..]| (full - idle) / SOCKETS as f64 / 1e3).print("memory.per_socket", "kB");
    samples(&|[_, _, again, _]| again / 1e6).print("memory.1000_sockets_again", "MB");

    let folder = folder();
    let server = Server::start(folder.path(), &config);
    let mut sockets: Vec<TcpStream> = (0..WATCHERS).map(|_| server.socket("telemetry")).collect();
    drain(&mut sockets, SETTLE);
    let before_s = server.cpu_s();
    let bytes = drain(&mut sockets, WATCHED);
    let share = (server.cpu_s() - before_s) / WATCHED.as_secs_f64();
    let how = format!("over {} s, {:.1} MB sent", WATCHED.as_secs(), bytes as f64 / 1e6);
    print_figure("memory.200_telemetry_sockets.cpu", 100.0 * share, "% of a core", &how);
}

/// Number of files that this process, and so the server, may have open.
fn open_files() -> u64 {
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files")).unwrap_or_default();
    line.split_whitespace().next().and_then(|soft| soft.parse().ok()).unwrap_or(0)
}
