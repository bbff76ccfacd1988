//! Reads which wave is asked for: type, duration, and the fields of [`FIELDS`].
//!
//! A slip of the pen must not become a longer stroke: of a wave that is to run or to be kept, a field that means nothing is
//! refused, and the nearest one named. The clients' first server passed over any field that it did not know; where a plain
//! sine or square is only drawn, so does this, unless the field looks like one of these.

use serde_json::Value;

use super::coerce::{self, CoercionError, NOT_LIST};
use super::fields::{self, Complaint, FieldReader};
use crate::wave::interpolate::MAX_POINTS;
use crate::wave::spec::{FIELDS, PointsSpec};
use crate::wave::{Spec, Wave, spec};

/// What the first server called it.
pub const ARGUMENT: &str = "spec";
/// The field that says what is to become of the wave without its client; it says nothing about the graph.
pub const LEASE: &str = "lease";

/// What a wave is asked for to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// To run, or to be kept for it.
    Run,
    /// To be drawn.
    Draw,
    /// To be brought back from a backup, which may be older than what is refused today.
    BringBack,
}

/// What is asked for.
///
/// # Errors
/// Everything that cannot be read, and a type that does not exist.
pub fn read(body: Option<&Value>, purpose: Purpose) -> Result<Spec, Vec<Complaint>> {
    let mut fields = FieldReader::of(ARGUMENT, body).map_err(|complaint| vec![complaint])?;
    let kind = fields.required("type", coerce::string);
    let duration_s = fields.required("duration", coerce::float);
    let spec = Spec {
        kind: kind.unwrap_or_default(),
        duration_s: duration_s.unwrap_or_default(),
        rise_s: fields.optional("rise", coerce::float),
        hold_front_s: fields.optional("hold_front", coerce::float),
        fall_s: fields.optional("fall", coerce::float),
        hold_back_s: fields.optional("hold_back", coerce::float),
        points: course(&mut fields),
        interpolation: fields.optional("interpolation", coerce::string),
        amplitude: fields.optional("amplitude", coerce::float),
        amplitude_mm: fields.optional("amplitude_mm", coerce::float),
        offset: fields.optional("offset", coerce::float),
        offset_mm: fields.optional("offset_mm", coerce::float),
        ramp_up_s: fields.optional("ramp_up", coerce::float),
        ramp_down_s: fields.optional("ramp_down", coerce::float),
    };
    if !fields.complaints.is_empty() {
        return Err(fields.complaints);
    }
    if !spec::TYPES.contains(&spec.kind.as_str()) {
        // Says which there are.
        wave(&spec)?;
    }
    match purpose {
        Purpose::Draw if spec.is_plain() => fields.no_slips(&known()),
        Purpose::BringBack if spec.is_plain() => {}
        Purpose::Run | Purpose::Draw | Purpose::BringBack => fields.nothing_but(&known()),
    }
    if fields.complaints.is_empty() { Ok(spec) } else { Err(fields.complaints) }
}

/// The wave that is asked for.
///
/// # Errors
/// Everything that makes no sense.
pub fn wave(spec: &Spec) -> Result<Wave, Vec<Complaint>> {
    spec.wave().map_err(complaints)
}

/// That the wave fits into strokes of `stroke_mm`, as far as it says millimetres.
///
/// # Errors
/// Which of them is too much.
pub fn fits(spec: &Spec, stroke_mm: f64) -> Result<(), Vec<Complaint>> {
    spec.fits(stroke_mm).map_err(complaints)
}

fn complaints(wrong: Vec<spec::WaveFieldError>) -> Vec<Complaint> {
    wrong.into_iter().map(complaint).collect()
}

fn known() -> Vec<&'static str> {
    ["type", "duration", LEASE].into_iter().chain(FIELDS.map(|(name, _)| name)).collect()
}

/// The field `points`: either all positions, or all pairs. None when it is not there or wrong, which is noted.
pub fn course(fields: &mut FieldReader<'_>) -> Option<PointsSpec> {
    let given = fields.raw("points")?;
    let Some(list) = given.as_array() else {
        fields.complain(&["points".into()], NOT_LIST);
        return None;
    };
    // One more closes the period.
    if list.len() > MAX_POINTS + 1 {
        let why = format!("{} points are given: a wave has at most {MAX_POINTS}", list.len());
        fields.complain(&["points".into()], (why, "value_error"));
        return None;
    }
    if list.iter().any(Value::is_array) {
        let pairs: Vec<_> = elements(fields, list, pair);
        (pairs.len() == list.len()).then_some(PointsSpec::Timed(pairs))
    } else {
        let positions: Vec<_> = elements(fields, list, coerce::float);
        (positions.len() == list.len()).then_some(PointsSpec::Even(positions))
    }
}

/// The elements that can be read; what is wrong with the others is noted.
fn elements<T>(
    fields: &mut FieldReader<'_>,
    list: &[Value],
    read: fn(&Value) -> Result<T, CoercionError>,
) -> Vec<T> {
    let mut good = Vec::with_capacity(list.len());
    for (index, element) in list.iter().enumerate() {
        match read(element) {
            Ok(element) => good.push(element),
            Err(wrong) => fields.complain(&["points".into(), index.into()], wrong),
        }
    }
    good
}

fn pair(value: &Value) -> Result<[f64; 2], CoercionError> {
    const NO_PAIR: CoercionError =
        ("give [seconds, position], as all the others, or a position at every point", "value_error.point");
    match value.as_array().map(Vec::as_slice) {
        Some([time_s, position]) => Ok([coerce::float(time_s)?, coerce::float(position)?]),
        _ => Err(NO_PAIR),
    }
}

fn complaint(wrong: spec::WaveFieldError) -> Complaint {
    let path: Vec<Value> = [wrong.field.into()].into_iter().chain(wrong.index.map(Value::from)).collect();
    Complaint { loc: fields::loc(ARGUMENT, &path), msg: wrong.why, kind: "value_error" }
}
