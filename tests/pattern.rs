//! Patterns, on the pulses: half strokes against their definitions, changes of every word, rests, pauses. Virtual time; each edge
//! passes the pulse checker.

mod support;

#[path = "pattern/turns.rs"]
mod turns;

use support::{Recorder, homed, options, steps};
use turns::{Half, halves};
use yep::drive::{Rehearsal, RehearsalOptions};
use yep::hal::sim::Random;
use yep::machine::{Accepted, Command, Event, FeedItem, FeedReport, FeedSource, FeedStart, State, Why};
use yep::motion::{
    FeedTarget, FeedWindow, MotionLimits, Pace, PatternKind, StrokeDrive, StrokeProgram, StrokeSpeed,
    StrokeStep, StrokeSteps,
};
use yep::units::{MmPerS, MmPerS2, MmPerS3, StepsPerMm};

const WINDOW: FeedWindow = FeedWindow { back_mm: 20.0, front_mm: 120.0 };
const FINE: f64 = 80.0;

fn drive(kind: PatternKind) -> StrokeDrive {
    StrokeDrive {
        program: StrokeProgram::Kind(kind),
        speed: StrokeSpeed::Share(0.4),
        depth: 0.9,
        stroke: 0.8,
        sensation: 0.0,
        is_paused: false,
        seed: 7,
    }
}

/// Steps of 1/80 mm, and the limits of a machine of that class.
fn fine() -> RehearsalOptions {
    let mut fine = options();
    fine.config.geometry.nominal = StepsPerMm::constant(FINE);
    fine.rail.steps_per_mm = FINE;
    fine.config.limits = MotionLimits::new(
        MmPerS::constant(800.0),
        MmPerS2::constant(20_000.0),
        MmPerS3::constant(2_000_000.0),
        MmPerS2::constant(20_000.0),
        MmPerS::constant(60.0),
    )
    .unwrap();
    fine
}

fn begin(machine: &mut Rehearsal<Recorder>, number: u32) {
    let begin = Command::Follow(FeedStart { number, window: WINDOW, source: FeedSource::Program });
    assert_eq!(machine.command(begin), Some(Ok(Accepted::Now)));
}

fn send(machine: &mut Rehearsal<Recorder>, drive: StrokeDrive) {
    assert!(machine.send_to_feed(1, FeedItem::Strokes(drive)));
}

fn position(machine: &Rehearsal<Recorder>) -> f64 {
    machine.snapshot().position_mm.expect("a calibrated axis")
}

fn report(machine: &Rehearsal<Recorder>) -> FeedReport {
    machine.snapshot().feed.expect("a feed")
}

/// A machine that makes the half strokes of this drive, and has met it.
fn stroking(options: &RehearsalOptions, drive: StrokeDrive) -> Rehearsal<Recorder> {
    let mut machine = homed(options);
    begin(&mut machine, 1);
    send(&mut machine, drive);
    assert!(machine.run_while(10_000, |snapshot| !snapshot.feed.is_some_and(|feed| feed.is_met)));
    machine
}

/// The half strokes that the axis makes in this time, from the pulses, without the way to the begin.
fn made(options: &RehearsalOptions, drive: StrokeDrive, time_ms: u64) -> Vec<Half> {
    let mut machine = stroking(options, drive);
    let begun = steps(&machine.sink().0).len();
    machine.run_ms(time_ms);
    let snapshot = machine.snapshot();
    halves(&steps(&machine.sink().0), begun, snapshot.origin_steps.unwrap(), options.rail.steps_per_mm)
}

/// A half stroke by its definition: its end and its length in mm, its time and its highest speed.
#[derive(Debug, Clone, Copy)]
struct Asked {
    to_mm: f64,
    time_s: f64,
    peak_mm_s: f64,
    /// True if the limits allow it in that time.
    is_allowed: bool,
}

