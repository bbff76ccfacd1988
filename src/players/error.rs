//! Error of a player's message.

/// A message of a player cannot be read. The connection is not worth keeping then: what speaks there is another program,
/// or another version of this one.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum PlayerError {
    /// A message is longer than any that a player has a reason to send.
    #[error("it sends a message of more than {max_bytes} bytes, which no video player does")]
    TooLong {
        /// Longest message that is read.
        max_bytes: usize,
    },
    /// A message is no JSON object.
    #[error("it sends what is no JSON object")]
    NotAnObject,
    /// A field has another type than the player's interface says.
    #[error("{field} of its message must be {wanted}")]
    WrongType {
        /// Name of the field.
        field: &'static str,
        /// What was expected.
        wanted: &'static str,
    },
    /// A number that no playback has.
    #[error("{field} of its message is {value}, which cannot be")]
    OutOfRange {
        /// Name of the field.
        field: &'static str,
        /// Its value.
        value: f64,
    },
}
