use super::half::HalfNumber;
use super::*;

fn drive(kind: PatternKind, sensation: f64) -> StrokeDrive {
    StrokeDrive {
        program: StrokeProgram::Kind(kind),
        speed: StrokeSpeed::Share(0.5),
        depth: 1.0,
        stroke: 1.0,
        sensation,
        is_paused: false,
        seed: 1,
    }
}

#[test]
fn half_strokes_lead_on_and_their_times_add_up() {
    for kind in PatternKind::ALL {
        for sensation in [-1.0, -0.6, 0.0, 0.3, 1.0] {
            let drive = drive(kind, sensation);
            let steepest = drive.steepest();
            let (mut at, mut time) = (None, 0.0);
            for round in 0..20 {
                for index in 0..drive.halves() {
                    let half = drive.half(HalfNumber { index, round });
                    assert!(at.is_none_or(|at| at == half.from), "{kind:?} {sensation} {index}: {half:?}");
                    assert!((0.0..=1.0).contains(&half.to) && half.portion > 0.0, "{kind:?}: {half:?}");
                    let steep = (half.to - half.from).abs() / half.portion;
                    assert!(steep <= steepest * (1.0 + 1e-9), "{kind:?} {sensation}: {steep} {steepest}");
                    at = Some(half.to);
                    time += half.portion;
                    if half.ends_stroke {
                        assert!((time - 1.0).abs() < 1e-9, "{kind:?} {sensation}: {time}");
                        time = 0.0;
                    }
                }
            }
        }
    }
}

#[test]
fn another_sensation_keeps_the_share_of_the_ladder() {
    let mut cursor = StrokeCursor::leading_on(drive(PatternKind::Deeper, 1.0), 0.0, 1.0);
    for _ in 0..32 {
        cursor.complete();
    }
    // Stroke 17 of 32; then 6 of 11.
    assert_eq!(cursor.half().to, 17.0 / 32.0);
    cursor.change(drive(PatternKind::Deeper, 0.0), 0.3, 1.0);
    assert!((cursor.half().to - 7.0 / 11.0).abs() < 1e-9, "{:?}", cursor.half());
}

#[test]
fn nothing_that_is_no_number_gets_through() {
    let odd = StrokeDrive {
        speed: StrokeSpeed::PerMin(f64::NAN),
        depth: f64::NAN,
        stroke: 7.0,
        sensation: f64::NEG_INFINITY,
        ..drive(PatternKind::Insist, 0.0)
    }
    .clamped();
    assert!(!odd.moves());
    assert_eq!((odd.depth, odd.stroke, odd.sensation), (0.0, 1.0, -1.0));
    let step = StrokeStep { to: f32::NAN, speed: 1.0, rest_s: 0.0 };
    assert!(StrokeSteps::new(&[step]).is_err() && StrokeSteps::new(&[]).is_err());
    assert!(StrokeSteps::new(&[StrokeStep { to: 0.5, ..step }]).is_ok());
}

#[test]
fn random_strokes_are_never_alike_and_follow_their_seed() {
    let at = |seed, round| {
        let half =
            StrokeDrive { seed, ..drive(PatternKind::Random, 1.0) }.half(HalfNumber { index: 0, round });
        (half.from.to_bits(), half.to.to_bits())
    };
    let mut seen: Vec<_> = (0..10_000).map(|round| at(3, round)).collect();
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), 10_000);
    assert_eq!(at(3, 77), at(3, 77));
    assert_ne!(at(3, 77), at(4, 77));
}
