//! Steps of a user: a program of half strokes, each to a place, at a speed, with a rest behind it.

/// Most steps of a program.
pub const STEPS_MAX: usize = 16;
/// Longest rest behind a step, in s.
pub const LONGEST_REST_S: f32 = 10.0;
/// Lowest speed of a step, as a share of the highest one of the program: it would not end otherwise.
const LEAST_SPEED: f32 = 0.01;

/// One step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StrokeStep {
    /// Where it ends, as a share of the stroke: 0 is the back, 1 the depth.
    pub to: f32,
    /// Its highest speed, as a share of that of the program: 0.01 to 1.
    pub speed: f32,
    /// Rest behind it, in s: 0 to 10.
    pub rest_s: f32,
}

impl StrokeStep {
    const NONE: StrokeStep = StrokeStep { to: 0.0, speed: 1.0, rest_s: 0.0 };
}

/// Steps that a program repeats. A list in place, as the control cycle can free no memory.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StrokeSteps {
    list: [StrokeStep; STEPS_MAX],
    count: u8,
}

/// Why steps make no program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum StepsError {
    /// There is none, or there are too many.
    #[error("a program has 1 to {STEPS_MAX} steps")]
    Count,
    /// A number is out of its range.
    #[error("step {index}: {field} is out of its range")]
    OutOfRange {
        /// Which one, from 0.
        index: usize,
        /// The field.
        field: &'static str,
    },
}

impl StrokeSteps {
    /// The program of these steps.
    ///
    /// # Errors
    /// [`StepsError`].
    pub fn new(steps: &[StrokeStep]) -> Result<StrokeSteps, StepsError> {
        let count = u8::try_from(steps.len()).map_err(|_| StepsError::Count)?;
        if steps.is_empty() || steps.len() > STEPS_MAX {
            return Err(StepsError::Count);
        }
        let mut list = [StrokeStep::NONE; STEPS_MAX];
        for (index, (kept, step)) in list.iter_mut().zip(steps).enumerate() {
            let wrong = |field| StepsError::OutOfRange { index, field };
            // A NaN is in no range.
            if !(0.0..=1.0).contains(&step.to) {
                return Err(wrong("to"));
            }
            if !(LEAST_SPEED..=1.0).contains(&step.speed) {
                return Err(wrong("speed"));
            }
            if !(0.0..=LONGEST_REST_S).contains(&step.rest_s) {
                return Err(wrong("rest_s"));
            }
            *kept = *step;
        }
        Ok(StrokeSteps { list, count })
    }

    /// The steps.
    pub fn as_slice(&self) -> &[StrokeStep] {
        &self.list[..usize::from(self.count)]
    }
}
