//! `yep doctor` and `yep layout` on emulated hosts and on this one, with and without rights; and the simulated machine,
//! which needs no rights.

#[path = "support/skip.rs"]
mod skip;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

const YEP: &str = env!("CARGO_BIN_EXE_yep");

/// Files of a Raspberry Pi 4 as memory-layout/ configures it, seen by the service.
const PI: [(&str, &str); 20] = [
    ("proc/device-tree/model", "Raspberry Pi 4 Model B Rev 1.5\0"),
    ("proc/sys/kernel/osrelease", "6.12.25+rpt-rpi-v8\n"),
    ("proc/sys/kernel/version", "#1 SMP PREEMPT Debian 1:6.12.25-1+rpt1 (2025-04-30)\n"),
    ("proc/sys/kernel/sched_rt_runtime_us", "-1\n"),
    ("proc/self/status", "Name:\tyep\nCapEff:\t0000000000804400\n"),
    ("proc/self/limits", "Max locked memory         unlimited            unlimited            bytes\n"),
    ("proc/irq/default_smp_affinity", "7\n"),
    ("sys/devices/system/cpu/online", "0-3\n"),
    ("sys/devices/system/cpu/isolated", "3\n"),
    ("sys/devices/system/cpu/nohz_full", "3\n"),
    ("sys/devices/system/cpu/cpu3/cpufreq/scaling_governor", "performance\n"),
    ("sys/devices/system/clocksource/clocksource0/current_clocksource", "arch_sys_counter\n"),
    ("sys/devices/platform/soc/soc:firmware/get_throttled", "0\n"),
    ("run/yep-fair-server/cpu3/runtime", "0\n"),
    ("dev/gpiomem", ""),
    ("dev/gpiochip0", ""),
    ("dev/serial0", ""),
    ("dev/i2c-1", ""),
    ("dev/cpu_dma_latency", ""),
    ("state/.keep", ""),
];

fn pi() -> TempDir {
    let root = tempfile::tempdir().unwrap();
    for (path, text) in PI {
        put(root.path(), path, text);
    }
    root
}

