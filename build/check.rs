//! Rules of the layout. Each is one `require` with a sentence that names the key and the rule; tests/layout.rs breaks
//! each of them once.

use std::collections::BTreeSet;

use super::boot::boot;
use super::files::{Files, numbers_of};
use super::schema::{Direction, Layout, Level, Pull, Role, RoleName};

/// Longest timeout of the chip's watchdog.
const HARDWARE_WATCHDOG_MAX_S: u64 = 15;
/// Highest number of a partition that the table's first sector describes.
const LAST_FIRST_SECTOR_PARTITION: u8 = 4;
/// BCM pins below this one are pulled up at power-on, the others pulled down.
const FIRST_PULLED_DOWN_PIN: u8 = 9;
/// Highest pin of the 40-pin header.
const LAST_PIN: u8 = 27;

/// Every broken rule, as a sentence that begins with the key; empty if the layout is valid.
pub fn check(layout: &Layout, files: &Files) -> Vec<String> {
    let mut broken = Broken(Vec::new());
    disk(layout, files, &mut broken);
    cpu(layout, files, &mut broken);
    ram(layout, files, &mut broken);
    motion(layout, &mut broken);
    gpio(layout, files, &mut broken);
    buses(layout, &mut broken);
    state(layout, files, &mut broken);
    watchdog(layout, &mut broken);
    limits(layout, &mut broken);
    broken.0.extend(boot(layout, files));
    broken.0
}

struct Broken(Vec<String>);

impl Broken {
    fn require(&mut self, holds: bool, sentence: impl FnOnce() -> String) {
        if !holds {
            self.0.push(sentence());
        }
    }
}

fn disk(layout: &Layout, files: &Files, broken: &mut Broken) {
    let disk = &layout.disk;
    let parts = &disk.partition;
    let names: Vec<(&str, u8)> = parts.iter().map(|part| (part.name.as_str(), part.number)).collect();
    let wanted = [("boot", 1), ("boot_a", 2), ("boot_b", 3), ("root_a", 5), ("root_b", 6), ("data", 7)];
    broken.require(names == wanted, || {
        format!("disk.partition: must be {wanted:?}, in this order, and is {names:?}")
    });
    broken.require(disk.version > 0, || "disk.version: must be above 0".into());
    let id = &disk.id;
    broken.require(id.len() == 8 && id.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')), || {
        format!("disk.id: must have 8 hexadecimal digits, and is {id:?}")
    });
    for part in parts {
        broken.require(part.start_mib > 0 && part.size_mib > 0, || {
            format!("disk.partition {}: start_mib and size_mib must be above 0", part.name)
        });
    }
    for pair in parts.windows(2) {
        // Each partition above 4 has a sector of the table before it.
        let gap_mib = u64::from(pair[1].number > LAST_FIRST_SECTOR_PARTITION);
        broken.require(pair[0].start_mib + pair[0].size_mib + gap_mib <= pair[1].start_mib, || {
            format!("disk.partition {}: overlaps {}, or its table", pair[1].name, pair[0].name)
        });
        broken.require(!pair[0].grows, || {
            format!("disk.partition {}: only the last partition can grow", pair[0].name)
        });
    }
    if let Some(last) = parts.last() {
        broken.require(last.start_mib + last.size_mib <= disk.card_mib, || {
            format!("disk.partition {}: ends after disk.card_mib = {}", last.name, disk.card_mib)
        });
    }
    if let [_, boot_a, boot_b, root_a, root_b, _] = &parts[..] {
        for (a, b) in [(boot_a, boot_b), (root_a, root_b)] {
            broken.require(a.size_mib == b.size_mib, || {
                format!("disk.partition {}: must be as large as {}, whose successor it takes", b.name, a.name)
            });
        }
        let root = format!("PARTUUID={id}-{:02}", root_a.number);
        broken.require(files.kernel_parameter("root") == Some(&root), || {
            format!("disk.partition root_a: boot/cmdline.txt must say root={root}")
        });
    }
    for (label, filesystem) in files.labels() {
        broken.require(parts.iter().any(|part| part.label == label && part.filesystem == filesystem), || {
            format!("disk.partition: fstab mounts {label} as {filesystem}, and no partition is that")
        });
    }
}

