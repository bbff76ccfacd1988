//! WHAT to move: position graphs, as functions of a phase. Pure.
//!
//! - [`shape`]: the continuous graphs that the axis executes, and [`Wave`], a graph with its period
//! - [`points`]: the sampled form of the same graphs that the clients draw, number for number as their
//!   first server made it
//! - [`spline`]: the quadratic B-spline through the ten sliders of the force chart
//!
//! Nothing here knows millimetres, limits or time: 0 is the back of the usable range, 1 its front.

pub mod points;
pub mod shape;
pub mod spline;

pub use points::{Points, PointsError, sample};
pub use shape::{Point, Shape, Wave};
pub use spline::{CurveError, Spline, curve};
