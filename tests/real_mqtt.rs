//! MQTT with the real broker mosquitto, as a child process: what it hears, when it hears it, and that it can do nothing but stop.

#[path = "support/house/mod.rs"]
mod house;
#[path = "support/real/mod.rs"]
mod real;
#[path = "support/skip.rs"]
mod skip;

use std::fs;
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use house::broker::Broker;
use house::listener::Listener;
use house::slow_link::SlowLink;
use house::{free_port, program};
use real::process::QUICK_HOMING;
use real::{Home, Yep, eventually};
use serde_json::{Value, json};
use skip::skip;

/// STOP is to be there in a moment; a busy computer may take some of it.
const STOP_TIME: Duration = Duration::from_millis(200);

fn can_run(test: &str) -> bool {
    let can = program("mosquitto").is_some();
    if !can {
        skip(test, "mosquitto is not installed");
    }
    can
}

fn home(port: u16, more: &str) -> Home {
    Home::new(&format!(
        "{QUICK_HOMING}[access]\nhostname = 'left'\n[mqtt]\nbroker = '127.0.0.1:{port}'\n{more}"
    ))
}

fn id(server: &Yep) -> String {
    server.get("/api/v1/info").expect_ok()["id"].as_str().unwrap().to_owned()
}

fn topic(server: &Yep, name: &str) -> String {
    format!("yep/{}/{name}", id(server))
}

fn wait_for_availability(listener: &Listener, server_topic: &str, word: &str) {
    eventually(&format!("it is {word}"), || {
        (listener.last().get(server_topic).map(String::as_str) == Some(word)).then_some(())
    });
}

fn wait_for_state(listener: &Listener, topic: &str, state: &str) -> Value {
    eventually(&format!("the broker hears of {state}"), || {
        listener.json(topic).filter(|said| said["state"] == state)
    })
}

#[test]
fn a_broker_hears_everything_and_a_late_listener_what_was_retained() {
    if !can_run("a_broker_hears_everything_and_a_late_listener_what_was_retained") {
        return;
    }
    let broker = Broker::start();
    let listener = Listener::start(broker.port);
    let home = home(broker.port, "");
    let mut server = home.start();
    let [availability, state, live, sessions] =
        ["availability", "state", "live", "sessions"].map(|name| topic(&server, name));
    wait_for_availability(&listener, &availability, "online");
    wait_for_state(&listener, &state, "not_homed");
    server.set_in_motion();
    let running = wait_for_state(&listener, &state, "running");
    assert_eq!((&running["problem"], &running["fault"]), (&json!("OFF"), &json!("none")));
    listener.forget();
    std::thread::sleep(Duration::from_secs(4));
    let positions: Vec<_> = listener.heard().into_iter().filter(|message| message.topic == live).collect();
    assert!((3..=5).contains(&positions.len()), "{} in 4 s, at 1 Hz", positions.len());
    let position: Value = serde_json::from_str(&positions[0].payload).unwrap();
    assert!(position["position_mm"].is_number(), "{position}");
    // A fault, with what helps.
    server.put_sim(&json!({ "mishaps": ["e_stop_open"] }));
    let faulted = wait_for_state(&listener, &state, "faulted");
    assert_eq!((&faulted["fault_code"], &faulted["problem"]), (&json!("e_stop"), &json!("ON")));
    assert!(faulted["remedy"].as_str().unwrap().len() > 10, "{faulted}");
    eventually("the session is counted", || {
        listener.json(&sessions).filter(|said| said["sessions"].as_u64() >= Some(1))
    });

    let late = Listener::start(broker.port);
    wait_for_state(&late, &state, "faulted");
    wait_for_availability(&late, &availability, "online");
    let discovery = format!("homeassistant/device/yep_{}/config", id(&server));
    let described = eventually("the description", || late.json(&discovery));
    assert_eq!(described["device"]["name"], "left");
    assert_eq!(described["availability_topic"], availability);
    let retained = |heard: &Listener| heard.heard().iter().filter(|message| message.retain).count();
    assert_eq!(retained(&late), 5, "availability, state, sessions, host, description");

    // A graceful end says so itself.
    server.signal("TERM");
    server.wait_for_exit();
    wait_for_availability(&listener, &availability, "offline");
}

/// What Home Assistant's own schemas say of a description; empty if it takes it.
fn refusals(description: &Value) -> String {
    let mut check = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/house-test"))
        .arg("--schema")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    check.stdin.take().unwrap().write_all(description.to_string().as_bytes()).unwrap();
    let output = check.wait_with_output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap().trim().to_owned();
    assert_eq!(output.status.code(), Some(i32::from(!said.is_empty())), "{said}");
    said
}

