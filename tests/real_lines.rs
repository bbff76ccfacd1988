//! Real binary on real lines: T-Code on a serial device and on a pseudo terminal, an Intiface that has the axis as a device, and
//! devices that follow the axis. Each end of a line is a planned stop (promise S32).

#[path = "support/real/mod.rs"]
mod real;

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use real::process::{NO_FEEDS, QUICK_HOMING};
use real::{Home, Yep, eventually};
use rustix::fs::{OFlags, fcntl_setfl};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};
use serde_json::Value;
use tokio_tungstenite::tungstenite::{Message, WebSocket, accept};

/// A line, as the test holds it: its far end, which reads without waiting.
struct Line {
    near: File,
    heard: String,
}

impl Line {
    /// A serial device, plugged in under that name.
    fn plug_in(name: &Path) -> Line {
        let near = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&near).unwrap();
        unlockpt(&near).unwrap();
        let device = PathBuf::from(ptsname(&near, Vec::new()).unwrap().into_string().unwrap());
        // What is written before the other end opens it is not echoed.
        let mut terminal = tcgetattr(&near).unwrap();
        terminal.make_raw();
        tcsetattr(&near, OptionalActions::Now, &terminal).unwrap();
        let _ = fs::remove_file(name);
        symlink(device, name).unwrap();
        Line::of(near.into())
    }

    /// Opens a device as any program does, which takes it as it is.
    fn open(device: &Path) -> Line {
        Line::of(OpenOptions::new().read(true).write(true).open(device).unwrap())
    }

    fn of(near: File) -> Line {
        fcntl_setfl(&near, OFlags::NONBLOCK).unwrap();
        Line { near, heard: String::new() }
    }

    fn send(&mut self, text: &str) {
        self.near.write_all(text.as_bytes()).unwrap();
    }

    /// Everything that was heard until now.
    fn hear(&mut self) -> &str {
        let mut bytes = [0; 4_096];
        while let Ok(count @ 1..) = self.near.read(&mut bytes) {
            self.heard += std::str::from_utf8(&bytes[..count]).unwrap();
        }
        &self.heard
    }

    #[track_caller]
    fn expect(&mut self, text: &str) {
        let began = Instant::now();
        while self.hear() != text {
            assert!(began.elapsed() < Duration::from_secs(5), "{:?} instead of {text:?}", self.heard);
            std::thread::sleep(Duration::from_millis(5));
        }
        self.heard.clear();
    }
}

fn feeds(yep: &Yep) -> Value {
    yep.get("/api/v1/feeds").expect_ok()
}

/// What is said of a line or connection, once it was said; null while it is open.
#[track_caller]
fn trouble(yep: &Yep, name: &str) -> Value {
    eventually(name, || {
        let listeners = feeds(yep)["listeners"].clone();
        let found = listeners.as_array().unwrap().iter().find(|listener| listener["name"] == name).cloned();
        found.map(|listener| listener["trouble"].clone())
    })
}

#[track_caller]
fn wait_until_open(yep: &Yep, name: &str) {
    eventually(&format!("{name} is open"), || trouble(yep, name).is_null().then_some(()));
}

/// The transports of the feeds that are there.
fn transports(yep: &Yep) -> Vec<String> {
    let links = feeds(yep)["links"].clone();
    links.as_array().unwrap().iter().map(|link| link["transport"].as_str().unwrap().to_owned()).collect()
}

/// Place of the axis, as a share of the window, which is the whole rail here.
fn share(yep: &Yep) -> f64 {
    let (status, front_mm) = (yep.status(), feeds(yep)["window"]["front_mm"].as_f64().unwrap());
    status["position_mm"].as_f64().unwrap() / front_mm.min(status["range_mm"].as_f64().unwrap())
}

#[track_caller]
fn wait_for_share(yep: &Yep, wanted: f64) {
    eventually(&format!("the axis is at {wanted}"), || ((share(yep) - wanted).abs() < 0.01).then_some(()));
}

