//! Id and time of the commit, from git.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Id of the commit, and the files whose change means another commit. `None` outside a checkout of this very package:
/// the commit of a repository that merely contains it would be wrong.
pub fn commit(package: &Path) -> Option<(String, Vec<PathBuf>)> {
    let git = |arguments: &[&str]| {
        let output = Command::new("git").arg("-C").arg(package).args(arguments).output().ok()?;
        let text = String::from_utf8(output.stdout).ok()?.trim().to_owned();
        output.status.success().then_some(text)
    };
    if !git(&["rev-parse", "--show-prefix"])?.is_empty() {
        return None;
    }
    let id = git(&["rev-parse", "--short=12", "HEAD"])?;
    // HEAD changes with the branch, its log with each commit.
    let watched = ["HEAD", "logs/HEAD"]
        .iter()
        .filter_map(|name| Some(package.join(git(&["rev-parse", "--git-path", name])?)))
        // Cargo takes a missing file for a changed one, and would rebuild each time.
        .filter(|path| path.exists())
        .collect();
    Some((id, watched))
}

/// Time of the commit of this very package (s since 1970).
pub fn commit_time(package: &Path) -> Option<u64> {
    commit(package)?;
    let time =
        Command::new("git").arg("-C").arg(package).args(["log", "-1", "--format=%ct"]).output().ok()?;
    String::from_utf8(time.stdout).ok()?.trim().parse().ok()
}
