//! Half strokes as the pulses show them.

/// The way from one turn of the direction to the next.
#[derive(Debug, Clone, Copy)]
pub struct Half {
    /// Where it ends, in mm.
    pub to_mm: f64,
    /// From turn to turn: each lies in the middle between the last pulse of one direction and the first of the other one.
    pub time_s: f64,
    /// Time without a pulse behind it.
    pub rest_s: f64,
    /// Its highest speed, over ten pulses.
    pub peak_mm_s: f64,
}

/// A speed is that of so many steps.
const SPAN: usize = 10;

/// The half strokes among the steps of a machine, from the step with the number `first` on.
pub fn halves(steps: &[(u64, bool)], mut first: usize, origin_steps: i64, per_mm: f64) -> Vec<Half> {
    let mut at = 0i64;
    let mut places = Vec::with_capacity(steps.len());
    for (_, forward) in steps {
        at += if *forward { 1 } else { -1 };
        places.push((at - origin_steps) as f64 / per_mm);
    }
    let seconds = |ns: u64| ns as f64 * 1e-9;
    let mut halves = Vec::new();
    let mut turned_s = seconds(steps[first].0);
    while first < steps.len() {
        let next = first + steps[first..].iter().take_while(|step| step.1 == steps[first].1).count();
        let last = next - 1;
        let Some((begin_ns, _)) = steps.get(next) else { break };
        let peak_mm_s = (first..last.saturating_sub(SPAN))
            .map(|i| SPAN as f64 / per_mm / seconds(steps[i + SPAN].0 - steps[i].0))
            .fold(0.0, f64::max);
        let turns_s = f64::midpoint(seconds(*begin_ns), seconds(steps[last].0));
        halves.push(Half {
            to_mm: places[last],
            time_s: turns_s - turned_s,
            rest_s: seconds(begin_ns - steps[last].0),
            peak_mm_s,
        });
        (first, turned_s) = (next, turns_s);
    }
    halves
}
