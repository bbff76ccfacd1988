//! Driver `remote`: a yep-machine on another host moves the axis. The test replays the recorded traffic of its program:
//! its requests at the start, the messages that it receives and sends, and its writes after a calibration.

#[path = "support/real/mod.rs"]
mod real;

use std::collections::BTreeSet;
use std::net::{SocketAddr, UdpSocket};
use std::time::{SystemTime, UNIX_EPOCH};

use real::app::App;
use real::http::{self, Answer};
use real::{Home, Socket, Yep};
use serde_json::{Value, json};

/// Close code: the server restarts. A yep-machine does not come back after a clean close.
const RESTARTS: u16 = 1012;

/// The address of this host in its network, if it has one; finding it sends nothing.
fn network_address() -> Option<SocketAddr> {
    let socket = UdpSocket::bind("0.0.0.0:0").ok()?;
    socket.connect("192.0.2.1:9").ok()?;
    socket.local_addr().ok().filter(|address| !address.ip().is_loopback())
}

/// A yep-machine, with the address at which it reaches the server: that of the network, if there is one, since loopback
/// has more rights than it needs.
struct Machine(SocketAddr);

impl Machine {
    /// Sends a request as its program does: JSON without a content type.
    #[track_caller]
    fn request(&self, method: &str, path: &str, body: &str) -> Answer {
        let host = self.0.to_string();
        let headers = [("Host", host.as_str()), ("User-Agent", "python-requests/2.24.0"), ("Accept", "*/*")];
        http::request(self.0, method, path, &headers, body)
    }

    #[track_caller]
    fn connect(&self) -> Socket {
        Socket::open_as(self.0, &self.0.to_string(), "command_all")
    }

    /// Its requests after its start and after every announcement of settings.
    #[track_caller]
    fn read_settings(&self) -> Value {
        let settings = self.request("GET", "/api/settings/machine-thrust/default/", "").expect_ok();
        let points = json!({ "points": settings["stroke_force_chart"], "resolution": 1_000 });
        let curve = self.request("POST", "/api/curve/", &points.to_string()).expect_ok();
        assert_eq!(curve.as_array().map(Vec::len), Some(1_000));
        settings
    }
}

fn start() -> (Home, Yep, Machine) {
    let address = network_address().map(|address| address.ip());
    let access = address.map_or(String::new(), |ip| format!("[access]\nremote_machine = '{ip}'\n"));
    let home = Home::new(&access);
    let mut yep = home.start_with(&["--driver", "remote", "--listen", "0.0.0.0:0"]);
    let port = yep.address.port();
    yep.address = SocketAddr::from(([127, 0, 0, 1], port));
    let machine = Machine(address.map_or(yep.address, |ip| SocketAddr::new(ip, port)));
    (home, yep, machine)
}

/// The next command behind the first `from` frames, in the machine's form: all values text, the time a number.
#[track_caller]
fn wait_for_message(commands: &Socket, from: usize, kind: &str) -> Value {
    let (_, frame) = commands.wait_from(from, kind, |_| true);
    assert!(frame.text.starts_with("[{\"message_id\": \""), "the spelling of Python's json: {}", frame.text);
    let message = frame.message();
    assert!(message.as_object().unwrap().values().all(Value::is_string), "{message}");
    assert_eq!(message["type"], kind, "{message}");
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs_f64();
    let time: f64 = message["time"].as_str().unwrap().parse().unwrap();
    assert!((now - time).abs() < 10.0, "{message} at {now}");
    message
}

