//! Scripts that accept or refuse a change, run in a folder of their own with stub tools.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

/// A folder with a copy of some scripts and the only commands that they find.
struct Place(TempDir);

impl Place {
    fn with(scripts: &[&str]) -> Place {
        let place = Place(tempfile::tempdir().unwrap());
        fs::create_dir_all(place.path("bin")).unwrap();
        fs::create_dir_all(place.path("scripts")).unwrap();
        for script in scripts {
            let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts").join(script);
            fs::copy(from, place.path("scripts").join(script)).unwrap();
        }
        // The commands that the scripts assume.
        let tools = "bash env sed dirname basename mktemp rm grep tee id cat touch ls mkdir timeout true";
        for tool in tools.split_whitespace() {
            let found = ["/usr/bin", "/bin"].map(|folder| Path::new(folder).join(tool));
            let found = found.iter().find(|path| path.exists()).unwrap_or_else(|| panic!("no {tool}"));
            symlink(found, place.path("bin").join(tool)).unwrap();
        }
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Puts a shell program at this path.
    fn program(&self, name: &str, text: &str) {
        let file = self.path(name);
        fs::write(&file, format!("#!/bin/bash\n{text}\n")).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// Runs a script of the card with its paths replaced by folders here.
    fn card_script(&self, name: &str, places: &[(&str, &str)]) -> Output {
        let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/card/bin").join(name);
        let mut text = fs::read_to_string(from).unwrap();
        for (place, here) in places {
            text = text.replace(place, self.path(here).to_str().unwrap());
        }
        fs::write(self.path(name), text).unwrap();
        Command::new("/bin/sh").arg(self.path(name)).env("LC_ALL", "C").output().unwrap()
    }

    fn run(&self, script: &str, arguments: &[&str], ci: &str) -> Output {
        let mut command = Command::new(self.path(&format!("scripts/{script}")));
        command.args(arguments).env_clear().env("PATH", self.path("bin")).env("HOME", self.path("home"));
        command.env("CI", ci).env("YEP_ROOT", self.path("root")).env("PLACE", self.0.path());
        command.output().unwrap()
    }
}

fn output_text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// A computer without any of the tools, whose packages are one file each: `apt-get install` makes them, and then runs
/// `also`.
fn bare_computer(also: &str) -> Place {
    let place = Place::with(&["card-tools"]);
    let wanted = fs::read_to_string(place.path("scripts/card-tools")).unwrap();
    let (_, wanted) = wanted.split_once("wanted=(").unwrap();
    let (wanted, _) = wanted.split_once("\ntarget=").unwrap();
    let pairs = wanted.split_whitespace().filter_map(|word| word.split_once('='));
    let mut recipes = String::new();
    for (file, package) in pairs.filter(|(_, package)| !package.starts_with('(')) {
        let at = if file.starts_with('/') { format!("root{file}") } else { format!("bin/{file}") };
        recipes += &format!(
            "{package}) mkdir -p \"$(dirname \"$PLACE/{at}\")\"; echo '#!/bin/bash' >\"$PLACE/{at}\"; chmod +x \"$PLACE/{at}\" ;;\n"
        );
    }
    symlink("/bin/chmod", place.path("bin/chmod")).unwrap();
    place.program("bin/dpkg", "");
    // Rust's library for the Pi is installed.
    place.program("bin/rustc", "echo \"$PLACE/sysroot\"");
    let library = place.path("sysroot/lib/rustlib/aarch64-unknown-linux-gnu/lib");
    fs::create_dir_all(&library).unwrap();
    fs::write(library.join("libstd-1.rlib"), "").unwrap();
    place.program("bin/sudo", "shift; exec \"$@\"");
    place.program(
        "bin/apt-get",
        &format!(
            "echo \"$@\" >>\"$PLACE/asked\"\nfor package; do case $package in\n{recipes}esac; done\n{also}"
        ),
    );
    place
}

fn installations(place: &Place) -> usize {
    let asked = fs::read_to_string(place.path("asked")).unwrap();
    asked.lines().filter(|line| line.starts_with("install")).count()
}

#[test]
fn what_an_installation_takes_away_is_installed_again() {
    // As on a computer with a newer qemu-img than the release has: installing the emulator removes it.
    let removes = r#"case "$* " in install*qemu-system-arm\ *) case "$*" in *qemu-utils*) ;; *) rm "$PLACE/bin/qemu-img" ;; esac ;; esac"#;
    let place = bare_computer(removes);
    place.program("bin/qemu-img", "");
    let output = place.run("card-tools", &["--install"], "");
    assert_eq!(output.status.code(), Some(0), "{}", output_text(&output));
    assert!(place.path("bin/qemu-img").exists() && output_text(&output).contains("nothing is missing"));
    assert_eq!(installations(&place), 2);
    // A second run has nothing to do.
    assert!(place.run("card-tools", &[], "").status.success());
    assert!(place.run("card-tools", &["--install"], "").status.success());
    assert_eq!(installations(&place), 2);
}

#[test]
fn what_cannot_be_had_ends_the_search() {
    // Two packages that remove each other; and one that installs nothing.
    let either = r#"case "$* " in
        install*mtools\ *) rm -f "$PLACE/bin/cpio" ;;
        install*cpio\ *) rm -f "$PLACE/bin/mcopy" ;;
    esac"#;
    for also in [either, "rm -f \"$PLACE/bin/cpio\""] {
        let place = bare_computer(also);
        let output = place.run("card-tools", &["--install"], "");
        assert_eq!(output.status.code(), Some(1), "{}", output_text(&output));
        let still = output_text(&output);
        assert!(still.contains("still missing after installing them: "), "{still}");
        assert!((2..=4).contains(&installations(&place)));
    }
    // The exit code reports a failed installation.
    let place = bare_computer("case $1 in install) exit 100 ;; esac");
    assert_eq!(place.run("card-tools", &["--install"], "").status.code(), Some(1));
    assert_eq!(installations(&place), 1);
}

