//! Edge oracle: checks speed, acceleration and jerk from the step edges alone, by divided differences. Pure.
//!
//! It knows no plan, no chunk and no report of the machine, and shares no code with the pulse checker, so a common
//! mistake cannot hide a violation. It relies on one fact about steps: a step forward from `c` comes when the plan is
//! at `c + 0.75`, a step back when the plan is at `c - 0.75`. So each step is an exact sample of the plan, and by the
//! mean value theorem
//!
//! ```text
//! |x[t0,t1]| <= V,    |2 x[t0,t1,t2]| <= A,    |6 x[t0,t1,t2,t3]| <= J
//! ```
//!
//! hold exactly for divided differences over any samples, however they are spaced. Windows of several widths slide over
//! the steps by a quarter of their width. Each window is judged with the error of its own samples: an edge comes some
//! nanoseconds beside its instant, and behind a turn the step waits for the direction line.

use std::collections::VecDeque;

use crate::units::{MICROSECOND_NS, MILLISECOND_NS, Nanos, seconds};

/// Distance of the plan from the counter when a step is due, in steps.
const BESIDE: f64 = 0.75;
/// Window widths: least time between neighbouring samples of a window.
const WIDTHS_NS: [Nanos; 5] =
    [500 * MICROSECOND_NS, 2 * MILLISECOND_NS, 8 * MILLISECOND_NS, 32 * MILLISECOND_NS, 128 * MILLISECOND_NS];
/// Relative tolerance of each limit.
const TOLERANCE: f64 = 0.005;
/// A window whose error exceeds this share of the limit is not judged.
const BLURRED: f64 = 0.5;
/// Distance in steps by which a motion may begin from where the previous one ended: the counter is whole, the plan was
/// not.
const BEGINS_BESIDE: f64 = 0.75;
/// After a pause of this length another motion may have begun.
const PAUSE_NS: Nanos = 4 * MILLISECOND_NS;

/// Kinematic limits, in steps.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct KinematicBounds {
    /// In steps/s.
    pub speed: f64,
    /// In steps/s².
    pub acceleration: f64,
    /// In steps/s³.
    pub jerk: f64,
}

impl KinematicBounds {
    /// Converts limits in mm to steps.
    pub fn of(
        speed_mm_s: f64,
        acceleration_mm_s2: f64,
        jerk_mm_s3: f64,
        steps_per_mm: f64,
    ) -> KinematicBounds {
        KinematicBounds {
            speed: speed_mm_s * steps_per_mm,
            acceleration: acceleration_mm_s2 * steps_per_mm,
            jerk: jerk_mm_s3 * steps_per_mm,
        }
    }
}

/// Limits of one window.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct WindowLimits {
    /// Limits of every motion, stops included.
    pub firm: KinematicBounds,
    /// Limits of a wave, for windows that begin at or after this instant: no stop was requested and no fault injected
    /// since.
    pub gentle: Option<(Nanos, KinematicBounds)>,
}

impl WindowLimits {
    fn since(&self, from: Nanos) -> &KinematicBounds {
        self.gentle.as_ref().filter(|(since, _)| from >= *since).map_or(&self.firm, |(_, gentle)| gentle)
    }
}

/// Time resolution of the oracle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OracleResolution {
    /// Largest error of an edge's instant.
    pub edge_ns: Nanos,
    /// Longest wait of the step behind a turn for the direction line.
    pub turn_ns: Nanos,
    /// Index of the narrowest window that is checked, in the list of widths: each width costs four times as much as the
    /// next wider one.
    pub narrowest: usize,
}

/// A step, as a sample of the plan.
#[derive(Debug, Clone, Copy)]
struct StepSample {
    at: Nanos,
    place: f64,
    /// Uncertainty of `place`, in steps.
    doubt: f64,
    /// Number of pauses before this step.
    pauses: u32,
}

/// A kinematic limit that was exceeded.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct KinematicViolation {
    /// Order of the derivative: 1 speed, 2 acceleration, 3 jerk.
    pub order: usize,
    /// Beginning of the window.
    pub from_ns: Nanos,
    /// End of the window.
    pub until_ns: Nanos,
    /// Value that was found, in steps.
    pub found: f64,
    /// Value that is allowed, tolerance and error included.
    pub allowed: f64,
}

