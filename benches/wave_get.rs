//! Time to draw a wave: sampling a sine of 5 s, and the whole answer to a client that draws it.

mod support;

use std::hint::black_box;
use std::time::Instant;

use support::server::{Server, folder};
use support::{Samples, print_figure};
use yep::wave::{Shape, points};

/// The most frequent request of the app's page.
const BODY: &str = r#"{"type": "sine", "duration": 5}"#;
/// Points a second, unless the settings say otherwise.
const RESOLUTION: i64 = 120;
const WARM_UP: usize = 200;
const REQUESTS: usize = 5_000;

fn main() {
    if !support::is_bench_run() {
        return;
    }
    let sampled = Samples::of(200, 100, |count| {
        for _ in 0..count {
            let _ = black_box(points::sample(black_box(Shape::Sine), black_box(5.0), RESOLUTION));
        }
    });
    sampled.scaled(1e-3).print("wave_get.sampling", "us");

    let folder = folder();
    let server = Server::start(folder.path(), "");
    measure_answers(&server, "wave_get.answer", "POST", "/api/wave/get", BODY);
    // The floor: an answer without work.
    measure_answers(&server, "wave_get.health", "GET", "/api/health", "");
}

/// Measures one request after the other, on one connection.
fn measure_answers(server: &Server, name: &str, method: &str, path: &str, body: &str) {
    let mut client = server.client();
    let mut bytes = 0;
    let mut latencies = Vec::with_capacity(REQUESTS);
    for i in 0..WARM_UP + REQUESTS {
        let begin = Instant::now();
        let (status, said) = client.ask(method, path, body);
        assert_eq!(status, 200);
        bytes = said.len();
        if i >= WARM_UP {
            latencies.push(begin.elapsed().as_secs_f64());
        }
    }
    let all_s: f64 = latencies.iter().sum();
    Samples::new(latencies).scaled(1e6).print(&format!("{name}.latency"), "us");
    let how = format!("{REQUESTS} of {bytes} bytes, one after the other");
    print_figure(&format!("{name}.rate"), REQUESTS as f64 / all_s, "answers/s", &how);
}
