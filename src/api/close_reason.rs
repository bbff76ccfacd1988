//! Close reason of a WebSocket: the code and the words that the client is told when its socket ends.

use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

/// Why a socket ends, and so with which code.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum CloseReason {
    /// The client left or is gone.
    Left,
    /// The client sent what cannot be published; the clients' first server closed like this.
    BadFrame,
    /// The client may not publish that, or not that much.
    NotAllowed,
    /// A message of the client is too large.
    TooLarge,
    /// What the client sends is no WebSocket frame.
    Protocol,
    /// A text of the client is not UTF-8.
    NotText,
    /// The client does not take what is sent to it.
    TooSlow,
    /// The device of the client was taken off the list, or has another role.
    Revoked,
    /// The server ends.
    Restarting,
}

impl CloseReason {
    /// Close code (RFC 6455, section 7.4); none when nobody is there to hear it.
    pub(super) fn code(self) -> Option<CloseCode> {
        match self {
            CloseReason::Left => None,
            CloseReason::BadFrame => Some(CloseCode::Normal),
            CloseReason::NotAllowed => Some(CloseCode::Policy),
            CloseReason::TooLarge => Some(CloseCode::Size),
            CloseReason::Protocol => Some(CloseCode::Protocol),
            CloseReason::NotText => Some(CloseCode::Invalid),
            CloseReason::TooSlow => Some(CloseCode::Again),
            CloseReason::Revoked => Some(CloseCode::Library(4401)),
            // Not 1001: a yep-machine comes back only after an unclean close.
            CloseReason::Restarting => Some(CloseCode::Restart),
        }
    }

    /// What is said with the code; a close frame takes 123 bytes.
    pub(super) fn reason(self) -> &'static str {
        match self {
            CloseReason::Left => "",
            CloseReason::BadFrame => {
                "a frame is a text: one JSON object of stream and fields, all texts or numbers"
            }
            CloseReason::NotAllowed => "this client may not publish that, or not so much at once",
            CloseReason::TooLarge => "a message is too large",
            CloseReason::Protocol => "not a frame of the WebSocket protocol",
            CloseReason::NotText => "a text must be UTF-8",
            CloseReason::TooSlow => "the messages were not read in time",
            CloseReason::Revoked => "this device is not let in any more, or has another role",
            CloseReason::Restarting => "the server ends",
        }
    }
}
