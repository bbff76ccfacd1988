//! Arguments that say which wave: made of the fields of [`FIELDS`], for drawing as for moving.

use std::path::Path;
use std::sync::LazyLock;

use clap::builder::PossibleValuesParser;
use clap::{Arg, ArgMatches, Args, Command, FromArgMatches, value_parser};
use serde_json::{Map, Value, json};

use super::Failure;
use super::client::problems;
use crate::api::fields::FieldReader;
use crate::api::wave_spec::ARGUMENT;
use crate::files;
use crate::wave::Wave;
use crate::wave::fields::{
    FIELDS, PointsSpec, Spec, WaveField, WaveFieldKind, WaveFieldSource, WaveFieldValue, WaveUnit,
};
use crate::wave::spec::WaveFieldError;

/// A field as an argument: a required word is positional, everything else has its name behind two dashes.
struct WaveArgument {
    field: &'static WaveField,
    option: String,
    value_name: String,
}

static ARGUMENTS: LazyLock<Vec<WaveArgument>> = LazyLock::new(|| {
    let argument = |field: &'static WaveField| {
        let value_name = match (field.kind, field.unit()) {
            (_, Some(WaveUnit::Seconds)) => "SECONDS".to_owned(),
            (_, Some(WaveUnit::Share)) => "SHARE".to_owned(),
            (_, Some(WaveUnit::Millimetres)) => "MM".to_owned(),
            (WaveFieldKind::Points, None) => "LIST|FILE".to_owned(),
            (_, None) => field.name.to_uppercase(),
        };
        WaveArgument { field, option: field.name.replace('_', "-"), value_name }
    };
    FIELDS.iter().map(argument).collect()
});

impl WaveArgument {
    fn clap(&'static self) -> Arg {
        let field = self.field;
        let required = field.is_required();
        let argument =
            Arg::new(field.name).help(field.help).value_name(self.value_name.as_str()).required(required);
        match field.kind {
            WaveFieldKind::Word(words) if required => argument.value_parser(PossibleValuesParser::new(words)),
            WaveFieldKind::Word(words) => {
                argument.long(self.option.as_str()).value_parser(PossibleValuesParser::new(words))
            }
            WaveFieldKind::Number { .. } => argument
                .long(self.option.as_str())
                .value_parser(value_parser!(f64))
                .allow_negative_numbers(true),
            WaveFieldKind::Points => argument.long(self.option.as_str()),
        }
    }
}

/// A wave as the command line says it.
#[derive(Debug)]
pub struct WaveArguments {
    /// Without its points.
    spec: Spec,
    /// Its points with their field: a list, or the name of a file with one.
    points: Option<(&'static WaveField, String)>,
}

impl Args for WaveArguments {
    fn augment_args(command: Command) -> Command {
        command.args(ARGUMENTS.iter().map(WaveArgument::clap))
    }

    fn augment_args_for_update(command: Command) -> Command {
        command.args(ARGUMENTS.iter().map(|argument| argument.clap().required(false)))
    }
}

impl FromArgMatches for WaveArguments {
    fn from_arg_matches(matches: &ArgMatches) -> Result<WaveArguments, clap::Error> {
        let mut given = GivenArguments { matches, points: None };
        let spec = Spec::read(&mut given);
        Ok(WaveArguments { spec, points: given.points })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = WaveArguments::from_arg_matches(matches)?;
        Ok(())
    }
}

struct GivenArguments<'a> {
    matches: &'a ArgMatches,
    /// Kept as text, since a file is read only when the points are needed.
    points: Option<(&'static WaveField, String)>,
}

impl WaveFieldSource for GivenArguments<'_> {
    fn number(&mut self, field: &'static WaveField) -> Option<f64> {
        self.matches.get_one(field.name).copied()
    }

    fn word(&mut self, field: &'static WaveField) -> Option<String> {
        self.matches.get_one(field.name).cloned()
    }

    fn points(&mut self, field: &'static WaveField) -> Option<PointsSpec> {
        self.points = self.word(field).map(|text| (field, text));
        None
    }
}

