//! Fuzz targets on random inputs by seed (S28): nothing panics, no answer is a 5xx, the server stays healthy.
//!
//! The targets are those of `fuzz/`. Each gets a few seconds here; `scripts/fuzz` runs them for as long as one likes.
//!
//! - `YEP_SEED`: the seed, which is printed
//! - `YEP_FUZZ_SECONDS`: how long each target runs
//! - `YEP_FUZZ_INPUT`: a file with the one input to try, as a failure has left it

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use std::{env, fs};

#[path = "../fuzz/src/lib.rs"]
mod targets;

use targets::TARGETS;
use targets::mutate::mutate;
use yep::hal::sim::Random;

const SECONDS: u64 = 3;

fn number(variable: &str, default: u64) -> u64 {
    env::var(variable).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// Runs one input; on a finding, writes the input to a file and prints how to repeat it.
fn attempt(name: &str, run: fn(&[u8]), input: &[u8]) {
    let Err(found) = catch_unwind(AssertUnwindSafe(|| run(input))) else { return };
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("fuzz");
    let file = folder.join(format!("{name}-{:08x}", crc32fast::hash(input)));
    let _ = fs::create_dir_all(&folder).and_then(|()| fs::write(&file, input));
    eprintln!("found by {} bytes: {}", input.len(), String::from_utf8_lossy(&input[..input.len().min(500)]));
    eprintln!("again: YEP_FUZZ_INPUT={} cargo test --test fuzz {name}", file.display());
    resume_unwind(found);
}

fn fuzz(name: &str) {
    let target = TARGETS.iter().find(|target| target.name == name).expect("a target of this name");
    if let Ok(file) = env::var("YEP_FUZZ_INPUT") {
        return attempt(name, target.run, &fs::read(file).expect("the input"));
    }
    // Earlier findings run first, and so do the unchanged seeds.
    let mut seeds = (target.seeds)();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(name);
    for entry in fs::read_dir(folder).into_iter().flatten() {
        seeds.push(fs::read(entry.expect("an entry").path()).expect("an input"));
    }
    for seed in &seeds {
        attempt(name, target.run, seed);
    }
    let seed = number("YEP_SEED", 1);
    let mut random = Random::new(seed);
    let until = Instant::now() + Duration::from_secs(number("YEP_FUZZ_SECONDS", SECONDS));
    let mut runs = 0u64;
    while Instant::now() < until {
        let input = &seeds[random.index(seeds.len())];
        attempt(name, target.run, &mutate(&mut random, input, &seeds));
        runs += 1;
    }
    println!("{name}: YEP_SEED={seed}, {} seeds, {runs} runs", seeds.len());
    assert!(runs > 0, "nothing was tried");
}

macro_rules! targets {
    ($($name:ident)*) => {
        $(#[test]
        fn $name() {
            fuzz(stringify!($name));
        })*

        #[test]
        fn every_target_has_a_test() {
            let tested = [$(stringify!($name)),*];
            assert!(TARGETS.iter().map(|target| target.name).eq(tested));
        }
    };
}

targets! { http_bytes http_requests websocket config recording state serial tcode buttplug players script }
