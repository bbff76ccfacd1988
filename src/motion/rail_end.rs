//! Ends of the rail: each has a limit switch.

/// An end of the rail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RailEnd {
    /// The end at 0 mm.
    Back,
    /// The far end.
    Front,
}

impl RailEnd {
    /// Name in messages and codes.
    pub const fn name(self) -> &'static str {
        match self {
            RailEnd::Back => "back",
            RailEnd::Front => "front",
        }
    }

    /// The other end.
    pub const fn opposite(self) -> RailEnd {
        match self {
            RailEnd::Back => RailEnd::Front,
            RailEnd::Front => RailEnd::Back,
        }
    }
}
