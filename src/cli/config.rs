//! Merge of command line, configuration file and defaults, in this order of precedence.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::{env, io};

use toml::de::{DeTable, DeValue};

use super::run_arguments::Arguments;
use crate::files;
use crate::options::rules::OptionsError;
use crate::options::{COMMISSIONED_KEYS, Force, Options};

/// Why there are no options to start with.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read {}: {error}", .file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// The system's error.
        error: io::Error,
    },
    /// The file is not valid.
    #[error("{}:{line}: {what}", .file.display())]
    Wrong {
        /// The file.
        file: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The mistake.
        what: String,
    },
    /// A rule between the options is broken, and the file has no line to blame.
    #[error(transparent)]
    Broken(#[from] OptionsError),
}

/// Merges command line, file, environment and defaults.
///
/// # Errors
/// The file cannot be read or understood, or a rule is broken; with file and line where there is one.
pub fn load(arguments: &Arguments) -> Result<Options, ConfigError> {
    let text = match &arguments.config {
        Some(file) => {
            files::read_text(file).map_err(|error| ConfigError::Read { file: file.clone(), error })?
        }
        None => String::new(),
    };
    understand(arguments, &text)
}

/// The options of a configuration file, without any command line.
///
/// # Errors
/// The text cannot be understood, or a rule is broken; with the line where there is one.
pub fn of_text(text: &str) -> Result<Options, ConfigError> {
    understand(&Arguments::default(), text)
}

fn understand(arguments: &Arguments, text: &str) -> Result<Options, ConfigError> {
    let file = arguments.config.as_deref().unwrap_or(Path::new(""));
    let wrong = |span: Range<usize>, what: String| {
        let line = 1 + text[..span.start.min(text.len())].matches('\n').count();
        ConfigError::Wrong { file: file.to_owned(), line, what }
    };

    let parsed = toml::from_str(text)
        .map_err(|error| wrong(error.span().unwrap_or_default(), error.message().to_owned()))?;
    let names_state_dir = span_of(text, "state_dir").is_some();
    let systemd_dir = env::var_os("STATE_DIRECTORY").map(PathBuf::from);
    let mut options = merge(arguments, parsed, names_state_dir, systemd_dir);
    options.said = COMMISSIONED_KEYS.into_iter().filter(|key| span_of(text, key).is_some()).collect();
    options.check().map_err(|broken| match span_of(text, broken.key) {
        Some(span) => wrong(span, broken.to_string()),
        None => broken.into(),
    })?;
    Ok(options)
}

/// The options of the file under those of the command line. The state folder of systemd counts where the file names none.
fn merge(
    arguments: &Arguments,
    file: Options,
    names_state_dir: bool,
    systemd_dir: Option<PathBuf>,
) -> Options {
    let systemd_dir = systemd_dir.filter(|_| !names_state_dir);
    Options {
        listen: arguments.listen.unwrap_or(file.listen),
        state_dir: arguments.state_dir.clone().or(systemd_dir).unwrap_or(file.state_dir),
        driver: arguments.driver.unwrap_or(file.driver),
        app: arguments.app.clone().or(file.app),
        force: Force { sensor: arguments.force_sensor.or(file.force.sensor), ..file.force },
        ..file
    }
}

