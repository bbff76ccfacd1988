//! Planner of whole moves against an independent planner (rsruckig): never slower, always at the target, never out of
//! the range.

#[path = "support/random.rs"]
mod random;

use rsruckig::prelude::*;
use yep::motion::ProfileLimits;
use yep::motion::kinematics::Kinematics;
use yep::motion::plan::{MovePlan, PlanError, Target};

/// Number of random moves; `YEP_ORACLE_MOVES` overrides it.
fn moves() -> u32 {
    std::env::var("YEP_ORACLE_MOVES").ok().and_then(|n| n.parse().ok()).unwrap_or(200_000)
}

/// Duration of the oracle's move, computed in metres, for which it is tuned; `None` if it finds no move.
fn oracle_s(start: Kinematics, target: Target, rates: ProfileLimits) -> Option<f64> {
    const M: f64 = 1e-3;
    let mut otg = Ruckig::<1, ThrowErrorHandler>::new(None, 0.001);
    let mut input = InputParameter::new(None);
    input.current_position[0] = start.p * M;
    input.current_velocity[0] = start.v * M;
    input.current_acceleration[0] = start.a * M;
    input.target_position[0] = target.p * M;
    input.target_velocity[0] = target.v * M;
    input.max_velocity[0] = rates.speed * M;
    input.max_acceleration[0] = rates.acceleration * M;
    input.max_jerk[0] = rates.jerk * M;
    let mut trajectory = Trajectory::new(None);
    match otg.calculate(&input, &mut trajectory) {
        Ok(RuckigResult::Working | RuckigResult::Finished) => Some(trajectory.get_duration()),
        _ => None,
    }
}

fn check(start: Kinematics, target: Target, rates: ProfileLimits, plan: &MovePlan) {
    let mut at = start;
    let limit = rates.acceleration.max(start.a.abs());
    for piece in plan.pieces() {
        assert!(piece.duration_s >= 0.0 && piece.jerk.abs() <= rates.jerk * (1.0 + 1e-12));
        at = at.after_piece(*piece);
        assert!(at.a.abs() <= limit * (1.0 + 1e-9), "acceleration {} of {limit}", at.a);
    }
    let (low, high) = plan.extent();
    let scale = 1.0 + (high - low) * 1e-2 + start.v.abs();
    assert!(
        (at.p - target.p).abs() < 1e-6 * scale && (at.v - target.v).abs() < 1e-5 * scale,
        "ended at {at:?}, not {target:?}, from {start:?} within {rates:?}"
    );
}

#[test]
fn random_moves_arrive_and_are_never_slower_than_the_oracle() {
    let mut random = random::from_env();
    let everywhere = (f64::MIN, f64::MAX);
    let (mut compared, mut slower, mut worst) = (0u32, 0u32, 0f64);
    for _ in 0..moves() {
        let rates = ProfileLimits {
            speed: random.log_between(10.0, 2_000.0),
            acceleration: random.log_between(100.0, 50_000.0),
            jerk: random.log_between(1_000.0, 5e6),
        };
        // A possible state of the axis: its acceleration can be released within the speed limit.
        let a = random.between(-1.0, 1.0) * rates.acceleration;
        let room = rates.speed - a * a / (2.0 * rates.jerk);
        if room <= 0.0 {
            continue;
        }
        let v = random.between(-room, room);
        let start = Kinematics { p: random.between(0.0, 150.0), v, a };
        let target = Target {
            p: random.between(0.0, 150.0),
            v: if random.unit() < 0.5 { 0.0 } else { random.between(-0.9, 0.9) * rates.speed },
        };
        let plan = MovePlan::new(start, target, rates, everywhere).unwrap();
        check(start, target, rates, &plan);
        if let Some(oracle_s) = oracle_s(start, target, rates) {
            compared += 1;
            let ratio = plan.duration_s() / oracle_s.max(1e-9);
            if ratio > 1.001 && plan.duration_s() > oracle_s + 1e-6 {
                slower += 1;
                if ratio > worst {
                    worst = ratio;
                    println!(
                        "{ratio}: ours {} oracle {oracle_s} {start:?} {target:?} {rates:?}",
                        plan.duration_s()
                    );
                }
            }
        }
    }
    println!("{compared} compared, {slower} slower, worst ratio {worst}");
    assert!(compared > moves() / 2);
    assert_eq!(slower, 0);
}

