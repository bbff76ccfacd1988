//! Command line of the real binary: help, drawings, numbers, exit codes, and its requests to a stub server.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::process::{Command, Output, Stdio};

#[path = "cli/stub.rs"]
mod stub;

use stub::Stub;
use yep::store::{SavedWave, StateChange, Store};

fn yep(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_yep"))
        .args(arguments)
        .env("COLUMNS", "80")
        .env_remove("YEP_SERVER")
        .env_remove("STATE_DIRECTORY")
        .env_remove("JOURNAL_STREAM")
        .output()
        .unwrap()
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

fn out(output: &Output) -> &str {
    std::str::from_utf8(&output.stdout).unwrap()
}

fn err(output: &Output) -> &str {
    std::str::from_utf8(&output.stderr).unwrap()
}

#[test]
fn every_command_teaches_itself() {
    for command in [
        "",
        "run",
        "wave",
        "doctor",
        "calibrate",
        "run-wave",
        "end",
        "stop",
        "status",
        "faults",
        "state",
        "sessions",
        "find",
        "support",
    ] {
        let arguments = [command, "--help"];
        let help = yep(&arguments[usize::from(command.is_empty())..]);
        assert_eq!(code(&help), 0);
        assert!(out(&help).contains("Examples:\n  "), "{command}: {}", out(&help));
        assert!(out(&help).contains("Usage: yep"), "{command}: {}", out(&help));
    }
    assert!(out(&yep(&["--help"])).contains("3 no server there"));
    assert!(out(&yep(&["--version"])).starts_with(concat!("yep ", env!("CARGO_PKG_VERSION"), " (")));
}

#[test]
fn a_sine_is_drawn_80_characters_wide() {
    let drawing = yep(&["wave", "sine", "--duration", "5"]);
    assert_eq!(out(&drawing), include_str!("cli/sine-80.txt"));
    let plain = yep(&["wave", "square", "--duration", "2", "--stroke-mm", "150", "--ascii"]);
    assert_eq!(out(&plain), include_str!("cli/square-80-ascii.txt"));
}

#[test]
fn rows_are_those_of_the_continuous_graph() {
    let csv = yep(&["wave", "sine", "--duration", "2.5", "--csv", "--resolution", "10"]);
    let mut lines = out(&csv).lines();
    assert_eq!(lines.next(), Some("time_s,position"));
    let rows: Vec<(f64, f64)> = lines
        .map(|line| line.split_once(',').unwrap())
        .map(|(time, position)| (time.parse().unwrap(), position.parse().unwrap()))
        .collect();
    assert_eq!(rows.len(), 26);
    for (row, (time, position)) in rows.iter().enumerate() {
        assert_eq!(*time, row as f64 / 10.0);
        let expected = 0.5 - 0.5 * (2.0 * std::f64::consts::PI * time / 2.5).cos();
        assert!((position - expected).abs() < 1e-12, "{position} at {time}");
    }
    let scaled =
        yep(&["wave", "square", "--duration", "1", "--csv", "--resolution", "4", "--stroke-mm", "150"]);
    assert_eq!(out(&scaled), "time_s,position_mm\n0,0\n0.25,150\n0.5,150\n0.75,0\n1,0\n");
}

#[test]
fn what_makes_no_sense_is_exit_code_2() {
    for (arguments, said) in [
        (
            &["wave", "sawtooth", "--duration", "5"][..],
            "possible values: sine, square, trapezoid, triangle, points",
        ),
        (&["wave", "points", "--duration", "5"], "points: give the points that the wave goes through"),
        (&["wave", "points", "--duration", "5", "--points", "[0, 1, 1.5]"], "points[2]: its position is 1.5"),
        (
            &["wave", "points", "--duration", "5", "--points", "[[0, 1], 1]"],
            "points[1]: give [seconds, position]",
        ),
        (&["wave", "points", "--duration", "5", "--points", "[0, "], "give a JSON list of points"),
        (&["wave", "points", "--duration", "5", "--points", "nowhere.json"], "cannot read nowhere.json"),
        (&["wave", "trapezoid", "--duration", "5", "--rise", "6"], "rise: 6 s is no part of a period of 5 s"),
        (&["wave", "sine", "--duration", "5", "--amplitude-mm", "30"], "say --stroke-mm too"),
        (
            &["wave", "sine", "--duration", "5", "--amplitude-mm", "30", "--stroke-mm", "20"],
            "amplitude_mm: offset and amplitude are 30.0 mm together, and a stroke 20.0 mm at most",
        ),
        (&["run-wave", "trapezoid", "--duration", "5", "--hold-back", "inf"], "--hold-back must be a number"),
        (&["wave", "sine"], "--duration"),
        (&["wave", "sine", "--duration", "0"], "a period of 0 s cannot be run: give 0.05 s to 86400 s"),
        (&["wave", "sine", "--duration", "NaN"], "a period of NaN s cannot be run"),
        (&["wave", "sine", "--duration", "5", "--stroke-mm", "-3"], "--stroke-mm must be above 0"),
        (&["wave", "sine", "--duration", "5", "--resolution", "10"], "--csv"),
        (&["run-wave", "sine", "--duration", "inf"], "--duration must be a number"),
        (&["run", "--listen", "8080"], "invalid socket address"),
        (&["run", "--driver", "pigpio"], "possible values: sim, gpio, remote"),
        (&["run", "--config", "/nowhere/yep.toml"], "cannot read /nowhere/yep.toml: No such file"),
        (&["status", "--server", "yep.local"], "give it as http://host:port"),
        (&["frobnicate"], "unrecognized subcommand"),
    ] {
        let output = yep(arguments);
        assert_eq!(code(&output), 2, "{arguments:?}: {}", err(&output));
        assert!(err(&output).contains(said), "{arguments:?}: {}", err(&output));
        assert_eq!(out(&output), "");
    }
}

#[test]
fn a_wrong_configuration_file_is_named_with_its_line() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("yep.toml");
    fs::write(&file, "[pins]\nstep = 23\ndir = 23\n").unwrap();
    let output = yep(&["--config", file.to_str().unwrap()]);
    assert_eq!(code(&output), 2);
    let expected = format!("yep: {}:3: pins.dir: BCM 23 is already pins.step\n", file.display());
    assert_eq!(err(&output), expected);
}

