//! Rules of the feeds: each port and each serial line once, and addresses that can be called.

use std::net::SocketAddr;
use std::path::Path;

use super::feeds::is_ws_address;
use super::rules::{OptionsError, require, within};
use super::{FeedOptions, ForceSensorOptions, MirrorTarget, Options};

/// Longest time by which a device follows later (ms).
const LONGEST_DELAY_MS: u32 = 5_000;

impl Options {
    /// Checks the options of the feeds.
    ///
    /// # Errors
    /// The first broken rule.
    pub(super) fn check_feeds(&self) -> Result<(), OptionsError> {
        self.check_feed_ports()?;
        let feeds = &self.feeds;
        require("feeds.tcode_baud", FeedOptions::BAUD_RATES.contains(&feeds.tcode_baud), || {
            format!(
                "{} is no rate of a serial line; choose one of {:?}",
                feeds.tcode_baud,
                FeedOptions::BAUD_RATES
            )
        })?;
        // A relative one would be beside whatever the program was started from.
        require("feeds.tcode_pty", feeds.tcode_pty.as_deref().is_none_or(Path::is_absolute), || {
            "must be an absolute path, as in \"/run/yep/tcode\"".to_owned()
        })?;
        require("feeds.intiface", feeds.intiface.as_deref().is_none_or(is_ws_address), || {
            "must be an address as in \"ws://127.0.0.1:54817\"".to_owned()
        })?;
        self.check_mirrors()?;
        self.check_feed_lines()
    }

    /// The feeds on TCP share the numbers with the server itself; UDP has its own.
    fn check_feed_ports(&self) -> Result<(), OptionsError> {
        let FeedOptions { tcode_tcp, buttplug, .. } = self.feeds;
        for (key, port) in [("feeds.tcode_tcp", tcode_tcp), ("feeds.buttplug", buttplug)] {
            require(key, port == 0 || port != self.listen.port(), || {
                format!("port {port} is the server's own, that of listen; choose another, or 0 for none")
            })?;
        }
        require("feeds.buttplug", buttplug == 0 || buttplug != tcode_tcp, || {
            format!("port {buttplug} is already feeds.tcode_tcp; choose another, or 0 for none")
        })
    }

    fn check_mirrors(&self) -> Result<(), OptionsError> {
        const KEY: &str = "feeds.mirror";
        let mirrors = &self.feeds.mirror;
        require(KEY, mirrors.len() <= FeedOptions::MAX_MIRRORS, || {
            format!("at most {} devices, not {}", FeedOptions::MAX_MIRRORS, mirrors.len())
        })?;
        for (index, mirror) in mirrors.iter().enumerate() {
            within(KEY, mirror.low, 0.0..=1.0)?;
            within(KEY, mirror.high, 0.0..=1.0)?;
            within(KEY, mirror.delay_ms, 0..=LONGEST_DELAY_MS)?;
            within(KEY, mirror.interval_ms, 3..=1_000)?;
            let again = mirrors[..index].iter().any(|other| other.to == mirror.to);
            require(KEY, !again, || format!("{} is there twice", mirror.to))?;
            // The axis would follow itself.
            require(KEY, !self.is_own_feed(&mirror.to), || format!("{} is this server itself", mirror.to))?;
        }
        Ok(())
    }

    /// True for this server's own port of T-Code, as far as the address says so.
    fn is_own_feed(&self, to: &MirrorTarget) -> bool {
        let MirrorTarget::Udp(address) = to else { return false };
        let here = match address.parse() {
            Ok(SocketAddr::V4(v4)) => v4.ip().is_loopback(),
            Ok(SocketAddr::V6(v6)) => v6.ip().is_loopback(),
            Err(_) => address.starts_with("localhost:"),
        };
        here && address.rsplit_once(':').is_some_and(|(_, port)| port.parse() == Ok(self.feeds.tcode_udp))
    }