/// A place where every check passes, except that `tools` replaces scripts/card-tools and `cargo` is given by a test.
fn all_green(tools: &str, cargo: &str) -> Place {
    let place = Place::with(&["test", "card-test"]);
    for tool in ["cc", "git", "rustup"] {
        place.program(&format!("bin/{tool}"), "");
    }
    place.program("bin/cargo", cargo);
    place.program("bin/systemd-analyze", "");
    fs::create_dir_all(place.path("systemd")).unwrap();
    fs::write(place.path("systemd/yep.service"), "").unwrap();
    fs::create_dir_all(place.path("tests")).unwrap();
    fs::write(place.path("tests/real_one.rs"), "").unwrap();
    fs::write(place.path("tests/one.rs"), "").unwrap();
    place.program("scripts/card-tools", tools);
    place.program("scripts/card-test", "echo the card passed");
    place.program("scripts/api-test", "");
    place.program("scripts/page-test", "");
    place.program("scripts/clients-test", "");
    place.program("scripts/intiface-test", "");
    place.program("scripts/players-test", "");
    place.program("scripts/house-test", "");
    place.program("scripts/cross-smoke", "");
    place
}

#[test]
fn what_was_not_tried_fails_in_ci_and_is_said_elsewhere() {
    let missing = "echo scripts/card-tools: missing qemu-utils >&2; exit 1";
    let skips = "case \"$*\" in *--test\\ one*) echo 'SKIPPED: a_test: no tmpfs' >&2 ;; esac";
    for (tools, cargo, left_out) in [
        (missing, "", Some("card: NOT RUN: missing qemu-utils")),
        ("", skips, Some("SKIPPED: a_test: no tmpfs")),
        ("", "", None),
    ] {
        let place = all_green(tools, cargo);
        let elsewhere = place.run("test", &[], "");
        assert_eq!(elsewhere.status.code(), Some(0), "{}", output_text(&elsewhere));
        let in_ci = place.run("test", &[], "true");
        let log = output_text(&in_ci);
        assert_eq!(in_ci.status.code(), Some(i32::from(left_out.is_some())), "{log}");
        match left_out {
            Some(words) => {
                assert!(output_text(&elsewhere).contains(words));
                assert!(log.split_once("== FAILED").is_some_and(|(_, why)| why.contains(words)), "{log}");
            }
            None => assert!(log.contains("the card passed") && !log.contains("FAILED"), "{log}"),
        }
    }
    // The exit code is that of the failed check.
    let place = all_green("", "exit 101");
    assert_eq!(place.run("test", &[], "true").status.code(), Some(101));
    let place = Place::with(&["card-test"]);
    place.program("scripts/card-tools", missing);
    assert_ne!(
        place.run("card-test", &[], "").status.code(),
        Some(0),
        "it cannot be tried, and that is green"
    );
}

