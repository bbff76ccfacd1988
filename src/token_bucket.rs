//! Token bucket: a rate limit that lets a burst pass, with time as an argument.

use std::time::Instant;

/// A bucket of tokens that refills at a steady rate.
#[derive(Debug, Clone, Copy)]
pub struct TokenBucket {
    burst: f64,
    per_s: f64,
    left: f64,
    filled: Instant,
}

impl TokenBucket {
    /// A full bucket of `burst` tokens that refills with `per_s` tokens a second.
    pub fn full(burst: f64, per_s: f64, now: Instant) -> TokenBucket {
        TokenBucket { burst, per_s, left: burst, filled: now }
    }

    /// Takes a token; returns false if there is none.
    pub fn take(&mut self, now: Instant) -> bool {
        let since_s = now.saturating_duration_since(self.filled).as_secs_f64();
        self.left = (self.left + since_s * self.per_s).min(self.burst);
        self.filled = now;
        let has_one = self.left >= 1.0;
        if has_one {
            self.left -= 1.0;
        }
        has_one
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_burst_passes_and_then_so_many_a_second() {
        let start = Instant::now();
        let mut bucket = TokenBucket::full(50.0, 20.0, start);
        assert_eq!((0..1_000).filter(|_| bucket.take(start)).count(), 50);
        assert!(bucket.take(start + Duration::from_secs(1)));
        let taken =
            (0..10_000).filter(|tick| bucket.take(start + Duration::from_millis(1_000 + tick))).count();
        assert!((215..=225).contains(&taken), "{taken} in ten seconds and what a second had saved");
    }
}
