//! The pairing code that was written on the card: taken over into the store, as a hash.

use std::env;
use std::path::PathBuf;

use crate::api::access::pairing::Pairing;
use crate::files;

/// Names the file that the card's set-up made of its line `pairing_code`.
const FILE: &str = "YEP_CARD_CODE";
/// A code is short.
const MOST_BYTES: usize = 1_024;

/// Takes the code over, if there is one. The set-up blanks it on the card once the server has started.
pub async fn take_over(pairing: &Pairing) {
    let Some(file) = env::var_os(FILE).map(PathBuf::from) else { return };
    let written = match files::read_regular(&file, MOST_BYTES) {
        Ok(written) => written,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return,
        Err(error) => {
            tracing::warn!(%error, "the pairing code of the card cannot be read");
            return;
        }
    };
    let outcome = match String::from_utf8(written) {
        Ok(text) => pairing.take_card_code(&text).await,
        Err(_) => Err("pairing_code is no text".to_owned()),
    };
    match outcome {
        Ok(()) => tracing::info!("the card has a pairing code, which is good once"),
        Err(why) => tracing::warn!("the pairing code of the card is not taken: {why}"),
    }
}