#[test]
fn pulses_that_are_too_slow_for_the_settings_keep_the_server_from_starting() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("yep.toml");
    // A step takes 1 ms and the program's own time, with a sixteenth in reserve: 937 steps/s, where 500 mm/s need 5
    // 000.
    fs::write(&file, "[timing]\npulse_high_ns = 500000\npulse_low_ns = 500000\n").unwrap();
    let state = folder.path().join("state");
    let (file, state) = (file.to_str().unwrap(), state.to_str().unwrap());
    let output = yep(&["--config", file, "--state-dir", state, "--listen", "127.0.0.1:0"]);
    assert_ne!(code(&output), 0);
    assert!(err(&output).contains("lower it to 93 mm/s, or microsteps_per_rev"), "{}", err(&output));
}

#[test]
fn a_wave_through_points_is_drawn_from_the_line_or_a_file() {
    let heights = |arguments: &[&str]| -> Vec<String> {
        let csv =
            yep(&[&["wave", "points", "--duration", "4", "--csv", "--resolution", "1"], arguments].concat());
        assert_eq!(code(&csv), 0, "{}", err(&csv));
        out(&csv).lines().skip(1).map(|line| line.split_once(',').unwrap().1.to_owned()).collect()
    };
    assert_eq!(heights(&["--points", "[0, 0.5, 1, 0.25]"]), ["0", "0.5", "1", "0.25", "0"]);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("course.json");
    fs::write(&file, "[[0, 0], [2, 1]]\n").unwrap();
    let linear = ["--interpolation", "linear", "--points", file.to_str().unwrap()];
    assert_eq!(heights(&linear), ["0", "0.5", "1", "0.5", "0"]);
}

