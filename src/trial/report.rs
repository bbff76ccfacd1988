//! Report over many runs: counts, reaction times per fault, and the first broken promise.

use std::collections::BTreeMap;
use std::fmt;

use super::fault::InjectedFault;
use crate::units::{MILLISECOND_NS, Nanos, SECOND_NS};

/// A run in which a promise was broken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrokenRun {
    /// Seed of the run.
    pub seed: u64,
    /// Instant on the machine's clock.
    pub at_ns: Nanos,
    /// Name of the promise.
    pub promise: String,
    /// Description of the violation.
    pub what: String,
    /// The last lines of the run's history.
    pub history: String,
}

impl fmt::Display for BrokenRun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at_s = self.at_ns as f64 / SECOND_NS as f64;
        writeln!(f, "BROKEN PROMISE {} in seed {}, minute {:.3}", self.promise, self.seed, at_s / 60.0)?;
        writeln!(f, "{}", self.what)?;
        write!(f, "what led to it:\n{}", self.history)
    }
}

/// Upper bounds of the histogram classes of reaction times, in ms; the last class has none.
pub const CLASSES_MS: [u64; 12] = [1, 2, 5, 10, 20, 50, 100, 150, 200, 500, 1_000, 5_000];

/// Lower bounds of the classes of gears, in steps/mm.
pub const GEARS: [u32; 5] = [10, 20, 40, 80, 160];

/// Class of a gear: the greatest lower bound that is not above `steps_per_mm`.
pub fn class_of_gear(steps_per_mm: f64) -> u32 {
    GEARS.into_iter().rfind(|class| f64::from(*class) <= steps_per_mm).unwrap_or(GEARS[0])
}

/// Counts and reaction times of one kind of fault.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FaultTally {
    /// Number of injections.
    pub tried: u64,
    /// Number of injections while a wave ran.
    pub in_motion: u64,
    /// Number of those after which the machine latched a fault.
    pub latched: u64,
    /// Histogram of the times from the injection until a fault latched.
    pub latched_within: [u64; CLASSES_MS.len() + 1],
    /// Longest of these times.
    pub longest_ns: Nanos,
    /// Longest time from the injection to the last step, of those that latched.
    pub longest_to_rest_ns: Nanos,
}

impl FaultTally {
    /// Counts a fault that was injected in motion and latched.
    pub fn latch(&mut self, after_ns: Nanos, rest_after_ns: Nanos) {
        self.latched += 1;
        let class = CLASSES_MS.iter().position(|ms| after_ns <= ms * MILLISECOND_NS);
        self.latched_within[class.unwrap_or(CLASSES_MS.len())] += 1;
        self.longest_ns = self.longest_ns.max(after_ns);
        self.longest_to_rest_ns = self.longest_to_rest_ns.max(rest_after_ns);
    }

    fn add(&mut self, other: &FaultTally) {
        self.tried += other.tried;
        self.in_motion += other.in_motion;
        self.latched += other.latched;
        for (mine, theirs) in self.latched_within.iter_mut().zip(other.latched_within) {
            *mine += theirs;
        }
        self.longest_ns = self.longest_ns.max(other.longest_ns);
        self.longest_to_rest_ns = self.longest_to_rest_ns.max(other.longest_to_rest_ns);
    }

    /// Upper bound of the class that contains this quantile of the reaction times, in ms; `None` for the last class.
    fn share_ms(&self, share: f64) -> Option<u64> {
        let wanted = (self.latched as f64 * share).ceil() as u64;
        let mut so_far = 0;
        self.latched_within.iter().zip(CLASSES_MS).find_map(|(count, ms)| {
            so_far += count;
            (so_far >= wanted && wanted > 0).then_some(ms)
        })
    }
}

/// Counts of the feeds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FeedTally {
    /// Number of runs in which the axis followed a feed.
    pub runs: u64,
    /// Number of times that it began to.
    pub begun: u64,
    /// Number of steps of it.
    pub steps: u64,
    /// Number of targets that were sent.
    pub targets: u64,
    /// Number of windows that were set, and of times that feeds were let go on.
    pub windows: u64,
    /// See there.
    pub resumed: u64,
}

impl FeedTally {
    fn add(&mut self, other: &FeedTally) {
        self.runs += other.runs;
        self.begun += other.begun;
        self.steps += other.steps;
        self.targets += other.targets;
        self.windows += other.windows;
        self.resumed += other.resumed;
    }
}

/// Counts of the patterns.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PatternTally {
    /// Number of runs in which a pattern moved the axis.
    pub runs: u64,
    /// Number of times that one began to.
    pub begun: u64,
    /// Number of steps of them.
    pub steps: u64,
    /// Number of changes that were taken.
    pub changes: u64,
}

impl PatternTally {
    fn add(&mut self, other: &PatternTally) {
        self.runs += other.runs;
        self.begun += other.begun;
        self.steps += other.steps;
        self.changes += other.changes;
    }
}

