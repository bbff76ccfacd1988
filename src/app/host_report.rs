//! The checks of this computer as data, for the support file.

use std::path::Path;

use serde_json::{Value, json};

use super::{appliance, doctor};
use crate::drive::realtime::HostFiles;
use crate::options::Options;

/// The checks of a start with these options, and the comparison with the layout.
pub fn of(options: &Options, root: &Path) -> Value {
    let files = HostFiles::under(root);
    json!({ "doctor": doctor::examine(options, &files), "layout": appliance::compare(&files) })
}
