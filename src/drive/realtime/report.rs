//! Real-time report: each demand on the host with its result.

use std::fmt;

use serde::Serialize;

/// Conditions for moving a real motor. There are five, since each of them alone can delay a step by milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// Both threads take precedence over every ordinary one.
    Fifo,
    /// No page of the process has to be fetched.
    LockedMemory,
    /// Nothing else runs on the step loop's core.
    IsolatedCore,
    /// The scheduler takes no share of each second away from real-time threads.
    NoThrottle,
    /// Nor does its successor, the deadline server, from Linux 6.12 on.
    NoDeadlineServer,
}

impl Need {
    /// All conditions.
    pub const ALL: [Need; 5] =
        [Need::Fifo, Need::LockedMemory, Need::IsolatedCore, Need::NoThrottle, Need::NoDeadlineServer];

    /// Name in a report.
    pub const fn name(self) -> &'static str {
        match self {
            Need::Fifo => "real-time priority",
            Need::LockedMemory => "locked memory",
            Need::IsolatedCore => "an isolated core",
            Need::NoThrottle => "no real-time throttle",
            Need::NoDeadlineServer => "no deadline server",
        }
    }
}

/// One demand on the host, with its result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Item {
    /// Its name.
    pub what: &'static str,
    /// Required value.
    pub wanted: String,
    /// Value found. A value that cannot be read is described as such, and is not `ok`.
    pub got: String,
    /// True if the demand is met.
    pub ok: bool,
    /// Remedy if it is not.
    pub remedy: String,
    /// The condition for moving a real motor that this item belongs to, if any.
    #[serde(skip)]
    pub need: Option<Need>,
}

impl Item {
    /// A demand that is useful and no condition for moving.
    pub fn new(what: &'static str, wanted: impl Into<String>, got: impl Into<String>, ok: bool) -> Item {
        Item { what, wanted: wanted.into(), got: got.into(), ok, remedy: String::new(), need: None }
    }

    /// Sets the remedy.
    #[must_use]
    pub fn remedy(mut self, remedy: impl Into<String>) -> Item {
        self.remedy = remedy.into();
        self
    }

    /// Makes it a condition for moving a real motor.
    #[must_use]
    pub fn need(mut self, need: Need) -> Item {
        self.need = Some(need);
        self
    }
}

impl fmt::Display for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.what, self.got)?;
        if !self.ok {
            write!(f, ", wanted {}; {}", self.wanted, self.remedy)?;
        }
        Ok(())
    }
}

/// All demands of one start on the host.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RealtimeReport {
    /// In the order in which they were made.
    pub items: Vec<Item>,
}
