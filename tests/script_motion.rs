//! Scripts, on the pulses: points that are known ahead, at their instants. Virtual time; each edge passes the pulse checker.

mod support;

#[path = "script_motion/player.rs"]
mod player;

#[path = "script_motion/track.rs"]
mod track;

use player::{Action, Player, ROUND_MS};
use support::{Recorder, homed, options, steps};
use track::Track;
use yep::drive::{Rehearsal, RehearsalOptions};
use yep::hal::sim::Random;
use yep::machine::{Accepted, Command, FeedItem, FeedReport, FeedSource, FeedStart, State};
use yep::motion::feed::within_reach::{SCRIPT_SHARE, is_turn, way_within, within_reach};
use yep::motion::{
    FeedTarget, FeedWindow, MotionLimits, Pace, PatternKind, ProfileLimits, ScriptPoint, StrokeDrive,
    StrokeProgram, StrokeSpeed,
};
use yep::units::{MmPerS, MmPerS2, MmPerS3, StepsPerMm};

const WINDOW: FeedWindow = FeedWindow { back_mm: 20.0, front_mm: 120.0 };
const FINE: f64 = 80.0;

/// The usual limits, with steps of 1/80 mm.
fn fine() -> RehearsalOptions {
    let mut fine = options();
    fine.config.geometry.nominal = StepsPerMm::constant(FINE);
    fine.rail.steps_per_mm = FINE;
    fine
}

fn limits() -> ProfileLimits {
    let limits = options().config.limits;
    limits.profile(limits.max_speed.get())
}

fn following(options: &RehearsalOptions) -> Rehearsal<Recorder> {
    let mut machine = homed(options);
    begin(&mut machine, 1);
    machine
}

fn begin(machine: &mut Rehearsal<Recorder>, number: u32) {
    let begin = Command::Follow(FeedStart { number, window: WINDOW, source: FeedSource::Playback });
    assert_eq!(machine.command(begin), Some(Ok(Accepted::Now)));
}

fn now_s(machine: &Rehearsal<Recorder>) -> f64 {
    machine.now() as f64 * 1e-9
}

fn position(machine: &Rehearsal<Recorder>) -> f64 {
    machine.snapshot().position_mm.expect("a calibrated axis")
}

fn report(machine: &Rehearsal<Recorder>) -> FeedReport {
    machine.snapshot().feed.expect("a feed")
}

