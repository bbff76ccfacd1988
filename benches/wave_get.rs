//! Cost of drawing a wave: sampling a sine of 5 s, and the whole answer to a client that draws it. Times, and instructions
//! where valgrind is installed.

#[path = "../tests/support/api.rs"]
mod api;
mod support;

use std::hint::black_box;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Instant;

use api::Setup;
use support::server::{Server, folder};
use support::{Samples, counts, print_figure};
use tokio::runtime::Builder;
use yep::api::port::MachineLocation;
use yep::wave::{Shape, points};

/// The most frequent request of the app's page.
const BODY: &str = r#"{"type": "sine", "duration": 5}"#;
/// Points a second, unless the settings say otherwise.
const RESOLUTION: i64 = 120;
const WARM_UP: usize = 200;
const REQUESTS: usize = 5_000;

/// Requests of the two runs under callgrind.
const COUNTED: (u64, u64) = (200, 1_200);

fn main() {
    if let Some((name, count)) = counts::requested() {
        match name.as_str() {
            "sampling" => sample(count),
            "answer" => answer("POST", "/api/wave/get", BODY, count),
            "health" => answer("GET", "/api/health", "", count),
            name => panic!("{name} is not counted"),
        }
        return;
    }
    if !support::is_bench_run() {
        return;
    }
    Samples::of(200, 100, sample).scaled(1e-3).print("wave_get.sampling", "us");
    if counts::is_available() {
        counts::print_per_unit("wave_get.sampling", "wave", "sampling", COUNTED, 1.0);
        counts::print_per_unit("wave_get.answer", "request", "answer", COUNTED, 1.0);
        counts::print_per_unit("wave_get.health", "request", "health", COUNTED, 1.0);
    }

    let folder = folder();
    let server = Server::start(folder.path(), "");
    measure_answers(&server, "wave_get.answer", "POST", "/api/wave/get", BODY);
    // The floor: an answer without work.
    measure_answers(&server, "wave_get.health", "GET", "/api/health", "");
}

fn sample(count: u64) {
    for _ in 0..count {
        let _ = black_box(points::sample(black_box(Shape::Sine), black_box(5.0), RESOLUTION));
    }
}

/// Answers that request again and again in this process, with a thread for connections and two for requests, as in the
/// program. The client does next to nothing, so that the instructions of the process are the server's.
fn answer(method: &str, path: &str, body: &str, count: u64) {
    let requests = Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    let front = Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
    let workers = Some(requests.handle().clone());
    let server = front.block_on(Setup { workers, ..Setup::new(MachineLocation::Local) }.start());
    let mut stream = TcpStream::connect(server.address).expect("a connection");
    let request = format!(
        "{method} {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut received = vec![0; 64 * 1024];
    for _ in 0..count {
        stream.write_all(request.as_bytes()).expect("a request");
        let mut length = 0;
        while !received[..length].ends_with(b"}") {
            let read = stream.read(&mut received[length..]).expect("an answer");
            assert_ne!(read, 0, "the server closed");
            length += read;
        }
        assert!(received.starts_with(b"HTTP/1.1 200"));
    }
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
