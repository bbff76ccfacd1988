//! Who is let in, and who is in charge, over real connections: each way to pair, each row of what may go wrong, devices and
//! their sockets, and the control lease.

#[path = "access/devices.rs"]
mod devices;
#[path = "access/lease.rs"]
mod lease;
#[path = "access/pairing.rs"]
mod pairing;
#[path = "support/api.rs"]
mod support;

use serde_json::{Value, json};
use yep::api::port::MachineLocation;
use yep::machine::{Inputs, Snapshot, State};

use support::{HttpAnswer, Server, Setup, snapshot};

/// Host numbers of three telephones in the network.
const PHONES: [u8; 3] = [10, 11, 12];

/// A machine that is not homed, so that its switches can be pressed.
async fn unpaired() -> Server {
    let server = Setup::new(MachineLocation::Local).start().await;
    server.port.set_snapshot(not_homed(false, false));
    server
}

/// With an observer, an operator and an admin.
async fn paired() -> Server {
    Setup::new(MachineLocation::Local).with_devices().start().await
}

fn not_homed(front: bool, back: bool) -> Snapshot {
    let inputs = Inputs { front, back, ..Inputs::default() };
    Snapshot { inputs, ..snapshot(State::NotHomed) }
}

/// A JSON request from a telephone that says `yep.local`.
async fn post(server: &Server, host: u8, path: &str, body: Value) -> HttpAnswer {
    let headers = [("host", "yep.local"), ("content-type", "application/json")];
    server.request_from(host, "POST", path, &headers, body.to_string().as_bytes()).await
}

/// The role that a telephone with this cookie has.
async fn role_of(server: &Server, host: u8, cookie: &str) -> String {
    let headers = [("host", "yep.local"), ("cookie", cookie)];
    let me = server.request_from(host, "GET", "/api/v1/me", &headers, b"").await.json();
    me["role"].as_str().unwrap().to_owned()
}

/// The cookie that an answer sets, as a browser sends it.
fn cookie(answer: &HttpAnswer) -> String {
    let set = answer.header("set-cookie").expect("a cookie");
    for flag in ["; Path=/", "; HttpOnly", "; SameSite=Strict", "; Max-Age=34560000"] {
        assert!(set.contains(flag), "{set}");
    }
    set.split(';').next().unwrap().to_owned()
}

#[tokio::test]
async fn reading_changes_nothing() {
    let server = paired().await;
    for route in yep::api::routes::ROUTES.iter().filter(|route| route.method == "GET" && !route.upgrades()) {
        for method in ["GET", "HEAD"] {
            let path = route.path.replace("{model}", "any").replace("{id}", "1").replace("{name}", "x");
            server.request(method, &path, &[], "").await;
        }
    }
    assert_eq!((server.port.command_count(), server.port.stop_count()), (0, 0));
    assert_eq!(server.store.kept.lock().unwrap().len(), 0);
    assert_eq!(server.store.state.lock().unwrap().audit.len(), 0);
    let lease = server.get("/api/v1/lease").await.json();
    assert_eq!(lease, json!({ "holder": null, "is_own": false, "asker": null, "presence": null }));
}
