//! Graceful shutdown of the real binary (S40): whatever clients go on sending, the axis comes to rest, and then the
//! driver is switched off.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use serde_json::json;

use super::real::process::QUICK_HOMING;
use super::real::pulses::speed_mm_s;
use super::real::{Home, http};

/// Sends a termination signal `after_ms` after the clients began to send, while homing or a wave runs.
fn assert_ends_at_rest(after_ms: u64, wave: bool) {
    let about = format!("{after_ms} ms into {}", if wave { "a wave" } else { "homing" });
    let home = Home::new(QUICK_HOMING);
    let mut yep = home.start();
    yep.send_command("calibrate").expect_ok();
    yep.wait_for_state("homing");
    yep.wait_until_calibrated();
    if wave {
        yep.run_wave("sine", 1.0).expect_ok();
        yep.wait_for_full_rate();
    }
    // One socket sends a series of commands ahead, each of which the machine decides after the previous one …
    let mut socket = yep.socket("command_all");
    for _ in 0..60 {
        socket.send(&json!({ "stream": "command_all", "type": "calibrate" }).to_string());
    }
    // … and clients post a wave again and again, as CONTRACT.md says.
    let going = Arc::new(AtomicBool::new(true));
    let clients: Vec<_> = (0..2)
        .map(|_| {
            let (going, address) = (Arc::clone(&going), yep.address);
            thread::spawn(move || {
                let mut codes = Vec::new();
                let body = json!({ "type": "sine", "duration": 1.0, "lease": "continue" }).to_string();
                while going.load(Ordering::Relaxed) {
                    match http::attempt(address, "POST", "/api/wave/run", &[], &body) {
                        Ok(answer) => codes.push(answer.status),
                        Err(_) => thread::sleep(Duration::from_millis(2)),
                    }
                }
                codes
            })
        })
        .collect();
    thread::sleep(Duration::from_millis(after_ms));
    yep.signal("TERM");
    let ended = yep.wait_for_exit();
    going.store(false, Ordering::Relaxed);
    for client in clients {
        client.join().unwrap();
    }
    assert_eq!(ended.code(), Some(0), "{about}: {}", yep.log());
    let pulses = home.pulses();
    let last = pulses.len() - 1;
    let off_ns = home.driver_off_ns().expect("the driver was switched off");
    let rested_ms = off_ns.saturating_sub(pulses[last].at_ns) / 1_000_000;
    assert!(
        off_ns > pulses[last].at_ns && rested_ms >= 40,
        "{about}: off {rested_ms} ms after the last pulse"
    );
    let end_mm_s = speed_mm_s(&pulses, last, 1);
    assert!(end_mm_s < 80.0, "{about}: the last step at {end_mm_s:.0} mm/s");
    assert!(yep.log().contains("the axis is at rest, and the driver is off"), "{about}: {}", yep.log());
}

#[test]
fn told_to_end_while_clients_go_on_sending_it_rests_before_the_driver_goes_off() {
    for (after_ms, wave) in [(20, false), (330, false), (150, true), (640, true)] {
        assert_ends_at_rest(after_ms, wave);
    }
}
