//! Comparison of this system with memory-layout/: the report of `yep layout --check`.
//!
//! It changes nothing. The files of the appliance are compiled in, so the comparison is always with the system that
//! this very program was built for.

use std::collections::BTreeMap;
use std::io::ErrorKind;

use serde::Serialize;

use crate::drive::realtime::HostFiles;
use crate::layout;

const CMDLINE: &str = include_str!("../../memory-layout/boot/cmdline.txt");
const SYSCTL: &str = include_str!("../../memory-layout/sysctl.conf");
const FSTAB: &str = include_str!("../../memory-layout/fstab");
const UNIT: &str = include_str!("../../systemd/yep.service");
const MANAGER: &str = include_str!("../../systemd/manager.conf");

/// The user of the service, and the groups that give it its devices.
const USER: &str = "yep";
const GROUPS: [&str; 3] = ["gpio", "dialout", "i2c"];

/// Result of a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Comparison {
    /// As in the layout.
    Ok,
    /// Different from the layout.
    Differs,
    /// This system does not show it.
    CannotTell,
}

/// A compared property.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Compared {
    /// Its name.
    pub what: String,
    /// Value in the layout.
    pub wanted: String,
    /// Value of this system; `None` if it does not show it.
    pub found: Option<String>,
    /// Result of the comparison.
    pub verdict: Comparison,
}

impl Compared {
    fn new(what: impl Into<String>, wanted: impl Into<String>, found: Option<String>) -> Compared {
        let (what, wanted) = (what.into(), wanted.into());
        let verdict = match &found {
            None => Comparison::CannotTell,
            Some(found) if *found == wanted => Comparison::Ok,
            Some(_) => Comparison::Differs,
        };
        Compared { what, wanted, found, verdict }
    }
}

/// Compares a system with the layout, from the card to the service.
pub fn compare(host: &HostFiles) -> Vec<Compared> {
    let mut all = Vec::new();
    all.extend(card(host));
    all.extend(kernel_parameters(host));
    all.push(isolated(host));
    all.extend(sysctls(host));
    all.extend(mounts(host));
    all.extend(devices(host));
    all.extend(groups(host));
    all.push(installed(host, "service unit", UNIT, &["system/yep.service"]));
    all.push(installed(host, "manager's watchdog", MANAGER, &["system.conf.d/yep.conf"]));
    all
}

/// Lines that are neither empty nor comments.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'))
}

fn card(host: &HostFiles) -> impl Iterator<Item = Compared> {
    const SECTORS_IN_MIB: u64 = 2_048;
    layout::PARTITIONS.iter().map(|part| {
        let link = format!("dev/disk/by-partuuid/{}-{:02}", layout::CARD_ID, part.number);
        let device = host.resolve_link(link);
        let name = device.as_ref().and_then(|device| device.file_name()?.to_str());
        let mib = |what: &str| {
            let sectors: u64 = host.read_text(format!("sys/class/block/{}/{what}", name?))?.parse().ok()?;
            Some(sectors / SECTORS_IN_MIB)
        };
        let at = |start_mib, size_mib| format!("{size_mib} MiB at {start_mib}");
        let wanted = at(part.start_mib, part.size_mib);
        let found = mib("start").zip(mib("size")).map(|(start_mib, size_mib)| {
            // A partition that grows has at least its first size.
            let grown = part.grows && size_mib >= part.size_mib;
            at(start_mib, if grown { part.size_mib } else { size_mib })
        });
        Compared::new(format!("partition {}", part.name), wanted, found)
    })
}

fn kernel_parameters(host: &HostFiles) -> Vec<Compared> {
    let said = host.read_text("proc/cmdline");
    let compared = CMDLINE.split_whitespace().map(|wanted| {
        // The line of system a; that of system b names its own root partition.
        let other = wanted.replace(&root_of("root_a"), &root_of("root_b"));
        let is_other = said.as_ref().is_some_and(|said| said.split_whitespace().any(|word| word == other));
        let wanted = if is_other { other.as_str() } else { wanted };
        let key = wanted.split_once('=').map_or(wanted, |(key, _)| key);
        let found = said.as_ref().map(|said| {
            let same_key = |word: &&str| word.split_once('=').map_or(*word, |(key, _)| key) == key;
            let mut words: Vec<&str> = said.split_whitespace().filter(same_key).collect();
            // A key may be given several times; then one match is enough.
            if words.contains(&wanted) {
                words = vec![wanted];
            }
            if words.is_empty() { "not given".to_owned() } else { words.join(" ") }
        });
        Compared::new(format!("kernel: {key}"), wanted, found)
    });
    compared.collect()
}

