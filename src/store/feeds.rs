//! Settings of the feeds: where and how other programs may move the axis, and from where they reach it.
//!
//! Window and vibration are settings of the user, and part of a backup. Who reaches a feed from beyond this host is a
//! matter of access: a backup, perhaps that of another machine, and a reset of the settings leave that as it is.

use std::net::IpAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::layout;
use crate::motion::feed::FeedWindow;

/// Largest number of allowed hosts.
pub const MAX_FEED_HOSTS: usize = 16;
/// Shortest window (mm).
pub const SHORTEST_WINDOW_MM: f64 = 1.0;
/// Share of the speed at full vibration, by default.
const VIBRATION_SPEED_SHARE: f64 = 0.3;

/// Settings of the feeds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct FeedSettings {
    /// Part of the range in which a feed moves; null for the whole stroke.
    pub window: Option<StoredWindow>,
    /// True if commands to vibrate move the axis, too.
    pub vibration: bool,
    /// Speed at full vibration as a share of the highest speed, 0 to 1.
    pub vibration_speed_share: f64,
    /// True if T-Code is also accepted from beyond this host.
    pub tcode_beyond_loopback: bool,
    /// True if the Buttplug server is also reached from beyond this host.
    pub buttplug_beyond_loopback: bool,
    /// Addresses beyond this host from which feeds are accepted, each once, at most 16.
    #[schemars(with = "Vec<String>")]
    pub allowed_hosts: Vec<IpAddr>,
}

impl Default for FeedSettings {
    fn default() -> Self {
        FeedSettings {
            window: None,
            vibration: false,
            vibration_speed_share: VIBRATION_SPEED_SHARE,
            tcode_beyond_loopback: false,
            buttplug_beyond_loopback: false,
            allowed_hosts: Vec::new(),
        }
    }
}

/// Part of the range in which a feed moves, as it is stored.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StoredWindow {
    /// Its back, in mm of the axis, 0 or more.
    pub back_mm: f64,
    /// Its front, at least 1 mm in front of its back.
    pub front_mm: f64,
}

impl From<StoredWindow> for FeedWindow {
    fn from(StoredWindow { back_mm, front_mm }: StoredWindow) -> FeedWindow {
        FeedWindow { back_mm, front_mm }
    }
}

/// Settings of the feeds that a backup has.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FeedMotionPart {
    /// Part of the range in which a feed moves; null for the whole stroke.
    pub window: Option<StoredWindow>,
    /// True if commands to vibrate move the axis, too.
    pub vibration: bool,
    /// Speed at full vibration as a share of the highest speed, 0 to 1.
    pub vibration_speed_share: f64,
}

impl FeedMotionPart {
    /// That part of `settings`.
    pub fn of(settings: &FeedSettings) -> FeedMotionPart {
        let FeedSettings { window, vibration, vibration_speed_share, .. } = *settings;
        FeedMotionPart { window, vibration, vibration_speed_share }
    }
}

impl FeedSettings {
    /// The same access with another window and vibration.
    #[must_use]
    pub fn with_motion(self, part: FeedMotionPart) -> FeedSettings {
        let FeedMotionPart { window, vibration, vibration_speed_share } = part;
        FeedSettings { window, vibration, vibration_speed_share, ..self }
    }

    /// True if nothing differs from the default.
    pub fn is_default(&self) -> bool {
        *self == FeedSettings::default()
    }

    /// Checks everything.
    ///
    /// # Errors
    /// A message about the first problem.
    pub fn check(&self) -> Result<(), String> {
        if let Some(window) = &self.window {
            window.check().map_err(|why| format!("window: {why}"))?;
        }
        if !(0.0..=1.0).contains(&self.vibration_speed_share) {
            return Err(format!("vibration_speed_share must be 0 to 1, not {}", self.vibration_speed_share));
        }
        self.check_access()
    }

    /// Checks the part about access.
    ///
    /// # Errors
    /// A message about the first problem.
    pub fn check_access(&self) -> Result<(), String> {
        let hosts = &self.allowed_hosts;
        if hosts.len() > MAX_FEED_HOSTS {
            return Err(format!("allowed_hosts: at most {MAX_FEED_HOSTS} hosts, not {}", hosts.len()));
        }
        for (index, host) in hosts.iter().enumerate() {
            if host.is_unspecified() || host.is_multicast() {
                return Err(format!("allowed_hosts: {host} is no address of a host"));
            }
            if hosts[..index].contains(host) {
                return Err(format!("allowed_hosts: {host} is there twice"));
            }
        }
        Ok(())
    }
}