#[test]
fn moves_from_beyond_the_limits_arrive_too() {
    let mut random = random::from_env();
    for _ in 0..moves() / 4 {
        let rates = ProfileLimits {
            speed: random.log_between(10.0, 2_000.0),
            acceleration: random.log_between(100.0, 50_000.0),
            jerk: random.log_between(1_000.0, 5e6),
        };
        let start = Kinematics {
            p: random.between(0.0, 150.0),
            v: random.between(-3.0, 3.0) * rates.speed,
            a: random.between(-2.0, 2.0) * rates.acceleration,
        };
        let target = Target { p: random.between(0.0, 150.0), v: 0.0 };
        // A move longer than any rail has no range to be planned for.
        if let Ok(plan) = MovePlan::new(start, target, rates, (-1e4, 1e4)) {
            check(start, target, rates, &plan);
        }
    }
}

#[test]
fn a_plan_that_would_leave_the_range_is_refused_with_its_exact_extent() {
    let mut random = random::from_env();
    let (mut kept, mut refused) = (0, 0);
    for _ in 0..moves() / 4 {
        let rates = ProfileLimits { speed: 800.0, acceleration: 8_000.0, jerk: random.log_between(2e4, 2e6) };
        let start = Kinematics {
            p: random.between(0.0, 145.0),
            v: random.between(-500.0, 500.0),
            a: random.between(-8_000.0, 8_000.0),
        };
        let target = Target { p: random.between(0.0, 145.0), v: 0.0 };
        match MovePlan::new(start, target, rates, (0.0, 145.0)) {
            Ok(plan) => {
                kept += 1;
                for i in 0..=200 {
                    let p = plan.at(plan.duration_s() * f64::from(i) / 200.0).p;
                    assert!((-1e-9..=145.0 + 1e-9).contains(&p), "{p} from {start:?} to {target:?}");
                }
            }
            Err(PlanError::LeavesRange { low, high }) => {
                refused += 1;
                let all = MovePlan::new(start, target, rates, (f64::MIN, f64::MAX)).unwrap();
                let sampled = (0..=2_000).map(|i| all.at(all.duration_s() * f64::from(i) / 2_000.0).p);
                let (least, most) =
                    sampled.fold((f64::MAX, f64::MIN), |(least, most), p| (least.min(p), most.max(p)));
                assert!(low <= least + 1e-9 && low >= least - 0.01, "{low} {least}");
                assert!(high >= most - 1e-9 && high <= most + 0.01, "{high} {most}");
            }
            Err(other) => panic!("{other} for {start:?} to {target:?}"),
        }
    }
    assert!(kept > 1_000 && refused > 1_000, "{kept} kept, {refused} refused");
}

#[test]
fn nonsense_is_refused() {
    let rates = ProfileLimits { speed: 1.0, acceleration: 1.0, jerk: 1.0 };
    let everywhere = (f64::MIN, f64::MAX);
    let rest = Kinematics::at_rest(0.0);
    for (start, target, rates) in [
        (Kinematics::at_rest(f64::NAN), Target { p: 0.0, v: 0.0 }, rates),
        (rest, Target { p: f64::INFINITY, v: 0.0 }, rates),
        (rest, Target { p: 1.0, v: 2.0 }, rates),
        (rest, Target { p: 1.0, v: 0.0 }, ProfileLimits { jerk: 0.0, ..rates }),
        (rest, Target { p: 1.0, v: 0.0 }, ProfileLimits { speed: f64::NAN, ..rates }),
    ] {
        assert_eq!(MovePlan::new(start, target, rates, everywhere), Err(PlanError::BadInput));
    }
}
