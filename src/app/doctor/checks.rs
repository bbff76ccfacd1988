//! Host checks of `yep doctor`: driver, state folder, board, kernel, cores, interrupts, clocks, supply and devices.
//!
//! A start does not make these checks, as it would go on all the same, or fail by itself.

use std::io::ErrorKind;
use std::path::Path;

use rustix::fs::{Access, access};

use crate::drive::realtime::host::parse_core_list;
use crate::drive::realtime::{HostFiles, Item};
use crate::layout;
use crate::options::{Driver, Pins};

/// Number of cores that the layout needs.
fn cores_wanted() -> usize {
    let server = layout::SERVER_CPUS.into_iter().max().unwrap_or(0);
    1 + layout::STEP_CPU.max(layout::CONTROL_CPU).max(server)
}

const UNREADABLE: &str = "cannot be read";

fn read(host: &HostFiles, path: &str) -> Option<String> {
    host.read_text(path).filter(|text| !text.is_empty())
}

pub fn driver(driver: Driver) -> Item {
    let name = match driver {
        Driver::Sim => "sim",
        Driver::Gpio => "gpio",
        Driver::Remote => "remote",
    };
    Item::new("driver", name, name, true)
}

pub fn state_folder(folder: &Path) -> Item {
    let named = folder.display();
    let database = folder.join("db");
    // The database may belong to another user, even in a folder of this user.
    let wrong = if folder.exists() && !folder.is_dir() {
        Some("is no folder".to_owned())
    } else {
        let inside = folder.ancestors().find(|parent| parent.is_dir()).unwrap_or(Path::new("."));
        [inside, &database]
            .into_iter()
            .filter(|path| path.is_dir())
            .find_map(|path| access(path, Access::WRITE_OK | Access::EXEC_OK).err())
            .map(|error| std::io::Error::from(error).to_string())
    };
    let got = wrong.as_ref().map_or(named.to_string(), |wrong| format!("{named}: {wrong}"));
    Item::new("state folder", "can be written", got, wrong.is_none())
        .remedy(format!("chown -R it to who runs yep, or name another with --state-dir; now {named}"))
}

pub fn board(host: &HostFiles) -> Item {
    let model = read(host, "proc/device-tree/model");
    let is_pi = model.as_deref().is_some_and(|model| model.starts_with("Raspberry Pi"));
    let got = model.unwrap_or_else(|| format!("not a Raspberry Pi ({})", std::env::consts::ARCH));
    Item::new("board", "Raspberry Pi", got, is_pi).remedy("pins are those of a Raspberry Pi 3 or 4")
}

pub fn kernel(host: &HostFiles) -> Item {
    let release = read(host, "proc/sys/kernel/osrelease").unwrap_or(UNREADABLE.to_owned());
    let version = read(host, "proc/sys/kernel/version").unwrap_or_default();
    let real_time = read(host, "sys/kernel/realtime").as_deref() == Some("1");
    let preempt = if real_time {
        "PREEMPT_RT"
    } else {
        version.split_whitespace().find(|word| word.starts_with("PREEMPT")).unwrap_or("not preemptible")
    };
    let ok = preempt.starts_with("PREEMPT");
    Item::new("kernel", "preemptible", format!("{release}, {preempt}"), ok)
        .remedy("install a kernel with PREEMPT, or better PREEMPT_RT (Debian: linux-image-rt-arm64)")
}

pub fn cores(host: &HostFiles) -> Item {
    let wanted = cores_wanted();
    let online = read(host, "sys/devices/system/cpu/online");
    let count = online.as_deref().and_then(parse_core_list).map(|cores| cores.len());
    let got = count.map_or(UNREADABLE.to_owned(), |count| count.to_string());
    Item::new("cores", wanted.to_string(), got, count.is_some_and(|count| count >= wanted)).remedy(format!(
        "steps have core {}, the control cycle core {}: use a board with {wanted} cores",
        layout::STEP_CPU,
        layout::CONTROL_CPU
    ))
}

pub fn tick(host: &HostFiles) -> Item {
    let core = layout::STEP_CPU;
    let list = read(host, "sys/devices/system/cpu/nohz_full");
    let ok = list.as_deref().and_then(parse_core_list).is_some_and(|cores| cores.contains(&core));
    Item::new("core without tick", core.to_string(), list.unwrap_or("none".to_owned()), ok).remedy(format!(
        "add nohz_full={core} to the kernel's command line; kernels built without it ignore that"
    ))
}

pub fn interrupts(host: &HostFiles) -> Item {
    let core = layout::STEP_CPU;
    let mask = read(host, "proc/irq/default_smp_affinity");
    let ok = mask.as_deref().and_then(low_mask).is_some_and(|mask| mask >> core & 1 == 0);
    let got = mask.map_or(UNREADABLE.to_owned(), |mask| format!("mask {mask}"));
    Item::new("interrupts", format!("not on core {core}"), got, ok)
        .remedy("add irqaffinity= with the other cores to the kernel's command line")
}

/// Cores below 32 of a mask as the kernel writes it: `f`, or `ff,ffffffff` with the high ones first.
fn low_mask(mask: &str) -> Option<u64> {
    u64::from_str_radix(mask.rsplit(',').next()?, 16).ok()
}