const CARD: [(&str, &str); 3] =
    [("/boot/firmware", "boot"), ("/run/yep-card", "run"), ("/proc/sys/kernel/hostname", "kernel_hostname")];

/// Warnings of the card's set-up about this card.txt, one per line, and the network name that it reads.
fn warnings(card_txt: &[u8]) -> (Vec<String>, String) {
    let place = Place::with(&[]);
    fs::create_dir_all(place.path("boot")).unwrap();
    fs::write(place.path("boot/card.txt"), card_txt).unwrap();
    fs::write(place.path("boot/yep.toml"), "driver = 'sim'\r\n").unwrap();
    let output = place.card_script("setup", &CARD);
    assert!(output.status.success(), "{}", output_text(&output));
    assert_eq!(fs::read(place.path("run/yep.toml")).unwrap(), b"driver = 'sim'\r\n");
    let warnings = fs::read_to_string(place.path("run/warnings")).unwrap();
    assert_eq!(output_text(&output), warnings, "the log and the screen say the same");
    let network = fs::read_to_string(place.path("run/wpa_supplicant-wlan0.conf")).unwrap_or_default();
    (warnings.lines().map(str::to_owned).collect(), network)
}

#[test]
fn a_pairing_code_is_handed_to_the_server_and_then_removed_from_the_card() {
    let place = Place::with(&[]);
    // Stands for `chown` and `mount`, which need a user and a partition of the card.
    place.program("fake", "true");
    let places = [&CARD[..], &[("chown yep:", "fake"), ("mount -o", "fake")]].concat();
    fs::create_dir_all(place.path("boot")).unwrap();
    fs::write(place.path("boot/yep.toml"), "").unwrap();
    let before = "\u{feff}pairing_code = Ab3d-Ef9h \r\nhostname = rail\r\npairing_code=Xy3d Ef9h\r\n";
    fs::write(place.path("boot/card.txt"), before).unwrap();
    let output = place.card_script("setup", &places);
    assert_eq!((output.status.success(), output_text(&output)), (true, String::new()));
    let handed = place.path("run/pairing-code");
    assert_eq!(fs::read_to_string(&handed).unwrap(), "Xy3d Ef9h");
    assert_eq!(fs::metadata(&handed).unwrap().permissions().mode() & 0o777, 0o600);
    let output = place.card_script("blank-pairing-code", &places);
    assert!(output.status.success(), "{}", output_text(&output));
    let after = "\u{feff}pairing_code =\r\nhostname = rail\r\npairing_code=\r\n";
    assert_eq!(fs::read_to_string(place.path("boot/card.txt")).unwrap(), after);
    assert!(!handed.exists() && !place.path("boot/card.new").exists());
}

