//! WebSocket streams: a client that reads loses nothing, and a client that does not read delays no other.

#[path = "support/api.rs"]
mod support;

use std::time::{Duration, Instant};

use futures_util::SinkExt;
use serde_json::{Value, json};
use support::{Headers, PATIENCE, Server, Setup, snapshot};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_tungstenite::tungstenite::{Bytes, Message};
use yep::api::port::MachineLocation;
use yep::machine::State;

async fn start(location: MachineLocation) -> Server {
    Setup::new(location).start().await
}

/// Waits until `so` returns true.
async fn until(what: &str, so: impl Fn() -> bool) {
    let begun = Instant::now();
    while !so() {
        assert!(begun.elapsed() < PATIENCE, "{what}: never");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_burst_of_a_thousand_reaches_everyone_who_reads_in_order() {
    let server = start(MachineLocation::Remote).await;
    let (one, two) = (server.socket("status").await, server.socket("status").await);
    let mut publisher = server.socket("command_all").await;
    let readers = [one, two].map(|mut client| {
        tokio::spawn(async move {
            for n in 0..1_000 {
                assert_eq!(client.message().await["n"], n.to_string());
            }
        })
    });
    for n in 0..1_000 {
        publisher.0.feed(Message::text(json!({"stream": "status", "n": n}).to_string())).await.unwrap();
    }
    publisher.0.flush().await.unwrap();
    for reader in readers {
        reader.await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn commands_given_at_once_all_arrive() {
    let server = start(MachineLocation::Remote).await;
    let mut commands = server.socket("command_all").await;
    let names: Vec<String> = (0..200).map(|n| format!("c{n}")).collect();
    let giving = async {
        for pair in names.chunks(2) {
            let bodies = [0, 1].map(|i| format!(r#"{{"type":"{}"}}"#, pair[i]));
            let [a, b] = [0, 1].map(|i| server.post("/api/commands/run", &bodies[i]));
            tokio::join!(a, b);
        }
    };
    let hearing = async {
        let mut heard = Vec::new();
        while heard.len() < names.len() {
            heard.push(commands.message().await["type"].as_str().unwrap().to_owned());
        }
        heard.sort_by_key(|name| name[1..].parse::<u32>().unwrap());
        heard
    };
    let ((), heard) = tokio::join!(giving, hearing);
    assert_eq!(heard, names);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_falls_behind_is_closed_without_a_gap_and_holds_nobody_up() {
    let mut setup = Setup::new(MachineLocation::Remote);
    setup.limits.send_time = PATIENCE;
    let server = setup.start().await;
    let (mut slow, mut quick) = (server.socket("status").await, server.socket("status").await);
    let padding = "x".repeat(16 * 1024);
    let mut longest = Duration::ZERO;
    // More than the kernels' buffers and the queue hold.
    for n in 0..1_000 {
        let begun = Instant::now();
        server.ctx.bus.publish("status", &[("n", &n.to_string()), ("padding", &padding)]);
        longest = longest.max(begun.elapsed());
        assert_eq!(quick.message().await["n"], n.to_string());
    }
    assert!(longest < Duration::from_millis(200), "publishing took {longest:?}");
    // The slow client finally reads a beginning without a gap, then the close code.
    let mut next = 0;
    let code = loop {
        match slow.frame().await {
            Message::Text(text) => {
                let frame: Value = serde_json::from_str(&text).unwrap();
                assert_eq!(frame[0]["n"], next.to_string());
                next += 1;
            }
            Message::Close(frame) => break frame.map(|frame| u16::from(frame.code)),
            frame => panic!("{frame:?}"),
        }
    };
    assert_eq!(code, Some(1013));
    // Its buffer holds 512 KiB, in addition to the kernel's.
    assert!((31..1_000).contains(&next), "{next}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_takes_nothing_for_too_long_loses_its_socket() {
    let mut setup = Setup::new(MachineLocation::Remote);
    setup.limits.send_time = Duration::from_millis(200);
    setup.limits.sockets = 1;
    let server = setup.start().await;
    let _stalled = server.socket("status").await;
    let padding = "x".repeat(1024 * 1024);
    for _ in 0..30 {
        server.ctx.bus.publish("status", &[("padding", &padding)]);
    }
    let begun = Instant::now();
    while server.socket_from(1, "status", &[]).await.is_err() {
        assert!(begun.elapsed() < PATIENCE, "it still has it");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_new_subscriber_of_status_hears_how_each_device_is_at_once() {
    let server = start(MachineLocation::Local).await;
    let mut early = server.socket("status").await;
    server.ctx.bus.publish("status", &[("device", "machine"), ("type", "running")]);
    server.ctx.bus.publish("status", &[("device", "machine"), ("type", "waiting")]);
    early.send(r#"{"stream":"status","device":"other","type":"warning"}"#).await;
    let heard = [early.message().await, early.message().await, early.message().await];
    let mut late = server.socket("status").await;
    assert_eq!([late.message().await, late.message().await], heard[1..]);
}

#[tokio::test]
async fn a_client_hears_its_own_stream_and_may_publish_on_any() {
    let server = start(MachineLocation::Local).await;
    let (mut own, mut other) = (server.socket("status").await, server.socket("command_all").await);
    own.send("").await;
    own.send(r#"{"stream":"status","text":"žluť 😀","n":1,"x":2.50,"big":1e22}"#).await;
    own.send(r#"{"n":"1","stream":"command_all","message_id":"mine"}"#).await;
    let text = own.text().await;
    assert!(
        text.ends_with(r#""text": "\u017elu\u0165 \ud83d\ude00", "n": "1", "x": "2.5", "big": "1e+22"}]"#)
    );
    let message = other.message().await;
    assert_eq!((message.as_object().unwrap().len(), message["n"].as_str()), (2, Some("1")));
    assert_ne!(message["message_id"], "mine");
}

#[tokio::test]
async fn a_frame_that_cannot_be_published_closes_the_socket_with_1000() {
    let server = start(MachineLocation::Local).await;
    for frame in [
        "{",
        "not json",
        "[]",
        "null",
        "5",
        r#"[{"stream":"status","n":1}]"#,
        r#"{"stream":"status"}"#,
        r#"{"n":1}"#,
        r#"{"stream":"status","n":true}"#,
        r#"{"stream":"status","n":null}"#,
        r#"{"stream":"status","n":[1]}"#,
        r#"{"stream":"status","n":{"a":1}}"#,
    ] {
        let mut client = server.socket("status").await;
        client.send(frame).await;
        assert_eq!(client.close_code().await, Some(1000), "{frame}");
    }
    let mut client = server.socket("status").await;
    client.0.send(Message::binary(Bytes::from_static(b"{}"))).await.unwrap();
    assert_eq!(client.close_code().await, Some(1000));
}

#[tokio::test]
async fn a_frame_for_a_stream_that_nobody_can_hear_closes_the_socket_with_1008() {
    let server = start(MachineLocation::Local).await;
    for stream in ["comand_all", "telemetry", "", "s"] {
        let mut client = server.socket("status").await;
        client.send(&json!({ "stream": stream, "type": "stop" }).to_string()).await;
        assert_eq!(client.close_code().await, Some(1008), "{stream}");
    }
}

#[tokio::test]
async fn a_frame_that_is_too_large_closes_the_socket_with_1009() {
    let server = start(MachineLocation::Local).await;
    let frame = |bytes: usize| {
        let empty = r#"{"stream":"status","n":""}"#.len();
        format!(r#"{{"stream":"status","n":"{}"}}"#, "x".repeat(bytes - empty))
    };
    let mut client = server.socket("status").await;
    client.send(&frame(64 * 1024)).await;
    assert!(client.text().await.len() > 64 * 1024);
    client.send(&frame(64 * 1024 + 1)).await;
    assert_eq!(client.close_code().await, Some(1009));
    let mut client = server.socket("status").await;
    // A part of it may still be under way when the server closes.
    let _ = client.0.send(Message::text(frame(1024 * 1024))).await;
    assert_eq!(client.close_code().await, Some(1009));
}

#[tokio::test]
async fn silence_is_noticed_and_an_answering_client_stays() {
    let mut setup = Setup::new(MachineLocation::Local);
    setup.limits.ping_time = Duration::from_millis(100);
    setup.limits.silent_time = Duration::from_millis(200);
    let server = setup.start().await;
    let mut answering = server.socket("status").await;
    let staying = tokio::spawn(async move {
        // Reading answers the pings.
        assert_eq!(answering.message().await["n"], "1");
    });
    let mut silent = server.connect_from(1).await;
    let handshake = "GET /api/stream/status HTTP/1.1\r\nHost: localhost\r\nConnection: upgrade\r\n\
                     Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAA\r\n\r\n";
    silent.write_all(handshake.as_bytes()).await.unwrap();
    let begun = Instant::now();
    let mut heard = Vec::new();
    tokio::time::timeout(PATIENCE, silent.read_to_end(&mut heard)).await.expect("it stays").unwrap();
    assert!(begun.elapsed() >= Duration::from_millis(200), "{:?}", begun.elapsed());
    assert!(heard.windows(2).any(|code| code == 1013_u16.to_be_bytes()), "{heard:?}");
    server.ctx.bus.publish("status", &[("n", "1")]);
    staying.await.unwrap();
}

#[tokio::test]
async fn a_local_machine_obeys_frames_of_local_clients_and_stop_waits_for_nothing() {
    let server = start(MachineLocation::Local).await;
    let (mut client, mut listener) = (server.socket("status").await, server.socket("command_all").await);
    // The machine takes its time with the first command.
    server.port.hold_replies(true);
    client.send(r#"{"stream":"command_all","type":"calibrate","time":"1.0"}"#).await;
    client.send(r#"{"stream":"command_all","type":"end","time":"1.0"}"#).await;
    client.send(r#"{"stream":"command_all","type":"stop","time":"1.0"}"#).await;
    until("stop", || server.port.stop_count() == 1).await;
    server.port.hold_replies(false);
    for kind in ["calibrate", "end", "stop"] {
        assert_eq!(listener.message().await["type"], kind);
    }
    let mut given = Vec::new();
    let begun = Instant::now();
    while given.len() < 2 && begun.elapsed() < PATIENCE {
        given.extend(server.port.commands().iter().map(|command| command.kind().name()));
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(given, ["calibrate", "end"]);
}

#[tokio::test]
async fn what_waits_behind_a_stop_is_not_given_any_more_and_what_crosses_it_is_stopped_again() {
    let server = start(MachineLocation::Local).await;
    let (mut client, mut listener) = (server.socket("status").await, server.socket("command_all").await);
    // The machine takes its time with the first command; the second one waits in the server.
    server.port.hold_replies(true);
    for _ in 0..2 {
        client.send(r#"{"stream":"command_all","type":"calibrate","time":"1.0"}"#).await;
        assert_eq!(listener.message().await["type"], "calibrate");
    }
    until("the first command", || server.port.command_count() == 1).await;
    assert_eq!(server.post("/api/stop", "").await.status, 200);
    assert_eq!(server.port.stop_count(), 1);
    server.port.hold_replies(false);
    until("the second STOP", || server.port.stop_count() == 2).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(server.port.commands().len(), 1, "the second one was given behind STOP");
    // A request is answered with the same refusal.
    tokio::time::sleep(yep::api::charge::fence::PAUSE).await;
    server.port.hold_replies(true);
    let run = server.post("/api/wave/run", r#"{"type":"sine","duration":2}"#);
    let stop = async {
        until("the wave", || server.port.command_count() == 1).await;
        assert_eq!(server.post("/api/stop", "").await.status, 200);
        server.port.hold_replies(false);
    };
    let (answer, ()) = tokio::join!(run, stop);
    assert_eq!((answer.status, &answer.json()["code"]), (409, &json!("stopped")));
    assert_eq!(server.port.stop_count(), 4);
}

#[tokio::test]
async fn a_machine_may_say_how_it_is_and_command_nobody() {
    let mut setup = Setup::new(MachineLocation::Remote);
    setup.rules.remote_machine = Some("192.168.1.60".parse().unwrap());
    let server = setup.start().await;
    let mut page = server.socket("status").await;
    let mut machine = server.socket_from(60, "command_all", &[]).await.unwrap();
    machine.send(r#"{"stream":"status","device":"machine","type":"running"}"#).await;
    assert_eq!(page.message().await["type"], "running");
    machine.send(r#"{"stream":"command_all","type":"calibrate"}"#).await;
    assert_eq!(machine.close_code().await, Some(1008));
}

#[tokio::test]
async fn nobody_speaks_for_the_machine_of_this_process_or_pushes_it_out_of_memory() {
    let server = start(MachineLocation::Local).await;
    server.ctx.bus.publish("status", &[("device", "machine"), ("type", "waiting")]);
    for device in ["machine", "Machine", " machine ", "queue", "client", "store"] {
        let mut client = server.socket("status").await;
        client
            .send(
                &json!({"stream": "status", "device": device, "type": "running", "why": "spoofed"})
                    .to_string(),
            )
            .await;
        assert_eq!(client.close_code().await, Some(1008), "{device}");
    }
    let mut client = server.socket("command_all").await;
    for n in 0..70 {
        client.send(&json!({"stream": "status", "device": n, "type": "waiting"}).to_string()).await;
    }
    client.send(r#"{"stream":"command_all","type":"marker"}"#).await;
    assert_eq!(client.message().await["type"], "marker");
    let mut page = server.socket("status").await;
    let first = page.message().await;
    assert_eq!((&first["device"], &first["type"]), (&json!("machine"), &json!("waiting")));
}

#[tokio::test]
async fn only_a_proper_handshake_on_a_stream_becomes_a_socket() {
    let server = start(MachineLocation::Local).await;
    for path in
        ["/api/stream/status/deeper", "/api/health", "/nothing", "/api/stream/comand_all", "/api/stream/x"]
    {
        let refused = server.upgrade_from(1, path, &[]).await.err().unwrap();
        assert_eq!(refused.as_u16(), 404, "{path}");
    }
    assert!(server.upgrade_from(1, "/api/stream/status/", &[]).await.is_ok());
    assert_eq!(server.get("/api/stream/status").await.status, 404);
    let upgrade: Headers<'_> = &[("connection", "keep-alive, Upgrade"), ("upgrade", "WebSocket")];
    let old = [upgrade, &[("sec-websocket-version", "8"), ("sec-websocket-key", "x")]].concat();
    let refused = server.request("GET", "/api/stream/status", &old, "").await;
    assert_eq!((refused.status, refused.header("sec-websocket-version")), (426, Some("13")));
    let keyless = [upgrade, &[("sec-websocket-version", "13")]].concat();
    assert_eq!(server.request("GET", "/api/stream/status", &keyless, "").await.status, 400);
}

#[tokio::test]
async fn telemetry_comes_at_once_and_the_newest_wins() {
    let server = start(MachineLocation::Local).await;
    let mut client = server.socket("telemetry").await;
    let first: Value = serde_json::from_str(&client.text().await).unwrap();
    assert_eq!((&first["state"], &first["position_mm"]), (&json!("ready"), &json!(72.5)));
    let machine = server.get("/api/v1/machine").await.json();
    assert!(first.as_object().unwrap().iter().all(|(name, value)| machine[name] == *value), "{machine}");
    for n in 1..=1_000 {
        let mut moving = snapshot(State::Running);
        moving.periods = n;
        server.port.set_snapshot(moving);
    }
    let begun = Instant::now();
    let mut frames = 0;
    while begun.elapsed() < Duration::from_secs(1) {
        let object: Value = serde_json::from_str(&client.text().await).unwrap();
        frames += usize::from(object["periods"] == 1_000);
    }
    // 25 in a second; a busy host may lose some.
    assert!((15..=27).contains(&frames), "{frames} in a second");
}

#[tokio::test]
async fn at_the_end_of_the_server_the_sockets_are_told_to_come_back() {
    let server = start(MachineLocation::Local).await;
    let mut clients = [server.socket("command_all").await, server.socket("telemetry").await];
    let ends = clients.each_mut().map(|client| client.close_code());
    let (codes, ()) = tokio::join!(futures_util::future::join_all(ends), server.shut_down());
    assert_eq!(codes, [Some(1012), Some(1012)]);
}
