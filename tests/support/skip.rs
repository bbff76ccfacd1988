//! Report of a test that this computer cannot run.

use std::io::Write as _;

/// Says that `test` was left out, and why, past the harness, which would keep it for itself. scripts/test fails for it in CI.
pub fn skip(test: &str, why: &str) {
    // Not `eprintln!`: the test harness catches what that prints.
    #[allow(clippy::explicit_write)]
    writeln!(std::io::stderr(), "SKIPPED: {test}: {why}").unwrap();
}