/// After the other end of a feed has gone: the axis comes to rest on the way, with a known place and without a fault.
#[track_caller]
fn rests_before(yep: &Yep, target: f64) {
    let status = yep.wait_for_state("ready");
    assert!(status["fault"].is_null() && status["position_mm"].is_number(), "{status}");
    let rests = share(yep);
    assert!((rests - target).abs() > 0.1, "it went on to {rests}");
    assert!(transports(yep).is_empty(), "{}", feeds(yep));
}

fn home(lines: &str) -> Home {
    Home::new(&format!("{QUICK_HOMING}{NO_FEEDS}{lines}"))
}

#[track_caller]
fn calibrated(home: &Home) -> Yep {
    let yep = home.start();
    yep.send_command("calibrate").expect_ok();
    yep.wait_until_calibrated();
    yep
}

#[test]
fn a_serial_device_moves_the_axis_until_it_is_unplugged_and_when_it_is_back() {
    let folder = tempfile::tempdir().unwrap();
    let device = folder.path().join("gadget");
    let home = home(&format!("tcode_serial = '{}'\n", device.display()));
    let yep = home.start();
    assert!(trouble(&yep, "tcode_serial").as_str().unwrap().contains("No such file"));
    // It is looked for meanwhile.
    yep.send_command("calibrate").expect_ok();
    yep.wait_until_calibrated();
    assert_eq!(yep.log().matches("tcode_serial").count(), 1, "it is said once: {}", yep.log());

    let mut line = Line::plug_in(&device);
    wait_until_open(&yep, "tcode_serial");
    eventually("the link", || (transports(&yep) == ["serial"]).then_some(()));
    line.send("d1\r");
    line.expect("TCode v0.3\n");
    // In pieces, with the ends of lines of several systems.
    for piece in ["L0", "8500I3", "00 R0500\r\n\nV05", "\r"] {
        line.send(piece);
        std::thread::sleep(Duration::from_millis(20));
    }
    wait_for_share(&yep, 0.85);
    assert_eq!(yep.status()["state"], "following");
    line.send("L01I3000\n");
    eventually("it is on its way", || (share(&yep) < 0.8).then_some(()));
    line.expect("");
    drop(line);
    rests_before(&yep, 0.1);

    let mut line = Line::plug_in(&device);
    wait_until_open(&yep, "tcode_serial");
    line.send("L02000I200\n");
    wait_for_share(&yep, 0.2);
}

#[test]
fn a_pseudo_terminal_has_its_link_while_it_runs_and_each_close_is_a_leave() {
    let folder = tempfile::tempdir().unwrap();
    let link = folder.path().join("tcode");
    fs::write(&link, "mine").unwrap();
    let home = home(&format!("tcode_pty = '{}'\n", link.display()));
    let mut yep = calibrated(&home);
    let why = trouble(&yep, "tcode_pty");
    assert!(why.as_str().unwrap().contains("is there already"), "{why}");
    assert_eq!(fs::read(&link).unwrap(), b"mine");
    // As a run leaves it that was killed.
    fs::remove_file(&link).unwrap();
    symlink("/dev/pts/of-a-killed-run", &link).unwrap();
    wait_until_open(&yep, "tcode_pty");

    let mut visitor = Line::open(&link);
    visitor.send("D0\nD1\n");
    visitor.expect(&format!("yep v{}\nTCode v0.3\n", env!("CARGO_PKG_VERSION")));
    visitor.send("L08I300\r\n");
    wait_for_share(&yep, 0.8);
    visitor.send("L01I3000\n");
    eventually("it is on its way", || (share(&yep) < 0.75).then_some(()));
    drop(visitor);
    rests_before(&yep, 0.1);

    // The same link, for the next one; who leaves it cooked leaves it so to nobody.
    let visitor = Line::open(&link);
    let mut terminal = tcgetattr(&visitor.near).unwrap();
    terminal.local_modes |= rustix::termios::LocalModes::ECHO | rustix::termios::LocalModes::ICANON;
    tcsetattr(&visitor.near, OptionalActions::Now, &terminal).unwrap();
    eventually("the link", || (transports(&yep) == ["serial"]).then_some(()));
    drop(visitor);
    eventually("it has left", || transports(&yep).is_empty().then_some(()));
    let mut visitor = Line::open(&link);
    visitor.send("L03I300\n");
    wait_for_share(&yep, 0.3);
    visitor.expect("");

    yep.signal("TERM");
    assert!(yep.wait_for_exit().success());
    assert!(fs::symlink_metadata(&link).is_err(), "the link is still there");
}