impl StoredWindow {
    /// Checks that a stroke can have it.
    ///
    /// # Errors
    /// A message about the first problem.
    pub fn check(&self) -> Result<(), String> {
        let StoredWindow { back_mm, front_mm } = *self;
        if !(back_mm.is_finite() && front_mm.is_finite()) {
            return Err("back_mm and front_mm must be finite numbers".to_owned());
        }
        if back_mm < 0.0 {
            return Err(format!("back_mm must be 0 or more, not {back_mm}"));
        }
        if front_mm > layout::MAX_STROKE_MM {
            return Err(format!("front_mm must be at most {}, not {front_mm}", layout::MAX_STROKE_MM));
        }
        if front_mm < back_mm + SHORTEST_WINDOW_MM {
            return Err(format!(
                "front_mm must be at least {SHORTEST_WINDOW_MM} mm in front of back_mm, {back_mm}, not {front_mm}"
            ));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example() -> FeedSettings {
        FeedSettings {
            window: Some(StoredWindow { back_mm: 0.1 + 0.2, front_mm: 120.0 }),
            vibration: true,
            vibration_speed_share: 0.5,
            tcode_beyond_loopback: true,
            buttplug_beyond_loopback: true,
            allowed_hosts: vec![[192, 168, 1, 20].into(), "fe80::1".parse().unwrap()],
        }
    }

    #[test]
    fn the_default_opens_nothing_and_moves_in_the_whole_stroke() {
        let default = FeedSettings::default();
        assert_eq!((default.check(), default.is_default()), (Ok(()), true));
        assert_eq!((default.window, default.vibration), (None, false));
        assert!(!default.tcode_beyond_loopback && !default.buttplug_beyond_loopback);
        assert!(default.allowed_hosts.is_empty() && !example().is_default());
        // A key that an older program did not write has its default.
        assert_eq!(serde_json::from_str::<FeedSettings>("{}").unwrap(), default);
    }

    #[test]
    fn the_part_of_a_backup_leaves_the_access_alone() {
        let own = FeedSettings { window: None, vibration: false, ..example() };
        assert_eq!(own.with_motion(FeedMotionPart::of(&example())), example());
        let restored = FeedSettings::default().with_motion(FeedMotionPart::of(&example()));
        assert!(restored.allowed_hosts.is_empty() && !restored.tcode_beyond_loopback);
        assert_eq!(restored.window, example().window);
    }

    #[test]
    fn what_cannot_be_is_refused_with_its_reason() {
        let text = serde_json::to_string(&example()).unwrap();
        assert!(text.contains(r#""allowed_hosts":["192.168.1.20","fe80::1"]"#), "{text}");
        assert_eq!((serde_json::from_str(&text).ok(), example().check()), (Some(example()), Ok(())));
        let window = |back_mm, front_mm| Some(StoredWindow { back_mm, front_mm });
        type Spoil = fn(&mut FeedSettings, fn(f64, f64) -> Option<StoredWindow>);
        let cases: [(Spoil, &str); 11] = [
            (|s, w| s.window = w(f64::NAN, 9.0), "window: back_mm and front_mm must be finite"),
            (|s, w| s.window = w(0.0, f64::INFINITY), "window: back_mm and front_mm must be finite"),
            (|s, w| s.window = w(-0.1, 9.0), "window: back_mm must be 0 or more, not -0.1"),
            (|s, w| s.window = w(0.0, 5_000.1), "window: front_mm must be at most 5000, not 5000.1"),
            (
                |s, w| s.window = w(9.0, 9.9),
                "window: front_mm must be at least 1 mm in front of back_mm, 9, not 9.9",
            ),
            (
                |s, w| s.window = w(9.0, 1.0),
                "window: front_mm must be at least 1 mm in front of back_mm, 9, not 1",
            ),
            (|s, _| s.vibration_speed_share = 1.1, "vibration_speed_share must be 0 to 1, not 1.1"),
            (|s, _| s.vibration_speed_share = f64::NAN, "vibration_speed_share must be 0 to 1, not NaN"),
            (|s, _| s.allowed_hosts.push([0, 0, 0, 0].into()), "allowed_hosts: 0.0.0.0 is no address"),
            (
                |s, _| s.allowed_hosts.push([192, 168, 1, 20].into()),
                "allowed_hosts: 192.168.1.20 is there twice",
            ),
            (
                |s, _| s.allowed_hosts = (1..=17).map(|n| [10, 0, 0, n].into()).collect(),
                "allowed_hosts: at most 16 hosts, not 17",
            ),
        ];
        for (spoil, said) in cases {
            let mut settings = example();
            spoil(&mut settings, window);
            let why = settings.check().unwrap_err();
            assert!(why.contains(said), "{said}: {why}");
        }
        assert_eq!(FeedSettings { window: window(0.0, 1.0), ..example() }.check(), Ok(()));
        let longest = window(0.0, layout::MAX_STROKE_MM);
        assert_eq!(FeedSettings { window: longest, ..example() }.check(), Ok(()));
    }
}
