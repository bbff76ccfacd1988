//! `yep doctor`: checks of this host, with remedies. Needs no server.

use std::fmt::Write as _;
use std::path::PathBuf;

use clap::Args;
use serde_json::{Value, json};

use super::{Failure, config, print, run_arguments as server};
use crate::app::doctor::{self, Check, Findings};
use crate::drive::realtime::latency::{LatencyMeasurement, StepRateBounds, step_rate_bounds};
use crate::drive::realtime::{Histogram, HostFiles, Item};
use crate::options::{Driver, Options};
use crate::units::{MICROSECOND_NS, Nanos};

const EXAMPLES: &str = "\
Examples:
  yep doctor                                can this computer run the simulated machine?
  yep doctor --driver gpio                  can it drive a motor from its pins, and what is to be done?
  yep doctor --config /etc/yep/yep.toml     with the options of the service
  yep doctor --latency 60                   how late steps would come; under load it says most
  yep doctor --json | jq .fine              for programs

Exit codes: 0 all that the driver needs is there, 1 something is missing.
Rights are those of whoever asks: the service has those of its unit, and its log says what it got.";

/// Look at this computer: what it gives, what it lacks, what to do
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// Whose needs to look at [default: sim]
    #[arg(long)]
    driver: Option<Driver>,
    /// The file that the server would be started with
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Where the server would remember things [default: ./state]
    #[arg(long, value_name = "DIR")]
    state_dir: Option<PathBuf>,
    /// Measure for so long at each of two rates how late the step loop would be
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=86_400))]
    latency: Option<u64>,
    /// As JSON
    #[arg(long)]
    json: bool,
    /// Where /proc, /sys and /dev are: a made-up host, for tests
    #[arg(long, value_name = "DIR", default_value = "/", hide = true)]
    root: PathBuf,
}

/// Runs the checks, and the latency test if wanted, and prints the results.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let options = config::load(&server::Arguments {
        app: None,
        listen: None,
        state_dir: arguments.state_dir.clone(),
        driver: arguments.driver,
        force_sensor: None,
        config: arguments.config.clone(),
    })
    .map_err(|error| Failure::Usage(error.to_string()))?;
    let findings = doctor::examine(&options, &HostFiles::under(&arguments.root));
    if arguments.json {
        let mut value = json!(findings);
        if let Some(seconds) = arguments.latency {
            value["latency"] = measured_json(&measure(&options, seconds)?);
        }
        print(&format!("{value}\n"))?;
    } else {
        print(&page(&findings))?;
        if let Some(seconds) = arguments.latency {
            print(&measured_page(&measure(&options, seconds)?))?;
        }
    }
    match findings.missing().count() {
        0 => Ok(()),
        1 => Err(Failure::Refused("one thing that is needed is missing".to_owned())),
        count => Err(Failure::Refused(format!("{count} things that are needed are missing"))),
    }
}

/// Text of the results: a line for each check, then the remedies.
fn page(findings: &Findings) -> String {
    let mut page = String::new();
    for Check { item, needed } in &findings.checks {
        let mark = match (item.ok, needed) {
            (true, _) => "ok",
            (false, true) => "MISSING",
            (false, false) => "-",
        };
        let wanted = if item.ok { String::new() } else { format!("  (best: {})", item.wanted) };
        let _ = writeln!(page, "{mark:<8}{:<21}{}{wanted}", item.what, item.got);
    }
    let of_pi = findings.driver == Driver::Gpio;
    let to_do = |check: &&Check| !check.item.ok && (check.needed || of_pi);
    for (index, check) in findings.checks.iter().filter(to_do).enumerate() {
        let heading = if index == 0 { "\nWhat to do:\n" } else { "" };
        let helps = if check.needed { "" } else { " (it helps)" };
        let _ = writeln!(page, "{heading}  {}{helps}: {}", check.item.what, check.item.remedy);
    }
    let driver = match findings.driver {
        Driver::Sim => "the simulated machine",
        Driver::Gpio => "a motor at the pins",
        Driver::Remote => "a machine on another host",
    };
    let fine = if findings.fine { "has all that" } else { "lacks something that" };
    let _ = writeln!(page, "\nThis computer {fine} {driver} needs.");
    if !of_pi {
        page.push_str("Lines with \"-\" would matter for a real motor: yep doctor --driver gpio\n");
    }
    page
}

