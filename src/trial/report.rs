//! What came of many runs: counts, reaction times, and the promise that was broken.

use std::collections::BTreeMap;
use std::fmt;

use super::fault::InjectedFault;
use crate::units::{MILLISECOND_NS, Nanos, SECOND_NS};

/// A run in which a promise was broken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrokenRun {
    /// The run.
    pub seed: u64,
    /// When, on the machine's clock.
    pub at_ns: Nanos,
    /// Which promise.
    pub promise: String,
    /// What happened instead.
    pub what: String,
    /// What led to it.
    pub story: String,
}

impl fmt::Display for BrokenRun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at_s = self.at_ns as f64 / SECOND_NS as f64;
        writeln!(f, "BROKEN PROMISE {} in seed {}, minute {:.3}", self.promise, self.seed, at_s / 60.0)?;
        writeln!(f, "{}", self.what)?;
        write!(f, "what led to it:\n{}", self.story)
    }
}

/// Upper ends of the classes of reaction times, in ms; the last one has none.
pub const CLASSES_MS: [u64; 12] = [1, 2, 5, 10, 20, 50, 100, 150, 200, 500, 1_000, 5_000];

/// Lower ends of the classes of gears, in steps/mm.
pub const GEARS: [u32; 5] = [10, 20, 40, 80, 160];

/// The class of a gear with so many steps/mm.
#[must_use]
pub fn class_of_gear(steps_per_mm: f64) -> u32 {
    GEARS.into_iter().rfind(|class| f64::from(*class) <= steps_per_mm).unwrap_or(GEARS[0])
}

/// What one kind of fault led to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FaultTally {
    /// How often it was tried.
    pub tried: u64,
    /// How often while a wave ran.
    pub in_motion: u64,
    /// How often of these the machine latched a fault.
    pub latched: u64,
    /// From the beginning of the fault until it latched, in classes.
    pub latched_within: [u64; CLASSES_MS.len() + 1],
    /// The longest of these.
    pub longest_ns: Nanos,
    /// From the beginning of the fault to the last step, in those that latched; the longest.
    pub longest_to_rest_ns: Nanos,
}

impl FaultTally {
    /// A fault that began in motion latched.
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

    /// The upper end of the class in which this share of the reactions is, in ms.
    fn share_ms(&self, share: f64) -> Option<u64> {
        let wanted = (self.latched as f64 * share).ceil() as u64;
        let mut so_far = 0;
        self.latched_within.iter().zip(CLASSES_MS).find_map(|(count, ms)| {
            so_far += count;
            (so_far >= wanted && wanted > 0).then_some(ms)
        })
    }
}

/// What came of all runs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrialReport {
    /// Runs.
    pub runs: u64,
    /// Runs in which something went wrong as planned.
    pub faulted: u64,
    /// Time of the machine.
    pub machine_ns: Nanos,
    /// Steps that were made.
    pub steps: u64,
    /// Requests that were made.
    pub requests: u64,
    /// What each kind of fault led to.
    pub tallies: BTreeMap<InjectedFault, FaultTally>,
    /// How many runs each class of gears had, and how many steps, by the lower end of the class in steps/mm.
    pub gears: BTreeMap<u32, (u64, u64)>,
    /// A number that stands for all that happened in the last run.
    pub digest: u64,
    /// The first broken promise.
    pub broken: Option<BrokenRun>,
}

impl TrialReport {
    /// These runs, too.
    pub fn add(&mut self, other: TrialReport) {
        self.runs += other.runs;
        self.faulted += other.faulted;
        self.machine_ns += other.machine_ns;
        self.steps += other.steps;
        self.requests += other.requests;
        self.digest = other.digest;
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
    /// Bare numbers, one line for the runs and one a fault: tried, in motion, latched, the classes of reaction times,
    /// the longest of them and the longest to the last step, in ms.
    #[must_use]
    pub fn classes(&self) -> String {
        let hours = self.machine_ns as f64 / (3_600 * SECOND_NS) as f64;
        let mut text =
            format!("total {} {} {hours} {} {}\n", self.runs, self.faulted, self.steps, self.requests);
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