pub fn governor(host: &HostFiles) -> Item {
    let core = layout::STEP_CPU;
    let path = |core| format!("sys/devices/system/cpu/cpu{core}/cpufreq/scaling_governor");
    let governor = read(host, &path(core)).or_else(|| read(host, &path(0)));
    // Without a governor the clock does not change.
    let ok = governor.as_deref().is_none_or(|governor| governor == "performance");
    Item::new("clock governor", "performance", governor.unwrap_or("none".to_owned()), ok)
        .remedy("add cpufreq.default_governor=performance to the kernel's command line")
}

pub fn clock_source(host: &HostFiles) -> Item {
    /// Clock sources that are read without a system call.
    const FAST: [&str; 3] = ["arch_sys_counter", "tsc", "kvm-clock"];
    let source = read(host, "sys/devices/system/clocksource/clocksource0/current_clocksource");
    let ok = source.as_deref().is_some_and(|source| FAST.contains(&source));
    Item::new("clock source", FAST.join(", "), source.unwrap_or(UNREADABLE.to_owned()), ok)
        .remedy("others take a system call, or longer; the kernel's log says why it chose this one")
}

pub fn wake_up(host: &HostFiles) -> Item {
    const DEVICE: &str = "/dev/cpu_dma_latency";
    device(host, "wake-up latency", DEVICE).remedy(format!(
        "a processor that sleeps deeply wakes late: let the group gpio write {DEVICE}, or add cpuidle.off=1 to the \
         kernel's command line"
    ))
}

/// Flags of the firmware, now and since power-on: under-voltage, lowered clock, throttled, soft limit of temperature.
pub fn power(host: &HostFiles) -> Item {
    const NOW: u32 = 0xf;
    const SINCE_POWER_ON: u32 = 0xf << 16;
    let said = read(host, "sys/devices/platform/soc/soc:firmware/get_throttled");
    let flags =
        said.as_deref().and_then(|flags| u32::from_str_radix(flags.trim_start_matches("0x"), 16).ok());
    let (got, ok) = match flags {
        None => (UNREADABLE.to_owned(), false),
        Some(flags) if flags & NOW != 0 => (format!("throttled now ({flags:#x})"), false),
        Some(flags) if flags & SINCE_POWER_ON != 0 => (format!("throttled before ({flags:#x})"), false),
        Some(_) => ("never throttled".to_owned(), true),
    };
    Item::new("power and heat", "never throttled", got, ok)
        .remedy("a stronger power supply, a shorter cable, a heat sink; only a Pi's own kernel tells this")
}

/// The chip of a Pi 5, whose pins are those of another one behind it, with registers of their own.
const PI_5: &str = "brcm,bcm2712";

pub fn gpio(host: &HostFiles) -> Item {
    let pick = |name| device(host, "pins", name);
    // The registers, through either device, and the kernel's list of claimed lines.
    let is_pi_5 = host.read_text("proc/device-tree/compatible").is_some_and(|board| board.contains(PI_5));
    let ways: &[&'static str] = if is_pi_5 { &["/dev/gpiomem0"] } else { &["/dev/gpiomem", "/dev/mem"] };
    let memory: Vec<Item> = ways.iter().copied().map(pick).collect();
    let registers = memory.iter().find(|way| way.ok).unwrap_or(&memory[0]).clone();
    let chip = pick("/dev/gpiochip0");
    let ok = registers.ok && chip.ok;
    let got = match (registers.ok, chip.ok) {
        (true, true) => format!("{}, {}", registers.got, chip.got),
        (false, _) => registers.got,
        (true, false) => chip.got,
    };
    let wanted = if is_pi_5 { "/dev/gpiomem0 and /dev/gpiochip0" } else { "/dev/gpiomem and /dev/gpiochip0" };
    Item::new("pins", wanted, got, ok).remedy("run it on a Raspberry Pi, as a user of the group gpio")
}

/// The configured pins, to compare with the cables.
pub fn wiring(pins: &Pins) -> Item {
    let named = |(key, pin): (&'static str, u8)| format!("{} {pin}", key.trim_start_matches("pins."));
    let got = pins.wired().map(named).collect::<Vec<_>>().join(", ");
    Item::new("wiring", "of the options", got, true)
}

pub fn uart(host: &HostFiles, line: &Path) -> Item {
    device(host, "sensor's line", &line.display().to_string())
        .remedy("enable_uart=1 and dtoverlay=disable-bt in config.txt, and a user of the group dialout")
}

pub fn i2c(host: &HostFiles) -> Item {
    device(host, "older load cell", &format!("/dev/i2c-{}", layout::I2C_BUS))
        .remedy("dtparam=i2c_arm=on in config.txt, the module i2c-dev, and a user of the group i2c")
}

/// Checks that this user may read and write a device.
fn device(host: &HostFiles, what: &'static str, path: &str) -> Item {
    let (got, ok) = match host.check_access(path.trim_start_matches('/')) {
        Ok(()) => (path.to_owned(), true),
        Err(error) => {
            let why = match error.kind() {
                ErrorKind::NotFound => "not there".to_owned(),
                ErrorKind::PermissionDenied => "not for this user".to_owned(),
                _ => error.to_string(),
            };
            (format!("{path}: {why}"), false)
        }
    };
    Item::new(what, path, got, ok)
}
