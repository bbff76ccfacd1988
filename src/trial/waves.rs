//! Generator of random wave requests: every type, with and without an envelope, some of them invalid. Pure.

use serde_json::{Value, json};

use crate::hal::sim::Random;

/// JSON body of a random wave request, for a stroke of `stroke_mm`.
pub fn random_wave(random: &mut Random, stroke_mm: f64) -> Value {
    let duration = random.log_between(0.05, 12.0);
    let mut wave = match random.weighted(&[5, 5, 3, 2, 4]) {
        0 => json!({ "type": "sine" }),
        1 => json!({ "type": "square" }),
        2 => trapezoid(random, duration),
        3 => json!({ "type": "triangle", "rise": duration * random.between(0.02, 0.98) }),
        _ => points(random, duration),
    };
    wave["duration"] = json!(duration);
    if random.chance(0.5) {
        envelope(random, &mut wave, stroke_mm);
    }
    wave
}

/// A trapezoid whose four parts fill the period, or of which some parts are left out.
fn trapezoid(random: &mut Random, duration: f64) -> Value {
    let shares: [f64; 4] = core::array::from_fn(|_| random.log_between(0.01, 1.0));
    let whole: f64 = shares.iter().sum();
    let mut wave = json!({ "type": "trapezoid" });
    let all = random.chance(0.5);
    for (name, share) in ["rise", "hold_front", "fall", "hold_back"].into_iter().zip(shares) {
        if all || random.chance(0.4) {
            wave[name] = json!(duration * share / whole);
        }
    }
    wave
}

/// A wave through random points, close together or far apart.
fn points(random: &mut Random, duration: f64) -> Value {
    let count = random.log_between(2.0, 40.0) as usize;
    let interpolation = *random.one_of(&["linear", "monotone", "spline"]);
    // The server refuses a spline that leaves the stroke, so splines here stay away from its ends.
    let (low, high) = if interpolation == "spline" { (0.25, 0.75) } else { (0.0, 1.0) };
    let place = |random: &mut Random| random.between(low, high);
    let points: Vec<Value> = if random.chance(0.5) {
        (0..count).map(|_| json!(place(random))).collect()
    } else {
        let shares: Vec<f64> = (0..count).map(|_| random.log_between(0.01, 1.0)).collect();
        let whole: f64 = shares.iter().sum();
        let mut at = 0.0;
        let pair = |share: &f64| {
            let pair = json!([at, place(random)]);
            at += duration * share / whole;
            pair
        };
        shares.iter().map(pair).collect()
    };
    json!({ "type": "points", "points": points, "interpolation": interpolation })
}

/// Adds an envelope to the wave: offset, amplitude and ramps.
fn envelope(random: &mut Random, wave: &mut Value, stroke_mm: f64) {
    let offset = if random.chance(0.6) { random.between(0.0, 0.9) } else { 0.0 };
    if random.chance(0.3) {
        wave["offset_mm"] = json!(offset * 0.4 * stroke_mm);
        wave["amplitude_mm"] = json!(random.between(0.0, 0.7 * stroke_mm));
    } else {
        wave["offset"] = json!(offset);
        // Now and then beyond the stroke.
        wave["amplitude"] = json!(random.between(0.0, 1.05 - offset));
    }
    if random.chance(0.4) {
        wave["ramp_up"] = json!(random.log_between(0.1, 20.0));
    }
    if random.chance(0.4) {
        wave["ramp_down"] = json!(random.log_between(0.1, 20.0));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::coerce::Reading;
    use crate::api::wave_spec::{self, Purpose};

    #[test]
    fn nearly_all_can_be_run_and_every_type_is_among_them() {
        let mut random = Random::new(5);
        let (mut good, mut types) = (0, std::collections::BTreeSet::new());
        for _ in 0..1_000 {
            let wave = random_wave(&mut random, 155.0);
            if let Ok(spec) = wave_spec::read(Reading::Lenient, Some(&wave), Purpose::Run)
                && wave_spec::wave(&spec).is_ok()
            {
                good += 1;
                types.insert(spec.kind);
            }
        }
        assert!(good > 850, "{good}");
        assert_eq!(types.len(), crate::wave::fields::TYPES.len(), "{types:?}");
    }
}
