//! The whole way of an update but for systemd: over HTTP to the real server, from there to the real process behind the socket, and
//! into the slot of a card whose partitions are files.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixListener;
use std::process::Stdio;
use std::sync::Arc;
use std::thread;

use serde_json::{Value, json};
use yep::update::KeyKind;

use crate::builder::{BLOCK, Signer};
use crate::commands::{Place, images};
use crate::real::{Home, Yep, eventually};

/// The server, the card, and what joins them.
struct Joined {
    yep: Yep,
    place: Arc<Place>,
    _home: Home,
}

/// One process for each connection, one after the other, with the connection as its input and output: what systemd does with
/// systemd/card/yep-update.socket.
fn serve(listener: &UnixListener, place: &Place) {
    while let Ok((stream, _)) = listener.accept() {
        let output = OwnedFd::from(stream.try_clone().unwrap());
        let mut child =
            place.begin_with(&["update", "--served"], Stdio::from(OwnedFd::from(stream)), output.into());
        child.wait().unwrap();
    }
}

fn joined() -> Joined {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("update.sock");
    let home = Home::new(&format!("update_socket = '{}'", socket.display()));
    let yep = home.start();
    let mut place = Place::new();
    place.server = yep.url();
    let place = Arc::new(place);
    let listener = UnixListener::bind(&socket).unwrap();
    let served = Arc::clone(&place);
    thread::spawn(move || {
        serve(&listener, &served);
        drop(folder);
    });
    Joined { yep, place, _home: home }
}

impl Joined {
    /// Sends so many of the bytes that were announced.
    fn send(&self, bytes: &[u8], sent: usize) -> TcpStream {
        let mut stream = TcpStream::connect(self.yep.address).unwrap();
        let head = format!(
            "POST /api/v1/update HTTP/1.1\r\nHost: localhost:{}\r\nContent-Type: application/octet-stream\r\n\
             Content-Length: {}\r\nConnection: close\r\n\r\n",
            self.yep.address.port(),
            bytes.len()
        );
        stream.write_all(head.as_bytes()).unwrap();
        // What is refused need not be read to its end.
        let _ = stream.write_all(&bytes[..sent]);
        stream
    }

    /// The status and the document of the answer to this update.
    fn take(&self, bytes: &[u8]) -> (u16, Value) {
        let mut answer = String::new();
        self.send(bytes, bytes.len()).read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("the answer {answer:?}"));
        (head[9..12].parse().unwrap(), serde_json::from_str(body).unwrap())
    }

    fn refused(&self, command: &str) -> Value {
        let machine = self.yep.get("/api/v1/machine").json();
        let refused = machine["refused"].as_array().unwrap().clone();
        refused
            .into_iter()
            .find(|refused| refused["command"] == command)
            .map_or(Value::Null, |r| r["code"].clone())
    }
}

#[test]
fn an_update_over_http_is_written_tried_and_locks_the_axis() {
    let joined = joined();
    let place = &joined.place;
    let update = images().update(&place.signer, images().manifest());
    let (status, document) = joined.take(&update);
    assert_eq!(status, 200, "{document}");
    assert_eq!(document["systems"]["trial"]["tries_left"], 3, "{document}");
    assert!(place.begins_with(3, &images().boot) && place.begins_with(6, &images().root));
    assert_eq!(joined.refused("calibrate"), Value::Null, "the axis is locked behind the end");

    let answer = joined.yep.post("/api/v1/update/restart", &json!({}));
    assert_eq!(answer.status, 200, "{}", answer.body);
    eventually("the restart is asked for", || (place.text("tries").lines().count() == 1).then_some(()));
    assert_eq!(joined.refused("calibrate"), "updating");
}

#[test]
fn a_strangers_update_is_refused_and_a_truncated_one_leaves_no_system() {
    let joined = joined();
    let place = &joined.place;
    let stranger = Signer::new(8, KeyKind::Release);
    let (status, problem) = joined.take(&images().update(&stranger, images().manifest()));
    assert_eq!((status, &problem["code"]), (422, &json!("wrong_signature")), "{problem}");
    assert!(place.begins_with(6, &[6; 8 * BLOCK]), "it was written all the same");

    let update = images().update(&place.signer, images().manifest());
    joined.send(&update, update.len() - 10).shutdown(Shutdown::Both).unwrap();
    let last = eventually("its end is known", || {
        let last = joined.yep.get("/api/v1/update").json()["last"].clone();
        (last["refusal"]["code"] == "truncated").then_some(last)
    });
    assert_eq!(last["check"], false, "{last}");
    let shown = place.show();
    assert_eq!((&shown["trial"], &shown["default"]), (&Value::Null, &json!("a")), "{shown}");
    // Behind the end of the update the card is asked once more, and then the axis is free.
    eventually("the axis is free", || (joined.refused("calibrate") == Value::Null).then_some(()));

    // And the whole one, behind both.
    assert_eq!(joined.take(&update).0, 200);
}

#[test]
fn a_moving_axis_is_not_updated_and_goes_on() {
    let joined = joined();
    joined.yep.post("/api/commands/run", &json!({ "type": "calibrate" })).expect_ok();
    eventually("it moves", || (joined.yep.get("/api/v1/machine").json()["state"] == "homing").then_some(()));
    let update = images().update(&joined.place.signer, images().manifest());
    let (status, problem) = joined.take(&update);
    assert_eq!((status, &problem["code"]), (409, &json!("moving")), "{problem}");
    assert!(joined.place.begins_with(6, &[6; 8 * BLOCK]), "it was written all the same");
    joined.yep.wait_until_calibrated();
}
