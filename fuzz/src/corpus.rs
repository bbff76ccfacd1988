//! Seed corpus: one valid example of everything that the targets parse.

use yep::api::route::Route;
use yep::api::routes::ROUTES;
use yep::diag::Recorder;
use yep::diag::recorder::file as recording_file;
use yep::machine::{Inputs, State, StopLevel};
use yep_sensor_board::frame::{self, Channel};
use yep_sensor_board::message::{ForceReading, FromBoard, Hello, PROTOCOL, Reading, SCHEMA, Setup, ToBoard};

use super::{files, serial, server};

/// Bodies that at least one route accepts.
const BODIES: &[&str] = &[
    "",
    r#"{"type": "calibrate"}"#,
    r#"{"type": "stop"}"#,
    r#"{"type": "end"}"#,
    r#"{"type": "acknowledge"}"#,
    r#"{"type": "arm"}"#,
    r#"{"type": "loop_wave", "data": "[]"}"#,
    r#"{"type": "sine", "duration": 2.5}"#,
    r#"{"type": "square", "duration": "3", "resolution": 120}"#,
    r#"{"type": "triangle", "duration": 4, "offset": 0.1, "amplitude": 0.5}"#,
    r#"{"type": "trapezoid", "duration": 4, "rise": 1, "hold_front": 1, "fall": 1, "hold_back": 1}"#,
    r#"{"type": "points", "duration": 4, "points": [0, 0.5, 1, 0.25], "interpolation": "spline"}"#,
    r#"{"type": "points", "duration": 4, "points": [[0, 0], [1, 1], [2.5, 0.3]], "interpolation": "linear"}"#,
    r#"{"name": "x", "max_stroke": 20.0, "padding_mm": 2, "microsteps_per_rev": 400, "stroke_limit": 20,
        "force_limit": 1000, "wave_resolution": 120, "active": true,
        "stroke_force_chart": [600, 500, 400, 300, 200, 100, 50, 25, 10, 0], "max_steps": 1450, "steps_per_mm": 10}"#,
    r#"{"points": [600, 500, 400, 300, 200, 100, 50, 25, 10, 0]}"#,
    r#"{"max_speed_mm_s": 300, "max_acceleration_mm_s2": 5000, "max_jerk_mm_s3": 100000,
        "stop_deceleration_mm_s2": 8000, "approach_speed_mm_s": 40}"#,
    r#"{"mishaps": ["front_welded"], "push_g": -500}"#,
    r#"{"mishaps": [], "push_g": 0}"#,
];

/// Values for path segments in braces.
const VALUES: &[&str] =
    &["default", "machine-thrust", "1", "1.csv", "status", "%2F%00%ff", "0123456789abcdef01234567"];

/// Queries; each route knows a few of them.
const QUERIES: &[&str] = &["", "?machine=true", "?from_s=-2&to_s=1&every=10", "?every=0&from_s=nan"];

/// Each route with each body, and some values and queries.
pub fn http_requests() -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    for (index, route) in ROUTES.iter().enumerate() {
        // A few bodies are enough for a route that ignores them; STOP would keep the axis from moving.
        let calm = ["/api/stop", "/api/v1/stop", "/api/setup/initialize", "/api/v1/settings/reset"]
            .contains(&route.path);
        let bodies = if route.method == "GET" || calm { 2 } else { BODIES.len() };
        for (at, body) in BODIES.iter().enumerate().take(bodies) {
            let value = VALUES[(index + at) % VALUES.len()];
            let query = QUERIES[at % QUERIES.len()];
            let path: Vec<&str> = route
                .path
                .split('/')
                .map(|segment| if segment.starts_with('{') { value } else { segment })
                .collect();
            seeds.push(format!("{} {}{query}\n{body}", route.method, path.join("/")).into_bytes());
        }
    }
    // The content that a path returns is valid as its body: settings, limits, a backup.
    let path = |route: &Route| route.path.replace("{model}", "machine-thrust").replace("{id}", "default");
    for route in ROUTES.iter().filter(|route| route.method != "GET") {
        let twin = ROUTES.iter().find(|other| other.method == "GET" && other.path == route.path);
        if let Some(body) = twin.and_then(|twin| server::get_json(&path(twin))) {
            seeds.extend(vec![format!("{} {}\n{body}", route.method, path(route)).into_bytes(); 8]);
        }
    }
    // Bodies that belong to the route come more often.
    for body in BODIES {
        let fits = [
            ("PUT /api/settings/machine-thrust/default", "max_stroke"),
            ("POST /api/wave/run", "duration"),
            ("POST /api/wave/get", "duration"),
            ("POST /api/commands/run", "calibrate"),
            ("POST /api/curve", "\"points\": [600"),
            ("PUT /api/v1/limits", "max_speed_mm_s"),
        ];
        for (line, _) in fits.iter().filter(|(_, word)| body.contains(word)) {
            seeds.extend(vec![format!("{line}\n{body}").into_bytes(); 4]);
        }
    }
    seeds
}