/// The definition of a pattern, written down independently: ends as shares of the stroke, portions of the time of a whole stroke and
/// the share of speeding up.
fn defined(kind: PatternKind, sensation: f64) -> (Vec<(f64, f64)>, f64) {
    let x = sensation;
    let fast = 0.5 / (1.0 + 4.0 * x.abs());
    let (inward, outward) = if x >= 0.0 { (fast, 1.0 - fast) } else { (1.0 - fast, fast) };
    let rungs = |x: f64| (if x < 0.0 { 11.0 + 9.0 * x } else { 11.0 + 21.0 * x }).round() as u32;
    let third = 1.0 / 3.0;
    match kind {
        PatternKind::Simple | PatternKind::StopNGo => (vec![(1.0, 0.5), (0.0, 0.5)], third),
        PatternKind::TeasingPounding => (vec![(1.0, inward), (0.0, outward)], third),
        PatternKind::Robo => {
            let ramp = if x < 0.0 { third + (third - 0.05) * x } else { third + (0.5 - third) * x };
            (vec![(1.0, 0.5), (0.0, 0.5)], ramp)
        }
        PatternKind::HalfNHalf => (vec![(0.5, inward), (0.0, outward), (1.0, inward), (0.0, outward)], third),
        PatternKind::Deeper => {
            let n = rungs(x);
            ((1..=n).flat_map(|k| [(f64::from(k) / f64::from(n), 0.5), (0.0, 0.5)]).collect(), third)
        }
        PatternKind::Progressive => {
            let n = rungs(x);
            let rungs = (1..=n).chain((2..n).rev());
            (rungs.flat_map(|k| [(f64::from(k) / f64::from(n), 0.5), (0.0, 0.5)]).collect(), third)
        }
        PatternKind::Insist => {
            let length = 1.0 - x.abs().min(0.95);
            let back = if x > 0.0 { 1.0 - length } else { 0.0 };
            (vec![(back + length, 0.5), (back, 0.5)], third)
        }
        PatternKind::Torque => {
            let retreat = 0.25 * (0.5 + 0.4 * x);
            let way = 2.0 + 6.0 * retreat;
            let mut all = Vec::new();
            for pulse in 1..=4 {
                let front = 0.25 * f64::from(pulse);
                all.push((front, (if pulse == 1 { 0.25 } else { 0.25 + retreat }) / way));
                if pulse < 4 {
                    all.push((front - retreat, retreat / way));
                }
            }
            all.push((0.0, 1.0 / way));
            (all, third)
        }
        PatternKind::Random => unreachable!("has no definition without its draws"),
    }
}

fn asked(drive: &StrokeDrive, most_mm_s: f64) -> Vec<Asked> {
    let StrokeProgram::Kind(kind) = drive.program else { unreachable!() };
    let (ends, ramp) = defined(kind, drive.sensation);
    let back = (drive.depth - drive.stroke).max(0.0);
    let stroke_mm = (drive.depth - back) * 100.0;
    let from = |index: usize| ends[(index + ends.len() - 1) % ends.len()].0;
    let length = |index: usize| (ends[index].0 - from(index)).abs();
    let steepest = (0..ends.len()).map(|i| length(i) / ends[i].1).fold(0.0, f64::max);
    let whole_s = match drive.speed {
        StrokeSpeed::PerMin(per_min) => 60.0 / per_min,
        StrokeSpeed::Share(share) => steepest * stroke_mm / ((1.0 - ramp) * share * most_mm_s),
    };
    (0..ends.len())
        .map(|index| {
            let time_s = ends[index].1 * whole_s;
            let peak_mm_s = length(index) * stroke_mm / ((1.0 - ramp) * time_s);
            // A quarter of the ramp builds the acceleration up, and as much releases it.
            let acceleration = peak_mm_s / (0.75 * ramp * time_s);
            let jerk = acceleration / (0.25 * ramp * time_s);
            Asked {
                to_mm: 20.0 + 100.0 * back + ends[index].0 * stroke_mm,
                time_s,
                peak_mm_s,
                is_allowed: acceleration <= 0.96 * 20e3 && jerk <= 0.96 * 2e6,
            }
        })
        .collect()
}