/// Accepts a connection of the program, and reads without waiting for long.
#[track_caller]
fn accept_socket(listener: &TcpListener) -> WebSocket<TcpStream> {
    listener.set_nonblocking(true).unwrap();
    let (stream, _) = eventually("it connects", || listener.accept().ok());
    stream.set_nonblocking(false).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    accept(stream).unwrap()
}

/// The next frame with content.
#[track_caller]
fn next(socket: &mut WebSocket<TcpStream>) -> Message {
    loop {
        match socket.read().unwrap() {
            Message::Ping(_) | Message::Pong(_) => {}
            frame => return frame,
        }
    }
}

/// Sends a frame that moves the axis, and answers pings until it is there.
#[track_caller]
fn drive(yep: &Yep, socket: &mut WebSocket<TcpStream>, frame: Message, is_there: impl Fn(f64) -> bool) {
    socket.send(frame).unwrap();
    socket.get_ref().set_read_timeout(Some(Duration::from_millis(5))).unwrap();
    eventually("the axis has moved", || {
        let read = socket.read();
        assert!(!matches!(read, Ok(Message::Text(_) | Message::Binary(_))), "it answers: {read:?}");
        is_there(share(yep)).then_some(())
    });
    socket.get_ref().set_read_timeout(Some(Duration::from_secs(5))).unwrap();
}

#[test]
fn intiface_has_the_axis_as_a_device_and_hears_when_it_leaves() {
    let intiface = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = intiface.local_addr().unwrap();
    let home = home(&format!("intiface = 'ws://{address}'\n"));
    let mut yep = home.start();
    let mut socket = accept_socket(&intiface);
    yep.send_command("calibrate").expect_ok();
    let Message::Text(introduction) = next(&mut socket) else { panic!("no text") };
    let introduction: Value = serde_json::from_str(&introduction).unwrap();
    assert_eq!((&introduction["identifier"], &introduction["version"]), (&"yep".into(), &0.into()));
    assert!(introduction["address"].as_str().unwrap().len() > "yep-".len(), "{introduction}");
    let homing = Instant::now();
    socket.get_ref().set_read_timeout(Some(Duration::from_millis(5))).unwrap();
    while yep.status()["state"] == "homing" {
        assert!(homing.elapsed() < real::PATIENCE);
        let _ = socket.read();
    }
    assert_eq!(transports(&yep), ["Intiface"]);
    assert_eq!(feeds(&yep)["listeners"][0]["address"], format!("ws://{address}"));

    // As its server writes them: binary, one line each.
    drive(&yep, &mut socket, Message::binary("L0850I300\n"), |share| (share - 0.85).abs() < 0.01);
    drive(&yep, &mut socket, Message::binary("D1\nL0100I3000\n"), |share| share < 0.8);
    // It vanishes without a word, and is back.
    drop(socket);
    rests_before(&yep, 0.1);
    let why = trouble(&yep, "intiface");
    assert!(why.is_string(), "{why}");
    let gone = Instant::now();
    let mut socket = accept_socket(&intiface);
    assert!(gone.elapsed() > Duration::from_secs(7), "it is left alone for {:?} only", gone.elapsed());
    assert!(matches!(next(&mut socket), Message::Text(_)));
    drive(&yep, &mut socket, Message::binary("L0500I300\n"), |share| (share - 0.5).abs() < 0.01);
    yep.signal("TERM");
    assert!(matches!(next(&mut socket), Message::Close(_)));
    let _ = socket.flush();
    assert!(yep.wait_for_exit().success());
    assert_eq!(yep.log().matches("WARN").count(), 1, "the loss is said once: {}", yep.log());
}