/// Totals of all runs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrialReport {
    /// Number of runs.
    pub runs: u64,
    /// Number of runs with injected faults.
    pub faulted: u64,
    /// Simulated time.
    pub machine_ns: Nanos,
    /// Number of steps.
    pub steps: u64,
    /// Number of requests.
    pub requests: u64,
    /// Counts and reaction times by kind of fault.
    pub tallies: BTreeMap<InjectedFault, FaultTally>,
    /// Runs and steps by class of gear; the key is the lower bound of the class in steps/mm.
    pub gears: BTreeMap<u32, (u64, u64)>,
    /// Counts of the feeds.
    pub feeds: FeedTally,
    /// Counts of the patterns.
    pub patterns: PatternTally,
    /// Hash over everything that happened in the last run.
    pub digest: u64,
    /// The first run that broke a promise.
    pub broken: Option<BrokenRun>,
}

impl TrialReport {
    /// Adds the runs of `other`.
    pub fn add(&mut self, other: TrialReport) {
        self.runs += other.runs;
        self.faulted += other.faulted;
        self.machine_ns += other.machine_ns;
        self.steps += other.steps;
        self.requests += other.requests;
        self.digest = other.digest;
        self.feeds.add(&other.feeds);
        self.patterns.add(&other.patterns);
        for (class, (runs, steps)) in &other.gears {
            let all = self.gears.entry(*class).or_default();
            *all = (all.0 + runs, all.1 + steps);
        }
        for (fault, tally) in &other.tallies {
            self.tallies.entry(*fault).or_default().add(tally);
        }
        if self.broken.is_none() {
            self.broken = other.broken;
        }
    }
}

impl TrialReport {
    /// Numbers for scripts/soak: one line for the runs, one for the feeds, one for the patterns, one per class of gear, and one per fault with tried, in motion,
    /// latched, the histogram of reaction times, the longest of them and the longest time to the last step, in ms.
    pub fn classes(&self) -> String {
        let hours = self.machine_ns as f64 / (3_600 * SECOND_NS) as f64;
        let mut text =
            format!("total {} {} {hours} {} {}\n", self.runs, self.faulted, self.steps, self.requests);
        let FeedTally { runs, begun, steps, targets, windows, resumed } = self.feeds;
        text += &format!("feeds {runs} {begun} {steps} {targets} {windows} {resumed}\n");
        let PatternTally { runs, begun, steps, changes } = self.patterns;
        text += &format!("patterns {runs} {begun} {steps} {changes}\n");
        for (class, (runs, steps)) in &self.gears {
            text += &format!("gear {class} {runs} {steps}\n");
        }
        for (fault, tally) in &self.tallies {
            let classes = tally.latched_within.map(|count| count.to_string()).join(" ");
            let ms = |ns: Nanos| ns as f64 / MILLISECOND_NS as f64;
            text += &format!(
                "class {} {} {} {} {classes} {} {}\n",
                fault.name(),
                tally.tried,
                tally.in_motion,
                tally.latched,
                ms(tally.longest_ns),
                ms(tally.longest_to_rest_ns)
            );
        }
        text
    }
}

impl fmt::Display for TrialReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hours = self.machine_ns as f64 / (3_600 * SECOND_NS) as f64;
        writeln!(
            f,
            "{} runs ({} with faults), {hours:.2} hours of the machine, {} steps, {} requests",
            self.runs, self.faulted, self.steps, self.requests
        )?;
        let FeedTally { runs, begun, steps, targets, windows, resumed } = self.feeds;
        writeln!(
            f,
            "feeds: in {runs} runs, begun {begun} times, {steps} steps, {targets} targets, {windows} windows, {resumed} times let go on"
        )?;
        let PatternTally { runs, begun, steps, changes } = self.patterns;
        writeln!(f, "patterns: in {runs} runs, begun {begun} times, {steps} steps, {changes} changes")?;
        for (class, (runs, steps)) in &self.gears {
            writeln!(f, "from {class:>3} steps/mm on: {runs} runs, {steps} steps")?;
        }
        writeln!(
            f,
            "{:<20} {:>7} {:>9} {:>8}   latched after: half, 99 %, longest; last step",
            "fault", "tried", "in motion", "latched"
        )?;
        let ms = |ns: Nanos| ns as f64 / MILLISECOND_NS as f64;
        for (fault, tally) in &self.tallies {
            write!(f, "{:<20} {:>7} {:>9} {:>8}", fault.name(), tally.tried, tally.in_motion, tally.latched)?;
            if tally.latched > 0 {
                let class = |share| {
                    tally.share_ms(share).map_or_else(|| "more".to_owned(), |ms| format!("<= {ms} ms"))
                };
                write!(
                    f,
                    "   {}, {}, {:.1} ms; {:.1} ms",
                    class(0.5),
                    class(0.99),
                    ms(tally.longest_ns),
                    ms(tally.longest_to_rest_ns)
                )?;
            }
            writeln!(f)?;
        }
        match &self.broken {
            Some(broken) => write!(f, "{broken}"),
            None => write!(f, "no promise was broken"),
        }
    }
}