fn cpu(layout: &Layout, files: &Files, broken: &mut Broken) {
    let cpu = &layout.cpu;
    let roles: Vec<usize> = [cpu.step, cpu.control].into_iter().chain(cpu.server.iter().copied()).collect();
    for core in roles.iter().chain(&cpu.isolated) {
        broken.require(*core < cpu.cores, || {
            format!("cpu: core {core} is not one of cpu.cores = {}", cpu.cores)
        });
    }
    broken.require(roles.iter().collect::<BTreeSet<_>>().len() == roles.len(), || {
        "cpu.step, cpu.control and cpu.server: no core may have two roles".into()
    });
    broken.require(!cpu.server.is_empty(), || "cpu.server: needs at least one core".into());
    broken.require(cpu.isolated.contains(&cpu.step), || {
        format!("cpu.step = {}: must be in cpu.isolated, or other programs delay steps", cpu.step)
    });
    for core in &cpu.server {
        broken.require(!cpu.isolated.contains(core), || {
            format!("cpu.server: core {core} is isolated, so nothing balances threads onto it")
        });
    }
    for key in ["isolcpus", "nohz_full", "rcu_nocbs"] {
        let said = files.kernel_parameter(key).and_then(numbers_of);
        broken.require(said.as_ref() == Some(&cpu.isolated), || {
            format!("cpu.isolated = {:?}: boot/cmdline.txt must say the same with {key}=", cpu.isolated)
        });
    }
    let interrupts = files.kernel_parameter("irqaffinity").and_then(numbers_of);
    broken.require(
        interrupts.is_some_and(|cores| cores.iter().all(|core| !cpu.isolated.contains(core))),
        || "cpu.isolated: boot/cmdline.txt must keep interrupts off these cores with irqaffinity=".into(),
    );
    broken.require(
        1 <= cpu.control_priority && cpu.control_priority < cpu.step_priority && cpu.step_priority <= 98,
        || "cpu.step_priority: must be above cpu.control_priority, both in 1 … 98".into(),
    );
    let allowed = files.unit_value("LimitRTPRIO").and_then(|value| value.parse::<i32>().ok());
    broken.require(allowed.is_some_and(|allowed| allowed >= cpu.step_priority), || {
        format!("cpu.step_priority = {}: yep.service must allow it with LimitRTPRIO=", cpu.step_priority)
    });
    let fair_server = files.unit_value("ExecStartPre");
    let folder = format!("/fair_server/cpu{} ", cpu.step);
    broken.require(fair_server.is_some_and(|command| command.contains(&folder)), || {
        format!("cpu.step = {}: yep.service must switch that core's deadline server off", cpu.step)
    });
    let affinity = files.unit_value("CPUAffinity").and_then(numbers_of);
    broken.require(affinity.as_ref() == Some(&cpu.server), || {
        format!("cpu.server = {:?}: yep.service must say the same with CPUAffinity=", cpu.server)
    });
    broken.require(files.sysctl_value("kernel.sched_rt_runtime_us") == Some("-1"), || {
        "cpu: sysctl.conf must say kernel.sched_rt_runtime_us = -1, or steps stall 50 ms in each second"
            .into()
    });
}

