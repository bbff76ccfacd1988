//! Instruction counts by valgrind: the same in every run, however busy the computer is.
//!
//! A benchmark runs itself under callgrind twice, `--count UNIT N` with two different N, and divides the difference
//! of the two totals by the difference of the two N. So neither start-up nor preparation is in the figure.

use std::process::{Command, Stdio};

use super::print_figure;

/// Unit and count of the option `--count UNIT N`, in the process that is counted.
pub fn requested() -> Option<(String, u64)> {
    let mut arguments = std::env::args().skip_while(|argument| argument != "--count").skip(1);
    Some((arguments.next()?, arguments.next()?.parse().ok()?))
}

/// True if valgrind is installed; prints a line if not.
pub fn is_available() -> bool {
    let found =
        Command::new("valgrind").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    let found = found.is_ok_and(|status| status.success());
    if !found {
        eprintln!("SKIPPED: valgrind is not installed, instructions are not counted");
    }
    found
}

/// Options of callgrind that count only within functions of that name.
#[allow(dead_code)]
pub fn only_within(function: &str) -> Vec<String> {
    vec!["--collect-atstart=no".to_owned(), format!("--toggle-collect={function}")]
}

/// Prints the instructions per unit of `what`, from runs of `few` and of `many`; each count has `per_n` units.
pub fn print_per_unit(name: &str, per: &str, what: &str, range: (u64, u64), per_n: f64) -> Option<f64> {
    print_per_unit_with(Vec::new(), name, per, what, range, per_n)
}

/// The same with these options of callgrind.
pub fn print_per_unit_with(
    options: Vec<String>,
    name: &str,
    per: &str,
    what: &str,
    (few, many): (u64, u64),
    per_n: f64,
) -> Option<f64> {
    let (Some(low), Some(high)) = (total(&options, what, few), total(&options, what, many)) else {
        eprintln!("SKIPPED: callgrind did not count {what}");
        return None;
    };
    let units = (many - few) as f64 * per_n;
    let (value, unit) = ((high - low) as f64 / units, format!("instructions/{per}"));
    print_figure(name, value, &unit, &format!("callgrind, over {units:.0}"));
    Some(value)
}

/// All instructions of one run.
fn total(options: &[String], what: &str, count: u64) -> Option<u64> {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .args(options)
        .arg("--")
        .arg(std::env::current_exe().ok()?)
        .args(["--count", what, &count.to_string()])
        .output()
        .ok()?;
    let said = String::from_utf8_lossy(&output.stderr);
    let collected = said.lines().find_map(|line| line.split_once("Collected :"))?.1;
    output.status.success().then_some(())?;
    collected.trim().parse().ok()
}
