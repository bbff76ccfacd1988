//! Keeps what a real-time thread uses, so that it is never the one that frees it.
//!
//! Graphs are handed over as shared pointers. Whoever lets go of the last one frees the graph, and a thread that may
//! not free must not be that one. So whoever sends a wave gives it to the retention first, whose own pointer is the
//! last one, and goes when an ordinary thread finds that no other is left. Nothing travels back, so nothing can be
//! full on the way.

use std::sync::Arc;

use super::cubics::Cubics;
use super::graph::{Graph, Wave};

/// The graphs that may be in use.
#[derive(Debug, Default)]
pub struct Retention(Vec<Arc<Cubics>>);

impl Retention {
    /// Keeps the graph of `wave`, and frees those that nobody uses any more. Not for a real-time thread.
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
    fn a_graph_is_freed_by_the_shelf_and_by_nobody_else() {
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
        assert_eq!(seen.strong_count(), 1, "whoever used it last has freed it");
        retention.keep(&second);
        assert_eq!(seen.strong_count(), 0, "nobody has freed it");
    }
}
