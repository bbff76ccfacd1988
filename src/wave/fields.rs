//! Schema of a wave: its fields as rows of data, and the [`Spec`] that holds their values.
//!
//! The JSON body, its known fields, the arguments of the command line, the body that they make, the names that are suggested for a
//! slip, the table in docs/WAVES.md and the OpenAPI document follow from the rows. A new field is a new row here, and code in
//! [`super::spec`] that gives it its meaning.

use super::envelope::MAX_RAMP_S;
use super::graph::{MAX_PERIOD_S, MIN_PERIOD_S};
use super::interpolate::Interpolation;
use crate::units::Mm;

/// Names of all types of waves, in the order in which help texts list them.
pub const TYPES: [&str; 5] = ["sine", "square", TRAPEZOID, TRIANGLE, POINTS];
pub(super) const TRAPEZOID: &str = "trapezoid";
pub(super) const TRIANGLE: &str = "triangle";
pub(super) const POINTS: &str = "points";

const INTERPOLATIONS: [&str; Interpolation::ALL.len()] =
    [Interpolation::ALL[0].name(), Interpolation::ALL[1].name(), Interpolation::ALL[2].name()];

const PERIOD: WaveFieldKind =
    WaveFieldKind::Number { unit: WaveUnit::Seconds, low: MIN_PERIOD_S, high: Some(MAX_PERIOD_S) };
const PART_OF_PERIOD: WaveFieldKind = WaveFieldKind::Number { unit: WaveUnit::Seconds, low: 0.0, high: None };
const SHARE: WaveFieldKind = WaveFieldKind::Number { unit: WaveUnit::Share, low: 0.0, high: Some(1.0) };
const LENGTH: WaveFieldKind =
    WaveFieldKind::Number { unit: WaveUnit::Millimetres, low: 0.0, high: Some(Mm::MAX) };
const RAMP: WaveFieldKind =
    WaveFieldKind::Number { unit: WaveUnit::Seconds, low: 0.0, high: Some(MAX_RAMP_S) };

/// One field of a wave.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct WaveField {
    /// Name in JSON. The argument of the command line has dashes in place of underscores.
    pub name: &'static str,
    /// Kind of its value, with unit and range.
    pub kind: WaveFieldKind,
    /// Types of waves that have it; empty if all have it.
    pub types: &'static [&'static str],
    /// Value of a field that is left out.
    pub default: WaveFieldDefault,
    /// Documentation: one sentence.
    pub summary: &'static str,
    /// Line in the help of the command line.
    pub help: &'static str,
    /// Names that other machines and programs have for it, in small letters only.
    pub aliases: &'static [&'static str],
}

/// Kind of a field's value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum WaveFieldKind {
    /// A number of the unit. Its highest value is the period where `high` is none.
    #[allow(missing_docs)]
    Number { unit: WaveUnit, low: f64, high: Option<f64> },
    /// One of these words.
    Word(&'static [&'static str]),
    /// A list of positions, or of pairs of a time and a position.
    Points,
}

/// Unit of a field that is a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum WaveUnit {
    Seconds,
    /// Share of the stroke.
    Share,
    Millimetres,
}

