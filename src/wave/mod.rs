//! WHAT to move: position graphs (cam profiles), as functions of a phase. Pure.
//!
//! - [`graph`]: [`Wave`], a graph with its period and its envelope
//! - [`shape`]: the graphs with a formula; [`cubics`]: those made of polynomials; [`trapezoid`] and [`interpolate`] make
//!   these
//! - [`envelope`]: how much of the stroke a wave fills, and how it grows and fades
//! - [`fields`]: the fields of a wave as rows of data, and [`Spec`], which holds their values
//! - [`spec`]: checks a specification and builds its wave, or says what is wrong with it
//! - [`strokes`]: the strokes of a graph, from one turn to the next
//! - [`retention`]: keeps the graphs that a real-time thread uses
//! - [`points`]: the sampled form that clients draw; of sine and square number for number as their first server made it
//! - [`spline`]: the quadratic B-spline through the ten sliders of the force chart
//!
//! Nothing here knows limits or the clock: 0 is the back of the usable range, 1 its front.

pub mod cubics;
pub mod envelope;
pub mod fields;
pub mod graph;
pub mod interpolate;
pub mod points;
pub mod retention;
pub mod shape;
pub mod spec;
pub mod spline;
pub mod strokes;
pub mod trapezoid;

pub use cubics::Cubics;
pub use envelope::{Envelope, StrokeSpan};
pub use fields::Spec;
pub use graph::{Graph, Wave};
pub use points::{Points, PointsError, sample};
pub use retention::Retention;
pub use shape::{Point, Shape};
pub use spline::{CurveError, Spline, curve};
pub use strokes::Stroke;