#[test]
fn intiface_gets_the_file_that_names_the_device() {
    let yep = home("").start();
    let current = yep.get("/api/v1/feeds/intiface-config");
    let as_file = "attachment; filename=\"buttplug-user-device-config.json\"";
    assert_eq!(current.header("content-disposition"), Some(as_file));
    for (answer, major) in [(current, 5), (yep.get("/api/v1/feeds/intiface-config?major=4"), 4)] {
        let file = answer.expect_ok();
        assert_eq!(file["version"]["major"], major);
        let protocol = &file["user_configs"]["protocols"]["tcode-v03"];
        assert_eq!(protocol["communication"][0]["websocket"]["name"], "yep");
    }
    assert_eq!(yep.get("/api/v1/feeds/intiface-config?major=6").status, 422);
}

/// The places of the lines in thousandths, each within its 20 ms; anything else but the `DSTOP` at the end is wrong.
#[track_caller]
fn places_before_the_stop(lines: &str) -> Vec<u32> {
    let lines = lines.strip_suffix("DSTOP\n").unwrap_or_else(|| panic!("no stop at the end: {lines:?}"));
    let place = |line: &str| line.strip_prefix("L0")?.strip_suffix("I20")?.parse::<u32>().ok();
    lines.lines().map(|line| place(line).unwrap_or_else(|| panic!("{line}")) / 10).collect()
}

#[test]
fn devices_follow_the_axis_and_stop_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let device = folder.path().join("arm");
    let (datagrams, sockets) =
        (UdpSocket::bind("127.0.0.1:0").unwrap(), TcpListener::bind("127.0.0.1:0").unwrap());
    datagrams.set_nonblocking(true).unwrap();
    let mut line = Line::plug_in(&device);
    let lines = format!(
        "[[feeds.mirror]]\nto = 'udp://{}'\n\
         [[feeds.mirror]]\nto = 'ws://{}/ws'\nlow = 1.0\nhigh = 0.5\n\
         [[feeds.mirror]]\nto = '{}'\ndelay_ms = 300\n",
        datagrams.local_addr().unwrap(),
        sockets.local_addr().unwrap(),
        device.display()
    );
    let home = home(&lines);
    let mut yep = home.start();
    let mut socket = accept_socket(&sockets);
    yep.send_command("calibrate").expect_ok();
    yep.wait_until_calibrated();
    let mut datagram = [0; 64];
    assert!(datagrams.recv(&mut datagram).is_err() && line.hear().is_empty(), "it moves without a place");

    yep.run_wave("sine", 1.0).expect_ok();
    yep.wait_for_full_rate();
    std::thread::sleep(Duration::from_millis(500));
    yep.send_command("stop").expect_ok();
    yep.wait_for_state("ready");
    std::thread::sleep(Duration::from_millis(400));

    let mut heard = String::new();
    while let Ok(count) = datagrams.recv(&mut datagram) {
        heard += std::str::from_utf8(&datagram[..count]).unwrap();
    }
    let places = places_before_the_stop(&heard);
    let (least, most) = (*places.iter().min().unwrap(), *places.iter().max().unwrap());
    assert!(places.len() > 30 && least < 300 && most > 300, "{places:?}");
    assert!(places.windows(2).all(|two| two[0].abs_diff(two[1]) < 200), "{places:?}");
    let (range_mm, farthest_mm) = (yep.status()["range_mm"].as_f64().unwrap(), f64::from(most) * 1e-3);
    assert!(farthest_mm * range_mm <= feeds(&yep)["window"]["front_mm"].as_f64().unwrap() + 1.0);

    // The other way round over half of its travel.
    let mut frames = String::new();
    while !frames.contains("DSTOP") {
        frames += next(&mut socket).to_text().unwrap();
    }
    let turned = places_before_the_stop(&frames);
    assert!(turned.iter().all(|place| (500..1_000).contains(place)), "{turned:?}");
    // A STOP overtakes what is 300 ms behind.
    let late = places_before_the_stop(line.hear());
    assert!(late.len() + 10 < places.len(), "{} of {}", late.len(), places.len());
    line.heard.clear();

    let told = feeds(&yep)["mirrors"].clone();
    assert_eq!(told[2]["sent"].as_u64(), Some(late.len() as u64 + 1), "{told}");
    assert!((0..3).all(|of| told[of]["trouble"].is_null()), "{told}");
    let sent: Vec<_> = (0..3).map(|of| told[of]["sent"].clone()).collect();
    std::thread::sleep(Duration::from_millis(200));
    let told = feeds(&yep)["mirrors"].clone();
    assert_eq!((0..3).map(|of| told[of]["sent"].clone()).collect::<Vec<_>>(), sent, "it rests, and talks");

    // A device that goes is said, and followed again once it is back.
    drop(socket);
    let why = eventually("the loss", || feeds(&yep)["mirrors"][1]["trouble"].as_str().map(str::to_owned));
    println!("lost: {why}");
    let mut socket = accept_socket(&sockets);
    eventually("it is there again", || feeds(&yep)["mirrors"][1]["trouble"].is_null().then_some(()));

    yep.pause_behind_stop();
    yep.run_wave("sine", 1.0).expect_ok();
    assert!(next(&mut socket).to_text().unwrap().starts_with("L0"));
    eventually("the others move", || (!line.hear().is_empty()).then_some(()));
    yep.signal("TERM");
    loop {
        match next(&mut socket) {
            Message::Text(text) if text.as_str() == "DSTOP\n" => break,
            frame => assert!(frame.to_text().unwrap().starts_with("L0"), "{frame:?}"),
        }
    }
    assert!(matches!(next(&mut socket), Message::Close(_)));
    let _ = socket.flush();
    assert!(yep.wait_for_exit().success());
    assert!(line.hear().ends_with("DSTOP\n"), "{}", line.heard);
}