#[test]
fn an_envelope_is_drawn_in_its_part_of_the_stroke() {
    let rows = |arguments: &[&str]| -> String {
        let csv =
            yep(&[&["wave", "square", "--duration", "2", "--csv", "--resolution", "1"], arguments].concat());
        out(&csv).lines().skip(1).map(|line| line.split_once(',').unwrap().1).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(rows(&["--amplitude", "0.5", "--offset", "0.25"]), "0.25 0.75 0.25");
    assert_eq!(rows(&["--offset", "0.25", "--stroke-mm", "100"]), "25 100 25");
    assert_eq!(rows(&["--amplitude-mm", "30", "--offset-mm", "20", "--stroke-mm", "100"]), "20 50 20");
}

#[test]
fn a_drawing_says_what_the_axis_makes_of_corners() {
    for (arguments, said) in [
        (
            &["triangle"][..],
            "At most 0.500 ranges a second.\nIt has corners: the axis rounds them inside its limits.\n",
        ),
        (&["trapezoid", "--rise", "0"], "At most 0.750 ranges a second.\nBetween the levels it jumps"),
        (
            &["points", "--points", "[0, 1]"],
            "At most 0.750 ranges a second, changing by 1.500 ranges a second, each second.\n",
        ),
    ] {
        let drawing = yep(&[&["wave"], arguments, &["--duration", "4"]].concat());
        assert!(
            out(&drawing).starts_with(&format!("{}, one period of 4 s", arguments[0])),
            "{}",
            err(&drawing)
        );
        assert!(out(&drawing).contains(said), "{}", out(&drawing));
    }
}

const DONE: (&str, &str) = ("200 OK", "null");

#[test]
fn commands_ask_what_the_app_asks() {
    for (arguments, line, body, answer, said) in [
        (&["calibrate"][..], "POST /api/v1/machine/calibrate HTTP/1.1", "{}", DONE, "calibrating\n"),
        (&["stop"], "POST /api/stop HTTP/1.1", "{}", DONE, "stopping\n"),
        (&["end"], "POST /api/v1/machine/end HTTP/1.1", "{}", DONE, "ending: "),
        (
            &["run-wave", "sine", "--duration", "2.5"],
            "POST /api/v1/machine/run HTTP/1.1",
            r#"{"wave":{"type":"sine","duration":2.5,"lease":"continue"}}"#,
            ("200 OK", r#"{"status":"success"}"#),
            "sine, 2.5 s a period, also without a client; end it with",
        ),
        (
            &["run-wave", "trapezoid", "--duration", "4", "--rise", "1", "--hold-front", "0.5"],
            "POST /api/v1/machine/run HTTP/1.1",
            r#"{"wave":{"type":"trapezoid","duration":4.0,"rise":1.0,"hold_front":0.5,"lease":"continue"}}"#,
            ("200 OK", r#"{"status":"success"}"#),
            "trapezoid, 4 s a period",
        ),
        (
            &[
                "run-wave",
                "points",
                "--duration",
                "2",
                "--points",
                "[[0,0],[1,1]]",
                "--interpolation",
                "spline",
            ],
            "POST /api/v1/machine/run HTTP/1.1",
            r#"{"wave":{"type":"points","duration":2.0,"points":[[0,0],[1,1]],"interpolation":"spline","lease":"continue"}}"#,
            ("200 OK", r#"{"status":"success"}"#),
            "points, 2 s a period",
        ),
        (
            &[
                "run-wave",
                "sine",
                "--duration",
                "2",
                "--amplitude-mm",
                "60",
                "--ramp-up",
                "10",
                "--ramp-down",
                "5",
            ],
            "POST /api/v1/machine/run HTTP/1.1",
            r#"{"wave":{"type":"sine","duration":2.0,"amplitude_mm":60.0,"ramp_up":10.0,"ramp_down":5.0,"lease":"continue"}}"#,
            ("200 OK", r#"{"status":"success"}"#),
            "sine, 2 s a period",
        ),
    ] {
        let stub = Stub::with_answers(&[answer]);
        let (url, host) = (stub.url(), stub.address.to_string());
        let output = yep(&[arguments, &["--server", &url]].concat());
        assert_eq!(code(&output), 0, "{arguments:?}: {}", err(&output));
        assert!(out(&output).starts_with(said), "{arguments:?}: {}", out(&output));
        let asked = stub.requests();
        assert_eq!((asked[0].line.as_str(), asked[0].body.as_str()), (line, body));
        assert_eq!(asked[0].host, host);
    }
}

#[test]
fn a_refusal_is_exit_code_1_with_the_servers_words() {
    let detail = r#"{"detail":"not homed: calibrate first"}"#;
    let stub = Stub::with_answers(&[("409 Conflict", detail)]);
    let output = yep(&["run-wave", "sine", "--duration", "5", "--server", &stub.url()]);
    assert_eq!((code(&output), out(&output)), (1, ""));
    assert_eq!(err(&output), "yep: not homed: calibrate first\n");
}

#[test]
fn no_server_is_exit_code_3_and_says_how_to_start_one() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let output = yep(&["stop", "--server", &format!("http://{free}")]);
    assert_eq!(code(&output), 3);
    assert!(err(&output).starts_with(&format!("yep: no server at http://{free} (")), "{}", err(&output));
    assert!(err(&output).contains(&format!("Start one with: yep run --listen {free}\n")), "{}", err(&output));
}

#[test]
fn something_else_on_the_port_is_exit_code_3() {
    for answer in ["220 mail.example ESMTP\r\n", "", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"] {
        let stub = Stub::with_bytes(vec![answer.to_owned()]);
        let output = yep(&["status", "--server", &stub.url()]);
        assert_eq!(code(&output), 3, "{answer:?}: {}", err(&output));
        assert!(err(&output).contains("does not talk like a yep server"), "{answer:?}: {}", err(&output));
    }
}

#[test]
fn the_server_can_be_named_by_the_environment() {
    let stub = Stub::with_answers(&[DONE]);
    let mut command = Command::new(env!("CARGO_BIN_EXE_yep"));
    assert!(command.arg("stop").env("YEP_SERVER", stub.url()).output().unwrap().status.success());
    assert_eq!(stub.requests()[0].body, "{}");
}

const RUNNING: &str = r#"{"state":"running","why":"a wave was asked for","since_s":3.0,"position_mm":12.345,
    "velocity_mm_s":-91.1,"force_g":12.4,"clipped":true,"inputs":{"front":false,"back":false,"e_stop":false},
    "fault":null,"range_mm":145.0,"phase":0.42,"periods":3,"lateness":{}}"#;
const FAULTED: &str = r#"{"state":"faulted","why":"the e-stop input opened","position_mm":null,"velocity_mm_s":0,
    "force_g":null,"clipped":false,"inputs":{"front":true,"back":false,"e_stop":true},
    "fault":{"code":"e_stop","message":"the e-stop input opened","remedy":"make sure that it is safe"},
    "range_mm":null,"phase":null,"periods":0}"#;

#[test]
fn the_status_is_a_page_for_people() {
    let stub = Stub::with_answers(&[("200 OK", RUNNING)]);
    let output = yep(&["status", "--server", &stub.url()]);
    assert_eq!(
        out(&output),
        "state     running: a wave was asked for\n\
         position  12.35 of 145.0 mm\n\
         speed     -91.1 mm/s (the limits keep it from following the wave)\n\
         force     12 g\n\
         limits    front free, back free, e-stop loop closed\n\
         wave      42 % of a period, 3 complete\n"
    );
    assert_eq!(stub.requests()[0].line, "GET /api/v1/machine HTTP/1.1");

    let stub = Stub::with_answers(&[("200 OK", FAULTED)]);
    let output = yep(&["status", "--server", &stub.url()]);
    assert_eq!(code(&output), 0);
    assert_eq!(
        out(&output),
        "state     faulted: the e-stop input opened\n\
         position  not known\n\
         speed     0.0 mm/s\n\
         force     not known\n\
         limits    front pressed, back free, e-stop loop open\n\
         fault     the e-stop input opened (e_stop)\n\
         to do     make sure that it is safe\n"
    );
}

#[test]
fn the_status_is_the_servers_json_for_programs() {
    let stub = Stub::with_answers(&[("200 OK", RUNNING)]);
    let output = yep(&["status", "--json", "--server", &stub.url()]);
    assert_eq!(out(&output).lines().count(), 1);
    let [printed, said]: [serde_json::Value; 2] =
        [out(&output), RUNNING].map(|text| serde_json::from_str(text).unwrap());
    assert_eq!(printed, said);
}

#[test]
fn watching_ends_with_the_server() {
    let stub = Stub::with_answers(&[("200 OK", RUNNING), ("200 OK", FAULTED)]);
    let output = yep(&["status", "--watch", "--server", &stub.url()]);
    assert_eq!(code(&output), 3);
    let lines: Vec<&str> = out(&output).lines().collect();
    assert_eq!(lines.len(), 2);
    assert!(lines[0].starts_with("running ") && lines[0].contains("12.35 of 145.0 mm"), "{}", lines[0]);
    assert!(lines[1].starts_with("faulted ") && lines[1].contains("e-stop input opened"), "{}", lines[1]);
}

#[test]
fn waiting_for_a_calibration_tells_how_it_ended() {
    let state = |text: &'static str| ("200 OK", text);
    let homing = state(r#"{"state":"homing","why":"calibration was asked for"}"#);
    for (last, exit, said) in [
        (
            state(r#"{"state":"ready","why":"both ends were found","range_mm":145}"#),
            0,
            "calibrated: 145.0 mm can be used",
        ),
        (
            state(
                r#"{"state":"faulted","fault":{"code":"x","message":"no front limit switch was found","remedy":"check it"}}"#,
            ),
            1,
            "yep: calibration failed: no front limit switch was found; check it",
        ),
        (state(r#"{"state":"not_homed","why":"STOP"}"#), 1, "yep: calibration did not finish: STOP"),
    ] {
        // The state before the command does not count, nor does a wave that has to end first.
        let before = state(r#"{"state":"ready","why":"at rest"}"#);
        let ending = state(r#"{"state":"ending","why":"another command waits"}"#);
        let stub = Stub::with_answers(&[DONE, before, ending, homing, homing, last]);
        let output = yep(&["calibrate", "--wait", "--server", &stub.url()]);
        assert_eq!(code(&output), exit, "{}", err(&output));
        let text = if exit == 0 { out(&output) } else { err(&output) };
        assert_eq!(text.trim_end(), said);
        assert_eq!(stub.requests().len(), 6);
    }
}

/// A simulation of no runs would report that no promise was broken.
#[test]
fn a_simulation_of_no_runs_is_refused() {
    let none = yep(&["simulate", "--runs", "0"]);
    assert_eq!((code(&none), out(&none)), (2, ""));
    assert!(err(&none).contains("--runs") && err(&none).contains("must be at least 1"), "{}", err(&none));
    let soak = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/soak"))
        .args(["--runs", "0"])
        .output()
        .unwrap();
    assert_eq!((code(&soak), out(&soak)), (2, ""));
    assert!(err(&soak).contains("--runs must be at least 1"), "{}", err(&soak));
}

#[test]
fn the_server_may_be_named_before_the_command() {
    let stub = Stub::with_answers(&[("200 OK", RUNNING)]);
    let output = yep(&["--server", &stub.url(), "status"]);
    assert_eq!(code(&output), 0, "{}", err(&output));
    assert!(out(&output).starts_with("state     running"), "{}", out(&output));
}

/// The encoding that `yep state export >file` leaves in a shell on Windows.
#[test]
fn a_backup_that_went_through_windows_is_taken_or_named() {
    let folder = tempfile::tempdir().unwrap();
    let dir = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let wave = SavedWave::new(&serde_json::json!({ "type": "sine", "duration": 2 })).unwrap();
    let (store, _) = Store::open(&folder.path().join("a")).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(store.save(StateChange::SaveWave("größer".to_owned(), wave))).unwrap();
    drop(store);
    let exported = yep(&["state", "export", "--state-dir", &dir("a")]);
    let text = out(&exported).replace('\n', "\r\n");
    let utf_16: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let file = dir("backup.json");
    let said = |bytes: &[u8]| {
        fs::write(&file, bytes).unwrap();
        yep(&["state", "import", "--state-dir", &dir("b"), &file])
    };
    for bytes in [[b"\xef\xbb\xbf", text.as_bytes()].concat(), [b"\xff\xfe", utf_16.as_slice()].concat()] {
        let output = said(&bytes);
        assert_eq!(code(&output), 0, "{}", err(&output));
        let again = yep(&["state", "show", "--json", "--state-dir", &dir("b")]);
        assert!(out(&again).contains("größer"), "{}", out(&again));
    }
    let output = said(&utf_16);
    assert_eq!(code(&output), 2, "{}", err(&output));
    assert!(err(&output).contains("UTF-16"), "{}", err(&output));
    // A pipe without a writer, and a file without an end.
    let pipe = dir("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    for endless in [pipe.as_str(), "/dev/zero"] {
        assert_eq!(code(&yep(&["state", "import", "--state-dir", &dir("b"), endless])), 2, "{endless}");
        assert_ne!(code(&yep(&["run", "--listen", "127.0.0.1:1", "--config", "/dev/zero"])), 0);
    }
}

/// A server with `--listen`, and the URL that it prints.
struct Serving {
    server: std::process::Child,
    url: String,
    _state: tempfile::TempDir,
}

impl Serving {
    fn on(listen: &str) -> Serving {
        let folder = tempfile::tempdir().unwrap();
        // Other servers run beside it.
        let config = folder.path().join("yep.toml");
        fs::write(&config, "[feeds]\ntcode_udp = 0\ntcode_tcp = 0\nbuttplug = 0\n").unwrap();
        let mut server = Command::new(env!("CARGO_BIN_EXE_yep"))
            .args(["run", "--listen", listen, "--state-dir"])
            .arg(folder.path().join("state"))
            .arg("--config")
            .arg(config)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(server.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let (_, url) = line.trim().rsplit_once(" on ").unwrap_or_else(|| panic!("{line}"));
        Serving { server, url: url.to_owned(), _state: folder }
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.server.kill().unwrap();
        self.server.wait().unwrap();
    }
}

#[test]
fn the_address_that_is_printed_answers() {
    for listen in ["0.0.0.0:0", "[::]:0", "127.0.0.1:0"] {
        let server = Serving::on(listen);
        let output = yep(&["--server", &server.url, "status"]);
        assert_eq!(code(&output), 0, "{listen}, {}: {}", server.url, err(&output));
        // So does the address as it was given to `--listen`.
        let (_, port) = server.url.rsplit_once(':').unwrap();
        let typed = format!("http://{}", listen.strip_suffix("0").unwrap().to_owned() + port);
        let output = yep(&["status", "--server", &typed]);
        assert_eq!(code(&output), 0, "{typed}: {}", err(&output));
    }
}
