//! Shared benchmark helpers: samples, the output line of a figure, and `counts` and `server` for some benchmarks.
//!
//! A benchmark only measures; tests check what must hold. Every figure is one line,
//!
//! ```text
//! name   value unit   (median of N, p10..p90)
//! ```
//!
//! with two spaces or more between the three parts, so that scripts/bench can make a table of it.
#![allow(dead_code)] // Each benchmark uses a part of it.

pub mod counts;
pub mod flood;
pub mod server;

use std::hint::black_box;
use std::time::{Duration, Instant};

/// True under `cargo bench`; `cargo test --benches` would run it as well, and wait for minutes.
pub fn is_bench_run() -> bool {
    let is_bench = std::env::args().any(|argument| argument == "--bench");
    if !is_bench {
        eprintln!("this is a benchmark: run it with cargo bench, or all of them with scripts/bench");
    }
    is_bench
}

/// The value of the option `--NAME`, if it is there and a number.
pub fn number(name: &str) -> Option<u64> {
    text(name)?.parse().ok()
}

/// The value of the option `--NAME`, if it is there.
pub fn text(name: &str) -> Option<String> {
    std::env::args().skip_while(|argument| argument != name).nth(1)
}

/// Measured values, sorted.
pub struct Samples(Vec<f64>);

impl Samples {
    /// Samples of at least one finite value.
    pub fn new(mut values: Vec<f64>) -> Samples {
        assert!(!values.is_empty() && values.iter().all(|value| value.is_finite()));
        values.sort_by(f64::total_cmp);
        Samples(values)
    }

    /// Runs `run` `samples` times, each time for `count` units; values in ns per unit.
    ///
    /// A first run, which is not counted, fills the caches.
    pub fn of(samples: usize, count: u64, mut run: impl FnMut(u64)) -> Samples {
        run(count);
        let one = |_| {
            let begin = Instant::now();
            run(black_box(count));
            begin.elapsed().as_nanos() as f64 / count as f64
        };
        Samples::new((0..samples).map(one).collect())
    }

    /// The value below which this share of all samples lies.
    pub fn quantile(&self, share: f64) -> f64 {
        self.0[(share * (self.0.len() - 1) as f64).round() as usize]
    }

    /// The median.
    pub fn median(&self) -> f64 {
        self.quantile(0.5)
    }

    /// The smallest.
    pub fn min(&self) -> f64 {
        self.0[0]
    }

    /// The largest.
    pub fn max(&self) -> f64 {
        self.0[self.0.len() - 1]
    }

    /// The samples times `factor`.
    pub fn scaled(&self, factor: f64) -> Samples {
        Samples::new(self.0.iter().map(|value| value * factor).collect())
    }

    /// Applies `of` to each value.
    pub fn map(&self, of: impl Fn(f64) -> f64) -> Samples {
        Samples::new(self.0.iter().copied().map(of).collect())
    }

    /// Prints the median.
    pub fn print(&self, name: &str, unit: &str) {
        let (low, high) = (format_figure(self.quantile(0.1)), format_figure(self.quantile(0.9)));
        print_figure(name, self.median(), unit, &format!("median of {}, {low}..{high}", self.0.len()));
    }
}

/// Prints one figure, and how it was measured.
pub fn print_figure(name: &str, value: f64, unit: &str, how: &str) {
    println!("{name:<40}  {:>10} {unit:<22}  ({how})", format_figure(value));
}

/// Formats with three significant digits.
fn format_figure(value: f64) -> String {
    let digits = match value.abs() {
        size if size >= 100.0 => 0,
        size if size >= 10.0 => 1,
        size if size >= 1.0 => 2,
        0.0 => 0,
        _ => 3,
    };
    format!("{value:.digits$}")
}

/// Duration in milliseconds.
pub fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}