fn put(root: &Path, path: &str, text: &str) {
    let path = root.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

/// A writable state folder, whichever user runs the test.
fn state(root: &Path) -> PathBuf {
    root.join("state")
}

fn doctor(root: &Path, arguments: &[&str]) -> Output {
    Command::new(YEP)
        .arg("doctor")
        .args(arguments)
        .arg("--root")
        .arg(root)
        .arg("--state-dir")
        .arg(state(root))
        .env_remove("STATE_DIRECTORY")
        .output()
        .unwrap()
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
}

/// Names of the requirements that are missing.
fn missing(findings: &Value) -> Vec<&str> {
    names(findings, |check| check["needed"] == true && check["ok"] == false)
}

/// Names of the recommendations that are not met.
fn lacking(findings: &Value) -> Vec<&str> {
    names(findings, |check| check["needed"] == false && check["ok"] == false)
}

fn names(findings: &Value, keep: impl Fn(&Value) -> bool) -> Vec<&str> {
    let checks = findings["checks"].as_array().unwrap();
    checks.iter().filter(|check| keep(check)).map(|check| check["what"].as_str().unwrap()).collect()
}

#[test]
fn a_pi_that_is_set_up_lacks_nothing() {
    let root = pi();
    let output = doctor(root.path(), &["--driver", "gpio", "--json"]);
    let findings = json(&output);
    assert_eq!((missing(&findings), lacking(&findings)), (vec![], vec![]));
    assert_eq!((output.status.code(), &findings["fine"]), (Some(0), &Value::Bool(true)));
}

#[test]
fn the_simulated_machine_can_have_all_that_steps_need() {
    let root = pi();
    put(root.path(), "yep.toml", "[realtime]\nrequire = 'always'\n");
    let config = root.path().join("yep.toml");
    let arguments = ["--config", config.to_str().unwrap(), "--json"];
    let output = doctor(root.path(), &arguments);
    assert_eq!((output.status.code(), missing(&json(&output))), (Some(0), vec![]));

    put(root.path(), "sys/devices/system/cpu/isolated", "\n");
    let output = doctor(root.path(), &arguments);
    assert_eq!((output.status.code(), missing(&json(&output))), (Some(1), vec!["isolated core"]));
}

#[test]
fn each_thing_that_a_motor_needs_is_missed() {
    let change = |path: &'static str, text: &'static str| move |root: &Path| put(root, path, text);
    let remove = |paths: &'static [&'static str]| {
        move |root: &Path| paths.iter().for_each(|path| fs::remove_file(root.join(path)).unwrap())
    };
    type Change = Box<dyn Fn(&Path)>;
    let cases: [(&str, Change); 9] = [
        ("cores", Box::new(change("sys/devices/system/cpu/online", "0-1"))),
        ("isolated core", Box::new(change("sys/devices/system/cpu/isolated", "1-2"))),
        ("real-time throttle", Box::new(change("proc/sys/kernel/sched_rt_runtime_us", "950000"))),
        ("real-time throttle", Box::new(remove(&["proc/sys/kernel/sched_rt_runtime_us"]))),
        ("deadline server", Box::new(change("run/yep-fair-server/cpu3/runtime", "50000000"))),
        ("deadline server", Box::new(remove(&["run/yep-fair-server/cpu3/runtime"]))),
        ("right to priorities", Box::new(change("proc/self/status", "CapEff:\t0000000000004400"))),
        (
            "right to lock memory",
            Box::new(change("proc/self/limits", "Max locked memory  8388608  8388608  bytes")),
        ),
        ("pins", Box::new(remove(&["dev/gpiomem", "dev/gpiochip0"]))),
    ];
    for (what, change) in cases {
        let root = pi();
        change(root.path());
        if what == "right to lock memory" {
            put(root.path(), "proc/self/status", "CapEff:\t0000000000800400");
        }
        let output = doctor(root.path(), &["--driver", "gpio", "--json"]);
        assert_eq!((output.status.code(), missing(&json(&output))), (Some(1), vec![what]));
        assert_eq!(String::from_utf8_lossy(&output.stderr), "yep: one thing that is needed is missing\n");
        // The simulated machine needs none of it.
        let output = doctor(root.path(), &["--json"]);
        let findings = json(&output);
        assert_eq!((output.status.code(), missing(&findings)), (Some(0), vec![]));
        assert_eq!(lacking(&findings), [what]);
        // The text output has the remedies.
        let page = doctor(root.path(), &["--driver", "gpio"]);
        let page = String::from_utf8(page.stdout).unwrap();
        assert!(page.contains(&format!("\nMISSING {what} ")), "{page}");
        assert!(page.contains(&format!("\n  {what}: ")), "{page}");
    }
}

