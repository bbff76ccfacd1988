//! Input and output of a stored record, value by value.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// The oldest version that is read: `store/migrate.rs` makes it of what is older still.
pub const OLDEST_VERSION: u8 = 2;

/// Takes the values of a record, one after the other.
pub trait RecordWriter {
    /// Why it cannot.
    type Error;

    /// Takes a value.
    ///
    /// # Errors
    /// The writer's.
    fn put<T: Serialize>(&mut self, value: &T) -> Result<(), Self::Error>;
}

/// Gives the values of a record, one after the other.
pub trait RecordReader {
    /// Why it cannot.
    type Error;

    /// Gives the next value.
    ///
    /// # Errors
    /// The reader's.
    fn take<T: DeserializeOwned>(&mut self) -> Result<T, Self::Error>;
}
