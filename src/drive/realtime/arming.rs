//! Arming condition: whether a real motor may move with what the host gave. Pure.

use std::fmt;

use super::report::{Item, Need, RealtimeReport};

/// Demands of a start on the host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Demand {
    /// None that other programs would feel: the simulated machine on an ordinary computer.
    Nothing,
    /// All of them, and the machine moves with what it gets: its owner decided so.
    Attempt,
    /// All of them, and nothing moves unless each is met.
    Require,
}

/// Reason why nothing may move.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArmingRefusal {
    /// Demands that the host does not meet.
    pub missing: Vec<Item>,
    /// Demands that were never made: a bug of the program, and no reason to move.
    pub unasked: Vec<Need>,
}

impl fmt::Display for ArmingRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("steps could come late on this host, so nothing may move")?;
        for item in &self.missing {
            write!(f, "\n  {item}")?;
        }
        for need in &self.unasked {
            write!(f, "\n  {}: not looked at", need.name())?;
        }
        Ok(())
    }
}

/// Checks whether the machine may be armed, given the demands of the start and their results.
///
/// # Errors
/// With [`Demand::Require`], unless each [`Need`] was checked and every item of it is `ok`.
pub fn may_arm(demand: Demand, report: &RealtimeReport) -> Result<(), ArmingRefusal> {
    match demand {
        Demand::Nothing | Demand::Attempt => Ok(()),
        Demand::Require => {
            let needed = || report.items.iter().filter(|item| item.need.is_some());
            let missing: Vec<Item> = needed().filter(|item| !item.ok).cloned().collect();
            let unasked: Vec<Need> =
                Need::ALL.into_iter().filter(|need| needed().all(|item| item.need != Some(*need))).collect();
            if missing.is_empty() && unasked.is_empty() {
                Ok(())
            } else {
                Err(ArmingRefusal { missing, unasked })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(need: Need, ok: bool) -> Item {
        Item::new(need.name(), "this", if ok { "this" } else { "that" }, ok)
            .remedy("change the host")
            .need(need)
    }

    fn report(given: impl Fn(Need) -> bool) -> RealtimeReport {
        RealtimeReport { items: Need::ALL.into_iter().map(|need| item(need, given(need))).collect() }
    }

    #[test]
    fn every_combination_of_what_a_host_gives() {
        for given in 0..1_u32 << Need::ALL.len() {
            let report = report(|need| given & 1 << need as u32 != 0);
            let all = given == (1 << Need::ALL.len()) - 1;
            assert_eq!(may_arm(Demand::Require, &report).is_ok(), all, "{given:05b}");
            assert_eq!(may_arm(Demand::Attempt, &report), Ok(()));
            assert_eq!(may_arm(Demand::Nothing, &report), Ok(()));
        }
    }

    #[test]
    fn one_of_two_threads_is_not_enough() {
        let mut report = report(|_| true);
        report.items.push(item(Need::Fifo, false));
        let refusal = may_arm(Demand::Require, &report).unwrap_err();
        assert_eq!(refusal.missing, [item(Need::Fifo, false)]);
    }

    #[test]
    fn what_was_never_looked_at_is_missing() {
        for need in Need::ALL {
            let mut report = report(|_| true);
            report.items.retain(|item| item.need != Some(need));
            assert_eq!(may_arm(Demand::Require, &report).unwrap_err().unasked, [need]);
        }
        assert!(may_arm(Demand::Require, &RealtimeReport::default()).is_err());
    }

    #[test]
    fn what_only_helps_forbids_nothing() {
        let mut report = report(|_| true);
        report.items.push(Item::new("governor", "performance", "powersave", false));
        assert_eq!(may_arm(Demand::Require, &report), Ok(()));
    }

    #[test]
    fn a_refusal_names_each_item_with_its_remedy() {
        let report = report(|need| need != Need::IsolatedCore);
        let said = may_arm(Demand::Require, &report).unwrap_err().to_string();
        assert!(said.contains("\n  an isolated core: that, wanted this; change the host"), "{said}");
        assert_eq!(said.lines().count(), 2);
    }
}
