//! Rules of memory-layout/layout.toml: the shipped layout keeps all of them, and each rule refuses a layout that breaks
//! it, with a text that names the key.
//!
//! The rules run in the build script, where no test can reach them, so their source is included here again.

#[path = "../build/boot.rs"]
mod boot;
#[path = "../build/check.rs"]
mod check;
#[path = "../build/files.rs"]
mod files;
#[path = "../build/schema.rs"]
mod schema;

use std::fs;
use std::path::Path;

use check::check;
use files::Files;
use schema::{Layout, Level, Pull};

const LAYOUT: &str = include_str!("../memory-layout/layout.toml");

fn shipped() -> (Layout, Files) {
    let files = Files {
        cmdline: include_str!("../memory-layout/boot/cmdline.txt").into(),
        config: include_str!("../memory-layout/boot/config.txt").into(),
        fstab: include_str!("../memory-layout/fstab").into(),
        sysctl: include_str!("../memory-layout/sysctl.conf").into(),
        unit: include_str!("../systemd/yep.service").into(),
        manager: include_str!("../systemd/manager.conf").into(),
    };
    (toml::from_str(LAYOUT).unwrap(), files)
}

#[test]
fn the_shipped_layout_keeps_every_rule() {
    let (layout, files) = shipped();
    assert_eq!(check(&layout, &files), Vec::<String>::new());
}

#[test]
fn an_unknown_key_is_named_with_its_line() {
    let error = toml::from_str::<Layout>(&LAYOUT.replace("spin_us", "spin_ms")).unwrap_err().to_string();
    assert!(error.contains("spin_ms") && error.contains("line "), "{error}");
}

#[test]
fn items_of_the_rings_fit_their_slots() {
    use yep::machine::{Command, Event, Snapshot};
    assert!(size_of::<(u64, Command)>() <= yep::layout::COMMAND_SLOT_BYTES);
    assert!(size_of::<(u64, Event)>() <= yep::layout::EVENT_SLOT_BYTES);
    assert!(size_of::<Snapshot>() <= yep::layout::SNAPSHOT_SLOT_BYTES);
}

#[test]
fn the_default_limits_are_inside_the_hard_ones() {
    let limits = yep::motion::MotionLimits::default();
    assert!(limits.max_speed.get() <= yep::layout::MAX_SPEED_MM_S);
    assert!(limits.stop_deceleration.get() <= yep::layout::MAX_ACCELERATION_MM_S2);
    assert!(limits.stop_jerk_mm_s3() <= yep::layout::MAX_JERK_MM_S3);
}

#[test]
fn the_table_of_pins_has_each_role_once_and_safe_outputs() {
    use yep::layout::{Level, PINS, Wiring};
    for (index, pin) in PINS.iter().enumerate() {
        assert!(PINS[..index].iter().all(|other| other.role != pin.role && other.bcm != pin.bcm));
        if let Wiring::Output { safe } = pin.wiring {
            assert_eq!(safe, Level::Low, "{:?}", pin.role);
        }
    }
    assert_eq!(PINS.len(), 7);
}

/// True if the source names the constant outside of `src/layout.rs`, which includes the constants.
fn is_named(folder: &Path, constant: &str) -> bool {
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).any(|path| {
        if path.is_dir() {
            return is_named(&path, constant);
        }
        let is_source =
            path.extension().is_some_and(|extension| extension == "rs") && !path.ends_with("src/layout.rs");
        let is_part_of_a_name = |c: char| c.is_alphanumeric() || c == '_';
        is_source
            && fs::read_to_string(&path)
                .unwrap()
                .split(|c| !is_part_of_a_name(c))
                .any(|word| word == constant)
    })
}

/// A constant of the layout without a use would be a figure without effect.
#[test]
fn every_constant_of_the_layout_is_obeyed() {
    // Tests use the table of pins to check that the roles above are complete.
    const FOR_TESTS: [&str; 1] = ["PINS"];
    let constants = include_str!(concat!(env!("OUT_DIR"), "/layout.rs"));
    let names = constants.lines().filter_map(|line| line.strip_prefix("pub const ")?.split(':').next());
    let names: Vec<&str> = names.collect();
    assert!(names.len() > 50, "{names:?}");
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let idle: Vec<_> =
        names.into_iter().filter(|name| !is_named(&src, name) && !FOR_TESTS.contains(name)).collect();
    assert_eq!(idle, Vec::<&str>::new(), "these constants are in layout.toml, and nothing in src names them");
}

