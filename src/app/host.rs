//! Host monitor: reads the computer's supply and temperature once a second, and passes the derating to the control
//! cycle (promise S25).
//!
//! The kernel shows them in small files, which the configuration can name; on a Pi's pins they are searched. A missing
//! file is logged once: then nothing is known, and nothing is derated. This runs outside the real-time threads, as
//! reading may wait for the firmware.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use std::{fs, io};

use tokio::time::{Instant, MissedTickBehavior};

use crate::drive::host_line::HostLine;
use crate::machine::host::{HostHealth, HostMonitor, HostReadings, PLAUSIBLE_C};
use crate::options::{Driver, Options};
use crate::units::Nanos;

/// Interval of the readings.
pub const EVERY: Duration = Duration::from_secs(1);

/// Reads with `read` once a second, and stores the resulting derating in `line`.
pub async fn watch<R, F>(mut read: R, line: HostLine)
where
    R: FnMut() -> F,
    F: Future<Output = HostReadings>,
{
    let began = Instant::now();
    let mut watch = HostMonitor::default();
    let mut tick = tokio::time::interval(EVERY);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        let readings = read().await;
        let now = began.elapsed().as_nanos() as Nanos;
        line.store(HostHealth { readings, derating: watch.update(now, readings) });
    }
}

/// Files of the kernel for supply and temperature, as far as there are any.
#[derive(Debug, Clone, Default)]
pub struct HostSensors {
    under_voltage: Option<Arc<SensorFile>>,
    temperature: Option<Arc<SensorFile>>,
}

#[derive(Debug)]
struct SensorFile {
    path: PathBuf,
    /// True after an error of this file was logged.
    error_reported: AtomicBool,
}

impl HostSensors {
    /// The files that the options name; on a Pi's pins also those found below `root`, which is `/` except in tests.
    pub fn of(options: &Options, root: &Path) -> HostSensors {
        let named = &options.host;
        let found = options.driver == Driver::Gpio;
        let or_found = |named: &Option<PathBuf>, find: fn(&Path) -> Option<PathBuf>| {
            let path = named.clone().or_else(|| if found { find(root) } else { None });
            path.map(|path| Arc::new(SensorFile { path, error_reported: AtomicBool::new(false) }))
        };
        let sources = HostSensors {
            under_voltage: or_found(&named.under_voltage, find_under_voltage),
            temperature: or_found(&named.temperature, find_temperature),
        };
        if found {
            for (source, what) in [(&sources.under_voltage, "its supply"), (&sources.temperature, "its heat")]
            {
                match source {
                    Some(source) => tracing::info!("{what}, as {} tells it", source.path.display()),
                    None => tracing::info!("this computer tells nothing of {what}"),
                }
            }
        }
        sources
    }

    /// True if there is any file.
    pub fn any(&self) -> bool {
        self.under_voltage.is_some() || self.temperature.is_some()
    }

    /// Reads the files. Blocks for as long as the kernel takes.
    pub fn read(&self) -> HostReadings {
        HostReadings {
            under_voltage: self.under_voltage.as_ref().and_then(|source| source.read(flags)).map(is_low),
            temperature_c: self.temperature.as_ref().and_then(|source| source.read(millidegrees)),
        }
    }
}

impl SensorFile {
    fn read<T>(&self, parse: fn(&str) -> Option<T>) -> Option<T> {
        let text = fs::read_to_string(&self.path);
        let value = text.and_then(|text| {
            let unclear = || io::Error::new(io::ErrorKind::InvalidData, format!("it says {:?}", text.trim()));
            parse(text.trim()).ok_or_else(unclear)
        });
        match value {
            Ok(value) => {
                self.error_reported.store(false, Ordering::Relaxed);
                Some(value)
            }
            Err(error) => {
                if !self.error_reported.swap(true, Ordering::Relaxed) {
                    let path = self.path.display();
                    tracing::warn!("{path} tells nothing of power and heat: {error}");
                }
                None
            }
        }
    }
}

/// Parses hexadecimal flags of the firmware; the 0 or 1 of an alarm file has the same form.
fn flags(text: &str) -> Option<u32> {
    u32::from_str_radix(text.trim_start_matches("0x"), 16).ok()
}

