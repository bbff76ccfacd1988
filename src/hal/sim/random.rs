//! Pseudo-random number generator with a seed: SplitMix64 (Steele, Lea, Flood 2014).

/// State of the generator.
#[derive(Debug, Clone, Copy, Default)]
pub struct Random(u64);

impl Random {
    /// A generator with the given seed.
    pub const fn new(seed: u64) -> Random {
        Random(seed)
    }

    /// A uniform 64-bit number.
    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A uniform number below `end`, which must not be 0.
    pub fn below(&mut self, end: u64) -> u64 {
        self.number() % end
    }

    /// A uniform index below `len`, which must not be 0.
    pub fn index(&mut self, len: usize) -> usize {
        (self.number() % len as u64) as usize
    }

    /// Uniform in `[0, 1)`.
    pub fn unit(&mut self) -> f64 {
        (self.number() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Uniform in `[low, high)`.
    pub fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    /// Log-uniform in `[low, high)`.
    pub fn log_between(&mut self, low: f64, high: f64) -> f64 {
        libm::exp(self.between(libm::log(low), libm::log(high)))
    }

    /// True with the probability `share`.
    pub fn chance(&mut self, share: f64) -> bool {
        self.unit() < share
    }

    /// A uniformly chosen element of `all`, which must not be empty.
    pub fn one_of<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[(self.unit() * all.len() as f64) as usize]
    }

    /// An index chosen with the probability of its weight.
    pub fn weighted(&mut self, weights: &[u32]) -> usize {
        let mut at = self.unit() * f64::from(weights.iter().sum::<u32>());
        for (index, weight) in weights.iter().enumerate() {
            at -= f64::from(*weight);
            if at < 0.0 {
                return index;
            }
        }
        weights.len() - 1
    }
}
