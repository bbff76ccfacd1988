//! Reader of a JSON body with a wave: the fields of [`FIELDS`], and the lease.
//!
//! A slip of the pen must not become a longer stroke: of a wave that is to run or to be kept, an unknown field is refused, and the
//! nearest known one named. The clients' first server passed over every unknown field; where a plain sine or square is only drawn,
//! so does this, unless the field looks like a known one.

use serde_json::Value;

use super::coerce::{self, Coercion, CoercionError, NOT_LIST, Strictness};
use super::fields::{self, Complaint, FieldReader};
use crate::wave::fields::{FIELDS, PointsSpec, WaveField, WaveFieldDefault, WaveFieldKind, WaveFieldSource};
use crate::wave::interpolate::MAX_POINTS;
use crate::wave::spec::WaveFieldError;
use crate::wave::{Spec, Wave};

/// Name of the body in complaints, which the clients' first server gave it.
pub const ARGUMENT: &str = "spec";

/// The field for the wave without its client. It says nothing about the graph, so [`Spec`] does not have it.
pub static LEASE: WaveField = WaveField {
    name: "lease",
    kind: WaveFieldKind::Word(&["stop", "continue"]),
    types: &[],
    default: WaveFieldDefault::Derived("that of the configuration, which is `stop` unless it says otherwise"),
    summary: "What becomes of the wave 3 s after the last sign of life of the client that started it.",
    help: "",
    aliases: &[],
};

/// Purpose for which a wave is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// To run, or to be kept for it.
    Run,
    /// To be drawn.
    Draw,
    /// To be brought back from a backup, which may be older than today's refusals.
    BringBack,
}

/// All fields of a body, in the order in which they are listed: the required ones first.
pub fn body_fields() -> impl Iterator<Item = &'static WaveField> {
    let required = FIELDS.iter().filter(|field| field.is_required());
    required.chain([&LEASE]).chain(FIELDS.iter().filter(|field| !field.is_required()))
}

/// Reads a body.
///
/// # Errors
/// Everything that cannot be read, and a type that does not exist.
pub fn read(strictness: Strictness, body: Option<&Value>, purpose: Purpose) -> Result<Spec, Vec<Complaint>> {
    let mut fields = FieldReader::with(strictness, ARGUMENT, body).map_err(|complaint| vec![complaint])?;
    let spec = Spec::read(&mut fields);
    check_lease(&mut fields);
    if !fields.complaints.is_empty() {
        return Err(fields.complaints);
    }
    spec.check_type().map_err(|error| vec![complaint(error)])?;
    let known: Vec<&str> = body_fields().map(|field| field.name).collect();
    match purpose {
        Purpose::Draw if spec.is_plain() => fields.no_slips(&known),
        Purpose::BringBack if spec.is_plain() => {}
        Purpose::Run | Purpose::Draw | Purpose::BringBack => fields.nothing_but(&known),
    }
    if fields.complaints.is_empty() { Ok(spec) } else { Err(fields.complaints) }
}

/// Notes a word for the lease that is none. Of a wave that was kept by an older program it is found when that wave runs.
fn check_lease(fields: &mut FieldReader<'_>) {
    let WaveFieldKind::Word(words) = LEASE.kind else { return };
    let is_known = |given: &Value| given.as_str().is_some_and(|given| words.contains(&given));
    if fields.is_strict() && fields.raw(LEASE.name).is_some_and(|given| !is_known(given)) {
        let why = format!("must be one of {}", words.join(", "));
        fields.complain(&[LEASE.name.into()], (why, "value_error"));
    }
}

/// Builds the wave.
///
/// # Errors
/// Everything that makes no sense.
pub fn wave(spec: &Spec) -> Result<Wave, Vec<Complaint>> {
    spec.wave().map_err(complaints)
}

/// Checks that what is given in millimetres fits into strokes of `stroke_mm`.
///
/// # Errors
/// The field that is too much.
pub fn fits(spec: &Spec, stroke_mm: f64) -> Result<(), Vec<Complaint>> {
    spec.fits(stroke_mm).map_err(complaints)
}

/// A complaint about the duration.
#[must_use]
pub fn duration_complaint(why: &impl ToString) -> Complaint {
    complaint(WaveFieldError { field: "duration", index: None, why: why.to_string() })
}

fn complaints(errors: Vec<WaveFieldError>) -> Vec<Complaint> {
    errors.into_iter().map(complaint).collect()
}

fn complaint(error: WaveFieldError) -> Complaint {
    let path: Vec<Value> = [error.field.into()].into_iter().chain(error.index.map(Value::from)).collect();
    let field = FIELDS.iter().find(|field| field.name == error.field);
    let range = field.and_then(|field| match field.kind {
        WaveFieldKind::Number { low, high, .. } => Some((low, high?)),
        WaveFieldKind::Word(_) | WaveFieldKind::Points => None,
    });
    Complaint { range, ..Complaint::new(fields::loc(ARGUMENT, &path), error.why, "value_error") }
}

impl WaveFieldSource for FieldReader<'_> {
    fn number(&mut self, field: &'static WaveField) -> Option<f64> {
        read_value(self, field, coerce::FLOAT)
    }

    fn word(&mut self, field: &'static WaveField) -> Option<String> {
        read_value(self, field, coerce::STRING)
    }

    /// Either all positions, or all pairs.
    fn points(&mut self, field: &'static WaveField) -> Option<PointsSpec> {
        let given = self.raw(field.name)?;
        let Some(list) = given.as_array() else {
            self.complain(&[field.name.into()], NOT_LIST);
            return None;
        };
        // One more closes the period.
        if list.len() > MAX_POINTS + 1 {
            let why = format!("{} points are given: a wave has at most {MAX_POINTS}", list.len());
            self.complain(&[field.name.into()], (why, "value_error"));
            return None;
        }
        if list.iter().any(Value::is_array) {
            read_elements(self, field, list, pair).map(PointsSpec::Timed)
        } else {
            read_elements(self, field, list, position).map(PointsSpec::Even)
        }
    }
}

fn read_value<T>(reader: &mut FieldReader<'_>, field: &WaveField, read: Coercion<T>) -> Option<T> {
    if field.is_required() { reader.required(field.name, read) } else { reader.optional(field.name, read) }
}

/// All elements of a list. None when one of them cannot be read; each of those is noted.
fn read_elements<T>(
    reader: &mut FieldReader<'_>,
    field: &WaveField,
    list: &[Value],
    read: fn(&FieldReader<'_>, &Value) -> Result<T, CoercionError>,
) -> Option<Vec<T>> {
    let mut elements = Vec::with_capacity(list.len());
    for (index, element) in list.iter().enumerate() {
        match read(reader, element) {
            Ok(element) => elements.push(element),
            Err(error) => reader.complain(&[field.name.into(), index.into()], error),
        }
    }
    (elements.len() == list.len()).then_some(elements)
}

fn position(reader: &FieldReader<'_>, value: &Value) -> Result<f64, CoercionError> {
    reader.read(coerce::FLOAT, value)
}

fn pair(reader: &FieldReader<'_>, value: &Value) -> Result<[f64; 2], CoercionError> {
    const NO_PAIR: CoercionError =
        ("give [seconds, position], as all the others, or a position at every point", "value_error.point");
    match value.as_array().map(Vec::as_slice) {
        Some([time_s, at]) => Ok([position(reader, time_s)?, position(reader, at)?]),
        _ => Err(NO_PAIR),
    }
}
