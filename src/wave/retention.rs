//! Deferred reclamation of graphs: keeps each `Arc` alive until no real-time thread holds one.
//!
//! Graphs are handed to the control cycle as shared pointers. Dropping the last pointer frees the graph, and a real-time thread may
//! not free memory. So the sender of a wave gives it to the retention first, whose pointer is dropped by an ordinary thread when it
//! is the last one. Nothing travels back from the real-time thread, so no queue on that way can be full.

use std::sync::Arc;

use super::cubics::Cubics;
use super::graph::{Graph, Wave};

/// Graphs that may be in use by a real-time thread.
#[derive(Debug, Default)]
pub struct Retention(Vec<Arc<Cubics>>);

impl Retention {
    /// Keeps the graph of `wave`, and frees those that are not in use any more. Not for a real-time thread.
    pub fn keep(&mut self, wave: &Wave) {
        // A count of one cannot rise again: a pointer is only made from another one.
        self.0.retain(|cubics| Arc::strong_count(cubics) > 1);
        if let Graph::Cubics(cubics) = &wave.graph
            && !self.0.iter().any(|kept| Arc::ptr_eq(kept, cubics))
        {
            self.0.push(Arc::clone(cubics));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::interpolate::{Interpolation, Knot, through};
    use super::*;

    #[test]
    fn a_graph_is_freed_by_the_retention_only() {
        let knots = [(0.0, 0.0), (0.5, 1.0)].map(|(phase, position)| Knot { phase, position });
        let made = || Wave::new(through(&knots, Interpolation::Monotone).unwrap(), 1.0).unwrap();
        let weak = |wave: &Wave| match &wave.graph {
            Graph::Cubics(cubics) => Arc::downgrade(cubics),
            Graph::Shape(_) => unreachable!(),
        };
        let mut retention = Retention::default();
        let first = made();
        let seen = weak(&first);
        retention.keep(&first);
        let second = made();
        retention.keep(&second);
        retention.keep(&first);
        assert_eq!(seen.strong_count(), 2, "still in use");
        drop(first);
        assert_eq!(seen.strong_count(), 1, "its last user has freed it");
        retention.keep(&second);
        assert_eq!(seen.strong_count(), 0, "nobody has freed it");
    }
}