#[test]
fn tcode_local_is_this_computer_until_another_device_says_so() {
    const GROUP: &str = "224.0.0.251:5353";
    let name = b"\x05tcode\x05local\x00";
    let yep = home("tcode_local = true\n").start();
    wait_until_open(&yep, "tcode_local");
    // Within this computer only.
    let asker = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket2::SockRef::from(&asker).set_multicast_if_v4(&std::net::Ipv4Addr::LOCALHOST).unwrap();
    asker.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    let question = [&[0, 7, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0], &name[..], &[0, 1, 0, 1]].concat();
    asker.send_to(&question, GROUP).unwrap();
    let mut answer = [0; 256];
    let count = asker.recv(&mut answer).unwrap();
    let record = [&name[..], &[0, 1, 0, 1, 0, 0, 0, 10, 0, 4, 127, 0, 0, 1]].concat();
    assert!(answer.starts_with(&[0, 7, 0x84, 0, 0, 1, 0, 2]), "{answer:x?}");
    assert!(answer[..count].windows(record.len()).any(|part| part == record), "{answer:x?}");
    // A page under that name is no foreign one.
    let called = |name| yep.request("GET", "/api/v1/feeds", &[("host", name)], "").status;
    assert_eq!((called("tcode.local"), called("other.local")), (403, 421), "a guest, and a foreign page");

    let record = [&name[..], &[0, 1, 0x80, 1, 0, 0, 0, 120, 0, 4, 192, 0, 2, 77]].concat();
    let claim = [&[0, 0, 0x84, 0, 0, 0, 0, 1, 0, 0, 0, 0], &record[..]].concat();
    asker.send_to(&claim, GROUP).unwrap();
    let why = eventually("it gives way", || trouble(&yep, "tcode_local").as_str().map(str::to_owned));
    assert!(why.contains("192.0.2.77"), "{why}");
    asker.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
    asker.send_to(&question, GROUP).unwrap();
    assert!(asker.recv(&mut answer).is_err(), "it answers all the same");
}
