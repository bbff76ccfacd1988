//! The arguments that say which wave, the same for drawing it and for moving.

use std::path::Path;

use clap::Args;
use clap::builder::PossibleValuesParser;
use serde_json::{Map, Value, json};

use super::Failure;
use super::client::problems;
use crate::api::fields::FieldReader;
use crate::api::wave_spec;
use crate::files;
use crate::wave::interpolate::Interpolation;
use crate::wave::{Spec, Wave, spec};

/// Which wave
#[derive(Debug, Args)]
pub struct WaveArguments {
    /// Which graph
    #[arg(value_name = "TYPE", value_parser = PossibleValuesParser::new(spec::TYPES))]
    kind: String,
    /// How long one period takes, in seconds
    #[arg(long, value_name = "SECONDS", allow_negative_numbers = true)]
    duration: f64,
    /// Of a trapezoid or triangle: from the back to the front
    #[arg(long, value_name = "SECONDS", allow_negative_numbers = true)]
    rise: Option<f64>,
    /// Of a trapezoid: at the front
    #[arg(long, value_name = "SECONDS", allow_negative_numbers = true)]
    hold_front: Option<f64>,
    /// Of a trapezoid: from the front to the back
    #[arg(long, value_name = "SECONDS", allow_negative_numbers = true)]
    fall: Option<f64>,
    /// Of a trapezoid: at the back
    #[arg(long, value_name = "SECONDS", allow_negative_numbers = true)]
    hold_back: Option<f64>,
    /// Of points: a JSON list, or a file with one, of positions (0 to 1), or of pairs [seconds, position]
    #[arg(long, value_name = "LIST|FILE")]
    points: Option<String>,
    /// Of points: the way from one to the next [default: monotone]
    #[arg(long, value_parser = PossibleValuesParser::new(Interpolation::ALL.map(Interpolation::name)))]
    interpolation: Option<String>,
    /// How much of the stroke to fill, 0 to 1 [default: all behind the offset]
    #[arg(long, value_name = "SHARE", allow_negative_numbers = true)]
    amplitude: Option<f64>,
    /// The same in mm
    #[arg(long, value_name = "MM", allow_negative_numbers = true)]
    amplitude_mm: Option<f64>,
    /// Where the part that is filled begins, from the back, 0 to 1 [default: 0]
    #[arg(long, value_name = "SHARE", allow_negative_numbers = true)]
    offset: Option<f64>,
    /// The same in mm
    #[arg(long, value_name = "MM", allow_negative_numbers = true)]
    offset_mm: Option<f64>,
    /// Grow from nothing over this time, from the start
    #[arg(long, value_name = "SECONDS", allow_negative_numbers = true)]
    ramp_up: Option<f64>,
    /// At END, shrink to nothing over this time, instead of finishing the period
    #[arg(long, value_name = "SECONDS", allow_negative_numbers = true)]
    ramp_down: Option<f64>,
}

impl WaveArguments {
    /// The name of the type.
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// The time for one period, in seconds.
    pub fn duration_s(&self) -> f64 {
        self.duration
    }

    /// The wave that is meant, in strokes of `stroke_mm` if that is known.
    pub fn wave(&self, stroke_mm: Option<f64>) -> Result<Wave, Failure> {
        let points = match self.points()? {
            None => None,
            Some(list) => {
                let body = json!({ "points": list });
                let mut fields = FieldReader::of(wave_spec::ARGUMENT, Some(&body))
                    .map_err(|complaint| Failure::Usage(complaint.msg))?;
                let course = wave_spec::course(&mut fields);
                if !fields.complaints.is_empty() {
                    return Err(Failure::Usage(problems(&json!(fields.complaints))));
                }
                course
            }
        };
        let spec = Spec {
            kind: self.kind.clone(),
            duration_s: self.duration,
            rise_s: self.rise,
            hold_front_s: self.hold_front,
            fall_s: self.fall,
            hold_back_s: self.hold_back,
            points,
            interpolation: self.interpolation.clone(),
            amplitude: self.amplitude,
            amplitude_mm: self.amplitude_mm,
            offset: self.offset,
            offset_mm: self.offset_mm,
            ramp_up_s: self.ramp_up,
            ramp_down_s: self.ramp_down,
        };
        if stroke_mm.is_none() && (self.amplitude_mm.is_some() || self.offset_mm.is_some()) {
            return Err(Failure::Usage("how much of the stroke that is: say --stroke-mm too".to_owned()));
        }
        let fitting = |wave| spec.fits(stroke_mm.unwrap_or(1.0)).map(|()| wave);
        spec.wave().and_then(fitting).map_err(|wrong| {
            let of_one_field = |wrong: &spec::WaveFieldError| match wrong.field {
                // The argument has no other name.
                "duration" => wrong.why.clone(),
                _ => wrong.to_string(),
            };
            Failure::Usage(wrong.iter().map(of_one_field).collect::<Vec<_>>().join("; "))
        })
    }

    /// What to ask a server for. What can be run is the machine's to say.
    pub fn body(&self) -> Result<Value, Failure> {
        let mut body = Map::new();
        body.insert("type".to_owned(), json!(self.kind));
        for (name, value) in [
            ("duration", Some(self.duration)),
            ("rise", self.rise),
            ("hold_front", self.hold_front),
            ("fall", self.fall),
            ("hold_back", self.hold_back),
            ("amplitude", self.amplitude),
            ("amplitude_mm", self.amplitude_mm),
            ("offset", self.offset),
            ("offset_mm", self.offset_mm),
            ("ramp_up", self.ramp_up),
            ("ramp_down", self.ramp_down),
        ] {
            let Some(value) = value else { continue };
            // What JSON has no number for.
            if !value.is_finite() {
                let argument = name.replace('_', "-");
                return Err(Failure::Usage(format!("--{argument} must be a number")));
            }
            body.insert(name.to_owned(), json!(value));
        }
        if let Some(points) = self.points()? {
            body.insert("points".to_owned(), points);
        }
        if let Some(interpolation) = &self.interpolation {
            body.insert("interpolation".to_owned(), json!(interpolation));
        }
        Ok(Value::Object(body))
    }

    /// The list of points, said directly or in a file.
    fn points(&self) -> Result<Option<Value>, Failure> {
        let Some(said) = &self.points else { return Ok(None) };
        let (text, place) = if said.trim_start().starts_with('[') {
            (said.clone(), "--points")
        } else {
            let read = files::read_text(Path::new(said));
            (read.map_err(|error| Failure::Usage(format!("cannot read {said}: {error}")))?, said.as_str())
        };
        let list = serde_json::from_str(&text)
            .map_err(|error| Failure::Usage(format!("{place}: {error}; give a JSON list of points")))?;
        Ok(Some(list))
    }
}
