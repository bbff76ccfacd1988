//! Settings of the media player that scripts follow.
//!
//! Offset and source are part of a backup; the password of the source is not. It stays with the player that it belongs to:
//! a restored backup keeps it if it names the same player, and loses it otherwise. The player wants it as it is, so no hash
//! can take its place; it is kept out of debug output.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Largest offset, either way (ms).
pub const MAX_OFFSET_MS: f64 = 2_000.0;
/// Longest address (characters).
pub const ADDRESS_CHARS: usize = 200;
/// Longest password (characters).
pub const PASSWORD_CHARS: usize = 100;

/// Kind of a media player.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SourceKind {
    /// mpv, by its JSON IPC.
    Mpv,
    /// VLC, by its HTTP interface.
    Vlc,
    /// HereSphere, by its timestamp server.
    #[serde(rename = "heresphere")]
    HereSphere,
    /// DeoVR, by its remote control.
    #[serde(rename = "deovr")]
    DeoVr,
}

/// Settings of the player.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PlayerSettings {
    /// Offset of the script from the player's time, in ms.
    pub offset_ms: f64,
    /// The player that is followed; `None` without one.
    pub source: Option<StoredSource>,
}

/// A player and how it is reached. It has no JSON form of its own, so that its password never gets into an answer.
#[derive(Clone, PartialEq, Eq)]
pub struct StoredSource {
    /// Kind of the player.
    pub kind: SourceKind,
    /// Its address; the form depends on the kind.
    pub address: String,
    /// Its password; `None` if it wants none.
    pub password: Option<String>,
}

impl fmt::Debug for StoredSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoredSource")
            .field("kind", &self.kind)
            .field("address", &self.address)
            .field("has_password", &self.password.is_some())
            .finish_non_exhaustive()
    }
}

/// Settings of the player that a backup has.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PlayerPart {
    /// Offset of the script from the player's time, -2000 to 2000 ms.
    pub offset_ms: f64,
    /// The player that is followed; null without one.
    pub source: Option<SourcePart>,
}

/// A player and how it is reached, without its password.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SourcePart {
    /// Kind of the player.
    pub kind: SourceKind,
    /// Its address, 1 to 200 printable characters.
    pub address: String,
}

impl PlayerPart {
    /// That part of `settings`.
    pub fn of(settings: &PlayerSettings) -> PlayerPart {
        let source = settings.source.as_ref();
        PlayerPart {
            offset_ms: settings.offset_ms,
            source: source.map(|source| SourcePart { kind: source.kind, address: source.address.clone() }),
        }
    }

    /// The settings with this part and this password, which is dropped if there is no source.
    pub fn with_password(self, password: Option<String>) -> PlayerSettings {
        let source = self.source.map(|SourcePart { kind, address }| StoredSource { kind, address, password });
        PlayerSettings { offset_ms: self.offset_ms, source }
    }
}

impl PlayerSettings {
    /// The password of the source; `None` without one.
    pub fn password(&self) -> Option<&str> {
        self.source.as_ref()?.password.as_deref()
    }

    /// These settings in place of `present`: without a password, as a backup is, they take the present one if the player
    /// is the same. The state from before a refused restore has its own, and gets it back.
    #[must_use]
    pub(super) fn in_place_of(mut self, present: PlayerSettings) -> PlayerSettings {
        if let (Some(new), Some(present)) = (&mut self.source, present.source)
            && (new.kind, &new.address) == (present.kind, &present.address)
        {
            new.password = new.password.take().or(present.password);
        }
        self
    }

    /// True if nothing differs from the default.
    pub fn is_default(&self) -> bool {
        *self == PlayerSettings::default()
    }

