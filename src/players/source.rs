//! Player source: which player the machine follows, and where it is.

use core::net::Ipv6Addr;
use std::fmt;
use std::path::PathBuf;

/// Longest path of a Unix socket (bytes), with the zero behind it; sockaddr_un of Linux.
const UNIX_PATH_BYTES: usize = 108;
/// Longest password (bytes).
const PASSWORD_BYTES: usize = 256;

/// A kind of video player.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PlayerKind {
    /// mpv, or a program built on it, by its JSON IPC
    Mpv,
    /// VLC, by its HTTP interface
    Vlc,
    /// HereSphere, by its remote control
    HereSphere,
    /// DeoVR, by its remote control
    DeoVr,
}

impl PlayerKind {
    /// Every kind.
    pub const ALL: [PlayerKind; 4] =
        [PlayerKind::Mpv, PlayerKind::Vlc, PlayerKind::HereSphere, PlayerKind::DeoVr];

    /// Identifier in settings and in the API.
    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            PlayerKind::Mpv => "mpv",
            PlayerKind::Vlc => "vlc",
            PlayerKind::HereSphere => "heresphere",
            PlayerKind::DeoVr => "deovr",
        }
    }

    /// The kind with that identifier.
    #[must_use]
    pub fn by_id(id: &str) -> Option<PlayerKind> {
        PlayerKind::ALL.into_iter().find(|kind| kind.id() == id)
    }

    /// Name for people.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            PlayerKind::Mpv => "mpv",
            PlayerKind::Vlc => "VLC",
            PlayerKind::HereSphere => "HereSphere",
            PlayerKind::DeoVr => "DeoVR",
        }
    }

    /// Form of its address, for people.
    #[must_use]
    pub const fn address_form(self) -> &'static str {
        match self {
            PlayerKind::Mpv => "unix:/PATH of its socket, or tcp:HOST:PORT where that is forwarded",
            PlayerKind::Vlc => "HOST or HOST:PORT (8080 unless VLC was told another)",
            PlayerKind::HereSphere | PlayerKind::DeoVr => {
                "HOST or HOST:PORT (23554 unless the player was told another)"
            }
        }
    }

    /// Port where its address names none.
    const fn default_port(self) -> Option<u16> {
        match self {
            PlayerKind::Mpv => None,
            PlayerKind::Vlc => Some(8_080),
            PlayerKind::HereSphere | PlayerKind::DeoVr => Some(23_554),
        }
    }
}

/// Where a player is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PlayerAddress {
    /// Unix socket of this computer, by its absolute path
    Unix(PathBuf),
    /// TCP port of a host
    Tcp {
        /// Name, IPv4 address, or IPv6 address without brackets.
        host: String,
        /// Port, not 0.
        port: u16,
    },
}

impl fmt::Display for PlayerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PlayerAddress::Unix(path) => write!(f, "unix:{}", path.display()),
            PlayerAddress::Tcp { host, port } if host.contains(':') => write!(f, "[{host}]:{port}"),
            PlayerAddress::Tcp { host, port } => write!(f, "{host}:{port}"),
        }
    }
}

/// The player that the machine follows.
#[derive(Clone, PartialEq, Eq)]
pub struct PlayerSource {
    /// Its kind.
    pub kind: PlayerKind,
    /// Where it is.
    pub address: PlayerAddress,
    /// Password of VLC's HTTP interface; empty for players without one.
    pub password: String,
}

/// An address or a password cannot be that of a player.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// The address has another form.
    #[error("{address:?} is no address of {}: it must be {}", kind.title(), kind.address_form())]
    Form {
        /// The kind of player.
        kind: PlayerKind,
        /// What was given.
        address: String,
    },
    /// The path cannot be that of a socket.
    #[error("the path of a socket has at most {} bytes", UNIX_PATH_BYTES - 1)]
    LongPath,
    /// The password cannot be sent.
    #[error("the password has at most {PASSWORD_BYTES} bytes, and no control characters")]
    Password,
    /// VLC's HTTP interface refuses everybody while it has no password.
    #[error("VLC needs the password of its HTTP interface; it lets nobody in while it has none")]
    NoPassword,
}

impl PlayerSource {
    /// A player of that kind at an address in its form, see [`PlayerKind::address_form`].
    ///
    /// # Errors
    /// The address or the password cannot be that of such a player.
    pub fn new(kind: PlayerKind, address: &str, password: &str) -> Result<PlayerSource, AddressError> {
        let is_long = password.len() > PASSWORD_BYTES;
        if is_long || password.chars().any(char::is_control) {
            return Err(AddressError::Password);
        }
        if kind == PlayerKind::Vlc && password.is_empty() {
            return Err(AddressError::NoPassword);
        }
        let address = parse(kind, address.trim())?;
        Ok(PlayerSource { kind, address, password: password.to_owned() })
    }
}

