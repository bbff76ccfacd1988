//! `yep safe-pins`: sets every output to its safe level, without the rest of the program.

use std::path::PathBuf;

use clap::Args;

use super::{Failure, config, run_arguments as server};
use crate::app::gpio;
use crate::options::{Options, Pins};

const EXAMPLES: &str = "\
Examples:
  yep safe-pins                                  the pins of the default wiring
  yep safe-pins --config /etc/yep/yep.toml       the pins of that file

STEP, DIR and the enable line become outputs and low, which is what is safe; nothing else is touched. The service does
it whenever its program has ended. Beside a program that runs, that program has the last word: stop it first.

Exit codes: 0 done, 1 the pins cannot be reached, 2 the file is wrong: the default pins are safe, others may not be.";

/// Put STEP, DIR and enable into their safe level
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// The file that the server is started with
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// BCM number of STEP, whatever the file says
    #[arg(long, value_name = "PIN")]
    step: Option<u8>,
    /// BCM number of DIR
    #[arg(long, value_name = "PIN")]
    dir: Option<u8>,
    /// BCM number of the enable line
    #[arg(long, value_name = "PIN")]
    enable: Option<u8>,
}

/// Sets the outputs.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let options =
        config::load(&server::Arguments { config: arguments.config.clone(), ..server::Arguments::default() });
    // Even without a readable file the default pins are made safe.
    let pins = options.as_ref().map_or(Pins::default(), |options: &Options| options.pins);
    let pins = Pins {
        step: arguments.step.unwrap_or(pins.step),
        dir: arguments.dir.unwrap_or(pins.dir),
        enable: arguments.enable.or(pins.enable),
        ..pins
    };
    Options { pins, ..Options::default() }.check().map_err(|broken| Failure::Usage(broken.to_string()))?;
    gpio::safe_pins(&pins)
        .map_err(|error| Failure::Refused(format!("{error} ({})\n{}", error.code(), error.remedy())))?;
    options.map(|_| ()).map_err(|error| Failure::Usage(error.to_string()))
}
