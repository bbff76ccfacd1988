//! Report of a test that this computer cannot run.

use std::io::Write as _;

/// Reports that `test` was skipped, and why, past the test harness, which would swallow the line. scripts/test fails
/// for it in CI.
pub fn skip(test: &str, why: &str) {
    // Not `eprintln!`: the test harness captures its output.
    #[allow(clippy::explicit_write)]
    writeln!(std::io::stderr(), "SKIPPED: {test}: {why}").unwrap();
}
