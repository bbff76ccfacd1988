//! The number of a machine: it stays the same while its name, its address and its settings change.
//!
//! Topics of a broker and entries of a dashboard hang on it. It is a file of its own in the state folder, so neither a reset of
//! the settings nor the backup of another machine changes it. It is no secret.

use std::path::Path;

use crate::files;

/// File in the state folder.
const FILE: &str = "machine-id";
/// Bytes of the number: enough for all machines of any house.
const ID_BYTES: usize = 6;
const FILE_BYTES: usize = 64;
/// Bytes of one label of a name in DNS.
const LABEL_BYTES: usize = 63;

/// The number of the machine whose state is in this folder, as hexadecimal digits. The first start of a machine makes it. If it
/// cannot be stored, there is one for this start only.
#[must_use]
pub fn of_state_folder(state_dir: &Path) -> String {
    let file = state_dir.join(FILE);
    let stored = files::read_regular(&file, FILE_BYTES).ok().and_then(|text| String::from_utf8(text).ok());
    if let Some(id) = stored.as_deref().map(str::trim).filter(|id| is_id(id)) {
        return id.to_owned();
    }
    let id = new_id();
    if let Err(error) = files::replace(&file, format!("{id}\n").as_bytes()) {
        tracing::warn!(%error, "the number of this machine cannot be stored: the next start has another one");
    }
    id
}

/// Returns whether a text has the form of such a number.
#[must_use]
pub fn is_id(text: &str) -> bool {
    text.len() == 2 * ID_BYTES
        && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

/// A name in the network that no other machine has: `yep-` and the number, without a domain.
#[must_use]
pub fn unique_host(id: &str) -> String {
    format!("yep-{id}")
}

/// The name of a machine's entry in lists of services, which no other machine has: its name and its number. That two of one name would
/// agree who gives way is not to be relied on: of twenty that are switched on together, several keep the name, and who looks for them
/// sees one of those only.
#[must_use]
pub fn unique_entry(name: &str, id: &str) -> String {
    let room = LABEL_BYTES - id.len() - 1;
    let cut = (0..=room.min(name.len())).rev().find(|at| name.is_char_boundary(*at)).unwrap_or(0);
    format!("{} {id}", &name[..cut])
}

fn new_id() -> String {
    let mut bytes = [0; ID_BYTES];
    // Without randomness all zeros: a number still, which another machine may have as well.
    let _ = getrandom::fill(&mut bytes);
    data_encoding::HEXLOWER.encode(&bytes)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn it_stays_and_differs_between_machines() {
        let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let id = of_state_folder(one.path());
        assert!(is_id(&id), "{id}");
        assert_eq!(of_state_folder(one.path()), id);
        assert_ne!(of_state_folder(other.path()), id);
    }

    #[test]
    fn an_entry_has_name_and_number_and_is_a_label() {
        assert_eq!(unique_entry("left", "0123456789ab"), "left 0123456789ab");
        for name in ["a".repeat(63), "\u{e4}".repeat(31)] {
            let entry = unique_entry(&name, "0123456789ab");
            assert!(entry.len() <= LABEL_BYTES && entry.len() >= LABEL_BYTES - 1, "{entry}");
            assert!(entry.ends_with(" 0123456789ab"), "{entry}");
        }
    }

    #[test]
    fn a_damaged_one_is_replaced_and_a_missing_folder_is_no_end() {
        let folder = tempfile::tempdir().unwrap();
        for damaged in ["", "0123456789AB", "0123456789abc", "\u{fffd}", "0123456789a/"] {
            fs::write(folder.path().join(FILE), damaged).unwrap();
            let id = of_state_folder(folder.path());
            assert!(is_id(&id) && id != damaged, "{id}");
            assert_eq!(of_state_folder(folder.path()), id);
        }
        assert!(is_id(&of_state_folder(&folder.path().join("nowhere"))));
    }
}
