//! Media update: what a player says of its playback at one instant; and what is said of the player.

use std::time::Instant;

/// Longest name or path of a media file that is kept (bytes), twice the longest path of Linux in UTF-8.
const MAX_MEDIA_BYTES: usize = 8_192;

/// What a player says of its playback at one instant, which the receiver knows.
#[derive(Debug, Clone, PartialEq)]
pub struct MediaUpdate {
    /// Path, address or name of what is loaded, as the player says it; see [`base_name`]. `None` if nothing is.
    pub media: Option<String>,
    /// Position of the playback (s), not negative.
    pub position_s: f64,
    /// Duration of the media (s), if the player knows it; above 0.
    pub duration_s: Option<f64>,
    /// Rate as a multiple of the normal one, above 0; also while it is paused.
    pub rate: f64,
    /// True while the position advances: neither paused, nor waiting for data, nor at the end.
    pub is_playing: bool,
    /// True if the player itself says that the position is not the continuation of the one before.
    pub is_jump: bool,
}

impl MediaUpdate {
    /// Nothing is loaded, or there is no player any more.
    #[must_use]
    pub const fn nothing() -> MediaUpdate {
        MediaUpdate {
            media: None,
            position_s: 0.0,
            duration_s: None,
            rate: 1.0,
            is_playing: false,
            is_jump: false,
        }
    }
}

/// A media update, and when it held.
#[derive(Debug, Clone, PartialEq)]
pub struct MediaReport {
    /// The instant at which it held, which is a little before it came.
    pub held: Instant,
    /// The update.
    pub update: MediaUpdate,
}

/// What is known of the player that the machine follows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PlayerStatus {
    /// True while there is a connection to it.
    pub is_connected: bool,
    /// What is loaded, as it says it.
    pub media: Option<String>,
    /// Why there is no connection, for people.
    pub trouble: Option<String>,
}

/// A name or path of bounded length: the end of one that is too long, as that has the file's name. `None` if it is empty.
pub fn bounded_media(text: &str) -> Option<String> {
    let mut begin = text.len().saturating_sub(MAX_MEDIA_BYTES);
    while !text.is_char_boundary(begin) {
        begin += 1;
    }
    let kept = &text[begin..];
    (!kept.is_empty()).then(|| kept.to_owned())
}

/// Name of the file that a path of any system or an address ends with: `x.mp4` of `/a/x.mp4`, `C:\a\x.mp4` and
/// `http://host/a/x.mp4?key=1`. In an address, escapes are undone.
#[must_use]
pub fn base_name(media: &str) -> String {
    let decoded = match media.split_once("://") {
        Some((_, address)) => {
            let path = address.split(['?', '#']).next().unwrap_or_default();
            without_escapes(path.rsplit('/').next().unwrap_or_default())
        }
        None => media.to_owned(),
    };
    decoded.rsplit(['/', '\\']).next().unwrap_or_default().to_owned()
}

/// Undoes the percent-encoding of RFC 3986; an escape that is none stays as it is.
fn without_escapes(text: &str) -> String {
    let (mut bytes, mut rest) = (Vec::with_capacity(text.len()), text.as_bytes());
    while let [first, behind @ ..] = rest {
        let digit = |byte: u8| char::from(byte).to_digit(16);
        let escape = match behind {
            [high, low, ..] if *first == b'%' => digit(*high).zip(digit(*low)),
            _ => None,
        };
        match escape {
            Some((high, low)) => {
                bytes.push((high * 16 + low) as u8);
                rest = &behind[2..];
            }
            None => {
                bytes.push(*first);
                rest = behind;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_file_is_the_end_of_its_path_or_address() {
        for (media, name) in [
            ("x.mp4", "x.mp4"),
            ("/a b/100%25.mp4", "100%25.mp4"),
            ("C:\\a\\x.mp4", "x.mp4"),
            ("file:///a/b%20c%C3%A4.mp4", "b cä.mp4"),
            ("http://host:9999/scene/12/stream.mp4?apikey=a/b#t", "stream.mp4"),
            ("http://host/a%2Fb.mp4", "b.mp4"),
            ("http://host/100%.mp4", "100%.mp4"),
            ("http://host/%", "%"),
            ("http://host/%ff%zz", "\u{fffd}%zz"),
            ("smb://host/a/", ""),
            ("", ""),
        ] {
            assert_eq!(base_name(media), name, "{media}");
        }
    }

    #[test]
    fn a_path_without_end_keeps_its_end() {
        let long = format!("{}ä/x.mp4", "ö".repeat(MAX_MEDIA_BYTES));
        let kept = bounded_media(&long).unwrap();
        assert!(kept.len() <= MAX_MEDIA_BYTES && long.ends_with(&kept));
        assert_eq!(base_name(&kept), "x.mp4");
        assert_eq!(bounded_media(""), None);
    }
}
