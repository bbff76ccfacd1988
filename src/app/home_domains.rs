//! The domains that the home network gave this host, as the resolver has them: with them `yep.fritz.box` is a name of it.

use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use crate::files;

/// Where the resolver's configuration is; DHCP writes it.
const RESOLVER: &str = "/etc/resolv.conf";
const MOST_BYTES: usize = 16 * 1_024;
/// A lease may come long after the start.
const LOOK_TIME: Duration = Duration::from_secs(10);
/// As many as resolvers take.
const MOST_DOMAINS: usize = 6;

/// Keeps the domains up to date. Never ends.
pub async fn follow(domains: Arc<RwLock<Vec<String>>>) {
    loop {
        let text = files::read_regular(Path::new(RESOLVER), MOST_BYTES).unwrap_or_default();
        let found = domains_of(&String::from_utf8_lossy(&text));
        if *domains.read().unwrap_or_else(PoisonError::into_inner) != found {
            tracing::info!(?found, "the network gives this host these domains");
            *domains.write().unwrap_or_else(PoisonError::into_inner) = found;
        }
        tokio::time::sleep(LOOK_TIME).await;
    }
}

/// The domains of the last `search` or `domain` line (resolv.conf(5)).
fn domains_of(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for line in text.lines() {
        let mut words = line.split_whitespace();
        if matches!(words.next(), Some("search" | "domain")) {
            found = words
                .map(|word| word.trim_end_matches('.').to_ascii_lowercase())
                .filter(|word| !word.is_empty())
                .take(MOST_DOMAINS)
                .collect();
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_counts_and_a_root_is_no_domain() {
        let text = "# made by DHCP\nnameserver 192.168.1.1\ndomain lan\nsearch fritz.box. Home.arpa\n";
        assert_eq!(domains_of(text), ["fritz.box", "home.arpa"]);
        for none in ["", "search .", "nameserver 1.1.1.1", "searching x"] {
            assert!(domains_of(none).is_empty(), "{none}");
        }
    }
}
