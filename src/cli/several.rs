//! The same request to several servers at the same time.

use std::sync::mpsc;
use std::thread;

use super::Failure;
use super::client::Address;

/// Does `act` with all servers at the same time, and hands each result to `done` when it is there.
pub fn with_each<T: Send>(
    servers: &[Address],
    act: impl Fn(&Address) -> Result<T, Failure> + Sync,
    mut done: impl FnMut(usize, Result<T, Failure>),
) {
    thread::scope(|scope| {
        let (sender, results) = mpsc::channel();
        for (index, server) in servers.iter().enumerate() {
            let (sender, act) = (sender.clone(), &act);
            scope.spawn(move || sender.send((index, act(server))));
        }
        drop(sender);
        results.into_iter().for_each(|(index, result)| done(index, result));
    });
}

/// What is to be said at the end when some of so many machines failed: with the severest exit code, as an unreachable machine
/// may do anything.
pub fn summary(failures: &[(String, Failure)], count: usize, what: &str) -> Result<(), Failure> {
    if failures.is_empty() {
        return Ok(());
    }
    let names: Vec<&str> = failures.iter().map(|(name, _)| name.as_str()).collect();
    let text = format!("{} of {count} machines {what}: {}", failures.len(), names.join(", "));
    let is_unreachable = failures.iter().any(|(_, failure)| matches!(failure, Failure::Unreachable(_)));
    Err(if is_unreachable { Failure::Unreachable(text) } else { Failure::Refused(text) })
}

/// The first line of a failure, as the others say what to do about one server.
pub fn first_line(failure: &Failure) -> String {
    failure.to_string().lines().next().unwrap_or_default().to_owned()
}
