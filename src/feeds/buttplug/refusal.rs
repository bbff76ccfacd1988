//! Errors of the Buttplug protocol: a code for the program, and a text for its user.

/// Error codes of the specification.
///
/// Two of its codes do not occur: 0 (unknown), because each refusal here has a cause, and 2 (ping), because no ping is
/// demanded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ButtplugErrorCode {
    /// The handshake did not succeed, or is not the next thing to do.
    Init,
    /// The message cannot be read.
    Message,
    /// The device refuses it.
    Device,
}

impl ButtplugErrorCode {
    /// The number in the message.
    pub const fn number(self) -> u8 {
        match self {
            ButtplugErrorCode::Init => 1,
            ButtplugErrorCode::Message => 3,
            ButtplugErrorCode::Device => 4,
        }
    }
}

/// Refusal of one message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ButtplugRefusal {
    /// Its code.
    pub code: ButtplugErrorCode,
    /// Reason and remedy, for people.
    pub reason: String,
}

impl ButtplugRefusal {
    /// A refusal in or for want of a handshake.
    pub fn init(reason: impl Into<String>) -> ButtplugRefusal {
        ButtplugRefusal { code: ButtplugErrorCode::Init, reason: reason.into() }
    }

    /// A refusal of what cannot be read.
    pub fn message(reason: impl Into<String>) -> ButtplugRefusal {
        ButtplugRefusal { code: ButtplugErrorCode::Message, reason: reason.into() }
    }

    /// A refusal by the device.
    pub fn device(reason: impl Into<String>) -> ButtplugRefusal {
        ButtplugRefusal { code: ButtplugErrorCode::Device, reason: reason.into() }
    }
}