#[test]
fn half_strokes_are_those_of_the_definitions() {
    let options = fine();
    let kinds = PatternKind::ALL.into_iter().filter(|kind| *kind != PatternKind::Random);
    for kind in kinds {
        for (speed, depth, stroke, sensation) in [
            (StrokeSpeed::Share(0.4), 0.9, 0.8, 0.0),
            (StrokeSpeed::Share(0.15), 1.0, 1.0, 0.7),
            (StrokeSpeed::PerMin(40.0), 0.5, 0.7, -0.6),
            (StrokeSpeed::PerMin(25.0), 1.0, 0.4, 0.35),
        ] {
            let drive = StrokeDrive { speed, depth, stroke, sensation, ..drive(kind) };
            let asked = asked(&drive, 800.0);
            let all_s: f64 = asked.iter().map(|half| half.time_s).sum();
            let rests_s = if kind == PatternKind::StopNGo { 20.0 } else { 0.0 };
            let halves = made(&options, drive, ((all_s.min(12.0) + rests_s) * 1e3) as u64 + 3_000);
            let begins_mm = asked[asked.len() - 1].to_mm;
            let way_back = usize::from((halves[0].to_mm - begins_mm).abs() < 0.1);
            let halves = &halves[way_back..];
            assert!(halves.len() >= 3, "{kind:?}: {halves:?}");
            // What is measured first may be cut by the begin, and last by the end.
            for (index, half) in halves.iter().take(halves.len() - 1).enumerate() {
                let Asked { to_mm, time_s, peak_mm_s, is_allowed } = asked[index % asked.len()];
                let text = format!(
                    "{kind:?} {speed:?} {sensation} half {index}: {half:?} not {to_mm} mm, {time_s} s, {peak_mm_s} mm/s"
                );
                assert!((half.to_mm - to_mm).abs() <= 1.5 / FINE, "{text}");
                // The first one begins on the way to it.
                if index > 0 {
                    let near = |here: f64, there: f64, by: f64| {
                        if is_allowed { (here - there).abs() <= by } else { here - there <= by }
                    };
                    assert!(near(half.peak_mm_s, peak_mm_s, 0.02 * peak_mm_s + 1.0), "{text}");
                    // No pulse tells where in the time without one the axis turns. A rest of the program belongs to no half stroke.
                    let unseen_s = f64::midpoint(half.rest_s, halves[index - 1].rest_s);
                    let rests = kind == PatternKind::StopNGo && unseen_s > 0.1;
                    assert!(rests || near(time_s, half.time_s, unseen_s + 0.002), "{text}");
                }
            }
        }
    }
}

#[test]
fn what_the_limits_do_not_allow_keeps_its_length_and_takes_longer() {
    // 100 mm at 300 strokes a minute are 1 500 mm/s.
    let drive = StrokeDrive {
        speed: StrokeSpeed::PerMin(300.0),
        depth: 1.0,
        stroke: 1.0,
        ..drive(PatternKind::Simple)
    };
    let options = options();
    let halves = made(&options, drive, 5_000);
    assert!(halves.len() > 10, "{halves:?}");
    for (index, half) in halves.iter().enumerate().skip(1) {
        let to_mm = if halves[0].to_mm > 70.0 { [120.0, 20.0] } else { [20.0, 120.0] }[index % 2];
        assert!((half.to_mm - to_mm).abs() <= 0.15 && half.peak_mm_s <= 500.0, "{half:?}");
        assert!((0.25..0.4).contains(&half.time_s), "{half:?}");
    }
}