impl std::fmt::Display for KinematicViolation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let KinematicViolation { order, from_ns, until_ns, found, allowed } = self;
        let what = ["way", "speed", "acceleration", "jerk"][*order];
        let (from_s, until_s) = (seconds(*from_ns), seconds(*until_ns));
        let unit = ["steps", "steps/s", "steps/s²", "steps/s³"][*order];
        write!(
            f,
            "by the edges from {from_s:.6} to {until_s:.6} s: {what} {found:.1} {unit}, {allowed:.1} allowed"
        )
    }
}

/// Oracle over a sequence of steps.
#[derive(Debug, Clone)]
pub struct EdgeOracle {
    resolution: OracleResolution,
    count: i64,
    pauses: u32,
    last: Option<(Nanos, bool)>,
    samples: VecDeque<StepSample>,
    /// Instant of the next check for each width.
    next_ns: [Nanos; WIDTHS_NS.len()],
    windows: u64,
}

impl EdgeOracle {
    /// An oracle without samples.
    pub fn new(resolution: OracleResolution) -> EdgeOracle {
        let next_ns = [0; WIDTHS_NS.len()];
        EdgeOracle {
            resolution,
            count: 0,
            pauses: 0,
            last: None,
            samples: VecDeque::new(),
            next_ns,
            windows: 0,
        }
    }

    /// Number of windows that were checked.
    pub fn windows(&self) -> u64 {
        self.windows
    }

    /// Drops all samples: something cut the motion from outside, and what follows is independent.
    pub fn reset(&mut self) {
        self.samples.clear();
        self.last = None;
    }

    /// Adds a step, and checks the windows that end with it.
    ///
    /// # Errors
    /// A limit was exceeded for certain.
    pub fn step(
        &mut self,
        at: Nanos,
        forward: bool,
        limits: &WindowLimits,
    ) -> Result<(), KinematicViolation> {
        let bounds = &limits.firm;
        let place = self.count as f64 + if forward { BESIDE } else { -BESIDE };
        self.count += if forward { 1 } else { -1 };
        let turned = self.last.is_some_and(|(_, before)| before != forward);
        self.pauses += u32::from(self.last.is_some_and(|(before, _)| at - before > PAUSE_NS));
        self.last = Some((at, forward));
        let late_ns = self.resolution.edge_ns + if turned { self.resolution.turn_ns } else { 0 };
        // Upper bound on the speed here: the mean speed since the previous step plus what the acceleration can add.
        let speed = self.samples.back().map_or(bounds.speed, |before| {
            let since_s = seconds(at - before.at).max(1e-9);
            ((place - before.place).abs() / since_s + bounds.acceleration * since_s).min(bounds.speed)
        });
        let doubt = 1e-5 + speed * seconds(late_ns);
        self.samples.push_back(StepSample { at, place, doubt, pauses: self.pauses });
        let longest_ns = 4 * WIDTHS_NS[WIDTHS_NS.len() - 1];
        while self.samples.get(1).is_some_and(|second| second.at + longest_ns < at) {
            self.samples.pop_front();
        }
        for (index, width_ns) in WIDTHS_NS.into_iter().enumerate().skip(self.resolution.narrowest) {
            if at >= self.next_ns[index] {
                self.next_ns[index] = at + width_ns / 4;
                self.check_window(width_ns, limits)?;
            }
        }
        Ok(())
    }

    /// Checks the window of the newest sample and up to three older ones, each the latest that is at least `width_ns`
    /// older than the one before.
    fn check_window(&mut self, width_ns: Nanos, limits: &WindowLimits) -> Result<(), KinematicViolation> {
        let Some(newest) = self.samples.back() else { return Ok(()) };
        let mut window = [*newest; 4];
        let mut seen = 1;
        while seen < window.len() {
            let Some(latest) = window[seen - 1].at.checked_sub(width_ns) else { break };
            let after = self.samples.partition_point(|sample| sample.at <= latest);
            let Some(sample) = after.checked_sub(1).map(|index| self.samples[index]) else { break };
            window[seen] = sample;
            seen += 1;
        }
        for order in 1..seen {
            self.windows += 1;
            let bounds = limits.since(window[order].at);
            check_differences(
                &window[..=order],
                [bounds.speed, bounds.acceleration, bounds.jerk][order - 1],
            )?;
        }
        Ok(())
    }
}

