//! Devices, audit log, machine time and the pairing code of the card: restarts, lost databases, and who may read them.

use std::os::unix::fs::PermissionsExt as _;

use proptest::prelude::*;
use yep::store::{
    AuditAct, AuditEntry, CardCode, DeviceKind, DeviceRecord, DeviceRole, FeedSettings, SourcePart,
    StateChange, document,
};

use super::*;

/// A device that encodes `n`.
pub fn device(n: u32) -> DeviceRecord {
    DeviceRecord {
        name: format!("device {n}"),
        role: DeviceRole::Operator,
        kind: DeviceKind::Browser,
        token_hash: [n as u8; 32],
        paired_unix_s: 1_735_689_599,
        last_seen_unix_s: 1_735_689_599,
        last_used_h: 0,
    }
}

/// Changes that revoke the device before this number, pair device `n` under it, and record that.
pub fn pairing(number: u32, n: u32) -> StateChange {
    let entry = AuditEntry::new(1_735_689_599, AuditAct::Paired, Some(number), "192.0.2.7", &n.to_string());
    StateChange::Several(vec![
        StateChange::ForgetDevice(number - 1),
        StateChange::PutDevice(number, device(n)),
        StateChange::Audit(entry),
    ])
}

fn act() -> impl Strategy<Value = AuditAct> {
    prop::sample::select(vec![
        AuditAct::Paired,
        AuditAct::Refused,
        AuditAct::Revoked,
        AuditAct::RoleChanged,
        AuditAct::Renamed,
        AuditAct::LeaseForced,
        AuditAct::CodeBurnt,
        AuditAct::WindowOpened,
        AuditAct::PresenceProven,
    ])
}

prop_compose! {
    fn audit_entry()(
        (number, unix_s) in (any::<u64>(), any::<u64>()),
        what in act(),
        device in prop::option::of(any::<u32>()),
        who in prop_oneof!["\\PC{0,20}", "(?s).{0,200}"],
        detail in prop_oneof!["\\PC{0,20}", "(?s).{0,300}"],
    ) -> AuditEntry {
        AuditEntry { number, unix_s, what, device, who, detail }
    }
}

prop_compose! {
    fn any_device()(
        name in prop_oneof!["[a-zA-Zäß \"\\\\/.]{1,20}", "\\PC{0,70}"],
        role in prop::sample::select(DeviceRole::ALL.to_vec()),
        kind in prop::sample::select(vec![DeviceKind::Browser, DeviceKind::Program]),
        token_hash in any::<[u8; 32]>(),
        (paired_unix_s, last_seen_unix_s) in (0_u64..=1 << 53, 0_u64..=1 << 53),
        last_used_h in 0_u32..3,
    ) -> DeviceRecord {
        DeviceRecord { name, role, kind, token_hash, paired_unix_s, last_seen_unix_s, last_used_h }
    }
}

fn role() -> impl Strategy<Value = DeviceRole> {
    prop::sample::select(DeviceRole::ALL.to_vec())
}

/// A player. There are few, so that two of them are often the same.
pub fn source() -> impl Strategy<Value = SourcePart> {
    let kind = prop::sample::select(vec![SourceKind::Mpv, SourceKind::HereSphere]);
    let address = prop_oneof![Just("tcp:[::1]:9".to_owned()), "[ä-ü:/]{1,2}"];
    (kind, address).prop_map(|(kind, address)| SourcePart { kind, address })
}