fn ram(layout: &Layout, files: &Files, broken: &mut Broken) {
    let ram = &layout.ram;
    let mut rings_bytes = 0;
    for (name, size, slot_bytes) in ram.rings() {
        broken.require(size.is_power_of_two() && size >= 2, || {
            format!("ram.{name}_ring = {size}: must be a power of two, 2 or more")
        });
        rings_bytes += size * slot_bytes;
    }
    broken.require(rings_bytes <= ram.rings_kib * 1024, || {
        format!("ram.rings_kib = {}: the rings take {} KiB", ram.rings_kib, rings_bytes.div_ceil(1024))
    });
    let cycles =
        (ram.recorder_before_s + ram.recorder_after_s) * 1_000_000 / layout.motion.control_period_us.max(1);
    let recording_bytes = cycles * ram.recorder_record_bytes;
    broken.require(recording_bytes <= ram.recorder_kib * 1024, || {
        format!(
            "ram.recorder_kib = {}: a recording takes {} KiB",
            ram.recorder_kib,
            recording_bytes.div_ceil(1024)
        )
    });
    broken.require(ram.recorder_before_s >= 1 && ram.recorder_after_s >= 1, || {
        "ram.recorder_before_s and recorder_after_s: must be 1 or more".into()
    });
    // Twice the recorder: a recording may be made while another one is written.
    let fixed_kib = ram.rings_kib + ram.step_stack_kib + ram.control_stack_kib + 2 * ram.recorder_kib;
    broken.require(fixed_kib <= ram.process_mib * 1024 / 4, || {
        format!(
            "ram.process_mib = {}: rings, stacks and recordings may take a quarter of it at most",
            ram.process_mib
        )
    });
    broken.require(ram.process_mib <= ram.board_mib / 2, || {
        format!("ram.process_mib = {}: may be half of ram.board_mib at most", ram.process_mib)
    });
    broken.require(files.unit_value("MemoryMax") == Some(&format!("{}M", ram.process_mib)), || {
        format!("ram.process_mib = {0}: yep.service must say MemoryMax={0}M", ram.process_mib)
    });
    broken.require(files.unit_value("LimitMEMLOCK") == Some("infinity"), || {
        "ram.process_mib: yep.service must let all of it be locked with LimitMEMLOCK=infinity".into()
    });
    broken.require(ram.body_bytes <= ram.wave_body_bytes, || {
        "ram.wave_body_bytes: must not be below ram.body_bytes".into()
    });
    broken.require(ram.wave_body_bytes <= ram.backup_body_bytes, || {
        "ram.backup_body_bytes: must not be below ram.wave_body_bytes".into()
    });
    for (key, bytes) in [
        ("header_bytes", ram.header_bytes),
        ("body_bytes", ram.body_bytes),
        ("ws_frame_bytes", ram.ws_frame_bytes),
    ] {
        broken.require((1024..=1024 * 1024).contains(&bytes), || {
            format!("ram.{key} = {bytes}: must be 1 KiB … 1 MiB")
        });
    }
    broken.require((16..=4096).contains(&ram.uart_frame_bytes), || {
        format!("ram.uart_frame_bytes = {}: must be 16 … 4096", ram.uart_frame_bytes)
    });
    broken.require(ram.app_bytes <= (ram.process_mib << 20) / 4, || {
        format!("ram.app_bytes = {}: may be a quarter of ram.process_mib at most", ram.app_bytes)
    });
}

fn motion(layout: &Layout, broken: &mut Broken) {
    let motion = &layout.motion;
    let period = motion.control_period_us;
    broken.require(period > 0 && motion.queue_ahead_us >= 2 * period, || {
        format!("motion.queue_ahead_us = {}: must be two control periods or more", motion.queue_ahead_us)
    });
    broken.require(motion.feed_ahead_us >= 2 * period && motion.feed_ahead_us <= motion.queue_ahead_us, || {
        format!(
            "motion.feed_ahead_us = {}: must be two control periods or more, and at most motion.queue_ahead_us",
            motion.feed_ahead_us
        )
    });
    // One chunk per period, and a ring holds one item less than its size.
    broken.require(period > 0 && motion.queue_ahead_us / period < layout.ram.chunk_ring, || {
        format!("ram.chunk_ring = {}: does not hold motion.queue_ahead_us of chunks", layout.ram.chunk_ring)
    });
    broken.require(
        0 < motion.spin_us && motion.spin_us < motion.step_poll_us && motion.step_poll_us <= period,
        || "motion.spin_us: must be below motion.step_poll_us, and that at most one control period".into(),
    );
    broken.require((1..=100_000).contains(&motion.step_cost_ns), || {
        format!("motion.step_cost_ns = {}: must be 1 … 100000", motion.step_cost_ns)
    });
}

