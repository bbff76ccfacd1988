//! Property test on virtual time: after any sequence of commands the carriage is where it may be.

mod support;

use proptest::prelude::*;
use proptest::test_runner::{FileFailurePersistence, RngSeed};
use support::{homed, options};
use yep::machine::{Command, Fault, State};
use yep::motion::MotionLimits;
use yep::units::{Mm, MmPerS, MmPerS2, MmPerS3};
use yep::wave::{Shape, Wave};

#[derive(Debug, Clone)]
enum Act {
    Run(Shape, f64),
    End,
    Stop,
    Calibrate,
    Limits {
        speed: f64,
        acceleration: f64,
        onset_s: f64,
    },
    /// Lowers the limits to these shares; the stop stays as it is, so this takes effect in mid-stroke.
    Lower {
        speed: f64,
        acceleration: f64,
        jerk: f64,
    },
    StrokeLimit(f64),
    Push(f64),
    Wait,
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        4 => (prop_oneof![Just(Shape::Sine), Just(Shape::Square)], 0.05..4.0f64)
            .prop_map(|(shape, period_s)| Act::Run(shape, period_s)),
        1 => Just(Act::End),
        1 => Just(Act::Stop),
        1 => Just(Act::Calibrate),
        2 => (20.0..800.0f64, 500.0..8_000.0f64, 0.01..0.2f64)
            .prop_map(|(speed, acceleration, onset_s)| Act::Limits { speed, acceleration, onset_s }),
        2 => (0.1..1.0f64, 0.05..1.0f64, 0.05..1.0f64)
            .prop_map(|(speed, acceleration, jerk)| Act::Lower { speed, acceleration, jerk }),
        2 => (5.0..155.0f64).prop_map(Act::StrokeLimit),
        2 => (-1_500.0..1_500.0f64).prop_map(Act::Push),
        2 => Just(Act::Wait),
    ]
}

/// The same cases in every run; `YEP_SEED` sets another seed, `PROPTEST_CASES` the number of cases.
fn seeded() -> ProptestConfig {
    let seed = std::env::var("YEP_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(2);
    println!("YEP_SEED={seed}");
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(200);
    ProptestConfig {
        cases,
        rng_seed: RngSeed::Fixed(seed),
        // Earlier findings run first.
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct("tests/found/properties.txt"))),
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(seeded())]

    #[test]
    fn any_sequence_of_commands_and_settings_stays_inside_the_range(
        acts in prop::collection::vec((act(), 1u64..1_500), 4..30)
    ) {
        let mut machine = homed(&options());
        let mut config = support::config();
        for (act, pause_ms) in acts {
            let command = match act {
                Act::Run(shape, period_s) => Some(Command::Run(Wave::new(shape, period_s).unwrap())),
                Act::End => Some(Command::End),
                Act::Calibrate => Some(Command::Calibrate),
                Act::Limits { speed, acceleration, onset_s } => {
                    config.limits = MotionLimits::new(
                        MmPerS::try_from(speed).unwrap(),
                        MmPerS2::try_from(acceleration).unwrap(),
                        MmPerS3::try_from(acceleration / onset_s).unwrap(),
                        MmPerS2::try_from(acceleration * 1.5).unwrap(),
                        MmPerS::try_from(speed / 4.0).unwrap(),
                    ).unwrap();
                    Some(Command::UpdateSettings(config))
                }
                Act::Lower { speed, acceleration, jerk } => {
                    let MotionLimits { max_speed, max_acceleration, max_jerk, stop_deceleration, approach_speed } =
                        config.limits;
                    let speed = (max_speed.get() * speed).max(20.0);
                    config.limits = MotionLimits::new(
                        MmPerS::try_from(speed).unwrap(),
                        MmPerS2::try_from((max_acceleration.get() * acceleration).max(100.0)).unwrap(),
                        MmPerS3::try_from((max_jerk.get() * jerk).max(2_000.0)).unwrap(),
                        stop_deceleration,
                        MmPerS::try_from(approach_speed.get().min(speed)).unwrap(),
                    ).unwrap();
                    Some(Command::UpdateSettings(config))
                }
                Act::StrokeLimit(mm) => {
                    config.stroke_limit = Mm::try_from(mm).unwrap();
                    Some(Command::UpdateSettings(config))
                }
                Act::Stop => { machine.stop(); None }
                Act::Push(force_g) => { machine.operator().push_g(force_g); None }
                Act::Wait => None,
            };
            if let Some(command) = command {
                prop_assert!(machine.command(command.clone()).is_some(), "no answer to {command:?}");
            }
            for _ in 0..pause_ms {
                machine.cycle();
                let snapshot = machine.snapshot();
                // A push of that force ends homing, and nothing else.
                let pushed = snapshot.fault == Some(Fault::ForceWhileHoming);
                prop_assert!(snapshot.fault.is_none() || pushed, "{}", snapshot.why);
                let homing = snapshot.state == State::Homing;
                if let (false, Some(at), Some(range)) = (homing, snapshot.position_mm, snapshot.range_mm) {
                        prop_assert!(at >= -1e-9 && at <= range + 1e-9, "{at} outside 0 … {range}");
                        let carriage = machine.operator().carriage_mm() - 5.0;
                        prop_assert!((carriage - at).abs() < 1e-3, "at {carriage}, shown {at}");
                }
            }
        }
    }
}
