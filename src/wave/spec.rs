//! Checks of a wave that is asked for, a [`Spec`], and the construction of the [`Wave`] from it.
//!
//! HTTP and the command line both come through here, so both mean the same and are refused alike. Times are in seconds, positions
//! in shares: 0 is the back, 1 the front. The fields themselves are rows in [`super::fields`].

use super::envelope::{Envelope, MAX_RAMP_S, Size};
use super::fields::{POINTS, PointsSpec, Spec, TRAPEZOID, TRIANGLE, TYPES};
use super::graph::{Graph, Wave};
use super::interpolate::{self, Interpolation, Knot, KnotError};
use super::shape::Shape;
use super::trapezoid::{Shares, trapezoid};
use crate::units::Mm;

/// Tolerance for times that must fill a period, and for parts that must fit into a stroke, as a share of it.
const ROUNDING: f64 = 1e-6;

/// Error in a field, or in one element of it.
#[derive(Debug, Clone, PartialEq)]
pub struct WaveFieldError {
    /// Name of the field.
    pub field: &'static str,
    /// Index of the element, from 0.
    pub index: Option<usize>,
    /// Reason, and what to do.
    pub why: String,
}

impl std::fmt::Display for WaveFieldError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.index {
            Some(index) => write!(f, "{}[{index}]: {}", self.field, self.why),
            None => write!(f, "{}: {}", self.field, self.why),
        }
    }
}

fn field_error(field: &'static str, why: impl Into<String>) -> WaveFieldError {
    WaveFieldError { field, index: None, why: why.into() }
}