fn gpio(layout: &Layout, files: &Files, broken: &mut Broken) {
    let allowed = &layout.gpio.allowed;
    let roles = &layout.gpio.role;
    broken.require(allowed.iter().collect::<BTreeSet<_>>().len() == allowed.len(), || {
        "gpio.allowed: a pin is listed twice".into()
    });
    for pin in allowed {
        broken.require((FIRST_PULLED_DOWN_PIN..=LAST_PIN).contains(pin), || {
            format!(
                "gpio.allowed: pin {pin} does not come up pulled down (BCM {FIRST_PULLED_DOWN_PIN} … {LAST_PIN} do)"
            )
        });
    }
    for name in RoleName::ALL {
        let count = roles.iter().filter(|role| role.name == name).count();
        broken.require(count == 1, || {
            format!("gpio.role {}: must be there once, and is there {count} times", name.key())
        });
    }
    for (index, role) in roles.iter().enumerate() {
        let (name, pin) = (role.name.key(), role.pin);
        broken.require(allowed.contains(&pin), || {
            format!("gpio.role {name}: pin {pin} is not one of gpio.allowed")
        });
        if let Some(other) = roles[..index].iter().find(|other| other.pin == pin) {
            broken.0.push(format!("gpio.role {name}: pin {pin} is already {}", other.name.key()));
        }
        broken.require(
            !role.optional || matches!(role.name, RoleName::Enable | RoleName::EStop | RoleName::DriverAlarm),
            || format!("gpio.role {name}: the machine does not work without it, so it cannot be optional"),
        );
        match role.direction {
            Direction::Output => output(role, files, broken),
            Direction::Input => input(role, files, broken),
        }
    }
}

fn output(role: &Role, files: &Files, broken: &mut Broken) {
    let (name, pin) = (role.name.key(), role.pin);
    let Some(safe) = role.safe else {
        return broken.0.push(format!("gpio.role {name}: an output needs a safe level"));
    };
    broken.require(role.active.is_none() && role.pull.is_none(), || {
        format!("gpio.role {name}: active and pull are for inputs")
    });
    power_on(role, broken);
    broken.require(role.power_on == Some(safe), || {
        format!("gpio.role {name}: its power_on level is not its safe level")
    });
    let state = if safe == Level::Low { "op,dl" } else { "op,dh" };
    broken.require(files.pin_state(pin) == Some(state), || {
        format!("gpio.role {name}: boot/config.txt must make pin {pin} {state}")
    });
}

fn input(role: &Role, files: &Files, broken: &mut Broken) {
    let (name, pin) = (role.name.key(), role.pin);
    broken.require(role.safe.is_none(), || format!("gpio.role {name}: safe is for outputs"));
    broken.require(role.active.is_some(), || format!("gpio.role {name}: an input needs an active level"));
    power_on(role, broken);
    let Some(pull) = role.pull else {
        return broken.0.push(format!("gpio.role {name}: an input needs a pull"));
    };
    let state = if pull == Pull::Up { "ip,pu" } else { "ip,pd" };
    broken.require(files.pin_state(pin) == Some(state), || {
        format!("gpio.role {name}: boot/config.txt must make pin {pin} {state}")
    });
}

/// The level at power-on is a property of the chip, and the file may not claim another.
fn power_on(role: &Role, broken: &mut Broken) {
    let fact = if role.pin < FIRST_PULLED_DOWN_PIN { Level::High } else { Level::Low };
    broken.require(role.power_on == Some(fact), || {
        format!("gpio.role {}: power_on must be {fact:?}, as pin {} comes up", role.name.key(), role.pin)
    });
}

fn buses(layout: &Layout, broken: &mut Broken) {
    for (bus, pins) in [("uart", &layout.uart.pins), ("i2c", &layout.i2c.pins)] {
        for pin in pins {
            broken.require(!layout.gpio.allowed.contains(pin), || {
                format!("gpio.allowed: pin {pin} belongs to {bus}.pins")
            });
        }
    }
    broken.require(layout.uart.device.starts_with("/dev/"), || {
        format!("uart.device = {:?}: must be below /dev/", layout.uart.device)
    });
    broken.require((9_600..=1_000_000).contains(&layout.uart.baud), || {
        format!("uart.baud = {}: must be 9600 … 1000000", layout.uart.baud)
    });
    broken.require(layout.i2c.bus <= 1, || format!("i2c.bus = {}: the header has 0 and 1", layout.i2c.bus));
    broken.require((8..0x78).contains(&layout.i2c.load_cell_address), || {
        format!("i2c.load_cell_address = {}: must be 8 … 119", layout.i2c.load_cell_address)
    });
}