    /// Checks everything.
    ///
    /// # Errors
    /// A message about the first problem.
    pub fn check(&self) -> Result<(), String> {
        if !(-MAX_OFFSET_MS..=MAX_OFFSET_MS).contains(&self.offset_ms) {
            return Err(format!(
                "offset_ms must be -{MAX_OFFSET_MS} to {MAX_OFFSET_MS}, not {}",
                self.offset_ms
            ));
        }
        let Some(StoredSource { kind: _, address, password }) = &self.source else { return Ok(()) };
        let is_printable = |text: &str| !text.chars().any(char::is_control);
        if !((1..=ADDRESS_CHARS).contains(&address.chars().count()) && is_printable(address)) {
            return Err(format!("source: address must have 1 to {ADDRESS_CHARS} printable characters"));
        }
        match password {
            Some(password) if password.chars().count() > PASSWORD_CHARS || !is_printable(password) => {
                Err(format!("source: password must have at most {PASSWORD_CHARS} printable characters"))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::state::{StateChange, StoredState};
    use super::*;
    use crate::settings::{Settings, new_id};

    fn followed(kind: SourceKind, address: &str, password: Option<&str>) -> PlayerSettings {
        let (address, password) = (address.to_owned(), password.map(str::to_owned));
        PlayerSettings { offset_ms: 0.1 + 0.2, source: Some(StoredSource { kind, address, password }) }
    }

    fn vlc(password: Option<&str>) -> PlayerSettings {
        followed(SourceKind::Vlc, "http://192.168.1.20:8080", password)
    }

    fn fresh() -> StoredState {
        StoredState::of(Settings::fresh(new_id()))
    }

    #[test]
    fn the_part_of_a_backup_has_no_password_and_debug_output_has_none() {
        let settings = vlc(Some("hunter2"));
        let text = serde_json::to_string(&PlayerPart::of(&settings)).unwrap();
        assert_eq!(
            text,
            r#"{"offset_ms":0.30000000000000004,"source":{"kind":"vlc","address":"http://192.168.1.20:8080"}}"#
        );
        assert_eq!(serde_json::from_str::<PlayerPart>(&text).unwrap(), PlayerPart::of(&settings));
        let printed = format!("{settings:?} {:?}", StateChange::Player(settings.clone()));
        assert!(printed.contains("192.168.1.20") && printed.contains("has_password: true"), "{printed}");
        assert!(!printed.contains("hunter2"), "{printed}");
    }

    #[test]
    fn each_kind_is_called_as_its_users_write_it() {
        let kinds = [SourceKind::Mpv, SourceKind::Vlc, SourceKind::HereSphere, SourceKind::DeoVr];
        let names = kinds.map(|kind| serde_json::to_value(kind).unwrap());
        assert_eq!(names, ["mpv", "vlc", "heresphere", "deovr"]);
        for (kind, name) in kinds.into_iter().zip(names) {
            assert_eq!(serde_json::from_value::<SourceKind>(name).unwrap(), kind);
        }
    }

    #[test]
    fn a_backup_keeps_the_password_of_the_same_player_only() {
        let own = vlc(Some("hunter2"));
        for (backup, after) in [
            (vlc(None), own.clone()),
            (
                PlayerSettings { offset_ms: 7.0, ..vlc(None) },
                PlayerSettings { offset_ms: 7.0, ..own.clone() },
            ),
            (
                followed(SourceKind::Vlc, "http://192.168.1.21:8080", None),
                followed(SourceKind::Vlc, "http://192.168.1.21:8080", None),
            ),
            (
                followed(SourceKind::DeoVr, "http://192.168.1.20:8080", None),
                followed(SourceKind::DeoVr, "http://192.168.1.20:8080", None),
            ),
            (PlayerSettings::default(), PlayerSettings::default()),
        ] {
            // As a backup is read: without a password.
            let backup = PlayerPart::of(&backup).with_password(None);
            let mut state = fresh();
            state.apply(StateChange::Player(own.clone())).unwrap();
            state.apply(StateChange::Settings(Settings::fresh(new_id()))).unwrap();
            assert_eq!(state.player, own, "a reset of the settings keeps it");
            let before = state.clone();
            let everything = StoredState { player: backup.clone(), ..fresh() };
            state.apply(StateChange::Everything(Box::new(everything))).unwrap();
            assert_eq!(state.player, after, "{backup:?}");
            // A machine that refuses the backup gets everything back.
            state.apply(StateChange::Everything(Box::new(before))).unwrap();
            assert_eq!((&state.player, state.player.password()), (&own, Some("hunter2")), "{backup:?}");
        }
    }

    #[test]
    fn what_cannot_be_is_refused_with_its_reason() {
        let long = "ä".repeat(201);
        let cases = [
            (
                PlayerSettings { offset_ms: 2_000.5, source: None },
                "offset_ms must be -2000 to 2000, not 2000.5",
            ),
            (
                PlayerSettings { offset_ms: f64::NAN, source: None },
                "offset_ms must be -2000 to 2000, not NaN",
            ),
            (followed(SourceKind::Mpv, "", None), "source: address must have 1 to 200 printable"),
            (followed(SourceKind::Mpv, "tcp:a:1\n", None), "source: address must have 1 to 200 printable"),
            (followed(SourceKind::Mpv, &long, None), "source: address must have 1 to 200 printable"),
            (vlc(Some(&long[..202])), "source: password must have at most 100 printable"),
            (vlc(Some("a\0")), "source: password must have at most 100 printable"),
        ];
        let mut state = fresh();
        state.apply(StateChange::Player(vlc(Some("hunter2")))).unwrap();
        let before = state.clone();
        for (wrong, said) in cases {
            let why = state.apply(StateChange::Player(wrong.clone())).unwrap_err();
            assert!(why.starts_with(said), "{said}: {why}");
            assert_eq!(state, before, "what was refused has changed nothing");
            let with = StoredState { player: wrong, ..fresh() };
            assert_eq!(with.check_rest(), Err(format!("player: {why}")));
        }
        for right in [
            PlayerSettings { offset_ms: -2_000.0, source: None },
            followed(SourceKind::Mpv, &long[..400], Some("")),
            vlc(Some(&long[..200])),
        ] {
            assert_eq!((right.check(), right.is_default()), (Ok(()), false));
        }
        assert_eq!(
            (PlayerSettings::default().check(), PlayerSettings::default().is_default()),
            (Ok(()), true)
        );
    }
}
