//! Processor time of the whole process, at rest and while it runs a sine of 5 s, thread by thread.
//!
//! A share below 0.1 % is below the resolution of the kernel.

mod support;

use std::time::Duration;

use support::print_figure;
use support::server::{Server, folder};

const WATCHED: Duration = Duration::from_secs(10);
/// Time from the command to full rate: the approach and the first stroke.
const UNDER_WAY: Duration = Duration::from_secs(4);

fn main() {
    if !support::is_bench_run() {
        return;
    }
    let folder = folder();
    let server = Server::start(folder.path(), "");
    std::thread::sleep(Duration::from_secs(1));
    watch(&server, "idle_cpu.not_homed");
    server.calibrate();
    watch(&server, "idle_cpu.ready");
    server.client().run_sine(5.0);
    std::thread::sleep(UNDER_WAY);
    watch(&server, "idle_cpu.sine_5s");
}

fn watch(server: &Server, name: &str) {
    let (before, threads_before) = (server.cpu_s(), server.cpu_s_by_thread());
    std::thread::sleep(WATCHED);
    let (after, threads) = (server.cpu_s(), server.cpu_s_by_thread());
    let percent = |from_s: f64, to_s: f64| 100.0 * (to_s - from_s) / WATCHED.as_secs_f64();
    let of_threads: Vec<String> = threads
        .iter()
        .map(|(thread, to_s)| (thread, percent(threads_before.get(thread).copied().unwrap_or(0.0), *to_s)))
        .filter(|(_, share)| *share >= 0.1)
        .map(|(thread, share)| format!("{thread} {share:.1}"))
        .collect();
    let how = format!("over {} s; {}", WATCHED.as_secs(), of_threads.join(", "));
    print_figure(name, percent(before, after), "% of a core", &how);
}
