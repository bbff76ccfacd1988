//! `yep run`: runs the server.

use std::env;
use std::os::unix::process::CommandExt as _;
use std::process::Command;
use std::sync::Arc;

use super::run_arguments::Arguments;
use super::{Failure, config, logging};
use crate::app::{self, End};

/// Runs until a signal asks the process to end. With another wiring this process becomes the program anew, under the same number,
/// so that its service manager sees one process.
pub fn run(arguments: Arguments) -> Result<(), Failure> {
    let options = config::load(&arguments).map_err(|error| Failure::Usage(error.to_string()))?;
    let log = logging::start().map_err(|error| Failure::Refused(format!("cannot start the log: {error}")))?;
    tracing::debug!(?options, "these options are in force");
    let done = app::run(&options, Arc::clone(&log.ring)).map_err(|error| Failure::Refused(error.to_string()));
    log.flush(super::SAID_WITHIN);
    match done? {
        End::Asked => Ok(()),
        End::Restart => {
            let program = env::current_exe().map_err(|error| Failure::Refused(error.to_string()))?;
            let error = Command::new(program).args(env::args_os().skip(1)).exec();
            Err(Failure::Refused(format!("cannot start anew: {error}")))
        }
    }
}
