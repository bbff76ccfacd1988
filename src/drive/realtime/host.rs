//! Host checks by the files in /proc, /sys and /dev. Tests use another root.

use std::path::{Path, PathBuf};
use std::{fs, io};

use rustix::fs::{Access, access};

use super::report::{Item, Need};
use crate::layout;

/// Bits of the capabilities in /proc/self/status.
const CAP_IPC_LOCK: u32 = 14;
const CAP_SYS_NICE: u32 = 23;

/// First kernel version with a deadline server in place of the throttle.
const DEADLINE_SERVER_SINCE: (u32, u32) = (6, 12);

/// Folders in which the kernel shows its deadline server: for root, and where the unit binds it for the service.
const FAIR_SERVER: [&str; 2] = ["sys/kernel/debug/sched/fair_server", "run/yep-fair-server"];

/// A host, seen through its files.
#[derive(Debug, Clone)]
pub struct HostFiles {
    root: PathBuf,
}

impl HostFiles {
    /// The host that this process runs on.
    pub fn of_this_host() -> HostFiles {
        HostFiles::under("/")
    }

    /// A host whose files are below `root`.
    pub fn under(root: impl Into<PathBuf>) -> HostFiles {
        HostFiles { root: root.into() }
    }

    /// Text of a file, such as `proc/version`, without surrounding white space.
    pub fn read_text(&self, path: impl AsRef<Path>) -> Option<String> {
        // Files from the firmware end with a NUL.
        let text = fs::read_to_string(self.root.join(path)).ok()?;
        Some(text.trim_matches(|c: char| c.is_whitespace() || c == '\0').to_owned())
    }

    /// Checks that this user may read and write a file.
    ///
    /// # Errors
    /// The error of the system.
    pub fn check_access(&self, path: impl AsRef<Path>) -> io::Result<()> {
        Ok(access(self.root.join(path), Access::READ_OK | Access::WRITE_OK)?)
    }

    /// Final target of a symbolic link.
    pub fn resolve_link(&self, path: impl AsRef<Path>) -> Option<PathBuf> {
        fs::canonicalize(self.root.join(path)).ok()
    }

    /// Version of the kernel.
    pub fn kernel_version(&self) -> Option<(u32, u32)> {
        let release = self.read_text("proc/sys/kernel/osrelease")?;
        let mut numbers = release.split(|c: char| !c.is_ascii_digit()).map(str::parse);
        Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
    }

    /// Checks that the step loop's core is isolated from other programs.
    pub fn check_isolated_core(&self) -> Item {
        let core = layout::STEP_CPU;
        let list = self.read_text("sys/devices/system/cpu/isolated");
        let ok = list.as_deref().and_then(parse_core_list).is_some_and(|cores| cores.contains(&core));
        let got = match list.as_deref() {
            None => "cannot be read",
            Some("") => "none",
            Some(list) => list,
        };
        Item::new("isolated core", core.to_string(), got, ok)
            .remedy(format!(
                "add isolcpus={core} nohz_full={core} rcu_nocbs={core} to the kernel's command line and reboot"
            ))
            .need(Need::IsolatedCore)
    }

    /// Checks that the scheduler does not stop real-time threads for a part of each second.
    pub fn check_throttle(&self) -> Item {
        let runtime_us = self.read_text("proc/sys/kernel/sched_rt_runtime_us");
        let ok = runtime_us.as_deref() == Some("-1");
        Item::new("real-time throttle", "-1", runtime_us.unwrap_or("cannot be read".to_owned()), ok)
            .remedy("sysctl -w kernel.sched_rt_runtime_us=-1, and the same in /etc/sysctl.d")
            .need(Need::NoThrottle)
    }

    /// Checks that the kernel's deadline server does not give the step loop's core to ordinary threads.
    pub fn check_deadline_server(&self) -> Item {
        let core = layout::STEP_CPU;
        let version = self.kernel_version();
        let has_one = version.is_none_or(|version| version >= DEADLINE_SERVER_SINCE);
        let runtime =
            FAIR_SERVER.iter().find_map(|folder| self.read_text(format!("{folder}/cpu{core}/runtime")));
        let (got, ok) = match (has_one, runtime.as_deref()) {
            (false, _) => ("the kernel has none".to_owned(), true),
            (true, Some("0")) => ("off".to_owned(), true),
            (true, Some(runtime)) => (format!("{runtime} ns"), false),
            // A value that cannot be read does not count as off.
            (true, None) => ("cannot be read".to_owned(), false),
        };
        Item::new("deadline server", "off", got, ok)
            .remedy(format!("as root: echo 0 >/{}/cpu{core}/runtime; the unit does it", FAIR_SERVER[0]))
            .need(Need::NoDeadlineServer)
    }

    /// Checks that a process like this one may have real-time priorities up to `priority`.
    pub fn check_fifo_right(&self, priority: i32) -> Item {
        let limit = self.soft_limit("Max realtime priority");
        let allowed = limit.as_deref().and_then(|limit| limit.parse::<i32>().ok()).unwrap_or(0);
        let (got, ok) = if self.has_capability(CAP_SYS_NICE) {
            ("CAP_SYS_NICE".to_owned(), true)
        } else {
            (format!("no CAP_SYS_NICE, limit {allowed}"), allowed >= priority)
        };
        Item::new("right to priorities", format!("{priority}"), got, ok)
            .remedy(format!(
                "start it as the service (AmbientCapabilities=CAP_SYS_NICE, LimitRTPRIO={priority}); in a shell: \
                 ulimit -r {priority}, as /etc/security/limits.d allows it"
            ))
            .need(Need::Fifo)
    }