#[test]
fn home_assistant_takes_the_description_and_no_spoiled_one() {
    if !can_run("home_assistant_takes_the_description_and_no_spoiled_one") {
        return;
    }
    let broker = Broker::start();
    let listener = Listener::start(broker.port);
    let home = home(broker.port, "");
    let server = home.start();
    let discovery = format!("homeassistant/device/yep_{}/config", id(&server));
    let description = eventually("the description", || listener.json(&discovery));
    assert_eq!(refusals(&description), "");
    let spoiled: [(&str, Value, &str); 8] = [
        ("/components/stop/command_topic", json!("yep/+/stop"), "stop: "),
        ("/components/stop/payload_pres", json!("STOP"), "stop: payload_pres is no key of button"),
        ("/components/problem/device_class", json!("trouble"), "problem: "),
        ("/components/position/unit_of_measurement", json!("°C"), "position: °C is no unit of distance"),
        ("/components/temperature/state_class", json!("total"), "temperature: total is no state class"),
        ("/components/state/options", json!([]), "state: options"),
        ("/device/identifiers", json!(null), "must have at least one identifying value"),
        ("/availabilty_topic", json!("a"), "availabilty_topic is no key of a description"),
    ];
    for (place, value, why) in spoiled {
        let mut spoiled = description.clone();
        let (parent, key) = place.rsplit_once('/').unwrap();
        let parent = spoiled.pointer_mut(parent).unwrap().as_object_mut().unwrap();
        if value.is_null() {
            parent.remove(key)
        } else {
            parent.insert(key.to_owned(), value)
        };
        let said = refusals(&spoiled);
        assert!(said.contains(why), "{place}: {said}");
    }

    // With another name it is described anew, as the same device.
    server.put("/api/v1/name", &json!({ "name": "by-the-window" })).expect_ok();
    let renamed = eventually("the new description", || {
        listener.json(&discovery).filter(|said| said["device"]["name"] == "by-the-window")
    });
    assert_eq!(renamed["device"]["identifiers"], description["device"]["identifiers"]);
}

#[test]
fn the_broker_says_that_a_killed_machine_is_gone() {
    if !can_run("the_broker_says_that_a_killed_machine_is_gone") {
        return;
    }
    let broker = Broker::start();
    let listener = Listener::start(broker.port);
    let home = home(broker.port, "");
    let server = home.start();
    let availability = topic(&server, "availability");
    wait_for_availability(&listener, &availability, "online");
    drop(server);
    wait_for_availability(&listener, &availability, "offline");
}

#[test]
fn stop_stops_and_nothing_else_does_anything() {
    if !can_run("stop_stops_and_nothing_else_does_anything") {
        return;
    }
    let broker = Broker::start();
    let listener = Listener::start(broker.port);
    let home = home(broker.port, "");
    let server = home.start();
    let (stop, state) = (topic(&server, "stop"), topic(&server, "state"));
    wait_for_state(&listener, &state, "not_homed");
    server.send_command("calibrate").expect_ok();
    server.wait_for_state("homing");
    server.wait_until_calibrated();
    // Whatever is sent to whichever topic, nothing starts.
    for name in ["state", "live", "run", "set", "command", "availability", "stop"] {
        for payload in ["run", r#"{"type":"sine","duration":2}"#, "calibrate", ""] {
            listener.send(&topic(&server, name), payload, false);
        }
    }
    std::thread::sleep(Duration::from_millis(500));
    assert_eq!(server.status()["state"], "ready");

    server.pause_behind_stop();
    server.run_wave("sine", 2.0).expect_ok();
    server.wait_for_full_rate();
    // Only the topic of STOP stops, and an empty message, which deletes what is retained, does not.
    listener.send(&state, "STOP", false);
    listener.send(&stop, "", true);
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(server.status()["state"], "running");
    let stops = server.status()["stops"].as_u64().unwrap();
    let sent = Instant::now();
    listener.send(&stop, "STOP", false);
    eventually("the STOP is there", || (server.status()["stops"].as_u64() > Some(stops)).then_some(()));
    let took = sent.elapsed();
    println!("STOP over MQTT: {took:?}");
    assert!(took < STOP_TIME, "{took:?}");
    server.wait_for_state("ready");
}

#[test]
fn a_retained_stop_is_ignored() {
    if !can_run("a_retained_stop_is_ignored") {
        return;
    }
    let mut broker = Broker::start();
    let listener = Listener::start(broker.port);
    let home = home(broker.port, "");
    let server = home.start();
    let (stop, availability) = (topic(&server, "stop"), topic(&server, "availability"));
    wait_for_availability(&listener, &availability, "online");
    // It is retained before the machine is there again.
    broker.kill();
    server.set_in_motion();
    broker.run();
    let other = Listener::start(broker.port);
    other.send(&stop, "STOP", true);
    wait_for_availability(&other, &availability, "online");
    eventually("the machine has heard of it", || {
        server.log().contains("a retained STOP of the MQTT broker is ignored").then_some(())
    });
    assert_eq!(server.status()["state"], "running");
}