/// Newton's divided differences of a window; the highest one is compared with `limit`.
fn check_differences(window: &[StepSample], limit: f64) -> Result<(), KinematicViolation> {
    let order = window.len() - 1;
    let factorial = [1.0, 1.0, 2.0, 6.0][order];
    let newest = window[0];
    let ago_s = |sample: &StepSample| seconds(newest.at - sample.at);
    let mut differences = [0.0; 4];
    for (difference, sample) in differences.iter_mut().zip(window) {
        *difference = sample.place - newest.place;
    }
    for level in 1..=order {
        for i in 0..=order - level {
            let apart_s = ago_s(&window[i]) - ago_s(&window[i + level]);
            differences[i] = (differences[i] - differences[i + 1]) / apart_s;
        }
    }
    let paused = window[order].pauses != newest.pauses;
    let mut error = 0.0;
    for (i, sample) in window.iter().enumerate() {
        let others = window.iter().enumerate().filter(|(j, _)| *j != i);
        let spread: f64 = others.map(|(_, other)| (ago_s(other) - ago_s(sample)).abs()).product();
        error += (sample.doubt + if paused { BEGINS_BESIDE } else { 0.0 }) / spread;
    }
    let (found, error) = (factorial * differences[0].abs(), factorial * error);
    let allowed = limit * (1.0 + TOLERANCE) + error;
    if error < BLURRED * limit && found > allowed {
        return Err(KinematicViolation {
            order,
            from_ns: window[order].at,
            until_ns: newest.at,
            found,
            allowed,
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const RESOLUTION: OracleResolution = OracleResolution { edge_ns: 30, turn_ns: 0, narrowest: 0 };

    /// Feeds the steps of a sine, whose derivatives are known: amplitude in steps, and radians/s.
    fn of_a_sine(
        amplitude: f64,
        omega: f64,
        bounds: KinematicBounds,
    ) -> (Result<(), KinematicViolation>, u64) {
        let limits = WindowLimits { firm: bounds, gentle: None };
        let mut oracle = EdgeOracle::new(RESOLUTION);
        let mut count = 0i64;
        for t in 0..3_000_000u64 {
            let at = t * 1_000;
            let place = amplitude * libm::sin(omega * seconds(at));
            let forward = place >= count as f64 + BESIDE;
            if !forward && place > count as f64 - BESIDE {
                continue;
            }
            count += if forward { 1 } else { -1 };
            // The plan passed the boundary within the last microsecond.
            oracle.resolution.edge_ns = 1_000;
            if let Err(found) = oracle.step(at, forward, &limits) {
                return (Err(found), oracle.windows);
            }
        }
        (Ok(()), oracle.windows)
    }

    #[test]
    fn each_derivative_of_a_sine_is_held_to_within_a_few_percent() {
        let (amplitude, omega) = (4_000.0, 6.0);
        let speed = amplitude * omega;
        let bounds = KinematicBounds { speed, acceleration: speed * omega, jerk: speed * omega * omega };
        let (kept, windows) = of_a_sine(amplitude, omega, bounds);
        assert_eq!(kept, Ok(()));
        assert!(windows > 10_000, "{windows}");
        for (order, narrow) in [
            (1, KinematicBounds { speed: 0.97 * bounds.speed, ..bounds }),
            (2, KinematicBounds { acceleration: 0.97 * bounds.acceleration, ..bounds }),
            (3, KinematicBounds { jerk: 0.95 * bounds.jerk, ..bounds }),
        ] {
            let found = of_a_sine(amplitude, omega, narrow).0.unwrap_err();
            assert_eq!(found.order, order, "{found}");
        }
    }

    #[test]
    fn what_comes_behind_a_cut_is_judged_by_itself() {
        let limits = WindowLimits {
            firm: KinematicBounds { speed: 2_000.0, acceleration: 100.0, jerk: 1_000.0 },
            gentle: None,
        };
        let train = |cut: bool| {
            let mut oracle = EdgeOracle::new(RESOLUTION);
            // Even steps, a cut, and even steps at half of the speed.
            let first = (1..1_000u64).map(|i| i * 1_000_000);
            let second = (1..500u64).map(|i| 1_000_000_000 + i * 2_000_000);
            first.chain(second).try_for_each(|at| {
                if cut && at == 1_002_000_000 {
                    oracle.reset();
                }
                oracle.step(at, true, &limits)
            })
        };
        assert_eq!(train(true), Ok(()));
        assert!(train(false).is_err());
    }
}