impl Spec {
    /// True if it is what the clients' first server understood: a sine or a square with its duration, and no other field.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        self.shape().is_some() && self.given().all(|(field, _)| field.is_required())
    }

    /// The shape, if its type has a formula.
    #[must_use]
    pub fn shape(&self) -> Option<Shape> {
        Shape::from_name(&self.kind)
    }

    /// Checks that there is a type of that name.
    ///
    /// # Errors
    /// The error lists the types that there are.
    pub fn check_type(&self) -> Result<(), WaveFieldError> {
        if TYPES.contains(&self.kind.as_str()) {
            return Ok(());
        }
        let types = TYPES.join(", ");
        Err(field_error("type", format!("unknown type of wave: give one of {types}")))
    }

    /// Builds the wave.
    ///
    /// # Errors
    /// Everything that is wrong: at least one thing.
    pub fn wave(&self) -> Result<Wave, Vec<WaveFieldError>> {
        self.check_type().map_err(|error| vec![error])?;
        let mut all: Vec<WaveFieldError> = self.misplaced().collect();
        // Times can be placed only in a possible period.
        let wave = match Wave::new(Shape::Sine, self.duration_s) {
            Ok(possible) => self.graph().map(|graph| possible.with_graph(graph)),
            Err(error) => Err(vec![field_error("duration", error.to_string())]),
        };
        match (wave, self.envelope()) {
            (Ok(wave), Ok(envelope)) if all.is_empty() => Ok(wave.with_envelope(envelope)),
            (wave, envelope) => {
                all.extend(wave.err().into_iter().flatten());
                all.extend(envelope.err().into_iter().flatten());
                Err(all)
            }
        }
    }

    /// Checks that what is given in millimetres fits into strokes of `stroke_mm`.
    ///
    /// # Errors
    /// The field that is too much.
    pub fn fits(&self, stroke_mm: f64) -> Result<(), Vec<WaveFieldError>> {
        let in_mm = |mm: Option<f64>, share: Option<f64>| mm.or(share.map(|share| share * stroke_mm));
        let offset_mm = in_mm(self.offset_mm, self.offset).unwrap_or_default();
        let amplitude_mm = in_mm(self.amplitude_mm, self.amplitude).unwrap_or_default();
        let room_mm = stroke_mm * (1.0 + ROUNDING);
        let name = match (self.amplitude_mm, self.offset_mm) {
            (_, Some(_)) if offset_mm > room_mm => "offset_mm",
            (Some(_), _) if offset_mm + amplitude_mm > room_mm => "amplitude_mm",
            (None, Some(_)) if offset_mm + amplitude_mm > room_mm => "offset_mm",
            _ => return Ok(()),
        };
        let why = format!(
            "offset and amplitude are {:.1} mm together, and a stroke {stroke_mm:.1} mm at most: make one less",
            offset_mm + amplitude_mm
        );
        Err(vec![field_error(name, why)])
    }

    /// Errors for fields that this type does not have.
    fn misplaced(&self) -> impl Iterator<Item = WaveFieldError> {
        let misplaced = self.given().map(|(field, _)| field).filter(|field| !field.belongs_to(&self.kind));
        misplaced.map(|field| {
            let types = field.types.join(" and ");
            field_error(field.name, format!("a {} has no {}: it belongs to {types}", self.kind, field.name))
        })
    }

    fn graph(&self) -> Result<Graph, Vec<WaveFieldError>> {
        match self.kind.as_str() {
            TRAPEZOID => self.trapezoid().map_err(|error| vec![error]),
            TRIANGLE => self.triangle().map_err(|error| vec![error]),
            POINTS => self.graph_through_points(),
            _ => self.shape().map(Graph::from).ok_or_else(Vec::new),
        }
    }

    /// The times that are not given share evenly what the others leave of the period.
    fn trapezoid(&self) -> Result<Graph, WaveFieldError> {
        let times = [self.rise_s, self.hold_front_s, self.fall_s, self.hold_back_s];
        let names = ["rise", "hold_front", "fall", "hold_back"];
        for (name, time_s) in names.into_iter().zip(times) {
            self.check_part_of_period(name, time_s)?;
        }
        let left_s = self.duration_s - times.into_iter().flatten().sum::<f64>();
        let missing = times.into_iter().filter(Option::is_none).count();
        let missed = left_s.abs() > ROUNDING * self.duration_s;
        if missed && (left_s < 0.0 || missing == 0) {
            let last = names.into_iter().zip(times).rfind(|(_, time_s)| time_s.is_some());
            let why = format!(
                "the parts take {} s of a period of {} s: change one, or leave one out, which then gets the rest",
                self.duration_s - left_s,
                self.duration_s
            );
            return Err(field_error(last.map_or("duration", |(name, _)| name), why));
        }
        let rest_s = left_s.max(0.0) / missing.max(1) as f64;
        let [rise, hold_front, fall, hold_back] =
            times.map(|time_s| time_s.unwrap_or(rest_s) / self.duration_s);
        Ok(trapezoid(Shares { rise, hold_front, fall, hold_back }).into())
    }

    fn triangle(&self) -> Result<Graph, WaveFieldError> {
        self.check_part_of_period("rise", self.rise_s)?;
        let rise = self.rise_s.map_or(0.5, |rise_s| rise_s / self.duration_s);
        Ok(trapezoid(Shares { rise, hold_front: 0.0, fall: 1.0 - rise, hold_back: 0.0 }).into())
    }

    fn check_part_of_period(&self, name: &'static str, time_s: Option<f64>) -> Result<(), WaveFieldError> {
        match time_s {
            Some(time_s) if !(0.0..=self.duration_s).contains(&time_s) => {
                let why = format!("{time_s} s is no part of a period of {} s", self.duration_s);
                Err(field_error(name, why))
            }
            _ => Ok(()),
        }
    }

    fn graph_through_points(&self) -> Result<Graph, Vec<WaveFieldError>> {
        let interpolation = match self.interpolation.as_deref() {
            None => Interpolation::default(),
            Some(name) => Interpolation::from_name(name).ok_or_else(|| {
                let known = Interpolation::ALL.map(Interpolation::name).join(", ");
                vec![field_error("interpolation", format!("give one of {known}"))]
            })?,
        };
        let knots = match &self.points {
            None => return Err(vec![field_error("points", "give the points that the wave goes through")]),
            Some(PointsSpec::Even(positions)) => even_knots(positions),
            Some(PointsSpec::Timed(pairs)) => self.timed_knots(pairs)?,
        };
        let of_points = |error: KnotError| WaveFieldError {
            field: "points",
            index: error.index(),
            why: error.to_string(),
        };
        interpolate::through(&knots, interpolation)
            .map(Graph::from)
            .map_err(|errors| errors.into_iter().map(of_points).collect())
    }

    /// Knots of timed points. A last point at the end of the period closes it: it repeats the first one, and is no knot.
    fn timed_knots(&self, pairs: &[[f64; 2]]) -> Result<Vec<Knot>, Vec<WaveFieldError>> {
        let closed = match pairs {
            [[first_s, first], .., [last_s, last]] if *last_s == self.duration_s && *first_s == 0.0 => {
                if first != last {
                    let why = format!(
                        "the end of the period is its start again, so the position must be {first} there, as at \
                         the first point"
                    );
                    return Err(vec![WaveFieldError { field: "points", index: Some(pairs.len() - 1), why }]);
                }
                true
            }
            _ => false,
        };
        let open = &pairs[..pairs.len() - usize::from(closed)];
        let knot =
            |[time_s, position]: &[f64; 2]| Knot { phase: time_s / self.duration_s, position: *position };
        Ok(open.iter().map(knot).collect())
    }

    fn envelope(&self) -> Result<Envelope, Vec<WaveFieldError>> {
        let mut all = Vec::new();
        let mut keep = |size: Result<Size, WaveFieldError>| size.map_err(|error| all.push(error)).ok();
        let whole = Envelope::default();
        let amplitude = keep(envelope_size(
            ["amplitude", "amplitude_mm"],
            self.amplitude,
            self.amplitude_mm,
            whole.amplitude,
        ));
        let offset = keep(envelope_size(["offset", "offset_mm"], self.offset, self.offset_mm, whole.offset));
        let (Some(amplitude), Some(offset)) = (amplitude, offset) else { return Err(all) };
        if let (Some(amplitude), Some(offset)) = (self.amplitude, self.offset)
            && amplitude + offset > 1.0 + ROUNDING
        {
            let why = format!("with an offset of {offset} it must be at most {}", 1.0 - offset);
            all.push(field_error("amplitude", why));
        }
        for (name, ramp_s) in [("ramp_up", self.ramp_up_s), ("ramp_down", self.ramp_down_s)] {
            if let Some(ramp_s) = ramp_s.filter(|ramp_s| !(0.0..=MAX_RAMP_S).contains(ramp_s)) {
                all.push(field_error(name, format!("{ramp_s} s is no ramp: give 0 to {MAX_RAMP_S} s")));
            }
        }
        let [ramp_up_s, ramp_down_s] = [self.ramp_up_s, self.ramp_down_s].map(Option::unwrap_or_default);
        if all.is_empty() { Ok(Envelope { amplitude, offset, ramp_up_s, ramp_down_s }) } else { Err(all) }
    }
}

