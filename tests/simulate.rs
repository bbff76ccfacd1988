//! Deterministic simulation of the whole machine with injected faults, by seed: no promise of docs/SAFETY.md is broken,
//! and a seed repeats exactly.
//!
//! `YEP_SEED` sets the first seed, `YEP_RUNS` the number of runs, `YEP_SECONDS` the duration of each.

use yep::trial::{InjectedFault, TrialOptions, TrialSetup, run, run_series};

fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

fn options(seed: u64, seconds: u64, faults: Vec<InjectedFault>) -> TrialOptions {
    TrialOptions { seed, seconds, faults, wiring: TrialSetup::default() }
}

#[test]
fn hundreds_of_runs_with_mixed_faults_keep_every_promise() {
    let (seed, runs) = (number("YEP_SEED", 1), number("YEP_RUNS", 200));
    let seconds = number("YEP_SECONDS", 60);
    println!("YEP_SEED={seed} YEP_RUNS={runs} YEP_SECONDS={seconds}");
    let report = run_series(&options(seed, seconds, InjectedFault::all()), |so_far| so_far.runs >= runs);
    println!("{report}");
    assert!(report.broken.is_none(), "{report}");
    // Enough was tried.
    assert!(report.tallies.len() == InjectedFault::all().len() && report.steps > 10_000 * runs, "{report}");
    let caught: u64 = report.tallies.values().map(|tally| tally.latched).sum();
    assert!(caught > runs / 10, "only {caught} faults were caught");
}

/// S23: the digest covers every edge with its instant, and every answer.
#[test]
fn a_wall_clock_that_jumps_all_the_time_moves_no_edge() {
    let options = options(7, 60, InjectedFault::all());
    let undisturbed = run(&options);
    assert!(undisturbed.steps > 1_000, "{undisturbed}");
    let over = std::sync::atomic::AtomicBool::new(false);
    let disturbed = std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut jump_s = 1i64;
            while !over.load(std::sync::atomic::Ordering::Relaxed) {
                jump_s = (jump_s * -48_271) % 2_147_483_647;
                yep::wall_clock::set_offset_s(jump_s);
                std::thread::sleep(std::time::Duration::from_micros(200));
            }
        });
        let disturbed = run(&options);
        over.store(true, std::sync::atomic::Ordering::Relaxed);
        disturbed
    });
    yep::wall_clock::set_offset_s(0);
    assert_eq!((disturbed.digest, disturbed.steps), (undisturbed.digest, undisturbed.steps));
}

#[test]
fn a_seed_is_the_same_story_every_time() {
    for seed in [3, 11, 12] {
        let options = options(seed, 60, InjectedFault::all());
        assert_eq!(run(&options), run(&options), "seed {seed}");
    }
}