#[test]
fn one_of_the_two_ways_to_the_registers_is_enough_but_the_chip_must_be_there() {
    let root = pi();
    let missed = || {
        let output = doctor(root.path(), &["--driver", "gpio", "--json"]);
        missing(&json(&output)).into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    fs::remove_file(root.path().join("dev/gpiomem")).unwrap();
    assert_eq!(missed(), ["pins"]);
    put(root.path(), "dev/mem", "");
    assert_eq!(missed(), Vec::<String>::new());
    fs::remove_file(root.path().join("dev/gpiochip0")).unwrap();
    assert_eq!(missed(), ["pins"]);
}

#[test]
fn the_pins_of_a_pi_5_are_behind_another_device() {
    let root = pi();
    put(root.path(), "proc/device-tree/compatible", "raspberrypi,5-model-b\0brcm,bcm2712\0");
    put(root.path(), "dev/mem", "");
    let missed = || {
        let output = doctor(root.path(), &["--driver", "gpio", "--json"]);
        missing(&json(&output)).into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(missed(), ["pins"]);
    put(root.path(), "dev/gpiomem0", "");
    assert_eq!(missed(), Vec::<String>::new());
}

#[test]
fn a_bus_is_needed_by_whoever_weighs_with_it() {
    let root = pi();
    let config = root.path().join("yep.toml");
    let report = || json(&doctor(root.path(), &["--config", config.to_str().unwrap(), "--json"]));
    for (sensor, device, what) in
        [("i2c", "dev/i2c-1", "older load cell"), ("uart", "dev/serial0", "sensor's line")]
    {
        put(root.path(), "yep.toml", &format!("[force]\nsensor = '{sensor}'\n"));
        assert_eq!(missing(&report()), Vec::<&str>::new());
        fs::remove_file(root.path().join(device)).unwrap();
        assert_eq!(missing(&report()), [what]);
    }
}

#[test]
fn what_only_helps_stops_nobody() {
    for (what, path, text) in [
        ("power and heat", "sys/devices/platform/soc/soc:firmware/get_throttled", "50005"),
        ("power and heat", "sys/devices/platform/soc/soc:firmware/get_throttled", "0x50000"),
        ("clock governor", "sys/devices/system/cpu/cpu3/cpufreq/scaling_governor", "ondemand"),
        ("clock source", "sys/devices/system/clocksource/clocksource0/current_clocksource", "hpet"),
        ("interrupts", "proc/irq/default_smp_affinity", "ff,0000000f"),
        ("core without tick", "sys/devices/system/cpu/nohz_full", "(null)"),
        ("kernel", "proc/sys/kernel/version", "#1 SMP Debian"),
        ("board", "proc/device-tree/model", "Raspberry Lookalike"),
    ] {
        let root = pi();
        put(root.path(), path, text);
        let findings = json(&doctor(root.path(), &["--driver", "gpio", "--json"]));
        assert_eq!(missing(&findings), Vec::<&str>::new());
        assert_eq!(lacking(&findings), [what], "{text}");
    }
}

#[test]
fn a_state_folder_that_cannot_be_one_is_missed() {
    let root = pi();
    let report = || json(&doctor(root.path(), &["--json"]));
    fs::remove_dir_all(state(root.path())).unwrap();
    // The server makes the folder at its start; the doctor makes nothing.
    assert_eq!(missing(&report()), Vec::<&str>::new());
    assert!(!state(root.path()).exists());
    fs::write(state(root.path()), "a file").unwrap();
    assert_eq!(missing(&report()), ["state folder"]);
}

#[test]
fn the_page_fits_a_screen() {
    let root = pi();
    let page = String::from_utf8(doctor(root.path(), &[]).stdout).unwrap();
    assert!(page.lines().count() <= 24, "{page}");
    assert!(page.lines().all(|line| line.chars().count() <= 80), "{page}");
    assert!(page.contains("This computer has all that the simulated machine needs."), "{page}");
}

#[test]
fn the_self_test_prints_a_histogram() {
    let root = pi();
    let output = doctor(root.path(), &["--latency", "1"]);
    let page = String::from_utf8(output.stdout).unwrap();
    for said in [
        "\n1000 waits a second, ",
        "\n10000 waits a second, ",
        "p99.9 ",
        "#\n",
        "(S20)",
        "step: timer slack: 1 ns",
    ] {
        assert!(page.contains(said), "no {said:?} in {page}");
    }
    let measured = &json(&doctor(root.path(), &["--latency", "1", "--json"]))["latency"]["measured"];
    for one in measured.as_array().unwrap() {
        let waits: u64 =
            one["bars"].as_array().unwrap().iter().map(|bar| bar["waits"].as_u64().unwrap()).sum();
        assert_eq!(one["waits"], waits);
        let figures: Vec<f64> =
            ["p50_us", "p99_us", "p99_9_us", "max_us"].iter().map(|key| one[key].as_f64().unwrap()).collect();
        assert!(figures.is_sorted(), "{figures:?}");
    }
}

/// The program as a user without rights, from a folder that everybody may read; `None` if this user cannot switch to
/// another one.
fn unprivileged(folder: &Path) -> Option<Command> {
    let is_root = fs::read_to_string("/proc/self/status").unwrap().contains("\nUid:\t0\t0\t");
    let copy = folder.join("yep");
    // Another process copies it: a program that another thread starts meanwhile would inherit the file open for
    // writing, and a file that is open for writing cannot be run.
    assert!(Command::new("cp").arg(YEP).arg(&copy).status().unwrap().success());
    for path in [folder, &copy] {
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    if !is_root {
        return Some(Command::new(copy));
    }
    let has_setpriv = Command::new("setpriv").arg("--version").stdout(Stdio::null()).status().is_ok();
    if !has_setpriv {
        skip::skip("doctor", "root without setpriv, so nothing was run without rights");
        return None;
    }
    let mut command = Command::new("setpriv");
    command.args([
        "--reuid=65534",
        "--regid=65534",
        "--clear-groups",
        "--inh-caps=-all",
        "--bounding-set=-all",
    ]);
    command.arg(copy);
    Some(command)
}

fn of_this_host(mut command: Command, arguments: &[&str], state: &Path) -> Output {
    let command = command.arg("doctor").args(arguments).arg("--state-dir").arg(state);
    command.env_remove("STATE_DIRECTORY").output().unwrap()
}

#[test]
fn this_host_is_fine_for_the_simulated_machine() {
    let folder = tempfile::tempdir().unwrap();
    let output = of_this_host(Command::new(YEP), &["--latency", "1"], folder.path());
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let output = of_this_host(Command::new(YEP), &["--driver", "gpio", "--latency", "1"], folder.path());
    assert_eq!(output.status.code(), Some(1), "{output:?}");
}

#[test]
fn nobody_needs_rights_to_look() {
    let folder = tempfile::tempdir().unwrap();
    let report = |arguments: &[&str], state: &Path| {
        unprivileged(folder.path()).map(|command| of_this_host(command, arguments, state))
    };
    let Some(output) = report(&["--json"], &std::env::temp_dir()) else { return };
    assert_eq!((output.status.code(), missing(&json(&output))), (Some(0), vec![]), "{output:?}");
    // Everything is tried, refusals are reported, and nothing fails.
    let output = report(&["--driver", "gpio", "--latency", "1", "--json"], &std::env::temp_dir()).unwrap();
    let findings = json(&output);
    let setup = findings["latency"]["setup"].as_array().unwrap();
    let priority = setup.iter().find(|item| item["what"] == "step: priority").unwrap();
    let right =
        findings["checks"].as_array().unwrap().iter().find(|check| check["what"] == "right to priorities");
    assert_eq!(priority["ok"], right.unwrap()["ok"], "{priority} {right:?}");
    assert!(priority["ok"] == true || missing(&findings).contains(&"right to priorities"));
}

#[test]
fn a_folder_of_somebody_else_is_missed() {
    let folder = tempfile::tempdir().unwrap();
    let theirs = folder.path().join("theirs");
    fs::create_dir(&theirs).unwrap();
    fs::set_permissions(&theirs, fs::Permissions::from_mode(0o555)).unwrap();
    let Some(command) = unprivileged(folder.path()) else { return };
    let output = of_this_host(command, &["--json"], &theirs);
    assert_eq!((output.status.code(), missing(&json(&output))), (Some(1), vec!["state folder"]));
}

#[test]
fn the_simulated_machine_runs_without_rights() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    fs::create_dir(&state).unwrap();
    fs::set_permissions(&state, fs::Permissions::from_mode(0o777)).unwrap();
    // Other servers run beside it.
    let config = folder.path().join("yep.toml");
    fs::write(&config, "[feeds]\ntcode_udp = 0\ntcode_tcp = 0\nbuttplug = 0\n").unwrap();
    let Some(mut command) = unprivileged(folder.path()) else { return };
    let mut server = command
        .args(["run", "--listen", "127.0.0.1:0", "--config"])
        .arg(&config)
        .arg("--state-dir")
        .arg(&state)
        .env("RUST_LOG", "warn")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut greeting = String::new();
    let mut lines = std::io::BufReader::new(server.stdout.take().unwrap());
    std::io::BufRead::read_line(&mut lines, &mut greeting).unwrap();
    let url = greeting.trim().rsplit(' ').next().unwrap().to_owned();
    // Lateness on this host does not matter here.
    for arguments in [&["status"][..], &["calibrate"], &["stop"]] {
        let asked = Command::new(YEP).args(arguments).args(["--server", &url]).output().unwrap();
        assert!(asked.status.success(), "{greeting}{asked:?}");
    }
    let id = server.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    let ended = server.wait_with_output().unwrap();
    assert!(ended.status.success(), "{ended:?}");
    // Nothing was requested, so nothing was refused.
    assert!(!String::from_utf8_lossy(&ended.stderr).contains("wanted"), "{ended:?}");
}

#[test]
fn nothing_moves_on_an_ordinary_host_when_that_is_forbidden() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("yep.toml");
    fs::write(&config, "listen = '127.0.0.1:0'\n[realtime]\nrequire = 'always'\n").unwrap();
    let started = Instant::now();
    let Some(mut command) = unprivileged(folder.path()) else { return };
    let output = command
        .args(["run", "--config", config.to_str().unwrap(), "--state-dir"])
        .arg(folder.path().join("state"))
        .env("RUST_LOG", "off")
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.starts_with("yep: steps could come late on this host, so nothing may move\n  "), "{said}");
    // The missing items differ by host, but each states the expected value.
    assert!(
        said.lines().filter(|line| line.starts_with("  ")).all(|line| line.contains(", wanted ")),
        "{said}"
    );
    assert!(said.ends_with("require = \"never\" in [realtime]\n"), "{said}");
    assert!(started.elapsed() < Duration::from_secs(20), "it took {:?}", started.elapsed());
}

