//! Rules between layout.toml and the files around the program: firmware, kernel, mounts, service manager.

use super::files::{Files, numbers_of};
use super::schema::Layout;

/// Every broken rule, as in `check`.
pub fn boot(layout: &Layout, files: &Files) -> Vec<String> {
    let mut broken = Vec::new();
    let mut require = |holds: bool, sentence: String| {
        if !holds {
            broken.push(sentence);
        }
    };
    for (line, why) in [
        ("arm_64bit=1", "cpu: the program is a 64-bit one"),
        ("enable_uart=1", "uart.device: the sensor's line"),
        ("dtoverlay=disable-bt", "uart.device: Bluetooth takes the good UART"),
        ("dtparam=i2c_arm=on", "i2c.bus: the older load cell's bus"),
        ("dtparam=watchdog=on", "watchdog.hardware_s: the chip's watchdog"),
    ] {
        require(files.config_says(line), format!("{why}: boot/config.txt must say {line}"));
    }
    let on_the_uart =
        |console: &str| ["serial", "ttyAMA", "ttyS"].iter().any(|uart| console.starts_with(uart));
    require(
        !files.kernel_parameters("console").any(on_the_uart),
        "uart.device: boot/cmdline.txt must not put a console there, which the sensor board would read"
            .into(),
    );
    require(
        files.kernel_words().any(|word| word == "ro"),
        "disk.partition root_a: boot/cmdline.txt must say ro, so that a power cut finds nothing half-written"
            .into(),
    );
    let panic_s = files.kernel_parameter("panic").and_then(numbers_of).unwrap_or_default();
    require(
        matches!(panic_s[..], [seconds] if seconds > 0),
        "watchdog: boot/cmdline.txt must restart a kernel that gave up, with panic=".into(),
    );

    let mounts: Vec<_> = files.mounts().collect();
    let root_is_ro =
        mounts.iter().any(|mount| mount.at == "/" && mount.options.split(',').any(|option| option == "ro"));
    require(root_is_ro, "disk.partition root_a: fstab must mount / with ro".into());
    require(
        mounts.iter().all(|mount| mount.filesystem != "swap"),
        "ram: fstab must have no swap: it wears the card, and stalls whoever waits for it".into(),
    );
    let data = layout
        .disk
        .partition
        .iter()
        .find(|part| part.name == "data")
        .map(|part| format!("LABEL={}", part.label));
    let holds_state = mounts.iter().any(|mount| {
        data.as_deref() == Some(mount.what) && layout.state.directory.starts_with(&format!("{}/", mount.at))
    });
    require(
        holds_state,
        format!(
            "state.directory = {:?}: fstab must mount the data partition above it",
            layout.state.directory
        ),
    );
    require(
        files.sysctl_value("vm.swappiness") == Some("0"),
        "ram: sysctl.conf must say vm.swappiness = 0".into(),
    );

    for (key, value) in [("Type", "notify"), ("Restart", "on-failure")] {
        require(
            files.unit_value(key) == Some(value),
            format!("watchdog.service_s: yep.service must say {key}={value}"),
        );
    }
    let service_s = layout.watchdog.service_s;
    require(
        files.unit_value("WatchdogSec") == Some(&service_s.to_string()),
        format!("watchdog.service_s = {service_s}: yep.service must say WatchdogSec={service_s}"),
    );
    let config = files
        .unit_value("ExecStart")
        .and_then(|command| command.split_once("--config "))
        .map(|(_, file)| file);
    let after = files.unit_value("ExecStopPost").unwrap_or_default();
    require(
        after.contains("yep safe-pins") && config.is_some_and(|file| after.ends_with(&format!("--config {file}"))),
        "gpio: yep.service must make the pins safe after the end, with ExecStopPost= and the file of ExecStart=".into(),
    );
    let groups = files.unit_value("SupplementaryGroups").unwrap_or_default();
    for (group, of) in [("gpio", "gpio"), ("dialout", "uart.device"), ("i2c", "i2c.bus")] {
        require(
            groups.split(' ').any(|known| known == group),
            format!("{of}: yep.service must be of the group {group} with SupplementaryGroups="),
        );
    }
    let hardware_s = layout.watchdog.hardware_s;
    require(
        files.manager_value("RuntimeWatchdogSec") == Some(&hardware_s.to_string()),
        format!("watchdog.hardware_s = {hardware_s}: manager.conf must say RuntimeWatchdogSec={hardware_s}"),
    );
    broken
}
