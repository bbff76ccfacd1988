//! Section of the JSON snapshot with what a backup never has: devices, audit log, machine time, card code, who reaches the
//! feeds, and the password of the media player. With it, a lost database does not revoke every device.

use std::collections::{BTreeMap, VecDeque};
use std::net::IpAddr;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use super::audit::AuditEntry;
use super::device::{CardCode, DeviceKind, DeviceRecord, DeviceRole, HASH_BYTES, SALT_BYTES};
use super::engine::DatabaseError;
use super::feeds::FeedSettings;
use super::player::PlayerPart;
use super::seal::damaged;
use super::state::StoredState;

/// Version of the section. A change of any key is a new version. Version 1 had no feeds, version 2 no player.
const SECTION_VERSION: u8 = 3;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct AccessSection {
    version: u8,
    devices: BTreeMap<u32, DeviceEntry>,
    last_device: u32,
    audit: VecDeque<AuditEntry>,
    machine_h: u32,
    card_code: Option<CardCodeEntry>,
    /// `None` in version 1.
    feeds: Option<FeedAccessEntry>,
    /// `None` before version 3.
    player: Option<PlayerAccessEntry>,
}

/// Who reaches the feeds from beyond this host: the part of [`FeedSettings`] that a backup does not have.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FeedAccessEntry {
    tcode_beyond_loopback: bool,
    buttplug_beyond_loopback: bool,
    allowed_hosts: Vec<IpAddr>,
}

/// What the media player asks for: the part of its settings that a backup does not have.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PlayerAccessEntry {
    password: Option<String>,
}

/// A [`DeviceRecord`], which has no JSON form outside of this file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct DeviceEntry {
    name: String,
    role: DeviceRole,
    kind: DeviceKind,
    #[serde(with = "hexadecimal")]
    token_hash: [u8; HASH_BYTES],
    paired_unix_s: u64,
    last_seen_unix_s: u64,
    last_used_h: u32,
}

/// A [`CardCode`], which has no JSON form outside of this file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct CardCodeEntry {
    #[serde(with = "hexadecimal")]
    salt: [u8; SALT_BYTES],
    #[serde(with = "hexadecimal")]
    hash: [u8; HASH_BYTES],
    wrong_tries: u8,
    used: bool,
}

/// Bytes as small hexadecimal digits.
mod hexadecimal {
    use super::*;

    pub fn serialize<S: Serializer, const N: usize>(bytes: &[u8; N], to: S) -> Result<S::Ok, S::Error> {
        let text: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        to.serialize_str(&text)
    }

    pub fn deserialize<'de, D: Deserializer<'de>, const N: usize>(from: D) -> Result<[u8; N], D::Error> {
        let text = String::deserialize(from)?;
        let digit = |byte: u8| char::from(byte).to_digit(16).filter(|_| !byte.is_ascii_uppercase());
        let pair = |pair: &[u8; 2]| Some((digit(pair[0])? * 16 + digit(pair[1])?) as u8);
        let (pairs, rest) = text.as_bytes().as_chunks::<2>();
        let bytes: Option<Vec<u8>> = pairs.iter().map(pair).collect();
        let bytes = bytes.filter(|_| rest.is_empty()).and_then(|bytes| bytes.try_into().ok());
        bytes.ok_or_else(|| D::Error::custom(format!("must be {} hexadecimal digits", 2 * N)))
    }
}

/// The section of `state`.
pub fn write(state: &StoredState) -> Value {
    let section = AccessSection {
        version: SECTION_VERSION,
        devices: state.devices.iter().map(|(number, device)| (*number, DeviceEntry::of(device))).collect(),
        last_device: state.last_device,
        audit: state.audit.clone(),
        machine_h: state.machine_h,
        card_code: state.card_code.as_ref().map(CardCodeEntry::of),
        feeds: Some(FeedAccessEntry::of(&state.feeds)),
        player: Some(PlayerAccessEntry { password: state.player.password().map(str::to_owned) }),
    };
    // The types have no key that JSON cannot have.
    serde_json::to_value(section).unwrap_or_default()
}