#[test]
fn steps_of_a_user_go_where_and_as_fast_as_they_say() {
    let step = |to, speed, rest_s| StrokeStep { to, speed, rest_s };
    let steps = [step(1.0, 0.5, 0.0), step(0.25, 1.0, 0.4), step(0.75, 0.25, 0.0), step(0.0, 1.0, 1.0)];
    let program = StrokeProgram::Steps(StrokeSteps::new(&steps).unwrap());
    let drive = StrokeDrive { program, depth: 1.0, stroke: 1.0, ..drive(PatternKind::Simple) };
    let halves = made(&fine(), drive, 12_000);
    let way_back = usize::from((halves[0].to_mm - 20.0).abs() < 0.1);
    assert!(halves.len() > 8);
    for (index, half) in halves[way_back..].iter().enumerate() {
        let StrokeStep { to, speed, rest_s } = steps[index % 4];
        let (to_mm, peak_mm_s) = (20.0 + 100.0 * f64::from(to), 320.0 * f64::from(speed));
        assert!((half.to_mm - to_mm).abs() <= 0.03, "{index} {half:?}");
        assert!(index == 0 || (half.peak_mm_s - peak_mm_s).abs() <= 0.02 * peak_mm_s, "{index} {half:?}");
        assert!((half.rest_s - f64::from(rest_s)).abs() < 0.05, "{index} {half:?}");
    }
}

#[test]
fn random_strokes_stay_in_depth_and_stroke_and_are_no_faster_than_said() {
    for sensation in [-1.0, 0.0, 1.0] {
        let drive = StrokeDrive { sensation, ..drive(PatternKind::Random) };
        let halves = made(&fine(), drive, 20_000);
        let ends: Vec<f64> = halves.iter().skip(1).map(|half| half.to_mm).collect();
        let bounds = ends.iter().fold((f64::MAX, f64::MIN), |b, end| (b.0.min(*end), b.1.max(*end)));
        assert!(bounds.0 >= 29.98 && bounds.1 <= 110.02, "{sensation}: {bounds:?}");
        assert!(halves.iter().all(|half| half.peak_mm_s <= 322.0), "{sensation}");
        // Spread of the farther ends.
        let far: Vec<f64> = ends.iter().copied().filter(|end| *end > 70.0).collect();
        let spread = bounds.1 - far.iter().copied().fold(f64::MAX, f64::min);
        let most = 36.0 * [0.1, 0.55, 1.0][(sensation + 1.0) as usize];
        assert!(
            far.len() > 10 && spread <= most + 0.1 && spread >= 0.6 * most,
            "{sensation}: {spread} of {most}"
        );
    }
}