#[test]
fn a_machine_elsewhere_is_told_everything_and_says_how_it_is() {
    let (_home, mut yep, machine) = start();
    // It listens on all addresses, and prints one that answers.
    assert!(
        yep.stdout().contains("serves a yep-machine on another host on http://127.0.0.1:"),
        "{}",
        yep.stdout()
    );
    let app = App::of(&yep);
    app.type_durations();
    assert_eq!(machine.read_settings()["max_steps"], Value::Null);
    let mut commands = machine.connect();
    let page = yep.socket("status");

    // The server does not know the machine's position, so it refuses nothing.
    app.press("calibrate");
    wait_for_message(&commands, 0, "calibrate");
    commands.send(r#"{"stream": "status", "device": "machine", "type": "running"}"#);
    let (_, frame) = page.wait_from(0, "the status", |_| true);
    let status = frame.message();
    let keys: Vec<_> = status.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(keys, ["message_id", "device", "type"]);
    assert_eq!((&status["device"], &status["type"]), (&json!("machine"), &json!("running")));

    // The machine writes its measurement back; this is not announced to itself.
    let path = "/api/settings/machine-thrust/default/?machine=true";
    let settings = machine.request("PUT", path, r#"{"max_steps": 1450}"#).expect_ok();
    assert_eq!((&settings["max_steps"], &settings["steps_per_mm"]), (&json!(1_450), &json!(1_450.0 / 155.0)));
    // A change by the app is announced, and the machine reads again.
    app.load_and_save_settings();
    wait_for_message(&commands, 1, "update_settings");
    assert_eq!(commands.count(), 2, "{:?}", commands.frames());
    let settings = machine.read_settings();
    assert_eq!((&settings["max_steps"], &settings["stroke_force_chart"][0]), (&json!(1_450), &json!(60)));

    for (shape, points) in [("sine", 599), ("square", 598)] {
        let heard = commands.count();
        assert_eq!(app.run_wave(shape, json!(5)).expect_ok(), json!({ "status": "success" }));
        let wave = wait_for_message(&commands, heard, "loop_wave");
        let data: Vec<f64> = serde_json::from_str(wave["data"].as_str().unwrap()).unwrap();
        assert_eq!(data.len(), points, "{shape}");
        assert!(data.iter().all(|point| (0.0..=1.0).contains(point)), "{shape}");
        // From the back over the front, almost to the back again.
        let front = data.iter().copied().fold(0.0, f64::max);
        assert!(data[0] < 1e-4 && front > 0.999, "{shape}: {} to {front}", data[0]);
    }
    for command in ["end", "stop", "tare"] {
        let heard = commands.count();
        app.press(command);
        wait_for_message(&commands, heard, command);
    }
    commands.send(r#"{"stream": "status", "device": "machine", "type": "waiting"}"#);
    page.wait_from(1, "the status", |frame| frame.message()["type"] == "waiting");
    // A page that is loaded now gets the status at once.
    let late = yep.socket("status");
    assert_eq!(late.wait_from(0, "the last status", |_| true).1.message()["type"], "waiting");

    // The machine would stop reading after a message beyond its limit.
    assert_eq!(app.run_wave("sine", json!(600)).status, 422);
    let sim = yep.get("/api/v1/sim");
    assert_eq!(sim.status, 404);
    assert!(
        sim.json()["detail"].as_str().unwrap().contains("only there with the driver sim"),
        "{}",
        sim.body
    );

    yep.signal("TERM");
    assert_eq!(commands.closed(), RESTARTS);
    assert_eq!(yep.wait_for_exit().code(), Some(0));
}

#[test]
fn a_burst_of_commands_arrives_whole() {
    const CLIENTS: usize = 4;
    const EACH: usize = 50;
    let (_home, yep, machine) = start();
    let commands = machine.connect();
    std::thread::scope(|scope| {
        for client in 0..CLIENTS {
            let yep = &yep;
            scope.spawn(move || {
                for n in 0..EACH {
                    yep.send_command(&format!("{client}-{n}")).expect_ok();
                }
            });
        }
    });
    yep.send_command("stop").expect_ok();
    commands.wait_from(0, "the STOP behind them all", |frame| frame.message()["type"] == "stop");
    let heard: Vec<String> =
        commands.frames().iter().map(|frame| frame.message()["type"].as_str().unwrap().to_owned()).collect();
    assert_eq!(heard.len(), CLIENTS * EACH + 1);
    let all: BTreeSet<_> = heard.iter().cloned().collect();
    assert_eq!(all.len(), heard.len(), "some came twice");
    for client in 0..CLIENTS {
        // In the order of each client.
        let prefix = format!("{client}-");
        let of_client: Vec<_> = heard.iter().filter_map(|name| name.strip_prefix(&prefix)).collect();
        assert_eq!(of_client, (0..EACH).map(|n| n.to_string()).collect::<Vec<_>>());
    }
    let ids: Vec<_> =
        commands.frames().iter().map(|frame| frame.message()["message_id"].to_string()).collect();
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len(), "an id was given twice");
}
