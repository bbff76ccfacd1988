//! Schema of memory-layout/layout.toml: its keys and their types. Units are in the names.

use serde::Deserialize;

/// The whole file.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Layout {
    pub disk: Disk,
    pub cpu: Cpu,
    pub ram: Ram,
    pub motion: Motion,
    pub gpio: Gpio,
    pub timing: Timing,
    pub uart: Uart,
    pub i2c: I2c,
    pub state: State,
    pub watchdog: Watchdog,
    pub limits: Limits,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Disk {
    pub version: u32,
    pub id: String,
    pub card_mib: u64,
    pub partition: Vec<Partition>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Partition {
    pub name: String,
    pub number: u8,
    pub label: String,
    pub filesystem: String,
    pub start_mib: u64,
    pub size_mib: u64,
    #[serde(default)]
    pub grows: bool,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cpu {
    pub cores: usize,
    pub step: usize,
    pub control: usize,
    pub server: Vec<usize>,
    pub isolated: Vec<usize>,
    pub step_priority: i32,
    pub control_priority: i32,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ram {
    pub board_mib: u64,
    pub process_mib: u64,
    pub rings_kib: u64,
    pub chunk_ring: u64,
    pub chunk_slot_bytes: u64,
    pub command_ring: u64,
    pub command_slot_bytes: u64,
    pub event_ring: u64,
    pub event_slot_bytes: u64,
    pub snapshot_ring: u64,
    pub snapshot_slot_bytes: u64,
    pub target_ring: u64,
    pub target_slot_bytes: u64,
    pub step_stack_kib: u64,
    pub control_stack_kib: u64,
    pub recorder_before_s: u64,
    pub recorder_after_s: u64,
    pub recorder_record_bytes: u64,
    pub recorder_kib: u64,
    pub header_bytes: u64,
    pub body_bytes: u64,
    pub wave_body_bytes: u64,
    pub backup_body_bytes: u64,
    pub ws_frame_bytes: u64,
    pub uart_frame_bytes: u64,
    pub app_bytes: u64,
}

impl Ram {
    /// Each ring: its name, its size, the largest size of an item.
    pub fn rings(&self) -> [(&'static str, u64, u64); 5] {
        [
            ("chunk", self.chunk_ring, self.chunk_slot_bytes),
            ("command", self.command_ring, self.command_slot_bytes),
            ("event", self.event_ring, self.event_slot_bytes),
            ("snapshot", self.snapshot_ring, self.snapshot_slot_bytes),
            ("target", self.target_ring, self.target_slot_bytes),
        ]
    }
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Motion {
    pub control_period_us: u64,
    pub queue_ahead_us: u64,
    pub feed_ahead_us: u64,
    pub step_poll_us: u64,
    pub spin_us: u64,
    pub step_cost_ns: u64,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gpio {
    pub allowed: Vec<u8>,
    pub role: Vec<Role>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Role {
    pub name: RoleName,
    pub pin: u8,
    pub direction: Direction,
    /// Outputs: the safe level.
    pub safe: Option<Level>,
    /// Inputs: the level that means pressed, or open.
    pub active: Option<Level>,
    /// Inputs: the pull resistor.
    pub pull: Option<Pull>,
    /// Level of the pin between power-on and the firmware.
    pub power_on: Option<Level>,
    /// True if the machine works with nothing wired to it.
    #[serde(default)]
    pub optional: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RoleName {
    Step,
    Dir,
    Enable,
    Front,
    Back,
    EStop,
    DriverAlarm,
}

impl RoleName {
    pub const ALL: [RoleName; 7] = [
        RoleName::Step,
        RoleName::Dir,
        RoleName::Enable,
        RoleName::Front,
        RoleName::Back,
        RoleName::EStop,
        RoleName::DriverAlarm,
    ];

    /// Name in the file.
    pub fn key(self) -> &'static str {
        match self {
            RoleName::Step => "step",
            RoleName::Dir => "dir",
            RoleName::Enable => "enable",
            RoleName::Front => "front",
            RoleName::Back => "back",
            RoleName::EStop => "e_stop",
            RoleName::DriverAlarm => "driver_alarm",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    Input,
    Output,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    Low,
    High,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pull {
    Up,
    Down,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Timing {
    pub pulse_high_ns: u64,
    pub pulse_low_ns: u64,
    pub dir_setup_ns: u64,
    pub dir_hold_ns: u64,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Uart {
    pub device: String,
    pub baud: u32,
    pub pins: Vec<u8>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct I2c {
    pub bus: u8,
    pub load_cell_address: u8,
    pub pins: Vec<u8>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    pub directory: String,
    pub trees: Vec<String>,
    pub ballast_kib: u64,
    pub recordings: u64,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Watchdog {
    pub step_loop_ms: u64,
    pub service_s: u64,
    pub hardware_s: u64,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    pub max_speed_mm_s: f64,
    pub max_acceleration_mm_s2: f64,
    pub max_jerk_mm_s3: f64,
    pub max_stroke_mm: f64,
    pub max_step_rate_hz: u32,
    pub stop_within_ms: u64,
    pub stop_way_mm: f64,
}
