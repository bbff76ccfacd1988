//! Random bytes for tokens and codes.

use std::fmt;
use std::sync::Arc;

use crate::auth::Token;

/// A source of random bytes: the system's, and in a simulation a sequence that is the same each time.
#[derive(Clone)]
pub struct Entropy(Arc<FillBytes>);

/// Fills a slice with random bytes.
type FillBytes = dyn Fn(&mut [u8]) + Send + Sync;

impl Default for Entropy {
    /// The system's.
    ///
    /// # Panics
    /// It panics in a use of it, if the system has no random numbers: then nobody may be let in.
    fn default() -> Entropy {
        Entropy::new(|bytes| getrandom::fill(bytes).expect("the system has random numbers"))
    }
}

impl Entropy {
    /// The source that fills slices in this way.
    pub fn new(fill: impl Fn(&mut [u8]) + Send + Sync + 'static) -> Entropy {
        Entropy(Arc::new(fill))
    }

    /// So many random bytes.
    #[must_use]
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        (self.0)(&mut bytes);
        bytes
    }

    /// A new token.
    #[must_use]
    pub fn token(&self) -> Token {
        Token::new(self.bytes())
    }

    /// A number below `bound`, each with the same probability.
    #[must_use]
    pub fn below(&self, bound: u32) -> u32 {
        // Numbers beyond the last whole multiple are drawn again.
        let limit = u32::MAX - u32::MAX % bound;
        loop {
            let number = u32::from_le_bytes(self.bytes());
            if number < limit {
                return number % bound;
            }
        }
    }
}

impl fmt::Debug for Entropy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Entropy")
    }
}
