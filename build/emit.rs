//! Code generator: the constants of a layout.

use std::fmt::Write as _;

use super::schema::{Direction, Layout, Role};

/// The text of the file that src/layout.rs includes.
pub fn emit(layout: &Layout) -> String {
    let mut out = String::new();
    let mut put = |doc: &str, name: &str, kind: &str, value: String| {
        writeln!(out, "/// {doc}\npub const {name}: {kind} = {value};").expect("a String takes any text");
    };

    let cpu = &layout.cpu;
    put("Core of the step loop; isolated on the appliance.", "STEP_CPU", "usize", cpu.step.to_string());
    put("Core of the control cycle.", "CONTROL_CPU", "usize", cpu.control.to_string());
    put(
        "Cores of everything else.",
        "SERVER_CPUS",
        &format!("[usize; {}]", cpu.server.len()),
        format!("{:?}", cpu.server),
    );
    put("SCHED_FIFO priority of the step loop.", "STEP_PRIORITY", "i32", cpu.step_priority.to_string());
    put(
        "SCHED_FIFO priority of the control cycle.",
        "CONTROL_PRIORITY",
        "i32",
        cpu.control_priority.to_string(),
    );

    let ram = &layout.ram;
    for (name, size, slot_bytes) in ram.rings() {
        let upper = name.to_uppercase();
        put(
            &format!("Size of the {name} ring; it holds one item less."),
            &format!("{upper}_RING"),
            "usize",
            size.to_string(),
        );
        put(
            &format!("Largest size of an item of the {name} ring, in bytes."),
            &format!("{upper}_SLOT_BYTES"),
            "usize",
            slot_bytes.to_string(),
        );
    }
    for (doc, name, bytes) in [
        ("Stack of the step loop's thread, in bytes.", "STEP_STACK_BYTES", ram.step_stack_kib * 1024),
        (
            "Stack of the control cycle's thread, in bytes.",
            "CONTROL_STACK_BYTES",
            ram.control_stack_kib * 1024,
        ),
        ("Longest header of an HTTP request, in bytes.", "HEADER_BYTES", ram.header_bytes),
        ("Longest body of an ordinary HTTP request, in bytes.", "BODY_BYTES", ram.body_bytes),
        ("Longest body that carries a wave, in bytes.", "WAVE_BODY_BYTES", ram.wave_body_bytes),
        ("Longest body that carries a backup, in bytes.", "BACKUP_BODY_BYTES", ram.backup_body_bytes),
        ("Longest WebSocket frame of a client, in bytes.", "WS_FRAME_BYTES", ram.ws_frame_bytes),
        ("Longest frame on the sensor's line, in bytes.", "UART_FRAME_BYTES", ram.uart_frame_bytes),
        ("All files of an app that is served, together, in bytes.", "APP_BYTES", ram.app_bytes),
    ] {
        put(doc, name, "usize", bytes.to_string());
    }

    let (motion, timing) = (&layout.motion, &layout.timing);
    let cycles = |seconds: u64| seconds * 1_000_000 / motion.control_period_us;
    for (doc, name, value) in [
        (
            "Records of the flight recorder before a fault, in control cycles.",
            "RECORDER_CYCLES_BEFORE",
            cycles(ram.recorder_before_s),
        ),
        (
            "Records of the flight recorder after a fault, in control cycles.",
            "RECORDER_CYCLES_AFTER",
            cycles(ram.recorder_after_s),
        ),
        (
            "Largest size of a record of the flight recorder, in bytes.",
            "RECORD_BYTES",
            ram.recorder_record_bytes,
        ),
        ("Number of recordings of faults that are kept.", "RECORDINGS", layout.state.recordings),
        ("Reserved disk space, in KiB.", "STATE_BALLAST_KIB", layout.state.ballast_kib),
    ] {
        put(doc, name, "usize", value.to_string());
    }
    for (doc, name, ns) in [
        ("Period of the control cycle", "CONTROL_PERIOD_NS", motion.control_period_us * 1000),
        (
            "Length of the motion that is queued ahead of the pulses",
            "QUEUE_AHEAD_NS",
            motion.queue_ahead_us * 1000,
        ),
        ("The same for the motion of a feed", "FEED_AHEAD_NS", motion.feed_ahead_us * 1000),
        ("Longest sleep of the step loop", "STEP_POLL_NS", motion.step_poll_us * 1000),
        ("Time before an edge during which the step loop spins", "SPIN_NS", motion.spin_us * 1000),
        ("Time that a step takes the step loop beside its pulse", "STEP_COST_NS", motion.step_cost_ns),
        ("Shortest time that STEP stays high", "PULSE_HIGH_NS", timing.pulse_high_ns),
        ("Shortest time that STEP stays low", "PULSE_LOW_NS", timing.pulse_low_ns),
        ("Shortest time from a change of DIR to the next pulse", "DIR_SETUP_NS", timing.dir_setup_ns),
        ("Shortest time from a pulse to a change of DIR", "DIR_HOLD_NS", timing.dir_hold_ns),
        (
            "Longest silence of a real machine's step loop before a fault",
            "STEP_LOOP_SILENCE_NS",
            layout.watchdog.step_loop_ms * 1_000_000,
        ),
    ] {
        put(&format!("{doc}, in ns."), name, "u64", ns.to_string());
    }

    let limits = &layout.limits;
    for (doc, name, value) in [
        ("Fastest speed that a setting can allow, in mm/s.", "MAX_SPEED_MM_S", limits.max_speed_mm_s),
        (
            "Highest acceleration that a setting can allow, in mm/s².",
            "MAX_ACCELERATION_MM_S2",
            limits.max_acceleration_mm_s2,
        ),
        ("Highest jerk that a setting can allow, in mm/s³.", "MAX_JERK_MM_S3", limits.max_jerk_mm_s3),
        ("Longest rail that a setting can describe, in mm.", "MAX_STROKE_MM", limits.max_stroke_mm),
        ("Longest way of a stop from the highest speed, in mm.", "STOP_WAY_MM", limits.stop_way_mm),
    ] {
        put(doc, name, "f64", format!("{value:?}"));
    }
    let within_ms = limits.stop_within_ms.to_string();
    put("Longest time of a stop from the highest speed, in ms.", "STOP_WITHIN_MS", "u64", within_ms);
    put("Most steps in a second.", "MAX_STEP_RATE_HZ", "u32", limits.max_step_rate_hz.to_string());

    put("The sensor's line.", "UART_DEVICE", "&str", format!("{:?}", layout.uart.device));
    put("Its speed, in bits per second.", "UART_BAUD", "u32", layout.uart.baud.to_string());
    put("The bus of the older load cell.", "I2C_BUS", "u8", layout.i2c.bus.to_string());
    put("Its address there.", "LOAD_CELL_ADDRESS", "u8", layout.i2c.load_cell_address.to_string());

    let rows: Vec<String> = layout.disk.partition.iter().map(|part| format!("{part:?}")).collect();
    put("Version of the card's partitions.", "CARD_LAYOUT", "u32", layout.disk.version.to_string());
    put("Id of the card's partition table.", "CARD_ID", "&str", format!("{:?}", layout.disk.id));
    put(
        "The partitions of the card, in order.",
        "PARTITIONS",
        &format!("[Partition; {}]", rows.len()),
        format!("[{}]", rows.join(", ")),
    );

    put("Folder of the stored state.", "STATE_DIRECTORY", "&str", format!("{:?}", layout.state.directory));
    let trees = &layout.state.trees;
    put("The trees of the store.", "STATE_TREES", &format!("[&str; {}]", trees.len()), format!("{trees:?}"));

    let gpio = &layout.gpio;
    put(
        "The pins that a role may be moved to, by BCM number; each is low at power-on.",
        "ALLOWED_PINS",
        &format!("[u8; {}]", gpio.allowed.len()),
        format!("{:?}", gpio.allowed),
    );
    let rows: Vec<String> = gpio.role.iter().map(pin).collect();
    put(
        "The pins as wired by default, one a role.",
        "PINS",
        &format!("[Pin; {}]", rows.len()),
        format!("[{}]", rows.join(", ")),
    );
    for role in &gpio.role {
        let key = role.name.key();
        // Optional pins have no default; the options wire them.
        if !role.optional {
            put(
                &format!("Default pin of {key}, by BCM number."),
                &format!("PIN_{}", key.to_uppercase()),
                "u8",
                role.pin.to_string(),
            );
        }
        if let (Some(active), Some(pull)) = (role.active, role.pull) {
            put(
                &format!("Active level of {key}, and its pull resistor."),
                &format!("SENSE_{}", key.to_uppercase()),
                "(Level, Pull)",
                format!("(Level::{active:?}, Pull::{pull:?})"),
            );
        }
    }
    out
}

/// A row of the table of pins. The layout was checked, so its levels are there.
fn pin(role: &Role) -> String {
    let wiring = match (role.direction, role.safe, role.active, role.pull) {
        (Direction::Output, Some(safe), ..) => format!("Wiring::Output {{ safe: Level::{safe:?} }}"),
        (Direction::Input, _, Some(active), Some(pull)) => {
            format!("Wiring::Input {{ active: Level::{active:?}, pull: Pull::{pull:?} }}")
        }
        _ => unreachable!("the rules refuse a role without its levels"),
    };
    format!(
        "Pin {{ role: PinRole::{:?}, bcm: {}, wiring: {wiring}, optional: {} }}",
        role.name, role.pin, role.optional
    )
}
