//! stub
#[derive(Debug, Clone, PartialEq, Default)]
pub struct FeedSettings {
    pub window: Option<StoredWindow>,
    pub vibration: bool,
    pub vibration_speed_share: f64,
    pub tcode_beyond_loopback: bool,
    pub buttplug_beyond_loopback: bool,
    pub allowed_hosts: Vec<String>,
}
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StoredWindow {
    pub back_mm: f64,
    pub front_mm: f64,
}
impl FeedSettings {
    pub fn check(&self) -> Result<(), String> {
        Ok(())
    }
}