/// Two machines that have done the same; one of them gets a change.
#[test]
fn each_word_changes_the_pulses_within_20_ms() {
    let options = fine();
    let usual = StrokeDrive { depth: 0.8, stroke: 0.6, ..drive(PatternKind::TeasingPounding) };
    let changes: [(&str, StrokeDrive); 9] = [
        ("faster", StrokeDrive { speed: StrokeSpeed::Share(0.8), ..usual }),
        ("slower", StrokeDrive { speed: StrokeSpeed::Share(0.1), ..usual }),
        ("strokes a minute", StrokeDrive { speed: StrokeSpeed::PerMin(30.0), ..usual }),
        ("deeper", StrokeDrive { depth: 1.0, ..usual }),
        ("less deep", StrokeDrive { depth: 0.3, ..usual }),
        ("shorter", StrokeDrive { stroke: 0.2, ..usual }),
        ("sensation", StrokeDrive { sensation: 0.8, ..usual }),
        ("pause", StrokeDrive { is_paused: true, ..usual }),
        (
            "program",
            StrokeDrive { program: StrokeProgram::Kind(PatternKind::Insist), sensation: 0.7, ..usual },
        ),
    ];
    for (word, change) in changes {
        let mut waits_ms = Vec::new();
        for index in 0..12u64 {
            let [mut with, mut without] = [stroking(&options, usual), stroking(&options, usual)];
            for machine in [&mut with, &mut without] {
                machine.run_ms(1_000 + 71 * index);
            }
            let sent = with.now();
            send(&mut with, change);
            for machine in [&mut with, &mut without] {
                machine.run_ms(600);
            }
            let (with, without) = (steps(&with.sink().0), steps(&without.sink().0));
            // A step at another instant, or another step.
            let same = with
                .iter()
                .zip(&without)
                .take_while(|(a, b)| a.1 == b.1 && a.0.abs_diff(b.0) < 1_000)
                .count();
            let at =
                [with.get(same), without.get(same)].into_iter().flatten().map(|step| step.0).min().unwrap();
            waits_ms.push((at - sent) as f64 * 1e-6);
        }
        waits_ms.sort_by(f64::total_cmp);
        eprintln!(
            "{word}: from the change to the first pulse that differs: median {:.1} ms, at most {:.1} ms",
            waits_ms[6], waits_ms[11]
        );
        // Another end of a half stroke is nothing else before the axis has to brake for it.
        let soon = waits_ms.iter().filter(|wait_ms| **wait_ms <= 20.0).count();
        let all = matches!(word, "faster" | "slower" | "strokes a minute" | "pause");
        assert!(soon >= if all { 12 } else { 4 }, "{word}: {waits_ms:?}");
    }
}

#[test]
fn a_change_of_depth_at_full_speed_is_not_slowed_to_the_approach() {
    let mut machine =
        stroking(&fine(), StrokeDrive { depth: 0.3, stroke: 0.2, ..drive(PatternKind::Simple) });
    machine.run_ms(2_000);
    send(&mut machine, StrokeDrive { depth: 1.0, stroke: 0.2, ..drive(PatternKind::Simple) });
    let mut fastest = 0.0f64;
    machine.run_while(500, |snapshot| {
        fastest = fastest.max(snapshot.velocity_mm_s);
        true
    });
    assert!((300.0..=325.0).contains(&fastest), "{fastest} mm/s");
    assert!(position(&machine) > 95.0, "{} mm", position(&machine));
    // A number of strokes says nothing of such a way.
    send(
        &mut machine,
        StrokeDrive {
            depth: 0.2,
            stroke: 0.05,
            speed: StrokeSpeed::PerMin(60.0),
            ..drive(PatternKind::Simple)
        },
    );
    machine.run_ms(300);
    machine.run_while(5_000, |snapshot| {
        assert!(snapshot.velocity_mm_s.abs() <= 61.0, "{} mm/s", snapshot.velocity_mm_s);
        true
    });
    assert!((34.9..40.1).contains(&position(&machine)), "{} mm", position(&machine));
}

#[test]
fn speed_0_and_a_pause_are_rest_without_a_pulse_and_keep_the_phase() {
    for (index, kind) in
        [PatternKind::Deeper, PatternKind::Torque, PatternKind::HalfNHalf].into_iter().enumerate()
    {
        for pause_at_ms in (0..10).map(|i| 700 + 173 * i + 57 * index as u64) {
            let usual = drive(kind);
            let rest = [
                StrokeDrive { is_paused: true, ..usual },
                StrokeDrive { speed: StrokeSpeed::Share(0.0), ..usual },
            ];
            let mut machine = stroking(&fine(), usual);
            machine.run_ms(pause_at_ms);
            send(&mut machine, rest[index % 2]);
            machine.run_ms(400);
            let (pulses, at_mm) = (steps(&machine.sink().0).len(), position(&machine));
            machine.run_ms(3_000);
            assert_eq!(steps(&machine.sink().0).len(), pulses, "{kind:?} {pause_at_ms}");
            assert_eq!(machine.snapshot().state, State::Following);
            let seen = report(&machine).strokes.unwrap();
            assert!(seen.rests && seen.per_min == 0.0 && seen.peak_mm_s == 0.0, "{seen:?}");
            send(&mut machine, usual);
            machine.run_ms(8_000);
            // The turns are those of a machine without the pause, but for the one at which it rests.
            let places = |machine: &mut Rehearsal<Recorder>| -> Vec<f64> {
                let origin = machine.snapshot().origin_steps.unwrap();
                let all = halves(&steps(&machine.sink().0), 0, origin, FINE);
                all.iter().skip(all.len().saturating_sub(200)).map(|half| half.to_mm).collect()
            };
            let mut without = stroking(&fine(), usual);
            without.run_ms(8_000);
            let (with, without) = (places(&mut machine), places(&mut without));
            let length = without.len().min(with.len()) - 2;
            let same = with.iter().zip(&without).take(length).all(|(a, b)| (a - b).abs() < 0.05);
            assert!(same, "{kind:?}, paused at {at_mm} mm behind {pause_at_ms} ms:\n{with:?}\n{without:?}");
        }
    }
}