/// Requests as bytes on the wire.
pub fn http_bytes() -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    for route in ROUTES.iter() {
        let path = route
            .path
            .replace("{model}", "machine-thrust")
            .replace("{id}", "default")
            .replace("{name}", "status");
        let upgrade = if route.upgrades() {
            "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        } else {
            ""
        };
        let body = BODIES[seeds.len() % BODIES.len()];
        let head = format!("{} {path} HTTP/1.1\r\nHost: localhost\r\n{upgrade}", route.method);
        let length = body.len();
        seeds.push(
            format!("{head}Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}")
                .into_bytes(),
        );
    }
    for text in [
        "POST /api/stop HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        "POST /api/curve HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n{}",
        "GET /api/health HTTP/1.0\r\n\r\n",
        "GET http://localhost/api/health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
        "OPTIONS /api/wave/run HTTP/1.1\r\nHost: localhost\r\nOrigin: http://localhost:3042\r\nAccess-Control-Request-Method: POST\r\nAccess-Control-Request-Headers: content-type\r\n\r\n",
        "GET /api/health HTTP/1.1\r\nHost: localhost\r\n\r\nGET /api/v1/machine HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ] {
        seeds.push(text.as_bytes().to_vec());
    }
    seeds
}

/// Frames of clients, as `websocket::frames` reads them.
pub fn websocket() -> Vec<Vec<u8>> {
    let text = |stream: u8, message: &str| {
        let mut seed = vec![stream, 0x81, message.len() as u8];
        seed.extend(message.as_bytes());
        seed
    };
    let mut seeds: Vec<Vec<u8>> = [
        r#"{"stream": "command_all", "type": "stop"}"#,
        r#"{"stream": "command_all", "type": "calibrate"}"#,
        r#"{"stream": "status", "device": "machine", "type": "running", "n": 1.50}"#,
        r#"{"stream": "any", "message_id": "1-1", "a": "b"}"#,
        "",
        "[]",
    ]
    .into_iter()
    .enumerate()
    .map(|(index, message)| text(index as u8, message))
    .collect();
    // In two fragments with a ping between them; a close; a binary one; an unmasked one; one with a wrong length.
    seeds.push([&[0, 0x01, 3][..], b"{\"a", &[0x89, 2], b"hi", &[0x80, 6], b"\": 1} "].concat());
    seeds.push([&[1, 0x88, 4][..], &1_000u16.to_be_bytes(), b"by"].concat());
    seeds.push(vec![2, 0x82, 3, 1, 2, 3]);
    seeds.push([&[3, 0xa1, 2][..], b"{}"].concat());
    seeds.push(vec![0, 0x91, 1, b'x']);
    // The same as bytes on the wire.
    let wire: Vec<Vec<u8>> = seeds
        .iter()
        .map(|seed| [&[0x80 | seed[0]], super::websocket::framed(&seed[1..]).as_slice()].concat())
        .collect();
    seeds.extend(wire);
    seeds
}

/// The example file, whole and by its parts.
pub fn config() -> Vec<Vec<u8>> {
    let example = include_str!("../../examples/yep.toml");
    let whole = example.replace("#: ", "");
    let parts = whole
        .split("\n[")
        .map(|part| if part.starts_with('#') { part.to_owned() } else { format!("[{part}") });
    parts.map(String::into_bytes).chain([example.into(), whole.clone().into_bytes()]).collect()
}