/// A change of this part of the state, which may be refused. Numbers are small, so that most of them mean something.
fn access_change() -> impl Strategy<Value = StateChange> {
    let number = || 0_u32..9;
    let code = (any::<[u8; 16]>(), any::<[u8; 32]>(), any::<u8>(), any::<bool>())
        .prop_map(|(salt, hash, wrong_tries, used)| CardCode { salt, hash, wrong_tries, used });
    let hosts =
        prop::collection::vec(prop_oneof![any::<std::net::IpAddr>(), Just([10, 0, 0, 1].into())], 0..18);
    let feeds =
        (any::<bool>(), any::<bool>(), hosts).prop_map(|(tcode, buttplug, allowed_hosts)| FeedSettings {
            tcode_beyond_loopback: tcode,
            buttplug_beyond_loopback: buttplug,
            allowed_hosts,
            ..FeedSettings::default()
        });
    let password = prop::option::of(prop_oneof!["\\PC{0,20}", "(?s).{95,105}"]);
    let player =
        (-2_500.0..2_500.0, prop::option::of((source(), password))).prop_map(|(offset_ms, found)| {
            let source = found.map(|(SourcePart { kind, address }, password)| StoredSource {
                kind,
                address,
                password,
            });
            PlayerSettings { offset_ms, source }
        });
    let leaf = prop_oneof![
        1 => player.prop_map(StateChange::Player),
        1 => feeds.prop_map(StateChange::Feeds),
        4 => (number(), any_device()).prop_map(|(number, device)| StateChange::PutDevice(number, device)),
        1 => (number(), "\\PC{0,20}").prop_map(|(number, name)| StateChange::RenameDevice(number, name)),
        1 => (number(), role()).prop_map(|(number, role)| StateChange::SetDeviceRole(number, role)),
        1 => number().prop_map(StateChange::ForgetDevice),
        2 => audit_entry().prop_map(StateChange::Audit),
        1 => prop::collection::vec((number(), any::<u64>()), 0..3).prop_map(|used| StateChange::Hour { used }),
        1 => prop::option::of(code).prop_map(StateChange::CardCode),
    ];
    leaf.prop_recursive(2, 12, 4, |inner| prop::collection::vec(inner, 0..4).prop_map(StateChange::Several))
}

/// Changes of this part of the state.
pub fn access_changes() -> impl Strategy<Value = Vec<StateChange>> {
    let begin = prop::collection::vec(any_device(), 0..4).prop_map(|devices| {
        let numbered = (1..).zip(devices);
        numbered.map(|(number, device)| StateChange::PutDevice(number, device)).collect::<Vec<_>>()
    });
    (begin, prop::collection::vec(access_change(), 0..25))
        .prop_map(|(begin, changes)| [begin, changes].concat())
}

/// Applies the changes that are allowed.
pub fn apply_allowed(state: &mut StoredState, changes: Vec<StateChange>) {
    for change in changes {
        let before = state.clone();
        if state.apply(change).is_err() {
            assert_eq!(*state, before, "what was refused has changed nothing");
        }
        assert_eq!(state.check_rest(), Ok(()));
    }
}