/// The same Pi, as the card image configures it.
fn appliance() -> TempDir {
    let root = pi();
    let text = |path: &str| fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap();
    for (path, text) in [
        ("proc/cmdline", format!("8250.nr_uarts=0 {} quiet", text("memory-layout/boot/cmdline.txt").trim())),
        ("proc/sys/vm/swappiness", "0\n".to_owned()),
        (
            "proc/self/mounts",
            "/dev/mmcblk0p5 / ext4 ro,noatime 0 0\n/dev/mmcblk0p1 /boot/firmware vfat ro,noatime 0 0\n\
             /dev/mmcblk0p7 /var ext4 rw,noatime 0 0\ntmpfs /tmp tmpfs rw 0 0\ntmpfs /var/log tmpfs rw 0 0\n"
                .to_owned(),
        ),
        ("etc/group", "gpio:x:990:yep\ndialout:x:20:pi,yep\ni2c:x:991:yep\n".to_owned()),
        ("etc/systemd/system/yep.service", text("systemd/yep.service")),
        ("etc/systemd/system.conf.d/yep.conf", text("systemd/manager.conf")),
        ("dev/watchdog0", String::new()),
    ] {
        put(root.path(), path, &text);
    }
    let links = root.path().join("dev/disk/by-partuuid");
    fs::create_dir_all(&links).unwrap();
    for part in &yep::layout::PARTITIONS {
        let (number, start_mib) = (part.number, part.start_mib);
        let size_mib = if part.grows { 27_000 } else { part.size_mib };
        let name = format!("mmcblk0p{number}");
        put(root.path(), &format!("dev/{name}"), "");
        std::os::unix::fs::symlink(
            format!("../../{name}"),
            links.join(format!("{}-0{number}", yep::layout::CARD_ID)),
        )
        .unwrap();
        put(root.path(), &format!("sys/class/block/{name}/start"), &format!("{}\n", start_mib * 2_048));
        put(root.path(), &format!("sys/class/block/{name}/size"), &format!("{}\n", size_mib * 2_048));
    }
    root
}