fn state(layout: &Layout, files: &Files, broken: &mut Broken) {
    let state = &layout.state;
    let directory = files.unit_value("StateDirectory").map(|name| format!("/var/lib/{name}"));
    broken.require(directory.as_ref() == Some(&state.directory), || {
        format!("state.directory = {:?}: yep.service says another with StateDirectory=", state.directory)
    });
    broken.require(
        !state.trees.is_empty() && state.trees.iter().collect::<BTreeSet<_>>().len() == state.trees.len(),
        || "state.trees: must be there, each once".into(),
    );
    broken
        .require((64..=65_536).contains(&state.ballast_kib) && state.ballast_kib.is_multiple_of(64), || {
            format!("state.ballast_kib = {}: must be 64 … 65536, in steps of 64", state.ballast_kib)
        });
    broken.require((1..=99).contains(&state.recordings), || {
        format!("state.recordings = {}: must be 1 … 99", state.recordings)
    });
}

fn watchdog(layout: &Layout, broken: &mut Broken) {
    let watchdog = &layout.watchdog;
    let polled_us = layout.motion.control_period_us + layout.motion.step_poll_us;
    broken.require(
        watchdog.step_loop_ms * 1000 > 2 * polled_us && watchdog.step_loop_ms < watchdog.service_s * 1000,
        || {
            format!(
                "watchdog.step_loop_ms = {}: must be above two control periods, and below watchdog.service_s",
                watchdog.step_loop_ms
            )
        },
    );
    broken.require(watchdog.service_s < watchdog.hardware_s, || {
        format!("watchdog.service_s = {}: must be below watchdog.hardware_s", watchdog.service_s)
    });
    broken.require(watchdog.hardware_s <= HARDWARE_WATCHDOG_MAX_S, || {
        format!(
            "watchdog.hardware_s = {}: the chip counts {HARDWARE_WATCHDOG_MAX_S} s at most",
            watchdog.hardware_s
        )
    });
}

fn limits(layout: &Layout, broken: &mut Broken) {
    let limits = &layout.limits;
    for (key, value) in [
        ("max_speed_mm_s", limits.max_speed_mm_s),
        ("max_acceleration_mm_s2", limits.max_acceleration_mm_s2),
        ("max_jerk_mm_s3", limits.max_jerk_mm_s3),
        ("max_stroke_mm", limits.max_stroke_mm),
        ("stop_way_mm", limits.stop_way_mm),
    ] {
        broken.require(value.is_finite() && value > 0.0, || {
            format!("limits.{key} = {value}: must be finite and above 0")
        });
    }
    // The firmest stop must keep both limits, or no speed up to the highest would be allowed. Half of each is a margin
    // for the onset.
    let (v, a) = (limits.max_speed_mm_s, limits.max_acceleration_mm_s2);
    broken.require(2.0 * v / a <= limits.stop_within_ms as f64 * 1e-3 && limits.stop_within_ms <= 1_000, || {
        format!(
            "limits.stop_within_ms = {}: must be at most 1000, and twice what max_acceleration_mm_s2 takes from max_speed_mm_s",
            limits.stop_within_ms
        )
    });
    broken.require(2.0 * v * v / (2.0 * a) <= limits.stop_way_mm, || {
        format!(
            "limits.stop_way_mm = {}: must be twice the way of max_acceleration_mm_s2 from max_speed_mm_s",
            limits.stop_way_mm
        )
    });
    let timing = &layout.timing;
    for (key, ns) in [
        ("pulse_high_ns", timing.pulse_high_ns),
        ("pulse_low_ns", timing.pulse_low_ns),
        ("dir_setup_ns", timing.dir_setup_ns),
        ("dir_hold_ns", timing.dir_hold_ns),
    ] {
        broken.require((1..=1_000_000).contains(&ns), || format!("timing.{key} = {ns}: must be 1 … 1000000"));
    }
    let rate = u64::from(limits.max_step_rate_hz);
    broken.require(rate > 0 && (timing.pulse_high_ns + timing.pulse_low_ns) * rate <= 1_000_000_000, || {
        format!("limits.max_step_rate_hz = {rate}: pulses of timing.pulse_high_ns + pulse_low_ns do not fit")
    });
}
