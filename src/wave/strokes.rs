//! Strokes of a graph: the way from one turn to the next and its time, from which the feasible amplitude follows.

/// Hysteresis of turns, as a share of the graph's extent: it turns where it goes back by more. A smaller wiggle may be rounded.
const WIGGLE: f64 = 0.1;

/// Part of a period from where the graph leaves one turn to where it leaves the next one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stroke {
    /// Length of the way, forward or backward, as a share of the usable range.
    pub way: f64,
    /// Time, as a share of the period, with the rest at its end.
    pub share: f64,
}

/// Strokes of one period, and the extent of the graph.
#[derive(Debug, Clone, PartialEq)]
pub struct Strokes {
    /// In their order.
    pub strokes: Box<[Stroke]>,
    /// Lowest position.
    pub low: f64,
    /// Highest position.
    pub high: f64,
}

/// Finds the strokes of a graph by its corners: pairs of phase and position in the order of the phases, all round one period, with
/// every place at which the graph may turn or jump. A position that is there twice in a row is a rest.
pub(super) fn find_strokes(corners: &[(f64, f64)]) -> Strokes {
    let least = (0..corners.len()).min_by(|i, j| corners[*i].1.total_cmp(&corners[*j].1)).unwrap_or(0);
    let low = corners.get(least).map_or(0.0, |corner| corner.1);
    let high = corners.iter().fold(low, |high, corner| high.max(corner.1));
    let (before, behind) = corners.split_at(least);
    let round = behind.iter().copied().chain(before.iter().map(|(phase, position)| (phase + 1.0, *position)));
    let turns = turns(round, WIGGLE * (high - low));
    let next = turns.iter().skip(1).copied();
    let first_again = turns.first().map(|(phase, position)| (phase + 1.0, *position));
    let stroke = |((phase, from), (end, to)): (&(f64, f64), (f64, f64))| Stroke {
        way: (to - from).abs(),
        share: end - phase,
    };
    Strokes { strokes: turns.iter().zip(next.chain(first_again)).map(stroke).collect(), low, high }
}

/// Places where the graph turns, alternately low and high; the first is its lowest place.
fn turns(round: impl Iterator<Item = (f64, f64)>, wiggle: f64) -> Vec<(f64, f64)> {
    let mut turns = Vec::new();
    let mut farthest: Option<(f64, f64)> = None;
    let mut rising = -1.0;
    for corner in round {
        let end = farthest.get_or_insert(corner);
        let beyond = (corner.1 - end.1) * rising;
        if beyond >= 0.0 {
            // Of places that are equally far, the graph leaves the last one.
            *end = corner;
        } else if -beyond > wiggle {
            turns.push(*end);
            *end = corner;
            rising = -rising;
        }
    }
    // At the end of the period it goes back to its lowest place, where it began.
    if rising > 0.0 {
        turns.extend(farthest);
    }
    turns
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strokes(corners: &[(f64, f64)]) -> Vec<(f64, f64)> {
        let round = |x: f64| (x * 1e9).round() / 1e9;
        find_strokes(corners).strokes.iter().map(|stroke| (round(stroke.way), round(stroke.share))).collect()
    }

    #[test]
    fn a_stroke_lasts_from_turn_to_turn_with_its_rest() {
        // Rise, hold, fall, hold.
        let trapezoid = [(0.0, 0.0), (0.1, 1.0), (0.4, 1.0), (0.6, 0.0)];
        assert_eq!(strokes(&trapezoid), [(1.0, 0.4), (1.0, 0.6)]);
        let jumps = [(0.0, 1.0), (0.3, 1.0), (0.3, 0.0), (1.0, 0.0)];
        assert_eq!(strokes(&jumps), [(1.0, 0.3), (1.0, 0.7)]);
    }

    #[test]
    fn it_does_not_matter_where_the_period_begins() {
        let triangle = [(0.2, 0.5), (0.45, 1.0), (0.95, 0.0)];
        assert_eq!(strokes(&triangle), [(1.0, 0.5), (1.0, 0.5)]);
    }

    #[test]
    fn wiggles_do_not_count_and_turns_do() {
        let wiggles = [(0.0, 0.0), (0.2, 0.5), (0.21, 0.45), (0.5, 1.0), (0.7, 0.3), (0.71, 0.36)];
        assert_eq!(strokes(&wiggles), [(1.0, 0.5), (1.0, 0.5)]);
        let turns = [(0.0, 0.0), (0.2, 0.5), (0.3, 0.3), (0.6, 1.0)];
        assert_eq!(strokes(&turns), [(0.5, 0.2), (0.2, 0.1), (0.7, 0.3), (1.0, 0.4)]);
    }

    #[test]
    fn what_stays_in_one_place_has_none() {
        assert_eq!(find_strokes(&[(0.0, 0.4), (0.5, 0.4)]).strokes.len(), 0);
        let one = find_strokes(&[(0.0, 0.4)]);
        assert_eq!((one.low, one.high), (0.4, 0.4));
    }
}
