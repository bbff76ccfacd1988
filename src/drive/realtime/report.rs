//! What was asked of the host, and what it gave.

use std::fmt;

use serde::Serialize;

/// The conditions for moving a real motor. All five, since each of them alone can delay a step by milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// Both threads run ahead of every ordinary one.
    Fifo,
    /// No page of the process has to be fetched.
    LockedMemory,
    /// Nothing else runs on the step loop's core.
    IsolatedCore,
    /// The scheduler takes no share of each second away from real-time threads.
    NoThrottle,
    /// Nor does its successor, from Linux 6.12 on.
    NoDeadlineServer,
}

impl Need {
    /// Each of them.
    pub const ALL: [Need; 5] =
        [Need::Fifo, Need::LockedMemory, Need::IsolatedCore, Need::NoThrottle, Need::NoDeadlineServer];

    /// In the words of a report.
    #[must_use]
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

/// One thing that was wanted of the host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Item {
    /// Its name.
    pub what: &'static str,
    /// What would be right.
    pub wanted: String,
    /// What there is. What cannot be read says so, and is not `ok`.
    pub got: String,
    /// Whether that is right.
    pub ok: bool,
    /// What to do when it is not.
    pub remedy: String,
    /// Which condition for moving a real motor this is, if it is one.
    #[serde(skip)]
    pub need: Option<Need>,
}

impl Item {
    /// Something that helps.
    #[must_use]
    pub fn new(what: &'static str, wanted: impl Into<String>, got: impl Into<String>, ok: bool) -> Item {
        Item { what, wanted: wanted.into(), got: got.into(), ok, remedy: String::new(), need: None }
    }

    /// What to do when it is not `ok`.
    #[must_use]
    pub fn remedy(mut self, remedy: impl Into<String>) -> Item {
        self.remedy = remedy.into();
        self
    }

    /// Something without which no real motor moves.
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

/// Everything that one start asked of the host.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RealtimeReport {
    /// In the order in which it was asked for.
    pub items: Vec<Item>,
}
