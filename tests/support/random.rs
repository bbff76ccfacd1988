//! Random numbers for tests; the environment variable `YEP_SEED` sets the seed.

pub use yep::hal::sim::Random;

/// `YEP_SEED` chooses the seed, which is printed.
pub fn from_env() -> Random {
    let seed = std::env::var("YEP_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(1);
    println!("YEP_SEED={seed}");
    Random::new(seed)
}
