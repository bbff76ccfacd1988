//! Cross-fade of position graphs: a new graph takes over gradually from those before it.
//!
//! The share of a new graph grows from 0 to 1. The sum of all shares is 1, so the mixture stays within the range of its
//! graphs.

use heapless::Vec;

use super::ease::{Ease, product};
use super::kinematics::Kinematics;
use crate::wave::Graph;

/// Graphs that can fade out at the same time. One more, and the one with the smallest share is dropped at once; the
/// tracker smooths that jump.
const FADING: usize = 4;
/// A smaller share counts as zero.
const NO_SHARE: f64 = 1e-9;

/// Rate of the phase and its derivative.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rate {
    /// Periods per second.
    pub per_s: f64,
    /// Change of the rate, per second.
    pub per_s2: f64,
}

/// The newest graph, and the older ones with their shares.
#[derive(Debug, Clone)]
pub struct Mix {
    newest: Graph,
    fading: Vec<(Graph, Ease), FADING>,
}

impl Mix {
    /// A mixture of one graph.
    pub const fn new(graph: Graph) -> Mix {
        Mix { newest: graph, fading: Vec::new() }
    }

    /// Begins the cross-fade to `graph`.
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
        // Space was made above.
        let _ = self.fading.push((before, Ease::moving(share)));
    }

    /// Advances the shares by `time_s`.
    pub fn advance(&mut self, time_s: f64, pole_per_s: f64) {
        self.fading.retain_mut(|(_, share)| {
            share.advance(0.0, time_s, pole_per_s, NO_SHARE);
            !share.is_at(0.0)
        });
    }

    /// True if the next change would drop a graph at once.
    pub fn is_crowded(&self) -> bool {
        self.fading.is_full()
    }

    /// The graph, if no older one is fading out.
    pub fn single_graph(&self) -> Option<&Graph> {
        self.fading.is_empty().then_some(&self.newest)
    }

    /// Value of the mixture at `phase`, in shares of the range, with its time derivatives.
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
        assert!(mix.single_graph().is_some(), "the same graph fades");
        mix.change_to(Shape::Square.into());
        assert!(mix.single_graph().is_none());
        assert_eq!(mix.at(0.3, Rate { per_s: 1.0, per_s2: 0.0 }).p, Shape::Sine.at(0.3).position);
        for _ in 0..4_000 {
            mix.advance(1e-3, 10.0);
        }
        assert_eq!(mix.single_graph(), Some(&Graph::from(Shape::Square)));
    }
}
