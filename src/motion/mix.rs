//! The graphs that a motion follows: one, and for a while those that it followed before.
//!
//! A new graph does not replace the old one at once: its share grows from nothing to all. Whatever the shares, their
//! sum is 1, so the mixture is where its graphs are, inside the range.

use heapless::Vec;

use super::ease::{Ease, product};
use super::kinematics::Kinematics;
use crate::wave::Graph;

/// Graphs that can fade at the same time. One more, and the one with the least share goes at once; the tracker
/// rounds what that makes of it.
const FADING: usize = 4;
/// A share that is this small is none.
const NO_SHARE: f64 = 1e-9;

/// How the phase moves: its rate in periods a second, and how fast that changes, each second.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rate {
    /// Periods a second.
    pub per_s: f64,
    /// By how much it grows each second.
    pub per_s2: f64,
}

/// A graph, and the shares of those before it.
#[derive(Debug, Clone)]
pub struct Mix {
    newest: Graph,
    fading: Vec<(Graph, Ease), FADING>,
}

impl Mix {
    /// One graph.
    #[must_use]
    pub const fn new(graph: Graph) -> Mix {
        Mix { newest: graph, fading: Vec::new() }
    }

    /// From now on the share of `graph` grows.
    pub fn change_to(&mut self, graph: Graph) {
        if graph.is_same(&self.newest) {
            return;
        }
        let share = self.newest_share();
        let before = core::mem::replace(&mut self.newest, graph);
        if self.is_crowded() {
            let share = |(_, ease): &(Graph, Ease)| ease.now().p;
            let least = (0..self.fading.len())
                .min_by(|i, j| share(&self.fading[*i]).total_cmp(&share(&self.fading[*j])));
            if let Some(least) = least {
                self.fading.swap_remove(least);
            }
        }
        // There is room now.
        let _ = self.fading.push((before, Ease::moving(share)));
    }

    /// Shares move on for `time_s`.
    pub fn advance(&mut self, time_s: f64, pole_per_s: f64) {
        self.fading.retain_mut(|(_, share)| {
            share.advance(0.0, time_s, pole_per_s, NO_SHARE);
            !share.is_at(0.0)
        });
    }

    /// Whether the next change makes a graph go at once.
    #[must_use]
    pub fn is_crowded(&self) -> bool {
        self.fading.is_full()
    }

    /// The one graph that is left, if it is only one.
    #[must_use]
    pub fn only(&self) -> Option<&Graph> {
        self.fading.is_empty().then_some(&self.newest)
    }

    /// Where the mixture is at `phase`, in shares of the range, with its derivatives by the time.
    #[must_use]
    pub fn at(&self, phase: f64, rate: Rate) -> Kinematics {
        let along = |graph: &Graph| {
            let point = graph.at(phase);
            Kinematics {
                p: point.position,
                v: point.slope * rate.per_s,
                a: point.curvature * rate.per_s * rate.per_s + point.slope * rate.per_s2,
            }
        };
        let newest = product(self.newest_share(), along(&self.newest));
        self.fading.iter().fold(newest, |sum, (graph, share)| {
            let part = product(share.now(), along(graph));
            Kinematics { p: sum.p + part.p, v: sum.v + part.v, a: sum.a + part.a }
        })
    }

    fn newest_share(&self) -> Kinematics {
        self.fading.iter().fold(Kinematics::at_rest(1.0), |left, (_, share)| {
            let share = share.now();
            Kinematics { p: left.p - share.p, v: left.v - share.v, a: left.a - share.a }
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::wave::Shape;
    use crate::wave::interpolate::{Interpolation, Knot, through};

    fn graph(seed: u32) -> Graph {
        let knot = |i: u32| Knot {
            phase: f64::from(i) / 6.0,
            position: (f64::from(seed * 7 + i * i) * 0.618).fract(),
        };
        through(&(0..6).map(knot).collect::<std::vec::Vec<_>>(), Interpolation::Monotone).unwrap().into()
    }

    proptest! {
        #[test]
        fn the_mixture_stays_inside_and_is_continuous(
            changes in prop::collection::vec((0u32..8, 1u32..300), 1..16), rate in 0.2..2.0f64
        ) {
            let h = 1e-3;
            let rate = Rate { per_s: rate, per_s2: 0.0 };
            let mut mix = Mix::new(Shape::Sine.into());
            let mut phase = 0.0;
            for (seed, cycles) in changes {
                let before = mix.at(phase, rate);
                let drops = mix.is_crowded();
                mix.change_to(if seed == 0 { Shape::Sine.into() } else { graph(seed) });
                let after = mix.at(phase, rate);
                prop_assert!(drops || (before.p - after.p).abs() < 1e-12 && (before.v - after.v).abs() < 1e-9);
                for _ in 0..cycles {
                    let before = mix.at(phase, rate);
                    mix.advance(h, 10.0);
                    phase += rate.per_s * h;
                    let after = mix.at(phase, rate);
                    prop_assert!((-1e-9..=1.0 + 1e-9).contains(&after.p));
                    prop_assert!((after.p - before.p - h * (before.v + after.v) / 2.0).abs() < 1e-4);
                }
            }
        }
    }

    #[test]
    fn the_old_graph_goes_and_the_new_one_is_all() {
        let mut mix = Mix::new(Shape::Sine.into());
        mix.change_to(Shape::Sine.into());
        assert!(mix.only().is_some(), "the same graph fades");
        mix.change_to(Shape::Square.into());
        assert!(mix.only().is_none());
        assert_eq!(mix.at(0.3, Rate { per_s: 1.0, per_s2: 0.0 }).p, Shape::Sine.at(0.3).position);
        for _ in 0..4_000 {
            mix.advance(1e-3, 10.0);
        }
        assert_eq!(mix.only(), Some(&Graph::from(Shape::Square)));
    }
}