/// How the kernel finds the partition of this name.
fn root_of(name: &str) -> String {
    let number = layout::PARTITIONS.iter().find(|part| part.name == name).map_or(0, |part| part.number);
    format!("root=PARTUUID={}-{number:02}", layout::CARD_ID)
}

fn isolated(host: &HostFiles) -> Compared {
    let core = layout::STEP_CPU.to_string();
    let found = host.read_text("sys/devices/system/cpu/isolated");
    Compared::new(
        "isolated cores",
        core,
        found.map(|list| if list.is_empty() { "none".into() } else { list }),
    )
}

fn sysctls(host: &HostFiles) -> impl Iterator<Item = Compared> {
    lines(SYSCTL).filter_map(|line| line.split_once('=')).map(|(key, wanted)| {
        let key = key.trim();
        Compared::new(key, wanted.trim(), host.read_text(format!("proc/sys/{}", key.replace('.', "/"))))
    })
}

fn mounts(host: &HostFiles) -> Vec<Compared> {
    let said = host.read_text("proc/self/mounts");
    let mounted: Option<BTreeMap<&str, String>> = said.as_ref().map(|said| {
        let fields = said.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
        // The last mount on a path is the visible one.
        fields.filter_map(|f| Some((*f.get(1)?, mount_mode(f.get(2)?, f.get(3)?)))).collect()
    });
    let wanted = lines(FSTAB).map(|line| line.split_whitespace().collect::<Vec<_>>());
    let compared = wanted.filter_map(|fields| {
        let (at, wanted) = (*fields.get(1)?, mount_mode(fields.get(2)?, fields.get(3)?));
        let found = mounted.as_ref().map(|all| all.get(at).cloned().unwrap_or("not mounted".into()));
        Some(Compared::new(format!("mount {at}"), wanted, found))
    });
    compared.collect()
}

/// The compared properties of a mount: the file system, and whether it is writable.
fn mount_mode(filesystem: &str, options: &str) -> String {
    let is_ro = options.split(',').any(|option| option == "ro");
    format!("{filesystem}, {}", if is_ro { "read-only" } else { "written" })
}

fn devices(host: &HostFiles) -> Vec<Compared> {
    let bus = format!("/dev/i2c-{}", layout::I2C_BUS);
    // Either of the first two gives access to the registers of the pins.
    let wanted: [&[&str]; 5] = [
        &["/dev/gpiomem", "/dev/mem"],
        &["/dev/gpiochip0"],
        &[layout::UART_DEVICE],
        &[&bus],
        &["/dev/watchdog0"],
    ];
    let is_there = |path: &&&str| match host.check_access(path.trim_start_matches('/')) {
        Ok(()) => true,
        Err(error) => error.kind() != ErrorKind::NotFound,
    };
    let compared = wanted.iter().map(|paths| {
        let there = paths.iter().find(is_there);
        let wanted = there.unwrap_or(&paths[0]);
        Compared::new("device", *wanted, Some(there.map_or("not there", |path| path).to_owned()))
    });
    compared.collect()
}

fn groups(host: &HostFiles) -> Vec<Compared> {
    let said = host.read_text("etc/group");
    let compared = GROUPS.iter().map(|group| {
        let found = said.as_ref().map(|said| {
            let members = said.lines().find_map(|line| {
                let mut fields = line.split(':');
                (fields.next() == Some(group)).then(|| fields.nth(2).unwrap_or_default())
            });
            match members {
                None => "no such group".to_owned(),
                Some(members) if members.split(',').any(|member| member == USER) => USER.to_owned(),
                Some(members) => format!("only {members:?}"),
            }
        });
        Compared::new(format!("group {group}"), USER, found)
    });
    compared.collect()
}

/// Compares a file of systemd, in the first of the folders where it may be.
fn installed(host: &HostFiles, what: &str, text: &str, names: &[&str]) -> Compared {
    const FOLDERS: [&str; 3] = ["etc/systemd", "usr/lib/systemd", "lib/systemd"];
    let paths = FOLDERS.iter().flat_map(|folder| names.iter().map(move |name| format!("{folder}/{name}")));
    let found = paths.filter_map(|path| host.read_text(path)).next().map_or("not installed", |found| {
        if lines(&found).eq(lines(text)) { "this version's" } else { "another one" }
    });
    Compared::new(what, "this version's", Some(found.to_owned()))
}
