//! The built-in programs, as users see them.

/// A built-in program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PatternKind {
    /// In and out.
    Simple,
    /// One way faster than the other.
    TeasingPounding,
    /// In and out with another share of speeding up.
    Robo,
    /// Full and half strokes in turn.
    HalfNHalf,
    /// Strokes that grow.
    Deeper,
    /// Series of strokes with rests between them.
    StopNGo,
    /// Short strokes at one end.
    Insist,
    /// A way in that is made of pulses.
    Torque,
    /// Turning points by chance.
    Random,
    /// Strokes that grow and shrink.
    Progressive,
}

/// What a user reads of a built-in program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PatternText {
    /// Its id in the API.
    pub id: &'static str,
    /// Its name.
    pub title: &'static str,
    /// What it does.
    pub text: &'static str,
    /// What sensation, from -100 to 100 as users say it, does; none if it does nothing.
    pub sensation: Option<&'static str>,
}

impl PatternKind {
    /// All of them; the first seven have the numbers of OSSM.
    pub const ALL: [PatternKind; 10] = [
        PatternKind::Simple,
        PatternKind::TeasingPounding,
        PatternKind::Robo,
        PatternKind::HalfNHalf,
        PatternKind::Deeper,
        PatternKind::StopNGo,
        PatternKind::Insist,
        PatternKind::Torque,
        PatternKind::Random,
        PatternKind::Progressive,
    ];

    /// The one with that id.
    #[must_use]
    pub fn by_id(id: &str) -> Option<PatternKind> {
        PatternKind::ALL.into_iter().find(|kind| kind.text().id == id)
    }

    /// What a user reads of it.
    #[must_use]
    pub const fn text(self) -> PatternText {
        let (id, title, text, sensation) = match self {
            PatternKind::Simple => ("simple", "Simple Stroke", "In and out, evenly.", None),
            PatternKind::TeasingPounding => (
                "teasing-pounding",
                "Teasing or Pounding",
                "In and out, one way faster than the other.",
                Some("above 0 the way in is up to five times faster than the mean, below 0 the way out"),
            ),
            PatternKind::Robo => (
                "robo",
                "Robo Stroke",
                "In and out, from soft to mechanical.",
                Some(
                    "below 0 a nearly constant speed with hard turns, above 0 speeding up and braking all the way",
                ),
            ),
            PatternKind::HalfNHalf => (
                "half-n-half",
                "Half'n'Half",
                "Half and full strokes in turn.",
                Some("above 0 the way in is up to five times faster than the mean, below 0 the way out"),
            ),
            PatternKind::Deeper => (
                "deeper",
                "Deeper",
                "Each stroke is longer than the one before, up to the full stroke; then again.",
                Some("strokes until the full one: 2 at -100, 11 at 0, 32 at 100"),
            ),
            PatternKind::StopNGo => (
                "stop-n-go",
                "Stop'n'Go",
                "Series of 1, 2, 3, 4, 5, 4, 3, 2, 1 strokes with a rest at the back behind each.",
                Some("length of the rest: 0.1 s at -100 to 10 s at 100"),
            ),
            PatternKind::Insist => (
                "insist",
                "Insist",
                "Short strokes at one end, at the speed of the full ones.",
                Some("above 0 strokes become shorter at the front, below 0 at the back; up to 95 %"),
            ),
            PatternKind::Torque => (
                "torque",
                "Torque",
                "The way in is made of four pulses, each with a partial retreat; the way out is one.",
                Some("length of the retreats: a tenth of a pulse at -100, a half at 0, nine tenths at 100"),
            ),
            PatternKind::Random => (
                "random",
                "Random",
                "Each stroke has other turning points and times, and none is like another.",
                Some("how different strokes are: a little at -100, as much as possible at 100"),
            ),
            PatternKind::Progressive => (
                "progressive",
                "Progressive",
                "Stroke and speed grow to the full ones and shrink again.",
                Some("strokes until the full one: 2 at -100, 11 at 0, 32 at 100"),
            ),
        };
        PatternText { id, title, text, sensation }
    }
}