type Measurement = (Vec<Item>, Vec<LatencyMeasurement>);

fn measure(options: &Options, seconds: u64) -> Result<Measurement, Failure> {
    doctor::measure(options, seconds).map_err(|error| Failure::Refused(format!("cannot measure: {error}")))
}

fn us(ns: Nanos) -> f64 {
    ns as f64 / MICROSECOND_NS as f64
}

/// Quantiles that are shown, with their names.
const SHARES: [(&str, f64); 3] = [("p50", 0.5), ("p99", 0.99), ("p99.9", 0.999)];

/// Upper ends of the bars as powers of two (ns), where the histogram is exact: from 0.5 µs to 34 s.
const BAR_ENDS_LOG2: std::ops::RangeInclusive<u32> = 9..=35;

/// Upper end of each bar and its number of waits, up to the last one that has any.
fn bars(late: &Histogram) -> Vec<(Nanos, u64)> {
    let mut left = late.total();
    let mut bars = Vec::new();
    for end_log2 in BAR_ENDS_LOG2 {
        if left == 0 {
            break;
        }
        let end_ns = 1 << end_log2;
        let above = late.count_above(end_ns - 1);
        bars.push((end_ns, left - above));
        left = above;
    }
    bars
}

fn measured_page((setup, measured): &Measurement) -> String {
    let mut page = "\nHow late a thread like the step loop's woke up; it was given\n".to_owned();
    for item in setup {
        let _ = writeln!(page, "  {item}");
    }
    for LatencyMeasurement { rate_hz, late } in measured {
        let _ = write!(page, "\n{rate_hz} waits a second, {} in all:", late.total());
        for (name, share) in SHARES {
            let _ = write!(page, " {name} {:.1} µs,", us(late.quantile(share)));
        }
        let _ = writeln!(page, " max {:.1} µs", us(late.max_ns()));
        for (end_ns, count) in bars(late) {
            // Each character doubles the count, so that one in a million shows.
            let bar = "#".repeat((u64::BITS - count.leading_zeros()) as usize);
            let _ = writeln!(page, "  below {:>9.1} µs {count:>9}  {bar}", us(end_ns));
        }
        page.push_str(&sentence(step_rate_bounds(late.max_ns())));
    }
    page.push_str("\nThis holds for what the computer did meanwhile: measure under load, and for minutes.\n");
    page
}

fn sentence(StepRateBounds { steady_hz, safe_hz }: StepRateBounds) -> String {
    match safe_hz {
        Some(safe_hz) => format!(
            "Up to {steady_hz} steps a second lateness is made up at once; up to {safe_hz} it only delays the \
             motion.\nAbove that it ends the motion of a real motor (S20).\n"
        ),
        None => {
            "Later than 1 ms: that ends the motion of a real motor, however slow it is (S20).\n".to_owned()
        }
    }
}

fn measured_json((setup, measured): &Measurement) -> Value {
    let one = |LatencyMeasurement { rate_hz, late }: &LatencyMeasurement| {
        let StepRateBounds { steady_hz, safe_hz } = step_rate_bounds(late.max_ns());
        let shares = SHARES.map(|(_, share)| us(late.quantile(share)));
        json!({
            "rate_hz": rate_hz, "waits": late.total(),
            "p50_us": shares[0], "p99_us": shares[1], "p99_9_us": shares[2], "max_us": us(late.max_ns()),
            "steady_hz": steady_hz, "safe_hz": safe_hz,
            "bars": bars(late).iter().map(|(end_ns, waits)| json!({"below_us": us(*end_ns), "waits": waits}))
                .collect::<Vec<_>>(),
        })
    };
    json!({ "setup": setup, "measured": measured.iter().map(one).collect::<Vec<_>>() })
}