/// Reads and checks the section into `state`.
///
/// # Errors
/// [`DatabaseError::Newer`], [`DatabaseError::Unreadable`].
pub fn read(section: &Value, state: &mut StoredState) -> Result<(), DatabaseError> {
    if let Some(found) = section["version"].as_u64().filter(|found| *found > SECTION_VERSION.into()) {
        let found = u8::try_from(found).unwrap_or(u8::MAX);
        return Err(DatabaseError::Newer { found, known: SECTION_VERSION });
    }
    let not_allowed = |why: String| damaged(format!("the copy of it is not allowed: access: {why}"));
    let AccessSection { version, devices, last_device, audit, machine_h, card_code, feeds, player } =
        AccessSection::deserialize(section).map_err(|error| not_allowed(error.to_string()))?;
    if !(1..=SECTION_VERSION).contains(&version) {
        return Err(not_allowed(format!("version must be 1 to {SECTION_VERSION}")));
    }
    let feeds = match (version, feeds) {
        (1, None) => FeedAccessEntry::of(&FeedSettings::default()),
        (2.., Some(feeds)) => feeds,
        _ => return Err(not_allowed(format!("feeds in version {version}"))),
    };
    let password = match (version, player) {
        (..=2, None) => None,
        (3.., Some(PlayerAccessEntry { password })) => password,
        _ => return Err(not_allowed(format!("player in version {version}"))),
    };
    if password.is_some() && state.player.source.is_none() {
        return Err(not_allowed("player: a password without a source".to_owned()));
    }
    state.player = PlayerPart::of(&state.player).with_password(password);
    state.player.check().map_err(|why| not_allowed(format!("player: {why}")))?;
    state.feeds = feeds.of_motion(std::mem::take(&mut state.feeds));
    state.devices = devices.into_iter().map(|(number, device)| (number, device.record())).collect();
    (state.last_device, state.audit, state.machine_h) = (last_device, audit, machine_h);
    state.card_code = card_code.map(CardCodeEntry::code);
    state.check_access().map_err(not_allowed)
}

impl FeedAccessEntry {
    fn of(settings: &FeedSettings) -> FeedAccessEntry {
        let FeedSettings { tcode_beyond_loopback, buttplug_beyond_loopback, allowed_hosts, .. } =
            settings.clone();
        FeedAccessEntry { tcode_beyond_loopback, buttplug_beyond_loopback, allowed_hosts }
    }

    /// Settings with this access and the rest of `settings`.
    fn of_motion(self, settings: FeedSettings) -> FeedSettings {
        let FeedAccessEntry { tcode_beyond_loopback, buttplug_beyond_loopback, allowed_hosts } = self;
        FeedSettings { tcode_beyond_loopback, buttplug_beyond_loopback, allowed_hosts, ..settings }
    }
}

impl DeviceEntry {
    fn of(device: &DeviceRecord) -> DeviceEntry {
        let DeviceRecord { name, role, kind, token_hash, paired_unix_s, last_seen_unix_s, last_used_h } =
            device.clone();
        DeviceEntry { name, role, kind, token_hash, paired_unix_s, last_seen_unix_s, last_used_h }
    }

    fn record(self) -> DeviceRecord {
        let DeviceEntry { name, role, kind, token_hash, paired_unix_s, last_seen_unix_s, last_used_h } = self;
        DeviceRecord { name, role, kind, token_hash, paired_unix_s, last_seen_unix_s, last_used_h }
    }
}

impl CardCodeEntry {
    fn of(code: &CardCode) -> CardCodeEntry {
        let CardCode { salt, hash, wrong_tries, used } = code.clone();
        CardCodeEntry { salt, hash, wrong_tries, used }
    }