/// Place of the value of `section.key` in the file, if the file has it.
fn span_of(text: &str, key: &str) -> Option<Range<usize>> {
    let document = DeTable::parse(text).ok()?;
    let mut table = document.get_ref();
    let mut span = None;
    for part in key.split('.') {
        let value = table.get(part)?;
        span = Some(value.span());
        if let DeValue::Table(inner) = value.get_ref() {
            table = inner;
        }
    }
    span
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::options::{Driver, ForceSensorOptions, MirrorOptions, MirrorTarget};
    use crate::settings::{RailGeometry, Settings, new_id};

    fn read(text: &str) -> Result<Options, String> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("yep.toml");
        fs::write(&file, text).unwrap();
        let arguments = Arguments { config: Some(file.clone()), ..Arguments::default() };
        load(&arguments).map_err(|error| error.to_string().replace(file.to_str().unwrap(), "yep.toml"))
    }

    #[test]
    fn an_empty_file_changes_nothing() {
        assert_eq!(read("").unwrap(), Options::default());
    }

    #[test]
    fn the_shipped_example_says_the_defaults() {
        assert_eq!(read(include_str!("../../examples/yep.toml")).unwrap(), Options::default());
    }

    #[test]
    fn the_shipped_example_names_every_mishap() {
        let example = include_str!("../../examples/yep.toml");
        for mishap in crate::hal::sim::Mishap::ALL {
            assert!(example.contains(&format!("\"{}\"", mishap.name())), "{}", mishap.name());
        }
    }

    #[test]
    fn a_file_that_an_editor_on_windows_saved_is_read() {
        let said = "# größer\r\ndriver = 'gpio'\r\n";
        let utf_16: Vec<u8> = said.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let marked = [b"\xef\xbb\xbf", said.as_bytes()].concat();
        for bytes in [marked, [b"\xff\xfe", utf_16.as_slice()].concat()] {
            let folder = tempfile::tempdir().unwrap();
            let file = folder.path().join("yep.toml");
            fs::write(&file, bytes).unwrap();
            let arguments = Arguments { config: Some(file), ..Arguments::default() };
            assert_eq!(load(&arguments).unwrap().driver, Driver::Gpio);
        }
    }

    #[test]
    fn the_shipped_example_shows_every_key() {
        // Each key that is commented out is read with its comment sign taken away.
        let all: String = include_str!("../../examples/yep.toml")
            .lines()
            .map(|line| line.strip_prefix("#: ").unwrap_or(line).to_owned() + "\n")
            .collect();
        let example: toml::Table = all.parse().unwrap();
        let mut options = Options { app: Some("/usr/share/yep/app".into()), ..Options::default() };
        options.pins.e_stop = Some(16);
        options.pins.driver_alarm = Some(26);
        options.pins.enable = Some(25);
        options.access.hostname = Some("yep".into());
        options.access.extra_origins = Some(vec!["http://localhost:3000".into()]);
        options.access.remote_machine = Some([192, 168, 1, 20].into());
        options.force.sensor = Some(ForceSensorOptions::Sim);
        let uart = Force { sensor: Some(ForceSensorOptions::Uart), ..Force::default() };
        let overrun_mm = Options { force: uart, ..Options::default() }.overrun_mm();
        options.force.overrun = overrun_mm.map(crate::units::Mm::constant);
        options.force.firmware = Some("/usr/lib/yep/sensor-board.elf".into());
        options.feeds.tcode_serial = Some("/dev/ttyGS0".into());
        options.feeds.tcode_pty = Some("/run/yep/tcode".into());
        options.feeds.intiface = Some("ws://127.0.0.1:54817".into());
        options.feeds.mirror = vec![MirrorOptions {
            to: MirrorTarget::Udp("192.168.1.20:8000".into()),
            low: 0.0,
            high: 1.0,
            delay_ms: 0,
            interval_ms: 20,
        }];
        options.mqtt.broker = Some("192.168.1.5:1883".into());
        options.mqtt.user = Some("yep".into());
        options.mqtt.password_file = Some("/etc/yep/mqtt-password".into());
        options.mqtt.ca_file = Some("/etc/yep/broker-ca.pem".into());
        options.host.under_voltage = Some("/sys/class/hwmon/hwmon1/in0_lcrit_alarm".into());
        options.host.temperature = Some("/sys/class/thermal/thermal_zone0/temp".into());
        assert_eq!(example, toml::Table::try_from(&options).unwrap());
    }

    #[test]
    fn the_simulated_rail_is_the_one_of_the_default_settings() {
        let options = Options::default();
        let settings = Settings::fresh(new_id());
        let rail = RailGeometry {
            travel_per_turn_mm: options.rail.travel_per_turn.get(),
            ..RailGeometry::default()
        };
        let geometry = settings.config(&rail).geometry;
        assert_eq!((geometry.max_stroke, geometry.nominal), (options.sim.length, options.sim.steps_per_mm));
    }

    #[test]
    fn the_command_line_wins_over_the_file_and_the_file_over_the_system() {
        let file = || -> Options {
            toml::from_str("listen = '127.0.0.1:1'\nstate_dir = '/file'\ndriver = 'gpio'").unwrap()
        };
        let systemd = || Some(PathBuf::from("/systemd"));
        let arguments = Arguments {
            listen: Some(([127, 0, 0, 1], 2).into()),
            state_dir: Some("/line".into()),
            driver: Some(Driver::Remote),
            force_sensor: None,
            app: None,
            config: None,
        };
        let all = merge(&arguments, file(), true, systemd());
        assert_eq!((all.listen.port(), all.driver), (2, Driver::Remote));
        assert_eq!(all.state_dir, PathBuf::from("/line"));
        let two = merge(&Arguments::default(), file(), true, systemd());
        assert_eq!((two.listen.port(), two.driver), (1, Driver::Gpio));
        assert_eq!(two.state_dir, PathBuf::from("/file"));
        let one = merge(&Arguments::default(), Options::default(), false, systemd());
        assert_eq!(one.state_dir, PathBuf::from("/systemd"));
    }

    #[test]
    fn an_error_names_file_line_and_rule() {
        for (text, said) in [
            ("\nlisten = 'here'", "yep.toml:2: invalid socket address syntax"),
            ("driver = 'pigpio'", "yep.toml:1: unknown variant `pigpio`, expected one of"),
            ("\n\n[pins]\nstop = 3", "yep.toml:4: unknown field `stop`, expected one of `step`"),
            ("[pins]\ndir = 23", "yep.toml:2: pins.dir: BCM 23 is already pins.step"),
            ("[pins]\nstep = 21", "pins.front: BCM 21 is already pins.step"),
            ("[pins]\nstep = 300", "yep.toml:2: invalid value: integer `300`, expected u8"),
            ("[homing]\nfast_mm_s = -1", "yep.toml:2: -1 mm/s is outside 0 … 5000 mm/s"),
            ("[homing]\nfast_mm_s = nan", "yep.toml:2: NaN mm/s is outside"),
            ("homing.slow_mm_s = 50\n", "yep.toml:1: homing.slow_mm_s: 50 is outside 0.5 … 40"),
            ("\nlisten = '0.0.0.0:8000'", "feeds.tcode_tcp: port 8000 is the server's own"),
            (
                "\nlisten = '0.0.0.0:1'\n[feeds]\nbuttplug = 1",
                "yep.toml:4: feeds.buttplug: port 1 is the server's",
            ),
            ("[feeds]\n[[feeds.mirror]]\nto = 'a'", "yep.toml:3: \"a\" must be \"udp://HOST:PORT\", \"ws://"),
            ("[realtime]\nrequire = true", "yep.toml:2: "),
            ("a = \n", "yep.toml:1: "),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.starts_with(said), "{text:?} gave {error:?}");
        }
    }

    #[test]
    fn what_the_file_says_of_the_wiring_is_known() {
        let options = read("pins.invert_dir = false\n[timing]\npulse_low_ns = 2500\n").unwrap();
        assert_eq!(
            options.said.iter().copied().collect::<Vec<_>>(),
            ["pins.invert_dir", "timing.pulse_low_ns"]
        );
        assert!(read("driver = 'gpio'").unwrap().said.is_empty());
        // Each is a key of the file.
        let all: toml::Table = toml::Table::try_from(Options::default()).unwrap();
        for key in COMMISSIONED_KEYS {
            let (section, key) = key.split_once('.').unwrap();
            assert!(all[section].get(key).is_some(), "{key}");
        }
    }

    #[test]
    fn a_file_that_is_not_there_is_named() {
        let arguments = Arguments { config: Some("/nowhere/yep.toml".into()), ..Arguments::default() };
        let error = load(&arguments).unwrap_err().to_string();
        assert!(error.starts_with("cannot read /nowhere/yep.toml: No such file"), "{error}");
    }
}