/// Saves the changes that are allowed.
pub fn save_allowed(store: &Store, changes: Vec<StateChange>) {
    for change in changes {
        match block_on(store.save(change)) {
            Ok(()) | Err(StoreError::NoRoom(_)) => {}
            Err(error) => panic!("{error}"),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn devices_survive_a_restart_and_a_lost_database(changes in access_changes()) {
        let dir = tempfile::tempdir().unwrap();
        let (store, opened) = open(dir.path());
        let mut expected = opened.state;
        apply_allowed(&mut expected, changes.clone());
        save_allowed(&store, changes);
        prop_assert_eq!(&*store.state(), &expected);
        drop(store);
        let (store, opened) = open(dir.path());
        prop_assert_eq!(&opened, &InitialState { state: expected.clone(), recovery: Recovery::Clean });
        drop(store);
        fs::remove_dir_all(dir.path().join("db")).unwrap();
        for restored in [true, false] {
            let (_store, opened) = open(dir.path());
            prop_assert_eq!(matches!(opened.recovery, Recovery::Restored { .. }), restored);
            prop_assert_eq!(&opened.state, &expected);
        }
    }
}

#[test]
fn of_a_copy_with_damaged_devices_nothing_is_taken() {
    type Edit = fn(&str) -> String;
    let edits: [(&str, Edit); 3] = [
        ("a role", |text| text.replace("\"operator\"", "\"admin\"")),
        ("the last number", |text| text.replace("\"last_device\": 1", "\"last_device\": 7")),
        // A copy without the section is one of version 3, with another checksum.
        ("the name of the section", |text| text.replace("\"access\"", "\"accesS\"")),
    ];
    for (what, edit) in edits {
        let dir = tempfile::tempdir().unwrap();
        let (store, _) = open(dir.path());
        block_on(store.save(pairing(1, 1))).unwrap();
        drop(store);
        let copy = dir.path().join("mirror.json");
        let text = fs::read_to_string(&copy).unwrap();
        assert_ne!(edit(&text), text, "{what}");
        fs::write(&copy, edit(&text)).unwrap();
        fs::remove_file(dir.path().join("mirror.previous.json")).ok();
        fs::write(dir.path().join("db/db"), "what is this?").unwrap();
        let findings = store::check::check_folder(dir.path()).unwrap();
        assert!(
            findings.iter().any(|f| f.what == "mirror.json" && f.how.contains("checksum")),
            "{findings:?}"
        );
        let opened = open(dir.path()).1;
        assert!(matches!(opened.recovery, Recovery::Defaults { no_copy: Some(_), .. }), "{what}");
        assert!(opened.state.devices.is_empty() && opened.recovery.has_lost_settings(), "{what}");
    }
}

#[test]
fn stored_devices_that_cannot_be_are_damage() {
    type Plant<'a> = (&'a str, &'a [u8], Vec<u8>);
    let plants: [Plant; 6] = [
        ("devices", b"last_device", sealed(1, &[0])),
        ("devices", &[0, 0, 0, 1], sealed(1, b"junk")),
        ("devices", &[0, 1], sealed(1, &[0])),
        ("devices", b"card_code", sealed(1, &[0])),
        ("audit", &[0; 7], sealed(1, &[0])),
        ("counters", b"machine_h", sealed(1, b"")),
    ];
    for (tree, key, value) in plants {
        let dir = tempfile::tempdir().unwrap();
        let (store, _) = open(dir.path());
        block_on(store.save(pairing(1, 1))).unwrap();
        let kept = store.state();
        drop(store);
        plant(dir.path(), tree, key, &value);
        let opened = open(dir.path()).1;
        assert!(matches!(opened.recovery, Recovery::Restored { .. }), "{tree}: {:?}", opened.recovery);
        assert_eq!(opened.state, *kept, "{tree}");
    }
}

#[test]
fn a_revoked_device_is_gone_from_the_copy_a_moment_later() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = open(dir.path());
    let copy_has = |name: &str| {
        let text = fs::read_to_string(dir.path().join("mirror.json")).unwrap_or_default();
        text.contains(name)
    };
    let wait = |what: &str, done: &dyn Fn() -> bool| {
        let begun = Instant::now();
        while !done() {
            assert!(begun.elapsed() < Duration::from_secs(30), "{what}");
            std::thread::sleep(Duration::from_millis(20));
        }
    };
    block_on(store.save(pairing(1, 1))).unwrap();
    wait("the device is in the copy", &|| copy_has("device 1"));
    block_on(store.save(StateChange::ForgetDevice(1))).unwrap();
    wait("the device is gone", &|| copy_has("crc32") && !copy_has("device 1"));
}

#[test]
fn only_the_owner_may_read_the_copies_and_the_database() {
    let dir = tempfile::tempdir().unwrap();
    // As an older version left them.
    fs::create_dir(dir.path().join("db")).unwrap();
    fs::set_permissions(dir.path().join("db"), fs::Permissions::from_mode(0o755)).unwrap();
    let unfinished = dir.path().join("mirror.unfinished");
    fs::write(&unfinished, "{").unwrap();
    fs::set_permissions(&unfinished, fs::Permissions::from_mode(0o644)).unwrap();
    for number in [1, 2] {
        let (store, _) = open(dir.path());
        block_on(store.save(pairing(number, number))).unwrap();
    }
    let mode = |name: &str| fs::metadata(dir.path().join(name)).unwrap().permissions().mode() & 0o7777;
    assert_eq!(mode("mirror.json"), 0o600);
    assert_eq!(mode("mirror.previous.json"), 0o600);
    assert_eq!(mode("db"), 0o700);
}

#[test]
fn a_backup_has_no_devices_and_takes_none() {
    let mut state = StoredState::of(Settings::fresh(new_id()));
    let without = document::write(&state, 0, 7);
    apply_allowed(
        &mut state,
        vec![
            pairing(1, 171),
            StateChange::Hour { used: vec![(1, 9)] },
            StateChange::CardCode(Some(CardCode {
                salt: [171; 16],
                hash: [171; 32],
                wrong_tries: 0,
                used: false,
            })),
        ],
    );
    assert_eq!((state.devices.len(), state.audit.len(), state.machine_h), (1, 1, 1));
    assert_eq!(document::write(&state, 0, 7), without);
    for key in ["access", "devices", "last_device", "audit", "machine_h", "card_code"] {
        let mut document = without.clone();
        document[key] = json!({});
        let why = document::read(&document, |_| Ok(())).unwrap_err().to_string();
        assert_eq!(why, format!("{key}: is not known"));
    }
}
