//! `yep wave`: what a wave would move, as a drawing or as numbers. Needs no server.

use std::io::{self, BufWriter, ErrorKind, Write};

use clap::Args;

use super::Failure;
use super::chart::{Axes, ChartStyle};
use super::wave_arguments::WaveArguments;
use crate::settings::Document;
use crate::units::Mm;
use crate::wave::Wave;
use crate::wave::cubics::Seams;
use crate::wave::envelope::StrokeSpan;

const EXAMPLES: &str = "\
Examples:
  yep wave sine --duration 5                     one period of 5 s, drawn
  yep wave square --duration 2 --stroke-mm 150   heights in mm
  yep wave trapezoid --duration 4 --rise 1 --hold-front 0.5 --fall 2
  yep wave triangle --duration 3 --rise 1        the rest is the fall
  yep wave points --duration 4 --points '[0, 0.6, 0.4, 1]'
  yep wave points --duration 4 --points '[[0, 0], [1, 1], [2.5, 0.3]]' --interpolation spline
  yep wave points --duration 4 --points course.json
  yep wave sine --duration 5 --amplitude 0.4 --offset 0.6      the front 40 % of the stroke
  yep wave sine --duration 5 --csv > sine.csv    the same as numbers, 120 a second
  yep wave sine --duration 5 --ascii             for terminals without braille characters

0 is the back of the stroke, 1 its front. The graph is what is asked for; the limits of speed and acceleration decide
how closely the axis follows it. Drawn is a period at its full size, without ramps.";

/// Draw the position graph of a wave
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    #[command(flatten)]
    wave: WaveArguments,
    /// Heights in mm of this stroke, instead of shares of the range
    #[arg(long, value_name = "MM", allow_negative_numbers = true)]
    stroke_mm: Option<f64>,
    /// Print time and position as rows of numbers
    #[arg(long)]
    csv: bool,
    /// Rows for a second of --csv
    #[arg(long, value_name = "PER_SECOND", default_value_t = points_per_second(), requires = "csv",
          value_parser = clap::value_parser!(u32).range(1..=100_000))]
    resolution: u32,
    /// Draw with plain ASCII characters
    #[arg(long, conflicts_with = "csv")]
    ascii: bool,
}

/// The default of `wave_resolution`.
fn points_per_second() -> u32 {
    u32::try_from(Document::fresh(String::new()).wave_resolution).unwrap_or(u32::MAX)
}

/// Draws, or prints the rows.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let usage = |error: &dyn std::fmt::Display| Failure::Usage(error.to_string());
    let stroke = match arguments.stroke_mm {
        Some(mm) => {
            let stroke = Mm::try_from(mm).map_err(|error| usage(&error))?;
            if stroke.get() <= 0.0 {
                return Err(Failure::Usage("--stroke-mm must be above 0".to_owned()));
            }
            Some(stroke)
        }
        None => None,
    };
    let wave = arguments.wave.wave(stroke.map(Mm::get))?;
    let out = BufWriter::new(io::stdout().lock());
    let written = if arguments.csv {
        rows(out, &wave, stroke, arguments.resolution)
    } else {
        let style = ChartStyle { width: terminal_width(), ascii: arguments.ascii };
        drawing(out, (arguments.wave.kind(), &wave), stroke, style)
    };
    match written {
        // The reader has seen enough: `yep wave … | head`.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        other => other.map_err(|error| Failure::Refused(format!("cannot write: {error}"))),
    }
}

fn rows(mut out: impl Write, wave: &Wave, stroke: Option<Mm>, per_second: u32) -> io::Result<()> {
    let StrokeSpan { offset_mm: offset, amplitude_mm: amplitude } = part(wave, stroke);
    writeln!(out, "time_s,{}", if stroke.is_some() { "position_mm" } else { "position" })?;
    // The end of the period is there when it falls on a row, whatever rounding makes of it.
    let count = (wave.period_s() * f64::from(per_second) + 1e-9).floor() as u64;
    for row in 0..=count {
        let time_s = row as f64 / f64::from(per_second);
        let position = wave.graph.at(time_s / wave.period_s()).position;
        writeln!(out, "{time_s},{}", offset + amplitude * position)?;
    }
    out.flush()
}

/// The part of the stroke that the wave fills, in mm; in shares where nobody said how long the stroke is.
fn part(wave: &Wave, stroke: Option<Mm>) -> StrokeSpan {
    wave.envelope.over(stroke.map_or(1.0, Mm::get))
}

fn drawing(
    mut out: impl Write,
    (name, wave): (&str, &Wave),
    stroke: Option<Mm>,
    style: ChartStyle,
) -> io::Result<()> {
    let unit = if stroke.is_some() { "mm" } else { "share of the range" };
    let period_s = wave.period_s();
    writeln!(out, "{name}, one period of {period_s} s: position ({unit}) over time (s)")?;
    let axes = Axes { seconds: period_s, top: stroke.map_or(1.0, Mm::get) };
    let part = part(wave, stroke);
    let height = |phase| (part.offset_mm + part.amplitude_mm * wave.graph.at(phase).position) / axes.top;
    out.write_all(style.draw(axes, height).as_bytes())?;
    writeln!(out, "{}", demand(wave, stroke))?;
    out.flush()
}

/// Points of a period at which speed and acceleration are sampled.
const SAMPLES: u32 = 4_000;

/// What the graph asks of the axis.
fn demand(wave: &Wave, stroke: Option<Mm>) -> String {
    let points = (0..SAMPLES).map(|i| wave.graph.at(f64::from(i) / f64::from(SAMPLES)));
    let (slope, curvature) = points.fold((0.0_f64, 0.0_f64), |(slope, curvature), point| {
        (slope.max(point.slope.abs()), curvature.max(point.curvature.abs()))
    });
    let scale = part(wave, stroke).amplitude_mm;
    let unit = if stroke.is_some() { "mm" } else { "ranges" };
    let speed = slope / wave.period_s() * scale;
    let acceleration = curvature / wave.period_s().powi(2) * scale;
    let mut said = Vec::new();
    if curvature > 0.0 {
        said.push(format!(
            "At most {speed:.3} {unit} a second, changing by {acceleration:.3} {unit} a second, each second."
        ));
    } else if slope > 0.0 {
        said.push(format!("At most {speed:.3} {unit} a second."));
    }
    match wave.graph.seams() {
        Seams::Smooth => {}
        Seams::Corners => said.push("It has corners: the axis rounds them inside its limits.".to_owned()),
        Seams::Jumps => said
            .push("Between the levels it jumps: the axis does that as fast as its limits allow.".to_owned()),
    }
    said.join("\n")
}

/// COLUMNS wins, so that a script can choose.
pub(super) fn terminal_width() -> usize {
    const UNKNOWN: usize = 80;
    let said = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    let seen = || terminal_size::terminal_size().map(|(width, _)| usize::from(width.0));
    said.or_else(seen).unwrap_or(UNKNOWN)
}