impl WaveArguments {
    /// The name of the type.
    pub fn kind(&self) -> &str {
        &self.spec.kind
    }

    /// The time for one period, in seconds.
    pub fn duration_s(&self) -> f64 {
        self.spec.duration_s
    }

    /// Builds the wave, in strokes of `stroke_mm` if that is known.
    pub fn wave(&self, stroke_mm: Option<f64>) -> Result<Wave, Failure> {
        let spec = Spec { points: self.points()?, ..self.spec.clone() };
        let in_mm = |(field, _): (&WaveField, _)| field.unit() == Some(WaveUnit::Millimetres);
        if stroke_mm.is_none() && spec.given().any(in_mm) {
            return Err(Failure::Usage("how much of the stroke that is: say --stroke-mm too".to_owned()));
        }
        let fitting = |wave| spec.fits(stroke_mm.unwrap_or(1.0)).map(|()| wave);
        spec.wave().and_then(fitting).map_err(|errors| {
            let text = |error: &WaveFieldError| match error.field {
                // The argument has no other name.
                "duration" => error.why.clone(),
                _ => error.to_string(),
            };
            Failure::Usage(errors.iter().map(text).collect::<Vec<_>>().join("; "))
        })
    }

    /// The body that asks a server for the wave. What can be run is the machine's to say.
    pub fn body(&self) -> Result<Value, Failure> {
        let given = self.spec.given().map(|(field, value)| Ok((field, json_value(field, value)?)));
        let mut fields = given.collect::<Result<Vec<_>, Failure>>()?;
        fields.extend(self.points_as_json()?);
        // The numbers follow the type, then come points and words.
        fields.sort_by_key(|(field, _)| match field.kind {
            WaveFieldKind::Word(_) if field.is_required() => 0,
            WaveFieldKind::Number { .. } => 1,
            WaveFieldKind::Points => 2,
            WaveFieldKind::Word(_) => 3,
        });
        let body: Map<String, Value> =
            fields.into_iter().map(|(field, value)| (field.name.to_owned(), value)).collect();
        Ok(Value::Object(body))
    }

    fn points(&self) -> Result<Option<PointsSpec>, Failure> {
        let Some((field, list)) = self.points_as_json()? else { return Ok(None) };
        let body = json!({ field.name: list });
        let mut fields =
            FieldReader::of(ARGUMENT, Some(&body)).map_err(|complaint| Failure::Usage(complaint.msg))?;
        let points = fields.points(field);
        if fields.complaints.is_empty() {
            Ok(points)
        } else {
            Err(Failure::Usage(problems(&json!(fields.complaints))))
        }
    }

    /// The list of points, given directly or in a file, with its field.
    fn points_as_json(&self) -> Result<Option<(&'static WaveField, Value)>, Failure> {
        let Some((field, given)) = &self.points else { return Ok(None) };
        let (text, place) = if given.trim_start().starts_with('[') {
            (given.clone(), format!("--{}", field.name))
        } else {
            let read = files::read_text(Path::new(given));
            (read.map_err(|error| Failure::Usage(format!("cannot read {given}: {error}")))?, given.clone())
        };
        let list = serde_json::from_str(&text)
            .map_err(|error| Failure::Usage(format!("{place}: {error}; give a JSON list of points")))?;
        Ok(Some((*field, list)))
    }
}

fn json_value(field: &WaveField, value: WaveFieldValue<'_>) -> Result<Value, Failure> {
    match value {
        WaveFieldValue::Number(number) if number.is_finite() => Ok(json!(number)),
        // JSON has no number for it.
        WaveFieldValue::Number(_) => {
            Err(Failure::Usage(format!("--{} must be a number", field.name.replace('_', "-"))))
        }
        WaveFieldValue::Word(word) => Ok(json!(word)),
        WaveFieldValue::Points(PointsSpec::Even(positions)) => Ok(json!(positions)),
        WaveFieldValue::Points(PointsSpec::Timed(pairs)) => Ok(json!(pairs)),
    }
}