#[test]
fn the_computer_is_called_as_the_page_says_and_takes_nothing_else_from_the_server() {
    let place = Place::with(&[]);
    let places = [&CARD[..], &[("/var/lib/yep", "state")]].concat();
    for folder in ["boot", "state"] {
        fs::create_dir_all(place.path(folder)).unwrap();
    }
    fs::write(place.path("boot/yep.toml"), "").unwrap();
    fs::write(place.path("boot/card.txt"), "hostname = Rail\n").unwrap();
    assert!(place.card_script("setup", &places).status.success());
    let chosen = place.path("state/machine-name");
    let called = || {
        let output = place.card_script("apply-name", &places);
        assert_eq!((output.status.success(), output_text(&output)), (true, String::new()));
        fs::read_to_string(place.path("kernel_hostname")).unwrap().trim().to_owned()
    };
    assert_eq!(called(), "rail");
    let long = "a".repeat(64);
    for (written, name) in [
        ("left\n", "left"),
        (&long[1..], &long[1..]),
        (&long, "rail"),
        ("left", "left"),
        ("", "rail"),
        ("-a", "rail"),
        ("a-", "rail"),
        ("Left", "rail"),
        ("a.b", "rail"),
        ("$(reboot)", "rail"),
        ("a b\nleft", "rail"),
    ] {
        fs::write(&chosen, written).unwrap();
        assert_eq!(called(), name, "{written:?}");
    }
    // A link to a file that only root may read.
    fs::write(place.path("other"), "secret\n").unwrap();
    fs::remove_file(&chosen).unwrap();
    std::os::unix::fs::symlink(place.path("other"), &chosen).unwrap();
    assert_eq!(called(), "rail");
    fs::remove_file(&chosen).unwrap();
    assert_eq!(called(), "rail");
}

#[test]
fn each_line_of_card_txt_that_is_not_understood_is_named() {
    let shipped = fs::read("scripts/card/boot/card.txt").unwrap();
    assert_eq!(warnings(&shipped), (vec![], String::new()));
    let wrong = "\u{feff}hostname = rail-1\r\nwifi-name = x\r\n\r\n  # a comment\r\nwifi_pasword = secret-1\r\n\
        secret-2\r\nWIFI_NAME=y\r\nwifi_name=home = sweet\r\nwifi_country = Germany";
    let (told, network) = warnings(wrong.as_bytes());
    let expected = [
        "card.txt, line 2: wifi-name is not known: hostname, wifi_name, wifi_password, wifi_country, pairing_code",
        "card.txt, line 5: wifi_pasword is not known: hostname, wifi_name, wifi_password, wifi_country, pairing_code",
        "card.txt, line 6: not understood: a line is name = value",
        "card.txt, line 7: WIFI_NAME is not known: hostname, wifi_name, wifi_password, wifi_country, pairing_code",
        "card.txt: wifi_country = GERMANY is no country: two letters",
    ];
    assert_eq!(told, expected);
    // home = sweet
    assert!(network.contains("ssid=686f6d65203d207377656574\n"), "{network}");
    assert!(!told.join(" ").contains("secret"));
    let utf_16: Vec<u8> = "\u{feff}hostname = a\r\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert_eq!(
        warnings(&utf_16).0,
        ["card.txt is saved as UTF-16, and not read: save it as UTF-8 (in Notepad: Save as, Encoding)"]
    );
}

#[test]
fn the_screen_shows_the_warnings() {
    let place = Place::with(&[]);
    fs::create_dir_all(place.path("run")).unwrap();
    fs::write(place.path("run/warnings"), "card.txt, line 2: \x1b[2Jwifi-name is not known\n").unwrap();
    let from = fs::read_to_string("scripts/card/bin/banner").unwrap();
    // One turn instead of an endless loop.
    let once = from.replace("while :; do", "for once in 1; do").replace("    sleep 5\n", "");
    let once = once.replace("/run/yep-card", place.path("run").to_str().unwrap());
    assert_ne!(once, from);
    fs::write(place.path("banner"), once).unwrap();
    let output = Command::new("/bin/sh").arg(place.path("banner")).output().unwrap();
    let page = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(page.contains("\n  warning   card.txt, line 2: [2Jwifi-name is not known\n"), "{page}");
}