/// A drive by chance.
/// The idle timeout counts from the last word of a client, and ends a pattern as END does.
#[test]
fn a_pattern_that_nobody_asks_for_comes_to_rest_by_itself() {
    let mut options = fine();
    options.session.longest_ns = Some(5_000_000_000);
    let usual = drive(PatternKind::Simple);
    let mut machine = stroking(&options, usual);
    let ends_s = |machine: &Rehearsal<Recorder>| {
        let now = machine.snapshot();
        (now.ends_ns.expect("an end") - now.at_ns) as f64 * 1e-9
    };
    machine.run_ms(3_000);
    assert!(ends_s(&machine) < 2.1, "{}", ends_s(&machine));
    send(&mut machine, StrokeDrive { depth: 0.7, ..usual });
    machine.run_ms(10);
    assert!((4.9..5.0).contains(&ends_s(&machine)), "a change asks for it again: {}", ends_s(&machine));
    machine.run_ms(4_900);
    assert_eq!(machine.snapshot().state, State::Following);
    machine.run_ms(600);
    assert_eq!((machine.snapshot().state, machine.snapshot().fault), (State::Ready, None));
    assert!(
        machine
            .take_events()
            .iter()
            .any(|event| matches!(event, Event::Entered { to: State::Ending, why: Why::SessionOver, .. }))
    );
}

/// Paused on its way into another window, or before that is moved: it rests outside of it, and goes in slowly when it goes on.
#[test]
fn a_pause_is_rest_outside_of_the_window_too() {
    let (usual, place) = (drive(PatternKind::Simple), FeedWindow { back_mm: 100.0, front_mm: 130.0 });
    let paused = StrokeDrive { is_paused: true, ..usual };
    let events = [FeedItem::Window(place), FeedItem::Strokes(paused)];
    for [first, second] in [events, [events[1], events[0]]] {
        let mut machine = stroking(&fine(), usual);
        assert!(machine.run_while(5_000, |snapshot| snapshot.position_mm.is_some_and(|at_mm| at_mm > 35.0)));
        assert!(machine.send_to_feed(1, first));
        machine.run_ms(300);
        assert!(machine.send_to_feed(1, second));
        machine.run_ms(300);
        let (pulses, at_mm) = (steps(&machine.sink().0).len(), position(&machine));
        machine.run_ms(3_000);
        assert_eq!(steps(&machine.sink().0).len(), pulses, "it rests at {at_mm} mm");
        assert!(at_mm < 80.0, "{at_mm}");
        send(&mut machine, usual);
        let mut fastest_mm_s: f64 = 0.0;
        while position(&machine) < 95.0 {
            machine.run_ms(1);
            fastest_mm_s = fastest_mm_s.max(machine.snapshot().velocity_mm_s.abs());
            assert!(machine.now() < 60_000_000_000, "it goes on into the window");
        }
        assert!(fastest_mm_s <= 60.5, "{fastest_mm_s} mm/s");
    }
}