fn seed() -> u64 {
    let seed = std::env::var("YEP_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(23);
    eprintln!("seed {seed}");
    seed
}

/// A script with turns each 100 to 500 ms, points on the way in this share `between`, and some rests, whose ways are as long as this
/// share of the longest ones that the limits allow, or shorter.
fn random_script(random: &mut Random, share: f64, between: f64, time_s: f64) -> Vec<Action> {
    let (mut at_s, mut mm, mut up) = (0.0, 50.0, true);
    let mut actions = vec![(0.0, 0.5)];
    while at_s < time_s {
        let lasts_s = 0.1 + 0.4 * random.unit();
        let most_mm = share * way_within(lasts_s, limits().scaled(SCRIPT_SHARE));
        let room_mm = if up { 100.0 - mm } else { mm };
        let way_mm = most_mm.min(room_mm) * random.unit();
        let end_mm = if up { mm + way_mm } else { mm - way_mm };
        if random.unit() < between && way_mm > 1.0 && lasts_s > 0.2 {
            let middle = 0.4 + 0.2 * random.unit();
            actions.push((at_s + lasts_s / 2.0, (mm + middle * (end_mm - mm)) / 100.0));
        }
        at_s += lasts_s;
        actions.push((at_s, end_mm / 100.0));
        if random.unit() < 0.1 {
            at_s += 0.2;
            actions.push((at_s, end_mm / 100.0));
        }
        (mm, up) = (
            end_mm,
            if end_mm > 95.0 {
                false
            } else if end_mm < 5.0 {
                true
            } else {
                !up
            },
        );
    }
    actions
}

/// Plays a whole script; errors at its points in mm, and the track.
fn played(player: &mut Player, machine: &mut Rehearsal<Recorder>) -> (Vec<f64>, Track) {
    let lasts_s = player.actions.last().unwrap().0;
    player.play(machine, (lasts_s * 1e3) as u64 + 3_000);
    let track = Track::of(machine, FINE);
    let errors = (0..player.actions.len())
        .map(|index| track.at(player.due_s(index)) - WINDOW.place(player.actions[index].1))
        .collect();
    (errors, track)
}

fn rms(values: &[f64]) -> f64 {
    (values.iter().map(|x| x * x).sum::<f64>() / values.len() as f64).sqrt()
}

#[test]
fn a_script_that_fits_is_at_its_points_in_time() {
    let seed = seed();
    for round in 0..6 {
        let mut random = Random::new(seed + round);
        // Where a point lies on the way, a motion that the limits just allow may not be there at its time.
        let (share, between) = if round % 2 == 0 { (0.95, 0.0) } else { (0.35, 0.3) };
        let actions = random_script(&mut random, share, between, 20.0);
        let mut machine = following(&fine());
        let mut player = Player::new(actions, now_s(&machine) + 2.0);
        let (errors, _) = played(&mut player, &mut machine);
        let most = errors.iter().fold(0.0f64, |most, error| most.max(error.abs()));
        let shortened = report(&machine).counts.shortened;
        eprintln!(
            "round {round}: rms {:.3}, most {most:.3} mm, {shortened} shortened of {}",
            rms(&errors),
            errors.len()
        );
        assert!(rms(&errors) <= 0.05, "seed {seed}, round {round}: {errors:?}");
    }
}

#[test]
fn a_curve_of_many_points_is_followed() {
    for (interval_s, most_mm) in [(0.01, 0.05), (0.02, 0.1), (0.05, 0.4)] {
        let sine = |at_s: f64| 0.5 - 0.4 * (std::f64::consts::TAU * 0.9 * at_s).cos();
        let actions =
            (0..(10.0 / interval_s) as u32).map(|i| f64::from(i) * interval_s).map(|at_s| (at_s, sine(at_s)));
        let mut machine = following(&fine());
        let mut player = Player::new(actions.collect(), now_s(&machine) + 2.0);
        let (errors, track) = played(&mut player, &mut machine);
        let between: Vec<f64> = (50..900)
            .map(|index| f64::from(index) * 0.01 + 0.003)
            .map(|at_s| track.at(player.begin_s + at_s) - WINDOW.place(sine(at_s)))
            .collect();
        // It begins with an acceleration, which is no rest. And the path turns at a point, where the curve turns next to it.
        let errors = &errors[(0.3 / interval_s) as usize..];
        eprintln!(
            "each {interval_s} s: rms {:.3} at the points, {:.3} mm between",
            rms(errors),
            rms(&between)
        );
        assert!(rms(errors) <= most_mm && rms(&between) <= most_mm, "each {interval_s} s");
    }
}

#[test]
fn a_script_that_does_not_fit_keeps_time_and_goes_as_far_as_the_analysis_says() {
    let seed = seed();
    for round in 0..4 {
        let mut random = Random::new(seed + round);
        let actions = random_script(&mut random, 3.0, 0.2, 20.0);
        let points: Vec<(f64, f64)> =
            actions.iter().map(|(at_s, share)| (*at_s, WINDOW.place(*share))).collect();
        let reached = within_reach(&points, limits());
        let mut machine = following(&fine());
        let mut player = Player::new(actions, now_s(&machine) + 2.0);
        let (_, track) = played(&mut player, &mut machine);
        let (mut late_s, mut beside, mut missed) = (Vec::new(), Vec::new(), 0);
        for i in 1..points.len() - 1 {
            let turns = is_turn(reached[i - 1], reached[i], reached[i + 1]);
            let is_far = (reached[i] - reached[i - 1]).abs().min((reached[i + 1] - reached[i]).abs()) > 1.0;
            if turns && is_far {
                match track.turn_near(player.due_s(i), 0.05) {
                    Some(turn_s) => late_s.push((turn_s - player.due_s(i)).abs()),
                    None => missed += 1,
                }
                beside.push((track.at(player.due_s(i)) - reached[i]).abs());
            }
        }
        late_s.sort_by(f64::total_cmp);
        beside.sort_by(f64::total_cmp);
        let p95 = |sorted: &[f64]| sorted[sorted.len() * 95 / 100];
        let shortened = report(&machine).counts.shortened as usize;
        let asked = points.iter().zip(&reached).filter(|(point, mm)| (point.1 - **mm).abs() > 0.1).count();
        eprintln!(
            "round {round}: turns beside their time p95 {:.1} ms, beside the analysis p95 {:.2} mm; {missed} of {} missed; {shortened} shortened, by the analysis {asked} of {}",
            p95(&late_s) * 1e3,
            p95(&beside),
            late_s.len(),
            points.len(),
        );
        assert!(p95(&late_s) <= 0.02 && missed <= late_s.len() / 20, "seed {seed}, round {round}");
        assert!(
            p95(&beside) <= 3.0 && shortened.abs_diff(asked) <= points.len() / 5,
            "seed {seed}, round {round}"
        );
    }
}

/// Two machines: one of them gets the same points again each 20 ms.
#[test]
fn the_same_points_again_change_nothing() {
    let seed = seed();
    for share in [0.9, 3.0] {
        let actions = random_script(&mut Random::new(seed), share, 0.2, 10.0);
        let mut tracks = Vec::new();
        for again in [false, true] {
            let mut machine = following(&fine());
            let mut player = Player::new(actions.clone(), now_s(&machine) + 2.0);
            for _ in 0..(14_000 / ROUND_MS) {
                if again {
                    player.send_anew();
                }
                player.play(&mut machine, ROUND_MS);
            }
            tracks.push((Track::of(&mut machine, FINE), player.begin_s));
        }
        let [(without, begin_s), (with, _)] = &tracks[..] else { unreachable!() };
        let beside = (0..10_000)
            .map(|ms| begin_s + f64::from(ms) * 1e-3)
            .map(|at_s| (without.at(at_s) - with.at(at_s)).abs());
        let most = beside.fold(0.0, f64::max);
        eprintln!("{share}: {most:.3} mm");
        assert!(most <= 0.05, "share {share}: {most} mm");
    }
}

#[test]
fn corrections_of_the_clock_each_20_ms_stay_smooth() {
    let seed = seed();
    let mut random = Random::new(seed);
    let actions = random_script(&mut random, 0.6, 0.2, 15.0);
    let mut machine = following(&fine());
    let mut player = Player::new(actions, now_s(&machine) + 2.0);
    player.play(&mut machine, 2_000);
    let begin_s = player.begin_s;
    let mut speeds = Vec::new();
    while now_s(&machine) < begin_s + 15.0 {
        player.begin_s = begin_s + 0.003 * (2.0 * random.unit() - 1.0);
        player.send_anew();
        player.send(&mut machine);
        for _ in 0..ROUND_MS {
            machine.cycle();
            speeds.push(machine.snapshot().velocity_mm_s);
        }
    }
    player.begin_s = begin_s;
    let track = Track::of(&mut machine, FINE);
    let errors: Vec<f64> = (2..player.actions.len())
        .filter(|i| player.due_s(*i) < now_s(&machine))
        .map(|i| track.at(player.due_s(i)) - WINDOW.place(player.actions[i].1))
        .collect();
    // Over 10 ms.
    let accelerations: Vec<f64> = speeds.windows(11).map(|some| (some[10] - some[0]) / 0.01).collect();
    eprintln!("rms {:.3} mm at the points, {:.0} mm/s²", rms(&errors), rms(&accelerations));
    assert!(rms(&errors) <= 0.5, "{errors:?}");
    let mut undisturbed = following(&fine());
    let mut player = Player::new(player.actions.clone(), now_s(&undisturbed) + 2.0);
    player.play(&mut undisturbed, 2_000);
    let mut speeds = Vec::new();
    while now_s(&undisturbed) < player.begin_s + 15.0 {
        player.send(&mut undisturbed);
        for _ in 0..ROUND_MS {
            undisturbed.cycle();
            speeds.push(undisturbed.snapshot().velocity_mm_s);
        }
    }
    let usual: Vec<f64> = speeds.windows(11).map(|some| (some[10] - some[0]) / 0.01).collect();
    eprintln!("undisturbed {:.0} mm/s²", rms(&usual));
    assert!(rms(&accelerations) <= 1.5 * rms(&usual), "{} and {}", rms(&accelerations), rms(&usual));
}

#[test]
fn the_first_motion_is_slow_and_meets_the_script_while_its_clock_runs() {
    for (begin_ms, again) in
        [(-5_000.0, false), (-5_000.0, true), (0.0, false), (700.0, true), (4_000.0, false)]
    {
        let mut machine = following(&fine());
        let strokes = (0..80).map(|i| (f64::from(i) * 0.35, if i % 2 == 0 { 0.2 } else { 0.8 }));
        let mut player = Player::new(strokes.collect(), now_s(&machine) + begin_ms * 1e-3);
        let (start_s, mut met_s) = (now_s(&machine), None);
        for _ in 0..(8_000 / ROUND_MS) {
            // Also while all points come anew each 20 ms.
            if again {
                player.send_anew();
            }
            player.send(&mut machine);
            for _ in 0..ROUND_MS {
                machine.cycle();
                let is_met = report(&machine).is_met;
                if !is_met && met_s.is_none() {
                    let mm_s = machine.snapshot().velocity_mm_s.abs();
                    assert!(mm_s <= 60.5, "{mm_s} mm/s");
                }
                if is_met && met_s.is_none() && player.position_s(now_s(&machine)) > 0.0 {
                    met_s = Some(now_s(&machine));
                }
            }
        }
        let met_s = met_s.expect("it meets the script");
        assert!(met_s - player.begin_s.max(start_s) < 3.0, "{met_s} s");
        let track = Track::of(&mut machine, FINE);
        let errors: Vec<f64> = (0..80)
            .filter(|i| (met_s + 0.5..now_s(&machine)).contains(&player.due_s(*i)))
            .map(|i| track.at(player.due_s(i)) - WINDOW.place(player.actions[i].1))
            .collect();
        assert!(errors.len() > 5 && rms(&errors) < 0.05, "{begin_ms}: {errors:?}");
    }
}

#[test]
fn a_pause_is_rest_where_it_comes_to_rest_and_it_goes_on_from_there() {
    let seed = seed();
    let mut random = Random::new(seed);
    for round in 0..12 {
        let actions = random_script(&mut random, 0.9, 0.0, 30.0);
        let mut machine = following(&fine());
        let mut player = Player::new(actions, now_s(&machine) + 1.5);
        player.play(&mut machine, 5_000 + (2_000.0 * random.unit()) as u64);
        let paused_s = player.position_s(now_s(&machine));
        let before = position(&machine);
        player.is_running = false;
        player.send_anew();
        player.play(&mut machine, 400);
        let (pulses, rests_mm) = (steps(&machine.sink().0).len(), position(&machine));
        assert!((rests_mm - before).abs() < 45.0, "{before} to {rests_mm} mm");
        assert!(report(&machine).rests && machine.snapshot().state == State::Following);
        let short = round % 2 == 0;
        player.play(&mut machine, if short { 300 } else { 3_000 });
        assert_eq!(steps(&machine.sink().0).len(), pulses, "round {round}");
        player.is_running = true;
        player.seek(paused_s, 1.0, now_s(&machine));
        let resumed_s = now_s(&machine);
        while now_s(&machine) < resumed_s + 6.0 {
            player.send(&mut machine);
            for _ in 0..ROUND_MS {
                machine.cycle();
                let (is_met, mm_s) = (report(&machine).is_met, machine.snapshot().velocity_mm_s.abs());
                assert!(is_met || mm_s <= 60.5, "{mm_s} mm/s");
            }
        }
        let track = Track::of(&mut machine, FINE);
        let errors: Vec<f64> = (0..player.actions.len())
            .filter(|i| (resumed_s + 2.0..now_s(&machine)).contains(&player.due_s(*i)))
            .map(|i| track.at(player.due_s(i)) - WINDOW.place(player.actions[i].1))
            .collect();
        assert!(errors.len() > 5 && rms(&errors) < 0.05, "seed {seed}, round {round}: {errors:?}");
        if !short {
            // Behind a rest it is slow at first.
            assert!(track.fastest(resumed_s, resumed_s + 0.02) <= 60.5);
        }
    }
}

#[test]
fn seek_rate_and_offset_are_smooth_and_the_points_behind_them_in_time() {
    let seed = seed();
    let mut random = Random::new(seed);
    let mut machine = following(&fine());
    let mut player = Player::new(random_script(&mut random, 0.2, 0.2, 200.0), now_s(&machine) + 1.5);
    player.play(&mut machine, 3_000);
    for change in 0..40 {
        let at_s = player.position_s(now_s(&machine));
        match change % 4 {
            0 => player.seek(random.unit() * 150.0, player.rate, now_s(&machine)),
            1 => player.seek(at_s, 0.7 + 0.6 * random.unit(), now_s(&machine)),
            2 => player.seek(at_s + 0.2 * random.unit(), player.rate, now_s(&machine)),
            _ => player.seek(at_s - 0.2 * random.unit(), player.rate, now_s(&machine)),
        }
        let changed_s = now_s(&machine);
        player.play(&mut machine, 2_500);
        let track = Track::of(&mut machine, FINE);
        let errors: Vec<f64> = (0..player.actions.len())
            .filter(|i| (changed_s + 1.2..now_s(&machine)).contains(&player.due_s(*i)))
            .map(|i| track.at(player.due_s(i)) - WINDOW.place(player.actions[i].1))
            .collect();
        assert!(!errors.is_empty() && rms(&errors) < 0.05, "seed {seed}, change {change}: {errors:?}");
    }
    // One motion throughout.
    assert_eq!(report(&machine).counts.dropped, 0);
}

#[test]
fn the_end_is_rest_on_the_last_point_even_if_it_was_not_reached_in_time() {
    for (last_s, share) in [(2.0, 0.9), (1.1, 1.0)] {
        let mut machine = following(&fine());
        let mut player =
            Player::new(vec![(0.0, 0.2), (0.5, 0.6), (1.0, 0.3), (last_s, share)], now_s(&machine) + 3.0);
        player.play(&mut machine, 4_900);
        assert!(!report(&machine).rests || last_s < 2.0);
        player.play(&mut machine, 4_000);
        assert!((position(&machine) - WINDOW.place(share)).abs() <= 1.5 / FINE, "{} mm", position(&machine));
        let seen = report(&machine);
        assert!(
            seen.rests && seen.counts.taken == 4 && (seen.counts.shortened == 1) == (last_s < 2.0),
            "{seen:?}"
        );
        let pulses = steps(&machine.sink().0).len();
        player.play(&mut machine, 2_000);
        assert_eq!(steps(&machine.sink().0).len(), pulses);
        assert_eq!(machine.snapshot().state, State::Following);
    }
}

/// The pulse checker watches speed, acceleration, jerk and the stop; here the place is watched.
#[test]
fn whatever_is_sent_by_chance_the_axis_stays_in_window_and_limits() {
    let seed = seed();
    let mut quick = fine();
    quick.config.limits = MotionLimits::new(
        MmPerS::constant(800.0),
        MmPerS2::constant(20_000.0),
        MmPerS3::constant(2_000_000.0),
        MmPerS2::constant(20_000.0),
        MmPerS::constant(60.0),
    )
    .unwrap();
    for (round, options) in [options(), fine(), quick].iter().enumerate() {
        let mut random = Random::new(seed + round as u64);
        let mut machine = following(options);
        machine.send_to_feed(1, FeedItem::Point(ScriptPoint { due_ns: machine.now(), share: 0.5 }));
        machine.run_ms(3_000);
        let mut due_s = now_s(&machine) + 1.0;
        for change in 0..1_500 {
            if random.unit() < 0.3 {
                machine.send_to_feed(1, FeedItem::Clear);
                if random.unit() < 0.7 {
                    due_s = now_s(&machine) + 0.3 * random.unit() - 0.05;
                }
            }
            for _ in 0..(20.0 * random.unit()) as u32 {
                due_s = due_s.max(now_s(&machine) - 0.1)
                    + 0.01
                    + 0.3 * random.unit() * random.unit() * random.unit();
                let share =
                    if random.unit() < 0.3 { random.unit().round() } else { 1.1 * random.unit() - 0.05 };
                machine.send_to_feed(1, FeedItem::Point(ScriptPoint { due_ns: (due_s * 1e9) as u64, share }));
            }
            if random.unit() < 0.02 {
                let back_mm = 20.0 + 40.0 * random.unit();
                machine.send_to_feed(
                    1,
                    FeedItem::Window(FeedWindow { back_mm, front_mm: back_mm + 60.0 * random.unit() }),
                );
            }
            for _ in 0..1 + (60.0 * random.unit()) as u64 {
                machine.cycle();
                let mm = position(&machine);
                assert!((19.9..=120.1).contains(&mm), "seed {seed}, change {change}: {mm} mm");
            }
        }
        // It is not stuck.
        machine.send_to_feed(1, FeedItem::Window(WINDOW));
        machine.run_ms(1_500);
        let mut player = Player::new(random_script(&mut random, 0.8, 0.0, 30.0), now_s(&machine) - 1.0);
        player.play(&mut machine, 6_000);
        let from_s = now_s(&machine);
        player.play(&mut machine, 4_000);
        let track = Track::of(&mut machine, options.rail.steps_per_mm);
        let errors: Vec<f64> = (0..player.actions.len())
            .filter(|i| (from_s..now_s(&machine)).contains(&player.due_s(*i)))
            .map(|i| track.at(player.due_s(i)) - WINDOW.place(player.actions[i].1))
            .collect();
        assert!(rms(&errors) < 0.1, "seed {seed}: {errors:?}");
    }
}

#[test]
fn changes_between_scripts_patterns_targets_and_waves_lose_no_step() {
    let mut options = options();
    options.config.limits.approach_speed = MmPerS::constant(200.0);
    let mut machine = homed(&options);
    let mut random = Random::new(seed());
    let drive = StrokeDrive {
        program: StrokeProgram::Kind(PatternKind::Simple),
        speed: StrokeSpeed::Share(0.5),
        depth: 0.9,
        stroke: 0.8,
        sensation: 0.0,
        is_paused: false,
        seed: 7,
    };
    for number in 1..=400u32 {
        if random.unit() < 0.2 {
            assert!(machine.command(support::sine(0.8)).unwrap().is_ok());
        } else {
            begin(&mut machine, number);
            for _ in 0..1 + (4.0 * random.unit()) as u32 {
                match (random.unit() * 4.0) as u32 {
                    0 => assert!(machine.send_to_feed(number, FeedItem::Strokes(drive))),
                    1 => {
                        let target = FeedTarget { share: random.unit(), pace: Pace::Within { time_s: 0.1 } };
                        assert!(machine.send_to_feed(number, FeedItem::Target(target)));
                    }
                    2 => assert!(machine.send_to_feed(number, FeedItem::Clear)),
                    _ => {
                        for index in 1..10 {
                            let due_ns = machine.now() + index * 100_000_000;
                            let point = ScriptPoint { due_ns, share: random.unit() };
                            assert!(machine.send_to_feed(number, FeedItem::Point(point)));
                        }
                    }
                }
                machine.run_ms((150.0 * random.unit()) as u64);
            }
        }
        machine.run_ms((200.0 * random.unit()) as u64);
        assert_eq!(machine.command(Command::Rest), Some(Ok(Accepted::Now)));
        assert!(
            machine.run_while(1_000, |snapshot| snapshot.state != State::Ready),
            "{:?}",
            machine.snapshot()
        );
    }
    // The steps, counted with their directions, are where the machine believes to be.
    let counted: i64 = steps(&machine.sink().0).iter().map(|step| if step.1 { 1 } else { -1 }).sum();
    let believed = position(&machine) * 10.0 + machine.snapshot().origin_steps.unwrap() as f64;
    assert!((counted as f64 - believed).abs() < 0.5, "{counted} and {believed}");
}
