//! `yep layout`: prints the memory layout of the appliance, or compares this system with it.

use std::fmt::Write as _;
use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::{Failure, print};
use crate::app::appliance::{self, Compared, Comparison};
use crate::drive::realtime::HostFiles;
use crate::layout;

const EXAMPLES: &str = "\
Examples:
  yep layout                      card, cores, memory, pins, watchdogs, limits: as they were built into this program
  yep layout --check              and this system, line by line: ok, differs, or ? where it does not say
  yep layout --check --json       for programs

Exit codes with --check: 0 nothing differs, 1 something does.";

/// Show the memory layout of the appliance, or compare this system with it
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// Compare this system with it
    #[arg(long)]
    check: bool,
    /// As JSON
    #[arg(long, requires = "check")]
    json: bool,
    /// Where /proc, /sys and /dev are: a made-up system, for tests
    #[arg(long, value_name = "DIR", default_value = "/", hide = true)]
    root: PathBuf,
}

/// Prints the layout, or the comparison.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    if !arguments.check {
        return print(layout::MAP);
    }
    let compared = appliance::compare(&HostFiles::under(&arguments.root));
    let differ = compared.iter().filter(|line| line.verdict == Comparison::Differs).count();
    if arguments.json {
        print(&format!("{}\n", json!({ "same": differ == 0, "compared": compared })))?;
    } else {
        print(&page(&compared))?;
    }
    match differ {
        0 => Ok(()),
        1 => Err(Failure::Refused("one thing differs from the layout".to_owned())),
        count => Err(Failure::Refused(format!("{count} things differ from the layout"))),
    }
}

fn page(compared: &[Compared]) -> String {
    let mut page = String::new();
    for Compared { what, wanted, found, verdict } in compared {
        let (mark, tail) = match verdict {
            Comparison::Ok => ("ok", String::new()),
            Comparison::Differs => ("differs", format!("  (layout: {wanted})")),
            Comparison::CannotTell => ("?", format!("  (layout: {wanted})")),
        };
        let found = found.as_deref().unwrap_or("this system does not say");
        let _ = writeln!(page, "{mark:<9}{what:<29}{found}{tail}");
    }
    page
}