/// One test per rule: the change that breaks it, and the words that the error must contain.
macro_rules! refused {
    ($($name:ident: |$layout:ident, $files:ident| $change:expr => $sentence:literal;)*) => {$(
        #[test]
        #[allow(unused_variables, unused_mut)]
        fn $name() {
            let (mut $layout, mut $files) = shipped();
            $change;
            let broken = check(&$layout, &$files);
            assert!(broken.iter().any(|sentence| sentence.contains($sentence)), "{broken:#?}");
        }
    )*};
}

refused! {
    partitions_are_the_known_ones: |l, f| l.disk.partition.swap(1, 2)
        => "disk.partition: must be [(\"boot\", 1), (\"boot_a\", 2)";
    a_partition_has_its_number: |l, f| l.disk.partition[3].number = 4
        => "disk.partition: must be";
    the_partitions_have_a_version: |l, f| l.disk.version = 0
        => "disk.version: must be above 0";
    the_card_has_an_id: |l, f| l.disk.id = "59455G31".into()
        => "disk.id: must have 8 hexadecimal digits";
    a_partition_has_a_size: |l, f| l.disk.partition[5].size_mib = 0
        => "disk.partition data: start_mib and size_mib must be above 0";
    partitions_do_not_overlap: |l, f| l.disk.partition[1].start_mib -= 1
        => "disk.partition boot_a: overlaps boot";
    a_partition_above_4_has_its_table_before_it: |l, f| l.disk.partition[4].start_mib -= 4
        => "disk.partition root_b: overlaps root_a, or its table";
    only_the_last_partition_grows: |l, f| l.disk.partition[1].grows = true
        => "disk.partition boot_a: only the last partition can grow";
    partitions_fit_the_card: |l, f| l.disk.card_mib = 2_799
        => "disk.partition data: ends after disk.card_mib = 2799";
    both_boots_are_of_one_size: |l, f| l.disk.partition[2].size_mib -= 1
        => "disk.partition boot_b: must be as large as boot_a";
    both_roots_are_of_one_size: |l, f| l.disk.partition[4].size_mib -= 1
        => "disk.partition root_b: must be as large as root_a";
    the_kernel_mounts_root_a: |l, f| f.cmdline = f.cmdline.replace("PARTUUID=59455031-05", "/dev/mmcblk0p5")
        => "boot/cmdline.txt must say root=PARTUUID=59455031-05";
    fstab_names_partitions: |l, f| f.fstab = f.fstab.replace("LABEL=data", "LABEL=state")
        => "fstab mounts state as ext4";

    a_core_exists: |l, f| l.cpu.control = 4
        => "cpu: core 4 is not one of cpu.cores = 4";
    a_core_has_one_role: |l, f| l.cpu.control = 3
        => "no core may have two roles";
    the_server_has_a_core: |l, f| l.cpu.server.clear()
        => "cpu.server: needs at least one core";
    the_step_core_is_isolated: |l, f| l.cpu.isolated = vec![2]
        => "cpu.step = 3: must be in cpu.isolated";
    the_server_runs_on_shared_cores: |l, f| l.cpu.isolated = vec![1, 3]
        => "cpu.server: core 1 is isolated";
    the_kernel_isolates_the_step_core: |l, f| f.cmdline = f.cmdline.replace("isolcpus=3 ", "")
        => "must say the same with isolcpus=";
    the_kernel_stops_the_tick_there: |l, f| f.cmdline = f.cmdline.replace("nohz_full=3", "nohz_full=2")
        => "must say the same with nohz_full=";
    the_kernel_keeps_callbacks_off_it: |l, f| f.cmdline = f.cmdline.replace("rcu_nocbs=3", "rcu_nocbs=x")
        => "must say the same with rcu_nocbs=";
    interrupts_stay_off_it: |l, f| f.cmdline = f.cmdline.replace("irqaffinity=0-2", "irqaffinity=0-3")
        => "must keep interrupts off these cores";
    steps_come_before_control: |l, f| l.cpu.step_priority = 40
        => "cpu.step_priority: must be above cpu.control_priority";
    the_unit_allows_the_priority: |l, f| f.unit = f.unit.replace("LimitRTPRIO=80", "LimitRTPRIO=79")
        => "yep.service must allow it with LimitRTPRIO=";
    the_unit_keeps_to_the_server_cores: |l, f| f.unit = f.unit.replace("CPUAffinity=0 1", "CPUAffinity=0-3")
        => "must say the same with CPUAffinity=";
    the_unit_frees_the_step_core: |l, f| f.unit = f.unit.replace("fair_server/cpu3 ", "fair_server/cpu2 ")
        => "yep.service must switch that core's deadline server off";
    real_time_is_not_throttled: |l, f| f.sysctl = f.sysctl.replace("= -1", "= 950000")
        => "sysctl.conf must say kernel.sched_rt_runtime_us = -1";

    a_ring_is_a_power_of_two: |l, f| l.ram.event_ring = 200
        => "ram.event_ring = 200: must be a power of two";
    a_ring_holds_something: |l, f| l.ram.snapshot_ring = 1
        => "ram.snapshot_ring = 1: must be a power of two, 2 or more";
    rings_keep_their_budget: |l, f| l.ram.event_ring = 1_024
        => "ram.rings_kib = 96: the rings take 182 KiB";
    rings_and_stacks_leave_room: |l, f| l.ram.step_stack_kib = 40_000
        => "ram.process_mib = 128: rings, stacks and recordings";
    a_recording_keeps_its_budget: |l, f| l.ram.recorder_before_s = 70
        => "ram.recorder_kib = 2432: a recording takes 2774 KiB";
    a_recording_has_both_sides_of_the_fault: |l, f| l.ram.recorder_after_s = 0
        => "ram.recorder_before_s and recorder_after_s: must be 1 or more";
    the_process_leaves_room: |l, f| l.ram.board_mib = 128
        => "ram.process_mib = 128: may be half of ram.board_mib";
    the_unit_has_the_same_budget: |l, f| l.ram.process_mib = 256
        => "yep.service must say MemoryMax=256M";
    the_unit_allows_locked_memory: |l, f| f.unit = f.unit.replace("LimitMEMLOCK=infinity", "LimitMEMLOCK=64M")
        => "LimitMEMLOCK=infinity";
    a_wave_may_be_as_long_as_any_body: |l, f| l.ram.wave_body_bytes = 4_096
        => "ram.wave_body_bytes: must not be below ram.body_bytes";
    a_backup_may_be_as_long_as_any_wave: |l, f| l.ram.backup_body_bytes = 4_096
        => "ram.backup_body_bytes: must not be below ram.wave_body_bytes";
    a_client_cannot_make_us_hold_much: |l, f| l.ram.ws_frame_bytes = 2 << 20
        => "ram.ws_frame_bytes = 2097152: must be 1 KiB";
    a_sensor_frame_is_short: |l, f| l.ram.uart_frame_bytes = 8_192
        => "ram.uart_frame_bytes = 8192: must be 16";
    an_app_leaves_room: |l, f| l.ram.app_bytes = 40 << 20
        => "ram.app_bytes = 41943040: may be a quarter of ram.process_mib at most";

    the_queue_covers_two_periods: |l, f| l.motion.queue_ahead_us = 1_999
        => "motion.queue_ahead_us = 1999: must be two control periods or more";
    a_feed_is_queued_no_further_ahead: |l, f| l.motion.feed_ahead_us = l.motion.queue_ahead_us + 1
        => "motion.feed_ahead_us = 12001";
    the_queue_fits_its_ring: |l, f| l.ram.chunk_ring = 8
        => "ram.chunk_ring = 8: does not hold motion.queue_ahead_us";
    spinning_is_shorter_than_sleeping: |l, f| l.motion.spin_us = 200
        => "motion.spin_us: must be below motion.step_poll_us";
    a_step_costs_something: |l, f| l.motion.step_cost_ns = 0
        => "motion.step_cost_ns = 0: must be 1";

    a_pin_is_allowed_once: |l, f| l.gpio.allowed.push(12)
        => "gpio.allowed: a pin is listed twice";
    allowed_pins_come_up_low: |l, f| l.gpio.allowed.push(4)
        => "gpio.allowed: pin 4 does not come up pulled down";
    every_role_is_there: |l, f| l.gpio.role.truncate(5)
        => "gpio.role e_stop: must be there once, and is there 0 times";
    a_role_is_there_once: |l, f| { let again = l.gpio.role[0].clone(); l.gpio.role.push(again) }
        => "gpio.role step: must be there once, and is there 2 times";
    a_role_has_an_allowed_pin: |l, f| l.gpio.role[0].pin = 14
        => "gpio.role step: pin 14 is not one of gpio.allowed";
    a_pin_has_one_role: |l, f| l.gpio.role[1].pin = 23
        => "gpio.role dir: pin 23 is already step";
    both_switches_are_needed: |l, f| l.gpio.role[4].optional = true
        => "gpio.role back: the machine does not work without it";
    an_output_has_a_safe_level: |l, f| l.gpio.role[0].safe = None
        => "gpio.role step: an output needs a safe level";
    an_output_has_no_pull: |l, f| l.gpio.role[0].pull = Some(Pull::Up)
        => "gpio.role step: active and pull are for inputs";
    an_output_is_safe_at_power_on: |l, f| l.gpio.role[2].safe = Some(Level::High)
        => "gpio.role enable: its power_on level is not its safe level";
    the_chip_decides_the_power_on_level: |l, f| l.gpio.role[0].power_on = Some(Level::High)
        => "gpio.role step: power_on must be Low, as pin 23 comes up";
    a_power_on_level_is_said: |l, f| l.gpio.role[3].power_on = None
        => "gpio.role front: power_on must be Low";
    the_firmware_drives_outputs_safe: |l, f| f.config = f.config.replace("gpio=23,24,25", "gpio=24,25")
        => "gpio.role step: boot/config.txt must make pin 23 op,dl";
    an_input_has_no_safe_level: |l, f| l.gpio.role[3].safe = Some(Level::Low)
        => "gpio.role front: safe is for outputs";
    an_input_has_an_active_level: |l, f| l.gpio.role[4].active = None
        => "gpio.role back: an input needs an active level";
    an_input_has_a_pull: |l, f| l.gpio.role[5].pull = None
        => "gpio.role e_stop: an input needs a pull";
    the_firmware_pulls_inputs: |l, f| f.config = f.config.replace("ip,pu", "ip,pd")
        => "gpio.role e_stop: boot/config.txt must make pin 16 ip,pu";

    the_uart_keeps_its_pins: |l, f| l.gpio.allowed.push(15)
        => "gpio.allowed: pin 15 belongs to uart.pins";
    the_i2c_bus_keeps_its_pins: |l, f| l.gpio.allowed.push(2)
        => "gpio.allowed: pin 2 belongs to i2c.pins";
    the_uart_is_a_device: |l, f| l.uart.device = "serial0".into()
        => "uart.device = \"serial0\": must be below /dev/";
    the_uart_has_a_speed: |l, f| l.uart.baud = 300
        => "uart.baud = 300: must be 9600";
    the_header_has_two_i2c_buses: |l, f| l.i2c.bus = 2
        => "i2c.bus = 2: the header has 0 and 1";
    the_load_cell_has_an_address: |l, f| l.i2c.load_cell_address = 120
        => "i2c.load_cell_address = 120: must be 8";

    the_unit_makes_the_state_directory: |l, f| l.state.directory = "/var/yep".into()
        => "state.directory = \"/var/yep\": yep.service says another";
    a_tree_is_there_once: |l, f| l.state.trees.push("settings".into())
        => "state.trees: must be there, each once";
    the_ballast_is_whole_blocks: |l, f| l.state.ballast_kib = 100
        => "state.ballast_kib = 100: must be 64";
    a_handful_of_recordings_is_kept: |l, f| l.state.recordings = 0
        => "state.recordings = 0: must be 1";

    a_silent_step_loop_is_seen_before_the_service_is_restarted: |l, f| l.watchdog.step_loop_ms = 2_000
        => "watchdog.step_loop_ms = 2000: must be above two control periods, and below watchdog.service_s";
    a_slow_poll_is_no_silence: |l, f| l.watchdog.step_loop_ms = 2
        => "watchdog.step_loop_ms = 2: must be above two control periods";
    the_service_comes_before_the_chip: |l, f| l.watchdog.service_s = 10
        => "watchdog.service_s = 10: must be below watchdog.hardware_s";
    the_chip_counts_to_fifteen: |l, f| l.watchdog.hardware_s = 16
        => "watchdog.hardware_s = 16: the chip counts 15 s at most";
    the_unit_has_this_watchdog: |l, f| f.unit = f.unit.replace("WatchdogSec=2", "WatchdogSec=3")
        => "watchdog.service_s = 2: yep.service must say WatchdogSec=2";
    the_unit_waits_for_readiness: |l, f| f.unit = f.unit.replace("Type=notify", "Type=exec")
        => "watchdog.service_s: yep.service must say Type=notify";
    a_program_that_failed_is_started_anew: |l, f| f.unit = f.unit.replace("Restart=on-failure", "Restart=no")
        => "watchdog.service_s: yep.service must say Restart=on-failure";
    the_unit_makes_the_pins_safe: |l, f| f.unit = f.unit.replace("ExecStopPost=", "ExecStop=")
        => "gpio: yep.service must make the pins safe after the end";
    the_same_pins_are_made_safe: |l, f| f.unit = f.unit.replace("safe-pins --config /etc", "safe-pins --config /usr")
        => "gpio: yep.service must make the pins safe after the end";
    the_user_may_use_the_pins: |l, f| f.unit = f.unit.replace("Groups=gpio ", "Groups=")
        => "gpio: yep.service must be of the group gpio";
    the_manager_feeds_the_chip: |l, f| f.manager = f.manager.replace("=10", "=20")
        => "watchdog.hardware_s = 10: manager.conf must say RuntimeWatchdogSec=10";
    the_chip_is_switched_on: |l, f| f.config = f.config.replace("dtparam=watchdog=on", "")
        => "watchdog.hardware_s: the chip's watchdog: boot/config.txt must say dtparam=watchdog=on";
    a_kernel_that_gave_up_restarts: |l, f| f.cmdline = f.cmdline.replace("panic=5", "panic=0")
        => "watchdog: boot/cmdline.txt must restart a kernel that gave up";
    the_firmware_starts_a_64_bit_kernel: |l, f| f.config = f.config.replace("arm_64bit=1", "arm_64bit=0")
        => "cpu: the program is a 64-bit one: boot/config.txt must say arm_64bit=1";
    the_uart_is_switched_on: |l, f| f.config = f.config.replace("enable_uart=1", "#enable_uart=1")
        => "uart.device: the sensor's line: boot/config.txt must say enable_uart=1";
    the_i2c_bus_is_switched_on: |l, f| f.config = f.config.replace("i2c_arm=on", "i2c_arm=off")
        => "i2c.bus: the older load cell's bus: boot/config.txt must say dtparam=i2c_arm=on";
    nothing_is_swapped_out: |l, f| f.sysctl = f.sysctl.replace("vm.swappiness = 0", "vm.swappiness = 60")
        => "ram: sysctl.conf must say vm.swappiness = 0";
    bluetooth_lets_go_of_the_uart: |l, f| f.config = f.config.replace("dtoverlay=disable-bt", "#")
        => "uart.device: Bluetooth takes the good UART: boot/config.txt must say dtoverlay=disable-bt";
    no_console_on_the_uart: |l, f| f.cmdline = f.cmdline.replace("tty1", "serial0,115200")
        => "uart.device: boot/cmdline.txt must not put a console there";
    the_kernel_mounts_root_read_only: |l, f| f.cmdline = f.cmdline.replace(" ro ", " rw ")
        => "disk.partition root_a: boot/cmdline.txt must say ro";
    root_stays_read_only: |l, f| f.fstab = f.fstab.replace("ro,noatime  ", "rw,noatime  ")
        => "disk.partition root_a: fstab must mount / with ro";
    nothing_swaps: |l, f| f.fstab.push_str("/dev/mmcblk0p5 none swap sw 0 0\n")
        => "ram: fstab must have no swap";
    the_state_is_on_the_data_partition: |l, f| f.fstab = f.fstab.replace("LABEL=data    /var ", "LABEL=data    /srv ")
        => "state.directory = \"/var/lib/yep\": fstab must mount the data partition above it";

    a_limit_is_finite: |l, f| l.limits.max_speed_mm_s = f64::NAN
        => "limits.max_speed_mm_s = NaN: must be finite and above 0";
    a_stop_can_be_as_short_as_it_must_be: |l, f| l.limits.stop_within_ms = 79
        => "limits.stop_within_ms = 79: must be at most 1000, and twice";
    a_stop_can_be_as_short_a_way_as_it_must_be: |l, f| l.limits.stop_way_mm = 79.0
        => "limits.stop_way_mm = 79: must be twice the way";
    a_time_is_plausible: |l, f| l.timing.dir_setup_ns = 0
        => "timing.dir_setup_ns = 0: must be 1";
    pulses_fit_the_step_rate: |l, f| l.timing.pulse_high_ns = 2_501
        => "limits.max_step_rate_hz = 200000: pulses of";
}