fn compare(root: &Path) -> (Option<i32>, Value) {
    let mut command = Command::new(YEP);
    let output = command.args(["layout", "--check", "--json", "--root"]).arg(root).output().unwrap();
    (output.status.code(), json(&output))
}

/// Names of the items with this verdict.
fn compared<'a>(said: &'a Value, verdict: &str) -> Vec<&'a str> {
    let all = said["compared"].as_array().unwrap().iter().filter(|line| line["verdict"] == verdict);
    all.map(|line| line["what"].as_str().unwrap()).collect()
}

#[test]
fn the_appliance_is_as_its_layout_has_it() {
    let root = appliance();
    let (code, said) = compare(root.path());
    assert_eq!((code, compared(&said, "differs"), compared(&said, "cannot_tell")), (Some(0), vec![], vec![]));
    assert_eq!(said["same"], true);
    assert!(compared(&said, "ok").len() > 25, "{said}");
}

#[test]
fn each_thing_that_differs_from_the_layout_is_named() {
    for (what, path, text) in [
        ("partition root_a", "sys/class/block/mmcblk0p5/size", "4096"),
        ("partition data", "sys/class/block/mmcblk0p7/size", "4096"),
        ("isolated cores", "sys/devices/system/cpu/isolated", "2-3"),
        ("vm.swappiness", "proc/sys/vm/swappiness", "60"),
        ("kernel.sched_rt_runtime_us", "proc/sys/kernel/sched_rt_runtime_us", "950000"),
        ("group gpio", "etc/group", "gpio:x:990:pi\ndialout:x:20:yep\ni2c:x:991:yep\n"),
        ("service unit", "etc/systemd/system/yep.service", "[Service]\nExecStart=/usr/bin/yep\n"),
    ] {
        let root = appliance();
        put(root.path(), path, text);
        let (code, said) = compare(root.path());
        assert_eq!((code, compared(&said, "differs")), (Some(1), vec![what]), "{said}");
    }
    // Either of the two systems may run.
    let root = appliance();
    let line = fs::read_to_string(root.path().join("proc/cmdline")).unwrap();
    put(root.path(), "proc/cmdline", &line.replace("-05 ", "-06 "));
    assert_eq!(compare(root.path()).0, Some(0));

    let root = appliance();
    put(root.path(), "proc/cmdline", "console=tty1 root=/dev/sda2 rw isolcpus=2");
    let mounts = "/dev/mmcblk0p2 / ext4 rw 0 0\n/dev/mmcblk0p4 /var ext4 rw 0 0\n";
    put(root.path(), "proc/self/mounts", mounts);
    fs::remove_file(root.path().join("dev/serial0")).unwrap();
    let (_, said) = compare(root.path());
    let differ = compared(&said, "differs");
    for what in ["kernel: root", "kernel: ro", "kernel: isolcpus", "mount /", "mount /tmp", "device"] {
        assert!(differ.contains(&what), "{what} is not among {differ:?}");
    }
    assert!(!differ.contains(&"kernel: console") && !differ.contains(&"mount /var"), "{differ:?}");
}

#[test]
fn a_system_that_says_nothing_is_not_called_different() {
    let root = pi();
    fs::remove_dir_all(root.path().join("proc")).unwrap();
    fs::remove_dir_all(root.path().join("sys")).unwrap();
    let (_, said) = compare(root.path());
    let unknown = compared(&said, "cannot_tell");
    for what in
        ["kernel: isolcpus", "isolated cores", "vm.swappiness", "mount /", "partition data", "group i2c"]
    {
        assert!(unknown.contains(&what), "{what} is not among {unknown:?}");
    }
}

#[test]
fn the_map_shows_every_memory() {
    let output = Command::new(YEP).arg("layout").output().unwrap();
    let page = String::from_utf8(output.stdout).unwrap();
    for said in
        ["root_b", "core 3  step loop, FIFO 80, isolated", "chunk ring", "23  step", "/dev/serial0", "10 s"]
    {
        assert!(page.contains(said), "no {said:?} in {page}");
    }
    assert!(page.lines().all(|line| line.chars().count() <= 100), "{page}");
}