    /// Each serial line has one reader.
    fn check_feed_lines(&self) -> Result<(), OptionsError> {
        let sensor = (self.force_sensor() == ForceSensorOptions::Uart)
            .then_some(("force.device", self.force.device.as_path()));
        let feeds = &self.feeds;
        let feed = feeds.tcode_serial.as_deref().map(|device| ("feeds.tcode_serial", device));
        let pty = feeds.tcode_pty.as_deref().map(|link| ("feeds.tcode_pty", link));
        let mirrors = feeds.mirror.iter().filter_map(|mirror| match &mirror.to {
            MirrorTarget::Serial(device) => Some(("feeds.mirror", device.as_path())),
            MirrorTarget::Udp(_) | MirrorTarget::WebSocket(_) => None,
        });
        let lines: Vec<_> = sensor.into_iter().chain(feed).chain(pty).chain(mirrors).collect();
        for (index, (key, device)) in lines.iter().enumerate() {
            if let Some((other, _)) = lines[..index].iter().find(|(_, taken)| taken == device) {
                return Err(OptionsError { key, rule: format!("{} is already {other}", device.display()) });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::{Driver, MirrorOptions};

    fn mirror(to: &str) -> MirrorOptions {
        let to = MirrorTarget::try_from(to.to_owned()).unwrap();
        MirrorOptions { to, low: 0.0, high: 1.0, delay_ms: 0, interval_ms: 20 }
    }

    #[test]
    fn each_rule_of_the_feeds_refuses_what_breaks_it() {
        type Change = fn(&mut Options);
        let cases: [(Change, &str); 18] = [
            (
                |o| o.listen.set_port(8_000),
                "feeds.tcode_tcp: port 8000 is the server's own, that of listen; choose another, or 0 for none",
            ),
            (|o| o.listen.set_port(12_345), "feeds.buttplug: port 12345 is the server's own"),
            (|o| o.feeds.buttplug = 8_000, "feeds.buttplug: port 8000 is already feeds.tcode_tcp; choose"),
            (
                |o| o.feeds.tcode_baud = 115_201,
                "feeds.tcode_baud: 115201 is no rate of a serial line; choose",
            ),
            (|o| o.feeds.tcode_pty = Some("tcode".into()), "feeds.tcode_pty: must be an absolute path"),
            (|o| o.feeds.intiface = Some("127.0.0.1:54817".into()), "feeds.intiface: must be an address as"),
            (|o| o.feeds.intiface = Some("wss://host".into()), "feeds.intiface: must be an address as"),
            (|o| o.feeds.mirror[0].low = -0.1, "feeds.mirror: -0.1 is outside 0 … 1"),
            (|o| o.feeds.mirror[0].high = f64::NAN, "feeds.mirror: NaN is outside 0 … 1"),
            (|o| o.feeds.mirror[0].delay_ms = 5_001, "feeds.mirror: 5001 is outside 0 … 5000"),
            (|o| o.feeds.mirror[0].interval_ms = 2, "feeds.mirror: 2 is outside 3 … 1000"),
            (|o| o.feeds.mirror = vec![mirror("ws://a/b"); 2], "feeds.mirror: ws://a/b is there twice"),
            (|o| o.feeds.mirror = vec![mirror("ws://a/b"); 5], "feeds.mirror: at most 4 devices, not 5"),
            (
                |o| o.feeds.mirror = vec![mirror("udp://127.0.0.1:8000")],
                "feeds.mirror: udp://127.0.0.1:8000 is this server itself",
            ),
            (
                |o| o.feeds.mirror = vec![mirror("udp://localhost:8000")],
                "feeds.mirror: udp://localhost:8000 is this server itself",
            ),
            (
                |o| o.feeds.tcode_serial = Some("/dev/ttyUSB0".into()),
                "feeds.mirror: /dev/ttyUSB0 is already feeds.tcode_serial",
            ),
            (
                |o| {
                    (o.feeds.tcode_serial, o.feeds.tcode_pty) = (Some("/dev/a".into()), Some("/dev/a".into()))
                },
                "feeds.tcode_pty: /dev/a is already feeds.tcode_serial",
            ),
            (
                |o| {
                    (o.driver, o.force.sensor) = (Driver::Gpio, Some(ForceSensorOptions::Uart));
                    o.feeds.tcode_serial = Some(o.force.device.clone());
                },
                "feeds.tcode_serial: /dev/serial0 is already force.device",
            ),
        ];
        for (change, sentence) in cases {
            let mut options = Options::default();
            options.feeds.mirror = vec![mirror("/dev/ttyUSB0"), mirror("udp://192.168.1.20:8000")];
            assert_eq!(options.check(), Ok(()));
            change(&mut options);
            let broken = options.check().expect_err(sentence).to_string();
            assert!(broken.contains(sentence), "{broken:?} does not say {sentence:?}");
        }
    }

    #[test]
    fn feeds_that_are_off_collide_with_nothing() {
        let mut options = Options { feeds: FeedOptions::off(), ..Options::default() };
        options.listen.set_port(0);
        options.feeds.mirror = vec![mirror("udp://127.0.0.1:8000"), mirror("udp://[::1]:8000")];
        assert_eq!(options.check(), Ok(()));
        options.listen.set_port(8_000);
        assert_eq!(options.check(), Ok(()));
        // A datagram's port is none of the others.
        options.feeds = FeedOptions { tcode_udp: 8_080, tcode_tcp: 0, ..FeedOptions::default() };
        options.listen.set_port(8_080);
        assert_eq!(options.check(), Ok(()));
    }
}