    fn code(self) -> CardCode {
        let CardCodeEntry { salt, hash, wrong_tries, used } = self;
        CardCode { salt, hash, wrong_tries, used }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::audit::AuditAct;
    use super::super::player::{PlayerSettings, SourceKind, StoredSource};
    use super::super::state::StateChange;
    use super::*;
    use crate::settings::{Settings, new_id};

    fn player(password: Option<&str>) -> PlayerSettings {
        let source = StoredSource {
            kind: SourceKind::Vlc,
            address: "http://192.0.2.7:8080".to_owned(),
            password: password.map(str::to_owned),
        };
        PlayerSettings { offset_ms: 5.0, source: Some(source) }
    }

    fn example() -> StoredState {
        let mut state = StoredState::of(Settings::fresh(new_id()));
        let device = DeviceRecord {
            name: "größer \"2\"".to_owned(),
            role: DeviceRole::Admin,
            kind: DeviceKind::Program,
            token_hash: std::array::from_fn(|n| n as u8 * 8),
            paired_unix_s: 1_735_689_599,
            last_seen_unix_s: 1_735_689_600,
            last_used_h: 0,
        };
        let code = CardCode { salt: [0xab; 16], hash: [0x0c; 32], wrong_tries: 10, used: false };
        for change in [
            StateChange::PutDevice(1, device.clone()),
            StateChange::ForgetDevice(1),
            StateChange::PutDevice(2, device),
            StateChange::Audit(AuditEntry::new(7, AuditAct::CodeBurnt, Some(2), "192.0.2.7", "ten tries")),
            StateChange::Hour { used: vec![(2, 8)] },
            StateChange::CardCode(Some(code)),
            StateChange::Feeds(FeedSettings {
                tcode_beyond_loopback: true,
                allowed_hosts: vec!["fe80::1".parse().unwrap()],
                ..FeedSettings::default()
            }),
            StateChange::Player(player(Some("hunter2"))),
        ] {
            state.apply(change).unwrap();
        }
        state
    }

    #[test]
    fn what_is_written_is_read_again() {
        let state = example();
        for state in [&state, &StoredState::of(state.settings.clone())] {
            let mut again = StoredState { machine_h: 9, ..StoredState::of(state.settings.clone()) };
            // The rest of its settings comes with the document.
            again.player = PlayerPart::of(&state.player).with_password(None);
            read(&write(state), &mut again).unwrap();
            assert_eq!(again, *state);
        }
    }

    /// What the document of such a copy has.
    fn without_access() -> StoredState {
        StoredState { player: player(None), ..StoredState::of(Settings::fresh(new_id())) }
    }

    #[test]
    fn version_1_opens_no_feed() {
        let mut section = write(&example());
        section["version"] = json!(1);
        section.as_object_mut().unwrap().remove("feeds");
        section.as_object_mut().unwrap().remove("player");
        let mut again = without_access();
        read(&section, &mut again).unwrap();
        assert_eq!((again.feeds, again.last_device), (FeedSettings::default(), 2));
        assert_eq!(again.player, player(None));
    }

    #[test]
    fn version_2_has_no_password() {
        let mut section = write(&example());
        section["version"] = json!(2);
        section.as_object_mut().unwrap().remove("player");
        let mut again = without_access();
        read(&section, &mut again).unwrap();
        assert_eq!((again.feeds, again.player), (example().feeds, player(None)));
    }

    #[test]
    fn what_is_not_allowed_is_told() {
        type Spoil = fn(&mut Value);
        let cases: [(Spoil, &str); 20] = [
            (|s| *s = json!(null), "access: invalid type: null"),
            (|s| s["version"] = json!(0), "access: version must be 1 to 3"),
            (|s| s["version"] = json!("1"), "access: invalid type"),
            (|s| s["extra"] = json!(0), "access: unknown field `extra`"),
            (|s| s["last_device"] = json!(1), "access: device 2: its number must be 1 to 1"),
            (|s| s["devices"]["2"]["role"] = json!("owner"), "access: unknown variant `owner`"),
            (|s| s["devices"]["2"]["token_hash"] = json!("00"), "access: must be 64 hexadecimal digits"),
            (|s| s["devices"]["2"]["token_hash"] = json!("AA".repeat(32)), "must be 64 hexadecimal digits"),
            (|s| s["card_code"]["salt"] = json!("ä".repeat(16)), "access: must be 32 hexadecimal digits"),
            (|s| s["audit"][0]["who"] = json!("a\nb"), "access: audit entry 1: who must have"),
            (|s| s["version"] = json!(1), "access: feeds in version 1"),
            (|s| drop(s.as_object_mut().unwrap().remove("feeds")), "access: feeds in version 3"),
            (|s| s["version"] = json!(2), "access: player in version 2"),
            (|s| drop(s.as_object_mut().unwrap().remove("player")), "access: player in version 3"),
            (|s| s["player"]["user"] = json!("a"), "access: unknown field `user`"),
            (|s| s["player"] = json!(null), "access: player in version 3"),
            (
                |s| s["player"]["password"] = json!("x".repeat(101)),
                "access: player: source: password must have at most 100",
            ),
            (|s| s["feeds"]["allowed_hosts"][0] = json!("a"), "access: invalid IP address syntax"),
            (
                |s| s["feeds"]["allowed_hosts"][0] = json!("::"),
                "access: feeds: allowed_hosts: :: is no address",
            ),
            (|s| drop(s.as_object_mut().unwrap().remove("machine_h")), "access: missing field `machine_h`"),
        ];
        for (spoil, said) in cases {
            let mut section = write(&example());
            spoil(&mut section);
            let Err(DatabaseError::Unreadable(why)) = read(&section, &mut example()) else {
                panic!("{said}")
            };
            assert!(why.contains(said), "{said}: {why}");
        }
        let mut without = StoredState { player: PlayerSettings::default(), ..example() };
        let Err(DatabaseError::Unreadable(why)) = read(&write(&example()), &mut without) else { panic!() };
        assert!(why.contains("access: player: a password without a source"), "{why}");
        let mut newer = write(&example());
        newer["version"] = json!(300);
        assert_eq!(read(&newer, &mut example()), Err(DatabaseError::Newer { found: 255, known: 3 }));
    }
}