/// The lowest of the firmware's flags means under-voltage now.
const fn is_low(flags: u32) -> bool {
    flags & 1 != 0
}

fn millidegrees(text: &str) -> Option<f32> {
    let c = text.parse::<i32>().ok()? as f32 / 1e3;
    Some(c).filter(|c| PLAUSIBLE_C.contains(c))
}

/// Searches for the alarm file of the Pi's supply monitor, or the firmware's flags.
fn find_under_voltage(root: &Path) -> Option<PathBuf> {
    let alarm = of_kind(&root.join("sys/class/hwmon"), "name", "rpi_volt");
    let alarm = alarm.map(|monitor| monitor.join("in0_lcrit_alarm"));
    let flags = root.join("sys/devices/platform/soc/soc:firmware/get_throttled");
    alarm.into_iter().chain([flags]).find(|path| path.exists())
}

/// Searches for the processor's thermal zone, by the name that a Pi gives it.
fn find_temperature(root: &Path) -> Option<PathBuf> {
    let zone = of_kind(&root.join("sys/class/thermal"), "type", "cpu-thermal")?;
    Some(zone.join("temp")).filter(|path| path.exists())
}

/// The device in `folder` whose file `key` contains `kind`.
fn of_kind(folder: &Path, key: &str, kind: &str) -> Option<PathBuf> {
    let mut devices: Vec<_> = fs::read_dir(folder).ok()?.flatten().map(|entry| entry.path()).collect();
    devices.sort();
    devices
        .into_iter()
        .find(|device| fs::read_to_string(device.join(key)).is_ok_and(|said| said.trim() == kind))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options;

    fn write(path: &Path, text: &str) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    #[test]
    fn a_pi_is_searched_and_what_it_says_is_understood() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path();
        let gpio = Options { driver: Driver::Gpio, ..Options::default() };
        assert!(!HostSensors::of(&gpio, root).any());
        write(&root.join("sys/class/hwmon/hwmon0/name"), "cpu_thermal\n");
        write(&root.join("sys/class/thermal/thermal_zone0/type"), "cpu-thermal\n");
        write(&root.join("sys/class/thermal/thermal_zone0/temp"), "48312\n");
        let throttled = root.join("sys/devices/platform/soc/soc:firmware/get_throttled");
        // Now, and before: only now counts.
        for (said, low) in [("50005\n", Some(true)), ("50000\n", Some(false)), ("nonsense\n", None)] {
            write(&throttled, said);
            let vitals = HostSensors::of(&gpio, root).read();
            assert_eq!(vitals, HostReadings { under_voltage: low, temperature_c: Some(48.312) }, "{said}");
        }
        // The supply monitor has priority over the flags.
        write(&root.join("sys/class/hwmon/hwmon1/name"), "rpi_volt\n");
        write(&root.join("sys/class/hwmon/hwmon1/in0_lcrit_alarm"), "1\n");
        let sources = HostSensors::of(&gpio, root);
        assert_eq!(sources.read().under_voltage, Some(true));
        fs::remove_file(root.join("sys/class/hwmon/hwmon1/in0_lcrit_alarm")).unwrap();
        assert_eq!(sources.read().under_voltage, None);
        // A simulated machine does not depend on the computer's supply.
        assert!(!HostSensors::of(&Options::default(), root).any());
    }

    #[test]
    fn what_the_options_name_is_read_whatever_the_machine_is() {
        let root = tempfile::tempdir().unwrap();
        let (low, heat) = (root.path().join("low"), root.path().join("heat"));
        let host = options::HostOptions { under_voltage: Some(low.clone()), temperature: Some(heat.clone()) };
        let sources = HostSensors::of(&Options { host, ..Options::default() }, Path::new("/"));
        assert_eq!(sources.read(), HostReadings::default());
        write(&low, "0\n");
        for nonsense in ["999000", "-273150", "2147483647", "99999999999", "hot", ""] {
            write(&heat, nonsense);
            assert_eq!(sources.read().temperature_c, None, "{nonsense}");
        }
        write(&heat, "-1500");
        assert_eq!(sources.read(), HostReadings { under_voltage: Some(false), temperature_c: Some(-1.5) });
    }
}