fn even_knots(positions: &[f64]) -> Vec<Knot> {
    let knot = |(index, position): (usize, &f64)| Knot {
        phase: index as f64 / positions.len() as f64,
        position: *position,
    };
    positions.iter().enumerate().map(knot).collect()
}

/// A length that may be given as a share or in millimetres.
fn envelope_size(
    [share_name, mm_name]: [&'static str; 2],
    share: Option<f64>,
    mm: Option<f64>,
    default: Size,
) -> Result<Size, WaveFieldError> {
    match (share, mm) {
        (Some(_), Some(_)) => Err(field_error(mm_name, format!("give {share_name} or {mm_name}, not both"))),
        (None, None) => Ok(default),
        (Some(share), None) if (0.0..=1.0).contains(&share) => Ok(Size::Share(share)),
        (Some(share), None) => Err(field_error(
            share_name,
            format!("{share} is no share of the stroke: give 0 to 1, or use {mm_name}"),
        )),
        (None, Some(mm)) => match Mm::try_from(mm) {
            Ok(mm) if mm.get() >= 0.0 => Ok(Size::Mm(mm)),
            _ => Err(field_error(mm_name, format!("{mm} mm is no length: give 0 to {} mm", Mm::MAX))),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(kind: &str, duration_s: f64) -> Spec {
        Spec { kind: kind.into(), duration_s, ..Spec::default() }
    }

    fn positions<const N: usize>(spec: &Spec, times_s: [f64; N]) -> [f64; N] {
        let wave = spec.wave().unwrap();
        times_s.map(|time_s| wave.graph.at(time_s / wave.period_s()).position)
    }

    #[test]
    fn a_trapezoid_has_its_times_and_what_is_not_said_shares_the_rest() {
        let all = Spec {
            rise_s: Some(1.0),
            hold_front_s: Some(0.5),
            fall_s: Some(2.0),
            hold_back_s: Some(0.5),
            ..spec("trapezoid", 4.0)
        };
        assert_eq!(positions(&all, [0.0, 0.5, 1.0, 1.4, 2.5, 3.5, 3.9]), [0.0, 0.5, 1.0, 1.0, 0.5, 0.0, 0.0]);
        let some = Spec { hold_front_s: Some(2.0), fall_s: Some(1.0), ..spec("trapezoid", 5.0) };
        for (at, expected) in
            positions(&some, [0.5, 1.0, 2.9, 3.5, 4.5]).into_iter().zip([0.5, 1.0, 1.0, 0.5, 0.0])
        {
            assert!((at - expected).abs() < 1e-12, "{at} is not {expected}");
        }
        assert_eq!(positions(&spec("trapezoid", 4.0), [0.5, 1.5, 2.5, 3.5]), [0.5, 1.0, 0.5, 0.0]);
    }

    #[test]
    fn a_triangle_peaks_where_its_rise_ends() {
        assert_eq!(positions(&spec("triangle", 4.0), [0.0, 1.0, 2.0, 3.0]), [0.0, 0.5, 1.0, 0.5]);
        let skewed = Spec { rise_s: Some(1.0), ..spec("triangle", 4.0) };
        assert_eq!(positions(&skewed, [0.5, 1.0, 2.5]), [0.5, 1.0, 0.5]);
        let saw = Spec { rise_s: Some(4.0), ..spec("triangle", 4.0) };
        assert_eq!(positions(&saw, [0.0, 2.0, 3.0]), [0.0, 0.5, 0.75]);
    }

    #[test]
    fn points_may_be_timed_or_even_and_may_say_their_end() {
        let linear = |points| Spec {
            points: Some(points),
            interpolation: Some("linear".into()),
            ..spec("points", 4.0)
        };
        let even = linear(PointsSpec::Even(vec![0.0, 1.0, 0.5, 1.0]));
        assert_eq!(positions(&even, [0.0, 0.5, 1.0, 2.0, 3.5]), [0.0, 0.5, 1.0, 0.5, 0.5]);
        let timed = linear(PointsSpec::Timed(vec![[1.0, 1.0], [3.0, 0.0]]));
        assert_eq!(positions(&timed, [0.0, 1.0, 2.0, 3.0]), [0.5, 1.0, 0.5, 0.0]);
        let closed = linear(PointsSpec::Timed(vec![[0.0, 0.2], [2.0, 1.0], [4.0, 0.2]]));
        assert_eq!(positions(&closed, [0.0, 2.0]), [0.2, 1.0]);
    }

    #[test]
    fn what_is_wrong_is_said_by_field_and_point() {
        let points = |pairs: &[[f64; 2]]| Spec {
            points: Some(PointsSpec::Timed(pairs.to_vec())),
            ..spec("points", 2.0)
        };
        for (spec, said) in [
            (
                spec("sawtooth", 1.0),
                "type: unknown type of wave: give one of sine, square, trapezoid, triangle, points",
            ),
            (spec("trapezoid", 0.01), "duration: a period of 0.01 s cannot be run: give 0.05 s to 86400 s"),
            (spec("points", 1.0), "points: give the points"),
            (points(&[]), "points: 0 points are given: monotone takes 2 to 1000"),
            (points(&[[0.0, 0.0], [1.0, 1.5]]), "points[1]: its position is 1.5"),
            (points(&[[0.0, 0.0], [1.0, 1.0], [0.5, 0.0]]), "points[2]: it does not come after"),
            (points(&[[0.0, 0.0], [1.0, 1.0], [2.5, 0.0]]), "points[2]: it is outside the period"),
            (
                points(&[[0.0, 0.0], [1.0, 1.0], [2.0, 0.5]]),
                "points[2]: the end of the period is its start again",
            ),
            (
                Spec { interpolation: Some("cubic".into()), ..points(&[]) },
                "interpolation: give one of linear, monotone, spline",
            ),
            (
                Spec { rise_s: Some(-1.0), ..spec("trapezoid", 4.0) },
                "rise: -1 s is no part of a period of 4 s",
            ),
            (Spec { rise_s: Some(f64::NAN), ..spec("triangle", 4.0) }, "rise: NaN s is no part"),
            (
                Spec { rise_s: Some(3.0), fall_s: Some(2.0), ..spec("trapezoid", 4.0) },
                "fall: the parts take 5 s of a period of 4 s: change one, or leave one out",
            ),
            (
                Spec { fall_s: Some(1.0), ..spec("triangle", 4.0) },
                "fall: a triangle has no fall: it belongs to trapezoid",
            ),
            (
                Spec { rise_s: Some(1.0), ..spec("sine", 4.0) },
                "rise: a sine has no rise: it belongs to trapezoid and triangle",
            ),
            (Spec { amplitude: Some(1.1), ..spec("sine", 4.0) }, "amplitude: 1.1 is no share of the stroke"),
            (
                Spec { amplitude: Some(0.6), offset: Some(0.5), ..spec("sine", 4.0) },
                "amplitude: with an offset of 0.5 it must be at most 0.5",
            ),
            (
                Spec { offset: Some(0.1), offset_mm: Some(1.0), ..spec("sine", 4.0) },
                "offset_mm: give offset or offset_mm, not both",
            ),
            (Spec { offset_mm: Some(-1.0), ..spec("sine", 4.0) }, "offset_mm: -1 mm is no length"),
            (
                Spec { ramp_down_s: Some(f64::INFINITY), ..spec("sine", 4.0) },
                "ramp_down: inf s is no ramp: give 0 to 600 s",
            ),
        ] {
            let all = spec.wave().unwrap_err();
            assert_eq!(all.len(), 1, "{all:?}");
            assert!(all[0].to_string().starts_with(said), "{} is not {said}", all[0]);
        }
    }

    #[test]
    fn millimetres_must_fit_into_the_stroke() {
        let spec = |amplitude, amplitude_mm, offset, offset_mm| Spec {
            amplitude,
            amplitude_mm,
            offset,
            offset_mm,
            ..spec("sine", 1.0)
        };
        for (spec, wrong) in [
            (spec(None, Some(100.0), None, None), None),
            (spec(None, Some(100.1), None, None), Some("amplitude_mm")),
            (spec(None, Some(60.0), Some(0.4), None), None),
            (spec(None, Some(61.0), Some(0.4), None), Some("amplitude_mm")),
            (spec(None, Some(61.0), None, Some(40.0)), Some("amplitude_mm")),
            (spec(Some(0.7), None, None, Some(40.0)), Some("offset_mm")),
            (spec(None, None, None, Some(101.0)), Some("offset_mm")),
            (spec(None, None, None, Some(99.0)), None),
            (spec(Some(1.0), None, Some(0.0), None), None),
        ] {
            let found = spec.fits(100.0).err().map(|all| all[0].field);
            assert_eq!(found, wrong, "{spec:?}");
        }
    }

    #[test]
    fn everything_wrong_is_said_at_once() {
        let spec = Spec {
            points: Some(PointsSpec::Even(vec![2.0, 0.5, -1.0])),
            rise_s: Some(1.0),
            offset: Some(2.0),
            ..spec("points", 2.0)
        };
        let fields: Vec<_> =
            spec.wave().unwrap_err().iter().map(|wrong| (wrong.field, wrong.index)).collect();
        assert_eq!(fields, [("rise", None), ("points", Some(0)), ("points", Some(2)), ("offset", None)]);
    }

    #[test]
    fn only_a_sine_or_square_that_says_nothing_else_is_plain() {
        assert!(spec("sine", 0.0).is_plain() && spec("square", 1.0).is_plain());
        assert!(!spec("triangle", 1.0).is_plain());
        assert!(!Spec { ramp_up_s: Some(0.0), ..spec("sine", 1.0) }.is_plain());
    }
}