    /// Checks that a process like this one may lock all of its memory.
    pub fn check_lock_right(&self) -> Item {
        let limit = self.soft_limit("Max locked memory");
        let (got, ok) = match limit.as_deref() {
            _ if self.has_capability(CAP_IPC_LOCK) => ("CAP_IPC_LOCK".to_owned(), true),
            Some("unlimited") => ("unlimited".to_owned(), true),
            Some(bytes) => (format!("no CAP_IPC_LOCK, limit {bytes} bytes"), false),
            None => ("cannot be read".to_owned(), false),
        };
        Item::new("right to lock memory", "unlimited", got, ok)
            .remedy(
                "start it as the service (LimitMEMLOCK=infinity); in a shell: ulimit -l unlimited, as \
                 /etc/security/limits.d allows it",
            )
            .need(Need::LockedMemory)
    }

    fn has_capability(&self, bit: u32) -> bool {
        let status = self.read_text("proc/self/status").unwrap_or_default();
        let effective = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
        effective
            .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
            .is_some_and(|mask| mask & 1 << bit != 0)
    }

    /// Soft limit in /proc/self/limits: the first of the two figures behind its name.
    fn soft_limit(&self, name: &str) -> Option<String> {
        let limits = self.read_text("proc/self/limits")?;
        let figures = limits.lines().find_map(|line| line.strip_prefix(name))?;
        figures.split_whitespace().next().map(str::to_owned)
    }
}

/// Parses a list of cores as the kernel writes it: `0-2,5`.
pub fn parse_core_list(list: &str) -> Option<Vec<usize>> {
    let mut cores = Vec::new();
    for part in list.split(',').filter(|part| !part.is_empty()) {
        match part.split_once('-') {
            Some((first, last)) => cores.extend(first.parse::<usize>().ok()?..=last.parse().ok()?),
            None => cores.push(part.parse().ok()?),
        }
    }
    Some(cores)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(files: &[(&str, &str)]) -> (tempfile::TempDir, HostFiles) {
        let folder = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let host = HostFiles::under(folder.path());
        (folder, host)
    }

    fn judged(path: &str, text: &str, look: impl Fn(&HostFiles) -> Item) -> (bool, String) {
        let (_folder, host) = host(&[(path, text)]);
        let item = look(&host);
        (item.ok, item.got)
    }

    #[test]
    fn the_core_must_be_in_the_list() {
        for (list, ok) in
            [("", false), ("\n", false), ("3\n", true), ("1-3", true), ("0-2", false), ("x", false)]
        {
            assert_eq!(
                judged("sys/devices/system/cpu/isolated", list, HostFiles::check_isolated_core).0,
                ok,
                "{list:?}"
            );
        }
        assert_eq!(parse_core_list("0-2,5"), Some(vec![0, 1, 2, 5]));
    }

    #[test]
    fn only_minus_one_is_no_throttle() {
        for (said, ok) in [("-1\n", true), ("950000", false), ("0", false)] {
            assert_eq!(
                judged("proc/sys/kernel/sched_rt_runtime_us", said, HostFiles::check_throttle).0,
                ok,
                "{said:?}"
            );
        }
    }

    #[test]
    fn the_deadline_server_is_looked_at_where_there_is_one() {
        let release = "proc/sys/kernel/osrelease";
        let runtime = "sys/kernel/debug/sched/fair_server/cpu3/runtime";
        let bound = "run/yep-fair-server/cpu3/runtime";
        for (files, ok) in [
            (&[(release, "6.1.0-28-arm64")][..], true),
            (&[(release, "6.11.9")], true),
            (&[(release, "6.12.1+rpt")], false),
            (&[(release, "6.12.1"), (runtime, "50000000\n")], false),
            (&[(release, "6.12.1"), (runtime, "0\n")], true),
            (&[(release, "7.0.0"), (bound, "0\n")], true),
            (&[], false),
        ] {
            let (_folder, host) = host(files);
            assert_eq!(host.check_deadline_server().ok, ok, "{files:?}");
        }
    }

    #[test]
    fn a_right_is_a_capability_or_a_limit() {
        let status = |mask: &str| format!("Name:\tyep\nCapEff:\t{mask}\n");
        let limits = |priority: &str, locked: &str| {
            format!(
                "Max locked memory  {locked} {locked} bytes\nMax realtime priority  {priority} {priority}\n"
            )
        };
        for (mask, priority, locked, fifo, lock) in [
            ("0000000000000000", "0", "8388608", false, false),
            ("0000000000800000", "0", "8388608", true, false),
            ("0000000000004000", "0", "8388608", false, true),
            ("0000000000000000", "80", "unlimited", true, true),
            ("0000000000000000", "79", "unlimited", false, true),
        ] {
            let (status, limits) = (status(mask), limits(priority, locked));
            let (_folder, host) = host(&[("proc/self/status", &status), ("proc/self/limits", &limits)]);
            assert_eq!(
                (host.check_fifo_right(80).ok, host.check_lock_right().ok),
                (fifo, lock),
                "{mask} {priority} {locked}"
            );
        }
    }

    #[test]
    fn nothing_is_fine_on_a_host_that_says_nothing() {
        let host = HostFiles::under("/nowhere");
        let items = [
            host.check_isolated_core(),
            host.check_throttle(),
            host.check_deadline_server(),
            host.check_fifo_right(1),
            host.check_lock_right(),
        ];
        assert!(items.iter().all(|item| !item.ok && !item.remedy.is_empty()), "{items:#?}");
        assert_eq!(items.map(|item| item.need.unwrap()).len(), Need::ALL.len());
    }
}