fn any_drive(random: &mut Random) -> StrokeDrive {
    let mut unit = || random.unit();
    let step = |a: f64, b: f64, c: f64| StrokeStep {
        to: a as f32,
        speed: (0.01 + 0.99 * b) as f32,
        rest_s: c as f32,
    };
    let steps: Vec<StrokeStep> = (0..1 + (unit() * 15.0) as usize)
        .map(|_| step(unit(), unit(), if unit() < 0.8 { 0.0 } else { unit() }))
        .collect();
    let program = if unit() < 0.2 {
        StrokeProgram::Steps(StrokeSteps::new(&steps).unwrap())
    } else {
        StrokeProgram::Kind(PatternKind::ALL[(unit() * 10.0) as usize])
    };
    let speed = match (unit() * 8.0) as u32 {
        0 => StrokeSpeed::Share(0.0),
        1 | 2 => StrokeSpeed::PerMin(400.0 * unit()),
        _ => StrokeSpeed::Share(unit()),
    };
    StrokeDrive {
        program,
        speed,
        depth: unit() * 1.1,
        stroke: unit() * 1.1,
        sensation: 2.2 * unit() - 1.1,
        is_paused: unit() < 0.1,
        seed: (unit() * 1e6) as u64,
    }
}

/// The pulse checker watches speed, acceleration, jerk and the stop; here the place is watched.
#[test]
fn whatever_changes_by_chance_the_axis_stays_in_window_and_limits_and_goes_on() {
    let seed = std::env::var("YEP_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(23);
    eprintln!("seed {seed}");
    for (round, options) in [options(), fine(), options(), fine()].iter().enumerate() {
        let mut random = Random::new(seed + round as u64);
        let mut machine = stroking(options, drive(PatternKind::Simple));
        let mut now = drive(PatternKind::Simple);
        let mut since_window_ms = u64::MAX;
        for change in 0..1_000 {
            let other = any_drive(&mut random);
            now = match (random.unit() * 8.0) as u32 {
                0 => StrokeDrive { speed: other.speed, ..now },
                1 => StrokeDrive { depth: other.depth, ..now },
                2 => StrokeDrive { stroke: other.stroke, ..now },
                3 => StrokeDrive { sensation: other.sensation, ..now },
                4 => StrokeDrive { is_paused: !now.is_paused, ..now },
                5 => StrokeDrive { program: other.program, ..now },
                _ => other,
            };
            send(&mut machine, now);
            if random.unit() < 0.02 {
                let back_mm = 20.0 + 40.0 * random.unit();
                let window = FeedWindow { back_mm, front_mm: back_mm + 60.0 * random.unit() };
                assert!(machine.send_to_feed(1, FeedItem::Window(window)));
                since_window_ms = 0;
            }
            // Half of them come fast, as from a slider.
            let wait_ms = if random.unit() < 0.5 {
                1 + (random.unit() * 20.0) as u64
            } else {
                (random.unit() * 600.0) as u64
            };
            for _ in 0..wait_ms {
                machine.cycle();
                let mm = position(&machine);
                assert!((19.9..=120.1).contains(&mm), "seed {seed}, change {change}: {mm} mm");
            }
            since_window_ms = since_window_ms.saturating_add(wait_ms);
        }
        // It is not stuck.
        machine.send_to_feed(1, FeedItem::Window(WINDOW));
        send(&mut machine, drive(PatternKind::Simple));
        machine.run_ms(6_000);
        let before = report(&machine).strokes.unwrap().strokes;
        machine.run_ms(5_000);
        let strokes = report(&machine).strokes.unwrap().strokes - before;
        assert!((3..=12).contains(&strokes), "seed {seed}: {strokes} strokes");
    }
}

/// A gentle brake may be longer than the one by which the half stroke would have ended.
#[test]
fn a_change_leads_no_further_out_than_the_strokes_before_and_behind_it() {
    let seed = std::env::var("YEP_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(41);
    eprintln!("seed {seed}");
    let mut random = Random::new(seed);
    let ends =
        |drive: &StrokeDrive| (20.0 + 100.0 * (drive.depth - drive.stroke), 20.0 + 100.0 * drive.depth);
    let mut now = StrokeDrive { speed: StrokeSpeed::Share(1.0), stroke: 0.4, ..drive(PatternKind::Simple) };
    let mut machine = stroking(&fine(), now);
    machine.run_ms(1_000);
    let (mut low, mut high) = ends(&now);
    for change in 0..400 {
        let depth = if random.unit() < 0.5 { now.depth } else { 0.4 + 0.6 * random.unit() };
        now = StrokeDrive { speed: StrokeSpeed::Share(0.05 + 0.95 * random.unit()), depth, ..now };
        send(&mut machine, now);
        let (back, front) = ends(&now);
        (low, high) = (low.min(back), high.max(front));
        for cycle in 0..(random.unit() * 400.0) as u32 {
            machine.cycle();
            let mm = position(&machine);
            let places = low - 0.5..=high + 0.5;
            assert!(places.contains(&mm), "seed {seed}, change {change}: {mm} mm is outside of {places:?}");
            if cycle > 100 {
                // Behind its brake it goes no further out.
                (low, high) = (back.min(low.max(mm)), front.max(high.min(mm)));
            }
        }
    }
}

#[test]
fn a_thousand_changes_between_patterns_waves_and_targets_lose_no_step() {
    let mut options = options();
    options.config.limits.approach_speed = MmPerS::constant(200.0);
    let mut machine = homed(&options);
    let mut random = Random::new(5);
    for number in 1..=1_000u32 {
        match (random.unit() * 3.0) as u32 {
            0 => assert!(machine.command(support::sine(0.8)).unwrap().is_ok()),
            1 => {
                begin(&mut machine, number);
                for _ in 0..4 {
                    let pace = Pace::Within { time_s: 0.1 * random.unit() };
                    machine.send_to_feed(number, FeedItem::Target(FeedTarget { share: random.unit(), pace }));
                    machine.run_ms(40);
                }
                // And from targets to a pattern and back, in one feed.
                machine.send_to_feed(number, FeedItem::Strokes(any_drive(&mut random)));
                machine.run_ms((200.0 * random.unit()) as u64);
                let pace = Pace::Within { time_s: 0.1 };
                machine.send_to_feed(number, FeedItem::Target(FeedTarget { share: random.unit(), pace }));
            }
            _ => {
                begin(&mut machine, number);
                machine.send_to_feed(number, FeedItem::Strokes(any_drive(&mut random)));
            }
        }
        machine.run_ms((300.0 * random.unit()) as u64);
        assert_eq!(machine.command(Command::Rest), Some(Ok(Accepted::Now)));
        assert!(
            machine.run_while(1_000, |snapshot| snapshot.state != State::Ready),
            "{:?}",
            machine.snapshot()
        );
    }
    // The steps, counted with their directions, are where the machine believes to be.
    let all = steps(&machine.sink().0);
    let counted: i64 = all.iter().map(|step| if step.1 { 1 } else { -1 }).sum();
    let believed = position(&machine) * 10.0 + machine.snapshot().origin_steps.unwrap() as f64;
    assert!((counted as f64 - believed).abs() < 0.5, "{counted} and {believed}");
    let before = machine.snapshot().origin_steps;
    assert_eq!(machine.command(Command::Calibrate), Some(Ok(Accepted::Now)));
    assert!(machine.run_while(60_000, |snapshot| snapshot.state == State::Homing));
    let (old, new) = (before.unwrap(), machine.snapshot().origin_steps.unwrap());
    assert!((old - new).abs() <= 1, "{old} and {new}");
}