#[test]
fn stop_works_while_what_the_machine_sends_does_not_get_through() {
    if !can_run("stop_works_while_what_the_machine_sends_does_not_get_through") {
        return;
    }
    let broker = Broker::start();
    let link = SlowLink::to(broker.port);
    let listener = Listener::start(broker.port);
    let home = home(link.port, "");
    let server = home.start();
    wait_for_availability(&listener, &topic(&server, "availability"), "online");
    server.set_in_motion();
    link.stand(true);
    std::thread::sleep(Duration::from_secs(3));
    let status = server.status();
    assert_eq!(status["state"], "running", "{status}");
    let stops = status["stops"].as_u64().unwrap();
    let sent = Instant::now();
    listener.send(&topic(&server, "stop"), "STOP", false);
    eventually("the STOP is there", || (server.status()["stops"].as_u64() > Some(stops)).then_some(()));
    assert!(sent.elapsed() < STOP_TIME, "{:?}", sent.elapsed());
    link.stand(false);
}

#[test]
fn a_broker_that_comes_late_or_again_hears_everything_anew() {
    if !can_run("a_broker_that_comes_late_or_again_hears_everything_anew") {
        return;
    }
    let mut broker = Broker::start();
    broker.kill();
    let home = home(broker.port, "");
    let server = home.start();
    let state = topic(&server, "state");
    eventually("it is tried", || server.log().contains("the MQTT broker cannot be reached").then_some(()));
    for _ in 0..2 {
        broker.run();
        let listener = Listener::start(broker.port);
        wait_for_state(&listener, &state, "not_homed");
        eventually("the description", || {
            listener.json(&format!("homeassistant/device/yep_{}/config", id(&server)))
        });
        broker.kill();
    }
    // One line for each time that it goes, and not for each try.
    std::thread::sleep(Duration::from_secs(2));
    assert!(server.log().matches("the MQTT broker cannot be reached").count() <= 3, "{}", server.log());
    assert_eq!(server.status()["state"], "not_homed");
}

#[test]
fn a_secure_broker_takes_the_password_and_nobody_else_sees_it() {
    if !can_run("a_secure_broker_takes_the_password_and_nobody_else_sees_it") {
        return;
    }
    const PASSWORD: &str = "Kp3-unheard-9x";
    let broker = Broker::start_secure("yep", PASSWORD);
    let folder = tempfile::tempdir().unwrap();
    let [right, wrong] = [("right", PASSWORD), ("wrong", "guess")].map(|(name, password)| {
        let file = folder.path().join(name);
        fs::write(&file, format!("{password}\n")).unwrap();
        file.display().to_string()
    });
    let secure = |ca: &str, password_file: &str| {
        format!("user = 'yep'\ntls = true\nca_file = '{ca}'\npassword_file = '{password_file}'")
    };
    let said = |server: &Yep, text: &str| {
        eventually(text, || server.log().contains(text).then_some(()));
        assert!(!server.log().contains(PASSWORD), "the password is in the log");
    };
    // The home of each lasts as long as its server.
    let start = |config: &str| {
        let home = home(broker.port, config).with("RUST_LOG", "debug");
        (home.start(), home)
    };
    let (server, _home) = start(&secure(&broker.ca(), &right));
    said(&server, "the MQTT broker hears how the machine is");
    let log = server.get("/api/v1/log?level=trace&count=2000").expect_ok().to_string();
    assert!(log.contains("the MQTT broker") && !log.contains(PASSWORD), "{log}");

    let (server, _home) = start(&secure(&broker.ca(), &wrong));
    said(&server, "the MQTT broker cannot be reached: Connection refused");
    // The certificate of somebody else proves nothing.
    let other = Broker::start_secure("yep", "x");
    let (server, _home) = start(&secure(&other.ca(), &right));
    said(&server, "the MQTT broker cannot be reached: TLS");
    // A password that cannot be read is no reason not to start.
    let (server, _home) = start(&secure(&broker.ca(), "/nowhere/password"));
    said(&server, "there is no MQTT: the password in /nowhere/password");
    assert_eq!(server.status()["state"], "not_homed");
    let by_environment = format!("user = 'yep'\ntls = true\nca_file = '{}'", broker.ca());
    let home = home(broker.port, &by_environment).with("YEP_MQTT_PASSWORD", PASSWORD);
    said(&home.start(), "the MQTT broker hears how the machine is");
}

#[test]
fn without_a_broker_in_the_options_there_is_none() {
    let home = Home::new("");
    let server = home.start();
    std::thread::sleep(Duration::from_millis(500));
    assert!(!server.log().contains("MQTT"), "{}", server.log());
    let (code, said) = Home::new(&format!("[mqtt]\nbroker = ':{}'", free_port())).start_and_fail(&[]);
    assert_eq!(code, 2);
    assert!(said.contains("mqtt.broker: "), "{said}");
}
