//! `yep run`: runs the server.

use super::run_arguments::Arguments;
use super::{Failure, config, logging};
use crate::app;

/// Runs until a signal asks the process to end.
pub fn run(arguments: Arguments) -> Result<(), Failure> {
    let options = config::load(&arguments).map_err(|error| Failure::Usage(error.to_string()))?;
    let log = logging::start().map_err(|error| Failure::Refused(format!("cannot start the log: {error}")))?;
    tracing::debug!(?options, "these options are in force");
    let done = app::run(&options).map_err(|error| Failure::Refused(error.to_string()));
    log.flush(super::SAID_WITHIN);
    done
}
