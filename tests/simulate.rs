//! The whole machine with mixed faults, by seed: no promise of docs/SAFETY.md is broken, and a seed is a story.
//!
//! `YEP_SEED` chooses the first seed, `YEP_RUNS` how many.

use yep::trial::{Fault, Orders, Wiring, run, series};

fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

fn orders(seed: u64, seconds: u64, faults: Vec<Fault>) -> Orders {
    Orders { seed, seconds, faults, wiring: Wiring::default() }
}

#[test]
fn hundreds_of_runs_with_mixed_faults_keep_every_promise() {
    let (seed, runs) = (number("YEP_SEED", 1), number("YEP_RUNS", 200));
    println!("YEP_SEED={seed} YEP_RUNS={runs}");
    let report = series(&orders(seed, 60, Fault::all()), |so_far| so_far.runs >= runs);
    println!("{report}");
    assert!(report.broken.is_none(), "{report}");
    // The numbers say that something was tried.
    assert!(report.tallies.len() == Fault::all().len() && report.steps > 1_000 * runs, "{report}");
    let caught: u64 = report.tallies.values().map(|tally| tally.latched).sum();
    assert!(caught > runs / 10, "only {caught} faults were caught");
}

#[test]
fn a_seed_is_the_same_story_every_time() {
    for seed in [3, 11, 12] {
        let orders = orders(seed, 60, Fault::all());
        assert_eq!(run(&orders), run(&orders), "seed {seed}");
    }
}
