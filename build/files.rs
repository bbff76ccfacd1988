//! The files that must agree with layout.toml, and just enough of their syntax to ask them.

/// Their texts.
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
}

impl Files {
    /// The value of `key=` on the kernel's command line.
    pub fn kernel_parameter(&self, key: &str) -> Option<&str> {
        self.cmdline.split_whitespace().find_map(|word| word.strip_prefix(key)?.strip_prefix('='))
    }

    /// The value of `key=` in the unit; the last one counts.
    pub fn unit_value(&self, key: &str) -> Option<&str> {
        lines(&self.unit).filter_map(|line| line.strip_prefix(key)?.strip_prefix('=')).last()
    }

    /// The value of `key =` in sysctl.conf.
    pub fn sysctl_value(&self, key: &str) -> Option<&str> {
        lines(&self.sysctl)
            .filter_map(|line| Some(line.strip_prefix(key)?.trim_start().strip_prefix('=')?.trim()))
            .last()
    }

    /// What config.txt makes of a pin, as in `gpio=23,24=op,dl`; the last line counts.
    pub fn pin_state(&self, pin: u8) -> Option<&str> {
        lines(&self.config)
            .filter_map(|line| line.strip_prefix("gpio=")?.split_once('='))
            .filter(|(pins, _)| numbers_of(pins).is_some_and(|pins| pins.contains(&usize::from(pin))))
            .map(|(_, state)| state)
            .last()
    }

    /// The label and the file system of each labelled line of fstab.
    pub fn labels(&self) -> impl Iterator<Item = (&str, &str)> {
        lines(&self.fstab).filter_map(|line| {
            let mut fields = line.split_whitespace();
            let label = fields.next()?.strip_prefix("LABEL=")?;
            Some((label, fields.nth(1)?))
        })
    }
}

/// The lines that say something.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'))
}

/// A list as kernel, firmware and systemd write it: `0-2`, `0,1`, `0 1`.
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
