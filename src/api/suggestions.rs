//! Suggestions for an unknown field: the known one that it is misspelt from (edit distance), or an alias of.

use strsim::osa_distance;

use crate::wave::fields::FIELDS;

/// The field among `known` that `name` looks like: another spelling of it, or what it is called elsewhere.
#[must_use]
pub fn meant<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    let plain = plain(name);
    let alias_of = FIELDS.iter().find(|field| field.aliases.contains(&plain.as_str()));
    if let Some(field) = alias_of.and_then(|field| known.iter().find(|known| **known == field.name)) {
        return Some(field);
    }
    let near = known.iter().map(|known| (osa_distance(&plain, &self::plain(known)), *known));
    let (distance, nearest) = near.min_by_key(|(distance, _)| *distance)?;
    // A third of it may be wrong; of two or three letters none: nearly every word is near to those.
    (distance * 3 <= plain.len().min(nearest.len())).then_some(nearest)
}

/// Without what differs only in taste: `StrokeLimit`, `stroke-limit` and `stroke_limit` are one word.
fn plain(name: &str) -> String {
    // More is no slip, and comparing takes its time.
    let letters = name.chars().take(64).filter(|c| c.is_alphanumeric());
    letters.flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const WAVE: [&str; 7] =
        ["type", "duration", "amplitude", "amplitude_mm", "offset", "ramp_up", "ramp_down"];

    #[test]
    fn slips_and_words_of_others_lead_to_the_field() {
        for (name, field) in [
            ("amplitud", "amplitude"),
            ("Amplitude", "amplitude"),
            ("amplitdue", "amplitude"),
            ("amplitudemm", "amplitude_mm"),
            ("rampUp", "ramp_up"),
            ("ofset", "offset"),
            ("stroke", "amplitude"),
            ("stroke_length", "amplitude"),
            ("depth", "offset"),
            ("speed", "duration"),
            ("durations", "duration"),
        ] {
            assert_eq!(meant(name, &WAVE), Some(field), "{name}");
        }
        for name in ["", "zzz", "foo", "x", "comment", &"amplitude".repeat(100), "žluť"] {
            assert_eq!(meant(name, &WAVE), None, "{name}");
        }
        assert_eq!(meant("stroke", &["force_limit"]), None, "a field that is not asked for");
    }

    #[test]
    fn letters_are_counted() {
        for (a, b, wrong) in
            [("", "", 0), ("ab", "", 2), ("ab", "ba", 1), ("abc", "acb", 1), ("kitten", "sitting", 3)]
        {
            assert_eq!((osa_distance(a, b), osa_distance(b, a)), (wrong, wrong), "{a} {b}");
        }
    }
}
