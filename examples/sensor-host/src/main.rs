//! Force sensor board without hardware, on a pseudo-terminal.
//!
//!     yep-sensor-host [--link PATH] [--fault-every BYTES] [--seed N]
//!
//! Its first line of output is the device to open. Then it reads commands: a number is the load in grams (a hundred
//! counts each), `chatter` makes it log a lot, `dead`, `alive`, `mute`, `talk` and `restart` do what they say, and
//! `quit` or the end of the input ends it.

mod log;
mod stand;

use std::io::{BufRead, Write};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Instant;

use stand::{BoardControls, StandOptions, Pty};

/// Counts per gram of the simulated cell, and its reading without a load.
const COUNTS_PER_G: f64 = 100.0;
const ZERO_COUNTS: i32 = 50_000;

/// True if each conversion writes a line to the log.
static CHATTER: AtomicBool = AtomicBool::new(false);

fn main() -> std::io::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let (mut link, mut fault_every, mut seed) = (None, 0, 1);
    let wrong = |what: String| std::io::Error::new(std::io::ErrorKind::InvalidInput, what);
    while let Some(argument) = arguments.next() {
        let mut number = || {
            let text = arguments.next().unwrap_or_default();
            text.parse::<u32>().map_err(|_| wrong(format!("{argument} needs a number")))
        };
        match argument.as_str() {
            "--fault-every" => fault_every = number()?,
            "--seed" => seed = number()?,
            "--link" => link = arguments.next(),
            other => return Err(wrong(format!("unknown argument {other}"))),
        }
    }

    let mut pty = Pty::open()?;
    if let Some(link) = &link {
        let _ = std::fs::remove_file(link);
        std::os::unix::fs::symlink(&pty.device, link)?;
    }
    println!("{}", link.as_deref().map_or(pty.device.display().to_string(), str::to_owned));
    std::io::stdout().flush()?;

    let controls = Arc::new(BoardControls::default());
    controls.noise.store(20, Relaxed);
    controls.counts.store(ZERO_COUNTS, Relaxed);
    controls.fault_every.store(fault_every, Relaxed);
    let obeying = Arc::clone(&controls);
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            execute(&obeying, line.trim());
        }
        obeying.over.store(true, Relaxed);
    });
    let began = Instant::now();
    let mut converted = 0;
    stand::run(&mut pty, &controls, StandOptions { speed: 1, seed: u64::from(seed) }, || {
        log::NOW_US.store(began.elapsed().as_micros() as u32, Relaxed);
        let conversions = controls.conversions.load(Relaxed);
        if CHATTER.load(Relaxed) && conversions != converted {
            converted = conversions;
            defmt::debug!("{=u64} conversions so far", conversions);
        }
        log::take()
    });
    if let Some(link) = link {
        std::fs::remove_file(link)?;
    }
    Ok(())
}

fn execute(controls: &BoardControls, line: &str) {
    match line {
        "chatter" => CHATTER.store(true, Relaxed),
        "dead" => controls.dead.store(true, Relaxed),
        "alive" => controls.dead.store(false, Relaxed),
        "mute" => controls.mute.store(true, Relaxed),
        "talk" => controls.mute.store(false, Relaxed),
        "restart" => controls.restart.store(true, Relaxed),
        "quit" => controls.over.store(true, Relaxed),
        number => match number.parse::<f64>() {
            Ok(force_g) => controls.counts.store(ZERO_COUNTS + (force_g * COUNTS_PER_G) as i32, Relaxed),
            Err(_) => eprintln!("not understood: {number}"),
        },
    }
}
