//! Requests that renew the lease of a wave: only those of a client that may start a wave (S17).

use std::time::{Duration, Instant};

use yep::api::port::MachineLocation;
use yep::machine::{Command, State};

use crate::support::{Headers, Server, Setup, snapshot};

const LEASE: Duration = Duration::from_millis(400);
const AGENT: (&str, &str) = ("user-agent", "a browser");
const WAVE: &[u8] = br#"{"type":"sine","duration":2}"#;

async fn running() -> Server {
    let mut setup = Setup::new(MachineLocation::Local);
    setup.limits.lease_time = LEASE;
    let server = setup.start().await;
    server.port.set_snapshot(snapshot(State::Running));
    let run = server.request_from(1, "POST", "/api/wave/run", &[AGENT], WAVE).await;
    assert_eq!(run.status, 200, "{}", run.text());
    assert!(matches!(server.port.commands().as_slice(), [Command::Run(_)]));
    server
}

/// True if the wave has ended after three times the lease, during which the request is repeated all the time.
async fn wave_ends(method: &str, path: &str, headers: Headers<'_>, from: u8) -> bool {
    let server = running().await;
    let until = Instant::now() + 3 * LEASE;
    while Instant::now() < until {
        let headers = [&[AGENT], headers].concat();
        server.request_from(from, method, path, &headers, b"{}").await;
        tokio::time::sleep(LEASE / 10).await;
        if server.port.commands().contains(&Command::ClientGone) {
            return true;
        }
    }
    false
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lease_that_expires_does_not_end_the_wave_that_is_being_asked_for() {
    let server = running().await;
    let other = [("user-agent", "another browser")];
    let refused = server.request_from(1, "POST", "/api/wave/run", &other, WAVE).await;
    assert_eq!((refused.status, &refused.json()["code"]), (409, &"not_in_charge".into()));
    // The client's next wave waits for the machine's decision while its lease expires.
    server.port.hold_replies(true);
    let next = [AGENT];
    let deciding = async {
        tokio::time::sleep(2 * LEASE).await;
        server.port.hold_replies(false);
    };
    let (answer, ()) = tokio::join!(server.request_from(1, "POST", "/api/wave/run", &next, WAVE), deciding);
    assert_eq!(answer.status, 200, "{}", answer.text());
    tokio::time::sleep(LEASE / 2).await;
    let given = server.port.commands();
    assert!(matches!(given.as_slice(), [Command::Run(_)]), "{given:?}");
    // The lease of its own client expires as well.
    tokio::time::sleep(LEASE).await;
    assert_eq!(server.port.commands(), [Command::ClientGone]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_others_ask_for_under_the_name_of_a_dead_client_does_not_keep_its_wave() {
    let kept = tokio::join!(
        wave_ends("GET", "/api/v1/machine", &[], 1),
        wave_ends("POST", "/api/curve", &[("origin", "http://localhost:3042")], 1),
    );
    assert_eq!(kept, (false, false), "the client itself");
    let strangers: [(&str, &str, Headers<'static>, u8); 9] = [
        ("GET", "/api/health", &[("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "no-cors")], 1),
        ("GET", "/api/health", &[("origin", "http://evil.example")], 1),
        ("POST", "/api/wave/run", &[("origin", "null")], 1),
        ("GET", "/api/health", &[("x-forwarded-for", "192.168.1.9")], 1),
        ("GET", "/api/health", &[("via", "1.1 proxy")], 1),
        ("GET", "/api/health", &[("host", "evil.example")], 1),
        ("GET", "/api/nothing", &[], 1),
        ("DELETE", "/api/v1/machine", &[], 1),
        ("GET", "/api/v1/machine", &[("authorization", "Bearer 0")], 10),
    ];
    let all = strangers.map(|(method, path, headers, from)| async move {
        (method, path, headers, wave_ends(method, path, headers, from).await)
    });
    for (method, path, headers, ended) in futures_util::future::join_all(all).await {
        assert!(ended, "kept by {method} {path} {headers:?}");
    }
}
