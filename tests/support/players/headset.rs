//! A program that speaks as HereSphere and DeoVR do: frames in pieces, single zeros, ends without a word.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Time between two of its frames.
const EVERY: Duration = Duration::from_millis(200);

/// What it plays.
#[derive(Clone, Copy)]
enum Shown {
    Nothing,
    Nonsense,
    HangUp,
    Video { began: Instant, from_s: f64, rate: f64, is_playing: bool },
}

struct Shared {
    shown: Mutex<Shown>,
    keep_alives: AtomicUsize,
    is_connected: AtomicBool,
    ends: AtomicBool,
    has_zeros: bool,
}

pub struct FakeHeadset {
    shared: Arc<Shared>,
    port: u16,
    thread: Option<JoinHandle<()>>,
}

impl FakeHeadset {
    /// With single zeros between its frames, as HereSphere has them, or without.
    pub fn start(has_zeros: bool) -> FakeHeadset {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        listener.set_nonblocking(true).unwrap();
        let shared = Arc::new(Shared {
            shown: Mutex::new(Shown::Nothing),
            keep_alives: AtomicUsize::new(0),
            is_connected: AtomicBool::new(false),
            ends: AtomicBool::new(false),
            has_zeros,
        });
        let thread = std::thread::spawn({
            let shared = Arc::clone(&shared);
            move || {
                while !shared.ends.load(SeqCst) {
                    match listener.accept() {
                        Ok((stream, _)) => {
                            shared.is_connected.store(true, SeqCst);
                            let _ = shared.serve(stream);
                            shared.is_connected.store(false, SeqCst);
                        }
                        Err(_) => std::thread::sleep(Duration::from_millis(10)),
                    }
                }
            }
        });
        FakeHeadset { shared, port, thread: Some(thread) }
    }

    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    pub fn play(&self, from_s: f64, rate: f64) {
        self.show(Shown::Video { began: Instant::now(), from_s, rate, is_playing: true });
    }

    pub fn pause(&self) {
        let from_s = self.position_s();
        self.show(Shown::Video { began: Instant::now(), from_s, rate: 1.0, is_playing: false });
    }

    pub fn unload(&self) {
        self.show(Shown::Nothing);
    }

    /// Closes the connection once; whoever comes next sees the video on.
    pub fn hang_up(&self) {
        self.once(Shown::HangUp);
    }

    /// Sends what is no frame of a player, once.
    pub fn send_nonsense(&self) {
        self.once(Shown::Nonsense);
    }

    pub fn position_s(&self) -> f64 {
        self.shared.shown.lock().unwrap().position_s()
    }

    pub fn keep_alives(&self) -> usize {
        self.shared.keep_alives.load(SeqCst)
    }

    pub fn is_connected(&self) -> bool {
        self.shared.is_connected.load(SeqCst)
    }

    fn show(&self, shown: Shown) {
        *self.shared.shown.lock().unwrap() = shown;
    }

    fn once(&self, shown: Shown) {
        let before = std::mem::replace(&mut *self.shared.shown.lock().unwrap(), shown);
        super::eventually("the connection ends", || (!self.is_connected()).then_some(()));
        self.show(before);
    }
}

impl Drop for FakeHeadset {
    fn drop(&mut self) {
        self.shared.ends.store(true, SeqCst);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Shown {
    fn position_s(self) -> f64 {
        match self {
            Shown::Video { began, from_s, rate, is_playing: true } => {
                from_s + rate * began.elapsed().as_secs_f64()
            }
            Shown::Video { from_s, .. } => from_s,
            _ => 0.0,
        }
    }
}

impl Shared {
    /// Serves a connection to its end.
    fn serve(&self, mut stream: TcpStream) -> std::io::Result<()> {
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_millis(1)))?;
        let mut zeros = 0;
        let mut due = Instant::now();
        while !self.ends.load(SeqCst) {
            let mut bytes = [0; 64];
            match stream.read(&mut bytes) {
                Ok(0) => return Ok(()),
                Ok(count) => {
                    assert!(bytes[..count].iter().all(|byte| *byte == 0), "only empty frames are expected");
                    zeros += count;
                    self.keep_alives.store(zeros / 4, SeqCst);
                }
                Err(_) => {}
            }
            if Instant::now() < due {
                continue;
            }
            due = Instant::now() + EVERY;
            let shown = *self.shown.lock().unwrap();
            match shown {
                Shown::HangUp => return Ok(()),
                Shown::Nonsense => stream.write_all(&yep::players::headset::frame("[1,2]"))?,
                Shown::Nothing if self.has_zeros => stream.write_all(&[0])?,
                Shown::Nothing => stream.write_all(&[0; 4])?,
                Shown::Video { rate, is_playing, .. } => {
                    let state = u8::from(!is_playing);
                    let json = format!(
                        r#"{{"path":"/videos/x.mp4","currentTime":{:.3},"playbackSpeed":{rate:?},"playerState":{state},"duration":600.0}}"#,
                        shown.position_s()
                    );
                    if self.has_zeros {
                        stream.write_all(&[0])?;
                    }
                    // In pieces, each a packet of its own.
                    for piece in yep::players::headset::frame(&json).chunks(37) {
                        stream.write_all(piece)?;
                        std::thread::sleep(Duration::from_millis(1));
                    }
                }
            }
        }
        Ok(())
    }
}
