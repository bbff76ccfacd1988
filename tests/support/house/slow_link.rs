//! A connection to the broker that is slow, or stands still in one direction.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Passes connections on to a port.
pub struct SlowLink {
    pub port: u16,
    stands: Arc<AtomicBool>,
}

impl SlowLink {
    pub fn to(port: u16) -> SlowLink {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let own = listener.local_addr().unwrap().port();
        let stands: Arc<AtomicBool> = Arc::default();
        let standing = Arc::clone(&stands);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let Ok(broker) = TcpStream::connect(("127.0.0.1", port)) else { continue };
                let (from, to) = (stream.try_clone().unwrap(), broker.try_clone().unwrap());
                let stands = Arc::clone(&standing);
                std::thread::spawn(move || pass(from, to, &stands));
                std::thread::spawn(move || pass(broker, stream, &AtomicBool::new(false)));
            }
        });
        SlowLink { port: own, stands }
    }

    /// From now on nothing that the machine sends reaches the broker; what the broker sends does reach the machine.
    pub fn stand(&self, stands: bool) {
        self.stands.store(stands, Ordering::Relaxed);
    }
}

fn pass(mut from: TcpStream, mut to: TcpStream, stands: &AtomicBool) {
    let mut bytes = [0; 4096];
    loop {
        while stands.load(Ordering::Relaxed) {
            std::thread::sleep(Duration::from_millis(5));
        }
        match from.read(&mut bytes) {
            Ok(0) | Err(_) => {
                let _ = to.shutdown(std::net::Shutdown::Both);
                return;
            }
            Ok(length) if to.write_all(&bytes[..length]).is_err() => return,
            Ok(_) => {}
        }
    }
}