/// Value of a field that is left out.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum WaveFieldDefault {
    /// None: a wave of a type that has the field must give it.
    Required,
    /// This number.
    Number(f64),
    /// This word.
    Word(&'static str),
    /// A value that depends on other things, as this phrase says.
    Derived(&'static str),
}

impl WaveField {
    /// True if every wave must give it.
    #[must_use]
    pub fn is_required(&self) -> bool {
        self.types.is_empty() && self.default == WaveFieldDefault::Required
    }

    /// True if waves of that type have it.
    #[must_use]
    pub fn belongs_to(&self, type_name: &str) -> bool {
        self.types.is_empty() || self.types.contains(&type_name)
    }

    /// Unit of its number, if it is one.
    #[must_use]
    pub const fn unit(&self) -> Option<WaveUnit> {
        match self.kind {
            WaveFieldKind::Number { unit, .. } => Some(unit),
            WaveFieldKind::Word(_) | WaveFieldKind::Points => None,
        }
    }
}

/// Points of a wave, as they are given.
#[derive(Debug, Clone, PartialEq)]
pub enum PointsSpec {
    /// Positions, evenly spaced from the start of the period.
    Even(Vec<f64>),
    /// Pairs of a time in seconds and a position.
    Timed(Vec<[f64; 2]>),
}

/// Value that is given for a field.
#[derive(Debug, Clone, Copy, PartialEq)]
#[allow(missing_docs)] // Those of [`WaveFieldKind`].
pub enum WaveFieldValue<'a> {
    Number(f64),
    Word(&'a str),
    Points(&'a PointsSpec),
}

/// Source of the values of fields: a JSON body, a command line.
///
/// Each method answers for one kind of field, with none where the field is not given or cannot be read; the source remembers the
/// latter.
#[allow(missing_docs)]
pub trait WaveFieldSource {
    fn number(&mut self, field: &'static WaveField) -> Option<f64>;
    fn word(&mut self, field: &'static WaveField) -> Option<String>;
    fn points(&mut self, field: &'static WaveField) -> Option<PointsSpec>;
}

/// Makes of rows `/// summary`, `slot: type = { … }` the struct [`Spec`] with these slots, and the table [`FIELDS`].
macro_rules! wave_fields {
    ($($(#[doc = $summary:literal])+ $slot:ident: $type:ty = { $($key:ident: $value:expr),+ $(,)? })+) => {
        /// A wave as it is asked for, before its checks. A field that is not given is none.
        #[derive(Debug, Clone, PartialEq, Default)]
        pub struct Spec {
            $($(#[doc = $summary])+ pub $slot: $type,)+
        }

        /// All fields of waves, in the order in which they are read and listed.
        pub static FIELDS: [WaveField; [$(stringify!($slot)),+].len()] =
            [$(WaveField { summary: concat!($($summary),+).trim_ascii(), $($key: $value),+ }),+];

        impl Spec {
            /// Reads all fields in their order. A required one that the source does not have becomes 0 or an empty text.
            pub fn read(source: &mut impl WaveFieldSource) -> Spec {
                let [$($slot),+] = &FIELDS;
                Spec { $($slot: WaveFieldSlot::read(source, $slot)),+ }
            }

            /// The fields that are given, with their values, in their order.
            pub fn given(&self) -> impl Iterator<Item = (&'static WaveField, WaveFieldValue<'_>)> {
                let values = [$(self.$slot.value()),+];
                FIELDS.iter().zip(values).filter_map(|(field, value)| Some((field, value?)))
            }
        }
    };
}

wave_fields! {
    /// Graph of one period.
    kind: String = {
        name: "type",
        kind: WaveFieldKind::Word(&TYPES),
        types: &[],
        default: WaveFieldDefault::Required,
        help: "Which graph",
        aliases: &["shape", "wave", "waveform", "pattern", "kind", "mode", "name"],
    }
    /// Time for one period.
    duration_s: f64 = {
        name: "duration",
        kind: PERIOD,
        types: &[],
        default: WaveFieldDefault::Required,
        help: "How long one period takes, in seconds",
        aliases: &["speed", "velocity", "period", "time", "seconds", "frequency", "rate", "hz", "bpm", "length"],
    }
    /// Time from the back to the front.
    rise_s: Option<f64> = {
        name: "rise",
        kind: PART_OF_PERIOD,
        types: &[TRAPEZOID, TRIANGLE],
        default: WaveFieldDefault::Derived("an even share of the rest; of a triangle half of the period"),
        help: "Of a trapezoid or triangle: from the back to the front",
        aliases: &[],
    }
    /// Time at the front.
    hold_front_s: Option<f64> = {
        name: "hold_front",
        kind: PART_OF_PERIOD,
        types: &[TRAPEZOID],
        default: WaveFieldDefault::Derived("an even share of the rest"),
        help: "Of a trapezoid: at the front",
        aliases: &[],
    }
    /// Time from the front to the back.
    fall_s: Option<f64> = {
        name: "fall",
        kind: PART_OF_PERIOD,
        types: &[TRAPEZOID],
        default: WaveFieldDefault::Derived("an even share of the rest"),
        help: "Of a trapezoid: from the front to the back",
        aliases: &[],
    }
    /// Time at the back.
    hold_back_s: Option<f64> = {
        name: "hold_back",
        kind: PART_OF_PERIOD,
        types: &[TRAPEZOID],
        default: WaveFieldDefault::Derived("an even share of the rest"),
        help: "Of a trapezoid: at the back",
        aliases: &[],
    }
    /// Positions that the graph goes through, 0 to 1: evenly spaced from the start of the period, or as pairs
    /// `[seconds, position]`.
    points: Option<PointsSpec> = {
        name: "points",
        kind: WaveFieldKind::Points,
        types: &[POINTS],
        default: WaveFieldDefault::Required,
        help: "Of points: a JSON list, or a file with one, of positions (0 to 1), or of pairs [seconds, position]",
        aliases: &["positions", "values", "course", "path", "actions"],
    }
    /// Way from one point to the next.
    interpolation: Option<String> = {
        name: "interpolation",
        kind: WaveFieldKind::Word(&INTERPOLATIONS),
        types: &[POINTS],
        default: WaveFieldDefault::Word(Interpolation::Monotone.name()),
        help: "Of points: the way from one to the next [default: monotone]",
        aliases: &["easing", "smooth", "smoothing"],
    }
    /// Length of the part of the stroke that is filled.
    amplitude: Option<f64> = {
        name: "amplitude",
        kind: SHARE,
        types: &[],
        default: WaveFieldDefault::Derived("all behind the offset"),
        help: "How much of the stroke to fill, 0 to 1 [default: all behind the offset]",
        aliases: &["stroke", "strokelength", "range", "size", "height", "width", "max", "strength", "intensity"],
    }
    /// Length of that part in mm, instead of `amplitude`.
    amplitude_mm: Option<f64> = {
        name: "amplitude_mm",
        kind: LENGTH,
        types: &[],
        default: WaveFieldDefault::Derived("that of `amplitude`"),
        help: "The same in mm",
        aliases: &[],
    }
    /// Beginning of the part of the stroke that is filled, from the back.
    offset: Option<f64> = {
        name: "offset",
        kind: SHARE,
        types: &[],
        default: WaveFieldDefault::Number(0.0),
        help: "Where the part that is filled begins, from the back, 0 to 1 [default: 0]",
        aliases: &["depth", "position", "center", "centre", "middle", "base", "min", "start"],
    }
    /// Beginning of that part in mm, instead of `offset`.
    offset_mm: Option<f64> = {
        name: "offset_mm",
        kind: LENGTH,
        types: &[],
        default: WaveFieldDefault::Derived("that of `offset`"),
        help: "The same in mm",
        aliases: &[],
    }
    /// Time from the start in which the wave grows from nothing.
    ramp_up_s: Option<f64> = {
        name: "ramp_up",
        kind: RAMP,
        types: &[],
        default: WaveFieldDefault::Number(0.0),
        help: "Grow from nothing over this time, from the start",
        aliases: &["fadein", "attack"],
    }
    /// Time from END in which the wave shrinks to nothing; with 0 it finishes the period instead.
    ramp_down_s: Option<f64> = {
        name: "ramp_down",
        kind: RAMP,
        types: &[],
        default: WaveFieldDefault::Number(0.0),
        help: "At END, shrink to nothing over this time, instead of finishing the period",
        aliases: &["fadeout", "decay", "release"],
    }
}

/// Type of a slot of [`Spec`].
trait WaveFieldSlot {
    fn read(source: &mut impl WaveFieldSource, field: &'static WaveField) -> Self;
    fn value(&self) -> Option<WaveFieldValue<'_>>;
}

impl WaveFieldSlot for Option<f64> {
    fn read(source: &mut impl WaveFieldSource, field: &'static WaveField) -> Self {
        source.number(field)
    }

    fn value(&self) -> Option<WaveFieldValue<'_>> {
        self.map(WaveFieldValue::Number)
    }
}

impl WaveFieldSlot for Option<String> {
    fn read(source: &mut impl WaveFieldSource, field: &'static WaveField) -> Self {
        source.word(field)
    }

    fn value(&self) -> Option<WaveFieldValue<'_>> {
        self.as_deref().map(WaveFieldValue::Word)
    }
}

impl WaveFieldSlot for Option<PointsSpec> {
    fn read(source: &mut impl WaveFieldSource, field: &'static WaveField) -> Self {
        source.points(field)
    }

    fn value(&self) -> Option<WaveFieldValue<'_>> {
        self.as_ref().map(WaveFieldValue::Points)
    }
}

impl WaveFieldSlot for f64 {
    fn read(source: &mut impl WaveFieldSource, field: &'static WaveField) -> Self {
        source.number(field).unwrap_or_default()
    }

    fn value(&self) -> Option<WaveFieldValue<'_>> {
        Some(WaveFieldValue::Number(*self))
    }
}

impl WaveFieldSlot for String {
    fn read(source: &mut impl WaveFieldSource, field: &'static WaveField) -> Self {
        source.word(field).unwrap_or_default()
    }

    fn value(&self) -> Option<WaveFieldValue<'_>> {
        Some(WaveFieldValue::Word(self))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::fmt::Write;

    use super::*;
    use crate::wave::Wave;

    /// Reads one field beside those that a wave of that type needs.
    struct OneField<'a> {
        type_name: &'static str,
        name: &'a str,
        value: WaveFieldDefault,
    }

    impl WaveFieldSource for OneField<'_> {
        fn number(&mut self, field: &'static WaveField) -> Option<f64> {
            match self.value {
                WaveFieldDefault::Number(number) if field.name == self.name => Some(number),
                _ => (field.name == "duration").then_some(4.0),
            }
        }

        fn word(&mut self, field: &'static WaveField) -> Option<String> {
            match self.value {
                WaveFieldDefault::Word(word) if field.name == self.name => Some(word.into()),
                _ => (field.name == "type").then(|| self.type_name.into()),
            }
        }

        fn points(&mut self, field: &'static WaveField) -> Option<PointsSpec> {
            let given = field.belongs_to(self.type_name) && field.name != self.name;
            given.then(|| PointsSpec::Even(vec![0.4, 0.6, 0.5]))
        }
    }

    /// The wave, or the fields that are wrong.
    fn built(
        type_name: &'static str,
        name: &str,
        value: WaveFieldDefault,
    ) -> Result<Wave, Vec<&'static str>> {
        let spec = Spec::read(&mut OneField { type_name, name, value });
        spec.wave().map_err(|errors| errors.iter().map(|error| error.field).collect())
    }

    fn types(field: &WaveField) -> impl Iterator<Item = &'static str> {
        TYPES.into_iter().filter(|name| field.belongs_to(name))
    }

    #[test]
    fn the_range_of_a_number_is_the_one_that_is_checked() {
        for field in &FIELDS {
            let WaveFieldKind::Number { low, high, .. } = field.kind else { continue };
            // The period is 4 s.
            let high = high.unwrap_or(4.0);
            for type_name in types(field) {
                let with = |number| built(type_name, field.name, WaveFieldDefault::Number(number));
                for number in [low, (low + high) / 2.0, high] {
                    assert!(with(number).is_ok(), "{type_name} {} {number}: {:?}", field.name, with(number));
                }
                for number in [low - 1e-3, high * 1.001, f64::NAN] {
                    assert_eq!(with(number), Err(vec![field.name]), "{type_name} {number}");
                }
            }
        }
    }

    #[test]
    fn the_words_are_those_that_are_known() {
        for field in &FIELDS {
            let WaveFieldKind::Word(words) = field.kind else { continue };
            for type_name in types(field) {
                let with = |word| built(type_name, field.name, WaveFieldDefault::Word(word));
                assert_eq!(with("other"), Err(vec![field.name]));
                for word in words.iter().filter(|word| field.name != "type" || **word == type_name) {
                    assert!(with(word).is_ok(), "{type_name} {word}");
                }
            }
        }
    }

    #[test]
    fn a_field_that_is_left_out_has_its_default() {
        for field in &FIELDS {
            for type_name in types(field) {
                let left_out = built(type_name, "", WaveFieldDefault::Required);
                match field.default {
                    WaveFieldDefault::Required if field.kind == WaveFieldKind::Points => {
                        let missing = built(type_name, field.name, WaveFieldDefault::Required);
                        assert_eq!(missing, Err(vec![field.name]));
                    }
                    WaveFieldDefault::Required => assert!(field.is_required(), "{}", field.name),
                    WaveFieldDefault::Derived(_) => assert!(left_out.is_ok(), "{}", field.name),
                    given => assert_eq!(built(type_name, field.name, given), left_out, "{}", field.name),
                }
            }
        }
    }

    #[test]
    fn a_field_belongs_to_its_types_only() {
        for field in &FIELDS {
            for type_name in TYPES.into_iter().filter(|name| !field.belongs_to(name)) {
                let mut spec = Spec::read(&mut OneField { type_name, name: "", value: field.default });
                let value = match field.kind {
                    WaveFieldKind::Number { low, .. } => WaveFieldDefault::Number(low),
                    WaveFieldKind::Word(words) => WaveFieldDefault::Word(words[0]),
                    WaveFieldKind::Points => {
                        spec.points = Some(PointsSpec::Even(vec![0.0, 1.0]));
                        let errors = spec.wave().unwrap_err();
                        assert_eq!(errors[0].field, field.name);
                        continue;
                    }
                };
                assert_eq!(built(type_name, field.name, value), Err(vec![field.name]), "{type_name}");
            }
        }
    }

    #[test]
    fn names_are_there_once_and_texts_have_their_form() {
        let mut names = HashSet::new();
        for field in &FIELDS {
            for name in field.aliases.iter().chain([&field.name]) {
                assert!(names.insert(*name), "{name}");
            }
            assert!(field.aliases.iter().all(|alias| alias.chars().all(|c| c.is_ascii_lowercase())));
            assert!(field.summary.ends_with('.') && !field.summary[..field.summary.len() - 1].contains(". "));
            assert!(!field.help.ends_with('.') && !field.help.is_empty());
        }
    }

    /// The table of docs/WAVES.md.
    fn table() -> String {
        let quoted =
            |words: &[&str]| words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ");
        let mut table =
            String::from("| field | types | value | default | meaning |\n|---|---|---|---|---|\n");
        for field in &FIELDS {
            let types = if field.types.is_empty() { "all".into() } else { quoted(field.types) };
            let value = match field.kind {
                WaveFieldKind::Number { unit, low, high } => {
                    let unit = match unit {
                        WaveUnit::Seconds => "seconds",
                        WaveUnit::Share => "share of the stroke",
                        WaveUnit::Millimetres => "mm",
                    };
                    let high = high.map_or("the period".into(), |high| high.to_string());
                    format!("{unit}, {low} to {high}")
                }
                WaveFieldKind::Word(words) => quoted(words),
                WaveFieldKind::Points => "list".into(),
            };
            let default = match field.default {
                WaveFieldDefault::Required => "must be given".into(),
                WaveFieldDefault::Number(number) => number.to_string(),
                WaveFieldDefault::Word(word) => format!("`{word}`"),
                WaveFieldDefault::Derived(phrase) => phrase.to_owned(),
            };
            writeln!(table, "| `{}` | {types} | {value} | {default} | {} |", field.name, field.summary)
                .unwrap();
        }
        table
    }

    /// `YEP_UPDATE_DOCS=1` writes the table of the page anew.
    #[test]
    fn the_page_has_the_table_of_the_fields() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/WAVES.md");
        let page = std::fs::read_to_string(path).unwrap();
        let start = page.find("| field | types |").expect("the page has a table of the fields");
        let end = start + page[start..].find("\n\n").unwrap() + 1;
        if std::env::var_os("YEP_UPDATE_DOCS").is_some() {
            std::fs::write(path, [&page[..start], &table(), &page[end..]].concat()).unwrap();
        } else {
            assert_eq!(
                &page[start..end],
                table(),
                "write it anew: YEP_UPDATE_DOCS=1 cargo test --lib wave::fields"
            );
        }
    }
}
