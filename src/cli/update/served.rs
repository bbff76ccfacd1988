//! One request of the server at the socket of the updates, on standard input and output: the server itself has no rights to
//! the card's partitions. A line of JSON says what is wanted; behind it comes the file, if one is to be taken.

use std::io::{self, BufRead as _, BufReader, Read};

use serde::Deserialize;

use super::install::{self, Arguments, Say};
use super::{Refusal, io_failure, refusal, slot};
use crate::cli::Failure;

/// Longest first line.
const REQUEST_BYTES: u64 = 4_096;

/// How an update is taken.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct TakeRequest {
    /// Also if it is older than the running system.
    pub allow_older: bool,
    /// Only verified.
    pub check: bool,
}

/// The first line. Fields that a newer server sends are ignored.
#[derive(Debug, Deserialize)]
struct ServedRequest {
    #[serde(default)]
    act: Act,
    #[serde(flatten)]
    take: TakeRequest,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Act {
    #[default]
    Take,
    Show,
    Try,
    Back,
}

/// Serves it.
pub fn serve(arguments: &Arguments, say: Say) -> Result<(), Refusal> {
    let mut source = BufReader::new(io::stdin());
    let mut line = String::new();
    let read = Read::take(&mut source, REQUEST_BYTES).read_line(&mut line);
    read.map_err(io_failure("the request")).map_err(refusal("source"))?;
    let request: ServedRequest = serde_json::from_str(&line)
        .map_err(|error| ("request", Failure::Usage(format!("the request: {error}"))))?;
    if matches!(request.act, Act::Take) {
        return install::install(arguments, source, &request.take, say);
    }

    let card = arguments.place.card_or_refusal()?;
    match request.act {
        Act::Try => slot::try_waiting(&card, &arguments.server, |title| say.restart(title)),
        Act::Back => slot::back(&card, &arguments.server, |title| say.restart(title)),
        Act::Show | Act::Take => {
            let mut shown = slot::shown(&card)?;
            shown["step"] = "slots".into();
            say.line(&shown, String::new).map_err(io_failure("nobody listens")).map_err(refusal("cancelled"))
        }
    }
}
