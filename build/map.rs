//! Text page of the layout for people: the output of `yep layout`.

use std::fmt::Write as _;

use super::schema::{Direction, Layout, Level, Pull, Role};

/// Formats the page.
pub fn map(layout: &Layout) -> String {
    let mut page = String::new();
    let mut line = |text: String| writeln!(page, "{text}").expect("a String takes any text");

    line(format!("Card, of {} MiB or more", layout.disk.card_mib));
    for part in &layout.disk.partition {
        let end = part.start_mib + part.size_mib;
        let grows = if part.grows { ", grows to the end of the card" } else { "" };
        line(format!(
            "  {:<8}{:<8}{:<6}{:>6} to {end:>5} MiB{grows}",
            part.name, part.label, part.filesystem, part.start_mib
        ));
    }

    let cpu = &layout.cpu;
    line("\nProcessor".into());
    for (core, does, priority) in
        [(cpu.step, "step loop", cpu.step_priority), (cpu.control, "control cycle", cpu.control_priority)]
    {
        let isolated = if cpu.isolated.contains(&core) { ", isolated" } else { "" };
        line(format!("  core {core}  {does}, FIFO {priority}{isolated}"));
    }
    for core in &cpu.server {
        line(format!("  core {core}  server, store, sensor, everything else"));
    }

    let ram = &layout.ram;
    line(format!("\nMemory, {} MiB of {}", ram.process_mib, ram.board_mib));
    for (name, size, slot_bytes) in ram.rings() {
        line(format!("  {:<16}{size} x {slot_bytes} bytes", format!("{name} ring")));
    }
    line(format!(
        "  {:<16}step loop {} KiB, control cycle {} KiB",
        "stacks", ram.step_stack_kib, ram.control_stack_kib
    ));

    line("\nPins, by BCM number".into());
    for role in &layout.gpio.role {
        line(format!(
            "  {:>2}  {:<14}{}{}",
            role.pin,
            role.name.key(),
            levels(role),
            if role.optional { ", optional" } else { "" }
        ));
    }
    line(format!("  may be moved to {:?}", layout.gpio.allowed));

    let (uart, i2c) = (&layout.uart, &layout.i2c);
    line("\nLines".into());
    line(format!("  {:<16}{} baud, pins {:?}", uart.device, uart.baud, uart.pins));
    line(format!(
        "  {:<16}load cell at {}, pins {:?}",
        format!("/dev/i2c-{}", i2c.bus),
        i2c.load_cell_address,
        i2c.pins
    ));

    line(format!("\nState, in {}", layout.state.directory));

    let watchdog = &layout.watchdog;
    line("\nWatchdogs".into());
    for (waits, who) in [
        (format!("{} ms", watchdog.step_loop_ms), "control cycle for the step loop: a fault"),
        (
            format!("{} ms", layout.motion.queue_ahead_us / 1000),
            "step loop for the control cycle: it ramps down",
        ),
        (format!("{} s", watchdog.service_s), "service manager for both: it starts the program anew"),
        (format!("{} s", watchdog.hardware_s), "chip for the service manager: it resets the board"),
    ] {
        line(format!("  {waits:<8}{who}"));
    }

    let limits = &layout.limits;
    line("\nLimits that no setting can widen".into());
    line(format!(
        "  {} mm/s, {} mm/s², {} mm/s³, {} mm, {} steps/s",
        limits.max_speed_mm_s,
        limits.max_acceleration_mm_s2,
        limits.max_jerk_mm_s3,
        limits.max_stroke_mm,
        limits.max_step_rate_hz
    ));
    line(format!("  a stop takes at most {} ms and {} mm", limits.stop_within_ms, limits.stop_way_mm));
    page
}

fn levels(role: &Role) -> String {
    let level = |level| if level == Some(Level::High) { "high" } else { "low" };
    match role.direction {
        Direction::Output => format!("output, safe and at power-on {}", level(role.safe)),
        Direction::Input => {
            let pull = if role.pull == Some(Pull::Up) { "up" } else { "down" };
            format!("input, pulled {pull}, active {}", level(role.active))
        }
    }
}