/// A short recording, without and with correct checksums.
pub fn recording() -> Vec<Vec<u8>> {
    let options = yep::settings::Settings::fresh(yep::settings::new_id());
    let config = options.config(&yep::settings::RailGeometry::default());
    let mut recorder = Recorder::new();
    for cycle in 0..30u32 {
        let faulted = cycle > 20;
        recorder.record(&yep::drive::TraceSample {
            at_ns: u64::from(cycle) * 1_000_000,
            state: if faulted { State::Faulted } else { State::Ready },
            fault: faulted.then_some(yep::machine::Fault::EStop),
            config,
            calibration: None,
            force_g: Some(-1.5),
            speed_bound_mm_s: f64::INFINITY,
            stop: StopLevel::None,
            inputs: Inputs::from_bits(cycle as u8 & 7),
            steps_per_s: 12.5,
            steps: i64::from(cycle),
            resting: true,
            ended: None,
            glitches: 0,
            rebases: 0,
            count: None,
            outcome: yep::drive::cycle_trace::CycleOutcome { cycle, ..Default::default() },
        });
    }
    let file = recording_file::encode(&recorder.finish().expect("a fault was seen"));
    (0..3).map(|checksums| [&[checksums], file.as_slice()].concat()).collect()
}

/// Messages of board and host to each other, framed by the target and as they are on the line.
pub fn serial() -> Vec<Vec<u8>> {
    let hello = Hello { protocol: PROTOCOL, schema: SCHEMA, firmware: [0, 1, 2], serial: 7, garbled: 0 };
    let setup = Setup { zero_counts: Some(8_000), counts_per_g: Some(120.5), rate_hz: 80 };
    let sample = |number: u32, reading: Reading| {
        let taken_us = 12_500u32.wrapping_mul(number);
        FromBoard::Sample(ForceReading {
            number,
            taken_us,
            sent_us: taken_us.wrapping_add(300),
            counts: 9_000,
            reading,
        })
    };
    let words = [
        FromBoard::Hello(hello),
        FromBoard::Hello(Hello { protocol: PROTOCOL + 1, ..hello }),
        FromBoard::Setup(setup),
        FromBoard::Setup(Setup { zero_counts: None, counts_per_g: None, rate_hz: 0 }),
        sample(1, Reading::Force(12.5)),
        sample(2, Reading::Force(f32::NAN)),
        sample(3, Reading::Saturated),
        sample(u32::MAX, Reading::Unscaled),
        sample(4, Reading::Silent),
    ];
    let mut from_board: Vec<u8> = words.iter().filter_map(frame::message).flatten().collect();
    from_board.extend(frame::frame(Channel::Log, b"any bytes are a log").into_iter().flatten());
    let orders = [
        ToBoard::Identify,
        ToBoard::Tare { zero_counts: 8_000 },
        ToBoard::Tare { zero_counts: i32::MAX },
        ToBoard::SetFactor { counts_per_g: 120.5 },
        ToBoard::SetFactor { counts_per_g: f32::NAN },
        ToBoard::SetRate { rate_hz: 10 },
    ];
    let from_host: Vec<u8> = orders.iter().filter_map(frame::order).flatten().collect();
    let mut seeds = Vec::new();
    for (end, line) in [(0, from_board), (1, from_host)] {
        seeds.push([&[end], line.as_slice()].concat());
        seeds.push([&[end | 2], serial::unframed(&line).as_slice()].concat());
    }
    seeds
}

/// Each file of an intact state folder.
pub fn state() -> Vec<Vec<u8>> {
    let files = files::intact_state_files().into_iter().enumerate();
    files.map(|(index, (_, content))| [&[index as u8], content.as_slice()].concat()).collect()
}

/// Lines of programs that send T-Code, behind the sizes of the pieces in which they come.
pub fn tcode() -> Vec<Vec<u8>> {
    let lines = [
        "L05000I10 L15000I10 L25000I10 R05000I10 R15000I10 R25000I10 V00000I10 A00000I10\n",
        "L09999I500\r\nL0500I10\rL0\n",
        "D0\nD1\nD2\n$L0-0100-0900\nD2\n$L0-9000-1000\n",
        "L00500I250 R14000I250\nDSTOP\nL09500I300\n",
        "L00123 L15000\nV033\nDENABLE\nL0500S80I0<50>30=1G7\n",
        "L0100I500 L0900I4294967296\nDSTOP L0999\nL00.5I16.6667\n",
    ];
    let long = format!("L05 {}\nL09999", "L01000I70000 ".repeat(90));
    let streams = lines.into_iter().chain([long.as_str()]).enumerate();
    streams.map(|(index, line)| [&[index as u8, 0, 40, b'\n'], line.as_bytes()].concat()).collect()
}
