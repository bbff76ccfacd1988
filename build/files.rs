//! Parsers for the files that must agree with layout.toml, as far as the rules need them.

/// Texts of these files.
#[derive(Debug, Clone)]
pub struct Files {
    /// memory-layout/boot/cmdline.txt, the kernel's command line.
    pub cmdline: String,
    /// memory-layout/boot/config.txt, read by the Pi's firmware.
    pub config: String,
    /// memory-layout/fstab.
    pub fstab: String,
    /// memory-layout/sysctl.conf.
    pub sysctl: String,
    /// systemd/yep.service.
    pub unit: String,
    /// systemd/manager.conf, for the service manager itself.
    pub manager: String,
}

/// A line of fstab.
#[derive(Debug, Clone, Copy)]
pub struct Mount<'a> {
    /// A device or a label.
    pub what: &'a str,
    /// Mount point.
    pub at: &'a str,
    /// File system.
    pub filesystem: &'a str,
    /// Mount options.
    pub options: &'a str,
}

impl Files {
    /// The words of the kernel's command line.
    pub fn kernel_words(&self) -> impl Iterator<Item = &str> {
        self.cmdline.split_whitespace()
    }

    /// The values of each `key=` there.
    pub fn kernel_parameters(&self, key: &str) -> impl Iterator<Item = &str> {
        self.kernel_words().filter_map(move |word| word.strip_prefix(key)?.strip_prefix('='))
    }

    /// The value of `key=` on the kernel's command line.
    pub fn kernel_parameter(&self, key: &str) -> Option<&str> {
        self.kernel_parameters(key).next()
    }

    /// The value of `key=` in the unit; the last one counts.
    pub fn unit_value(&self, key: &str) -> Option<&str> {
        value(&self.unit, key)
    }

    /// The same of the service manager's own file.
    pub fn manager_value(&self, key: &str) -> Option<&str> {
        value(&self.manager, key)
    }

    /// True if config.txt has this line.
    pub fn config_says(&self, wanted: &str) -> bool {
        lines(&self.config).any(|line| line == wanted)
    }

    /// The value of `key =` in sysctl.conf.
    pub fn sysctl_value(&self, key: &str) -> Option<&str> {
        lines(&self.sysctl)
            .filter_map(|line| Some(line.strip_prefix(key)?.trim_start().strip_prefix('=')?.trim()))
            .last()
    }

    /// State of a pin in config.txt, as in `gpio=23,24=op,dl`; the last line counts.
    pub fn pin_state(&self, pin: u8) -> Option<&str> {
        lines(&self.config)
            .filter_map(|line| line.strip_prefix("gpio=")?.split_once('='))
            .filter(|(pins, _)| numbers_of(pins).is_some_and(|pins| pins.contains(&usize::from(pin))))
            .map(|(_, state)| state)
            .last()
    }

    /// The lines of fstab.
    pub fn mounts(&self) -> impl Iterator<Item = Mount<'_>> {
        lines(&self.fstab).filter_map(|line| {
            let mut fields = line.split_whitespace();
            let (what, at) = (fields.next()?, fields.next()?);
            Some(Mount { what, at, filesystem: fields.next()?, options: fields.next()? })
        })
    }

    /// The label and the file system of each labelled line of fstab.
    pub fn labels(&self) -> impl Iterator<Item = (&str, &str)> {
        self.mounts().filter_map(|mount| Some((mount.what.strip_prefix("LABEL=")?, mount.filesystem)))
    }
}

/// The value of `key=` in a file of systemd; the last one counts.
fn value<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    lines(text).filter_map(|line| line.strip_prefix(key)?.strip_prefix('=')).last()
}

/// Lines that are neither empty nor comments.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'))
}

/// Parses a list as kernel, firmware and systemd write it: `0-2`, `0,1`, `0 1`.
pub fn numbers_of(list: &str) -> Option<Vec<usize>> {
    let mut numbers = Vec::new();
    for part in list.split([',', ' ']).filter(|part| !part.is_empty()) {
        match part.split_once('-') {
            Some((first, last)) => numbers.extend(first.parse::<usize>().ok()?..=last.parse().ok()?),
            None => numbers.push(part.parse().ok()?),
        }
    }
    Some(numbers)
}
