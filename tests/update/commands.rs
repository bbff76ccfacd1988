//! `yep update` and `yep slot` on a card whose partitions are files, with a real server beside them.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Output, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;
use yep::layout::CARD_ID;
use yep::update::{KeyKind, SystemSlot, autoboot};

use crate::builder::{BLOCK, BOARD, Images, Signer};
use crate::real::process::yep;
use crate::real::{Home, eventually};
use crate::slots::fat_with_autoboot;

/// Where no server listens: the port is reserved.
const NO_SERVER: &str = "http://127.0.0.1:1";

/// A card whose system A runs.
pub struct Place {
    dir: TempDir,
    pub signer: Signer,
    pub server: String,
}

impl Place {
    pub fn new() -> Place {
        let place = Place {
            dir: tempfile::tempdir().unwrap(),
            signer: Signer::new(7, KeyKind::Release),
            server: NO_SERVER.into(),
        };
        place.boot(SystemSlot::A);
        place.put("proc/device-tree/compatible", format!("{BOARD}\0brcm,bcm2711\0").as_bytes());
        place.put("usr/share/yep/update-keys", place.signer.line().as_bytes());
        place.put("etc/yep/card-release", b"NAME=yep\nKIND=release\n");
        place.put("var/lib/yep/db/settings", b"old");
        place.put("run/keep", b"");
        place.put(&device(1), &fat_with_autoboot(SystemSlot::A));
        for number in [2, 3, 5, 6] {
            place.put(&device(number), &vec![number; 8 * BLOCK]);
        }
        place.script("usr/lib/yep/carry-pins", "echo $1 >>carried");
        place.script("usr/lib/yep/try-other", "echo tried >>tries");
        place.script("bin/systemctl", "case $1 in reboot) echo restarted >>restarts ;; *) cat unit ;; esac");
        place.put("unit", b"ActiveState=active\nNRestarts=0\n");
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn put(&self, name: &str, bytes: &[u8]) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    /// A shell program that runs in the card's folder.
    fn script(&self, name: &str, text: &str) {
        self.put(name, format!("#!/bin/sh\ncd {}\n{text}\n", self.dir.path().display()).as_bytes());
        fs::set_permissions(self.path(name), fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// The kernel's line of the system that runs from now on.
    fn boot(&self, slot: SystemSlot) {
        let line = format!("ro root=PARTUUID={CARD_ID}-0{} quiet\n", char::from(slot.mark()));
        self.put("proc/cmdline", line.as_bytes());
    }

    fn run(&self, arguments: &[&str], input: Option<&[u8]>) -> Output {
        let mut child = self.begin(arguments);
        // A refusal may come before all of it is read.
        let _ = child.stdin.take().unwrap().write_all(input.unwrap_or_default());
        child.wait_with_output().unwrap()
    }

    fn begin(&self, arguments: &[&str]) -> Child {
        self.begin_with(arguments, Stdio::piped(), Stdio::piped())
    }

    pub fn begin_with(&self, arguments: &[&str], input: Stdio, output: Stdio) -> Child {
        let path = std::env::var("PATH").unwrap();
        let mut command = yep();
        command.args(arguments).args(["--server", &self.server]);
        command.env("YEP_CARD_ROOT", self.dir.path());
        command.env("PATH", format!("{}:{path}", self.path("bin").display()));
        command.stdin(input).stdout(output).stderr(Stdio::piped());
        command.spawn().unwrap()
    }

    /// The answer to a request at the socket: a line, and what comes behind it.
    fn served(&self, request: &str, behind: &[u8]) -> Vec<Value> {
        let input = [request.as_bytes(), b"\n", behind].concat();
        lines(&self.run(&["update", "--served"], Some(&input)))
    }

    /// Runs a command that must succeed, and returns what it printed.
    #[track_caller]
    fn done(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments, None);
        let (said, errors) =
            (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
        assert!(output.status.success(), "{arguments:?}: {said}{errors}");
        said
    }

    pub fn show(&self) -> Value {
        serde_json::from_str(&self.done(&["slot", "show", "--json"])).unwrap()
    }

    fn update(&self, images: &Images) -> PathBuf {
        let file = self.path("next.update");
        fs::write(&file, images.update(&self.signer, images.manifest())).unwrap();
        file
    }

    pub fn text(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_default()
    }

    pub fn begins_with(&self, number: u8, image: &[u8]) -> bool {
        fs::read(self.path(&device(number))).unwrap().starts_with(image)
    }
}

fn device(number: u8) -> String {
    format!("dev/disk/by-partuuid/{CARD_ID}-0{number}")
}

pub fn images() -> Images {
    Images { boot: vec![0xb0; 3 * BLOCK], root: vec![0xc0; 4 * BLOCK], slot_byte: None }
}

fn lines(output: &Output) -> Vec<Value> {
    let said = String::from_utf8(output.stdout.clone()).unwrap();
    said.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn an_update_is_written_beside_the_running_system_tried_proven_and_left_again() {
    let mut place = Place::new();
    let file = place.update(&images());
    let output = place.run(&["update", "--json", file.to_str().unwrap()], None);
    let said = lines(&output);
    assert_eq!(said.first().unwrap()["step"], "accepted", "{said:?}");
    assert_eq!(said.last().unwrap()["step"], "done", "{said:?}");
    assert_eq!(said.last().unwrap()["written_bytes"], json!(7 * BLOCK));
    assert!(place.begins_with(3, &images().boot) && place.begins_with(6, &images().root));
    for untouched in [2, 5] {
        assert!(
            place.begins_with(untouched, &vec![untouched; 8 * BLOCK]),
            "partition {untouched} was written"
        );
    }

    assert_eq!(place.text("carried"), "b\n");

    // The old system counts, and asks for a start of the new one.
    place.done(&["slot", "begin"]);
    assert_eq!((place.text("tries").as_str(), &place.show()["trial"]["tries_left"]), ("tried\n", &json!(2)));
    place.boot(SystemSlot::B);
    let said = place.done(&["slot", "begin"]);
    assert!(said.contains("of which a copy is kept"), "{said}");
    assert_eq!(place.text("var/lib/yep-card/states/state-a/db/settings"), "old");
    assert_eq!(place.show()["default"], "a");

    let home = Home::new("");
    let yep = home.start();
    place.server = yep.url();
    place.done(&["slot", "prove", "--healthy-s", "1", "--within-s", "30"]);
    let shown = place.show();
    assert_eq!(
        (&shown["default"], &shown["last"]["stays"], &shown["trial"]),
        (&json!("b"), &json!(true), &Value::Null)
    );

    // And back.
    place.done(&["slot", "back"]);
    place.boot(SystemSlot::A);
    place.done(&["slot", "begin"]);
    place.done(&["slot", "prove", "--healthy-s", "0", "--within-s", "30"]);
    assert_eq!(place.show()["default"], "a");
}

#[test]
fn going_back_behind_a_newer_store_says_what_is_not_there() {
    let place = Place::new();
    let snapshot = |force_limit_g: u32, wave: &str| {
        json!({ "crc32": "", "state": { "settings": { "force_limit_g": force_limit_g }, "waves": { wave: {} } } }).to_string()
    };
    let kept =
        |folder: &str, name: &str, bytes: &str| place.put(&format!("{folder}/{name}"), bytes.as_bytes());
    // What A left, and what B has made of it.
    let (left, state) = ("var/lib/yep-card/states/state-a", "var/lib/yep");
    kept(left, "mirror.json", &snapshot(1_000, "slow"));
    kept(left, "used-by.json", &json!({ "slot": "a", "store_layout": 5 }).to_string());
    kept(state, "mirror.json", &snapshot(900, "new"));
    kept(state, "used-by.json", &json!({ "slot": "b", "store_layout": 250 }).to_string());

    let said = place.done(&["slot", "begin"]);
    assert!(said.contains("system a has the state that it left"), "{said}");
    let shown = place.show();
    let names = ["settings.force_limit_g", "waves.new", "waves.slow"];
    assert_eq!(shown["left_behind"], json!({ "slot": "b", "changed": names, "more": 0, "unknown": null }));
    let page = place.done(&["slot", "show"]);
    let line =
        "changed under system b: settings.force_limit_g, waves.new, waves.slow; it is kept as states/state-b";
    assert!(page.contains(line), "{page}");

    // A state without that text: said, too. The next update ends it.
    kept(state, "used-by.json", &json!({ "slot": "b", "store_layout": 250 }).to_string());
    fs::remove_file(place.path("var/lib/yep/mirror.json")).unwrap();
    place.done(&["slot", "begin"]);
    assert!(place.show()["left_behind"]["unknown"].is_string());
    place.done(&["update", place.update(&images()).to_str().unwrap()]);
    assert_eq!(place.show()["left_behind"], Value::Null);
}

#[test]
fn a_system_that_is_not_healthy_says_why_and_is_left_after_three_tries() {
    let place = Place::new();
    let file = place.update(&images());
    place.done(&["update", file.to_str().unwrap()]);
    for tries in 1..=3 {
        place.boot(SystemSlot::A);
        place.done(&["slot", "begin"]);
        assert_eq!(place.text("tries").lines().count(), tries);
        place.boot(SystemSlot::B);
        place.done(&["slot", "begin"]);
        fs::write(place.path("var/lib/yep/db/settings"), "damaged").unwrap();
        place.done(&["slot", "prove", "--healthy-s", "0", "--within-s", "0"]);
        assert_eq!(place.text("restarts").lines().count(), tries);
    }
    place.boot(SystemSlot::A);
    let said = place.done(&["slot", "begin"]);
    assert!(said.contains("was left: the machine: no server at"), "{said}");
    assert_eq!(
        (place.text("tries").lines().count(), place.text("var/lib/yep/db/settings").as_str()),
        (3, "old")
    );
    let shown = place.show();
    assert_eq!((&shown["default"], &shown["last"]["stays"]), (&json!("a"), &json!(false)));
    // Nothing to prove any more.
    place.done(&["slot", "prove", "--within-s", "0"]);
    assert_eq!(place.text("restarts").lines().count(), 3);
}

#[test]
fn a_moving_axis_takes_no_update_and_an_update_moves_no_axis() {
    let mut place = Place::new();
    let home = Home::new("");
    let yep = home.start();
    place.server = yep.url();
    let file = place.update(&images());
    yep.post("/api/commands/run", &json!({ "type": "calibrate" })).expect_ok();
    eventually("it moves", || (yep.get("/api/v1/machine").json()["state"] == "homing").then_some(()));
    let output = place.run(&["update", "--json", file.to_str().unwrap()], None);
    let said = lines(&output);
    assert_eq!(
        (&said.last().unwrap()["code"], output.status.code()),
        (&json!("not_now"), Some(1)),
        "{said:?}"
    );
    assert!(place.begins_with(6, &[6; 8 * BLOCK]), "it was written all the same");
    assert_eq!(place.show()["trial"], Value::Null);
}

#[test]
fn a_served_request_is_a_line_and_the_file() {
    let place = Place::new();
    let images = images();
    let mut older = images.manifest();
    older.version = "0.0.1".into();
    let bytes = images.update(&place.signer, older);
    let code = |request: &str, bytes: &[u8]| place.served(request, bytes).last().unwrap()["code"].clone();
    let only_checked = place.served("{\"allow_older\": true, \"check\": true}", &bytes);
    assert_eq!((only_checked.len(), &only_checked[0]["step"]), (1, &json!("accepted")), "{only_checked:?}");
    assert!(!place.begins_with(3, &images.boot), "a check wrote");
    assert_eq!(code("{}", &bytes), "older");
    assert_eq!(code("{\"act\": \"take\", \"allow_older\": true}", &bytes[..bytes.len() - 1]), "truncated");
    assert_eq!(
        (code("nothing", &bytes), code("{\"act\": \"fly\"}", &bytes)),
        (json!("request"), json!("request"))
    );
    let shown = place.show();
    assert_eq!((&shown["trial"], &shown["spare"]), (&Value::Null, &Value::Null));

    // What a newer server may send.
    let said = place.served("{\"allow_older\": true, \"later\": 1}", &bytes);
    assert_eq!(said.last().unwrap()["step"], "done", "{said:?}");
    assert_eq!(place.show()["trial"]["slot"], "b");
}

#[test]
fn the_server_asks_for_both_systems_and_starts_the_other_one() {
    let mut place = Place::new();
    for (act, code) in [("try", "nothing_to_try"), ("back", "no_spare")] {
        let said = place.served(&json!({ "act": act }).to_string(), b"");
        assert_eq!((said.len(), &said[0]["code"]), (1, &json!(code)), "{said:?}");
    }
    let file = place.update(&images());
    place.done(&["update", file.to_str().unwrap()]);
    let shown = place.served("{\"act\": \"show\"}", b"");
    let mut wanted = place.show();
    wanted["step"] = json!("slots");
    assert_eq!(shown, [wanted]);
    let title = &shown[0]["trial"]["title"];
    let said = place.served("{\"act\": \"try\"}", b"");
    assert_eq!(said, [json!({ "step": "restarting", "title": title })]);
    assert_eq!((place.text("tries").as_str(), &place.show()["trial"]["tries_left"]), ("tried\n", &json!(2)));

    // A system that is only being tried does not overwrite the one that works, which is the other one for it.
    place.boot(SystemSlot::B);
    place.done(&["slot", "begin"]);
    assert_eq!(place.show()["spare"], shown[0]["title"]);
    let bytes = images().update(&place.signer, images().manifest());
    let said = place.served("{}", &bytes);
    assert_eq!((said.len(), &said[0]["code"]), (1, &json!("not_now")), "{said:?}");
    assert!(place.begins_with(2, &vec![2; 8 * BLOCK]), "the working system was written");

    let home = Home::new("");
    let yep = home.start();
    place.server = yep.url();
    place.done(&["slot", "prove", "--healthy-s", "0", "--within-s", "30"]);
    let said = place.served("{\"act\": \"back\"}", b"");
    assert_eq!(said.len(), 1, "{said:?}");
    assert_eq!((&said[0]["step"], place.text("tries").lines().count()), (&json!("restarting"), 2));
}

#[test]
fn who_hangs_up_ends_the_update() {
    let place = Place::new();
    let bytes = images().update(&place.signer, images().manifest());
    let mut child = place.begin(&["update", "--served"]);
    drop(child.stdout.take());
    let _ = child.stdin.take().unwrap().write_all(&[b"{}\n", &bytes[..]].concat());
    assert_eq!(child.wait().unwrap().code(), Some(1));
    assert!(place.begins_with(3, &vec![3; 8 * BLOCK]) && place.begins_with(6, &vec![6; 8 * BLOCK]));
    assert_eq!(place.show()["trial"], Value::Null);
}

#[test]
fn a_server_that_the_manager_has_given_up_proves_nothing() {
    let place = Place::new();
    let file = place.update(&images());
    place.done(&["update", file.to_str().unwrap()]);
    place.done(&["slot", "begin"]);
    place.boot(SystemSlot::B);
    place.done(&["slot", "begin"]);
    place.put("unit", b"ActiveState=failed\nNRestarts=5\n");
    let said = place.done(&["slot", "prove"]);
    assert!(said.contains("the server ends again and again"), "{said}");
    assert_eq!((place.text("restarts").lines().count(), &place.show()["default"]), (1, &json!("a")));
}

#[test]
fn without_a_card_of_two_systems_there_is_no_update() {
    let place = Place::new();
    let file = place.update(&images());
    place.put("proc/cmdline", b"root=/dev/sda1 ro");
    let output = place.run(&["update", file.to_str().unwrap()], None);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("no update in place"), "{output:?}");
    assert!(!Path::new("/run/yep-update.lock").exists());
    // The firmware's file of the running card says what it always said.
    assert!(
        fs::read(place.path(&device(1)))
            .unwrap()
            .windows(512)
            .any(|sector| sector == autoboot::text(SystemSlot::A))
    );
}
