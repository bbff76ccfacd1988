//! Random gears and waves on virtual time: the raw edges keep speed, acceleration and jerk, by the edge oracle and the
//! pulse checker.
//!
//! `YEP_SEED` chooses the first seed, `YEP_RUNS` how many.

#[path = "support/edge_check.rs"]
mod edge_check;

use yep::api::coerce::Reading;
use yep::api::wave_spec;
use yep::hal::sim::Random;
use yep::machine::{Accepted, Command, State};
use yep::trial::gear::Gear;
use yep::trial::waves;
use yep::wave::Wave;

fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

fn any_wave(random: &mut Random, gear: &Gear) -> Wave {
    loop {
        let asked = waves::random_wave(random, gear.max_stroke_mm as f64);
        if let Ok(spec) = wave_spec::read(Reading::Lenient, Some(&asked), wave_spec::Purpose::Run)
            && let Ok(wave) = wave_spec::wave(&spec)
        {
            return wave;
        }
    }
}

#[test]
fn an_undisturbed_wave_keeps_the_gentle_limits_on_every_edge() {
    let (seed, runs) = (number("YEP_SEED", 1), number("YEP_RUNS", 40));
    println!("YEP_SEED={seed} YEP_RUNS={runs}");
    let (mut steps, mut windows) = (0, 0);
    for seed in seed..seed + runs {
        let mut random = Random::new(Random::new(seed).number());
        let gear = Gear::random(&mut random, false);
        println!("seed {seed}: {gear:?}");
        let (mut machine, steps_per_mm) = edge_check::homed(&gear);
        machine.sink().expect_gentle(&gear.limits, steps_per_mm);
        // One wave blends into another, which ends.
        assert_eq!(machine.command(Command::Run(any_wave(&mut random, &gear))), Some(Ok(Accepted::Now)));
        machine.run_ms(random.below(6_000));
        let next = any_wave(&mut random, &gear);
        println!("  then {next:?}");
        assert!(machine.command(Command::Run(next)).is_some_and(|reply| reply.is_ok()));
        machine.run_ms(random.below(6_000));
        machine.command(Command::End);
        machine.run_ms(1_000);
        assert_eq!(machine.snapshot().fault, None);
        (steps, windows) = (steps + machine.sink().steps, windows + machine.sink().windows());
    }
    println!("{steps} steps, {windows} windows");
    assert!(steps > 5_000 * runs && windows > 10_000 * runs, "{steps} steps, {windows} windows");
}

#[test]
fn what_is_stopped_pushed_and_set_anew_keeps_the_firm_limits_on_every_edge() {
    let (seed, runs) = (number("YEP_SEED", 1), number("YEP_RUNS", 40));
    println!("YEP_SEED={seed} YEP_RUNS={runs}");
    let mut steps = 0;
    for seed in seed..seed + runs {
        let mut random = Random::new(Random::new(1_000_000 + seed).number());
        let gear = Gear::random(&mut random, false);
        println!("seed {seed}: {gear:?}");
        let (mut machine, steps_per_mm) = edge_check::homed(&gear);
        let mut config = edge_check::config(&gear);
        for _ in 0..10 {
            match random.below(6) {
                0 | 1 => {
                    let _ = machine.command(Command::Run(any_wave(&mut random, &gear)));
                }
                2 => machine.stop(),
                3 => machine.operator().push_g(random.between(-1_200.0, 1_200.0)),
                4 => machine.operator().push_g(0.0),
                _ => {
                    config.limits = gear.limits(&mut random);
                    machine.sink().expect_firm(&config.limits, 0.0, steps_per_mm);
                    let _ = machine.command(Command::UpdateSettings(config));
                }
            }
            machine.run_ms(random.below(1_500));
        }
        assert_eq!(machine.snapshot().fault, None, "seed {seed}: {}", machine.snapshot().why);
        assert_ne!(machine.snapshot().state, State::NotHomed);
        steps += machine.sink().steps;
    }
    println!("{steps} steps");
    assert!(steps > 5_000 * runs, "{steps} steps");
}
