//! `yep simulate`: deterministic simulation tests with injected faults, and a check of every safety promise.

use clap::Args;

use super::Failure;
use crate::trial::{InjectedFault, TrialOptions, TrialSetup, run_series};
use crate::units::SECOND_NS;

const EXAMPLES: &str = "\
Examples:
  yep simulate                                     a hundred runs of three minutes
  yep simulate --hours 1 --seed 1000               an hour of the machine, from another seed on
  yep simulate --seed 17 --runs 1                  the same run again, whatever came of it
  yep simulate --faults front_welded,push,killed   only these faults
  yep simulate --faults none                       an ordinary day

Everything follows from the seeds: the rail, the clients, the faults and their instants.
Exit code 1: a promise was broken; its seed, its minute and what led to it are printed.";

/// Run the whole machine on virtual time, break it, and check every promise
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// The first seed; each run has the next one
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many hours of the machine, all runs together
    #[arg(long, value_parser = hours, conflicts_with = "runs")]
    hours: Option<f64>,
    /// How many runs
    #[arg(long, default_value_t = 100, value_parser = runs)]
    runs: u64,
    /// How long a run is, in minutes of the machine
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..=1_440))]
    minutes: u64,
    /// What may go wrong: names, `all` or `none`
    #[arg(long, value_delimiter = ',', default_value = "all", value_name = "NAMES")]
    faults: Vec<String>,
    /// Say how it goes
    #[arg(long, short)]
    verbose: bool,
    /// Print bare numbers, for scripts/soak to add up
    #[arg(long, hide = true)]
    classes: bool,
}

fn hours(text: &str) -> Result<f64, String> {
    let hours: f64 = text.parse().map_err(|_| "must be a number".to_owned())?;
    if hours > 0.0 && hours <= 100_000.0 {
        Ok(hours)
    } else {
        Err("must be above 0, 100 000 at most".to_owned())
    }
}

fn runs(text: &str) -> Result<u64, String> {
    match text.parse() {
        Ok(0) => Err("must be at least 1: no run at all shows that nothing is broken".to_owned()),
        Ok(runs) => Ok(runs),
        Err(_) => Err("must be a process number".to_owned()),
    }
}

/// Runs the simulations.
///
/// # Errors
/// A promise was broken, or a name of a fault is not known.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let seconds = arguments.minutes * 60;
    let options = TrialOptions {
        seed: arguments.seed,
        seconds,
        faults: faults(&arguments.faults)?,
        wiring: TrialSetup::default(),
    };
    let wanted_ns = arguments.hours.map(|hours| (hours * 3_600.0 * SECOND_NS as f64) as u64);
    let report = run_series(&options, |so_far| {
        if arguments.verbose {
            let hours = so_far.machine_ns as f64 / (3_600 * SECOND_NS) as f64;
            eprint!("\r{} runs, {hours:.2} hours", so_far.runs);
        }
        wanted_ns.map_or(so_far.runs >= arguments.runs, |wanted_ns| so_far.machine_ns >= wanted_ns)
    });
    if arguments.verbose {
        eprintln!();
    }
    if arguments.classes {
        print!("{}", report.classes());
    }
    println!("seeds {} to {}", arguments.seed, arguments.seed + report.runs.saturating_sub(1));
    println!("{report}");
    match report.broken {
        None => Ok(()),
        Some(broken) => Err(Failure::Refused(format!(
            "{} was not kept; `yep simulate --seed {} --runs 1 --minutes {} --faults {}` shows it again",
            broken.promise,
            broken.seed,
            arguments.minutes,
            arguments.faults.join(",")
        ))),
    }
}

fn faults(names: &[String]) -> Result<Vec<InjectedFault>, Failure> {
    match names {
        [all] if all == "all" => Ok(InjectedFault::all()),
        [none] if none == "none" => Ok(Vec::new()),
        names => names.iter().map(|name| known(name)).collect(),
    }
}

fn known(name: &str) -> Result<InjectedFault, Failure> {
    InjectedFault::from_name(name).ok_or_else(|| {
        let known: Vec<_> = InjectedFault::all().into_iter().map(InjectedFault::name).collect();
        Failure::Usage(format!("unknown fault {name:?}: give all, none, or some of {}", known.join(", ")))
    })
}