/// Without the password: what is printed may be logged.
impl fmt::Debug for PlayerSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PlayerSource").field("kind", &self.kind).field("address", &self.address).finish()
    }
}

fn parse(kind: PlayerKind, text: &str) -> Result<PlayerAddress, AddressError> {
    let wrong = || AddressError::Form { kind, address: text.chars().take(80).collect() };
    let address = match kind {
        PlayerKind::Mpv => {
            if let Some(path) = text.strip_prefix("unix:") {
                if path.len() >= UNIX_PATH_BYTES {
                    return Err(AddressError::LongPath);
                }
                let is_path = path.starts_with('/') && !path.contains('\0');
                return is_path.then(|| PlayerAddress::Unix(path.into())).ok_or_else(wrong);
            }
            text.strip_prefix("tcp:").ok_or_else(wrong)?
        }
        PlayerKind::Vlc => text.strip_prefix("http://").unwrap_or(text).trim_end_matches('/'),
        PlayerKind::HereSphere | PlayerKind::DeoVr => text,
    };
    host_and_port(address, kind.default_port()).ok_or_else(wrong)
}

/// `host:port`, or `host` where there is a port by default. An IPv6 address is in brackets.
fn host_and_port(text: &str, default_port: Option<u16>) -> Option<PlayerAddress> {
    let (host, rest) = match text.strip_prefix('[') {
        Some(v6) => v6.split_once(']').filter(|(host, _)| host.parse::<Ipv6Addr>().is_ok())?,
        None => {
            let (host, rest) = text.split_at(text.find(':').unwrap_or(text.len()));
            let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
            ((1..=253).contains(&host.len()) && host.chars().all(is_plain)).then_some((host, rest))?
        }
    };
    let port = if rest.is_empty() {
        default_port?
    } else {
        rest.strip_prefix(':')?.parse().ok().filter(|port| *port > 0)?
    };
    Some(PlayerAddress::Tcp { host: host.to_owned(), port })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(kind: PlayerKind, text: &str) -> Result<String, AddressError> {
        PlayerSource::new(kind, text, "secret").map(|source| source.address.to_string())
    }

    #[test]
    fn an_address_is_read_in_the_form_of_its_player() {
        use PlayerKind::{DeoVr, HereSphere, Mpv, Vlc};
        for (kind, text, read) in [
            (Mpv, "unix:/tmp/mpv.sock", "unix:/tmp/mpv.sock"),
            (Mpv, " tcp:desk.local:7001 ", "desk.local:7001"),
            (Mpv, "tcp:[fe80::1]:7001", "[fe80::1]:7001"),
            (Vlc, "desk.local", "desk.local:8080"),
            (Vlc, "http://192.168.1.2:8081/", "192.168.1.2:8081"),
            (Vlc, "[::1]", "[::1]:8080"),
            (HereSphere, "headset", "headset:23554"),
            (DeoVr, "10.0.0.7:1", "10.0.0.7:1"),
        ] {
            assert_eq!(address(kind, text).as_deref(), Ok(read));
        }
        for (kind, text) in [
            (Mpv, ""),
            (Mpv, "/tmp/mpv.sock"),
            (Mpv, "unix:mpv.sock"),
            (Mpv, "unix:/a\0b"),
            (Mpv, "tcp:desk"),
            (Mpv, "tcp:desk:0"),
            (Vlc, "https://desk"),
            (Vlc, "http://a@desk"),
            (Vlc, "desk/requests"),
            (Vlc, "desk:"),
            (Vlc, "desk:65536"),
            (HereSphere, "::1"),
            (HereSphere, "[1.2.3.4]:1"),
            (HereSphere, "[::1]x"),
            (DeoVr, "a b"),
            (DeoVr, "unix:/tmp/a"),
        ] {
            let error = address(kind, text).expect_err(text).to_string();
            assert!(error.contains(kind.title()) && error.contains(kind.address_form()), "{error}");
        }
        let long = format!("unix:/{}", "x".repeat(UNIX_PATH_BYTES));
        assert_eq!(address(Mpv, &long), Err(AddressError::LongPath));
    }

    #[test]
    fn a_password_is_needed_by_vlc_and_never_printed() {
        let vlc = |password: &str| PlayerSource::new(PlayerKind::Vlc, "desk", password);
        assert_eq!(vlc("").unwrap_err(), AddressError::NoPassword);
        assert_eq!(vlc("a\nb").unwrap_err(), AddressError::Password);
        assert_eq!(vlc(&"x".repeat(257)).unwrap_err(), AddressError::Password);
        let printed = format!("{:?}", vlc("hunter22").unwrap());
        assert!(!printed.contains("hunter22"), "{printed}");
        assert!(PlayerKind::ALL.iter().all(|kind| PlayerKind::by_id(kind.id()) == Some(*kind)));
    }
}
